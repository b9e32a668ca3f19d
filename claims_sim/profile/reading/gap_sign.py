"""Which way round a table tells the gap: what is claimed less what is paid, or, as hospitals count it, what is paid less that."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import duckdb

from claims_sim.profile.reading.source_columns import ColumnMapping, Located
from claims_sim.profile.reading.source_sql import MONEY, canonical_expression

_LOOKED_AT: Final = 10_000
_NEARLY_ALL: Final = 0.95
_CENT: Final = 0.011


def with_gap_sign(
    connection: duckdb.DuckDBPyConnection, relation: str, located: Mapping[str, Located], mapping: ColumnMapping
) -> dict[str, Located]:
    """`located`, with `negative` where nearly all gaps that are not nothing are what is paid less what is claimed."""
    found = dict(located)
    if not located.keys() >= set(MONEY):
        return found
    amounts = ", ".join(
        f"{canonical_expression(name, located[name], located, mapping, relation)} AS {name}" for name in MONEY
    )
    rows = connection.execute(
        f"SELECT count(*) FILTER (abs(amount_paid - amount_claimed - amount_gap) <= {_CENT}), "
        f"count(*) FILTER (abs(amount_claimed - amount_paid - amount_gap) <= {_CENT}), count(*) "
        f"FROM (SELECT * FROM (SELECT {amounts} FROM {relation}) "
        f"WHERE amount_gap <> 0 AND amount_paid <> amount_claimed LIMIT {_LOOKED_AT})"
    ).fetchall()
    other_way, this_way, gaps = rows[0]
    if gaps and other_way >= _NEARLY_ALL * gaps and other_way > this_way:
        found["amount_gap"] = replace(located["amount_gap"], negative=True)
    return found
