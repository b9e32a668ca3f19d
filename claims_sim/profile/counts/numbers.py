"""Number columns as codes: values that many persons share stand alone, the rest falls into ranges of many persons."""

from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from claims_sim.profile.counts.counting import Codes, Population, dense_ids, distinct_values
from claims_sim.profile.document_parts import Bins

Numbers = npt.NDArray[np.float64]
AS_COMPUTED: Final = "as computed"
"""How prices between two steps of a grid are rounded where no habit shows."""
_HALF, _HUNDRED = 0.5, 100


class Binned(NamedTuple):
    """A code per row (-1: missing or too rare to release) and what the codes stand for."""

    codes: Codes
    bins: Bins

    def levels(self, most: int) -> tuple[Codes, int]:
        """How high each row's value is, in at most so many levels of about as many rows (-1: no value), and how many these are."""
        middle = (np.array(self.bins.lo) + np.array(self.bins.hi)) / 2
        order = np.argsort(middle, kind="stable")
        rows = np.bincount(self.codes[self.codes >= 0], minlength=len(middle))[order]
        reached = ((np.cumsum(rows) - rows / 2) * most / max(rows.sum(), 1)).astype(np.int64)
        level = np.empty(len(middle), np.int32)
        level[order] = np.unique(reached, return_inverse=True)[1]
        return np.append(level, np.int32(-1))[self.codes], int(level.max(initial=-1)) + 1


def round_significant(value: float, digits: int) -> float:
    """`value` to so many significant digits."""
    return float(f"{value:.{digits - 1}e}")


def round_share(value: float, digits: int) -> float:
    """A share to so many significant digits of it, or, from a half on, of what it lacks of the whole: with one 0.9987 is 0.999."""
    return (
        round_significant(value, digits) if value < _HALF else round(1.0 - round_significant(1.0 - value, digits), 12)
    )


def within(values: Numbers, group: npt.NDArray[np.int64]) -> Numbers:
    """`values` less the mean of their group."""
    return np.asarray(values - (np.bincount(group, values) / np.maximum(np.bincount(group), 1))[group])


def rise(of: Numbers, by: Numbers) -> float:
    """How `of` rises with `by`, both about nothing: from not at all (0) to as much (1), in twentieths."""
    return round(20 * float(np.clip((of * by).sum() / max((by**2).sum(), 1e-9), 0.0, 1.0))) / 20


def on_grid(logs: Numbers, grid: float, ties: str) -> Numbers:
    """The prices behind logarithms, on the grid; `ties` says where one goes that lies between two steps."""
    steps = np.exp(logs) / grid
    if ties == AS_COMPUTED:
        return np.rint(steps) * grid
    below = np.floor(steps)
    # Logarithms are kept to nine decimals.
    tie = np.abs(steps - below - 0.5) < np.minimum(1e-5 + 3e-9 * steps, 0.25)
    given = {"even": below + below % 2, "up": below + 1, "down": below}[ties]
    return np.where(tie, given, np.rint(steps)) * grid


def on_grid_in_turn(logs: Numbers, times: Numbers, grid: float, ties: str) -> Numbers:
    """Prices put on the grid, multiplied by what has the logarithm `times`, and put on it again."""
    first = on_grid(logs, grid, ties)
    again = on_grid(np.log(np.maximum(first, grid)) + times, grid, ties)
    return np.where((times == 0.0) | (first == 0.0), first, again)


def marked_up(prices: Numbers, times: Numbers, finest: float) -> Numbers:
    """Rounded prices so many times, to the step of all amounts where that changes anything."""
    return np.asarray(np.where(times == 1.0, prices, np.rint(prices * times / finest + 1e-9) * finest))


def bin_numbers(
    values: Numbers,
    population: Population,
    *,
    whole: bool = False,
    most: int = 40,
    most_single: int = 4000,
    digits: int = 3,
    rounded: Callable[[float, int], float] = round_significant,
) -> Binned:
    """Codes for `values` (NaN: missing). At most `most` ranges beside `most_single` single values; ends `rounded` to so many digits."""
    known = np.flatnonzero(np.isfinite(values))
    codes = np.full(len(values), -1, np.int32)
    if not len(known):
        return Binned(codes, Bins(lo=(), hi=(), whole=whole))
    lo: list[float] = []
    if most_single:
        shared, codes[known] = _single_values(values[known], known, population, most_single)
        lo = shared.tolist()
    hi = list(lo)
    rest = known[codes[known] < 0]
    for start, stop, chosen in _ranges(values, rest, population, whole, most, digits, rounded):
        codes[chosen] = len(lo)
        lo.append(start)
        hi.append(stop)
    return Binned(codes, Bins(lo=tuple(lo), hi=tuple(hi), whole=whole))


def _single_values(
    values: Numbers, rows: npt.NDArray[np.int64], population: Population, most: int
) -> tuple[Numbers, Codes]:
    """At most so many values that may be told, the commonest, in order; and which of them each row has (-1: none)."""
    distinct, ids = distinct_values(values)
    single = population.releasable(ids, len(distinct), rows)
    if int(single.sum()) > most:
        counts = np.bincount(ids)
        single &= counts >= np.sort(counts[single])[-most]
    number = np.where(single, np.cumsum(single) - 1, -1).astype(np.int32)
    return distinct[single], number[ids]


def _ranges(
    values: Numbers,
    rest: npt.NDArray[np.int64],
    population: Population,
    whole: bool,
    most: int,
    digits: int,
    rounded: Callable[[float, int], float],
) -> list[tuple[float, float, npt.NDArray[np.int64]]]:
    """Ranges of about equal numbers of rows, each with enough persons; the outer ends come from means, not extremes."""
    count = min(most, len(rest) // (2 * population.k))
    if count < 1:
        count = 1 if len(rest) >= population.k else 0
    if not count:
        return []
    edges = np.quantile(values[rest], np.linspace(0, 1, count + 1)[1:-1], method="lower")
    if not whole:  # between two values, or an edge would be somebody's own
        there = np.unique(values[rest])
        above = there[np.minimum(np.searchsorted(there, edges, side="right"), len(there) - 1)]
        edges = (edges + above) / 2
    edges = np.unique([_plain(edge) if whole else rounded(edge, digits) for edge in edges])
    cell = np.searchsorted(edges, values[rest], side="left")
    merged = _merge_small(cell.astype(np.int64), len(edges) + 1, rest, population)
    if merged is None:
        return []
    ids, distinct = dense_ids(merged)
    out = []
    each = np.split(rest[np.argsort(ids, kind="stable")], np.cumsum(np.bincount(ids))[:-1])
    for i, (last, chosen) in enumerate(zip(distinct, each, strict=True)):
        mean = float(values[chosen].mean())
        stop = float(edges[last]) if last < len(edges) else None
        start = float(edges[distinct[i - 1]]) if i else None
        # An outer end comes from a mean: it is told so coarsely that no single value shows in it.
        ends = [digits - (end is None) for end in (start, stop)]
        if start is None and stop is None:
            spread = float(values[chosen].std()) * 1.73
            start, stop = mean - spread, mean + spread
        elif stop is None and start is not None:
            stop = start + 2 * max(mean - start, 0.0)
        elif start is None and stop is not None:
            start = stop - 2 * max(stop - mean, 0.0)
        assert start is not None  # noqa: S101 - one of the branches above has set both
        assert stop is not None  # noqa: S101
        start, stop = (rounded(end, told) for end, told in zip((start, stop), ends, strict=True))
        if whole:
            start, stop = np.floor(start) + (1.0 if i else 0.0), np.floor(stop)
        start = max(start, _floor_of(values[chosen], whole))
        out.append((min(start, stop), max(start, stop), chosen))
    return out


def _plain(value: float) -> float:
    """A whole number moved to a half step of its leading digit (61: 60), one of three digits or more to a step of its second (154: 150),
    so that an edge is nobody's own value.
    """  # noqa: D205
    digit = 10.0 ** np.floor(np.log10(max(value, 1.0)))
    step = max(digit / (2 if digit < _HUNDRED else 10), 1.0)
    return float(np.round(value / step) * step)


def _floor_of(values: Numbers, whole: bool) -> float:
    """0 or 1 where no value lies below that: a plain fact of the column, not a minimum."""
    least = float(values.min())
    if whole and least >= 1:
        return 1.0
    return 0.0 if least >= 0 else -np.inf


def _merge_small(
    cell: npt.NDArray[np.int64], count: int, rows: npt.NDArray[np.int64], population: Population
) -> npt.NDArray[np.int64] | None:
    """Join ranges with too few persons to the next one up (the last to the one below); None when nothing is left."""
    for _ in range(count):
        present = np.unique(cell)
        enough = population.releasable(cell, count, rows)
        small = [i for i in present if not enough[i]]
        if not small:
            return cell
        if len(present) == 1:
            return None
        i = small[0]
        above = present[present > i]
        other = above[0] if len(above) else present[present < i][-1]
        # A joined range is named by its upper edge.
        cell = np.where(np.isin(cell, [i, other]), max(i, other), cell)
    return cell
