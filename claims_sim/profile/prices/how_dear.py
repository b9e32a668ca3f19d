"""How dear a claim is for its case: one price of a case is that of a short stay, another that with complications, and what tells them
apart is the same in most cases. Draws nothing.
"""  # noqa: D205

from collections.abc import Sequence
from typing import Final

import numpy as np

from claims_sim.profile.counts.counting import Codes, Ints
from claims_sim.profile.counts.numbers import Numbers
from claims_sim.profile.document_parts import DEAR_BANDS
from claims_sim.profile.prices.lattice import Lattice

_BORDERS: Final = (-1.0, -0.5, -0.25, -0.08, 0.08, 0.25, 0.5, 1.0)
"""Logarithms of how many times the mean of its case's prices a price is."""
_MIDDLES: Final = np.array((-1.3, -0.75, -0.37, -0.16, 0.0, 0.16, 0.37, 0.75, 1.3))
AS_USUAL: Final = DEAR_BANDS // 2


def band_of(times: Numbers) -> Codes:
    """The band of each logarithm of how many times the mean of its case's prices a price is."""
    return np.searchsorted(_BORDERS, times).astype(np.int32)


def above_mean(bases: Numbers, start: Ints) -> Numbers:
    """How far each of the `bases`, which are logarithms, lies above the mean of its case's, which begin at `start`."""
    count = np.diff(start)
    case = np.repeat(np.arange(len(count)), count)
    mean = np.bincount(case, bases, len(count)) / np.maximum(count, 1)
    return bases - mean[case]


def how_dear(lattices: Sequence[Lattice], rows: int) -> Codes:
    """The band of each of so many rows that lies on one of the lists, of which no two price one; `AS_USUAL` of all others."""
    times = np.zeros(rows)
    for lattice in lattices:
        on = np.flatnonzero(lattice.point >= 0)
        place = lattice.base_start[lattice.case[on]] + lattice.point[on]
        times[on] = above_mean(lattice.bases, lattice.base_start)[place] + lattice.levels[lattice.level[on]]
    return band_of(times)


def nearest_places(
    times: Numbers, start: Ints, levels: Numbers, case: Codes | Ints, band: Codes | Ints
) -> tuple[Codes, Codes]:
    """Of each claim's `case` the point and hidden level whose price is as dear for it as its `band` says, or nearest to that.

    `times`: how far each point, of a case those from its `start` on, lies above the mean of its case.
    """
    each, of = np.unique(case.astype(np.int64) * DEAR_BANDS + band, return_inverse=True)
    case, band = each // DEAR_BANDS, each % DEAR_BANDS
    count = (start[case + 1] - start[case]) * len(levels)
    claim = np.repeat(np.arange(len(case)), count)
    place = np.arange(len(claim)) - np.repeat(np.cumsum(count) - count, count)
    point, level = place // len(levels), place % len(levels)
    away = np.abs(times[start[case][claim] + point] + levels[level] - _MIDDLES[band[claim]])
    order = np.lexsort((point, level, away, claim))
    first = order[np.r_[True, np.diff(claim[order]) > 0]]
    return point[first][of].astype(np.int32), level[first][of].astype(np.int32)
