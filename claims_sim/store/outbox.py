"""The outbox: reviewed batches wait here until the relay has sent them. Decides nothing about what may be sent."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from claims_sim.errors import StoreError
from claims_sim.store.database import SimulationDatabase
from claims_sim.store.query import fetch_arrow, run
from claims_sim.store.tables import LOG_SCHEMA, OUTBOX_SCHEMA, as_utc, conform

Status = Literal["pending", "released", "quarantined"]


@dataclass(frozen=True, slots=True)
class NewBatch:
    """A batch as its author hands it over: `due_at` is when it is to be sent, `reasons` counts what review found."""

    batch_id: str
    created_at: datetime
    author: str
    model: str
    prompt_version: str
    profile_hash: str
    seed: int
    planned: int
    authored: int
    repaired: int
    rejected: int
    due_at: datetime | None = None
    reasons: Mapping[str, int] = field(default_factory=dict)
    seconds: float = 0
    tokens_in: int = 0
    tokens_out: int = 0
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CommittedBatch:
    """What `commit_batch` left in the outbox; `is_new` is False when the batch had been committed before."""

    batch_id: str
    content_hash: str
    is_new: bool


def content_hash(payloads: pa.Table) -> str:
    """SHA-256 over claim ids and payloads, in order: the data version of a batch."""
    digest = hashlib.sha256()
    for column in ("claim_id", "payload"):
        digest.update("\n".join(payloads[column].to_pylist()).encode())
        digest.update(b"\0")
    return digest.hexdigest()


def commit_batch(db: SimulationDatabase, batch: NewBatch, payloads: pa.Table, log: pa.Table) -> CommittedBatch:
    """Store a batch (`payloads`: OUTBOX_SCHEMA, `log`: LOG_SCHEMA) in one transaction; a second time it does nothing.

    Columns of the log that are absent take the batch's value, or null. Raises StoreError when a claim id is absent or
    repeated, or the batch id is taken by another content.
    """
    payloads = conform(payloads, OUTBOX_SCHEMA)
    if payloads["claim_id"].null_count or pc.count_distinct(payloads["claim_id"]).as_py() != len(payloads):
        raise StoreError(f"Batch {batch.batch_id} holds a claim id twice, or none: each of its claims needs its own.")
    digest = content_hash(payloads)
    with db.transaction() as connection:
        stored = run(connection, "SELECT content_hash FROM outbox_batches WHERE batch_id = ?", [batch.batch_id])
        if stored:
            if stored[0][0] != digest:
                raise StoreError(f"Batch {batch.batch_id} is in the outbox with another content: give it a new id.")
            return CommittedBatch(batch.batch_id, digest, is_new=False)
        _insert_batch(connection, batch, len(payloads), digest)
        connection.register("new_payloads", payloads)
        run(
            connection,
            "INSERT INTO outbox SELECT ?, claim_index, claim_id, payload FROM new_payloads ORDER BY claim_index",
            [batch.batch_id],
        )
        connection.register("new_log", _completed_log(batch, log))
        run(connection, "INSERT INTO generation_log BY NAME SELECT * FROM new_log")
        for name, tokens in (("tokens_in", batch.tokens_in), ("tokens_out", batch.tokens_out)):
            if tokens:
                run(connection, "UPDATE counters SET value = value + ? WHERE name = ?", [tokens, name])
    return CommittedBatch(batch.batch_id, digest, is_new=True)


def pending(db: SimulationDatabase) -> tuple[str, ...]:
    """The ids of the batches that were neither released nor quarantined, oldest first."""
    with db.connect(read_only=True) as connection:
        rows = run(connection, "SELECT batch_id FROM outbox_batches WHERE status = 'pending' ORDER BY batch_id")
    return tuple(row[0] for row in rows)


def is_committed(db: SimulationDatabase, batch_id: str) -> bool:
    """Whether the outbox has, or had, this batch."""
    with db.connect(read_only=True) as connection:
        return bool(run(connection, "SELECT 1 FROM outbox_batches WHERE batch_id = ?", [batch_id]))


def profile_hash(db: SimulationDatabase, batch_id: str) -> str:
    """The hash of the profile that a batch was made from. Raises StoreError when there is no such batch."""
    with db.connect(read_only=True) as connection:
        return str(_column_of(connection, batch_id, "profile_hash"))


def read_batch(db: SimulationDatabase, batch_id: str) -> pa.Table:
    """The claims of a batch as OUTBOX_SCHEMA, in order. Raises StoreError when there is no such batch."""
    with db.connect(read_only=True) as connection:
        _column_of(connection, batch_id, "status")
        claims = fetch_arrow(
            connection,
            "SELECT claim_index, claim_id, payload FROM outbox WHERE batch_id = ? ORDER BY claim_index",
            [batch_id],
        )
    return conform(claims, OUTBOX_SCHEMA)


@dataclass(frozen=True, slots=True)
class StoredBatch:
    """How a batch in the outbox came about: `answers` by claim index, what its author decided at each attempt."""

    batch_id: str
    created_at: datetime
    model: str
    prompt_version: str
    profile_hash: str
    seed: int
    planned: int
    content_hash: str
    purged: int
    metadata: Mapping[str, Any]
    answers: Mapping[int, tuple[str | None, ...]]


def find_batch(db: SimulationDatabase, name: str) -> str:
    """The id of the one batch whose id begins with `name`; the newest for `last`. Raises StoreError."""
    with db.connect(read_only=True) as connection:
        if name == "last":
            found = run(connection, "SELECT max(batch_id) FROM outbox_batches")
        else:
            query = "SELECT batch_id FROM outbox_batches WHERE starts_with(batch_id, ?) LIMIT 2"
            found = run(connection, query, [name])
    if len(found) != 1 or found[0][0] is None:
        how_many = "more than one batch" if len(found) > 1 else "no batch"
        raise StoreError(f"There is {how_many} {name!r} in the outbox: give its whole id, or `last`.")
    return str(found[0][0])


def stored_batch(db: SimulationDatabase, batch_id: str) -> StoredBatch:
    """How a batch came about. Raises StoreError when there is no such batch."""
    columns = "created_at, model, prompt_version, profile_hash, seed, planned, content_hash, purged, metadata"
    with db.connect(read_only=True) as connection:
        rows = run(connection, f"SELECT {columns} FROM outbox_batches WHERE batch_id = ?", [batch_id])
        log = run(
            connection,
            "SELECT claim_index, answers FROM generation_log WHERE batch_id = ? AND answers IS NOT NULL",
            [batch_id],
        )
    if not rows:
        raise StoreError(f"There is no batch {batch_id} in the outbox.")
    created, model, prompt, profile, seed, planned, digest, purged, metadata = rows[0]
    return StoredBatch(
        batch_id,
        created.replace(tzinfo=UTC),
        model or "",
        prompt or "",
        profile,
        seed,
        planned,
        digest,
        purged,
        json.loads(metadata),
        {index: tuple(answers) for index, answers in log},
    )


def arrived(db: SimulationDatabase, batch_id: str) -> tuple[int, int]:
    """How many claims of a batch were accepted, and how many of them are stored. Raises StoreError for no such batch."""
    with db.connect(read_only=True) as connection:
        rows = run(connection, "SELECT accepted, ingested FROM outbox_batches WHERE batch_id = ?", [batch_id])
    if not rows:
        raise StoreError(f"There is no batch {batch_id} in the outbox.")
    return int(rows[0][0]), int(rows[0][1])


def release(db: SimulationDatabase, batch_id: str, now: datetime | None = None) -> None:
    """Mark a pending batch as sent. Raises StoreError for a quarantined one; a released one stays as it is."""
    _move(db, batch_id, "released", [], now)


def quarantine(db: SimulationDatabase, batch_id: str, reasons: Iterable[str] | Mapping[str, int]) -> None:
    """Mark a pending batch as never to be sent, and why (names, or names with counts).

    Raises StoreError for a released one.
    """
    texts = [f"{name}: {count}" for name, count in reasons.items()] if isinstance(reasons, Mapping) else list(reasons)
    _move(db, batch_id, "quarantined", texts, None)


def reopen(db: SimulationDatabase, batch_ids: Iterable[str]) -> None:
    """Let released batches be sent again: their channel has lost them. What arrived of them is not stored twice."""
    with db.transaction() as connection:
        run(
            connection,
            "UPDATE outbox_batches SET status = 'pending' WHERE status = 'released' AND batch_id IN (SELECT unnest(?))",
            [list(batch_ids)],
        )


_PRUNABLE: Final = (
    "FROM outbox_batches WHERE status = 'released' AND pruned_at IS NULL AND ingested >= accepted AND released_at < ?"
)


def prunable(db: SimulationDatabase, keep_days: float, now: datetime | None = None) -> int:
    """How many payloads `prune_outbox` would remove."""
    with db.connect(read_only=True) as connection:
        query = f"SELECT count(*) FROM outbox WHERE batch_id IN (SELECT batch_id {_PRUNABLE})"
        return int(run(connection, query, [as_utc(now) - timedelta(days=keep_days)])[0][0])


def prune_outbox(db: SimulationDatabase, keep_days: float, now: datetime | None = None) -> int:
    """Remove the payloads of batches released over `keep_days` ago whose claims are all stored; how many claims.

    The batches themselves and their counts stay, so that the flow still adds up.
    """
    instant = as_utc(now)
    with db.transaction() as connection:
        done = fetch_arrow(
            connection,
            f"SELECT batch_id {_PRUNABLE}",
            [instant - timedelta(days=keep_days)],
        )
        if not len(done):
            return 0
        connection.register("done_batches", done)
        removed = run(connection, "DELETE FROM outbox WHERE batch_id IN (SELECT batch_id FROM done_batches)")
        run(
            connection,
            "UPDATE outbox_batches SET pruned_at = ? WHERE batch_id IN (SELECT batch_id FROM done_batches)",
            [instant],
        )
    return int(removed[0][0])


def _insert_batch(connection: duckdb.DuckDBPyConnection, batch: NewBatch, accepted: int, digest: str) -> None:
    values: dict[str, Any] = {
        "batch_id": batch.batch_id,
        "created_at": as_utc(batch.created_at),
        "due_at": as_utc(batch.due_at) if batch.due_at else None,
        "author": batch.author,
        "model": batch.model,
        "prompt_version": batch.prompt_version,
        "profile_hash": batch.profile_hash,
        "seed": batch.seed,
        "planned": batch.planned,
        "authored": batch.authored,
        "repaired": batch.repaired,
        "rejected": batch.rejected,
        "accepted": accepted,
        "status": "pending",
        "content_hash": digest,
        "metadata": json.dumps(
            {
                "reasons": dict(batch.reasons),
                "seconds": batch.seconds,
                "tokens_in": batch.tokens_in,
                "tokens_out": batch.tokens_out,
                **batch.metadata,
            },
            default=str,
            ensure_ascii=False,
        ),
    }
    marks = ", ".join("?" for _ in values)
    run(connection, f"INSERT INTO outbox_batches ({', '.join(values)}) VALUES ({marks})", list(values.values()))


def _completed_log(batch: NewBatch, log: pa.Table) -> pa.Table:
    given = set(log.column_names)
    table = conform(log, LOG_SCHEMA)
    for name in ("author", "model", "prompt_version", "profile_hash", "seed"):
        if name not in given:
            index = LOG_SCHEMA.get_field_index(name)
            value = pa.repeat(pa.scalar(getattr(batch, name), LOG_SCHEMA.field(name).type), len(table))
            table = table.set_column(index, name, value)
    created = pa.repeat(pa.scalar(as_utc(batch.created_at), pa.timestamp("us")), len(table))
    return table.append_column("batch_id", pa.repeat(pa.scalar(batch.batch_id), len(table))).append_column(
        "created_at", created
    )


def _column_of(connection: duckdb.DuckDBPyConnection, batch_id: str, column: str) -> object:
    rows = run(connection, f"SELECT {column} FROM outbox_batches WHERE batch_id = ?", [batch_id])
    if not rows:
        raise StoreError(f"There is no batch {batch_id} in the outbox.")
    value: object = rows[0][0]
    return value


def _move(db: SimulationDatabase, batch_id: str, to: Status, reasons: list[str], now: datetime | None) -> None:
    with db.transaction() as connection:
        status = _column_of(connection, batch_id, "status")
        if status == to:
            return
        if status != "pending":
            raise StoreError(f"Batch {batch_id} is {status} and cannot become {to}.")
        released_at = as_utc(now) if to == "released" else None
        run(
            connection,
            "UPDATE outbox_batches SET status = ?, reasons = ?, released_at = ? WHERE batch_id = ?",
            [to, reasons, released_at, batch_id],
        )
