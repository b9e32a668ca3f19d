"""In which of several ways a source writes its cells: in what shares, and what tells them: another column, or the house."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate, groupby
from typing import Final

from claims_sim.privacy.phi import quote
from claims_sim.profile.reading.source import OpenSource
from claims_sim.profile.reading.source_columns import ColumnMapping, Located
from claims_sim.profile.reading.source_sql import canonical_expression, date_expression, key_expression
from claims_sim.profile.texts.admit import NAMES_OF

Shares = Sequence[tuple[str | None, int]]
"""Ways (None: null), each with how many hundredths of the cells are written so or in a way before it."""
ENOUGH: Final = 50  # cells: so many at least show how something is written
_WHOLE: Final = 100
_COARSE, _MANY = 10, 5_000
"""Shares are told in tenths, and but of so many cells in hundredths: how a table writes is told, and nothing of a claim."""
_CLEARLY: Final = 0.05
"""So many more of the pairs of cells must be written alike where another column's values, or the houses, tell them apart."""
_MOST_VALUES: Final = 100
_NEARLY_ALL: Final = 0.9
SOURCE: Final = "source"
"""The salt of ways that go together, whatever their column: who writes the one as a system does writes the other as that does."""
HOUSE: Final = "facility_id"
_MONTH: Final = "strftime({}, '%Y-%m')"
_DATES: Final = ("admit_dt", "discharge_dt")
_STEPS: Final = (1, 2, 5)  # hundredths
_OF_A_PERIOD: Final = 10 * ENOUGH  # cells, as which a period's shares are told in tenths
PLACE_OF_HOUSES: Final = ("province_name", "facility_class", "facility_ownership")
_ITS_PLACE: Final = f"concat_ws('|', {', '.join(PLACE_OF_HOUSES)})"
_HOUSES: Final = 3
"""So many houses are made up for each place that a claim of ours has without a house."""
A_HOUSE: Final = f"coalesce(facility_id, concat_ws('|', {_ITS_PLACE}, row % {_HOUSES}))"
"""What tells the houses of claims of ours apart, as an expression."""
_SLOT_OF_HOUSE: Final = (
    f"CASE WHEN facility_id IS NOT NULL THEN md5_number_lower(facility_id) ELSE md5_number_lower({_ITS_PLACE}) "
    f"+ {_WHOLE // _HOUSES} * (row % {_HOUSES}) END"
)
"""Houses that are made up for one place are far apart, so that few places show all ways."""


@dataclass(frozen=True, slots=True)
class Ways:
    """The ways of a column; and those of claims with each value of the canonical column `by`, where these differ ("-" of visits).

    By `facility_id`, every house has its own way, and `shares` tell how many have which; `of` then tells how many of the claims until
    the end of a month ("2024-07"), from that of the one before on, where houses change their ways. `at` tells the shares of claims (or
    houses) with values of the columns `places`, of fewer of them where of all of them nothing is told, and () of all; a way comes
    several times there, each with the ways of other columns that go with it.
    """

    shares: Shares
    by: str = ""
    of: Mapping[str | None, Shares] = field(default_factory=dict)
    places: tuple[str, ...] = ()
    at: Mapping[tuple[str | None, ...], Shares] = field(default_factory=dict)
    cells: "Cells | None" = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Cells:
    """Cells of a source and how each is written: expressions of the way, and of which cells count; and the column that they are of."""

    name: str
    way: str
    where: str

    def counted(self, opened: OpenSource, by: str = "''") -> list[tuple[str | None, str | None, int]]:
        """The values of `by`, an expression, and the ways, and how many cells of each of those are written in each of these."""
        return opened.connection.execute(
            f"SELECT {by} AS value, {self.way} AS way, count(*) AS cells FROM {opened.relation} "
            f"WHERE {self.where} GROUP BY ALL ORDER BY value, cells DESC, way"
        ).fetchall()


def read_ways(opened: OpenSource, cells: Cells, located: Mapping[str, Located], mapping: ColumnMapping) -> Ways | None:
    """In which ways cells are written, of ENOUGH cells and more each; of fewer but the commonest, where there is no other.

    None where there are no such cells.
    """
    counted = cells.counted(opened)
    if not counted:
        return None
    shares = _shares(counted)
    told = _told(opened, cells, located, mapping, counted) if len(shares) > 1 else None
    return replace(told or Ways(shares), cells=cells)


def _shares(cells: Sequence[tuple[str | None, str | None, int]]) -> list[tuple[str | None, int]]:
    common = [(way, count) for _, way, count in cells if count >= ENOUGH] or [
        (way, count) for _, way, count in cells[:1]
    ]
    upto = list(accumulate(count for _, count in common))
    unit = 1 if upto[-1] >= _MANY else _COARSE
    return [
        (way, unit * round(_WHOLE / unit * so_far / upto[-1])) for (way, _), so_far in zip(common, upto, strict=True)
    ]


def _told(
    opened: OpenSource,
    cells: Cells,
    located: Mapping[str, Located],
    mapping: ColumnMapping,
    counted: Sequence[tuple[str | None, str | None, int]],
) -> Ways | None:
    """The ways by the column, or the houses, that tell them best; None where none tells clearly more than all cells together."""
    shares, best, most = _shares(counted), None, _alike([counted]) + _CLEARLY
    for other, column in located.items():
        if other == cells.name or column.kind != "text" or other in NAMES_OF:
            continue
        by = canonical_expression(other, column, located, mapping, opened.relation)
        counted_by = cells.counted(opened, by)
        values = {value: list(own) for value, own in groupby(counted_by, lambda cell: cell[0])}
        alike = _alike(values.values())
        if len(values) <= _MOST_VALUES and alike > most:
            best, most = Ways(shares, other, _of_values(counted_by)), alike
    if HOUSE in located:
        alike = _alike_in_houses(opened, cells, located[HOUSE])
        if alike >= _NEARLY_ALL and (best is None or alike > most + _CLEARLY):
            return Ways(shares, HOUSE)
        month = _month(located)
        alike = _alike_in_houses(opened, cells, located[HOUSE], month) if month else 0.0
        if alike >= _NEARLY_ALL and alike > most + (0 if best is None else _CLEARLY):
            return Ways(shares, HOUSE, _of_periods(cells.counted(opened, month), [way for way, _ in shares]))
    return best


def _of_periods(
    cells: Sequence[tuple[str | None, str | None, int]], ways: Sequence[str | None]
) -> dict[str | None, Shares]:
    """The shares of the `ways`, always in their order, of the cells of each period, by its last month: of a month where that has enough.

    They are told in steps of ENOUGH cells at least. What has no month tells of none.
    """
    periods: list[tuple[str, dict[str | None, int]]] = []
    for month, own in groupby((cell for cell in cells if cell[0] is not None), lambda cell: cell[0]):
        if not periods or sum(periods[-1][1].values()) >= _OF_A_PERIOD:
            periods.append(("", dict.fromkeys(ways, 0)))
        for _, way, count in own:
            if way in periods[-1][1]:
                periods[-1][1][way] += count
        periods[-1] = (str(month), periods[-1][1])
    if len(periods) > 1 and sum(periods[-1][1].values()) < _OF_A_PERIOD:
        (_, before), (end, last) = periods[-2:]
        periods[-2:] = [(end, {way: before[way] + last[way] for way in ways})]
    found: dict[str | None, Shares] = {}
    for end, counts in periods:
        upto = list(accumulate(counts.values()))
        if not upto[-1]:
            continue
        step = next((step for step in _STEPS if step * upto[-1] >= _WHOLE * ENOUGH), _COARSE)
        found[end] = [
            (way, min(step * round(_WHOLE * n / upto[-1] / step), _WHOLE)) for way, n in zip(ways, upto, strict=True)
        ]
        found[end] = [*found[end][:-1], (ways[-1], _WHOLE)]
    return found


def shares_of(ways: Sequence[tuple[str | None, float]]) -> Shares:
    """How many hundredths of cells are in each of the ways or in one before it, in steps of ENOUGH cells at least; the ways in order."""
    upto = list(accumulate(cells for _, cells in ways))
    step = next((step for step in _STEPS if step * upto[-1] >= _WHOLE * ENOUGH), _COARSE)
    told = [step * round(_WHOLE * so_far / upto[-1] / step) for so_far in upto]
    told[-1] = _WHOLE
    found: list[tuple[str | None, int]] = []
    for (way, _), end in zip(ways, told, strict=True):
        if end == (found[-1][1] if found else 0):
            continue
        if found and found[-1][0] == way:
            found.pop()
        found.append((way, end))
    return found


def _of_values(cells: Sequence[tuple[str | None, str | None, int]]) -> dict[str | None, Shares]:
    """The shares of the cells with each value that ENOUGH of them have."""
    values = {value: list(own) for value, own in groupby(cells, lambda cell: cell[0])}
    return {value: _shares(own) for value, own in values.items() if sum(count for *_, count in own) >= ENOUGH}


def _month(located: Mapping[str, Located]) -> str:
    """The expression of a claim's month; empty where no column tells one."""
    dates = [date_expression(located[name]) for name in _DATES if name in located]
    return _MONTH.format(f"coalesce({', '.join(dates)})") if dates else ""


def _alike(groups: Iterable[Sequence[tuple[str | None, str | None, int]]]) -> float:
    return share_alike([[count for *_, count in own] for own in groups])


def share_alike(groups: Sequence[Sequence[int]]) -> float:
    """Of pairs of cells of one group, which share is written alike; 0 where there are none. Each group: how many cells are in which way."""
    pairs = [(own, sum(own)) for own in groups]
    alike = sum(sum(count * (count - 1) for count in counts) / (whole - 1) for counts, whole in pairs if whole > 1)
    return alike / max(sum(whole for _, whole in pairs if whole > 1), 1)


def _alike_in_houses(opened: OpenSource, cells: Cells, house: Located, month: str = "''") -> float:
    """The same of houses; of a house's claims of a month, where the expression of one is given."""
    by_house = f"SELECT {key_expression(house)} AS house, {month} AS month, {cells.way} AS way, count(*) AS cells FROM {opened.relation}"
    row = opened.connection.execute(
        f"SELECT sum(alike) / sum(whole) FROM (SELECT sum(cells * (cells - 1)) / (sum(cells) - 1) AS alike, sum(cells) AS whole FROM "
        f"({by_house} WHERE {cells.where} GROUP BY ALL) WHERE house IS NOT NULL GROUP BY house, month HAVING whole > 1)"
    ).fetchone()
    return float(row[0] or 0) if row else 0.0


def drawn(salt: str, ways: Ways, but: Mapping[str, str] | None = None) -> str:
    """An expression: the way of each claim of ours, by its `row` number and `salt` or by its house, of all `but` some."""
    place = f"({_SLOT_OF_HOUSE if ways.by == HOUSE else f'md5_number_lower({quote(salt)} || row)'}) % {_WHOLE}"
    if ways.at:
        deepest = sorted(ways.at.items(), key=lambda told: -len(told[0]))
        told = [(_is_at(ways.places, values), _drawn(place, shares, but or {})) for values, shares in deepest if values]
        listed = " ".join(f"WHEN {is_there} THEN {way}" for is_there, way in told)
        otherwise = _drawn(place, ways.at[()], but or {})
        return f"CASE {listed} ELSE {otherwise} END" if told else otherwise
    otherwise = _drawn(place, ways.shares, but or {})
    if ways.by == HOUSE and ways.of:
        *ends, last = ways.of
        month = _MONTH.format(f"coalesce({', '.join(_DATES)})")
        cases = f"WHEN {month} IS NULL THEN {otherwise} " + " ".join(
            f"WHEN {month} <= {quote(str(end))} THEN {_drawn(place, ways.of[end], but or {})}" for end in ends
        )
        return f"CASE {cases} ELSE {_drawn(place, ways.of[last], but or {})} END"
    cases = " ".join(
        f"WHEN {ways.by} {'IS NULL' if value is None else f'= {quote(value)}'} THEN {_drawn(place, shares, but or {})}"
        for value, shares in ways.of.items()
    )
    return f"CASE {cases} ELSE {otherwise} END" if cases else otherwise


def _is_at(columns: Sequence[str], values: Sequence[str | None]) -> str:
    """An expression: whether a claim of ours has the values, the first one of the first column and so on."""
    return " AND ".join(
        f"{name} IS NULL" if value is None else f"{name} = {quote(value)}"
        for name, value in zip(columns, values, strict=False)
    )


def _drawn(place: str, shares: Shares, but: Mapping[str, str]) -> str:
    ways = [("NULL" if way is None else quote(way), upto) for way, upto in shares if way not in but]
    if not ways:
        return "NULL"
    *cases, (last, _) = ways
    listed = " ".join(f"WHEN {place} < {upto} THEN {way}" for way, upto in cases)
    return f"CASE {listed} ELSE {last} END" if cases else last
