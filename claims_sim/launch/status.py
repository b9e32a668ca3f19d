"""`claims-sim status`: what runs and how far it is, from small files; no database is opened."""

import time
from typing import Any

from claims_sim.settings import Settings
from claims_sim.store import control


def status_of(settings: Settings) -> dict[str, Any]:
    """What there is to say, in the order people ask."""
    up = control.get_status(settings.state_dir, "up") or {}
    flow = control.get_status(settings.state_dir, "flow") or {}
    holder = control.holder(settings.state_dir)
    last = flow.get("updated_at")
    return {
        "dagster": up.get("url", "not running"),
        "producer": holder.describe() if holder else "none at the moment",
        "last tick": f"{time.time() - last:.0f} s ago" if last else "none yet",
        **{name: value for name, value in flow.items() if name != "updated_at"},
        "profile": str(settings.profile_path) if settings.profile_path.exists() else "none yet",
        "snapshots": str(settings.snapshots_path),
        "channel": settings.channel_url,
        "database": str(settings.database_path),
    }
