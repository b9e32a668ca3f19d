"""Ctrl-C in a loop of database work: at once where possible, after the step at work where a library swallowed it."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def interruptible() -> Iterator[Callable[[], None]]:
    """Yield a function to be called between steps; it raises KeyboardInterrupt when Ctrl-C was pressed before.

    The signal also raises at once, as usual; but code in C may turn that into an error of its own, or lose it.
    """
    pressed = False

    def remember(_number: int, _frame: FrameType | None) -> None:
        nonlocal pressed
        pressed = True
        raise KeyboardInterrupt

    def check() -> None:
        if pressed:
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, remember)
    try:
        yield check
    finally:
        signal.signal(signal.SIGINT, before)
