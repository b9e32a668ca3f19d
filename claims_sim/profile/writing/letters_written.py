"""In which letters a source writes labels, where `label_letters` reads several ways as one: in capitals, in small letters, or neither."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import duckdb
import numpy as np
import pyarrow as pa

from claims_sim.claim import MAX_TEXT
from claims_sim.privacy.phi import quote
from claims_sim.profile.counts.counting import PERSONS_K
from claims_sim.profile.reading.label_letters import HAS_NO_PAIR, letters_of
from claims_sim.profile.reading.source import OpenSource
from claims_sim.profile.reading.source_columns import ColumnMapping, Located
from claims_sim.profile.reading.source_sql import key_expression, text_expression
from claims_sim.profile.reading.sql_text import let
from claims_sim.profile.texts.admit import NAMES_OF
from claims_sim.profile.writing.ways_written import ENOUGH, SOURCE, Cells, Ways, drawn, read_ways

_TOLD: Final = "ways_of_labels"


@dataclass(frozen=True, slots=True)
class LabelLetters:
    """The ways in which labels are written, and which of them are `told` in capitals or small letters: of others no house of ours
    writes what but few there do.
    """  # noqa: D205

    ways: Ways
    told: frozenset[str]


def read_letters(opened: OpenSource, located: Mapping[str, Located], mapping: ColumnMapping) -> dict[str, LabelLetters]:
    """Of each column of labels that is read as one in spite of the ways in which it is written."""
    found, key = {}, located.get("patient_id_hash")
    person = "NULL" if key is None else key_expression(key)
    for name in NAMES_OF:
        if name not in located or name in mapping.values:
            continue
        text = text_expression(located[name])
        if told := _keep_ways(opened.connection, f"SELECT {text} AS text, {person} AS person FROM {opened.relation}"):
            way = f"(SELECT any_value(way) FROM {_TOLD} WHERE label = {text})"
            cells = Cells(name, way, f"{text} IN (SELECT label FROM {_TOLD})")
            ways = read_ways(opened, cells, located, mapping)
            if ways and len(ways.shares) > 1:
                found[name] = LabelLetters(ways, told)
    return found


def _keep_ways(connection: duckdb.DuckDBPyConnection, labels: str) -> frozenset[str]:
    """Keep the labels that are written in several ways, and how each of these is, in the table _TOLD; those in capitals or small letters
    that so many persons have as anything may be told of, or ENOUGH cells where there is no key of persons.
    """  # noqa: D205
    rows = connection.execute(
        f"SELECT text, count(*), count(DISTINCT person) FROM ({labels}) WHERE length(text) <= {MAX_TEXT} GROUP BY text ORDER BY text"
    ).fetchall()
    if not rows:
        return frozenset()
    texts, cells = [text for text, *_ in rows], np.array([count for _, count, _ in rows], np.int64)
    letters = letters_of(texts, cells, cells >= ENOUGH, ENOUGH)
    told = [texts[place] for place in np.flatnonzero(letters.several).tolist()]
    ways = ["capitals" if text == text.upper() else "small" if text == text.lower() else "" for text in told]
    table = pa.table({"label": pa.array(told, pa.string()), "way": pa.array(ways, pa.string())})
    connection.register(f"{_TOLD}_here", table)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {_TOLD} AS FROM {_TOLD}_here")
    connection.unregister(f"{_TOLD}_here")
    has_key = any(persons for *_, persons in rows)
    common = {text for text, count, persons in rows if (persons >= PERSONS_K if has_key else count >= ENOUGH)}
    return frozenset(label for label, way in zip(told, ways, strict=True) if way and label in common)


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
