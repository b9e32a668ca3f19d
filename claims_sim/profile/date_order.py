"""Which way round a table writes its dates: day before month, as in Indonesia, or month before day.

What a column means is told by the whole of it, not row by row: 08/05 alone says neither. A column that says neither, as of few
claims, is read as the table's others are.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import duckdb

from claims_sim.profile.buddhist_years import is_ahead
from claims_sim.profile.source_sql import Located, quote_identifier, text_expression

_TWO_NUMBERS = "^([0-9]{1,2})[/-]([0-9]{1,2})[/-][0-9]{4}"
_WITHOUT_MARKS = "^([0-9]{2})([0-9]{2})((?:19|2[0-6])[0-9]{2})$"
_MONTHS = 12
_MONTH = "^(19[5-9][0-9]|20[0-9]{2})(0[1-9]|1[0-2])$"
_NEARLY_ALL = 0.99
"""The share of a column's values that must be months, for these to be its dates: days in six digits (220315) seldom are."""
_LOOKED_AT = 10_000


class _Said(NamedTuple):
    """Of how many texts only one part can be the day: the first, or the second."""

    day_first: int = 0
    month_first: int = 0


def with_date_order(
    connection: duckdb.DuckDBPyConnection, relation: str, located: Mapping[str, Located]
) -> dict[str, Located]:
    """`located`, with how the dates of each column are written: `month_first`, as `months` alone, with `buddhist` years."""
    said = {name: _said(connection, relation, column) for name, column in located.items() if column.kind == "date"}
    whole = _Said(*(sum(counts) for counts in zip(*said.values(), strict=True)))
    return {
        name: replace(
            column,
            month_first=_is_month_first(said[name], whole),
            months=are_months(connection, relation, column),
            buddhist=are_buddhist(connection, relation, column),
        )
        if name in said
        else column
        for name, column in located.items()
    }


def is_month_first(connection: duckdb.DuckDBPyConnection, relation: str, column: Located) -> bool:
    """Do more of a column's texts have a day in the place of the second number than in that of the first?"""
    return _is_month_first(_said(connection, relation, column), _Said())


def _is_month_first(said: _Said, otherwise: _Said) -> bool:
    tells = said if any(said) else otherwise
    return tells.month_first > tells.day_first


def are_months(connection: duckdb.DuckDBPyConnection, relation: str, column: Located) -> bool:
    """Are nearly all values of a column months in six digits, written as text or as a number?"""
    if column.type.startswith(("DATE", "TIMESTAMP")):
        return False
    text = text_expression(column)
    rows = connection.execute(
        f"SELECT count(*) FILTER (regexp_matches({text}, '{_MONTH}')), count({text}) FROM {relation}"
    ).fetchall()
    months, every = rows[0]
    return bool(every and months >= _NEARLY_ALL * every)


def are_buddhist(connection: duckdb.DuckDBPyConnection, relation: str, column: Located) -> bool:
    """Are most of a column's first dates in years of the Buddhist era?"""
    is_text = not column.type.startswith(("DATE", "TIMESTAMP"))
    value = text_expression(column) if is_text else f"CAST({quote_identifier(column.theirs)} AS TIMESTAMP)"
    rows = connection.execute(
        f"SELECT count(*) FILTER ({is_ahead('value', is_text=is_text)}), count(value) "
        f"FROM (SELECT {value} AS value FROM {relation} LIMIT {_LOOKED_AT})"
    ).fetchall()
    ahead, every = rows[0]
    return bool(every and ahead > every / 2)


def _said(connection: duckdb.DuckDBPyConnection, relation: str, column: Located) -> _Said:
    if not column.type.startswith(("VARCHAR", "ENUM")):
        return _Said()
    marked = f"regexp_replace({text_expression(column)}, '{_WITHOUT_MARKS}', '\\1/\\2/\\3')"
    numbers = f"regexp_extract({marked}, '{_TWO_NUMBERS}', ['one', 'other'])"
    day = ", ".join(f"count(*) FILTER (TRY_CAST(n.{part} AS INTEGER) > {_MONTHS})" for part in ("one", "other"))
    # All, since a text file whose rows are not fetched stays in use.
    rows = connection.execute(f"SELECT {day} FROM (SELECT {numbers} AS n FROM {relation})").fetchall()
    return _Said(*rows[0])
