"""Which way round a table writes its dates: day before month, as in Indonesia, or month before day.

What a column means is told by the whole of it, not row by row: 08/05 alone says neither. A column that says neither, as of few
claims, is read as the table's others are.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import duckdb

from claims_sim.profile.reading.buddhist_years import is_ahead
from claims_sim.profile.reading.source_columns import Located
from claims_sim.profile.reading.source_sql import quote_identifier, text_expression

_TWO_NUMBERS = "^([0-9]{1,2})[/.-]([0-9]{1,2})(?:[/.-][0-9]{4}|[/.][0-9]{2}(?:[^0-9]|$))"
_SHORT_YEAR = "^([0-9]{1,2})[/.]([0-9]{1,2})[/.]([0-9]{2})(?:[^0-9]|$)"
_YEARS = "BETWEEN 13 AND 39", "BETWEEN 80 AND 99"
"""Of two digits these are years of claims: no months (24/12/01 begins with its year), and none of the Buddhist era (67 is 2567)."""
_WITHOUT_MARKS = "^([0-9]{2})([0-9]{2})((?:19|2[04-6])[0-9]{2})(?:[0-9]{4}|[0-9]{6})?$"
_MONTHS = 12
_MONTH = "^(19[5-9][0-9]|20[0-9]{2})(0[1-9]|1[0-2])$"
_NEARLY_ALL = 0.99
"""The share of a column's values that must be months, for these to be its dates: days in six digits (220315) seldom are; and that must
look like years, for these to be its last numbers.
"""
_LOOKED_AT = 10_000
_MANY_LONG = 0.25
_WHOLE_NUMBERS = ("INTEGER", "BIGINT", "UINTEGER", "UBIGINT", "HUGEINT", "DOUBLE")


class _Said(NamedTuple):
    """Of how many texts only one part can be the day: the first, or the second."""

    day_first: int = 0
    month_first: int = 0


def with_date_order(
    connection: duckdb.DuckDBPyConnection, relation: str, located: Mapping[str, Located]
) -> dict[str, Located]:
    """`located`, with how dates of each column are written: `month_first`, as `months`, with `buddhist` years, with `short_days`."""
    said = {name: _said(connection, relation, column) for name, column in located.items() if column.kind == "date"}
    whole = _Said(*(sum(counts) for counts in zip(*said.values(), strict=True)))
    return {
        name: replace(
            column,
            month_first=_is_month_first(said[name], whole),
            months=are_months(connection, relation, column),
            buddhist=are_buddhist(connection, relation, column),
            short_days=have_short_days(connection, relation, column),
            short_years=have_short_years(connection, relation, column),
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
    """Are most of the first texts of a column, or of its dates, dates in years of the Buddhist era?"""
    if column.type == "TIMESTAMP WITH TIME ZONE":
        return False
    is_text = column.type.endswith("]") or not column.type.startswith(("DATE", "TIMESTAMP"))
    value = (
        _of_eight_digits(text_expression(column))
        if is_text
        else f"TRY_CAST({quote_identifier(column.theirs)} AS TIMESTAMP)"
    )
    return _are_most(connection, relation, value, is_ahead("value", is_text=is_text))


def _of_eight_digits(text: str) -> str:
    return f"CASE WHEN length({text}) = 7 THEN '0' || {text} ELSE {text} END"


def have_short_days(connection: duckdb.DuckDBPyConnection, relation: str, column: Located) -> bool:
    """Have many of a column's first numbers eight digits, and are their last four a year? Of days before the tenth they have seven."""
    if column.type.startswith(("VARCHAR", "ENUM", "DATE", "TIMESTAMP")) or column.type.endswith("]"):
        return False
    is_long = f"regexp_matches(value, '{_WITHOUT_MARKS}')"
    return _are_most(connection, relation, text_expression(column), is_long, more_than=_MANY_LONG)


def have_short_years(connection: duckdb.DuckDBPyConnection, relation: str, column: Located) -> bool:
    """Are the last of three numbers of two digits in a column's texts years? Nearly all look so, and they are of no more values than days
    or months are.
    """  # noqa: D205
    if not column.type.startswith(("VARCHAR", "ENUM")):
        return False
    numbers = f"regexp_extract({text_expression(column)}, '{_SHORT_YEAR}', ['one', 'other', 'last'])"
    are_years = " OR ".join(f"TRY_CAST(n.last AS INTEGER) {years}" for years in _YEARS)
    # All, since a text file whose rows are not fetched stays in use.
    rows = connection.execute(
        f"SELECT count(*), count(*) FILTER ({are_years}), "
        f"count(DISTINCT n.one), count(DISTINCT n.other), count(DISTINCT n.last) "
        f"FROM (SELECT {numbers} AS n FROM {relation}) WHERE n.last <> ''"
    ).fetchall()
    every, years, one, other, last = rows[0]
    return bool(every and years >= _NEARLY_ALL * every and last <= max(one, other))


def _are_most(
    connection: duckdb.DuckDBPyConnection, relation: str, value: str, condition: str, more_than: float = 0.5
) -> bool:
    rows = connection.execute(
        f"SELECT count(*) FILTER ({condition}), count(*) "
        f"FROM (SELECT {value} AS value FROM {relation} WHERE {value} IS NOT NULL LIMIT {_LOOKED_AT})"
    ).fetchall()
    those, every = rows[0]
    return bool(every and those > more_than * every)


def _said(connection: duckdb.DuckDBPyConnection, relation: str, column: Located) -> _Said:
    text = text_expression(column)
    if column.type in _WHOLE_NUMBERS:
        text = _of_eight_digits(text)
    elif not column.type.startswith(("VARCHAR", "ENUM")):
        return _Said()
    marked = f"regexp_replace({text}, '{_WITHOUT_MARKS}', '\\1/\\2/\\3')"
    numbers = f"regexp_extract({marked}, '{_TWO_NUMBERS}', ['one', 'other'])"
    day = ", ".join(f"count(*) FILTER (TRY_CAST(n.{part} AS INTEGER) > {_MONTHS})" for part in ("one", "other"))
    # All, since a text file whose rows are not fetched stays in use.
    rows = connection.execute(f"SELECT {day} FROM (SELECT {numbers} AS n FROM {relation})").fetchall()
    return _Said(*rows[0])
