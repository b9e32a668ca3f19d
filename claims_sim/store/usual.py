"""Read payload lines of the usual form fast: those that equal what is written again from the values read.

Not a second definition of a payload: `rules.wire.parse_sql` is the one, and reads every line that is not usual. What
this reads it reads equally (a property test holds them against each other), at half the cost.

A line is usual when its keys stand in the payload's order, separated as JSON libraries do (`,` or `, `), and no text
holds an escape. Written again from its values it is then the same, byte for byte; an escape, a repeated or foreign key,
a number for a text or anything else would make it differ, since no value is longer than what it was read from.
"""

import json
from functools import lru_cache
from typing import Final

from claims_sim.claim import FLAT_COLUMNS, MAX_SECONDARY_CODES
from claims_sim.codes.places import utc_offset_sql
from claims_sim.privacy.phi import quote

_TEXT: Final = "text"
_RAW: Final = "raw"  # numbers: as they stand
_PAYLOAD: Final[dict[str, object]] = {
    "claim_id": _TEXT,
    "admit_dt": _TEXT,
    "discharge_dt": _TEXT,
    "facility": {"province": _TEXT, "class": _TEXT, "ownership": _TEXT},
    "diagnosis": {"primary_code": _TEXT, "primary_label": _TEXT, "secondary_codes": "texts"},
    "procedure": {"code": _TEXT, "label": _TEXT},
    "severity_group": _TEXT,
    "service_type": _TEXT,
    "amount_claimed": _RAW,
    "amount_paid": _RAW,
    "amount_gap": _RAW,
    "generated_at": _TEXT,
}
_REFS: Final = ("patient_ref", "facility_ref", "episode_ref")
_NULLABLE: Final = ("p.procedure",)
_SEPARATORS: Final = ("", " ")
_NO_LIMIT: Final = 2**62


def _structure(form: object) -> object:
    if isinstance(form, dict):
        return {key: _structure(inner) for key, inner in form.items()}
    return ["VARCHAR"] if form == "texts" else "VARCHAR"


_STRUCTURE: Final = json.dumps(_structure(_PAYLOAD | dict.fromkeys(_REFS, _TEXT)))


def _pieces(path: str, form: object, space: str) -> list[str]:
    """SQL expressions whose texts, one after the other, are the value at `path` as JSON."""
    if isinstance(form, dict):
        pieces = [quote("{")]
        for number, (key, inner) in enumerate(form.items()):
            pieces += [quote(f',{space}"{key}":{space}' if number else f'"{key}":{space}')]
            pieces += _pieces(f"{path}.{key}", inner, space)
        pieces += [quote("}")]
        return [f"CASE WHEN {path} IS NULL THEN 'null' ELSE {_concat(pieces)} END"] if path in _NULLABLE else pieces
    if form == "texts":
        between = quote('",' + space + '"')
        joined = _concat([quote('["'), f"array_to_string({path}, {between})", quote('"]')])
        return [f"CASE WHEN len({path}) = 0 THEN '[]' ELSE {joined} END"]
    return [path] if form == _RAW else [quote('"'), path, quote('"')]


def _concat(pieces: list[str]) -> str:
    """One call for all pieces: a chain of operators would copy the growing line again and again.

    A piece that is NULL counts as nothing, which leaves quotes without a text and makes the line differ.
    """
    merged: list[str] = []
    for piece in pieces:
        if merged and merged[-1].startswith("'") and piece.startswith("'"):
            merged[-1] = merged[-1][:-1] + piece[1:]
        else:
            merged.append(piece)
    return f"concat({', '.join(merged)})"


def _rewritten(space: str) -> str:
    """An SQL expression: the line that the values of struct `p` make."""
    optional = []
    for key in _REFS:
        member = _concat([quote(f',{space}"{key}":{space}"'), f"p.{key}", quote('"')])
        optional.append(f"CASE WHEN p.{key} IS NOT NULL THEN {member} END")
    return _concat([*_pieces("p", _PAYLOAD, space)[:-1], *optional, quote("}")])


@lru_cache(maxsize=2)
def usual_sql(*, all_json: bool) -> str:
    """A SELECT of `place` and the flat columns of the lines (relation `lines`: position, raw) that are usual.

    A usual line whose values would make it a dead letter by shape (a thirteenth month, too many codes) is left out too.
    With `all_json` the query fails when a line is no JSON: guarding against that costs a third of the reading.
    """
    parsed = f"from_json(raw, {quote(_STRUCTURE)})"
    local = ", ".join(f"{name}_utc + hours * INTERVAL 1 HOUR AS {name}" for name in ("admit_dt", "discharge_dt"))
    flat = {
        "claim_id": "p.claim_id",
        "admit_dt": "admit_dt",
        "discharge_dt": "discharge_dt",
        "los": "CAST(date_diff('day', admit_dt, discharge_dt) AS INTEGER)",
        "province_name": "p.facility.province",
        "facility_id": "p.facility_ref",
        "facility_class": "p.facility.class",
        "facility_ownership": "p.facility.ownership",
        "service_type": "p.service_type",
        "severity_group": "p.severity_group",
        "dx_primary_code": "p.diagnosis.primary_code",
        "dx_primary_label": "p.diagnosis.primary_label",
        "dx_secondary_codes": "p.diagnosis.secondary_codes",
        "comorbidity_count": "CAST(len(p.diagnosis.secondary_codes) AS INTEGER)",
        "procedure_code": "p.procedure.code",
        "procedure_label": "p.procedure.label",
        **{name: name for name in ("amount_claimed", "amount_paid", "amount_gap")},
        "patient_id_hash": "p.patient_ref",
        "claim_weight": "CAST(NULL AS DOUBLE)",
        "episode_ref": "p.episode_ref",
        "generated_at": "generated_at_utc",
    }
    columns = ", ".join(f"{flat.get(name, 'CAST(NULL AS VARCHAR)')} AS {name}" for name in FLAT_COLUMNS)
    formats = "['%Y-%m-%dT%H:%M:%SZ', '%Y-%m-%dT%H:%M:%S.%fZ']"
    instants = ", ".join(
        f"try_strptime(p.{name}, {formats}) AS {name}_utc" for name in ("admit_dt", "discharge_dt", "generated_at")
    )
    amounts = ", ".join(f"TRY_CAST(p.{n} AS DOUBLE) AS {n}" for n in ("amount_claimed", "amount_paid", "amount_gap"))
    needed = ("admit_dt_utc", "discharge_dt_utc", "generated_at_utc", "amount_claimed", "amount_paid", "amount_gap")
    compact, spaced = (_rewritten(space) for space in _SEPARATORS)
    # The limit limits nothing: without it the planner reads the document again for each of its values.
    return f"""
WITH read AS (
  SELECT CAST(position AS BIGINT) AS place, raw, {parsed if all_json else f"TRY({parsed})"} AS p
  FROM lines LIMIT {_NO_LIMIT}
), usual AS (
  SELECT place, p, {instants}, {amounts}, {utc_offset_sql("p.facility.province")} AS hours
  FROM read
  WHERE raw = CASE WHEN starts_with(raw, '{{"claim_id": ') THEN {spaced} ELSE {compact} END
    AND len(p.diagnosis.secondary_codes) <= {MAX_SECONDARY_CODES}
), localised AS (
  SELECT *, {local} FROM usual
)
SELECT place, {columns} FROM localised WHERE {" AND ".join(f"{name} IS NOT NULL" for name in needed)}
"""
