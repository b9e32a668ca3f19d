"""Find the tariff behind amounts, if there is one: price = base of the case × factors of the place × a hidden level.

Real claim amounts are tariffs: products of a few factors, rounded to a grid, with many exact repeats. Nothing here
knows which variables are factors. A variable is one when changing it alone changes the amount by the same ratio in
case after case; ratios that recur within cases without any variable behind them are hidden levels (a ward class).
Sees codes and amounts; what may be released of its findings is decided with the population's rules.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from claims_sim.profile.counting import Codes, Ints, Mask, dense_ids
from claims_sim.profile.encode import Encoded
from claims_sim.profile.factors import CASE_ALWAYS, MIN_PAIRS, densest, global_factors, snap_ratios
from claims_sim.profile.numbers import Numbers
from claims_sim.profile.price_groups import group_codes_by_price, join_keys, split_keys

_MAX_LEVELS: Final = 6
_MAX_POINTS: Final = 6
_CASES: Final = (CASE_ALWAYS, ("service_type", "procedure_code"), (*CASE_ALWAYS, "procedure_code"))
_MIN_EXPLAINED: Final = 0.3
_STRUCTURE_ROWS: Final = 150_000
_NEAREST_LEVEL: Final = 0.02
"""Hidden levels closer to the commonest price than 2 % are taken for errors of the factors."""


@dataclass(slots=True)
class Lattice:
    """A tariff and how each row lies on it (`point` -1: not at all)."""

    case_names: tuple[str, ...]
    case_sizes: tuple[int, ...]
    grid: float
    factors: dict[str, Numbers]
    levels: Numbers
    case_keys: Ints
    """Mixed-radix key of each case, ascending."""
    case: Ints
    """The case of each row, -1 where one of its variables is not known."""
    bases: Numbers = field(default_factory=lambda: np.zeros(0))
    base_start: Ints = field(default_factory=lambda: np.zeros(1, np.int64))
    point: Codes = field(default_factory=lambda: np.zeros(0, np.int32))
    level: Codes = field(default_factory=lambda: np.zeros(0, np.int32))
    top_ups: Numbers = field(default_factory=lambda: np.zeros(0))
    top_up: Codes = field(default_factory=lambda: np.zeros(0, np.int32))
    rates: Numbers = field(default_factory=lambda: np.zeros(0))
    rate: Codes = field(default_factory=lambda: np.zeros(0, np.int32))
    """Which of `rates` each row pays for each day of its stay, from 1; 0 for none."""

    def place_log(self, codes: dict[str, Codes], rows: Ints) -> Numbers:
        """The sum of the logarithms of all factors of each of `rows`."""
        total = np.zeros(len(rows))
        for name, logs in self.factors.items():
            total += np.append(logs, 0.0)[codes[name][rows]]
        return total


def find_lattice(encoded: Encoded, grid: float) -> Lattice | None:
    """The tariff behind the primary amount, or None when there is none worth the name."""
    primary = encoded.claimed if encoded.claimed is not None else encoded.paid
    if primary is None or "dx_primary_code" not in encoded.codes:
        return None
    usable = np.isfinite(primary) & (primary >= 4 * grid)
    if int(usable.sum()) < 1000:
        return None
    logs = np.log(np.where(usable, primary, 1.0))
    tolerance = grid / np.where(usable, primary, 1.0) / 2
    few = usable & _every_nth(encoded.rows, int(usable.sum()))
    factors, case_extra = global_factors(encoded, logs, tolerance, few)
    place = sum((np.append(f, 0.0)[encoded.codes[name]] for name, f in factors.items()), np.zeros(encoded.rows))
    names = _choose_case(encoded, logs - place, tolerance, np.flatnonzero(few), case_extra)
    sizes = tuple(len(encoded.vocabularies[name]) for name in names)
    case, keys = _cases(encoded, names, sizes, usable)
    found = Lattice(names, sizes, grid, factors, np.zeros(1), keys, case)
    on = np.flatnonzero((case >= 0) & few)
    for _ in range(2):
        _recentre_factors(found, encoded, logs, tolerance, on)
    rest = logs[on] - found.place_log(encoded.codes, on)
    found.levels = _hidden_levels(case[on], rest, tolerance[on], len(keys))
    for _ in range(3):
        _fit_points(found, encoded, primary, logs, tolerance, on)
        _refine(found, encoded, logs, tolerance)
    _fit_points(found, encoded, primary, logs, tolerance, np.flatnonzero(case >= 0))
    _share_prices(found, encoded, primary, logs, tolerance)
    explained = float(np.mean(found.point[usable] >= 0))
    if explained < _MIN_EXPLAINED:
        return None
    return found


def _share_prices(found: Lattice, encoded: Encoded, primary: Numbers, logs: Numbers, tolerance: Numbers) -> None:
    """Price the cases of codes that cost the same together: a price that is too rare for one is known from the others."""
    if not found.case_sizes:  # no column tells prices apart
        return
    place = int(np.argmax(found.case_sizes))
    digits = split_keys(found.case_keys, found.case_sizes)
    priced = np.flatnonzero(np.diff(found.base_start) > 0)
    rows = np.bincount(found.case[found.point >= 0], minlength=len(digits))[priced]
    price = found.bases[found.base_start[priced]]
    stands = group_codes_by_price(digits[priced], place, found.case_sizes[place], price, rows)
    if (stands == np.arange(len(stands))).all():
        return
    own = np.where(found.case >= 0, found.case_keys[found.case], -1)
    digits[:, place] = stands[digits[:, place]]
    keys, shared = np.unique(join_keys(digits, found.case_sizes), return_inverse=True)
    found.case, found.case_keys = np.where(found.case >= 0, shared[found.case], -1), keys
    _fit_points(found, encoded, primary, logs, tolerance, np.flatnonzero(found.case >= 0))
    _spread_prices(found, stands, place, own)


def _spread_prices(found: Lattice, stands: Ints, place: int, own: Ints) -> None:
    """Give every code of a group the group's prices, and each row its own case again."""
    points = np.diff(found.base_start)
    digits = split_keys(found.case_keys, found.case_sizes)
    members = np.argsort(stands, kind="stable")
    count = np.bincount(stands, minlength=len(stands))
    first = np.cumsum(count) - count
    each = count[digits[:, place]]
    owner = np.repeat(np.arange(len(digits)), each)
    number = np.arange(len(owner)) - np.repeat(np.cumsum(each) - each, each)
    spread = digits[owner]
    spread[:, place] = members[first[digits[owner, place]] + number]
    keys = join_keys(spread, found.case_sizes)
    order = np.argsort(keys)
    keys, owner = keys[order], owner[order]
    length = points[owner]
    start = np.r_[0, np.cumsum(length)].astype(np.int64)
    at = np.repeat(found.base_start[owner] - start[:-1], length) + np.arange(int(length.sum()))
    found.bases, found.base_start, found.case_keys = found.bases[at], start, keys
    found.case = np.where(own >= 0, np.searchsorted(keys, own), -1)


def _choose_case(
    encoded: Encoded, rest: Numbers, tolerance: Numbers, rows: Ints, extra: Sequence[str]
) -> tuple[str, ...]:
    """What makes a case: service with diagnosis, with procedure, or with both, whichever has the clearest prices.

    A price that recurs in its case is worth the rows that bear it, less the k persons that it takes to release it.
    """
    price = np.floor(rest[rows] / max(2 * float(np.median(tolerance[rows])), 1e-4)).astype(np.int64)
    price -= price.min(initial=0)
    worth = encoded.population.k * len(rows) / max(encoded.rows, 1)
    best: tuple[float, tuple[str, ...]] = (-1.0, ())
    for option in _CASES:
        names = tuple(name for name in (*option, *extra) if name in encoded.codes)
        key = np.zeros(len(rows), np.int64)
        for name in names:
            key, _ = dense_ids(key * (len(encoded.vocabularies[name]) + 1) + encoded.codes[name][rows] + 1)
        cells, distinct = dense_ids(key * (int(price.max(initial=0)) + 1) + price)
        won = np.maximum(np.bincount(cells) - worth, 0.0)
        owner = distinct // (int(price.max(initial=0)) + 1)
        order = np.lexsort((-won, owner))
        start = np.flatnonzero(np.r_[True, owner[order][1:] != owner[order][:-1]])
        rank = np.arange(len(order)) - np.repeat(start, np.diff(np.r_[start, len(order)]))
        score = float(won[order][rank < _MAX_POINTS].sum())
        if score > best[0]:
            best = score, names
    return best[1]


def _every_nth(rows: int, usable: int) -> Mask:
    """Rows to find the tariff's structure with: some 150,000 show it as well as millions."""
    chosen = np.zeros(rows, np.bool_)
    chosen[:: max(1, usable // _STRUCTURE_ROWS)] = True
    return chosen


def _cases(encoded: Encoded, names: Sequence[str], sizes: Sequence[int], usable: Mask) -> tuple[Ints, Ints]:
    key = np.zeros(encoded.rows, np.int64)
    valid = usable.copy()
    for name, size in zip(names, sizes, strict=True):
        valid &= encoded.codes[name] >= 0
        key = key * size + encoded.codes[name]
    case = np.full(encoded.rows, -1, np.int64)
    ids, distinct = dense_ids(key[valid])
    case[valid] = ids
    return case, distinct


def _hidden_levels(case: Ints, rest: Numbers, tolerance: Numbers, cases: int) -> Numbers:
    """Log ratios to the commonest price that recur over many cases; always with 0 among them."""
    mode = _dense_modes(case, rest, tolerance, cases)
    levels = [0.0]
    away = rest - mode[case]
    width = 2 * tolerance + 5e-5
    free = (np.abs(away) > np.maximum(3 * width, _NEAREST_LEVEL)) & (np.abs(away) < 1.2)
    for _ in range(_MAX_LEVELS - 1):
        here = np.flatnonzero(free)
        if len(here) < 50:
            break
        bins = np.floor(away[here] / 1e-4).astype(np.int64) + 20_000
        pairs = np.unique(bins * cases + case[here])
        support = np.bincount(pairs // cases, minlength=40_001).astype(float)
        double = support[:-1] + support[1:]
        best = int(double.argmax())
        background = float(np.mean(double[max(0, best - 300) : best + 300]))
        eligible = int(np.sum(np.bincount(case[here], minlength=cases) >= 1))
        if double[best] < max(5.0, 0.08 * eligible) or double[best] < 4 * background:
            break
        near = here[(bins >= best - 1) & (bins <= best + 2)]
        value = np.sort(away[near])
        centre, _ = densest(value, np.full(len(value), 1e-4))
        fine = near[np.abs(away[near] - centre) < 2e-4]
        centre = float(np.average(away[fine], weights=1 / width[fine] ** 2))
        levels.append(centre)
        free &= np.abs(away - centre) > 3 * width
    return _consistent_levels(np.array(levels))


def _consistent_levels(levels: Numbers) -> Numbers:
    """Keep levels that are no mere sums or reversals of others: a level and its negative come from one pair of prices."""
    kept = [0.0]
    for value in levels[1:]:
        mirrored = any(abs(value + other) < 3e-4 for other in kept)
        derived = any(abs(value - (a - b)) < 3e-4 for a in kept for b in kept if b not in (0.0, a))
        if not mirrored and not derived:
            kept.append(float(value))
    return np.sort(np.array(kept))


def _dense_modes(case: Ints, rest: Numbers, tolerance: Numbers, cases: int, votes: Numbers | None = None) -> Numbers:
    """Where each case's values, each with its number of votes, are densest."""
    unit = np.full(cases, np.inf)
    np.minimum.at(unit, case, tolerance)
    typical = np.bincount(case, weights=tolerance, minlength=cases) / np.maximum(np.bincount(case, minlength=cases), 1)
    step = 2 * np.where(np.isfinite(unit), typical, 1.0) + 2e-5
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
    inside = (rest >= edge[case]) & (rest < edge[case] + 2 * step[case])
    weight = np.where(inside, 1 / tolerance**2, 0.0)
    total = np.bincount(case, weights=weight, minlength=cases)
    return np.bincount(case, weights=weight * rest, minlength=cases) / np.maximum(total, 1e-30)


def _fit_points(
    found: Lattice, encoded: Encoded, primary: Numbers, logs: Numbers, tolerance: Numbers, on: Ints
) -> None:
    """Base prices of every case, commonest first, each borne by enough persons; then each row's base and level."""
    population, cases, levels = encoded.population, len(found.case_keys), found.levels
    place = np.zeros(len(logs))
    place[on] = found.place_log(encoded.codes, on)
    rest = logs - place
    point, level = np.full(len(logs), -1, np.int32), np.full(len(logs), -1, np.int32)
    per_case: list[tuple[Ints, Numbers]] = []
    todo = on
    for number in range(_MAX_POINTS):
        if not len(todo):
            break
        n = len(levels)
        votes_case = np.repeat(found.case[todo], n)
        votes = (rest[todo][:, None] - levels[None]).ravel()
        # Where a case has a single price, every level would explain it as well as none: none is simpler.
        worth = np.tile(np.where(levels == 0.0, 1.0, 0.9), len(todo))
        base = _dense_modes(votes_case, votes, np.repeat(tolerance[todo], n), cases, worth)
        base = _centre(base, found.case[todo], rest[todo], tolerance[todo], levels, cases)
        hit, chosen = _match(base[found.case[todo]], rest[todo], place[todo], primary[todo], levels, found.grid)
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
    found.point, found.level = point, level


def _centre(base: Numbers, case: Ints, rest: Numbers, tolerance: Numbers, levels: Numbers, cases: int) -> Numbers:
    """Each case's base as the middle of what all its rows on it allow: rounding errors are bounded, not normal."""
    for _ in range(2):
        away = rest[:, None] - levels[None] - base[case][:, None]
        nearest = np.abs(away).argmin(1)
        off = away[np.arange(len(rest)), nearest]
        near = np.abs(off) <= 1.5 * tolerance + 1e-5
        low, high = np.full(cases, -np.inf), np.full(cases, np.inf)
        np.maximum.at(low, case[near], off[near] - tolerance[near])
        np.minimum.at(high, case[near], off[near] + tolerance[near])
        ok = np.isfinite(low) & np.isfinite(high)
        weight = np.bincount(case[near], weights=tolerance[near] ** -2.0, minlength=cases)
        mean = np.bincount(case[near], weights=off[near] * tolerance[near] ** -2.0, minlength=cases) / np.maximum(
            weight, 1e-30
        )
        step = np.where(ok & (low <= high), (np.where(ok, low, 0) + np.where(ok, high, 0)) / 2, mean)
        base = base + step
    return base


def _match(
    base: Numbers, rest: Numbers, place: Numbers, primary: Numbers, levels: Numbers, grid: float
) -> tuple[Mask, npt.NDArray[np.int32]]:
    """Rows whose amount is exactly the rounded price, or one grid step beside it, and their level."""
    nearest = np.abs(rest[:, None] - levels[None] - base[:, None]).argmin(1)
    price = np.rint(np.exp(base + levels[nearest] + place) / grid) * grid
    return np.abs(price - primary) < 1.01 * grid, nearest.astype(np.int32)


def _recentre_factors(found: Lattice, encoded: Encoded, logs: Numbers, tolerance: Numbers, on: Ints) -> None:
    """Move each factor to where the rows that have it lie densest about the prices of their cases.

    A value that is linked by few pairs may have been linked wrongly; all its rows together say where it belongs.
    """
    rows = on
    for name, factor in found.factors.items():
        rest = logs[rows] - found.place_log(encoded.codes, rows)
        off = rest - _dense_modes(found.case[rows], rest, tolerance[rows], len(found.case_keys))[found.case[rows]]
        code = encoded.codes[name][rows]
        moved = factor.copy()
        for value in range(len(factor)):
            mine = code == value
            if int(mine.sum()) < 2 * MIN_PAIRS:
                continue
            votes, width = off[mine], tolerance[rows][mine] + 1e-5
            near = np.abs(votes) < _NEAREST_LEVEL
            if int(near.sum()) < MIN_PAIRS:
                continue
            order = np.argsort(votes[near])
            centre, hits = densest(votes[near][order], width[near][order])
            if hits >= 0.25 * int(mine.sum()):
                moved[value] += centre
        found.factors[name] = moved - moved[int(np.bincount(code[code >= 0], minlength=len(factor)).argmax())]


def _refine(found: Lattice, encoded: Encoded, logs: Numbers, tolerance: Numbers) -> None:
    """Improve factors and levels from all rows that lie on the lattice; snap ratios that are plainly round."""
    on = np.flatnonzero(found.point >= 0)
    if len(on) < 100:
        return
    base = found.bases[found.base_start[found.case[on]] + found.point[on]]
    weight = tolerance[on] ** -2.0
    for _ in range(6):
        for name, factor in found.factors.items():
            code = encoded.codes[name][on]
            total = base + found.levels[found.level[on]] + found.place_log(encoded.codes, on)
            off = logs[on] - total
            valid = code >= 0
            mass = np.bincount(code[valid], weights=weight[valid], minlength=len(factor))
            step = np.bincount(code[valid], weights=(weight * off)[valid], minlength=len(factor)) / np.maximum(
                mass, 1e-30
            )
            found.factors[name] = factor + step - step[int(mass.argmax())]
        total = base + found.levels[found.level[on]] + found.place_log(encoded.codes, on)
        off = logs[on] - total
        mass = np.bincount(found.level[on], weights=weight, minlength=len(found.levels))
        step = np.bincount(found.level[on], weights=weight * off, minlength=len(found.levels)) / np.maximum(mass, 1e-30)
        levels = found.levels + step
        found.levels = levels - levels[int(np.abs(levels).argmin())]
        owner = found.base_start[found.case[on]] + found.point[on]
        total = base + found.levels[found.level[on]] + found.place_log(encoded.codes, on)
        off = logs[on] - total
        mass = np.bincount(owner, weights=weight, minlength=len(found.bases))
        base = (
            base
            + (np.bincount(owner, weights=weight * off, minlength=len(found.bases)) / np.maximum(mass, 1e-30))[owner]
        )
    found.levels = snap_ratios(found.levels)
    for name, factor in found.factors.items():
        found.factors[name] = snap_ratios(factor)
