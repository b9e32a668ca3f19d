"""What a source writes where there is no value: which of the marks that are read as none, of which claims."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, groupby
from typing import Final

from claims_sim.privacy.phi import quote
from claims_sim.profile.source import OpenSource
from claims_sim.profile.source_sql import (
    NO_CODE,
    NOTHING,
    ColumnMapping,
    Located,
    canonical_expression,
    quote_identifier,
)

Shares = Sequence[tuple[str | None, int]]
"""Marks (None: null), each with how many tenths of the cells without a value have it or one before it."""
ENOUGH: Final = 50  # cells: so many at least show how something is written
_PARTS: Final = 10
_CLEARLY: Final = 0.05
"""So much larger a share of the cells must hold their commonest mark where another column's values tell them apart."""
_MOST_VALUES: Final = 100


@dataclass(frozen=True, slots=True)
class Marks:
    """The marks of a column; and those of claims with each value of the canonical column `by`, where these differ ("-" of visits)."""

    shares: Shares
    by: str = ""
    of: Mapping[str | None, Shares] = field(default_factory=dict)


def read_marks(opened: OpenSource, located: Mapping[str, Located], mapping: ColumnMapping) -> dict[str, Marks]:
    """What cells without a value hold, column by column; those that have no mark but null are left out.

    In tenths, of ENOUGH cells and more: how a table writes things is told, and nothing of a claim. Of marks that fewer cells hold, only
    the commonest counts, where there is no other.
    """
    found = {}
    for name, column in located.items():
        if column.kind not in ("text", "code", "list") or column.type != "VARCHAR" or column.also:
            continue
        cells = _cells(opened, column)
        shares = _shares(cells)
        if any(mark is not None for mark, _ in shares):
            found[name] = Marks(shares)
        if name in found and len(shares) > 1:
            found[name] = _by_another(opened, name, located, mapping, cells) or found[name]
    return found


def _cells(opened: OpenSource, column: Located, by: str = "''") -> list[tuple[str | None, str | None, int]]:
    """The values of `by`, an expression, and the marks of a column, and how many cells hold each of these with each of those."""
    known = ("", *(NOTHING if column.kind == "text" else NO_CODE))
    text = f"trim({quote_identifier(column.theirs)})"
    return opened.connection.execute(
        f"SELECT {by} AS value, {text} AS mark, count(*) AS cells FROM {opened.relation} "
        f"WHERE {text} IS NULL OR {text} IN ({', '.join(map(quote, known))}) GROUP BY ALL ORDER BY value, cells DESC, mark"
    ).fetchall()


def _shares(cells: Sequence[tuple[str | None, str | None, int]]) -> list[tuple[str | None, int]]:
    common = [(mark, count) for _, mark, count in cells if count >= ENOUGH] or [
        (mark, count) for _, mark, count in cells[:1]
    ]
    upto = list(accumulate(count for _, count in common))
    return [(mark, round(_PARTS * so_far / upto[-1])) for (mark, _), so_far in zip(common, upto, strict=True)]


def _by_another(
    opened: OpenSource,
    name: str,
    located: Mapping[str, Located],
    mapping: ColumnMapping,
    cells: Sequence[tuple[str | None, str | None, int]],
) -> Marks | None:
    """The marks by the column whose values tell most of them; None where none tells clearly more than all cells together."""
    best, most = None, max(count for *_, count in cells) + _CLEARLY * sum(count for *_, count in cells)
    for other, column in located.items():
        if other == name or column.kind != "text":
            continue
        by = canonical_expression(other, column, located, mapping, opened.relation)
        values = {value: list(own) for value, own in groupby(_cells(opened, located[name], by), lambda cell: cell[0])}
        commonest = sum(max(count for *_, count in own) for own in values.values())
        if len(values) <= _MOST_VALUES and commonest > most:
            told = {value: _shares(own) for value, own in values.items() if sum(count for *_, count in own) >= ENOUGH}
            best, most = Marks(_shares(cells), other, told), commonest
    return best


def or_nothing(text: str, name: str, marks: Marks | None, values: Mapping[str, str]) -> str:
    """The expression `text`, or where it is null what is written for nothing, unless the map of `values` says what that is read as."""
    if marks is None:
        return text
    otherwise = _drawn(name, marks.shares, values)
    cases = " ".join(
        f"WHEN {marks.by} {'IS NULL' if value is None else f'= {quote(value)}'} THEN {_drawn(name, shares, values)}"
        for value, shares in marks.of.items()
    )
    return f"coalesce({text}, {f'CASE {cases} ELSE {otherwise} END' if cases else otherwise})"


def _drawn(name: str, shares: Shares, values: Mapping[str, str]) -> str:
    """One of the marks for each row, by its number."""
    marks = [("NULL" if mark is None else quote(mark), upto) for mark, upto in shares if mark not in values]
    if not marks:
        return "NULL"
    *cases, (last, _) = marks
    place = f"md5_number_lower({quote(name)} || row) % {_PARTS}"
    listed = " ".join(f"WHEN {place} < {upto} THEN {mark}" for mark, upto in cases)
    return f"CASE {listed} ELSE {last} END" if cases else last
