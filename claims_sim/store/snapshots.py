"""Parquet snapshots of growing tables for readers who must not open the database. Written by the producer alone.

Rows lie in files by their running number, `<table>/date=YYYY-MM-DD/<first number>.parquet`. Only the newest file of a
table is ever written again, until it is full or a new day begins, and those whose rows were replaced or purged; every
write is a file beside it that is renamed over it. So each row is in exactly one file at every moment, and a crash needs
no repair but the next run.
"""

import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from claims_sim.errors import StoreError
from claims_sim.store.database import SimulationDatabase
from claims_sim.store.query import counter, fetch_arrow, run
from claims_sim.store.snapshot_files import (
    SnapshotFile,
    newest_file,
    remove_file,
    snapshot_files,
    sweep_temporary,
    write_file,
)
from claims_sim.store.tables import PROVENANCE_SCHEMA, SCORE_SCHEMA, STREAM_SCHEMA, conform

FILE_ROWS: Final = 10_000
_FETCH_ROWS: Final = 100_000
_READ_ATTEMPTS: Final = 5


@dataclass(frozen=True, slots=True)
class _Table:
    """A table that is snapshot: its running number and that number's counter, and the column that dates its files.

    `rows` is the query behind it when that is no table of the same name; its two parameters bound the batch ids.
    """

    name: str
    number: str
    dated: str
    schema: pa.Schema
    revision: str | None = None
    rows: str = ""

    @property
    def numbered(self) -> str:
        """The table that holds the running number."""
        return "claims_live_stream" if self.rows else self.name


# How each stored claim was made; a foreign producer's has no entry in the log and stays empty. The batch ids are bounded
# by values, so that the log's own statistics skip all but the newest part of it.
_PROVENANCE: Final = """
(SELECT made.* EXCLUDE (claim_id, batch_id, claim_index, created_at), stored.claim_id, stored.batch_id,
        stored.ingested_at, stored.stream_seq
 FROM claims_live_stream AS stored
 LEFT JOIN (SELECT * FROM generation_log WHERE batch_id BETWEEN ? AND ?) AS made
   ON made.batch_id = stored.batch_id AND made.claim_id = stored.claim_id)
"""
TABLES: Final = (
    _Table("claims_live_stream", "stream_seq", "ingested_at", STREAM_SCHEMA),
    _Table("ml_scores", "score_seq", "scored_at", SCORE_SCHEMA, "score_revision"),
    _Table("provenance", "stream_seq", "ingested_at", PROVENANCE_SCHEMA, rows=_PROVENANCE),
)
_BY_NAME: Final = {table.name: table for table in TABLES}


@dataclass(frozen=True, slots=True)
class SnapshotResult:
    """What was written: rows that are new in the snapshots, files written, and tables that were written anew."""

    rows: dict[str, int]
    files: int
    rebuilt: tuple[str, ...]


def write_snapshots(db: SimulationDatabase, folder: Path) -> SnapshotResult:
    """Bring the snapshots in `folder` up to date; a table whose snapshot is of another past is written anew.

    Raises StoreError when the folder cannot be written; what was written until then is whole.
    """
    rows, files, rebuilt = {}, 0, []
    with _as_store_errors(folder), db.connect(read_only=True) as connection:
        for table in TABLES:
            root = folder / table.name
            sweep_temporary(root)
            newest = newest_file(root)
            if newest is not None and not _continues(connection, table, newest):
                rows[table.name], written = _write_anew(connection, table, root)
                rebuilt.append(table.name)
            else:
                written = _refresh_changed(connection, table, root, newest)
                rows[table.name], more = _append(connection, table, root, newest_file(root) if written else newest)
                written += more
            files += written
    return SnapshotResult(rows, files, tuple(rebuilt))


def rebuild_snapshots(db: SimulationDatabase, folder: Path) -> SnapshotResult:
    """Write all snapshots anew from the database and put them in place of those that are there."""
    rows, files = {}, 0
    with _as_store_errors(folder), db.connect(read_only=True) as connection:
        for table in TABLES:
            rows[table.name], written = _write_anew(connection, table, folder / table.name)
            files += written
    return SnapshotResult(rows, files, tuple(rows))


def read_snapshot(folder: Path, table: str) -> pa.Table:
    """All rows of a table's snapshot, by running number; none when there is no snapshot yet. Opens no database."""
    import pyarrow.dataset as ds  # noqa: PLC0415 - it loads pandas, and a tick only writes

    kind = _BY_NAME[table]
    for attempt in range(_READ_ATTEMPTS):
        paths = [str(path) for path in snapshot_files(folder / table)]
        if not paths:
            return kind.schema.empty_table()
        try:
            found = ds.dataset(paths, schema=kind.schema, format="parquet").to_table()
        except (FileNotFoundError, pa.ArrowInvalid) as error:  # written anew at this moment: look again
            if attempt == _READ_ATTEMPTS - 1:
                raise StoreError(f"The snapshot in {folder / table} cannot be read: {error}.") from error
        else:
            return found.sort_by(kind.number)
    raise AssertionError("unreachable")


def files_touched(folder: Path, numbers: pa.Table) -> int:
    """How many snapshot files hold a row with one of `numbers` (columns by the tables' running numbers)."""
    touched = 0
    for table in TABLES:
        sought = np.unique(numbers[table.number].drop_null().to_numpy())
        for path in snapshot_files(folder / table.name):
            file = SnapshotFile.of(path)
            first, after = np.searchsorted(sought, [file.first, file.last + 1])
            touched += bool(after > first)
    return touched


def days_before(folder: Path, day: date) -> list[Path]:
    """The dated folders of all tables that hold days before `day`; the newest folder of a table is never among them."""
    old: list[Path] = []
    for root in sorted(path for path in folder.glob("*") if path.is_dir()):
        dated = sorted(path for path in root.glob("date=*") if path.is_dir())
        old += [path for path in dated[:-1] if path.name.removeprefix("date=") < day.isoformat()]
    return old


def _continues(connection: duckdb.DuckDBPyConnection, table: _Table, newest: SnapshotFile) -> bool:
    """Whether the database holds the newest file's last row under the same number: else it was restored or replaced.

    A row that is gone was purged, where claims were purged since the file was written.
    """
    row = run(connection, f"SELECT claim_id FROM {table.numbered} WHERE {table.number} = ?", [newest.last])
    if row:
        return bool(row == [(newest.last_claim_id,)])
    was_given = newest.last <= counter(connection, table.number)
    return was_given and counter(connection, "purges") > newest.purges and newest.last > 0


def _append(
    connection: duckdb.DuckDBPyConnection, table: _Table, root: Path, newest: SnapshotFile | None
) -> tuple[int, int]:
    """Write the rows after the newest file's, into it while it has room; how many rows are new, and files written."""
    top, marks = counter(connection, table.number), _marks(connection, table)
    new_rows = files = 0
    known = newest.last if newest else 0
    while (unwritten := _next_number(connection, table, known)) is not None:
        is_open = newest is not None and newest.span < FILE_ROWS
        first = newest.first if newest and is_open else unwritten
        rows = _fetch(connection, table, first, min(top, max(first, unwritten) + _FETCH_ROWS - 1))
        held = newest if is_open else None
        for day, start, stop in _split(rows, table, held, newest.day if newest else date.min):
            part = rows.slice(start, stop - start)
            if part[table.number][-1].as_py() <= known:
                continue  # the newest file as it is: the day has ended
            newest = _describe(part, table, day, marks, first=held.first if held and not start else None)
            write_file(root, newest, part)
            new_rows += pc.sum(pc.greater(part[table.number], known)).as_py()
            known = newest.last
            files += 1
    return new_rows, files


def _next_number(connection: duckdb.DuckDBPyConnection, table: _Table, known: int) -> int | None:
    """The lowest number after `known` that has a row."""
    query = f"SELECT min({table.number}) FROM {table.numbered} WHERE {table.number} > ?"
    found: int | None = run(connection, query, [known])[0][0]
    return found


def _describe(
    rows: pa.Table, table: _Table, day: date, marks: tuple[int, int], *, first: int | None = None
) -> SnapshotFile:
    """The file that `rows` make; it keeps the name that the number `first` gave it, where it has one."""
    numbers, last_id = rows[table.number], rows["claim_id"][-1].as_py()
    return SnapshotFile(day, numbers[0].as_py() if first is None else first, numbers[-1].as_py(), last_id, *marks)


def _split(
    rows: pa.Table, table: _Table, open_file: SnapshotFile | None, not_before: date
) -> list[tuple[date, int, int]]:
    """The day and the range of rows of each file to write.

    Rows that lie in a file already stay in its day; days never go back, even where a clock did.
    """
    days = rows[table.dated].cast(pa.date32()).fill_null(not_before).to_numpy()
    if open_file is not None:
        held = int(np.searchsorted(rows[table.number].to_numpy(), open_file.last, side="right"))
        days[:held] = np.datetime64(open_file.day)
    days = np.maximum.accumulate(np.maximum(days, np.datetime64(not_before)))
    borders = np.concatenate(([0], np.flatnonzero(days[1:] != days[:-1]) + 1, [len(days)]))
    files = []
    for run_start, run_stop in zip(borders[:-1].tolist(), borders[1:].tolist(), strict=True):
        day = days[run_start].astype(object)
        files += [(day, start, min(start + FILE_ROWS, run_stop)) for start in range(run_start, run_stop, FILE_ROWS)]
    return files


def _refresh_changed(
    connection: duckdb.DuckDBPyConnection, table: _Table, root: Path, newest: SnapshotFile | None
) -> int:
    """Write every file again of which rows were replaced or purged; no other row moves. How many were written.

    The newest comes last: until it is done, the next run knows that work is left.
    """
    marks = _marks(connection, table)
    if newest is None or (newest.revision, newest.purges) == marks:
        return 0
    written = 0
    paths = snapshot_files(root)
    for path in paths:
        file = SnapshotFile.of(path)
        is_whole = file.revision == marks[0] and (
            file.purges == marks[1] or pq.read_metadata(path).num_rows == _rows_between(connection, table, file)
        )
        if not is_whole or path == paths[-1]:
            _write_again(connection, table, root, file, marks)
            written += 1
    # Where nothing was left of the newest, another is it now, and has to say that all is done.
    left = newest_file(root)
    if left is not None and (left.revision, left.purges) != marks:
        _write_again(connection, table, root, left, marks)
        written += 1
    return written


def _rows_between(connection: duckdb.DuckDBPyConnection, table: _Table, file: SnapshotFile) -> int:
    query = f"SELECT count(*) FROM {table.numbered} WHERE {table.number} BETWEEN ? AND ?"
    return int(run(connection, query, [file.first, file.last])[0][0])


def _write_again(
    connection: duckdb.DuckDBPyConnection, table: _Table, root: Path, file: SnapshotFile, marks: tuple[int, int]
) -> None:
    rows = _fetch(connection, table, file.first, file.last)
    if len(rows):
        write_file(root, _describe(rows, table, file.day, marks, first=file.first), rows)
    else:
        remove_file(root, file)


def _write_anew(connection: duckdb.DuckDBPyConnection, table: _Table, root: Path) -> tuple[int, int]:
    """Write the whole table beside `root` and put it in its place."""
    fresh, stale = root.with_name(f".{root.name}.new"), root.with_name(f".{root.name}.old")
    for left_over in (fresh, stale):
        shutil.rmtree(left_over, ignore_errors=True)
    fresh.mkdir(parents=True)
    rows, files = _append(connection, table, fresh, None)
    with suppress(FileNotFoundError):
        root.rename(stale)
    fresh.rename(root)
    shutil.rmtree(stale, ignore_errors=True)
    return rows, files


def _fetch(connection: duckdb.DuckDBPyConnection, table: _Table, first: int, last: int) -> pa.Table:
    bounds = []
    if table.rows:
        batches = f"SELECT min(batch_id), max(batch_id) FROM {table.numbered} WHERE {table.number} BETWEEN ? AND ?"
        bounds = list(run(connection, batches, [first, last])[0])
    found = fetch_arrow(
        connection,
        f"SELECT * FROM {table.rows or table.name} WHERE {table.number} BETWEEN ? AND ? ORDER BY {table.number}",
        [*bounds, first, last],
    )
    return conform(found, table.schema)


def _marks(connection: duckdb.DuckDBPyConnection, table: _Table) -> tuple[int, int]:
    """How often rows of the table were replaced, and how often claims were purged."""
    return counter(connection, table.revision) if table.revision else 0, counter(connection, "purges")


class _as_store_errors:  # noqa: N801 - reads as a verb in a with statement
    """Wrap errors of the file system."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OSError):
            reason = os.strerror(error.errno) if error.errno else error
            raise StoreError(f"Snapshots in {self._folder} cannot be written: {reason}.") from error
