"""One round of the chain, as the demo runs it."""

from dataclasses import dataclass
from datetime import datetime

from claims_sim.generation.batch import Batch
from claims_sim.pipeline.authoring import Relay, generate_batch, relay_outbox
from claims_sim.pipeline.ingesting import ingest, publish_snapshots
from claims_sim.pipeline.profiling import current_profile
from claims_sim.pipeline.scoring import score_new
from claims_sim.settings import Settings
from claims_sim.store import stream


@dataclass(frozen=True, slots=True)
class Tick:
    """One round of the chain."""

    batch: Batch
    relay: Relay
    ingested: stream.IngestResult
    scored: int


def run_tick(settings: Settings, now: datetime) -> Tick:
    """Generate, publish, ingest and score one batch. The caller holds the producer lock."""
    batch = generate_batch(settings, current_profile(settings), now)
    relayed = relay_outbox(settings, batch)
    ingested = ingest(settings)
    scored = score_new(settings, now)
    publish_snapshots(settings)
    return Tick(batch, relayed, ingested, scored)
