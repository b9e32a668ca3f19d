"""In which letters a source writes labels, where `label_letters` reads several ways as one: in capitals, in small letters, or neither."""

from collections.abc import Mapping
from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa

from claims_sim.privacy.phi import quote
from claims_sim.profile.reading.label_letters import HAS_NO_PAIR, letters_of
from claims_sim.profile.reading.source import OpenSource
from claims_sim.profile.reading.source_columns import ColumnMapping, Located
from claims_sim.profile.reading.source_sql import text_expression
from claims_sim.profile.reading.sql_text import let
from claims_sim.profile.texts.admit import NAMES_OF
from claims_sim.profile.writing.bearers import Bearers, read_bearers
from claims_sim.profile.writing.ways_written import ENOUGH, SOURCE, Cells, Ways, drawn, read_ways

_TOLD, _LABEL, _WAY = "ways_of_labels", "text_of_a_label", "way_of_a_label"
"""A table and its columns: names that a source's columns do not have."""


@dataclass(frozen=True, slots=True)
class LabelLetters:
    """The ways in which labels are written, and which of them are `told` in capitals or small letters: of others no house of ours
    writes what but few there do.
    """  # noqa: D205

    ways: Ways
    told: frozenset[str]


def read_letters(
    opened: OpenSource, located: Mapping[str, Located], mapping: ColumnMapping, k: int
) -> dict[str, LabelLetters]:
    """Of each column of labels that is read as one in spite of the ways in which it is written."""
    found = {}
    for name in NAMES_OF:
        if name not in located or name in mapping.values:
            continue
        text = text_expression(located[name])
        kept = f"{_TOLD}_{name}"
        if told := _keep_ways(opened.connection, read_bearers(opened, located, text), k, kept):
            way = f"(SELECT any_value({_WAY}) FROM {kept} WHERE {_LABEL} = {text})"
            ways = read_ways(opened, Cells(name, way, f"{text} IN (SELECT {_LABEL} FROM {kept})"), located, mapping)
            if ways and len(ways.shares) > 1:
                found[name] = LabelLetters(ways, told)
    return found


def _keep_ways(connection: duckdb.DuckDBPyConnection, labels: Bearers, k: int, table: str) -> frozenset[str]:
    """Keep the labels that are written in several ways, and how each of these is, in the `table`; those in capitals or small letters
    that many have (`by_many`).
    """  # noqa: D205
    texts, cells = labels.texts, labels.cells
    if not texts:
        return frozenset()
    letters = letters_of(texts, cells, cells >= ENOUGH, ENOUGH)
    several = np.flatnonzero(letters.several)
    ways = ["capitals" if text == text.upper() else "small" if text == text.lower() else "" for text in texts]
    kept = {_LABEL: [texts[place] for place in several], _WAY: [ways[place] for place in several]}
    connection.register(f"{table}_here", pa.table({name: pa.array(those, pa.string()) for name, those in kept.items()}))
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS FROM {table}_here")
    connection.unregister(f"{table}_here")
    common = labels.by_many(k)
    return frozenset(texts[place] for place in several if ways[place] and common[place])


def in_their_letters(label: str, letters: LabelLetters | None) -> str:
    """The expression of a label as the source would write it."""
    if letters is None:
        return label
    way, told = drawn(SOURCE, letters.ways), ", ".join(map(quote, sorted(letters.told)))

    def written(text: str) -> str:
        shown = f"CASE {way} WHEN 'capitals' THEN upper({text}) WHEN 'small' THEN lower({text}) ELSE {text} END"
        shown = let("shown", shown, lambda shown: f"CASE WHEN {shown} IN ({told}) THEN {shown} ELSE {text} END")
        return f"CASE WHEN regexp_matches({text}, {quote(HAS_NO_PAIR)}) THEN {text} ELSE {shown} END"

    return let("label", label, written)
