"""What a point of weight is worth, where amounts are weights times a rate: then the weight follows from the amount.

Schemes of case groups and of points pay what a case weighs times a base rate, one for each level of hospital, region or year. Of a
sample's weights, which say how many claims one stands for, amounts know nothing.
"""

from typing import Final, NamedTuple

import numpy as np

from claims_sim.profile.counts.builder import Builder
from claims_sim.profile.counts.counting import Codes, Ints, Mask, Population
from claims_sim.profile.counts.numbers import Numbers, bin_numbers, round_significant
from claims_sim.profile.counts.release import Parent, Target
from claims_sim.profile.document_parts import Bins, WeightRate
from claims_sim.profile.encoding.encode import Encoded
from claims_sim.profile.encoding.weight_factors import decimals_of, in_whole_steps, is_fine

WEIGHT_RATE: Final = "weight_rate"
"""The table of the rates, one by one, and of ranges of what other amounts are divided by their weights."""
_MOST_RATES: Final = 200
_MOST: Final = 0.5
"""The share of the claims that must lie on some rate."""
_SURER: Final = 0.75
"""How much of what is open of weights may be open of their rates, for these to say more."""
_FINE: Final = 5e-4
"""How far rounding may set the logarithms of ratios apart that show rates."""
_CONTRAST: Final = 3.0
"""How much denser ratios must lie at a rate than about it."""
_AROUND: Final = 8
_SAMPLE: Final = 200_000
_MOST_DIGITS: Final = 9
_AS_MANY: Final = 0.98
"""The share of its claims that a rate of fewer digits must keep."""
_RANGES: Final = 40


class _Ratios(NamedTuple):
    """Amounts divided by weights as logarithms, NaN where there is none, and how far rounding sets each apart from its rate."""

    logs: Numbers
    tolerance: Numbers


def add_weight_rates(
    builder: Builder, encoded: Encoded, bins: dict[str, Bins], grid: float, candidates: list[Parent]
) -> WeightRate | None:
    """Release the table WEIGHT_RATE, its values in `bins`, where weights follow from what is claimed or paid; else None."""
    weight = encoded.weight
    if weight is None:
        return None
    decimals = decimals_of(weight)
    if not is_fine(10.0**-decimals, weight):
        return None
    best: tuple[float, str, Numbers, Codes] | None = None
    for name, amounts in (("amount_claimed", encoded.claimed), ("amount_paid", encoded.paid)):
        if amounts is None:
            continue
        ratios = _ratios(amounts, weight, grid, 10.0**-decimals)
        rates, codes = _rates(ratios, encoded.population)
        open_ = _how_open(codes, weight, encoded.population)
        if len(rates) and (best is None or open_ < best[0]):
            best = (open_, name, rates, codes)
    if best is None or best[0] > _SURER:
        return None
    _, name, rates, codes = best
    amounts = encoded.claimed if name == "amount_claimed" else encoded.paid
    assert amounts is not None  # noqa: S101 - the best is of one that is there
    rest = np.where((codes < 0) & (amounts > 0) & (weight > 0), amounts / np.where(weight > 0, weight, 1.0), np.nan)
    others = bin_numbers(rest, encoded.population, most=_RANGES, most_single=0)
    codes = np.where(others.codes >= 0, len(rates) + others.codes, codes).astype(np.int32)
    bins[WEIGHT_RATE] = Bins(lo=(*rates.tolist(), *others.bins.lo), hi=(*rates.tolist(), *others.bins.hi))
    builder.add(Target(WEIGHT_RATE, codes, len(bins[WEIGHT_RATE].lo)), candidates)
    return WeightRate(amount=name, grid=10.0**-decimals)


def _ratios(amounts: Numbers, weight: Numbers, grid: float, step: float) -> _Ratios:
    there = (amounts > 0) & (weight > 0)
    amount, weighs = np.where(there, amounts, 1.0), np.where(there, weight, 1.0)
    logs = np.where(there, np.log(amount / weighs), np.nan)
    return _Ratios(logs, 0.5 * grid / amount + 0.5 * step / weighs + 1e-9)


def _rates(ratios: _Ratios, population: Population) -> tuple[Numbers, Codes]:
    """The rates that recur and may be told, and at which of them each claim is (-1: none)."""
    known = np.flatnonzero(np.isfinite(ratios.logs))
    some = known[:: max(1, len(known) // _SAMPLE)]
    centres = _peaks(ratios, some[ratios.tolerance[some] < _FINE], population.k)
    codes: Codes = np.full(len(ratios.logs), -1, np.int32)
    if not len(centres) or np.mean(_nearest(np.sort(centres), ratios, some) >= 0) < _MOST:
        return np.zeros(0), codes
    rates = np.unique([_plain(centre, ratios, some) for centre in centres])
    codes[known] = _nearest(np.log(rates), ratios, known)
    # What lies on a rate by its coarse weight alone shows none: it may be another's.
    logs = np.log(rates)
    apart = np.minimum(np.diff(logs, prepend=-np.inf), np.diff(logs, append=np.inf))
    sure = np.flatnonzero((codes >= 0) & (ratios.tolerance < np.minimum(_FINE, apart / 2)[codes]))
    told = population.releasable(codes[sure].astype(np.int64), len(rates), sure)
    return rates[told], np.append(np.where(told, np.cumsum(told) - 1, -1), -1)[codes].astype(np.int32)


def _peaks(ratios: _Ratios, rows: Ints, k: int) -> Numbers:
    """Where the ratios of `rows` are clearly denser than about there, as logarithms, the densest first."""
    if len(rows) < k:
        return np.zeros(0)
    width = max(2 * float(np.median(ratios.tolerance[rows])), 1e-6)
    cell = np.floor(ratios.logs[rows] / width).astype(np.int64)
    cells, counts = np.unique(cell, return_counts=True)
    upto = np.append(0, np.cumsum(counts))
    about = upto[np.searchsorted(cells, cells + _AROUND, side="right")] - upto[np.searchsorted(cells, cells - _AROUND)]
    near = upto[np.searchsorted(cells, cells + 1, side="right")] - upto[np.searchsorted(cells, cells - 1)]
    beside = (about - near) / (2 * _AROUND - 2)
    clear = (counts >= k) & (near > _CONTRAST * 3 * beside)
    found: list[float] = []
    for at in np.argsort(-counts, kind="stable"):
        if not clear[at] or len(found) == _MOST_RATES:
            continue
        those = rows[np.abs(cell - cells[at]) <= 1]
        precise = ratios.tolerance[those] ** -2.0
        centre = float(np.average(ratios.logs[those], weights=precise))
        if all(abs(centre - other) > 2 * width for other in found):
            found.append(centre)
    return np.array(found)


def _plain(centre: float, ratios: _Ratios, rows: Ints) -> float:
    """The rate of the fewest digits that hardly fewer claims lie on."""
    near = rows[np.abs(ratios.logs[rows] - centre) < _FINE]
    hits = [
        np.count_nonzero(
            np.abs(ratios.logs[near] - np.log(round_significant(np.exp(centre), digits))) <= ratios.tolerance[near]
        )
        for digits in range(1, _MOST_DIGITS + 1)
    ]
    digits = next(i + 1 for i, hit in enumerate(hits) if hit >= _AS_MANY * max(hits))
    return round_significant(float(np.exp(centre)), digits)


def _nearest(logs: Numbers, ratios: _Ratios, rows: Ints) -> Ints:
    """At which of the sorted rates each of `rows` is, -1 where at none."""
    of = ratios.logs[rows]
    above = np.clip(np.searchsorted(logs, of), 0, len(logs) - 1)
    below = np.maximum(above - 1, 0)
    nearest = np.where(np.abs(logs[above] - of) < np.abs(logs[below] - of), above, below)
    return np.where(np.abs(logs[nearest] - of) <= ratios.tolerance[rows], nearest, -1)


def _how_open(codes: Codes, weight: Numbers, population: Population) -> float:
    """How open the rates leave the weights of claims, of how open they are by themselves; more than all where few lie on a rate."""
    known = np.flatnonzero(np.isfinite(weight) & (weight > 0))
    on = known[codes[known] >= 0]
    if len(on) < max(_MOST * len(known), population.k):
        return np.inf
    of_rates, of_weights = (_entropy(np.unique(of[on], return_counts=True)[1]) for of in (codes, weight))
    return of_rates / max(of_weights, 1e-9)


def _entropy(counts: Ints) -> float:
    share = counts / counts.sum()
    return float(-(share * np.log(share)).sum())


def weights_at(amounts: Numbers, rate: Numbers, step: float) -> Numbers:
    """The weights of amounts at each one's rate, in whole steps, one at least; NaN where nothing is claimed or there is no rate."""
    there: Mask = (amounts > 0) & (rate > 0)
    return in_whole_steps(np.divide(amounts, rate, out=np.full(len(amounts), np.nan), where=there), step)
