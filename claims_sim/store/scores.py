"""Scores of stored claims: which claims have none yet, and storing scores. Computes no score.

A mark, `scored_through`, says up to which arrival every claim has a score, so that neither question grows dearer with
the table.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from claims_sim.errors import StoreError
from claims_sim.store.database import SimulationDatabase
from claims_sim.store.query import counter, fetch_arrow, run
from claims_sim.store.tables import SCORE_SCHEMA, SCORE_VALUES, STREAM_SCHEMA, conform

CHUNK_ROWS: Final = 50_000


@dataclass(frozen=True, slots=True)
class ScoreSummary:
    """How far scoring is; the last four describe the newest scores (`recent` of them)."""

    scored: int
    unscored: int
    recent: int
    flagged: int
    highest_risk: float | None
    model_versions: tuple[str, ...]
    last_scored_at: datetime | None

    def as_dict(self) -> dict[str, Any]:
        """For metadata and status."""
        return asdict(self)


def unscored_chunks(db: SimulationDatabase, chunk_rows: int = CHUNK_ROWS) -> Iterator[pa.Table]:
    """The stored claims without a score (STREAM_SCHEMA), by arrival; no connection is open between chunks."""
    yield from _chunks(db, chunk_rows, only_unscored=True)


def all_chunks(db: SimulationDatabase, chunk_rows: int = CHUNK_ROWS) -> Iterator[pa.Table]:
    """All stored claims (STREAM_SCHEMA), by arrival; no connection is open between chunks."""
    yield from _chunks(db, chunk_rows, only_unscored=False)


def commit_scores(db: SimulationDatabase, scores: pa.Table) -> int:
    """Store scores (SCORE_VALUES, one row a claim) in one transaction; how many are new or changed.

    A claim that has a score gets this one in its place. Raises StoreError when a claim is scored twice in `scores` or
    is not in claims_live_stream.
    """
    if not len(scores):
        return 0
    values = conform(scores, SCORE_VALUES)
    if values["claim_id"].null_count or pc.count_distinct(values["claim_id"]).as_py() != len(values):
        raise StoreError("Scores hold a claim twice, or a row without claim_id: give each claim one score.")
    with db.transaction() as connection:
        through = counter(connection, "scored_through")
        arrivals = _arrivals(connection, values["claim_id"], through)
        changed = _replace_scores(connection, values.append_column("stream_seq", arrivals))
        _advance(connection, through)
    return changed


def read_scores(db: SimulationDatabase) -> pa.Table:
    """All scores (SCORE_SCHEMA), in the order in which claims were first scored."""
    with db.connect(read_only=True) as connection:
        return conform(fetch_arrow(connection, "SELECT * FROM ml_scores ORDER BY score_seq"), SCORE_SCHEMA)


def newest_scored(db: SimulationDatabase, most: int) -> pa.Table:
    """The newest `most` claims that have a score, oldest first: what tells them apart, their score and who gave it."""
    with db.connect(read_only=True) as connection:
        return fetch_arrow(
            connection,
            "SELECT s.claim_id, s.batch_id, s.province_name, s.facility_class, s.dx_primary_code, m.risk_score, "
            "m.scorer, m.model_version, m.ruleset_version "
            "FROM claims_live_stream s JOIN ml_scores m USING (stream_seq) "
            "WHERE s.stream_seq > $after AND m.stream_seq > $after ORDER BY s.stream_seq",
            {"after": counter(connection, "stream_seq") - most},
        )


def claims_of(db: SimulationDatabase, claim_ids: pa.ChunkedArray) -> pa.Table:
    """The stored claims (STREAM_SCHEMA) of some ids, in their order."""
    with db.connect(read_only=True) as connection:
        connection.register("wanted", pa.table({"claim_id": claim_ids, "place": np.arange(len(claim_ids))}))
        query = "SELECT s.* FROM claims_live_stream s JOIN wanted w USING (claim_id) ORDER BY w.place"
        return conform(fetch_arrow(connection, query), STREAM_SCHEMA)


def score_summary(db: SimulationDatabase, recent: int = 10_000) -> ScoreSummary:
    """How many claims have a score, and what the newest `recent` scores look like."""
    with db.connect(read_only=True) as connection:
        stored, scored = counter(connection, "stream_seq"), counter(connection, "score_seq")
        purged_unscored = counter(connection, "purged_unscored")
        row = run(
            connection,
            "SELECT count(*), count(*) FILTER (WHERE len(flags) > 0), max(risk_score), list_sort(list(DISTINCT model_version)), "
            "max(scored_at) FROM ml_scores WHERE score_seq > ?",
            [scored - recent],
        )[0]
    return ScoreSummary(scored, stored - scored - purged_unscored, row[0], row[1], row[2], tuple(row[3] or ()), row[4])


def _chunks(db: SimulationDatabase, chunk_rows: int, *, only_unscored: bool) -> Iterator[pa.Table]:
    without = (
        "AND stream_seq NOT IN (SELECT stream_seq FROM ml_scores WHERE stream_seq > $after AND stream_seq <= $last)"
    )
    query = f"""
        SELECT * FROM claims_live_stream
        WHERE stream_seq > $after AND stream_seq <= $last {without if only_unscored else ""}
        ORDER BY stream_seq
    """
    after = 0
    while True:
        claims = STREAM_SCHEMA.empty_table()
        with db.connect(read_only=True) as connection:
            newest = counter(connection, "stream_seq")
            after = max(after, counter(connection, "scored_through")) if only_unscored else after
            while after < newest and not len(claims):  # arrivals have no gaps: a range of numbers is a chunk
                last = after + chunk_rows
                claims = fetch_arrow(connection, query, {"after": after, "last": last})
                after = min(last, newest)
        if not len(claims):
            return
        yield conform(claims, STREAM_SCHEMA)


def _arrivals(connection: duckdb.DuckDBPyConnection, claim_ids: pa.ChunkedArray, through: int) -> pa.Array:
    """The arrival number of each claim; looked for among the unscored first, then everywhere."""
    ids = pa.table({"place": np.arange(len(claim_ids)), "claim_id": claim_ids})
    query = "SELECT i.place, s.stream_seq FROM claims_live_stream s JOIN scored i USING (claim_id)"
    connection.register("scored", ids)
    found = fetch_arrow(connection, f"{query} WHERE s.stream_seq > ?", [through])
    if len(found) < len(ids):
        missing = ids.filter(pc.invert(pc.is_in(ids["place"], found["place"].combine_chunks())))
        connection.register("scored", missing)
        found = pa.concat_tables([found, fetch_arrow(connection, f"{query} WHERE s.stream_seq <= ?", [through])])
    if len(found) < len(ids):
        raise StoreError(
            f"{len(ids) - len(found)} scores are of claims that are not in claims_live_stream: ingest the claims first."
        )
    return found["stream_seq"].combine_chunks().take(pc.index_in(ids["place"], found["place"].combine_chunks()))


def _replace_scores(connection: duckdb.DuckDBPyConnection, values: pa.Table) -> int:
    """Insert scores; one that replaces another keeps its number, one that is equal to the stored one is left alone."""
    columns = ", ".join(f"m.{name} IS NOT DISTINCT FROM n.{name}" for name in SCORE_VALUES.names).replace(", ", " AND ")
    bounds = [pc.min(values["stream_seq"]).as_py(), pc.max(values["stream_seq"]).as_py()]
    connection.register("new_scores", values)
    stored = fetch_arrow(
        connection,
        f"SELECT m.stream_seq, m.score_seq, {columns} AS is_equal FROM ml_scores m JOIN new_scores n USING (stream_seq) "
        "WHERE m.stream_seq BETWEEN ? AND ?",
        bounds,
    )
    replaced = stored.filter(pc.invert(stored["is_equal"]))
    if len(replaced):
        connection.register("replaced", replaced)
        run(
            connection,
            "DELETE FROM ml_scores WHERE stream_seq BETWEEN ? AND ? AND stream_seq IN (SELECT stream_seq FROM replaced)",
            bounds,
        )
        run(connection, "UPDATE counters SET value = value + 1 WHERE name = 'score_revision'")
    equal = stored.filter(stored["is_equal"])["stream_seq"].combine_chunks()
    values = values.filter(pc.invert(pc.is_in(values["stream_seq"], equal))).sort_by("stream_seq")
    kept = (
        replaced["score_seq"]
        .combine_chunks()
        .take(pc.index_in(values["stream_seq"], replaced["stream_seq"].combine_chunks()))
    )
    kept_numbers, is_new = (
        pc.fill_null(kept, 0).to_numpy(zero_copy_only=False),
        pc.is_null(kept).to_numpy(zero_copy_only=False),
    )
    last = run(
        connection,
        "UPDATE counters SET value = value + ? WHERE name = 'score_seq' RETURNING value",
        [int(is_new.sum())],
    )[0][0]
    numbers = np.where(is_new, last - is_new.sum() + np.cumsum(is_new), kept_numbers)
    connection.register("numbered_scores", conform(values.append_column("score_seq", pa.array(numbers)), SCORE_SCHEMA))
    run(connection, "INSERT INTO ml_scores BY NAME SELECT * FROM numbered_scores")
    return len(values)


def _advance(connection: duckdb.DuckDBPyConnection, through: int) -> None:
    """Move the mark to just before the first claim without a score."""
    run(
        connection,
        """
        UPDATE counters SET value = coalesce(
          (SELECT min(stream_seq) - 1 FROM claims_live_stream
           WHERE stream_seq > $through
             AND stream_seq NOT IN (SELECT stream_seq FROM ml_scores WHERE stream_seq > $through)),
          (SELECT value FROM counters WHERE name = 'stream_seq'))
        WHERE name = 'scored_through'
        """,
        {"through": through},
    )
