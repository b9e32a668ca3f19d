"""Which claims of a price list may well have one of their own: those that are priced by the day, where others are priced by the case;
and those whose prices change in other months. Sees codes, stays, months and amounts.
"""  # noqa: D205

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from claims_sim.profile.counts.counting import Codes, Ints, Mask, Population
from claims_sim.profile.encoding.encode import Encoded
from claims_sim.profile.prices.claim_pairs import alike, equal_when_moved
from claims_sim.profile.prices.daily import STAY, log_days
from claims_sim.profile.prices.decided import DECIDED_BY, DIAGNOSIS, PROCEDURE
from claims_sim.profile.prices.factors import CASE_ALWAYS, CONDITIONS, FACTOR_CANDIDATES, MAX_CASE_SIZE
from claims_sim.profile.prices.lattice import Amounts, Lattice
from claims_sim.profile.prices.price_cases import CASE_GROUP, as_steps
from claims_sim.profile.prices.price_periods import changes_of, find_periods

_CODES: Final = (DECIDED_BY, PROCEDURE, CASE_GROUP, DIAGNOSIS)
"""What may tell the kinds apart: the columns by whose codes a list may have its prices."""
_SOME: Final = 0.02
"""The share of a list's claims that a kind must be, for it to have a list of its own."""
_CLEARLY: Final = 4
"""So many times as many pairs of a code's claims must be equal by the day as are by the case, or the other way."""
_BEGINS: Final = 2
"""Characters by which codes begin alike: M and the speciality's letter, the first digits of a chapter."""
_FEWEST: Final = 300
"""With fewer claims a code's months of change are not looked for."""
_MOST_KINDS: Final = 3


class Kinds(NamedTuple):
    """Kinds of claims (no claim is of two) and the column whose codes tell them apart; none where all are of one kind."""

    column: str
    claims: Sequence[Mask]


ONE_KIND: Final = Kinds("", ())


def priced_by_day(found: Lattice, encoded: Encoded, amounts: Amounts, rows: Ints) -> Kinds:
    """The claims of a list with codes whose amounts are so many times the price of a day, and all others, by `rows` that show it.

    Of two claims that are alike but for their stays either the amounts are equal or what they are by the day is. A code is of a kind by
    as many persons' claims as may be told, with longer stays and with shorter ones.
    """
    if STAY not in encoded.codes or not len(rows):
        return ONE_KIND
    key = alike(encoded, [n for n in (*CASE_ALWAYS, *CONDITIONS, *FACTOR_CANDIDATES) if n in encoded.codes], rows)
    logs = amounts.logs[rows]
    by_day = logs - log_days()[encoded.codes[STAY][rows]]
    most, kinds = 0, ONE_KIND
    for name, size in _columns(found):
        code = found.codes[name][rows]
        moved = equal_when_moved(key * (size + 1) + code + 1, logs, by_day, amounts.tolerance[rows])
        by_case, daily = (
            np.minimum(*(_persons_of_each(encoded.population, code[places], size, rows[places]) for places in pairs))
            for pairs in (moved.were, moved.are)
        )
        is_daily, is_by_case = daily > _CLEARLY * by_case, by_case > _CLEARLY * daily
        told = int(daily[is_daily].sum() + by_case[is_by_case].sum())
        claims = np.bincount(code + 1, minlength=size + 1)[1:]
        if told > most and min(claims[kind].sum() for kind in (is_daily, is_by_case)) > _SOME * len(rows):
            # A code that says nothing itself is as those that may be told and begin alike.
            begin = _beginnings(name, found, encoded)
            of_begin = (
                np.bincount(begin, np.where(kind, of, 0)) for kind, of in ((is_daily, daily), (is_by_case, by_case))
            )
            days_begin, case_begins = (of[begin] for of in of_begin)
            is_daily |= (daily + by_case == 0) & (days_begin > _CLEARLY * case_begins)
            is_of_days = np.append(is_daily, False)[found.codes[name]]
            most, kinds = told, Kinds(name, (is_of_days, ~is_of_days))
    return kinds


def _beginnings(column: str, found: Lattice, encoded: Encoded) -> Ints:
    """The number of what each code of a column begins with."""
    if column == DECIDED_BY and found.decisive is not None:
        diagnoses, procedures = (encoded.vocabularies[name] for name in (DIAGNOSIS, PROCEDURE))
        groups = max(found.decisive.groups, default=0) + 1
        of_procedures = [f" {code}"[: _BEGINS + 1] for code in procedures]
        begin = [*(f"{code}"[:_BEGINS] for code in diagnoses), *of_procedures * groups]
    else:
        begin = [f"{code}"[:_BEGINS] for code in encoded.vocabularies[column]]
    return np.unique(begin, return_inverse=True)[1]


def _persons_of_each(population: Population, code: Codes | Ints, size: int, rows: Ints) -> Ints:
    """How many persons (claims, without a key of them) `rows` of each code are of, where these may be told; else 0."""
    known = np.flatnonzero(code >= 0)
    code, rows = code[known].astype(np.int64), rows[known]
    return np.where(population.releasable(code, size, rows), population.bearers(code, size, rows), 0)


def changed_apart(found: Lattice, encoded: Encoded, amounts: Amounts, rows: Ints) -> Kinds:
    """Claims with codes whose prices change in other months than those of the list, each kind of its own months, and all others, by `rows`
    that show it: told by the column by whose codes most claims are apart.
    """  # noqa: D205
    rows = rows[found.case[rows] >= 0]
    price = as_steps(amounts.logs[rows] - found.place_log(rows), amounts.tolerance[rows])
    most, kinds = 0, ONE_KIND
    for column, _ in _columns(found):
        apart = _apart(found.codes[column][rows], price, rows, encoded, changes_of(found.periods))
        if (many := sum(claims for claims, _ in apart)) > most:
            masks = [np.isin(found.codes[column], codes) for _, codes in apart]
            most, kinds = many, Kinds(column, (*masks, ~np.any(masks, axis=0)))
    return kinds


def _apart(
    code: Codes, price: Ints, rows: Ints, encoded: Encoded, usual: Sequence[int]
) -> list[tuple[int, Sequence[int]]]:
    """The codes whose prices change in other months than the `usual` ones, by their months, most first; with how many claims they have."""
    order, claims = np.argsort(code, kind="stable"), np.bincount(code)
    alike: dict[tuple[int, ...], list[int]] = {}
    for one, own in enumerate(np.split(order, np.cumsum(claims)[:-1])):
        changes = changes_of(find_periods(encoded, price[own], rows[own])) if len(own) >= _FEWEST else ()
        if not set(changes) <= set(usual):
            alike.setdefault(changes, []).append(one)
    each = sorted(((int(claims[codes].sum()), codes) for codes in alike.values()), reverse=True)
    return [(many, codes) for many, codes in each[:_MOST_KINDS] if many > _SOME * len(rows)]


def _columns(found: Lattice) -> list[tuple[str, int]]:
    """The columns by whose codes a list has its prices, each with how many there are; a severity of a few levels is none."""
    sizes = zip(found.case_names, found.case_sizes, strict=True)
    return [(name, size) for name, size in sizes if name in _CODES and (name != CASE_GROUP or size > MAX_CASE_SIZE)]
