"""What is known already about incoming claims: their batch in the outbox, and copies that are stored.

For our own claims every query reads a part of a table that does not grow: statistics of `batch_id`, whose first eight
characters are time, let DuckDB skip the rest. Foreign claims, and copies from batches that are complete, may be
anywhere: they are looked for by a short key of their id.
"""

from typing import Final

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from claims_sim.store.parsing import same_content
from claims_sim.store.query import counter, fetch_arrow

_OPEN_BATCHES = "SELECT batch_id FROM outbox_batches WHERE ingested < accepted AND status <> 'quarantined'"
_COPIES_SCHEMA: Final = pa.schema([("place", pa.int64()), ("is_same", pa.bool_())])


def batches_of(connection: duckdb.DuckDBPyConnection, claim_ids: pa.ChunkedArray) -> pa.Array:
    """The batch of each claim that waits for arrival; null for foreign claims and for those of complete batches.

    A claim of a complete batch is stored already, so that its batch does not matter.
    """
    nothing = pa.nulls(len(claim_ids), pa.string())
    if not len(claim_ids):
        return nothing
    open_batches = fetch_arrow(connection, _OPEN_BATCHES)
    if not len(open_batches):
        return nothing
    ids = pa.table({"place": np.arange(len(claim_ids)), "claim_id": claim_ids})
    connection.register("arrived", ids)
    connection.register("open_batches", open_batches)
    found = fetch_arrow(
        connection,
        "SELECT a.place, o.batch_id FROM outbox o JOIN arrived a USING (claim_id) "
        "WHERE o.batch_id BETWEEN ? AND ? AND o.batch_id IN (SELECT batch_id FROM open_batches)",
        [pc.min(open_batches["batch_id"]).as_py(), pc.max(open_batches["batch_id"]).as_py()],
    )
    return found["batch_id"].combine_chunks().take(pc.index_in(ids["place"], found["place"].combine_chunks()))


def stored_copies(connection: duckdb.DuckDBPyConnection, rows: pa.Table) -> pa.Table:
    """Which of `rows` (flat rows with `batch_id`) have their id stored: `place` in `rows`, and `is_same` content."""
    if not len(rows):
        return _COPIES_SCHEMA.empty_table()
    ids = pa.table({"place": np.arange(len(rows)), "claim_id": rows["claim_id"], "batch_id": rows["batch_id"]})
    ours, foreign = ids.filter(pc.is_valid(ids["batch_id"])), ids.filter(pc.is_null(ids["batch_id"]))
    matches = []
    if len(ours):
        bounds = [pc.min(ours["batch_id"]).as_py(), pc.max(ours["batch_id"]).as_py()]
        matches.append(_match_in_batches(connection, ours, bounds))
    # A claim of ours may have been stored while its batch was unknown, as after a restored backup.
    anywhere = ids if counter(connection, "foreign_claims") else foreign
    if len(anywhere):
        matches.append(_match_anywhere(connection, anywhere))
    found = pa.concat_tables(matches)
    if not len(found):
        return _COPIES_SCHEMA.empty_table()
    return _compare(connection, rows, found.group_by(["place", "stream_seq"]).aggregate([]))


def claim_key(column: str) -> str:
    """An SQL expression: the short key of a claim id. Stored, so it must never change."""
    return f"CAST(md5_number_lower({column}) & 4294967295 AS UINTEGER)"


def claim_hash(column: str) -> str:
    """An SQL expression: what a purged claim leaves of its id. Stored, so it must never change."""
    return f"md5_number_lower({column})"


def purged_among(connection: duckdb.DuckDBPyConnection, rows: pa.Table) -> pa.Array:
    """The claim ids among `rows` (flat rows with `batch_id`) whose claim was stored once and purged since."""
    nothing = pa.array([], pa.string())
    if not len(rows) or not counter(connection, "purged_claims"):
        return nothing
    ids = rows.select(["claim_id", "batch_id"])
    torn = fetch_arrow(connection, f"{_OPEN_BATCHES} AND purged > 0")["batch_id"].combine_chunks()
    # A claim of an open batch that nothing was purged of is not looked for.
    ids = ids.filter(pc.or_(pc.is_null(ids["batch_id"]), pc.is_in(ids["batch_id"], torn)))
    if not len(ids):
        return nothing
    connection.register("sought", ids)
    found = fetch_arrow(
        connection,
        "SELECT DISTINCT claim_id FROM purged_claims AS p "
        f"JOIN (SELECT claim_id, {claim_hash('claim_id')} AS claim_hash FROM sought) USING (claim_hash)",
    )
    return found["claim_id"].combine_chunks()


def _match_in_batches(connection: duckdb.DuckDBPyConnection, ids: pa.Table, bounds: list[str]) -> pa.Table:
    connection.register("sought", ids)
    return fetch_arrow(
        connection,
        "SELECT i.place, s.stream_seq FROM claims_live_stream s JOIN sought i USING (claim_id) "
        "WHERE s.batch_id BETWEEN ? AND ?",
        bounds,
    )


def _match_anywhere(connection: duckdb.DuckDBPyConnection, ids: pa.Table) -> pa.Table:
    connection.register("sought", ids)
    candidates = fetch_arrow(
        connection,
        f"SELECT i.place, i.claim_id, k.stream_seq FROM claim_keys k "
        f"JOIN (SELECT place, claim_id, {claim_key('claim_id')} AS claim_key FROM sought) i USING (claim_key)",
    )
    if not len(candidates):
        return candidates.select(["place", "stream_seq"])
    connection.register("candidates", candidates)
    return fetch_arrow(
        connection,
        "SELECT c.place, s.stream_seq FROM claims_live_stream s JOIN candidates c USING (stream_seq, claim_id) "
        "WHERE s.stream_seq BETWEEN ? AND ?",
        [pc.min(candidates["stream_seq"]).as_py(), pc.max(candidates["stream_seq"]).as_py()],
    )


def _compare(connection: duckdb.DuckDBPyConnection, rows: pa.Table, found: pa.Table) -> pa.Table:
    """Only the few that matched are compared column by column."""
    connection.register(
        "arrived",
        rows.take(found["place"])
        .append_column("stored_seq", found["stream_seq"])
        .append_column("place", found["place"]),
    )
    compared = fetch_arrow(
        connection,
        f"SELECT a.place, bool_and({same_content('s', 'a')}) AS is_same "
        "FROM claims_live_stream s JOIN arrived a ON s.stream_seq = a.stored_seq "
        "WHERE s.stream_seq BETWEEN ? AND ? GROUP BY a.place ORDER BY a.place",
        [pc.min(found["stream_seq"]).as_py(), pc.max(found["stream_seq"]).as_py()],
    )
    return compared.cast(_COPIES_SCHEMA)
