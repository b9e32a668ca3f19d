"""Ctrl-C in a loop of database work: the step at work is finished first, so that no library meets an exception midway."""

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

QUERY_INTERRUPTED: Final = "Query interrupted"
"""What a RuntimeError of DuckDB's says where Ctrl-C ended a query."""


@contextmanager
def interruptible() -> Iterator[Callable[[], None]]:
    """Yield a function to be called between steps; it raises KeyboardInterrupt once Ctrl-C was pressed.

    Raised in the middle of a query the interrupt would come out as an error of the database's, or be lost. A second
    Ctrl-C raises at once all the same.
    """
    pressed = False
    before = signal.getsignal(signal.SIGINT)

    def remember(_number: int, _frame: FrameType | None) -> None:
        nonlocal pressed
        pressed = True
        signal.signal(signal.SIGINT, signal.default_int_handler)
        print("Stopping after this step; Ctrl-C again stops at once.", file=sys.stderr)  # noqa: T201 - for the user

    def check() -> None:
        if pressed:
            raise KeyboardInterrupt

    signal.signal(signal.SIGINT, remember)
    try:
        yield check
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def telling_of_interrupt(what: str) -> Iterator[None]:
    """Say `what` has come of it when Ctrl-C ends the block."""
    try:
        yield
    except (KeyboardInterrupt, RuntimeError) as error:
        if isinstance(error, KeyboardInterrupt) or str(error) == QUERY_INTERRUPTED:
            print(what, file=sys.stderr)  # noqa: T201 - for the user
        raise
