"""The sampling weights of claims that were dealt out: those of where they were dealt to, where that may be told.

A sample's weights are often one number for all facilities of a place and class. A claim that is dealt to another class
then bears a weight that nobody has there. Where a place and class may be told as a set, so may the weight that all of it
shares; where it may not, its weight crosses nowhere. Sees kinds of facilities and weights only.
"""

from itertools import combinations
from typing import Final

import numpy as np

from claims_sim.profile.counting import Mask, Population, dense_ids
from claims_sim.profile.directory import Dealt
from claims_sim.profile.numbers import Numbers

_OF_A_KIND: Final = 0.99
"""A kind has a weight when so many of its claims bear it."""


def weights_as_dealt(weight: Numbers, dealt: Dealt, population: Population) -> Numbers:
    """`weight` as it may be counted: of each claim that was dealt out the weight of the kind it was dealt to, else NaN.

    Unchanged where weights do not follow from what describes a facility: then they belong to claims, not to kinds.
    """
    of_kind = _weights_of_kinds(weight, dealt)
    if of_kind is None:
        return weight
    shared = np.where(_told(of_kind, dealt, population), of_kind, np.nan)[dealt.kind_dealt]
    return np.where((dealt.group >= 0) & np.isfinite(weight), shared, weight)


def _weights_of_kinds(weight: Numbers, dealt: Dealt) -> Numbers | None:
    """The one weight of each kind (NaN: none has any); None where some kind has several. Claims without one say nothing."""
    known = np.flatnonzero(np.isfinite(weight))
    values, code = np.unique(weight[known], return_inverse=True)
    cells, distinct = dense_ids(dealt.kind[known] * max(len(values), 1) + code)
    counts, owner = np.bincount(cells), distinct // max(len(values), 1)
    most = np.zeros(len(dealt.kinds), np.int64)
    np.maximum.at(most, owner, counts)
    if (most < _OF_A_KIND * np.bincount(dealt.kind[known], minlength=len(most))).any():
        return None
    commonest = counts == most[owner]
    of_kind = np.full(len(most), np.nan)
    of_kind[owner[commonest]] = values[distinct[commonest] % len(values)]
    return np.where(of_kind >= 0, of_kind, np.nan)


def _told(of_kind: Numbers, dealt: Dealt, population: Population) -> Mask:
    """The kinds whose weight is that of a set that may be told: by the fewest columns that weights follow from there."""
    places = range(dealt.kinds.shape[1])
    for columns in (chosen for count in range(len(places) + 1) for chosen in combinations(places, count)):
        cell = np.unique(dealt.kinds[:, list(columns)], axis=0, return_inverse=True)[1].ravel()
        told = population.releasable(cell[dealt.kind], int(cell.max()) + 1)[cell]
        low, high = np.full(len(told), np.inf), np.full(len(told), -np.inf)
        np.minimum.at(low, cell[told], of_kind[told])
        np.maximum.at(high, cell[told], of_kind[told])
        if told.any() and (low[cell[told]] == high[cell[told]]).all():
            return told
    return np.zeros(len(of_kind), np.bool_)
