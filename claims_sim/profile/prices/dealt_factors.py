"""What factors are of values that hardly a claim has that was not dealt out, as the amounts of dealt ones tell.

A claim that was dealt out is of one of the kinds of its group. Where none of these explains its amount, the factor of some
kind's class, region or owner is another. Like `price_as.py` this asks names in groups, all alike, and never whose claim it was.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from claims_sim.profile.counts.counting import Ints, Mask
from claims_sim.profile.counts.numbers import Numbers
from claims_sim.profile.document_parts import BY
from claims_sim.profile.encoding.dealing import Groups
from claims_sim.profile.prices.lattice import Amounts, Lattice, dense_modes
from claims_sim.profile.prices.price_as import cases_as, codes_as, place_as
from claims_sim.profile.prices.ratios import MIN_PAIRS, densest

_FARTHEST: Final = 0.7
"""A factor may be moved as far, as a logarithm."""
_MOST_VOTES: Final = 300_000
_ROUNDS: Final = 3
_FEWEST: Final = 0.02
"""So large a share of the votes for a value must come to be explained by its move."""
_OF_A_GROUP: Final = 0.1
"""Where fewer of its groups' amounts fit a value, it is none of its own."""
_ONE_OF_MANY: Final = 4
"""How many times the amounts of all cases but one a move may gain: what one case alone shows is another price of it."""
_SHARED: Final = 0.7
"""A factor that other values have, too, is taken for a value's own where so many times as many fit it as fit any."""
_SAME: Final = 3e-4
_BOTH_ROUNDED: Final = 2
"""An amount explained by a price may lie as many tolerances off it, since the price, too, is told by rounded amounts."""


class Votes:
    """Rows that were dealt out, once for each kind of their group: how each is coded as that kind, how far its amount lies then from the
    commonest price of its case (NaN where that is not known), and whether that is one of the hidden levels.
    """  # noqa: D205

    def __init__(self, found: Lattice, groups: Groups, amounts: Amounts, own: Ints, on: Ints) -> None:
        dealt = on[groups.of_row[on] >= 0]
        each = np.diff(groups.start)[groups.of_row[dealt]]
        every = max(1, int(each.sum()) // _MOST_VOTES)
        dealt, each = dealt[::every], each[::every]
        number = np.arange(int(each.sum())) - np.repeat(np.cumsum(each) - each, each)
        rows = np.repeat(dealt, each)
        self.codes = codes_as(found, groups, rows, np.repeat(groups.start[groups.of_row[dealt]], each) + number)
        self._rows = np.repeat(np.arange(len(dealt)), each)
        self._levels, self._width = found.levels, amounts.tolerance[rows] + 1e-5
        self._case = cases_as(found, rows, self.codes)
        rest = amounts.logs[own] - found.place_log(own)
        mode = dense_modes(found.case[own], rest, amounts.tolerance[own], len(found.case_keys))
        known = (np.bincount(found.case[own], minlength=len(mode)) > 0)[self._case] & (self._case >= 0)
        place = place_as(found, rows, self.codes)
        self._away = np.where(known, amounts.logs[rows] - place - mode[self._case], np.nan)
        self._fits = self._fit(np.arange(len(rows)))
        self._fitting = np.bincount(self._rows, self._fits, len(dealt)).astype(np.float64)

    def of(self, name: str, value: int) -> Ints:
        """The votes for a value."""
        return np.flatnonzero((self.codes[name] == value) & np.isfinite(self._away))

    def best_move(self, mine: Ints, shared: Numbers) -> tuple[int, float]:
        """How many more rows some kind explains where the factor of the votes `mine` is moved, and by how much; by one of `shared` if
        nearly as many lie there.
        """  # noqa: D205
        left = mine[self._by_others(mine) == 0]
        now = len(np.unique(self._rows[left[self._fits[left]]]))
        away, width = self._away[left], self._width[left]
        near = np.flatnonzero(np.abs(away) < _FARTHEST)
        if len(near) < MIN_PAIRS:
            return 0, 0.0
        order = near[np.argsort(away[near])]
        centre, hits = densest(away[order], width[order])
        among = np.array([np.count_nonzero(np.abs(away - one) <= width) for one in shared])
        if len(among) and among.max() >= _SHARED * hits:
            centre = float(shared[among.argmax()])
        if abs(centre) < _SAME:
            return 0, 0.0
        there = left[np.abs(away - centre) <= width]
        by_case = np.bincount(self._case[there], minlength=1)
        gain = min(len(np.unique(self._rows[there])), _ONE_OF_MANY * int(len(there) - by_case.max()))
        return gain - now, centre

    def move(self, mine: Ints, step: float) -> None:
        """Move the factor of the votes `mine`."""
        before = np.bincount(self._rows[mine], self._fits[mine], len(self._fitting))
        self._away[mine] -= step
        self._fits[mine] = self._fit(mine)
        self._fitting += np.bincount(self._rows[mine], self._fits[mine], len(self._fitting)) - before

    def most(self, mine: Ints) -> float:
        """How far a factor must be moved to be that of most amounts of its groups; 0 where some lie there as it is."""
        enough = _OF_A_GROUP * len(np.unique(self._rows[mine]))
        away, width = self._away[mine], self._width[mine]
        near = np.flatnonzero(np.abs(away) < _FARTHEST)
        if np.count_nonzero(np.abs(away) <= width) >= enough or len(near) < MIN_PAIRS:
            return 0.0
        order = near[np.argsort(away[near])]
        centre, hits = densest(away[order], width[order])
        return centre if hits >= enough else 0.0

    def _by_others(self, mine: Ints) -> Numbers:
        """By how many votes that are not `mine` the rows of these are explained."""
        own = np.bincount(self._rows[mine], self._fits[mine], len(self._fitting))
        others: Numbers = (self._fitting - own)[self._rows[mine]]
        return others

    def _fit(self, some: Ints) -> Mask:
        fits = np.zeros(len(some), np.bool_)
        for level in self._levels:
            fits |= np.abs(self._away[some] - level) <= _BOTH_ROUNDED * self._width[some]
        return fits


def move_by_votes(
    found: Lattice, groups: Groups, amounts: Amounts, own: Ints, on: Ints, unheard: Mapping[str, Sequence[int]]
) -> None:
    """Move the factors of those values that are `unheard` among the rows `own`, which were not dealt out, so that more of the rows `on` are
    explained by some kind of their group.

    Where others explain all of a value's rows, any of its groups' factors may be its own: it stays where some lie, else it is that of most.
    """  # noqa: D205
    if not len(own):
        return
    votes = Votes(found, groups, amounts, own, on)
    for name, values in unheard.items():
        # Of rises pairs of claims tell more than what a group's kinds might be in a period.
        if name in votes.codes and not name.startswith(BY):
            factor = found.factors[name].copy()
            _move(factor, {value: votes.of(name, value) for value in values}, votes)
            found.factors[name] = factor


def _move(factor: Numbers, of_value: Mapping[int, Ints], votes: Votes) -> None:
    """Move the values of a factor that have these votes."""
    for _ in range(_ROUNDS):
        # Those that explain most are moved first: what they explain is then none of the others'.
        gains = {value: votes.best_move(mine, _shared(factor, value))[0] for value, mine in of_value.items()}
        for value in sorted(of_value, key=lambda value: -gains[value]):
            gain, step = votes.best_move(of_value[value], _shared(factor, value))
            if gain >= max(MIN_PAIRS, _FEWEST * len(of_value[value])):
                factor[value] += step
                votes.move(of_value[value], step)
    for value, mine in of_value.items():
        if step := votes.most(mine):
            factor[value] += step
            votes.move(mine, step)


def _shared(factor: Numbers, value: int) -> Numbers:
    """How far a value's factor lies from those that others have."""
    others = np.sort(np.delete(factor, value))
    away: Numbers = others[np.diff(others, prepend=-np.inf) > _SAME] - factor[value]
    return away
