"""In which letters a source writes labels, where `label_letters` reads several ways as one: in capitals, in small letters, or neither."""

from collections.abc import Mapping
from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa

from claims_sim.claim import MAX_TEXT
from claims_sim.privacy.phi import quote
from claims_sim.profile.counts.counting import MIN_FACILITIES, claims_needed
from claims_sim.profile.reading.label_letters import HAS_NO_PAIR, letters_of
from claims_sim.profile.reading.source import OpenSource
from claims_sim.profile.reading.source_columns import ColumnMapping, Located
from claims_sim.profile.reading.source_sql import key_expression, text_expression
from claims_sim.profile.reading.sql_text import let
from claims_sim.profile.texts.admit import NAMES_OF
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
    person, house = (
        key_expression(located[key]) if key in located else "NULL" for key in ("patient_id_hash", "facility_id")
    )
    for name in NAMES_OF:
        if name not in located or name in mapping.values:
            continue
        text = text_expression(located[name])
        cells = f"SELECT {text} AS text, {person} AS person, {house} AS facility FROM {opened.relation}"
        if told := _keep_ways(opened.connection, cells, k):
            way = f"(SELECT any_value({_WAY}) FROM {_TOLD} WHERE {_LABEL} = {text})"
            ways = read_ways(opened, Cells(name, way, f"{text} IN (SELECT {_LABEL} FROM {_TOLD})"), located, mapping)
            if ways and len(ways.shares) > 1:
                found[name] = LabelLetters(ways, told)
    return found


def _keep_ways(connection: duckdb.DuckDBPyConnection, labels: str, k: int) -> frozenset[str]:
    """Keep the labels that are written in several ways, and how each of these is, in the table _TOLD; those in capitals or small letters
    that `k` persons have, in facilities enough if there are so many, or as many cells as stand for them where there is no key of persons.
    """  # noqa: D205
    rows = connection.execute(
        f"SELECT text, count(*), count(DISTINCT person), count(DISTINCT facility) FROM ({labels}) "
        f"WHERE length(text) <= {MAX_TEXT} GROUP BY text ORDER BY text"
    ).fetchall()
    if not rows:
        return frozenset()
    texts = [text for text, *_ in rows]
    cells, persons, facilities = (np.array(counts, np.int64) for counts in list(zip(*rows, strict=True))[1:])
    letters = letters_of(texts, cells, cells >= ENOUGH, ENOUGH)
    several = np.flatnonzero(letters.several)
    ways = ["capitals" if text == text.upper() else "small" if text == text.lower() else "" for text in texts]
    kept = {_LABEL: [texts[place] for place in several], _WAY: [ways[place] for place in several]}
    connection.register(f"{_TOLD}_here", pa.table({name: pa.array(those, pa.string()) for name, those in kept.items()}))
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {_TOLD} AS FROM {_TOLD}_here")
    connection.unregister(f"{_TOLD}_here")
    common = persons >= k if persons.any() else cells >= claims_needed(k)
    ((in_all,),) = connection.execute(f"SELECT count(DISTINCT facility) FROM ({labels})").fetchall()
    common &= facilities >= min(MIN_FACILITIES, in_all)
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
