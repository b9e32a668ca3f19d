"""By which rule each claim is paid, the simplest that gives exactly what is paid; and the share of those that no rule pays."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from claims_sim.profile.counts.counting import Codes, Ints, Mask, Population, distinct_values, told_rate
from claims_sim.profile.counts.numbers import Numbers
from claims_sim.profile.document_parts import BY, PERIOD, PatientsPart
from claims_sim.profile.encoding.encode import MONTH, Encoded
from claims_sim.profile.paid.paid_lines import MIN_AMOUNTS_ON_LINE, Line, find_lines, without_chance_lines
from claims_sim.profile.paid.paid_lists import find_paid_lists, is_on, pay_by_lists
from claims_sim.profile.paid.paid_rounding import (
    NEAR,
    Habit,
    given_about,
    is_exactly,
    kept_grids,
    kept_steps,
    line_habit,
    payment_step,
    rounding_habit,
)
from claims_sim.profile.paid.patients_part import find_patients_part
from claims_sim.profile.prices.decided import DECIDED_BY
from claims_sim.profile.prices.factors import CASE_ALWAYS, CONDITIONS, MAX_CASE_SIZE
from claims_sim.profile.prices.following import SERVICE
from claims_sim.profile.prices.lattice import Lattice
from claims_sim.profile.prices.pricing import PriceList
from claims_sim.profile.prices.rounding import grids_of, stands_out

SELDOM: Final = 0.01
"""The share of claims that are paid more than they claim under which one whose payment is drawn is no further one, and nothing is paid
of nothing.
"""
FULL, ZERO, FIRST_LEVEL = 0, 1, 2
"""The first codes of `Rules`: all is paid, nothing, and what comes after."""
_MOST_SHARED: Final = 100
"""So many amounts at most are paid by name in one kind of service."""
_MIN_SHARED: Final = 0.05
"""The share of what no other rule explains that shared amounts must be."""
COMMON_SHARE: Final = 0.02
"""The share of all claims that must be paid one share for it to be a rule."""
_NO_CHANCE: Final = 2
"""So many times k claims must be paid an amount that is sought among those of one kind of service, or is one of hundreds."""
_FEW_DECIMALS, _TELLING = 2, 20
"""Of payments on a coarser step shares of more decimals are told where each is at least so many steps from the next: fewer are met by
chance.
"""


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
    exact, number = _shared_amounts(encoded, paid, np.flatnonzero(part & ~_is_common(ratio) | unbilled), grid)
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
    common = (counts > COMMON_SHARE * len(ratio)) & np.isfinite(shares)
    if claimed is not None:
        for share in np.flatnonzero(common):
            common[share] = len(np.unique(claimed[ids == share])) >= MIN_AMOUNTS_ON_LINE
    return np.asarray(common[ids])


def _shared_amounts(encoded: Encoded, paid: Numbers, rows: Ints, grid: float) -> tuple[tuple[float, ...], Codes]:
    """Amounts that are paid to enough of `rows` or of those of one kind of service, in order, and which of them each row has there."""
    service = encoded.codes.get(SERVICE, np.full(encoded.rows, -1, np.int32))[rows]
    shared = np.zeros(len(rows), np.bool_)
    kinds = [np.flatnonzero(service == kind) for kind in np.unique(service)]
    for some in [np.arange(len(rows)), *(kinds if len(kinds) > 1 else [])]:
        shared[some] |= _are_shared(paid, rows[some], encoded.population, grid, len(rows))
    number: Codes = np.full(len(paid), -1, np.int32)
    distinct, ids = distinct_values(paid[rows[shared]])
    number[rows[shared]] = ids
    return tuple(distinct.tolist()), number


def _are_shared(paid: Numbers, rows: Ints, population: Population, grid: float, of_all: int) -> Mask:
    """Which of `rows` are paid an amount that enough of them are, of hundreds one of the commonest; none, where such explain little."""
    distinct, ids = distinct_values(paid[rows])
    counts = np.bincount(ids, minlength=len(distinct))
    shared = population.releasable(ids.astype(np.int64), len(distinct), rows)
    shared &= stands_out(distinct, counts, grids_of(paid, rows, population, grid), of_all)
    if len(rows) < of_all or int(shared.sum()) > _MOST_SHARED:
        # Of many amounts that few claims have, some are commoner than those beside them by chance.
        shared &= counts >= _NO_CHANCE * population.k
    if int(shared.sum()) > _MOST_SHARED:
        votes = np.where(shared, population.weights(ids.astype(np.int64), len(distinct), rows), 0.0)
        shared &= np.isin(np.arange(len(distinct)), np.argsort(-votes, kind="stable")[:_MOST_SHARED])
    explained: Mask = shared[ids]
    return explained if explained.sum() >= _MIN_SHARED * len(rows) else np.zeros(len(rows), np.bool_)


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
