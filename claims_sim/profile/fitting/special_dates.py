"""Dates on which clearly more or fewer claims come than on others of their weekday around them: holidays, days of batches.

Only what stands out far beyond chance, and is borne by enough persons, is told; all other days of a month are alike.
"""

from typing import Final

import numpy as np

from claims_sim.profile.counts.counting import Ints, Population
from claims_sim.profile.counts.numbers import Numbers

SPECIAL_DATE: Final = "special_date"
"""The table that draws which of the special dates of its month a claim falls on; its last code: none of them."""
_WEEKS: Final = 4
_FAR: Final = 6.0
"""Standard deviations of chance by which a special date lies off."""
_RATIO: Final = 1.6
_MOST: Final = 400
_HARDLY_ANY: Final = 0.2
_TO_SIGMA: Final = 1.4826


def find_special_dates(day: Ints, rows: Ints, population: Population) -> Ints:
    """The special ones of the days (counted from 1970) of `rows`, in order."""
    if not len(day):
        return np.zeros(0, np.int64)
    first = int(day.min())
    counts = np.bincount(day - first)
    usual = _usual(counts)
    off = (counts - usual) / np.sqrt(np.maximum(usual, 1.0))
    # Where days differ by more than chance anyway, it takes more to stand out. Not where hardly any has claims, as of months.
    ordinary = counts > 0 if np.mean(counts > 0) > _HARDLY_ANY else np.ones(len(counts), np.bool_)
    spread = max(1.0, _TO_SIGMA * float(np.median(np.abs(off[ordinary]))))
    stands_out = (np.abs(off) > _FAR * spread) & ((counts > _RATIO * usual) | (counts * _RATIO < usual))
    special = stands_out & population.releasable(day - first, len(counts), rows)
    order = np.argsort(-np.abs(off), kind="stable")
    chosen = order[special[order]][:_MOST]
    return np.sort(chosen) + first


def _usual(counts: Ints) -> Numbers:
    """The median of the same weekday up to four weeks before and after each day."""
    padded = np.pad(counts.astype(float), 7 * _WEEKS, constant_values=np.nan)
    around = [week for week in range(-_WEEKS, _WEEKS + 1) if week]
    beside = np.array([padded[7 * (_WEEKS + week) :][: len(counts)] for week in around])
    known = np.isfinite(beside).any(0)
    usual = counts.astype(float)
    usual[known] = np.nanmedian(beside[:, known], axis=0)
    return usual
