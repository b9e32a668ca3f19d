"""Claims as they arrive, as server-sent events: one reader of the snapshots for all who listen."""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import Response, StreamingResponse
from starlette.concurrency import run_in_threadpool

from claims_sim.api.claims import record, select_claims
from claims_sim.api.filters import ClaimQuery
from claims_sim.api.problems import problem, problem_responses
from claims_sim.api.snapshots import Snapshots
from claims_sim.errors import ClaimsSimError

router = APIRouter(tags=["claims"])

MAX_LISTENERS: Final = 200
KEPT_EVENTS: Final = 2_000
_POLL_S: Final = 0.5
_HEARTBEAT_S: Final = 15.0
_STOP_NOTICED_S: Final = 1.0  # a signal handler can set `stopping`, and wake nobody
_CHUNK: Final = 500
_UNSCORED_S: Final = 20.0
"""A claim is shown with its score; when none comes for so long, without."""


class Tail:
    """Follows the newest claims and keeps the last events, written out once for all listeners.

    A listener holds nothing but a number: however slow it is, nothing grows here, and what has left the kept events is
    read from the snapshots again.
    """

    def __init__(self, snapshots: Snapshots) -> None:
        self._snapshots = snapshots
        self._events: deque[tuple[int, str]] = deque(maxlen=KEPT_EVENTS)
        self._news = asyncio.Condition()
        self._waiting_since: float | None = None
        self.newest = 0
        self.listeners = 0
        self.stopping = False

    async def follow(self) -> None:
        """Poll until cancelled. A snapshot that cannot be read is tried again; the events go on where they were."""
        self.newest = await run_in_threadpool(self._top, "claims_live_stream")
        last: object = None
        while True:
            version = await run_in_threadpool(self._version)
            if version != last or self._waiting_since is not None:
                try:
                    await self._take_in()
                    last = version
                except ClaimsSimError:
                    last = None
            await asyncio.sleep(_POLL_S)

    async def stop(self) -> None:
        """Let every listener end."""
        self.stopping = True
        async with self._news:
            self._news.notify_all()

    async def events_after(self, number: int) -> list[tuple[int, str]]:
        """The events that follow `number`, waiting for one; none when nothing came for a while."""
        waited = 0.0
        while number >= self.newest and not self.stopping and waited < _HEARTBEAT_S:
            async with self._news:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._news.wait(), _STOP_NOTICED_S)
            waited += _STOP_NOTICED_S
        if number >= self.newest:
            return []
        if self._events and self._events[0][0] <= number + 1:
            return [event for event in self._events if event[0] > number]
        return await run_in_threadpool(self._read, number, min(self.newest, number + _CHUNK))

    async def _take_in(self) -> None:
        top = await run_in_threadpool(self._top, "claims_live_stream")
        if top < self.newest:  # the database was replaced by an older one
            self.newest = top
            self._events.clear()
        scored = await run_in_threadpool(self._top, "ml_scores")
        now = asyncio.get_running_loop().time()
        ready = min(top, scored)
        if ready < top:
            self._waiting_since = self._waiting_since or now
            ready = top if now - self._waiting_since > _UNSCORED_S else ready
        if ready == top:
            self._waiting_since = None
        while self.newest < ready:
            events = await run_in_threadpool(self._read, self.newest, min(ready, self.newest + _CHUNK))
            self._events.extend(events)
            self.newest = min(ready, self.newest + _CHUNK)
            async with self._news:
                self._news.notify_all()

    def _version(self) -> object:
        return self._snapshots.version("claims_live_stream"), self._snapshots.version("ml_scores")

    def _top(self, table: str) -> int:
        files = self._snapshots.files(table)
        if not files:
            return 0
        rows = self._snapshots.query("SELECT max(stream_seq) AS top FROM {newest}", newest=files[-1:])
        return int(rows[0]["top"] or 0)

    def _read(self, after: int, until: int) -> list[tuple[int, str]]:
        files = self._snapshots.files("claims_live_stream")
        firsts = [int(path.stem) for path in files]
        wanted = [
            path
            for path, first, following in zip(files, firsts, [*firsts[1:], 2**62], strict=True)
            if first <= until and following > after + 1
        ]
        if not wanted:
            return []
        rows = select_claims(
            self._snapshots, ClaimQuery(), lowest=after + 1, highest=until, files=wanted, limit=until - after
        )
        return [(row["stream_seq"], _event(record(row))) for row in reversed(rows)]


def _event(claim: dict[str, Any]) -> str:
    return f"id: {claim['seq']}\nevent: claim\ndata: {json.dumps(claim, separators=(',', ':'))}\n\n"


@router.get(
    "/claims/stream",
    responses=problem_responses(503) | {200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
    response_class=StreamingResponse,
    summary="Claims as they arrive, as server-sent events",
    description=(
        "Each event is named `claim`; its id is the claim's number, its data a ClaimRecord. Resumes after Last-Event-ID "
        "(or `after`); without either it begins with the next claim. A comment is sent when nothing came for 15 s."
    ),
)
async def stream_claims(
    request: Request,
    after: Annotated[int | None, Query(ge=0, le=2**62)] = None,
    last_event_id: Annotated[str | None, Header(max_length=20)] = None,
) -> Response:
    """An open-ended answer."""
    tail: Tail = request.app.state.tail
    if tail.listeners >= MAX_LISTENERS:
        return problem(request, 503, f"{MAX_LISTENERS} clients listen already.", {"retry-after": "10"})
    resumed = int(last_event_id) if last_event_id and last_event_id.isdecimal() else after
    start = tail.newest if resumed is None or resumed > tail.newest else resumed
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return StreamingResponse(_events(tail, start), media_type="text/event-stream", headers=headers)


async def _events(tail: Tail, number: int) -> AsyncIterator[str]:
    tail.listeners += 1
    try:
        yield "retry: 2000\n\n"
        while not tail.stopping:
            events = await tail.events_after(number)
            if not events:
                yield ": nothing new\n\n"
                continue
            number = events[-1][0]
            yield "".join(text for _, text in events)
    finally:
        tail.listeners -= 1
