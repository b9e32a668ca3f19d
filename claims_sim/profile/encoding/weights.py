"""The sampling weights of claims that were dealt out: those of where they were dealt to, where that may be told.

A sample's weights are often one number for all facilities of a place and class. A claim that is dealt to another class
then bears a weight that nobody has there. Where a place and class may be told as a set, so may the weight that all of it
shares; where it may not, its weight crosses nowhere. Others are of persons and nearly always of one place, since people
stay where they live: a claim that is dealt to another place bears one of that place's weights, as high among them as its own was
among those of where it came from. Sees kinds of facilities and weights only.
"""

from collections.abc import Iterator
from itertools import combinations
from typing import Final

import numpy as np

from claims_sim.profile.counts.counting import Ints, Mask, Population, dense_ids, distinct_values
from claims_sim.profile.counts.numbers import Numbers
from claims_sim.profile.encoding.directory import Dealt

_OF_A_KIND: Final = 0.99
"""A kind has a weight when so many of its claims bear it."""
_MOST_TOLD: Final = 0.5
"""Weights are looked at as those of places where so many claims bear one that may be told; others are single persons'."""
_OF_A_PLACE: Final = 0.75
"""A weight is of one place when so many of its claims are, of those that would not be if weights knew no place."""


def weights_as_dealt(weight: Numbers, dealt: Dealt, population: Population) -> Numbers:
    """`weight` as it may be counted: of each claim that was dealt out a weight of where it was dealt to, NaN where none may be told.

    Unchanged where weights do not follow from what describes a facility: then they belong to claims, not to kinds.
    """
    of_kind = _weights_of_kinds(weight, dealt)
    if of_kind is not None:
        there = np.where(_told(of_kind, dealt, population), of_kind, np.nan)[dealt.kind_dealt]
    else:
        place = _place_of_weights(weight, dealt, population)
        if place is None:
            return weight
        there = _as_high_there(weight, place[dealt.kind], place[dealt.kind_dealt], population)
    return np.where((dealt.group >= 0) & np.isfinite(weight), there, weight)


def _weights_of_kinds(weight: Numbers, dealt: Dealt) -> Numbers | None:
    """The one weight of each kind (NaN: none has any); None where some kind has several. Claims without one say nothing."""
    known = np.flatnonzero(np.isfinite(weight))
    values, code = distinct_values(weight[known])
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


def _choices(dealt: Dealt) -> Iterator[tuple[int, ...]]:
    """Columns that may describe a place, the fewest first."""
    places = range(dealt.kinds.shape[1])
    return (chosen for count in range(len(places) + 1) for chosen in combinations(places, count))


def _told(of_kind: Numbers, dealt: Dealt, population: Population) -> Mask:
    """The kinds whose weight is that of a set that may be told: by the fewest columns that weights follow from there."""
    for columns in _choices(dealt):
        cell = np.unique(dealt.kinds[:, list(columns)], axis=0, return_inverse=True)[1].ravel()
        told = population.releasable(cell[dealt.kind], int(cell.max()) + 1)[cell]
        low, high = np.full(len(told), np.inf), np.full(len(told), -np.inf)
        np.minimum.at(low, cell[told], of_kind[told])
        np.maximum.at(high, cell[told], of_kind[told])
        if told.any() and (low[cell[told]] == high[cell[told]]).all():
            return told
    return np.zeros(len(of_kind), np.bool_)


def _place_of_weights(weight: Numbers, dealt: Dealt, population: Population) -> Ints | None:
    """The place of each kind, by the fewest columns that say where most weights are borne; None where none do.

    Of weights of single persons, each of which is borne where they live, none do: only weights that may be told are looked at.
    """
    known = np.flatnonzero(np.isfinite(weight))
    values, code = distinct_values(weight[known])
    told = population.releasable(code, len(values), known)[code]
    if not told.sum() > _MOST_TOLD * len(known):
        return None
    known, code = known[told], code[told]
    for columns in _choices(dealt):
        place = np.unique(dealt.kinds[:, list(columns)], axis=0, return_inverse=True)[1].ravel()
        places = int(place.max(initial=0)) + 1
        cells, distinct = dense_ids(code * places + place[dealt.kind[known]])
        most = np.zeros(len(values), np.int64)
        np.maximum.at(most, distinct // places, np.bincount(cells))
        by_chance = np.bincount(place[dealt.kind[known]]).max() / len(known)
        if most.sum() / len(known) - by_chance > _OF_A_PLACE * (1.0 - by_chance):
            return place
    return None


def _as_high_there(weight: Numbers, came: Ints, place: Ints, population: Population) -> Numbers:
    """Of each claim the weight of its `place` that lies among that place's as its own does among those of where it `came` from.

    A place's weights are those of its own claims that may be told of it; NaN where none may.
    """
    known = np.flatnonzero(np.isfinite(weight))
    values, code = distinct_values(weight[known])
    cells, distinct = dense_ids(came[known] * len(values) + code)  # in order of place, then of weight
    counts, owner = np.bincount(cells), distinct // len(values)
    of_places = np.bincount(owner, counts, minlength=int(max(came.max(), place.max())) + 1)
    # How high a weight lies: the middle of its claims among its place's, each place from its own whole number on.
    before = np.cumsum(counts) - counts - (np.cumsum(of_places) - of_places)[owner]
    height = (before + counts / 2) / of_places[owner]
    told = np.flatnonzero(population.releasable(cells, len(distinct), known))
    there = np.full(len(weight), np.nan)
    if len(told):
        highest = owner[told] + (before + counts)[told] / of_places[owner[told]]
        found = told[np.minimum(np.searchsorted(highest, place[known] + height[cells]), len(told) - 1)]
        # Above the highest that may be told there lies none but that one.
        found = np.where(owner[found] > place[known], told[np.maximum(np.searchsorted(told, found) - 1, 0)], found)
        there[known] = np.where(owner[found] == place[known], values[distinct[found] % len(values)], np.nan)
    return there
