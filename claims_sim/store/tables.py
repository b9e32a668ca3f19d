"""The shapes of the simulation database's tables as Arrow schemas, equal to what the migrations make."""

from datetime import UTC, datetime
from typing import Final

import pyarrow as pa

from claims_sim.claim import FLAT_SCHEMA

_TEXTS = pa.list_(pa.string())
_INSTANT = pa.timestamp("us")

HIGH_RISK: Final = 0.5
"""From this risk_score on, a claim is shown as an alert."""
STREAM_SCHEMA: Final = pa.schema(
    [
        *FLAT_SCHEMA,
        ("batch_id", pa.string()),
        ("ingested_at", _INSTANT),
        ("channel", pa.string()),
        ("channel_position", pa.string()),
        ("stream_seq", pa.int64()),
    ]
)
SCORE_VALUES: Final = pa.schema(
    [
        ("claim_id", pa.string()),
        ("source", pa.string()),
        ("rule_score", pa.float64()),
        ("ml_score", pa.float64()),
        ("ml_score_normalized", pa.float64()),
        ("risk_score", pa.float64()),
        ("flags", _TEXTS),
        ("reasons", _TEXTS),
        ("model_version", pa.string()),
        ("ruleset_version", pa.string()),
        ("scored_at", _INSTANT),
        ("scorer", pa.string()),
    ]
)
SCORE_SCHEMA: Final = pa.schema(
    [
        *(field for field in SCORE_VALUES if field.name != "scorer"),
        ("score_seq", pa.int64()),
        ("stream_seq", pa.int64()),
        ("scorer", pa.string()),  # came last, with a migration
    ]
)
OUTBOX_SCHEMA: Final = pa.schema([("claim_index", pa.int32()), ("claim_id", pa.string()), ("payload", pa.string())])
LOG_SCHEMA: Final = pa.schema(
    [
        ("claim_id", pa.string()),
        ("claim_index", pa.int32()),
        ("author", pa.string()),
        ("model", pa.string()),
        ("prompt_version", pa.string()),
        ("profile_hash", pa.string()),
        ("seed", pa.int64()),
        ("attempts", pa.int32()),
        ("repaired", pa.bool_()),
        ("errors", _TEXTS),
        ("brief", pa.string()),
        ("tokens_in", pa.int32()),
        ("tokens_out", pa.int32()),
        ("seconds", pa.float64()),
        ("answers", _TEXTS),
    ]
)
PROVENANCE_SCHEMA: Final = pa.schema(
    [
        *(field for field in LOG_SCHEMA if field.name not in ("claim_index", "answers")),
        ("batch_id", pa.string()),
        ("ingested_at", _INSTANT),
        ("stream_seq", pa.int64()),
    ]
)
DEAD_LETTER_SCHEMA: Final = pa.schema(
    [
        ("channel_position", pa.string()),
        ("claim_id", pa.string()),
        ("reason", pa.string()),
        ("raw", pa.binary()),
        ("raw_bytes", pa.int64()),
    ]
)


def conform(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """`table` with exactly the columns of `schema`, in order and type; absent ones are null, others are left out."""
    columns = [
        table[field.name].cast(field.type) if field.name in table.column_names else pa.nulls(len(table), field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def as_utc(instant: datetime | None) -> datetime:
    """`instant` (now, when None) as the tables keep it: UTC without a zone."""
    return (instant or datetime.now(UTC)).astimezone(UTC).replace(tzinfo=None)
