"""Codes that cost the same: cases of a tariff that are one case under several codes. Sees prices and codes only.

A tariff prices groups of diagnoses (or procedures), not each code. Where the prices of two codes agree in every context that
both were seen in, they are one group, and what is rare for one code is known from its group.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from claims_sim.profile.counting import Ints

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
