"""Which price lists there are: one of all claims or one of each kind of service, on the grid of all amounts or on a coarser one.

Those are taken that make the amounts likelier, less what it takes to know their prices. `find_lattice.py` finds each of them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from claims_sim.profile.counts.counting import Ints, Mask, Population
from claims_sim.profile.counts.numbers import Numbers
from claims_sim.profile.document_parts import BY
from claims_sim.profile.encoding.encode import Encoded
from claims_sim.profile.prices.claim_pairs import LEAST_CHANGE, equal_pairs
from claims_sim.profile.prices.daily import STAY
from claims_sim.profile.prices.decided import DECIDED_BY
from claims_sim.profile.prices.factors import FACTOR_CANDIDATES, MAX_CASE_SIZE, PLAINLY, multiplies_too
from claims_sim.profile.prices.find_lattice import (
    HOPELESS,
    Begun,
    amounts_on,
    begin,
    begin_like,
    every_nth,
    finish,
    number_besides,
    services_of,
    settled,
)
from claims_sim.profile.prices.following import SERVICE
from claims_sim.profile.prices.lattice import Amounts, Lattice
from claims_sim.profile.prices.price_cases import NOTHING_LISTED, likelihood
from claims_sim.profile.prices.price_kinds import Kinds, changed_apart, priced_by_day
from claims_sim.profile.prices.rounding import amount_grid, grids_kept, lies_on, settle_rounding
from claims_sim.profile.prices.top_ups import find_top_ups

_MOST: Final = 0.9
"""The share of the amounts that lie on the grid of a tariff, where a few of another kind do not."""
_SOME: Final = 0.3
"""The share that must, where the others are prices with something added."""
_NEARLY_ALL: Final = 0.95
"""With so many amounts of a service on its list on the grid of all amounts, no coarser one is sought."""
_BESIDES: Final = 0.1
"""So many more than by chance lie on a grid that is one of a tariff's."""
_HARDLY_FEWER: Final = 0.75
"""The share of those on one grid that must lie on the next coarser one, for that to be the grid of a tariff."""
_WORTH_IT: Final = 0.1
"""The share of all claims for which a list is sought in other ways."""
_CLEARLY_OFTENER: Final = 1.1
"""How many times as often prices of claims of one place must be equal, for what it multiplies by to be another in each case."""
_ALL_BUT_KNOWN: Final = -0.3
"""A list that makes a price so likely, as a logarithm, leaves hardly anything open."""
_POORLY: Final = 0.8
"""So few of a service's rows on the list of all that it may well have one of its own."""
_LIKELIER: Final = 0.01
"""How much likelier, as a logarithm a claim, a list of its own must make the prices of a kind of service."""
_MANY_LEVELS: Final = 3
_MUCH_SHORTER: Final = 0.7
"""So many of its prices at most lists of services have that are far shorter than one of all."""


def find_tariffs(encoded: Encoded, primary: Numbers, grid: float) -> list[Lattice]:
    """The tariffs on the amounts' own `grid`, or on the coarser one of most amounts, whichever make them likelier to the step.

    On a grid that is finer than its own a list needs more prices. A few amounts of another kind (a supplement, a correction) lie
    between the steps of a tariff and are no part of it.
    """
    found = find_price_lists(encoded, primary, grid)
    coarse = amount_grid(primary, share=_MOST)
    if coarse == grid:
        return found
    if amount_grid(primary) == coarse:
        # Only what is paid lies between the steps. The finer ones tell prices from what lies near them by chance.
        for lattice in found:
            lattice.grid = max(lattice.grid, coarse)
    other = find_price_lists(encoded, primary, coarse)
    return max(found, other, key=lambda lists: _likely_to_the_step(lists, primary, grid, encoded.population))


def _likely_to_the_step(lists: Sequence[Lattice], primary: Numbers, grid: float, population: Population) -> float:
    """How likely lists, no two of which price one claim, make the amounts to the step of `grid`."""
    likely, listed = 0.0, 0
    for found in (settled(one, primary, population) for one in lists):
        on, rows = np.flatnonzero(found.point >= 0), np.flatnonzero(found.case >= 0)
        likely += likelihood(found, on[np.abs(found.prices(on) - primary[on]) < grid / 2], rows, population.k)
        listed += len(rows)
    return likely + NOTHING_LISTED * (np.count_nonzero(primary > 0) - listed)


def find_price_lists(encoded: Encoded, primary: Numbers, grid: float) -> list[Lattice]:
    """The tariffs behind the amounts `primary`: one of all claims, or one of each kind of service where these make them likelier.

    Stays may be priced by their diagnoses, visits by what was done, each with factors of its own. No two of them price one claim.
    """
    amounts, usable = amounts_on(primary, grid)
    few = every_nth(usable)
    services = services_of(encoded, few)
    is_one = len(services) <= 1
    whole = (_likeliest_grid if is_one else begin)(encoded, amounts, usable, few, grid)
    lists = [] if whole is None else [whole]
    if whole is not None and (_leaves_one_out(whole, services, few) or _is_intricate(whole)):
        parts = [_likeliest_grid(encoded, amounts, usable & own, few & own, grid, whole.found) for own in services]
        lists = _likeliest(
            whole, parts, services, few, lambda one, of: _likely_with_top_ups(one, of, encoded.population, np.inf)
        )
        lists = _with_factors_of_others(lists, encoded, few)
    lists = [_in_another_way(begun, encoded, few) for begun in lists]
    lists = [part for begun in lists for part in _by_day_and_by_case(begun, encoded, few)]
    lists = [part for begun in lists for part in _changed_apart(begun, encoded, few)]
    return [found for begun in lists if (found := finish(begun, encoded)) is not None]


def _by_day_and_by_case(begun: Begun, encoded: Encoded, few: Mask) -> list[Begun]:
    """A list, or one of what is priced by the day and one of all other claims, where these make them likelier."""

    def part_of(usable: Mask, some: Mask) -> Begun | None:
        if kinds.column != DECIDED_BY:  # which each list would find for itself
            free = _likeliest_grid(encoded, begun.amounts, usable, some, begun.found.grid, begun.found)
            # A list that does not name the code would price also claims of the other kind.
            if free is not None and kinds.column in free.found.case_names:
                return free
        return _likeliest_alike(begun, encoded, usable, some)

    kinds = priced_by_day(begun.found, encoded, begun.amounts, np.flatnonzero(few & begun.usable))
    return _likeliest_of_kinds(begun, kinds, part_of, encoded.population, few)


def _changed_apart(begun: Begun, encoded: Encoded, few: Mask) -> list[Begun]:
    """A list, or lists of those of its claims whose prices change in other months, where these make them likelier."""
    kinds = changed_apart(begun.found, encoded, begun.amounts, np.flatnonzero(few & begun.usable))
    return _likeliest_of_kinds(
        begun, kinds, lambda usable, some: _likeliest_alike(begun, encoded, usable, some), encoded.population, few
    )


def _likeliest_alike(begun: Begun, encoded: Encoded, usable: Mask, some: Mask) -> Begun | None:
    """The likeliest of the lists of `usable` claims that are made as the one of all."""
    tried = begin_like(begun.found, encoded, begun.amounts, usable, some, begun.found.grid)
    return max(tried, key=lambda one: _likely(one, some), default=None)


def _likeliest_of_kinds(
    begun: Begun, kinds: Kinds, part_of: Callable[[Mask, Mask], Begun | None], population: Population, few: Mask
) -> list[Begun]:
    """A list, or those that are parts of it: of the claims of each kind, with a few of these."""
    besides = np.zeros(len(few), np.bool_)
    besides[begun.besides] = True
    of_kinds = [kind for kind in kinds.claims if np.any(begun.usable & kind)]
    if len(of_kinds) <= 1:
        return [begun]
    parts = []
    for kind in of_kinds:
        part = part_of(begun.usable & kind, few & begun.usable & kind)
        # What is added to prices lies beside the list's grid.
        added = np.flatnonzero(besides & kind)
        parts.append(None if part is None else part._replace(besides=np.union1d(part.besides, added)))
    return _likeliest(
        begun,
        parts,
        of_kinds,
        few & (begun.usable | besides),
        lambda one, of: _likely_with_top_ups(one, of, population, np.inf),
        kinds.column,
    )


def _likeliest(
    whole: Begun,
    parts: Sequence[Begun | None],
    services: Sequence[Mask],
    few: Mask,
    likely: Callable[[Begun | None, Mask], float],
    told_by: str = SERVICE,
) -> list[Begun]:
    """The list of all; or where its own list, or none, makes the prices of a kind of service clearly likelier, lists of their own, and
    that of all for those alone whose prices it makes clearly likelier. Lists of far fewer prices need not be likelier. `likely` says how
    likely a list makes the prices of some rows.
    """  # noqa: D205
    gains = [likely(part, few & own) - likely(whole, few & own) for part, own in zip(parts, services, strict=True)]
    clearly = [_LIKELIER * np.count_nonzero(few & own) for own in services]
    is_apart = [bool(gain > least) for gain, least in zip(gains, clearly, strict=True)]
    prices = sum(part.prices for part in parts if part is not None)
    is_shorter = prices < _MUCH_SHORTER * whole.prices and bool(sum(gains) > -sum(clearly))
    if any(is_apart) or is_shorter:
        is_apart = [bool(gain > -least) for gain, least in zip(gains, clearly, strict=True)]
    if told_by not in whole.found.case_names:
        # A list that does not name its kind of service would price also claims that have a list of their own.
        is_apart = [bool(sum(gains) > sum(clearly))] * len(services)
    lists = [part for part, is_own in zip(parts, is_apart, strict=True) if is_own and part is not None]
    if is_apart and all(is_apart):
        return lists
    apart = np.zeros(len(few), np.bool_)
    for own, is_own in zip(services, is_apart, strict=True):
        apart |= own & is_own
    return [whole.only(~apart) if apart.any() else whole, *lists]


def _likely(begun: Begun | None, rows: Mask) -> float:
    """How likely it makes the prices of `rows`, which it was begun with, less what knowing its prices takes."""
    if begun is None:
        return NOTHING_LISTED * np.count_nonzero(rows)
    on = np.flatnonzero(rows & (begun.found.point >= 0))
    return likelihood(begun.found, on, np.flatnonzero(rows), begun.k)


def _leaves_one_out(whole: Begun, services: Sequence[Mask], few: Mask) -> bool:
    """Does the list of all explain some kind of service poorly, though it explains something?"""
    shares = [float(np.mean(whole.found.point[few & own] >= 0)) for own in services]
    return min(shares, default=1.0) < _POORLY and max(shares, default=0.0) > HOPELESS


def _is_intricate(whole: Begun) -> bool:
    """Is something of the place part of the cases, or are there many hidden levels, where services may have factors of their own?"""
    of_place = set(whole.found.case_names) & (set(FACTOR_CANDIDATES) - {"severity_group"})
    return bool(of_place) or len(whole.found.levels) > _MANY_LEVELS


def _likeliest_grid(
    encoded: Encoded, amounts: Amounts, usable: Mask, few: Mask, grid: float, whole: Lattice | None = None
) -> Begun | None:
    """A tariff (of one kind of service beside the `whole` of all) on the `grid` of all amounts; or on a coarser one of many, where that
    makes the amounts likelier to the step, with what is added to prices.

    Stays are priced to the hundred, though drugs that visits are billed with make the step of all amounts one; so are these visits.
    """  # noqa: D205
    found = _begin_part(encoded, amounts, usable, few, grid, whole)
    if found is not None and np.mean(found.found.point[few] >= 0) > _NEARLY_ALL:
        return found
    rows = np.flatnonzero(few)
    rows = rows[encoded.population.one_of_each(rows)]
    if not len(rows):
        return found
    coarse, share = _grid_of_many(amounts.values[rows], grid)
    if coarse == grid or (whole is None and share > _MOST):
        return found
    rounded, enough = amounts_on(amounts.values, coarse)
    if share <= _MOST:
        enough &= lies_on(amounts.values, coarse)
    other = _begin_part(encoded, rounded, usable & enough, few & enough, coarse, whole)
    if other is not None and share <= _MOST:
        other = other._replace(besides=np.flatnonzero(usable & ~enough))
    # The factors that round amounts show may be those of all, which are no rounder.
    shown = {} if other is None or share > _MOST else other.found.factors
    factors = {name: factor for name, factor in shown.items() if name in encoded.codes and name != STAY}
    again = begin(encoded, amounts, usable, few, grid, factors) if factors else None
    # Wider steps are nearer to any amount by chance.
    likely = (
        _likely_with_top_ups(found, few, encoded.population, np.inf),
        _likely_with_top_ups(again, few, encoded.population, np.inf),
        _likely_with_top_ups(other, few, encoded.population, grid),
    )
    return (found, again, other)[int(np.argmax(likely))]


def _grid_of_many(amounts: Numbers, finest: float) -> tuple[float, float]:
    """The coarsest grid on which hardly fewer of `amounts` lie than on those between it and the `finest`, many of all; and their share."""
    best, before = (finest, 1.0), 1.0  # grid and share
    for number, grid in enumerate(grids_kept(amounts, finest, int(_BESIDES * len(amounts)))):
        share = float(np.mean(lies_on(amounts, grid)))
        if share < _SOME or (number > 1 and share < _HARDLY_FEWER * before):
            break
        best, before = (grid, share), share
    return best


def _likely_with_top_ups(begun: Begun | None, rows: Mask, population: Population, grid: float) -> float:
    """How likely it makes the amounts of `rows`, prices with what is added to them, of which only those count that it makes to the step of
    `grid`.
    """  # noqa: D205
    if begun is None:
        return NOTHING_LISTED * np.count_nonzero(rows)
    found = replace(begun.found, point=np.where(rows, begun.found.point, np.int32(-1)), level=begun.found.level.copy())
    settle_rounding(found, begun.amounts.values)
    number_besides(found, begun.besides[rows[begun.besides]])
    priced = found.point >= 0
    priced[priced] = np.abs(found.prices(np.flatnonzero(priced)) - begun.amounts.values[priced]) < grid / 2
    find_top_ups(found, np.where(rows, begun.amounts.values, 0.0), population)
    # Less than a step of the list's own grid is no supplement: then its prices lie on a finer one.
    has_more = np.append(0.0, found.top_ups)[found.top_up] >= found.grid
    added, on = found.top_up[has_more], np.flatnonzero(priced | has_more)
    each = np.bincount(added, minlength=1)[1:].astype(np.float64)
    each = each[each > 0]
    parts = np.array([np.count_nonzero(priced), len(added)], float)
    parts = parts[parts > 0]
    which = float((each * np.log(each / max(len(added), 1))).sum() + (parts * np.log(parts / parts.sum())).sum())
    told = len(each) * np.log(max(int(np.count_nonzero(rows)), 1)) / 2
    return float(likelihood(found, on, np.flatnonzero(rows), begun.k) + which - told)


def _begin_part(
    encoded: Encoded, amounts: Amounts, usable: Mask, few: Mask, grid: float, whole: Lattice | None
) -> Begun | None:
    """The tariff of one kind of service: with factors of its own, or also with those of all claims where it shows none itself."""
    own = begin(encoded, amounts, usable, few, grid)
    if own is None or whole is None:
        return own
    plain = _plain_factors(whole)
    shared = {name: factor for name, factor in plain.items() if name in own.found.case_names}
    other = begin(encoded, amounts, usable, few, grid, shared) if shared else None
    best = max((one for one in (own, other) if one is not None), key=lambda one: _likely(one, few))
    if not _may_lack_factors(best, few):
        return best
    return _with_factors_of(plain, best, encoded, few, shared if best is other else {})


def _with_factors_of_others(lists: Sequence[Begun], encoded: Encoded, few: Mask) -> list[Begun]:
    """Lists of kinds of service with what others show of their places: regions may multiply the prices of all alike, of which one kind
    shows it.
    """  # noqa: D205
    out = []
    for begun in lists:
        plain: dict[str, Numbers] = {}
        for other in sorted((one for one in lists if one is not begun), key=lambda one: int(one.usable.sum())):
            plain |= _plain_factors(other.found)
        out.append(_with_factors_of(plain, begun, encoded, few & begun.usable, {})._replace(besides=begun.besides))
    return out


def _with_factors_of(
    plain: Mapping[str, Numbers], best: Begun, encoded: Encoded, few: Mask, given: dict[str, Numbers]
) -> Begun:
    """A list, or one of the same claims with those of the `plain` factors that make its prices likelier, beside those `given` to it."""
    rows, usable, amounts, grid = np.flatnonzero(few), best.usable, best.amounts, best.found.grid
    while True:
        # Regions may multiply the prices of all alike, and wards those of stays alone: each factor by itself.
        known = {name.removeprefix(BY) for name in (*best.found.factors, *best.found.case_names)}
        others = {name: factor for name, factor in plain.items() if name not in known}
        left = amounts.logs[rows] - best.found.place_log(rows)
        helpful = multiplies_too(encoded, others, left, amounts.tolerance[rows], rows)
        tried = [given | {name: others[name]} for name in helpful]
        begun = [
            (one, factors)
            for factors in tried
            if (one := begin(encoded, amounts, usable, few, grid, factors)) is not None
        ]
        likeliest, factors = max(begun, key=lambda pair: _likely(pair[0], few), default=(best, given))
        if _likely(likeliest, few) <= _likely(best, few):
            break
        best, given = likeliest, factors
    return best


def _in_another_way(begun: Begun, encoded: Encoded, few: Mask) -> Begun:
    """A list, or one of the same claims whose factors are sought in another way, where that makes their prices likelier: what most
    claims show of a place may be that of one time, or of one kind of case.
    """  # noqa: D205
    best, way, some = begun, PLAINLY, few & begun.usable
    for place in (None, *FACTOR_CANDIDATES):
        rows = np.flatnonzero(some & (best.found.case >= 0))
        if len(rows) < _WORTH_IT * np.count_nonzero(few):
            break
        known = _ALL_BUT_KNOWN * np.count_nonzero(some)
        if np.mean(best.found.point[rows] >= 0) < HOPELESS or _likely(best, some) > known:
            break
        if place is None:
            tried = way._replace(at_one_time=True) if best.found.periods else way
        elif len(encoded.vocabularies.get(place, ())) <= MAX_CASE_SIZE and _differs_by_case(best, encoded, place, rows):
            tried = way._replace(in_case=(*way.in_case, place))
        else:
            continue
        if tried != way:
            other = begin(encoded, begun.amounts, begun.usable, some, begun.found.grid, way=tried)
            # A list that does not name its kind of service would price also claims that have a list of their own.
            keeps = other is not None and (SERVICE in other.found.case_names or SERVICE not in best.found.case_names)
            if other is not None and keeps and _likely(other, some) > _likely(best, some):
                best, way = other._replace(besides=begun.besides), tried
    return best


def _differs_by_case(begun: Begun, encoded: Encoded, place: str, rows: Ints) -> bool:
    """Does what a place multiplies prices by differ from case to case? Then claims that are alike, also in the place, have prices that are
    equal without it clearly oftener than claims of any place.
    """  # noqa: D205
    found = begun.found
    if not any(np.ptp(found.factors[name]) > LEAST_CHANGE for name in (place, BY + place) if name in found.factors):
        return False
    left = begun.amounts.logs[rows] - found.place_log(rows)
    case = found.case[rows].astype(np.int64)
    value = encoded.codes[place][rows].astype(np.int64) + 1
    both = case * (len(encoded.vocabularies[place]) + 1) + value
    of_any, of_one = (equal_pairs(key, left, begun.amounts.tolerance[rows]) for key in (case, both))
    return of_one > _CLEARLY_OFTENER * of_any


def _may_lack_factors(begun: Begun, few: Mask) -> bool:
    """Does a list explain some of the claims, and either poorly or by many hidden levels?"""
    share = float(np.mean(begun.found.point[few] >= 0))
    return HOPELESS < share < _POORLY or len(begun.found.levels) > _MANY_LEVELS


def _plain_factors(found: Lattice) -> dict[str, Numbers]:
    """What each place multiplies prices by: in the period that most claims are of, where it goes by periods."""
    plain = {}
    for name, logs in found.factors.items():
        if name in FACTOR_CANDIDATES:
            plain[name] = logs
        elif name.startswith(BY):
            many, codes = max(found.periods) + 1, found.codes[name]
            usual = int(np.bincount(codes[codes >= 0] % many, minlength=many).argmax())
            plain[name.removeprefix(BY)] = logs.reshape(-1, many)[:, usual]
    return plain
