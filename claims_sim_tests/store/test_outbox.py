"""The outbox: batches are there once, whole, and move from pending to released or quarantined."""

from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from claims_sim.claim_ids import new_batch_id
from claims_sim.errors import StoreError
from claims_sim.store import counts, outbox, stream
from claims_sim_tests.store.conftest import NOW, log_of, new_batch, payload_table, query


@pytest.fixture
def batch_id() -> str:
    return new_batch_id(NOW)


def test_a_committed_batch_reads_back_as_it_was(db, batch_id):
    payloads = payload_table(batch_id, 3)
    done = outbox.commit_batch(db, new_batch(batch_id), payloads, log_of(payloads))
    assert done == outbox.CommittedBatch(batch_id, outbox.content_hash(payloads), is_new=True)
    assert outbox.read_batch(db, batch_id).to_pydict() == payloads.to_pydict()
    assert outbox.pending(db) == (batch_id,)
    assert outbox.profile_hash(db, batch_id) == "abc"


def test_committing_a_batch_twice_equals_committing_it_once(db, batch_id):
    payloads = payload_table(batch_id, 3)
    for is_new in (True, False):
        assert outbox.commit_batch(db, new_batch(batch_id), payloads, log_of(payloads)).is_new is is_new
    assert query(db, "SELECT (SELECT count(*) FROM outbox), (SELECT count(*) FROM generation_log)") == [(3, 3)]


def test_a_batch_id_with_another_content_is_refused(db, batch_id):
    payloads = payload_table(batch_id, 3)
    outbox.commit_batch(db, new_batch(batch_id), payloads, log_of(payloads))
    with pytest.raises(StoreError, match="another content"):
        outbox.commit_batch(db, new_batch(batch_id), payloads.slice(1), log_of(payloads))


def test_a_batch_that_repeats_a_claim_id_is_refused(db, batch_id):
    payloads = payload_table(batch_id, 2)
    with pytest.raises(StoreError, match="twice"):
        outbox.commit_batch(db, new_batch(batch_id), pa.concat_tables([payloads, payloads]), log_of(payloads))
    assert outbox.pending(db) == ()


def test_provenance_is_completed_from_the_batch_and_kept_where_the_log_has_its_own(db, batch_id):
    payloads = payload_table(batch_id, 2)
    log = log_of(payloads).append_column("author", pa.array(["llm", "statistical"]))
    outbox.commit_batch(db, new_batch(batch_id, model="m"), payloads, log)
    rows = query(
        db, "SELECT author, model, profile_hash, seed, batch_id, attempts FROM generation_log ORDER BY claim_index"
    )
    assert rows == [("llm", "m", "abc", 1, batch_id, None), ("statistical", "m", "abc", 1, batch_id, None)]


def test_what_review_found_is_kept_with_the_batch(db, batch_id):
    payloads = payload_table(batch_id, 1)
    outbox.commit_batch(
        db, new_batch(batch_id, reasons={"negative_amount": 2}, tokens_in=7), payloads, log_of(payloads)
    )
    assert query(db, "SELECT metadata->>'$.reasons.negative_amount', metadata->>'$.tokens_in' FROM outbox_batches") == [
        ("2", "7")
    ]


def test_pending_batches_come_oldest_first(db):
    ids = [new_batch_id(NOW + timedelta(seconds=s)) for s in (20, 0, 10)]
    for batch_id in ids:
        payloads = payload_table(batch_id, 1)
        outbox.commit_batch(db, new_batch(batch_id), payloads, log_of(payloads))
    assert list(outbox.pending(db)) == sorted(ids)


def test_a_released_batch_is_pending_no_more_and_releasing_it_again_changes_nothing(source, db):
    batch_id = source.commit()
    outbox.release(db, batch_id, NOW)
    outbox.release(db, batch_id, NOW + timedelta(days=1))
    assert outbox.pending(db) == ()
    assert query(db, "SELECT status, released_at FROM outbox_batches") == [("released", NOW.replace(tzinfo=None))]


def test_a_quarantined_batch_keeps_its_reasons_and_can_never_be_released(source, db):
    batch_id = source.commit()
    outbox.quarantine(db, batch_id, {"identifies_a_person": 2})
    with pytest.raises(StoreError, match="quarantined and cannot become released"):
        outbox.release(db, batch_id)
    assert query(db, "SELECT status, reasons FROM outbox_batches") == [("quarantined", ["identifies_a_person: 2"])]


def test_a_released_batch_can_not_be_quarantined(source, db):
    batch_id = source.send()
    with pytest.raises(StoreError, match="released and cannot become quarantined"):
        outbox.quarantine(db, batch_id, ["too late"])


def test_a_batch_that_does_not_exist_is_an_error(db):
    for ask in (outbox.read_batch, outbox.release, outbox.profile_hash):
        with pytest.raises(StoreError, match="no batch"):
            ask(db, "none")


def test_pruning_removes_payloads_that_are_stored_and_keeps_the_flow_adding_up(source, db, channel):
    old, lost = source.send(), source.commit(2)
    outbox.release(db, lost, NOW)  # released, but it never arrived
    stream.ingest(db, channel)
    waiting = source.commit(1)
    before = counts.count_flow(db, NOW)
    assert outbox.prune_outbox(db, keep_days=1, now=NOW + timedelta(hours=23)) == 0
    assert outbox.prune_outbox(db, keep_days=1, now=NOW + timedelta(hours=25)) == 3
    assert outbox.prune_outbox(db, keep_days=1, now=NOW + timedelta(hours=25)) == 0
    assert counts.count_flow(db, NOW) == before
    assert [len(outbox.read_batch(db, batch_id)) for batch_id in (old, lost, waiting)] == [0, 2, 1]
    assert counts.stream_health(db, full=True).missing == 2


def test_instants_are_stored_as_utc(db, batch_id):
    payloads = payload_table(batch_id, 1)
    jakarta = datetime.fromisoformat("2025-11-15T15:12:30+07:00")
    outbox.commit_batch(db, new_batch(batch_id, created_at=jakarta), payloads, log_of(payloads))
    assert query(db, "SELECT created_at FROM outbox_batches") == [(NOW.replace(tzinfo=None),)]
    assert jakarta.astimezone(UTC) == NOW
