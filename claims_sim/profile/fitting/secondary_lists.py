"""Which secondary codes stand in long lists and which in short ones, and in those of grave claims.

A complication is hardly ever alone, and a birth's outcome often is.

How many codes a list has, and how grave its claim is, is drawn before they are. A context of theirs divided by that would have too
few claims for most of its codes to be told; so a profile counts apart how long the lists are that groups of codes begin, or are in,
for groups of diagnoses, and how grave the claims with these lists. A code is then the likelier in a list of some length, of a
claim of some severity, the more lists of its group are so (Bayes).
"""

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from claims_sim.profile.counts.builder import Builder
from claims_sim.profile.counts.companions import FIRST_MEMBER, MEMBER
from claims_sim.profile.counts.counting import Ints, Population
from claims_sim.profile.counts.lookup import steps_of
from claims_sim.profile.counts.release import Parent, Target
from claims_sim.profile.document import Profile
from claims_sim.profile.document_parts import Feature, Level, Table

LENGTH: Final = "secondary_count"
SEVERITY: Final = "severity_group"
LENGTH_BY: Final = {FIRST_MEMBER: "length_by_first_member", MEMBER: "length_by_member"}
"""The tables of lengths, by the table of the codes whose lists these are."""
SEVERITY_BY: Final = {FIRST_MEMBER: "severity_by_first_member", MEMBER: "severity_by_member"}
MOST_SEVERITIES: Final = 8
"""More are groups of cases, which a diagnosis and its procedure make."""
_BANDS: Final = 3
"""Grave claims have long lists: which of the codes are grave is told beside how long a list is, by and large."""
_STEPS, _MOST_STEPS = 4, 4_000_000
"""Of weight for a unit of each length; fewer, but one, where a table would have more of all."""
_MOST_WEIGHTS: Final = 20_000_000
"""So many cells, or groups of codes in contexts, by lengths and severities at most: severities are left out of larger tables."""

Shares = npt.NDArray[np.floating[Any]]


def add_lists(
    builder: Builder,
    members: Target,
    owner: Parent,
    length: Target,
    population: Population,
    severity: Parent | None = None,
) -> None:
    """Release how long the lists are of the codes `members`, by the group of each and of its claim's `owner`, a diagnosis; and of
    what `severity` the claims are, beside that.

    All are of the same rows, of the `population`; nothing is released where a code's group tells hardly more than its owner's.
    """  # noqa: D205
    member = Parent(members.name, *members[1:])
    _add(builder, length._replace(name=LENGTH_BY[members.name]), owner, member, population)
    if severity is None or not 1 < severity.size <= MOST_SEVERITIES:
        return
    counted = Target(
        SEVERITY_BY[members.name], np.where(members.codes >= 0, severity.codes, np.int32(-1)), severity.size
    )
    if _add(builder, counted, owner, member, population, beside=length):
        builder.use_feature(SEVERITY)


def _add(
    builder: Builder,
    counted: Target,
    owner: Parent,
    member: Parent,
    population: Population,
    beside: Target | None = None,
) -> bool:
    """Release a table of lists by groups of owners and of codes, with lengths in bands between them where it is told `beside` these;
    whether a code's group tells enough for that.
    """  # noqa: D205
    before = dict(builder.features)
    of_owner, of_member = (builder.in_groups(counted, parent, population) for parent in (owner, member))
    parents = [of_owner, *([] if beside is None else [_in_bands(builder, counted.name, beside)]), of_member]
    if not builder.last_tells_more(counted, parents, population):
        builder.features = before
        return False
    builder.release(counted, parents, population)
    builder.use_feature(LENGTH)
    return True


def _in_bands(builder: Builder, name: str, length: Target) -> Parent:
    """How long a list is in a few bands of about as many lists, as far as that is told; it is a feature of the profile."""
    count = np.maximum(builder.tables[LENGTH].marginal()[: length.size], 0)
    count[0] = 0
    before = np.cumsum(count) - count
    band = np.minimum((before + count / 2) * _BANDS / max(float(count.sum()), 1.0), _BANDS - 1).astype(np.int32)
    parent = Parent(f"{LENGTH}~{name}~{_BANDS}", np.append(band, np.int32(-1))[length.codes], _BANDS)
    builder.features[parent.name] = Feature(variable=LENGTH, size=_BANDS, groups=tuple(band.tolist()))
    return parent


def by_list(profile: Profile, name: str) -> Table:
    """The table `name` of secondary codes with what is told of their lists before all else that is given, for drawing only: how
    long they are, and how grave their claims.

    The table itself where nothing is told of either.
    """  # noqa: D205
    table = profile.tables[name]
    sides = _sides(profile, name)
    if not sides:
        return table
    severities = max(side.likely.shape[3] for side in sides)
    sizes = (sides[0].likely.shape[2], severities)
    every = sum(sum(level.units) for level in table.levels)
    per_unit = min(max(_MOST_STEPS / (every * sizes[0] * severities), 1.0), _STEPS)
    levels = [table.levels[0]]
    above = [np.full((1, side.likely.shape[1]), 1 / side.likely.shape[1]) for side in sides]
    steps = steps_of([(level.contexts, len(level.cells)) for level in table.levels], table.sizes)
    for depth, level in enumerate(table.levels):
        paths = _paths(level, depth)
        context = np.repeat(np.arange(len(level.cells)), np.array(level.cells, np.int64))
        values, units = np.array(level.values, np.int64), np.array(level.units, np.float32)
        if depth:
            above = [each[steps[depth - 1].parent] for each in above]
        weight: Shares = np.broadcast_to(units[:, None, None], (len(units), *sizes))
        for side, each in zip(sides, above, strict=True):
            weight = weight * side.weights(profile, table.parents[:depth], paths, context, values, each)
        weight = weight.reshape(len(units), sizes[0] * sizes[1])
        weight = weight * _scale(context, weight, units)
        above = [side.mix(each, context, values, units) for side, each in zip(sides, above, strict=True)]
        if not depth and severities > 1:
            by_length_alone = weight.reshape(len(units), *sizes).mean(2)
            levels.append(_for_each_class(level, paths, context, by_length_alone * per_unit, sizes[:1]))
        levels.append(_for_each_class(level, paths, context, weight * per_unit, sizes if severities > 1 else sizes[:1]))
    given = 2 if severities > 1 else 1
    return Table(
        name=name,
        size=table.size,
        parents=(*(LENGTH, SEVERITY)[:given], *table.parents),
        sizes=(*sizes[:given], *table.sizes),
        levels=tuple(levels),
        has_pools=table.has_pools,
    )


class _Side(NamedTuple):
    """What one table tells of lists: how likely each length and severity is for each group of owners and of codes."""

    owner: Feature
    group_of: Ints
    """Of each code."""
    likely: Shares
    """A group of owners, a group of codes, a length, a severity (one alone where it is told of lengths)."""

    def weights(
        self, profile: Profile, parents: tuple[str, ...], paths: Ints, context: Ints, values: Ints, above: Shares
    ) -> Shares:
        """Of each cell, for each length and severity; what is withheld of a context is of groups as `above`."""
        of_group = np.einsum("cg,gmls->cmls", _owners(profile, self.owner, parents, paths), self.likely)
        weight = of_group[context, self.group_of[values]]
        withheld = values < 0
        weight[withheld] = np.einsum("cm,cmls->cls", above, of_group)[context[withheld]]
        return np.asarray(weight, np.float32)

    def mix(self, above: Shares, context: Ints, values: Ints, units: Shares) -> Shares:
        """Of which groups the codes of each context are, as far as they are told, and as `above` says."""
        mix = above.copy()
        told = values >= 0
        np.add.at(mix, (context[told], self.group_of[values[told]]), units[told])
        return np.asarray(mix / mix.sum(1, keepdims=True))


def _sides(profile: Profile, name: str) -> list[_Side]:
    """What is told of the lists that hold codes of the table `name`."""
    found, table, size = [], profile.tables[name], profile.tables[name].size
    by_length, by_severity = (profile.tables.get(of[name]) for of in (LENGTH_BY, SEVERITY_BY))
    if by_length is not None:
        owner, member = (profile.features[parent] for parent in by_length.parents)
        found.append(_Side(owner, _group_of(member, size), _likely(by_length)[..., None]))
    if by_severity is not None:
        owner, band, member = (profile.features[parent] for parent in by_severity.parents)
        assert band.groups is not None  # noqa: S101 - lengths are in bands there
        weights = max(max(len(level.values), len(level.cells) * member.size) for level in table.levels)
        if weights * len(band.groups) * by_severity.size <= _MOST_WEIGHTS:
            likely = np.moveaxis(_likely(by_severity), 1, 2)[:, :, np.array(band.groups)]
            found.append(_Side(owner, _group_of(member, size), likely))
    return found


def _group_of(member: Feature, size: int) -> Ints:
    return np.arange(size) if member.groups is None else np.array(member.groups)


def _paths(level: Level, depth: int) -> Ints:
    """What is given in each context of a level: a row a context, a column a parent."""
    return np.array(level.contexts, np.int64).reshape(len(level.cells), depth)


def _scale(context: Ints, weight: Shares, units: Shares) -> Shares:
    """What makes the cells of a context weigh as much for each length as they count: a row a cell, a column a length."""
    contexts = int(context.max(initial=0)) + 1
    before = np.bincount(context, units, contexts)
    after = np.column_stack([np.bincount(context, each, contexts) for each in weight.T])
    scale = np.where(after > 0, before[:, None] / np.maximum(after, 1e-12), 0.0)
    return np.asarray(scale[context], np.float32)


def _for_each_class(level: Level, paths: Ints, context: Ints, weight: Shares, sizes: tuple[int, ...]) -> Level:
    """The contexts of a level once for each length from 1 on, and each severity where `sizes` has these; `weight`: of each cell, for
    each of these.
    """  # noqa: D205
    severities = sizes[1] if len(sizes) > 1 else 1
    weighed = np.rint(weight[:, severities:].T).astype(np.int64)
    of_class, cell = np.nonzero(weighed)
    classes, contexts = len(weighed), len(level.cells)
    cells = np.bincount(of_class * contexts + context[cell], minlength=classes * contexts)
    number = np.repeat(np.arange(severities, severities + classes), contexts)
    own = np.column_stack(np.divmod(number, severities)) if len(sizes) > 1 else number[:, None]
    given = np.column_stack([own, np.tile(paths, (classes, 1))])
    return Level(
        contexts=tuple(given.ravel().tolist()),
        cells=tuple(cells.tolist()),
        values=tuple(np.array(level.values)[cell].tolist()),
        units=tuple(weighed[of_class, cell].tolist()),
    )


def _likely(lengths: Table) -> Shares:
    """How likely each length is for each group of owners and of codes, as the table tells it."""
    likely = np.full((1, lengths.size), 1 / lengths.size)
    places: Ints = np.zeros(1, np.int64)
    for depth, level in enumerate(lengths.levels):
        if depth:
            likely = np.repeat(likely, lengths.sizes[depth - 1], axis=0)
            places = np.asarray(np.ravel_multi_index(tuple(_paths(level, depth).T), lengths.sizes[:depth]), np.int64)
        context = np.repeat(places, np.array(level.cells, np.int64))
        values, units = np.array(level.values, np.int64), np.array(level.units, np.float64)
        counted, told = np.zeros(len(likely)), np.zeros_like(likely)
        np.add.at(counted, context, units)
        np.add.at(told, (context[values >= 0], values[values >= 0]), units[values >= 0])
        rest = (counted - told.sum(1))[:, None]
        some = counted > 0
        likely[some] = ((told + rest * likely) / np.maximum(counted, 1)[:, None])[some]
    return likely.reshape(*lengths.sizes, lengths.size)


def _owners(profile: Profile, owner: Feature, parents: tuple[str, ...], paths: Ints) -> Shares:
    """How the claims of each context are shared among the groups of owners, as far as it is given of which owners they are."""
    codes = len(profile.vocabularies[owner.variable])
    group_of = np.arange(codes) if owner.groups is None else np.array(owner.groups)
    weight = np.maximum(profile.tables[owner.variable].marginal()[:codes], 0) + 1e-3
    inside = np.broadcast_to(weight, (1, codes))
    place = np.zeros(len(paths), np.int64)
    for at, feature in enumerate(profile.features[parent] for parent in parents):
        if feature.variable != owner.variable:
            continue
        of = np.arange(codes) if feature.groups is None else np.array(feature.groups)
        inside = np.where(of == np.arange(feature.size)[:, None], weight, 0.0)
        place = paths[:, at]
        if feature.groups is None:
            break
    shares = np.zeros((len(inside), owner.size))
    for group in range(owner.size):
        shares[:, group] = inside[:, group_of == group].sum(1)
    total = shares.sum(1, keepdims=True)
    return np.asarray(np.where(total > 0, shares / np.maximum(total, 1e-12), 1 / owner.size)[place])
