"""Small state beside the database, for processes that must not open it: who produces, and facts for `status`.

The truth about who produces is an OS file lock, which the system frees when its process dies; the row in
`control.sqlite` only says who it is.
"""

import json
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from filelock import FileLock, Timeout

from claims_sim.errors import ProducerBusyError, StoreError
from claims_sim.store.journal import write_ahead

_LOCK_NAME: Final = "producer.lock"
_FILE_NAME: Final = "control.sqlite"
_PRODUCER: Final = "producer"
_ERROR: Final = "error"
# `producer_is_free` takes the lock for a moment; that must not turn a producer away.
_PATIENCE_S: Final = 1.0
_TIMEOUT_S: Final = 10.0
_SCHEMA: Final = (
    "CREATE TABLE IF NOT EXISTS facts (key TEXT PRIMARY KEY, value TEXT NOT NULL, updated_at REAL NOT NULL)"
)


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds the producer lock; `since` in seconds since the epoch."""

    pid: int
    what: str
    since: float

    def describe(self) -> str:
        """For people."""
        return (
            f"{self.what} (process {self.pid}, since {datetime.fromtimestamp(self.since, UTC):%Y-%m-%d %H:%M:%S} UTC)"
        )


@contextmanager
def producer_lock(folder: Path, what: str) -> Iterator[None]:
    """Hold the right to produce claims in `folder`. Raises ProducerBusyError, naming the holder, when it is taken."""
    lock = _lock(folder)
    try:
        lock.acquire(timeout=_PATIENCE_S, poll_interval=0.02)
    except Timeout:
        known = get_status(folder, _PRODUCER)
        who = _holder(known).describe() if known else "another process"
        raise ProducerBusyError(f"{who} is producing claims in {folder}: wait for it, or stop it first.") from None
    except OSError as error:
        raise StoreError(f"{folder} cannot be locked: {error.strerror or error}; check the folder's rights.") from error
    try:
        put_status(folder, _PRODUCER, {"pid": os.getpid(), "what": what, "since": time.time()})
        yield
    finally:
        try:
            _forget(folder, _PRODUCER)
        finally:
            lock.release()


def producer_is_free(folder: Path) -> bool:
    """Whether nobody produces claims in `folder` at this moment."""
    if not (folder / _LOCK_NAME).exists():
        return True
    if not _is_writable(folder):
        return _is_unlocked(folder / _LOCK_NAME)
    lock = _lock(folder)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return False
    except OSError as error:
        raise StoreError(f"{folder} cannot be locked: {error.strerror or error}; check the folder's rights.") from error
    lock.release()
    return True


def holder(folder: Path) -> Holder | None:
    """Who produces claims in `folder` at this moment; None when nobody does."""
    if producer_is_free(folder):
        return None
    known = get_status(folder, _PRODUCER)
    return _holder(known) if known else None


def put_status(folder: Path, key: str, value: dict[str, Any]) -> None:
    """Keep a small fact under `key`, in place of the last one."""
    text = json.dumps(value, default=str, ensure_ascii=False)
    with _open(folder) as connection:
        connection.execute(
            "INSERT INTO facts VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE "
            "SET value = excluded.value, updated_at = excluded.updated_at",
            [key, text, time.time()],
        )


def get_status(folder: Path, key: str) -> dict[str, Any] | None:
    """The fact under `key`; None when there is none."""
    if not (folder / _FILE_NAME).exists():
        return None
    with _open(folder) if _is_writable(folder) else _open_read_only(folder) as connection:
        row = connection.execute("SELECT value FROM facts WHERE key = ?", [key]).fetchone()
    if row is None:
        return None
    value: dict[str, Any] = json.loads(row[0])
    return value


def change_status(folder: Path, key: str, update: Callable[[dict[str, Any] | None], dict[str, Any]]) -> dict[str, Any]:
    """Put `update` of the fact under `key` in its place and return it; no other process changes it in between.

    What `update` raises leaves the fact as it was.
    """
    with _open(folder) as connection:
        connection.execute("BEGIN IMMEDIATE")
        row = connection.execute("SELECT value FROM facts WHERE key = ?", [key]).fetchone()
        value = update(json.loads(row[0]) if row else None)
        connection.execute(
            "INSERT OR REPLACE INTO facts VALUES (?, ?, ?)",
            [key, json.dumps(value, default=str, ensure_ascii=False), time.time()],
        )
    return value


def note_error(folder: Path, what: str, error: Exception) -> None:
    """Keep what ended a tick or a worker, for `status`; where even that cannot be written, it is let go."""
    with suppress(StoreError):
        put_status(folder, _ERROR, {"what": what, "error": str(error), "at": time.time()})


def last_error(folder: Path, since: float) -> str:
    """What ended a tick or a worker after `since` (seconds since the epoch), in one line; empty when nothing did."""
    known = get_status(folder, _ERROR)
    if not known or known["at"] <= since:
        return ""
    return f"{known['what']}, {datetime.fromtimestamp(known['at'], UTC):%Y-%m-%d %H:%M:%S} UTC: {known['error']}"


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts of one folder, for those who are given a place to keep theirs and need not know which."""

    folder: Path

    def read(self, key: str) -> dict[str, Any] | None:
        """The fact under `key`; None when there is none."""
        return get_status(self.folder, key)

    def change(self, key: str, update: Callable[[dict[str, Any] | None], dict[str, Any]]) -> dict[str, Any]:
        """See `change_status`."""
        return change_status(self.folder, key, update)


def _forget(folder: Path, key: str) -> None:
    with _open(folder) as connection:
        connection.execute("DELETE FROM facts WHERE key = ?", [key])


def _lock(folder: Path) -> FileLock:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{folder} cannot be made: {error.strerror}; check the rights of the folder above.") from error
    return FileLock(folder / _LOCK_NAME, thread_local=False)


def _is_writable(folder: Path) -> bool:
    """Whether this process may write here; who only looks need not."""
    paths = (folder, folder / _FILE_NAME, folder / _LOCK_NAME)
    return all(os.access(path, os.W_OK) for path in paths if path.exists())


def _is_unlocked(path: Path) -> bool:
    """What `producer_is_free` asks, of a lock that may only be read."""
    import fcntl  # noqa: PLC0415 - not on every system, and only here

    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror or error}; check the folder's rights.") from error
    return True


def _holder(known: dict[str, Any]) -> Holder:
    return Holder(int(known["pid"]), str(known["what"]), float(known["since"]))


@contextmanager
def _open(folder: Path) -> Iterator[sqlite3.Connection]:
    """A short connection; what the block writes is committed when it ends."""
    path = folder / _FILE_NAME
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(path, timeout=_TIMEOUT_S)) as connection:
            write_ahead(connection, _TIMEOUT_S)
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute(_SCHEMA)
            with connection:
                yield connection
    except (sqlite3.Error, OSError) as error:
        raise StoreError(
            f"{path} cannot be used: {error}; check the folder's rights and space, or remove the file."
        ) from error


@contextmanager
def _open_read_only(folder: Path) -> Iterator[sqlite3.Connection]:
    """A connection that writes nothing, neither file nor journal."""
    path = folder / _FILE_NAME
    # Without its journal the file is at rest, and SQLite would want to make one to read it.
    how = "mode=ro" if path.with_name(f"{_FILE_NAME}-wal").exists() else "mode=ro&immutable=1"
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?{how}", uri=True, timeout=_TIMEOUT_S)) as connection:
            yield connection
    except (sqlite3.Error, OSError) as error:
        raise StoreError(f"{path} cannot be read: {error}; check the folder's rights.") from error
