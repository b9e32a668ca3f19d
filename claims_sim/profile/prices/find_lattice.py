"""Find a tariff behind amounts, if there is one: price = base of the case × factors of the place × a hidden level.

Real claim amounts are tariffs: products of a few factors, rounded to a grid, with many exact repeats. Nothing here
knows which variables are factors. A variable is one when changing it alone changes the amount by the same ratio in
case after case; ratios that recur within cases without any variable behind them are hidden levels (a ward class).
Sees codes and amounts; what may be released of its findings is decided with the population's rules.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np

from claims_sim.profile.counts.counting import Codes, Ints, Mask, Population
from claims_sim.profile.counts.numbers import Numbers
from claims_sim.profile.document_parts import BY, PERIOD, Decisive
from claims_sim.profile.encoding.dealing import Groups
from claims_sim.profile.encoding.encode import MONTH, Encoded
from claims_sim.profile.prices.daily import STAY, are_by_day, log_days
from claims_sim.profile.prices.dealt_factors import move_by_votes
from claims_sim.profile.prices.factors import MAX_CASE_SIZE, NOTHING_KNOWN, PLAINLY, Way, global_factors
from claims_sim.profile.prices.hidden_levels import NEAREST_LEVEL, find_levels
from claims_sim.profile.prices.lattice import TO_THE_STEP, Amounts, Lattice, dense_modes, fit_points
from claims_sim.profile.prices.price_as import price_as_grouped
from claims_sim.profile.prices.price_cases import (
    CASE_GROUP,
    OF_GROUPS,
    choose_case,
    number_cases,
    prices_left,
    tells_more_than_names,
    with_decided,
)
from claims_sim.profile.prices.price_groups import join_keys, share_amounts, share_prices
from claims_sim.profile.prices.price_periods import find_periods, steps_of_months, with_periods
from claims_sim.profile.prices.ratios import MIN_PAIRS, densest, filled_where_alike, snap_ratios
from claims_sim.profile.prices.rises import with_rises
from claims_sim.profile.prices.rounded_twice import settle_what_is_rounded_first
from claims_sim.profile.prices.rounding import settle_rounding

_MIN_EXPLAINED: Final = 0.15
HOPELESS: Final = 0.05
"""So few of the rows that the structure is sought with, and all rows need not be looked at."""
_SERVICE: Final = "service_type"
_FEWEST: Final = 1000
"""Of fewer claims no list is sought."""
_RARE_SERVICE: Final = 0.01
_STRUCTURE_ROWS: Final = 100_000
_FARTHEST: Final = 0.7
_AS_GOOD_AS_OTHERS: Final = 0.7
"""So large a share of what a tariff explains of other claims at least it must explain of those that were dealt out."""
_MIN_CONTRAST: Final = 3.0
"""How much commoner a price of a tariff must be than the steps of the grid beside it."""
_FEW_A_STEP_OFF, _CLEARLY_MORE = 0.02, 1.02
"""More of the rows on a tariff a step beside their price, and prices to the step are tried: they have to explain clearly more."""


class Begun(NamedTuple):
    """A tariff as some rows show it: these `on`, of all that are `usable`; so many of them as `k` stand for k of all. `besides` are rows
    that it was not made of, whose amounts are its prices with something added, if they are any.
    """  # noqa: D205

    found: Lattice
    groups: Groups | None
    amounts: Amounts
    on: Ints
    usable: Mask
    k: float
    besides: Ints = np.zeros(0, np.int64)

    @property
    def prices(self) -> int:
        """How many prices its cases have over all hidden levels."""
        return len(self.found.bases) * len(self.found.levels)

    def only(self, rows: Mask) -> "Begun":
        """The same of just these `rows`."""
        case = np.where(rows, self.found.case, -1)
        point = np.where(rows, self.found.point, np.int32(-1))
        found = replace(self.found, factors=dict(self.found.factors), case=case, point=point)
        return Begun(
            found,
            self.groups,
            self.amounts,
            self.on[rows[self.on]],
            self.usable & rows,
            self.k,
            self.besides[rows[self.besides]],
        )


def _hits(found: Lattice, primary: Numbers, grid: float) -> int:
    """How many amounts are a price of the tariff, to the finest step."""
    on = np.flatnonzero(found.point >= 0)
    return int((np.abs(found.prices(on) - primary[on]) < grid / 2).sum())


def services_of(encoded: Encoded, few: Mask) -> list[Mask]:
    """The rows of each kind of service that is not rare."""
    codes = encoded.codes.get(_SERVICE, np.full(encoded.rows, -1, np.int32))
    each = np.bincount(codes[few] + 1)[1:]
    return [codes == service for service in np.flatnonzero(each > _RARE_SERVICE * each.sum()).tolist()]


def amounts_on(primary: Numbers, grid: float) -> tuple[Amounts, Mask]:
    """The amounts as rounded to the `grid`, and which of them are large enough for it to tell their prices apart."""
    usable = np.isfinite(primary) & (primary >= 4 * grid)
    logs = np.log(np.where(usable, primary, 1.0))
    return Amounts(primary, logs, grid / np.where(usable, primary, 1.0) / 2), usable


def number_besides(found: Lattice, besides: Ints) -> None:
    """Set the cases of claims that the tariff was not made of: it prices these, too, with something added."""
    if not len(besides):
        return
    codes = [found.codes[name][besides] for name in found.case_names]
    digits = np.column_stack(codes).astype(np.int64) if codes else np.zeros((len(besides), 0), np.int64)
    keys = join_keys(digits, found.case_sizes)
    at = np.minimum(np.searchsorted(found.case_keys, keys), len(found.case_keys) - 1)
    known = (digits >= 0).all(1) & (found.case_keys[at] == keys)
    found.case = found.case.copy()
    found.case[besides] = np.where(known, at, -1)


def begin(
    encoded: Encoded,
    amounts: Amounts,
    usable: Mask,
    few: Mask,
    grid: float,
    given: Mapping[str, Numbers] = NOTHING_KNOWN,
    way: Way = PLAINLY,
) -> Begun | None:
    """The tariff of the `usable` rows as a `few` of them show it, with the factors that are `given`, others being sought in this `way`."""
    if "dx_primary_code" not in encoded.codes or int(usable.sum()) < _FEWEST:
        return None
    known = dict(given) | ({STAY: log_days()} if are_by_day(encoded, amounts.logs, amounts.tolerance, few) else {})
    factors, case_extra = _find_factors(encoded, amounts, few, known, way)
    encoded, periods, factors = _with_changes(encoded, amounts, usable, few, factors)
    case_extra, rows = [*case_extra, *([PERIOD] if periods else [])], np.flatnonzero(few)
    names, decisive = choose_case(encoded, amounts, factors, rows, case_extra)
    if _SERVICE in encoded.codes and _SERVICE not in names and _keeps_to_services(encoded, usable):
        names = (_SERVICE, *names)
    return _begin(encoded, amounts, usable, few, grid, factors, periods, names, decisive)


def begin_like(like: Lattice, encoded: Encoded, amounts: Amounts, usable: Mask, few: Mask, grid: float) -> list[Begun]:
    """Tariffs of the `usable` rows with cases and factors as those of the one that they are `like`, but with what is priced by the day and
    when prices change as these rows show it: one where all prices change alike, if at all, and one, if so, where each case has its own.
    """  # noqa: D205
    known = {n: logs for n, logs in like.factors.items() if n not in (MONTH, STAY) and not n.startswith(BY)}
    known |= {STAY: log_days()} if are_by_day(encoded, amounts.logs, amounts.tolerance, few) else {}
    found, _ = global_factors(encoded, amounts.logs, amounts.tolerance, few, known)
    factors = known | {name: np.nan_to_num(found[name]) for name in (MONTH,) if name in found}
    encoded, periods, factors = _with_changes(encoded, amounts, usable, few, factors)
    names = tuple(name for name in like.case_names if name != PERIOD)
    if CASE_GROUP in names and len(encoded.vocabularies[CASE_GROUP]) > MAX_CASE_SIZE:
        # Each of many groups of cases has its prices: what it multiplies others by says nothing more.
        factors = {name: logs for name, logs in factors.items() if name not in OF_GROUPS}
    tried = [(names, factors)]
    if periods:
        tried.append(((*names, PERIOD), {name: logs for name, logs in factors.items() if name != MONTH}))
    begun = [_begin(encoded, amounts, usable, few, grid, by, periods, case, like.decisive) for case, by in tried]
    return [one for one in begun if one is not None]


def _begin(
    encoded: Encoded,
    amounts: Amounts,
    usable: Mask,
    few: Mask,
    grid: float,
    factors: dict[str, Numbers],
    periods: tuple[int, ...],
    names: tuple[str, ...],
    decisive: Decisive | None,
) -> Begun | None:
    """The tariff with these `factors`, of cases that these columns and `periods` make."""
    encoded = with_decided(encoded, decisive)
    periods = periods if PERIOD in names or any(name.startswith(BY) for name in factors) else ()
    sizes = tuple(len(encoded.vocabularies[name]) for name in names)
    case, keys = number_cases(encoded, names, sizes, usable)
    codes = {name: encoded.codes[name] for name in (*names, *factors)}
    found = Lattice(names, sizes, grid, codes, factors, np.zeros(1), keys, case, decisive=decisive, periods=periods)
    on = np.flatnonzero((case >= 0) & few)
    if not len(on):
        return None
    found, groups = _find_prices(found, encoded, amounts, on)
    for _ in range(2):
        _refine(found, amounts)
        fit_points(found, encoded.population, amounts, on)
    share_amounts(found, encoded.population, amounts, on)
    return Begun(found, groups, amounts, on, usable, encoded.population.k * few.sum() / usable.sum())


def _with_changes(
    encoded: Encoded, amounts: Amounts, usable: Mask, few: Mask, factors: dict[str, Numbers]
) -> tuple[Encoded, tuple[int, ...], dict[str, Numbers]]:
    """With the periods between which prices change, if they do, and what places multiply them by in each."""
    rows = np.flatnonzero(few)
    # What seems a rise of all may be one of most: when it comes is sought without it.
    steady = {name: factor for name, factor in factors.items() if name != MONTH}
    periods = find_periods(encoded, prices_left(encoded, amounts, steady, rows), rows)
    steps = () if periods else steps_of_months(factors.get(MONTH))
    if not (periods or steps):
        return encoded, (), factors
    changed = with_periods(encoded, periods or steps)
    changed, rises = with_rises(changed, periods or steps, (amounts.logs, amounts.tolerance), usable, few, factors)
    # A rise of all needs no periods, unless places have theirs to the unit.
    return (encoded, (), factors) if steps and MONTH in rises else (changed, periods or steps, rises)


def _keeps_to_services(encoded: Encoded, usable: Mask) -> bool:
    """Must a list made of `usable` claims name their kind of service? None prices a claim of a service that it was not made of.

    Where services are but what stays say, a list of all claims may price both alike.
    """
    codes = encoded.codes[_SERVICE][usable]
    return not encoded.service_from_stay or bool((codes == codes[0]).all())


def finish(begun: Begun, encoded: Encoded) -> Lattice | None:
    """The tariff with the prices that all rows show; None when it is none worth the name."""
    amounts = begun.amounts
    if _explained_of_a_kind(begun.found, encoded, begun.on) < HOPELESS:
        return None
    to_the_step = replace(begun.found, factors=dict(begun.found.factors), steps=TO_THE_STEP, levels=np.zeros(1))
    found = _with_all_prices(begun.found, begun.groups, encoded, amounts)
    if _inexact(settled(found, amounts.values, encoded.population), amounts) > _FEW_A_STEP_OFF:
        # Prices of a rounded list are no whole multiples of each other: then each is one of its own, or none.
        fit_points(to_the_step, encoded.population, amounts, np.flatnonzero(to_the_step.case >= 0))
        own = _with_all_prices(to_the_step, begun.groups, encoded, amounts)
        hits, of_own = (
            _hits(settled(one, amounts.values, encoded.population), amounts.values, one.grid) for one in (found, own)
        )
        found = own if of_own > _CLEARLY_MORE * hits else found
    whole, usable = np.flatnonzero(found.case >= 0), np.flatnonzero(begun.usable)
    if _explained_of_a_kind(found, encoded, usable) < _MIN_EXPLAINED or not _stands_out(found, amounts.values, whole):
        return None
    _put_plain_level_first(found)
    if not tells_more_than_names(found, amounts.values, usable, encoded.population.k):
        return None
    number_besides(found, begun.besides)
    return found


def _with_all_prices(found: Lattice, groups: Groups | None, encoded: Encoded, amounts: Amounts) -> Lattice:
    """The tariff with factors, bases and groups of codes from all rows."""
    whole = np.flatnonzero(found.case >= 0)
    _refine(found, amounts)
    price_as_grouped(found, groups, amounts, whole)
    fit_points(found, encoded.population, amounts, whole)
    told = _of_told_factors(found, encoded.population, whole)
    if len(told) < len(whole):
        whole = told
        fit_points(found, encoded.population, amounts, whole)
    price_as_grouped(found, groups, amounts, whole)
    share_amounts(found, encoded.population, amounts, whole)
    shared = share_prices(found, encoded.population, amounts)
    share_prices(found, encoded.population, amounts, shared)
    return found


def _of_told_factors(found: Lattice, population: Population, whole: Ints) -> Ints:
    """Those of the rows `whole` all of whose factors may be told: of each value enough lie on the list, and not only have it.

    The others are on no list; their factors are none, or of a place in a period that of another period of the place.
    """
    for name in [name for name in found.factors if name != STAY]:
        codes, logs = found.codes[name], found.factors[name]
        on = np.flatnonzero((found.point >= 0) & (codes >= 0))
        told = population.releasable(codes[on].astype(np.int64), len(logs), on)
        # What no row has is as in another period.
        lost = ~told & (np.bincount(codes[whole] + 1, minlength=len(logs) + 1)[1:] > 0) & (logs != 0)
        if lost.any():
            instead = (
                _as_in_another(logs, told, codes[on], found.periods) if name.startswith(BY) else np.zeros(len(logs))
            )
            found.factors[name] = np.where(lost, instead, logs)
            found.case = np.where(np.append(lost, False)[codes], -1, found.case)
            found.point = np.where(found.case < 0, -1, found.point).astype(np.int32)
    return whole[found.case[whole] >= 0]


def _as_in_another(logs: Numbers, told: Mask, codes: Codes, periods: Sequence[int]) -> Numbers:
    """For each place and period the place's factor of the period, among those that may be told, that most claims are of; or none."""
    many = max(periods) + 1
    commonest = np.argsort(-np.bincount(codes % many, minlength=many), kind="stable")
    by_place, is_told = (values.reshape(-1, many)[:, commonest] for values in (logs, told))
    first = is_told.argmax(1)[:, None]
    return np.repeat(np.where(is_told.any(1), np.take_along_axis(by_place, first, 1)[:, 0], 0.0), many)


def settled(found: Lattice, primary: Numbers, population: Population) -> Lattice:
    """The tariff as its owner rounds: before that is known, prices between two steps lie beside their amounts."""
    as_rounded = replace(found)
    settle_rounding(as_rounded, primary)
    settle_what_is_rounded_first(as_rounded, primary, population)
    return as_rounded


def _inexact(found: Lattice, amounts: Amounts) -> float:
    """The share of the rows on the tariff that lie a step of the grid beside their price."""
    on = np.flatnonzero(found.point >= 0)
    return float(np.mean(np.abs(found.prices(on) - amounts.values[on]) > found.grid / 2)) if len(on) else 0.0


def _put_plain_level_first(found: Lattice) -> None:
    """Number the hidden levels from that of the price itself: what the first one is holds of every list then."""
    order = np.argsort(np.abs(found.levels), kind="stable")
    number = np.empty(len(order), np.int32)
    number[order] = np.arange(len(order))
    found.levels = found.levels[order]
    found.level = np.where(found.level >= 0, number[found.level], -1).astype(np.int32)


def _stands_out(found: Lattice, primary: Numbers, rows: Ints) -> bool:
    """Do amounts lie on their cases' commonest prices, and not as often some steps of the grid beside them?

    Amounts that are merely rounded, and coarsely, lie on any price list of a few steps.
    """
    at = found.base_start[found.case[rows]]
    there = at < found.base_start[found.case[rows] + 1]
    rows, base = rows[there], found.bases[at[there]]
    price = np.exp(base + found.place_log(rows)) / found.grid
    away = np.abs(np.rint(primary[rows] / found.grid) - np.rint(price))
    at_price, beside = int((away == 0).sum()), int(((away >= 1) & (away <= 2)).sum()) / 4
    return at_price > _MIN_CONTRAST * beside


def _find_factors(
    encoded: Encoded, amounts: Amounts, few: Mask, known: dict[str, Numbers], way: Way
) -> tuple[dict[str, Numbers], list[str]]:
    """The tariff's factors, and what is part of the case: from all claims, or first from those that were not dealt out.

    All claims know all values; where dealing has blurred their ratios, the others show more factors.
    """
    _, logs, tolerance = amounts
    found, failed = global_factors(encoded, logs, tolerance, few, known, way)
    if encoded.groups is not None:
        alone = few & (encoded.groups.of_row < 0)
        own, _ = global_factors(encoded, logs, tolerance, alone, known, way)
        # Where all claims show the same of a factor, they do so of values, too, that none of the others has.
        both = {name: filled_where_alike(own[name], found[name]) for name in own.keys() & found.keys() - known.keys()}
        agreed = {name: factor for name, factor in sorted(both.items()) if factor is not None}
        if agreed:
            given, _ = global_factors(encoded, logs, tolerance, alone, known | agreed, way)
            own = given if len(given) >= len(own) else own
        if len(own) > len(found):
            own = {name: np.nan_to_num(factor) for name, factor in own.items()}
            found, failed = global_factors(encoded, logs, tolerance, few, own, way)
    return {name: np.nan_to_num(factor) for name, factor in found.items()}, failed


def _find_prices(begun: Lattice, encoded: Encoded, amounts: Amounts, on: Ints) -> tuple[Lattice, Groups | None]:
    """The tariff from those of the rows `on` that were not dealt out, and the groups that the others are priced in.

    Where these say too little of the other kinds' prices, from all rows as they were dealt; then there are no groups.
    """
    for tried in (encoded.groups, None):
        found = replace(begun, factors=dict(begun.factors))
        own = on if tried is None else on[tried.of_row[on] < 0]
        if not len(own):
            continue
        _fit_tariff(found, tried, encoded.population, amounts, own, on)
        if tried is None or _explained(found, np.setdiff1d(on, own)) >= _AS_GOOD_AS_OTHERS * _explained(found, own):
            break
    return found, tried


def _fit_tariff(
    found: Lattice, groups: Groups | None, population: Population, amounts: Amounts, own: Ints, on: Ints
) -> None:
    """Factors, hidden levels and bases from the rows `own`, then the prices of all rows `on`."""
    for _ in range(2):
        unheard = _recentre_factors(found, amounts, own)
        if groups is not None and len(own) < len(on):
            found.levels = find_levels(found, population, amounts, own)
            move_by_votes(found, groups, amounts, own, on, unheard)
    found.levels = find_levels(found, population, amounts, own)
    if groups is not None:
        fit_points(found, population, amounts, own)
        price_as_grouped(found, groups, amounts, on)
    fit_points(found, population, amounts, on)


def _explained(found: Lattice, rows: Ints) -> float:
    """The share of `rows` that lie on the tariff."""
    return float(np.mean(found.point[rows] >= 0)) if len(rows) else 1.0


def _explained_of_a_kind(found: Lattice, encoded: Encoded, rows: Ints) -> float:
    """The share of `rows` that lie on the tariff, of all or of the kind that has most: of a service, or those with a case group.

    Where few claims are paid by the case, the list is theirs, and none of all others.
    """
    some = np.zeros(len(found.point), np.bool_)
    some[rows] = True
    kinds = [some[rows], *(kind[rows] for kind in services_of(encoded, some))]
    groups = encoded.vocabularies.get(CASE_GROUP, ())
    if len(groups) > MAX_CASE_SIZE and None in groups:
        has_group = encoded.codes[CASE_GROUP][rows] != groups.index(None)
        if np.count_nonzero(has_group) > _RARE_SERVICE * len(rows):
            kinds.append(has_group)
    return max(_explained(found, rows[kind]) for kind in kinds) if len(rows) else 1.0


def every_nth(usable: Mask) -> Mask:
    """Rows to find the tariff's structure with: some 100,000 show it as well as millions."""
    rows = np.flatnonzero(usable)
    chosen = np.zeros(len(usable), np.bool_)
    chosen[rows[:: max(1, len(rows) // _STRUCTURE_ROWS)]] = True
    return chosen


def _recentre_factors(found: Lattice, amounts: Amounts, own: Ints) -> dict[str, list[int]]:
    """Move each factor to where the rows that have it lie densest about the prices of their cases; and the values that hardly any has.

    A value that is linked by few pairs may have been linked wrongly; all its rows together say where it belongs.
    """
    logs, tolerance, unheard = amounts.logs, amounts.tolerance, dict[str, list[int]]()
    for name, factor in found.factors.items():
        if name == STAY:
            continue
        rest = logs[own] - found.place_log(own)
        mode = dense_modes(found.case[own], rest, tolerance[own], len(found.case_keys))
        off, code, width = rest - mode[found.case[own]], found.codes[name][own], tolerance[own] + 1e-5
        each = np.bincount(code[code >= 0], minlength=len(factor))
        unheard[name] = np.flatnonzero(each < 2 * MIN_PAIRS).tolist()
        moved = factor.copy()
        for value in np.flatnonzero(each >= 2 * MIN_PAIRS).tolist():
            mine, enough = code == value, 0.25 * int(each[value])
            centre = _centre_of(off[mine], width[mine], NEAREST_LEVEL, enough)
            if centre is None:
                centre = _centre_of(off[mine], width[mine], _FARTHEST, enough)
            moved[value] += centre or 0.0
        found.factors[name] = moved - moved[int(each.argmax())]
    return unheard


def _centre_of(off: Numbers, width: Numbers, farthest: float, enough: float) -> float | None:
    """Where `off` is densest within `farthest` of 0; None where that is not clear."""
    near = np.abs(off) < farthest
    if int(near.sum()) < MIN_PAIRS:
        return None
    order = np.argsort(off[near])
    centre, hits = densest(off[near][order], width[near][order])
    return centre if hits >= enough else None


def _refine(found: Lattice, amounts: Amounts) -> None:
    """Improve factors and levels from all rows that lie on the lattice; snap ratios that are plainly round."""
    on = np.flatnonzero(found.point >= 0)
    if len(on) < 100:
        return
    owner, level = found.base_start[found.case[on]] + found.point[on], found.level[on]
    weight = amounts.tolerance[on] ** -2.0
    off = amounts.logs[on] - found.bases[owner] - found.levels[level] - found.place_log(on)
    codes = {name: found.codes[name][on] for name in found.factors if name != STAY}
    commonest = {name: int(np.bincount(code + 1, weights=weight)[1:].argmax()) for name, code in codes.items()}
    for _ in range(6):
        for name, code in codes.items():
            step = np.append(_means(code, off, weight, len(found.factors[name])), 0.0)
            step[:-1] -= step[commonest[name]]
            found.factors[name] = found.factors[name] + step[:-1]
            off -= step[code]
        levels = found.levels + _means(level, off, weight, len(found.levels))
        levels -= levels[int(np.abs(levels).argmin())]
        off -= (levels - found.levels)[level]
        found.levels = levels
        off -= _means(owner, off, weight, len(found.bases))[owner]
    found.levels = snap_ratios(found.levels)
    for name in codes:
        found.factors[name] = snap_ratios(found.factors[name])


def _means(codes: Ints | Codes, values: Numbers, weight: Numbers, size: int) -> Numbers:
    """The weighted mean of the values of each code 0..size-1; 0 where there is none. Code -1 counts nowhere."""
    mass = np.bincount(codes + 1, weights=weight, minlength=size + 1)[1:]
    total = np.bincount(codes + 1, weights=weight * values, minlength=size + 1)[1:]
    means: Numbers = total / np.maximum(mass, 1e-30)
    return means
