"""An injection: for some minutes the stream runs at another rate, with more anomalies. Kept beside the database.

Whoever makes the next batch, sensor run or worker, asks `take_share` what is due of it; nobody has to be told.
"""

import time
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from claims_sim.errors import RequestError, SettingsError
from claims_sim.pipeline.anomalies import mix_of
from claims_sim.settings import Settings
from claims_sim.store import control

_FACT: Final = "injection"
_MOST_AT_ONCE: Final = 5_000
"""Claims in one batch; what is due beyond it, after a long pause, is let go."""
_FIRST_GAP_S: Final = 10.0
"""What the first batch of an injection covers, since nothing tells how long ago the last one was."""


class Injection(BaseModel):
    """What is asked for: claims a second, for how long, and how many of them are anomalies of which kinds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    minutes: Annotated[float, Field(gt=0, le=120)] = Field(5, description="How long, up to two hours")
    per_s: Annotated[float, Field(gt=0, le=50)] = Field(2, description="Claims a second, up to 50")
    anomaly_rate: Annotated[float, Field(ge=0, le=0.5)] = Field(
        0.3, description="Share of labelled anomalies, at most half of the claims"
    )
    anomaly_mix: str = Field(
        "", max_length=500, description="Kinds and weights such as upcoding=2;cloned_claim=1; empty: all kinds"
    )

    @classmethod
    def read(cls, document: dict[str, Any]) -> Self:
        """From a document of unknown content. Raises RequestError, one line."""
        try:
            return cls.model_validate(document)
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False)[0]
            name = str(first["loc"][0]) if first["loc"] else "The injection"
            raise RequestError(f"{name}: {first['msg']}.") from None


def start_injection(settings: Settings, asked: Injection) -> dict[str, Any]:
    """Begin now, in place of one that runs; returns its state. Raises RequestError for an unknown kind."""
    try:
        mix_of(asked.anomaly_mix, has_persons=settings.ref_keys, told_in="anomaly_mix")
    except SettingsError as error:
        raise RequestError(str(error)) from None
    now = time.time()
    fact = asked.model_dump() | {
        "since": now,
        "until": now + asked.minutes * 60,
        "made_until": now - _FIRST_GAP_S,
        "made": 0,
    }
    control.put_status(settings.state_dir, _FACT, fact)
    return injection_state(settings)


def stop_injection(settings: Settings) -> dict[str, Any]:
    """End it, if one runs; returns the state."""
    if (control.get_status(settings.state_dir, _FACT) or {}).get("until", 0) > time.time():
        control.change_status(settings.state_dir, _FACT, lambda known: (known or {}) | {"until": time.time()})
    return injection_state(settings)


def injection_state(settings: Settings) -> dict[str, Any]:
    """Whether one runs, what it asks for, since and until when (UTC), and how many claims it has led to."""
    fact = control.get_status(settings.state_dir, _FACT)
    if not fact:
        return {"running": False}
    instants = {name: datetime.fromtimestamp(fact[name], UTC).isoformat() for name in ("since", "until")}
    asked = {name: fact[name] for name in (*Injection.model_fields, "made")}
    return {"running": fact["until"] > time.time(), **asked, **instants}


def take_share(settings: Settings) -> Settings | None:
    """The settings of the next batch while an injection runs, as many claims as are due of it; else None.

    The statistical author writes them: no language model keeps such a rate.
    """
    seen = control.get_status(settings.state_dir, _FACT)
    if not seen or seen["made_until"] >= seen["until"]:  # most ticks end here, without a write
        return None
    count = 0

    def take(fact: dict[str, Any] | None) -> dict[str, Any]:
        nonlocal count
        if fact is None:
            return {}
        now = min(time.time(), fact["until"])
        count = min(_MOST_AT_ONCE, max(0, round(fact["per_s"] * (now - fact["made_until"]))))
        return fact | {"made_until": now, "made": fact["made"] + count} if count else fact

    fact = control.change_status(settings.state_dir, _FACT, take)
    if not count:
        return None
    update = {name: fact[name] for name in ("anomaly_rate", "anomaly_mix")}
    return settings.model_copy(update=update | {"batch_size": count, "author": "statistical"})
