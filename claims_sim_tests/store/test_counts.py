"""Counting: the flow adds up, and what does not is found."""

from datetime import timedelta

from claims_sim.store import counts, outbox, stream
from claims_sim_tests.store.conftest import NOW, lines, payload, query


def test_an_empty_database_counts_nothing(db):
    flow = counts.count_flow(db, NOW)
    assert (flow.planned, flow.ingested, flow.unscored) == (0, 0, 0)
    assert flow.batches == {"pending": 0, "released": 0, "quarantined": 0}
    assert flow.as_dict()["updated_at"] == NOW.timestamp()
    health = counts.stream_health(db, full=True)
    assert (health.checked, health.missing, health.duplicate_ids, health.identifying) == (0, 0, 0, 0)


def test_claims_are_counted_by_stage(db, channel, source):
    source.send(3)
    source.commit(2)
    outbox.quarantine(db, source.commit(1), ["why"])
    channel.publish("x", lines(payload("F-1"), "junk"))
    stream.ingest(db, channel)
    flow = counts.count_flow(db)
    assert (flow.planned, flow.accepted, flow.released, flow.ingested, flow.dead_letters) == (9, 6, 3, 4, 1)
    assert flow.batches == {"pending": 1, "released": 1, "quarantined": 1}


def test_a_released_claim_that_did_not_arrive_is_missing_until_it_does(db, channel, source):
    batch_id = source.commit(3)
    outbox.release(db, batch_id, NOW)
    assert counts.stream_health(db, now=NOW).missing == 3
    source.publish(batch_id)
    stream.ingest(db, channel)
    assert counts.stream_health(db, now=NOW).missing == 0


def test_an_old_loss_is_still_found_by_the_recent_check(db, source):
    outbox.release(db, source.commit(3), NOW)
    assert counts.stream_health(db, now=NOW + timedelta(days=30)).missing == 3


def test_a_row_that_was_lost_after_it_was_counted_is_found(db, channel, source):
    source.send(3)
    stream.ingest(db, channel)
    query(db, "DELETE FROM claims_live_stream WHERE stream_seq = 2")
    assert counts.stream_health(db, now=NOW).missing == 1
    assert counts.stream_health(db, now=NOW + timedelta(days=1)).missing == 0
    assert counts.stream_health(db, full=True).missing == 1


def test_a_claim_that_became_a_dead_letter_is_accounted_for(db, channel, source):
    batch_id = source.commit(2)
    texts = outbox.read_batch(db, batch_id)["payload"].to_pylist()
    channel.publish(batch_id, lines(texts[0], texts[1].replace("700000", "1")))
    outbox.release(db, batch_id, NOW)
    stream.ingest(db, channel)
    health = counts.stream_health(db, now=NOW)
    assert (health.missing, health.dead_letters, health.stored) == (0, 1, 1)


def test_an_id_that_is_stored_twice_is_found(db, channel):
    channel.publish("x", lines(*(payload(f"F-{n}") for n in range(4))))
    stream.ingest(db, channel)
    query(db, "UPDATE claims_live_stream SET claim_id = 'F-0' WHERE stream_seq = 3")
    assert counts.stream_health(db).duplicate_ids == 1
    assert counts.stream_health(db, full=True).duplicate_ids == 1


def test_a_value_that_looks_like_a_persons_is_found(db, channel):
    channel.publish("x", lines(*(payload(f"F-{n}") for n in range(4))))
    stream.ingest(db, channel)
    query(db, "UPDATE claims_live_stream SET dx_primary_label = 'Tn. Budi 0812 3456 7890' WHERE stream_seq = 3")
    query(db, "UPDATE claims_live_stream SET dx_secondary_codes = ['3174012345678901'] WHERE stream_seq = 4")
    assert counts.stream_health(db).identifying == 2
