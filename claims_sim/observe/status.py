"""What runs and how far it is, from small files; no database is opened. For `claims-sim status` and the API."""

import time
from typing import Any

from claims_sim.errors import AuthorError
from claims_sim.pipeline.approving import approval_state
from claims_sim.pipeline.limits import over_limit
from claims_sim.pipeline.model import model_state
from claims_sim.settings import PREFIX, Settings
from claims_sim.store import control


def status_of(settings: Settings) -> dict[str, Any]:
    """What there is to say, in the order people ask."""
    up = control.get_status(settings.state_dir, "up") or {}
    flow = control.get_status(settings.state_dir, "flow") or {}
    holder = control.holder(settings.state_dir)
    last = flow.get("updated_at")
    failed = control.last_error(settings.state_dir, since=last or 0)
    return {
        "state folder": _state_folder(settings),
        "dagster": up.get("url", "not running"),
        "live page": up.get("page", "not running"),
        "producer": holder.describe() if holder else "none at the moment",
        **_worker(settings),
        **_model(settings),
        "last tick": f"{time.time() - last:.0f} s ago" if last else "none yet",
        **({"last error": failed} if failed else {}),
        **{name: value for name, value in flow.items() if name != "updated_at"},
        "profile": str(settings.profile_path) if settings.profile_path.exists() else "none yet",
        "approval": approval_state(settings).describe(),
        "snapshots": str(settings.snapshots_path),
        "channel": settings.channel_url,
        "database": str(settings.database_path),
    }


def for_people(status: dict[str, Any]) -> dict[str, Any]:
    """`status_of` to be read: a count that looks like a lack of another says what it is."""
    if "authored" not in status:
        return status
    drafted, planned = status["authored"], status["planned"]
    rest = "" if drafted == planned else "; the statistical author writes what is missing"
    named = {"authored": ("drafted by the author asked", f"{drafted} of {planned}{rest}")}
    return dict(named.get(name, (name, value)) for name, value in status.items())


def _state_folder(settings: Settings) -> str:
    """Which it is, or that there is none: whoever stands in another folder than the simulation's sees nothing run."""
    folder = settings.state_dir.absolute()
    if folder.is_dir():
        return str(folder)
    return f"there is none: {folder}; go where the simulation was started, or set {PREFIX}STATE_DIR"


def _model(settings: Settings) -> dict[str, Any]:
    """Whether the model is asked, and what it has cost today; nothing where there is none."""
    if settings.author != "llm":
        return {}
    try:
        return model_state(settings).as_dict()
    except AuthorError as error:
        return {"model": str(error)}


def _worker(settings: Settings) -> dict[str, Any]:
    """What the continuous worker says of itself while it holds the lock, and a size limit that is reached."""
    holder, said = control.holder(settings.state_dir), control.get_status(settings.state_dir, "worker")
    found: dict[str, Any] = {}
    if holder and said and said["at"] >= holder.since:
        found["worker"] = f"{said['state']}; {said['claims']:,} claims, {said['lag_s']:.1f} s late"
    full = over_limit(settings)
    return found | ({"limit": full} if full else {})
