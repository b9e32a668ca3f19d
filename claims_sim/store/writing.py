"""How the newest batches were written: how much of them the model wrote, and their claims. Reads; judges nothing."""

import json
from collections import Counter
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from claims_sim.store.database import SimulationDatabase
from claims_sim.store.query import counter, fetch_arrow, run

NEWEST_BATCHES: Final = 50
_LOOKED_THROUGH: Final = 2  # times as many arrivals as claims that are wanted: some are foreign, or were asked for


@dataclass(frozen=True, slots=True)
class Writing:
    """Of the newest batches that a model was to write: claims planned and written by it, repairs, and what went wrong.

    `problems` are most frequent first; `model` is the newest batch's, empty where no batch was for a model.
    """

    batches: int
    planned: int
    own: int
    repaired: int
    rejected: int
    model: str
    problems: tuple[str, ...]


def newest_writing(db: SimulationDatabase) -> Writing:
    """Of the newest 50 batches those that a model was to write, be it that it wrote none of them."""
    with db.connect(read_only=True) as connection:
        rows = run(
            connection,
            """
            WITH newest AS (
              SELECT batch_id, author, model, planned, accepted, repaired,
                     coalesce(TRY_CAST(metadata->>'$.fallen_back' AS INTEGER), 0) AS fallen_back,
                     metadata->>'$.problems' AS problems
              FROM outbox_batches ORDER BY batch_id DESC LIMIT $most
            )
            SELECT model, planned, accepted, repaired, fallen_back, problems FROM newest
            WHERE author <> 'statistical' OR fallen_back > 0 ORDER BY batch_id
            """,
            {"most": NEWEST_BATCHES},
        )
    problems = Counter[str]()
    for row in rows:
        problems.update(json.loads(row[5]) if row[5] else ())
    written = [model for model, _, accepted, _, fallen_back, _ in rows if accepted > fallen_back]
    return Writing(
        batches=len(rows),
        planned=sum(row[1] for row in rows),
        # Who was no author's left no claim; who fell back left the statistical author's.
        own=sum(max(row[2] - row[4], 0) for row in rows),
        repaired=sum(row[3] for row in rows),
        rejected=sum(row[1] - row[2] for row in rows),
        model=str(written[-1]) if written else "the model" if rows else "",
        problems=tuple(problem for problem, _ in problems.most_common()),
    )


def newest_unasked(db: SimulationDatabase, count: int, columns: tuple[str, ...]) -> tuple[pa.Table, str | None]:
    """The newest stored claims that nobody asked for by kind or share, of one profile, oldest first; and its hash."""
    shown = ", ".join(columns)
    with db.connect(read_only=True) as connection:
        claims = fetch_arrow(
            connection,
            f"""
            WITH recent AS (SELECT batch_id, stream_seq, {shown} FROM claims_live_stream WHERE stream_seq > $after),
            ours AS (
              SELECT batch_id, profile_hash FROM outbox_batches
              WHERE batch_id BETWEEN (SELECT min(batch_id) FROM recent) AND (SELECT max(batch_id) FROM recent)
                AND metadata->>'$.where' IS NULL AND metadata->>'$.mix' IS NULL
            ),
            newest AS (SELECT arg_max(profile_hash, batch_id) AS profile_hash FROM ours)
            SELECT * EXCLUDE (batch_id) FROM (
              SELECT stream_seq, batch_id, profile_hash, {shown} FROM recent
              JOIN ours USING (batch_id) JOIN newest USING (profile_hash)
              ORDER BY stream_seq DESC LIMIT $count
            ) ORDER BY stream_seq
            """,
            {"after": counter(connection, "stream_seq") - _LOOKED_THROUGH * count, "count": count},
        )
    profile_hash = claims["profile_hash"][0].as_py() if len(claims) else None
    return claims.select(columns), profile_hash
