"""How a source writes codes: with dots, and where, with small letters, and whether all of its cells do."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from typing import Final

from claims_sim.privacy.phi import quote
from claims_sim.profile.reading.source import OpenSource
from claims_sim.profile.reading.source_columns import FURTHER, ColumnMapping, Located
from claims_sim.profile.reading.source_sql import (
    CODE_AND_NAME,
    NAMED_CODE,
    NAMED_CODES,
    NO_CODE,
    clean_member,
    members_expression,
    plain_code,
    text_expression,
)
from claims_sim.profile.writing.ways_written import ENOUGH, SOURCE, Cells, Ways, drawn, read_ways

_CODE_PART: Final = "^[^ ]*"
_BEHIND, _AT_HEAD = "[0-9A-Za-z.-]", "(^|[^0-9A-Za-z.-])"
_DOTTED_CODE: Final = r"(?i)(^|[^A-Z0-9.\-])[A-Z0-9]{2,3}\.[0-9A-Z]+($|[^A-Z0-9.\-])"
"""Two or three characters and a dot; 7092.0 is a code that was read as a number, 5-470.11 and 3.OT.20.WA have marks of their own."""
_ANY_DOT, _LONG_CODE = r"[0-9A-Za-z]\.[0-9A-Za-z]", r"(^|[^0-9A-Za-z.\-])[0-9A-Za-z]{4,7}($|[^0-9A-Za-z.\-])"
_SHAPE: Final = "regexp_replace(regexp_replace(upper({}), '[A-Z]', 'A', 'g'), '[0-9]', '9', 'g')"
"""A code's letters and digits, whichever they are: A99 for J18."""
_DOTTED: Final = r"^[0-9A-Z]+(\.[0-9A-Z]+)*"
_A_CODE: Final = "[0-9A-Za-z./+*†_-]*[0-9][0-9A-Za-z./+*†_-]*"
_PLAIN, _SMALL = "plain", "small"
_SOME: Final = 0.02
"""Where a smaller share of the codes is written in another way, that is not told."""
_A_QUARTER: Final = 0.25
_NEARLY_ALL: Final = 0.9
_A_FEW: Final = 10  # claims of a code, which show that it is written in one way


@dataclass(frozen=True, slots=True)
class CodeForm:
    """How codes of a column are written: whether `dotted`, at the usual place; of other shapes, behind how many characters their `dots`
    are; from which place on they have `small` letters (0: all, 1: behind the first); whether they are `named`, with their name behind them.

    Where cells differ, `ways` tell which are "plain" (without dots) or "small", the shapes `with_dots` always excepted.
    """  # noqa: D205

    name: str
    dotted: bool = False
    dots: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    small: int | None = None
    named: bool = False
    ways: Ways | None = None
    with_dots: Sequence[str] = ()

    def written(self, code: str) -> str:
        """The expression of a code, which has no dots, as the column writes it; what is no code (a name in its place) is left alone."""
        text = self._written(code)
        return (
            code
            if text == code
            else f"CASE WHEN regexp_full_match({code}, {quote(_A_CODE)}) THEN {text} ELSE {code} END"
        )

    def _written(self, code: str) -> str:
        way = drawn(SOURCE, self.ways) if self.ways else ""
        text = self._dotted(code) if self.dots or self.dotted else code
        if _differs(self.ways, _PLAIN):
            is_plain = f"contains({way}, {quote(_PLAIN)})"
            if self.with_dots:
                is_plain += f" AND {_SHAPE.format(code)} NOT IN ({', '.join(map(quote, self.with_dots))})"
            text = f"CASE WHEN {is_plain} THEN {code} ELSE {text} END"
        if self.small is not None:
            small = f"left({text}, {self.small}) || lower(substr({text}, {self.small + 1}))"
            text = (
                f"CASE WHEN contains({way}, {quote(_SMALL)}) THEN {small} ELSE {text} END"
                if _differs(self.ways, _SMALL)
                else small
            )
        return text

    def _dotted(self, code: str) -> str:
        """A code with its dot, or dots, at the places of codes of its shape or, where `dotted`, the usual one; not one with marks."""
        at = f"CASE WHEN regexp_matches({code}, '^[0-9]{{3}}') THEN {_before_dot(self.name, '999')} ELSE {_before_dot(self.name, '')} END"
        usual = f"CASE WHEN length({code}) > {at} THEN left({code}, {at}) || '.' || substr({code}, {at} + 1) ELSE {code} END"
        text = usual if self.dotted else code
        if self.dots:
            cases = " ".join(f"WHEN {quote(shape)} THEN {_with_dots(code, dots)}" for shape, dots in self.dots.items())
            text = f"CASE {_SHAPE.format(code)} {cases} ELSE {text} END"
        return f"CASE WHEN regexp_matches({code}, '[._-]') THEN {code} ELSE {text} END"


def read_code_forms(opened: OpenSource, located: Mapping[str, Located], mapping: ColumnMapping) -> dict[str, CodeForm]:
    """The form of each column of codes."""
    codes = {name: column for name, column in located.items() if column.kind in ("code", "list") and name != FURTHER}
    return {name: _code_form(opened, name, column, located, mapping) for name, column in codes.items()}


def _code_form(
    opened: OpenSource, name: str, column: Located, located: Mapping[str, Located], mapping: ColumnMapping
) -> CodeForm:
    text, is_code = text_expression(column), column.kind == "code"
    named = 2 * _share(opened, text, CODE_AND_NAME if is_code else NAMED_CODE) >= 1
    if named and not is_code:
        text = f"array_to_string(regexp_extract_all({text}, {quote(NAMED_CODES)}, 1), ';')"
    head = f"regexp_extract({text}, {quote(_CODE_PART)})" if named and is_code else text
    small, either = (f"{_AT_HEAD}[{letters}]" for letters in ("a-z", "A-Za-z"))
    at_head, behind = _share(opened, head, small, either), _share(opened, head, f"{_BEHIND}[a-z]", f"{_BEHIND}[A-Za-z]")
    shapes = _shapes(opened, column, located)
    # Each way in which cells differ: what is written so, and where that can be told.
    differ = {}
    if _is_mixed(at_head):
        differ[_SMALL] = (f"regexp_matches({head}, {quote(small)})", f"regexp_matches({head}, {quote(either)})")
    mixed = [name for name, shape in shapes.items() if shape.mixed]
    are_mixed = sum(shapes[one].claims for one in mixed) > _SOME * sum(shape.claims for shape in shapes.values())
    if is_code and are_mixed:
        written, code = _written(text), plain_code(column)
        is_told = f"replace({written}, '.', '') = {code} AND {_SHAPE.format(code)} IN ({', '.join(map(quote, mixed))})"
        differ[_PLAIN] = (f"NOT contains({written}, '.')", is_told)
    elif are_mixed:
        is_told = f"regexp_matches({text}, {quote(f'{_ANY_DOT}|{_LONG_CODE}')})"
        differ[_PLAIN] = (f"NOT regexp_matches({text}, {quote(_ANY_DOT)})", is_told)
    ways = _ways(opened, name, differ, located, mapping) if differ else None
    has_plain, has_small = _differs(ways, _PLAIN), _differs(ways, _SMALL)
    dotted = _share(opened, text, _DOTTED_CODE) >= (_SOME if has_plain else _A_QUARTER)
    return CodeForm(
        name,
        dotted,
        _dots(name, shapes, dotted),
        0 if has_small or 2 * at_head >= 1 else 1 if 2 * behind >= 1 else None,
        named,
        ways,
        [name for name, shape in shapes.items() if has_plain and shape.has_dots],
    )


def _ways(
    opened: OpenSource,
    name: str,
    differ: Mapping[str, tuple[str, str]],
    located: Mapping[str, Located],
    mapping: ColumnMapping,
) -> Ways | None:
    way = ", ".join(f"CASE WHEN {is_so} THEN {quote(one)} END" for one, (is_so, _) in differ.items())
    cells = Cells(name, f"concat_ws(' ', {way})", " AND ".join(is_told for _, is_told in differ.values()))
    ways = read_ways(opened, cells, located, mapping)
    return ways if ways and len(ways.shares) > 1 else None


def _differs(ways: Ways | None, way: str) -> bool:
    return ways is not None and any(way in str(one) for one, _ in ways.shares)


def _is_mixed(share: float) -> bool:
    return _SOME < share < 1 - _SOME


def _share(opened: OpenSource, text: str, form: str, of: str = "[1-9]") -> float:
    """How many texts the form fits, for each that has the form `of`; 0 where there is none."""
    row = opened.connection.execute(
        f"SELECT count(*) FILTER (regexp_matches({text}, {quote(form)})), count(*) FILTER (regexp_matches({text}, {quote(of)})) "
        f"FROM {opened.relation}"
    ).fetchone()
    return row[0] / row[1] if row and row[1] else 0.0


def _written(text: str) -> str:
    """The code at the head of a text, with its dots."""
    return f"regexp_extract(upper({text}), {quote(_DOTTED)})"


@dataclass(frozen=True, slots=True)
class _Shape:
    """A shape of codes: how many claims have it with dots at which places ({"A99.9": 70, "A999": 9}); whether codes of it are written in
    several ways, with dots and without.
    """  # noqa: D205

    forms: Mapping[str, int]
    mixed: bool

    @property
    def claims(self) -> int:
        return sum(self.forms.values())

    @property
    def has_dots(self) -> bool:
        """Whether all codes of it have dots."""
        return sum(claims for form, claims in self.forms.items() if "." in form) >= (1 - _SOME) * self.claims


def _shapes(opened: OpenSource, column: Located, located: Mapping[str, Located]) -> dict[str, _Shape]:
    """The shapes that ENOUGH codes of claims have: a column may hold positions of several lists, 7301 beside 39.10 and 83.62.17.

    Those are no several ways of writing: each code has one.
    """
    cells = (
        f"SELECT {plain_code(column)} AS code, {_written(text_expression(column))} AS written FROM {opened.relation}"
    )
    if column.kind == "list":
        members = f"SELECT trim(unnest({members_expression(column, located)})) AS member FROM {opened.relation}"
        cells = f"SELECT {clean_member('member')} AS code, {_written('member')} AS written FROM ({members})"
    by_code = (
        f"SELECT code, {_SHAPE.format('written')} AS form, count(*) AS claims FROM ({cells}) "
        f"WHERE replace(written, '.', '') = code AND code NOT IN ({', '.join(map(quote, NO_CODE))}) GROUP BY ALL"
    )
    by_code = (
        f"SELECT *, sum(claims) OVER (PARTITION BY code) AS whole, "
        f"sum(claims) OVER (PARTITION BY code, contains(form, '.')) AS alike FROM ({by_code})"
    )
    rows = opened.connection.execute(
        f"SELECT {_SHAPE.format('code')} AS shape, form, sum(claims), "
        f"sum(claims) FILTER (whole >= {_A_FEW} AND alike >= {1 - _SOME} * whole), sum(claims) FILTER (whole >= {_A_FEW}) "
        f"FROM ({by_code}) GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    found = {}
    for shape, of_shape in groupby(rows, lambda row: row[0]):
        forms, own_way, told = {}, 0, 0
        for _, form, claims, in_one, of_some in of_shape:
            forms[form], own_way, told = int(claims), own_way + (in_one or 0), told + (of_some or 0)
        dotted = sum(claims for form, claims in forms.items() if "." in form)
        if (claims := sum(forms.values())) >= ENOUGH:
            is_by_code = told > 0 and own_way > _NEARLY_ALL * told
            found[shape] = _Shape(forms, _is_mixed(dotted / claims) and not is_by_code)
    return found


def _dots(name: str, shapes: Mapping[str, _Shape], dotted: bool) -> dict[str, tuple[int, ...]]:
    """Behind how many characters codes of a shape have their dots, where most have them elsewhere than usual; of a shape that some
    write with dots and some without, as most of the former do.
    """  # noqa: D205
    places = {}
    for shape, told in shapes.items():
        usual = _before_dot(name, shape)
        form = max(told.forms, key=lambda form: (told.mixed and "." in form, told.forms[form], form))
        dots = tuple(len(part.replace(".", "")) for part in (form[: m.start()] for m in re.finditer(r"\.", form)))
        if dots != ((usual,) if dotted and usual < len(shape) else ()):
            places[shape] = dots
    return places


def _with_dots(code: str, dots: Sequence[int]) -> str:
    """A code with a dot behind each of so many characters."""
    parts = [f"substr({code}, {begin + 1}, {end - begin})" for begin, end in pairwise((0, *dots))]
    return " || '.' || ".join([*parts, f"substr({code}, {(0, *dots)[-1] + 1})"])


def _before_dot(name: str, shape: str) -> int:
    """Behind how many characters an ICD code usually has its dot: three, or two where a procedure begins with three digits."""
    return 2 if name == "procedure_code" and shape.startswith("999") else 3
