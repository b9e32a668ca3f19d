"""Open the simulation database: short connections, patience with other processes, errors that say what to do.

Knows how to open, migrate and close; what is stored is the business of the other modules here.
"""

import random
import re
import secrets
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Final

import duckdb
from filelock import FileLock, Timeout

from claims_sim.errors import StoreError, StoreLockedError
from claims_sim.store.gate import enter
from claims_sim.store.instance import attach, new_database, spoil
from claims_sim.store.query import run
from claims_sim.store.schema import apply_migrations, is_current

_FIRST_PAUSE_S: Final = 0.005
_LONGEST_PAUSE_S: Final = 0.25
# Anything else that DuckDB raises is a fault of ours and must be seen as such.
_OUTAGES: Final = (
    duckdb.IOException,
    duckdb.OutOfMemoryException,
    duckdb.FatalException,
    duckdb.TransactionException,
)
_LOCKED = re.compile(r"Could not set lock|Conflicting lock|different configuration|Unique file handle conflict")
_IN_THIS_PROCESS = re.compile(r"different configuration|Unique file handle conflict")
_HOLDER = re.compile(r"\(PID (\d+)\)")
_CAUSES: Final = (
    (
        re.compile(r"No space left|disk quota|not enough disk|max_temp_directory_size", re.IGNORECASE),
        "the disk is full; free some space",
    ),
    (
        re.compile(r"not a valid DuckDB database", re.IGNORECASE),
        "it is no DuckDB database; move the file away or give another path",
    ),
    (
        re.compile(r"version number", re.IGNORECASE),
        "another version of DuckDB wrote it; update duckdb or give another database",
    ),
    (re.compile(r"Corrupt|checksum|does not match", re.IGNORECASE), "it is damaged; restore it or give another path"),
    (
        re.compile(r"Permission denied|Read-only file system|Operation not permitted"),
        "its folder cannot be written; check its rights",
    ),
    (re.compile(r"Is a directory"), "it is a folder; give the path of a file"),
    (re.compile(r"Out of Memory|could not allocate", re.IGNORECASE), "memory ran out; free some"),
)

# Files that `kept_open` holds in this process. A file that is open for writing cannot be opened read-only beside it.
_kept: Counter[Path] = Counter()
_kept_guard = threading.Lock()


class SimulationDatabase:
    """The simulation database at `path`, made (with its folder) when it does not exist.

    No connection outlives its `with` block: DuckDB lets one process write, and while it does no other can even read.
    """

    def __init__(self, path: Path, lock_timeout_s: float = 30) -> None:
        self.path = path.absolute()
        self.lock_timeout_s = lock_timeout_s

    @contextmanager
    def connect(self, read_only: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection in UTC to the migrated database, closed at the end of the block whatever happens.

        Raises StoreLockedError when another process keeps the file beyond the deadline, StoreError when the file
        cannot be used.
        """
        with ExitStack() as held:
            connection = self._open_current(read_only, held)
            try:
                yield connection
            except _OUTAGES as error:
                spoil(self.path)
                raise StoreError(_explain(self.path, error)) from error

    @contextmanager
    def kept_open(self) -> Iterator[None]:
        """Keep the file open while the block runs: connections inside it cost nearly nothing, other processes wait.

        For a few quick steps in a row, never around work that waits for something else.
        """
        with self.connect():
            with _kept_guard:
                _kept[self.path] += 1
            try:
                yield
            finally:
                with _kept_guard:
                    _kept[self.path] -= 1

    @contextmanager
    def transaction(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection inside one transaction: committed when the block ends, rolled back when it raises."""
        with self.connect() as connection:
            run(connection, "BEGIN")
            try:
                yield connection
                run(connection, "COMMIT")
            except BaseException:
                with suppress(duckdb.Error):  # a failed COMMIT has rolled back already
                    run(connection, "ROLLBACK")
                raise

    def _open_current(self, read_only: bool, held: ExitStack) -> duckdb.DuckDBPyConnection:
        """A connection to the migrated database; `held` closes it, and keeps the file in its place until then."""
        deadline = time.monotonic() + self.lock_timeout_s
        read_only = read_only and not _kept[self.path]
        if not self._exists():
            self._create(deadline)
        connection = self._open(read_only, deadline, held)
        # Asked once for all connections inside `kept_open`, whose own was asked.
        if not _kept[self.path] and not is_current(connection, self.path):
            held.close()
            connection = self._open(False, deadline, held)
            apply_migrations(connection, self.path)
            if read_only:
                held.close()
                connection = self._open(True, deadline, held)
        return connection

    def _exists(self) -> bool:
        try:
            return self.path.stat().st_size > 0
        except FileNotFoundError:
            return False
        except OSError as error:
            raise StoreError(f"{self.path} cannot be reached: {error.strerror}.") from error

    def _create(self, deadline: float) -> None:
        """Make the database beside its place and move it there whole: a crash leaves none, never half of one."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(self.path.with_name(f".{self.path.name}.lock"), timeout=max(0, deadline - time.monotonic())):
                if self._exists():
                    return
                for left_over in self.path.parent.glob(f".{self.path.name}.*.new*"):
                    left_over.unlink(missing_ok=True)
                new = self.path.with_name(f".{self.path.name}.{secrets.token_hex(4)}.new")
                try:
                    connection = new_database(new, self._temporary)
                except duckdb.Error as error:
                    raise StoreError(_explain(self.path, error)) from error
                with closing(connection):
                    run(connection, "SET TimeZone = 'UTC'")
                    apply_migrations(connection, self.path)
                # A log without its database belongs to one that was removed; it must not be replayed into the new one.
                self.path.with_name(f"{self.path.name}.wal").unlink(missing_ok=True)
                new.replace(self.path)
        except Timeout:
            raise StoreLockedError(f"{self.path} is being made by another process: try again.") from None
        except OSError as error:
            raise StoreError(
                f"{self.path} cannot be made: {error.strerror or error}; check the folder's rights."
            ) from error

    def _open(self, read_only: bool, deadline: float, held: ExitStack) -> duckdb.DuckDBPyConnection:
        pause = _FIRST_PAUSE_S
        while True:
            leave = enter(self.path, deadline, alone=not read_only)
            if leave is None:
                raise StoreLockedError(self._why_shut())
            try:
                connection, close = attach(self.path, self._temporary, read_only=read_only)
            except duckdb.Error as error:
                leave()
                if not _LOCKED.search(str(error)):  # a client of DuckDB that does not know the gate
                    spoil(self.path)
                    raise StoreError(_explain(self.path, error)) from error
                if time.monotonic() >= deadline:
                    raise StoreLockedError(self._locked_message(error)) from error
            else:
                held.callback(leave)
                held.callback(close)
                run(connection, "SET TimeZone = 'UTC'")
                return connection
            time.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 - spreads waiters, guards nothing
            pause = min(2 * pause, _LONGEST_PAUSE_S)

    @property
    def _temporary(self) -> Path:
        return self.path.with_name(f"{self.path.name}.tmp")

    def _why_shut(self) -> str:
        """Why nobody gets to the file, with the holder's number, which DuckDB knows. To look changes nothing."""
        try:
            attach(self.path, self._temporary, read_only=True)[1]()
        except duckdb.Error as error:
            if _LOCKED.search(str(error)):
                return self._locked_message(error)
        return f"{self.path} was held by another process for more than {self.lock_timeout_s:g} s: try again."

    def _locked_message(self, error: duckdb.Error) -> str:
        holder = _HOLDER.search(str(error))
        who = (
            f"process {holder[1]}"
            if holder
            else "this process, in another mode,"
            if _IN_THIS_PROCESS.search(str(error))
            else "another process"
        )
        return f"{self.path} was held by {who} for more than {self.lock_timeout_s:g} s: stop it, or wait for it and try again."


def _explain(path: Path, error: duckdb.Error) -> str:
    """One line for a person. DuckDB's own text is quoted only where it cannot hold a stored value."""
    text = str(error)
    for pattern, cause in _CAUSES:
        if pattern.search(text):
            return f"{path} cannot be used: {cause}."
    if isinstance(error, duckdb.IOException):
        return f"{path} cannot be used: {text.splitlines()[0][:300]}"
    return f"{path} cannot be used: {type(error).__name__}; try again."
