"""From a channel into `claims_live_stream`, every claim exactly once.

The channel delivers at least once. The stored position moves in the transaction that stores the rows, and only from
where the reader began (fencing); ids that are stored already are left out. A crash at any moment therefore replays and
never loses or doubles.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from claims_sim.channels.contract import Channel
from claims_sim.errors import ChannelError, PositionMovedError
from claims_sim.store.database import SimulationDatabase
from claims_sim.store.known import batches_of, claim_key, purged_among, stored_copies
from claims_sim.store.parsing import dead_letters_of, parse_lines
from claims_sim.store.query import run
from claims_sim.store.tables import STREAM_SCHEMA, as_utc, conform

CONFLICT: Final = "conflicting_content"
"""The reason of a message that brings a known claim id with another content than the first that arrived."""

CHUNK_ROWS: Final = 122_880
"""A row group of DuckDB: what is stored in whole ones is compressed once, and not again with the next chunk."""
_MOVES: Final = 10  # another consumer may take the position from us that often in a row


@dataclass(frozen=True, slots=True)
class Drain:
    """One chunk of a channel, judged but not stored.

    `rows`, `repeats` and `dead_letters` are as in `parsing.Parsed`; `lines` are what was read, for the dead letters that
    are found on commit.
    """

    channel: str
    position_from: str
    position_to: str
    rows: pa.Table
    repeats: pa.Table
    dead_letters: pa.Table
    lines: pa.Table = field(repr=False)
    notes: tuple[str, ...] = ()

    @property
    def duplicates(self) -> int:
        """Messages that repeat another of the chunk; copies of stored claims are found on commit."""
        return int(pc.sum(self.repeats["is_same"]).as_py() or 0)

    @property
    def is_empty(self) -> bool:
        """Nothing was read and the position did not move."""
        return not len(self.lines) and self.position_from == self.position_to


@dataclass(frozen=True, slots=True)
class DrainResult:
    """What one commit stored. `duplicates` and `dead_letters` include those found inside the chunk."""

    rows: int
    duplicates: int
    dead_letters: int
    position: str


@dataclass(frozen=True, slots=True)
class IngestResult:
    """What one ingest stored, over all its chunks."""

    channel: str
    rows: int
    duplicates: int
    dead_letters: int
    chunks: int
    position: str
    notes: tuple[str, ...] = ()


def drain_channel(db: SimulationDatabase, channel: Channel, limit: int = CHUNK_ROWS) -> Drain:
    """Read and judge up to `limit` messages after the stored position; stores nothing (but a first position)."""
    return _drain_from(channel, stored_position(db, channel), limit)


def _drain_from(channel: Channel, position: str, limit: int) -> Drain:
    reading = channel.read(position, limit)
    parsed = parse_lines(reading.lines)
    return Drain(
        channel=channel.name,
        position_from=position,
        position_to=reading.position,
        rows=parsed.rows,
        repeats=parsed.repeats,
        dead_letters=parsed.dead_letters,
        lines=reading.lines,
        notes=reading.notes,
    )


def commit_drain(db: SimulationDatabase, drain: Drain, now: datetime | None = None) -> DrainResult:
    """Store a drain in one transaction: rows, dead letters, position.

    Raises PositionMovedError, and stores nothing, when the stored position is not where the drain began.
    """
    if drain.is_empty:
        return DrainResult(0, 0, 0, drain.position_to)
    instant = as_utc(now)
    with db.transaction() as connection:
        _move_position(connection, drain, instant)
        rows, dead_letters, duplicates = leave_out_stored(connection, drain)
        insert_rows(connection, drain.channel, rows, instant)
        dead = _insert_dead_letters(connection, drain.channel, dead_letters, instant)
        run(
            connection,
            "UPDATE stream_positions SET rows_ingested = rows_ingested + ?, dead_letters = dead_letters + ?, "
            "duplicates = duplicates + ? WHERE channel = ?",
            [len(rows), dead, duplicates, drain.channel],
        )
    return DrainResult(len(rows), duplicates, dead, drain.position_to)


def ingest(db: SimulationDatabase, channel: Channel, limit: int = CHUNK_ROWS) -> IngestResult:
    """Drain and commit until the channel is empty; after another consumer's move, go on from where that one is.

    What is stored then is settled with the channel, which may let go of the oldest of it.
    """
    total = IngestResult(channel.name, 0, 0, 0, 0, channel.start)
    position, moves = stored_position(db, channel), 0
    while True:
        drain = _drain_from(channel, position, limit)
        if drain.is_empty:
            notes = total.notes + (_settle(channel, position) if total.chunks else ())
            return replace(total, position=drain.position_to, notes=notes)
        try:
            result = commit_drain(db, drain)
        except PositionMovedError:
            moves += 1
            if moves >= _MOVES:
                raise
            position = stored_position(db, channel)
            continue
        position, moves = result.position, 0
        total = replace(
            total,
            rows=total.rows + result.rows,
            duplicates=total.duplicates + result.duplicates,
            dead_letters=total.dead_letters + result.dead_letters,
            chunks=total.chunks + 1,
            notes=total.notes + drain.notes,
        )


def _settle(channel: Channel, position: str) -> tuple[str, ...]:
    """Settle what is stored; a channel that refuses (we may only read it) stays longer than it should be."""
    try:
        channel.settle(position)
    except ChannelError as error:
        return (f"What is stored could not be settled with the channel: {error}",)
    return ()


def stored_position(db: SimulationDatabase, channel: Channel) -> str:
    """How far the channel has been ingested; its start when nothing was yet."""
    query = "SELECT position FROM stream_positions WHERE channel = ?"
    with db.connect(read_only=True) as connection:
        rows = run(connection, query, [channel.name])
    if not rows:
        with db.transaction() as connection:
            run(
                connection,
                "INSERT INTO stream_positions (channel, position, updated_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                [channel.name, channel.start, as_utc(None)],
            )
            rows = run(connection, query, [channel.name])
    return str(rows[0][0])


def _move_position(connection: duckdb.DuckDBPyConnection, drain: Drain, instant: datetime) -> None:
    try:
        moved = run(
            connection,
            "UPDATE stream_positions SET position = ?, updated_at = ? WHERE channel = ? AND position = ?",
            [drain.position_to, instant, drain.channel, drain.position_from],
        )
    except duckdb.TransactionException:
        moved = []  # a thread of this process is moving it at this moment
    if moved != [(1,)]:
        raise PositionMovedError(
            f"Another consumer has moved {drain.channel} on from {drain.position_from}: read again from the new position."
        )


def leave_out_stored(connection: duckdb.DuckDBPyConnection, drain: Drain) -> tuple[pa.Table, pa.Table, int]:
    """New rows with their batch_id, all dead letters, and the number of duplicates.

    What was purged counts as a duplicate whatever it holds: of a purged claim only the id is known.
    """
    rows, repeated = _with_batches(connection, drain.rows), drain.repeats
    purged = purged_among(connection, rows)
    if len(purged):
        rows = rows.filter(pc.invert(pc.is_in(rows["claim_id"], purged)))
        repeated = repeated.filter(pc.invert(pc.is_in(repeated["claim_id"], purged)))
    gone = len(drain.rows) - len(rows) + len(drain.repeats) - len(repeated)
    copies = stored_copies(connection, rows)
    known = rows.take(copies["place"])
    others = [known.append_column("is_same", copies["is_same"])]
    if len(repeated):
        # Against the stored claim where there is one, else against the first of the chunk.
        is_known = pc.is_in(repeated["claim_id"], known["claim_id"].combine_chunks())
        repeats = _with_batches(connection, repeated.filter(is_known).drop_columns("is_same"))
        others += [
            repeats.append_column("is_same", stored_copies(connection, repeats)["is_same"]),
            repeated.filter(pc.invert(is_known)),
        ]
    verdicts = pa.concat_tables([table.select(["channel_position", "claim_id", "is_same"]) for table in others])
    conflicts = verdicts.filter(pc.invert(verdicts["is_same"]))
    dead_letters = drain.dead_letters
    if len(conflicts):
        places = pc.index_in(conflicts["channel_position"], drain.lines["position"].combine_chunks())
        reasons = pa.repeat(pa.scalar(CONFLICT), len(conflicts))
        refused = dead_letters_of(drain.lines, places, conflicts["claim_id"], reasons)
        dead_letters = pa.concat_tables([dead_letters, refused])
    if len(copies):
        is_new = np.ones(len(rows), bool)
        is_new[copies["place"].to_numpy()] = False
        rows = rows.filter(pa.array(is_new))
    return rows, dead_letters, len(verdicts) - len(conflicts) + gone


def _with_batches(connection: duckdb.DuckDBPyConnection, rows: pa.Table) -> pa.Table:
    return rows.append_column("batch_id", batches_of(connection, rows["claim_id"]))


def insert_rows(connection: duckdb.DuckDBPyConnection, channel: str, rows: pa.Table, instant: datetime) -> None:
    """Append rows that `leave_out_stored` found new: number them, and count them for their batches."""
    if not len(rows):
        return
    last = run(
        connection, "UPDATE counters SET value = value + ? WHERE name = 'stream_seq' RETURNING value", [len(rows)]
    )[0][0]
    numbered = rows.append_column("stream_seq", pa.array(np.arange(last - len(rows) + 1, last + 1)))
    numbered = numbered.append_column("ingested_at", pa.repeat(pa.scalar(instant, pa.timestamp("us")), len(rows)))
    numbered = numbered.append_column("channel", pa.repeat(pa.scalar(channel), len(rows)))
    connection.register("new_rows", conform(numbered, STREAM_SCHEMA))
    run(connection, "INSERT INTO claims_live_stream SELECT * FROM new_rows")
    run(connection, f"INSERT INTO claim_keys SELECT {claim_key('claim_id')}, stream_seq FROM new_rows")
    run(
        connection,
        "UPDATE counters SET value = value + ? WHERE name = 'foreign_claims'",
        [rows["batch_id"].null_count],
    )
    counts = rows.group_by("batch_id").aggregate([("claim_id", "count")]).drop_null()
    if len(counts):
        connection.register("new_counts", counts)
        run(
            connection,
            "UPDATE outbox_batches SET ingested = ingested + c.claim_id_count FROM new_counts c "
            "WHERE outbox_batches.batch_id = c.batch_id AND outbox_batches.batch_id BETWEEN ? AND ?",
            [pc.min(counts["batch_id"]).as_py(), pc.max(counts["batch_id"]).as_py()],
        )


def _insert_dead_letters(
    connection: duckdb.DuckDBPyConnection, channel: str, dead_letters: pa.Table, instant: datetime
) -> int:
    """Store dead letters that are not stored yet (a segment may be read again); how many."""
    if not len(dead_letters):
        return 0
    connection.register("new_dead_letters", dead_letters)
    inserted = run(
        connection,
        """
        INSERT INTO dead_letters BY NAME
        SELECT * FROM (
          SELECT md5(concat_ws(chr(31), $channel, channel_position, md5(raw), raw_bytes)) AS dead_letter_id,
            $channel AS channel, channel_position, claim_id, reason, raw, raw_bytes, $instant AS received_at
          FROM new_dead_letters
        ) WHERE dead_letter_id NOT IN (SELECT dead_letter_id FROM dead_letters)
        """,
        {"channel": channel, "instant": instant},
    )
    return int(inserted[0][0])
