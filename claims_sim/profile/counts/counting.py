"""Count persons and facilities per cell, and decide which cells may be released. Knows no column by name."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int32]
Mask = npt.NDArray[np.bool_]
Number = TypeVar("Number", np.float64, np.int64)

MIN_FACILITIES: Final = 3
MAX_FACILITY_SHARE: Final = 0.9
NO_KEY: Final = 0
"""The person or facility of a row that lacks the key of one."""
UNTOLD: Final = -1
"""The facility of a row whose facility nobody can tell: it counts as one of its own."""
_PARTS_OF_A_VOTE: Final = 2.0**20
PERSONS_K: Final = 11
CLAIMS_K: Final = 50
NONE_RELEASED: Final = 1 << 40
_ROWS_LOOKED_AT: Final = 20_000
DENSE_LIMIT: Final = 4_000_000
"""Up to so many, cells are counted in a table of all of them."""
_SPARSE: Final = 24
"""More cells than so many times the rows are rather hashed."""
_HEAPS: Final = 8


def claims_needed(k: int) -> int:
    """How many claims stand for `k` persons where nobody knows whose they are."""
    return max(k, CLAIMS_K) if k >= PERSONS_K else k


def dense_ids(keys: Ints, limit: int | None = None) -> tuple[Ints, Ints]:
    """Ids 0.. for `keys` (not negative, under `limit`) and the sorted distinct keys, so that keys == distinct[ids]."""
    limit = int(keys.max(initial=-1)) + 1 if limit is None else limit
    if limit <= min(DENSE_LIMIT, _SPARSE * len(keys)):
        present = np.zeros(limit, np.bool_)
        present[keys] = True
        distinct = np.flatnonzero(present)
        if len(distinct) == limit:
            return keys.astype(np.int64, copy=False), distinct
        lookup = np.empty(limit, np.int64)
        lookup[distinct] = np.arange(len(distinct))
        return lookup[keys], distinct
    distinct, ids = distinct_values(keys)
    return ids, distinct.astype(np.int64)


def distinct_values(values: npt.NDArray[Number]) -> tuple[npt.NDArray[Number], Ints]:
    """The distinct `values` (none NaN) in order, and which of them each is: as of np.unique, which sorts all the rows for it."""
    import pandas as pd  # noqa: PLC0415 - half a second that only counting needs; a tick samples

    ids, unsorted = pd.factorize(values)
    order = np.argsort(unsorted)
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    return np.asarray(unsorted)[order], rank[ids]


def first_of_each(keys: Ints) -> Ints:
    """The first place of each of the distinct `keys` (not negative), in the order of the keys."""
    ids, distinct = dense_ids(keys)
    first = np.empty(len(distinct), np.int64)
    first[ids[::-1]] = np.arange(len(keys))[::-1]
    return first


def sorted_distinct(keys: Ints) -> Ints:
    """The distinct `keys` in order; sorting whole numbers is faster than hashing them."""
    ordered = np.sort(keys)
    return ordered[np.r_[True, ordered[1:] != ordered[:-1]]] if len(ordered) else ordered


def distinct_with_counts(keys: Ints) -> tuple[Ints, Ints]:
    """The distinct `keys` in order, and how often each occurs."""
    ordered = np.sort(keys)
    first = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]]) if len(ordered) else np.zeros(0, np.int64)
    return ordered[first], np.diff(np.r_[first, len(ordered)])


@dataclass(frozen=True)
class Population:
    """Whose claims the rows are, as numbers from 0.

    `persons` is None where the table has no key of persons: then claims are counted. `facilities` is None where none
    can be told from another; single rows of which that is true are UNTOLD. Rows that lack a key have 0: as persons' they count as
    one's, as facilities' as none's more, and as the largest's.
    """

    rows: int
    k: int
    persons: Ints | None
    facilities: Ints | None
    rounding_key: int = 0
    """Secret of the production zone: whoever knows it can tell where a count is rounded up."""
    marks: npt.NDArray[np.uint64] | None = None
    """A secret number for each person's, the same while that person's key is; nobody hides others' claims without."""

    @cached_property
    def _busiest_person(self) -> int:
        """Most claims of one person."""
        return int(np.bincount(self.persons).max()) if self.persons is not None and len(self.persons) else 0

    @cached_property
    def _persons_width(self) -> int:
        return int(self.persons.max(initial=0)) + 1 if self.persons is not None else 1

    @cached_property
    def _facilities_width(self) -> int:
        return int(self.facilities.max(initial=0)) + 1 if self.facilities is not None else 1

    @cached_property
    def _certainly_spread(self) -> float:
        """More claims than this and a cell has three facilities, none of them with most of the claims: the two busiest have fewer.

        Each claim whose facility nobody can tell is of one of its own.
        """
        assert self.facilities is not None  # noqa: S101 - narrows the type; asked for only where facilities are known
        keyless, *counts = np.bincount(self.facilities[self.facilities >= 0], minlength=3)
        each = np.sort(counts)
        return max(float(keyless + np.maximum(each[-2:], 1).sum()), float(keyless + each[-1]) / MAX_FACILITY_SHARE)

    @cached_property
    def _heap(self) -> npt.NDArray[np.int8]:
        """One of a few heaps for each row's facility, the last two for those that nobody can tell and for rows without a key.

        A byte each: picking rows of it is most of the work of counting facilities, and so few bytes stay in the cache.
        """
        assert self.facilities is not None  # noqa: S101 - narrows the type; asked for only where facilities are known
        heaps = np.where(self.facilities < 0, _HEAPS, self.facilities % _HEAPS)
        return np.where(self.facilities == NO_KEY, _HEAPS + 1, heaps).astype(np.int8)

    @property
    def unit(self) -> str:
        """What `k` counts."""
        return "claims" if self.persons is None else "persons"

    def without_facilities(self) -> "Population":
        """The same, as if nobody could tell facilities apart."""
        return replace(self, facilities=None)

    def persons_of(self, rows: Ints) -> int:
        """How many persons' claims the `rows` are; how many claims, without a key of persons."""
        return len(rows) if self.persons is None else int(np.count_nonzero(np.bincount(self.persons[rows])))

    def sample(self, rows: Ints, k: int) -> "Population":
        """Those whose claims the `rows` are; `k` of them may be told."""
        persons, facilities = (None if keys is None else keys[rows] for keys in (self.persons, self.facilities))
        return Population(len(rows), k, persons, facilities)

    def may_be_told(self, rows: Ints) -> bool:
        """May a number be released of just these rows?"""
        return bool(self.releasable(np.zeros(len(rows), np.int64), 1, rows)[0])

    def one_of_each(self, rows: Ints, cells: Ints | None = None) -> Ints:
        """The places in `rows` of one claim of each person, or of each in each of its `cells`: where a line is drawn through claims,
        nobody's many bend it.
        """  # noqa: D205
        if self.persons is None:
            return np.arange(len(rows))
        owner = self.persons[rows] if cells is None else cells * self._persons_width + self.persons[rows]
        return first_of_each(owner)

    def bearers(self, cells: Ints, count: int, rows: Ints | None = None) -> Ints:
        """How many persons (claims, without a key of them) each of the cells 0..count-1 has; not to be released as it is."""
        if self.persons is None:
            return np.bincount(cells, minlength=count)
        owner = self.persons if rows is None else self.persons[rows]
        pairs = sorted_distinct(cells * self._persons_width + owner)
        return np.bincount(pairs // self._persons_width, minlength=count)

    def weights(self, cells: Ints, count: int, rows: Ints | None = None) -> npt.NDArray[np.float64]:
        """How many persons the claims of each of the cells 0..count-1 stand for, each person's one vote spread over all their claims
        among these `rows`: nobody's many claims, or many different ones, weigh more than one. A claim of nobody known is one's own.
        """  # noqa: D205
        if self.persons is None:
            return np.bincount(cells, minlength=count).astype(float)
        owner = self.persons if rows is None else self.persons[rows]
        # Whole parts of a power of two: their sums are the same in any order of the claims.
        vote = np.floor(_PARTS_OF_A_VOTE / np.maximum(np.bincount(owner), 1)) / _PARTS_OF_A_VOTE
        vote[:1] = 1.0
        return np.asarray(np.bincount(cells, vote[owner], count), np.float64)

    def bearers_of_values(
        self, values: Ints, count: int, told: Mask, rows: Ints | None = None
    ) -> npt.NDArray[np.float64]:
        """The same of each of the values 0..count-1, each vote spread over the claims that have a value (-1: none).

        Claims of nobody known speak against values that may not be `told`, one by one, and for none.
        """
        has = np.flatnonzero(values >= 0)
        at = has if rows is None else rows[has]
        if self.persons is None:
            return self.weights(values[has], count, at)
        nobodys = self.persons[at] == NO_KEY
        against = np.bincount(values[has[nobodys]], minlength=count) * ~told
        return self.weights(values[has[~nobodys]], count, at[~nobodys]) + against

    def votes(self, rows: Ints, cells: Ints) -> npt.NDArray[np.float64]:
        """For each of `rows` its part of its person's one vote in its cell: nobody has more, however many claims."""
        if self.persons is None:
            return np.ones(len(rows))
        _, owner, count = np.unique(
            cells * self._persons_width + self.persons[rows], return_inverse=True, return_counts=True
        )
        return np.asarray(1 / count[owner])

    def releasable(self, cells: Ints, count: int, rows: Ints | None = None) -> Mask:
        """Which of the cells 0..count-1 may be released; `cells` gives the cell of each of `rows` (default: all rows)."""
        counts = np.bincount(cells, minlength=count)
        allowed = counts >= self.k
        if self.persons is not None:
            allowed &= self._has_persons(cells, counts, rows, allowed)
        if self.facilities is not None:
            allowed &= (counts > self._certainly_spread) | self._spread_over_facilities(
                cells, rows, allowed & (counts <= self._certainly_spread)
            )
        return allowed

    def fewest(self, cells: Ints, released: Mask, rows: Ints | None = None) -> int:
        """The fewest persons (claims) of the thinnest released cells; a large number when there are none.

        Few claims mean few persons, so the cells are looked at from the thinnest on, as far as is cheap; of a cell
        that is not looked at it is known that it has k persons.
        """
        if not released.any():
            return NONE_RELEASED
        counts = np.bincount(cells, minlength=len(released))
        if self.persons is None:
            return int(counts[released].min())
        thinnest = np.flatnonzero(released)[np.argsort(counts[released], kind="stable")]
        thinnest = thinnest[np.cumsum(counts[thinnest]) <= _ROWS_LOOKED_AT]
        if not len(thinnest):
            return max(self.k, int(counts[released].min()) // max(self._busiest_person, 1))
        among = np.zeros(len(released), np.bool_)
        among[thinnest] = True
        picked = np.flatnonzero(among[cells])
        persons = self.bearers(cells[picked], len(released), picked if rows is None else rows[picked])
        return int(persons[thinnest].min())

    def _has_persons(self, cells: Ints, counts: Ints, rows: Ints | None, candidates: Mask) -> Mask:
        """Which candidate cells have k persons."""
        # A cell with more claims than k - 1 of the busiest persons can have needs no counting.
        small = candidates & (counts <= (self.k - 1) * self._busiest_person)
        picked = np.flatnonzero(small[cells])
        persons = self.bearers(cells[picked], len(counts), picked if rows is None else rows[picked])
        return np.asarray((persons >= self.k) | ~small)

    def _spread_over_facilities(self, cells: Ints, rows: Ints | None, candidates: Mask) -> Mask:
        """Which candidate cells have three facilities, none of them with most of the claims."""
        assert self.facilities is not None  # noqa: S101 - narrows the type; the caller has asked
        spread, number = np.zeros(len(candidates), np.bool_), np.flatnonzero(candidates)
        if not len(number):
            return spread
        cell, at = cells, np.arange(len(cells)) if rows is None else rows
        if len(candidates) * (_HEAPS + 2) > len(cells):
            # Of many cells few are candidates: only their rows are looked at.
            picked = np.flatnonzero(candidates[cells])
            cell, at = (np.cumsum(candidates) - 1)[cells[picked]], at[picked]
            spread[number] = self._spread(cell, at, len(number))
        else:
            spread[number] = self._spread(cell, at if rows is not None else None, len(candidates))[number]
        return spread

    def _spread(self, cells: Ints, rows: Ints | None, count: int) -> Mask:
        """Which of the cells 0..count-1 have three facilities, none of them with most of the claims."""
        assert self.facilities is not None  # noqa: S101 - as above
        # Facilities in a few heaps: three heaps are three facilities at least, and none has more claims than its heap.
        # That settles most cells; only the others are worth sorting.
        heap = self._heap if rows is None else self._heap[rows]
        key = cells * (_HEAPS + 2)
        key += heap
        heaps = np.bincount(key, minlength=count * (_HEAPS + 2)).reshape(count, _HEAPS + 2)
        told, untold, keyless, claims = heaps[:, :_HEAPS], heaps[:, _HEAPS], heaps[:, _HEAPS + 1], heaps.sum(1)
        enough = (told > 0).sum(1) + untold >= MIN_FACILITIES
        sure = enough & (told.max(1) + keyless <= MAX_FACILITY_SHARE * claims)
        if sure.all():
            return np.asarray(sure)
        at = np.flatnonzero(~sure[cells])
        facility = self.facilities[at if rows is None else rows[at]]
        known = facility > NO_KEY
        distinct, each = distinct_with_counts(cells[at][known] * self._facilities_width + facility[known])
        owner = distinct // self._facilities_width
        several = np.bincount(owner, minlength=count) + untold >= MIN_FACILITIES
        largest = np.zeros(count, np.int64)
        np.maximum.at(largest, owner, each)
        return np.asarray(sure | (several & (largest + keyless <= MAX_FACILITY_SHARE * claims)))


def released_count(chosen: Mask, population: Population, rows: Ints | None = None) -> int:
    """How many rows are chosen, to the nearest multiple of k; 0 when too few persons or facilities are behind them."""
    count = int(chosen.sum())
    if count < population.k or not population.releasable(chosen.astype(np.int64), 2, rows)[1]:
        return 0
    return max(round(count / population.k), 1) * population.k


def told_rate(chosen: Mask, known: Mask, population: Population) -> float | None:
    """The share of the `known` claims that are chosen, as it may be told: 0 or 1 where too few are, or are not; None of no claims."""
    if not known.any():
        return None
    others, mine = (released_count(mask & known, population) for mask in (~chosen, chosen))
    return float(f"{mine / max(others + mine, 1):.2g}")


def round_to_units(counts: Ints, groups: Ints, base: int, start: npt.NDArray[np.float64]) -> Ints:
    """Counts as whole numbers of `base` claims, without bias: the sum over a group stays right to within one unit.

    `counts` of one group stand together. Cumulative counts are rounded from a `start` in [0, 1) that each count's group
    has, so that no published number lies below `base` and a difference of two published numbers is a multiple of it.
    """
    if not len(counts):
        return counts
    total = np.cumsum(counts)
    first = np.r_[True, groups[1:] != groups[:-1]]
    before = np.repeat((total - counts)[first], np.diff(np.r_[np.flatnonzero(first), len(counts)]))
    upper = np.floor((total - before) / base + start)
    lower = np.floor((total - counts - before) / base + start)
    return (upper - lower).astype(np.int64)
