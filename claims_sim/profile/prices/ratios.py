"""What each value of a variable multiplies amounts by, where the ratios of claims that differ in it alone recur exactly.

Sees groups of claims that are alike otherwise, values and logarithms only.
"""

from typing import Final, NamedTuple

import numpy as np

from claims_sim.profile.counts.counting import Codes, Ints, dense_ids
from claims_sim.profile.counts.numbers import Numbers

MIN_PAIRS: Final = 12
_MIN_SHARE: Final = 0.3
"""The share of the pairs that must have one ratio."""
_LEAST_SHARE, _AS_AMONG_EQUALS = 0.05, 0.6
"""Fewer may where rows that agree in all have equal amounts no oftener (a ward class that is not told), but so many at least."""
_SMALL_CELL: Final = 3
"""So many rows at most have the cells by which it is known how often rows are equal that are alone."""
_SAME_RATIO: Final = 0.002
"""How far the logarithm of a ratio may lie from what the ratios of more pairs make of it."""
_MOST_LINKED, _SOME_LINKED = 0.8, 0.5
"""The share of the rows whose values have pairs, and of all rows, that must be linked to others."""
_FEW_ACROSS: Final = 0.05
"""The share of the pairs of values that are linked to each other alone which may be with other values."""
_MIN_CONTRAST: Final = 3.0
"""How much denser such a ratio's pairs must be than those beside it."""


class _Edge(NamedTuple):
    """Two values of a variable, the log ratio at which their pairs are densest, pairs there and beside it, all pairs, and how many must
    have one ratio.
    """  # noqa: D205

    low: int
    high: int
    centre: float
    hits: int
    beside: float
    total: int
    needed: float


def factor_by_ratios(group: Ints, value: Codes, size: int, logs: Numbers, tolerance: Numbers) -> Numbers | None:
    """The logarithm of each value's factor (the commonest value: 0, one that no ratio links to any: NaN), or None when ratios do not
    recur. Of values that never come beside those that are linked to the commonest one the commonest is 0, too.
    """  # noqa: D205
    cells, distinct = dense_ids(group * size + value)
    mode, spread = _modes(cells, len(distinct), logs, tolerance)
    counts = np.bincount(cells)
    owner, level = distinct // size, distinct % size
    order = np.lexsort((-counts, owner))
    first = np.r_[True, owner[order][1:] != owner[order][:-1]]
    leader = order[np.maximum.accumulate(np.where(first, np.arange(len(order)), 0))]
    pair = order != leader
    a, b = leader[pair], order[pair]
    low, high = np.minimum(level[a], level[b]), np.maximum(level[a], level[b])
    ratio = np.where(level[a] < level[b], mode[b] - mode[a], mode[a] - mode[b])
    width = spread[a] + spread[b] + 2e-5
    rows = np.bincount(value, minlength=size)
    edges = _edges(low, high, ratio, width, np.zeros(len(a)), size)
    if _solve(edges, size, rows) is None:
        return None  # how often equals are equal could only ask for more
    equal = _equal(cells, len(distinct), logs, tolerance)
    # Claims that are alone are alike as often as those of the smallest cells that can tell.
    few = equal[(counts <= _SMALL_CELL) & np.isfinite(equal)]
    expected = np.where(np.isfinite(equal[a]), equal[a], few.mean() if len(few) else 1.0)
    return _solve(_edges(low, high, ratio, width, expected, size), size, rows)


def _equal(cells: Ints, count: int, logs: Numbers, tolerance: Numbers) -> Numbers:
    """For each cell: is one of its amounts the commonest one of the others? NaN where it is alone."""
    out = np.full(count, np.nan)
    rows = np.arange(len(cells))
    order = np.argsort(cells * 0x10000 + (rows * 0x9E3779B1 >> 8 & 0xFFFF), kind="stable")
    first = np.r_[True, np.diff(cells[order]) > 0]
    several = (np.bincount(cells, minlength=count) > 1)[cells]
    alone = order[first][several[order[first]]]
    others = several.copy()
    others[alone] = False
    mode, spread = _modes(cells[others], count, logs[others], tolerance[others])
    off = np.abs(logs[alone] - mode[cells[alone]])
    out[cells[alone]] = off <= spread[cells[alone]] + tolerance[alone] + 2e-5
    return out


def _modes(cells: Ints, count: int, logs: Numbers, tolerance: Numbers) -> tuple[Numbers, Numbers]:
    """The commonest logarithm of each cell, and its tolerance (cells hold exact repeats, so ties need no care)."""
    mode, spread = np.zeros(count), np.zeros(count)
    if not len(cells):
        return mode, spread
    value = np.rint(logs / 1e-7).astype(np.int64)
    value -= value.min()
    span = int(value.max()) + 1
    number, distinct = dense_ids(cells * span + value)
    of_value, length = distinct // span, np.bincount(number)
    first = np.zeros(len(distinct), np.int64)
    first[number[::-1]] = np.arange(len(number))[::-1]
    best = np.lexsort((-length, of_value))
    chosen = best[np.r_[True, np.diff(of_value[best]) > 0]]
    mode[of_value[chosen]] = logs[first[chosen]]
    spread[of_value[chosen]] = tolerance[first[chosen]]
    return mode, spread


def _edges(low: Ints, high: Ints, ratio: Numbers, width: Numbers, equal: Numbers, size: int) -> list[_Edge]:
    """For each pair of values (low, high): the peak of their log ratios, rows in the peak, and all rows; and how many must be there, by
    how often rows are `equal` that agree in all.
    """  # noqa: D205
    out: list[_Edge] = []
    pair = low * size + high
    order = np.lexsort((ratio, pair))
    pair, ratio, width, equal = pair[order], ratio[order], width[order], equal[order]
    start = np.flatnonzero(np.r_[True, pair[1:] != pair[:-1]])
    for s, e in zip(start, np.r_[start[1:], len(pair)], strict=True):
        if e - s < 3:
            continue
        centre, hits = densest(ratio[s:e], width[s:e])
        away = np.abs(ratio[s:e] - centre) / width[s:e]
        beside = int(((away > 1) & (away <= 3)).sum()) / 2
        share = min(max(_AS_AMONG_EQUALS * float(equal[s:e].mean()), _LEAST_SHARE), _MIN_SHARE)
        out.append(_Edge(int(pair[s] // size), int(pair[s] % size), centre, hits, beside, int(e - s), share * (e - s)))
    return out


def densest(values: Numbers, width: Numbers) -> tuple[float, int]:
    """Where sorted `values` are densest, each with its own tolerance; the centre is weighted by precision."""
    # Called for every pair of values: numpy's own median and average take several times as long for so few numbers.
    ordered = np.sort(width)
    half = float(ordered[(len(width) - 1) // 2] + ordered[len(width) // 2]) / 2
    counts = np.searchsorted(values, values + 2 * half, side="right") - np.arange(len(values))
    i = int(counts.argmax())
    inside = slice(i, i + int(counts[i]))
    weight = width**-2.0
    centre = float((values[inside] * weight[inside]).sum() / weight[inside].sum())
    hits = np.abs(values - centre) <= width
    count = int(hits.sum())
    if count:
        centre = float((values[hits] * weight[hits]).sum() / weight[hits].sum())
    return centre, count


def _solve(edges: list[_Edge], size: int, rows: Ints) -> Numbers | None:
    """Factors from the peaks of pairs, linked from the commonest value on; None when most values have no clear peaks: with as many
    pairs as are needed.
    """  # noqa: D205
    pairs, peaks, wanted = np.zeros(size), np.zeros(size), np.zeros(size)
    good = []
    for low, high, centre, hits, beside, total, needed in edges:
        is_clear = hits >= 3 and (hits >= _MIN_SHARE * total or (hits >= needed and hits > _MIN_CONTRAST * beside))
        for value in (low, high):
            pairs[value] += total
            wanted[value] += needed
            peaks[value] += hits if is_clear else 0
        if is_clear:
            good.append((low, high, centre, hits))
    counted = pairs >= MIN_PAIRS
    if not counted.any() or (peaks[counted] < wanted[counted]).sum() > 0.1 * counted.sum():
        return None
    logs = np.full(size, np.nan)
    logs[int(rows.argmax())] = 0.0
    # Each edge from either end; the one with most hits comes first.
    ends = sorted(
        ((h, a, b, c) for low, high, centre, h in good for a, b, c in ((low, high, centre), (high, low, -centre)))
    )
    start, end = (np.array([edge[i] for edge in ends[::-1]], np.int64) for i in (1, 2))
    centre_of = np.array([edge[3] for edge in ends[::-1]])
    _link(logs, start, end, centre_of)
    linked = ~np.isnan(logs)
    # Values that come with one value alone of another variable are linked to each other, and later by that one to all.
    while (apart := np.isin(np.arange(size), end) & ~linked).any():
        own = np.full(size, np.nan)
        own[int(np.where(apart, rows, -1).argmax())] = 0.0
        _link(own, start, end, centre_of)
        mine = ~np.isnan(own)
        across = sum(edge.total for edge in edges if mine[edge.low] != mine[edge.high])
        if across <= _FEW_ACROSS * pairs[mine].sum():
            logs[mine] = own[mine]
        linked |= mine
    linked = ~np.isnan(logs)
    if rows[linked].sum() < max(_MOST_LINKED * rows[counted].sum(), _SOME_LINKED * rows.sum()):
        return None
    if good:
        lows, highs = (np.array([edge[i] for edge in good], np.int64) for i in (0, 1))
        centres, hit_counts = (np.array([edge[i] for edge in good], float) for i in (2, 3))
        # A peak that contradicts those of more pairs is that of something else (two ward classes).
        use = linked[lows] & linked[highs] & (np.abs(logs[highs] - logs[lows] - centres) < _SAME_RATIO)
        logs = _least_squares(lows[use], highs[use], centres[use], hit_counts[use], logs)
    return np.where(linked, logs, np.nan)


def _link(logs: Numbers, start: Ints, end: Ints, centre: Numbers) -> None:
    """Set the logarithms of all values that edges, the best first, link to those whose logarithms are known."""
    while (reach := ~np.isnan(logs[start]) & np.isnan(logs[end])).any():
        first = int(reach.argmax())
        logs[end[first]] = logs[start[first]] + centre[first]


def _least_squares(low: Ints, high: Ints, centre: Numbers, weight: Numbers, logs: Numbers) -> Numbers:
    size = len(logs)
    for _ in range(30):
        pull = np.zeros(size)
        mass = np.zeros(size)
        np.add.at(pull, high, weight * (logs[low] + centre))
        np.add.at(pull, low, weight * (logs[high] - centre))
        np.add.at(mass, high, weight)
        np.add.at(mass, low, weight)
        logs = np.where(mass > 0, pull / np.maximum(mass, 1e-9), logs)
    return logs


def filled_where_alike(factor: Numbers, other: Numbers) -> Numbers | None:
    """`factor` with what `other` says of values that it says nothing of; None where they differ in what both say, or say too little."""
    both = np.isfinite(factor) & np.isfinite(other)
    apart = factor[both] - other[both]
    if len(apart) < 2 or np.ptp(apart) > _SAME_RATIO:
        return None
    return np.nan_to_num(np.where(np.isfinite(factor), factor, other + float(np.median(apart))))


def snap_ratios(logs: Numbers, tolerance: float = 2.5e-5) -> Numbers:
    """`logs` moved to ratios of three decimals to one of them, if practically all ratios are that round."""
    best, best_count = logs, 0.0
    for reference in range(len(logs)):
        ratio = np.exp(logs - logs[reference])
        near = np.round(ratio, 3)
        close = np.abs(np.log(np.maximum(near, 1e-3) / ratio)) < tolerance
        # Three decimals are hit by chance at a rate of about 5 %.
        if close.mean() > max(0.8, best_count):
            best_count = float(close.mean())
            best = np.where(close, np.log(np.maximum(near, 1e-3)), logs - logs[reference]) + logs[reference]
    snapped: Numbers = best - best[int(np.abs(best).argmin())]
    return snapped
