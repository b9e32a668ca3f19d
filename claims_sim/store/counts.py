"""How many claims are where, and whether it adds up. Reads the database; changes nothing.

The checks look at a recent window, so that a tick does not grow dearer with the table; `full=True` looks at everything.
"""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from claims_sim.rules.table import IDENTIFIES_A_PERSON
from claims_sim.store.database import SimulationDatabase
from claims_sim.store.known import claim_hash
from claims_sim.store.query import counter, fetch_arrow, run
from claims_sim.store.tables import as_utc

RECENT_CLAIMS: Final = 100_000
RECENT_RELEASES: Final = timedelta(hours=1)
RECENT_DEAD_LETTERS: Final = timedelta(hours=1)
SCANNED_CLAIMS: Final = 5_000
"""Regular expressions are dear; every claim was scanned when it was admitted."""


@dataclass(frozen=True, slots=True)
class FlowCounts:
    """Claims by stage, over the life of the database; `batches` by status; `counted_at` is seconds since the epoch."""

    planned: int
    authored: int
    repaired: int
    rejected: int
    accepted: int
    released: int
    batches: dict[str, int]
    ingested: int
    dead_letters: int
    duplicates: int
    scored: int
    unscored: int
    purged: int
    tokens_in: int
    tokens_out: int
    counted_at: float

    def as_dict(self) -> dict[str, Any]:
        """For `status` and metadata; the time of counting is called `updated_at` there."""
        values = asdict(self)
        values["updated_at"] = values.pop("counted_at")
        return values


@dataclass(frozen=True, slots=True)
class StreamHealth:
    """Whether the stream is whole.

    Of `stored` claims (purged ones are not counted), `checked` were looked at for ids stored twice and `scanned` for
    values that identify a person;
    `missing` were released and are neither stored nor dead letters. `open_dead_letters` wait for somebody to deal with
    them; `new_dead_letters` of these came within the last hour, by reason.
    """

    checked: int
    scanned: int
    stored: int
    released: int
    duplicate_ids: int
    identifying: int
    missing: int
    dead_letters: int
    open_dead_letters: int
    new_dead_letters: dict[str, int]


@dataclass(frozen=True, slots=True)
class ScoreHealth:
    """Whether scores are whole: `unscored` of `claims`; `out_of_range` of the `checked` newest scores."""

    claims: int
    unscored: int
    checked: int
    out_of_range: int


def count_flow(db: SimulationDatabase, now: datetime | None = None) -> FlowCounts:
    """How many claims reached which stage."""
    with db.connect(read_only=True) as connection:
        planned, authored, repaired, rejected, accepted, released = run(
            connection,
            "SELECT coalesce(sum(planned), 0), coalesce(sum(authored), 0), coalesce(sum(repaired), 0), "
            "coalesce(sum(rejected), 0), coalesce(sum(accepted), 0), "
            "coalesce(sum(accepted) FILTER (WHERE status = 'released'), 0) FROM outbox_batches",
        )[0]
        statuses = run(connection, "SELECT status, count(*) FROM outbox_batches GROUP BY status")
        dead, duplicates = run(
            connection, "SELECT coalesce(sum(dead_letters), 0), coalesce(sum(duplicates), 0) FROM stream_positions"
        )[0]
        ingested, scored = counter(connection, "stream_seq"), counter(connection, "score_seq")
        tokens_in, tokens_out = counter(connection, "tokens_in"), counter(connection, "tokens_out")
        purged, purged_unscored = counter(connection, "purged_claims"), counter(connection, "purged_unscored")
    batches = dict.fromkeys(("pending", "released", "quarantined"), 0) | dict(statuses)
    return FlowCounts(
        planned=int(planned),
        authored=int(authored),
        repaired=int(repaired),
        rejected=int(rejected),
        accepted=int(accepted),
        released=int(released),
        batches=batches,
        ingested=ingested,
        dead_letters=int(dead),
        duplicates=int(duplicates),
        scored=scored,
        unscored=ingested - scored - purged_unscored,
        purged=purged,
        tokens_in=tokens_in,
        tokens_out=tokens_out,
        counted_at=_epoch(now),
    )


def newest_arrival(db: SimulationDatabase) -> float | None:
    """When the newest stored claim was stored, in seconds since the epoch; None when there is none."""
    with db.connect(read_only=True) as connection:
        query = "SELECT epoch(max(ingested_at)) FROM claims_live_stream WHERE stream_seq > ?"
        after = counter(connection, "stream_seq") - SCANNED_CLAIMS
        found: float | None = run(connection, query, [after])[0][0]
    return found


def stream_health(db: SimulationDatabase, *, full: bool = False, now: datetime | None = None) -> StreamHealth:
    """Ids stored twice, values that look like a person's, released claims that did not arrive."""
    with db.connect(read_only=True) as connection:
        arrived = counter(connection, "stream_seq")
        stored = arrived - counter(connection, "purged_claims")
        after = 0 if full else max(0, arrived - RECENT_CLAIMS)
        scan_after = 0 if full else max(0, arrived - SCANNED_CLAIMS)
        released, dead, waiting = run(
            connection,
            "SELECT (SELECT coalesce(sum(accepted), 0) FROM outbox_batches WHERE status = 'released'), "
            "(SELECT count(*) FROM dead_letters), (SELECT count(*) FROM dead_letters WHERE status = 'open')",
        )[0]
        return StreamHealth(
            checked=min(stored, arrived - after),
            scanned=min(stored, arrived - scan_after),
            stored=stored,
            released=int(released),
            duplicate_ids=_duplicate_ids(connection, after),
            identifying=_identifying(connection, scan_after),
            missing=_missing(connection, as_utc(now), full=full),
            dead_letters=int(dead),
            open_dead_letters=int(waiting),
            new_dead_letters=_new_dead_letters(connection, as_utc(now)) if waiting else {},
        )


def score_health(db: SimulationDatabase, *, full: bool = False) -> ScoreHealth:
    """Claims without a score, and scores outside of their range."""
    with db.connect(read_only=True) as connection:
        claims = counter(connection, "stream_seq") - counter(connection, "purged_claims")
        scored = counter(connection, "score_seq")
        through = counter(connection, "scored_through")
        after = 0 if full else max(0, scored - RECENT_CLAIMS)
        unscored = run(
            connection,
            "SELECT count(*) FROM claims_live_stream WHERE stream_seq > $through "
            "AND stream_seq NOT IN (SELECT stream_seq FROM ml_scores WHERE stream_seq > $through)",
            {"through": 0 if full else through},
        )[0][0]
        wrong = run(
            connection,
            "SELECT count(*) FROM ml_scores WHERE score_seq > ? AND NOT coalesce(rule_score BETWEEN 0 AND 1 "
            "AND ml_score_normalized BETWEEN 0 AND 1 AND risk_score = greatest(rule_score, ml_score_normalized), false)",
            [after],
        )[0][0]
    return ScoreHealth(claims, unscored, min(claims, scored - after), wrong)


def _duplicate_ids(connection: duckdb.DuckDBPyConnection, after: int) -> int:
    """Ids that more than one of the rows after `after` carry."""
    found = run(
        connection, "SELECT count(*) - count(DISTINCT claim_id) FROM claims_live_stream WHERE stream_seq > ?", [after]
    )
    return int(found[0][0])


def _identifying(connection: duckdb.DuckDBPyConnection, after: int) -> int:
    found = run(
        connection,
        f"SELECT count(*) FROM claims_live_stream WHERE stream_seq > ? AND {IDENTIFIES_A_PERSON}",
        [after],
    )
    return int(found[0][0])


def _new_dead_letters(connection: duckdb.DuckDBPyConnection, instant: datetime) -> dict[str, int]:
    return dict(
        run(
            connection,
            "SELECT reason, count(*) AS n FROM dead_letters WHERE status = 'open' AND received_at > ? GROUP BY 1 ORDER BY n DESC",
            [instant - RECENT_DEAD_LETTERS],
        )
    )


def _missing(connection: duckdb.DuckDBPyConnection, instant: datetime, *, full: bool) -> int:
    """Released claims that are neither stored nor dead letters.

    The recent check looks at batches released lately and at those whose count is short; the full one at every payload
    that the outbox still holds.
    """
    chosen = "true" if full else "(released_at >= $since OR ingested < accepted)"
    batches = fetch_arrow(
        connection,
        f"SELECT batch_id FROM outbox_batches WHERE status = 'released' AND pruned_at IS NULL AND {chosen}",
        {} if full else {"since": instant - RECENT_RELEASES},
    )
    return len(_unaccounted(connection, batches))


def lost_batches(db: SimulationDatabase, released_before: datetime) -> tuple[str, ...]:
    """Batches released before an instant of which a claim is neither stored nor a dead letter, oldest first.

    Once everything in the channel is read, the channel has lost them.
    """
    with db.connect(read_only=True) as connection:
        batches = fetch_arrow(
            connection,
            "SELECT batch_id FROM outbox_batches WHERE status = 'released' AND pruned_at IS NULL "
            "AND ingested < accepted AND released_at < ?",
            [as_utc(released_before)],
        )
        return tuple(sorted(pc.unique(_unaccounted(connection, batches)["batch_id"]).to_pylist()))


def _unaccounted(connection: duckdb.DuckDBPyConnection, batches: pa.Table) -> pa.Table:
    """The claims (batch_id, claim_id) of `batches` that are neither stored nor dead letters."""
    if not len(batches):
        return pa.table({"batch_id": pa.array([], pa.string()), "claim_id": pa.array([], pa.string())})
    bounds = {"first": pc.min(batches["batch_id"]).as_py(), "last": pc.max(batches["batch_id"]).as_py()}
    connection.register("chosen", batches)
    absent = fetch_arrow(
        connection,
        """
        SELECT batch_id, claim_id FROM outbox
        WHERE batch_id BETWEEN $first AND $last AND batch_id IN (SELECT batch_id FROM chosen)
          AND claim_id NOT IN (SELECT claim_id FROM claims_live_stream WHERE batch_id BETWEEN $first AND $last)
        """,
        bounds,
    )
    if not len(absent):
        return absent
    # Stored without its batch (after a restored backup), or accounted for: seldom, so this may look everywhere.
    connection.register("absent", absent)
    return fetch_arrow(
        connection,
        "SELECT batch_id, claim_id FROM absent WHERE claim_id NOT IN (SELECT claim_id FROM claims_live_stream) "
        "AND claim_id NOT IN (SELECT claim_id FROM dead_letters WHERE claim_id IS NOT NULL) "
        f"AND {claim_hash('claim_id')} NOT IN (SELECT claim_hash FROM purged_claims)",
    )


def _epoch(now: datetime | None) -> float:
    return (now or datetime.now().astimezone()).timestamp()
