"""When price lists change: the months from which on most claims bear other prices than in the months before.

Where all prices rise alike, a factor of the month says so. Where every group of hospitals, or every case, has a rise of its own,
only the month from which it holds is common to them: then each case has prices of each period. Sees months and prices only.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from claims_sim.profile.counts.counting import Codes, Ints, Mask, Population, dense_ids
from claims_sim.profile.counts.numbers import Numbers
from claims_sim.profile.document_parts import BY, PERIOD
from claims_sim.profile.encoding.encode import MONTH, Encoded

_NEAR: Final = 3
"""So many months before a change and after it are looked at."""
_NEW: Final = 0.5
"""The share of the prices, of those that usually are of a month before and come in one after, that must do neither at a change: where
most prices stay, each of them would be told in every period.
"""
_RECUR: Final = 0.25
"""The share of a month's prices that must usually come in the months beside it, for there to be lists at all."""
_MOST_CHANGES: Final = 8
_SLIGHT: Final = 1e-5
"""What months multiply prices by is the same to so much of a logarithm."""


def find_periods(encoded: Encoded, price: Ints, rows: Ints) -> tuple[int, ...]:
    """The period of each month, by `price`, a number for each of `rows`; none where prices never change together.

    At a change prices are such as no claim of the months before bears, and no claim after it bears theirs. The new ones must be of
    enough persons (and facilities).
    """
    months = len(encoded.vocabularies.get(MONTH, ()))
    known = np.flatnonzero(encoded.codes[MONTH][rows] >= 0) if months > 2 * _NEAR else np.zeros(0, np.int64)
    if not len(known):
        return ()
    month, rows = encoded.codes[MONTH][rows[known]].astype(np.int64), rows[known]
    number, distinct = dense_ids(price[known])
    shared = np.bincount(number, minlength=len(distinct))[number] >= encoded.population.k
    month, number, rows = month[shared], number[shared], rows[shared]
    since, until = _nearest_months(number, month, months)
    # Both must be so: in the month of a change prices are new, and those of the month before come no more.
    new = _new(_mean(month, since <= _NEAR, months), _mean(month, until <= _NEAR, months), 1)
    found = [
        at
        for at in np.argsort(-new, kind="stable")[:_MOST_CHANGES].tolist()
        if new[at] > _NEW and encoded.population.may_be_told(rows[(month == at) & (since > _NEAR)])
    ]
    found += _within_months(encoded.population, month, number, rows, months, found)
    return tuple(np.searchsorted(np.sort(np.array(found)), np.arange(months), side="right").tolist()) if found else ()


def _new(since: Numbers, until: Numbers, apart: int) -> Numbers:
    """How much fewer than usually of each month's prices come in those before, and of those of the month `apart` from it after it."""
    kept, here = (since + np.roll(until, apart)) / 2, np.arange(len(since))
    inside = (here >= _NEAR) & (here <= len(since) - _NEAR) & np.isfinite(kept)
    usual = float(np.median(kept[inside])) if inside.any() else 0.0
    return np.where(inside, 1 - kept / usual, 0.0) if usual >= _RECUR else np.zeros(len(since))


def _within_months(
    population: Population, month: Ints, number: Ints, rows: Ints, months: int, others: Sequence[int]
) -> list[int]:
    """Further months of a change: lists change on the ninth, too, and the month of such a change has both."""
    comes = np.zeros((int(number.max(initial=0)) + 1, months), np.bool_)
    comes[number, month] = True
    before, after = np.zeros_like(comes), np.zeros_like(comes)
    for away in range(2, _NEAR + 2):
        before[:, away:] |= comes[:, :-away]
        after[:, :-away] |= comes[:, away:]
    # The months on either side of each one, without it.
    new = _new(_mean(month, before[number, month], months), _mean(month, after[number, month], months), 2)
    found = list(others)
    for at in (np.argsort(-new, kind="stable")[: _MOST_CHANGES - len(others)] - 1).tolist():
        if at < 1 or not (month == at).any():
            continue
        earlier: Mask = np.any(comes[:, max(at - _NEAR, 0) : at], axis=1)[number]
        # Of some cases the new list has the old prices: in the month after that of the change prices are as new as they get.
        share_new = _mean(month, ~earlier, months)
        start = at + (not share_new[at] >= _NEW * np.nan_to_num(share_new[at + 1], nan=1.0))
        is_other = start >= _NEAR and all(abs(start - other) > 1 for other in found)
        if new[at + 1] > _NEW and is_other and population.may_be_told(rows[(month == start) & ~earlier]):
            found.append(start)
    return found[len(others) :]


def _nearest_months(number: Ints, month: Ints, months: int) -> tuple[Ints, Ints]:
    """For each claim how many months ago, and in how many, a claim bears the price of the same number; many where none does."""
    cells, distinct = dense_ids(number * months + month)
    same = np.r_[False, distinct[1:] // months == distinct[:-1] // months]
    since = np.where(same, np.diff(distinct, prepend=0), months)
    return since[cells], np.r_[since[1:], months][cells]


def _mean(month: Ints, of: Mask, months: int) -> Numbers:
    count = np.bincount(month, minlength=months)
    return np.where(count > 0, np.bincount(month, weights=of, minlength=months) / np.maximum(count, 1), np.nan)


def steps_of_months(rise: Numbers | None) -> tuple[int, ...]:
    """The period of each month by what it multiplies prices by, where that changes a few times; none where not, or where it may be any."""
    if rise is None:
        return ()
    changes = np.abs(np.diff(rise)) > _SLIGHT
    return tuple(np.r_[0, np.cumsum(changes)].tolist()) if 0 < changes.sum() <= _MOST_CHANGES else ()


def changes_of(periods: Sequence[int]) -> tuple[int, ...]:
    """The months that begin another period."""
    return tuple((np.flatnonzero(np.diff(periods)) + 1).tolist()) if periods else ()


def period_of(periods: Sequence[int], months: Codes) -> Codes:
    """The period of each of `months`; -1 where the month is not known."""
    return np.array((*periods, -1), np.int32)[months]


def places_and_periods(periods: Sequence[int], places: Codes, months: Codes) -> Codes:
    """A number for each place in each period; -1 where one of them is not known."""
    period = period_of(periods, months)
    return np.where((places >= 0) & (period >= 0), places * (max(periods) + 1) + period, -1).astype(np.int32)


def with_periods(encoded: Encoded, periods: Sequence[int]) -> Encoded:
    """With the variable PERIOD."""
    return _with(encoded, PERIOD, period_of(periods, encoded.codes[MONTH]), max(periods) + 1)


def with_place(encoded: Encoded, periods: Sequence[int], place: str, usable: Mask) -> Encoded:
    """With the variable of `place` and its periods together; -1 where too few of a place's `usable` claims, which a list is made of,
    are of a period to be told of.
    """  # noqa: D205
    code = places_and_periods(periods, encoded.codes[place], encoded.codes[MONTH])
    size, known = len(encoded.vocabularies[place]) * (max(periods) + 1), np.flatnonzero((code >= 0) & usable)
    told = encoded.population.releasable(code[known].astype(np.int64), size, known)
    code[(code >= 0) & ~told[code]] = -1
    return _with(encoded, BY + place, code, size)


def _with(encoded: Encoded, name: str, codes: Codes, size: int) -> Encoded:
    return replace(
        encoded,
        codes=encoded.codes | {name: codes},
        vocabularies=encoded.vocabularies | {name: (None,) * size},
    )
