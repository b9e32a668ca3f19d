"""Requests for claims, `POST /simulate/claims`: a few at once, many as a job, or line by line. Nothing is published."""

import json
import secrets
import shutil
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path as FilePath
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Body, Path, Request
from fastapi.responses import FileResponse, JSONResponse, Response, StreamingResponse
from pydantic import BaseModel, Field

from claims_sim import pipeline
from claims_sim.api.documents import Job
from claims_sim.api.problems import problem, problem_responses
from claims_sim.claim import Claim
from claims_sim.errors import ClaimsSimError, RequestError
from claims_sim.generation.batch import Batch
from claims_sim.generation.request import ClaimsRequest
from claims_sim.settings import Settings

router = APIRouter(tags=["simulate"])

AT_ONCE: Final = {"statistical": 1_000, "llm": 10}
"""Claims that an answer waits for; more become a job."""
_CHUNK: Final = {"statistical": 500, "llm": 5}
MAX_JOBS: Final = 20
_JOB_PATTERN: Final = r"^[0-9a-f]{16}$"
_NDJSON: Final = "application/x-ndjson"
_EXAMPLES: Final[dict[str, Any]] = {
    "a few": {"value": {"count": 5, "author": "statistical"}},
    "of a kind": {
        "value": {"count": 20, "where": {"province": ["BALI"], "dx": ["O8*"], "stay": [3, 5]}, "author": "statistical"}
    },
    "with known answers": {
        "value": {
            "count": 20,
            "where": {"service": ["RITL"]},
            "anomaly_rate": 0.3,
            "anomaly_mix": "upcoding",
            "author": "statistical",
        }
    },
}


class SimulateAnswer(BaseModel):
    """Claims that were written for a request; they are in no channel and no table."""

    claims: list[Claim]
    batch_id: str = Field(description="Asked again with the same id, seed and time, the answer is the same")
    author: str
    model: str
    profile_hash: str
    asked: dict[str, str] = Field(description="What was asked beyond the profile's own shares")
    rejected: int = Field(description="Claims that no author could write acceptably")
    truth: list[dict[str, Any]] = Field(
        description="What is true of the anomalies that were asked for, and of claims that only look like some"
    )


@dataclass(frozen=True, slots=True)
class _Work:
    settings: Settings
    asked: ClaimsRequest

    @property
    def author(self) -> str:
        return self.asked.author or self.settings.author

    @property
    def count(self) -> int:
        return self.asked.count or self.settings.batch_size

    def answer(self) -> pipeline.Answer:
        """All claims at once."""
        return pipeline.write_on_demand(self.settings, self.asked, datetime.now(UTC))

    def whole(self) -> Batch:
        """All claims as one reviewed batch."""
        return self.answer().batch

    def batches(self) -> Iterator[Batch]:
        """Reviewed batches until all are written; one that the caller named stays whole, so that it can be repeated."""
        if self.asked.batch_id:
            yield self.whole()
            return
        left = self.count
        while left > 0:
            size = min(left, _CHUNK[self.author])
            yield _Work(self.settings, self.asked.model_copy(update={"count": size})).whole()
            left -= size


@router.post(
    "/simulate/claims",
    response_model=SimulateAnswer,
    responses=problem_responses(400, 409, 413, 503)
    | {202: {"model": Job, "description": "Too many to wait for: a job"}}
    | {200: {"model": SimulateAnswer, "content": {_NDJSON: {"schema": {"type": "string"}}}}},
    summary="Write claims on demand",
    description=(
        "Up to 1,000 claims of the statistical author, or 10 of a language model, are answered at once; more become a job "
        "(202). With `Accept: application/x-ndjson` claims are sent line by line as they are written. With `anomaly_rate` "
        "the answer says which claims are anomalies; lines and jobs cannot, and are refused then."
    ),
)
def simulate(request: Request, asked: Annotated[ClaimsRequest, Body(openapi_examples=_EXAMPLES)]) -> Response:
    """Claims, a job, or lines."""
    work = _Work(request.app.state.settings, asked)
    is_lines = _NDJSON in request.headers.get("accept", "")
    if asked.anomaly_rate and (is_lines or work.count > AT_ONCE[work.author]):
        raise RequestError(
            f"anomaly_rate: lines and jobs hold no known answers; ask for at most {AT_ONCE[work.author]:,} claims at once."
        )
    if is_lines:
        batches = work.batches()
        first = next(batches)  # what is wrong with the request is told before the first byte
        return StreamingResponse(_lines(first, batches), media_type=_NDJSON)
    if work.count > AT_ONCE[work.author]:
        job = request.app.state.jobs.start(work)
        return JSONResponse(job.document(), 202, {"location": f"/simulate/jobs/{job.job_id}"})
    answer = work.answer()
    batch = answer.batch
    return JSONResponse(
        {
            "claims": [json.loads(line) for line in batch.payloads],
            "batch_id": batch.request.batch_id,
            "author": batch.author,
            "model": batch.model,
            "profile_hash": batch.profile_hash,
            "asked": batch.request.asked,
            "rejected": batch.rejected,
            "truth": answer.truth,
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
        said = ("job_id", "state", "asked", "written", "detail")
        return {name: getattr(self, name) for name in said} | {"result": result}


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
