"""The answers' shapes, as the OpenAPI document describes them."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, Field

from claims_sim.claim import Claim

Share = Annotated[float, Field(ge=0, le=1)]


class Score(BaseModel):
    """What the scorer says of a claim."""

    risk_score: Share = Field(description="The larger of rule_score and ml_score_normalized")
    rule_score: Share
    ml_score: float
    ml_score_normalized: Share
    flags: list[str] = Field(description="Names of the rules and signals that fired")
    reasons: list[str] = Field(description="The same in plain words")
    model_version: str
    ruleset_version: str
    scored_at: datetime


class ClaimRecord(BaseModel):
    """A stored claim: the payload as it came over the channel, and its score once it has one."""

    seq: int = Field(ge=1, description="Number of arrival, without gaps; `before` and `since` refer to it")
    ingested_at: datetime
    batch_id: str | None = Field(description="Our batch; null for a foreign producer's claim")
    channel: str
    claim: Claim
    score: Score | None


class Provenance(BaseModel):
    """How a claim was made. Never part of the payload."""

    author: str | None
    model: str | None
    prompt_version: str | None
    profile_hash: str | None
    seed: int | None
    attempts: int | None
    repaired: bool | None
    errors: list[str] | None
    tokens_in: int | None
    tokens_out: int | None
    seconds: float | None
    brief: dict[str, Any] | None


class ClaimDetail(ClaimRecord):
    """A stored claim with its origin."""

    provenance: Provenance | None = Field(description="Null for a foreign producer's claim")


class ClaimPage(BaseModel):
    """Claims, the newest first."""

    claims: list[ClaimRecord]
    next_before: int | None = Field(description="Pass as `before` for the next page; null on the last one")


class RiskPage(BaseModel):
    """Claims by risk, the highest first."""

    claims: list[ClaimRecord]
    total: int = Field(description="How many claims match")
    next_offset: int | None = Field(description="Pass as `offset` for the next page; null on the last one")


class ProfileSummary(BaseModel):
    """What the profile in force says; nothing but aggregates."""

    profile_hash: str
    created_at: datetime
    k: int
    unit: str = Field(description="persons, or claims where the source has no person key")
    rows: int
    period: Annotated[list[str], Field(min_length=2, max_length=2, description="First and last month")]
    absent: list[str]
    oddities: list[str]
    shares: dict[str, list[list[str | float]]] = Field(description="Per column: pairs of value and share")


class ShareRow(BaseModel):
    """One bar: its share in the profile and in the newest claims."""

    value: str
    label: str | None = Field(None, description="What a diagnosis code means")
    expected: Share
    live: Share


class Distribution(BaseModel):
    """The newest claims beside what the profile lets expect."""

    claims: int = Field(description="How many of the newest claims were counted")
    columns: dict[str, list[ShareRow]]


class HistogramBar(BaseModel):
    """Scores between `low` (included) and `high`."""

    low: float
    high: float
    claims: int


class GroupRisk(BaseModel):
    """One group of claims."""

    value: str
    claims: int
    mean_risk: Share
    high_risk: int


class ScoreSummary(BaseModel):
    """All scores at a glance; `high_risk` counts claims of at least `threshold`."""

    claims: int
    threshold: float
    high_risk: int
    mean_risk: float | None
    histogram: list[HistogramBar]
    flags: dict[str, int]
    groups: dict[str, list[GroupRisk]]
    model_version: str | None
    ruleset_version: str | None


class Job(BaseModel):
    """A request for many claims, at work or done."""

    job_id: str
    state: str = Field(description="queued, running, done or failed")
    asked: int
    written: int
    detail: str = ""
    result: str | None = Field(description="Where the claims are (JSON lines) once it is done")
