"""Query parameters of lists of claims, and the SQL conditions they become; values are bound, never pasted."""

from datetime import date
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

MAX_LIMIT: Final = 500
_TEXT_COLUMNS: Final = {
    "service_type": "service_type",
    "severity": "severity_group",
    "province": "province_name",
    "facility_class": "facility_class",
    "diagnosis": "dx_primary_code",
    "batch_id": "batch_id",
}
Text = Annotated[str | None, Field(max_length=200)]
Risk = Annotated[float | None, Field(ge=0, le=1)]


class ClaimQuery(BaseModel):
    """Which claims; everything that is given must hold."""

    model_config = ConfigDict(extra="forbid")

    service_type: Text = Field(None, examples=["RITL"])
    severity: Text = Field(None, examples=["berat"])
    province: Text = Field(None, examples=["JAWA TIMUR"])
    facility_class: Text = Field(None, examples=["RS Kelas B"])
    diagnosis: Text = Field(None, description="Primary code without dot; `O8*` for all that begin so", examples=["O82"])
    batch_id: Text = None
    admitted_from: date | None = Field(None, description="Local day of admission, included")
    admitted_to: date | None = Field(None, description="Local day of admission, included")
    min_risk: Risk = None
    max_risk: Risk = None
    flag: Text = Field(None, description="Name of a rule or signal that fired")
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT)] = 50

    @model_validator(mode="after")
    def _in_order(self) -> "ClaimQuery":
        if self.admitted_from and self.admitted_to and self.admitted_from > self.admitted_to:
            raise ValueError("admitted_from lies after admitted_to")
        if self.min_risk is not None and self.max_risk is not None and self.min_risk > self.max_risk:
            raise ValueError("min_risk is above max_risk")
        return self

    @property
    def needs_scores(self) -> bool:
        """Whether a condition is about the score."""
        return self.min_risk is not None or self.max_risk is not None or self.flag is not None

    def conditions(self) -> tuple[list[str], list[object]]:
        """SQL on the relation of claims `c` and scores `s`, with the values to bind."""
        sql: list[str] = []
        values: list[object] = []

        def add(condition: str, value: object) -> None:
            sql.append(condition)
            values.append(value)

        for name, column in _TEXT_COLUMNS.items():
            wanted = getattr(self, name)
            if wanted is None:
                continue
            if name == "diagnosis" and wanted.endswith("*"):
                add(f"starts_with(c.{column}, ?)", wanted[:-1])
            else:
                add(f"c.{column} = ?", wanted)
        if self.admitted_from:
            add("c.admit_dt >= CAST(? AS DATE)", self.admitted_from)
        if self.admitted_to:
            add("c.admit_dt < CAST(? AS DATE) + INTERVAL 1 DAY", self.admitted_to)
        if self.min_risk is not None:
            add("s.risk_score >= ?", self.min_risk)
        if self.max_risk is not None:
            add("s.risk_score <= ?", self.max_risk)
        if self.flag is not None:
            add("list_contains(s.flags, ?)", self.flag)
        return sql, values


class PageQuery(ClaimQuery):
    """A page of claims, the newest first."""

    before: Annotated[int | None, Field(ge=1, le=2**62)] = Field(None, description="Only claims with a lower number")
    since: Annotated[int | None, Field(ge=0, le=2**62)] = Field(None, description="Only claims with a higher number")


class RiskQuery(ClaimQuery):
    """A page of claims, the riskiest first."""

    offset: Annotated[int, Field(ge=0, le=100_000)] = 0
    order: Literal["risk", "amount", "newest"] = "risk"
