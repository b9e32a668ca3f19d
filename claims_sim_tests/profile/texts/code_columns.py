"""Columns of codes for tests, and which of their values a profile tells."""

from collections import Counter

import numpy as np

from claims_sim.profile.texts.days_written import are_days
from claims_sim.profile.texts.own_codes import admitted_in_list

ROWS = 3000


def spread(values, rows=ROWS):
    return [values[i % len(values)] for i in range(rows)]


def passing(column, rows, k=11):
    """The distinct values of a column that pass, each claim being another person's."""
    counts = Counter(rows)
    claims = np.array([*counts.values()])
    may = admitted_in_list(column, [*counts], claims, claims >= k)
    may &= ~are_days([*counts], may & (claims >= k))
    return {value for value, yes in zip(counts, may, strict=True) if yes}
