"""Give the disk back what was removed: DuckDB uses freed space again, but its file never shrinks by itself.

The database is copied into a new file that takes its place. Another process that writes meanwhile makes the copy
worthless; it is then made again.
"""

import fcntl
import os
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

import duckdb

from claims_sim.errors import StoreError
from claims_sim.store.database import SimulationDatabase
from claims_sim.store.gate import enter_unused
from claims_sim.store.instance import STORAGE_VERSION
from claims_sim.store.query import run

WORTHWHILE_SHARE: Final = 0.25
_ATTEMPTS: Final = 3
_SPARE: Final = 1.1


@dataclass(frozen=True, slots=True)
class Compaction:
    """Bytes of the database file before and after; the same where it was not worth the work."""

    before: int
    after: int


def compact(db: SimulationDatabase, *, share: float = WORTHWHILE_SHARE) -> Compaction:
    """Rewrite the file when at least `share` of it is free. Raises StoreError when there is no room for the copy.

    For POSIX systems: it relies on their locks of files (`gate`).
    """
    before = after = db.path.stat().st_size
    for _ in range(_ATTEMPTS):
        copied = _copy(db, share)
        if copied is None:
            break
        fresh, stamp = copied
        try:
            if _put_in_place(db.path, fresh, stamp):
                after = db.path.stat().st_size
                break
        finally:
            fresh.unlink(missing_ok=True)
    return Compaction(before, after)


def _copy(db: SimulationDatabase, share: float) -> tuple[Path, tuple[int, int]] | None:
    """A compact copy beside the database, and what the database's file was like then; None when it is not worthwhile."""
    fresh = db.path.with_name(f".{db.path.name}.{secrets.token_hex(4)}.new")
    try:
        with db.connect() as connection:
            run(connection, "CHECKPOINT")
            name, block, total, free = run(
                connection,
                "SELECT database_name, block_size, total_blocks, free_blocks FROM pragma_database_size() "
                "WHERE database_name = current_database()",
            )[0]
            if free < share * total:
                return None
            _require_room(db.path, int(block * (total - free) * _SPARE))
            run(connection, f"ATTACH '{_quoted(fresh)}' AS fresh (STORAGE_VERSION '{STORAGE_VERSION}')")
            run(connection, f'COPY FROM DATABASE "{name}" TO fresh')
            run(connection, "DETACH fresh")
            with fresh.open("rb") as file:
                os.fsync(file.fileno())
            return fresh, _stamp(db.path)
    except (duckdb.Error, OSError, StoreError) as error:
        for left_over in fresh.parent.glob(f"{fresh.name}*"):
            left_over.unlink(missing_ok=True)
        if isinstance(error, StoreError):
            raise
        raise StoreError(
            f"{db.path} could not be compacted: {type(error).__name__}; it stays as it is, nothing is lost."
        ) from error


def _put_in_place(path: Path, fresh: Path, stamp: tuple[int, int]) -> bool:
    """Replace the database by its copy, unless somebody has it open or has changed it since."""
    leave = enter_unused(path)
    if leave is None:
        return False
    try:
        with path.open("r+b") as file:
            if not _is_ours_alone(file) or _stamp(path) != stamp or path.with_name(f"{path.name}.wal").exists():
                return False
            fresh.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    finally:
        leave()
    return True


def _is_ours_alone(file: BinaryIO) -> bool:
    """Whether no client of DuckDB has the file open that does not know the gate; none gets it until it is closed."""
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _stamp(path: Path) -> tuple[int, int]:
    stat = path.stat()
    return stat.st_mtime_ns, stat.st_size


def _require_room(path: Path, needed: int) -> None:
    free = shutil.disk_usage(path.parent).free
    if free < needed:
        raise StoreError(
            f"{path} could not be compacted: that needs {needed / 1e6:,.0f} MB beside it, {free / 1e6:,.0f} MB are free."
        )


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
