"""A database, a channel, and ways to fill them, for the tests of the store."""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from claims_sim.channels import Message, open_channel
from claims_sim.claim_ids import claim_ids, new_batch_id
from claims_sim.store import outbox
from claims_sim.store.database import SimulationDatabase

EXAMPLE = json.loads((Path(__file__).parents[1] / "data" / "example_claim.json").read_text())
NOW = datetime(2025, 11, 15, 8, 12, 30, tzinfo=UTC)


def payload(claim_id: str, paid: int = 3_800_000, **changes) -> str:
    """The document's example as one line, with another id."""
    return json.dumps({**EXAMPLE, "claim_id": claim_id, "amount_paid": paid, "amount_gap": 4_500_000 - paid, **changes})


def lines(*payloads: str) -> list[Message]:
    return [Message("x", text) for text in payloads]


def new_batch(batch_id: str, **changes) -> outbox.NewBatch:
    values = {
        "batch_id": batch_id,
        "created_at": NOW,
        "author": "statistical",
        "model": "statistical",
        "prompt_version": "",
        "profile_hash": "abc",
        "seed": 1,
        "planned": 3,
        "authored": 3,
        "repaired": 0,
        "rejected": 0,
    }
    return outbox.NewBatch(**{**values, **changes})


def payload_table(batch_id: str, count: int) -> pa.Table:
    ids = claim_ids("SIM", batch_id, count)
    return pa.table({"claim_index": range(count), "claim_id": ids, "payload": [payload(i) for i in ids]})


def log_of(payloads: pa.Table) -> pa.Table:
    return payloads.select(["claim_id", "claim_index"])


def query(db: SimulationDatabase, sql: str) -> list[tuple]:
    with db.connect() as connection:
        return connection.execute(sql).fetchall()


class Source:
    """A producer: batches go through the outbox to the channel."""

    def __init__(self, db, channel) -> None:
        self.db, self.channel = db, channel

    def commit(self, count: int = 3) -> str:
        batch_id = new_batch_id(datetime.now(UTC))
        payloads = payload_table(batch_id, count)
        outbox.commit_batch(self.db, new_batch(batch_id), payloads, log_of(payloads))
        return batch_id

    def publish(self, batch_id: str) -> None:
        stored = outbox.read_batch(self.db, batch_id)
        self.channel.publish(batch_id, [Message("x", text) for text in stored["payload"].to_pylist()])

    def send(self, count: int = 3) -> str:
        batch_id = self.commit(count)
        self.publish(batch_id)
        outbox.release(self.db, batch_id, NOW)
        return batch_id


@pytest.fixture
def db(tmp_path, empty_database) -> SimulationDatabase:
    shutil.copy(empty_database, tmp_path / "sim.duckdb")
    return SimulationDatabase(tmp_path / "sim.duckdb", lock_timeout_s=5)


@pytest.fixture
def channel(tmp_path):
    opened = open_channel(f"jsonl://{tmp_path / 'live'}", segment_bytes=4_000)
    yield opened
    opened.close()


@pytest.fixture
def source(db, channel) -> Source:
    return Source(db, channel)
