"""The SQL of a view over real and simulated claims together. Composes text only; whoever runs it reads their own table."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pyarrow as pa

from claims_sim.claim import FLAT_SCHEMA
from claims_sim.privacy.phi import quote
from claims_sim.profile.reading.source_columns import ColumnMapping, Located
from claims_sim.profile.reading.source_sql import canonical_expression, quote_identifier

VIEW: Final = "claims_with_simulated"
_ATTACHED: Final = "claims_source"
_TYPES: Final = {
    pa.string(): "VARCHAR",
    pa.int32(): "INTEGER",
    pa.float64(): "DOUBLE",
    pa.timestamp("us"): "TIMESTAMP",
    pa.list_(pa.string()): "VARCHAR[]",
}


def union_view_sql(
    source: Path,
    table: str,
    types: Mapping[str, str],
    located: Mapping[str, Located],
    mapping: ColumnMapping,
    snapshots: Path,
    *,
    file: str | None,
    counts_all: bool = False,
) -> str:
    """Statements for DuckDB that make the view `claims_with_simulated`; `located` is where `source` has its columns.

    `file` is what to select from where the source is a file that is one table. The mapping's names and values are
    written into it. Its column `source` says `real` or `simulated`; what only one
    side has is NULL on the other. Where `counts_all`, comorbidities are counted with the primary diagnosis: one less is shown.
    """
    relation = file or f"{_ATTACHED}.{_qualified(table)}"
    attach = "" if file else f"ATTACH IF NOT EXISTS {quote(str(source))} AS {_ATTACHED} (READ_ONLY);\n"
    columns = ",\n  ".join(
        ["'real' AS source", *_real_columns(types, located, mapping, relation, counts_all=counts_all)]
    )
    files = quote(f"{snapshots}/claims_live_stream/*/*.parquet")
    return f"""\
-- Written by `claims-sim union-view`. Run it in a DuckDB of your own (version 1.1 or newer), never in the simulation's.
-- Real claims stay where they are; simulated ones come from the Parquet snapshots, so nobody waits for anybody.
{attach}CREATE OR REPLACE VIEW {VIEW} AS
SELECT
  {columns}
FROM {relation}
UNION ALL BY NAME
SELECT 'simulated' AS source, *
FROM read_parquet({files}, hive_partitioning = false, union_by_name = true);
"""


def _real_columns(
    types: Mapping[str, str], located: Mapping[str, Located], mapping: ColumnMapping, relation: str, *, counts_all: bool
) -> list[str]:
    """Their columns under our names and types; identifiers as they are, since the view stays beside the table."""
    folded = {name.lower(): name for name in types}
    wanted = mapping.columns.get("claim_id", "claim_id")
    theirs = wanted if wanted in types else folded.get(wanted.lower())
    columns = [f"CAST({quote_identifier(theirs)} AS VARCHAR) AS claim_id"] if theirs else []
    for name, column in located.items():
        kind = _TYPES[FLAT_SCHEMA.field(name).type]
        expression = (
            _key(column) if column.kind == "hash" else canonical_expression(name, column, located, mapping, relation)
        )
        if counts_all and name == "comorbidity_count":
            expression = f"({expression}) - 1"
        columns.append(f"CAST({expression} AS {kind}) AS {name}")
    return columns


def _key(column: Located) -> str:
    """A key as it is; one of several parts as a text of all, where all are there."""
    parts = [quote_identifier(name) for name in (column.theirs, *column.also)]
    return (
        parts[0]
        if len(parts) == 1
        else " || '|' || ".join(f"replace(CAST({part} AS VARCHAR), '|', '||')" for part in parts)
    )


def _qualified(table: str) -> str:
    return ".".join(quote_identifier(part) for part in table.split("."))
