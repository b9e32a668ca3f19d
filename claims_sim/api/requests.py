"""Requests for claims, `POST /simulate/claims`: a few at once, many as a job, or line by line. Nothing is published."""

import json
import secrets
import shutil
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path as FilePath
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Path, Request
from fastapi.responses import FileResponse, JSONResponse, Response, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from claims_sim import pipeline
from claims_sim.api.documents import Job
from claims_sim.api.problems import problem, problem_responses
from claims_sim.claim import Claim
from claims_sim.errors import ClaimsSimError, RequestError
from claims_sim.generation.batch import Batch
from claims_sim.profile.wanted import ClaimFilter, Mix
from claims_sim.settings import AuthorName, Settings

router = APIRouter(tags=["simulate"])

MAX_COUNT: Final = 100_000
AT_ONCE: Final = {"statistical": 1_000, "llm": 10}
"""Claims that an answer waits for; more become a job."""
_CHUNK: Final = {"statistical": 500, "llm": 5}
MAX_JOBS: Final = 20
_JOB_PATTERN: Final = r"^[0-9a-f]{16}$"
_NDJSON: Final = "application/x-ndjson"
Texts = Annotated[list[Annotated[str, Field(min_length=1, max_length=200)]], Field(max_length=50)]
Limits = tuple[Annotated[float, Field(ge=0, le=1e13)] | None, Annotated[float, Field(ge=0, le=1e13)] | None]


class Conditions(BaseModel):
    """What every claim must hold; a code that ends in * stands for all that begin so."""

    model_config = ConfigDict(extra="forbid")

    service_type: Texts = []
    province_name: Texts = []
    facility_class: Texts = []
    facility_ownership: Texts = []
    severity_group: Texts = []
    dx_primary_code: Texts = []
    procedure_code: Texts = Field([], description="`none` stands for claims without a procedure")
    los: Limits | None = Field(None, description="Days of stay, lowest and highest", examples=[[3, 5]])
    amount_claimed: Limits | None = None
    admit_dt: tuple[str, str] | None = Field(
        None, description="First and last day", examples=[["2026-01-05", "2026-01-11"]]
    )

    def filter(self) -> ClaimFilter:
        """As the generator takes it. Raises RequestError for a value that is none."""
        return ClaimFilter.from_dict({name: value for name, value in self.model_dump().items() if value})


class SimulateRequest(BaseModel):
    """Which claims to write."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"count": 5},
                {
                    "count": 20,
                    "where": {"province_name": ["BALI"], "dx_primary_code": ["O82*"]},
                    "author": "statistical",
                },
            ]
        },
    )

    count: Annotated[int, Field(ge=1, le=MAX_COUNT)] = 5
    where: Conditions = Conditions()
    mix: Annotated[dict[str, Annotated[float, Field(ge=0, le=1)]], Field(max_length=50)] = Field(
        {}, description="Shares that replace the profile's", examples=[{"service_type:RITL": 0.6}]
    )
    author: AuthorName | None = Field(None, description="Default: the setting's")
    seed: Annotated[int, Field(ge=0, le=2**63 - 1)] | None = None


class SimulateAnswer(BaseModel):
    """Claims that were written for a request; they are in no channel and no table."""

    claims: list[Claim]
    author: str
    model: str
    profile_hash: str
    asked: dict[str, str] = Field(description="What was asked beyond the profile's own shares")
    rejected: int = Field(description="Claims that no author could write acceptably")


@dataclass(frozen=True, slots=True)
class _Work:
    settings: Settings
    count: int
    where: ClaimFilter
    mix: Mix

    def batches(self) -> Iterator[Batch]:
        """Reviewed batches until all are written."""
        profile = pipeline.current_profile(self.settings)
        left = self.count
        while left > 0:
            size = min(left, _CHUNK[self.settings.author])
            yield pipeline.generate_batch(self.settings, profile, datetime.now(UTC), size, self.where, self.mix)
            left -= size


def _work(settings: Settings, asked: SimulateRequest) -> _Work:
    changed: dict[str, Any] = {"author": asked.author, "seed": asked.seed}
    chosen = settings.model_copy(update={name: value for name, value in changed.items() if value is not None})
    mix = Mix.parse(f"{name}={share}" for name, share in asked.mix.items())
    return _Work(chosen, asked.count, asked.where.filter(), mix or pipeline.settings_mix(settings))


@router.post(
    "/simulate/claims",
    response_model=SimulateAnswer,
    responses=problem_responses(400, 409, 413, 503)
    | {202: {"model": Job, "description": "Too many to wait for: a job"}}
    | {200: {"model": SimulateAnswer, "content": {_NDJSON: {"schema": {"type": "string"}}}}},
    summary="Write claims on demand",
    description=(
        "Up to 1,000 claims of the statistical author, or 10 of a language model, are answered at once; more become a job "
        "(202). With `Accept: application/x-ndjson` claims are sent line by line as they are written."
    ),
)
def simulate(request: Request, asked: SimulateRequest) -> Response:
    """Claims, a job, or lines."""
    work = _work(request.app.state.settings, asked)
    if _NDJSON in request.headers.get("accept", ""):
        batches = work.batches()
        first = next(batches)  # what is wrong with the request is told before the first byte
        return StreamingResponse(_lines(first, batches), media_type=_NDJSON)
    if asked.count > AT_ONCE[work.settings.author]:
        job = request.app.state.jobs.start(work)
        return JSONResponse(job.document(), 202, {"location": f"/simulate/jobs/{job.job_id}"})
    batches_made = list(work.batches())
    last = batches_made[-1]
    return JSONResponse(
        {
            "claims": [json.loads(line) for batch in batches_made for line in batch.payloads],
            "author": last.author,
            "model": last.model,
            "profile_hash": last.profile_hash,
            "asked": last.request.asked,
            "rejected": sum(batch.rejected for batch in batches_made),
        }
    )


def _lines(first: Batch, rest: Iterator[Batch]) -> Iterator[str]:
    yield "".join(f"{line}\n" for line in first.payloads)
    for batch in rest:
        yield "".join(f"{line}\n" for line in batch.payloads)


JobId = Annotated[str, Path(pattern=_JOB_PATTERN, examples=["00112233445566aa"])]


@router.get("/simulate/jobs/{job_id}", response_model=Job, responses=problem_responses(404), summary="How far a job is")
def job_state(request: Request, job_id: JobId) -> Response:
    """Its state."""
    job = request.app.state.jobs.get(job_id)
    return JSONResponse(job.document()) if job else problem(request, 404, f"There is no job {job_id}.")


@router.get(
    "/simulate/jobs/{job_id}/claims",
    responses=problem_responses(404, 409) | {200: {"content": {_NDJSON: {"schema": {"type": "string"}}}}},
    response_class=FileResponse,
    summary="The claims of a job that is done, one a line",
)
def job_claims(request: Request, job_id: JobId) -> Response:
    """Its claims."""
    job = request.app.state.jobs.get(job_id)
    if job is None:
        return problem(request, 404, f"There is no job {job_id}.")
    if job.state != "done":
        return problem(request, 409, f"Job {job_id} is {job.state}.")
    return FileResponse(job.path, media_type=_NDJSON, filename=f"claims-{job_id}.jsonl")


@dataclass(slots=True)
class _Running:
    job_id: str
    path: FilePath
    asked: int
    state: Literal["queued", "running", "done", "failed"] = "queued"
    written: int = 0
    detail: str = ""
    started: float = 0

    def document(self) -> dict[str, Any]:
        result = f"/simulate/jobs/{self.job_id}/claims" if self.state == "done" else None
        return {name: value for name, value in asdict(self).items() if name not in {"path", "started"}} | {
            "result": result
        }


class Jobs:
    """Requests for many claims, one at a time, their results in `folder`; the oldest of MAX_JOBS makes room."""

    def __init__(self, folder: FilePath) -> None:
        self._folder = folder
        shutil.rmtree(folder, ignore_errors=True)  # what an earlier server left: nobody knows its jobs any more
        self._pool = ThreadPoolExecutor(1, "simulate")
        self._jobs: dict[str, _Running] = {}
        self._lock = threading.Lock()
        self._stopping = threading.Event()

    def start(self, work: _Work) -> _Running:
        """Queue `work`. Raises RequestError when as many jobs wait or run as there is room for."""
        with self._lock:
            over = [job for job in self._jobs.values() if job.state in {"done", "failed"}]
            if len(self._jobs) >= MAX_JOBS:
                if not over:
                    raise RequestError(f"{MAX_JOBS} jobs wait already; ask again when one is done.")
                oldest = min(over, key=lambda job: job.started)
                oldest.path.unlink(missing_ok=True)
                del self._jobs[oldest.job_id]
            self._folder.mkdir(parents=True, exist_ok=True)
            name = secrets.token_hex(8)
            job = _Running(name, self._folder / f"{name}.jsonl", work.count, started=time.time())
            self._jobs[name] = job
        self._pool.submit(self._run, job, work)
        return job

    def get(self, job_id: str) -> _Running | None:
        """The job, while it is known."""
        return self._jobs.get(job_id)

    def close(self) -> None:
        """Stop after the batch at work."""
        self._stopping.set()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _run(self, job: _Running, work: _Work) -> None:
        job.state = "running"
        part = job.path.with_suffix(".part")
        try:
            with part.open("w", encoding="utf-8") as file:
                for batch in work.batches():
                    if self._stopping.is_set():
                        raise RequestError("The server was stopped.")
                    file.writelines(f"{line}\n" for line in batch.payloads)
                    job.written += len(batch.payloads)
            part.replace(job.path)
            job.state = "done"
        except (ClaimsSimError, OSError) as error:
            part.unlink(missing_ok=True)
            job.detail, job.state = str(error), "failed"
