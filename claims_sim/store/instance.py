"""One DuckDB for each database file, kept warm in this process: a file is attached to it for as long as it is in use.

To start a DuckDB costs more than ten times what it costs to attach a file to one that runs. Between two uses nothing is
attached, so that other processes get to the file.
"""

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb

from claims_sim.store.query import run

STORAGE_VERSION: Final = "v1.0.0"
"""Old on purpose: users' older DuckDB clients open the file."""

_BLOCK_BYTES: Final = "65536"
"""A quarter of DuckDB's own: each tick leaves the last blocks of every column half full, and writes them again."""

_TAKEN_NAMES: Final = frozenset({"memory", "system", "temp"})


@dataclass(slots=True)
class _Warm:
    """The DuckDB of one file: its connections in use share one attachment."""

    keeper: duckdb.DuckDBPyConnection
    name: str
    read_only: bool = False
    in_use: int = 0
    is_spoilt: bool = False


_warm: dict[Path, _Warm] = {}
_inherited: list[_Warm] = []
# Also because DuckDB hands out a database to a second thread before its functions for Arrow tables are there.
_guard = threading.Lock()


def new_database(path: Path, temporary: Path) -> duckdb.DuckDBPyConnection:
    """A connection to a new file, by a DuckDB of its own that ends with it. Raises duckdb.Error."""
    with _guard:
        return duckdb.connect(path, config=_config(temporary))


def attach(path: Path, temporary: Path, *, read_only: bool) -> tuple[duckdb.DuckDBPyConnection, Callable[[], None]]:
    """A connection whose database is the file at `path`, and what closes it; the last one to close lets go of the file.

    `temporary` is the folder for rows that memory has no room for. Raises duckdb.Error; ResourceInUseException also where
    this process has the file open in the other mode.
    """
    with _guard:
        warm = _warm.get(path)
        if warm is None:
            _end_idle()
            warm = _warm[path] = _Warm(duckdb.connect(config=_config(temporary)), _name(path))
        if not warm.in_use:
            mode = ", READ_ONLY" if read_only else ""
            run(warm.keeper, f"ATTACH '{_quoted(path)}' AS \"{warm.name}\" (TYPE duckdb{mode})")
            warm.read_only = read_only
        elif warm.read_only is not read_only:
            raise duckdb.ResourceInUseException(f"{path} is open in this process with a different configuration")
        warm.in_use += 1
    connection = None
    try:
        connection = warm.keeper.cursor()
        run(connection, f'USE "{warm.name}"')
    except BaseException:
        _close(path, warm, connection)
        raise
    return connection, lambda: _close(path, warm, connection)


def spoil(path: Path) -> None:
    """Use the DuckDB of this file no more after those who use it now: what went wrong may have broken all of it."""
    with _guard:
        if (warm := _warm.get(path)) is not None:
            warm.is_spoilt = True
            if not warm.in_use:
                _end(path, warm)


def _close(path: Path, warm: _Warm, connection: duckdb.DuckDBPyConnection | None) -> None:
    if connection is not None:
        with suppress(duckdb.Error):  # after a fatal error closing fails too; the first error counts
            connection.close()
    with _guard:
        warm.in_use -= 1
        if warm.in_use:
            return
        if not warm.is_spoilt:
            try:
                run(warm.keeper, f'DETACH "{warm.name}"')
            except duckdb.Error:
                warm.is_spoilt = True
        if warm.is_spoilt:
            _end(path, warm)


def _end(path: Path, warm: _Warm) -> None:
    if _warm.get(path) is warm:
        del _warm[path]
    with suppress(duckdb.Error):
        warm.keeper.close()


def _end_idle() -> None:
    """A process works with one database, as a rule: those of others are not kept for later."""
    for path, warm in list(_warm.items()):
        if not warm.in_use:
            _end(path, warm)


def _config(temporary: Path) -> dict[str, str | bool | int | float | list[str]]:
    return {
        # Steps are short: starting and feeding more threads costs more CPU than it saves time.
        "threads": 1,
        "storage_compatibility_version": STORAGE_VERSION,
        "default_block_size": _BLOCK_BYTES,  # of a new file; an older one keeps its own
        # Spilled rows stay where the data may be, never in a system-wide folder.
        "temp_directory": str(temporary),
    }


def _name(path: Path) -> str:
    """What DuckDB itself would call the file's database."""
    name = path.name.split(".")[0].replace('"', "")
    return "simulation" if not name or name.lower() in _TAKEN_NAMES else name


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def _forget() -> None:
    """In a process that was forked: what the parent runs is the parent's; here it is neither used nor ended."""
    global _guard  # noqa: PLW0603 - a lock that another thread held is never released in the child
    _guard = threading.Lock()
    _inherited.extend(_warm.values())
    _warm.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
