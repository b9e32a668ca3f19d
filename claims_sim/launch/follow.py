"""`claims-sim consume --follow`: ingestion alone, for teams that publish elsewhere. Several followers may run: one wins."""

import logging
from typing import Any, Final

from claims_sim import pipeline
from claims_sim.errors import ChannelError, PositionMovedError, StoreLockedError
from claims_sim.launch.stopping import stop_on_signals
from claims_sim.observe import logs
from claims_sim.observe.serving import watched
from claims_sim.settings import Settings

_log = logging.getLogger(__name__)
_FIRST_PAUSE_S: Final = 1.0
_LONGEST_PAUSE_S: Final = 30.0
_MAX_FAILURES: Final = 10  # in a row


def run(settings: Settings, poll_s: float) -> dict[str, Any]:
    """Ingest what arrives until a signal; returns what was stored. Raises the error of an outage that does not end."""
    logs.configure(settings.log_format)
    totals = {"rows stored": 0, "dead letters": 0, "duplicates dropped": 0}
    failures = 0
    with stop_on_signals() as stop, watched(settings):
        _log.info("following %s; SIGTERM or Ctrl-C stops", _described(settings))
        while not stop.is_set():
            try:
                done = pipeline.ingest(settings)
                failures = 0
            except PositionMovedError:
                continue  # another follower was faster; go on from where it is
            except (StoreLockedError, ChannelError) as error:
                failures += 1
                if failures >= _MAX_FAILURES:
                    raise
                pause = min(_FIRST_PAUSE_S * 2 ** (failures - 1), _LONGEST_PAUSE_S)
                _log.warning("%s Trying again in %.0f s (%d of %d).", error, pause, failures, _MAX_FAILURES)
                stop.wait(pause)
                continue
            for note in done.notes:
                _log.warning(note)
            if done.rows or done.dead_letters or done.duplicates:
                totals["rows stored"] += done.rows
                totals["dead letters"] += done.dead_letters
                totals["duplicates dropped"] += done.duplicates
                _log.info(
                    "%d stored, %d dead letters, %d duplicates",
                    done.rows,
                    done.dead_letters,
                    done.duplicates,
                    extra={"position": done.position},
                )
                pipeline.publish_snapshots(settings)
            stop.wait(poll_s)
    return totals


def _described(settings: Settings) -> str:
    channel = pipeline.channel(settings)
    try:
        return channel.describe()
    finally:
        channel.close()
