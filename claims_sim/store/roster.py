"""Stored claims whose persons might come back. Looks at a bounded number of the newest claims, however long the stream is."""

from typing import Final

import pyarrow as pa

from claims_sim.claim import FLAT_COLUMNS, FLAT_SCHEMA
from claims_sim.store.database import SimulationDatabase
from claims_sim.store.query import counter, fetch_arrow

REMEMBERED: Final = 400_000
"""The newest claims whose persons may come back."""
_ONE_OF: Final = 100  # of these claims, whatever they are about
_ALIKE: Final = "province_name, facility_class, facility_ownership, dx_primary_code"


def possible_predecessors(db: SimulationDatabase, claims: pa.Table, phase: int) -> pa.Table:
    """Flat claims of ours with persons: those of the same places and diagnoses as `claims`, and one in a hundred of all.

    `phase` says which ones of a hundred.
    """
    with db.connect(read_only=True) as connection:
        asked = claims.select([name.strip() for name in _ALIKE.split(",")])
        connection.register("asked", asked.group_by(asked.column_names).aggregate([]))
        return fetch_arrow(
            connection,
            f"SELECT {', '.join(FLAT_COLUMNS)} FROM claims_live_stream WHERE stream_seq > $after AND batch_id IS NOT NULL "
            f"AND patient_id_hash IS NOT NULL AND (stream_seq % {_ONE_OF} = $phase "
            f"OR ({_ALIKE}) IN (SELECT ({_ALIKE}) FROM asked)) ORDER BY stream_seq",
            {"after": counter(connection, "stream_seq") - REMEMBERED, "phase": phase % _ONE_OF},
        ).cast(FLAT_SCHEMA)


def claims_of_persons(db: SimulationDatabase, persons: list[str]) -> pa.Table:
    """When these persons were in care: patient_id_hash, admit_dt, discharge_dt."""
    with db.connect(read_only=True) as connection:
        connection.register("asked", pa.table({"patient_id_hash": pa.array(persons, pa.string())}))
        return fetch_arrow(
            connection,
            "SELECT patient_id_hash, admit_dt, discharge_dt FROM claims_live_stream WHERE stream_seq > $after "
            "AND patient_id_hash IN (SELECT patient_id_hash FROM asked)",
            {"after": counter(connection, "stream_seq") - REMEMBERED},
        )
