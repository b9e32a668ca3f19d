"""The worker's loop: wait, tick, tell; patient with outages, and gone soon after it was asked to stop."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from claims_sim.errors import ChannelError, ClaimsSimError, ScorerError, StoreLockedError
from claims_sim.generation.batch import utc_now
from claims_sim.observe.latency import Latency
from claims_sim.pipeline.limits import over_limit
from claims_sim.settings import Settings
from claims_sim.store import control
from claims_sim.worker.engine import Engine
from claims_sim.worker.pace import Pace
from claims_sim.worker.window import Window

_log = logging.getLogger(__name__)
WORKER_FACT: Final = "worker"
_FIRST_PAUSE_S: Final = 1.0
_LONGEST_PAUSE_S: Final = 30.0
_MAX_FAILURES: Final = 10  # in a row: about three minutes
_FACT_EVERY_S: Final = 2.0
_FULL_CHECK_S: Final = 5.0
_AT_THE_END_S: Final = 1e-6  # what a sum of floats may be off by


@dataclass(frozen=True, slots=True)
class Ends:
    """When the worker ends by itself; None: never."""

    duration_s: float | None = None
    max_claims: int | None = None


@dataclass(slots=True)
class Progress:
    """How far the worker is; `lag_s` is how late the last batch began, `elapsed_s` how long it has been producing."""

    ticks: int = 0
    claims: int = 0
    scored: int = 0
    lag_s: float = 0.0
    elapsed_s: float = 0.0
    state: str = "working"
    latency: Latency = field(default_factory=Latency)

    @property
    def rate(self) -> float:
        """Claims a second since it began to produce."""
        return self.claims / max(self.elapsed_s, 1e-3)

    def describe(self) -> str:
        """For people."""
        return f"{self.claims:,} claims in {self.ticks:,} batches, {self.rate:,.1f}/s, {self.lag_s:.1f} s late; {self.state}"


class Worker:
    """Runs ticks until it is stopped or done. The caller holds the producer lock."""

    def __init__(
        self,
        settings: Settings,
        pace: Pace,
        *,
        ends: Ends,
        stop: threading.Event,
        report: Callable[[Window], None],
        report_every_s: float,
        show: Callable[[Progress], None],
    ) -> None:
        self._settings, self._pace, self._ends, self._stop = settings, pace, ends, stop
        self._report, self._report_every_s, self._show = report, report_every_s, show
        self._window, self._reported_at = Window(), time.monotonic()
        self._fact_at = 0.0
        self._engine = Engine(settings)
        self.progress = Progress(latency=Latency.load(settings.state_dir))

    def prepare(self) -> None:
        """Load, and where need be train, what batches need, before `run` does; may be interrupted at any point."""
        try:
            self._engine.warm_up()
        except BaseException:
            self._engine.close()
            raise

    def run(self) -> Progress:
        """Work; returns how far it came. Raises the error of an outage that does not end."""
        engine, failures, started = self._engine, 0, time.monotonic()
        try:
            engine.begin(utc_now())
            started = time.monotonic()  # the duration and the pace count from here, when the first batch can be made
            while not self._stop.is_set() and (left := self._left(time.monotonic() - started)) > 0:
                due = self._pace.next(time.monotonic() - started, self.progress.claims)
                if not self._wait(started + due.at, started):
                    break
                if self._is_full():
                    continue
                self.progress.lag_s = max(0.0, time.monotonic() - started - due.at)
                try:
                    self._tick(engine, min(due.count, left), started)
                except (StoreLockedError, ChannelError, ScorerError) as error:
                    failures += 1
                    if failures >= _MAX_FAILURES:
                        raise
                    self._pause(error, failures)
                else:
                    failures = 0
        finally:
            self.progress.elapsed_s = time.monotonic() - started
            self._finish(engine)
        return self.progress

    def _left(self, elapsed: float) -> int:
        if self._ends.duration_s is not None and elapsed >= self._ends.duration_s:
            return 0
        return 1 << 30 if self._ends.max_claims is None else self._ends.max_claims - self.progress.claims

    def _wait(self, until: float, started: float) -> bool:
        """Wait for the next batch; False when the worker is to end instead. What is due at the very end is made."""
        if self._ends.duration_s is not None and until > started + self._ends.duration_s + _AT_THE_END_S:
            self._stop.wait(max(0.0, started + self._ends.duration_s - time.monotonic()))
            return False
        return not self._stop.wait(max(0.0, until - time.monotonic()))

    def _tick(self, engine: Engine, count: int, started: float) -> None:
        done = engine.tick(count, utc_now())
        progress = self.progress
        progress.elapsed_s = time.monotonic() - started
        progress.ticks, progress.claims = progress.ticks + 1, progress.claims + done.batch.planned
        progress.scored, progress.state = progress.scored + done.scored, "working"
        progress.latency.add(done.seconds)
        self._window.add(done)
        _log.debug(
            "batch done",
            extra={
                "batch": done.batch.request.batch_id,
                "claims": len(done.batch.claims),
                "scored": done.scored,
                "seconds": round(done.seconds, 3),
                "late_s": round(progress.lag_s, 3),
            },
        )
        for batch, reasons in done.relay.quarantined.items():
            _log.error(
                "a batch failed review at the relay and was not sent", extra={"batch": batch, "reasons": reasons}
            )
        self._tell()

    def _tell(self) -> None:
        self._show(self.progress)
        now = time.monotonic()
        if now - self._fact_at > _FACT_EVERY_S:
            self._fact_at = now
            self._put_fact()
        if now - self._reported_at > self._report_every_s:
            self._reported_at = now
            self._report(self._window)
            self._window = Window()

    def _put_fact(self) -> None:
        progress = self.progress
        self.progress.latency.save(self._settings.state_dir)
        fact = {
            "state": progress.state,
            "claims": progress.claims,
            "lag_s": round(progress.lag_s, 3),
            "at": time.time(),
        }
        control.put_status(self._settings.state_dir, WORKER_FACT, fact)

    def _is_full(self) -> bool:
        """Whether a size limit is reached: then it waits, says so, and looks again."""
        full = over_limit(self._settings)
        if full:
            if self.progress.state != full:
                _log.warning(full)
            self.progress.state = full
            self._put_fact()
            self._show(self.progress)
            self._stop.wait(_FULL_CHECK_S)
        return bool(full)

    def _pause(self, error: ClaimsSimError, failures: int) -> None:
        pause = min(_FIRST_PAUSE_S * 2 ** (failures - 1), _LONGEST_PAUSE_S)
        _log.warning("%s Trying again in %.0f s (%d of %d).", error, pause, failures, _MAX_FAILURES)
        self.progress.state = f"waiting: {error}"
        self._put_fact()
        self._stop.wait(pause)

    def _finish(self, engine: Engine) -> None:
        """Leave everything as whole as it can be: snapshots, facts, the last report."""
        try:
            engine.publish_snapshots()
            if self._window.ticks:
                self._report(self._window)
        except ClaimsSimError as error:
            _log.warning("%s", error)
        self.progress.state = "stopped"
        self._put_fact()
        engine.close()
