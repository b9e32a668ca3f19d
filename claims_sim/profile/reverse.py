"""Claims of ours in the shape of a foreign table: its columns, its types, its values, its ways to write dates and lists.

The reverse of `source_sql`, which reads such a table. Composes text only, and asks of the source nothing but how it
writes: which of a few known forms a text column's dates, lists and codes have.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from claims_sim.codes.places import utc_offset_sql
from claims_sim.privacy.phi import quote
from claims_sim.profile.source import OpenSource
from claims_sim.profile.source_sql import (
    CBG_FORM,
    DATE_FORMS,
    MONTH_FIRST_FORMS,
    ColumnMapping,
    Located,
    text_expression,
)

_ISO_FORMS: Final = (
    "%Y-%m-%d %H:%M:%S",  # the first stands in where none is known
    "%Y-%m-%d",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%dT%H:%M",
    "%Y-%m-%dT%H:%M:%SZ",
    "%Y-%m-%d %H:%M:%S.%f",
    "%Y-%m-%dT%H:%M:%S.%f",
    "%Y-%m-%dT%H:%M:%S.%fZ",
)
_SEPARATORS: Final = (";", "|", ", ", ",", "#", "~", "/", " ")
"""Of two that are as common, the first: what also has a space behind it."""
_JSON: Final = "json"
_FIRST_MADE_UP_DAY, _MADE_UP_DAYS = "1940-01-01", 25_000
CASE_GROUP: Final = "severity_group, in a case group that is made up"
"""The origin of a column of INA-CBG codes: its severities are drawn, the groups have the form only."""
_ENUM: Final = re.compile(r"ENUM\((?:'(?:[^']|'')*'(?:, )?)*\)")
_WHOLE: Final = (
    "TINYINT",
    "SMALLINT",
    "INTEGER",
    "BIGINT",
    "HUGEINT",
    "UTINYINT",
    "USMALLINT",
    "UINTEGER",
    "UBIGINT",
    "UHUGEINT",
)


@dataclass(frozen=True, slots=True)
class Forms:
    """How a source writes, by canonical column: a date as text, a list as text, and which codes it writes with dots.

    `case_groups`: it tells severities as the last part of INA-CBG codes.
    """

    dates: Mapping[str, str]
    lists: Mapping[str, str]
    dotted: frozenset[str]
    case_groups: bool = False


@dataclass(frozen=True, slots=True)
class ForeignColumn:
    """A column of the foreign table: name, type, the expression that fills it, and the canonical column it comes from."""

    name: str
    type: str
    expression: str
    origin: str


def read_forms(opened: OpenSource, located: Mapping[str, Located]) -> Forms:
    """Which known form most values of each text column have; counts are compared here and told to nobody."""
    dates, lists, dotted = {}, {}, set()
    for name, column in located.items():
        if column.kind == "date" and column.type == "VARCHAR":
            text, forms = text_expression(column), MONTH_FIRST_FORMS if column.month_first else DATE_FORMS
            fits = {form: f"try_strptime({text}, {quote(form)}) IS NOT NULL" for form in (*_ISO_FORMS, *forms)}
            dates[name] = _most(opened, fits)
        elif column.kind == "list" and not column.type.endswith("]") and not column.also:
            text = text_expression(column)
            fits = {_JSON: f"starts_with({text}, '[')"} | {s: f"contains({text}, {quote(s)})" for s in _SEPARATORS}
            lists[name] = _most(opened, fits, otherwise=_SEPARATORS[0])
        if column.kind in ("code", "list"):
            # Two or three characters and a dot; 7092.0 is a code that was read as a number, 5-470.11 and 3.OT.20.WA have marks of
            # their own.
            text, dotted_code = text_expression(column), "(^|[^A-Z0-9.\\-])[A-Z0-9]{2,3}\\.[0-9A-Z]"
            row = opened.connection.execute(
                f"SELECT count(*) FILTER (regexp_matches({text}, {quote(dotted_code)})) * 4 >= count({text}) FROM {opened.relation}"
            ).fetchone()
            if row is not None and row[0]:
                dotted.add(name)
    return Forms(dates, lists, frozenset(dotted), _has_case_groups(opened, located))


def _has_case_groups(opened: OpenSource, located: Mapping[str, Located]) -> bool:
    if "severity_group" not in located:
        return False
    text = text_expression(located["severity_group"])
    row = opened.connection.execute(
        f"SELECT count(*) FILTER (regexp_matches({text}, {quote(CBG_FORM)})) * 2 > count({text}) FROM {opened.relation}"
    ).fetchone()
    return bool(row and row[0])


def _most(opened: OpenSource, fits: Mapping[str, str], otherwise: str | None = None) -> str:
    """What most rows fit, of equal ones the first; or else, where there is such a thing, what stands for none."""
    counts = ", ".join(f"count(*) FILTER ({condition})" for condition in fits.values())
    row = opened.connection.execute(f"SELECT {counts} FROM {opened.relation}").fetchone() or ()
    best, rows = max(zip(fits, row, strict=True), key=lambda pair: pair[1])
    return best if rows or otherwise is None else otherwise


def foreign_columns(
    types: Mapping[str, str],
    located: Mapping[str, Located],
    mapping: ColumnMapping,
    forms: Forms,
    fill: Mapping[str, str],
) -> list[ForeignColumn]:
    """The columns of the foreign table, in its order, each as an expression over flat claims and their `row` number.

    What no claim of ours holds is null, or what `fill` says (an expression for each of their columns).
    """
    # What else is read from a part of a key says what it holds.
    keys_first = sorted(located.items(), key=lambda found: found[1].kind != "hash")
    ours = {theirs: name for name, column in keys_first for theirs in (column.theirs, *column.also)}
    wanted_id = mapping.columns.get("claim_id", "claim_id").lower()
    columns = []
    for theirs, kind in types.items():
        type_ = _ENUM.sub("VARCHAR", kind)  # the values of an enumeration are data
        if theirs in fill:
            columns.append(ForeignColumn(theirs, type_, f"CAST(({fill[theirs]}) AS {type_})", "filled"))
        elif theirs.lower() == wanted_id:
            columns.append(ForeignColumn(theirs, type_, _identity("claim_id", "row", type_), "claim_id"))
        elif theirs in ours:
            name = ours[theirs]
            written = (
                _member(name, (located[name].theirs, *located[name].also).index(theirs), type_, forms)
                if located[name].also and located[name].kind == "list"
                else _written(name, located[name], type_, mapping.values.get(name, {}), forms)
            )
            made_up = name == "severity_group" and forms.case_groups
            columns.append(ForeignColumn(theirs, type_, written, CASE_GROUP if made_up else name))
        else:
            columns.append(ForeignColumn(theirs, type_, f"CAST(NULL AS {type_})", ""))
    return columns


def _written(name: str, column: Located, type_: str, values: Mapping[str, str], forms: Forms) -> str:
    """A canonical column as the foreign table writes it."""
    if name == "facility_id":
        place = "concat_ws('|', province_name, facility_class, facility_ownership, row % 3)"
        return _identity(
            f"coalesce(facility_id, 'SIM-F-' || left(md5({place}), 12))",
            f"md5_number_lower(coalesce(facility_id, {place}))",
            type_,
        )
    if name == "patient_id_hash":
        # Some people have several claims; who they are is invented.
        return _identity(
            "coalesce(patient_id_hash, 'SIM-P-' || person)",
            "coalesce(md5_number_lower(patient_id_hash), person)",
            type_,
        )
    if name == "claim_weight":
        # Where no weight may be told at all, every claim counts once.
        return f"CAST(coalesce(claim_weight, CASE WHEN count(claim_weight) OVER () = 0 THEN 1 END) AS {type_})"
    if column.kind == "date":
        return _date(name, type_, forms)
    if column.kind == "list":
        return _list(name, type_, forms)
    text = _dotted(name) if name in forms.dotted else name
    if column.kind == "number":
        text = _number(name, type_)
    if values:
        back = {mine: theirs for theirs, mine in reversed(list(values.items()))}  # of several, the first
        cases = " ".join(f"WHEN {quote(mine)} THEN {quote(theirs)}" for mine, theirs in back.items())
        text = f"CASE CAST({text} AS VARCHAR) {cases} ELSE CAST({text} AS VARCHAR) END"
    if name == "severity_group" and forms.case_groups:
        text = _case_group(text)
    return f"CAST({text} AS {type_})"


def _case_group(level: str) -> str:
    """A code with the form of INA-CBG's: chapter of the diagnosis, 4 for a stay and 5 for none, a made-up number, severity.

    Its number is below 10, so that made-up groups are few and easily told; it follows from the diagnosis, never from the source.
    """
    letter = "translate(left(dx_primary_code, 1), 'BRTUVWXY', 'AZSZSSSS')"
    chapter = f"CASE WHEN regexp_matches(dx_primary_code, '^[A-Z]') THEN {letter} ELSE 'Z' END"
    number = "'0' || md5_number_lower(left(dx_primary_code, 3)) % 10"
    known = f"CASE WHEN {level} IN ('0', 'I', 'II', 'III', 'X') THEN {level} ELSE '0' END"
    made_up = (
        f"concat_ws('-', {chapter}, CASE WHEN service_type = 'RITL' OR los > 0 THEN 4 ELSE 5 END, {number}, {known})"
    )
    return f"CASE WHEN {level} IS NOT NULL THEN {made_up} END"


def _identity(text: str, number: str, type_: str) -> str:
    """A made-up identity in a column that may hold text, numbers, UUIDs or, as a part of a key, days such as those of birth."""
    if type_.startswith(("DATE", "TIMESTAMP")):
        return f"CAST(DATE '{_FIRST_MADE_UP_DAY}' + CAST({number} % {_MADE_UP_DAYS} AS INTEGER) AS {type_})"
    if type_ == "BOOLEAN":
        return f"({number} % 2 = 0)"
    if type_ == "UUID":
        return f"CAST(md5({text}) AS UUID)"
    if type_.startswith((*_WHOLE, "DECIMAL", "DOUBLE", "FLOAT")):
        most = {"TINYINT": 127, "UTINYINT": 255, "SMALLINT": 32_767, "USMALLINT": 65_535}.get(type_, 2_147_483_647)
        digits = re.fullmatch(r"DECIMAL\((\d+),(\d+)\)", type_)
        if digits:
            most = min(most, 10 ** (int(digits[1]) - int(digits[2])) - 1)
        return f"CAST({number} % {max(most, 1)} AS {type_})"
    return f"CAST({text} AS {type_})"


def _date(name: str, type_: str, forms: Forms) -> str:
    if type_ == "TIMESTAMP WITH TIME ZONE":
        return f"CAST({name} - {utc_offset_sql('province_name')} * INTERVAL 1 HOUR AS TIMESTAMP WITH TIME ZONE)"
    if type_ == "VARCHAR":
        return f"strftime({name}, {quote(forms.dates[name])})"
    return f"CAST({name} AS {type_})"


def _list(name: str, type_: str, forms: Forms) -> str:
    codes = f"list_transform({name}, lambda c: {_dotted('c')})" if name in forms.dotted else name
    if type_.endswith("[]"):
        return f"CAST({codes} AS {type_})"
    if forms.lists[name] == _JSON:
        return f"CAST(to_json(coalesce({codes}, [])) AS {type_})"
    return f"CAST(array_to_string({codes}, {quote(forms.lists[name])}) AS {type_})"


def _member(name: str, place: int, type_: str, forms: Forms) -> str:
    """The code at a place of a list that the foreign table spreads over columns; null where the list is shorter."""
    code = f"{name}[{place + 1}]"
    return f"CAST({_dotted(code) if name in forms.dotted else code} AS {type_})"


def _dotted(code: str) -> str:
    """An ICD code with its dot: after three characters, of a procedure (all digits) after two. One that has marks of its own stays."""
    at = f"CASE WHEN regexp_matches({code}, '^[0-9]+$') THEN 2 ELSE 3 END"
    dotted = f"left({code}, {at}) || '.' || substr({code}, {at} + 1)"
    return f"CASE WHEN length({code}) > {at} AND NOT regexp_matches({code}, '[.-]') THEN {dotted} ELSE {code} END"


def _number(name: str, type_: str) -> str:
    """A number; as text it has no needless decimals."""
    if type_ != "VARCHAR":
        return name
    return f"CASE WHEN {name} = trunc({name}) THEN CAST(CAST({name} AS BIGINT) AS VARCHAR) ELSE CAST({name} AS VARCHAR) END"
