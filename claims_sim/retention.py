"""What the simulation's folder may forget, and forgetting it. Dagster's own history is swept in orchestration/."""

import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from claims_sim import pipeline
from claims_sim.channels.jsonl import JsonlChannel
from claims_sim.pipeline.scoring import WITH_PERSONS, pinned_model
from claims_sim.settings import Settings
from claims_sim.store import outbox, snapshots, stream
from claims_sim.store.key_order import order_keys

_HASH_LENGTH: Final = 64
"""Of the name that a kept profile has; the one in force and the one that waits have others."""


@dataclass(frozen=True, slots=True)
class Sweep:
    """What housekeeping removed from the simulation's folder."""

    payloads: int
    segments: int
    snapshot_days: int
    profiles: int

    def as_dict(self) -> dict[str, int]:
        """Counts by name."""
        return {name: getattr(self, name) for name in ("payloads", "segments", "snapshot_days", "profiles")}


def sweep(settings: Settings, now: datetime, *, dry_run: bool = False) -> Sweep:
    """Remove what is older than the retention and needed by nobody (`CLAIMS_SIM_RETENTION_DAYS`); put keys in order.

    Payloads in the outbox that were sent and stored; channel segments that were read; snapshot folders of old days;
    profiles, with their scorers, that no waiting batch came from. Claims, scores and their provenance stay.
    """
    db, days = pipeline.database(settings), settings.retention_days
    before = now - timedelta(days=days)
    payloads = outbox.prunable(db, days, now) if dry_run else outbox.prune_outbox(db, days, now)
    old_days = snapshots.days_before(settings.snapshots_path, before.date())
    old_profiles = _unused_profiles(settings, before)
    segments = 0
    if not dry_run:
        models = settings.state_dir / "models"
        scorers = [models / f"{path.stem[:16]}{kind}" for path in old_profiles for kind in ("", WITH_PERSONS)]
        for folder in [*old_days, *scorers]:
            shutil.rmtree(folder, ignore_errors=True)
        for document in old_profiles:
            document.unlink(missing_ok=True)
        segments = _prune_channel(settings)
        order_keys(db)
    return Sweep(payloads, segments, len(old_days), len(old_profiles))


def _unused_profiles(settings: Settings, before: datetime) -> list[Path]:
    """Profile documents that are old and neither in force nor waited for, and whose scorer is not, either."""
    folder, state = settings.profile_path.parent, pipeline.approval_state(settings)
    db = pipeline.database(settings)
    needed = {state.in_force, state.waiting, *(outbox.profile_hash(db, batch) for batch in outbox.pending(db))}
    old = [path for path in folder.glob("*.json") if len(path.stem) == _HASH_LENGTH and path.stem not in needed]
    pinned = pinned_model(settings)
    used = pinned.parent.name.removesuffix(WITH_PERSONS) if pinned is not None else ""
    return [path for path in old if path.stem[:16] != used and path.stat().st_mtime < before.timestamp()]


def _prune_channel(settings: Settings) -> int:
    """Remove the channel's segments that lie wholly before the stored position; how many."""
    pruned = pipeline.channel(settings)
    try:
        position = stream.stored_position(pipeline.database(settings), pruned)
        return pruned.prune(position) if isinstance(pruned, JsonlChannel) else 0
    finally:
        pruned.close()
