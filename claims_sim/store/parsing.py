"""Lines of a channel to claims and dead letters, a chunk at a time, in memory. Touches neither channel nor database.

Nothing is dropped silently: every line becomes a claim, a dead letter with its reason, or a counted duplicate.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from claims_sim.channels.contract import KEPT_BYTES
from claims_sim.claim import FLAT_COLUMNS, FLAT_SCHEMA
from claims_sim.rules.table import ADMISSION, broken_sql
from claims_sim.rules.wire import MAX_PAYLOAD_BYTES, parse_sql
from claims_sim.store.query import fetch_arrow, run
from claims_sim.store.tables import DEAD_LETTER_SCHEMA

CONFLICT: Final = "conflicting_content"
"""The reason of a message that brings a known claim id with another content."""

_FEW_LINES: Final = 1_000
"""For so few, improving the plan takes longer than running it."""

ROWS_SCHEMA: Final = pa.schema([*FLAT_SCHEMA, ("channel_position", pa.string())])


@dataclass(frozen=True, slots=True)
class Parsed:
    """`rows`: ROWS_SCHEMA in order of arrival, ids unique. `dead_letters`: DEAD_LETTER_SCHEMA. Copies are counted."""

    rows: pa.Table
    dead_letters: pa.Table
    duplicates: int


@lru_cache(maxsize=1)
def _judge_sql() -> str:
    """Flat rows of relation `lines` with their place and a reason, NULL where the claim is admissible."""
    return f"""
SELECT CAST(position AS BIGINT) AS place, {", ".join(FLAT_COLUMNS)},
  CASE WHEN shape_fault IN ('not_json', 'too_large') THEN shape_fault
       WHEN shape_fault IS NOT NULL THEN 'shape: ' || shape_fault
       WHEN len(broken) > 0 THEN 'rule: ' || array_to_string(broken, ', ') END AS reason
FROM (SELECT *, CASE WHEN shape_fault IS NULL THEN {broken_sql(ADMISSION)} END AS broken FROM ({parse_sql("lines")}))
"""


def same_content(left: str, right: str) -> str:
    """An SQL condition: two flat rows, by alias, hold the same claim."""
    return " AND ".join(f"{left}.{name} IS NOT DISTINCT FROM {right}.{name}" for name in FLAT_COLUMNS)


_COPIES: Final = f"""
WITH numbered AS (
  SELECT *, min(place) OVER (PARTITION BY claim_id) AS first_place FROM admitted
)
SELECT a.place, {same_content("a", "b")} AS is_same
FROM numbered AS a JOIN numbered AS b ON b.place = a.first_place
WHERE a.place <> a.first_place
ORDER BY a.place
"""


def parse_lines(lines: pa.Table) -> Parsed:
    """Judge `lines` (contract.LINES_SCHEMA) by shape and by the admission rules, and remove copies among them."""
    if not len(lines):
        return Parsed(ROWS_SCHEMA.empty_table(), DEAD_LETTER_SCHEMA.empty_table(), 0)
    with duckdb.connect(config={"temp_directory": ""}) as connection:
        if len(lines) < _FEW_LINES:
            run(connection, "PRAGMA disable_optimizer")
        judged = _judge(connection, _as_text(connection, lines))
        judged = _name_unreadable(judged, lines)
        is_dead = pc.is_valid(judged["reason"])
        dead, admitted = (
            judged.filter(is_dead).select(["place", "claim_id", "reason"]),
            judged.filter(pc.invert(is_dead)),
        )
        copies = _find_copies(connection, admitted)
    if copies is not None:
        conflicts = copies.filter(pc.invert(copies["is_same"]))["place"].combine_chunks()
        ids = admitted["claim_id"].take(pc.index_in(conflicts, admitted["place"].combine_chunks()))
        reasons = pa.repeat(pa.scalar(CONFLICT), len(conflicts))
        dead = pa.concat_tables([dead, pa.table({"place": conflicts, "claim_id": ids, "reason": reasons})])
        dead = dead.sort_by("place")
        admitted = admitted.filter(pc.invert(pc.is_in(admitted["place"], copies["place"].combine_chunks())))
        duplicates = len(copies) - len(conflicts)
    else:
        duplicates = 0
    rows = admitted.select(FLAT_COLUMNS).append_column("channel_position", lines["position"].take(admitted["place"]))
    return Parsed(
        rows.cast(ROWS_SCHEMA), dead_letters_of(lines, dead["place"], dead["claim_id"], dead["reason"]), duplicates
    )


def dead_letters_of(
    lines: pa.Table, places: pa.ChunkedArray, claim_ids: pa.ChunkedArray, reasons: pa.ChunkedArray
) -> pa.Table:
    """The dead letters of the lines at `places`, their raw content bounded."""
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
    return pa.table({"position": pa.array(np.arange(len(lines)).astype(str)), "raw": text})


def _judge(connection: duckdb.DuckDBPyConnection, text: pa.Table) -> pa.Table:
    """Flat rows, place and reason of each line. A line that breaks the query itself is found by halving."""
    connection.register("lines", text)
    try:
        return fetch_arrow(connection, _judge_sql()).sort_by("place")
    except duckdb.Error:
        # One poisonous message must not stop the stream for ever.
        if len(text) > 1:
            half = len(text) // 2
            parts = [_judge(connection, text.slice(0, half)), _judge(connection, text.slice(half))]
            return pa.concat_tables(parts)
    nulls = {field.name: pa.nulls(1, field.type) for field in FLAT_SCHEMA}
    return pa.table({"place": text["position"].cast(pa.int64()), **nulls, "reason": ["unreadable"]})


def _name_unreadable(judged: pa.Table, lines: pa.Table) -> pa.Table:
    """Give lines that are no UTF-8 or too long their true reason."""
    is_long = pc.greater(lines["size"], MAX_PAYLOAD_BYTES)
    is_lost = pc.equal(judged["reason"], "too_large")  # what could not be decoded arrives as null, which counts as such
    lost = pc.and_(pc.fill_null(is_lost, False), pc.invert(is_long))
    reason = pc.if_else(lost, pa.scalar("not_utf8"), judged["reason"])
    return judged.set_column(judged.column_names.index("reason"), "reason", reason)


def _find_copies(connection: duckdb.DuckDBPyConnection, admitted: pa.Table) -> pa.Table | None:
    """Rows whose id came before in the chunk: their place, and whether the content is the same. None when there are none."""
    if pc.count_distinct(admitted["claim_id"]).as_py() == len(admitted):
        return None
    connection.register("admitted", admitted)
    return fetch_arrow(connection, _COPIES)
