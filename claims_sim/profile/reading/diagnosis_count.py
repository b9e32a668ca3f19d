"""A count of all diagnoses where one of secondary ones is meant: 1 of claims that list none, as hospital statistics count."""

from collections.abc import Mapping
from typing import Final

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from claims_sim.profile.reading.source_columns import ColumnMapping, Located
from claims_sim.profile.reading.source_sql import canonical_expression

COUNTS_ALL: Final = "comorbidity_count counts the primary diagnosis too: one less is read."
_NEARLY_ALL: Final = 0.95
"""The share of the claims with a count that must count one more than they list."""


def without_the_primary(columns: pa.Table) -> tuple[pa.Table, tuple[str, ...]]:
    """The columns with the count of secondary diagnoses alone, and the sentence that says so, where nearly all count the primary too."""
    if not {"comorbidity_count", "dx_secondary_codes"} <= set(columns.column_names):
        return columns, ()
    count = columns["comorbidity_count"]
    listed = pc.cast(pc.fill_null(pc.list_value_length(columns["dx_secondary_codes"]), 0), pa.float64())
    counted = len(count) - count.null_count
    with_primary = pc.sum(pc.equal(count, pc.add(listed, 1.0))).as_py() or 0
    if not counted or with_primary < _NEARLY_ALL * counted:
        return columns, ()
    at = columns.column_names.index("comorbidity_count")
    return columns.set_column(at, "comorbidity_count", pc.subtract(count, 1.0)), (COUNTS_ALL,)


def counts_all(
    connection: duckdb.DuckDBPyConnection, relation: str, located: Mapping[str, Located], mapping: ColumnMapping
) -> bool:
    """Whether the counts of a relation are such, without reading its claims."""
    if not {"comorbidity_count", "dx_secondary_codes"} <= located.keys():
        return False
    count, listed = (
        canonical_expression(name, located[name], located, mapping, relation)
        for name in ("comorbidity_count", "dx_secondary_codes")
    )
    row = connection.execute(
        f"SELECT count(*) FILTER (number = 1 + coalesce(len(listed), 0)), count(number) "
        f"FROM (SELECT {count} AS number, {listed} AS listed FROM {relation})"
    ).fetchone()
    return row is not None and row[1] > 0 and row[0] >= _NEARLY_ALL * row[1]
