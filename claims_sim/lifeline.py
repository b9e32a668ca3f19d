"""End a process when the one that it belongs to ends. Works wherever Python does, also after SIGKILL of the owner."""

import os
import signal
import threading
import time
from collections.abc import Callable
from typing import Final

import psutil

_POLL_S: Final = 0.4
ORPHANED_EXIT_CODE: Final = 70


def _exit_now() -> None:
    os._exit(ORPHANED_EXIT_CODE)


def terminate_self() -> None:
    """An orderly stop: the process's own SIGTERM handler decides what that means."""
    os.kill(os.getpid(), signal.SIGTERM)


def end_with_parent(owner: int | None = None, on_orphaned: Callable[[], None] = _exit_now) -> None:
    """Watch, from a daemon thread, the parent of this process and `owner` (a pid); call `on_orphaned` when either is gone.

    The default is as abrupt as a SIGKILL, which everything here is built to survive: nothing of a half tick stays.
    """
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent and (owner is None or psutil.pid_exists(owner)):
            time.sleep(_POLL_S)
        on_orphaned()

    threading.Thread(target=watch, name="lifeline", daemon=True).start()
