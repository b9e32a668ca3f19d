"""Read the texts of a source as canonical values: each distinct one once, since millions of rows hold few of them."""

from collections.abc import Mapping
from dataclasses import replace

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from claims_sim.profile.counting import Ints
from claims_sim.profile.source_sql import ColumnMapping, Located, canonical_value

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
    connection: duckdb.DuckDBPyConnection, columns: pa.Table, located: Mapping[str, Located], mapping: ColumnMapping
) -> pa.Table:
    """The encoded `columns` with what their texts mean for the texts: values mapped, codes in one spelling, NULL for none."""
    for place, name in enumerate(columns.column_names):
        if name not in located or located[name].kind not in ("text", "code", "list"):
            continue
        column = columns[name].combine_chunks()
        column = column.chunk(0) if isinstance(column, pa.ChunkedArray) else column
        value = canonical_value(name, replace(located[name], theirs=_TEXT), mapping)
        canonical = _canonical_lists if located[name].kind == "list" else _canonical
        column = canonical(connection, column, value)
        columns = columns.set_column(place, name, column)
    return columns


def _canonical(connection: duckdb.DuckDBPyConnection, texts: pa.DictionaryArray, value: str) -> pa.DictionaryArray:
    """Each text as the expression `value` reads it. Missing ones are read too: a mapping may say what stands in for them."""
    distinct = pa.concat_arrays([texts.dictionary, pa.nulls(1, pa.string())])
    connection.register(_VIEW, pa.table({_TEXT: distinct, _PLACE: np.arange(len(distinct))}))
    read = connection.sql(f"SELECT {value} AS canonical FROM {_VIEW} ORDER BY {_PLACE}").to_arrow_table()["canonical"]
    connection.unregister(_VIEW)
    canonical = read.combine_chunks().cast(pa.string()).dictionary_encode()
    canonical = canonical.chunk(0) if isinstance(canonical, pa.ChunkedArray) else canonical
    indices = canonical.indices.take(pc.fill_null(texts.indices, len(distinct) - 1))
    return pa.DictionaryArray.from_arrays(indices, canonical.dictionary)


def _canonical_lists(connection: duckdb.DuckDBPyConnection, lists: pa.ListArray, value: str) -> pa.ListArray:
    """Lists of what their members mean, without those that mean nothing."""
    members = _canonical(connection, lists.flatten(), value)
    named = members.is_valid().to_numpy(zero_copy_only=False)
    ends = np.r_[0, np.cumsum(named)][lists.offsets.to_numpy()]
    return _lists(np.diff(ends), members.filter(pa.array(named)))


def _lists(lengths: Ints, values: pa.Array) -> pa.ListArray:
    return pa.ListArray.from_arrays(pa.array(np.r_[0, lengths.cumsum()].astype(np.int32)), values)
