"""How much of its group's claims each kind of facility gets: by its number of facilities, and by totals that may be told.

A total is of the claims of all kinds that have a value, or two of two columns (a province; a province and a class). It may be
told where its kinds may, and where no sum of what is told is of fewer than three facilities: what is told then leaves open how
much any of these does. The proof is in docs/privacy-proof.md.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations, islice
from typing import Final, NamedTuple

import numpy as np

from claims_sim.profile.counts.counting import (
    MAX_FACILITY_SHARE,
    MIN_FACILITIES,
    NO_KEY,
    UNTOLD,
    Ints,
    Mask,
    Population,
    dense_ids,
)
from claims_sim.profile.counts.numbers import Numbers

FEW: Final = 1.5
"""As how many facilities a kind of fewer than three counts: one or two is nobody's business, unless the register says it."""
_AT_ONCE: Final = 2
"""Values that a total is of, at most."""
_MOST_TOLD: Final = 300
"""So many totals at most: each makes the next one longer to look at."""
_OPEN: Final = 1 - MAX_FACILITY_SHARE
"""By what part of its volume a small kind may have more or less, whatever is told: as one that has most of a sum that may be told."""
_FOLLOWS: Final = 1e-9
_CHANGES, _ALIKE = 8, 1e-6
"""So many changes at random show whether two volumes always change alike, and how alike."""
_ROUNDS, _NEAR, _MOST = 60, 1e-5, 20.0
"""Steps towards the totals, how near these must come as a share of all claims, and the logarithm of the most that a share changes by."""
_DECIMALS: Final = 9
"""Of shares: what is behind them depends on how many threads a machine adds up with, and would say which of two alike comes first."""


class Told(NamedTuple):
    """Which totals are told: of kinds of groups of several, `grouped`; each part is a mask over these, as is a group of `owner`."""

    grouped: Ints
    owner: Ints
    parts: tuple[Mask, ...]


def shares_of_kinds(kind: Ints, kinds: Ints, group: Ints, population: Population) -> Numbers:
    """How much of its group's claims each kind gets; nothing, where too few persons have it for its name to be told.

    `kind` is the kind of each row, `kinds` the codes of each kind, `group` the group of each.
    """
    volumes = Volumes(kind, len(kinds), population)
    shares, told = np.where(volumes.named, volumes.size, 0.0), told_totals(volumes, kinds, group)
    if len(told.grouped):
        shares[told.grouped] = _raked(shares[told.grouped], volumes.claims[told.grouped], told.owner, told.parts)
    return shares


def told_totals(volumes: "Volumes", kinds: Ints, group: Ints) -> Told:
    """Choose the totals that are told: those of the most kinds first, since each leaves less open for others."""
    grouped = volumes.grouped(group)
    owner = np.unique(group[grouped], return_inverse=True)[1].ravel()
    if not len(grouped):
        return Told(grouped, owner, ())
    open_ = _LeftOpen(volumes, grouped, owner)
    parts = sorted(_parts(kinds[grouped], owner), key=lambda part: -int(part.sum()))
    told = (part for part in parts if _both_may_be_told(volumes, grouped, part, owner) and open_.tell(part))
    return Told(grouped, owner, tuple(islice(told, _MOST_TOLD)))


def _both_may_be_told(volumes: "Volumes", grouped: Ints, part: Mask, owner: Ints) -> bool:
    """May a part of the kinds, and the rest of the groups that it is of, each be told?"""
    touched = np.isin(owner, owner[part])
    return all(volumes.may_be_told(grouped[those]) for those in (part, touched & ~part))


class Volumes:
    """The claims of each kind by facility."""

    def __init__(self, kind: Ints, count: int, population: Population) -> None:
        assert population.facilities is not None  # noqa: S101 - whoever groups kinds tells facilities apart
        width = int(population.facilities.max(initial=0)) + 2
        pairs, distinct = dense_ids(kind * width + population.facilities + 1)
        self._owner, house, self._claims = distinct // width, distinct % width - 1, np.bincount(pairs)
        self._untold = house == UNTOLD
        self._house = dense_ids(house + 1)[0]
        self.claims = np.bincount(kind, minlength=count)
        self._keyless = house == NO_KEY
        counted = np.where(self._untold, MIN_FACILITIES, np.where(self._keyless, 0, 1))
        self.facilities = np.bincount(self._owner, counted, minlength=count)
        # What the public register says everybody knows.
        few = self.facilities if self._untold.any() else FEW
        self.size = np.where(self.facilities >= MIN_FACILITIES, self.facilities, few).astype(float)
        """As how many facilities each kind counts."""
        self.named = population.without_facilities().releasable(kind, count)
        shared = (np.bincount(self._house)[self._house] > 1) & ~self._untold
        self._mixed = np.bincount(self._owner, shared, minlength=count) > 0

    def grouped(self, group: Ints) -> Ints:
        """The kinds of groups of several that may be told, but of facilities of several kinds: what is a sum of these?"""
        fits = np.bincount(group, minlength=len(group)) > 1
        fits &= np.bincount(group, self._mixed, len(group)) == 0
        for one in np.flatnonzero(fits).tolist():
            fits[one] = self.may_be_told(np.flatnonzero(group == one))
        return np.flatnonzero(fits[group])

    def may_be_told(self, kinds: Ints) -> bool:
        """May these kinds together be told?"""
        those = np.zeros(len(self.named), np.bool_)
        those[kinds] = True
        at = np.flatnonzero(those[self._owner])
        told = at[~(self._untold | self._keyless)[at]]
        houses = np.bincount(self._house[told], self._claims[told])
        others, keyless = (int(self._claims[at[which[at]]].sum()) for which in (self._untold, self._keyless))
        enough = np.count_nonzero(houses) + others >= MIN_FACILITIES
        spread = houses.max(initial=0) + keyless <= MAX_FACILITY_SHARE * self._claims[at].sum()
        return bool(self.named[kinds].any() and enough and spread)


def _parts(kinds: Ints, owner: Ints) -> Iterator[Mask]:
    """What totals may be of: kinds that have one or two values, but for groups that all have them; in the order of the columns."""
    whole = np.bincount(owner)
    for columns in range(1, _AT_ONCE + 1):
        for chosen in combinations(range(kinds.shape[1]), columns):
            value = np.unique(kinds[:, list(chosen)], axis=0, return_inverse=True)[1].ravel()
            for each in range(int(value.max()) + 1):
                part = value == each
                part &= (np.bincount(owner, part) < whole)[owner]
                if part.any():
                    yield part


class _LeftOpen:
    """What is left open of the kinds' volumes by the totals that are told: those of the groups, and further ones.

    With volumes measured in facilities, nothing is told of which names alone would make another's; with volumes in claims, nobody
    has nearly all of what some sum is of.
    """

    def __init__(self, volumes: Volumes, grouped: Ints, owner: Ints) -> None:
        facilities, claims = volumes.facilities[grouped], np.maximum(volumes.claims[grouped], 1)
        sizes = (volumes.size[grouped], claims.astype(float))
        protected = np.array([not volumes.may_be_told(np.array([kind])) for kind in grouped.tolist()], np.bool_)
        self._open = [_Open(size, owner, protected) for size in sizes]
        # A few changes at random of all that are open: where two facilities always change alike, one is told by the other.
        self._single = np.flatnonzero(facilities == 1)
        self._random = np.random.default_rng(0).standard_normal((len(owner), _CHANGES))
        self._changes = np.column_stack([self._open[0].project(change) for change in self._random.T])

    def tell(self, part: Mask) -> bool:
        """Tell the total of a part of the kinds, unless some sum of what is told were then of too few facilities."""
        seen = [one.see(part) for one in self._open]
        if not all(one.leaves_free(row) for one, row in zip(self._open, seen, strict=True)):
            return False
        changes = self._changes - np.outer(seen[0], seen[0] @ self._random)
        if _any_alike(changes[self._single]):
            return False
        self._changes = changes
        for one, row in zip(self._open, seen, strict=True):
            one.keep(row)
        return True


class _Open:
    """Changes of volumes, each in its size, that leave all told sums as they are; `see` gives what a further sum would see of them."""

    def __init__(self, size: Numbers, owner: Ints, protected: Mask) -> None:
        self._size, self._owner, self._protected = size, owner, protected
        self._of_group = 1 / np.bincount(owner, size * size)
        self._rows, self._told = np.zeros((_MOST_TOLD, len(size))), 0
        self._diagonal = 1 - size * size * self._of_group[owner]
        # Where a group is mostly one kind's, what the others have is how much more that may have.
        self._least = np.minimum(_OPEN, np.bincount(owner, size)[owner] / size - 1)
        self._changes: dict[int, Numbers] = {}

    def project(self, change: Numbers) -> Numbers:
        """The part of a change that leaves all told sums as they are."""
        left = change - self._size * (np.bincount(self._owner, self._size * change) * self._of_group)[self._owner]
        rows = self._rows[: self._told]
        return np.asarray(left - (rows @ left) @ rows)

    def see(self, part: Mask) -> Numbers:
        """What the sum of a part sees of what is open, of length 1; nothing, where the sum follows from what is told."""
        row = np.where(part, self._size, 0.0)
        left = self.project(row)
        length = np.linalg.norm(left)
        return left / length if length > _FOLLOWS * np.linalg.norm(row) else np.zeros(len(row))

    def leaves_free(self, row: Numbers) -> bool:
        """Is every protected kind that the sum `row` says something of as free as it must be, where that is told too?"""
        diagonal = self._diagonal - row * row
        # No entry of a projection is more than the root of its diagonal's: only these can be less free than they must be.
        at_risk = self._protected & (np.abs(row) > _FOLLOWS) & (diagonal < _OPEN * _OPEN)
        return all(
            self._freedom(kind, diagonal[kind], row) >= self._least[kind] for kind in np.flatnonzero(at_risk).tolist()
        )

    def keep(self, row: Numbers) -> None:
        """Take the sum `row` for told."""
        self._rows[self._told], self._told = row, self._told + 1
        self._diagonal = self._diagonal - row * row
        for kind in self._changes:
            self._changes[kind] -= row * row[kind]

    def _freedom(self, kind: int, itself: float, row: Numbers) -> float:
        """By what part of its size a volume can be more or less at least, while none is by more than its size."""
        if kind not in self._changes:
            only = np.zeros(len(self._size))
            only[kind] = 1.0
            self._changes[kind] = self.project(only)
        most = np.abs(self._changes[kind] - row * row[kind]).max()
        return float(max(itself, 0.0) / max(float(most), _FOLLOWS))


def _any_alike(changes: Numbers) -> bool:
    """Do any two of the rows point the same way, or opposite ways?"""
    length = np.linalg.norm(changes, axis=1, keepdims=True)
    ways = changes / np.maximum(length, _FOLLOWS)
    ways *= np.where(ways[:, :1] < 0, -1.0, 1.0)
    ways = ways[np.argsort(ways[:, 0])]
    return bool((np.abs(np.diff(ways, axis=0)).max(1, initial=0.0) < _ALIKE).any())


def _raked(shares: Numbers, claims: Ints, owner: Ints, parts: Sequence[Mask]) -> Numbers:
    """The shares, made to add up to the claims of each group and part: each multiplied by a factor of every sum it is in."""
    named = np.flatnonzero(shares > 0)
    group = np.unique(owner[named], return_inverse=True)[1].ravel()
    volume = np.bincount(owner, claims)[np.unique(owner[named])]
    rows = np.array(parts, float).reshape(len(parts), len(owner))[:, named]
    totals, factors = np.array([claims[part].sum() for part in parts], float), np.zeros(len(parts))
    is_of = np.zeros((len(named), len(volume)))
    is_of[np.arange(len(named)), group] = 1.0

    def with_factors() -> Numbers:
        at = shares[named] * np.exp(np.clip(factors @ rows, -_MOST, _MOST))
        return np.asarray(at * (volume / np.bincount(group, at))[group])

    at = with_factors()
    # Newton's method for the factors' logarithms. Where the sums contradict each other (claims of kinds that nobody may name
    # are in them), it ends near what they say.
    for _ in range(_ROUNDS if parts else 0):
        missed = totals - rows @ at
        if np.abs(missed).max() < _NEAR * claims.sum():
            break
        of_groups = (rows * at) @ is_of
        steepness = (rows * at) @ rows.T - (of_groups / volume) @ of_groups.T
        if np.trace(steepness) <= 0:  # each group has one kind: nothing can be moved
            break
        # Sums that follow from others make it singular but for the last term.
        step = np.linalg.solve(steepness + np.eye(len(rows)) * _FOLLOWS * np.trace(steepness), missed)
        factors += step / max(float(np.abs(step @ rows).max()), 1.0)
        at = with_factors()
    out = np.zeros(len(shares))
    out[named] = np.round(at, _DECIMALS)
    return out
