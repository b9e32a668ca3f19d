"""A histogram of seconds from plan to score, kept in the control file so that it outlives a process."""

import bisect
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from claims_sim.store import control

BOUNDS: Final = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper bounds in seconds; the last bucket has none."""
_FACT: Final = "latency"


@dataclass(slots=True)
class Latency:
    """Counts per bucket (not cumulative), and the sum of all seconds."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))
    total_s: float = 0.0

    @staticmethod
    def load(folder: Path) -> "Latency":
        """What was kept in `folder`; empty when nothing was, or other buckets."""
        kept = control.get_status(folder, _FACT) or {}
        counts = kept.get("counts", [])
        return Latency(list(counts), float(kept["total_s"])) if len(counts) == len(BOUNDS) + 1 else Latency()

    def save(self, folder: Path) -> None:
        """Keep it."""
        control.put_status(folder, _FACT, {"counts": self.counts, "total_s": self.total_s})

    def add(self, seconds: float) -> None:
        """Count one tick."""
        self.counts[bisect.bisect_left(BOUNDS, seconds)] += 1
        self.total_s += seconds
