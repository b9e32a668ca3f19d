"""In which letters a source writes labels, where `label_letters` reads several ways as one: in capitals, in small letters, or neither."""

from collections.abc import Mapping
from typing import Final

import duckdb
import numpy as np
import pyarrow as pa

from claims_sim.claim import MAX_TEXT
from claims_sim.privacy.phi import quote
from claims_sim.profile.reading.label_letters import HAS_NO_PAIR, letters_of
from claims_sim.profile.reading.source import OpenSource
from claims_sim.profile.reading.source_columns import ColumnMapping, Located
from claims_sim.profile.reading.source_sql import text_expression
from claims_sim.profile.reading.sql_text import let
from claims_sim.profile.texts.admit import NAMES_OF
from claims_sim.profile.writing.ways_written import ENOUGH, SOURCE, Cells, Ways, drawn, read_ways

_TOLD: Final = "ways_of_labels"


def read_letters(opened: OpenSource, located: Mapping[str, Located], mapping: ColumnMapping) -> dict[str, Ways]:
    """The ways of each column of labels that is read as one in spite of them."""
    found = {}
    for name in NAMES_OF:
        if name not in located or name in mapping.values:
            continue
        text = text_expression(located[name])
        if _keep_ways(opened.connection, f"SELECT {text} AS text FROM {opened.relation}"):
            way = f"(SELECT any_value(way) FROM {_TOLD} WHERE label = {text})"
            cells = Cells(name, way, f"{text} IN (SELECT label FROM {_TOLD})")
            ways = read_ways(opened, cells, located, mapping)
            if ways and len(ways.shares) > 1:
                found[name] = ways
    return found


def _keep_ways(connection: duckdb.DuckDBPyConnection, labels: str) -> bool:
    """Keep the labels that are written in several ways, and how each of these is, in the table _TOLD; are there any?"""
    rows = connection.execute(
        f"SELECT text, count(*) FROM ({labels}) WHERE length(text) <= {MAX_TEXT} GROUP BY text ORDER BY text"
    ).fetchall()
    if not rows:
        return False
    texts, cells = [text for text, _ in rows], np.array([count for _, count in rows], np.int64)
    letters = letters_of(texts, cells, cells >= ENOUGH, ENOUGH)
    told = [texts[place] for place in np.flatnonzero(letters.several).tolist()]
    ways = ["capitals" if text == text.upper() else "small" if text == text.lower() else "" for text in told]
    table = pa.table({"label": pa.array(told, pa.string()), "way": pa.array(ways, pa.string())})
    connection.register(f"{_TOLD}_here", table)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {_TOLD} AS FROM {_TOLD}_here")
    connection.unregister(f"{_TOLD}_here")
    return letters.differ


def in_their_letters(label: str, ways: Ways | None) -> str:
    """The expression of a label as the source would write it."""
    if ways is None:
        return label
    way = drawn(SOURCE, ways)

    def written(text: str) -> str:
        shown = f"CASE {way} WHEN 'capitals' THEN upper({text}) WHEN 'small' THEN lower({text}) ELSE {text} END"
        return f"CASE WHEN regexp_matches({text}, {quote(HAS_NO_PAIR)}) THEN {text} ELSE {shown} END"

    return let("label", label, written)
