"""The power goes at any sync: what was acknowledged is stored in the end, nothing twice, and no half line is a claim."""

import random
from contextlib import suppress

import pytest

from claims_sim.channels import Message, open_channel
from claims_sim.claim_ids import new_batch_id
from claims_sim.store import outbox, stream
from claims_sim.store.database import SimulationDatabase
from claims_sim_tests.channels.power import Disk, PowerCutError
from claims_sim_tests.store.conftest import NOW, log_of, new_batch, payload_table, query


class Machine:
    """A writer and a reader on a disk that forgets; `acknowledged` are ids whose publish returned."""

    def __init__(self, root, seed: int) -> None:
        self.rng, self.root = random.Random(seed), root
        self.db = SimulationDatabase(root / "sim.duckdb")
        self.acknowledged: set[str] = set()
        self.cuts = 0
        self.start()

    def start(self) -> None:
        self.channel = open_channel(f"jsonl://{self.root / 'live'}", segment_bytes=3_000)
        self.disk = Disk(self.root / "live", self.maybe_cut)

    def maybe_cut(self) -> None:
        if self.rng.random() < 0.3:
            stream.ingest(self.db, self.channel)  # a reader sees lines that are not safe yet
        if self.rng.random() < 0.25:
            raise PowerCutError

    def cut(self) -> None:
        """The machine stops and starts again: nothing of the process is left, of the folder what the disk kept."""
        self.cuts += 1
        writer = self.channel._writer
        if writer is not None:
            with suppress(OSError):
                writer._release()
        self.disk.cut(self.rng)
        self.start()

    def send(self, batch_id: str) -> bool:
        """Publish a batch as the relay does; False when the power went."""
        batch = outbox.read_batch(self.db, batch_id)
        messages = [
            Message(*pair) for pair in zip(batch["claim_id"].to_pylist(), batch["payload"].to_pylist(), strict=True)
        ]
        try:
            with self.disk.watched():
                self.channel.publish(batch_id, messages)
                if self.rng.random() < 0.3:
                    self.channel.close()
        except PowerCutError:
            self.cut()
            return False
        self.acknowledged |= set(batch["claim_id"].to_pylist())
        outbox.release(self.db, batch_id, NOW)
        return True

    def run(self, batches: int) -> None:
        for _ in range(batches):
            batch_id = new_batch_id(NOW)
            payloads = payload_table(batch_id, self.rng.randint(1, 8))
            outbox.commit_batch(self.db, new_batch(batch_id), payloads, log_of(payloads))
            while not self.send(batch_id):
                if self.rng.random() < 0.5:
                    stream.ingest(self.db, self.channel)
            if self.rng.random() < 0.3:
                stream.ingest(self.db, self.channel)
            if self.rng.random() < 0.2:
                self.cut()  # with nothing under way: everything acknowledged is safe


def check(machine: Machine) -> None:
    stream.ingest(machine.db, machine.channel)
    stored = [row[0] for row in query(machine.db, "SELECT claim_id FROM claims_live_stream")]
    assert set(stored) == machine.acknowledged
    assert len(stored) == len(set(stored))
    dead = [bytes(row[0]) for row in query(machine.db, "SELECT raw FROM dead_letters")]
    assert dead == []
    assert query(machine.db, "SELECT count(*) FROM outbox_batches WHERE ingested <> accepted") == [(0,)]


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_after_power_cuts_all_that_was_acknowledged_is_stored_once(tmp_path, seed):
    machine = Machine(tmp_path, seed)
    with machine.db.kept_open():
        machine.run(8)
        check(machine)
    assert machine.cuts
    machine.channel.close()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_after_power_cuts_at_length(tmp_path):
    for seed in range(100, 160):
        machine = Machine(tmp_path / str(seed), seed)
        with machine.db.kept_open():
            machine.run(12)
            check(machine)
        machine.channel.close()


@pytest.mark.slow
def test_a_writer_that_does_not_sync_loses_claims_here(tmp_path, monkeypatch):
    """The disk is worth something: without the writer's sync the same runs lose what was acknowledged."""
    from claims_sim.channels import jsonl_writer

    monkeypatch.setattr(jsonl_writer.SegmentWriter, "_append", _append_without_sync(jsonl_writer))
    losses = 0
    for seed in range(3):
        machine = Machine(tmp_path / str(seed), seed)
        with machine.db.kept_open():
            machine.run(6)
            try:
                check(machine)
            except AssertionError:
                losses += 1
        machine.channel.close()
    assert losses


def _append_without_sync(module):
    real = module.SegmentWriter._append

    def append(self, lines: bytes) -> None:
        before, module._sync = module._sync, lambda _: None
        try:
            real(self, lines)
        finally:
            module._sync = before

    return append
