"""Is the simulator alive, and is it ready? From the control file and small files; opens no database.

Alive: the state can be read. Ready: there is a profile, claims keep arriving, and nothing is in the way.
"""

import time
from dataclasses import dataclass
from typing import Any, Final

from claims_sim.errors import ClaimsSimError
from claims_sim.pipeline.limits import over_limit
from claims_sim.settings import Settings
from claims_sim.store import control

_LATE_FACTOR: Final = 3
_STARTUP_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Health:
    """The answer: `problems` say why it is not ready."""

    alive: bool
    problems: tuple[str, ...]

    @property
    def ready(self) -> bool:
        """Alive, and nothing in the way."""
        return self.alive and not self.problems

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"alive": self.alive, "ready": self.ready, "problems": list(self.problems)}


def freshness_limit_s(settings: Settings) -> float:
    """How old the newest tick may be before the stream counts as stale: three of its longest gaps."""
    return _LATE_FACTOR * settings.interval_max_s + _STARTUP_S


def check_health(settings: Settings, now: float | None = None) -> Health:
    """Look at the state folder; raises nothing that a user could cause."""
    now = time.time() if now is None else now
    problems = []
    try:
        if not settings.profile_path.exists():
            problems.append("there is no profile yet")
        flow = control.get_status(settings.state_dir, "flow") or {}
        last = float(flow.get("updated_at", 0))
        if not last:
            problems.append("no claim was scored yet")
        elif now - last > freshness_limit_s(settings):
            problems.append(f"the last tick was {now - last:.0f} s ago")
        full = over_limit(settings)
        if full:
            problems.append(full)
    except ClaimsSimError as error:
        return Health(alive=False, problems=(str(error),))
    return Health(alive=True, problems=tuple(problems))
