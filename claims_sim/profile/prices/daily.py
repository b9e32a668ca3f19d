"""Find what a day of stay costs: what it adds to every amount, or whether amounts are so many times the price of a day.

What it adds is the same for all, or goes by the class of the house, or by another column.
A bill is often the price of what was done and so much a day. Then hardly two amounts are alike, and no price list shows before
the days are taken off. Two claims that are alike but for their stays tell the rate: their difference, by the day.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np

from claims_sim.profile.counts.counting import Codes, Ints, Mask, dense_ids
from claims_sim.profile.counts.numbers import Numbers
from claims_sim.profile.document_parts import DayRates
from claims_sim.profile.encoding.encode import Encoded
from claims_sim.profile.prices.claim_pairs import alike, equal_when_moved
from claims_sim.profile.prices.factors import CASE_ALWAYS, CONDITIONS, FACTOR_CANDIDATES
from claims_sim.profile.reading.missing_stays import MAX_STAY

_LOOKED_AT: Final = 60_000
_NEIGHBOURS: Final = 8
_MIN_PAIRS: Final = 200
_MIN_SHARE: Final = 0.05
"""Of the pairs: fewer with the commonest rates, and the days are no part of the amounts."""
_MIN_CONTRAST: Final = 2.0
"""How much commoner a rate must be than the next one."""
_MUCH_BETTER: Final = 1.1
"""How many more pairs the rates of a column must explain than one rate for all."""
_MUCH_MORE: Final = 1.2
"""How many more amounts must recur among claims that are alike, once the days are taken off."""
_MIN_STAYS: Final = 3
STAY: Final = "los_days"
"""A variable of the sampler's own: the days of each claim's stay."""
_MUCH_OFTENER: Final = 1.5
"""How many times as often amounts of stays of several lengths must be equal by the day, for them to be priced so."""


class _Pairs(NamedTuple):
    """Claims that are alike but for their stays: both rows, and what a further day costs, in steps of the grid."""

    shorter: Ints
    longer: Ints
    steps: Ints
    """0 where it is no whole step, or less than one."""


def find_day_rates(encoded: Encoded, primary: Numbers, grid: float) -> DayRates | None:
    """The rate of each value of the column that tells them apart best, each borne by enough; None where days cost nothing."""
    if encoded.los is None:
        return None
    days = np.nan_to_num(encoded.los)
    rows = np.flatnonzero((primary > 0) & (days > 0))
    if encoded.groups is not None:
        # A claim that was dealt out bears the rate of where it was.
        rows = rows[encoded.groups.of_row[rows] < 0]
    rows = rows[:: max(1, len(rows) // _LOOKED_AT)]
    names = (*CASE_ALWAYS, *CONDITIONS, *FACTOR_CANDIDATES)
    key = alike(encoded, (name for name in names if name in encoded.codes), rows)
    pairs = _pairs(key, rows, days, primary, grid)
    if len(pairs.steps) < _MIN_PAIRS:
        return None
    share, found = _rates_by(None, encoded, pairs, days, grid)
    columns = [_rates_by(name, encoded, pairs, days, grid) for name in FACTOR_CANDIDATES if name in encoded.codes]
    best = max(columns, key=lambda by: by[0], default=(0.0, None))
    if best[0] > _MUCH_BETTER * share:
        share, found = best
    if found is None or share < _MIN_SHARE:
        return None
    net = less_days(primary, days_charge(found, encoded.codes, days))
    return found if _recurring(key, net[rows]) > _MUCH_MORE * _recurring(key, primary[rows]) else None


def days_charge(rates: DayRates | None, codes: Mapping[str, Codes], days: Numbers | Codes) -> Numbers:
    """What the days of each claim cost; nothing where its value of the column is not known."""
    if rates is None:
        return np.zeros(len(days))
    by_value = np.array([*rates.rates, 0.0])
    if rates.variable is None:
        return np.asarray(by_value[0] * days)
    of_row = codes.get(rates.variable)
    return np.zeros(len(days)) if of_row is None else np.asarray(by_value[of_row] * days)


def less_days(amounts: Numbers, charge: Numbers) -> Numbers:
    """The amounts without what the days cost; what is nothing stays so, and what does not cover its days is not known."""
    net = np.round(amounts - charge, 2)
    return np.where(amounts > 0, np.where(net > 0, net, np.nan), amounts)


def with_days(amounts: Numbers, charge: Numbers) -> Numbers:
    """The other way: what is nothing costs nothing by the day either."""
    return np.where(amounts > 0, amounts + charge, amounts)


def log_days() -> Numbers:
    """The factor of each stay where prices are of a day: a claim without a night costs as much as one of a day."""
    return np.asarray(np.log(np.maximum(np.arange(MAX_STAY + 1), 1)))


def are_by_day(encoded: Encoded, logs: Numbers, tolerance: Numbers, usable: Mask) -> bool:
    """Are `logs` those of a day's price times the days, among claims that are alike but for their stays, one of each person?"""
    if STAY not in encoded.codes:
        return False
    rows = np.flatnonzero(usable)
    names = (*CASE_ALWAYS, *CONDITIONS, *FACTOR_CANDIDATES)
    key = alike(encoded, (name for name in names if name in encoded.codes), rows)
    by_day = logs[rows] - log_days()[encoded.codes[STAY][rows]]
    moved = equal_when_moved(key, logs[rows], by_day, tolerance[rows])
    if moved.after <= max(_MUCH_OFTENER * moved.before, _MIN_SHARE):
        return False
    # Neither the longer stays nor the shorter ones may be of a few, or of one house.
    shown = [rows[places] for places in moved.are]
    ones = [of[encoded.population.one_of_each(of)] for of in shown]
    return all(len(one) >= _MIN_PAIRS and encoded.population.may_be_told(one) for one in ones)


def _pairs(key: Ints, rows: Ints, days: Numbers, primary: Numbers, grid: float) -> _Pairs:
    order = np.lexsort((primary[rows], days[rows], key))
    sorted_rows, sorted_key = rows[order], key[order]
    both = []
    for step in range(1, _NEIGHBOURS + 1):
        at = np.flatnonzero(sorted_key[:-step] == sorted_key[step:])
        both.append((sorted_rows[at], sorted_rows[at + step]))
    shorter, longer = (np.concatenate(part) for part in zip(*both, strict=True))
    further = days[longer] - days[shorter]
    some = further > 0
    shorter, longer, further = shorter[some], longer[some], further[some]
    steps = (primary[longer] - primary[shorter]) / further / grid
    whole = np.rint(steps)
    is_rate = (whole >= 1) & (np.abs(steps - whole) < 1e-4)
    return _Pairs(shorter, longer, np.where(is_rate, whole, 0).astype(np.int64))


def _rates_by(
    name: str | None, encoded: Encoded, pairs: _Pairs, days: Numbers, grid: float
) -> tuple[float, DayRates | None]:
    """The share of the pairs that have the commonest rate of their value of the column, and these rates (0: none)."""
    size = 1 if name is None else len(encoded.vocabularies[name])
    value = (
        np.zeros(len(pairs.steps), np.int64) if name is None else encoded.codes[name][pairs.shorter].astype(np.int64)
    )
    rates, explained, beside = np.zeros(size), 0, 0
    for here in range(size):
        mine = np.flatnonzero((value == here) & (pairs.steps > 0))
        if not len(mine):
            continue
        steps, counts = np.unique(pairs.steps[mine], return_counts=True)
        order = np.argsort(-counts, kind="stable")
        with_rate = mine[pairs.steps[mine] == steps[order[0]]]
        if _may_be_told(encoded, with_rate, pairs, days):
            rates[here] = round(float(steps[order[0]]) * grid, 2)
            explained += int(counts[order[0]])
            beside += int(counts[order[1]]) if len(order) > 1 else 0
    if explained <= _MIN_CONTRAST * beside:
        return 0.0, None
    return explained / len(pairs.steps), DayRates(variable=name, rates=tuple(rates.tolist()))


def _may_be_told(encoded: Encoded, at: Ints, pairs: _Pairs, days: Numbers) -> bool:
    """Do enough bear the rate, with stays of several lengths?"""
    bearers = np.unique(np.r_[pairs.shorter[at], pairs.longer[at]])
    if len(np.unique(days[bearers])) < _MIN_STAYS:
        return False
    return encoded.population.may_be_told(bearers)


def _recurring(key: Ints, amounts: Numbers) -> int:
    """How many claims have the amount of another one that is alike but for its stay."""
    known = np.isfinite(amounts)
    distinct, amount = np.unique(amounts[known], return_inverse=True)
    cells, _ = dense_ids(key[known] * len(distinct) + amount)
    return int((np.bincount(cells)[cells] > 1).sum())
