"""The SQL that turns a foreign table into canonical columns. Composes text only; opens nothing."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from claims_sim.claim import MAX_TEXT
from claims_sim.codes.places import utc_offset_sql
from claims_sim.privacy.phi import quote
from claims_sim.profile.reading.buddhist_years import in_common_era
from claims_sim.profile.reading.date_forms import (
    DATE_FORMS,
    DAYS_WITHOUT_MARKS,
    MONTH_FIRST_FORMS,
    MONTHS_WITHOUT_MARKS,
    SHORT_YEAR,
    parsed_date,
)
from claims_sim.profile.reading.source_columns import CASE_GROUP, FURTHER, NUMBER_TYPES, ColumnMapping, Located
from claims_sim.profile.reading.sql_text import let

NOTHING: Final = ("-", "--", "---", ".", "?", "\\N", "(null)", "<NULL>", "#N/A")
"""What is written where there is no value, and could be none."""
NO_CODE: Final = (
    *NOTHING, "0", "00", "000", "0000", "00000", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "NONE", "none", "nil",
    "[]", '[""]', "[null]",
)  # fmt: skip
"""The same where codes are."""
_WHITE: Final = r"\s\x{A0}"
_ICD: Final = r"(?:[A-Za-z][0-9][0-9A-Za-z]|[0-9]{3})[.0-9A-Za-z]*[+*†]?"
_LISTED_CODES: Final = rf"{_ICD}([ ;,|#~/]+{_ICD})*[ ;,|#~/]*"
"""A text that is a list of codes and nothing else; white space is one space there."""
NAMED_CODE: Final = rf"^{_ICD} +- +[^ ]"
NAMED_CODES: Final = rf"(?:^|[;,|#~] *)({_ICD}) +- +[^ ]"
"""Of a list of codes each with its name ("E11.9 - Type 2 diabetes, mild; I10 - Hypertension"): the codes."""
_FIRST_CODE: Final = (
    rf"""(?s)^[\["'{_WHITE}]*([A-Za-z]?[0-9]{{2}}[.0-9A-Za-z]*)[+*†]?"""
    rf"""(["'{_WHITE}]*[\];,|#~].*|[{_WHITE}]*/[{_WHITE}]*{_ICD}.*| +- .*|([{_WHITE}]+{_ICD})+[{_WHITE}]*)?$"""
)
"""A code that stands alone, before its label or at the head of a list."""
CODE_AND_NAME: Final = "^ *[.0-9A-Za-z]+ +- +(.*[^ ].*)$"
"""A code and the name behind it."""
_AS_NUMBER: Final = r"^([0-9]{4,})\.0$"
"""A code that was read as a number and written as one: no code of ICD has so many digits before its dot."""
_FIRST_OF_OWN: Final = r"""^[\["' ]*([0-9A-Za-z./-]*[0-9][0-9A-Za-z./-]*)["' ]*[\];|#]"""
"""A code at the head of a list."""
_FIRST_BEFORE_COMMA: Final = (
    r"""^[\["' ]*([0-9A-Za-z./-]{2,}[0-9]|[0-9A-Za-z./-]*[0-9][0-9A-Za-z./-]{2,}|[0-9A-Za-z./-]+[0-9][0-9A-Za-z./-]+)["' ]*,"""
    r"""(?:[0-9A-Za-z]+-[0-9]|[A-Za-z]+[0-9]|["' ]+[0-9A-Za-z./-]*[0-9])[0-9A-Za-z./-]*["' ]*(?:[,\]]|$)"""
)
"""The same where a comma parts codes: three characters at least, and behind it another code for certain, no decimals and no words."""
_OWN_CODE: Final = "[A-Za-z]{0,2}[0-9][0-9A-Za-z./_-]*"
"""A code of another list: at most two letters before its digits, or it may be the name of a user."""
MONEY: Final = ("amount_claimed", "amount_paid", "amount_gap")
_SIGN: Final = (
    r"(?:Rp\.?|IDR|US\$|USD|R\$|BRL|S\$|SGD|RM|MYR|EUR|GBP|PHP|THB|INR"
    r"|CHF|S?Fr\.?|PLN|zł|CZK|Kč|RUB|руб\.?|UAH|KZT|KES|GHS|ZAR|VND|[$€£¥₹₱฿₽₴₸₫])"
)
GAPS: Final = r"\x{20}\x{A0}\x{2009}\x{202F}'’"
"""What parts thousands where no dot or comma does: spaces of several widths (12 345,67), and Switzerland's apostrophe."""
_DIGITS: Final = rf"(?:[0-9]{{1,3}}(?:[{GAPS}][0-9]{{3}})+(?:[.,][0-9]*)?|[0-9][0-9.,]*)"
AMOUNT_WITH_SIGN: Final = rf"(?i)-?(?:{_SIGN}[\s\x{{A0}}]*)?-?{_DIGITS}(?:[.,](?:--?|[–—]))?(?:[\s\x{{A0}}]*{_SIGN})?"
"""An amount within a sign of a currency that has hundredths or none, or "1.234,-" or "1'234.-"."""
# Groups of three are thousands where there are several, or the other mark stands behind them.
_DOTS_ARE_THOUSANDS: Final = r"-?[1-9][0-9]{0,2}((\.[0-9]{3})+,[0-9]+|(\.[0-9]{3}){2,})"
ONE_DOT: Final = r"-?[1-9][0-9]{0,2}\.[0-9]{3}"
_ONE_COMMA: Final = r"-?[1-9][0-9]{0,2},[0-9]{3}"
_COMMAS_ARE_THOUSANDS: Final = r"-?[1-9][0-9]{0,2}(,[0-9]{3})+(\.[0-9]+)?"
_COMMA_IS_POINT: Final = r"-?[0-9]+,[0-9]+"
_SHOWS_DECIMALS: Final = r"^-?(?:0|[0-9]{4,}|[0-9.]+\.[0-9]{3}),[0-9]{3}$"
_DENIES_DECIMALS: Final = (
    r"^-?[1-9][0-9]{0,2}(?:,[0-9]{3}){2,}|,[0-9]{3}\.|,(?:[0-9]{1,2}|[0-9]{4,})$|^[^,]*[0-9]\.(?:[0-9]{1,2}|[0-9]{4,})$"
)
"""Of three decimals behind a comma: several groups, another point or another number of decimals."""
_LOOKED_AT: Final = 100_000  # claims
_SIMPLE_LIST: Final = re.compile(r"[A-Z]+\[\]")
CBG_FORM: Final = "^[A-Z]-[0-9]{1,2}-[0-9]{2}-(0|I{1,3}|X)$"
_CBG_GROUP: Final = "^([A-Z]-[0-9]{1,2}-[0-9]{2})-(?:0|I{1,3}|X)$"
_WITH_NAN: Final = ("FLOAT", "DOUBLE")


def quote_identifier(name: str) -> str:
    """`name` as a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def canonical_select(relation: str, located: Mapping[str, Located], mapping: ColumnMapping, first: str = "") -> str:
    """A SELECT of the located columns under canonical names and types, behind the expression `first` if there is one."""
    parts = [first] if first else []
    parts += [
        f"{_shortened(canonical_expression(name, column, located, mapping, relation), column)} AS {name}"
        for name, column in located.items()
    ]
    return f"SELECT {', '.join(parts)} FROM {relation}"


def raw_select(relation: str, located: Mapping[str, Located], mapping: ColumnMapping, first: str = "") -> str:
    """The same where texts are still as they are written, and lists of such: each distinct one is read once (`canonical_value`)."""
    parts = [first] if first else []
    parts += [
        f"{_raw_expression(name, column, located, mapping, relation)} AS {name}" for name, column in located.items()
    ]
    return f"SELECT {', '.join(parts)} FROM {relation}"


def _raw_expression(
    name: str, column: Located, located: Mapping[str, Located], mapping: ColumnMapping, relation: str
) -> str:
    if column.kind == "list":
        return members_expression(column, located)
    if column.kind in ("text", "code"):
        return _shortened(text_expression(column), column)
    return canonical_expression(name, column, located, mapping, relation)


def canonical_value(name: str, column: Located, mapping: ColumnMapping) -> str:
    """A text of a located column, or a member of its lists, as a canonical value: an expression over their column's name."""
    if column.kind == "list":
        clean = _plain_code if name == FURTHER else clean_member
        return _nullified(clean(quote_identifier(column.theirs)), ("", *NO_CODE))
    mapping = replace(mapping, values={name: _values_for(name, column, mapping)})
    column = replace(column, type="VARCHAR", behind=False)  # of a name its text is left
    return canonical_expression(name, column, {name: column}, mapping, "")


def _nullified(text: str, nothing: Sequence[str]) -> str:
    return f"CASE WHEN {text} NOT IN ({', '.join(map(quote, nothing))}) THEN {text} END"


def _shortened(expression: str, column: Located) -> str:
    """Text that is too long to be a category or a label stays so, but takes no more room than shows it."""
    if column.kind not in ("text", "code"):
        return expression
    return let(
        "s", expression, lambda s: f"CASE WHEN strlen({s}) > {4 * MAX_TEXT} THEN left({s}, {MAX_TEXT + 1}) ELSE {s} END"
    )


def text_expression(column: Located) -> str:
    """The column as trimmed text, NULL when empty; of names behind codes without these."""
    text = _as_text(column)
    if column.behind:
        text = f"regexp_extract({text}, {quote(CODE_AND_NAME)}, 1)"
    return f"nullif(trim({text}), '')"


def _as_text(column: Located) -> str:
    """A column as text: what was read as a number with decimals as it was written, a level 1.0 as 1, and a code 7092.0 as 7092.

    428.0 may be a code with its dot.
    """
    name = quote_identifier(column.theirs)
    is_list = column.kind in ("code", "list") and bool(_SIMPLE_LIST.fullmatch(column.type))
    text = f"CAST({name} AS VARCHAR)"
    if is_list:
        members = _members_there(name)
        text = f"{members}[1]" if column.kind == "code" else f"array_to_string({members}, ';')"
    if not _has_decimals(column):
        return text
    whole = f"{name} = trunc({name})" + (f" AND {name} >= 1000" if column.kind == "code" else "")
    return f"CASE WHEN {whole} THEN coalesce(CAST(TRY_CAST({name} AS BIGINT) AS VARCHAR), {text}) ELSE {text} END"


def _members_there(name: str) -> str:
    """The members of a list, as text, that say something."""
    return f"list_filter(CAST({name} AS VARCHAR[]), lambda c: trim(coalesce(c, '')) <> '')"


def _has_decimals(column: Located) -> bool:
    return _is_one_of(column, (*_WITH_NAN, "DECIMAL"))


def _values_for(name: str, column: Located, mapping: ColumnMapping) -> Mapping[str, str]:
    """The value map of a column; of numbers also without the decimals that its keys may have."""
    values = mapping.values.get(name, {})
    return (
        {**{key.removesuffix(".0"): ours for key, ours in values.items()}, **values}
        if _has_decimals(column)
        else values
    )


def value_expression(name: str, column: Located) -> str:
    """The column as the text of a canonical category, before values are mapped; of an INA-CBG code (K-4-17-II) its severity or group."""
    text = text_expression(column)
    if name == CASE_GROUP:
        return f"nullif(regexp_extract({text}, {quote(_CBG_GROUP)}, 1), '')"
    if name != "severity_group":
        return text
    level = f"regexp_extract({text}, {quote(CBG_FORM)}, 1)"
    return f"CASE WHEN {level} <> '' THEN {level} ELSE {text} END"


def given_expression(column: Located) -> str:
    """NULL where the column says nothing: of numbers and dates nothing need be read as text for that."""
    is_typed = (*NUMBER_TYPES, "DATE", "TIMESTAMP")
    if not _is_one_of(column, is_typed):
        return text_expression(column)
    return _number(column, quote_identifier(column.theirs))


def _number(column: Located, value: str) -> str:
    """The number; NULL for what is none, as files have it that a table of numbers with gaps was written to."""
    return f"CASE WHEN NOT isnan({value}) THEN {value} END" if _is_one_of(column, _WITH_NAN) else value


def _is_one_of(column: Located, types: tuple[str, ...]) -> bool:
    return column.type.startswith(types) and not column.type.endswith("]")


def canonical_expression(
    name: str, column: Located, located: Mapping[str, Located], mapping: ColumnMapping, relation: str
) -> str:
    """A located column as a canonical one: identities as hashes, numbers as DOUBLE, dates as TIMESTAMP, else text.

    `relation` is what the column is selected from: how some amounts are written tells how others are meant.
    """
    theirs = quote_identifier(column.theirs)
    if column.kind == "hash":
        return key_expression(column)
    if column.kind == "date":
        return date_expression(column, _province(located, mapping))
    values = _values_for(name, column, mapping)
    if column.kind == "number":
        is_typed = _is_one_of(column, NUMBER_TYPES)
        text = theirs if is_typed and not values else _mapped(text_expression(column), values)
        number = (
            money_expression(
                text,
                dots_are_thousands(text_expression(column), relation),
                commas_are_points(_amounts_as_text(located), relation),
            )
            if name in MONEY and column.type == "VARCHAR"
            else _number(column, f"TRY_CAST({text} AS DOUBLE)")
        )
        return f"(0 - {number})" if column.negative else number
    if column.kind == "list":
        empty = ", ".join(quote(text) for text in ("", *NO_CODE))
        clean = _plain_code if name == FURTHER else clean_member
        cleaned = f"list_transform({members_expression(column, located)}, lambda c: {clean('c')})"
        return f"list_filter({cleaned}, lambda c: c NOT IN ({empty}))"
    text, nothing = value_expression(name, column), list(NOTHING)
    if column.kind == "code":
        # A value map may name a code as it is written, or as it is read.
        return _mapped(text, values, otherwise=_mapped(_plain_code(text), values, list(NO_CODE)))
    return _mapped(text, values, nothing)


def key_expression(column: Located) -> str:
    """What tells owners apart, a hash of 64 bits: of one column, or of several together; NULL where one of these says nothing.

    It may change with DuckDB's version, which a sketch's basis knows of (sketch.py).
    """
    parts = [f"CAST({quote_identifier(name)} AS VARCHAR)" for name in (column.theirs, *column.also)]
    if column.also:
        parts = [f"nullif(nullif(trim({part}), ''), 'nan')" for part in parts]
    there = " AND ".join(f"{part} IS NOT NULL" for part in parts)
    return f"CASE WHEN {there} THEN hash({', '.join(parts)}) END"


def named_expressions(name: str, column: Located) -> tuple[str, ...]:
    """The texts that the keys of a value map are compared with: what is written and, of a code, also what is read."""
    text = value_expression(name, column)
    written = (f"CAST({quote_identifier(column.theirs)} AS VARCHAR)",) if _has_decimals(column) else ()
    return (text, _plain_code(text), *written) if column.kind == "code" else (text, *written)


def plain_code(column: Located) -> str:
    """The code that a column holds, before values are mapped."""
    return _plain_code(text_expression(column))


def _plain_code(text: str) -> str:
    """ICD codes are written without their dots here, also finer ones (83.62.17), and other text is left alone, such as B01.047.001.

    A code with its label behind it ("8952 - Electrocardiogram") is its code, a list ("S71.0#A00.1") its first.
    """
    text = _not_as_number(text)
    code = f"regexp_extract({text}, {quote(_FIRST_CODE)}, 1)"
    heads = (f"nullif(regexp_extract({text}, {quote(form)}, 1), '')" for form in (_FIRST_OF_OWN, _FIRST_BEFORE_COMMA))
    first = f"coalesce({', '.join(heads)}, {text})"
    own = f"CASE WHEN regexp_full_match({first}, {quote(_OWN_CODE)}) THEN upper({first}) ELSE {first} END"
    has_parts = f"regexp_matches({code}, '^[A-Za-z][^.]*([.][^.]+)([.][^.]+)+$')"
    icd = f"CASE WHEN {has_parts} THEN upper({code}) ELSE upper(replace({code}, '.', '')) END"
    return f"CASE WHEN {code} <> '' THEN {icd} ELSE {own} END"


def money_expression(text: str, dots: str = "false", comma: str = "false") -> str:
    """A text as an amount, whatever its currency and its marks of thousands and decimals; NULL where its form does not tell.

    1.234 is a little more than one, as a number is written, unless `dots`, an expression, is true or a currency stands by it;
    1,234 is more than a thousand, unless `comma`, another, is true.
    """
    plain = f"TRY_CAST({text} AS DOUBLE)"

    # A name that no column has: DuckDB takes `x.bare` for a column's field where there is a column x.
    bare, comma_read = "amount_as_read.bare", "amount_as_read.comma"

    def has(form: str) -> str:
        return f"regexp_full_match({bare}, {quote(form)})"

    otherwise = (
        f"CASE WHEN {has(ONE_DOT)} THEN TRY_CAST(replace({bare}, '.', '') AS DOUBLE) "
        f"WHEN TRY_CAST({bare} AS DOUBLE) IS NOT NULL THEN TRY_CAST({bare} AS DOUBLE) "
        f"WHEN {has(_COMMAS_ARE_THOUSANDS)} AND NOT ({comma_read} AND {has(_ONE_COMMA)}) "
        f"THEN TRY_CAST(replace({bare}, ',', '') AS DOUBLE) "
        f"WHEN {has(_DOTS_ARE_THOUSANDS)} THEN TRY_CAST(replace(replace({bare}, '.', ''), ',', '.') AS DOUBLE) "
        f"WHEN {has(_COMMA_IS_POINT)} THEN TRY_CAST(replace({bare}, ',', '.') AS DOUBLE) END"
    )
    # Plain numbers first: they are many, and regular expressions slow.
    return (
        f"CASE WHEN {plain} IS NOT NULL AND NOT ({dots}) THEN {plain} "
        f"ELSE list_transform([{{'bare': {_bare(text)}, 'comma': {comma}}}], lambda amount_as_read: {otherwise})[1] END"
    )


def dots_are_thousands(text: str, relation: str) -> str:
    """An expression: do other values of a column show that a dot parts thousands (1.234.567), and none that it does not (12.5)?"""
    shows = f"regexp_full_match({_bare(text)}, {quote(_DOTS_ARE_THOUSANDS)})"
    denies = f"regexp_matches({_bare(text)}, '\\.([0-9]{{1,2}}|[0-9]{{4,}})$')"
    is_other = f"TRY_CAST({text} AS DOUBLE) IS NULL"
    return (
        f"(SELECT coalesce(bool_or(CASE WHEN {is_other} THEN {shows} END), false) AND NOT "
        f"coalesce(bool_or(CASE WHEN {is_other} THEN {denies} ELSE {text} LIKE '%.%' AND {text} NOT LIKE '%.___' END), false) "
        f"FROM {relation})"
    )


def _amounts_as_text(located: Mapping[str, Located]) -> list[str]:
    """The amounts that are texts, as expressions."""
    return [text_expression(located[name]) for name in MONEY if name in located and located[name].type == "VARCHAR"]


def commas_are_points(texts: Sequence[str], relation: str) -> str:
    """An expression: do three decimals stand behind a comma in a table's amounts, as one in ten of those with a comma shows (0,125;
    1 234,500), and hardly any other (12,50; 1,234.50; 99.50)? A table writes all its amounts in one way, and its first claims show which.
    """  # noqa: D205
    shows, denies = (
        f"count(*) FILTER (WHERE regexp_matches({_bare('t')}, {quote(form)}))"
        for form in (_SHOWS_DECIMALS, _DENIES_DECIMALS)
    )
    amounts = f"SELECT unnest([{', '.join(texts)}]) AS t FROM (SELECT * FROM {relation} LIMIT {_LOOKED_AT})"
    return (
        f"(SELECT {shows} > 0 AND 10 * {shows} >= count(*) FILTER (WHERE contains(t, ',')) AND 100 * {denies} < {shows} "
        f"FROM ({amounts}) WHERE contains(t, ',') OR contains(t, '.'))"
    )


def _bare(text: str) -> str:
    """The number of an amount, without its currency; other text as it is."""
    minus = f"CASE WHEN regexp_matches({text}, '^[^0-9]*-') THEN '-' ELSE '' END"
    number = f"regexp_extract({text}, {quote(f'[0-9](?:[0-9.,{GAPS}]*[0-9])?')})"
    number = f"regexp_replace({number}, {quote(f'[{GAPS}]')}, '', 'g')"
    return f"CASE WHEN regexp_full_match({text}, {quote(AMOUNT_WITH_SIGN)}) THEN {minus} || {number} ELSE {text} END"


def _mapped(text: str, values: Mapping[str, str], nothing: Sequence[str] = (), otherwise: str = "") -> str:
    """`text` with its values mapped, others as `otherwise` says, or as they are.

    NULL for what is mapped to the empty text, or means `nothing` and is not mapped. What the empty text itself is mapped to
    stands where there is no value.
    """
    ours = {**dict.fromkeys(nothing, ""), **values}
    missing = ours.pop("", "")
    if not ours:
        return f"coalesce({otherwise or text}, {quote(missing)})" if missing else otherwise or text
    cases = " ".join(f"WHEN {quote(theirs)} THEN {quote(own) if own else 'NULL'}" for theirs, own in ours.items())
    mapped = (
        f"CASE {text} {cases} ELSE {otherwise} END"
        if otherwise
        else let("v", text, lambda v: f"CASE {v} {cases} ELSE {v} END")
    )
    return f"coalesce({mapped}, {quote(missing)})" if missing else mapped


def _province(located: Mapping[str, Located], mapping: ColumnMapping) -> str:
    if "province_name" not in located:
        return "CAST(NULL AS VARCHAR)"
    return _mapped(text_expression(located["province_name"]), mapping.values.get("province_name", {}))


def date_expression(column: Located, province: str = "CAST(NULL AS VARCHAR)") -> str:
    """The column as a local TIMESTAMP, NULL where it is no date; `province` is an expression, for instants."""
    theirs = quote_identifier(column.theirs)
    if column.type == "TIMESTAMP WITH TIME ZONE":
        # An instant: days of care are days of the facility's own clock.
        offset = utc_offset_sql(f"({province})")
        return f"CAST(({theirs} + {offset} * INTERVAL 1 HOUR) AS TIMESTAMP)"
    if column.type == "DATE" or column.type.startswith("TIMESTAMP"):
        date = f"TRY_CAST({theirs} AS TIMESTAMP)"
        return in_common_era(date, is_text=False) if column.buddhist else date
    forms = date_forms(column)
    without_marks = MONTHS_WITHOUT_MARKS if column.month_first else DAYS_WITHOUT_MARKS
    text = date_text(column)
    if column.buddhist:
        text = let("b", text, lambda text: in_common_era(text, is_text=True))
    return let("t", text, lambda text: parsed_date(text, (*forms, "%Y%m") if column.months else forms, without_marks))


def date_forms(column: Located) -> tuple[str, ...]:
    """The forms in which dates of the column with marks, or with the year first, are read."""
    forms = MONTH_FIRST_FORMS if column.month_first else DATE_FORMS
    return forms if column.short_years else tuple(form for form in forms if SHORT_YEAR not in form)


def date_text(column: Located) -> str:
    """A column of dates as text: of numbers whose days come first, those before the tenth with their 0 (5022025)."""
    text = text_expression(column)
    return f"CASE WHEN length({text}) = 7 THEN '0' || {text} ELSE {text} END" if column.short_days else text


def members_expression(column: Located, located: Mapping[str, Located]) -> str:
    """The column as a list of codes without the first, where that is a column of its own: a column of all diagnoses is both."""
    is_first = has_first(column, located) and not column.with_first
    theirs = quote_identifier(column.theirs)
    if column.also:
        columns = (quote_identifier(name) for name in (column.theirs, *column.also))
        codes = f"[{', '.join(f'CAST({name} AS VARCHAR)' for name in columns)}]"
    elif column.type.endswith("[]"):
        # Members that say nothing are left out of any list later; here where the first one counts, as that costs.
        codes = _members_there(theirs) if is_first else f"CAST({theirs} AS VARCHAR[])"
    else:
        # 'A00;B00', 'A00, B00', 'A00#B00', 'A00 B00' and '["A00","B00"]' alike; other text with spaces is no list of codes.
        # Also with the marks of Chinese and Japanese.
        narrow = f"translate(CAST({theirs} AS VARCHAR), '，；、', ',;,')"
        bare = f"regexp_replace({narrow}, '[\\[\\]\"'']', '', 'g')"
        text = f"trim(regexp_replace({bare}, '[{_WHITE}]+', ' ', 'g'))"
        codes = (
            f"CASE WHEN regexp_full_match({text}, {quote(_LISTED_CODES)}) THEN string_split_regex({text}, '[ ;,|#~/]+') "
            f"WHEN regexp_matches({text}, {quote(NAMED_CODE)}) THEN regexp_extract_all({text}, {quote(NAMED_CODES)}, 1) "
            f"ELSE string_split_regex(replace({text}, ' ', ''), '[;,|#~]') END"
        )
    if column.with_first:
        first = clean_member(plain_code(located["dx_primary_code"]))
        return let(
            "c",
            codes,
            lambda codes: f"CASE WHEN {clean_member(f'({codes})[1]')} = {first} THEN ({codes})[2:] ELSE {codes} END",
        )
    return f"({codes})[2:]" if is_first else codes


def has_first(column: Located, located: Mapping[str, Located]) -> bool:
    """Does a list begin with the code that claims have a column of their own for, be it the same one or another?"""
    return column.with_first or any(
        other.kind == "code" and other.theirs == column.theirs for other in located.values()
    )


def clean_member(code: str) -> str:
    """A member of a list of codes without dots and marks."""
    return f"trim(upper(regexp_replace({_not_as_number(f'trim({code})')}, '[.+*†!#‡]', '', 'g')))"


def _not_as_number(code: str) -> str:
    return f"regexp_replace({code}, {quote(_AS_NUMBER)}, '\\1')"
