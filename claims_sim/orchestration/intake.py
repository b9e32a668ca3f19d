"""When the next batch is due. Pure decisions; the sensor around them does the asking and the launching.

Dagster evaluates a sensor on a grid of five seconds. To keep the jitter true, a run is launched a little early and
itself waits until its due time.
"""

import json
from dataclasses import asdict, dataclass
from typing import Final

from claims_sim.worker.pace import gap_s

GRID_S: Final = 5.0
STARTUP_S: Final = 4.0  # from launch to the first step of a run, about
_BACKOFF_S: Final = 30.0
_MAX_BACKOFF_S: Final = 1800.0


@dataclass(frozen=True, slots=True)
class Cursor:
    """`due` is when the next batch is due (Unix seconds; 0 = at once), `seq` its number, `failures` of the profile job."""

    due: float = 0.0
    seq: int = 0
    failures: int = 0
    retry_at: float = 0.0

    @staticmethod
    def parse(text: str | None) -> "Cursor":
        """The cursor as stored; anything unreadable starts afresh."""
        try:
            return Cursor(**json.loads(text or "{}"))
        except (TypeError, ValueError):
            return Cursor()

    def dump(self) -> str:
        """The cursor as Dagster stores it."""
        return json.dumps(asdict(self))

    def after_profile_failure(self, now: float) -> "Cursor":
        """Wait longer after each failure of the profile job."""
        delay = min(_BACKOFF_S * 2**self.failures, _MAX_BACKOFF_S)
        return Cursor(self.due, self.seq, self.failures + 1, now + delay)


@dataclass(frozen=True, slots=True)
class Launch:
    """Launch the run of batch `seq`, which starts its work at `due`."""

    due: float
    seq: int
    cursor: Cursor


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to launch now, and why."""

    reason: str
    cursor: Cursor


def next_batch(cursor: Cursor, now: float, *, is_running: bool, seed: int, low: float, high: float) -> Launch | Wait:
    """Launch when the next batch is due before the sensor will be asked again; never two at once, never a pile-up."""
    due = cursor.due
    if due < now - high:
        due = now  # after a pause: one batch now, not all that were missed
    if is_running:
        return Wait("The run of the last batch is still working.", cursor)
    if due > now + GRID_S + STARTUP_S:
        return Wait(f"The next batch is due in {due - now:.0f} s.", Cursor(due, cursor.seq))
    seq = cursor.seq + 1
    return Launch(max(due, now), seq, Cursor(max(due, now) + gap_s(seed, seq, low, high), seq))
