"""In which of several spellings that a mapping file reads as one a source writes a category: SWASTA, Swasta, swasta."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Final

from claims_sim.privacy.phi import quote
from claims_sim.profile.reading.source import OpenSource
from claims_sim.profile.reading.source_columns import ColumnMapping, Located
from claims_sim.profile.reading.source_sql import text_expression
from claims_sim.profile.writing.ways_written import ENOUGH, SOURCE, Cells, Ways, drawn, read_ways

_MOST_VALUES: Final = 20
"""Of so many values a column, the commonest, it is asked how they are spelled."""


def read_spellings(
    opened: OpenSource, located: Mapping[str, Located], mapping: ColumnMapping
) -> dict[str, dict[str, Ways]]:
    """For each category, and each value of ours that stands for several of theirs: in which of these it is written.

    All of them are in the mapping file, but for one that is called as ours is.
    """
    found: dict[str, dict[str, Ways]] = {}
    for name, values in mapping.values.items():
        if name not in located or located[name].kind != "text":
            continue
        spelled = defaultdict(list)
        for theirs, ours in values.items():
            spelled[ours].append(theirs)
        text = text_expression(located[name])
        for ours in _spelled_in_several_ways(opened, text, spelled):
            one_of = ", ".join(map(quote, {*spelled[ours], ours}))
            ways = read_ways(opened, Cells(name, text, f"{text} IN ({one_of})"), located, mapping)
            if ways:
                found.setdefault(name, {})[ours] = ways
    return found


def _spelled_in_several_ways(opened: OpenSource, text: str, spelled: Mapping[str, list[str]]) -> list[str]:
    """The values of ours that many cells hold in two spellings at least, those of most cells first."""
    told = {theirs: ours for ours, those in spelled.items() for theirs in (ours, *those)}
    rows = opened.connection.execute(
        f"SELECT {text} AS theirs, count(*) AS cells FROM {opened.relation} WHERE {text} IN ({', '.join(map(quote, told))}) "
        f"GROUP BY theirs HAVING cells >= {ENOUGH} ORDER BY cells DESC, theirs"
    ).fetchall()
    ways: dict[str, int] = defaultdict(int)
    for theirs, _ in rows:
        ways[told[theirs]] += 1
    return [ours for ours, number in ways.items() if number > 1][:_MOST_VALUES]


def spelled_out(theirs: str, ways: Ways | None) -> str:
    """The expression of a value as the source spells it; `theirs` where that is one spelling."""
    return quote(theirs) if ways is None else f"coalesce({drawn(SOURCE, ways)}, {quote(theirs)})"
