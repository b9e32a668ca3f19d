"""Payload lines to flat rows and back, in SQL, a whole batch at a time.

Decides nothing about what is acceptable beyond the payload's shape; the rules about meaning are in `table.py`.
"""

import json
from typing import Final

import duckdb
import pyarrow as pa

from claims_sim.claim import FLAT_COLUMNS, FLAT_SCHEMA, MAX_SECONDARY_CODES, OPTIONAL_KEYS
from claims_sim.codes.places import utc_offset_sql

MAX_PAYLOAD_BYTES: Final = 64 * 1024
"""A payload is under 2 KB; anything much larger is not a claim, and is not parsed."""

REQUIRED_KEYS: Final = (
    "claim_id",
    "admit_dt",
    "discharge_dt",
    "facility",
    "diagnosis",
    "procedure",
    "severity_group",
    "service_type",
    "amount_claimed",
    "amount_paid",
    "amount_gap",
    "generated_at",
)
_PARTS: Final = {
    "facility": ("province", "class", "ownership"),
    "diagnosis": ("primary_code", "primary_label", "secondary_codes"),
    "procedure": ("code", "label"),
}
# Every value stays JSON text at first, so that 4500000 and "4500000" can be told apart after one single parse.
_STRUCTURE: Final = json.dumps(dict.fromkeys((*REQUIRED_KEYS, *OPTIONAL_KEYS), "JSON"))
_PART_STRUCTURES: Final = {part: json.dumps(dict.fromkeys(keys, "JSON")) for part, keys in _PARTS.items()}


def _text(path: str) -> str:
    return f"""CASE WHEN starts_with({path}, '"') THEN {path} ->> '$' END"""


def _number(path: str) -> str:
    return f"CASE WHEN regexp_matches({path}, '^-?[0-9]') THEN TRY_CAST({path} AS DOUBLE) END"


def _utc(path: str) -> str:
    formats = "['%Y-%m-%dT%H:%M:%SZ', '%Y-%m-%dT%H:%M:%S.%fZ']"
    return f"try_strptime({_text(path)}, {formats})"


def _list(keys: tuple[str, ...]) -> str:
    return "[" + ", ".join(f"'{key}'" for key in sorted(keys)) + "]"


def _shape_faults() -> list[tuple[str, str]]:
    """Conditions on the columns of `parsed`, most basic first; the first that holds is the line's fault."""
    faults = [
        ("not_json", "NOT is_json"),
        ("too_large", "is_too_large"),
        (
            "keys",
            f"list_sort(list_filter(top_keys, lambda k: k NOT IN {OPTIONAL_KEYS!r})) <> {_list(REQUIRED_KEYS)} "
            "OR len(list_distinct(top_keys)) <> len(top_keys)",
        ),
    ]
    faults += [
        (part, f"list_sort({part}_keys) <> {_list(keys)}" + (" AND NOT procedure_null" if part == "procedure" else ""))
        for part, keys in _PARTS.items()
    ]
    texts = ("claim_id", "province_name", "facility_class", "facility_ownership", "dx_primary_code", "dx_primary_label")
    faults += [(name, f"{name} IS NULL") for name in (*texts, "severity_group", "service_type")]
    faults += [(name, f"{name} IS NULL AND NOT procedure_null") for name in ("procedure_code", "procedure_label")]
    faults += [(name, f"{name}_utc IS NULL") for name in ("admit_dt", "discharge_dt", "generated_at")]
    faults += [(f"amount_{n}", f"amount_{n} IS NULL") for n in ("claimed", "paid", "gap")]
    faults += [
        ("dx_secondary_codes", f"NOT secondary_ok OR len(dx_secondary_codes) > {MAX_SECONDARY_CODES}"),
        *((key, f"coalesce({key}_raw, 'null') <> 'null' AND {key} IS NULL") for key in OPTIONAL_KEYS),
    ]
    return faults


def parse_sql(lines: str) -> str:
    """A SELECT that turns relation `lines` (position VARCHAR, raw VARCHAR) into flat rows.

    Adds `shape_fault`: NULL for a payload of the right shape, else what is wrong first (a key's flat name, or
    `not_json`, `too_large`, `keys`). Rows with a fault hold NULLs where nothing could be read.
    """
    offset = utc_offset_sql("province_name")
    faults = " ".join(f"WHEN coalesce({condition}, true) THEN '{fault}'" for fault, condition in _shape_faults())
    flat = {
        "admit_dt": f"admit_dt_utc + {offset} * INTERVAL 1 HOUR",
        "discharge_dt": f"discharge_dt_utc + {offset} * INTERVAL 1 HOUR",
        # Days of care are local days.
        "los": f"""CAST(date_diff('day', admit_dt_utc + {offset} * INTERVAL 1 HOUR,
                        discharge_dt_utc + {offset} * INTERVAL 1 HOUR) AS INTEGER)""",
        "district_name": "CAST(NULL AS VARCHAR)",
        "facility_id": "facility_ref",
        "facility_type": "CAST(NULL AS VARCHAR)",
        "comorbidity_count": "CAST(len(dx_secondary_codes) AS INTEGER)",
        "patient_id_hash": "patient_ref",
        "claim_weight": "CAST(NULL AS DOUBLE)",
        "generated_at": "generated_at_utc",
    }
    columns = ", ".join(f"{flat.get(name, name)} AS {name}" for name in FLAT_COLUMNS)
    return f"""
WITH checked AS (
  SELECT position, raw, coalesce(octet_length(encode(raw)) > {MAX_PAYLOAD_BYTES}, true) AS is_too_large,
    CASE WHEN is_too_large THEN '' ELSE raw END AS bounded,
    is_too_large OR coalesce(json_valid(bounded), false) AS is_json,
    CASE WHEN is_json AND NOT is_too_large THEN bounded ELSE '{{}}' END AS document
  FROM {lines}
), transformed AS (
  SELECT position, raw, is_json, is_too_large, json_keys(document) AS top_keys,
    json_transform(document, '{_STRUCTURE}') AS p
  FROM checked
), opened AS (
  SELECT position, raw, is_json, is_too_large, top_keys, p,
    json_transform(p.facility, '{_PART_STRUCTURES["facility"]}') AS f, json_keys(p.facility) AS facility_keys,
    json_transform(p.diagnosis, '{_PART_STRUCTURES["diagnosis"]}') AS d, json_keys(p.diagnosis) AS diagnosis_keys,
    json_transform(p.procedure, '{_PART_STRUCTURES["procedure"]}') AS r, json_keys(p.procedure) AS procedure_keys
  FROM transformed
), parsed AS (
  SELECT position, raw, is_json, is_too_large, top_keys, facility_keys, diagnosis_keys, procedure_keys,
    coalesce(p.procedure, 'null') = 'null' AS procedure_null,
    {_text("p.claim_id")} AS claim_id,
    {_utc("p.admit_dt")} AS admit_dt_utc, {_utc("p.discharge_dt")} AS discharge_dt_utc,
    {_text("f.province")} AS province_name, {_text("f.class")} AS facility_class,
    {_text("f.ownership")} AS facility_ownership,
    {_text("d.primary_code")} AS dx_primary_code, {_text("d.primary_label")} AS dx_primary_label,
    coalesce(starts_with(d.secondary_codes, '['), false) AND
      coalesce(len(list_filter(TRY_CAST(d.secondary_codes AS JSON[]),
        lambda e: NOT coalesce(starts_with(e, '"'), false))) = 0, false) AS secondary_ok,
    CASE WHEN secondary_ok THEN TRY_CAST(d.secondary_codes AS VARCHAR[]) END AS dx_secondary_codes,
    {_text("r.code")} AS procedure_code, {_text("r.label")} AS procedure_label,
    {_text("p.severity_group")} AS severity_group, {_text("p.service_type")} AS service_type,
    {_number("p.amount_claimed")} AS amount_claimed, {_number("p.amount_paid")} AS amount_paid,
    {_number("p.amount_gap")} AS amount_gap, {_utc("p.generated_at")} AS generated_at_utc,
    {", ".join(f"p.{key} AS {key}_raw, {_text(f'p.{key}')} AS {key}" for key in OPTIONAL_KEYS)}
  FROM opened
)
SELECT position, raw, {columns}, CASE {faults} END AS shape_fault FROM parsed
"""


def payload_sql(relation: str) -> str:
    """A SELECT of all columns of `relation` (flat rows) and `payload`, the claim as one line of JSON, keys in order."""
    offset = utc_offset_sql("province_name")

    def instant(column: str) -> str:
        shifted = f"{column} - {offset} * INTERVAL 1 HOUR" if column != "generated_at" else column
        return f"strftime(date_trunc('second', {shifted}), '%Y-%m-%dT%H:%M:%SZ')"

    def money(column: str) -> str:
        return f"""CASE WHEN {column} = trunc({column}) THEN CAST(CAST({column} AS BIGINT) AS JSON)
          ELSE CAST(round({column}, 2) AS JSON) END"""

    refs = {"patient_ref": "patient_id_hash", "facility_ref": "facility_id", "episode_ref": "episode_ref"}
    tail = " || ".join(
        f"""CASE WHEN {column} IS NULL THEN '' ELSE ',"{key}":' || to_json({column}) END"""
        for key, column in refs.items()
    )
    return f"""
SELECT *, rtrim(json_object(
  'claim_id', claim_id, 'admit_dt', {instant("admit_dt")}, 'discharge_dt', {instant("discharge_dt")},
  'facility', json_object('province', province_name, 'class', facility_class, 'ownership', facility_ownership),
  'diagnosis', json_object('primary_code', dx_primary_code, 'primary_label', dx_primary_label,
    'secondary_codes', coalesce(dx_secondary_codes, CAST([] AS VARCHAR[]))),
  'procedure', CASE WHEN procedure_code IS NULL THEN NULL
    ELSE json_object('code', procedure_code, 'label', procedure_label) END,
  'severity_group', severity_group, 'service_type', service_type,
  'amount_claimed', {money("amount_claimed")}, 'amount_paid', {money("amount_paid")},
  'amount_gap', {money("amount_gap")}, 'generated_at', {instant("generated_at")}), '}}') || {tail} || '}}' AS payload
FROM {relation}
"""


def to_payloads(connection: duckdb.DuckDBPyConnection, claims: pa.Table) -> list[str]:
    """One JSON line a claim, in the order of `claims` (flat rows)."""
    connection.register("claims_to_write", claims)
    try:
        rows = connection.execute(f"SELECT payload FROM ({payload_sql('claims_to_write')})").fetchall()
    finally:
        connection.unregister("claims_to_write")
    return [row[0] for row in rows]


def lines_table(positions: list[str], lines: list[str]) -> pa.Table:
    """Lines as read from a channel, as the relation that `parse_sql` expects."""
    return pa.table({"position": pa.array(positions, pa.string()), "raw": pa.array(lines, pa.string())})


def to_flat(claims: pa.Table) -> pa.Table:
    """`claims` with exactly the flat columns, in order and type; absent ones are null."""
    columns = [
        claims[field.name].cast(field.type) if field.name in claims.column_names else pa.nulls(len(claims), field.type)
        for field in FLAT_SCHEMA
    ]
    return pa.Table.from_arrays(columns, schema=FLAT_SCHEMA)
