"""The truth about anomalies, in a file of its own: `simulation_truth` of truth.sqlite. No scorer reads it.

A batch's truth is written before its outbox entry and confirmed after it. What a crash left unconfirmed is looked up
in the outbox once, and forgotten when the batch never got there: the next batch then takes its place in the quota.
"""

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from claims_sim.errors import StoreError
from claims_sim.store.journal import write_ahead
from claims_sim.store.tables import conform

FILE_NAME: Final = "truth.sqlite"
_TEXTS: Final = pa.list_(pa.string())
TRUTH_SCHEMA: Final = pa.schema(
    [
        ("claim_id", pa.string()),
        ("batch_id", pa.string()),
        ("position", pa.int64()),  # in the stream, from 0: the quota is exact over each 1,000
        ("label", pa.string()),  # anomaly or decoy
        ("kind", pa.string()),
        ("guidance", pa.string()),
        ("strength", pa.int32()),  # 1 subtle, 2 plain, 3 blatant; 0 for decoys
        ("fields", _TEXTS),  # columns that differ from the right claim
        ("before", pa.string()),  # JSON: their right values; null where no care was given
        ("after", pa.string()),  # JSON: their values in the claim
        ("amount_paid", pa.float64()),
        ("right_amount", pa.float64()),
        ("rupiah_lost", pa.float64()),
        ("episode", pa.string()),  # claims that belong together share one
        ("related_claims", _TEXTS),
        ("campaign", pa.string()),
        ("is_decoy", pa.bool_()),
        ("detectable_from", pa.timestamp("us")),  # UTC: when the last claim that is needed to see it was there
        ("seed", pa.int64()),
    ]
)
_LISTS: Final = tuple(field.name for field in TRUTH_SCHEMA if pa.types.is_list(field.type))
_KINDS: Final = {
    pa.int64(): "INTEGER",
    pa.int32(): "INTEGER",
    pa.bool_(): "INTEGER",
    pa.timestamp("us"): "INTEGER",  # microseconds since 1970
    pa.float64(): "REAL",
}
_TIMEOUT_S: Final = 30.0
_SCHEMA: Final = f"""
CREATE TABLE IF NOT EXISTS batches (
  batch_id TEXT PRIMARY KEY, first_position INTEGER NOT NULL, claims INTEGER NOT NULL, rate REAL NOT NULL,
  confirmed INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS batches_by_position ON batches (first_position);
CREATE TABLE IF NOT EXISTS simulation_truth (
  {", ".join(f"{field.name} {_KINDS.get(field.type, 'TEXT')}" for field in TRUTH_SCHEMA)}, PRIMARY KEY (claim_id));
CREATE INDEX IF NOT EXISTS truth_by_batch ON simulation_truth (batch_id);
"""


@dataclass(frozen=True, slots=True)
class TruthBatch:
    """What is known of a batch: `claims` positions from `first_position` on, and the truth of some of its claims."""

    batch_id: str
    first_position: int
    claims: int
    rate: float
    truth: pa.Table


def conform_truth(table: pa.Table) -> pa.Table:
    """`table` with exactly the columns of TRUTH_SCHEMA; absent ones are null."""
    return conform(table, TRUTH_SCHEMA)


def truth_path(state_dir: Path) -> Path:
    """Where the truth of a simulation is kept."""
    return state_dir / FILE_NAME


def next_position(path: Path, is_in_outbox: Callable[[str], bool]) -> int:
    """The position of the next claim. `is_in_outbox` is asked of a batch only after a crash."""
    with _open(path) as connection:
        while True:
            query = (
                "SELECT batch_id, first_position, claims, confirmed FROM batches ORDER BY first_position DESC LIMIT 1"
            )
            last = connection.execute(query).fetchone()
            if last is None:
                return 0
            batch_id, first, claims, confirmed = last
            if confirmed or is_in_outbox(batch_id):
                return int(first + claims)
            _forget(connection, batch_id)


def write_truth(path: Path, batch: TruthBatch) -> None:
    """Keep the truth of a batch, all of it or nothing. Unconfirmed at first; the same batch again replaces it until then.

    What is confirmed is true of claims that are on their way: it stays, whatever comes later under the same id.
    """
    columns = ", ".join(TRUTH_SCHEMA.names)
    marks = ", ".join("?" for _ in TRUTH_SCHEMA)
    with _open(path) as connection:
        known = "SELECT 1 FROM batches WHERE batch_id = ? AND confirmed"
        if connection.execute(known, (batch.batch_id,)).fetchone():
            return
        _forget(connection, batch.batch_id)
        connection.execute(
            "INSERT INTO batches (batch_id, first_position, claims, rate) VALUES (?, ?, ?, ?)",
            (batch.batch_id, batch.first_position, batch.claims, batch.rate),
        )
        connection.executemany(f"INSERT INTO simulation_truth ({columns}) VALUES ({marks})", _rows(batch.truth))


def confirm_truth(path: Path, batch_id: str) -> None:
    """The batch is in the outbox: its truth stands."""
    with _open(path) as connection:
        connection.execute("UPDATE batches SET confirmed = 1 WHERE batch_id = ?", (batch_id,))


def read_truth(path: Path) -> pa.Table:
    """All of it (TRUTH_SCHEMA), by position; empty where nothing was ever injected."""
    if not path.exists():
        return TRUTH_SCHEMA.empty_table()
    with _open(path) as connection:
        rows = connection.execute(
            f"SELECT {', '.join(TRUTH_SCHEMA.names)} FROM simulation_truth ORDER BY position, claim_id"
        ).fetchall()
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(TRUTH_SCHEMA)
    arrays = [_array(field, list(values)) for field, values in zip(TRUTH_SCHEMA, columns, strict=True)]
    return pa.Table.from_arrays(arrays, schema=TRUTH_SCHEMA)


def labelled_claims(path: Path) -> list[str]:
    """The ids of all claims that truth is kept about, anomalies and decoys."""
    if not path.exists():
        return []
    with _open(path) as connection:
        return [row[0] for row in connection.execute("SELECT claim_id FROM simulation_truth ORDER BY claim_id")]


def forget_claims(path: Path, claim_ids: list[str]) -> int:
    """Remove the truth about these claims; how many. Their places in the quota stay taken."""
    if not claim_ids or not path.exists():
        return 0
    with _open(path) as connection:
        query = "DELETE FROM simulation_truth WHERE claim_id IN (SELECT value FROM json_each(?))"
        return connection.execute(query, (json.dumps(claim_ids),)).rowcount


def known_batches(path: Path) -> set[str]:
    """The batches whose truth is kept: what is not named in it of their claims is no anomaly."""
    if not path.exists():
        return set()
    with _open(path) as connection:
        return {row[0] for row in connection.execute("SELECT batch_id FROM batches")}


def labelled_ids(path: Path, claim_ids: list[str]) -> set[str]:
    """Those of `claim_ids` that are anomalies."""
    if not path.exists():
        return set()
    with _open(path) as connection:
        query = "SELECT claim_id FROM simulation_truth WHERE label = 'anomaly' AND claim_id IN (SELECT value FROM json_each(?))"
        return {row[0] for row in connection.execute(query, (json.dumps(claim_ids),))}


def _forget(connection: sqlite3.Connection, batch_id: str) -> None:
    for table in ("simulation_truth", "batches"):
        connection.execute(f"DELETE FROM {table} WHERE batch_id = ?", (batch_id,))


def _rows(truth: pa.Table) -> Iterator[tuple[Any, ...]]:
    columns = []
    for field in TRUTH_SCHEMA:
        values = truth[field.name].cast(field.type)
        if pa.types.is_timestamp(field.type):
            values = values.cast(pa.int64())
        columns.append([json.dumps(v) for v in values.to_pylist()] if field.name in _LISTS else values.to_pylist())
    yield from zip(*columns, strict=True)


def _array(field: pa.Field, values: list[Any]) -> pa.Array:
    if field.name in _LISTS:
        values = [json.loads(value) for value in values]
    if pa.types.is_boolean(field.type):
        values = [bool(value) for value in values]
    if pa.types.is_timestamp(field.type):
        return pa.array(values, pa.int64()).cast(field.type)
    return pa.array(values, field.type)


@contextmanager
def _open(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection whose block is one transaction."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(path, timeout=_TIMEOUT_S)) as connection:
            if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'simulation_truth'").fetchone():
                write_ahead(connection, _TIMEOUT_S)
                connection.executescript(_SCHEMA)
            connection.execute("PRAGMA synchronous = FULL")
            with connection:
                yield connection
    except (sqlite3.Error, OSError) as error:
        raise StoreError(f"The truth file {path} cannot be used: {error}. Move it away, or mend its rights.") from error
