"""Categories as integers, combined into keys, and tables of statistics per key with back-off.

A ladder is a list of column combinations from fine to coarse, the last one empty (everybody); a claim is compared
within the finest combination that training filled well enough.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from claims_sim.scoring.features import Features, Floats, Ints

UNSEEN: Final = -1
MIX: Final = np.uint64(0x9E3779B97F4A7C15)  # 2^64 over the golden ratio: spreads consecutive codes
Bools = npt.NDArray[np.bool_]
Ladder = tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Codes:
    """Text columns as positions in their vocabularies, and how large each vocabulary is."""

    rows: int
    columns: Mapping[str, Ints]
    sizes: Mapping[str, int]

    def key(self, names: Sequence[str]) -> Ints:
        """One integer per combination of the columns `names`; `UNSEEN` where a value is not in its vocabulary."""
        key, unseen = np.zeros(self.rows, np.int64), np.zeros(self.rows, bool)
        for name in names:
            key = key * max(self.sizes[name], 1) + self.columns[name]
            unseen |= self.columns[name] < 0
        return np.where(unseen, UNSEEN, key)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The sorted values of each text column that training met."""

    values: Mapping[str, pa.Array]

    @staticmethod
    def learn(features: Features) -> "Vocabulary":
        """The distinct values of every text column, and of the secondary codes as `companion`."""
        columns = {**features.texts, "companion": features.secondary_values}
        return Vocabulary({name: _sorted(pc.unique(column)) for name, column in columns.items()})

    def encode(self, features: Features) -> Codes:
        """Each text column as positions in its values."""
        columns = {name: encode(column, self.values[name]) for name, column in features.texts.items()}
        return Codes(features.rows, columns, {name: len(values) for name, values in self.values.items()})

    def to_table(self) -> pa.Table:
        """One row a value: column_name, value."""
        names = [name for name, values in self.values.items() for _ in range(len(values))]
        return pa.table(
            {"column_name": pa.array(names, pa.string()), "value": pa.concat_arrays([*self.values.values()])}
        )

    @staticmethod
    def from_table(table: pa.Table, names: Sequence[str]) -> "Vocabulary":
        """The inverse of `to_table`; `names` are all columns, also those without a value."""
        owner = np.asarray(encode(_whole(table["column_name"]), pa.array(names, pa.string())))
        starts = np.searchsorted(owner, np.arange(len(names) + 1))
        values = _whole(table["value"])
        return Vocabulary({name: values.slice(a, b - a) for name, a, b in zip(names, starts, starts[1:], strict=False)})


@dataclass(frozen=True, slots=True)
class Cells:
    """Statistics per cell of a ladder: rows sorted by (level, key), `starts[l]` is where level l begins."""

    ladder: Ladder
    keys: Ints
    starts: Ints
    statistics: Mapping[str, Floats]

    def locate(self, codes: Codes) -> tuple[Ints, Ints]:
        """Of each claim: the row of its finest filled cell, and that cell's level. The last level always exists."""
        rows = np.full(codes.rows, UNSEEN, np.int64)
        levels = np.full(codes.rows, len(self.ladder) - 1, np.int64)
        for level, names in enumerate(self.ladder):
            a, b = self.starts[level], self.starts[level + 1]
            position = find(self.keys[a:b], codes.key(names))
            fresh = (rows == UNSEEN) & (position != UNSEEN)
            rows[fresh], levels[fresh] = position[fresh] + a, level
        return rows, levels

    def to_table(self) -> pa.Table:
        """One row a cell: level, key and the statistics."""
        level = np.repeat(np.arange(len(self.ladder)), np.diff(self.starts)).astype(np.int8)
        return pa.table({"level": level, "key": self.keys, **self.statistics})

    @staticmethod
    def from_table(table: pa.Table, ladder: Ladder) -> "Cells":
        """The inverse of `to_table`."""
        level = table["level"].to_numpy()
        starts = np.searchsorted(level, np.arange(len(ladder) + 1)).astype(np.int64)
        names = [name for name in table.column_names if name not in ("level", "key")]
        return Cells(ladder, table["key"].to_numpy(), starts, {name: table[name].to_numpy() for name in names})


@dataclass(frozen=True, slots=True)
class Group:
    """The claims of one level of a ladder, grouped by key: `index[i]` is claim i's group, `UNSEEN` for none."""

    keys: Ints
    index: Ints
    counts: Ints

    @staticmethod
    def by(key: Ints) -> "Group":
        """Group claims by `key`; a claim with `UNSEEN` is in no group."""
        keys, index, counts = np.unique(key, return_inverse=True, return_counts=True)
        if len(keys) and keys[0] == UNSEEN:
            return Group(keys[1:], index.astype(np.int64) - 1, counts[1:])
        return Group(keys, index.astype(np.int64), counts)

    def sums(self, values: Floats) -> Floats:
        """The sum of `values` in each group."""
        member = self.index >= 0
        return np.bincount(self.index[member], weights=values[member], minlength=len(self.keys)).astype(np.float64)


def assemble(ladder: Ladder, parts: Sequence[tuple[Ints, Mapping[str, Floats]]]) -> Cells:
    """Cells from one (keys, statistics) per level, keys ascending."""
    starts = np.cumsum([0, *(len(keys) for keys, _ in parts)]).astype(np.int64)
    names = list(parts[0][1])
    statistics = {name: np.concatenate([part[name] for _, part in parts]) for name in names}
    return Cells(ladder, np.concatenate([keys for keys, _ in parts]), starts, statistics)


def encode(column: pa.Array, values: pa.Array) -> Ints:
    """Positions of `column` in `values`; `UNSEEN` where it is not among them."""
    found = pc.fill_null(pc.index_in(column, value_set=values), UNSEEN)
    return np.asarray(found.to_numpy(zero_copy_only=False), np.int64)


def fold(columns: Sequence[Ints]) -> Ints:
    """One non-negative 63-bit number per combination; two combinations share one about once in 2^63 pairs."""
    folded = np.zeros(len(columns[0]), np.uint64)
    for column in columns:
        folded = (folded ^ np.ascontiguousarray(column, np.int64).view(np.uint64)) * MIX
        folded ^= folded >> np.uint64(29)
    return (folded >> np.uint64(1)).view(np.int64)


def find(sorted_keys: Ints, keys: Ints) -> Ints:
    """The position of each key in `sorted_keys`; `UNSEEN` where it is absent."""
    if not len(sorted_keys):
        return np.full(len(keys), UNSEEN, np.int64)
    position = np.minimum(np.searchsorted(sorted_keys, keys), len(sorted_keys) - 1)
    return np.where((sorted_keys[position] == keys) & (keys >= 0), position, UNSEEN)


def _sorted(values: pa.Array) -> pa.Array:
    return values.take(pc.array_sort_indices(values))


def _whole(column: pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks()
