"""Find the factors of a tariff: variables whose values multiply every amount alike.

Pairs of rows that differ in one variable alone are compared; where their ratios recur exactly, case after case, the
variable is a factor. Sees codes and amounts only.
"""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple

import numpy as np

from claims_sim.profile.counting import Codes, Ints, Mask, dense_ids
from claims_sim.profile.directory import is_attribute
from claims_sim.profile.document import PERIOD
from claims_sim.profile.encode import MONTH, Encoded
from claims_sim.profile.numbers import Numbers

FACTOR_CANDIDATES: Final = ("facility_type", "facility_ownership", "facility_class", "severity_group", "province_name")
CASE_ALWAYS: Final = ("service_type", "dx_primary_code")
CONDITIONS: Final = ("procedure_code",)
MIN_PAIRS: Final = 12
_MIN_SHARE: Final = 0.3
"""The share of the pairs that must have one ratio."""
_LEAST_SHARE, _AS_AMONG_EQUALS = 0.05, 0.6
"""Fewer may where rows that agree in all have equal amounts no oftener (a ward class that is not told), but so many at least."""
_NEARLY_ALL: Final = 0.97
"""A variable with one value in so many rows seems to follow from any other."""
_SAME_RATIO: Final = 0.002
"""How far the logarithm of a ratio may lie from what the ratios of more pairs make of it."""
_CLEARLY_OFTENER: Final = 1.5
"""How many times as often prices of other months must be equal without a rise, for it to be one of all."""
_MIN_CONTRAST: Final = 3.0
"""How much denser such a ratio's pairs must be than those beside it."""
MAX_CASE_SIZE: Final = 12
"""With more values a variable is no part of a case: hardly any price would be borne by enough."""
_MANY_ROWS: Final = 15_000
"""With fewer rows a ratio recurs by chance among those that agree in less."""
_NO_PLACE: Final = ("severity_group",)
"""Of the candidates what is no place: who raises prices is a house, its owner or its region."""
_CLEARLY_BETTER: Final = 1.2
"""How many times as often neighbours' prices must be equal for places to have rises of their own."""
_AS_OFTEN: Final = 0.95
"""So large a share of the pairs that agree in more, and those that agree in less have equal amounts as often."""
_FEWEST_RISEN: Final = 300
"""With fewer rows of a place alone its ratios recur by chance."""
_LEAST_CHANGE: Final = 0.002
"""Prices of months that differ by less than this are the same price list."""


NOTHING_KNOWN: Final[Mapping[str, Numbers]] = MappingProxyType({})


class _Edge(NamedTuple):
    """Two values of a variable, the log ratio at which their pairs are densest, pairs there and beside it, and all pairs."""

    low: int
    high: int
    centre: float
    hits: int
    beside: float
    total: int


def global_factors(
    encoded: Encoded, logs: Numbers, tolerance: Numbers, usable: Mask, known: Mapping[str, Numbers] = NOTHING_KNOWN
) -> tuple[dict[str, Numbers], list[str]]:
    """Variables whose every value multiplies the amount alike in all cases; and those that are part of the case.

    NaN stands for what a value multiplies by that no pairs link to others. Factors that are `known` already are not sought again.
    """
    names = [n for n in FACTOR_CANDIDATES if n in encoded.codes and len(encoded.vocabularies[n]) > 1]
    others = _what_decides(encoded, names, logs, tolerance, usable)
    factors = dict(known)
    rest, open_ = logs.copy(), list[str](name for name in names if name not in known)
    for name, found in known.items():
        rest -= np.append(found, 0.0)[encoded.codes[name]]
    # Months come first: they are no part of a case, and would thin out the comparisons of all others.
    if MONTH not in known and len(encoded.vocabularies.get(MONTH, ())) > 1:
        rise = _factor_of(encoded, MONTH, [*names, *others], rest, tolerance, usable)
        if rise is not None and np.nanmax(np.abs(rise)) > _LEAST_CHANGE:
            without = rest - np.append(np.nan_to_num(rise), 0.0)[encoded.codes[MONTH]]
            valid = np.flatnonzero(usable)
            key = alike(encoded, [*names, *others], valid)
            before, after, _ = equal_when_moved(key, logs[valid], without[valid], tolerance[valid])
            # Where some prices rise and others do not, there is no rise of all, though some ratio is the commonest one.
            if after > _CLEARLY_OFTENER * before:
                factors[MONTH], rest = rise, without
    parts = _parts(encoded, names, usable)
    # A factor that is found leaves the key of the next ones, whose comparisons then become denser: go round twice.
    for _ in range(2):
        for name in list(open_):
            if any((name, other) in parts for other in factors):
                open_.remove(name)
                continue
            # Rows that differ in a class and its owner differ in the class.
            key_names: list[str] = [n for n in names if n != name and n not in factors and (n, name) not in parts]
            factor = _factor_of(encoded, name, [*key_names, *others], rest, tolerance, usable)
            if factor is None and int(usable.sum()) >= _MANY_ROWS:
                # What was done may leave too few that are alike; where it does not matter, more of them are.
                key_names += [n for n in others if n not in CONDITIONS]
                factor = _factor_of(encoded, name, key_names, rest, tolerance, usable)
            if factor is None:
                continue
            factors[name] = factor
            rest = rest - np.append(np.nan_to_num(factor), 0.0)[encoded.codes[name]]
            open_.remove(name)
    failed = [n for n in open_ if len(encoded.vocabularies[n]) <= MAX_CASE_SIZE]
    return factors, failed


def _what_decides(encoded: Encoded, names: Sequence[str], logs: Numbers, tolerance: Numbers, usable: Mask) -> list[str]:
    """What makes a case, beside its place and severity: a diagnosis and what was done, or what was done alone where rows that agree in
    it have equal amounts as often, whatever the diagnosis. Of these there are more to be compared.
    """  # noqa: D205
    others: list[str] = [n for n in (*CASE_ALWAYS, *CONDITIONS) if n in encoded.codes]
    without: list[str] = [n for n in others if n != "dx_primary_code"]
    rows = np.flatnonzero(usable)
    if not {*others} >= {*CONDITIONS, "dx_primary_code"} or _mostly_nothing(encoded, *CONDITIONS, rows):
        return others
    both, done = (
        _equal_neighbours(alike(encoded, [*names, *some], rows), logs[rows], tolerance[rows])
        for some in (others, without)
    )
    return without if done > _AS_OFTEN * both else others


def _mostly_nothing(encoded: Encoded, name: str, rows: Ints) -> bool:
    """Have most of `rows` no value there?"""
    values = encoded.vocabularies[name]
    if None not in values:
        return False
    return 2 * int(np.count_nonzero(encoded.codes[name][rows] == values.index(None))) > len(rows)


def filled_where_alike(factor: Numbers, other: Numbers) -> Numbers | None:
    """`factor` with what `other` says of values that it says nothing of; None where they differ in what both say, or say too little."""
    both = np.isfinite(factor) & np.isfinite(other)
    apart = factor[both] - other[both]
    if len(apart) < 2 or np.ptp(apart) > _SAME_RATIO:
        return None
    return np.nan_to_num(np.where(np.isfinite(factor), factor, other + float(np.median(apart))))


_PLACES_AND_PERIODS, _PERIODS, _PLACES = "places and periods", "periods", "places"


class Rises(NamedTuple):
    """The logarithms of what each value of `place` multiplies prices by in each period, value by value. `between` says what they
    compare: places and periods; the periods of each place; or the places of each period, where each case rises by its own.
    """  # noqa: D205

    place: str
    logs: Numbers
    between: str

    def others(self, factors: Mapping[str, Numbers]) -> dict[str, Numbers]:
        """Of `factors` those that these do not stand for."""
        stands_for = {MONTH} if self.between == _PERIODS else {MONTH, self.place}
        return {name: logs for name, logs in factors.items() if name not in stands_for}


def rises_by_place(
    encoded: Encoded, logs: Numbers, tolerance: Numbers, usable: Mask, factors: Mapping[str, Numbers]
) -> Rises | None:
    """Rises of prices between the periods of `encoded` that each value of a column of places has its own of; None where prices are
    hardly the oftener equal for it than by the `factors` that are known. A place's rise in a period is that of enough persons.
    """  # noqa: D205
    names = [n for n in FACTOR_CANDIDATES if n in encoded.codes and len(encoded.vocabularies[n]) > 1]
    others = _what_decides(encoded, names, logs, tolerance, usable)
    period, periods = encoded.codes[PERIOD].astype(np.int64), len(encoded.vocabularies[PERIOD])
    best, most = None, _CLEARLY_BETTER
    for name in (n for n in names if n not in _NO_PLACE):
        known = np.flatnonzero(usable & (encoded.codes[name] >= 0) & (period >= 0))
        size, cells = len(encoded.vocabularies[name]), encoded.codes[name][known] * periods + period[known]
        told = encoded.population.releasable(cells, size * periods, known)
        rows, cells = known[told[cells]], cells[told[cells]]
        if not len(rows):
            continue
        for between in (_PLACES_AND_PERIODS, _PERIODS, _PLACES):
            tried = Rises(name, np.zeros(0), between)
            rest = logs_left(tried.others(factors), encoded, logs, rows)
            key_names = [n for n in names if n not in factors and (n != name or between == _PERIODS)]
            key = alike(encoded, [*key_names, *others, *([PERIOD] if between == _PLACES else [])], rows)
            found = _rises(key, cells, (size, periods), rest, tolerance[rows], between)
            if found is None:
                continue
            found = _as_far_as_told(found, told, cells % periods, periods)
            now, then = (
                _equal_neighbours(key, left, tolerance[rows])
                for left in (logs_left(factors, encoded, logs, rows), rest - found[cells])
            )
            if then > most * now:
                best, most = tried._replace(logs=found), then / max(now, 1e-9)
                break
    return best


def _as_far_as_told(logs: Numbers, told: Mask, period: Ints, periods: int) -> Numbers:
    """`logs` of each place and period: as in the usual one where these claims may not be told, 0 where none of the place's may."""
    by_place, is_told = logs.reshape(-1, periods), told.reshape(-1, periods)
    filled = np.where(is_told, by_place, by_place[:, [_usual(period)]])
    return np.where(is_told.any(1, keepdims=True), filled, 0.0).ravel()


def _usual(codes: Ints) -> int:
    return int(np.bincount(codes).argmax())


def _rises(
    key: Ints, cells: Ints, sizes: tuple[int, int], rest: Numbers, tolerance: Numbers, between: str
) -> Numbers | None:
    """What each place multiplies prices by in each period (`cells`: place × periods + period), of all places together or of each by
    itself, or in each period by itself.
    """  # noqa: D205
    size, periods = sizes
    if between == _PLACES:
        each = [
            _factor(key[own], (cells[own] // periods).astype(np.int32), size, rest[own], tolerance[own])
            for own in (np.flatnonzero(cells % periods == period) for period in range(periods))
        ]
        if all(found is None for found in each):
            return None
        logs = np.column_stack([np.zeros(size) if found is None else np.nan_to_num(found) for found in each])
        # Each period's is told beside the place with most claims of that period; all are to be beside one and the same.
        one: Numbers = logs - logs[_usual(cells // periods)]
        return one.ravel()
    if between == _PLACES_AND_PERIODS:
        found = _factor(key, cells.astype(np.int32), size * periods, rest, tolerance)
        return None if found is None else np.nan_to_num(found)
    place, period = cells // periods, (cells % periods).astype(np.int32)
    usual, rises = _usual(cells % periods), np.zeros((size, periods))
    for value in np.flatnonzero(np.bincount(place, minlength=size) > _FEWEST_RISEN).tolist():
        own = np.flatnonzero(place == value)
        found = _factor(key[own], period[own], periods, rest[own], tolerance[own])
        rises[value] = 0.0 if found is None else np.nan_to_num(found) - np.nan_to_num(found[usual])
    return rises.ravel() if rises.any() else None


def logs_left(factors: Mapping[str, Numbers], encoded: Encoded, logs: Numbers, rows: Ints) -> Numbers:
    """What the factors leave of the logarithms of `rows`."""
    rest = logs[rows].copy()
    for name, factor in factors.items():
        rest -= np.append(factor, 0.0)[encoded.codes[name][rows]]
    return rest


def _equal_neighbours(key: Ints, logs: Numbers, tolerance: Numbers) -> float:
    """How often neighbours with one key have equal logarithms."""
    one, other = _neighbours(key)
    if not len(one):
        return 0.0
    return float(np.mean(np.abs(logs[one] - logs[other]) <= tolerance[one] + tolerance[other] + 2e-5))


def _parts(encoded: Encoded, names: Sequence[str], usable: Mask) -> set[tuple[str, str]]:
    """Pairs of variables of which the first says but a part of what the second does: a class, beside a class and its owner."""
    found = set()
    for one in names:
        for other in names:
            rows = np.flatnonzero(usable & (encoded.codes[one] >= 0) & (encoded.codes[other] >= 0))
            part, whole = encoded.codes[one][rows], encoded.codes[other][rows]
            if one == other or not len(rows) or np.bincount(part).max() > _NEARLY_ALL * len(rows):
                continue
            if is_attribute(part, whole.astype(np.int64) + 1):
                found.add((one, other))
    return found


def _factor_of(
    encoded: Encoded, name: str, key_names: Sequence[str], rest: Numbers, tolerance: Numbers, usable: Mask
) -> Numbers | None:
    """The factor of a variable by rows that agree in all of `key_names`."""
    valid = np.flatnonzero(usable & (encoded.codes[name] >= 0))
    if not len(valid):
        return None
    key = alike(encoded, key_names, valid)
    return _factor(key, encoded.codes[name][valid], len(encoded.vocabularies[name]), rest[valid], tolerance[valid])


def alike(encoded: Encoded, names: Iterable[str], rows: Ints) -> Ints:
    """A number for all that `names` say of each of `rows`."""
    key = np.zeros(len(rows), np.int64)
    for name in names:
        key, _ = dense_ids(key * (len(encoded.vocabularies[name]) + 1) + encoded.codes[name][rows] + 1)
    return key


class Moved(NamedTuple):
    """Of neighbours with one key that were moved unequally: the share that was equal `before` and is `after`, and the places of
    those that are, one of each pair.
    """  # noqa: D205

    before: float
    after: float
    equal: Ints


def _neighbours(key: Ints) -> tuple[Ints, Ints]:
    """The places of neighbours with one key, who are taken at random."""
    order = np.lexsort((np.arange(len(key)) * 0x9E3779B1 >> 8 & 0xFFFF, key))
    one, other = order[:-1], order[1:]
    same = key[one] == key[other]
    return one[same], other[same]


def equal_when_moved(key: Ints, before: Numbers, after: Numbers, tolerance: Numbers) -> Moved:
    """What moving the logarithms from `before` to `after` does to neighbours with one key, who are taken at random."""
    one, other = _neighbours(key)
    moved = before - after
    apart = np.abs(moved[one] - moved[other]) > _LEAST_CHANGE
    one, other = one[apart], other[apart]
    if not len(one):
        return Moved(0.0, 0.0, one)
    width = tolerance[one] + tolerance[other] + 2e-5
    was, is_ = (np.abs(logs[one] - logs[other]) <= width for logs in (before, after))
    return Moved(float(was.mean()), float(is_.mean()), one[is_])


def _factor(group: Ints, value: Codes, size: int, logs: Numbers, tolerance: Numbers) -> Numbers | None:
    """The logarithm of each value's factor (the commonest value: 0, one that nothing links to it: NaN), or None when ratios do not
    recur.
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
    edges, rows = _edges(low, high, ratio, width, size), np.bincount(value, minlength=size)
    if _solve(edges, size, rows, _LEAST_SHARE) is None:
        return None  # how often equals are equal could only ask for more
    share = min(max(_AS_AMONG_EQUALS * _equal(cells, len(distinct), logs, tolerance), _LEAST_SHARE), _MIN_SHARE)
    return _solve(edges, size, rows, share)


def _equal(cells: Ints, count: int, logs: Numbers, tolerance: Numbers) -> float:
    """How often an amount is the commonest one of the other amounts of its cell."""
    rows = np.arange(len(cells))
    order = np.argsort(cells * 0x10000 + (rows * 0x9E3779B1 >> 8 & 0xFFFF), kind="stable")
    first = np.r_[True, np.diff(cells[order]) > 0]
    several = (np.bincount(cells, minlength=count) > 1)[cells]
    alone = order[first][several[order[first]]]
    if not len(alone):
        return 0.0
    others = several.copy()
    others[alone] = False
    mode, spread = _modes(cells[others], count, logs[others], tolerance[others])
    off = np.abs(logs[alone] - mode[cells[alone]])
    return float(np.mean(off <= spread[cells[alone]] + tolerance[alone] + 2e-5))


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


def _edges(low: Ints, high: Ints, ratio: Numbers, width: Numbers, size: int) -> list[_Edge]:
    """For each pair of values (low, high): the peak of their log ratios, rows in the peak, and all rows."""
    out: list[_Edge] = []
    pair = low * size + high
    order = np.lexsort((ratio, pair))
    pair, ratio, width = pair[order], ratio[order], width[order]
    start = np.flatnonzero(np.r_[True, pair[1:] != pair[:-1]])
    for s, e in zip(start, np.r_[start[1:], len(pair)], strict=True):
        if e - s < 3:
            continue
        centre, hits = densest(ratio[s:e], width[s:e])
        away = np.abs(ratio[s:e] - centre) / width[s:e]
        beside = int(((away > 1) & (away <= 3)).sum()) / 2
        out.append(_Edge(int(pair[s] // size), int(pair[s] % size), centre, hits, beside, int(e - s)))
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


def _solve(edges: list[_Edge], size: int, rows: Ints, share: float) -> Numbers | None:
    """Factors from the peaks of pairs, linked from the commonest value on; None when most pairs have no clear peak: one with
    so large a `share` of them.
    """  # noqa: D205
    pairs, peaks = np.zeros(size), np.zeros(size)
    good = []
    for low, high, centre, hits, beside, total in edges:
        is_clear = hits >= 3 and (
            hits >= _MIN_SHARE * total or (hits >= share * total and hits > _MIN_CONTRAST * beside)
        )
        for value in (low, high):
            pairs[value] += total
            peaks[value] += hits if is_clear else 0
        if is_clear:
            good.append((low, high, centre, hits))
    counted = pairs >= MIN_PAIRS
    if not counted.any() or (peaks[counted] < share * pairs[counted]).sum() > 0.1 * counted.sum():
        return None
    logs = np.full(size, np.nan)
    logs[int(rows.argmax())] = 0.0
    # Each edge from either end; the one with most hits comes first.
    ends = sorted(
        ((h, a, b, c) for low, high, centre, h in good for a, b, c in ((low, high, centre), (high, low, -centre)))
    )
    start, end = (np.array([edge[i] for edge in ends[::-1]], np.int64) for i in (1, 2))
    centre_of = np.array([edge[3] for edge in ends[::-1]])
    while (reach := ~np.isnan(logs[start]) & np.isnan(logs[end])).any():
        first = int(reach.argmax())
        logs[end[first]] = logs[start[first]] + centre_of[first]
    linked = ~np.isnan(logs)
    if rows[linked].sum() < 0.8 * rows.sum():
        return None
    if good:
        lows, highs = (np.array([edge[i] for edge in good], np.int64) for i in (0, 1))
        centres, hit_counts = (np.array([edge[i] for edge in good], float) for i in (2, 3))
        # A peak that contradicts those of more pairs is that of something else (two ward classes).
        use = linked[lows] & linked[highs] & (np.abs(logs[highs] - logs[lows] - centres) < _SAME_RATIO)
        logs = _least_squares(lows[use], highs[use], centres[use], hit_counts[use], logs)
    return np.where(linked, logs, np.nan)


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
