"""The processes that are killed: a writer and a consumer, made of the product's own steps. They tell what they did."""

import json
import random
import time
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from typing import Any
from unittest.mock import patch

from claims_sim import pipeline
from claims_sim.channels import Channel, opening
from claims_sim.channels.jsonl import JsonlChannel
from claims_sim.claim_ids import new_batch_id
from claims_sim.errors import ChannelError, StoreError
from claims_sim.generation.batch import BatchRequest
from claims_sim.pipeline import authoring
from claims_sim.settings import Settings, load_settings
from claims_sim.store import outbox, stream
from claims_sim.store.database import SimulationDatabase

SEGMENT_BYTES = 20_000
"""Small, so that segments rotate all the time."""

LOST_AFTER = timedelta(seconds=5)


def small_segments() -> Any:
    """A patch under which folders are channels of small segments."""
    real = opening._open_jsonl
    return patch.object(opening, "_open_jsonl", lambda folder, _: real(folder, SEGMENT_BYTES))


def write(values: dict[str, Any], tell: Connection, seed: int) -> None:
    """Write batches, and send them, for ever: `plan` before a batch may reach anything, `sent` when it was released."""
    settings, rng = load_settings(**values), random.Random(seed)
    with (
        small_segments(),
        patch.object(authoring, "LOST_AFTER", LOST_AFTER),
        pipeline.batch_writer(settings, pipeline.current_profile(settings), deadline_s=None) as writer,
    ):
        while True:
            now = datetime.now(UTC)
            request = BatchRequest(new_batch_id(now), rng.randint(1, 20), seed, now, "admission", "SIM")
            try:
                batch = writer.write(request)
                _tell(tell, "plan", batch=request.batch_id, payloads=list(batch.payloads))
                pipeline.commit_batch(settings, batch)
                relay = pipeline.relay_outbox(settings)
            except (StoreError, ChannelError) as error:
                _tell(tell, "trouble", error=f"{type(error).__name__}: {error}")
                time.sleep(0.05)
                continue
            _tell(tell, "sent", batches=list(relay.released), repeated=len(relay.repeated))
            if relay.quarantined:
                _tell(tell, "trouble", error=f"quarantined: {relay.quarantined}")


def consume(values: dict[str, Any], tell: Connection, seed: int) -> None:
    """Ingest in chunks of all sizes, and keep house, for ever: `stored` after every chunk."""
    settings, rng = load_settings(**values), random.Random(seed)
    real = stream.commit_drain

    def commit_and_tell(db: SimulationDatabase, drain: stream.Drain) -> stream.DrainResult:
        done = real(db, drain)
        _tell(tell, "stored", rows=done.rows, duplicates=done.duplicates, notes=list(drain.notes))
        return done

    with small_segments(), patch.object(stream, "commit_drain", commit_and_tell):
        while True:
            try:
                source = pipeline.channel(settings)
                done = stream.ingest(pipeline.database(settings), source, limit=rng.choice([10, 40, 50_000]))
                if rng.random() < 0.1:
                    keep_house(settings, source)
                source.close()
            except (StoreError, ChannelError) as error:
                _tell(tell, "trouble", error=f"{type(error).__name__}: {error}")
                time.sleep(0.05)
                continue
            if not done.chunks:
                time.sleep(0.02)


def keep_house(settings: Settings, channel: Channel) -> None:
    """Forget at once what may be forgotten after days."""
    db = pipeline.database(settings)
    if isinstance(channel, JsonlChannel):
        channel.prune(stream.stored_position(db, channel))
    outbox.prune_outbox(db, 0)


def _tell(tell: Connection, what: str, **more: Any) -> None:
    tell.send_bytes(json.dumps({"what": what, **more}).encode())
