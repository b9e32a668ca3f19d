"""Lines on which what is paid lies: a slope and an offset, as of a deductible, a fixed payment or what a ceiling leaves.

The commonest are sought slope by slope, in twentieths. Of further ones any two claims tell slope and offset; where many pairs tell
the same, there is one (a share that a contract has, less a fixed part).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from claims_sim.profile.counts.counting import Codes, Ints, Mask, Population
from claims_sim.profile.counts.numbers import Numbers
from claims_sim.profile.paid.paid_rounding import FEWEST_ROUNDED, NEAR, Habit, given_about, is_exactly
from claims_sim.profile.prices.rounding import is_large
from claims_sim.randomness import stream_key, uniforms

Line = tuple[float, float]
MOST_COMMON: Final = 12
"""So many of the lines are the commonest, sought slope by slope."""
MIN_AMOUNTS_ON_LINE, SURELY_ON_LINE = 20, 100
"""So many different amounts on a line at least, and so many that it is one whatever share of the claims on it has others."""
_SLOPES: Final = np.arange(21) / 20
_PLAIN: Final = (0.0, 1.0)
"""The slopes by which also small amounts tell a line: whatever is claimed or all but so much is paid."""
EXACTLY, ABOUT = 0.5, 1.5
"""How many steps off a line what is paid may be."""
_LINE_ROWS: Final = 60_000
_MIN_LINE_SHARE: Final = 0.01
_LINE_SPREAD: Final = 0.25
"""Claims on a line have at least so great a share of different amounts, of that of all claims."""
_CLEARLY_MORE: Final = 1.2
"""How many more claims must lie on a line to the step of payments than on one to the grid."""
_PAIRS: Final = 1_000_000
_FAR_APART: Final = 1000
"""So many steps apart two amounts must be for a slope to show to three decimals."""
_MOST_FURTHER: Final = 60
_MIN_FURTHER_SHARE: Final = 0.002
_TRIED, _FEW_PAIRS = 400, 4
"""So many of the lines that pairs tell are tried, each told by so many pairs or more."""
_LEAST_SLOPE: Final = 0.02
_PARTS_OF_A_STEP: Final = (1, 2, 5, 10)
"""In such parts of a step an offset is sought between two, the coarsest first."""
_ABOUT_AS_MANY: Final = 0.97
_DECIMALS: Final = 3


def find_lines(
    claimed: Numbers, paid: Numbers, rows: Ints, population: Population, grid: float, step: float, habit: Habit = NEAR
) -> tuple[tuple[Line, ...], Codes]:
    """Lines beside the axes' own that many different amounts of `rows` lie on, commonest first, and the line of each row; `habit`
    is how payments become whole steps.
    """  # noqa: D205
    line: Codes = np.full(len(claimed), -1, np.int32)
    todo = rows[:: max(1, len(rows) // _LINE_ROWS)]
    search = _Search(claimed, paid, population, grid, step, habit, _LINE_SPREAD * _different(claimed[todo]))
    commonest, todo = search.commonest(todo)
    # Of small parts that are left one may be as common as the next: where they are rare, one stands for those beside it.
    lines = [*((found, EXACTLY) for found in commonest), *((found, ABOUT) for found in search.further(todo))]
    for number, (found, near) in enumerate(lines):
        free = rows[line[rows] < 0]
        line[free[search.lies_on(found, free, near)]] = number
    # A few steps of payments tell no line; but the commonest may give just so many.
    for number, found in enumerate(commonest if step > grid else ()):
        free = rows[line[rows] < 0]
        amounts, steps = claimed[free] * found[0] + found[1], np.full(len(free), step)
        line[free[given_about(amounts, paid, free, population, grid, steps, habit)]] = number
    return tuple(found for found, _ in lines), line


def without_chance_lines(
    lines: tuple[Line, ...], line: Codes, besides: int, population: Population, *, has_steps: bool
) -> tuple[tuple[Line, ...], Codes]:
    """Lines, and the line of each row, without those that rise where payments have steps and fewer follow them, with so many others that
    follow a share `besides`, than tell how payments by rules are rounded: on steps any line has a few payments by chance.
    """  # noqa: D205
    rising = np.array([slope != 0 for slope, _ in (*lines, (0.0, 0.0))])
    if not has_steps or np.count_nonzero(rising[line]) + besides >= FEWEST_ROUNDED * population.k:
        return lines, line
    kept = np.where(rising, -1, np.cumsum(~rising) - 1).astype(np.int32)
    kept[-1] = -1
    return tuple(one for one in lines if one[0] == 0), kept[line]


def _different(amounts: Numbers) -> float:
    """How many different amounts there are, as a share."""
    return len(np.unique(amounts)) / max(len(amounts), 1)


@dataclass(frozen=True, slots=True)
class _Search:
    """What is claimed and paid, and what makes a line of it."""

    claimed: Numbers
    paid: Numbers
    population: Population
    grid: float
    step: float
    """What payments are rounded to; `grid` is that of all amounts."""
    habit: Habit
    spread: float
    """Of the claims on a line so great a share must be of different amounts."""

    def commonest(self, todo: Ints) -> tuple[list[Line], Ints]:
        """The commonest lines of slopes in twentieths, and the rows on none of them."""
        lines: list[Line] = []
        enough = max(_MIN_LINE_SHARE * len(todo), 2 * self.population.k)
        while len(lines) < MOST_COMMON and len(todo) >= enough:
            support, slope, offset = self._densest(todo)
            line = self._between_steps((float(slope), float(offset)), todo)
            on = self.lies_on(line, todo, EXACTLY)
            if support < enough or not self._is_one(todo[on], support):
                break
            lines.append(line)
            todo = todo[~on]
        return lines, todo

    def further(self, todo: Ints) -> list[Line]:
        """Lines of any slope to three decimals that many pairs of rows tell."""
        lines: list[Line] = []
        enough = max(_MIN_FURTHER_SHARE * len(todo), 2 * self.population.k)
        if self.step > self.grid:
            todo = todo[is_large(self.claimed[todo], self.step)]
        for candidate in self._told_by_pairs(todo):
            line = candidate
            on = self.lies_on(line, todo, ABOUT)
            if np.count_nonzero(on) >= enough:
                line = self._between_steps(candidate, todo)
                on = self.lies_on(line, todo, ABOUT)
            if np.count_nonzero(on) < enough or not self._is_one(todo[on], int(np.count_nonzero(on))):
                continue
            lines.append(line)
            todo = todo[~on]
            if len(lines) == _MOST_FURTHER:
                break
        return lines

    def lies_on(self, line: Line, rows: Ints, near_plain: float) -> Mask:
        """Which of `rows` are paid what the line says, to the grid or to the step of payments; so many steps off at most by a plain one."""
        (slope, offset), claimed, paid = line, self.claimed[rows], self.paid[rows]
        # Small amounts lie on any line to a step or two.
        large = near_plain if slope in _PLAIN else ABOUT
        near = np.where(is_large(claimed, self.grid), large, EXACTLY if slope in _PLAIN else 0.0)
        on = np.abs(np.rint(claimed * slope / self.grid) * self.grid + offset - paid) < near * self.grid
        to_step = self._gives(line, rows) & is_large(claimed, self.step)
        return np.asarray(on | to_step)

    def _gives(self, line: Line, rows: Ints) -> Mask:
        """Which of `rows` are paid what the line says, to the step of payments."""
        (slope, offset), claimed = line, self.claimed[rows]
        return is_exactly(claimed * slope + offset, self.paid[rows], self.step, self.grid, self.habit)

    def _between_steps(self, line: Line, rows: Ints) -> Line:
        """The line with the roundest offset about its own that gives about as many payments as any: what is left above a fixed part in
        whole tens need not be tens itself. Nobody's many claims move one.
        """  # noqa: D205
        slope, offset = line
        if self.step <= self.grid or slope == 0:
            return line
        rows = rows[self.population.one_of_each(rows)]
        off = np.abs(self.claimed[rows] * slope + offset - self.paid[rows])
        as_it_is = np.count_nonzero(off < self.grid)
        rows = rows[(off < ABOUT * self.step) & is_large(self.claimed[rows], self.step)]
        found: list[tuple[int, Line]] = []
        for parts in _PARTS_OF_A_STEP:
            unit = self.step / parts
            about = [(slope, round((round(offset / unit) + aside) * unit, 2)) for aside in range(-parts, parts + 1)]
            found.append(max((int(np.count_nonzero(self._gives(one, rows))), one) for one in about))
        most = max(count for count, _ in found)
        moved = next(one for count, one in found if count >= _ABOUT_AS_MANY * most)
        won = rows[self._gives(moved, rows) & ~self._gives(line, rows)]
        is_clear = most > _CLEARLY_MORE * as_it_is and self.population.may_be_told(won)
        return moved if is_clear else line

    def _is_one(self, on: Ints, support: int) -> bool:
        """Are these rows of many different amounts, and may they be told of?"""
        different = len(np.unique(self.claimed[on]))
        enough = min(max(MIN_AMOUNTS_ON_LINE, self.spread * support), SURELY_ON_LINE)
        return different >= enough and self.population.may_be_told(on)

    def _densest(self, todo: Ints) -> tuple[int, float, float]:
        """How many rows lie on the commonest line, on the grid or, where clearly more do, to the step; its slope and its offset."""
        claimed, paid = self.claimed[todo], self.paid[todo]
        large = is_large(claimed, self.grid)
        found = max(
            _densest_offset(*((claimed, paid) if slope in _PLAIN else (claimed[large], paid[large])), slope, self.grid)
            for slope in _SLOPES
        )
        large = is_large(claimed, self.step)
        if self.step > self.grid and large.any():
            to_step = max(_densest_offset(claimed[large], paid[large], slope, self.step) for slope in _SLOPES)
            found = to_step if to_step[0] > _CLEARLY_MORE * found[0] else found
        return found

    def _told_by_pairs(self, rows: Ints) -> list[Line]:
        """The lines through pairs of rows, drawn at random, that several pairs tell; commonest first."""
        if len(rows) < 2:
            return []
        drawn = uniforms(stream_key("pairs of payments"), np.arange(2 * _PAIRS)) * len(rows)
        one, other = rows[drawn.astype(np.int64)].reshape(2, -1)
        apart = self.claimed[one] - self.claimed[other]
        far = np.abs(apart) >= _FAR_APART * self.step
        one, other, apart = one[far], other[far], apart[far]
        slope = np.round((self.paid[one] - self.paid[other]) / apart, _DECIMALS)
        offsets = [self.paid[at] - slope * self.claimed[at] for at in (one, other)]
        steps = np.rint((offsets[0] + offsets[1]) / 2 / self.step)
        told = (slope >= _LEAST_SLOPE) & (slope <= 1) & (np.abs(offsets[0] - offsets[1]) <= self.step)
        told &= np.abs(steps) > 1
        pairs, counts = np.unique(np.column_stack([slope[told], steps[told]]), axis=0, return_counts=True)
        order = np.argsort(-counts, kind="stable")[:_TRIED]
        return [
            (float(pairs[i, 0]), round(float(pairs[i, 1]) * self.step, 2))
            for i in order[counts[order] >= _FEW_PAIRS].tolist()
        ]


def _densest_offset(claimed: Numbers, paid: Numbers, slope: float, grid: float) -> tuple[int, float, float]:
    """How many rows lie on the commonest line of this slope that does not go through nothing, the slope and the offset."""
    steps = np.rint(paid / grid).astype(np.int64) - np.rint(claimed * slope / grid).astype(np.int64)
    values, counts = np.unique(steps[np.abs(steps) > 1], return_counts=True)
    if not len(values):
        return 0, slope, 0.0
    best = int(counts.argmax())
    return int(counts[best]), slope, round(float(values[best]) * grid, 2)
