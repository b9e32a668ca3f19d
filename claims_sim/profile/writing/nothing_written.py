"""What a source writes where there is no value: which of the marks that are read as none, of which claims."""

from collections.abc import Mapping
from typing import Final

from claims_sim.privacy.phi import quote
from claims_sim.profile.reading.source import OpenSource
from claims_sim.profile.reading.source_columns import FURTHER, ColumnMapping, Located
from claims_sim.profile.reading.source_sql import NO_CODE, NOTHING, quote_identifier
from claims_sim.profile.writing.ways_written import Cells, Ways, drawn, read_ways

_NO_NUMBER: Final = (*NOTHING, "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "NONE", "none", "nil")
EMPTY_LIST: Final = "[]"
_MARKS: Final = {
    "text": NOTHING,
    "code": NO_CODE,
    "list": NO_CODE,
    "date": _NO_NUMBER,
    "number": _NO_NUMBER,
}


def read_marks(opened: OpenSource, located: Mapping[str, Located], mapping: ColumnMapping) -> dict[str, Ways]:
    """What cells without a value hold, column by column; those that have no mark but null are left out."""
    found = {}
    known: tuple[str, ...]
    for name, column in located.items():
        if column.kind not in _MARKS or column.also or column.behind or name == FURTHER:
            continue
        text = quote_identifier(column.theirs)
        if column.type.endswith("[]"):
            text, known = (
                f"CASE WHEN len({text}) = 0 THEN {quote(EMPTY_LIST)} ELSE CAST({text} AS VARCHAR) END",
                (EMPTY_LIST,),
            )
        elif column.type in ("VARCHAR", "JSON"):
            text, known = f"trim(CAST({text} AS VARCHAR))", ("", *_MARKS[column.kind])
        else:
            continue
        cells = Cells(name, text, f"({text} IS NULL OR {text} IN ({', '.join(map(quote, known))}))")
        ways = read_ways(opened, cells, located, mapping)
        if ways and any(mark is not None for mark, _ in ways.shares):
            found[name] = ways
    return found


def or_nothing(text: str, name: str, marks: Ways | None, values: Mapping[str, str]) -> str:
    """The expression `text`, or where it is null what is written for nothing, unless the map of `values` says what that is read as."""
    return text if marks is None else f"coalesce({text}, {drawn(name, marks, values)})"
