"""A gate beside a database file: processes enter one after the other, so that none opens what another is changing.

DuckDB (2.0.1) reads a file's headers before it locks the file and not again: a process that opens it while another one
commits and closes would go on from the state before, and overwrite that commit. So the gate is entered before the file is
opened and left after it was closed. Threads of one process share it, as they share DuckDB's own lock.
"""

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Final

_PAUSE_S: Final = 0.005
_NO_GATE: Final = -1


@dataclass(slots=True)
class _Held:
    """The gate of a file that this process is in: its descriptor, whether alone, and how many threads are."""

    descriptor: int
    alone: bool
    entered: int


_held: dict[Path, _Held] = {}
_guard = threading.Lock()


def enter(path: Path, deadline: float, *, alone: bool) -> Callable[[], None] | None:
    """Enter the gate of the file at `path`; the result leaves it. None when others keep it shut until `deadline`.

    `alone` keeps all other processes out, otherwise those that come alone; `deadline` is in seconds of the monotonic
    clock. On a system or in a folder that has no such locks there is no gate, and everybody is in.
    """
    queue = None
    try:
        while True:
            # Who waits does so at the head of a queue: another process that comes and goes all the time goes behind it.
            # A thread of a process that is in already waits for nobody: those in the queue wait for its process.
            if path in _held and (leave := _try(path, alone=alone)) is not None:
                return leave
            if queue is None:
                queue = _taken(path.with_name(f".{path.name}.queue"), alone=True, makes=alone)
            if queue is not None:
                leave = _try(path, alone=alone)
                if leave is not None:
                    return leave
            if time.monotonic() >= deadline:
                return None
            time.sleep(_PAUSE_S)
    finally:
        if queue is not None:
            _release(queue)


def enter_unused(path: Path) -> Callable[[], None] | None:
    """Enter alone, at once and before any thread of this process, or not at all (None)."""
    return None if path in _held else _try(path, alone=True)


def _try(path: Path, *, alone: bool) -> Callable[[], None] | None:
    with _guard:
        held = _held.get(path)
        if held is not None:
            if held.alone is not alone:
                return None
            held.entered += 1
            return lambda: _leave(path, held)
        descriptor = _taken(path.with_name(f".{path.name}.gate"), alone=alone, makes=alone)
        if descriptor is None:
            return None
        mine = _held[path] = _Held(descriptor, alone, 1)
        return lambda: _leave(path, mine)


def _taken(gate: Path, *, alone: bool, makes: bool) -> int | None:
    """The descriptor of a file that is locked now; None when another process has it, _NO_GATE where there are no locks.

    The file is made where `makes` says so: who only looks leaves nothing behind, and where nobody has come to write there
    is nothing to wait for.
    """
    fcntl = _fcntl()
    descriptor = _opened(gate, makes=makes) if fcntl else None
    if fcntl is None or descriptor is None:
        return _NO_GATE
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def _leave(path: Path, held: _Held) -> None:
    with _guard:
        held.entered -= 1
        if held.entered or _held.get(path) is not held:
            return
        del _held[path]
        _release(held.descriptor)


def _release(descriptor: int) -> None:
    fcntl = _fcntl()
    if fcntl is None or descriptor == _NO_GATE:
        return
    fcntl.flock(descriptor, fcntl.LOCK_UN)  # a process that was forked meanwhile must not keep it
    os.close(descriptor)


def _opened(gate: Path, *, makes: bool) -> int | None:
    for mode in (*([os.O_RDWR | os.O_CREAT] if makes else []), os.O_RDONLY):  # or in a folder that cannot be written
        try:
            return os.open(gate, mode, 0o666)
        except OSError:
            continue
    return None


def _fcntl() -> ModuleType | None:
    try:
        import fcntl  # noqa: PLC0415 - not on every system
    except ImportError:
        return None
    return fcntl


def _forget() -> None:
    """In a process that was forked: its parent is in, it is not."""
    global _guard  # noqa: PLW0603 - a lock that another thread held is never released in the child
    _guard = threading.Lock()
    for held in _held.values():
        if held.descriptor != _NO_GATE:
            os.close(held.descriptor)  # the parent's stays locked
    _held.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
