"""Read the texts of a source as canonical values: each distinct one once, since millions of rows hold few of them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from claims_sim.profile.counts.counting import Ints
from claims_sim.profile.reading.label_letters import read_as_one
from claims_sim.profile.reading.source_columns import ColumnMapping, Located
from claims_sim.profile.reading.source_sql import canonical_value
from claims_sim.profile.texts.admit import NAMES_OF

_VIEW, _TEXT, _PLACE = "distinct_texts", "text_as_written", "place_of_text"


def encoded(column: pa.Array) -> pa.Array:
    """A column of texts, or of lists of texts, as a dictionary and codes; others as they are."""
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return column.cast(pa.string()).dictionary_encode()
    if pa.types.is_list(column.type):
        values = column.flatten().cast(pa.string()).dictionary_encode()
        # From the offsets: pyarrow's own lengths cost more than all else that is done to the column.
        lengths = np.diff(column.offsets.to_numpy())
        lengths[column.is_null().to_numpy(zero_copy_only=False)] = 0
        return _lists(lengths, values)
    return column


def with_canonical_values(
    connection: duckdb.DuckDBPyConnection,
    columns: pa.Table,
    located: Mapping[str, Located],
    mapping: ColumnMapping,
    k: int,
) -> pa.Table:
    """The encoded `columns` with what their texts mean for the texts: values mapped, codes in one spelling, labels in the letters of `k`
    persons' at least, NULL for none.
    """  # noqa: D205
    alike: dict[str, list[str]] = {}
    for name in columns.column_names:
        if name in located and located[name].kind in ("text", "code", "list"):
            alike.setdefault(canonical_value(name, replace(located[name], theirs=_TEXT), mapping), []).append(name)
    # One statement for all columns that are read alike: parsing one costs more than reading the few texts of a column.
    for value, names in alike.items():
        written = [_whole(columns[name]) for name in names]
        texts = [column.flatten() if pa.types.is_list(column.type) else column for column in written]
        for name, column, read in zip(names, written, _canonical(connection, texts, value), strict=True):
            canonical = _named(column, read) if pa.types.is_list(column.type) else read
            if name in NAMES_OF and name not in mapping.values:
                canonical = read_as_one(canonical, columns, k)
            columns = columns.set_column(columns.column_names.index(name), name, canonical)
    return columns


def _whole(column: pa.ChunkedArray) -> pa.Array:
    whole = column.combine_chunks()
    return whole.chunk(0) if isinstance(whole, pa.ChunkedArray) else whole


def _canonical(
    connection: duckdb.DuckDBPyConnection, columns: Sequence[pa.DictionaryArray], value: str
) -> Iterator[pa.DictionaryArray]:
    """Each text as the expression `value` reads it. Missing ones are read too: a mapping may say what stands in for them."""
    distinct = pa.concat_arrays([*(texts.dictionary for texts in columns), pa.nulls(1, pa.string())])
    connection.register(_VIEW, pa.table({_TEXT: distinct, _PLACE: np.arange(len(distinct))}))
    read = connection.sql(f"SELECT {value} AS canonical FROM {_VIEW} ORDER BY {_PLACE}").to_arrow_table()["canonical"]
    connection.unregister(_VIEW)
    first = 0
    for texts in columns:
        size = len(texts.dictionary)
        own = pa.chunked_array([*read.slice(first, size).chunks, *read.slice(len(distinct) - 1).chunks], read.type)
        canonical = _whole(own.cast(pa.string()).dictionary_encode())
        indices = canonical.indices.take(pc.fill_null(texts.indices, size))
        yield pa.DictionaryArray.from_arrays(indices, canonical.dictionary)
        first += size


def _named(lists: pa.ListArray, members: pa.DictionaryArray) -> pa.ListArray:
    """The lists with what their `members` mean, without those that mean nothing."""
    named = members.is_valid().to_numpy(zero_copy_only=False)
    ends = np.r_[0, np.cumsum(named)][lists.offsets.to_numpy()]
    return _lists(np.diff(ends), members.filter(pa.array(named)))


def _lists(lengths: Ints, values: pa.Array) -> pa.ListArray:
    return pa.ListArray.from_arrays(pa.array(np.r_[0, lengths.cumsum()].astype(np.int32)), values)
