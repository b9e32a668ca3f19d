"""Which columns of a foreign table are admission, discharge, stay, severity and what was not paid, by how they fit each other.

Looks at shares of a sample, never at a row.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import permutations
from typing import Final

import duckdb

from claims_sim.profile.reading.source_columns import Located
from claims_sim.profile.reading.source_sql import (
    commas_are_points,
    date_expression,
    money_expression,
    text_expression,
    value_expression,
)

_MOST_DATES, _MOST_WHOLES = 6, 12
_FITS: Final = 0.95
_FITS_OTHERS: Final = 0.8
"""The same among rows that do not have the commonest number of days: visits that end on their day fit any column of zeros."""
_CENT: Final = 0.011
_FIT_EITHER_WAY: Final = f"avg((abs(c - p - g) <= {_CENT})::INT), avg((abs(p - c - g) <= {_CENT})::INT)"
_SOME: Final = 0.01
"""A difference that hardly any row has tells nothing of what it is one of."""
_MOST: Final = 0.5
"""So many rows must have three amounts for one to be what the others leave."""
_LONGEST_STAY: Final = 366
_STAYS: Final = 0.02
"""The share of claims with a night from which two dates may be those of a stay."""
_WAYS: Final = {"the days": "d", "the days and one": "d + 1", "the days, one at least": "greatest(d, 1)"}


@dataclass(frozen=True, slots=True)
class StayColumns:
    """The columns of dates and of small whole numbers, by their names, in the order of the table."""

    dates: Mapping[str, Located]
    wholes: Mapping[str, Located]


def find_stay(connection: duckdb.DuckDBPyConnection, columns: StayColumns) -> dict[str, tuple[str, str]]:
    """For `admit_dt`, `discharge_dt` and `los`: their column and the reason; empty where no three columns fit each other.

    A stay fits two dates where it is the days between them in nearly all rows, counted in one of the usual ways.
    `connection` holds the sample as `looked_at`.
    """
    best: tuple[float, dict[str, tuple[str, str]]] = (_FITS, {})
    dates, wholes = list(columns.dates)[:_MOST_DATES], list(columns.wholes)[:_MOST_WHOLES]
    for first, last in permutations(dates, 2):
        days = f"date_diff('day', {date_expression(columns.dates[first])}, {date_expression(columns.dates[last])})"
        is_it = [
            f"(TRY_CAST({text_expression(columns.wholes[name])} AS DOUBLE) = {way})::INT"
            for name in wholes
            for way in _WAYS.values()
        ]
        if not is_it:
            continue
        fits = (
            f"CASE WHEN avg({fit}) FILTER (d <> commonest) >= {_FITS_OTHERS} THEN avg({fit}) ELSE 0 END"
            for fit in is_it
        )
        row = connection.execute(
            f"SELECT count(DISTINCT d) > 2 AND avg((d > 0)::INT) > {_STAYS}, {', '.join(fits)} "
            f"FROM (SELECT *, mode(d) OVER () AS commonest FROM (SELECT *, {days} AS d FROM looked_at))"
        ).fetchone() or (False,)
        ways = [(name, way) for name in wholes for way in _WAYS]
        share, (name, way) = max(zip(row[1:], ways, strict=True), default=(0.0, ("", "")))
        if row[0] and share > best[0]:
            why = f"{share:.0%} of {name} is {way} from {first} to {last}"
            best = (share, {"admit_dt": (first, why), "discharge_dt": (last, why), "los": (name, why)})
    return best[1]


def find_days(connection: duckdb.DuckDBPyConnection, dates: Mapping[str, Located]) -> dict[str, tuple[str, str]]:
    """For `admit_dt` and `discharge_dt` the only two of the `dates` of which one is never before the other, nor a year behind it.

    Empty where no two are so, or others are too: they may be days of anything. `connection` holds the sample as `looked_at`.
    """
    found = []
    for first, last in permutations(list(dates)[:_MOST_DATES], 2):
        days = f"date_diff('day', {date_expression(dates[first])}, {date_expression(dates[last])})"
        row = connection.execute(
            f"SELECT count(DISTINCT d) > 2 AND avg((d > 0)::INT) > {_STAYS} AND min(d) >= 0 AND max(d) <= {_LONGEST_STAY} "
            f"FROM (SELECT {days} AS d FROM looked_at)"
        ).fetchone()
        if row and row[0]:
            found.append((first, last))
    if len(found) != 1:
        return {}
    first, last = found[0]
    why = f"{last} is never before {first}, nor a year behind it"
    return {"admit_dt": (first, why), "discharge_dt": (last, why)}


def says_level(connection: duckdb.DuckDBPyConnection, group: Located, level: Located) -> bool:
    """Is a column the severity that the codes of case groups in another end in, in nearly all rows that have both?"""
    ends = value_expression("severity_group", group)
    told = text_expression(level)
    numbers = f"CASE {ends} WHEN 'I' THEN '1' WHEN 'II' THEN '2' WHEN 'III' THEN '3' ELSE {ends} END"
    row = connection.execute(
        f"SELECT count(DISTINCT {told}) > 1 AND avg(({told} IN ({ends}, {numbers}))::INT) >= {_FITS} FROM looked_at"
    ).fetchone()
    return bool(row and row[0])


def _amounts(*columns: Located) -> Iterator[str]:
    """The columns as amounts, of `looked_at`."""
    comma = commas_are_points([text_expression(column) for column in columns], "looked_at")
    return (money_expression(text_expression(column), comma=comma) for column in columns)


def leaves(connection: duckdb.DuckDBPyConnection, claimed: Located, paid: Located, gap: Located) -> bool:
    """Is a column what is claimed less what is paid, or the other way round, in nearly all rows in which anything is left or it says so,
    and often not nothing, where most rows have the three? Not where it is what is paid, too: half of all may be.
    """  # noqa: D205
    c, p, g = _amounts(claimed, paid, gap)
    some = "FILTER (c <> p OR g <> 0)"
    left, right, same = (f"avg((abs({one}) <= {_CENT})::INT) {some}" for one in ("c - p - g", "p - c - g", "g - p"))
    row = connection.execute(
        f"SELECT coalesce(avg((g <> 0)::INT) > {_SOME} AND avg((c - p - g IS NOT NULL)::INT) > {_MOST} "
        f"AND {same} < {_FITS} AND greatest({left}, {right}) >= {_FITS}, false) "
        f"FROM (SELECT {c} AS c, {p} AS p, {g} AS g FROM looked_at)"
    ).fetchone()
    return bool(row and row[0])


def is_gap(connection: duckdb.DuckDBPyConnection, claimed: Located, paid: Located, gap: Located) -> bool:
    """Is a column what is claimed less what is paid, to a cent, or the other way round, in nearly all rows that have the three?

    Without such rows it may be.
    """
    c, p, g = _amounts(claimed, paid, gap)
    row = connection.execute(
        f"SELECT coalesce(greatest({_FIT_EITHER_WAY}), 1) FROM (SELECT {c} AS c, {p} AS p, {g} AS g FROM looked_at)"
    ).fetchone()
    return row is None or row[0] >= _FITS
