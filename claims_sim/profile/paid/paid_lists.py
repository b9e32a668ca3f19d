"""The price lists of what is paid: case rates beside charges of any size, and what of these is paid or billed just so."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from claims_sim.profile.counts.builder import Builder
from claims_sim.profile.counts.counting import Codes, Ints, Mask, Population, dense_ids, released_count
from claims_sim.profile.counts.numbers import Numbers
from claims_sim.profile.counts.release import Parent, Target
from claims_sim.profile.encoding.encode import Encoded
from claims_sim.profile.prices.decided import plain_names
from claims_sim.profile.prices.following import SERVICE
from claims_sim.profile.prices.lattice import Lattice
from claims_sim.profile.prices.price_lists import find_tariffs
from claims_sim.profile.prices.pricing import PriceList, case_over, most_levels, place_on_lists
from claims_sim.profile.prices.rounded_twice import settle_what_is_rounded_first
from claims_sim.profile.prices.rounding import amount_grid, settle_rounding
from claims_sim.profile.prices.top_ups import find_top_ups

PAID_PRICE: Final = "paid_price"
"""The table that draws which price of its own list is paid."""
PAID_TOP_UP: Final = "paid_top_up"
"""The table that draws what is added to it."""
PAID_POINT: Final = "paid_price_point"
"""A variable of the sampler's own: which price of its case is paid, the commonest being 0."""
PAID_CASE: Final = "paid_price_case"
"""Another: the number of the case by which that list prices the claim."""
BESIDE_PRICE: Final = "claimed_beside_price"
"""Another: whether less is claimed than the commonest price of its case, just that, or more; and how much."""
_TIMES: Final = np.array([0.5, 0.7, 0.85, 1.0, 1.15, 1.3, 1.5, 2.0, 3.0])
BESIDE_PRICES: Final = len(_TIMES) + 4
"""How many values that variable has."""
_MIN_LISTED: Final = 0.05
"""The share of the claims that must be paid in part for a price list of it to be sought."""
_MOST_LISTED: Final = 0.5
"""The share of whom they are, or of those in some kinds of service, that must keep to it."""
_MANY_LISTED: Final = 0.25
"""The share of all who are paid in part that are in these kinds."""
_FEW_PRICES: Final = 24
_OF_ITS_CASE: Final = 0.8
"""So few amounts, and a smaller share of claims that are paid the usual one of their case, are ceilings of benefits."""
_MIN_AS_PAID: Final = 0.01
"""The share of the claims that must bill just the price that they are paid for this to be no chance."""
_MORE_THAN_SELDOM: Final = 0.02
"""The share of the claims that are paid a price which must be paid more than they claim for this to be a rule."""


def find_paid_lists(encoded: Encoded, paid: Numbers, part: Mask) -> Sequence[Lattice]:
    """The price lists of what is paid in part, where most of it keeps to such: case rates beside charges of any size."""
    if int(part.sum()) < _MIN_LISTED * len(paid):
        return ()
    amounts = np.where(part, paid, np.nan)
    found = find_tariffs(encoded, amounts, amount_grid(amounts))
    if not found:
        return ()
    listed = is_on(found)
    if not _are_usual(listed, part, encoded) or _are_ceilings(found, encoded, amounts, np.flatnonzero(listed)):
        return ()
    for own in found:
        settle_rounding(own, amounts)
        settle_what_is_rounded_first(own, amounts, encoded.population)
        find_top_ups(own, amounts, encoded.population)
    return found


def _are_usual(listed: Mask, part: Mask, encoded: Encoded) -> bool:
    """Are most of those of whom a part is paid, or most in some kinds of service that are many of them, paid a price that is `listed`?"""
    rows = np.flatnonzero(part)
    service = encoded.codes.get(SERVICE, np.zeros(encoded.rows, np.int32))[rows].astype(np.int64) + 1
    persons = encoded.population.weights(2 * service + listed[rows], 2 * int(service.max()) + 2, rows).reshape(-1, 2)
    on, everybody = persons[:, 1], persons.sum(1)
    theirs = everybody[on >= _MOST_LISTED * everybody].sum()
    return bool(on.sum() >= _MOST_LISTED * everybody.sum() or theirs >= _MANY_LISTED * everybody.sum())


def _are_ceilings(found: Sequence[Lattice], encoded: Encoded, paid: Numbers, on: Ints) -> bool:
    """Is what claims on a list are paid one of a few amounts, whatever their case, and hardly ever above what is claimed?

    Then each is told by name, and by what is claimed.
    """
    assert encoded.claimed is not None  # noqa: S101 - the caller has both
    distinct, amount = np.unique(paid[on], return_inverse=True)
    above = np.zeros(len(paid), np.bool_)
    above[on] = paid[on] > encoded.claimed[on]
    if len(distinct) > _FEW_PRICES or released_count(above, encoded.population) > _MORE_THAN_SELDOM * len(on):
        return False
    case = encoded.codes["dx_primary_code"][on].astype(np.int64) + 1
    for one in found:
        case, _ = dense_ids(case * (len(one.case_keys) + 1) + one.case[on] + 1)
    of_case = np.bincount(case * len(distinct) + amount, minlength=(int(case.max()) + 1) * len(distinct))
    return float(of_case.reshape(-1, len(distinct)).max(1).sum()) < _OF_ITS_CASE * len(on)


class Paid(NamedTuple):
    """How claims are paid by the lists."""

    by_rate: Mask
    """Which are paid a price."""
    as_paid: Mask
    """Which bill just the price that they are paid, where many do."""
    above_claimed: tuple[bool, ...]
    """For each kind of service: is a price paid also where less is claimed, if anything is? Empty: of none."""


def pay_by_lists(own: Sequence[Lattice], encoded: Encoded, whole: Mask, grid: float, listed: Mask) -> Paid:
    """Which claims the lists `own` pay, and how; `whole` are paid in full, `listed` claim a price of a list, `grid` is that of
    all amounts.

    Claims that bill just the price they are paid, and no list of what is claimed has it, are put on its list.
    """  # noqa: D205
    claimed, paid = encoded.claimed, encoded.paid
    assert claimed is not None  # noqa: S101 - the caller has both
    assert paid is not None  # noqa: S101
    # A charge that nobody wrote down is paid by the list all the same.
    unbilled = np.flatnonzero((claimed == 0) & (paid > 0))
    for one in own:
        point, level = _place_on(one, paid, unbilled, grid)
        one.point[unbilled[point >= 0]], one.level[unbilled[point >= 0]] = point[point >= 0], level[point >= 0]
    on = is_on(own)
    as_paid = _bill_what_is_paid(own, paid, np.flatnonzero(whole & ~listed), encoded.population, grid)
    less = whole & ~as_paid & (claimed > 0) & (usual_price(own, len(paid)) > claimed + grid / 2)
    service = encoded.codes.get(SERVICE, np.zeros(encoded.rows, np.int32))
    above = []
    for mine in (service == code for code in range(int(service.max(initial=0)) + 1)):
        more = released_count(on & mine & (claimed > 0) & (paid > claimed), encoded.population)
        above.append(more > max(_MORE_THAN_SELDOM * int((on & mine).sum()), int((less & mine).sum())))
    return Paid(on, as_paid, tuple(above) if any(above) else ())


def is_on(own: Sequence[Lattice]) -> Mask:
    """Which claims are paid a price of a list."""
    return np.asarray(np.any([one.point >= 0 for one in own], axis=0))


def add_paid_prices(builder: Builder, own: Sequence[Lattice], encoded: Encoded, candidates: Sequence[Parent]) -> None:
    """Release the tables PAID_PRICE and, where something is added to prices, PAID_TOP_UP."""
    for name in plain_names(name for one in own for name in (*one.case_names, *one.factors)):
        if name in builder.variables:
            builder.use_feature(name)
    places = place_on_lists(own, encoded.rows)
    lists = [PriceList.of_lattice(one) for one in own]
    builder.variables[PAID_CASE] = (
        case_over(lists, encoded.codes, encoded.rows),
        sum(prices.cases for prices in lists) + 1,
    )
    size = max(places.points, 1) * most_levels(own)
    builder.add(Target(PAID_PRICE, places.code, size), [*builder.candidates([PAID_CASE]), *candidates])
    if places.top_ups:
        builder.variables[PAID_POINT] = (places.point, places.points)
        target = Target(PAID_TOP_UP, places.top_up, places.top_ups + 1)
        builder.add(target, [*builder.candidates([PAID_POINT]), *candidates], most=4)


def usual_price(own: Sequence[Lattice], rows: int) -> Numbers:
    """The commonest price of each claim's case; 0 where no list has one."""
    price = np.zeros(rows)
    for one in own:
        logs = PriceList.of_lattice(one).logs(one.codes, np.zeros(rows, np.int32))
        there = np.isfinite(logs)
        price[there] = one.priced(logs[there], 0)
    return price


def beside_price(claimed: Numbers, price: Numbers, grid: float) -> Codes:
    """How many times the price is claimed, in steps; one is just the price, the last nothing at all, and 0 that there is no price."""
    there = price > 0
    times = np.divide(claimed, price, out=np.ones(len(price)), where=there)
    step = 1 + np.searchsorted(_TIMES, times, side="right") + (times >= 1)
    just = 1 + int(np.searchsorted(_TIMES, 1.0))
    step = np.where(np.abs(claimed - price) < grid / 2, just + 1, np.where(claimed == 0, BESIDE_PRICES - 1, step))
    return np.where(there, step, 0).astype(np.int32)


def _bill_what_is_paid(own: Sequence[Lattice], paid: Numbers, rows: Ints, population: Population, grid: float) -> Mask:
    """Which of `rows`, which are paid in full, are paid a price of their case: they are put on its list. None, where they are few."""
    placed = [_place_on(one, paid, rows, grid) for one in own]
    as_paid = np.zeros(len(paid), np.bool_)
    for point, _ in placed:
        as_paid[rows[point >= 0]] = True
    if int(as_paid.sum()) < _MIN_AS_PAID * len(paid) or not population.may_be_told(np.flatnonzero(as_paid)):
        return np.zeros(len(paid), np.bool_)
    for one, (point, level) in zip(own, placed, strict=True):
        on = point >= 0
        one.point[rows[on]], one.level[rows[on]] = point[on], level[on]
    return as_paid


def _place_on(own: Lattice, paid: Numbers, rows: Ints, grid: float) -> tuple[Codes, Codes]:
    """The point and the hidden level of the price of its case that each of `rows` is paid; -1 where it is paid none.

    To the step of the `grid` of all amounts: what is charged may lie between the steps of a list.
    """
    point, level = np.full(len(rows), -1, np.int32), np.zeros(len(rows), np.int32)
    prices, todo = PriceList.of_lattice(own), np.flatnonzero(paid[rows] > 0)
    for number in range(int(np.diff(own.base_start).max(initial=0))):
        given = {name: codes[rows[todo]] for name, codes in own.codes.items()}
        logs = prices.logs(given, np.full(len(todo), number, np.int32), strict=True)
        # A case without this price has no further one.
        todo, logs = todo[np.isfinite(logs)], logs[np.isfinite(logs)]
        amount = paid[rows[todo]]
        nearest = np.abs((np.log(amount) - logs)[:, None] - own.levels).argmin(1)
        hit = np.abs(own.priced(logs, nearest) - amount) < grid / 2
        point[todo[hit]], level[todo[hit]] = number, nearest[hit]
        todo = todo[~hit]
    return point, level
