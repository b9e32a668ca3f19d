"""Codes that cost the same: cases of a tariff that are one case under several codes. Sees codes and amounts.

A tariff prices groups of diagnoses (or procedures), not each code. Where the prices of two codes agree in every context that
both were seen in, they are one group, and what is rare for one code is known from its group.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from claims_sim.profile.counting import Ints, Population
from claims_sim.profile.lattice import Amounts, Lattice, fit_points

_SAME: Final = 4e-5

Prices = npt.NDArray[np.float64]


def split_keys(keys: Ints, sizes: tuple[int, ...]) -> Ints:
    """The codes (one column a variable) behind mixed-radix `keys`."""
    digits = []
    for size in reversed(sizes):
        digits.append(keys % size)
        keys = keys // size
    return np.column_stack(digits[::-1])


def join_keys(digits: Ints, sizes: tuple[int, ...]) -> Ints:
    """The reverse of `split_keys`."""
    key = np.zeros(len(digits), np.int64)
    for column, size in enumerate(sizes):
        key = key * size + digits[:, column]
    return key


def group_codes_by_price(digits: Ints, place: int, size: int, price: Prices, rows: Ints) -> Ints:
    """For each of `size` codes of the variable at `place` the code that stands for its group (itself, where it has none).

    `digits` are the codes of each priced case, `price` the logarithm of its commonest price, `rows` how many bear it.
    """
    _, context = np.unique(np.delete(digits, place, axis=1), axis=0, return_inverse=True)
    prices = np.full((size, int(context.max(initial=0)) + 1), np.nan)
    prices[digits[:, place], context] = price
    weight = np.bincount(digits[:, place], weights=rows, minlength=size)
    stands = np.arange(size)
    leaders = np.full((0, prices.shape[1]), np.nan)
    names: list[int] = []
    for code in np.argsort(-weight, kind="stable").tolist():
        if np.isnan(prices[code]).all():
            continue
        away = np.abs(leaders - prices[code])
        agreed, against = (away < _SAME).sum(1), (away > _SAME).sum(1)
        agreed = np.where(against > 0, 0, agreed)
        if agreed.max(initial=0) == 0:
            leaders = np.vstack([leaders, prices[code]])
            names.append(code)
            continue
        best = int(agreed.argmax())
        stands[code] = names[best]
        leaders[best] = np.where(np.isnan(leaders[best]), prices[code], leaders[best])
    return stands


def share_prices(found: Lattice, population: Population, amounts: Amounts) -> None:
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
    fit_points(found, population, amounts, np.flatnonzero(found.case >= 0))
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
