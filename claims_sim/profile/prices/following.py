"""How charges follow the price that is paid: a hospital's bill is dear where the case group behind it is, though no column tells it."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from claims_sim.profile.counts.counting import Ints, Mask, Population, dense_ids
from claims_sim.profile.counts.numbers import Numbers, rise, within
from claims_sim.profile.encoding.encode import Encoded
from claims_sim.profile.prices.lattice import Lattice
from claims_sim.profile.prices.pricing import PriceList

SERVICE: Final = "service_type"
_ENOUGH_TO_FOLLOW: Final = 20
"""So many times k persons who are paid another price than the usual one, for it to be told how charges follow it."""
_USUAL: Final = 1e-3
"""How far the logarithm of a price may lie from that of the usual one and be it."""
_DAY_BY_DAY, _LENGTHS = 20, 60
"""Stays of so many days are alike to the day; and so many lengths are told apart."""
_TELLING: Final = 0.01
"""The share of the variance of charges inside cases that must follow."""


def follows_paid(
    own: Sequence[Lattice], claimed: Numbers, paid: Numbers, encoded: Encoded
) -> tuple[tuple[float, ...], Numbers]:
    """How logarithms of what is claimed follow that of which price of its case is paid by the lists `own`, of each kind of
    service, and what of each amount's follows from it.

    A hospital's charges are dear where the case group behind them is, though the claim does not tell it. Claims that are not
    paid a price have what is usual of their case.
    """  # noqa: D205
    number, cases, multiples = np.full(len(claimed), -1, np.int64), 0, np.full(len(claimed), np.nan)
    for one in own:
        on = np.flatnonzero((one.point >= 0) & (claimed > 0))
        multiples[on] = _multiples(one, paid, on)
        # Claims of the case count that are paid nothing, or anything else that says nothing of prices, too.
        prices = PriceList.of_lattice(one)
        of_list = prices.case(one.codes, len(claimed))
        number = np.where(of_list >= 0, of_list + cases, number)
        cases += prices.cases
    listed = np.flatnonzero(np.isfinite(multiples))
    case, multiple = number[listed], multiples[listed]
    # Long stays are dear in both: what charges have of that they have of the days.
    alike, _ = dense_ids(case * _LENGTHS + _length(encoded, listed))
    apart, off = within(multiple, alike), within(np.log(claimed[listed]), alike)
    service = encoded.codes.get(SERVICE, np.zeros(encoded.rows, np.int32))
    slopes = [
        _followed(apart[at], off[at], encoded.population, listed[at], np.abs(multiple[at]) > _USUAL)
        for at in (service[listed] == code for code in range(int(service.max(initial=0)) + 1))
    ]
    count = np.bincount(case, minlength=cases)
    usual = np.append(np.bincount(case, multiple, len(count)) / np.maximum(count, 1), 0.0)
    each = usual[number]
    each[listed] = multiple
    return tuple(slopes), np.append(np.array(slopes), 0.0)[service] * each


def _length(encoded: Encoded, rows: Ints) -> Ints:
    """How long each stay is, long ones about; 0 where that is not known."""
    if encoded.los is None:
        return np.zeros(len(rows), np.int64)
    days = np.nan_to_num(encoded.los[rows], nan=-1.0)
    length = np.minimum(days, _DAY_BY_DAY + 4 * np.log2(np.maximum(days, _DAY_BY_DAY) / _DAY_BY_DAY))
    return np.asarray(np.clip(np.rint(length) + 1, 0, _LENGTHS - 1), np.int64)


def _followed(apart: Numbers, off: Numbers, population: Population, rows: Ints, unusual: Mask) -> float:
    """How `off` rises with `apart`; 0 where that tells hardly anything of it, or too few show it, whose prices are `unusual`."""
    one = population.one_of_each(rows)
    if int(unusual[one].sum()) < _ENOUGH_TO_FOLLOW * population.k or not population.may_be_told(rows[unusual]):
        return 0.0
    follows = rise(off[one], apart[one])
    return follows if follows * float((apart * off).sum()) > _TELLING * float((off**2).sum()) else 0.0


def _multiples(own: Lattice, paid: Numbers, listed: Ints) -> Numbers:
    """Of each of the `listed` claims how many times its case's commonest price it is paid, as a logarithm."""
    usual = own.bases[own.base_start[own.case[listed]]] + own.place_log(listed)
    return np.asarray(np.log(paid[listed]) - usual)
