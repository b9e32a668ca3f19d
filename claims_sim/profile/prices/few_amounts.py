"""Amounts that are few: which ones nearly all persons bear, and what is paid where that is few amounts. What is drawn is one of these."""

from typing import Final

import numpy as np

from claims_sim.profile.counts.counting import Ints, Population, distinct_values
from claims_sim.profile.counts.numbers import Numbers
from claims_sim.profile.encoding.encode import Encoded
from claims_sim.profile.prices.following import SERVICE

_FEW, _NEARLY_ALL = 2000, 0.99  # amounts; share of persons
_CLEARLY_MORE: Final = 1.5
"""So many times the payments that there are the amounts that are claimed must be."""
_LOOKED_AT, _NOT_TOLD = 40_000, 0.5
"""Claims, and how many of them may bear amounts beyond the few: each another in a table of any amounts, and nobody has half of all."""


def all_there_are(amounts: Numbers, rows: Ints, population: Population) -> tuple[float, ...]:
    """The amounts of `rows` that enough share, in order, where they are few and nearly all persons bear one; else none."""
    some = amounts[rows[:: max(len(rows) // _LOOKED_AT, 1)]]
    if len(np.unique(some)) > _FEW + _NOT_TOLD * len(some):
        return ()
    distinct, ids = distinct_values(amounts[rows])
    told = population.releasable(ids, len(distinct), rows)
    persons = population.weights(ids, len(distinct), rows)
    is_all = 0 < told.sum() <= _FEW and persons[told].sum() >= _NEARLY_ALL * persons.sum()
    return tuple(distinct[told].tolist()) if is_all else ()


def every_payment(encoded: Encoded) -> tuple[tuple[float, ...], ...]:
    """All that is paid in each kind of service, if anything is, where that is few amounts, and clearly fewer than are claimed; empty
    where it is in none.

    By a share of what is claimed some would be paid what nobody is, where payments are rounded the more coarsely the more they are.
    """  # noqa: D205
    claimed, paid = encoded.claimed, encoded.paid
    assert claimed is not None  # noqa: S101 - the caller has both amounts
    assert paid is not None  # noqa: S101
    service = encoded.codes.get(SERVICE, np.zeros(encoded.rows, np.int32))
    found = []
    for kind in range(int(service.max(initial=0)) + 1):
        rows = np.flatnonzero((paid > 0) & (service == kind))
        payments = all_there_are(paid, rows, encoded.population)
        are_fewer = payments and len(np.unique(claimed[rows])) > _CLEARLY_MORE * len(payments)
        found.append(payments if are_fewer else ())
    return tuple(found) if any(found) else ()


def nearest_of(every: Numbers, amounts: Numbers) -> Numbers:
    """The nearest, by its ratio, of `every` amount there is, in order, to each of `amounts`; itself where none is known, or it is 0."""
    if not len(every):
        return amounts
    above = np.clip(np.searchsorted(every, amounts), min(1, len(every) - 1), len(every) - 1)
    below = np.maximum(above - 1, 0)
    is_below = amounts * amounts < every[above] * every[below]
    return np.where(amounts > 0, np.where(is_below, every[below], every[above]), amounts)
