"""Claims of ours in the shape of a foreign table: its columns, its types, its values, its ways to write dates and lists.

The reverse of `source_sql`, which reads such a table. Composes text only, and asks of the source nothing but how it
writes: which of a few known forms a text column's dates, lists and codes have.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

import duckdb

from claims_sim.codes.places import utc_offset_sql
from claims_sim.privacy.phi import quote
from claims_sim.profile.reading.behind_codes import has_case_groups
from claims_sim.profile.reading.buddhist_years import AHEAD
from claims_sim.profile.reading.diagnosis_count import counts_all
from claims_sim.profile.reading.source import OpenSource
from claims_sim.profile.reading.source_columns import CASE_GROUP, FURTHER, ColumnMapping, Located
from claims_sim.profile.reading.source_sql import (
    MONEY,
    NAMED_CODE,
    commas_are_points,
    date_expression,
    has_first,
    quote_identifier,
    text_expression,
)
from claims_sim.profile.texts.admit import NAMES_OF
from claims_sim.profile.writing.codes_written import CodeForm, read_code_forms
from claims_sim.profile.writing.dates_written import DateForm, most_fit, read_date_forms
from claims_sim.profile.writing.letters_written import LabelLetters, in_their_letters, read_letters
from claims_sim.profile.writing.money_written import MoneyForm, bare_differences, left_bare, money_form, whole_numbers
from claims_sim.profile.writing.nothing_written import EMPTY_LIST, or_nothing, read_marks
from claims_sim.profile.writing.padding_written import Padding, padded, read_padding
from claims_sim.profile.writing.spellings_written import read_spellings, spelled_out
from claims_sim.profile.writing.ways_written import A_HOUSE, ENOUGH, SOURCE, Ways, drawn
from claims_sim.profile.writing.written_together import ways_together

BEHIND_THE_FIRST: Final = {"dx_primary_code": "dx_secondary_codes", "procedure_code": FURTHER}
"""The columns of codes, and those of what else a claim has, which one column may hold together."""
_SEPARATORS: Final = (";", "|", ", ", ",", "#", "~", "/", " ")
"""Of two that are as common, the first: what also has a space behind it."""
_JSON: Final = "json"
_BEFORE_NAME: Final = " - "
"""Between a code and its name, where a column holds both."""
_LOOKED_AT, _MOST_LOOKED_AT, _LONGEST_TEXT = "claims_whose_form_is_read", 100_000, 1_000
_MOST_DECIMALS, _MANY_DECIMALS, _NEARLY_ALL = 6, 9, 0.95
_AN_HOUR: Final = 1 / 24  # days
_SELDOM: Final = 0.01
"""The share of a column's dates that may have a time where it is one of days."""
_MOST: Final = {
    "TINYINT": 127,
    "UTINYINT": 255,
    "SMALLINT": 32_767,
    "USMALLINT": 65_535,
    "INTEGER": 2_147_483_647,
    "UINTEGER": 4_294_967_295,
    "FLOAT": 16_777_215,
    "BIGINT": 9_007_199_254_740_991,  # what a DOUBLE still holds
}
"""The largest number of a type that is an identity: those that are made up are of the last tenth, where real ones hardly are."""
_FEW_NUMBERS: Final = 1_000_000
_FIRST_MADE_UP_DAY, _MADE_UP_DAYS = "1940-01-01", 25_000
_NAME_OF: Final = {code: name for name, code in NAMES_OF.items()}
MADE_UP_GROUP: Final = "severity_group, behind a case group that is made up"
"""The origin of a column of INA-CBG codes where the profile tells no groups: its severities are drawn, the groups have the form only."""
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
    """How a source writes, by canonical column: a date as text or number, a list as text, and codes.

    `nothing`: what is written where there is no value. `decimals`: how many a stay has, that is as long as its hours make it; none
    where it is of whole days. `of_weights`: how many a sampling weight has, None where many. `money`: how amounts are written as text,
    where not as plain numbers; `whole`: what stands behind whole numbers in texts. `bare`: whether what is left of two amounts is rounded.
    `padded`: how texts are filled with blanks. `spelled`: how values that the map reads as one are.
    `letters`: in which letters labels are. `case_groups`: it tells severities as the last part of INA-CBG codes; `tells_groups`: claims
    have groups for these. `counts_all`: it counts the primary diagnosis among comorbidities. `days_alone`: dates that have no time there.
    `names`: of codes, for lists that have them behind these.
    """

    dates: Mapping[str, DateForm]
    lists: Mapping[str, str]
    codes: Mapping[str, CodeForm]
    nothing: Mapping[str, Ways]
    decimals: int = 0
    of_weights: int | None = None
    money: Mapping[str, MoneyForm] = field(default_factory=dict)
    whole: Mapping[str, Ways] = field(default_factory=dict)
    bare: Mapping[str, Ways] = field(default_factory=dict)
    padded: Mapping[str, Padding] = field(default_factory=dict)
    spelled: Mapping[str, Mapping[str, Ways]] = field(default_factory=dict)
    letters: Mapping[str, LabelLetters] = field(default_factory=dict)
    case_groups: bool = False
    counts_all: bool = False
    days_alone: frozenset[str] = frozenset()
    names: Mapping[str, str] = field(default_factory=dict)
    tells_groups: bool = False


@dataclass(frozen=True, slots=True)
class ForeignColumn:
    """A column of the foreign table: name, type, the expression that fills it, and the canonical column it comes from."""

    name: str
    type: str
    expression: str
    origin: str


def read_forms(opened: OpenSource, located: Mapping[str, Located], mapping: ColumnMapping, k: int) -> Forms:
    """Which known form most values of each text column have; counts are compared here, and told only as shares of ways to write."""
    opened, lists = _looked_at(opened, located), {}
    codes = read_code_forms(opened, located, mapping)
    for name, column in located.items():
        if column.kind == "list" and not column.type.endswith("]") and not column.also:
            texts = f"(SELECT {text_expression(column)} AS text, 1 AS cells FROM {opened.relation})"
            between = _between(is_named=name in codes and codes[name].named)
            lists[name] = most_fit(opened, texts, between) or _SEPARATORS[0]
    money = _money(opened, located)
    padding, letters = read_padding(opened, located, mapping, k), read_letters(opened, located, mapping, k)
    whole = whole_numbers(opened, located, mapping, money)
    codes, padding, letters, whole = _together(opened, located, mapping, codes, padding, letters, whole, k)
    return Forms(
        read_date_forms(opened, located),
        lists,
        codes,
        read_marks(opened, located, mapping),
        _decimals_of_stays(opened, located),
        _decimals_of_weights(opened, located),
        money,
        whole,
        bare_differences(opened, located, mapping),
        padding,
        read_spellings(opened, located, mapping),
        letters,
        has_case_groups(opened.connection, opened.relation, located),
        counts_all(opened.connection, opened.relation, located, mapping),
        frozenset(name for name, column in located.items() if column.kind == "date" and _has_no_time(opened, column)),
    )


def _together(
    opened: OpenSource,
    located: Mapping[str, Located],
    mapping: ColumnMapping,
    codes: Mapping[str, CodeForm],
    padding: Mapping[str, Padding],
    letters: Mapping[str, LabelLetters],
    whole: Mapping[str, Ways],
    k: int,
) -> tuple[dict[str, CodeForm], dict[str, Padding], dict[str, LabelLetters], dict[str, Ways]]:
    """The same forms with the ways of all columns as they are written together."""
    ways = {("code", name): form.ways for name, form in codes.items() if form.ways is not None}
    ways |= {("padding", name): padded.ways for name, padded in padding.items()}
    ways |= {("letters", name): letter.ways for name, letter in letters.items()}
    ways |= {("whole numbers", name): one for name, one in whole.items()}
    found = ways_together(opened, located, mapping, ways, k)
    return (
        {name: replace(form, ways=found.get(("code", name))) for name, form in codes.items()},
        {name: replace(form, ways=found["padding", name]) for name, form in padding.items()},
        {name: replace(form, ways=found["letters", name]) for name, form in letters.items()},
        {name: found["whole numbers", name] for name in whole},
    )


def _between(*, is_named: bool) -> dict[str, str]:
    """What may stand between the codes of a list, and what shows it; names behind these have commas and blanks, too."""
    if is_named:
        parts = [part for part in _SEPARATORS if part == part.strip()]
        behind = NAMED_CODE.removeprefix("^")
        shown = {f"{part} ": f"{re.escape(part)} {behind}" for part in parts}
        shown |= {part: f"{re.escape(part)} *{behind}" for part in parts}
        return {part: f"regexp_matches(text, {quote(form)})" for part, form in shown.items()}
    return {_JSON: "starts_with(text, '[')"} | {part: f"contains(text, {quote(part)})" for part in _SEPARATORS}


def _looked_at(opened: OpenSource, located: Mapping[str, Located]) -> OpenSource:
    """So many of the claims as show how the table is written, drawn at random where there are more."""
    names = sorted({theirs for column in located.values() for theirs in (column.theirs, *column.also)})
    # Long texts are no form of anything that is written, and would fill the memory.
    columns = [
        f"left({name}, {_LONGEST_TEXT}) AS {name}" if opened.types.get(theirs) == "VARCHAR" else name
        for theirs, name in zip(names, map(quote_identifier, names), strict=True)
    ]
    opened.connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {_LOOKED_AT} AS SELECT * FROM (SELECT {', '.join(columns)} FROM {opened.relation}) "
        f"USING SAMPLE reservoir({_MOST_LOOKED_AT} ROWS) REPEATABLE (1)"
    )
    return replace(opened, relation=_LOOKED_AT)


def _has_no_time(opened: OpenSource, column: Located) -> bool:
    """Are there dates, nearly all of them at midnight? A few cells show nothing of a column."""
    if column.type.endswith("TIME ZONE"):
        return False
    date = date_expression(column)
    row = opened.connection.execute(
        f"SELECT count(*) FILTER (CAST({date} AS TIME) <> TIME '00:00:00'), count({date}) FROM {opened.relation}"
    ).fetchone()
    return row is not None and row[1] > 0 and row[0] < min(ENOUGH, _SELDOM * row[1])


def _decimals_of_stays(opened: OpenSource, located: Mapping[str, Located]) -> int:
    """How many decimals nearly all stays have at most, where most are no whole days but as long as from admission to discharge."""
    if any(name not in located or located[name].also for name in ("los", "admit_dt", "discharge_dt")):
        return 0
    los = f"TRY_CAST({text_expression(located['los'])} AS DOUBLE)"
    length = _days_between(date_expression(located["admit_dt"]), date_expression(located["discharge_dt"]))
    row = opened.connection.execute(
        f"SELECT count({los}), count(*) FILTER (abs({los} - {length}) < {_AN_HOUR}), count(*) FILTER ({los} = trunc({los})) "
        f"FROM {opened.relation}"
    ).fetchone()
    assert row is not None  # noqa: S101 - counts are one row
    stays, as_long, whole = row
    return (
        _decimals(opened.connection, los, opened.relation)
        if stays and 2 * whole < stays and 2 * as_long >= stays
        else 0
    )


def _decimals_of_weights(opened: OpenSource, located: Mapping[str, Located]) -> int | None:
    """How many decimals nearly all sampling weights have at most, and all but fractions (1/3) that ENOUGH claims share; None where the
    former have more.
    """  # noqa: D205
    if "claim_weight" not in located:
        return None
    weight = f"TRY_CAST({text_expression(located['claim_weight'])} AS DOUBLE)"
    shared = (
        f"(SELECT {weight} AS weight FROM {opened.relation} WHERE abs({weight} - round({weight}, {_MANY_DECIMALS - 1})) < 1e-9 "
        f"GROUP BY ALL HAVING count(*) >= {ENOUGH})"
    )
    of_all = _decimals(opened.connection, weight, opened.relation, _MANY_DECIMALS)
    of_shared = _decimals(opened.connection, "weight", shared, _MANY_DECIMALS, share=1)
    return max(of_all, of_shared) if of_all < _MANY_DECIMALS else None


def _money(opened: OpenSource, located: Mapping[str, Located]) -> dict[str, MoneyForm]:
    texts = {name: located[name] for name in MONEY if name in located and located[name].type == "VARCHAR"}
    if not texts:
        return {}
    told = commas_are_points([text_expression(column) for column in texts.values()], opened.relation)
    ((comma_is_point,),) = opened.connection.execute(f"SELECT {told}").fetchall()
    forms = {name: money_form(opened, column, comma_is_point=bool(comma_is_point)) for name, column in texts.items()}
    return {name: form for name, form in forms.items() if form is not None}


def _decimals(
    connection: duckdb.DuckDBPyConnection,
    number: str,
    relation: str,
    most: int = _MOST_DECIMALS,
    share: float = _NEARLY_ALL,
) -> int:
    """With how many decimals so large a share of the numbers can be written."""
    fit = [f"count(*) FILTER (abs({number} - round({number}, {n})) < 1e-9)" for n in range(most)]
    row = connection.execute(f"SELECT count({number}), {', '.join(fit)} FROM {relation}").fetchone()
    assert row is not None  # noqa: S101 - counts are one row
    numbers, *counts = row
    return next((n for n, count in enumerate(counts) if count >= share * numbers), most)


def _days_between(first: str, last: str) -> str:
    return f"(epoch({last}) - epoch({first})) / 86400"


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
    # What else is read from a part of a key says what it holds; and a column of all diagnoses is written with the first.
    written_alone = ((name, column) for name, column in located.items() if not column.behind and name != FURTHER)
    by_kind = sorted(
        written_alone,
        key=lambda found: ("hash", "list").index(found[1].kind) if found[1].kind in ("hash", "list") else 2,
    )
    ours = {theirs: name for name, column in by_kind for theirs in (column.theirs, *column.also)}
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
                _member(name, theirs, located, type_, forms)
                if located[name].also and located[name].kind == "list"
                else _written(name, located, type_, mapping.values.get(name, {}), forms)
            )
            written = padded(written, forms.padded.get(name))
            made_up = name == "severity_group" and forms.case_groups and not forms.tells_groups
            columns.append(ForeignColumn(theirs, type_, written, MADE_UP_GROUP if made_up else name))
        else:
            columns.append(ForeignColumn(theirs, type_, f"CAST(NULL AS {type_})", ""))
    return columns


def _written(name: str, located: Mapping[str, Located], type_: str, values: Mapping[str, str], forms: Forms) -> str:
    """A canonical column as the foreign table writes it."""
    column = located[name]
    if name == "facility_id":
        # Where a claim has a place only, some houses are made up for it.
        text = f"coalesce(facility_id, 'SIM-F-' || left(md5({A_HOUSE}), 12))"
        return _identity(text, f"md5_number_lower({A_HOUSE})", type_)
    if name == "patient_id_hash":
        # Some people have several claims; who they are is invented.
        return _identity(
            "coalesce(patient_id_hash, 'SIM-P-' || person)",
            "coalesce(md5_number_lower(patient_id_hash), person)",
            type_,
        )
    if name == "claim_weight":
        # Where no weight may be told at all, every claim counts once.
        weight = (
            "claim_weight"
            if forms.of_weights is None
            else f"coalesce(nullif(round(claim_weight, {forms.of_weights}), 0), claim_weight)"
        )
        return f"CAST(coalesce({weight}, CASE WHEN count(claim_weight) OVER () = 0 THEN 1 END) AS {type_})"
    if column.kind == "date":
        return _date(name, type_, forms, buddhist=column.buddhist)
    if column.kind == "list":
        return _list(name, _all_members(name, column, forms), type_, forms)
    text = forms.codes[name].written(name) if column.kind == "code" else name
    if name in forms.codes and forms.codes[name].named:
        label = _label(name, forms)
        text = f"concat_ws({quote(_BEFORE_NAME)}, {text}, nullif({label}, {name}))"
        text = f"CASE WHEN {name} IS NOT NULL THEN {text} END"
    if column.kind == "number":
        text = _number(name, type_, forms, negative=column.negative)
    text = _in_their_values(text, values, name if column.kind == "code" else "", forms.spelled.get(name, {}))
    text = in_their_letters(text, forms.letters.get(name))
    if name == "severity_group" and forms.case_groups:
        text = _case_group(text)
    others = located.get(BEHIND_THE_FIRST.get(name, ""))
    has_others = others is not None and others.theirs == column.theirs and not others.also
    if column.kind == "code" and (has_others or type_.endswith("]")):
        members = (
            f"list_prepend({text}, {_members(BEHIND_THE_FIRST[name], forms, name)})" if has_others else f"[{text}]"
        )
        codes = f"CASE WHEN {name} IS NOT NULL THEN {members} END"
        return _list(name, codes, type_, forms, BEHIND_THE_FIRST[name])
    return f"CAST({or_nothing(text, name, forms.nothing.get(name), values)} AS {type_})"


def _in_their_values(text: str, values: Mapping[str, str], code: str, spelled: Mapping[str, Ways]) -> str:
    """A text as the map has it; a `code` that is written as one which the map reads as another is written plainly.

    What the map reads as one is written in the ways in which it is `spelled`, else as the first that the map names.
    """
    if not values:
        return text
    if code:
        text = f"CASE WHEN {text} IN ({', '.join(map(quote, values))}) THEN {code} ELSE {text} END"
    back = {mine: theirs for theirs, mine in reversed(list(values.items()))}  # of several, the first
    cases = " ".join(
        f"WHEN {quote(mine)} THEN {spelled_out(theirs, spelled.get(mine))}" for mine, theirs in back.items()
    )
    return f"CASE CAST({text} AS VARCHAR) {cases} ELSE CAST({text} AS VARCHAR) END"


def _case_group(level: str) -> str:
    """INA-CBG's code: the claim's group before its severity. Where no group may be told it is made up: chapter of the diagnosis, 4 for a
    stay and 5 for none, and a number below 10 that follows from the diagnosis, so that made-up groups are few and easily told.
    """  # noqa: D205
    letter = "translate(left(dx_primary_code, 1), 'BRTUVWXY', 'AZSZSSSS')"
    chapter = f"CASE WHEN regexp_matches(dx_primary_code, '^[A-Z]') THEN {letter} ELSE 'Z' END"
    number = "'0' || md5_number_lower(left(dx_primary_code, 3)) % 10"
    known = f"CASE WHEN {level} IN ('0', 'I', 'II', 'III', 'X') THEN {level} ELSE '0' END"
    made_up = f"concat_ws('-', {chapter}, CASE WHEN service_type = 'RITL' OR los > 0 THEN 4 ELSE 5 END, {number})"
    return f"CASE WHEN {level} IS NOT NULL THEN concat_ws('-', coalesce({CASE_GROUP}, {made_up}), {known}) END"


def _identity(text: str, number: str, type_: str) -> str:
    """A made-up identity in a column that may hold text, numbers, UUIDs or, as a part of a key, days such as those of birth."""
    if type_.startswith(("DATE", "TIMESTAMP")):
        return f"CAST(DATE '{_FIRST_MADE_UP_DAY}' + CAST({number} % {_MADE_UP_DAYS} AS INTEGER) AS {type_})"
    if type_ == "BOOLEAN":
        return f"({number} % 2 = 0)"
    if type_ == "UUID":
        return f"CAST(md5({text}) AS UUID)"
    if type_.startswith((*_WHOLE, "DECIMAL", "DOUBLE", "FLOAT")):
        most = _MOST.get(type_, _MOST["BIGINT"])
        digits = re.fullmatch(r"DECIMAL\((\d+),(\d+)\)", type_)
        if digits:
            most = min(most, 10 ** (int(digits[1]) - int(digits[2])) - 1)
        made_up = max(most if most < _FEW_NUMBERS else most // 10, 1)
        return f"CAST({most - made_up if most > made_up else 0} + {number} % {made_up} AS {type_})"
    return f"CAST({text} AS {type_})"


def _date(name: str, type_: str, forms: Forms, *, buddhist: bool) -> str:
    if type_ == "TIMESTAMP WITH TIME ZONE":
        return f"CAST({name} - {utc_offset_sql('province_name')} * INTERVAL 1 HOUR AS TIMESTAMP WITH TIME ZONE)"
    date = f"CAST(date_trunc('day', {name}) AS TIMESTAMP)" if name in forms.days_alone else name
    if name in forms.dates:
        text = or_nothing(forms.dates[name].written(date), name, forms.nothing.get(name), {})
        return f"CAST({text} AS {type_})"
    return f"CAST({date}{f' + INTERVAL {AHEAD} YEAR' if buddhist else ''} AS {type_})"


def _members(name: str, forms: Forms, of: str) -> str:
    """The codes of a list as the column of those `of` writes them; [] where there is none."""
    form = forms.codes[name if name in forms.codes else of]
    written = form.written("c")
    if form.named and forms.names:
        names = ", ".join(f"{quote(code)}: {quote(label)}" for code, label in forms.names.items())
        label = in_their_letters(
            f"MAP {{{names}}}[c]", forms.letters.get(_NAME_OF[of if of in _NAME_OF else _first_of(of)])
        )
        written = f"concat_ws({quote(_BEFORE_NAME)}, {written}, {label})"
    return f"coalesce(list_transform({name}, lambda c: {written}), [])"


def _label(code: str, forms: Forms) -> str:
    """The label of a column of codes, as the source writes it."""
    return in_their_letters(_NAME_OF[code], forms.letters.get(_NAME_OF[code]))


def _first_of(name: str) -> str:
    """What a list's members are behind."""
    return next(first for first, behind in BEHIND_THE_FIRST.items() if behind == name)


def _all_members(name: str, column: Located, forms: Forms) -> str:
    """The codes of a list, with the first where its column has that too."""
    members = _members(name, forms, name)
    if not column.with_first:
        return members
    first = _first_of(name)
    written = forms.codes[name].written(first)
    if forms.codes[name].named:
        written = f"concat_ws({quote(_BEFORE_NAME)}, {written}, nullif({_label(first, forms)}, {first}))"
    return f"list_prepend({written}, {members})"


def _list(name: str, codes: str, type_: str, forms: Forms, others: str = "") -> str:
    """A list of codes as its column is written: as a list, as JSON, or as a text with something between them."""
    marks = forms.nothing.get(name)
    if type_.endswith("]"):
        empty = "NULL" if marks is None else f"CASE WHEN {drawn(name, marks)} = {quote(EMPTY_LIST)} THEN [] END"
        return f"CAST(coalesce(nullif({codes}, []), {empty}) AS {type_})"
    between = forms.lists[others or name]
    if between == _JSON:
        text = f"nullif(CAST(to_json({codes}) AS VARCHAR), {quote(EMPTY_LIST)})"
        return f"CAST({or_nothing(text, name, marks, {})} AS {type_})"
    text = f"nullif(array_to_string({codes}, {quote(between)}), '')"
    return f"CAST({or_nothing(text, name, marks, {})} AS {type_})"


def _member(name: str, theirs: str, located: Mapping[str, Located], type_: str, forms: Forms) -> str:
    """The code at a place of a list that the foreign table spreads over columns; null where the list is shorter."""
    column = located[name]
    place = (column.theirs, *column.also).index(theirs) + (0 if has_first(column, located) else 1)
    if not place:
        return f"CAST({forms.codes[name].written(_first_of(name))} AS {type_})"
    return f"CAST({forms.codes[name].written(f'{name}[{place}]')} AS {type_})"


def _number(name: str, type_: str, forms: Forms, *, negative: bool) -> str:
    """A number; as text it has no needless decimals."""
    value = f"(0 - {name})" if negative else name
    value = f"({name} + 1)" if name == "comorbidity_count" and forms.counts_all else value
    if name == "los" and forms.decimals:
        value = (
            f"CASE WHEN los IS NOT NULL THEN round({_days_between('admit_dt', 'discharge_dt')}, {forms.decimals}) END"
        )
    if type_ != "VARCHAR":
        return left_bare(name, forms.bare[name]) if name in forms.bare else value
    if name in forms.money:
        return forms.money[name].written(value)
    behind = f" || {drawn(SOURCE, forms.whole[name])}" if name in forms.whole else ""
    whole = f"CAST(CAST({value} AS BIGINT) AS VARCHAR){behind}"
    return f"CASE WHEN {value} = trunc({value}) THEN {whole} ELSE CAST({value} AS VARCHAR) END"
