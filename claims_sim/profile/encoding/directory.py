"""Hand the claims of facilities that may not be told apart out among facilities like them, before anything is counted.

A kind is what the source's columns say of a facility: its place, class, type and owner. Where a kind has fewer than three
facilities, or one that dominates, it joins kinds like it until the group may be told; the group's claims are then dealt
out among its kinds at random, in shares that follow from the directory and from totals that may be told (told_totals.py). So
whatever is counted afterwards follows from groups that hold the rule, from these totals and from names. The proof is in
docs/privacy-proof.md.
"""

from collections.abc import Sequence
from itertools import chain
from typing import Final, NamedTuple

import numpy as np

from claims_sim.profile.counts.counting import (
    MIN_FACILITIES,
    NO_KEY,
    UNTOLD,
    Codes,
    Ints,
    Mask,
    Population,
    dense_ids,
    distinct_values,
)
from claims_sim.profile.counts.numbers import Numbers
from claims_sim.profile.encoding.told_totals import shares_of_kinds
from claims_sim.randomness import stream_key, uniforms

COLUMNS: Final = ("facility_class", "facility_type", "province_name", "facility_ownership", "district_name")
"""What may describe a facility; kinds that agree in the first ones are the most alike. Houses of a class are nearer to each other
in size, prices and patients than houses of a place are; whether those of an owner are, too, claims say (directory_order.py).
"""
_WITHIN: Final = 0.381966
"""Where a claim lies in its part of its group's: off the middle and all simple fractions, where shares of few claims end. What a
machine adds up otherwise in the last place then deals none out otherwise.
"""
_AGREE: Final = 0.99
"""A column describes facilities when so many claims have what most claims of their facility have."""


def is_attribute(codes: Codes, facilities: Ints, agree: float = _AGREE) -> bool:
    """Does the column say of each facility the same in practically all its claims? Facility 0 stands for unknown ones."""
    known = facilities > 0
    width = int(codes.max(initial=0)) + 2
    cells, distinct = dense_ids(facilities[known] * width + codes[known] + 1)
    most = np.zeros(int(facilities.max(initial=0)) + 1, np.int64)
    np.maximum.at(most, distinct // width, np.bincount(cells))
    return bool(most.sum() >= agree * max(int(known.sum()), 1))


class Dealt(NamedTuple):
    """The columns (in the order given, codes from -1 for missing) as they may be counted, and who was grouped with whom."""

    columns: list[Codes]
    group: Ints
    """Of each row; -1 where its kind stands alone."""
    members: list[Codes]
    """The columns of the groups' kinds, group by group."""
    start: Ints
    """Where each group's kinds begin in `members`, and the end."""
    kinds: Ints
    """The codes of every kind, a row each."""
    kind: Ints
    """The kind of each row as it came."""
    kind_dealt: Ints
    """The kind of each row as it may be counted."""


class Grouped(NamedTuple):
    """The kind of each row, the codes of each kind, and for each kind the lowest one of its group."""

    kind: Ints
    kinds: Ints
    group: Ints

    def alone(self) -> Mask:
        """Which rows are of kinds that no other has joined."""
        return np.asarray(np.bincount(self.group, minlength=len(self.kinds))[self.group[self.kind]] == 1)


def group_facilities(columns: Sequence[Codes], population: Population) -> Grouped:
    """The kinds of facilities that the columns describe, in groups that may be told."""
    kind, kinds = _kinds(columns)
    return Grouped(kind, kinds, group_kinds(kind, kinds, population))


def deal_out(grouped: Grouped, population: Population) -> Dealt:
    """Deal the claims of facilities that may not be told apart out among facilities like them."""
    kind, kinds, group = grouped
    shares = shares_of_kinds(kind, kinds, group, population)
    dealt = _deal(kind, group, shares, population.rounding_key)
    several = np.flatnonzero(np.bincount(group, minlength=len(kinds)) > 1)
    number = np.full(len(kinds), -1, np.int64)
    number[several] = np.arange(len(several))
    of_kind = number[group]
    members = np.argsort(of_kind, kind="stable")[np.count_nonzero(of_kind < 0) :]
    places = range(kinds.shape[1])
    return Dealt(
        columns=[kinds[dealt, place].astype(np.int32) for place in places],
        group=of_kind[kind],
        members=[kinds[members, place].astype(np.int32) for place in places],
        start=np.searchsorted(of_kind[members], np.arange(len(several) + 1)),
        kinds=kinds,
        kind=kind,
        kind_dealt=dealt,
    )


def _kinds(columns: Sequence[Codes]) -> tuple[Ints, Ints]:
    """The kind of each row, and the codes of each kind (kinds in order of their codes)."""
    key = np.zeros(len(columns[0]), np.int64)
    kinds = np.zeros((1, 0), np.int64)
    for codes in columns:
        width = int(codes.max(initial=0)) + 2
        key, distinct = dense_ids(key * width + codes + 1)
        kinds = np.column_stack([kinds[distinct // width], distinct % width - 1])
    return key, kinds


class _Grouping:
    """Kinds on their way into groups: `group` names each one's by its lowest kind, `done` says that it may be told."""

    def __init__(self, kind: Ints, kinds: Ints, population: Population) -> None:
        self.kinds, self._population = kinds, population
        self.claims = np.bincount(kind, minlength=len(kinds))
        self._rows, self._end = np.argsort(kind, kind="stable"), np.cumsum(self.claims)
        owner, house = _houses(kind, population)
        self._houses = np.split(house, np.searchsorted(owner, np.arange(1, len(kinds))))
        self._unknown = np.zeros(len(kinds), np.bool_)
        self._unknown[owner[house == UNTOLD]] = True
        self.group = np.arange(len(kinds))
        # Of facilities that nobody can tell, few claims are merely few claims.
        self.done = self._unknown | population.releasable(kind, len(kinds))

    def may_be_told(self, kinds: Ints) -> bool:
        """May these kinds together be told?"""
        whole, claims = self._population, int(self.claims[kinds].sum())
        houses = set(chain.from_iterable(self._houses[kind] for kind in kinds)) - {NO_KEY}
        if claims < whole.k or (len(houses) < MIN_FACILITIES and not self._unknown[kinds].any()):
            return False
        rows = np.concatenate([self._rows[self._end[kind] - self.claims[kind] : self._end[kind]] for kind in kinds])
        # Numbered anew: what is counted then grows with these claims, not with the table.
        persons, facilities = (_numbered(owners, rows) for owners in (whole.persons, whole.facilities))
        there = Population(claims, whole.k, persons, facilities)
        return there.may_be_told(np.arange(claims))

    def close(self, kinds: Ints) -> None:
        """Make one group of them."""
        self.group[kinds], self.done[kinds] = kinds.min(), True

    def join(self, open_: Ints) -> None:
        """Make groups of kinds that are not done, in the order of their codes, each as small as may be told."""
        begun: list[int] = []
        last: Ints | None = None
        for kind in open_.tolist():
            begun.append(kind)
            if self.may_be_told(np.array(begun)):
                last = np.array(begun)
                self.close(last)
                begun = []
        if begun and last is not None:
            self.close(np.r_[last, begun])

    def absorb(self, open_: Ints, inside: Ints) -> None:
        """Let kinds that are not done join the smallest group among `inside`, then the next, until they may be told."""
        # How many of unknown facilities there are nobody knows: with them a kind would get any share at all.
        known = inside[self.done[inside] & ~self._unknown[inside]]
        leaders = np.unique(self.group[known])
        claims = np.bincount(self.group, self.claims, len(self.group))
        for leader in leaders[np.argsort(claims[leaders], kind="stable")]:
            open_ = np.union1d(open_, np.flatnonzero((self.group == leader) & self.done))
            if self.may_be_told(open_):
                self.close(open_)
                return


def group_kinds(kind: Ints, kinds: Ints, population: Population) -> Ints:
    """For each kind the lowest kind of its group; every group may be told, as far as there are enough facilities at all.

    Kinds join those that agree with them in most of the first columns. Who joins whom follows from the codes; the
    population only says when a group may be told. What a place leaves over joins the smallest group there.
    """
    grouping = _Grouping(kind, kinds, population)
    for columns in range(kinds.shape[1] - 1, -1, -1):
        block = np.unique(kinds[:, :columns], axis=0, return_inverse=True)[1].ravel()
        for here in np.unique(block[~grouping.done]):
            inside = np.flatnonzero(block == here)
            grouping.join(inside[~grouping.done[inside]])
            left = inside[~grouping.done[inside]]
            if len(left) and columns <= 1:
                grouping.absorb(left, inside)
    return grouping.group


def _houses(kind: Ints, population: Population) -> tuple[Ints, Ints]:
    """The facilities of each kind, as pairs of kind and facility in order; UNTOLD among them where nobody can tell some."""
    assert population.facilities is not None  # noqa: S101 - whoever groups kinds tells facilities apart
    width = int(population.facilities.max(initial=0)) + 2
    _, distinct = dense_ids(kind * width + population.facilities + 1)
    return distinct // width, distinct % width - 1


def _numbered(owners: Ints | None, rows: Ints) -> Ints | None:
    """The owners of `rows` numbered from 1; those without a key, and those that nobody can tell, stay what they are."""
    if owners is None:
        return None
    theirs = owners[rows]
    return np.where(theirs <= NO_KEY, theirs, distinct_values(theirs)[1] + 1)


def _deal(kind: Ints, group: Ints, shares: Numbers, key: int) -> Ints:
    """A kind of its group for each row, in proportion to the shares; rows of kinds that stand alone keep theirs."""
    members = np.bincount(group, minlength=len(group))
    total = np.bincount(group, shares, len(group))
    rows = np.flatnonzero(((members > 1) & (total > 0))[group[kind]])
    dealt = kind.copy()
    if not len(rows):
        return dealt
    # One number a row, each group's spread evenly over [0, 1): every kind gets exactly its share.
    owner = group[kind[rows]]
    order = np.lexsort((uniforms(stream_key("deal", key), rows), owner))
    owner = owner[order]
    first = np.flatnonzero(np.r_[True, owner[1:] != owner[:-1]])
    length = np.diff(np.r_[first, len(owner)])
    place = (np.arange(len(owner)) - np.repeat(first, length) + _WITHIN) / np.repeat(length, length)
    by_group = np.argsort(group, kind="stable")
    steps = np.cumsum(shares[by_group])
    end = np.cumsum(total)
    at = np.searchsorted(steps, end[owner] - total[owner] + place * total[owner], side="right")
    dealt[rows[order]] = by_group[np.minimum(at, len(by_group) - 1)]
    return dealt
