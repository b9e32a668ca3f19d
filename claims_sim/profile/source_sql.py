"""The SQL that turns a foreign table into canonical columns. Composes text only; opens nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from claims_sim.codes.places import utc_offset_sql
from claims_sim.errors import SourceError
from claims_sim.privacy.phi import quote

Kind = Literal["hash", "date", "number", "text", "code", "list"]

# Every column that is read where it is present, in the order of the documentation, and how it is read.
CANONICAL: Final[dict[str, Kind]] = {
    "admit_dt": "date",
    "discharge_dt": "date",
    "los": "number",
    "province_name": "text",
    "district_name": "text",
    "facility_id": "hash",
    "facility_class": "text",
    "facility_ownership": "text",
    "facility_type": "text",
    "service_type": "text",
    "severity_group": "text",
    "dx_primary_code": "code",
    "dx_primary_label": "text",
    "dx_secondary_codes": "list",
    "comorbidity_count": "number",
    "procedure_code": "code",
    "procedure_label": "text",
    "amount_claimed": "number",
    "amount_paid": "number",
    "amount_gap": "number",
    "patient_id_hash": "hash",
    "claim_weight": "number",
}


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """Their column for each canonical name, and their value → ours for each canonical column."""

    columns: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Located:
    """Where a canonical column is found: their name, its DuckDB type and how it is to be read."""

    theirs: str
    type: str
    kind: Kind


def quote_identifier(name: str) -> str:
    """`name` as a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def find_columns(types: Mapping[str, str], mapping: ColumnMapping, where: str) -> dict[str, Located]:
    """Where each canonical column is; raises SourceError when a mapped or a required one is missing."""
    by_folded = {name.lower(): name for name in types}
    located: dict[str, Located] = {}
    for name, kind in CANONICAL.items():
        wanted = mapping.columns.get(name, name)
        theirs = wanted if wanted in types else by_folded.get(wanted.lower())
        if theirs is not None:
            located[name] = Located(theirs, types[theirs], kind)
        elif name in mapping.columns:
            raise SourceError(
                f"{where} has no column {wanted!r}, which the mapping gives for {name}; it has: {_listed(types)}."
            )
    has_stay = "los" in located or {"admit_dt", "discharge_dt"} <= set(located)
    for needed, is_there in (
        ("dx_primary_code", "dx_primary_code" in located),
        ("amount_claimed or amount_paid", "amount_claimed" in located or "amount_paid" in located),
        ("los, or admit_dt and discharge_dt", has_stay),
    ):
        if not is_there:
            raise SourceError(f"{where} lacks {needed}; name it in a mapping file. Its columns are: {_listed(types)}.")
    return located


def _listed(types: Mapping[str, str]) -> str:
    names = sorted(types)
    return ", ".join(names[:40]) + (", …" if len(names) > 40 else "")


def canonical_select(relation: str, located: Mapping[str, Located], mapping: ColumnMapping) -> str:
    """A SELECT of the located columns under canonical names and types."""
    parts = [f"{_expression(name, column, located, mapping)} AS {name}" for name, column in located.items()]
    return f"SELECT {', '.join(parts)} FROM {relation}"


def text_expression(column: Located) -> str:
    """The column as trimmed text, NULL when empty."""
    return f"nullif(trim(CAST({quote_identifier(column.theirs)} AS VARCHAR)), '')"


def _expression(name: str, column: Located, located: Mapping[str, Located], mapping: ColumnMapping) -> str:
    theirs = quote_identifier(column.theirs)
    if column.kind == "hash":
        return f"CASE WHEN {theirs} IS NOT NULL THEN hash({theirs}) END"
    if column.kind == "date":
        return _date(column, located)
    values = mapping.values.get(name, {})
    if column.kind == "number":
        text = _mapped(text_expression(column), values) if values else theirs
        return f"TRY_CAST({text} AS DOUBLE)"
    if column.kind == "list":
        return _list(column)
    text = text_expression(column)
    if column.kind == "code":
        # ICD codes are written without dots here; other text is left alone.
        is_code = f"regexp_full_match({text}, '[A-Za-z]?[0-9]{{2}}[.0-9A-Za-z]*')"
        text = f"CASE WHEN {is_code} THEN upper(replace({text}, '.', '')) ELSE {text} END"
    return _mapped(text, values) if values else text


def _mapped(text: str, values: Mapping[str, str]) -> str:
    cases = " ".join(f"WHEN {quote(theirs)} THEN {quote(ours)}" for theirs, ours in values.items())
    return f"CASE {text} {cases} ELSE {text} END"


def _date(column: Located, located: Mapping[str, Located]) -> str:
    theirs = quote_identifier(column.theirs)
    if column.type == "TIMESTAMP WITH TIME ZONE":
        # An instant: days of care are days of the facility's own clock.
        province = quote_identifier(located["province_name"].theirs) if "province_name" in located else "NULL"
        offset = utc_offset_sql(f"CAST({province} AS VARCHAR)")
        return f"CAST(({theirs} + {offset} * INTERVAL 1 HOUR) AS TIMESTAMP)"
    return f"TRY_CAST({theirs} AS TIMESTAMP)"


def _list(column: Located) -> str:
    theirs = quote_identifier(column.theirs)
    if column.type.endswith("[]"):
        codes = f"CAST({theirs} AS VARCHAR[])"
    else:
        # 'A00;B00', 'A00, B00' and '["A00","B00"]' alike.
        codes = f"string_split_regex(regexp_replace(CAST({theirs} AS VARCHAR), '[\\[\\]\"'' ]', '', 'g'), '[;,|]')"
    clean = "upper(replace(trim(c), '.', ''))"
    return f"list_filter(list_transform({codes}, lambda c: {clean}), lambda c: c IS NOT NULL AND c <> '')"
