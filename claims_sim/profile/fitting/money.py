"""How amounts are profiled: by the tariff behind them, by prices that many persons share, else by distribution only.

A one-off amount is never kept: it counts as lying so far from the mean of its context's logarithms, in a range that
many persons share. How what is paid follows from what is claimed is in `settlement.py`.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from claims_sim.claim import MAX_AMOUNT
from claims_sim.profile.counts.builder import Builder
from claims_sim.profile.counts.companions import FIRST_MEMBER
from claims_sim.profile.counts.counting import Codes, Ints, Mask, Population, dense_ids
from claims_sim.profile.counts.numbers import Numbers, bin_numbers
from claims_sim.profile.counts.release import Fallback, Parent, Rule, Target
from claims_sim.profile.document_parts import (
    AMOUNT_KINDS,
    CLAIMS_NOTHING,
    DEAR_BANDS,
    DEAR_KINDS,
    PROCEDURE_NAME,
    Bins,
    Means,
    Money,
    Tariff,
)
from claims_sim.profile.encoding.encode import (
    DX_GROUP,
    HAS_PROCEDURE,
    HOUR,
    MONTH,
    PROCEDURE_GROUP,
    SEASON,
    STAY_SPAN,
    WEEKDAY,
    Encoded,
)
from claims_sim.profile.fitting.about_prices import About, lie_above_prices, what_others_lie_about
from claims_sim.profile.paid.paid_rules import Listed, Rules, find_rules
from claims_sim.profile.paid.settlement import NOT_SETTLED, profile_settlement
from claims_sim.profile.prices.amount_fit import (
    AMOUNT_KIND,
    BY_NAME,
    KIND_OF_FEW,
    ON_LIST,
    PRICE_CASE,
    PRICE_POINT,
    PRICED,
    RESIDUAL,
    SHARED_AMOUNT,
    AmountFit,
)
from claims_sim.profile.prices.context_means import features_of, find_means, locate
from claims_sim.profile.prices.cost_by_companion import costs_follow_companion
from claims_sim.profile.prices.daily import STAY, days_charge, find_day_rates, less_days
from claims_sim.profile.prices.decided import DIAGNOSIS, PROCEDURE, plain_names
from claims_sim.profile.prices.few_amounts import all_there_are
from claims_sim.profile.prices.following import SERVICE, follows_paid
from claims_sim.profile.prices.how_dear import AS_USUAL, how_dear
from claims_sim.profile.prices.lattice import Lattice
from claims_sim.profile.prices.mark_ups import before_mark_ups, find_mark_ups
from claims_sim.profile.prices.price_lists import find_tariffs
from claims_sim.profile.prices.pricing import PriceList, case_over, place_on_lists, tariff_of
from claims_sim.profile.prices.recurring import shares_that_recur
from claims_sim.profile.prices.rounded_twice import settle_what_is_rounded_first
from claims_sim.profile.prices.rounding import amount_grid, coarsest_grid, grids_of, settle_rounding, stands_out
from claims_sim.profile.prices.top_ups import find_top_ups
from claims_sim.profile.reading.missing_amounts import KIND

_MANY_SHARED: Final = 50
"""So many amounts by name, and it is told before which of them whether it is one."""
_SHARED_DEPTH: Final = 3
_SEVERAL_PRICES: Final = 0.05
"""The share of claims whose price is none that is usual of its case, for it to be told before how dear it is."""
_OF_CASES: Final = frozenset(
    (PRICE_CASE, SERVICE, DIAGNOSIS, DX_GROUP, PROCEDURE, PROCEDURE_GROUP, PROCEDURE_NAME, HAS_PROCEDURE)
)
"""What says nothing of a claim but which case it is."""
_MOSTLY: Final = 0.5
"""The share that must be told of how dear claims are: where wards that no column tells make most of it, prices of each are told apart."""
_OF_ENOUGH: Final = 2
"""By so many parents it is told how dear claims are, of which enough are alike."""
_MANY_CODES: Final = 100
"""With so many diagnoses, what is shared by name is weighed as it will be released: what is done for one is paid for that one."""
_FEW_LISTED: Final = 0.5
"""The share of the amounts that tariffs must explain for nobody to ask whether what is paid has a longer list."""
_FEWEST_BEARERS: Final = 5
"""Who must bear an amount for it to be a price, where a profile without protection would call every amount one."""
_FURTHER_DOWN: Final = 5
_RISE: Final = 1.5
"""Where amounts rise by a factor from the fifty-fifth to the eleventh dearest person, up to the dearest by that to the 1.5."""


def profile_money(builder: Builder, encoded: Encoded, bins: dict[str, Bins], earlier: list[str]) -> Money:
    """Release the tables of amounts, and say how they belong together; `earlier` names what they may depend on."""
    primary = encoded.claimed if encoded.claimed is not None else encoded.paid
    assert primary is not None  # noqa: S101 - reading requires one amount
    if encoded.population.k < _FEWEST_BEARERS:
        encoded = replace(encoded, population=replace(encoded.population, k=_FEWEST_BEARERS))
    if FIRST_MEMBER in builder.variables and costs_follow_companion(
        encoded, builder.variables[FIRST_MEMBER][0], primary
    ):
        earlier = [*earlier, FIRST_MEMBER]
    grid = amount_grid(encoded.claimed, encoded.paid)
    days = np.zeros(encoded.rows) if encoded.los is None else np.nan_to_num(encoded.los)
    if encoded.los is not None:
        encoded = replace(encoded, codes=encoded.codes | {STAY: days.astype(np.int32)})
    day_rates = find_day_rates(encoded, primary, grid)
    charge = days_charge(day_rates, encoded.codes, days)
    primary = less_days(primary, charge)
    lattices = find_tariffs(encoded, primary, grid)
    has_both = encoded.claimed is not None and encoded.paid is not None
    of_paid = _rules_of_a_longer_list(encoded, lattices, charge, grid) if has_both and lattices else None
    for lattice in lattices:
        settle_rounding(lattice, primary)
        settle_what_is_rounded_first(lattice, primary, encoded.population)
        find_mark_ups(lattice, primary, encoded.population, grid)
        find_top_ups(lattice, primary, encoded.population)
    before = None if of_paid else before_mark_ups(lattices, encoded, charge)
    settled_of = encoded if before is None else replace(encoded, claimed=before)
    rules = of_paid or (find_rules(settled_of, Listed(lattices, charge), grid) if has_both else None)
    slopes, follows, as_paid = tuple[float, ...](), np.zeros(encoded.rows), np.zeros(encoded.rows, np.bool_)
    places = place_on_lists(lattices, encoded.rows)
    if rules is not None and rules.own and encoded.paid is not None:
        as_paid = rules.as_paid
        if not lattices or as_paid.any():  # else what is paid may follow what is claimed
            off = np.where(as_paid | (places.point >= 0), np.nan, primary)
            slopes, follows = follows_paid(rules.own, off, encoded.paid, encoded)
    fit = AmountFit(builder, encoded, bins, earlier, primary, grid, lattices, follows, places, as_paid)
    tariffs = _tariffs(fit)
    nothing = _add_nothing(fit)
    exact, counted = _profile_amount(fit, nothing)
    rows = np.flatnonzero(np.isfinite(primary) & ~nothing)
    means = find_means(builder, "amount", fit.logs(rows), rows, fit.candidates, encoded.population)
    other = (counted == fit.first_shared + len(exact)) & np.isfinite(primary)
    rest = np.flatnonzero(other)
    others_about, about = what_others_lie_about(fit, rules, means, rest)
    above = lie_above_prices(fit, rest)
    rounded_to = _profile_other(fit, about, means, rest)
    others_recur, unpriced_recur = _recur(fit, rest, above, rounded_to)
    _add_bands(fit)
    settled = (
        NOT_SETTLED
        if rules is None
        else profile_settlement(
            builder,
            settled_of,
            bins,
            builder.candidates([*earlier, STAY_SPAN, SEASON, MONTH, ON_LIST]),
            builder.candidates([RESIDUAL]),
            rules,
            grid,
            claimed_follows=any(slopes) or bool(as_paid.any()),
        )
    )
    return Money(
        primary="amount_claimed" if encoded.claimed is not None else "amount_paid",
        has_both=has_both,
        points=fit.points,
        exact=tuple(exact.tolist()),
        tariffs=tariffs,
        means=means,
        paid_at=settled.at,
        paid_values=len(encoded.vocabularies[settled.at]) if settled.at else 0,
        paid_before_mark_ups=before is not None,
        paid_lines=settled.lines,
        paid_bands=settled.bands,
        paid_tariffs=settled.tariffs,
        ceiling=_ceiling(primary, encoded.population, grid),
        rates_above_claimed=settled.above_claimed,
        claimed_as_paid=bool(as_paid.any()),
        claimed_follows_paid=slopes if any(slopes) else (),
        paid_exact=settled.exact,
        paid_rounded_to=settled.rounded_to.paid,
        left_rounded_to=settled.rounded_to.left,
        paid_habit=settled.habit,
        paid_step=settled.step,
        paid_keeps=settled.keeps,
        paid_means=settled.means,
        patients_part=settled.patients_part,
        others_about=others_about,
        others_above_prices=above,
        off_prices=about.off,
        off_slope=about.slope,
        day_rates=day_rates,
        others_recur=others_recur,
        unpriced_recur=unpriced_recur,
        every_amount=_every_amount(fit),
        every_payment=settled.payments,
        rounded_to=rounded_to,
    )


def _recur(
    fit: AmountFit, rows: Ints, above: Sequence[bool], grids: Sequence[float]
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """For each kind of service the share of the other amounts, which `rows` bear and which are rounded to `grids`, that others bear
    too, where there are lists: of claims whose case has a price, if these amounts are no sums that lie `above` it, and of those
    whose case has none.
    """  # noqa: D205
    if not fit.lattices:
        return (), ()
    services = fit.encoded.codes.get(SERVICE, np.zeros(fit.encoded.rows, np.int32))
    case, cases = fit.builder.variables[PRICE_CASE]
    kinds: Codes = (2 * services + (case == cases - 1)).astype(np.int32)
    shares = shares_that_recur(fit.primary, rows, fit.encoded.population, grids, kinds)
    priced = tuple(0.0 if place < len(above) and above[place] else share for place, share in enumerate(shares[::2]))
    return priced if any(priced) else (), shares[1::2] if any(shares[1::2]) else ()


def _every_amount(fit: AmountFit) -> tuple[float, ...]:
    """All amounts, where they are few and nearly all claims bear one that enough share; of a price list that multiplies some
    come out that no claim has.
    """  # noqa: D205
    known = np.flatnonzero(np.isfinite(fit.primary)) if fit.lattices else np.zeros(0, np.int64)
    return all_there_are(fit.primary, known, fit.encoded.population)


def _ceiling(primary: Numbers, population: Population, grid: float) -> float:
    """About how dear the dearest claims are, by how amounts rise towards those of the k dearest persons: nobody's own amount.

    The most that an amount may be, where the dearest claims, or five times as many, are none that may be told.
    """
    known = np.flatnonzero(np.isfinite(primary))
    dearest = known[np.argsort(-primary[known], kind="stable")]
    count = population.k
    while _FURTHER_DOWN * count <= len(dearest):
        sets = (dearest[:count], dearest[: _FURTHER_DOWN * count])
        if all(population.may_be_told(rows) for rows in sets):
            high, lower = (max(primary[rows[-1]], grid) for rows in sets)
            step = 10.0 ** np.floor(np.log10(high)) / 10
            # Up, not to the nearest: where all are about as dear, they would lie above it.
            return float(min(np.ceil(high * (high / lower) ** _RISE / step) * step, MAX_AMOUNT))
        count += max(count // 2, 1)
    return MAX_AMOUNT


def _rules_of_a_longer_list(
    encoded: Encoded, lattices: Sequence[Lattice], charge: Numbers, grid: float
) -> Rules | None:
    """The rules by which claims are paid as if there were no tariffs, where these explain few amounts and a price list of what is
    paid more: then they are but its prices, where just these are charged.
    """  # noqa: D205
    listed = sum(int((lattice.point >= 0).sum()) for lattice in lattices)
    if listed > _FEW_LISTED * encoded.rows:
        return None
    rules = find_rules(encoded, Listed((), charge), grid)
    return rules if sum(int((own.point >= 0).sum()) for own in rules.own) > listed else None


def _add_bands(fit: AmountFit) -> None:
    """Amounts in bands of about equal numbers, for whoever wants to look at them; nothing is drawn from these."""
    for name, amounts in (("amount_claimed", fit.encoded.claimed), ("amount_paid", fit.encoded.paid)):
        if amounts is not None:
            binned = bin_numbers(amounts, fit.encoded.population, most=20, most_single=0)
            fit.bins[name] = binned.bins
            fit.builder.add(Target(name, binned.codes, len(binned.bins.lo)), [])


def _tariffs(fit: AmountFit) -> tuple[Tariff, ...]:
    lattices, builder = fit.lattices, fit.builder
    for name in plain_names(name for lattice in lattices for name in (*lattice.case_names, *lattice.factors)):
        if name in builder.variables:
            builder.use_feature(name)
    places = fit.places
    if lattices or fit.as_paid.any():
        builder.variables[ON_LIST] = (((places.point >= 0) | fit.as_paid).astype(np.int32), 2)
    if places.top_ups:
        builder.variables[PRICE_POINT] = (places.point, places.points)
        target = Target("top_up", places.top_up, places.top_ups + 1)
        builder.add(target, [*builder.candidates([PRICE_POINT]), *fit.candidates], most=4)
    return tuple(tariff_of(lattice, fit.grid) for lattice in lattices)


def _profile_amount(fit: AmountFit, nothing: Mask) -> tuple[Numbers, Codes]:
    """The table `amount`: places on the tariffs, the price that is paid, shared amounts off them, and the rest as one code."""
    primary, codes = fit.primary, fit.places.code.copy()
    codes[fit.as_paid] = fit.points
    off = np.flatnonzero(np.isfinite(primary) & (codes < 0) & ~nothing)
    distinct, ids = np.unique(primary[off], return_inverse=True)
    shared = fit.encoded.population.releasable(ids.astype(np.int64), len(distinct), off)
    grids = grids_of(primary, off, fit.encoded.population, fit.grid)
    shared &= stands_out(distinct, np.bincount(ids, minlength=len(distinct)), grids)
    exact = distinct[shared]
    other = fit.first_shared + len(exact)
    codes[off] = np.where(shared, fit.first_shared + np.cumsum(shared) - 1, other)[ids]
    # A shared price may recur where enough is given; further up it would be the price of other cases.
    rule = Rule(Fallback(fit.first_shared, other, _SHARED_DEPTH))
    # Which prices a case has is its own; one that holds from some month on, or at night, is another point or level of it.
    fit.builder.variables[PRICE_CASE] = _price_cases(fit)
    candidates = fit.builder.candidates([PRICE_CASE, *fit.earlier, MONTH, WEEKDAY, HOUR])
    named = np.zeros(len(codes), np.bool_)
    has_many_shared = len(exact) >= _MANY_SHARED
    kind = _add_kind(fit, codes, (fit.points, fit.first_shared, other), candidates, has_many_shared=has_many_shared)
    if has_many_shared:
        named = (codes >= fit.first_shared) & (codes < other)
    target = Target("amount", np.where(named, np.int32(-1), codes), other + 1)
    counted = fit.builder.add(target, [*candidates, *kind], rule=rule, first=[AMOUNT_KIND])
    if has_many_shared:
        # Which price of its case a claim has, and which sum of a few prices, is told by other things: each by its own.
        which: Codes = np.where(named, codes - fit.first_shared, -1).astype(np.int32)
        by_name, rule = Target(SHARED_AMOUNT, which, len(exact) + 1), Rule(Fallback(0, len(exact), _SHARED_DEPTH - 1))
        has_many = any(parent.size >= _MANY_CODES for parent in candidates)
        found = fit.builder.add(by_name, candidates, rule=rule, has_many=has_many)
        counted = np.where(named, found + fit.first_shared, counted).astype(np.int32)
    return exact, counted


def _add_nothing(fit: AmountFit) -> Mask:
    """First who claims nothing, which is told by what nothing else of the amounts is: a claim that could not be grouped."""
    nothing: Mask = fit.primary == 0.0
    is_all = not (fit.primary > 0).any()
    if is_all or not fit.encoded.population.may_be_told(np.flatnonzero(nothing)):
        return np.zeros(len(nothing), np.bool_)
    codes: Codes = np.where(np.isfinite(fit.primary), nothing, -1).astype(np.int32)
    fit.builder.add(Target(CLAIMS_NOTHING, codes, 2), fit.builder.candidates([*fit.earlier, MONTH]))
    supposed: Codes = np.where(codes < 0, _as_others_of_their_kind(fit, codes), codes).astype(np.int32)
    fit.builder.variables[CLAIMS_NOTHING] = (supposed, 2)
    return nothing


def _as_others_of_their_kind(fit: AmountFit, codes: Codes) -> Mask:
    """Which claims whose amounts are not known (code -1) count as claims of nothing: as large a part of each kind's as of its others."""
    kind = np.zeros(len(codes), np.int64)
    for parent in fit.builder.candidates(KIND):
        kind, _ = dense_ids(kind * (parent.size + 1) + parent.codes + 1)
    share = np.bincount(kind, codes == 1) / np.maximum(np.bincount(kind, codes >= 0), 1)
    unknown = np.flatnonzero(codes < 0)
    unknown = unknown[np.argsort(kind[unknown], kind="stable")]
    # One after the other, so that each kind has its part to within a claim.
    due = np.cumsum(share[kind[unknown]])
    out = np.zeros(len(codes), np.bool_)
    out[unknown] = np.floor(due) > np.floor(np.append(0.0, due[:-1]))
    return out


def _add_kind(
    fit: AmountFit, codes: Codes, borders: tuple[int, ...], candidates: Sequence[Parent], *, has_many_shared: bool
) -> list[Parent]:
    """First whether an amount is a price of the tariffs, the price that is paid, shared or another, by the first codes of all but
    the first kind; then which. Shared amounts are hundreds, and would make what tells these kinds apart seem to tell nothing.

    And first how dear a price is for its case: what tells that (a short stay, complications) tells it in cases, too, of which too few
    claims are like this one. Nothing where neither is worth the telling.
    """  # noqa: D205
    kind: Codes = np.searchsorted(borders, codes, side="right").astype(np.int32)
    kind[codes < 0] = -1
    if _add_how_dear(fit, kind, candidates):
        return fit.builder.candidates([AMOUNT_KIND])
    if not has_many_shared:
        return []
    fit.builder.add(Target(AMOUNT_KIND, kind, AMOUNT_KINDS), candidates)
    fit.builder.variables[AMOUNT_KIND] = (kind, AMOUNT_KINDS)
    return fit.builder.candidates([AMOUNT_KIND])


def _add_how_dear(fit: AmountFit, kind: Codes, candidates: Sequence[Parent]) -> bool:
    """Release of which kind amounts are with how dear prices are for their case, if that is worth the telling: where it is told by the
    case first, one of many, and by something that says nothing of cases, and too few claims of some are alike in what comes next.
    """  # noqa: D205
    bands = how_dear(fit.lattices, len(kind))
    one = fit.encoded.population.one_of_each(np.flatnonzero(kind >= 0))
    if np.count_nonzero(bands[one] != AS_USUAL) <= _SEVERAL_PRICES * len(one):
        return False
    of_prices: Codes = np.where(kind > 0, kind + DEAR_BANDS - 1, np.where(kind == 0, bands, -1)).astype(np.int32)
    target = Target(AMOUNT_KIND, of_prices, DEAR_KINDS)
    trial = Builder(fit.builder.population, fit.builder.variables)
    parents = trial.learn(target, candidates)
    if len(parents) < _OF_ENOUGH or parents[0].name != PRICE_CASE or parents[0].size < _MANY_CODES:
        return False
    if not (_told_beside_cases(fit, parents) and trial.tells_most(target, parents, _MOSTLY)):
        return False
    rule = Rule(Fallback(0, DEAR_KINDS, _OF_ENOUGH))
    counted = trial.release(target._replace(size=DEAR_KINDS + 1), parents, trial.population, rule)
    few: Codes = np.where(counted == DEAR_KINDS, of_prices, -1).astype(np.int32)
    if not trial.population.may_be_told(np.flatnonzero(few >= 0)):
        return False
    builder = fit.builder
    builder.features |= trial.features
    builder.tables |= trial.tables
    builder.smallest = min(builder.smallest, trial.smallest)
    builder.variables[AMOUNT_KIND] = (of_prices, DEAR_KINDS)
    builder.add(Target(KIND_OF_FEW, few, DEAR_KINDS), candidates)
    return True


def _told_beside_cases(fit: AmountFit, parents: Sequence[Parent]) -> bool:
    """Does anything but what makes a case, and what multiplies prices, tell how dear they are?"""
    names = {name for lattice in fit.lattices for name in (*lattice.case_names, *lattice.factors)}
    of_cases = {*_OF_CASES, *plain_names(names)} | ({"los"} if STAY in names else set())
    return any(parent.variable not in of_cases for parent in parents)


def _price_cases(fit: AmountFit) -> tuple[Codes, int]:
    lists = [PriceList.of_lattice(lattice) for lattice in fit.lattices]
    return case_over(lists, fit.encoded.codes, fit.encoded.rows), sum(prices.cases for prices in lists) + 1


def _profile_other(fit: AmountFit, about: About, means: Means, rows: Ints) -> tuple[float, ...]:
    """How far the remaining amounts lie from their case's price, or from their context's mean where it has none; and to which
    of the grids, which are the answer, each of them is rounded.
    """  # noqa: D205
    if about.off is not None:
        fit.builder.features |= {name: about.builder.features[name] for name in features_of(about.off)}
    priced: Codes = np.zeros(len(fit.primary), np.int32)
    centre = about.centre(rows)
    there = np.isfinite(centre)
    around = np.where(there, centre, locate(fit.builder, means, rows))
    priced[rows] = there
    residual = np.full(len(fit.primary), np.nan)
    residual[rows] = fit.logs(rows) - around
    binned = bin_numbers(residual, fit.encoded.population, most=80, most_single=0)
    fit.bins[RESIDUAL] = binned.bins
    fit.builder.variables[PRICED] = (priced, 2)
    target = Target(RESIDUAL, binned.codes, len(binned.bins.lo))
    fit.builder.add(target, fit.builder.candidates([PRICED, *fit.earlier]), most=3)
    # Of dear houses, which no column tells, others are paid than of cheap ones.
    beside: Codes = np.where(binned.codes < 0, np.int32(target.size), binned.codes).astype(np.int32)
    fit.builder.variables[RESIDUAL] = (beside, target.size + 1)
    # Amounts that some context only has by name are drawn near such names, which are rounder than the others.
    kind, kinds = fit.builder.variables.get(AMOUNT_KIND, (np.full(len(fit.primary), -1, np.int32), AMOUNT_KINDS))
    nameless = rows[kind[rows] != kinds - BY_NAME]
    grids = grids_of(fit.primary, nameless, fit.encoded.population, fit.grid, fit.encoded.codes.get(SERVICE))
    rounded: Codes = np.full(len(fit.primary), -1, np.int32)
    rounded[nameless] = coarsest_grid(fit.primary[nameless], grids)
    # A rare service has habits of its own, which among all claims would not be worth the telling; and so have houses, of which
    # a region, an owner, a class and a kind together tell most.
    fit.builder.add(Target("rounded_to", rounded, len(grids)), fit.candidates, most=4, first=[SERVICE])
    return grids
