"""`claims-sim stream`: the continuous worker under signals, with the producer lock, reporting to Dagster where there is one."""

import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final

from claims_sim import pipeline
from claims_sim.errors import ClaimsSimError, ProducerBusyError
from claims_sim.generation.batch import utc_now
from claims_sim.launch.stopping import NOTHING_MADE, Stop, stop_on_signals
from claims_sim.observe import logs
from claims_sim.observe.serving import watched
from claims_sim.settings import Settings, dagster_home
from claims_sim.store import control
from claims_sim.worker.loop import Ends, Progress, Worker
from claims_sim.worker.pace import JitteredPace, Pace, steady
from claims_sim.worker.window import Window

_log = logging.getLogger(__name__)
WHAT: Final = "claims-sim stream"
TELLS_EVERY_S: Final = 30.0
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
    done = Progress()
    with ExitStack() as held:
        stop = held.enter_context(stop_on_signals())
        with suppress(KeyboardInterrupt), _noted(settings):
            done = _work(settings, options, stop, held)
    if sys.stderr.isatty():
        print(file=sys.stderr)  # noqa: T201 - ends the progress line
    if stop.is_set() and not done.ticks:
        _log.info(NOTHING_MADE)
    return _summary(done, options.rate)


@contextmanager
def _noted(settings: Settings) -> Iterator[None]:
    """Leave what ends the block for `status` to tell; another producer at work is no failure."""
    try:
        yield
    except ProducerBusyError:
        raise
    except ClaimsSimError as error:
        if settings.state_dir.is_dir():
            control.note_error(settings.state_dir, WHAT, error)
        raise


def _work(settings: Settings, options: StreamOptions, stop: Stop, held: ExitStack) -> Progress:
    """Prepare, then produce. Until the first batch a signal raises KeyboardInterrupt: nothing would be lost."""
    with stop.at_once():
        pipeline.check_isolation(settings)
        pipeline.require_writable_state(settings)
        pipeline.require_author(settings)
        pipeline.channel(settings).close()  # a channel that cannot be opened is told before anything starts
        held.enter_context(control.producer_lock(settings.state_dir, WHAT))
        held.enter_context(watched(settings))
        if note := pipeline.note_of_former_source(settings):
            _log.info(note)
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
        worker.prepare()
    _log.info("producing; SIGTERM or Ctrl-C stops after the batch at work")
    return worker.run()


def _summary(done: Progress, rate: float | None) -> dict[str, Any]:
    """What was done, and how fast; `rate` is what was asked, in claims a second."""
    summary: dict[str, Any] = {"batches": done.ticks, "claims": done.claims, "scored": done.scored}
    if not done.ticks:
        return summary
    asked = {} if rate is None else {"claims/s asked": round(rate, 3)}
    return summary | {"seconds": round(done.elapsed_s, 2)} | asked | {"claims/s reached": round(done.rate, 2)}


def _pace(settings: Settings, options: StreamOptions) -> Pace:
    if options.rate is not None:
        return steady(options.rate, options.batch_size)
    size = options.batch_size or settings.batch_size
    return JitteredPace(settings.seed, settings.interval_min_s, settings.interval_max_s, size)


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
    """A line on a terminal, written over and over; elsewhere one in the log, once in a while."""
    told = time.monotonic()

    def show(progress: Progress) -> None:
        print(f"\r\x1b[K{progress.describe()[:118]}", end="", file=sys.stderr, flush=True)  # noqa: T201 - for the user

    def log(progress: Progress) -> None:
        nonlocal told
        if time.monotonic() - told >= TELLS_EVERY_S:
            told = time.monotonic()
            _log.info(progress.describe())

    return show if sys.stderr.isatty() else log
