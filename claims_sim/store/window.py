"""The newest claims of the stream, for checks that look at a window of them. Reads by arrival number: never the whole table."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from claims_sim.claim import FLAT_SCHEMA
from claims_sim.store.database import SimulationDatabase
from claims_sim.store.query import counter, fetch_arrow, run

WINDOW_CLAIMS: Final = 2_500
WINDOW_BATCHES: Final = 50
MOST_CLAIMS: Final = 50_000
_COLUMNS: Final = (
    "service_type, province_name, facility_class, facility_ownership, severity_group, dx_primary_code, procedure_code, "
    "comorbidity_count, los, amount_claimed, amount_paid"
)


@dataclass(frozen=True, slots=True)
class Window:
    """Claims of ours made from one profile, oldest first, and for each the number of its batch within the window.

    `mix` are the shares that all of them were made with, in words; claims that were asked for by kind are left out.
    """

    claims: pa.Table
    batches: npt.NDArray[np.int64]
    profile_hash: str | None
    mix: str = ""


def read_window(db: SimulationDatabase) -> Window:
    """The newest 2,500 claims, or 50 batches where those hold more, as far as the newest batch's profile and mix made them."""
    with db.connect(read_only=True) as connection:
        stored = counter(connection, "stream_seq")
        found: list[tuple[Any, ...]] = run(
            connection,
            """
            SELECT profile_hash, accepted, metadata->>'$.mix' FROM outbox_batches
            WHERE batch_id BETWEEN (SELECT min(batch_id) FROM claims_live_stream WHERE stream_seq > $after)
              AND (SELECT max(batch_id) FROM claims_live_stream WHERE stream_seq > $after)
              AND metadata->>'$.where' IS NULL
            ORDER BY batch_id DESC LIMIT 1
            """,
            {"after": stored - WINDOW_CLAIMS},
        )
        if not found:
            return Window(pa.table({}), np.zeros(0, np.int64), None)
        profile_hash, size, mix = found[0]
        rows = min(max(WINDOW_CLAIMS, WINDOW_BATCHES * int(size)), MOST_CLAIMS)
        claims = fetch_arrow(
            connection,
            f"""
            WITH recent AS (SELECT batch_id, stream_seq, {_COLUMNS} FROM claims_live_stream WHERE stream_seq > $after),
            ours AS (
              SELECT batch_id FROM outbox_batches
              WHERE batch_id BETWEEN (SELECT min(batch_id) FROM recent) AND (SELECT max(batch_id) FROM recent)
                AND profile_hash = $profile_hash
                AND metadata->>'$.mix' IS NOT DISTINCT FROM $mix AND metadata->>'$.where' IS NULL
            )
            SELECT dense_rank() OVER (ORDER BY batch_id) - 1 AS batch, {_COLUMNS} FROM recent SEMI JOIN ours USING (batch_id)
            """,
            {"after": stored - rows, "profile_hash": profile_hash, "mix": mix},
        )
    return Window(claims.drop_columns(["batch"]), claims["batch"].to_numpy().astype(np.int64), profile_hash, mix or "")


def newest_claims(db: SimulationDatabase, count: int) -> pa.Table:
    """The newest `count` stored claims that are ours, as flat rows (FLAT_SCHEMA), oldest first."""
    with db.connect(read_only=True) as connection:
        return fetch_arrow(
            connection,
            f"SELECT {', '.join(FLAT_SCHEMA.names)} FROM claims_live_stream "
            "WHERE stream_seq > ? AND batch_id IS NOT NULL ORDER BY stream_seq",
            [counter(connection, "stream_seq") - count],
        ).cast(FLAT_SCHEMA)
