"""A tariff as the fit works with it: price = base of the case × factors of the place × a hidden level; and how rows lie on it.

Fits the bases of cases to amounts when factors and levels are known; `find_lattice.py` finds those.
"""

from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from claims_sim.profile.counts.counting import Codes, Ints, Mask, Population, dense_ids
from claims_sim.profile.counts.numbers import AS_COMPUTED, Numbers, on_grid, on_grid_in_turn
from claims_sim.profile.document_parts import Decisive

MAX_POINTS: Final = 12
_SEEN_OF_CASE: Final = 1000
_ASIDE: Final = 4e-5
"""How far from where values are densest, beside what rounding may do, a base is sought."""
A_STEP_OFF, TO_THE_STEP = 1.01, 0.5
"""Grid steps that an amount must lie nearer than: to the price itself or to one step beside it, or to the price alone."""


class Amounts(NamedTuple):
    """The amounts that a tariff is to explain: as they are, their logarithms, and how far off rounding may put these."""

    values: Numbers
    logs: Numbers
    tolerance: Numbers


@dataclass(slots=True)
class Lattice:
    """A tariff and how each row lies on it (`point` -1: not at all)."""

    case_names: tuple[str, ...]
    case_sizes: tuple[int, ...]
    grid: float
    codes: dict[str, Codes]
    """By which each row is priced: as it is coded, or, where it was dealt out, as it fits the prices of its group."""
    factors: dict[str, Numbers]
    levels: Numbers
    case_keys: Ints
    """Mixed-radix key of each case, ascending."""
    case: Ints
    """The case of each row, -1 where one of its variables is not known."""
    bases: Numbers = field(default_factory=lambda: np.zeros(0))
    base_start: Ints = field(default_factory=lambda: np.zeros(1, np.int64))
    together: Ints | None = None
    """Of each case the number of those that it is priced with; None where each is priced by itself."""
    point: Codes = field(default_factory=lambda: np.zeros(0, np.int32))
    level: Codes = field(default_factory=lambda: np.zeros(0, np.int32))
    top_ups: Numbers = field(default_factory=lambda: np.zeros(0))
    top_up: Codes = field(default_factory=lambda: np.zeros(0, np.int32))
    mark_ups: Numbers = field(default_factory=lambda: np.zeros(0))
    """What rounded prices are multiplied by."""
    marked_levels: Codes = field(default_factory=lambda: np.zeros(0, np.int32))
    """The hidden level of the prices that each of these multiplies."""
    mark_up: Codes = field(default_factory=lambda: np.zeros(0, np.int32))
    """Which of these each row has, from 1; 0: none."""
    ties: str = AS_COMPUTED
    """Where a price goes that lies between two steps of the grid."""
    decisive: Decisive | None = None
    """The procedures that decide prices, where DECIDED_BY is part of a case."""
    periods: tuple[int, ...] = ()
    """The period of each month, where cases or factors go by periods."""
    rounded_at: int = -1
    """The hidden level at which prices are rounded before they are multiplied to those of the others; -1: they are rounded once."""
    steps: float = A_STEP_OFF
    """Fewer steps of the grid than this lie between an amount and the price that it is taken for."""

    def place_log(self, rows: Ints) -> Numbers:
        """The sum of the logarithms of all factors of each of `rows`."""
        total = np.zeros(len(rows))
        for name, logs in self.factors.items():
            total += np.append(logs, 0.0)[self.codes[name][rows]]
        return total

    def prices(self, rows: Ints) -> Numbers:
        """What each of `rows`, which lie on the tariff, costs by it, before any mark-up."""
        logs = self.bases[self.base_start[self.case[rows]] + self.point[rows]]
        return self.priced(logs + self.place_log(rows), self.level[rows])

    def priced(self, logs: Numbers, level: Codes | int) -> Numbers:
        """The prices on the grid at a hidden level each of what has the logarithms `logs` without one."""
        if self.rounded_at < 0:
            return on_grid(logs + self.levels[level], self.grid, self.ties)
        first = self.levels[self.rounded_at]
        times = np.broadcast_to(self.levels[level] - first, np.shape(logs))
        return on_grid_in_turn(logs + first, times, self.grid, self.ties)


def dense_modes(case: Ints, rest: Numbers, tolerance: Numbers, cases: int, votes: Numbers | None = None) -> Numbers:
    """Where each case's values, each with its number of votes, are densest."""
    each = np.bincount(case, minlength=cases)
    typical = np.bincount(case, weights=tolerance, minlength=cases) / np.maximum(each, 1)
    step = 2 * np.where(each > 0, typical, 1.0) + 2e-5
    bins = np.floor(rest / step[case]).astype(np.int64)
    span = int(bins.max() - bins.min()) + 3
    cells, distinct = dense_ids(case * span + bins - int(bins.min()))
    counts = np.bincount(cells, weights=votes)
    following = np.r_[distinct[1:] == distinct[:-1] + 1, False]
    double = counts + np.where(following, np.r_[counts[1:], 0], 0)
    owner = distinct // span
    order = np.lexsort((-double, owner))
    best = order[np.r_[True, np.diff(owner[order]) > 0]]
    low = distinct[best] % span + int(bins.min())
    edge = np.full(cases, 0.0)
    edge[owner[best]] = low * step[owner[best]]
    start, end = edge[case], (edge + 2 * step)[case]
    inside = np.flatnonzero((rest >= start) & (rest < end))
    case, rest, weight = case[inside], rest[inside], 1 / tolerance[inside] ** 2
    total = np.bincount(case, weights=weight, minlength=cases)
    return np.bincount(case, weights=weight * rest, minlength=cases) / np.maximum(total, 1e-30)


def fit_points(found: Lattice, population: Population, amounts: Amounts, on: Ints) -> None:
    """Base prices of every case, commonest first, each borne by enough persons; then each row's base and level."""
    (primary, logs, tolerance), cases, levels = amounts, len(found.case_keys), found.levels
    place = np.zeros(len(logs))
    place[on] = found.place_log(on)
    rest = logs - place
    point, level = np.full(len(logs), -1, np.int32), np.full(len(logs), -1, np.int32)
    per_case: list[tuple[Ints, Numbers]] = []
    todo = on
    for number in range(MAX_POINTS):
        if not len(todo):
            break
        n, some = len(levels), some_of_each(found.case, todo, cases)
        votes_case = np.repeat(found.case[some], n)
        votes = (rest[some][:, None] - levels[None]).ravel()
        # Where a case has a single price, every level would explain it as well as none: none is simpler.
        worth = np.tile(np.where(levels == 0.0, 1.0, 0.9), len(some))
        base = dense_modes(votes_case, votes, np.repeat(tolerance[some], n), cases, worth)
        base = _centre(base, found.case[some], rest[some], tolerance[some], levels, cases)
        hit, chosen = match_levels(base[found.case[todo]], rest[todo], place[todo], primary[todo], found)
        rows = todo[hit]
        allowed = np.zeros(cases, np.bool_)
        if len(rows):
            allowed = population.releasable(found.case[rows], cases, rows)
        keep = allowed[found.case[rows]]
        point[rows[keep]], level[rows[keep]] = number, chosen[hit][keep]
        per_case.append((np.flatnonzero(allowed), base[allowed]))
        done = np.zeros(len(logs), np.bool_)
        done[rows[keep]] = True
        # A case without a further base has no more to find.
        todo = todo[~done[todo] & allowed[found.case[todo]]]
    owner = np.concatenate([c for c, _ in per_case]) if per_case else np.zeros(0, np.int64)
    value = np.concatenate([b for _, b in per_case]) if per_case else np.zeros(0)
    order = np.argsort(owner, kind="stable")
    found.bases = value[order]
    found.base_start = np.r_[0, np.cumsum(np.bincount(owner, minlength=cases))].astype(np.int64)
    found.point, found.level, found.together = point, level, None


def some_of_each(case: Ints, rows: Ints, cases: int) -> Ints:
    """Those of `rows` that a case's price is sought with: about a thousand of each case show it as well as all."""
    nth = np.maximum(np.bincount(case[rows], minlength=cases) // _SEEN_OF_CASE, 1)
    # By a number that is mixed from the row's own: neighbours in a table may be alike.
    chosen: Ints = rows[(rows * 0x9E3779B1 >> 8) % nth[case[rows]] == 0]
    return chosen


def _centre(base: Numbers, case: Ints, rest: Numbers, tolerance: Numbers, levels: Numbers, cases: int) -> Numbers:
    """Each case's base where most of its rows can be on it: rounding errors are bounded, not normal.

    A price that a level nearly makes of another is not the mean of both: that would be neither.
    """
    _, off = nearest_level(rest, levels, base[case])
    near = np.abs(off) <= 1.5 * tolerance + _ASIDE
    return base + most_overlapping(case[near], off[near], tolerance[near], cases)


def most_overlapping(case: Ints, values: Numbers, width: Numbers, cases: int) -> Numbers:
    """The middle of what most of each case's `values`, each as far as its `width` aside, have in common; 0 where there are none."""
    middle = np.zeros(cases)
    if not len(case):
        return middle
    edge, owner = np.concatenate([values - width, values + width]), np.concatenate([case, case])
    # One number to sort by: cases lie farther apart than the edges of each.
    order = np.argsort(owner * (2 * np.ptp(edge) + 1e-12) + edge, kind="stable")
    owner, edge = owner[order], edge[order]
    over = np.cumsum(np.where(order < len(case), 1, -1))  # every case ends at 0
    start = np.flatnonzero(np.r_[True, np.diff(owner) > 0])
    most = np.repeat(np.maximum.reduceat(over, start), np.diff(np.r_[start, len(owner)]))
    # Between the last edge of most and the one that ends it; where most overlap twice, the first time.
    at = np.flatnonzero(over == most)[::-1]
    middle[owner[at]] = (edge[at] + edge[at + 1]) / 2
    return middle


def match_levels(
    base: Numbers, rest: Numbers, place: Numbers, primary: Numbers, found: Lattice
) -> tuple[Mask, npt.NDArray[np.int32]]:
    """Rows whose amount is the rounded price, or as many grid steps beside it as `found` allows, and their level."""
    nearest, _ = nearest_level(rest, found.levels, base)
    price = np.rint(np.exp(base + found.levels[nearest] + place) / found.grid) * found.grid
    return np.abs(price - primary) < found.steps * found.grid, nearest


def nearest_level(rest: Numbers, levels: Numbers, base: Numbers) -> tuple[Codes, Numbers]:
    """The hidden level that brings each amount nearest to its base, the first of several; and how far off it then is."""
    nearest, off = np.zeros(len(rest), np.int32), rest - levels[0] - base
    for number, level in enumerate(levels[1:], 1):
        away = rest - level - base
        nearer = np.abs(away) < np.abs(off)
        nearest[nearer], off[nearer] = number, away[nearer]
    return nearest, off
