"""One snapshot file: its name, what it says of itself, and how it gets to its place. Knows no database."""

import json
import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

_KEY: Final = b"claims_sim"
_TEMPORARY: Final = ".writing-"
_ANY: Final = (-(2**63), 2**63 - 1)


@dataclass(frozen=True, slots=True)
class SnapshotFile:
    """The rows of the table from number `first` to `last`, under the date `day`; what was purged of them is left out.

    `revision` counts replacements of rows in the table, `purges` removals: what the file had seen of them.
    """

    day: date
    first: int
    last: int
    last_claim_id: str
    revision: int
    purges: int = 0

    @property
    def span(self) -> int:
        """How many numbers the file covers."""
        return self.last - self.first + 1

    @property
    def name(self) -> str:
        """The name of the file; sorts by the number of the first row."""
        return f"{self.first:015d}.parquet"

    @classmethod
    def of(cls, path: Path) -> "SnapshotFile":
        """What the file at `path` says of itself. Raises OSError or pa.ArrowInvalid when it is no snapshot of ours."""
        document = (pq.read_schema(path).metadata or {}).get(_KEY)
        if document is None:
            raise pa.ArrowInvalid(f"{path} says nothing of its rows")
        said = json.loads(document)
        day = date.fromisoformat(path.parent.name.removeprefix("date="))
        return cls(day, said["first"], said["last"], said["last_claim_id"], said["revision"], said.get("purges", 0))


def snapshot_files(root: Path) -> list[Path]:
    """All files under `root`, by running number of their first row."""
    return sorted(root.glob("date=*/*.parquet"), key=lambda path: path.name)


def numbers_in(path: Path, column: str) -> tuple[int, int]:
    """The lowest and the highest value of a whole-number column, as the file's own statistics have them.

    Where it has none for a part of its rows, any value may be there. Raises OSError or pa.ArrowInvalid when the file
    cannot be read.
    """
    found = pq.read_metadata(path)
    place = found.schema.names.index(column)
    parts = [found.row_group(i).column(place).statistics for i in range(found.num_row_groups)]
    if not all(part is not None and part.has_min_max for part in parts):
        return _ANY
    return min((part.min for part in parts), default=0), max((part.max for part in parts), default=0)


def newest_file(root: Path) -> SnapshotFile | None:
    """The file with the highest numbers; None when there is none. One that cannot be read counts as having no rows."""
    for folder in sorted(root.glob("date=*"), reverse=True):  # days never go back
        names = sorted(path.name for path in folder.glob("*.parquet"))
        if names:
            try:
                return SnapshotFile.of(folder / names[-1])
            except (pa.ArrowInvalid, ValueError, KeyError):
                return SnapshotFile(date.min, 0, 0, "", 0)  # no row has this number: the table is written anew
    return None


def write_file(root: Path, file: SnapshotFile, rows: pa.Table) -> None:
    """Write `rows` as `file`, durable before it takes its place."""
    said = {name: getattr(file, name) for name in ("first", "last", "last_claim_id", "revision", "purges")}
    folder = root / f"date={file.day.isoformat()}"
    folder.mkdir(parents=True, exist_ok=True)
    temporary = root / f"{_TEMPORARY}{secrets.token_hex(4)}"
    with temporary.open("wb") as sink:
        pq.write_table(rows.replace_schema_metadata({_KEY: json.dumps(said).encode()}), sink, compression="zstd")
        sink.flush()
        os.fsync(sink.fileno())
    temporary.replace(folder / file.name)
    _sync_folder(folder)


def remove_file(root: Path, file: SnapshotFile) -> None:
    """Remove a file of which no row is left, and its day's folder when that was the last."""
    folder = root / f"date={file.day.isoformat()}"
    (folder / file.name).unlink(missing_ok=True)
    _sync_folder(folder)
    with suppress(OSError):  # holds other files
        folder.rmdir()


def sweep_temporary(root: Path) -> None:
    """Remove what a crash left half-written."""
    for path in root.glob(f"{_TEMPORARY}*"):
        with suppress(FileNotFoundError):
            path.unlink()


def _sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
