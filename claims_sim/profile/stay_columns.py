"""Which columns of a foreign table are admission, discharge and stay, and which is what was not paid, by how they fit each other.

Looks at shares of a sample, never at a row.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import permutations
from typing import Final

import duckdb

from claims_sim.profile.source_sql import Located, date_expression, money_expression, text_expression

_MOST_DATES, _MOST_WHOLES = 6, 12
_FITS: Final = 0.95
_CENT: Final = 0.011
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
        fits = [
            f"coalesce(avg((TRY_CAST({text_expression(columns.wholes[name])} AS DOUBLE) = {way})::INT), 0)"
            for name in wholes
            for way in _WAYS.values()
        ]
        if not fits:
            continue
        row = connection.execute(
            f"SELECT count(DISTINCT d) > 2 AND avg((d > 0)::INT) > 0.02, {', '.join(fits)} FROM (SELECT *, {days} AS d FROM looked_at)"
        ).fetchone() or (False,)
        ways = [(name, way) for name in wholes for way in _WAYS]
        share, (name, way) = max(zip(row[1:], ways, strict=True), default=(0.0, ("", "")))
        if row[0] and share > best[0]:
            why = f"{share:.0%} of {name} is {way} from {first} to {last}"
            best = (share, {"admit_dt": (first, why), "discharge_dt": (last, why), "los": (name, why)})
    return best[1]


def is_gap(connection: duckdb.DuckDBPyConnection, claimed: Located, paid: Located, gap: Located) -> bool:
    """Is a column what is claimed less what is paid, to a cent, in nearly all rows that have the three? Without such rows it may be."""
    c, p, g = (money_expression(text_expression(column)) for column in (claimed, paid, gap))
    row = connection.execute(
        f"SELECT coalesce(avg((abs({c} - {p} - {g}) <= {_CENT})::INT), 1) FROM looked_at"
    ).fetchone()
    return row is None or row[0] >= _FITS
