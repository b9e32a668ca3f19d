"""Lines of a channel to claims and dead letters, a chunk at a time, in memory. Touches neither channel nor database.

Nothing is dropped silently: every line becomes a claim, a dead letter with its reason, or a repeat of a claim.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from claims_sim.channels.contract import KEPT_BYTES
from claims_sim.claim import FLAT_COLUMNS, FLAT_SCHEMA
from claims_sim.rules.wire import MAX_PAYLOAD_BYTES, parse_sql
from claims_sim.store.judging import admission_faults
from claims_sim.store.query import fetch_arrow, run
from claims_sim.store.tables import DEAD_LETTER_SCHEMA, conform
from claims_sim.store.usual import usual_sql

_FEW_LINES: Final = 1_000
"""For so few, improving the plan takes longer than running it."""

_CLAIMS_SCHEMA: Final = pa.schema([("place", pa.int64()), *FLAT_SCHEMA])
_DEAD_SCHEMA: Final = pa.schema([("place", pa.int64()), ("claim_id", pa.string()), ("reason", pa.string())])
ROWS_SCHEMA: Final = pa.schema([*FLAT_SCHEMA, ("channel_position", pa.string())])
REPEATS_SCHEMA: Final = pa.schema([*ROWS_SCHEMA, ("is_same", pa.bool_())])


@dataclass(frozen=True, slots=True)
class Parsed:
    """A chunk, every line of it in one of three tables, each in order of arrival.

    `rows` (ROWS_SCHEMA) hold the first claim of each id, `repeats` (REPEATS_SCHEMA) the later ones. Which of those are
    copies and which contradict is known only on commit: the claim that counts may be stored already.
    """

    rows: pa.Table
    repeats: pa.Table
    dead_letters: pa.Table


_PARSE_SQL: Final = f"""
SELECT CAST(position AS BIGINT) AS place, {", ".join(FLAT_COLUMNS)},
  CASE WHEN shape_fault IN ('not_json', 'too_large') THEN shape_fault ELSE 'shape: ' || shape_fault END AS reason
FROM ({parse_sql("lines")})
"""


def same_content(left: str, right: str) -> str:
    """An SQL condition: two flat rows, by alias, hold the same claim."""
    return " AND ".join(f"{left}.{name} IS NOT DISTINCT FROM {right}.{name}" for name in FLAT_COLUMNS)


_REPEATS: Final = f"""
WITH numbered AS (
  SELECT *, min(place) OVER (PARTITION BY claim_id) AS first_place FROM admitted
)
SELECT a.place, {same_content("a", "b")} AS is_same
FROM numbered AS a JOIN numbered AS b ON b.place = a.first_place
WHERE a.place <> a.first_place
ORDER BY a.place
"""


def parse_lines(lines: pa.Table) -> Parsed:
    """Judge `lines` (contract.LINES_SCHEMA) by shape and by the admission rules, and set repeated ids apart."""
    if not len(lines):
        return Parsed(ROWS_SCHEMA.empty_table(), REPEATS_SCHEMA.empty_table(), DEAD_LETTER_SCHEMA.empty_table())
    with _memory_for(len(lines)) as connection:
        admitted, dead = _judge(connection, _as_text(connection, lines))
        first, later = _set_apart_repeats(connection, admitted)
    dead = _name_unreadable(dead, lines).sort_by("place")
    return Parsed(
        conform(_with_positions(first, lines), ROWS_SCHEMA),
        conform(_with_positions(later, lines), REPEATS_SCHEMA),
        dead_letters_of(lines, dead["place"], dead["claim_id"], dead["reason"]),
    )


class _Kept(threading.local):
    """A thread's connection for chunks of few lines: opening one takes longer than judging them."""

    connection: duckdb.DuckDBPyConnection | None = None


_kept = _Kept()


@contextmanager
def _memory_for(lines: int) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection in memory to judge a chunk of so many lines; nothing of the chunk outlives the block."""
    if lines >= _FEW_LINES:
        with _open_memory() as connection:
            yield connection
        return
    kept, _kept.connection = _kept.connection, None
    if kept is None:
        kept = _open_memory()
        run(kept, "PRAGMA disable_optimizer")
    try:
        yield kept
        for relation in ("lines", "encoded", "judged", "admitted"):
            kept.unregister(relation)
        run(kept, "DROP TABLE IF EXISTS suspects; DROP TABLE IF EXISTS bad_values")
    except BaseException:
        kept.close()
        raise
    _kept.connection = kept


def _open_memory() -> duckdb.DuckDBPyConnection:
    # One thread: several spend a third more CPU on a chunk, beside processes that need theirs.
    return duckdb.connect(config={"temp_directory": "", "threads": 1})


def dead_letters_of(
    lines: pa.Table, places: pa.ChunkedArray, claim_ids: pa.ChunkedArray, reasons: pa.ChunkedArray
) -> pa.Table:
    """The dead letters of the lines at `places`, their raw content bounded."""
    if not len(places):
        return DEAD_LETTER_SCHEMA.empty_table()
    taken = lines.take(places)
    return pa.table(
        {
            "channel_position": taken["position"],
            "claim_id": claim_ids,
            "reason": reasons,
            "raw": pc.binary_slice(taken["raw"], 0, KEPT_BYTES),
            "raw_bytes": taken["size"],
        }
    ).cast(DEAD_LETTER_SCHEMA)


def _as_text(connection: duckdb.DuckDBPyConnection, lines: pa.Table) -> pa.Table:
    """`lines` as the relation that `parse_sql` expects; `position` is the place in the chunk, what is no text is null."""
    raw = lines["raw"]
    is_long = pc.greater(lines["size"], MAX_PAYLOAD_BYTES)
    if pc.any(is_long).as_py():  # not worth decoding
        raw = pc.if_else(is_long, pa.scalar(None, pa.binary()), raw)
    try:
        text = raw.cast(pa.string())
    except pa.ArrowInvalid:
        connection.register("encoded", pa.table({"raw": raw}))
        text = fetch_arrow(connection, "SELECT TRY(decode(raw)) AS raw FROM encoded")["raw"]
    return pa.table({"position": np.arange(len(lines)), "raw": text})


def _judge(connection: duckdb.DuckDBPyConnection, text: pa.Table) -> tuple[pa.Table, pa.Table]:
    """Claims (place, flat columns) in order of arrival, and the dead (_DEAD_SCHEMA).

    A line that breaks a query itself is found by halving: one poisonous message must not stop the stream for ever.
    """
    try:
        return _judge_at_once(connection, text)
    except duckdb.Error:
        if len(text) == 1:
            dead = {"place": text["position"], "claim_id": [None], "reason": ["unreadable"]}
            return _CLAIMS_SCHEMA.empty_table(), pa.table(dead, schema=_DEAD_SCHEMA)
        half = len(text) // 2
        parts = [_judge(connection, text.slice(0, half)), _judge(connection, text.slice(half))]
        return pa.concat_tables([part[0] for part in parts]), pa.concat_tables([part[1] for part in parts])


def _judge_at_once(connection: duckdb.DuckDBPyConnection, text: pa.Table) -> tuple[pa.Table, pa.Table]:
    connection.register("lines", text)
    claims = _read_usual(connection).cast(_CLAIMS_SCHEMA)
    dead = _DEAD_SCHEMA.empty_table()
    if len(claims) < len(text):
        is_read = pc.is_in(text["position"], claims["place"].combine_chunks())
        connection.register("lines", text.filter(pc.invert(is_read)))
        parsed = fetch_arrow(connection, _PARSE_SQL)
        is_dead = pc.is_valid(parsed["reason"])
        dead = parsed.filter(is_dead).select(_DEAD_SCHEMA.names).cast(_DEAD_SCHEMA)
        rest = parsed.filter(pc.invert(is_dead)).select(_CLAIMS_SCHEMA.names).cast(_CLAIMS_SCHEMA)
        claims = pa.concat_tables([claims, rest])
    if (np.diff(claims["place"].to_numpy()) < 0).any():
        claims = claims.sort_by("place")
    faults = admission_faults(connection, claims)
    if len(faults):
        index = pc.index_in(claims["place"], faults["place"].combine_chunks())
        refused = claims.filter(pc.is_valid(index)).select(["place", "claim_id"])
        refused = refused.append_column("reason", faults["reason"].take(index.drop_null()))
        dead = pa.concat_tables([dead, refused.cast(_DEAD_SCHEMA)])
        claims = claims.filter(pc.is_null(index))
    return claims, dead


def _read_usual(connection: duckdb.DuckDBPyConnection) -> pa.Table:
    try:
        return fetch_arrow(connection, usual_sql(all_json=True))
    except duckdb.InvalidInputException:  # the first line that is no JSON
        return fetch_arrow(connection, usual_sql(all_json=False))


def _name_unreadable(dead: pa.Table, lines: pa.Table) -> pa.Table:
    """Give lines that are no UTF-8 their true reason: as null, they count as too large."""
    is_short = pc.less_equal(lines["size"].take(dead["place"]), MAX_PAYLOAD_BYTES)
    reason = pc.if_else(pc.and_(is_short, pc.equal(dead["reason"], "too_large")), "not_utf8", dead["reason"])
    return dead.set_column(_DEAD_SCHEMA.names.index("reason"), "reason", reason)


def _set_apart_repeats(connection: duckdb.DuckDBPyConnection, admitted: pa.Table) -> tuple[pa.Table, pa.Table]:
    """The first claim of each id, and the later ones with `is_same`: whether they repeat the first."""
    connection.register("admitted", admitted)
    if not _may_repeat(connection, admitted):
        return admitted, admitted.slice(0, 0).append_column("is_same", pa.array([], pa.bool_()))
    verdicts = fetch_arrow(connection, _REPEATS)
    index = pc.index_in(admitted["place"], verdicts["place"].combine_chunks())
    later = admitted.filter(pc.is_valid(index))
    return admitted.filter(pc.is_null(index)), later.append_column(
        "is_same", verdicts["is_same"].take(index.drop_null())
    )


def _may_repeat(connection: duckdb.DuckDBPyConnection, admitted: pa.Table) -> bool:
    """Whether two claims (relation `admitted` too) may have the same id; False is certain."""
    if len(admitted) < _FEW_LINES:
        return bool(pc.count_distinct(admitted["claim_id"]).as_py() < len(admitted))
    # Sorting numbers is a fraction of what counting different texts costs.
    hashes = np.sort(fetch_arrow(connection, "SELECT hash(claim_id) AS id_hash FROM admitted")["id_hash"].to_numpy())
    return bool((hashes[1:] == hashes[:-1]).any())


def _with_positions(claims: pa.Table, lines: pa.Table) -> pa.Table:
    places = claims["place"]
    positions = lines["position"].take(places) if len(places) < len(lines) else lines["position"]
    return claims.drop_columns("place").append_column("channel_position", positions)
