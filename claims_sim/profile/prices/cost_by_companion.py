"""Does the first of its secondary diagnoses say what a claim costs, as the illness behind a control visit does?"""

from typing import Final

import numpy as np

from claims_sim.profile.counts.counting import Codes, dense_ids
from claims_sim.profile.counts.numbers import Numbers, within
from claims_sim.profile.encoding.encode import Encoded
from claims_sim.profile.prices.claim_pairs import alike

_ROWS: Final = 60_000
_ALIKE: Final = ("service_type", "dx_primary_code", "severity_group", "procedure_code")
_CLEARLY: Final = 0.02
"""The share of what differs among claims alike in these that must follow from it, beyond chance."""


def costs_follow_companion(encoded: Encoded, first: Codes, amounts: Numbers) -> bool:
    """Do costs, among claims that are alike otherwise, follow the `first` secondary code (-1: none) clearly more than by chance?"""
    rows = np.flatnonzero(amounts > 0)
    rows = rows[:: max(1, len(rows) // _ROWS)]
    key, groups = dense_ids(alike(encoded, [name for name in _ALIKE if name in encoded.codes], rows))
    finer, cells = dense_ids(key * (int(first.max(initial=0)) + 2) + first[rows] + 1)
    logs = np.log(amounts[rows])
    whole, left = (float((within(logs, group) ** 2).sum()) for group in (key, finer))
    free, spent = len(rows) - len(cells), len(cells) - len(groups)
    if free <= 0 or whole <= 0:
        return False
    return whole - left - spent * left / free > _CLEARLY * whole
