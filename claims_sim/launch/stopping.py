"""SIGTERM, Ctrl-C and hang-up for long-lived commands: work under way is finished, preparation is given up at once."""

import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

STOPS_WITHIN_S: Final = 10.0
GIVES_UP_WITHIN_S: Final = 3.0
NOTHING_MADE: Final = "Stopped; nothing was made yet."
_log = logging.getLogger(__name__)


class Stop(threading.Event):
    """Set by a signal. Inside `at_once` the signal also interrupts what is being done."""

    def __init__(self) -> None:
        super().__init__()
        self.interrupts = False

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """For work that leaves nothing half done: a signal raises KeyboardInterrupt in it, of whatever kind it is."""
        if self.is_set():
            raise KeyboardInterrupt
        self.interrupts = True
        try:
            yield
        except Exception:
            if self.is_set():  # a library has made its own error of the interrupt
                raise KeyboardInterrupt from None
            raise
        finally:
            self.interrupts = False


@contextmanager
def stop_on_signals() -> Iterator[Stop]:
    """An event that SIGTERM, SIGINT and SIGHUP set; who has not stopped some seconds later is ended as it is.

    That loses nothing: what a batch had reached is taken up by the next start.
    """
    stop, ends = Stop(), list[threading.Timer]()

    def end_later(seconds: float, end: Callable[[], None]) -> None:
        ends.append(threading.Timer(seconds, end))
        ends[-1].daemon = True
        ends[-1].start()

    def ask(number: int, _frame: object) -> None:
        if stop.is_set():
            if number == signal.SIGINT:
                os._exit(130)  # Ctrl-C again
            return
        stop.set()
        if stop.interrupts:
            end_later(GIVES_UP_WITHIN_S, _give_up)  # where a library has swallowed the interrupt
            raise KeyboardInterrupt
        end_later(STOPS_WITHIN_S - 1, lambda: os._exit(1))

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, ask) for number in numbers}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for timer in ends:
            timer.cancel()


def _give_up() -> None:
    _log.info(NOTHING_MADE)
    os._exit(0)
