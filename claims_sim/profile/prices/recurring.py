"""Amounts off their case's prices that other claims bear too: prices of rarer cases, of which too little may be told.

Drawn about their case's price or their context's mean alone they would be amounts that nobody else bears. Where more of them recur
than would by how they are rounded, so many are the nearest price of another case at their place, or where that has none, of any.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Final

import numpy as np

from claims_sim.profile.counts.counting import Codes, Ints, Mask, Population, distinct_values
from claims_sim.profile.counts.numbers import Numbers, on_grid
from claims_sim.profile.document_parts import PERIOD, Tariff
from claims_sim.profile.prices.following import SERVICE
from claims_sim.profile.prices.pricing import PriceList
from claims_sim.profile.prices.rounding import coarsest_grid

_OF_PLACE: Final = frozenset(
    {SERVICE, "province_name", "district_name", "facility_class", "facility_type", "facility_ownership", PERIOD}
)
"""What a case may be told by that the nearest price must have in common."""
_OF_ANY_PLACE: Final = frozenset({SERVICE, PERIOD})
"""The same for claims of a place that has no price: a class of which there are too few hospitals for their prices to be told."""
_HARDLY: Final = 0.05
"""The share of amounts that must recur beyond those that do by chance."""
_LOOKED_AT: Final = 100_000
_STEPS_BESIDE: Final = (-3, -2, -1, 1, 2, 3)
_NEAR: Final = 0.4
"""How far, as a logarithm, a price may be from an amount that becomes it."""
_BESIDE: Final = 8
"""So many prices on either side are looked at: those of the claim's own case are left out."""
_WIDE: Final = 1000.0
"""More than any two logarithms differ by."""


def shares_that_recur(
    amounts: Numbers, rows: Ints, population: Population, grids: Sequence[float], services: Codes
) -> tuple[float, ...]:
    """For each kind of service how many of the amounts of `rows` recur in another half of the claims, beyond those that would by
    how they are rounded (to `grids`, finest first); in fiftieths. Empty: none does. They recur among all `amounts`, NaN where none is
    known, in claims of other persons.
    """  # noqa: D205
    rows = rows[:: max(len(rows) // _LOOKED_AT, 1)]
    known = np.flatnonzero(np.isfinite(amounts))
    distinct, ids = distinct_values(np.rint(amounts[known] * 100).astype(np.int64))
    one = population.one_of_each(known, ids)
    bearers = np.bincount(ids[one], minlength=len(distinct)).astype(float)

    def recurs(cents: Ints, less: int) -> Numbers:
        at = np.minimum(np.searchsorted(distinct, cents), len(distinct) - 1)
        others = np.where(distinct[at] == cents, bearers[at] - less, 0.0)
        return np.asarray(1 - 0.5 ** np.maximum(others, 0))

    cents = np.rint(amounts[rows] * 100).astype(np.int64)
    # What one person bears again and again is one amount.
    once = population.one_of_each(rows, np.searchsorted(distinct, cents))
    rows, cents = rows[once], cents[once]
    step = np.rint(np.array(grids)[coarsest_grid(amounts[rows], grids)] * 100).astype(np.int64)
    does = recurs(cents, 1)
    by_chance = np.mean([recurs(cents + away * step, 0) for away in _STEPS_BESIDE], axis=0)
    found = []
    for kind in range(int(services.max(initial=0)) + 1):
        mine = np.flatnonzero(services[rows] == kind)
        share = 0.0
        others = mine[does[mine] == 0]
        parts = (mine, mine[does[mine] > 0], *([others] if len(others) else []))
        if all(population.may_be_told(rows[those]) for those in parts):
            chance = float(by_chance[mine].mean())
            more = float(does[mine].mean()) - chance
            share = more / (1 - chance) if more > _HARDLY else 0.0
        found.append(round(share * 50) / 50)
    return tuple(found) if any(found) else ()


class NearestPrices:
    """The prices of some tariffs, to find the nearest that claims of a place may bear."""

    def __init__(self, tariffs: Sequence[Tariff], finest: float) -> None:
        self._lists, self._of_any_place = (
            [_Bases(tariff, finest, names) for tariff in tariffs] for names in (_OF_PLACE, _OF_ANY_PLACE)
        )

    def to(self, amounts: Numbers, given: Mapping[str, Codes]) -> Numbers:
        """The nearest to each of `amounts`, of claims of which that is `given`; itself where none is near."""
        best = _nearest_of(self._lists, amounts, given)
        has_any = np.zeros(len(amounts), np.bool_)
        for one in self._lists:
            has_any |= one.has_prices(given, len(amounts))
        at = np.flatnonzero(~has_any)
        best[at] = _nearest_of(self._of_any_place, amounts[at], {name: codes[at] for name, codes in given.items()})
        return best


def _nearest_of(lists: Sequence["_Bases"], amounts: Numbers, given: Mapping[str, Codes]) -> Numbers:
    """The nearest price to each amount, itself where none is near."""
    logs = np.log(np.maximum(amounts, 0.005))
    best, away = amounts.copy(), np.full(len(amounts), _NEAR)
    for one in lists:
        price = one.nearest(logs, dict(given))
        off = np.abs(np.log(np.maximum(np.nan_to_num(price), 0.005)) - logs)
        nearer = np.isfinite(price) & (off < away)
        best[nearer], away[nearer] = price[nearer], off[nearer]
    return best


class _Bases:
    """One tariff's bases, in order, by what of the place is part of a case. At which hidden levels there are others is not told."""

    def __init__(self, tariff: Tariff, finest: float, of_place: Collection[str]) -> None:
        self._prices = PriceList.of_tariff(tariff)
        self._grid, self._ties = tariff.grid or finest, tariff.ties
        paths = np.array(tariff.contexts, np.int64).reshape(len(tariff.points), len(tariff.parents))
        self._by = [(n, size) for n, size in zip(tariff.parents, tariff.sizes, strict=True) if n in of_place]
        of_case = dict(zip(tariff.parents, paths.T, strict=True))
        case = np.repeat(np.arange(len(paths)), tariff.points)
        self._places, rank = np.unique(self._number(of_case, len(paths))[case], return_inverse=True)
        place = rank * _WIDE + np.array(tariff.bases)
        order = np.argsort(place, kind="stable")
        self._bases, self._case = place[order], case[order]

    def _number(self, codes: Mapping[str, Ints | Codes], rows: int) -> Ints:
        number = np.zeros(rows, np.int64)
        for name, size in self._by:
            number = number * (size + 1) + codes[name] + 1
        return number

    def has_prices(self, given: Mapping[str, Codes], rows: int) -> Mask:
        """Of which claims' place has the tariff any price?"""
        _, there = self._place(self._prices.with_what_follows(dict(given)), rows)
        return there

    def _place(self, given: Mapping[str, Codes], rows: int) -> tuple[Ints, Mask]:
        """The rank of each claim's place among those with prices, and whether it is one of these."""
        if not len(self._bases) or any(name not in given for name, _ in self._by):
            return np.zeros(rows, np.int64), np.zeros(rows, np.bool_)
        number = self._number(given, rows)
        rank = np.minimum(np.searchsorted(self._places, number), len(self._places) - 1)
        return rank, self._places[rank] == number

    def nearest(self, logs: Numbers, given: dict[str, Codes]) -> Numbers:
        """The nearest price of another case of the same place to each; NaN where the tariff has none."""
        given = self._prices.with_what_follows(given)
        out = np.full(len(logs), np.nan)
        rank, is_there = self._place(given, len(logs))
        if not is_there.any():
            return out
        own = self._prices.case(given, len(logs))
        factor = self._prices.factor(given, len(logs))
        wanted = rank * _WIDE + logs - factor
        beside = np.searchsorted(self._bases, wanted)[:, None] + np.arange(-_BESIDE, _BESIDE)
        inside = np.clip(beside, 0, len(self._bases) - 1)
        away = np.abs(self._bases[inside] - wanted[:, None])
        away[(beside != inside) | (self._case[inside] == own[:, None])] = _WIDE
        nearest = inside[np.arange(len(logs)), away.argmin(1)]
        price = self._bases[nearest] - rank * _WIDE + factor
        there = is_there & (away.min(1) < _WIDE / 2)
        out[there] = on_grid(price[there], self._grid, self._ties)
        return out
