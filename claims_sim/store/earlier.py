"""Stored claims that new ones might repeat. Finds candidates by a few equal columns; whether they are repeats is not its business."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from claims_sim.claim import FLAT_COLUMNS
from claims_sim.store.database import SimulationDatabase
from claims_sim.store.query import fetch_arrow, run
from claims_sim.store.tables import STREAM_SCHEMA

_LIKE: Final = "(dx_primary_code, amount_claimed) IN (SELECT dx_primary_code, amount_claimed FROM asked)"
_OF_PERSON: Final = "patient_id_hash IN (SELECT patient_id_hash FROM asked WHERE patient_id_hash IS NOT NULL)"
# Admissions and arrivals are in step in a live stream, so that the table's own statistics skip nearly all of it.
_IN_SIGHT: Final = "stream_seq < $first AND admit_dt BETWEEN $since AND $until"


@dataclass(frozen=True, slots=True)
class EarlierClaims:
    """Flat claims that arrived before, by arrival, and how many stored ones are admitted in a window of days."""

    claims: pa.Table
    in_window: float


def find_earlier(db: SimulationDatabase, claims: pa.Table, days: int, person_days: int = 0) -> EarlierClaims:
    """What `claims` (STREAM_SCHEMA, a run of arrivals) might repeat: of the same diagnosis and amount, or person.

    Looked for among the claims that arrived before the first of them and were admitted at most `days` days before; those
    of the same persons at most `person_days` before, where that is longer.
    """
    nothing = EarlierClaims(STREAM_SCHEMA.empty_table().select(list(FLAT_COLUMNS)), 0.0)
    admitted = pc.min_max(claims["admit_dt"]).as_py()
    if admitted["min"] is None:
        return nothing
    first = pc.min(claims["stream_seq"]).as_py()
    bounds = {"first": first, "days": days, "from": admitted["min"], "until": admitted["max"]}
    with db.connect(read_only=True) as connection:
        since = run(
            connection,
            "SELECT date_trunc('day', $from::TIMESTAMP) - to_days($days::INTEGER)",
            {n: bounds[n] for n in ("from", "days")},
        )[0][0]
        sight = {"first": first, "since": since, "until": admitted["max"]}
        in_sight = int(run(connection, f"SELECT count(*) FROM claims_live_stream WHERE {_IN_SIGHT}", sight)[0][0])
        some_person = claims["patient_id_hash"].null_count < len(claims)
        if not in_sight and not some_person:
            return EarlierClaims(nothing.claims, float(len(claims)))
        connection.register("asked", claims.select(["dx_primary_code", "amount_claimed", "patient_id_hash"]))
        wanted = _LIKE
        if some_person:
            wanted = f"(({_LIKE} AND admit_dt >= $alike_since) OR {_OF_PERSON})"
            farther = timedelta(days=max(person_days - days, 0))
            sight |= {"alike_since": since, "since": since - farther}
        found = fetch_arrow(
            connection,
            f"SELECT {', '.join(FLAT_COLUMNS)} FROM claims_live_stream WHERE {_IN_SIGHT} AND {wanted} ORDER BY stream_seq",
            sight,
        )
    spanned = max((admitted["max"] - since).total_seconds() / 86_400, 1.0)
    dense = (in_sight + len(claims)) * min(1.0, (days + 1) / spanned)
    return EarlierClaims(found, dense)
