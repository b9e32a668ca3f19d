"""What places, and wards, multiply prices by in each period of price lists, where not all rise alike.

Sees codes and amounts only; a place's rise in a period is told of enough persons.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from claims_sim.profile.counts.counting import Codes, Ints, Mask
from claims_sim.profile.counts.numbers import Numbers
from claims_sim.profile.document_parts import BY, PERIOD
from claims_sim.profile.encoding.encode import MONTH, Encoded
from claims_sim.profile.prices.claim_pairs import alike, equal_pairs, logs_left
from claims_sim.profile.prices.factors import FACTOR_CANDIDATES, what_decides
from claims_sim.profile.prices.lattice import dense_modes
from claims_sim.profile.prices.price_periods import with_place
from claims_sim.profile.prices.ratios import factor_by_ratios

_PLACES_AND_PERIODS, _PERIODS, _PLACES = "places and periods", "periods", "places"
_CLEARLY_BETTER: Final = 1.05
"""How many times as often the prices of pairs must be equal for places to have rises of their own."""
_CLEARLY_TO_THE_UNIT: Final = 1.5
"""And to the unit, where they are as often nearly equal without."""
_OFF, _FEWER_OFF = 0.02, 3.0
"""Or where, of pairs that are nearly equal, so many are not to the unit, and so many times fewer where places have rises of their own."""
_MOST_RISES: Final = 2
"""Columns that prices rise by, each for itself: of houses and of wards."""
_SLIGHTLY, _ROUNDS = 1e-4, 6
"""So little may be what is multiplied by, as a logarithm, beside what a few pairs tell of it; so often all claims are asked."""
_FEWEST_RISEN: Final = 300
"""With fewer rows of a place alone its ratios recur by chance."""


class Rises(NamedTuple):
    """The logarithms of what each value of `place` (also: a ward) multiplies prices by in each period, value by value. `between` says
    what they compare: places and periods; the periods of each place; or the places of each period, where each case rises by its own.
    """  # noqa: D205

    place: str
    logs: Numbers
    between: str

    def others(self, factors: Mapping[str, Numbers]) -> dict[str, Numbers]:
        """Of `factors` those that these do not stand for."""
        stands_for = {MONTH} if self.between == _PERIODS else {MONTH, self.place}
        return {name: logs for name, logs in factors.items() if name not in stands_for}


def with_rises(
    encoded: Encoded,
    periods: Sequence[int],
    amounts: tuple[Numbers, Numbers],
    usable: Mask,
    few: Mask,
    factors: dict[str, Numbers],
) -> tuple[Encoded, dict[str, Numbers]]:
    """With what places multiply prices by in each of `periods`, beside the other `factors`; `amounts` are logarithms and tolerances.

    A `few` of the `usable` claims, which a list is made of, show it.
    """
    for _ in range(_MOST_RISES):
        rises = _rises_by_place(encoded, *amounts, few, factors)
        if rises is None:
            break
        encoded = with_place(encoded, periods, rises.place, usable)
        factors = rises.others(factors) | {BY + rises.place: rises.logs}
    return encoded, factors


def _rises_by_place(
    encoded: Encoded, logs: Numbers, tolerance: Numbers, usable: Mask, factors: Mapping[str, Numbers]
) -> Rises | None:
    """Rises of prices between the periods of `encoded` that each value of a column of places has its own of; None where prices are
    hardly the oftener equal for it than by the `factors` that are known. A place's rise in a period is that of enough persons.
    """  # noqa: D205
    names = [n for n in FACTOR_CANDIDATES if n in encoded.codes and len(encoded.vocabularies[n]) > 1]
    others = what_decides(encoded, names, logs, tolerance, usable)
    period, periods = encoded.codes[PERIOD].astype(np.int64), len(encoded.vocabularies[PERIOD])
    best, most = None, _CLEARLY_BETTER
    open_ = [n for n in names if n not in factors and BY + n not in factors]
    for name in (n for n in names if BY + n not in factors):
        known = np.flatnonzero(usable & (encoded.codes[name] >= 0) & (period >= 0))
        size, cells = len(encoded.vocabularies[name]), encoded.codes[name][known] * periods + period[known]
        told = encoded.population.releasable(cells, size * periods, known)
        rows, cells = known[told[cells]], cells[told[cells]]
        if not len(rows):
            continue
        for between in (_PLACES_AND_PERIODS, _PERIODS, _PLACES):
            tried = Rises(name, np.zeros(0), between)
            rest = logs_left(tried.others(factors), encoded, logs, rows)
            key_names = [n for n in open_ if n != name] + [name] * (between == _PERIODS)
            key = alike(encoded, [*key_names, *others, *([PERIOD] if between == _PLACES else [])], rows)
            found = _rises(key, cells, (size, periods), rest, tolerance[rows], between)
            if found is None:
                continue
            fewer_off = False
            found = _as_far_as_told(found, told, cells % periods, periods)
            now, then = (
                equal_pairs(key, left, tolerance[rows])
                for left in (logs_left(factors, encoded, logs, rows), rest - found[cells])
            )
            if then <= most * now and between == _PLACES_AND_PERIODS and {name, MONTH} <= factors.keys():
                # Rounded to the unit, what a house is paid in a period is no product of what it is and what the period is.
                apart, nearly = (encoded.codes[name][rows], encoded.codes[MONTH][rows]), then
                now, _ = _to_the_unit(key, logs_left(factors, encoded, logs, rows), tolerance[rows], apart)
                then, (more,) = _to_the_unit(key, rest - found[cells], tolerance[rows], (cells,))
                found = found + np.pad(more, (0, len(found) - len(more)))
                fewer_off = nearly - now > max(_OFF * nearly, _FEWER_OFF * (nearly - then))
                then /= 1 if fewer_off else _CLEARLY_TO_THE_UNIT
            if then > most * now or (fewer_off and best is None):
                best, most = tried._replace(logs=found), max(most, then / max(now, 1e-9))
                break
    return best


def _to_the_unit(
    key: Ints, rest: Numbers, tolerance: Numbers, cells: Sequence[Ints | Codes]
) -> tuple[float, list[Numbers]]:
    """How often two claims with one key have equal logarithms, to no more than their tolerance, once what they are multiplied by in each
    of `cells` is as exact as all their claims together tell it; and how much more that is, as a logarithm, than it was.
    """  # noqa: D205
    mode = dense_modes(key, rest, tolerance, int(key.max()) + 1)[key]
    near = np.flatnonzero((np.abs(rest - mode) < _SLIGHTLY) & np.all([of >= 0 for of in cells], axis=0))
    weight, left = np.maximum(tolerance[near], 1e-9) ** -2.0, rest[near].copy()
    each = [(of[near], np.zeros(int(of.max()) + 1)) for of in (key, *cells)]
    for _ in range(_ROUNDS):
        for of, moved in each:
            step = np.bincount(of, weight * left, len(moved)) / np.maximum(np.bincount(of, weight, len(moved)), 1e-9)
            np.add(moved, step, out=moved)
            left -= step[of]
    found = [moved for _, moved in each[1:]]
    for of, more in zip(cells, found, strict=True):
        rest = rest - np.append(more, 0.0)[of]
    return equal_pairs(key, rest, tolerance, slack=0.0), found


def _as_far_as_told(logs: Numbers, told: Mask, period: Ints, periods: int) -> Numbers:
    """`logs` of each place and period: as in the usual one where these claims may not be told, 0 where none of the place's may."""
    by_place, is_told = logs.reshape(-1, periods), told.reshape(-1, periods)
    filled = np.where(is_told, by_place, by_place[:, [_usual(period)]])
    return np.where(is_told.any(1, keepdims=True), filled, 0.0).ravel()


def _usual(codes: Ints) -> int:
    return int(np.bincount(codes).argmax())


def _rises(
    key: Ints, cells: Ints, sizes: tuple[int, int], rest: Numbers, tolerance: Numbers, between: str
) -> Numbers | None:
    """What each place multiplies prices by in each period (`cells`: place × periods + period), of all places together or of each by
    itself, or in each period by itself.
    """  # noqa: D205
    size, periods = sizes
    if between == _PLACES:
        each = [
            factor_by_ratios(key[own], (cells[own] // periods).astype(np.int32), size, rest[own], tolerance[own])
            for own in (np.flatnonzero(cells % periods == period) for period in range(periods))
        ]
        if all(found is None for found in each):
            return None
        logs = np.column_stack([np.zeros(size) if found is None else np.nan_to_num(found) for found in each])
        # Each period's is told beside the place with most claims of that period; all are to be beside one and the same.
        one: Numbers = logs - logs[_usual(cells // periods)]
        return one.ravel()
    if between == _PLACES_AND_PERIODS:
        found = factor_by_ratios(key, cells.astype(np.int32), size * periods, rest, tolerance)
        return None if found is None else np.nan_to_num(found)
    place, period = cells // periods, (cells % periods).astype(np.int32)
    usual, rises = _usual(cells % periods), np.zeros((size, periods))
    for value in np.flatnonzero(np.bincount(place, minlength=size) > _FEWEST_RISEN).tolist():
        own = np.flatnonzero(place == value)
        found = factor_by_ratios(key[own], period[own], periods, rest[own], tolerance[own])
        rises[value] = 0.0 if found is None else np.nan_to_num(found) - np.nan_to_num(found[usual])
    return rises.ravel() if rises.any() else None
