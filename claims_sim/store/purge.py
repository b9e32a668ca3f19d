"""Remove claims for good: their rows, scores, provenance and payloads. Decides nothing about when; touches no file.

A purged claim leaves the hash of its id: delivered again, it is known and dropped, and nobody counts it as lost. Work
goes in short transactions, so that other processes wait for none of them; a crash in between leaves fewer claims purged.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from claims_sim.errors import RequestError
from claims_sim.store.database import SimulationDatabase
from claims_sim.store.known import claim_hash
from claims_sim.store.outbox import find_batch
from claims_sim.store.query import counter, fetch_arrow, run
from claims_sim.store.tables import as_utc

CHUNK_CLAIMS: Final = 50_000
_CHUNK_BATCHES: Final = 200


@dataclass(frozen=True, slots=True)
class Selection:
    """Which stored claims: those that arrived `before`, all but the newest `keep` (with both: what both mean), or batches.

    `batches` are ids, or beginnings of ids.
    """

    before: datetime | None = None
    keep: int | None = None
    batches: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if bool(self.batches) == (self.before is not None or self.keep is not None):
            raise RequestError("Say which claims: by age, by how many stay, or by batch; batches go by themselves.")


@dataclass(frozen=True, slots=True)
class Purge:
    """What is chosen, or went: `claims` stored, `scores` of them, their `payloads` in the outbox, `batches` touched."""

    claims: int = 0
    scores: int = 0
    payloads: int = 0
    batches: int = 0


@dataclass(frozen=True, slots=True)
class _Bounds:
    """The chosen claims: up to arrival number `through`, or of whole `batches` (sorted)."""

    through: int
    batches: tuple[str, ...]

    @property
    def where(self) -> str:
        """A condition on claims_live_stream."""
        if self.batches:
            return "batch_id BETWEEN $first AND $last AND batch_id IN (SELECT unnest($batches))"
        return "stream_seq <= $through"

    @property
    def values(self) -> dict[str, Any]:
        """The values that `where` binds."""
        if self.batches:
            return {"first": self.batches[0], "last": self.batches[-1], "batches": list(self.batches)}
        return {"through": self.through}


def count_chosen(db: SimulationDatabase, selection: Selection) -> Purge:
    """What `purge_claims` would remove. Raises StoreError for a batch that is not there."""
    bounds = _find_bounds(db, selection)
    with db.connect(read_only=True) as connection:
        claims, batches, lowest, highest = run(
            connection,
            "SELECT count(*), count(DISTINCT batch_id), min(stream_seq), max(stream_seq) "
            f"FROM claims_live_stream WHERE {bounds.where}",
            bounds.values,
        )[0]
        if not claims:
            return Purge()
        chosen = f"SELECT stream_seq FROM claims_live_stream WHERE {bounds.where}"
        scores = run(
            connection,
            f"SELECT count(*) FROM ml_scores WHERE stream_seq BETWEEN $lowest AND $highest AND stream_seq IN ({chosen})",
            {**bounds.values, "lowest": lowest, "highest": highest},
        )[0][0]
        ids = f"SELECT claim_id FROM claims_live_stream WHERE batch_id IS NOT NULL AND {bounds.where}"
        payloads = run(
            connection,
            f"SELECT count(*) FROM outbox WHERE batch_id IN (SELECT batch_id {_ARRIVED}) AND claim_id IN ({ids})",
            bounds.values,
        )[0][0]
    return Purge(int(claims), int(scores), int(payloads), int(batches))


def chosen_ids(db: SimulationDatabase, selection: Selection, claim_ids: list[str]) -> list[str]:
    """Those of `claim_ids` that are chosen."""
    if not claim_ids:
        return []
    bounds = _find_bounds(db, selection)
    with db.connect(read_only=True) as connection:
        connection.register("asked", pa.table({"claim_id": claim_ids}))
        query = f"SELECT claim_id FROM claims_live_stream SEMI JOIN asked USING (claim_id) WHERE {bounds.where}"
        return [row[0] for row in run(connection, query, bounds.values)]


def chosen_numbers(db: SimulationDatabase, selection: Selection) -> pa.Table:
    """The chosen claims' `stream_seq` and the `score_seq` of their scores (null without one), by arrival."""
    bounds = _find_bounds(db, selection)
    with db.connect(read_only=True) as connection:
        return fetch_arrow(
            connection,
            f"SELECT stream_seq, score_seq FROM (SELECT stream_seq FROM claims_live_stream WHERE {bounds.where}) "
            "LEFT JOIN ml_scores USING (stream_seq) ORDER BY stream_seq",
            bounds.values,
        )


def purge_claims(db: SimulationDatabase, selection: Selection, now: datetime | None = None) -> Iterator[Purge]:
    """Remove the chosen claims, part by part; yields what went with each part.

    Those that arrive meanwhile stay. Snapshots still show what went until they are written next.
    """
    bounds = _find_bounds(db, selection)
    for part in _parts(db, bounds):
        with db.transaction() as connection:
            done = _purge_part(connection, part, as_utc(now))
        if done.claims:
            yield done


def purged_ids(db: SimulationDatabase, claim_ids: list[str]) -> list[str]:
    """Those of `claim_ids` that were purged."""
    with db.connect(read_only=True) as connection:
        if not claim_ids or not counter(connection, "purged_claims"):
            return []
        connection.register("asked", pa.table({"claim_id": claim_ids}))
        query = f"SELECT claim_id FROM asked SEMI JOIN purged_claims ON claim_hash = {claim_hash('claim_id')}"
        return [row[0] for row in run(connection, query)]


_ARRIVED: Final = "FROM outbox_batches WHERE ingested >= accepted"
"""Batches that will not be sent again: of the others every payload may still be needed."""


def _find_bounds(db: SimulationDatabase, selection: Selection) -> _Bounds:
    if selection.batches:
        return _Bounds(0, tuple(sorted({find_batch(db, name) for name in selection.batches})))
    with db.connect(read_only=True) as connection:
        through = counter(connection, "stream_seq")
        if selection.before is not None:
            query = "SELECT min(stream_seq) - 1 FROM claims_live_stream WHERE ingested_at >= ?"
            youngest = run(connection, query, [as_utc(selection.before)])[0][0]
            through = min(through, through if youngest is None else youngest)
        if selection.keep is not None:
            query = "SELECT min(n) - 1 FROM (SELECT stream_seq AS n FROM claims_live_stream ORDER BY n DESC LIMIT ?)"
            oldest = run(connection, query, [selection.keep])[0][0]
            through = min(through, through if oldest is None else oldest)
    return _Bounds(int(through), ())


def _parts(db: SimulationDatabase, bounds: _Bounds) -> Iterator[_Bounds]:
    """The chosen claims in parts that one short transaction removes."""
    if bounds.batches:
        for first in range(0, len(bounds.batches), _CHUNK_BATCHES):
            yield _Bounds(0, bounds.batches[first : first + _CHUNK_BATCHES])
        return
    while True:
        with db.connect(read_only=True) as connection:
            query = "SELECT min(stream_seq) FROM claims_live_stream WHERE stream_seq <= ?"
            lowest = run(connection, query, [bounds.through])[0][0]
        if lowest is None:
            return
        yield _Bounds(min(bounds.through, lowest + CHUNK_CLAIMS - 1), ())


def _purge_part(connection: duckdb.DuckDBPyConnection, part: _Bounds, instant: datetime) -> Purge:
    doomed = fetch_arrow(
        connection, f"SELECT stream_seq, claim_id, batch_id FROM claims_live_stream WHERE {part.where}", part.values
    )
    if not len(doomed):
        return Purge()
    connection.register("doomed", doomed)
    numbers = {"lowest": pc.min(doomed["stream_seq"]).as_py(), "highest": pc.max(doomed["stream_seq"]).as_py()}
    chosen = "WHERE stream_seq BETWEEN $lowest AND $highest AND stream_seq IN (SELECT stream_seq FROM doomed)"
    run(connection, f"INSERT INTO purged_claims SELECT {claim_hash('claim_id')} FROM doomed")
    scores = int(run(connection, f"DELETE FROM ml_scores {chosen}", numbers)[0][0])
    for table in ("claim_keys", "claims_live_stream"):
        run(connection, f"DELETE FROM {table} {chosen}", numbers)
    run(
        connection,
        "UPDATE counters SET value = greatest(value - ?, 0) WHERE name = 'claim_keys_ordered'",
        [len(doomed)],
    )
    run(connection, "UPDATE counters SET value = value + ? WHERE name = 'purged_claims'", [len(doomed)])
    run(connection, "UPDATE counters SET value = value + ? WHERE name = 'purged_unscored'", [len(doomed) - scores])
    run(connection, "UPDATE counters SET value = value + 1 WHERE name = 'purges'")
    run(
        connection,
        "UPDATE counters SET value = value - ? WHERE name = 'foreign_claims'",
        [doomed["batch_id"].null_count],
    )
    batches = doomed.group_by("batch_id").aggregate([("claim_id", "count")]).drop_null()
    payloads = _purge_batches(connection, batches, instant) if len(batches) else 0
    return Purge(len(doomed), scores, payloads, len(batches))


def _purge_batches(connection: duckdb.DuckDBPyConnection, batches: pa.Table, instant: datetime) -> int:
    """Forget how the doomed claims of ours were made, and their payloads where nobody will ask for them again."""
    connection.register("doomed_batches", batches)
    bounds = {"first": pc.min(batches["batch_id"]).as_py(), "last": pc.max(batches["batch_id"]).as_py()}
    within = "batch_id BETWEEN $first AND $last"
    ours = f"{within} AND batch_id IN (SELECT batch_id FROM doomed_batches)"
    run(
        connection,
        "UPDATE outbox_batches SET purged = purged + d.claim_id_count FROM doomed_batches AS d "
        f"WHERE outbox_batches.batch_id = d.batch_id AND outbox_batches.{within}",
        bounds,
    )
    run(
        connection,
        f"DELETE FROM generation_log WHERE {ours} AND claim_id IN (SELECT claim_id FROM doomed)",
        bounds,
    )
    payloads = run(
        connection,
        f"DELETE FROM outbox WHERE {ours} AND batch_id IN (SELECT batch_id {_ARRIVED}) "
        "AND claim_id IN (SELECT claim_id FROM doomed)",
        bounds,
    )[0][0]
    run(
        connection,
        f"UPDATE outbox_batches SET pruned_at = $instant WHERE {ours} AND pruned_at IS NULL AND purged >= accepted",
        {**bounds, "instant": instant},
    )
    return int(payloads)
