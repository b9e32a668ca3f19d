"""The steps from the channel to the staging table and to the snapshots that others read."""

from claims_sim.pipeline.resources import channel, database
from claims_sim.settings import Settings
from claims_sim.store import control, counts, snapshots, stream


def drain(settings: Settings) -> stream.Drain:
    """What the channel holds beyond the stored position, parsed and judged; stored by `commit_drain`."""
    source = channel(settings)
    try:
        return stream.drain_channel(database(settings), source)
    finally:
        source.close()


def ingest(settings: Settings) -> stream.IngestResult:
    """Drain the channel into the staging table until nothing is left."""
    source = channel(settings)
    try:
        return stream.ingest(database(settings), source)
    finally:
        source.close()


def publish_snapshots(settings: Settings) -> snapshots.SnapshotResult:
    """Bring the Parquet snapshots for other readers up to date, and the figures that `status` shows."""
    db = database(settings)
    with db.kept_open():
        result = snapshots.write_snapshots(db, settings.snapshots_path)
        flow = counts.count_flow(db)
    control.put_status(settings.state_dir, "flow", flow.as_dict())
    return result
