"""Names that stand behind their codes in one column ("8952 - Electrocardiogram"): a column of labels that a table has without saying so."""

from collections.abc import Mapping
from dataclasses import replace

import duckdb

from claims_sim.privacy.phi import quote
from claims_sim.profile.admit import NAMES_OF
from claims_sim.profile.source_sql import CANONICAL, CODE_AND_NAME, Located, text_expression


def with_names_behind(
    connection: duckdb.DuckDBPyConnection, relation: str, located: Mapping[str, Located]
) -> dict[str, Located]:
    """`located`, with the labels of codes that most of a column's texts have behind them, where no other column holds these labels."""
    found = dict(located)
    for label, code in NAMES_OF.items():
        column = located.get(code)
        elsewhere = label in located and column is not None and located[label].theirs != column.theirs
        if (
            column is not None
            and column.type == "VARCHAR"
            and not elsewhere
            and _has_names(connection, relation, column)
        ):
            found[label] = replace(column, kind="text", behind=True)
    return {name: found[name] for name in CANONICAL if name in found}


def _has_names(connection: duckdb.DuckDBPyConnection, relation: str, column: Located) -> bool:
    text = text_expression(column)
    rows = connection.execute(
        f"SELECT count(*) FILTER (regexp_matches({text}, {quote(CODE_AND_NAME)})) * 2 > count(*) FILTER (regexp_matches({text}, '[1-9]')) "
        f"FROM {relation}"
    ).fetchall()
    return bool(rows[0][0])
