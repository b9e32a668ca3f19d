"""A machine of producers, consumers, faults and crashes: stored is what was acknowledged, once, and nothing is dropped."""

import json
import tempfile
from contextlib import suppress
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from claims_sim.channels import Message, jsonl_writer, open_channel
from claims_sim.channels.segments import list_segments, segment_path
from claims_sim.claim_ids import numbered_batch_id
from claims_sim.errors import PositionMovedError
from claims_sim.store import counts, outbox, purge, stream
from claims_sim.store.database import SimulationDatabase
from claims_sim.store.purge import Selection
from claims_sim_tests.store.conftest import NOW, log_of, new_batch, payload, payload_table, query


class Crash(BaseException):
    """The end of the process."""


class ExactlyOnce(RuleBasedStateMachine):
    """Commands as they may happen in any order; `owed` are claims that must be stored after the next full ingest."""

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        root = Path(self.folder.name)
        self.root = root / "live"
        self.db = SimulationDatabase(root / "sim.duckdb")
        self.channel = open_channel(f"jsonl://{self.root}", segment_bytes=3_000)
        self.committed: list[str] = []
        self.owed: dict[str, str] = {}  # claim id -> the payload that counts: the first that was acknowledged
        self.bad: list[str] = []
        self.unacknowledged: set[str] = set()
        self.torn: set[str] = set()  # ends of dead writers' segments; dead letters if a foreign segment follows first
        self.purged: set[str] = set()
        self.foreign = self.batches = 0
        self.drained: list[stream.Drain] = []

    def teardown(self) -> None:
        if hasattr(self, "channel"):
            self.channel.close()
            self.folder.cleanup()

    def publish(self, texts: list[str]) -> None:
        self.channel.publish("x", [Message("x", text) for text in texts])

    @rule(count=st.integers(1, 4))
    def commit_a_batch(self, count: int) -> None:
        self.batches += 1  # numbered, so that the same steps give the same ids when they are repeated
        batch_id = numbered_batch_id(NOW, self.batches)
        payloads = payload_table(batch_id, count)
        outbox.commit_batch(self.db, new_batch(batch_id), payloads, log_of(payloads))
        self.committed.append(batch_id)

    @precondition(lambda self: self.committed)
    @rule(data=st.data(), times=st.integers(1, 2))
    def publish_a_batch(self, data: st.DataObject, times: int) -> None:
        batch_id = data.draw(st.sampled_from(self.committed))
        stored = outbox.read_batch(self.db, batch_id)
        for _ in range(times):
            self.publish(stored["payload"].to_pylist())
        self.owed |= dict(zip(stored["claim_id"].to_pylist(), stored["payload"].to_pylist(), strict=True))
        outbox.release(self.db, batch_id, NOW)

    @precondition(lambda self: self.committed)
    @rule(data=st.data(), share=st.floats(0, 1))
    def crash_while_publishing(self, data: st.DataObject, share: float) -> None:
        """Killed in mid-write: any prefix of the bytes may be there, and nobody was told that it is."""
        batch_id = data.draw(st.sampled_from(self.committed))
        stored = outbox.read_batch(self.db, batch_id)
        real = jsonl_writer.os.write

        def torn(fd: int, data: memoryview) -> int:
            real(fd, bytes(data[: int(len(data) * share)]))
            raise Crash

        with (
            patch.object(jsonl_writer.os, "write", torn),
            patch.object(jsonl_writer.os, "ftruncate", lambda *_: None),
            suppress(Crash),
        ):
            self.publish(stored["payload"].to_pylist())
        self.unacknowledged |= set(stored["claim_id"].to_pylist())
        self.torn.add(segment_path(self.root, list_segments(self.root)[-1]).read_text().rpartition("\n")[2])

    @rule(again=st.booleans())
    def publish_a_foreign_claim(self, again: bool) -> None:
        self.foreign += not (again and self.foreign)
        claim_id = f"HOSPITAL-{self.foreign}"
        self.publish([payload(claim_id)])
        self.owed.setdefault(claim_id, payload(claim_id))

    @rule(text=st.sampled_from(["not json", "{}", payload("BAD-1", paid=-1), '"\\ud800"', "\u0000", "[[[["]))
    def publish_something_bad(self, text: str) -> None:
        self.publish([text])
        self.bad.append(text)

    @precondition(lambda self: self.owed)
    @rule(data=st.data())
    def publish_known_claims_shuffled(self, data: st.DataObject) -> None:
        """A foreign producer's retries: in any order, some twice, some of them purged since."""
        known = [*sorted(self.owed.values()), *sorted(self.owed.values())[:2]]
        self.publish(data.draw(st.permutations(known)))

    @rule(keep=st.integers(0, 6))
    def purge_all_but_the_newest(self, keep: int) -> None:
        stream.ingest(self.db, self.channel)
        before = {row[0] for row in query(self.db, "SELECT claim_id FROM claims_live_stream")}
        gone = sum(part.claims for part in purge.purge_claims(self.db, Selection(keep=keep)))
        left = {row[0] for row in query(self.db, "SELECT claim_id FROM claims_live_stream")}
        assert len(left) == min(keep, len(before)) == len(before) - gone
        self.purged |= before - left

    @precondition(lambda self: set(self.owed) - self.purged)
    @rule(data=st.data(), paid=st.integers(1, 9))
    def publish_a_known_id_with_another_content(self, data: st.DataObject, paid: int) -> None:
        text = payload(data.draw(st.sampled_from(sorted(set(self.owed) - self.purged))), paid=paid)
        self.publish([text])
        self.bad.append(text)

    @rule()
    def reopen_the_channel(self) -> None:
        self.channel.close()
        self.channel = open_channel(f"jsonl://{self.root}", segment_bytes=3_000)

    @rule(limit=st.integers(1, 9))
    def drain_without_committing(self, limit: int) -> None:
        self.drained.append(stream.drain_channel(self.db, self.channel, limit))

    @precondition(lambda self: self.drained)
    @rule(data=st.data())
    def commit_some_earlier_drain(self, data: st.DataObject) -> None:
        drain = self.drained.pop(data.draw(st.integers(0, len(self.drained) - 1)))
        with suppress(PositionMovedError):
            stream.commit_drain(self.db, drain)

    @rule(
        step=st.sampled_from(["_move_position", "leave_out_stored", "insert_rows", "_insert_dead_letters"]),
        limit=st.integers(3, 9),
    )
    def crash_while_ingesting(self, step: str, limit: int) -> None:
        def crash(*_: object) -> None:
            raise Crash

        with patch.object(stream, step, crash), suppress(Crash):
            stream.ingest(self.db, self.channel, limit=limit)

    @rule(limit=st.sampled_from([3, 50]))
    def ingest(self, limit: int) -> None:
        stream.ingest(self.db, self.channel, limit=limit)
        self.check_that_all_arrived()

    @rule()
    def remove_what_was_read(self) -> None:
        position = query(self.db, "SELECT position FROM stream_positions")
        if position:
            before = list_segments(self.root)
            self.channel.prune(position[0][0])
            assert list_segments(self.root)[-1:] == before[-1:]

    @rule()
    def append_a_torn_line_from_outside(self) -> None:
        """What a producer that was cut off leaves in a segment of its own, and finishes later."""
        segments = list_segments(self.root)
        self.channel.close()
        text = payload(f"OUTSIDE-{len(self.owed)}")
        number = (segments[-1] if segments else 0) + 1
        segment_path(self.root, number).write_text(text[:50])
        stream.drain_channel(self.db, self.channel)
        segment_path(self.root, number).write_text(text + "\n")
        self.owed[f"OUTSIDE-{len(self.owed)}"] = text

    @rule()
    def prune_the_outbox(self) -> None:
        outbox.prune_outbox(self.db, 0)
        self.committed = [b for b in self.committed if len(outbox.read_batch(self.db, b))]

    @invariant()
    def nothing_is_stored_twice(self) -> None:
        if not hasattr(self, "db"):
            return
        rows = query(self.db, "SELECT claim_id, stream_seq FROM claims_live_stream ORDER BY stream_seq")
        assert len({claim_id for claim_id, _ in rows}) == len(rows)
        numbers = [number for _, number in rows]
        assert len(set(numbers)) == len(numbers)
        assert max(numbers, default=0) <= len(numbers) + len(self.purged)
        assert {claim_id for claim_id, _ in rows} <= (set(self.owed) | self.unacknowledged) - self.purged

    def check_that_all_arrived(self) -> None:
        rows = dict(query(self.db, "SELECT claim_id, amount_paid FROM claims_live_stream"))
        owed = {claim_id: text for claim_id, text in self.owed.items() if claim_id not in self.purged}
        assert set(owed) <= set(rows)
        assert {c: rows[c] for c in owed} == {c: json.loads(t)["amount_paid"] for c, t in owed.items()}
        dead = [row[0].decode() for row in query(self.db, "SELECT raw FROM dead_letters")]
        assert sorted(text for text in dead if text not in self.torn) == sorted(self.bad)
        assert counts.stream_health(self.db, full=True).missing == 0


ExactlyOnce.TestCase.settings = settings(max_examples=4, stateful_step_count=10, deadline=None)
TestExactlyOnce = ExactlyOnce.TestCase


@pytest.mark.slow
@pytest.mark.timeout(1800)
class TestExactlyOnceAtLength(ExactlyOnce.TestCase):
    settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
