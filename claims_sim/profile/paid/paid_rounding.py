"""To which steps what is paid is rounded, or what is left to the patient, where that is coarser than what is claimed.

Charges to the cent are often paid in whole units, whatever the rule; and who leaves the patient a list of round items pays the
odd rest.
"""

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

import numpy as np

from claims_sim.profile.counts.builder import Builder
from claims_sim.profile.counts.counting import Codes, Ints, Mask, Population
from claims_sim.profile.counts.numbers import Numbers
from claims_sim.profile.counts.release import Parent, Target
from claims_sim.profile.encoding.encode import Encoded
from claims_sim.profile.prices.following import SERVICE
from claims_sim.profile.prices.rounding import (
    GRIDS,
    amount_grid,
    coarsest_grid,
    grids_of,
    lies_on,
    round_to_grids,
    to_whole_steps,
)

Habit = Literal["near", "down", "up", "half down", "half up"]
NEAR: Final[Habit] = "near"
HABITS: Final[tuple[Habit, ...]] = (NEAR, "down", "up")
PAID_ROUNDED_TO: Final = "paid_rounded_to"
"""The table that draws to which grid a payment is rounded that no rule says, or what it leaves."""
CLAIMED_ON: Final = "claimed_on"
"""A variable of the settlement's own: which of the grids that payments keep what is claimed lies on."""
CLAIMED_ROUNDED_TO: Final = "claimed_rounded_to"
"""A variable of that table's own: which is the coarsest of these grids that what is claimed lies on."""
PAID_TO_STEP: Final = "paid_to_step"
"""The table that draws whether a payment by a rule is rounded to the step of most payments."""
_MOST, _SOME = 0.5, 0.05
"""The shares of the payments of odd charges that lie on their step, and of all that such are, or that show a habit."""
FEWEST_ROUNDED: Final = 20
"""So many times k claims, for the grids of their payments to be told."""
_LEAST_LEFT: Final = 0.05
"""The share of the payments by no rule that must leave a rounder amount than they are, for that to be told."""
_CLEARLY_MORE: Final = 1.2
"""How many more payments must be rounded down, or up, than to the nearest step."""
_NEARLY_ALL: Final = 0.95
"""The share of the payments between two steps that go one way, for that to be a habit."""
_NEARLY_ALL_ABOUT: Final = 0.8
"""The share of the payments less than a step from what a rule says that must be just that in whole steps."""
_HALF, _JUST = 0.5, 1e-6
_SHARE_DECIMALS, _HUNDREDTH, _TELLING_STEPS = 2, 0.01, 20
"""Shares in hundredths tell the habit, of amounts of so many steps for each hundredth."""


class PaidGrids(NamedTuple):
    """Where what is paid by no rule lies on coarser grids than what is claimed: these, and those of what it leaves, finest first."""

    paid: tuple[float, ...] = ()
    left: tuple[float, ...] = ()

    @property
    def both(self) -> tuple[float, ...]:
        """All of them, finest first."""
        return tuple(sorted({*self.paid, *self.left}))


def payment_step(claimed: Numbers, paid: Numbers, rows: Ints, population: Population, grid: float) -> float:
    """The step that most of the payments in part, `rows`, lie on though their charges do not; the `grid` of all amounts where there is
    none. Nobody's many claims make one.
    """  # noqa: D205
    one = rows[population.one_of_each(rows)]
    for step in (step for step in GRIDS if step > grid):
        odd = one[~lies_on(claimed[one], step)]
        on = odd[lies_on(paid[odd], step)]
        if len(odd) > _SOME * len(one) and len(on) > _MOST * len(odd) and population.may_be_told(on):
            return step
    return grid


def kept_grids(claimed: Numbers, paid: Numbers, rows: Ints, population: Population, grid: float) -> tuple[float, ...]:
    """The grids coarser than that of all amounts, finest first, that payments in part, `rows`, keep: who bills whole units is paid
    such, and who does not seldom is. A table that several systems fill is rounded by each as it rounds.
    """  # noqa: D205
    one, kept = rows[population.one_of_each(rows)], [grid]
    some = _SOME * len(one)
    for step in sorted(step for step in GRIDS if step > grid):
        if abs(step / kept[-1] - round(step / kept[-1])) > _JUST:
            continue
        bills, is_paid, others = lies_on(claimed[one], step), lies_on(paid[one], step), lies_on(claimed[one], kept[-1])
        keeps, others = one[bills & is_paid], others & ~bills
        if (
            np.count_nonzero(bills) <= some
            or len(keeps) < _NEARLY_ALL * np.count_nonzero(bills)
            or not population.may_be_told(keeps)
        ):
            continue
        if np.count_nonzero(others) > some and np.count_nonzero(others & is_paid) < _MOST * np.count_nonzero(others):
            kept.append(step)
        elif np.count_nonzero(others) <= some and len(kept) > 1:
            kept[-1] = step  # who bills quarters bills whole units
    return tuple(kept[1:])


def kept_steps(claimed: Numbers, kept: Sequence[float], grid: float) -> Numbers:
    """The coarsest of the grids `kept` that each amount lies on, or that of all amounts."""
    return np.array((grid, *kept))[kept_by(claimed, kept)]


def kept_by(claimed: Numbers, kept: Sequence[float]) -> Codes:
    """The number of that grid, 0 being that of all amounts: what CLAIMED_ON says."""
    number: Codes = np.zeros(len(claimed), np.int32)
    for place, grid in enumerate(kept, start=1):
        number[lies_on(claimed, grid)] = place
    return number


def is_exactly(value: Numbers, paid: Numbers, step: float | Numbers, grid: float, habit: Habit = NEAR) -> Mask:
    """Is `value`, rounded to the step, what is paid, to the `grid` of all amounts?"""
    return np.asarray(np.abs(to_whole_steps(value, step, habit) - paid) < grid / 2)


def given_about(
    amounts: Numbers, paid: Numbers, rows: Ints, population: Population, grid: float, steps: Numbers, habit: Habit
) -> Mask:
    """Which of `rows` are paid their `amounts` in whole steps; none, where not nearly all payments less than a step from these are.

    A few steps of payments tell no rule by themselves. A ceiling is whole steps of what lies a little above it, but of half of that alone.
    """
    fits = is_exactly(amounts, paid[rows], steps, grid, habit)
    about = np.flatnonzero(np.abs(amounts - paid[rows]) < steps)
    one = about[population.one_of_each(rows[about])]
    return fits & (np.count_nonzero(fits[one]) > _NEARLY_ALL_ABOUT * len(one))


def rounding_habit(
    claimed: Numbers, paid: Numbers, rows: Ints, population: Population, grid: float, steps: Numbers
) -> Habit:
    """How shares of what is claimed become whole steps: to the nearest one, unless clearly more of `rows` are so down or up; and
    which of two that are as near.

    Nobody's many claims make a habit.
    """  # noqa: D205
    one = rows[population.one_of_each(rows)]
    one = one[claimed[one] * _HUNDREDTH >= _TELLING_STEPS * steps[one]]
    claimed, paid, step = claimed[one], paid[one], steps[one]
    plain = np.round(paid / claimed, _SHARE_DECIMALS)
    shares = [claimed * (plain + aside) for aside in (-_HUNDREDTH, 0, _HUNDREDTH)]
    habit = _habit_of_most(shares, paid, one, population, grid, step)
    return habit if habit != NEAR else _habit_of_halves(claimed * plain / step, paid / step, one, population)


def line_habit(
    amounts: Numbers, paid: Numbers, rows: Ints, population: Population, grid: float, steps: Numbers
) -> Habit:
    """How `amounts`, what lines say is paid of each of `rows`, become whole steps; of nobody's many claims."""
    one = rows[population.one_of_each(rows)]
    amounts, paid, step = amounts[one], paid[one], steps[one]
    habit = _habit_of_most([amounts], paid, one, population, grid, step)
    return habit if habit != NEAR else _habit_of_halves(amounts / step, paid / step, one, population)


def _habit_of_most(
    amounts: Sequence[Numbers], paid: Numbers, rows: Ints, population: Population, grid: float, step: Numbers
) -> Habit:
    """By which habit clearly more of `rows` are paid one of the `amounts` in whole steps than to the nearest one; that, if by none."""
    hits: dict[Habit, Ints] = {
        habit: rows[np.logical_or.reduce([is_exactly(one, paid, step, grid, habit) for one in amounts])]
        for habit in HABITS
    }
    best = max(HABITS, key=lambda habit: len(hits[habit]))
    clearly = len(hits[best]) > max(_CLEARLY_MORE * len(hits[NEAR]), _SOME * len(rows))
    return best if clearly and population.may_be_told(hits[best]) else NEAR


def _habit_of_halves(shares: Numbers, paid: Numbers, rows: Ints, population: Population) -> Habit:
    """Where nearly all payments go whose shares lie in the middle between two steps; numbers are of steps."""
    below = np.floor(shares)
    between = np.flatnonzero(np.abs(shares - below - _HALF) < _JUST)
    away = paid[between] - below[between]
    down, up = (between[np.abs(away - to) < _JUST] for to in (0, 1))
    most = max(down, up, key=len)
    if len(most) < _NEARLY_ALL * (len(down) + len(up)) or not population.may_be_told(rows[most]):
        return NEAR
    return "half down" if most is down else "half up"


def add_steps(
    builder: Builder, encoded: Encoded, candidates: Sequence[Parent], rows: Ints, grid: float, steps: Numbers
) -> bool:
    """Release which of the payments by a rule, `rows`, lie on their step, where that of some is coarser than the grid of all amounts; else
    say that this is not told.
    """  # noqa: D205
    paid, population = encoded.paid, encoded.population
    assert paid is not None  # noqa: S101 - the caller has both amounts
    rows = rows[steps[rows] > grid]
    if len(rows) < FEWEST_ROUNDED * population.k or not population.may_be_told(rows):
        return False
    to_step: Codes = np.full(len(paid), -1, np.int32)
    to_step[rows] = lies_on(paid[rows], steps[rows])
    builder.add(Target(PAID_TO_STEP, to_step, 2), candidates, most=2)
    return True


def add_grids(builder: Builder, encoded: Encoded, candidates: Sequence[Parent], rows: Ints, grid: float) -> PaidGrids:
    """Release to which grid what is paid to `rows`, by no rule, is rounded, or what that leaves where that is the rounder amount."""
    paid, population = encoded.paid, encoded.population
    assert paid is not None  # noqa: S101 - the caller has both amounts
    assert encoded.claimed is not None  # noqa: S101
    if len(rows) < FEWEST_ROUNDED * population.k or not population.may_be_told(rows):
        return PaidGrids()
    kinds = encoded.codes.get(SERVICE)
    grids = grids_of(paid, rows, population, _finest(paid, rows, population), kinds)
    rounded: Codes = np.full(len(paid), -1, np.int32)
    rounded[rows] = coarsest_grid(paid[rows], grids)
    left, of_left = _grids_left(encoded.claimed - paid, rows, population, kinds)
    leaves = np.array((*left, 0.0))[of_left] > np.array(grids)[rounded[rows]]
    if not _are_worth_it(rows[leaves], rows, population):
        left, leaves = (), np.zeros(len(rows), np.bool_)
    if grids == (grid,) and not left:
        return PaidGrids()
    rounded[rows[leaves]] = len(grids) + of_left[leaves]
    found = PaidGrids(grids, left)
    # What a round amount is paid, and what that leaves, are both round where one is.
    builder.variables[CLAIMED_ROUNDED_TO] = (coarsest_grid(encoded.claimed, found.both), len(found.both))
    candidates = [*candidates, *builder.candidates([CLAIMED_ROUNDED_TO])]
    builder.add(Target(PAID_ROUNDED_TO, rounded, len(grids) + len(left)), candidates, most=3, first=[SERVICE])
    return found


def _grids_left(
    left: Numbers, rows: Ints, population: Population, kinds: Codes | None
) -> tuple[tuple[float, ...], Codes]:
    some = np.where(np.isfinite(left) & (left > 0), np.round(left, 2), 0.0)
    there = rows[some[rows] > 0]
    if not len(there):
        return (), np.full(len(rows), -1, np.int32)
    grids = grids_of(some, there, population, _finest(some, there, population), kinds)
    return grids, np.where(some[rows] > 0, coarsest_grid(some[rows], grids), -1).astype(np.int32)


def _finest(amounts: Numbers, rows: Ints, population: Population) -> float:
    """The grid of all these amounts, of one claim of each person."""
    return amount_grid(amounts[rows[population.one_of_each(rows)]])


def _are_worth_it(those: Ints, rows: Ints, population: Population) -> bool:
    return len(those) > _LEAST_LEFT * len(rows) and population.may_be_told(those)


def round_payments(paid: Numbers, claimed: Numbers, grids: PaidGrids, number: Codes, uniform: Numbers) -> Numbers:
    """What is paid as the table PAID_ROUNDED_TO says: rounded itself, or so that what it leaves of `claimed` is."""
    out = paid.copy()
    at = np.flatnonzero(number < len(grids.paid))
    out[at] = round_to_grids(paid[at], grids.paid, number[at], uniform[at])
    at = np.flatnonzero(number >= len(grids.paid))
    if not len(at):
        return out
    left = round_to_grids(np.maximum(claimed[at] - paid[at], 0), grids.left, number[at] - len(grids.paid), uniform[at])
    out[at] = np.where(left < claimed[at], claimed[at] - left, paid[at])
    return out
