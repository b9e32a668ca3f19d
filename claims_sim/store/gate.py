"""A gate beside a database file: processes enter one after the other, so that none opens what another is changing.

DuckDB (2.0.1) reads a file's headers before it locks the file and not again: a process that opens it while another one
commits and closes would go on from the state before, and overwrite that commit. So the gate is entered before the file is
opened and left after it was closed. Threads of one process share it, as they share DuckDB's own lock.
"""

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType


@dataclass(slots=True)
class _Held:
    """The gate of a file that this process is in: its descriptor, whether alone, and how many threads are."""

    descriptor: int
    alone: bool
    entered: int


_held: dict[Path, _Held] = {}
_guard = threading.Lock()


def enter(path: Path, *, alone: bool, shared_with_threads: bool = True) -> Callable[[], None] | None:
    """Enter the gate of the file at `path`; the result leaves it. None while others keep it shut.

    `alone` keeps all other processes out, otherwise those that come alone. On a system or in a folder that has no such
    locks there is no gate, and everybody is in.
    """
    with _guard:
        held = _held.get(path)
        if held is not None:
            if not shared_with_threads or held.alone is not alone:
                return None
            held.entered += 1
            return lambda: _leave(path, held)
        fcntl = _fcntl()
        descriptor = _opened(path) if fcntl else None
        if fcntl is None or descriptor is None:
            return _nothing_to_leave
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            return None
        mine = _held[path] = _Held(descriptor, alone, 1)
        return lambda: _leave(path, mine)


def _leave(path: Path, held: _Held) -> None:
    with _guard:
        held.entered -= 1
        if held.entered or _held.get(path) is not held:
            return
        del _held[path]
        fcntl = _fcntl()
        if fcntl is not None:  # a process that was forked meanwhile must not keep it
            fcntl.flock(held.descriptor, fcntl.LOCK_UN)
        os.close(held.descriptor)


def _opened(path: Path) -> int | None:
    gate = path.with_name(f".{path.name}.gate")
    for mode in (os.O_RDWR | os.O_CREAT, os.O_RDONLY):  # the second in a folder that cannot be written
        try:
            return os.open(gate, mode, 0o666)
        except OSError:
            continue
    return None


def _nothing_to_leave() -> None:
    """There is no gate."""


def _fcntl() -> ModuleType | None:
    try:
        import fcntl  # noqa: PLC0415 - not on every system
    except ImportError:
        return None
    return fcntl


def _forget() -> None:
    global _guard  # noqa: PLW0603 - a lock that another thread held is never released in the child
    _guard = threading.Lock()
    _held.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
