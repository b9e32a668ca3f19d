"""How what is paid follows from what is claimed: by rules, by a price list of its own, or as a share.

The rules: whole, nothing, the price of another severity, or a line. A line (slope, offset) is a deductible, a fixed payment,
or what a ceiling leaves: many different amounts lie on it exactly. Which of all this applies depends on the case and on the
band that the claimed amount falls into.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from claims_sim.profile.builder import Builder
from claims_sim.profile.counting import Codes, Ints, Mask, Population, told_rate
from claims_sim.profile.decided import DECIDED_BY
from claims_sim.profile.document_parts import BY, PERIOD, Bins, PaidMeans, PatientsPart, Tariff
from claims_sim.profile.encode import MONTH, Encoded
from claims_sim.profile.factors import CASE_ALWAYS, CONDITIONS, MAX_CASE_SIZE
from claims_sim.profile.few_amounts import every_payment
from claims_sim.profile.following import SERVICE
from claims_sim.profile.lattice import Lattice
from claims_sim.profile.numbers import Binned, Numbers, bin_numbers, round_share, round_significant
from claims_sim.profile.paid_left import PAID_LEFT, what_is_left
from claims_sim.profile.paid_lines import MIN_AMOUNTS_ON_LINE, MOST_COMMON, Line, find_lines, without_chance_lines
from claims_sim.profile.paid_lists import (
    BESIDE_PRICE,
    BESIDE_PRICES,
    add_paid_prices,
    beside_price,
    find_paid_lists,
    is_on,
    pay_by_lists,
    usual_price,
)
from claims_sim.profile.paid_means import add_paid_residuals, find_paid_means
from claims_sim.profile.paid_rounding import (
    CLAIMED_ON,
    NEAR,
    Habit,
    PaidGrids,
    add_grids,
    add_steps,
    given_about,
    is_exactly,
    kept_by,
    kept_grids,
    kept_steps,
    line_habit,
    payment_step,
    rounding_habit,
)
from claims_sim.profile.patients_part import find_patients_part
from claims_sim.profile.pricing import PriceList, tariff_of
from claims_sim.profile.release import Parent, Target
from claims_sim.profile.rounding import grids_of, is_large, stands_out

SELDOM: Final = 0.01
"""The share of claims that are paid more than they claim under which one whose payment is drawn is no further one, and nothing is paid
of nothing.
"""
FULL, ZERO, FIRST_LEVEL = 0, 1, 2
BY_RULE, BY_SHARE, BY_LEFT = 2, 3, 4
_MANY_SHARES, _SHARE_LEVELS = 100, 12
"""From so many shares on it is told first at which of so many levels one is."""
PAID_KIND: Final = "paid_kind"
PAID_LEVEL: Final = "paid_level"
"""Whether all is paid (FULL), nothing (ZERO), what a rule says, a share, or all but an amount: it is drawn before how much."""
_FEW_SHARES: Final = 8
"""So few shares hide nothing."""
AMOUNT_BAND: Final = "amount_band"
"""A variable of the settlement's own: the band of `paid_bands` that the claimed amount falls into."""
_MOST_SHARED: Final = 100
"""So many amounts at most are paid by name."""
_MIN_SHARED: Final = 0.05
"""The share of what no other rule explains that shared amounts must be."""
_BANDS: Final = 16
_COMMON_SHARE: Final = 0.02
_COMMON_NAME: Final = 0.002
"""The share of all claims that one amount must be paid to, or that must claim one of few steps, for a band to begin where so much is
claimed.
"""
_FEW_DECIMALS, _TELLING = 2, 20
"""Of payments on a coarser step shares of more decimals are told where each is at least so many steps from the next: fewer are met by
chance.
"""


class Settlement(NamedTuple):
    """`at`: the variable whose other values' prices are paid; `lines`: (slope, offset) each; `bands`: their borders;
    `tariffs`: what is paid by lists of its own, `above_claimed`: also where less is claimed; `exact`: amounts by name;
    `means`: where the rest lies, if not by shares in ranges.
    """  # noqa: D205

    at: str | None
    lines: tuple[Line, ...]
    bands: tuple[float, ...]
    tariffs: tuple[Tariff, ...]
    above_claimed: tuple[bool, ...]
    exact: tuple[float, ...]
    means: PaidMeans | None
    patients_part: PatientsPart | None
    rounded_to: PaidGrids = PaidGrids()
    habit: Habit = NEAR
    """How shares become whole steps."""
    payments: tuple[tuple[float, ...], ...] = ()
    """All payments there are in each kind of service, where these are few."""
    step: float | None = None
    """What payments by a rule are rounded to, as the table PAID_TO_STEP says, where that is coarser than what is claimed."""
    keeps: tuple[float, ...] = ()
    """The same where that is the coarsest of these grids that what is claimed lies on."""


class Listed(NamedTuple):
    """The tariffs, if there are any, and what the days of each claim add to its price."""

    lattices: Sequence[Lattice]
    days: Numbers


class Rules(NamedTuple):
    """By which rule each claim is paid; `codes` are those of the table `paid`, -1 where a share is paid or nothing is known."""

    codes: Codes
    ratio: Numbers
    """The share that is paid where no rule says it; else NaN."""
    at: str | None
    lines: tuple[Line, ...]
    own: Sequence[Lattice]
    """The price lists of what is paid; no two price one claim."""
    above_claimed: tuple[bool, ...]
    """For each kind of service: is a price of `own` paid also where less is claimed? Empty: of none."""
    exact: tuple[float, ...]
    """Amounts that are paid whatever is claimed, as many times as a ceiling or a package is."""
    shares_from: int
    """The first code of the shares."""
    patients_part: PatientsPart | None
    step: float
    """What most payments in part are rounded to."""
    keeps: tuple[float, ...]
    """Coarser grids that payments keep where what is claimed lies on them."""
    habit: Habit
    as_paid: Mask
    """Which claims bill just the price of `own` that they are paid, where many do; they have no code."""


NOT_SETTLED: Final = Settlement(None, (), (), (), (), (), None, None)


def find_rules(encoded: Encoded, listed: Listed, grid: float) -> Rules:
    """The rule of each claim, the simplest that gives exactly what is paid."""
    claimed, paid = encoded.claimed, encoded.paid
    assert claimed is not None  # noqa: S101 - the caller has both
    assert paid is not None  # noqa: S101
    known = _says_what_is_paid(claimed, paid, encoded.population)
    unbilled = known & (claimed == 0) & (paid > 0)
    plainly = np.select([claimed == paid, paid == 0], [FULL, ZERO], -1)
    codes: Codes = np.where(known, plainly, -1).astype(np.int32)
    part = known & (codes < 0) & (claimed > 0)
    at, level = _paid_at_other_level(encoded, listed, np.flatnonzero(part))
    first = FIRST_LEVEL
    if at is not None:
        found = np.flatnonzero(level >= 0)
        codes[found] = FIRST_LEVEL + level[found]
        part &= level < 0
        first += len(encoded.vocabularies[at])
    patients_part, number = find_patients_part(claimed, paid, np.flatnonzero(part), encoded.population, grid)
    if patients_part is not None:
        codes[number >= 0] = first + number[number >= 0]
        part &= number < 0
        first += len(patients_part.shares)
    ratio, step, keeps, habit = _shares(claimed, paid, part, known & (codes == FULL), encoded.population, grid)
    # A share that many different amounts are paid is no deductible, though rounding puts it near some lines.
    plain = part & _is_common(ratio, claimed)
    lines, line = find_lines(claimed, paid, np.flatnonzero(part & ~plain), encoded.population, grid, step, habit)
    lines, line = without_chance_lines(lines, line, int(plain.sum()), encoded.population, has_steps=step > grid)
    if habit == NEAR and not plain.any():
        habit = _habit_of_lines(encoded, lines, line, grid, kept_steps(claimed, keeps, step))
    # What is paid whatever is claimed may be one of a list of prices.
    sloped = np.array([slope != 0 for slope, _ in (*lines, (0.0, 0.0))])
    unruled = part & ~sloped[line] & ~_is_common(ratio) | unbilled
    own = find_paid_lists(encoded, paid, unruled)
    above_claimed: tuple[bool, ...] = ()
    as_paid = np.zeros(len(paid), np.bool_)
    if own:
        lines = tuple((slope, offset) for slope, offset in lines if slope != 0)
        line = np.where(sloped, np.cumsum(sloped) - 1, -1)[line].astype(np.int32)
    codes[line >= 0] = first + line[line >= 0]
    part &= line < 0
    first += len(lines)
    if own:
        by_rate, as_paid, above_claimed = pay_by_lists(own, encoded, codes == FULL, grid, is_on(listed.lattices))
        codes[by_rate] = first
        codes[as_paid] = -1
        part &= ~by_rate
        unbilled &= ~by_rate
        first += 1
    exact, number = _shared_amounts(
        paid, np.flatnonzero(part & ~_is_common(ratio) | unbilled), encoded.population, grid
    )
    codes[number >= 0] = first + number[number >= 0]
    part &= number < 0
    first += len(exact)
    ratio[~part] = np.nan
    return Rules(codes, ratio, at, lines, own, above_claimed, exact, first, patients_part, step, keeps, habit, as_paid)


def _shares(
    claimed: Numbers, paid: Numbers, part: Mask, full: Mask, population: Population, grid: float
) -> tuple[Numbers, float, tuple[float, ...], Habit]:
    """Which share of it each claim that is paid in `part` is paid, and how that is rounded; `full` ones are paid all."""
    rows = np.flatnonzero(part)
    step = payment_step(claimed, paid, rows, population, grid)
    keeps = kept_grids(claimed, paid, rows, population, grid) if step == grid else ()
    steps = kept_steps(claimed, keeps, step)
    habit = rounding_habit(claimed, paid, rows, population, grid, steps)
    ratio = np.full(len(claimed), np.nan)
    ratio[part] = plain_ratio(paid[part], claimed[part], grid, steps[part], habit)
    # A few steps of payments tell no share; but others' shares may give just so many.
    open_ = rows[steps[rows] > grid]
    for share in _commonest_shares(ratio, claimed, full, population) if len(open_) else ():
        fits = given_about(claimed[open_] * share, paid, open_, population, grid, steps[open_], habit)
        ratio[open_[fits]] = share
        open_ = open_[~fits]
    return ratio, step, keeps, habit


def _commonest_shares(ratio: Numbers, claimed: Numbers, full: Mask, population: Population) -> list[float]:
    """The shares that recur often enough to be a rule of many amounts and of claims that may be told, commonest first; the whole, too,
    where as many are paid all.
    """  # noqa: D205
    of_claim = np.where(full, 1.0, ratio)
    rows = np.flatnonzero(_is_common(of_claim, claimed))
    shares, ids, counts = np.unique(of_claim[rows], return_inverse=True, return_counts=True)
    told = population.releasable(ids.astype(np.int64), len(shares), rows) if len(rows) else np.zeros(0, np.bool_)
    order = np.argsort(-counts, kind="stable")
    return [float(share) for share in shares[order[told[order]]]]


def _habit_of_lines(encoded: Encoded, lines: Sequence[Line], line: Codes, grid: float, steps: Numbers) -> Habit:
    """How what lines of a share say becomes whole steps, where no share alone tells it."""
    assert encoded.claimed is not None  # noqa: S101 - as above
    assert encoded.paid is not None  # noqa: S101
    slope, offset = np.array([*lines, (1.0, 0.0)])[line].T
    rows = np.flatnonzero((line >= 0) & (slope > 0) & (slope < 1))
    return line_habit(encoded.claimed * slope + offset, encoded.paid, rows, encoded.population, grid, steps)


def _says_what_is_paid(claimed: Numbers, paid: Numbers, population: Population) -> Mask:
    """Which claims say what part of them is paid: none of nothing, where the profile says that more than is claimed is paid seldom."""
    known: Mask = np.isfinite(claimed) & np.isfinite(paid)
    above = told_rate(paid > claimed, known, population)
    if (known & (claimed > 0)).any() and above is not None and above < SELDOM:
        known &= claimed > 0
    return known


def profile_settlement(
    builder: Builder, encoded: Encoded, bins: dict[str, Bins], candidates: Sequence[Parent], of_claimed: Sequence[Parent],
    rules: Rules, grid: float, *, claimed_follows: bool,
) -> Settlement:  # fmt: skip
    """Release the table `paid`: code FULL, ZERO, the values of `at` in turn, the lines, the own list's price where what is
    paid has lists (the table PAID_PRICE says which, as what is claimed does unless that follows it), amounts by name, then shares
    in `bins["paid"]`, last what is left in `bins[PAID_LEFT]`. All may follow the `candidates`, and what no rule says what is known
    `of_claimed` amounts, too.
    """  # noqa: D205
    first = rules.shares_from
    shares = _shares_in_ranges(rules.ratio, encoded.population)
    unruled = _in_ranges(shares)
    means = find_paid_means(builder, encoded, candidates, of_claimed, unruled, grid)
    assert encoded.claimed is not None  # noqa: S101 - as above
    assert encoded.paid is not None  # noqa: S101
    left = what_is_left(encoded, unruled if means is None else unruled[:0], grid)
    if left.bins.lo:
        shares = _shares_in_ranges(np.where(left.codes >= 0, np.nan, rules.ratio), encoded.population)
        unruled = np.union1d(_in_ranges(shares), _in_ranges(left))
    by_rule = np.setdiff1d(np.flatnonzero((shares.codes >= 0) | _is_on_line(rules)), unruled)
    rounding, rounded_to, has_steps = _add_rounding(builder, encoded, candidates, rules, (by_rule, unruled), grid)
    if means is not None:
        shares = _with_one_range(shares)
    codes: Codes = np.where(shares.codes >= 0, shares.codes + first, rules.codes).astype(np.int32)
    bins["paid"] = Bins(
        lo=(1.0, 0.0, *[1.0] * (first - 2), *shares.bins.lo), hi=(1.0, 0.0, *[1.0] * (first - 2), *shares.bins.hi)
    )
    all_shares = first + len(shares.bins.lo)
    if left.bins.lo:
        codes[left.codes >= 0] = all_shares + left.codes[left.codes >= 0]
        bins[PAID_LEFT] = left.bins
    known = np.isfinite(encoded.claimed) & np.isfinite(encoded.paid)
    payments = every_payment(encoded)
    bands = _bands_of_claimed(encoded, rules, shares, known, grid, payments, always=bool(left.bins.lo))
    others = list(rounding)
    if bands:
        band: Codes = np.where(known, np.searchsorted(bands, encoded.claimed), -1).astype(np.int32)
        builder.variables[AMOUNT_BAND] = (band, len(bands) + 1)
        others += builder.candidates([AMOUNT_BAND])
    if rules.own:
        price = usual_price(rules.own, encoded.rows)
        beside: Codes = np.where(known, beside_price(encoded.claimed, price, grid), -1).astype(np.int32)
        builder.variables[BESIDE_PRICE] = (beside, BESIDE_PRICES)
        others += builder.candidates([BESIDE_PRICE])
        add_paid_prices(builder, rules.own, encoded, candidates if claimed_follows else others)
    _add_kind(builder, codes, first, all_shares if left.bins.lo else None, others)
    target = Target("paid", codes, all_shares + len(left.bins.lo))
    if len(shares.bins.lo) >= _MANY_SHARES:
        _add_level(builder, codes, encoded.paid[known] / np.maximum(encoded.claimed[known], grid), known, others)
    before = builder.candidates([PAID_KIND, PAID_LEVEL])
    # What is paid is no more than what is claimed, as its band says.
    builder.add(target, [*others, *before], first=[PAID_KIND, PAID_LEVEL], in_order=True)
    if means is not None:
        unruled = np.flatnonzero(codes == all_shares - 1)
        add_paid_residuals(builder, encoded, bins, [*others, *of_claimed], means, unruled)
    tariffs = tuple(tariff_of(own, grid) for own in rules.own)
    return Settlement(
        rules.at,
        rules.lines,
        bands,
        tariffs,
        rules.above_claimed,
        rules.exact,
        means,
        rules.patients_part,
        rounded_to,
        rules.habit,
        payments,
        rules.step if has_steps and not rules.keeps else None,
        rules.keeps,
    )


def _add_rounding(
    builder: Builder,
    encoded: Encoded,
    candidates: Sequence[Parent],
    rules: Rules,
    those: tuple[Ints, Ints],
    grid: float,
) -> tuple[list[Parent], PaidGrids, bool]:
    """Release how what is paid to `those` by a rule, and by none, is rounded: what else payments may follow then, on which grids what no
    rule says lies, and whether what a rule says has steps of its own.
    """  # noqa: D205
    assert encoded.claimed is not None  # noqa: S101 - as above
    by_rule, unruled = those
    rounding = list(candidates)
    if rules.keeps:
        builder.variables[CLAIMED_ON] = (kept_by(encoded.claimed, rules.keeps), len(rules.keeps) + 1)
        rounding += builder.candidates([CLAIMED_ON])
    rounded_to = add_grids(builder, encoded, rounding, unruled, grid)
    steps = kept_steps(encoded.claimed, rules.keeps, rules.step)
    has_steps = add_steps(builder, encoded, rounding, by_rule, grid, steps)
    if has_steps and not rules.keeps:
        # Of whom payments are whole, who bills parts is paid no part in full.
        builder.variables[CLAIMED_ON] = (kept_by(encoded.claimed, (rules.step,)), 2)
        rounding += builder.candidates([CLAIMED_ON])
    return rounding, rounded_to, has_steps


def _shares_in_ranges(ratio: Numbers, population: Population) -> Binned:
    return bin_numbers(ratio, population, most=60, most_single=400, rounded=round_share)


def _bands_of_claimed(
    encoded: Encoded,
    rules: Rules,
    shares: Binned,
    known: Mask,
    grid: float,
    payments: Sequence[Sequence[float]],
    *,
    always: bool,
) -> tuple[float, ...]:
    """Borders of the bands of claimed amounts; none where all is paid, or nothing, unless there are `always` some."""
    assert encoded.claimed is not None  # noqa: S101 - as above
    of_part = () if rules.patients_part is None else tuple((1 - share, 0.0) for share in rules.patients_part.shares)
    usual = [
        (1.0, 0.0),
        (0.0, 0.0),
        *of_part,
        *rules.lines[:MOST_COMMON],
        *_common_shares(shares.codes, shares.bins, int(known.sum())),
    ]
    service = encoded.codes.get(SERVICE, np.zeros(encoded.rows, np.int32))
    paid_few = np.array([*map(bool, payments), False])[np.minimum(service, len(payments))]
    few_steps = _few_steps(encoded.claimed, known, encoded.population, grid, paid_few)
    named = [*_common_amounts(rules, int(known.sum())), *few_steps]
    return (
        _bands(encoded.claimed[known], usual, named, encoded.population.k) if len(usual) > 2 or named or always else ()
    )


def _is_on_line(rules: Rules) -> Mask:
    """Which claims are paid by a line that rises."""
    first = rules.shares_from - len(rules.exact) - bool(rules.own) - len(rules.lines)
    rising = first + np.flatnonzero([slope != 0 for slope, _ in rules.lines])
    return np.isin(rules.codes, rising)


def _add_kind(builder: Builder, codes: Codes, first: int, first_left: int | None, candidates: Sequence[Parent]) -> None:
    """First whether all is paid, nothing, what a rule says, a share or all but an amount (from the code `first_left` on), as the month,
    the case and the amount may say of each other kind; then which. Shares are hundreds, and would make what tells these kinds apart
    seem to tell nothing.
    """  # noqa: D205
    kind: Codes = np.where(codes < first, np.minimum(codes, BY_RULE), BY_SHARE).astype(np.int32)
    if first_left is not None:
        kind[codes >= first_left] = BY_LEFT
    size = BY_SHARE + 1 if first_left is None else BY_LEFT + 1
    if int(codes.max(initial=0)) < first + _FEW_SHARES or len(np.unique(kind[kind >= 0])) < 2:
        return
    builder.add(Target(PAID_KIND, kind, size), candidates)
    builder.variables[PAID_KIND] = (kind, size)


def _add_level(builder: Builder, codes: Codes, share: Numbers, known: Mask, candidates: Sequence[Parent]) -> None:
    """Then about how large a share is paid, where hundreds of shares are: which it is follows from where and when, and so few claims of
    each place have each that by themselves these would leave no room for what tells how large it is.
    """  # noqa: D205
    if PAID_KIND not in builder.variables:
        return
    part = codes[known] >= FIRST_LEVEL
    edges = np.unique(np.quantile(share[part], np.linspace(0, 1, _SHARE_LEVELS + 1)[1:-1]))
    level: Codes = np.full(len(codes), -1, np.int32)
    level[known] = np.where(part, np.searchsorted(edges, share), -1)
    kind = builder.candidates([PAID_KIND])
    builder.add(Target(PAID_LEVEL, level, len(edges) + 1), [*candidates, *kind], first=[PAID_KIND])
    # All and nothing have a level of their own.
    level[known] = np.where(part, level[known], len(edges) + 1)
    level[codes < 0] = -1
    builder.variables[PAID_LEVEL] = (level, len(edges) + 2)


def _in_ranges(shares: Binned) -> Ints:
    """The rows whose share is no value of its own."""
    single = np.array(shares.bins.lo) == np.array(shares.bins.hi)
    return np.flatnonzero((shares.codes >= 0) & ~np.append(single, True)[shares.codes])


def _with_one_range(shares: Binned) -> Binned:
    """The shares that are values of their own, and one code for all others."""
    own = int((np.array(shares.bins.lo) == np.array(shares.bins.hi)).sum())
    bins = Bins(lo=(*shares.bins.lo[:own], 1.0), hi=(*shares.bins.hi[:own], 1.0))
    return Binned(np.minimum(shares.codes, own).astype(np.int32), bins)


def plain_ratio(paid: Numbers, claimed: Numbers, grid: float, step: Numbers, habit: Habit = NEAR) -> Numbers:
    """The share that is paid, with as few decimals, four at most, as give exactly what is paid on the grid or the step; else unrounded.

    Where payments are on a step of their own, decimals that would give about any amount are not tried.
    """
    ratio, on_the_grid = paid / claimed, habit if bool((step == grid).all()) else NEAR
    for decimals in (4, 3, 2):
        plain = np.round(paid / claimed, decimals)
        apart = claimed * 10.0**-decimals
        tells = (decimals <= _FEW_DECIMALS) | (step == grid) | (apart >= _TELLING * grid)
        on_grid = tells & is_exactly(claimed * plain, paid, grid, grid, on_the_grid)
        on_step = is_exactly(claimed * plain, paid, step, grid, habit) & (apart >= _TELLING * step)
        ratio = np.where(on_grid | on_step, plain, ratio)
    return np.asarray(ratio)


def _is_common(ratio: Numbers, claimed: Numbers | None = None) -> Mask:
    """Which claims are paid a share that recurs often enough to be a rule; of `claimed`, of many different amounts."""
    shares, ids, counts = np.unique(ratio, return_inverse=True, return_counts=True)
    common = (counts > _COMMON_SHARE * len(ratio)) & np.isfinite(shares)
    if claimed is not None:
        for share in np.flatnonzero(common):
            common[share] = len(np.unique(claimed[ids == share])) >= MIN_AMOUNTS_ON_LINE
    return np.asarray(common[ids])


def _shared_amounts(paid: Numbers, rows: Ints, population: Population, grid: float) -> tuple[tuple[float, ...], Codes]:
    """Amounts that are paid to enough of `rows`, in order, and which of them each row has; none, where they explain little or are many."""
    number: Codes = np.full(len(paid), -1, np.int32)
    distinct, ids = np.unique(paid[rows], return_inverse=True)
    counts = np.bincount(ids, minlength=len(distinct))
    shared = population.releasable(ids.astype(np.int64), len(distinct), rows)
    shared &= stands_out(distinct, counts, grids_of(paid, rows, population, grid))
    # Of hundreds it would have to be told of each whose it is, as a price list does, and cannot.
    if int(shared.sum()) > _MOST_SHARED or int(counts[shared].sum()) < _MIN_SHARED * len(rows):
        return (), number
    number[rows] = np.where(shared, np.cumsum(shared) - 1, -1)[ids]
    return tuple(distinct[shared].tolist()), number


def _common_amounts(rules: Rules, rows: int) -> list[float]:
    """The amounts that are paid by name so often that who claims more is another case; at most a dozen."""
    first = rules.shares_from - len(rules.exact)
    named = rules.codes[(rules.codes >= first) & (rules.codes < rules.shares_from)] - first
    counts = np.bincount(named, minlength=len(rules.exact))
    return [rules.exact[i] for i in np.argsort(-counts, kind="stable")[:MOST_COMMON] if counts[i] > _COMMON_NAME * rows]


def _few_steps(claimed: Numbers, known: Mask, population: Population, grid: float, paid_few: Mask) -> list[float]:
    """The amounts of few steps of the grid that are claimed often, or of any size where most who claim them are `paid_few` amounts, and
    those a step below them: each such amount has payments of its own, whatever share they follow from.
    """  # noqa: D205
    rows = np.flatnonzero(known)
    amounts, ids = np.unique(claimed[rows], return_inverse=True)
    own = (
        (amounts > 0)
        & ((2 * np.bincount(ids, paid_few[rows], len(amounts)) > np.bincount(ids)) | ~is_large(amounts, grid))
        & population.releasable(ids.astype(np.int64), len(amounts), rows)
    )
    own &= np.bincount(ids, minlength=len(amounts)) > _COMMON_NAME * len(rows)
    return [float(edge) for edge in np.unique(np.round(np.r_[amounts[own], amounts[own] - grid], 2))]


def _common_shares(codes: Codes, bins: Bins, rows: int) -> list[Line]:
    """Shares that recur often enough to be a rule, as lines through nothing."""
    counts = np.bincount(codes[codes >= 0], minlength=len(bins.lo))
    return [
        (low, 0.0)
        for low, high, count in zip(bins.lo, bins.hi, counts, strict=True)
        if low == high and count > _COMMON_SHARE * rows
    ]


def _bands(claimed: Numbers, lines: Sequence[Line], named: Sequence[float], k: int) -> tuple[float, ...]:
    """Borders of bands of claimed amounts: where two of the rules cross, at the `named` amounts that are paid, and else about equal
    numbers of claims.
    """  # noqa: D205
    count = min(_BANDS, len(claimed) // (2 * k))
    if count < 2:
        return ()
    edges = np.unique([round_significant(q, 3) for q in np.quantile(claimed, np.linspace(0, 1, count + 1)[1:-1])])
    low, high = np.quantile(claimed, [0.01, 0.99])
    crossings = {
        round((a - b) / (steep - flat), 2)
        for i, (flat, a) in enumerate(lines)
        for steep, b in lines[i + 1 :]
        if steep != flat
    }
    inside = np.array(sorted(x for x in crossings.union(named) if low < x < high))
    if not len(inside):
        return tuple(edges.tolist())
    near = np.abs(edges[:, None] / inside[None] - 1).min(1) < 0.1
    return tuple(np.unique(np.r_[edges[~near], inside]).tolist())


def _paid_at_other_level(encoded: Encoded, listed: Listed, rows: Ints) -> tuple[str | None, Codes]:
    """Rows that are paid their tariff's price at another value of a variable of the case (a lower severity).

    Of hundreds of case groups some other has about any price.
    """
    levels: dict[str, Codes] = {}
    for lattice in listed.lattices:
        on = rows[lattice.point[rows] >= 0]
        others = (n for n in lattice.case_names if n not in (*CASE_ALWAYS, *CONDITIONS, DECIDED_BY, PERIOD))
        for name in (n for n in others if len(encoded.vocabularies[n]) <= MAX_CASE_SIZE):
            level = levels.setdefault(name, np.full(encoded.rows, -1, np.int32))
            _set_paid_level(level, encoded, lattice, listed.days, on, name)
    counts = {name: int((level >= 0).sum()) for name, level in levels.items()}
    best = max(counts, key=lambda name: counts[name], default="")
    some = sum(int((lattice.point[rows] >= 0).sum()) for lattice in listed.lattices)
    if counts.get(best, 0) <= max(0.05 * some, 5 * encoded.population.k):
        return None, np.full(encoded.rows, -1, np.int32)
    return best, levels[best]


def _set_paid_level(level: Codes, encoded: Encoded, lattice: Lattice, days: Numbers, rows: Ints, name: str) -> None:
    """Set the value of the variable `name` at whose price each of `rows` is paid, where that is another than its own."""
    assert encoded.paid is not None  # noqa: S101 - the caller has it
    price_list = PriceList.of_lattice(lattice)
    # At another value of a place prices have its rises, which follow from it and the month.
    priced = {n: codes[rows] for n, codes in lattice.codes.items() if n != BY + name}
    if MONTH in encoded.codes:
        priced[MONTH] = encoded.codes[MONTH][rows]
    for value in range(len(encoded.vocabularies[name])):
        given = priced | {name: np.full(len(rows), value, np.int32)}
        logs = price_list.logs(given, lattice.point[rows], strict=True)
        price = lattice.priced(np.nan_to_num(logs), lattice.level[rows])
        hit = (
            np.isfinite(logs)
            & (np.abs(price + days[rows] - encoded.paid[rows]) < 0.5 * lattice.grid)
            & (priced[name] != value)
        )
        level[rows[hit]] = value
