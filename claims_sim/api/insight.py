"""What the claims look like as a whole: profile, fidelity, scores, and the newest claims beside what was expected."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Annotated, Any, Final

import numpy as np
import pyarrow as pa
from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response

from claims_sim import pipeline
from claims_sim.api.claims import snapshots_of
from claims_sim.api.documents import Distribution, ProfileSummary, ScoreSummary
from claims_sim.api.problems import problem, problem_responses
from claims_sim.api.snapshots import Snapshots
from claims_sim.codes import icd10
from claims_sim.profile.document import Profile
from claims_sim.profile.sampler import Sampler
from claims_sim.randomness import stream_key
from claims_sim.settings import Settings
from claims_sim.store.tables import HIGH_RISK

router = APIRouter(tags=["insight"])

_BINS: Final = 20
_GROUPS: Final = {"severity": "severity_group", "service_type": "service_type", "facility_class": "facility_class",
                  "province": "province_name"}  # fmt: skip
_EXPECTED_FROM: Final = 20_000
_LIVE: Final = 2_000
_TOP: Final = 12
_AMOUNT_BINS: Final = 10
_EXPECTED_COLUMNS: Final = (
    "los",
    "amount_claimed",
    "dx_primary_code",
    "province_name",
    "service_type",
    "severity_group",
)


@dataclass(slots=True)
class Kept:
    """Answers that are dear and change seldom, each with the version that it was made for."""

    answers: dict[str, tuple[object, Any]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, name: str, version: object, make: Callable[[], Any]) -> Any:  # noqa: ANN401 - any answer
        """The answer under `name` for `version`, made once."""
        with self.lock:
            known = self.answers.get(name)
            if known is None or known[0] != version:
                known = (version, make())
                self.answers[name] = known
            return known[1]


def _settings(request: Request) -> Settings:
    found: Settings = request.app.state.settings
    return found


def _profile(request: Request) -> Profile:
    settings, kept = _settings(request), request.app.state.kept
    try:
        version = settings.profile_path.stat().st_mtime_ns
    except OSError:
        version = 0
    found: Profile = kept.get("profile", version, lambda: pipeline.current_profile(settings))
    return found


@router.get(
    "/profile",
    response_model=ProfileSummary,
    responses=problem_responses(503),
    summary="The profile in force",
    description="What it says of each column; the whole document is at /profile/document.",
)
def profile(request: Request) -> Response:
    """The profile."""
    found = _profile(request)
    headers = {"etag": f'"{found.profile_hash}"'}
    if request.headers.get("if-none-match") == headers["etag"]:
        return Response(status_code=304, headers=headers)
    columns = sorted(name for name in found.tables if found.marginal(name))
    return JSONResponse(
        {
            "profile_hash": found.profile_hash,
            "created_at": found.created_at.isoformat(),
            "k": found.k,
            "unit": found.unit,
            "rows": found.rows,
            "period": found.period,
            "absent": found.absent,
            "oddities": found.oddities,
            "shares": {name: found.marginal(name) for name in columns},
        },
        headers=headers,
    )


@router.get(
    "/profile/document",
    responses=problem_responses(503) | {200: {"content": {"application/json": {"schema": {"type": "object"}}}}},
    response_class=Response,
    summary="The profile in force, whole",
    description="The document as it crossed from the source: nothing but aggregates.",
)
def profile_document(request: Request) -> Response:
    """The document."""
    return Response(_profile(request).to_json(), media_type="application/json")


@router.get(
    "/fidelity",
    responses=problem_responses(404) | {200: {"content": {"text/html": {"schema": {"type": "string"}}}}},
    summary="The last fidelity report",
    description="Numbers as JSON; a readable page when `Accept` asks for text/html.",
)
def fidelity(request: Request) -> Response:
    """The report that `claims-sim fidelity` or the asset `fidelity_report` wrote last."""
    folder = _settings(request).state_dir / "fidelity"
    is_page = "text/html" in request.headers.get("accept", "")
    try:
        text = (folder / ("report.html" if is_page else "report.json")).read_text(encoding="utf-8")
    except OSError:
        return problem(request, 404, "There is no fidelity report yet; `claims-sim fidelity` makes one.")
    return HTMLResponse(text) if is_page else Response(text, media_type="application/json")


@router.get(
    "/scores/summary",
    response_model=ScoreSummary,
    responses=problem_responses(503),
    summary="All scores at a glance",
)
def scores_summary(
    request: Request,
    threshold: Annotated[
        float, Query(ge=0, le=1, description="Claims of at least this risk count as high")
    ] = HIGH_RISK,
) -> JSONResponse:
    """Counts, a histogram, flags and groups."""
    snapshots, kept = snapshots_of(request), request.app.state.kept
    version = (snapshots.version("ml_scores"), threshold)
    return JSONResponse(kept.get(f"scores {threshold:.3f}", version, lambda: _summarise(snapshots, threshold)))


def _summarise(snapshots: Snapshots, threshold: float) -> dict[str, Any]:
    claims, scores = snapshots.files("claims_live_stream"), snapshots.files("ml_scores")
    edges = [i / _BINS for i in range(_BINS + 1)]
    bars = [{"low": low, "high": high, "claims": 0} for low, high in pairwise(edges)]
    empty: dict[str, Any] = {"claims": 0, "threshold": threshold, "high_risk": 0, "mean_risk": None, "histogram": bars, "flags": {},
             "groups": {}, "model_version": None, "ruleset_version": None}  # fmt: skip
    if not claims or not scores:
        return empty
    total = snapshots.query(
        """SELECT count(*) AS claims, count(*) FILTER (risk_score >= ?) AS high_risk, avg(risk_score) AS mean_risk,
        arg_max(model_version, score_seq) AS model_version, arg_max(ruleset_version, score_seq) AS ruleset_version
        FROM {scores}""",
        [threshold],
        scores=scores,
    )[0]
    histogram = snapshots.query(
        f"SELECT least(CAST(floor(risk_score * {_BINS}) AS INTEGER), {_BINS - 1}) AS bin, count(*) AS n FROM {{scores}} GROUP BY 1",
        scores=scores,
    )
    for row in histogram:
        bars[row["bin"]]["claims"] = row["n"]
    flags = snapshots.query(
        "SELECT flag, count(*) AS n FROM (SELECT unnest(flags) AS flag FROM {scores}) GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 30",
        scores=scores,
    )
    groups = {name: _group(snapshots, column, threshold) for name, column in _GROUPS.items()}
    return empty | total | {"flags": {row["flag"]: row["n"] for row in flags}, "groups": groups}


def _group(snapshots: Snapshots, column: str, threshold: float) -> list[dict[str, Any]]:
    return snapshots.query(
        f"""SELECT c.{column} AS value, count(*) AS claims, avg(s.risk_score) AS mean_risk,
        count(*) FILTER (s.risk_score >= ?) AS high_risk
        FROM {{claims}} AS c JOIN {{scores}} AS s USING (stream_seq)
        GROUP BY 1 ORDER BY high_risk DESC, claims DESC, value LIMIT 40""",
        [threshold],
        claims=snapshots.files("claims_live_stream"),
        scores=snapshots.files("ml_scores"),
    )


@router.get(
    "/distribution",
    response_model=Distribution,
    responses=problem_responses(503),
    summary="The newest claims beside what the profile lets expect",
    description=f"The newest {_LIVE:,} claims; expected shares come from {_EXPECTED_FROM:,} claims drawn from the profile.",
)
def distribution(request: Request) -> JSONResponse:
    """Shares by value or range."""
    found, kept, snapshots = _profile(request), request.app.state.kept, snapshots_of(request)
    expected: pa.Table = kept.get("expected", found.profile_hash, lambda: _expected(found))
    version = (found.profile_hash, snapshots.version("claims_live_stream"))
    return JSONResponse(kept.get("distribution", version, lambda: _compare(snapshots, expected)))


def _expected(found: Profile) -> pa.Table:
    key = stream_key("expected", found.profile_hash)
    return Sampler(found).draw_claims(key, np.arange(_EXPECTED_FROM)).select(_EXPECTED_COLUMNS)


def _compare(snapshots: Snapshots, expected: pa.Table) -> dict[str, Any]:
    files, live = snapshots.files("claims_live_stream"), []
    if files:
        live = snapshots.query(
            f"SELECT {', '.join(_EXPECTED_COLUMNS)} FROM {{claims}} ORDER BY stream_seq DESC LIMIT {_LIVE}",
            claims=files[-1 - _LIVE // 500 :],
        )
    columns = {}
    for name in _EXPECTED_COLUMNS:
        drawn = [value for value in expected[name].to_pylist() if value is not None]
        seen = [row[name] for row in live if row[name] is not None]
        rows = _numbers(name, drawn, seen) if name in {"los", "amount_claimed"} else _texts(drawn, seen)
        if name == "dx_primary_code":
            rows = [row | {"label": icd10.label(row["value"])} for row in rows]
        if rows:
            columns[name] = rows
    return {"claims": len(live), "columns": columns}


def _texts(drawn: list[str], seen: list[str]) -> list[dict[str, Any]]:
    names, counts = np.unique(np.array(drawn, str), return_counts=True)
    top = [str(names[i]) for i in np.argsort(-counts, kind="stable")[:_TOP]]
    expected = dict(zip(names.tolist(), counts.tolist(), strict=True))
    rows = [
        {"value": name, "expected": expected[name] / len(drawn), "live": seen.count(name) / max(len(seen), 1)}
        for name in top
    ]
    if len(names) > len(top):
        rest_live = (1 - sum(row["live"] for row in rows)) if seen else 0.0
        rest = {"value": "other", "expected": max(0.0, 1 - sum(row["expected"] for row in rows))}
        rows.append(rest | {"live": max(0.0, rest_live)})
    return rows


def _numbers(name: str, drawn: list[float], seen: list[float]) -> list[dict[str, Any]]:
    if not drawn:
        return []
    if name == "los":
        edges = np.array([0, 1, 2, 3, 4, 5, 6, 8, 11, 15, np.inf])
        labels = ["0", "1", "2", "3", "4", "5", "6–7", "8–10", "11–14", "15+"]
    else:
        inner = np.unique([_two_digits(q) for q in np.quantile(drawn, np.linspace(0, 1, _AMOUNT_BINS + 1)[1:-1])])
        edges = np.concatenate(([0.0], inner, [np.inf]))
        labels = [f"{_short(low)}–{_short(high)}" for low, high in pairwise(edges)]
        labels[0], labels[-1] = f"under {_short(edges[1])}", f"{_short(edges[-2])} or more"
    expected, live = (np.histogram(values, edges)[0] / max(len(values), 1) for values in (drawn, seen))
    return [
        {"value": label, "expected": float(a), "live": float(b)}
        for label, a, b in zip(labels, expected, live, strict=True)
    ]


def _two_digits(value: float) -> float:
    return float(f"{value:.2g}")


def _short(value: float) -> str:
    for size, unit in ((1e9, "bn"), (1e6, "m"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g} {unit}"
    return f"{value:g}"
