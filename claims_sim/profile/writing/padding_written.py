"""To which length a source fills texts with blanks, as columns of CHAR(10) do, and whether all of its cells do."""

from collections.abc import Mapping
from typing import Final

from claims_sim.profile.reading.source import OpenSource
from claims_sim.profile.reading.source_columns import FURTHER, ColumnMapping, Located
from claims_sim.profile.reading.source_sql import quote_identifier
from claims_sim.profile.writing.ways_written import SOURCE, Cells, Ways, drawn, read_ways

_MOST_LENGTHS: Final = 4


def read_padding(opened: OpenSource, located: Mapping[str, Located], mapping: ColumnMapping) -> dict[str, Ways]:
    """To which length texts are filled with blanks, column by column, where some are (CHAR(10)); "" stands for not at all."""
    found = {}
    for name, column in located.items():
        if column.type != "VARCHAR" or column.kind == "hash" or column.also or column.behind or name == FURTHER:
            continue
        text = quote_identifier(column.theirs)
        cells = Cells(
            name,
            f"CASE WHEN ends_with({text}, ' ') THEN CAST(length({text}) AS VARCHAR) ELSE '' END",
            f"trim({text}) <> ''",
        )
        ways = read_ways(opened, cells, located, mapping)
        if ways and 0 < sum(way != "" for way, _ in ways.shares) <= _MOST_LENGTHS:
            found[name] = ways
    return found


def padded(text: str, ways: Ways | None) -> str:
    """The expression `text` filled with blanks as `read_padding` found."""
    if ways is None:
        return text
    length = f"coalesce(TRY_CAST({drawn(SOURCE, ways)} AS INTEGER), 0)"
    return f"rpad({text}, CAST(greatest({length}, length({text})) AS INTEGER), ' ')"
