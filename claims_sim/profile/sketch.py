"""How many persons' claims differ between two snapshots of a source, told from a small keyed sketch of each.

Every person falls into one of 16,384 buckets, and each bucket keeps 16 bits of a sum over its claims. A bucket that
differs means that at least one of its persons' claims do, so differing buckets never count too many persons. No row,
person or count can be read from a sketch.
"""

import base64
import json
from dataclasses import dataclass
from typing import Final

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from claims_sim.profile.source import SourceTable

_BUCKETS: Final = 1 << 14
Sums = npt.NDArray[np.uint16]


@dataclass(frozen=True, slots=True)
class Change:
    """At least so many persons (claims, where persons are not known) and facilities (None: not known) differ."""

    owners: int
    facilities: int | None


@dataclass(frozen=True, slots=True)
class Sketch:
    """A snapshot's sums by bucket of persons and of facilities."""

    has_persons: bool
    owners: Sums
    facilities: Sums | None

    def change_to(self, other: "Sketch") -> Change | None:
        """What differs in `other`; None where the two cannot be compared."""
        if self.has_persons != other.has_persons or (self.facilities is None) != (other.facilities is None):
            return None
        owners = int((self.owners != other.owners).sum())
        facilities = None
        if self.facilities is not None and other.facilities is not None:
            facilities = int((self.facilities != other.facilities).sum())
        # Without persons a claim's bucket follows from its content: one that changes leaves a bucket and enters another.
        return Change(owners if self.has_persons else -(-owners // 2), facilities)

    def to_json(self) -> str:
        """As text."""
        return json.dumps(
            {
                "has_persons": self.has_persons,
                "owners": base64.b64encode(self.owners.tobytes()).decode(),
                "facilities": None if self.facilities is None else base64.b64encode(self.facilities.tobytes()).decode(),
            }
        )

    @classmethod
    def from_json(cls, text: str) -> "Sketch":
        """From `to_json`'s text; raises ValueError for anything else."""
        try:
            found = json.loads(text)
            facilities = found["facilities"]
            sketch = cls(
                bool(found["has_persons"]),
                np.frombuffer(base64.b64decode(found["owners"]), np.uint16),
                None if facilities is None else np.frombuffer(base64.b64decode(facilities), np.uint16),
            )
        except (KeyError, TypeError) as error:
            raise ValueError("no sketch") from error
        if len(sketch.owners) != _BUCKETS or (sketch.facilities is not None and len(sketch.facilities) != _BUCKETS):
            raise ValueError("a sketch of another size")
        return sketch


def sketch_source(source: SourceTable, key: int) -> Sketch:
    """The sketch of a snapshot; `key` is the production zone's own, and two sketches need the same one."""
    table = source.columns
    names = [f'"{name}"' for name in sorted(table.column_names)]
    if "dx_secondary_codes" in table.column_names:
        at = table.column_names.index("dx_secondary_codes")
        table = table.set_column(at, "dx_secondary_codes", table[at].cast(pa.list_(pa.string())))
    owners = {
        name: name in table.column_names and table[name].null_count < table.num_rows
        for name in ("patient_id_hash", "facility_id")
    }
    row = f"hash({int(key)}, {', '.join(names)})"
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.register("source", table)
        connection.execute(f"CREATE TEMP TABLE hashed AS SELECT {_columns(owners, row, key)} FROM source")
        sums = {name: _sums(connection, name) for name, there in owners.items() if there}
        by_row = None if owners["patient_id_hash"] else _sums(connection, "content")
    facilities = sums.get("facility_id")
    return Sketch(by_row is None, sums["patient_id_hash"] if by_row is None else by_row, facilities)


def _columns(owners: dict[str, bool], row: str, key: int) -> str:
    buckets = [f"hash({int(key)}, {name}) % {_BUCKETS} AS {name}" for name, there in owners.items() if there]
    return ", ".join([*buckets, f"{row} % {_BUCKETS} AS content", f"({row} >> 40) & 65535 AS part"])


def _sums(connection: duckdb.DuckDBPyConnection, bucket: str) -> Sums:
    found = connection.sql(f"SELECT {bucket} AS bucket, sum(part) & 65535 AS part FROM hashed GROUP BY 1").fetchnumpy()
    out = np.zeros(_BUCKETS, np.uint16)
    out[found["bucket"].astype(np.int64)] = found["part"].astype(np.uint16)
    return out
