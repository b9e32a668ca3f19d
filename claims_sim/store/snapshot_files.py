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


@dataclass(frozen=True, slots=True)
class SnapshotFile:
    """Rows `first` to `last` without gaps, under the date `day`; `revision` counts replacements of rows in the table."""

    day: date
    first: int
    last: int
    last_claim_id: str
    revision: int

    @property
    def rows(self) -> int:
        """How many rows the file holds."""
        return self.last - self.first + 1

    @classmethod
    def of(cls, path: Path) -> "SnapshotFile":
        """What the file at `path` says of itself. Raises OSError or pa.ArrowInvalid when it is no snapshot of ours."""
        document = (pq.read_schema(path).metadata or {}).get(_KEY)
        if document is None:
            raise pa.ArrowInvalid(f"{path} says nothing of its rows")
        said = json.loads(document)
        day = date.fromisoformat(path.parent.name.removeprefix("date="))
        return cls(day, said["first"], said["last"], said["last_claim_id"], said["revision"])


def snapshot_files(root: Path) -> list[Path]:
    """All files under `root`, by running number of their first row."""
    return sorted(root.glob("date=*/*.parquet"), key=lambda path: path.name)


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


def write_file(root: Path, day: date, rows: pa.Table, number: str, revision: int) -> SnapshotFile:
    """Write `rows` (by `number`, without gaps) as one file, durable before it takes its place."""
    first, last = rows[number][0].as_py(), rows[number][-1].as_py()
    if last - first + 1 != len(rows):
        raise ValueError(f"rows {first} to {last} of {root.name} are {len(rows)}: there is a gap")
    file = SnapshotFile(day, first, last, rows["claim_id"][-1].as_py(), revision)
    said = {"first": first, "last": last, "last_claim_id": file.last_claim_id, "revision": revision}
    folder = root / f"date={day.isoformat()}"
    folder.mkdir(parents=True, exist_ok=True)
    temporary = root / f"{_TEMPORARY}{secrets.token_hex(4)}"
    with temporary.open("wb") as sink:
        pq.write_table(rows.replace_schema_metadata({_KEY: json.dumps(said).encode()}), sink, compression="zstd")
        sink.flush()
        os.fsync(sink.fileno())
    temporary.replace(folder / f"{first:015d}.parquet")
    _sync_folder(folder)
    return file


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
