"""What stands behind a code: its name in its column ("8952 - Electrocardiogram"), further procedures, lists that begin with it.

And the group of cases before a severity: columns that a table has without saying so.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import duckdb

from claims_sim.privacy.phi import quote
from claims_sim.profile.reading.source_columns import CANONICAL, FURTHER, Located
from claims_sim.profile.reading.source_sql import (
    CBG_FORM,
    CODE_AND_NAME,
    clean_member,
    members_expression,
    plain_code,
    quote_identifier,
    text_expression,
)
from claims_sim.profile.texts.admit import NAMES_OF

_SOME: Final = 0.01  # of the claims with a procedure
_NEARLY_ALL: Final = 0.95
"""The share of the lists that must begin with the primary diagnosis, for all to be lists of all diagnoses."""
_LOOKED_AT, _ENOUGH = 10_000, 50  # lists


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


def with_first_told(
    connection: duckdb.DuckDBPyConnection, relation: str, located: Mapping[str, Located]
) -> dict[str, Located]:
    """`located`, with `with_first` where the list of secondary diagnoses begins with the primary one, which has a column of its own."""
    found, first, listed = dict(located), located.get("dx_primary_code"), located.get("dx_secondary_codes")
    if first is None or listed is None or first.theirs == listed.theirs:
        return found
    members = f"({members_expression(listed, located)})[1]"
    rows = connection.execute(
        f"SELECT count(*) FILTER (listed = code), count(*) FROM (SELECT * FROM "
        f"(SELECT {clean_member(members)} AS listed, {clean_member(plain_code(first))} AS code FROM {relation}) "
        f"WHERE listed <> '' AND code <> '' LIMIT {_LOOKED_AT})"
    ).fetchall()
    begin, lists = rows[0]
    if lists >= _ENOUGH and begin >= _NEARLY_ALL * lists:
        found["dx_secondary_codes"] = replace(listed, with_first=True)
    return found


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


def has_case_groups(connection: duckdb.DuckDBPyConnection, relation: str, located: Mapping[str, Located]) -> bool:
    """Are most severities the ends of INA-CBG codes?"""
    column = located.get("severity_group")
    if column is None:
        return False
    rows = connection.execute(
        f"SELECT sum(claims) FILTER (regexp_matches({text_expression(column)}, {quote(CBG_FORM)})) * 2 > "
        f"sum(claims) FILTER ({text_expression(column)} IS NOT NULL) FROM {_texts(relation, column)}"
    ).fetchall()
    return bool(rows[0][0])


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
