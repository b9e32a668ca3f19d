"""The claim: its payload on the wire and its flat row in a table. Holds shapes and always-true identities only.

How a payload is read or written in bulk is in `rules/`; what makes a claim plausible is in `generation/`.
"""

import math
import re
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import pyarrow as pa
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

PAYLOAD_SCHEMA_VERSION: Final = "1"
MAX_AMOUNT: Final = 1e13  # rupiah; far above any claim, low enough that cents stay exact in a double
MAX_SECONDARY_CODES: Final = 64
MAX_TEXT: Final = 200  # characters of any text value
REF_PATTERN: Final = "^[A-Za-z][A-Za-z0-9_-]{0,63}$"
OPTIONAL_KEYS: Final = ("patient_ref", "facility_ref", "episode_ref")
_UTC_TEXT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z")


def _parse_utc(value: object) -> object:
    if not isinstance(value, datetime) and not (isinstance(value, str) and _UTC_TEXT.fullmatch(value)):
        raise ValueError("is no UTC timestamp such as 2025-11-15T08:12:00Z")
    return value


def _format_utc(value: datetime) -> str:
    text = value.astimezone(UTC).isoformat().removesuffix("+00:00")
    return (text.rstrip("0") if "." in text else text) + "Z"


def _reject_bool(value: object) -> object:
    if isinstance(value, bool | str):
        raise ValueError("is no number")  # noqa: TRY004 - pydantic collects ValueErrors
    return value


def _on_cents(value: float) -> float:
    if not math.isfinite(value) or abs(value * 100 - round(value * 100)) > 1e-4 * max(1.0, abs(value) * 1e-6):
        raise ValueError("is no amount of money with at most two decimals")
    return value


def _whole_where_possible(value: float) -> int | float:
    return int(value) if value == int(value) else round(value, 2)


UtcTimestamp = Annotated[
    datetime,
    BeforeValidator(_parse_utc),
    PlainSerializer(_format_utc, return_type=str),
    Field(description="UTC, ends in Z"),
]
Money = Annotated[
    float,
    BeforeValidator(_reject_bool),
    AfterValidator(_on_cents),
    PlainSerializer(_whole_where_possible, return_type=int | float),
    Field(le=MAX_AMOUNT),
]
Text = Annotated[str, Field(min_length=1, max_length=MAX_TEXT)]
Pseudonym = Annotated[str, Field(pattern=REF_PATTERN)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, serialize_by_alias=True)


class Facility(_Part):
    """Where care was given; `class` is the hospital's class, `ownership` its owner."""

    province: Text
    class_: Text = Field(alias="class")
    ownership: Text


class Diagnosis(_Part):
    """ICD-10 codes without dots, as BPJS writes them."""

    primary_code: Text
    primary_label: Text
    secondary_codes: tuple[Text, ...] = Field(max_length=MAX_SECONDARY_CODES)


class Procedure(_Part):
    """An ICD-9-CM volume 3 code without its dot."""

    code: Text
    label: Text


class Claim(_Part):
    """One claim as it travels: exactly these keys, in this order.

    The three `*_ref` keys are optional made-up pseudonyms; they are left out of the payload when None.
    """

    claim_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,79}$")]
    admit_dt: UtcTimestamp
    discharge_dt: UtcTimestamp
    facility: Facility
    diagnosis: Diagnosis
    procedure: Procedure | None
    severity_group: Text
    service_type: Text
    amount_claimed: Annotated[Money, Field(ge=0)]
    amount_paid: Annotated[Money, Field(ge=0)]
    amount_gap: Money
    generated_at: UtcTimestamp
    patient_ref: Pseudonym | None = None
    facility_ref: Pseudonym | None = None
    episode_ref: Pseudonym | None = None

    @model_validator(mode="after")
    def _hold_identities(self) -> "Claim":
        if self.discharge_dt < self.admit_dt:
            raise ValueError("discharge_dt lies before admit_dt")
        if abs(self.amount_claimed - self.amount_paid - self.amount_gap) > 0.005:
            raise ValueError("amount_gap is not amount_claimed - amount_paid")
        codes = self.diagnosis.secondary_codes
        if self.diagnosis.primary_code in codes:
            raise ValueError("secondary_codes holds the primary code")
        if len(set(codes)) < len(codes):
            raise ValueError("secondary_codes holds a code twice")
        return self

    @model_serializer(mode="wrap")
    def _leave_out_absent_refs(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        document: dict[str, Any] = handler(self)
        return {key: value for key, value in document.items() if key not in OPTIONAL_KEYS or value is not None}


def payload_json_schema() -> dict[str, Any]:
    """The payload's JSON Schema (draft 2020-12), as exported to docs/claim.schema.json."""
    schema = Claim.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Claim", **schema}


# The flat row: the column names of `claims_normalized`. Dates are the facility's local wall clock, so that days of
# care, `los` and weekdays agree with the source's; the payload's UTC instants follow from the province (codes.places).
FLAT_SCHEMA: Final = pa.schema(
    [
        ("claim_id", pa.string()),
        ("admit_dt", pa.timestamp("us")),
        ("discharge_dt", pa.timestamp("us")),
        ("los", pa.int32()),
        ("province_name", pa.string()),
        ("district_name", pa.string()),
        ("facility_id", pa.string()),
        ("facility_class", pa.string()),
        ("facility_ownership", pa.string()),
        ("facility_type", pa.string()),
        ("service_type", pa.string()),
        ("severity_group", pa.string()),
        ("dx_primary_code", pa.string()),
        ("dx_primary_label", pa.string()),
        ("dx_secondary_codes", pa.list_(pa.string())),
        ("comorbidity_count", pa.int32()),
        ("procedure_code", pa.string()),
        ("procedure_label", pa.string()),
        ("amount_claimed", pa.float64()),
        ("amount_paid", pa.float64()),
        ("amount_gap", pa.float64()),
        ("patient_id_hash", pa.string()),
        ("claim_weight", pa.float64()),
        ("episode_ref", pa.string()),
        ("generated_at", pa.timestamp("us")),
    ]
)
FLAT_COLUMNS: Final = tuple(FLAT_SCHEMA.names)
CATEGORY_COLUMNS: Final = (
    "province_name",
    "facility_class",
    "facility_ownership",
    "facility_type",
    "service_type",
    "severity_group",
)
CODE_COLUMNS: Final = ("dx_primary_code", "procedure_code")
