"""All scores at once: staged in a file, put in place in one transaction, and taken back. Computes no score.

A set is a Parquet file of `SCORE_VALUES` with each claim's `stream_seq`. What it replaces is kept in another such file
before the transaction begins, so that either set can be in force, and never a part of one.
"""

import json
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from claims_sim.errors import StoreError
from claims_sim.store.database import SimulationDatabase
from claims_sim.store.query import counter, fetch_arrow, run
from claims_sim.store.scores import CHUNK_ROWS
from claims_sim.store.tables import SCORE_VALUES, STREAM_SCHEMA, as_utc, conform

STAGED: Final = pa.schema([*SCORE_VALUES, ("stream_seq", pa.int64())])
_NAMES: Final = ", ".join(SCORE_VALUES.names)


@dataclass(frozen=True, slots=True)
class Refresh:
    """One refresh of all scores, as its row says. `model_before`: the built-in model to roll back to, folder/version."""

    refresh_id: str
    scorer: str
    model_version: str
    profile_hash: str
    claims: int
    model_before: str | None
    snapshot: dict[str, Any]
    state: str = "in force"
    finished_at: datetime | None = None


def stage_scores(path: Path, tables: Iterable[pa.Table]) -> int:
    """Write scores (STAGED, a table a chunk) to `path`; how many."""
    rows = 0
    with closing(pq.ParquetWriter(path, STAGED, compression="zstd")) as writer:
        for table in tables:
            writer.write_table(conform(table, STAGED))
            rows += len(table)
    return rows


def keep_scores(db: SimulationDatabase, path: Path) -> int:
    """Write all scores that are in force to `path`, as a set; how many."""
    with db.connect(read_only=True) as connection:
        _copy_scores(connection, path)
        return int(run(connection, "SELECT count(*) FROM ml_scores")[0][0])


def put_in_place(db: SimulationDatabase, staged: Path, refresh: Refresh) -> None:
    """Replace scores by a staged set and record the refresh, in one transaction."""
    with db.transaction() as connection:
        _replace(connection, staged)
        run(connection, "UPDATE score_refreshes SET state = 'replaced' WHERE state = 'in force'")
        run(
            connection,
            "INSERT INTO score_refreshes VALUES (?, ?, ?, ?, ?, ?, 'in force', ?, ?)",
            [
                refresh.refresh_id, as_utc(refresh.finished_at), refresh.scorer, refresh.model_version,
                refresh.profile_hash, refresh.claims, refresh.model_before, json.dumps(refresh.snapshot),
            ],
        )  # fmt: skip


def take_back(db: SimulationDatabase, refresh_id: str, kept: Path) -> None:
    """Put back the set that a refresh replaced, in one transaction; the refresh before it is in force again."""
    with db.transaction() as connection:
        _replace(connection, kept)
        run(connection, "UPDATE score_refreshes SET state = 'rolled back' WHERE refresh_id = ?", [refresh_id])
        run(
            connection,
            "UPDATE score_refreshes SET state = 'in force' WHERE refresh_id = "
            "(SELECT max(refresh_id) FROM score_refreshes WHERE state = 'replaced')",
        )


def refreshes(db: SimulationDatabase) -> list[Refresh]:
    """All refreshes, newest first."""
    with db.connect(read_only=True) as connection:
        rows = run(
            connection,
            "SELECT refresh_id, scorer, model_version, profile_hash, claims, model_before, snapshot, state, finished_at "
            "FROM score_refreshes ORDER BY refresh_id DESC",
        )
    return [
        Refresh(
            refresh_id=row[0], scorer=row[1], model_version=row[2], profile_hash=row[3], claims=row[4], model_before=row[5],
            snapshot=json.loads(row[6]), state=row[7], finished_at=row[8],
        )
        for row in rows
    ]  # fmt: skip


def claims_outside(db: SimulationDatabase, kept: Path, chunk_rows: int = CHUNK_ROWS) -> Iterator[pa.Table]:
    """The stored claims (STREAM_SCHEMA) that a set has no score of, by arrival, in bounded chunks."""
    query = f"""
        SELECT * FROM claims_live_stream
        WHERE stream_seq > ? AND stream_seq NOT IN (SELECT stream_seq FROM read_parquet(?))
        ORDER BY stream_seq LIMIT {chunk_rows:d}
    """
    after = 0
    while True:
        with db.connect(read_only=True) as connection:
            claims = conform(fetch_arrow(connection, query, [after, str(kept)]), STREAM_SCHEMA)
        if not len(claims):
            return
        after = claims["stream_seq"][-1].as_py()
        yield claims


def compare_sets(db: SimulationDatabase, staged: Path, moved_by: float) -> dict[str, Any]:
    """How a staged set differs from the scores in force, over the claims that both have."""
    with db.connect(read_only=True) as connection:
        both, mean, moved = run(
            connection,
            "SELECT count(*), avg(abs(n.risk_score - m.risk_score)), "
            "count(*) FILTER (WHERE abs(n.risk_score - m.risk_score) > ?) "
            "FROM read_parquet(?) n JOIN ml_scores m USING (stream_seq)",
            [moved_by, str(staged)],
        )[0]
    return {"claims": both, "mean_change": mean, "moved": moved}


def _copy_scores(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    try:
        connection.sql(f"SELECT {_NAMES}, stream_seq FROM ml_scores ORDER BY stream_seq").write_parquet(
            str(path), compression="zstd", row_group_size=CHUNK_ROWS
        )
    except duckdb.IOException as error:
        raise StoreError(f"{path} cannot be written: {str(error).splitlines()[0][:200]}") from None


def _replace(connection: duckdb.DuckDBPyConnection, staged: Path) -> None:
    """Put a set's scores in the place of those of the same claims, which keep their numbers; new ones get new numbers.

    Scores of claims that were purged since stay away.
    """
    source = [str(staged)]
    run(connection, "CREATE OR REPLACE TEMP TABLE numbers AS SELECT stream_seq, score_seq FROM ml_scores")
    last = counter(connection, "score_seq")
    run(connection, "DELETE FROM ml_scores WHERE stream_seq IN (SELECT stream_seq FROM read_parquet(?))", source)
    run(
        connection,
        f"""
        INSERT INTO ml_scores BY NAME
        SELECT {_NAMES}, n.stream_seq,
          coalesce(m.score_seq, {last:d} + row_number() OVER (PARTITION BY m.score_seq IS NULL ORDER BY n.stream_seq)) AS score_seq
        FROM read_parquet(?) n LEFT JOIN numbers m ON m.stream_seq = n.stream_seq
        WHERE n.stream_seq IN (SELECT stream_seq FROM claims_live_stream)
        ORDER BY score_seq
        """,
        source,
    )
    run(
        connection,
        "UPDATE counters SET value = greatest(value, (SELECT coalesce(max(score_seq), 0) FROM ml_scores)) "
        "WHERE name = 'score_seq'",
    )
    run(connection, "UPDATE counters SET value = value + 1 WHERE name = 'score_revision'")
    run(
        connection,
        """
        UPDATE counters SET value = coalesce(
          (SELECT min(stream_seq) - 1 FROM claims_live_stream
           WHERE stream_seq NOT IN (SELECT stream_seq FROM ml_scores)),
          (SELECT value FROM counters WHERE name = 'stream_seq'))
        WHERE name = 'scored_through'
        """,
    )
    run(connection, "DROP TABLE numbers")
