"""Which way round a table writes its dates: day before month, as in Indonesia, or month before day.

What a column means is told by the whole of it, not row by row: 08/05 alone says neither.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import duckdb

from claims_sim.profile.source_sql import DATE_FORMS, MONTH_FIRST_FORMS, Located, parsed_date, text_expression

_LOOKED_AT: Final = 100_000


def with_date_order(
    connection: duckdb.DuckDBPyConnection, relation: str, located: Mapping[str, Located]
) -> dict[str, Located]:
    """`located`, with `month_first` where the dates of a column of texts are written so."""
    return {
        name: replace(column, month_first=is_month_first(connection, relation, column))
        if column.kind == "date"
        else column
        for name, column in located.items()
    }


def is_month_first(connection: duckdb.DuckDBPyConnection, relation: str, column: Located) -> bool:
    """Are more of a column's texts dates, in its first rows, if the month is read before the day?"""
    if column.type != "VARCHAR":
        return False
    text = text_expression(column)
    read = ", ".join(f"count({parsed_date('t', forms)})" for forms in (DATE_FORMS, MONTH_FIRST_FORMS))
    day_first, month_first = connection.execute(
        f"SELECT {read} FROM (SELECT {text} AS t FROM {relation} LIMIT {_LOOKED_AT}) WHERE regexp_matches(t, '[0-9][/-][0-9]{{2}}[/-]')"
    ).fetchall()[0]  # all, since a text file whose rows are not fetched stays in use
    return bool(month_first > day_first)
