"""Queries over the Parquet snapshots, without a database: which files hold which rows, and SQL over them."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import duckdb

from claims_sim.errors import StoreError
from claims_sim.store.snapshot_files import numbers_in, snapshot_files

_LISTED_S: Final = 0.25
_ATTEMPTS: Final = 5
_PAUSE_S: Final = 0.05
Row = dict[str, Any]


class Snapshots:
    """Read access to the snapshots in `folder`; safe to use from several threads."""

    def __init__(self, folder: Path, *, threads: int = 2) -> None:
        self.folder = folder
        self._connection = duckdb.connect(config={"threads": threads})
        self._connection.execute("SET TimeZone='UTC'")
        self._connection.execute("SET parquet_metadata_cache=true")
        self._connection.execute("SET memory_limit='1GB'")
        self._lock = threading.Lock()
        self._listed: dict[str, tuple[float, list[Path]]] = {}
        self._numbers: dict[Path, tuple[int, tuple[int, int]]] = {}  # by file: when it was written, claims' numbers

    def files(self, table: str) -> list[Path]:
        """The files of a table, oldest rows first."""
        now = time.monotonic()
        with self._lock:
            at, found = self._listed.get(table, (0.0, []))
            if now - at > _LISTED_S:
                found = snapshot_files(self.folder / table)
                self._listed[table] = (time.monotonic(), found)
        return found

    def files_with(self, table: str, lowest: int, highest: int) -> list[Path]:
        """The files of a table that may hold rows of claims with these numbers (`stream_seq`), oldest rows first.

        A file says itself between which numbers its rows lie; each is asked once, and again when it was replaced.
        """
        files = self.files(table)
        # The newest one may have grown since it was asked.
        return [path for path in files[:-1] if self._may_hold(path, lowest, highest)] + files[-1:]

    def _may_hold(self, path: Path, lowest: int, highest: int) -> bool:
        try:
            written = path.stat().st_mtime_ns
            known = self._numbers.get(path)
            if known is None or known[0] != written:
                known = self._numbers[path] = (written, numbers_in(path, "stream_seq"))
        except (OSError, ValueError):
            return True  # replaced or removed at this moment: whoever reads it looks again
        first, last = known[1]
        return first <= highest and last >= lowest

    def version(self, table: str) -> tuple[int, int, int]:
        """Changes whenever the table's snapshot does: how many files, and the newest one's number and time."""
        files = self.files(table)
        if not files:
            return (0, 0, 0)
        try:
            return (len(files), int(files[-1].stem), files[-1].stat().st_mtime_ns)
        except OSError:
            return (len(files), int(files[-1].stem), 0)

    def query(self, sql: str, parameters: Sequence[object] = (), **files: Sequence[Path]) -> list[Row]:
        """Rows of `sql`, in which `{name}` stands for the relation over the files given under that name.

        DuckDB opens a file more than once: one that is replaced in between is read as if it were torn, with errors of
        any kind. The question is then asked again. Raises StoreError when a file cannot be read after that either.
        """
        relations = {name: _relation(paths) for name, paths in files.items()}
        read = [path for paths in files.values() for path in paths]
        found: list[Row] | None = None
        for left in reversed(range(_ATTEMPTS)):
            before = _written(read)
            try:
                found = self._run(sql.format(**relations), list(parameters))
            except duckdb.Error as error:
                if not _is_of_files(error) and _written(read) == before:
                    raise
                if not left and found is None:
                    raise StoreError(
                        f"The snapshots in {self.folder} cannot be read: {type(error).__name__}."
                    ) from None
            else:
                if _written(read) == before:
                    return found
            time.sleep(_PAUSE_S)
            self._listed.clear()
        return found or []  # replaced faster than it is read: what was read whole in between

    def _run(self, sql: str, parameters: list[object]) -> list[Row]:
        with self._lock:
            opened = self._connection.cursor()
        with opened as cursor:
            found = cursor.execute(sql, parameters)
            names = [column[0] for column in found.description or ()]
            return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def close(self) -> None:
        """Let go of the connection; a query that is still at work in another thread ends with it."""
        with suppress(duckdb.Error):
            self._connection.close()


def newest_first(files: Sequence[Path], before: int | None) -> Iterator[list[Path]]:
    """Files with rows below `before`, newest first, in groups that double: most pages need the first one only."""
    wanted = [path for path in files if before is None or int(path.stem) < before]
    size = 1
    while wanted:
        yield wanted[-size:]
        wanted = wanted[:-size]
        size *= 2


def _relation(paths: Sequence[Path]) -> str:
    quoted = ", ".join("'" + str(path).replace("'", "''").replace("{", "{{").replace("}", "}}") + "'" for path in paths)
    return f"read_parquet([{quoted}])"


def _is_of_files(error: duckdb.Error) -> bool:
    """Whether a file may be the cause, not the question. What DuckDB's reader of Parquet meets has no class of its own."""
    return type(error) is duckdb.Error or isinstance(error, duckdb.IOException | duckdb.InvalidInputException)


def _written(paths: Sequence[Path]) -> list[tuple[int, int]]:
    """Which files these are now: each one's number on the disk and time, zeros for one that is gone."""
    stamps = []
    for path in paths:
        try:
            stat = path.stat()
            stamps.append((stat.st_ino, stat.st_mtime_ns))
        except OSError:
            stamps.append((0, 0))
    return stamps
