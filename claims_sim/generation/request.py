"""What a caller may ask for: one model for command line, run configuration, notebook and programs. Decides nothing else.

What is left out is as the settings say. A resolved request names everything that the claims follow from, so that asking
it again gives the same claims where the author can repeat itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    WithJsonSchema,
    model_validator,
)

from claims_sim.claim_ids import is_batch_id, new_batch_id
from claims_sim.errors import RequestError
from claims_sim.generation.batch import BatchRequest
from claims_sim.profile.drawing.wanted import RANGE_FIELDS, TEXT_FIELDS, ClaimFilter, Mix
from claims_sim.settings import AuthorName, Clock, Settings

MOST_CLAIMS: Final = 10_000
_OVERRIDES: Final = ("author", "seed", "clock", "prompt_form", "prompt_version", "prompt_language", "anomaly_mix")
_TEXTS: Final = {"type": "array", "items": {"type": "string"}}
_LIMITS: Final = {"type": "array", "minItems": 2, "maxItems": 2}
_WHERE_SCHEMA: Final = {
    "type": "object",
    "properties": dict.fromkeys(TEXT_FIELDS, _TEXTS) | dict.fromkeys(RANGE_FIELDS, _LIMITS),
}
_MIX_SCHEMA: Final = {
    "type": "object",
    "additionalProperties": {"type": "object", "additionalProperties": {"type": "number", "minimum": 0, "maximum": 1}},
}


def _filter(value: object) -> object:
    """A filter as it is, as a mapping, or as texts such as `province=BALI`."""
    try:
        if isinstance(value, Mapping):
            return ClaimFilter.from_dict(value)
        if isinstance(value, str | list | tuple):
            return ClaimFilter.parse(_parts(value))
    except RequestError as error:
        raise ValueError(str(error)) from None
    return value


def _mix(value: object) -> object:
    """A mix as it is, as field to value to share, or as texts such as `service_type:RITL=0.6`."""
    try:
        if isinstance(value, Mapping):
            named = [(f, v, s) for f, shares in value.items() for v, s in dict(shares).items()]
            return Mix.parse(f"{field}:{text}={share}" for field, text, share in named)
        if isinstance(value, str | list | tuple):
            return Mix.parse(_parts(value))
    except (RequestError, TypeError) as error:
        raise ValueError(str(error) if isinstance(error, RequestError) else "is no set of shares") from None
    return value


def _parts(value: str | list[object] | tuple[object, ...]) -> list[str]:
    texts = value.split(";") if isinstance(value, str) else value
    return [str(text).strip() for text in texts if str(text).strip()]


def _batch_id(value: str) -> str:
    if not is_batch_id(value):
        raise ValueError("is no batch id (a UUID of version 7)")
    return value.lower()


def _utc(value: datetime) -> datetime:
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


Where = Annotated[
    ClaimFilter,
    BeforeValidator(_filter),
    PlainSerializer(lambda where: where.as_dict(), return_type=dict[str, Any]),
    WithJsonSchema(_WHERE_SCHEMA),
]
Shares = Annotated[
    Mix,
    BeforeValidator(_mix),
    PlainSerializer(lambda mix: {name: mix.of(name) for name in mix.fields}, return_type=dict[str, Any]),
    WithJsonSchema(_MIX_SCHEMA),
]


class ClaimsRequest(BaseModel):
    """Claims on demand. Every field may be left out; the description of each is what help and launchpad say."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    count: Annotated[int, Field(ge=1, le=MOST_CLAIMS)] | None = Field(
        None, description=f"How many claims, up to {MOST_CLAIMS:,}; default: the batch size of the settings"
    )
    where: Where = Field(
        ClaimFilter(),
        description=(
            "What every claim holds: fields and values, such as province=BALI,ACEH, class=B, procedure=caesarean, "
            "dx=O8*, stay=3..5, amount=1000000.., date=2026-01-05..2026-01-11"
        ),
    )
    mix: Shares | None = Field(
        None,
        description="Shares that replace the profile's, such as service_type:RITL=0.6; default: those of the settings",
    )
    author: AuthorName | None = Field(
        None, description="Who writes: llm (a language model) or statistical (drawn from the profile)"
    )
    seed: Annotated[int, Field(ge=0, le=2**63 - 1)] | None = Field(
        None, description="Seed; the same seed, batch id and time give the same claims"
    )
    clock: Clock | None = Field(
        None, description="When the claims happen: admission (now), intake (discharged now) or history (past)"
    )
    as_of: Annotated[datetime, AfterValidator(_utc)] | None = Field(
        None, description="The time that counts as now (UTC); default: now"
    )
    batch_id: Annotated[str, AfterValidator(_batch_id)] | None = Field(
        None, description="The batch's own id, to repeat a request; default: a new one"
    )
    prompt_form: Literal["auto", "choice", "full"] | None = Field(None, description="Form of the prompts")
    prompt_version: str | None = Field(None, max_length=40, description="Version of the prompts")
    prompt_language: Annotated[str, Field(pattern="^[a-z]{2}$")] | None = Field(
        None, description="Language of the prompts: en or id"
    )
    anomaly_rate: Annotated[float, Field(ge=0, le=0.5)] | None = Field(
        None,
        description=(
            "Share of the claims that are labelled anomalies, at most half, exact in this batch. Default: none of claims "
            "on demand, the settings' quota of a batch of the stream"
        ),
    )
    anomaly_mix: str | None = Field(
        None,
        max_length=500,
        description=(
            "Kinds of those anomalies and their weights, such as upcoding or upcoding=2;cloned_claim=1; default: those of "
            "the settings"
        ),
    )
    deadline_s: Annotated[float, Field(gt=0, le=86_400)] | None = Field(
        None,
        description=(
            "Longest time for the model's part, seconds; what is late the statistical author writes. Default: the "
            "settings' deadline for every batch size of claims, and 20 where somebody waits for them: by command or HTTP"
        ),
    )

    @model_validator(mode="after")
    def _kinds_go_with_a_share(self) -> Self:
        if self.anomaly_mix and self.anomaly_rate is None:
            raise ValueError("anomaly_mix names kinds of anomalies, anomaly_rate says how many: give both")
        return self

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Self:
        """From a document of unknown content; None leaves a field out. Raises RequestError, one line."""
        try:
            return cls.model_validate({name: value for name, value in document.items() if value is not None})
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False)[0]
            name = str(first["loc"][0]) if first["loc"] else "The request"
            if first["type"] == "extra_forbidden":
                raise RequestError(f"A request has no {name!r}; it has: {', '.join(cls.model_fields)}.") from None
            message = str(first["msg"]).removeprefix("Value error, ").rstrip(".")
            raise RequestError(f"{name}: {message[:1].lower()}{message[1:]}.") from None

    def document(self) -> dict[str, Any]:
        """JSON-ready; what is not asked for is left out. `read` reads it back."""
        return self.model_dump(mode="json", exclude_none=True)


AS_SETTINGS_SAY: Final = ClaimsRequest()
"""Asks for nothing of its own: a batch as the settings say."""


@dataclass(frozen=True, slots=True)
class Order:
    """A request as it is carried out: nothing is left open in `request`, and `settings` follow it."""

    request: ClaimsRequest
    settings: Settings
    batch: BatchRequest
    deadline_s: float


def place_order(request: ClaimsRequest, settings: Settings, now: datetime, *, least_deadline_s: float = 0.0) -> Order:
    """What a request comes to under these settings; its own deadline may be below the least one.

    Raises RequestError when the settings' mix is none.
    """
    given = {name: getattr(request, name) for name in (*_OVERRIDES, "anomaly_rate")}
    applied = settings.model_copy(update={name: value for name, value in given.items() if value is not None})
    as_of = request.as_of or now.astimezone(UTC)
    count = request.count or applied.batch_size
    batch = BatchRequest(
        batch_id=request.batch_id or new_batch_id(as_of),
        count=count,
        seed=applied.seed,
        as_of=as_of,
        clock=applied.clock,
        claim_prefix=applied.claim_prefix,
        where=request.where,
        mix=_standing_mix(applied, request.where) if request.mix is None else request.mix,
    )
    usual_s = max(applied.authoring_deadline_s * -(-count // applied.batch_size), least_deadline_s)
    deadline_s = request.deadline_s or usual_s
    update = {name: getattr(applied, name) for name in _OVERRIDES}
    update |= {name: getattr(batch, name) for name in ("batch_id", "count", "as_of", "mix")}
    return Order(request.model_copy(update=update | {"deadline_s": deadline_s}), applied, batch, deadline_s)


def _standing_mix(settings: Settings, where: ClaimFilter) -> Mix:
    """The settings' mix, but for fields that a request says itself what it wants of."""
    mix = Mix.parse(_parts(settings.mix))
    return Mix(tuple(share for share in mix.shares if not getattr(where, share[0])))
