"""Add one variable after the other to a profile: learn its parents, release its table, keep what it refers to."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from claims_sim.profile.counts.as_released import log_likelihood, of_sample
from claims_sim.profile.counts.counting import NONE_RELEASED, Codes, Ints, Mask, Population
from claims_sim.profile.counts.release import PLAIN, Parent, Rule, Target, release_table
from claims_sim.profile.counts.structure import (
    CLEARLY,
    GROUPING_COST,
    MAX_PARENTS,
    MIN_GAIN,
    MOST_GROUPS,
    choose_parents,
    in_groups,
    sample_rows,
    tell_clearly_more,
)
from claims_sim.profile.counts.withheld import THIN, group_what_is_withheld, place_to_group
from claims_sim.profile.document_parts import Feature, Table

_MANY_VALUES: Final = 24
"""With fewer, hardly any are too rare to be told."""

_LIKELIER: Final = 0.02
"""Log likelihood a row that another order must be worth: what comes later says less of all that is rare."""


@dataclass(slots=True)
class Builder:
    """Collects tables and features; `variables` holds the codes and sizes that later tables may depend on."""

    population: Population
    variables: dict[str, tuple[Codes, int]] = field(default_factory=dict)
    features: dict[str, Feature] = field(default_factory=dict)
    tables: dict[str, Table] = field(default_factory=dict)
    smallest: int = NONE_RELEASED

    def candidates(self, names: Sequence[str], at: Ints | None = None) -> list[Parent]:
        """Parents named `names` as far as they exist, for all rows or for the rows `at` (which may repeat)."""
        return [
            Parent(
                name, self.variables[name][0] if at is None else self.variables[name][0][at], self.variables[name][1]
            )
            for name in names
            if name in self.variables
        ]

    def add(
        self,
        target: Target,
        candidates: Sequence[Parent],
        *,
        population: Population | None = None,
        rule: Rule = PLAIN,
        most: int = MAX_PARENTS,
        first: Sequence[str] = (),
        has_many: bool = False,
        tries_code: bool = False,
        in_order: bool = False,
        learned: Sequence[Parent] | None = None,
    ) -> Codes:
        """Learn, release and keep the table of `target`; returns the target as it was counted.

        The variables `first`, as far as they exist, are given before all others, so that no cell is too small for them to be known.
        A target that `has_many` codes, of which a context has few each, has its parents weighed as the table will be released.
        With `tries_code` it is learned like any other, and then the candidate that has most values is tried behind what was learned,
        weighed so. Parents are given `in_order` as they were learned where the first ones say which values are possible at all.
        `learned`: the parents, where `learn` has found them already.
        """
        parents = learned or self.learn(target, candidates, most, population, has_many=has_many)
        own = self.candidates(first)
        for parent in own:
            self.use_feature(parent.name)
        parents = [*own, *(parent for parent in parents if parent.name not in first)]
        if rule == PLAIN:
            parents = self._with_groups(target, parents, population or self.population)
        if has_many or tries_code:
            parents = self._likeliest(target, parents, candidates, population or self.population, own)
        if rule == PLAIN and target.size >= _MANY_VALUES and not in_order:
            # Groups of the last of its own parents may stand before it.
            fixed = max((i + 1 for i, parent in enumerate(parents) if parent.name in first), default=0)
            parents = _in_likeliest_order(target, parents, fixed, population or self.population)
        return self.release(target, parents, population or self.population, rule)

    def release(self, target: Target, parents: Sequence[Parent], population: Population, rule: Rule = PLAIN) -> Codes:
        """Release and keep the table of `target` given just these `parents`; returns the target as it was counted."""
        released = release_table(target, parents, population, rule)
        self.smallest = min(self.smallest, released.fewest)
        self.tables[target.name] = released.table
        return released.codes

    def gain(self, target: Target, parents: Sequence[Parent], given: int = 0) -> float:
        """Log likelihood a row that the parents behind the first `given` ones bring, as a table is released."""
        few, thin = _some_rows(target)
        if len(parents) <= given or not len(few):
            return 0.0
        sample = _sample(target, few, self.population)
        with_them, without = (log_likelihood(thin, _at(way, few), sample) for way in (parents, parents[:given]))
        return with_them - without

    def tells_most(self, target: Target, parents: Sequence[Parent], share: float) -> bool:
        """Do the parents tell at least this share of what is open of `target` without them, as a table is released?"""
        few, thin = _some_rows(target)
        if not len(few):
            return False
        sample = _sample(target, few, self.population)
        left, open_ = (log_likelihood(thin, given, sample) for given in (_at(parents, few), []))
        return left > (1 - share) * open_

    def last_tells_more(self, target: Target, parents: Sequence[Parent], population: Population) -> bool:
        """Does the last of the parents tell clearly more of `target` than those before it, as a table is released?"""
        few, thin = _some_rows(target)
        if not len(few):
            return False
        given, sample = _at(parents, few), _sample(target, few, population)
        gain = log_likelihood(thin, given, sample) - log_likelihood(thin, given[:-1], sample)
        last = self.features[parents[-1].name]
        return gain > CLEARLY + (GROUPING_COST * len(last.groups) / len(few) if last.groups else 0.0)

    def in_groups(self, target: Target, parent: Parent, population: Population) -> Parent:
        """The parent, its codes in the most groups there are, by where the target is alike; itself where these are more than half
        its codes. It is a feature of the profile. Of a code only what may be told of it says in which group it is.
        """  # noqa: D205
        few, thin = _some_rows(target)
        groups = None
        if parent.size >= 2 * MOST_GROUPS:
            few = few[_told_together(target, parent, few, population)]
            thin = Target(target.name, target.codes[few], target.size)
            grouping = in_groups(thin, np.zeros(len(few), np.int64), _at([parent], few)[0], MOST_GROUPS)
            groups = grouping.groups
            parent = grouping.parent._replace(codes=np.append(np.array(groups, np.int32), np.int32(-1))[parent.codes])
        self.features[parent.name] = Feature(variable=parent.variable, size=parent.size, groups=groups)
        return parent

    def learn(
        self,
        target: Target,
        candidates: Sequence[Parent],
        most: int = MAX_PARENTS,
        population: Population | None = None,
        *,
        has_many: bool = False,
    ) -> list[Parent]:
        """The parents of `target` in order of use, as features of the profile."""
        few, thin = _some_rows(target)
        sample = _sample(target, few, population or self.population) if has_many else None
        chosen, groupings = choose_parents(thin, _at(candidates, few), most, sample)
        by_name = {parent.name: parent for parent in candidates}
        parents = []
        for parent in chosen:
            variable = parent.variable
            groups, size = groupings.get(parent.name), parent.size
            codes = by_name[variable].codes
            if groups is not None:
                groups, size = _as_far_as_told(groups, by_name[variable], few, population or self.population)
                codes = np.append(np.array(groups, np.int32), np.int32(-1))[codes]
            self.features[parent.name] = Feature(variable=variable, size=size, groups=groups)
            parents.append(Parent(parent.name, codes, size))
        return parents

    def tell_clearly_more(self, target: Target, candidates: Sequence[Parent], further: Sequence[Parent]) -> bool:
        """Do `further` candidates say clearly more of `target` than `candidates` alone do?"""
        few, thin = _some_rows(target)
        return tell_clearly_more(thin, _at(candidates, few), _at(further, few))

    def _with_groups(self, target: Target, parents: list[Parent], population: Population) -> list[Parent]:
        """The parents, with groups of a parent's codes before it where they tell more of what its cells withhold."""
        place = place_to_group(parents)
        groups = None if place is None else group_what_is_withheld(target, parents, place, population)
        if place is None or groups is None:
            return parents
        parent, size = parents[place], max(groups) + 1
        name = f"{parent.name}~{target.name}~{THIN}~{size}"
        self.features[name] = Feature(variable=parent.name, size=size, groups=groups)
        between = Parent(name, np.append(np.array(groups, np.int32), np.int32(-1))[parent.codes], size)
        return [*parents[:place], between, *parents[place:]]

    def _likeliest(
        self,
        target: Target,
        learned: list[Parent],
        candidates: Sequence[Parent],
        population: Population,
        own: list[Parent],
    ) -> list[Parent]:
        """The parents that were learned, alone or before the code that has most values; or that code after its groups, and after
        its `own` ones, which come first in any case.
        """  # noqa: D205
        code = max(candidates, key=lambda parent: parent.size, default=None)
        few, thin = _some_rows(target)
        # That code after its groups is grouped already.
        if code is None or not len(few) or [p.name for p in learned if f"~{THIN}~" not in p.name] == [code.name]:
            return learned
        before = dict(self.features)
        ways = [learned] if any(parent.name == code.name for parent in learned) else [learned, [*learned, code]]
        grouped = self._with_groups(target, [*own, code], population)
        sample = _sample(target, few, population)
        best = max([*ways, grouped], key=lambda way: log_likelihood(thin, _at(way, few), sample) - MIN_GAIN * len(way))
        # Groups of one way may have the name of another's, and be others.
        self.features = self.features if best is grouped else before
        used = {parent.name for parent in best}
        for unused in {parent.name for parent in learned if "~" in parent.name} - used:
            del self.features[unused]
        if code.name in used:
            self.use_feature(code.name)
        return best

    def or_rather(self, target: Target, learned: list[Parent], first: Sequence[str]) -> list[Parent]:
        """The variables `first`, then what was `learned` besides, where that makes the target clearly likelier as its table is released:
        two may say much together that say little one by one.
        """  # noqa: D205
        few, thin = _some_rows(target)
        own = self.candidates(first)
        others = [parent for parent in learned if parent.variable not in first]
        if not len(few) or len(own) < len(first):
            return learned
        sample = _sample(target, few, self.population)
        ways = [[*own, *others[:kept]] for kept in range(len(others) + 1)]
        likely = [log_likelihood(thin, _at(way, few), sample) for way in (learned, *ways)]
        best = int(np.argmax(likely))
        if likely[best] <= likely[0] + CLEARLY:
            return learned
        found = ways[best - 1]
        for unused in {parent.name for parent in learned} - {parent.name for parent in found}:
            if "~" in unused:  # groups are one table's own; a plain variable may be another's parent, too
                del self.features[unused]
        for parent in own:
            self.use_feature(parent.name)
        return found

    def use_feature(self, name: str) -> None:
        """Keep the plain variable `name` as a feature of the profile."""
        self.features[name] = Feature(variable=name, size=self.variables[name][1])

    def feature_codes(self, name: str) -> Codes:
        """The codes of a feature that is kept already."""
        feature = self.features[name]
        codes = self.variables[feature.variable][0]
        if feature.groups is None:
            return codes
        grouped: Codes = np.append(np.array(feature.groups, np.int32), np.int32(-1))[codes]
        return grouped


def _in_likeliest_order(target: Target, parents: list[Parent], fixed: int, population: Population) -> list[Parent]:
    """The parents with one of them before all but the first `fixed` ones, where a table is clearly likelier so.

    They were chosen as if every context told all that it has. What is too rare to be told is drawn from where only the first of
    them are given, which therefore should be those that say most of it: whether a patient stays, of operations.
    """
    if len(parents) < fixed + 2:
        return parents
    few, thin = _some_rows(target)
    if not len(few):
        return parents
    sample, ways = _sample(target, few, population), [parents]
    for place in range(fixed + 1, len(parents)):
        one, before = parents[place], parents[fixed:place]
        # Behind its own groups a parent says the rest; before them they would say nothing.
        if all(other.variable != one.name for other in before):
            ways.append([*parents[:fixed], one, *before, *parents[place + 1 :]])
    likely = [log_likelihood(thin, _at(way, few), sample) for way in ways]
    best = int(np.argmax(likely))
    return ways[best] if likely[best] > likely[0] + _LIKELIER else parents


def _some_rows(target: Target) -> tuple[Ints, Target]:
    """Rows where the target is known, not too many to learn structure from; and the target there."""
    known = np.flatnonzero(target.codes >= 0)
    few = known[sample_rows(len(known))]
    return few, Target(target.name, target.codes[few], target.size)


def _sample(target: Target, rows: Ints, population: Population) -> Population:
    return of_sample(population, rows, np.flatnonzero(target.codes >= 0))


def _at(parents: Sequence[Parent], rows: Ints) -> list[Parent]:
    return [Parent(parent.name, parent.codes[rows], parent.size) for parent in parents]


def _told_together(target: Target, parent: Parent, rows: Ints, population: Population) -> Mask:
    """Which of `rows` have a code of the parent and one of the target that enough of all rows have both."""
    cells = np.full(population.rows, -1, np.int64)
    both = np.flatnonzero((parent.codes >= 0) & (target.codes >= 0))
    cells[both] = parent.codes[both].astype(np.int64) * target.size + target.codes[both]
    told = population.releasable(cells[both], parent.size * target.size, both)
    return (cells[rows] >= 0) & told[cells[rows]]


def _as_far_as_told(
    groups: tuple[int, ...], parent: Parent, rows: Ints, population: Population
) -> tuple[tuple[int, ...], int]:
    """The groups with those codes in one of their own of which too few of the `rows` that they were made of may be told; and how many
    groups there are.
    """  # noqa: D205
    codes = parent.codes[rows].astype(np.int64)
    known = codes >= 0
    told = population.releasable(codes[known], parent.size, rows[known])
    rare = max(groups) + 1
    return tuple(np.where(told, np.array(groups, np.int64), rare).tolist()), rare + (not told.all())
