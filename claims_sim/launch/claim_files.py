"""Files of claims and of truths, written row group by row group. Knows the formats; decides nothing about claims."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from claims_sim.errors import SettingsError

SUFFIXES = (".jsonl", ".parquet")


def check_suffix(option: str, path: Path, allowed: Sequence[str] = SUFFIXES) -> None:
    """Raise SettingsError when the file's name does not tell what it is to be."""
    if path.suffix not in allowed:
        kinds = {".jsonl": ".jsonl (payloads)", ".parquet": ".parquet (flat rows)"}
        raise SettingsError(f"{option} {path}: the file must end in {' or '.join(kinds[s] for s in allowed)}.")


class ClaimFile:
    """A file of claims: payload lines or flat rows, by its suffix. Close it."""

    def __init__(self, path: Path, *, parquet: bool) -> None:
        self._path, self._parquet = path, parquet
        self._writer: pq.ParquetWriter | None = None
        self._file = None if parquet else path.open("w", encoding="utf-8", newline="\n")

    @property
    def is_of_payloads(self) -> bool:
        """Does the file hold payload lines?"""
        return not self._parquet

    def write(self, payloads: Sequence[str], rows: pa.Table, metadata: Mapping[str, str]) -> None:
        """Add claims, given in both forms; `metadata` is what a Parquet file says of itself."""
        if self._file is not None:
            self._file.writelines(f"{payload}\n" for payload in payloads)
            return
        rows = rows.replace_schema_metadata(dict(metadata))
        self._writer = self._writer or pq.ParquetWriter(self._path, rows.schema)
        self._writer.write_table(rows)

    def close(self) -> None:
        """Finish the file."""
        if self._file is not None:
            self._file.close()
        if self._writer is not None:
            self._writer.close()
