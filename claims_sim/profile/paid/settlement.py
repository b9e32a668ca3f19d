"""How what is paid follows from what is claimed: by rules, by a price list of its own, or as a share.

The rules: whole, nothing, the price of another severity, or a line. A line (slope, offset) is a deductible, a fixed payment,
or what a ceiling leaves: many different amounts lie on it exactly. Which of all this applies depends on the case and on the
band that the claimed amount falls into.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from claims_sim.profile.counts.builder import Builder
from claims_sim.profile.counts.counting import Codes, Ints, Mask, Population
from claims_sim.profile.counts.numbers import Binned, Numbers, bin_numbers, round_share
from claims_sim.profile.counts.release import Parent, Target
from claims_sim.profile.document_parts import Bins, PaidMeans, PatientsPart, Tariff
from claims_sim.profile.encoding.encode import Encoded
from claims_sim.profile.paid.paid_bands import bands_of_claimed
from claims_sim.profile.paid.paid_left import PAID_LEFT, what_is_left
from claims_sim.profile.paid.paid_lines import Line
from claims_sim.profile.paid.paid_lists import BESIDE_PRICE, BESIDE_PRICES, add_paid_prices, beside_price, usual_price
from claims_sim.profile.paid.paid_means import add_paid_residuals, find_paid_means
from claims_sim.profile.paid.paid_rounding import (
    CLAIMED_ON,
    NEAR,
    Habit,
    PaidGrids,
    add_grids,
    add_steps,
    kept_by,
    kept_steps,
)
from claims_sim.profile.paid.paid_rules import FIRST_LEVEL, Rules
from claims_sim.profile.prices.few_amounts import every_payment
from claims_sim.profile.prices.pricing import tariff_of

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


NOT_SETTLED: Final = Settlement(None, (), (), (), (), (), None, None)


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
    means, about = find_paid_means(builder, encoded, candidates, of_claimed, unruled, grid)
    assert encoded.claimed is not None  # noqa: S101 - the caller has both
    assert encoded.paid is not None  # noqa: S101
    left = what_is_left(encoded, unruled if means is None else unruled[:0], grid)
    by_share = rules.ratio.copy()
    by_share[left.codes >= 0] = np.nan
    by_share[about] = np.nan
    if left.bins.lo or means is not None:
        shares = _shares_in_ranges(by_share, encoded.population)
        unruled = np.union1d(about, np.union1d(_in_ranges(shares), _in_ranges(left)))
    if means is not None:
        shares = _with_one_range(shares, about)
    by_rule = np.setdiff1d(np.flatnonzero((shares.codes >= 0) | _is_on_line(rules)), unruled)
    rounding, rounded_to, has_steps = _add_rounding(builder, encoded, candidates, rules, (by_rule, unruled), grid)
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
    bands = bands_of_claimed(encoded, rules, shares, known, grid, payments, always=bool(left.bins.lo))
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
        add_paid_residuals(builder, encoded, bins, [*others, *of_claimed], means, about)
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


def _with_one_range(shares: Binned, rows: Ints) -> Binned:
    """The `shares`, and one code for all of `rows`, which have none of these."""
    codes = shares.codes.copy()
    codes[rows] = len(shares.bins.lo)
    return Binned(codes, Bins(lo=(*shares.bins.lo, 1.0), hi=(*shares.bins.hi, 1.0)))
