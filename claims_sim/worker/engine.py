"""One tick, with everything warm: profile, author and scorer are loaded once and again only when the profile changes."""

import time
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from claims_sim import pipeline
from claims_sim.generation.batch import Batch, BatchWriter
from claims_sim.generation.request import ClaimsRequest, place_order
from claims_sim.pipeline import Relay
from claims_sim.pipeline.scoring import model_mark, score_stored
from claims_sim.profile.document import Profile
from claims_sim.scoring.protocol import OpenedScorer
from claims_sim.settings import Settings
from claims_sim.store import scores
from claims_sim.store.stream import IngestResult

SNAPSHOT_EVERY_S: Final = 5.0
"""Readers see claims at most so much later; every snapshot writes the newest file again."""


@dataclass(frozen=True, slots=True)
class TickResult:
    """What one tick did; `seconds` from the plan to the scores."""

    batch: Batch
    relay: Relay
    ingested: IngestResult
    scored: int
    seconds: float


class Engine:
    """Runs ticks. The caller holds the producer lock; close it when done."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._author = ExitStack()
        self._writer: BatchWriter | None = None
        self._scorer: OpenedScorer | None = None
        self._scorer_mark: tuple[int, ...] = ()
        self._profile_seen: tuple[int, int] | None = None
        self._snapshot_at = 0.0

    @property
    def profile(self) -> Profile:
        """The profile in force."""
        return self._warm().profile

    def tick(self, count: int, now: datetime) -> TickResult:
        """Plan, author, review, publish, ingest and score `count` claims."""
        started = time.perf_counter()
        batch = self._write(count, now)
        relay, ingested, scored = self._deliver(batch, now)
        seconds = time.perf_counter() - started
        if time.monotonic() - self._snapshot_at > SNAPSHOT_EVERY_S:
            self.publish_snapshots()
        return TickResult(batch, relay, ingested, scored, seconds)

    def _write(self, count: int, now: datetime) -> Batch:
        injected = pipeline.take_share(self._settings)
        if injected is None:
            return self._warm().write(place_order(ClaimsRequest(count=count), self._settings, now).batch)
        order = place_order(ClaimsRequest(), injected, now)
        with pipeline.batch_writer(order.settings, self._warm().profile, deadline_s=order.deadline_s) as writer:
            return writer.write(order.batch)

    def warm_up(self) -> None:
        """Load what ticks need; stores nothing but a scorer where there is none yet."""
        self._warm()
        self._ready_scorer()  # the first of a profile is trained, which takes seconds: no claim shall wait for that

    def begin(self, now: datetime) -> None:
        """Load what ticks need, and send, ingest and score what an earlier process left; makes nothing new."""
        self.warm_up()
        self._deliver(None, now)

    def publish_snapshots(self) -> None:
        """Bring snapshots and the figures of `status` up to date."""
        pipeline.publish_snapshots(self._settings)
        self._snapshot_at = time.monotonic()

    def close(self) -> None:
        """Let go of the author's connections and of the scorer."""
        self._author.close()
        self._let_go_of_scorer()

    def _deliver(self, batch: Batch | None, now: datetime) -> tuple[Relay, IngestResult, int]:
        relay = pipeline.relay_outbox(self._settings, batch)
        ingested = pipeline.ingest(self._settings)
        return relay, ingested, self._score(now)

    def _score(self, now: datetime) -> int:
        db, total = pipeline.database(self._settings), 0
        for claims in scores.unscored_chunks(db):
            total += scores.commit_scores(db, score_stored(db, self._ready_scorer(), claims, now))
        return total

    def _ready_scorer(self) -> OpenedScorer:
        """The scorer in force; opened anew when a refresh or a rollback has put another one in force."""
        mark = model_mark(self._settings, self.profile)
        if self._scorer is not None and mark != self._scorer_mark:
            self._let_go_of_scorer()
        if self._scorer is None:
            self._scorer = pipeline.open_scorer(self._settings, self.profile)
            self._scorer_mark = model_mark(self._settings, self.profile)  # opening may have trained one
        return self._scorer

    def _let_go_of_scorer(self) -> None:
        if self._scorer is not None:
            self._scorer.close()
        self._scorer = None

    def _warm(self) -> BatchWriter:
        """The writer for the profile in force, made anew when the profile's file has changed."""
        settings = self._settings
        seen = None
        if settings.profile_path.exists():
            stat = settings.profile_path.stat()
            seen = (stat.st_mtime_ns, stat.st_size)
        if self._writer is None or seen != self._profile_seen:
            profile = pipeline.current_profile(settings)
            self._author.close()
            self._writer = self._author.enter_context(
                pipeline.batch_writer(settings, profile, deadline_s=settings.authoring_deadline_s)
            )
            self._let_go_of_scorer()
            self._profile_seen = seen
        return self._writer
