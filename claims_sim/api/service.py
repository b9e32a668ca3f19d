"""Is it well: health, readiness, metrics, and the state of the simulation for the page."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from claims_sim import pipeline
from claims_sim.anomalies.kinds import KINDS
from claims_sim.errors import AuthorError
from claims_sim.observe import metrics
from claims_sim.observe.health import check_health
from claims_sim.observe.status import status_of
from claims_sim.pipeline.model import model_state
from claims_sim.settings import Settings
from claims_sim.store import control

router = APIRouter(tags=["service"])


def _settings(request: Request) -> Settings:
    found: Settings = request.app.state.settings
    return found


@router.get("/healthz", summary="Is the server alive?", responses={503: {"description": "The state cannot be read"}})
def healthz(request: Request) -> JSONResponse:
    """Alive: 200, else 503."""
    health = check_health(_settings(request))
    return JSONResponse({"alive": health.alive}, 200 if health.alive else 503)


@router.get(
    "/readyz", summary="Do claims arrive, and is nothing in the way?", responses={503: {"description": "Not ready"}}
)
def readyz(request: Request) -> JSONResponse:
    """Ready: 200; else 503, with the reasons."""
    health = check_health(_settings(request))
    return JSONResponse(health.as_dict(), 200 if health.ready else 503)


@router.get("/metrics", summary="Metrics for Prometheus", response_class=Response,
            responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}})  # fmt: skip
def prometheus(request: Request) -> Response:
    """Counters, gauges, histograms."""
    return Response(metrics.exposition(_settings(request)), media_type=metrics.CONTENT_TYPE)


@router.get("/status", summary="What runs, how far it is, and how its checks stand")
def status(request: Request) -> dict[str, Any]:
    """The state of the simulation."""
    settings = _settings(request)
    health = check_health(settings)
    return {
        "status": status_of(settings),
        "ready": health.ready,
        "problems": list(health.problems),
        "checks": control.get_status(settings.state_dir, "checks") or {},
        "interval_s": [settings.interval_min_s, settings.interval_max_s],
        "batch_size": settings.batch_size,
        "author": settings.author,
        "budget": _budget(settings),
        "injection": pipeline.injection_state(settings),
        "anomaly_kinds": list(KINDS),
        "has_fidelity": (settings.state_dir / "fidelity" / "report.html").is_file(),
    }


def _budget(settings: Settings) -> dict[str, Any] | None:
    """What the model has cost today; nothing where no model writes."""
    if settings.author != "llm":
        return None
    try:
        return model_state(settings).as_budget()
    except AuthorError as error:
        return {"hindered": str(error)}
