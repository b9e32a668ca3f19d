"""How a source writes amounts as text: "1.234.500", "Rp 1.234.500,00", "12 345,67", "1,234.50 EUR"."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from claims_sim.privacy.phi import quote
from claims_sim.profile.reading.source import OpenSource
from claims_sim.profile.reading.source_columns import ColumnMapping, Located
from claims_sim.profile.reading.source_sql import AMOUNT_WITH_SIGN, GAPS, quote_identifier, text_expression
from claims_sim.profile.writing.ways_written import Cells, Ways, drawn, read_ways

_PARTS: Final = f"^-?([^0-9-]*)-?([0-9](?:[0-9.,{GAPS}]*[0-9])?)([^0-9]*)$"
_GAPS: Final = " \N{NO-BREAK SPACE}\N{THIN SPACE}\N{NARROW NO-BREAK SPACE}'’"
_WHOLE: Final = "^-?[0-9]+([.]00?)?$"
_GROUP: Final = 3
_NEARLY_ALL: Final = 0.95
_SHOWN: Final = 50  # amounts: so many at least show a currency
_MOST_DECIMALS: Final = 2
_CLAIMED: Final = "amount_claimed"
_LEFT: Final = {"amount_gap": "amount_paid", "amount_paid": "amount_gap"}
"""What may be left of what is claimed, and of which other amount it is that."""
_BARE: Final = "bare"


class _Number(NamedTuple):
    """Amounts whose digits and marks are alike: 9.9,9 for 1.234,50; with so many digits behind the last mark."""

    shape: str
    last: int
    amounts: int


@dataclass(frozen=True, slots=True)
class MoneyForm:
    """What stands before and behind an amount, parts its thousands and its decimals, and how many of these it has (None: as many as it
    needs, of hundredths). A minus stands by the number, or first of all: -Rp 20.
    """  # noqa: D205

    before: str = ""
    thousands: str = ""
    point: str = "."
    decimals: int | None = None
    behind: str = ""
    minus_first: bool = False

    def written(self, amount: str) -> str:
        """The expression of an amount, a number, as text; null stays null."""
        size = f"abs({amount})" if self.minus_first else amount
        number = self._number(size, _MOST_DECIMALS if self.decimals is None else self.decimals)
        if self.decimals is None:
            number = f"CASE WHEN {amount} = round({amount}) THEN {self._number(size, 0)} ELSE {number} END"
        minus = f"CASE WHEN {amount} < 0 THEN '-' ELSE '' END || " if self.minus_first else ""
        return f"{minus}{quote(self.before)} || {number} || {quote(self.behind)}"

    def _number(self, amount: str, decimals: int) -> str:
        text = f"format('{{:,.{decimals}f}}', CAST({amount} AS DOUBLE))"
        if not self.thousands:
            text = f"replace({text}, ',', '')"
        return f"translate({text}, ',.', {quote((self.thousands or ',') + self.point)})"


def whole_numbers(
    opened: OpenSource, located: Mapping[str, Located], mapping: ColumnMapping, written: Mapping[str, MoneyForm]
) -> dict[str, Ways]:
    """What stands behind whole numbers in columns of texts that have no form of `written`: nothing, .0 or .00, where some have that."""
    found = {}
    for name, column in located.items():
        if column.kind != "number" or column.type != "VARCHAR" or name in written:
            continue
        text = text_expression(column)
        cells = Cells(name, f"regexp_extract({text}, '[.]00?$')", f"regexp_matches({text}, {quote(_WHOLE)})")
        ways = read_ways(opened, cells, located, mapping)
        if ways and any(way != "" for way, _ in ways.shares):
            found[name] = ways
    return found


def bare_differences(opened: OpenSource, located: Mapping[str, Located], mapping: ColumnMapping) -> dict[str, Ways]:
    """Whether doubles are what is left of two others bit by bit (1000.1 - 900.0 is 100.10000000000002) or rounded to the cent: of the
    gap, or else of what is paid.
    """  # noqa: D205
    amounts = {name: located[name] for name in (_CLAIMED, *_LEFT) if name in located}
    if len(amounts) <= len(_LEFT) or any(column.type != "DOUBLE" or column.negative for column in amounts.values()):
        return {}
    written = {name: quote_identifier(column.theirs) for name, column in amounts.items()}
    for name, other in _LEFT.items():
        left, value = f"({written[_CLAIMED]} - {written[other]})", written[name]
        tells = f"{left} <> round({left}, 2) AND round({left}, 2) = round({value}, 2)"
        cells = Cells(name, f"CASE WHEN {value} = {left} THEN '{_BARE}' ELSE '' END", tells)
        ways = read_ways(opened, cells, located, mapping)
        if ways and any(way == _BARE for way, _ in ways.shares):
            return {name: ways}
    return {}


def left_bare(name: str, ways: Ways) -> str:
    """The expression of an amount of ours that is what is left of two others, as bare as the source has it."""
    left = f"({_CLAIMED} - {_LEFT[name]})"
    return f"CASE WHEN {drawn(name, ways)} = '{_BARE}' AND round({left}, 2) = {name} THEN {left} ELSE {name} END"


def money_form(opened: OpenSource, column: Located, *, comma_is_point: bool) -> MoneyForm | None:
    """The form that most amounts of a column of texts have; None where it is that of plain numbers."""
    text = text_expression(column)
    before, number, behind = (f"regexp_extract({text}, {quote(_PARTS)}, {group})" for group in (1, 2, 3))
    rows = opened.connection.execute(
        f"SELECT {before}, {behind}, starts_with({text}, '-'), regexp_replace({number}, '[0-9]+', '9', 'g'), "
        f"length(regexp_extract({number}, '[0-9]+$')), count(*) "
        f"FROM {opened.relation} WHERE regexp_full_match({text}, {quote(AMOUNT_WITH_SIGN)}) GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    around = Counter[tuple[str, str]]()
    for row in rows:
        around[row[0], row[1]] += row[-1]
    if not around:
        return None
    sign, shown = max(around.items(), key=lambda pair: (pair[1], pair[0]))
    if any(sign) and shown < _SHOWN:
        return None
    of_sign = [row[2:] for row in rows if row[:2] == sign]
    numbers = [_Number(*row[1:]) for row in of_sign]
    minus_first = bool(sign[0]) and any(is_first for is_first, *_ in of_sign)
    thousands, point = _marks(numbers, has_sign=any(sign), comma_is_point=comma_is_point)
    form = MoneyForm(sign[0], thousands, point, _decimals(numbers, point), sign[1], minus_first)
    return None if form == MoneyForm() else form


def _marks(numbers: Sequence[_Number], *, has_sign: bool, comma_is_point: bool) -> tuple[str, str]:
    """What parts thousands, and what decimals, by what most amounts that can tell say.

    Of a mark that stands twice, or before the other one, it is said that it parts thousands, and of one that stands alone that it parts
    decimals, unless three digits are behind it: then that it parts thousands, but for a dot without a currency (1.234), and for a comma
    where other amounts of the table show that it is a point (`commas_are_points`).
    """
    of_thousands, of_decimals = Counter[str](), Counter[str]()
    for shape, last, amounts in numbers:
        marks = re.sub(f"[^.,{_GAPS}]", "", shape)
        if len(marks) > 1:
            of_thousands[marks[0]] += amounts
            if marks[-1] != marks[0]:
                of_decimals[marks[-1]] += amounts
        elif marks == "," and comma_is_point:
            of_decimals[marks] += amounts
        elif marks and last == _GROUP and (marks == "," or marks in _GAPS or has_sign):
            of_thousands[marks] += amounts
        elif marks and last != _GROUP:
            of_decimals[marks] += amounts
    thousands = max(of_thousands, key=lambda mark: (of_thousands[mark], mark), default="")
    if thousands and of_thousands[thousands] < of_decimals[thousands]:
        thousands = ""
    others = {mark: amounts for mark, amounts in of_decimals.items() if mark != thousands}
    return thousands, max(others, key=lambda mark: (others[mark], mark), default="," if thousands == "." else ".")


def _decimals(numbers: Sequence[_Number], point: str) -> int | None:
    """How many nearly all have; None where these are none, or differ."""
    each = Counter[int]()
    for number in numbers:
        each[number.last if point in number.shape else 0] += number.amounts
    decimals, amounts = max(each.items(), key=lambda pair: pair[1])
    return decimals if decimals and amounts >= _NEARLY_ALL * each.total() else None
