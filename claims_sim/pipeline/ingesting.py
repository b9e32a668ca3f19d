"""The steps from the channel to the staging table and to the snapshots that others read."""

import time
from contextlib import closing
from dataclasses import dataclass
from typing import Final

from claims_sim.channels.contract import MAX_READ_BYTES
from claims_sim.pipeline.resources import channel, database
from claims_sim.settings import Settings
from claims_sim.store import control, counts, snapshots, stream

NEWEST_CLAIM_FACT: Final = "newest_claim"


@dataclass(frozen=True, slots=True)
class Unread:
    """What lies in the channel beyond a position, and the most of it that one read takes."""

    count: int
    unit: str
    one_read: int


def drain(settings: Settings) -> stream.Drain:
    """What the channel holds beyond the stored position, parsed and judged; stored by `commit_drain`."""
    with closing(channel(settings)) as source:
        return stream.drain_channel(database(settings), source)


def ingest(settings: Settings) -> stream.IngestResult:
    """Drain the channel into the staging table until nothing is left."""
    with closing(channel(settings)) as source:
        return stream.ingest(database(settings), source)


def unread(settings: Settings, position: str | None = None) -> Unread:
    """What the channel holds beyond `position`; default: beyond what is stored."""
    with closing(channel(settings)) as source:
        count = source.lag(stream.stored_position(database(settings), source) if position is None else position)
        return Unread(count, source.unit, MAX_READ_BYTES if source.unit == "bytes" else stream.CHUNK_ROWS)


def newest_claim_age_s(settings: Settings, now: float | None = None) -> float | None:
    """Seconds since the newest claim was stored, as far as snapshots tell; None before the first. Opens no database."""
    said = control.get_status(settings.state_dir, NEWEST_CLAIM_FACT)
    return None if not said else (time.time() if now is None else now) - float(said["at"])


def publish_snapshots(settings: Settings) -> snapshots.SnapshotResult:
    """Bring the Parquet snapshots for other readers up to date, and the figures that `status` shows."""
    db = database(settings)
    with db.kept_open():
        result = snapshots.write_snapshots(db, settings.snapshots_path)
        flow = counts.count_flow(db)
        newest = counts.newest_arrival(db)
    if newest is not None:
        control.put_status(settings.state_dir, NEWEST_CLAIM_FACT, {"at": newest})
    control.put_status(settings.state_dir, "flow", flow.as_dict())
    return result
