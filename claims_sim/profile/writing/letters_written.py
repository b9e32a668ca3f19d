"""In which letters a source writes labels, where `label_letters` reads several ways as one: in capitals, in small letters, or neither."""

from collections.abc import Mapping
from typing import Final

from claims_sim.claim import MAX_TEXT
from claims_sim.profile.reading.label_letters import COMMON, NEARLY_ALL
from claims_sim.profile.reading.source import OpenSource
from claims_sim.profile.reading.source_columns import ColumnMapping, Located
from claims_sim.profile.reading.source_sql import text_expression
from claims_sim.profile.texts.admit import NAMES_OF
from claims_sim.profile.writing.ways_written import SOURCE, Cells, Ways, drawn, read_ways

_WAY: Final = "CASE {0} WHEN upper({0}) THEN 'capitals' WHEN lower({0}) THEN 'small' ELSE '' END"


def read_letters(opened: OpenSource, located: Mapping[str, Located], mapping: ColumnMapping) -> dict[str, Ways]:
    """The ways of each column of labels that is read as one in spite of them."""
    found = {}
    for name in NAMES_OF.keys() & located.keys():
        text = text_expression(located[name])
        by_label = (
            f"SELECT lower({text}) AS label, min({text}) <> max({text}) AS several, count(*) AS cells "
            f"FROM {opened.relation} WHERE length({text}) <= {MAX_TEXT} AND lower({text}) <> upper({text}) GROUP BY label"
        )
        row = opened.connection.execute(
            f"SELECT coalesce(sum(cells) FILTER (several), 0), sum(cells) FROM ({by_label}) WHERE cells >= {COMMON}"
        ).fetchone()
        if not row or not row[1] or row[0] <= NEARLY_ALL * row[1]:
            continue
        where = f"lower({text}) IN (SELECT label FROM ({by_label}) WHERE several)"
        ways = read_ways(opened, Cells(name, _WAY.format(text), where), located, mapping)
        if ways and len(ways.shares) > 1:
            found[name] = ways
    return found


def in_their_letters(label: str, ways: Ways | None) -> str:
    """The expression of a label as the source would write it."""
    if ways is None:
        return label
    return f"CASE {drawn(SOURCE, ways)} WHEN 'capitals' THEN upper({label}) WHEN 'small' THEN lower({label}) ELSE {label} END"
