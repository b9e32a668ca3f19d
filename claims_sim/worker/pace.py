"""When the next batch is due and how many claims it holds: at random gaps, or at a rate. Pure decisions."""

from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from claims_sim.claim_ids import MAX_CLAIMS_PER_BATCH
from claims_sim.errors import SettingsError
from claims_sim.randomness import stream_key, uniforms

MAX_RATE: Final = 10_000.0
"""Claims per second; more than one process can make."""
_UNITS: Final = {"s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}


@dataclass(frozen=True, slots=True)
class Due:
    """The next batch: when, in seconds since the worker started (past for one that is late), and how many claims."""

    at: float
    count: int


class Pace(Protocol):
    """Says when the next batch is due."""

    def next(self, elapsed: float, made: int) -> Due:
        """The batch after `made` claims, `elapsed` seconds after the start."""


def gap_s(seed: int, seq: int, low: float, high: float) -> float:
    """The gap before batch `seq`, uniform between `low` and `high` seconds; the same for the same seed."""
    return float(low + (high - low) * uniforms(stream_key(seed, "interval"), np.array([seq]))[0])


@dataclass(slots=True)
class JitteredPace:
    """Batches of one size at random gaps; after a pause one batch, not all that were missed."""

    seed: int
    low: float
    high: float
    batch_size: int
    _due: float = 0.0
    _seq: int = 0

    def next(self, elapsed: float, made: int) -> Due:
        """At once for the first; then a gap after the last was due."""
        del made
        if self._seq:
            self._due = max(self._due, elapsed - self.high) + gap_s(self.seed, self._seq, self.low, self.high)
        self._seq += 1
        return Due(self._due, self.batch_size)


@dataclass(frozen=True, slots=True)
class SteadyPace:
    """`rate` claims a second, in batches of at least `batch_size`; who fell behind makes larger ones until even."""

    rate: float
    batch_size: int

    def next(self, elapsed: float, made: int) -> Due:
        """When the next `batch_size` claims are due, and all that are due by then or by now."""
        at = (made + self.batch_size) / self.rate
        owed = int(max(at, elapsed) * self.rate + 1e-9) - made
        return Due(at, min(max(self.batch_size, owed), MAX_CLAIMS_PER_BATCH))


def steady(rate: float, batch_size: int | None) -> SteadyPace:
    """A pace of `rate` claims a second; without a batch size, about one batch a second."""
    return SteadyPace(rate, batch_size or max(1, min(round(rate), MAX_CLAIMS_PER_BATCH)))


def parse_rate(text: str) -> float:
    """Claims per second of a text such as `50/s`, `50`, `30/min` or `1000/h`. Raises SettingsError."""
    number, _, unit = text.strip().lower().partition("/")
    try:
        rate = float(number) / _UNITS[unit or "s"]
    except (ValueError, KeyError):
        raise SettingsError(f"--rate {text}: write claims per time, such as 50/s, 30/min or 1000/h.") from None
    if not 0 < rate <= MAX_RATE:
        raise SettingsError(f"--rate {text}: must be above 0 and at most {MAX_RATE:g} claims a second.")
    return rate


def parse_duration(text: str) -> float:
    """Seconds of a text such as `90`, `90s`, `10m` or `2h`. Raises SettingsError."""
    cleaned = text.strip().lower()
    unit = next((name for name in sorted(_UNITS, key=len, reverse=True) if cleaned.endswith(name)), "")
    try:
        seconds = float(cleaned.removesuffix(unit)) * _UNITS[unit or "s"]
    except ValueError:
        raise SettingsError(f"--duration {text}: write a time such as 90s, 10m or 2h.") from None
    if not seconds > 0:
        raise SettingsError(f"--duration {text}: must be above 0.")
    return seconds
