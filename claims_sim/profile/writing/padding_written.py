"""How a source fills texts with blanks: to a length, as columns of CHAR(10) do, or with a few behind each; and whether all its cells do."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import compress
from typing import Final

from claims_sim.privacy.phi import quote
from claims_sim.profile.reading.source import OpenSource
from claims_sim.profile.reading.source_columns import FURTHER, ColumnMapping, Located
from claims_sim.profile.reading.source_sql import quote_identifier
from claims_sim.profile.reading.sql_text import let
from claims_sim.profile.texts.admit import NAMES_OF
from claims_sim.profile.writing.bearers import read_bearers
from claims_sim.profile.writing.ways_written import SOURCE, Cells, Ways, drawn, read_ways

_MOST_WAYS: Final = 4
_NEARLY_ALL, _WHOLE = 0.9, 100
_MORE: Final = "+"
"""Before a number of blanks; else it is a length."""


@dataclass(frozen=True, slots=True)
class Padding:
    """To which length texts are filled with blanks ("10"), or how many stand behind each ("+1"); "" stands for none. Where only some
    are, and not for the column's type, which are `told` so: with others no house of ours writes what but few there do.
    """  # noqa: D205

    ways: Ways
    told: frozenset[str] | None


def read_padding(
    opened: OpenSource, located: Mapping[str, Located], mapping: ColumnMapping, k: int
) -> dict[str, Padding]:
    """How texts are filled with blanks, column by column, where some are: in the fewer ways, as lengths or as so many behind each."""
    found = {}
    for name, column in located.items():
        if column.type != "VARCHAR" or column.kind == "hash" or column.also or column.behind or name == FURTHER:
            continue
        text = quote_identifier(column.theirs)
        blanks = f"length({text}) - length(rtrim({text}, ' '))"
        either: list[tuple[int, Ways | None]] = []
        to_length = f"CAST(length({text}) AS VARCHAR)"
        for filled in (to_length, f"'{_MORE}' || ({blanks})"):
            ways = read_ways(opened, Cells(name, _way(text, filled), f"trim({text}) <> ''"), located, mapping)
            count = sum(way != "" for way, _ in ways.shares) if ways else 0
            if not count:
                break
            if _covered(opened, text, filled) >= _NEARLY_ALL:
                either.append((count, ways))
        count, ways = min(either, key=lambda one: one[0], default=(0, None))
        length = _only_length(ways)
        if length:
            # What is as long shows nothing: of codes of three characters and four, those of three are filled to four.
            shorter = Cells(
                name, _way(text, to_length), f"trim({text}) <> '' AND length(rtrim({text}, ' ')) < {length}"
            )
            ways = read_ways(opened, shorter, located, mapping)
        if ways and count <= _MOST_WAYS:
            # A column of CHAR(10) has no other way to write a value; one blank behind some, or blanks behind few, are a matter of hand.
            commonest, share = ways.shares[0]
            seldom = commonest == "" and share >= _NEARLY_ALL * _WHOLE
            by_hand = seldom or name in NAMES_OF or (column.kind in ("text", "code") and _behind_each(ways))
            is_some = by_hand and len(ways.shares) > 1
            found[name] = Padding(ways, _told(opened, located, text, k) if is_some else None)
    return found


def _way(text: str, filled: str) -> str:
    return f"CASE WHEN ends_with({text}, ' ') THEN {filled} ELSE '' END"


def _only_length(ways: Ways | None) -> int:
    """The one length that texts are filled to; 0 where there are several, or none."""
    lengths = {str(way) for way, _ in ways.shares} - {""} if ways else set()
    return int(min(lengths)) if len(lengths) == 1 and not min(lengths).startswith(_MORE) else 0


def _covered(opened: OpenSource, text: str, filled: str) -> float:
    """The share of the cells with blanks that the commonest ways to fill them make up."""
    cells = (
        f"SELECT count(*) AS cells FROM {opened.relation} WHERE ends_with({text}, ' ') AND trim({text}) <> '' GROUP BY {filled} "
        f"ORDER BY cells DESC"
    )
    counts: list[int] = [count for (count,) in opened.connection.execute(cells).fetchall()]
    return sum(counts[:_MOST_WAYS]) / max(sum(counts), 1)


def _behind_each(ways: Ways) -> bool:
    return any(str(way).startswith(_MORE) for way, _ in ways.shares)


def _told(opened: OpenSource, located: Mapping[str, Located], text: str, k: int) -> frozenset[str]:
    """The texts that many have with blanks behind them."""
    with_blanks = read_bearers(opened, located, f"trim({text})", f"ends_with({text}, ' ')")
    return frozenset(compress(with_blanks.texts, with_blanks.by_many(k)))


def padded(text: str, padding: Padding | None) -> str:
    """The expression `text` filled with blanks as `read_padding` found."""
    if padding is None or padding.told == frozenset():
        return text
    number = f"coalesce(TRY_CAST(ltrim({drawn(SOURCE, padding.ways)}, '{_MORE}') AS INTEGER), 0)"

    def filled(text: str) -> str:
        length = (
            f"length({text}) + CASE WHEN {text} = '' THEN 0 ELSE {number} END"
            if _behind_each(padding.ways)
            else f"greatest({number}, length({text}))"
        )
        wider = f"rpad({text}, CAST({length} AS INTEGER), ' ')"
        if padding.told is None:
            return wider
        return f"CASE WHEN {text} IN ({', '.join(map(quote, sorted(padding.told)))}) THEN {wider} ELSE {text} END"

    return let("filled", text, filled)
