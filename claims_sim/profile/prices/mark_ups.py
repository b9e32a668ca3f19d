"""Find what multiplies prices after these are rounded: a house's own charges beside the tariff, a better ward, a part that is due.

What is multiplied before it is rounded is a factor or a hidden level of the list; of what is multiplied behind it, only whole
hundredths are told, where they come out to the step of all amounts.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from claims_sim.profile.counts.counting import Ints, Mask, Population, first_of_each
from claims_sim.profile.counts.numbers import Numbers, marked_up
from claims_sim.profile.document_parts import LEAST_MARK_UP, MOST_MARK_UP, MOST_MARK_UPS
from claims_sim.profile.encoding.encode import Encoded
from claims_sim.profile.prices.daily import STAY
from claims_sim.profile.prices.lattice import Lattice, match_levels
from claims_sim.profile.prices.top_ups import explain_greedily

_HUNDREDTHS: Final = 100
_SIZE: Final = int(MOST_MARK_UP * _HUNDREDTHS) + 1
_TELLING: Final = 20
"""So many steps at least is a hundredth of a price, or about any amount is so many hundredths of it."""
_NO_CHANCE: Final = 4.0
"""How many times as many claims as would by chance come out at a multiple."""
_BESIDE: Final = 5
"""So many multiples to either side show how many come out by chance."""
_MIN_SHARE: Final = 0.005
"""The share of the claims with a case that must bear a multiple."""
_MAX_POINTS: Final = 3
_MAX_LEVELS: Final = 6
"""Multiples are sought of the commonest prices of a case and at the commonest hidden levels only."""
_HARDLY_ON: Final = 0.5
"""The share of the claims of a place that lie on the list under which what multiplies their prices may be a multiple of this kind."""
_SAME: Final = 1e-3
_USUAL: Final = 0.001
"""The share of the claims on the lists, without a mark-up, of which so much is left unpaid, for that to be usual."""
_MANY_PAID: Final = 0.05
"""The share of the claims with a mark-up that must be paid as others are, for a payment to follow from the price before it."""


class _Multiples(NamedTuple):
    """Claims that are so many hundredths of a price: their places among the rows looked at, once each for as many hundredths."""

    owner: Ints
    hundredths: Ints
    point: Ints
    level: Ints
    by_chance: Numbers
    """For each number of hundredths how many claims would come out by chance."""


def find_mark_ups(found: Lattice, primary: Numbers, population: Population, finest: float) -> None:
    """Put claims whose amounts are multiples of the rounded prices of their cases on the list; `finest` is the grid of all amounts.

    Where what some place multiplies prices by explains few of its claims, and multiples of the prices without it as many, it has none.
    """
    found.mark_up, found.mark_ups = np.zeros(len(primary), np.int32), np.zeros(0)
    found.marked_levels = np.zeros(0, np.int32)
    rows = np.flatnonzero((found.case >= 0) & (primary > 0))
    rows = rows[np.diff(found.base_start)[found.case[rows]] > 0]
    if _are_exact(found, rows, primary, finest).all():
        return
    _put_back_factors(found, primary, population, finest, rows)
    # An amount a step beside a price may be one of another price.
    off = rows[~_are_exact(found, rows, primary, finest)]
    votes = _multiples(found, off, primary, finest)
    at = _borne(votes, off, population, _MIN_SHARE * len(rows))
    # Of each hidden level a multiple is one of its own.
    pairs, number = np.unique(votes.level[at] * _SIZE + votes.hundredths[at], return_inverse=True)
    told = population.releasable(number, len(pairs), off[votes.owner[at]])
    told &= np.cumsum(told) <= MOST_MARK_UPS
    at, number = at[told[number]], (np.cumsum(told) - 1)[number[told[number]]]
    found.marked_levels, found.mark_ups = (pairs[told] // _SIZE).astype(np.int32), pairs[told] % _SIZE / _HUNDREDTHS
    marked = off[votes.owner[at]]
    found.mark_up[marked], found.point[marked], found.level[marked] = number + 1, votes.point[at], votes.level[at]


def _are_exact(found: Lattice, rows: Ints, primary: Numbers, finest: float) -> Mask:
    """Which of `rows` are just a price of the list."""
    exact = found.point[rows] >= 0
    exact[exact] = np.abs(found.prices(rows[exact]) - primary[rows[exact]]) < finest / 2
    return np.asarray(exact)


def _multiples(found: Lattice, rows: Ints, primary: Numbers, finest: float) -> _Multiples:
    """Whole hundredths of which prices of their cases, commonest first, `rows` are, not the prices themselves."""
    place, amount, start = found.place_log(rows), primary[rows], found.base_start[found.case[rows]]
    end = found.base_start[found.case[rows] + 1]
    borne = np.bincount(found.level[found.point >= 0], minlength=len(found.levels))
    levels = np.argsort(-borne, kind="stable")[:_MAX_LEVELS].tolist()
    found_of, by_chance = [], np.zeros(_SIZE)
    for nth in range(_MAX_POINTS):
        for level in levels:
            base = found.bases[np.minimum(start + nth, len(found.bases) - 1)]
            price = np.where(start + nth < end, found.priced(base + place, level), 0.0)
            times = np.rint(amount / np.maximum(price, finest) * _HUNDREDTHS)
            possible = (
                (price >= _TELLING * _HUNDREDTHS * finest) & (times >= LEAST_MARK_UP * _HUNDREDTHS) & (times < _SIZE)
            )
            at = np.flatnonzero(possible & (times != _HUNDREDTHS))
            number = times[at].astype(np.int64)
            by_chance += np.bincount(number, np.minimum(finest * _HUNDREDTHS / price[at], 1.0), _SIZE)
            hit = np.abs(marked_up(price[at], times[at] / _HUNDREDTHS, finest) - amount[at]) < finest / 2
            found_of.append((at[hit], number[hit], np.full(int(hit.sum()), nth), np.full(int(hit.sum()), level)))
    owner, number, point, level = (np.concatenate(parts).astype(np.int64) for parts in zip(*found_of, strict=True))
    # Who comes to as many hundredths of several prices does of the commonest.
    once = first_of_each(owner * _SIZE + number)
    return _Multiples(owner[once], number[once], point[once], level[once], by_chance)


def _borne(votes: _Multiples, rows: Ints, population: Population, enough: float) -> Ints:
    """The votes for multiples that so many persons bear as no chance makes them, and as may be told; one of each claim."""
    bearers = rows[votes.owner]
    borne = np.bincount(votes.hundredths[population.one_of_each(bearers, votes.hundredths)], minlength=_SIZE)
    counts = np.bincount(votes.hundredths, minlength=_SIZE)
    allowed = population.releasable(votes.hundredths, _SIZE, bearers)
    # Of amounts that are rounded as prices are more come out than if they were not, at any multiple.
    beside = np.median([np.roll(counts, away) for away in range(-_BESIDE, _BESIDE + 1) if away], axis=0)
    allowed &= (borne >= 2 * population.k) & (counts > _NO_CHANCE * np.maximum(votes.by_chance, beside))
    number = explain_greedily(
        votes.owner, votes.hundredths, np.where(allowed, counts, 0), max(int(enough), 2 * population.k)
    )
    chosen = np.flatnonzero(number > 0)
    return np.asarray(chosen[first_of_each(votes.owner[chosen])])


def _put_back_factors(found: Lattice, primary: Numbers, population: Population, finest: float, rows: Ints) -> None:
    """Take away what a place's prices are multiplied by where few of its claims lie on the list by it, and no fewer persons' are
    multiples, or the price itself, without it.
    """  # noqa: D205
    for name in (name for name in found.factors if name != STAY):
        logs = found.factors[name] = found.factors[name].copy()
        of_row = found.codes[name][rows]
        for value in np.flatnonzero(np.abs(logs) > _SAME).tolist():
            mine = rows[of_row == value]
            exact = _are_exact(found, mine, primary, finest)
            if len(mine) < 2 * population.k or exact.mean() >= _HARDLY_ON:
                continue
            before, point, level = logs[value], found.point[mine].copy(), found.level[mine].copy()
            with_it = _explained(found, mine, primary, population, finest)
            logs[value] = 0.0
            _place(found, mine, primary, finest)
            without = _explained(found, mine, primary, population, finest)
            # As many by both, of a hidden level that undoes the factor: then there is neither.
            listed, by_factor, by_none = (
                len(population.one_of_each(those)) for those in (mine[exact], with_it, without)
            )
            if by_none < by_factor or by_none <= listed or not population.may_be_told(without):
                logs[value], found.point[mine], found.level[mine] = before, point, level


def _place(found: Lattice, rows: Ints, primary: Numbers, finest: float) -> None:
    """Place `rows` on the list as its factors are, where their amounts are just its prices."""
    found.point[rows], found.level[rows] = -1, 0
    place, amount, start = found.place_log(rows), primary[rows], found.base_start[found.case[rows]]
    end = found.base_start[found.case[rows] + 1]
    for point in range(int(np.diff(found.base_start).max(initial=0))):
        todo = np.flatnonzero((start + point < end) & (found.point[rows] < 0))
        base, rest = found.bases[start[todo] + point], np.log(amount[todo]) - place[todo]
        hit, level = match_levels(base, rest, place[todo], amount[todo], found)
        at = rows[todo[hit]]
        found.point[at], found.level[at] = point, level[hit]
        found.point[at[~_are_exact(found, at, primary, finest)]] = -1


def _explained(found: Lattice, rows: Ints, primary: Numbers, population: Population, finest: float) -> Ints:
    """Which of `rows` are just their price, or multiples that may be told."""
    exact = _are_exact(found, rows, primary, finest)
    off = rows[~exact]
    votes = _multiples(found, off, primary, finest)
    marked = off[votes.owner[_borne(votes, off, population, _MIN_SHARE * len(rows))]]
    return np.concatenate([rows[exact], marked])


def before_mark_ups(found: Sequence[Lattice], encoded: Encoded, charge: Numbers) -> Numbers | None:
    """What claims would claim without what makes their prices more, and with what their days `charge`, where payments follow from that:
    where these leave what they leave of claims on the lists that bear no mark-up, of more persons than of what is claimed. None where
    they do not.
    """  # noqa: D205
    claimed, paid, population = encoded.claimed, encoded.paid, encoded.population
    if claimed is None or paid is None:
        return None
    before, rows, plain = claimed.copy(), np.zeros(len(claimed), np.bool_), np.zeros(len(claimed), np.bool_)
    for one in (one for one in found if len(one.mark_ups)):
        marked = np.flatnonzero(np.append(1.0, one.mark_ups)[one.mark_up] > 1.0)
        before[marked], rows[marked] = one.prices(marked) + charge[marked], True
        plain |= (one.point >= 0) & (one.mark_up == 0)
    known = np.isfinite(claimed) & np.isfinite(paid) & (paid > 0)
    rows, plain = rows & known, plain & known
    if not rows.any():
        return None
    left, counts = np.unique(np.round((claimed - paid)[plain], 2), return_counts=True)
    usual = left[counts > _USUAL * plain.sum()]
    by_price, by_charge = (np.isin(np.round(amounts - paid, 2), usual) for amounts in (before, claimed))
    at = np.flatnonzero(rows)
    # Nobody's many claims say how others are paid.
    neither, of_price, of_charge, both = population.weights(2 * by_charge[at] + by_price[at].astype(np.int64), 4, at)
    enough = of_price > max(of_charge, _MANY_PAID * (neither + of_price + of_charge + both))
    shows = np.flatnonzero(rows & by_price & ~by_charge)
    return before if enough and population.may_be_told(shows) else None
