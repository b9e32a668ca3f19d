"""What payments leave, where that and not the share is what recurs: deductibles with something beside, capped co-insurance, sundries.

An insurer's plan leaves so much of any bill, and a house's sundries are a few of any: as shares of bills of all sizes such are about
anything. Each kind of service is told by what makes its payments likelier.
"""

from typing import Final

import numpy as np

from claims_sim.profile.counts.counting import Ints
from claims_sim.profile.counts.numbers import Binned, Numbers, bin_numbers
from claims_sim.profile.encoding.encode import Encoded
from claims_sim.profile.prices.following import SERVICE

PAID_LEFT: Final = "paid_left"
"""The ranges of what payments leave. Their codes in the table `paid` come after those of the shares."""
_RANGES: Final = 60
_BANDS: Final = 16
_FEWEST: Final = 40
"""So many times k rows of a kind of service at least, for it to be asked which it is."""
_CLEARLY: Final = 0.05
"""How much likelier, log density a claim, what is left must make payments than shares do."""
_UNSEEN: Final = 0.02
"""The weight of a range in which no other payment lies."""
_AS_MANY: Final = 50
"""Ranges of all bands count as so many payments of each."""


def what_is_left(encoded: Encoded, rows: Ints, grid: float) -> Binned:
    """What payments leave, of those of `rows`, which are paid by no rule, whose kinds of service it tells more of than shares do."""
    assert encoded.claimed is not None  # noqa: S101 - the caller has both amounts
    assert encoded.paid is not None  # noqa: S101
    service = encoded.codes.get(SERVICE, np.zeros(encoded.rows, np.int32))
    left = np.full(encoded.rows, np.nan)
    for kind in np.unique(service[rows]).tolist():
        own = rows[(service[rows] == kind) & (encoded.paid[rows] < encoded.claimed[rows])]
        if len(own) < _FEWEST * encoded.population.k or not encoded.population.may_be_told(own):
            continue
        claimed, paid = encoded.claimed[own], encoded.paid[own]
        of_left = _likely(claimed - paid, np.ones(len(own)), claimed, grid)
        if of_left > _likely(paid / claimed, claimed, claimed, grid) + _CLEARLY:
            left[own] = np.round(claimed - paid, 2)
    return bin_numbers(left, encoded.population, most=_RANGES, most_single=400)


def _likely(values: Numbers, unit: Numbers, claimed: Numbers, grid: float) -> float:
    """How likely ranges of `values` make payments, log density a claim, in bands of what is claimed; a value's `unit` is in money."""
    bands, edges = (
        np.unique(np.quantile(of, np.linspace(0, 1, count + 1))) for of, count in ((claimed, _BANDS), (values, _RANGES))
    )
    if len(edges) == 1:
        return -float(np.log(grid))
    code = np.minimum(np.searchsorted(edges, values, side="right") - 1, len(edges) - 2)
    band = np.searchsorted(bands, claimed)
    cell = band * len(edges) + code
    # Of few payments a band, a range is as common there as among all: else the fewer ranges a band has, the likelier it would be.
    of_all = (np.bincount(code)[code] - 1 + _UNSEEN) / len(code)
    told = (np.bincount(cell)[cell] - 1 + _AS_MANY * of_all) / (np.bincount(band)[band] - 1 + _AS_MANY)
    density = told / np.maximum(np.diff(edges)[code] * unit, grid)
    return float(np.log(density).mean())
