"""Quantities: where twice and three times a price are hidden levels of a tariff, so are the multiples that follow."""

from typing import Final

import numpy as np

from claims_sim.profile.counts.counting import Ints, Population
from claims_sim.profile.counts.numbers import Numbers

_MOST: Final = 31
"""Whoever comes every day is billed for a month at most."""
_FIRST: Final = (2, 3)
_SAME: Final = 1e-4


def with_multiples(levels: Numbers, away: Numbers, width: Numbers, rows: Ints, population: Population) -> Numbers:
    """Log ratios `levels` with those of further whole numbers, as far as each is borne by enough.

    `away` says how far the amounts of `rows` lie from the commonest price of their case, `width` how exactly.
    """
    if not all((np.abs(levels - np.log(n)) < _SAME).any() for n in _FIRST):
        return levels
    found = levels.tolist()
    for n in range(_FIRST[-1] + 1, _MOST + 1):
        bears = np.abs(away - np.log(n)) < width
        if (np.abs(levels - np.log(n)) < _SAME).any():
            continue
        if int(bears.sum()) < 2 * population.k or not population.may_be_told(rows[bears]):
            break
        found.append(float(np.log(n)))
    return np.sort(np.array(found))
