"""How many persons' claims differ between two snapshots of a source, told from a small keyed sketch of each.

Every person falls into one of 16,384 buckets, and each bucket keeps 16 bits of a sum over its claims. A bucket that
differs means that at least one of its persons' claims do, so differing buckets never count too many persons. No row,
person or count can be read from a sketch.

Equal claims have equal sums only where they were read and hashed alike: by the same statements, with the same key, and by the
same DuckDB, whose hashes may change with its version. A sketch tells all this in one number, its basis. Sketches of two bases are
not compared, since every claim would seem to have changed.
"""

import base64
import json
from dataclasses import dataclass
from typing import Final

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from claims_sim.profile.reading.source import READING, SourceTable
from claims_sim.profile.reading.source_columns import CASE_GROUP, FURTHER
from claims_sim.randomness import stream_key

_BUCKETS: Final = 1 << 14
_EMPTY: Final = "empty cells"
Sums = npt.NDArray[np.uint16]


@dataclass(frozen=True, slots=True)
class Change:
    """At least so many persons (claims, where persons are not known) and facilities (None: not known) differ."""

    owners: int
    facilities: int | None


@dataclass(frozen=True, slots=True)
class Sketch:
    """A snapshot's sums by bucket of persons and of facilities, and the `basis` that two of them must share.

    A sketch whose basis is not known ("") cannot be compared with any.
    """

    basis: str
    has_persons: bool
    owners: Sums
    facilities: Sums | None

    def change_to(self, other: "Sketch") -> Change | None:
        """What differs in `other`; None where the two cannot be compared."""
        if not self.basis or self.basis != other.basis:
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
                "basis": self.basis,
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
                str(found.get("basis", "")),
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
    """The sketch of a snapshot; `key` is the production zone's own, and two sketches need the same one.

    Ids of claims do not count: a table that numbers its claims anew has not changed.
    """
    table = source.columns.drop_columns([name for name in source.columns.column_names if name == "claim_id"])
    # What the source leaves empty is told too, and where something stands in for it no column shows it.
    table = table.append_column(
        _EMPTY, pa.array(np.zeros(source.rows, np.int64) if source.empty is None else source.empty)
    )
    if source.further is not None:
        table = table.append_column(FURTHER, source.further)
    if source.case_group is not None:
        table = table.append_column(CASE_GROUP, source.case_group)
    names = [f'"{name}"' for name in sorted(table.column_names)]
    for name in {"dx_secondary_codes", FURTHER} & set(table.column_names):
        at = table.column_names.index(name)
        table = table.set_column(at, name, table[at].cast(pa.list_(pa.string())))
    owners = {
        name: name in table.column_names and table[name].null_count < table.num_rows
        for name in ("patient_id_hash", "facility_id")
    }
    select = _select(owners, f"hash({int(key)}, {', '.join(names)})", key)
    reading = (table.schema.metadata or {}).get(READING)
    basis = f"{stream_key(duckdb.__version__, reading.decode(), select):016x}" if reading else ""
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.register("source", table)
        connection.execute(f"CREATE TEMP TABLE hashed AS {select}")
        sums = {name: _sums(connection, name) for name, there in owners.items() if there}
        by_row = None if owners["patient_id_hash"] else _sums(connection, "content")
    owner_sums = sums["patient_id_hash"] if by_row is None else by_row
    return Sketch(basis, by_row is None, owner_sums, sums.get("facility_id"))


def _select(owners: dict[str, bool], row: str, key: int) -> str:
    buckets = [f"hash({int(key)}, {name}) % {_BUCKETS} AS {name}" for name, there in owners.items() if there]
    columns = [*buckets, f"{row} % {_BUCKETS} AS content", f"({row} >> 40) & 65535 AS part"]
    return f"SELECT {', '.join(columns)} FROM source"


def _sums(connection: duckdb.DuckDBPyConnection, bucket: str) -> Sums:
    found = connection.sql(f"SELECT {bucket} AS bucket, sum(part) & 65535 AS part FROM hashed GROUP BY 1").fetchnumpy()
    out = np.zeros(_BUCKETS, np.uint16)
    out[found["bucket"].astype(np.int64)] = found["part"].astype(np.uint16)
    return out
