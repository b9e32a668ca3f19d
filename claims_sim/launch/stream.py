"""`claims-sim stream`: the continuous worker under signals, with the producer lock, reporting to Dagster where there is one."""

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Final

from claims_sim import pipeline
from claims_sim.errors import ClaimsSimError
from claims_sim.generation.batch import utc_now
from claims_sim.observe import logs
from claims_sim.observe.serving import watched
from claims_sim.settings import Settings, dagster_home
from claims_sim.store import control
from claims_sim.worker.loop import Ends, Progress, Worker
from claims_sim.worker.pace import JitteredPace, Pace, steady
from claims_sim.worker.window import Window

_log = logging.getLogger(__name__)
WHAT: Final = "claims-sim stream"
STOPS_WITHIN_S: Final = 10.0
_PRUNE_EVERY: Final = 30  # reports


@dataclass(frozen=True, slots=True)
class StreamOptions:
    """What the command was asked; `rate` in claims a second (None: the interval of the settings)."""

    rate: float | None = None
    batch_size: int | None = None
    duration_s: float | None = None
    max_claims: int | None = None
    report: bool = True
    report_every_s: float = 60.0
    verbose: bool = False


def run(settings: Settings, options: StreamOptions) -> dict[str, Any]:
    """Work until stopped or done; returns what was done. Raises ProducerBusyError when another producer is at work."""
    logs.configure(settings.log_format, verbose=options.verbose)
    pipeline.check_isolation(settings)
    pipeline.channel(settings).close()  # a channel that cannot be opened is told before anything starts
    with ExitStack() as held:
        stop = held.enter_context(stop_on_signals())
        held.enter_context(control.producer_lock(settings.state_dir, WHAT))
        held.enter_context(watched(settings))
        pipeline.ensure_source(settings, _log.info)
        if not pipeline.has_profile_of_source(settings):
            _log.info("Profiling the source ...")
            pipeline.keep_profile(settings, pipeline.profile_source(settings, utc_now()).profile)
        report = held.enter_context(_reporter(settings, options))
        worker = Worker(
            settings,
            _pace(settings, options),
            ends=Ends(options.duration_s, options.max_claims),
            stop=stop,
            report=report,
            report_every_s=options.report_every_s,
            show=_progress_line(),
        )
        _log.info("producing; SIGTERM or Ctrl-C stops after the batch at work")
        done = worker.run()
    if sys.stderr.isatty():
        print(file=sys.stderr)  # noqa: T201 - ends the progress line
    return {"batches": done.ticks, "claims": done.claims, "scored": done.scored}


def _pace(settings: Settings, options: StreamOptions) -> Pace:
    if options.rate is not None:
        return steady(options.rate, options.batch_size)
    size = options.batch_size or settings.batch_size
    return JitteredPace(settings.seed, settings.interval_min_s, settings.interval_max_s, size)


@contextmanager
def stop_on_signals() -> Iterator[threading.Event]:
    """An event that SIGTERM, SIGINT and SIGHUP set; who has not stopped some seconds later is ended as it is.

    That loses nothing: what a batch had reached is taken up by the next start.
    """
    stop = threading.Event()

    def ask(number: int, _frame: object) -> None:
        if stop.is_set() and number == signal.SIGINT:
            os._exit(130)  # Ctrl-C again
        stop.set()
        last = threading.Timer(STOPS_WITHIN_S - 1, os._exit, [1])
        last.daemon = True
        last.start()

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, ask) for number in numbers}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _reporter(settings: Settings, options: StreamOptions) -> Iterator[Callable[[Window], None]]:
    """How windows are reported: to the Dagster instance, where there is one; a failing report is told and forgotten."""
    home = dagster_home(settings) if options.report else None
    if home is None:
        yield lambda _window: None
        return
    from claims_sim.orchestration.runless import RunlessReporter  # noqa: PLC0415 - loads Dagster: two seconds

    reporter, reports = RunlessReporter(settings, home), 0

    def report(window: Window) -> None:
        nonlocal reports
        try:
            reporter.report(window)
            if reports % _PRUNE_EVERY == 0:
                reporter.prune()
        except ClaimsSimError as error:
            _log.warning("%s", error)
        reports += 1

    _log.info("reporting to Dagster in %s every %.0f s", home, options.report_every_s)
    try:
        yield report
    finally:
        reporter.close()


def _progress_line() -> Callable[[Progress], None]:
    """A line on a terminal, written over and over; silent elsewhere."""
    if not sys.stderr.isatty():
        return lambda _progress: None
    started = time.monotonic()

    def show(progress: Progress) -> None:
        rate = progress.claims / max(time.monotonic() - started, 1e-3)
        text = f"{progress.claims:,} claims in {progress.ticks:,} batches, {rate:,.1f}/s, {progress.lag_s:.1f} s late; {progress.state}"
        print(f"\r\x1b[K{text[:118]}", end="", file=sys.stderr, flush=True)  # noqa: T201 - for the user

    return show
