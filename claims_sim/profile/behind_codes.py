"""What stands behind a code in its column: its name ("8952 - Electrocardiogram"), or further procedures (88.01#99.04).

Columns that a table has without saying so.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import duckdb

from claims_sim.privacy.phi import quote
from claims_sim.profile.admit import NAMES_OF
from claims_sim.profile.source_sql import (
    CANONICAL,
    CODE_AND_NAME,
    FURTHER,
    Located,
    members_expression,
    quote_identifier,
    text_expression,
)

_SOME: Final = 0.01  # of the claims with a procedure


def with_names_behind(
    connection: duckdb.DuckDBPyConnection, relation: str, located: Mapping[str, Located]
) -> dict[str, Located]:
    """`located`, with the labels of codes that most of a column's texts have behind them, where no other column holds these labels."""
    found = dict(located)
    for label, code in NAMES_OF.items():
        column = located.get(code)
        elsewhere = label in located and column is not None and located[label].theirs != column.theirs
        if column is not None and not elsewhere and _has_names(connection, relation, column):
            found[label] = replace(column, kind="text", behind=True)
    return {name: found[name] for name in CANONICAL if name in found}


def with_further_procedures(
    connection: duckdb.DuckDBPyConnection, relation: str, located: Mapping[str, Located]
) -> dict[str, Located]:
    """`located`, with the further procedures of its claims where some have lists of them in the column of procedures."""
    found, column = dict(located), located.get("procedure_code")
    if (
        column is None
        or column.type not in ("VARCHAR", "VARCHAR[]")
        or any(one.behind and one.theirs == column.theirs for one in located.values())
    ):
        return found
    further = replace(column, kind="list")
    lists = f"list_filter({members_expression(further, located)}, lambda c: trim(c) <> '')"
    # Names of what was done have commas too, but no digits in all their parts.
    coded = f"len({lists}) > 0 AND len(list_filter({lists}, lambda c: NOT regexp_matches(c, {quote('[0-9]')}))) = 0"
    rows = connection.execute(
        f"SELECT coalesce(sum(claims) FILTER ({coded}), 0), sum(claims) FROM {_texts(relation, column)}"
    ).fetchall()
    if rows[0][0] > _SOME * (rows[0][1] or 0):
        found[FURTHER] = further
    return found


def _has_names(connection: duckdb.DuckDBPyConnection, relation: str, column: Located) -> bool:
    text = text_expression(column)
    rows = connection.execute(
        f"SELECT sum(claims) FILTER (regexp_matches({text}, {quote(CODE_AND_NAME)})) * 2 > "
        f"sum(claims) FILTER (regexp_matches({text}, '[1-9]')) FROM {_texts(relation, column)}"
    ).fetchall()
    return bool(rows[0][0])


def _texts(relation: str, column: Located) -> str:
    """Each text of a column with its number of claims: far fewer than claims to look at."""
    name = quote_identifier(column.theirs)
    return f"(SELECT {name}, count(*) AS claims FROM {relation} WHERE {name} IS NOT NULL GROUP BY {name})"
