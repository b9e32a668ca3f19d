"""Start, stop and look at an injection: for some minutes more claims, and more anomalies among them."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Body, Request
from pydantic import BaseModel

from claims_sim import pipeline
from claims_sim.api.problems import problem_responses
from claims_sim.pipeline import Injection
from claims_sim.settings import Settings

router = APIRouter(prefix="/injection", tags=["simulation"])


class InjectionState(BaseModel):
    """Whether an injection runs; the rest is about the last one and absent when there was none."""

    running: bool
    minutes: float | None = None
    per_s: float | None = None
    anomaly_rate: float | None = None
    anomaly_mix: str | None = None
    made: int | None = None
    since: datetime | None = None
    until: datetime | None = None


def _settings(request: Request) -> Settings:
    found: Settings = request.app.state.settings
    return found


_EXAMPLES: dict[str, Any] = {
    "upcoding": {
        "summary": "Five minutes at 2 claims a second, 30 % of them upcoded",
        "value": {"minutes": 5, "per_s": 2, "anomaly_rate": 0.3, "anomaly_mix": "upcoding"},
    }
}


@router.get("", response_model=InjectionState, responses=problem_responses(503), summary="The injection at work")
def read_injection(request: Request) -> dict[str, Any]:
    """Its state."""
    return pipeline.injection_state(_settings(request))


@router.post(
    "",
    response_model=InjectionState,
    responses=problem_responses(400, 503),
    summary="Start an injection",
    description="Takes the place of one that runs. Its claims come with the next batch of the stream.",
)
def start(request: Request, asked: Annotated[Injection, Body(openapi_examples=_EXAMPLES)]) -> dict[str, Any]:
    """Its state."""
    return pipeline.start_injection(_settings(request), asked)


@router.delete("", response_model=InjectionState, responses=problem_responses(503), summary="Stop the injection")
def stop(request: Request) -> dict[str, Any]:
    """The state after it."""
    return pipeline.stop_injection(_settings(request))
