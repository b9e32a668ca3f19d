"""When price lists change: the months from which on most claims bear other prices than in the months before.

Where all prices rise alike, a factor of the month says so. Where every group of hospitals, or every case, has a rise of its own,
only the month from which it holds is common to them: then each case has prices of each period. Sees months and prices only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from claims_sim.profile.counting import Codes, Ints, dense_ids
from claims_sim.profile.document import BY, PERIOD
from claims_sim.profile.encode import MONTH, Encoded

_BEFORE: Final = 3
"""So many months before and after a change are looked at."""
_LOST: Final = 0.1
"""The share of the prices of the neighbouring months, of those that usually recur there, that must be lost at a change."""
_MOST_CHANGES: Final = 8


def find_periods(encoded: Encoded, price: Ints, rows: Ints) -> tuple[int, ...]:
    """The period of each month, by `price`, a number for each of `rows`; none where prices never change together.

    At a change, prices of the months before do not recur in those after it. It must be of enough persons (and facilities).
    """
    months = len(encoded.vocabularies.get(MONTH, ()))
    known = np.flatnonzero(encoded.codes[MONTH][rows] >= 0) if months > 2 * _BEFORE else np.zeros(0, np.int64)
    if not len(known):
        return ()
    month, rows = encoded.codes[MONTH][rows[known]].astype(np.int64), rows[known]
    number, distinct = dense_ids(price[known])
    shared = np.bincount(number, minlength=len(distinct))[number] >= encoded.population.k
    month, number, rows = month[shared], number[shared], rows[shared]
    back, ahead = _nearest_months(number, month, months)
    here = np.arange(months)
    # In the month from which a change holds, and in the one before it: who finds the own price on the other side.
    with np.errstate(invalid="ignore"):
        kept = _mean(month, back <= _BEFORE, months) + np.roll(_mean(month, ahead <= _BEFORE, months), 1)
    inside = (here >= _BEFORE) & (here <= months - _BEFORE) & np.isfinite(kept)
    if not inside.any():
        return ()
    lost = np.where(inside, 1 - kept / max(float(np.median(kept[inside])), 1e-9), 0.0)
    found = [
        at
        for at in np.argsort(-lost, kind="stable")[:_MOST_CHANGES].tolist()
        if lost[at] > _LOST and encoded.population.may_be_told(rows[(month == at) & (back > _BEFORE)])
    ]
    return tuple(np.searchsorted(np.sort(np.array(found)), here, side="right").tolist()) if found else ()


def _nearest_months(number: Ints, month: Ints, months: int) -> tuple[Ints, Ints]:
    """For each claim how many months ago, and in how many, a claim bears the price of the same number; many where none does."""
    cells, distinct = dense_ids(number * months + month)
    same = np.r_[False, distinct[1:] // months == distinct[:-1] // months]
    step = np.diff(distinct, prepend=0)
    back = np.where(same, step, months)
    ahead = np.r_[back[1:], months] if len(back) else back
    return back[cells], ahead[cells]


def _mean(month: Ints, of: np.ndarray, months: int) -> np.ndarray:
    count = np.bincount(month, minlength=months)
    return np.where(count > 0, np.bincount(month, weights=of, minlength=months) / np.maximum(count, 1), np.nan)


def period_of(periods: Sequence[int], months: Codes) -> Codes:
    """The period of each of `months`; -1 where the month is not known."""
    return np.array((*periods, -1), np.int32)[months]


def places_and_periods(periods: Sequence[int], places: Codes, months: Codes) -> Codes:
    """A number for each place in each period; -1 where one of them is not known."""
    period = period_of(periods, months)
    return np.where((places >= 0) & (period >= 0), places * (max(periods) + 1) + period, -1).astype(np.int32)


def with_periods(encoded: Encoded, periods: Sequence[int]) -> Encoded:
    """With the variable PERIOD, where prices change."""
    if not periods:
        return encoded
    codes: Mapping[str, Codes] = encoded.codes | {PERIOD: period_of(periods, encoded.codes[MONTH])}
    return replace(
        encoded,
        codes=dict(codes),
        vocabularies=encoded.vocabularies | {PERIOD: (None,) * (max(periods) + 1)},
    )


def with_place(encoded: Encoded, periods: Sequence[int], place: str) -> Encoded:
    """With the variable of `place` and its periods together; -1 where too few of a place's claims are of a period to tell its rise."""
    code = places_and_periods(periods, encoded.codes[place], encoded.codes[MONTH])
    size, known = len(encoded.vocabularies[place]) * (max(periods) + 1), np.flatnonzero(code >= 0)
    told = encoded.population.releasable(code[known].astype(np.int64), size, known)
    code[known[~told[code[known]]]] = -1
    return replace(
        encoded,
        codes=encoded.codes | {BY + place: code},
        vocabularies=encoded.vocabularies | {BY + place: (None,) * size},
    )
