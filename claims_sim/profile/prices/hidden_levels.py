"""Multiples of prices that no column tells (a ward class, a zone): log ratios to the commonest price of a case that recur over cases.

Sees cases, factors and logarithms; of enough persons each.
"""

from collections.abc import Callable
from typing import Final

import numpy as np

from claims_sim.profile.counts.counting import Ints, Population, dense_ids
from claims_sim.profile.counts.numbers import Numbers
from claims_sim.profile.prices.claim_pairs import LEAST_CHANGE
from claims_sim.profile.prices.daily import STAY
from claims_sim.profile.prices.lattice import Amounts, Lattice, dense_modes
from claims_sim.profile.prices.quantities import with_multiples
from claims_sim.profile.prices.ratios import densest

_MAX_LEVELS: Final = 24
_USUAL_LEVELS: Final = 6
_SMALL_CASE: Final = 24
"""So many times k claims a case, and it shows its prices by itself; hidden levels are what smaller ones have in common."""
_SAME_PRICE: Final = 3e-4
_FEW_PRICES: Final = 20
"""With fewer prices of all cases, what they are multiplied by recurs over the values of its factors. Where none makes prices differ,
amounts may be but rounded."""
NEAREST_LEVEL: Final = 0.02
"""Hidden levels closer to the commonest price than 2 % are taken for errors of the factors."""


def find_levels(found: Lattice, population: Population, amounts: Amounts, own: Ints) -> Numbers:
    """The hidden levels of a tariff that the rows `own` show, 0 among them."""
    rest = amounts.logs[own] - found.place_log(own)
    mode = dense_modes(found.case[own], rest, amounts.tolerance[own], len(found.case_keys))[found.case[own]]
    away = rest - mode
    # Diagnoses of one price are one case here: what becomes of a price shows in all of them.
    priced, distinct = dense_ids(np.floor((mode - mode.min()) / _SAME_PRICE).astype(np.int64))
    names = [name for name in found.factors if name != STAY]
    if len(distinct) < _FEW_PRICES and any(np.ptp(found.factors[name]) > LEAST_CHANGE for name in names):
        # Where all cases have a few prices, what becomes of one shows at all the places.
        for name in names:
            priced, distinct = dense_ids(priced * (len(found.factors[name]) + 1) + found.codes[name][own] + 1)
    a_case = int((found.case >= 0).sum()) / max(len(found.case_keys), 1)
    most = _MAX_LEVELS if a_case < _SMALL_CASE * population.k else _USUAL_LEVELS
    levels = _recurring(
        priced, away, amounts.tolerance[own], len(distinct), most, lambda at: population.may_be_told(own[at])
    )
    return with_multiples(levels, away, 2 * amounts.tolerance[own] + 5e-5, own, population)


def _recurring(
    case: Ints, away: Numbers, tolerance: Numbers, cases: int, most: int, may_be_told: Callable[[Ints], bool]
) -> Numbers:
    """At most so many log ratios to the commonest price that recur over many cases and may be told, 0 always among them."""
    levels = [0.0]
    width = 2 * tolerance + 5e-5
    free = (np.abs(away) > np.maximum(3 * width, NEAREST_LEVEL)) & (np.abs(away) < 1.2)
    for _ in range(most - 1):
        here = np.flatnonzero(free)
        if len(here) < 50:
            break
        bins = np.floor(away[here] / 1e-4).astype(np.int64) + 20_000
        pairs = np.unique(bins * cases + case[here])
        support = np.bincount(pairs // cases, minlength=40_001).astype(float)
        double = support[:-1] + support[1:]
        best = int(double.argmax())
        background = float(np.mean(double[max(0, best - 300) : best + 300]))
        eligible = int(np.sum(np.bincount(case[here], minlength=cases) >= 1))
        if double[best] < max(5.0, 0.08 * eligible) or double[best] < 4 * background:
            break
        near = here[(bins >= best - 1) & (bins <= best + 2)]
        value = np.sort(away[near])
        centre, _ = densest(value, np.full(len(value), 1e-4))
        fine = near[np.abs(away[near] - centre) < 2e-4]
        centre = float(np.average(away[fine], weights=1 / width[fine] ** 2))
        if may_be_told(fine):
            levels.append(centre)
        free &= np.abs(away - centre) > 3 * width
    return _consistent_levels(np.array(levels))


def _consistent_levels(levels: Numbers) -> Numbers:
    """Keep levels that are no mere sums or reversals of others: a level and its negative come from one pair of prices."""
    kept = [0.0]
    for value in levels[1:]:
        mirrored = any(abs(value + other) < 3e-4 for other in kept)
        derived = any(abs(value - (a - b)) < 3e-4 for a in kept for b in kept if b not in (0.0, a))
        if not mirrored and not derived:
            kept.append(float(value))
    return np.sort(np.array(kept))
