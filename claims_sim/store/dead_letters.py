"""Messages that were no acceptable claims: list them, look at one, judge them again, drop them.

A letter that is judged again goes through the same gate, and into the table by the same anti-join, as a message that
arrives; it leaves in the transaction that stores its claim. None is deleted: what was dealt with stays as a row without
its content, so that every claim that was sent stays accounted for.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from claims_sim.errors import RequestError, StoreError
from claims_sim.store.database import SimulationDatabase
from claims_sim.store.parsing import parse_lines
from claims_sim.store.query import fetch_arrow, run
from claims_sim.store.stream import Drain, insert_rows, leave_out_stored
from claims_sim.store.tables import as_utc

_CHUNK: Final = 1_000  # a letter may hold 64 KiB
_SHORTEST_PREFIX: Final = 4
_LISTED: Final = (
    "dead_letter_id, received_at, status, reason, claim_id, raw_bytes, channel, channel_position, resolved_at"
)


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which open letters: all that hold every condition. `ids` may be beginnings of ids, `reason` a part of one."""

    ids: tuple[str, ...] = ()
    reason: str = ""
    before: datetime | None = None


@dataclass(frozen=True, slots=True)
class Retry:
    """What judging letters again did; `cut` were kept only in part and cannot be judged."""

    stored: int = 0
    duplicates: int = 0
    refused: int = 0
    cut: int = 0

    def __add__(self, other: "Retry") -> "Retry":
        return Retry(
            self.stored + other.stored,
            self.duplicates + other.duplicates,
            self.refused + other.refused,
            self.cut + other.cut,
        )


def list_letters(
    db: SimulationDatabase, chosen: Chosen, *, limit: int, resolved: bool = False
) -> tuple[int, list[dict[str, Any]]]:
    """How many letters are chosen, and the newest `limit` of them without their content; `resolved` ones too if asked."""
    with db.connect(read_only=True) as connection:
        where, values = _where(connection, chosen, resolved=resolved)
        count = run(connection, f"SELECT count(*) FROM dead_letters WHERE {where}", values)[0][0]
        found = fetch_arrow(
            connection,
            f"SELECT {_LISTED} FROM dead_letters WHERE {where} ORDER BY received_at DESC, channel_position DESC LIMIT {limit}",
            values,
        )
    return int(count), found.to_pylist()


def count_by_reason(db: SimulationDatabase, chosen: Chosen) -> dict[str, int]:
    """Open letters by reason, the most frequent first."""
    with db.connect(read_only=True) as connection:
        where, values = _where(connection, chosen)
        return dict(
            run(
                connection,
                f"SELECT reason, count(*) AS n FROM dead_letters WHERE {where} GROUP BY 1 ORDER BY n DESC",
                values,
            )
        )


def read_letter(db: SimulationDatabase, dead_letter_id: str) -> dict[str, Any]:
    """One letter, whole, by its id or the beginning of it: `raw` is bytes (None once it is resolved)."""
    with db.connect(read_only=True) as connection:
        found = _full_id(connection, dead_letter_id)
        query = f"SELECT {_LISTED}, raw FROM dead_letters WHERE dead_letter_id = ?"
        letter: dict[str, Any] = fetch_arrow(connection, query, [found]).to_pylist()[0]
        return letter


def retry_letters(db: SimulationDatabase, chosen: Chosen, now: datetime | None = None) -> Retry:
    """Judge the chosen open letters again: what passes is stored exactly once, what does not stays with its reason.

    Raises StoreError when another process deals with the same letters at this moment.
    """
    with db.connect(read_only=True) as connection:
        where, values = _where(connection, chosen)
        query = f"SELECT channel, dead_letter_id FROM dead_letters WHERE {where} ORDER BY channel, received_at, channel_position"
        found = run(connection, query, values)
    total = Retry()
    for channel in dict.fromkeys(channel for channel, _ in found):
        ids = [identity for other, identity in found if other == channel]
        for first in range(0, len(ids), _CHUNK):
            total += _retry(db, channel, ids[first : first + _CHUNK], as_utc(now))
    return total


def drop_letters(db: SimulationDatabase, chosen: Chosen, now: datetime | None = None) -> int:
    """Drop the chosen open letters; how many. Their content is gone, that they came is not."""
    with db.transaction() as connection:
        where, values = _where(connection, chosen)
        dropped = run(
            connection,
            f"UPDATE dead_letters SET status = 'dropped', resolved_at = $now, raw = NULL WHERE {where}",
            {**values, "now": as_utc(now)},
        )
    return int(dropped[0][0])


def _retry(db: SimulationDatabase, channel: str, ids: list[str], instant: datetime) -> Retry:
    with db.connect(read_only=True) as connection:
        connection.register("asked", pa.table({"dead_letter_id": ids}))
        letters = fetch_arrow(
            connection,
            "SELECT dead_letter_id, channel_position, raw, raw_bytes FROM asked JOIN dead_letters USING (dead_letter_id) "
            "WHERE octet_length(raw) = raw_bytes ORDER BY received_at, channel_position",
        )
    # Where a segment was written anew, two letters have one position: here the id stands for it.
    lines = pa.table({"position": letters["dead_letter_id"], "raw": letters["raw"], "size": letters["raw_bytes"]})
    parsed = parse_lines(lines)
    judged = Drain(channel, "", "", parsed.rows, parsed.repeats, parsed.dead_letters, lines)
    with db.transaction() as connection:
        rows, refused, duplicates = leave_out_stored(connection, judged)
        is_refused = pc.is_in(letters["dead_letter_id"], refused["channel_position"].combine_chunks())
        _resolve(connection, letters.filter(pc.invert(is_refused)), instant)
        _give_new_reasons(connection, refused)
        place = pc.index_in(rows["channel_position"], letters["dead_letter_id"].combine_chunks())
        column = rows.column_names.index("channel_position")
        insert_rows(
            connection,
            channel,
            rows.set_column(column, "channel_position", letters["channel_position"].take(place)),
            instant,
        )
        run(
            connection,
            "UPDATE stream_positions SET rows_ingested = rows_ingested + ?, duplicates = duplicates + ? WHERE channel = ?",
            [len(rows), duplicates, channel],
        )
    return Retry(len(rows), duplicates, len(refused), len(ids) - len(letters))


def _resolve(connection: duckdb.DuckDBPyConnection, letters: pa.Table, instant: datetime) -> None:
    connection.register("passed", letters.select(["dead_letter_id"]))
    resolved = run(
        connection,
        "UPDATE dead_letters SET status = 'retried', resolved_at = ?, raw = NULL "
        "WHERE status = 'open' AND dead_letter_id IN (SELECT dead_letter_id FROM passed)",
        [instant],
    )
    if resolved[0][0] != len(letters):
        raise StoreError("Another process deals with the same dead letters: try again when it is done.")


def _give_new_reasons(connection: duckdb.DuckDBPyConnection, refused: pa.Table) -> None:
    """The rules may be others than when the letter came."""
    connection.register("refused", refused.select(["channel_position", "reason"]))
    run(
        connection,
        "UPDATE dead_letters SET reason = r.reason FROM refused r "
        "WHERE dead_letters.dead_letter_id = r.channel_position AND dead_letters.reason <> r.reason",
    )


def _where(
    connection: duckdb.DuckDBPyConnection, chosen: Chosen, *, resolved: bool = False
) -> tuple[str, dict[str, Any]]:
    """The chosen letters as an SQL condition with its values."""
    conditions, values = ["true" if resolved else "status = 'open'"], dict[str, Any]()
    if chosen.ids:
        conditions.append("dead_letter_id IN (SELECT unnest($ids))")
        values["ids"] = [_full_id(connection, prefix) for prefix in chosen.ids]
    if chosen.reason:
        conditions.append("contains(reason, $reason)")
        values["reason"] = chosen.reason
    if chosen.before:
        conditions.append("received_at < $before")
        values["before"] = as_utc(chosen.before)
    return " AND ".join(conditions), values


def _full_id(connection: duckdb.DuckDBPyConnection, prefix: str) -> str:
    shown = prefix[:40]
    if len(prefix) < _SHORTEST_PREFIX:
        raise RequestError(
            f"'{shown}' is too short: give at least {_SHORTEST_PREFIX} characters of a dead letter's id."
        )
    query = "SELECT dead_letter_id FROM dead_letters WHERE starts_with(dead_letter_id, ?) LIMIT 2"
    found = run(connection, query, [prefix.lower()])
    if len(found) != 1:
        what = "Several dead letters' ids begin with" if found else "There is no dead letter"
        raise RequestError(f"{what} '{shown}': `claims-sim dead-letters list` shows them.")
    return str(found[0][0])
