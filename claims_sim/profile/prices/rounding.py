"""Prices on the grid that a tariff keeps: how its owner rounds, and bases that are whole prices. Sees logarithms and amounts.

A price times a factor often lies exactly between two steps of the grid. Computed from logarithms it then falls to either
side; the tables show one habit: up, down, or to the even step.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from claims_sim.profile.counts.counting import Codes, Ints, Mask, Population
from claims_sim.profile.counts.numbers import AS_COMPUTED, Numbers, on_grid
from claims_sim.profile.prices.lattice import Lattice

GRIDS: Final = (1e6, 1e5, 1e4, 1000.0, 500.0, 100.0, 50.0, 25.0, 10.0, 5.0, 1.0, 0.5, 0.25, 0.1, 0.05, 0.01)
_STEPS_ASIDE: Final = 3
_FARTHEST_ASIDE: Final = 8
"""How many steps an amount that would lie on a coarser grid moves at most."""
_MORE_THAN_CHANCE: Final = 1.5
_MIN_CONTRAST: Final = 2.0
"""How much commoner a shared amount must be than those beside it, to be an amount of its own."""
_AROUND: Final = 50
_FEW_HELD: Final = 0.25
"""The share of the steps of the grid around an amount that are amounts, below which each is one of its own."""
_LARGE: Final = 100  # steps
_VERY_COMMON: Final = 0.0025
"""The share of the amounts that an amount must make up to be one of its own however many are as round."""
HABITS: Final = ("even", "up", "down")


def amount_grid(*amounts: Numbers | None, share: float = 0.999) -> float:
    """The coarsest grid on which practically all amounts lie (999 in 1,000, or another `share`)."""
    known = np.concatenate([a[np.isfinite(a)] for a in amounts if a is not None] or [np.zeros(0)])
    known = known[known > 0]
    known = known[:: max(1, len(known) // 200_000)]
    if not len(known):
        return 1.0
    for grid in GRIDS:
        if np.mean(lies_on(known, grid)) > share:
            return grid
    return 0.01


def grids_kept(amounts: Numbers, finest: float, fewest: int) -> tuple[float, ...]:
    """The grids that `amounts` are rounded to, finest first: the one they all lie on, and those that at least `fewest` more
    lie on than would by chance, if they lay on the one before, whose steps theirs are multiples of.
    """  # noqa: D205
    kept = [finest]
    for grid in sorted(grid for grid in GRIDS if grid > finest):
        share = kept[-1] / grid
        if not _is_whole(1 / share):
            continue
        amounts = amounts[lies_on(amounts, kept[-1])]
        found, by_chance = int(lies_on(amounts, grid).sum()), share * len(amounts)
        if found > max(_MORE_THAN_CHANCE * by_chance, by_chance + fewest):
            kept.append(grid)
    return tuple(kept)


def grids_of(
    amounts: Numbers, rows: Ints, population: Population, finest: float, kinds: Codes | None = None
) -> tuple[float, ...]:
    """The grids that the amounts of `rows` are rounded to, finest first; neither one's many claims nor one facility's make any.

    Those of each of `kinds`, if given, are among them: a rare kind's grids do not show among all.
    """
    some = [rows] if kinds is None else [rows, *(rows[kinds[rows] == kind] for kind in range(int(kinds.max()) + 1))]
    found = {
        grid
        for those in some
        for grid in grids_kept(amounts[those[population.one_of_each(those)]], finest, 2 * population.k)
        if grid == finest or population.may_be_told(those[lies_on(amounts[those], grid)])
    }
    return tuple(sorted(found))


def _is_whole(number: float) -> bool:
    return abs(number - round(number)) < 1e-6


def coarsest_grid(amounts: Numbers, grids: Sequence[float]) -> Codes:
    """The number of the last of `grids` that each amount lies on; 0, the finest, where it lies on none or is not known."""
    found = np.zeros(len(amounts), np.int32)
    for number, grid in enumerate(grids):
        found[lies_on(amounts, grid)] = number
    return found


def round_to_grids(amounts: Numbers, grids: Sequence[float], number: Codes, uniform: Numbers) -> Numbers:
    """Amounts on the grid of each one's `number`, and on no coarser one; on the finest where they would become nothing.

    What comes to lie on a coarser grid moves to one of the next few steps, whichever `uniform` (from 0 to 1) says: the very next
    one would become commoner than the others.
    """
    steps = np.array(grids)
    grid = steps[number]
    grid = np.where(amounts < grid / 2, steps[0], grid)
    rounded = np.maximum(np.rint(amounts / grid), 0) * grid
    # A quarter lies on no tenth: what counts is the next grid whose steps are some of these.
    above = np.array([next((b for b in grids[i + 1 :] if _is_whole(b / a)), a) for i, a in enumerate(grids)])
    between = np.clip(np.rint(above[number] / steps[number]) - 1, 1, _FARTHEST_ASIDE)
    # As often up as down.
    away = np.floor(uniform * between) + 1
    away = np.where((away > between / 2) & (between > 1), away - between - 1, away)
    for attempt in range(_STEPS_ASIDE):
        aside = (rounded > 0) & (grid == steps[number]) & (coarsest_grid(rounded, grids) > number)
        if not aside.any():
            break
        rounded = np.where(aside, rounded + grid * (1 if attempt else away), rounded)
    return np.asarray(rounded)


def lies_on(amounts: Numbers, grid: float | Numbers) -> Mask:
    """Which amounts are whole numbers of steps of the grid, one at least."""
    steps = amounts / grid
    whole = np.rint(steps)
    return np.asarray((whole >= 1) & (np.abs(steps - whole) < 1e-9 * np.maximum(1000, steps)))


def to_whole_steps(amounts: Numbers, grid: float | Numbers, habit: str) -> Numbers:
    """`amounts` in whole steps of the grid: to the nearest, of two that are as near the lower or the upper one, or always down or up."""
    steps = amounts / grid
    # What lies on a step but for the last digits of its computation is on it, of large amounts too.
    aside = 1e-9 + 1e-12 * np.abs(steps)
    if habit in ("half down", "half up"):
        steps, habit = (steps - 0.5, "up") if habit == "half down" else (steps + 0.5, "down")
    whole = {"down": np.floor(steps + aside), "near": np.rint(steps), "up": np.ceil(steps - aside)}
    return np.asarray(whole[habit] * grid + 0.0)  # no -0.0, which a payload would show


def settle_rounding(found: Lattice, primary: Numbers) -> None:
    """Take bases for whole prices, and a habit of rounding, where the amounts on the tariff come out so.

    Bases are borne by enough persons each; of the amounts only how many come out is looked at.
    """
    on = np.flatnonzero((found.point >= 0) & (found.level >= 0))
    whole = np.log(np.maximum(np.rint(np.exp(found.bases) / found.grid), 1) * found.grid)
    at = found.base_start[found.case[on]] + found.point[on]
    rest = found.levels[found.level[on]] + found.place_log(on)

    def right(bases: Numbers, ties: str) -> int:
        logs = np.round(bases, 9)[at] + rest
        return int((np.abs(on_grid(logs, found.grid, ties) - primary[on]) < found.grid / 2).sum())

    hits = {ties: right(whole, ties) for ties in HABITS}
    ties = max(HABITS, key=lambda habit: hits[habit])
    if len(on) and hits[ties] >= right(found.bases, AS_COMPUTED):
        found.bases, found.ties = whole, ties


def is_large(amounts: Numbers, step: float) -> Mask:
    """Which amounts are so many steps that one more or less hardly matters."""
    return np.asarray(amounts >= _LARGE * step)


def stands_out(amounts: Numbers, counts: Ints, grids: Sequence[float], of_all: int = 0) -> Mask:
    """Which of the sorted `amounts` are commoner than those a few steps beside them, or lie where few steps are amounts at all:
    others are shared by rounding alone.

    The steps are those of the coarsest of `grids` (finest first) that an amount lies on, for beside amounts to the cent all that
    is rounded stands out; and those of the finest for what is very common, among as many as there are of all where the amounts are
    those of some, or lies on none.
    """  # noqa: D205
    coarsest = coarsest_grid(amounts, grids)
    coarsest[counts >= _VERY_COMMON * max(int(counts.sum()), of_all)] = 0
    out: Mask = amounts == 0
    for number in np.unique(coarsest).tolist():
        mine = coarsest == number
        at = np.flatnonzero(mine | lies_on(amounts, grids[number]))
        step, count = np.rint(amounts[at] / grids[number]).astype(np.int64), counts[at]
        beside = np.zeros(len(step))
        for away in (-3, -2, -1, 1, 2, 3):
            other = np.minimum(np.searchsorted(step, step + away), len(step) - 1)
            beside += np.where(step[other] == step + away, count[other], 0) / 6
        held = np.searchsorted(step, step + _AROUND, side="right") - np.searchsorted(step, step - _AROUND)
        stands = (count > _MIN_CONTRAST * beside) | (held < _FEW_HELD * 2 * _AROUND)
        out[at] |= stands & mine[at]
    return out
