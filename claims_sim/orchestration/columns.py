"""Columns of the tables as the UI shows them: types, meanings, and which columns they come from."""

from typing import Any, Final

from dagster import AssetKey, TableColumn, TableColumnDep, TableColumnLineage, TableSchema

from claims_sim.claim import FLAT_SCHEMA

_COLUMN_NOTES: Final = {
    "claim_id": "prefix, year, batch and number; unique, sorts by time",
    "admit_dt": "local wall clock of the facility",
    "discharge_dt": "local wall clock of the facility",
    "los": "local days between admission and discharge",
    "province_name": "province of the facility, as the source writes it",
    "district_name": "district of the facility; rare ones are drawn from the rest",
    "facility_id": "made-up hospital, with CLAIMS_SIM_REF_KEYS; else empty",
    "facility_class": "class of the hospital (A to D, special)",
    "facility_ownership": "who owns the hospital",
    "facility_type": "kind of facility, where the source has it",
    "service_type": "RITL (inpatient) or RJTL (outpatient)",
    "severity_group": "severity as the grouper gave it",
    "dx_primary_code": "ICD-10, without dots",
    "dx_primary_label": "name of that code in the code system",
    "dx_secondary_codes": "companions: neither the primary code nor a repeat",
    "comorbidity_count": "how many companions there are",
    "procedure_code": "ICD-9-CM, without dots; may be empty",
    "procedure_label": "name of that code in the code system",
    "patient_id_hash": "made-up person, with CLAIMS_SIM_REF_KEYS; else empty",
    "episode_ref": "made-up episode of care, with CLAIMS_SIM_REF_KEYS; else empty",
    "claim_weight": "weight in a sample, where the source has it",
    "channel": "which channel brought it",
    "amount_claimed": "rupiah",
    "amount_paid": "rupiah",
    "amount_gap": "rupiah; claimed - paid",
    "generated_at": "UTC",
    "batch_id": "the batch that the claim came from, where it is one of ours",
    "ingested_at": "UTC",
    "channel_position": "where in the channel the claim stood",
    "stream_seq": "arrival number, without gaps",
}
_STREAM_EXTRA: Final = {
    "batch_id": "string",
    "ingested_at": "timestamp",
    "channel": "string",
    "channel_position": "string",
    "stream_seq": "int64",
}
_SCORE_COLUMNS: Final = {
    "claim_id": ("string", "the claim"),
    "source": ("string", "simulated"),
    "rule_score": ("double", "0 to 1; from the named rules"),
    "ml_score": ("double", "the model's raw score"),
    "ml_score_normalized": ("double", "0 to 1; scale frozen per model version"),
    "risk_score": ("double", "0 to 1; the larger of rule_score and ml_score_normalized"),
    "flags": ("list<string>", "names of the rules and signals that fired"),
    "reasons": ("list<string>", "the same in plain words"),
    "model_version": ("string", "version of the scorer; the built-in one's is the hash of the model"),
    "ruleset_version": ("string", "version of the rules"),
    "scored_at": ("timestamp", "UTC"),
    "scorer": ("string", "name of the scorer: claims_sim for the built-in one"),
}
_OURS: Final = ("claim_id", "patient_id_hash", "claim_weight", "episode_ref", "generated_at")
"""Columns of a claim that follow from no column of the source: made up here, or left empty."""
_SCORED: Final = (
    "admit_dt", "los", "province_name", "facility_class", "service_type", "severity_group", "dx_primary_code",
    "dx_secondary_codes", "procedure_code", "amount_claimed", "amount_paid",
)  # fmt: skip


def batch_columns() -> TableSchema:
    """For synthetic_claims_batch."""
    return _schema({field.name: str(field.type) for field in FLAT_SCHEMA})


def stream_columns() -> TableSchema:
    """For claims_live_stream."""
    return _schema({field.name: str(field.type) for field in FLAT_SCHEMA} | _STREAM_EXTRA)


def score_columns() -> TableSchema:
    """For ml_scores."""
    return TableSchema([TableColumn(name, kind, description=note) for name, (kind, note) in _SCORE_COLUMNS.items()])


def batch_lineage() -> dict[str, Any]:
    """Each column of a batch follows what the profile knows of the source's column of that name."""
    made = [name for name in FLAT_SCHEMA.names if name not in _OURS]
    return _lineage({name: [("claims_distribution_profile", name)] for name in made})


def stream_lineage() -> dict[str, Any]:
    """The claims as they came over the channel."""
    return _lineage({name: [("synthetic_claims_batch", name)] for name in FLAT_SCHEMA.names})


def score_lineage() -> dict[str, Any]:
    """Every figure of a score comes from the same columns of the claim."""
    read = [("claims_live_stream", name) for name in _SCORED]
    figures = ("rule_score", "ml_score", "ml_score_normalized", "risk_score", "flags", "reasons")
    return _lineage({"claim_id": [("claims_live_stream", "claim_id")]} | dict.fromkeys(figures, read))


def _schema(types: dict[str, str]) -> TableSchema:
    return TableSchema([TableColumn(name, kind, description=_COLUMN_NOTES.get(name)) for name, kind in types.items()])


def _lineage(columns: dict[str, list[tuple[str, str]]]) -> dict[str, Any]:
    """Dagster reads lineage from materializations only, so it rides with each."""
    deps = {
        name: [TableColumnDep(asset_key=AssetKey(asset), column_name=column) for asset, column in found]
        for name, found in columns.items()
    }
    return {"dagster/column_lineage": TableColumnLineage(deps)}
