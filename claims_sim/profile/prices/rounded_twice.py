"""Prices that are rounded before a hidden level multiplies them, and again after: a ward's price is so many times the printed one.

Sees the prices and amounts of one list.
"""

from typing import Final

import numpy as np

from claims_sim.profile.counts.counting import Ints, Population
from claims_sim.profile.counts.numbers import Numbers
from claims_sim.profile.prices.lattice import Lattice, most_overlapping

_OFTEN: Final = 0.02
"""The share of the claims on a list that must be on a level for prices to be printed there, and of those that must come out besides."""
_NEARLY_ALL: Final = 0.9
"""The share of the claims of the other levels that must come out then."""
_SHOWN_BY: Final = 60_000
"""So many claims show it as well as all."""
_DECIMALS: Final = (2, 3, 4)
"""Multiples are as round as so many decimals, where more claims come out then."""
_SAME: Final = 1e-3
_STEPS: Final = 2.0
"""A base moves by so many steps of the grid at most: farther off lies another price."""


def settle_what_is_rounded_first(found: Lattice, primary: Numbers, population: Population) -> None:
    """Set at which hidden level of `found`, whose rounding is settled, prices are rounded first, with bases that come out so: where
    clearly more amounts are just their price then.
    """  # noqa: D205
    found.rounded_at = -1
    on = np.flatnonzero((found.point >= 0) & (found.level >= 0))
    counts = np.bincount(found.level[on], minlength=len(found.levels))
    often = np.flatnonzero(counts > _OFTEN * len(on))
    if len(often) < 2:
        return
    bases, levels = found.bases, found.levels
    some = on[:: max(1, len(on) // _SHOWN_BY)]
    best = (_right(found, primary, some) + _OFTEN * len(some), -1, bases, levels)
    for at in often.tolist():
        found.rounded_at, found.bases = at, _bases_at(found, bases, primary, some, at, population)
        found.levels = _plain_levels(found, levels, primary, some, at)
        # Nearly all come out where this is how prices are made: on too fine a grid those do that happen to.
        others = some[found.level[some] != at]
        if _right(found, primary, others) >= _NEARLY_ALL * len(others):
            best = max(best, (_right(found, primary, some), at, found.bases, found.levels), key=lambda tried: tried[0])
        found.bases, found.levels = bases, levels
    _, found.rounded_at, found.bases, found.levels = best
    if found.rounded_at >= 0 and len(some) < len(on):
        found.bases = _bases_at(found, bases, primary, on, found.rounded_at, population)


def _right(found: Lattice, primary: Numbers, rows: Ints) -> float:
    """How many of `rows` are just their price."""
    return float(np.count_nonzero(np.abs(found.prices(rows) - primary[rows]) < found.grid / 2))


def _bases_at(
    found: Lattice, bases: Numbers, primary: Numbers, on: Ints, level: int, population: Population
) -> Numbers:
    """The bases as most of their claims at this level show them, where that may be told; whole prices there where as many come out."""
    mine = on[found.level[on] == level]
    base = found.base_start[found.case[mine]] + found.point[mine]
    told = population.releasable(base, len(bases), mine)[base]
    mine, base = mine[told], base[told]
    place = found.place_log(mine)
    off = np.log(primary[mine]) - place - found.levels[level] - bases[base]
    width = found.grid / 2 / primary[mine]
    near = np.abs(off) < 2 * _STEPS * width
    moved = bases + most_overlapping(base[near], off[near], width[near], len(bases))
    whole = np.log(np.maximum(np.rint(np.exp(moved + found.levels[level]) / found.grid), 1) * found.grid)
    whole = np.round(whole - found.levels[level], 9)

    def right(tried: Numbers) -> int:
        prices = found.priced(tried[base] + place, np.full(len(mine), level, np.int32))
        return int(np.count_nonzero(np.abs(prices - primary[mine]) < found.grid / 2))

    return max((whole, moved, bases), key=right)


def _plain_levels(found: Lattice, levels: Numbers, primary: Numbers, on: Ints, first: int) -> Numbers:
    """The levels, each a round multiple of the `first` where most claims come out so."""
    out = levels.copy()
    for level in np.flatnonzero(np.arange(len(levels)) != first).tolist():
        mine = on[found.level[on] == level]
        times = np.exp(levels[level] - levels[first])
        rounds = [round(float(times), decimals) for decimals in _DECIMALS]
        options = [levels[first] + np.log(one) for one in rounds if abs(one / times - 1) < _SAME and one != 1.0]
        tried = []
        for option in (*options, levels[level]):
            found.levels = out.copy()
            found.levels[level] = option
            tried.append((_right(found, primary, mine), option))
        out[level] = max(tried, key=lambda pair: pair[0])[1]
    return out
