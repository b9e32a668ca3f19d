"""What makes a case of a tariff: which columns tell prices apart, and whether they do so at all. Sees codes and amounts.

Cases are weighed by how likely they make the amounts, less what it takes to know their prices.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from claims_sim.profile.counts.counting import Codes, Ints, Mask, dense_ids, distinct_values
from claims_sim.profile.counts.numbers import Numbers
from claims_sim.profile.document_parts import BY, Decisive
from claims_sim.profile.encoding.encode import MONTH, Encoded, begins_alike
from claims_sim.profile.prices.claim_pairs import logs_left
from claims_sim.profile.prices.decided import DECIDED_BY, DIAGNOSIS, PROCEDURE, Deciding, find_decisive, sizes_of
from claims_sim.profile.prices.factors import CASE_ALWAYS, FACTOR_CANDIDATES, MAX_CASE_SIZE
from claims_sim.profile.prices.lattice import MAX_POINTS, Amounts, Lattice

_CASES: Final = (CASE_ALWAYS, ("service_type", PROCEDURE), (*CASE_ALWAYS, PROCEDURE))
_DECIDED: Final = ("service_type", DECIDED_BY)
_FEW_POINTS: Final = 6
"""By so many of its prices a case is chosen: by more, one that mixes several others seems to have all of theirs."""
CASE_GROUP: Final = "severity_group"
"""With many values it names groups of cases (DRGs), which have a price whatever else a claim has."""
OF_GROUPS: Final = (CASE_GROUP, BY + CASE_GROUP)
"""The factors that say nothing more where it makes the case."""
_PRICED_BY: Final = (DIAGNOSIS, PROCEDURE, DECIDED_BY)
_AS_MUCH: Final = 0.001
_CLEARER: Final = 0.01
"""The share of the rows that must bear clear prices besides, for a factor to be part of the case instead."""
_ALL_FULL, _COMMONEST = 0.9, 0.5
"""The share of the cases with as many prices as are looked for, from which on they have any; and the share of the rows from which on
those that bear the commonest price of their case make a list all the same.
"""
_OFF_THE_LIST: Final = 8.0
"""What it costs not to know a row's price, as a log likelihood: as if thousands were possible."""
NOTHING_LISTED: Final = -_OFF_THE_LIST
"""How likely a row's price is where no list has it."""


def choose_case(
    encoded: Encoded, amounts: Amounts, factors: dict[str, Numbers], rows: Ints, extra: Sequence[str]
) -> tuple[tuple[str, ...], Decisive | None]:
    """What makes a case: service with diagnosis, with procedure, with both, or with which of them decides; and who decides then.

    It is what has the clearest prices. A factor that is none, since cases have its ratios each their own, is taken from
    `factors` and becomes part of the case; a rise of all prices that is none becomes two prices of each case.

    A price that recurs in its case is worth the rows that bear it, less the k persons that it takes to release it. Of the
    variables that could be part of the case those are left out without which the cases tell as much of prices.
    """
    worth = encoded.population.k * len(rows) / max(encoded.rows, 1)
    # Claims that were dealt out to other places bear prices that are none there: what is a factor, the others show.
    shown = rows if encoded.groups is None else rows[encoded.groups.of_row[rows] < 0]
    while True:
        names, decisive = _clearest(encoded, prices_left(encoded, amounts, factors, rows), rows, extra, worth)
        own: list[tuple[float, str]] = []
        by = with_decided(encoded, decisive)
        small = [n for n in factors if n in FACTOR_CANDIDATES and len(encoded.vocabularies[n]) <= MAX_CASE_SIZE]
        for name, part in [(n, (n,)) for n in small] + [(MONTH, ())] * (MONTH in factors):
            without = {n: factor for n, factor in factors.items() if n != name}
            codes = [by.codes[n][shown] for n in (*names, *part)]
            own.append((_weigh_case(codes, prices_left(encoded, amounts, without, shown), worth)[0], name))
        best, name = max(own, default=(-1.0, ""))
        codes = [by.codes[n][shown] for n in names]
        clear, told = _weigh_case(codes, prices_left(encoded, amounts, factors, shown), worth)
        if best < clear + _CLEARER * len(rows):
            told_by_group, by_group = _by_group(encoded, amounts, factors, shown, extra, worth)
            if told_by_group <= told:
                return names, decisive
            for name in OF_GROUPS:
                factors.pop(name, None)
            return by_group, None
        del factors[name]
        extra = [*extra, *(n for n in small if n == name)]


def _by_group(
    encoded: Encoded, amounts: Amounts, factors: dict[str, Numbers], rows: Ints, extra: Sequence[str], worth: float
) -> tuple[float, tuple[str, ...]]:
    """How much the group of cases tells of prices, as a log likelihood, where there are many; and what makes a case then, whatever
    the diagnosis and what was done.
    """  # noqa: D205
    if len(encoded.vocabularies.get(CASE_GROUP, ())) <= MAX_CASE_SIZE:
        return -np.inf, ()
    without = {name: factor for name, factor in factors.items() if name not in OF_GROUPS}
    price = prices_left(encoded, amounts, without, rows)
    _, names = _without_idle(encoded, ("service_type", CASE_GROUP, *extra), price, rows, worth, (CASE_GROUP,))
    return _weigh_case([encoded.codes[name][rows] for name in names], price, worth)[1], names


def prices_left(encoded: Encoded, amounts: Amounts, factors: dict[str, Numbers], rows: Ints) -> Ints:
    """A number for the price of each of `rows` that the factors leave."""
    return as_steps(logs_left(factors, encoded, amounts.logs, rows), amounts.tolerance[rows])


def as_steps(logs: Numbers, tolerance: Numbers) -> Ints:
    """A number for each of the logarithms of amounts: the same for those that rounding may set apart."""
    if not len(logs):
        return np.zeros(0, np.int64)
    step = np.floor(logs / max(2 * float(np.median(tolerance)), 1e-4)).astype(np.int64)
    return np.asarray(step - step.min())


def _clearest(
    encoded: Encoded, price: Ints, rows: Ints, extra: Sequence[str], worth: float
) -> tuple[tuple[str, ...], Decisive | None]:
    """The case with the clearest prices: what makes it, and who decides."""
    best: tuple[float, tuple[str, ...]] = (-1.0, ())
    chosen = None
    for option in (option for option in _CASES if option[-1] in encoded.codes):
        best = max(best, _without_idle(encoded, (*option, *extra), price, rows, worth))
    # An operation has a price of its own, or one in each group of diagnoses, as case groups are made.
    for groups in ((), begins_alike(encoded.vocabularies[DIAGNOSIS])):
        decisive = find_decisive(encoded, price, rows, extra, groups)
        if decisive is not None:
            tried = _without_idle(with_decided(encoded, decisive), (*_DECIDED, *extra), price, rows, worth)
            if tried > best:
                best, chosen = tried, decisive
    return best[1], chosen


def _without_idle(
    encoded: Encoded, names: Sequence[str], price: Ints, rows: Ints, worth: float, kept: Sequence[str] = _PRICED_BY
) -> tuple[float, tuple[str, ...]]:
    """How clear prices are by those of `names` that tell something of them, and these; among them those `kept` in any case."""

    def weigh(names: Sequence[str]) -> tuple[float, float]:
        return _weigh_case([encoded.codes[name][rows] for name in names], price, worth)

    names = tuple(name for name in names if name in encoded.codes)
    clear, told = weigh(names)
    # What was done and why is what prices are of; what else is known of a claim may only thin them out.
    while droppable := [name for name in names if name not in kept and len(names) > 1]:
        tries = [(*weigh(rest), rest) for rest in (tuple(n for n in names if n != d) for d in droppable)]
        clear_without, told_without, without = max(tries, key=lambda tried: tried[1])
        if told_without < told - _AS_MUCH * len(rows):
            break
        clear, told, names = clear_without, told_without, without
    return clear, names


def with_decided(encoded: Encoded, decisive: Decisive | None) -> Encoded:
    """With the variable DECIDED_BY, where there are procedures that decide."""
    if decisive is None:
        return encoded
    return replace(
        encoded,
        codes=encoded.codes | {DECIDED_BY: Deciding(decisive).decided_by(encoded.codes)},
        vocabularies=encoded.vocabularies | {DECIDED_BY: (None,) * sizes_of(decisive)},
    )


def number_cases(encoded: Encoded, names: Sequence[str], sizes: Sequence[int], usable: Mask) -> tuple[Ints, Ints]:
    """The number of each row's case, -1 where one of its columns says nothing, and the mixed-radix key of each case."""
    key = np.zeros(encoded.rows, np.int64)
    valid = usable.copy()
    for name, size in zip(names, sizes, strict=True):
        valid &= encoded.codes[name] >= 0
        key = key * size + encoded.codes[name]
    case = np.full(encoded.rows, -1, np.int64)
    ids, distinct = dense_ids(key[valid])
    case[valid] = ids
    return case, distinct


def tells_more_than_names(found: Lattice, amounts: Numbers, rows: Ints, k: int) -> bool:
    """Is it worth more to know the prices of each case than to know which amounts there are at all?

    Sums of a few items of some price each are some hundred amounts that come in every case, and each seems to have more prices
    than are looked for, none of which most of its claims bear.
    """
    each = np.diff(found.base_start)
    all_full = np.count_nonzero(each == MAX_POINTS) > _ALL_FULL * np.count_nonzero(each)
    if all_full and np.count_nonzero(found.point[rows] == 0) < _COMMONEST * len(rows):
        return False
    on = rows[found.point[rows] >= 0]
    on = on[np.abs(found.prices(on) - amounts[on]) < found.grid / 2]  # or amounts a step apart would be one price
    names = np.unique(amounts[rows], return_counts=True)[1].astype(float)
    names = names[names >= k]
    return likelihood(found, on, rows, 1) > _log_likelihood(
        names, np.full(len(names), len(rows)), len(rows), len(names)
    )


def likelihood(found: Lattice, on: Ints, rows: Ints, k: float) -> float:
    """How likely the amounts of `rows` are, of which those `on` the list are among the prices of their cases, as a logarithm; less what
    knowing the prices takes. Of a case's prices and their hidden levels those are known that so many rows bear as `k`.
    """  # noqa: D205
    case = found.case if found.together is None else np.append(found.together, -1)[found.case]
    base = case[on] * MAX_POINTS + found.point[on]
    prices, place = distinct_values(base * len(found.levels) + found.level[on])
    bearers = np.bincount(place, minlength=len(prices)).astype(float)
    prices, bearers = prices[bearers >= k], bearers[bearers >= k]
    bases = np.unique(prices // len(found.levels))
    cases = case[rows]
    of_case = np.bincount(cases[cases >= 0], minlength=len(found.case_keys))
    of_price = of_case[prices // (len(found.levels) * MAX_POINTS)]
    return _log_likelihood(bearers, of_price, len(rows), len(bases))


def _weigh_case(codes: Sequence[Codes], price: Ints, worth: float) -> tuple[float, float]:
    """How many rows bear the commonest prices of their cases, less `worth` for each price; and how much the cases tell of
    prices, as a log likelihood. Cases are told by `codes`.
    """  # noqa: D205
    key = np.zeros(len(price), np.int64)
    for code in codes:
        key, _ = dense_ids(key * (int(code.max(initial=0)) + 2) + code + 1)
    span = int(price.max(initial=0)) + 1
    cells, distinct = dense_ids(key * span + price)
    count = np.bincount(cells).astype(float)
    owner = distinct // span
    order = np.lexsort((-count, owner))
    start = np.flatnonzero(np.r_[True, owner[order][1:] != owner[order][:-1]])
    rank = np.arange(len(order)) - np.repeat(start, np.diff(np.r_[start, len(order)]))
    listed = order[(rank < _FEW_POINTS) & (count[order] > worth)]
    bearers, of_case = count[listed], np.bincount(key)[owner[listed]]
    return float((bearers - worth).sum()), _log_likelihood(bearers, of_case, len(price), len(listed))


def _log_likelihood(bearers: Numbers, among: Numbers | Ints, rows: int, prices: int) -> float:
    """Of `rows` amounts, of which so many bear each of some prices `among` so many; less what knowing the prices takes."""
    told = float((bearers * np.log(bearers / among)).sum()) - _OFF_THE_LIST * (rows - bearers.sum())
    return float(told - prices * np.log(max(rows, 1)) / 2)
