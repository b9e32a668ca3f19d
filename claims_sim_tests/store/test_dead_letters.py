"""Dead letters: found, shown, judged again exactly once, dropped without a gap in the accounts."""

from datetime import timedelta

import pyarrow as pa
import pytest

from claims_sim.channels.segments import segment_path
from claims_sim.claim_ids import claim_ids, new_batch_id
from claims_sim.errors import RequestError, StoreError
from claims_sim.store import counts, dead_letters, outbox, parsing, stream
from claims_sim.store.dead_letters import Chosen, Retry
from claims_sim_tests.store.conftest import NOW, lines, log_of, new_batch, payload, query


@pytest.fixture
def strict(monkeypatch):
    """The rules of yesterday, which refused claims that pass today: a function that ends them."""
    real = parsing.admission_faults

    def refuse_cheap(connection, claims):
        connection.register("to_refuse", claims)
        return connection.sql(
            "SELECT place, 'rule: too_cheap' AS reason FROM to_refuse WHERE amount_paid < 1000 ORDER BY place"
        ).to_arrow_table()

    monkeypatch.setattr(parsing, "admission_faults", refuse_cheap)
    return lambda: monkeypatch.setattr(parsing, "admission_faults", real)


def listed(db, **conditions) -> list[dict]:
    return dead_letters.list_letters(db, Chosen(**conditions), limit=100)[1]


def stored(db) -> list[tuple]:
    return query(db, "SELECT claim_id, amount_paid, channel_position, stream_seq FROM claims_live_stream ORDER BY ALL")


def test_letters_are_found_by_reason_time_and_the_beginning_of_their_id(db, channel):
    channel.publish("x", lines("not json", "{}", payload("A-1", paid=-1)))
    stream.commit_drain(db, stream.drain_channel(db, channel), NOW)
    assert len(listed(db)) == 3
    (found,) = listed(db, reason="negative")
    assert (found["claim_id"], found["reason"], found["status"]) == ("A-1", "rule: negative_amount", "open")
    assert listed(db, ids=(found["dead_letter_id"][:9].upper(),)) == [found]
    assert (len(listed(db, before=NOW)), len(listed(db, before=NOW + timedelta(seconds=1)))) == (0, 3)
    assert dead_letters.count_by_reason(db, Chosen())["not_json"] == 1
    count, newest = dead_letters.list_letters(db, Chosen(), limit=1)
    assert (count, len(newest)) == (3, 1)


def test_a_letter_is_read_whole_by_the_beginning_of_its_id(db, channel):
    channel.publish("x", lines("not json"))
    stream.ingest(db, channel)
    letter = dead_letters.read_letter(db, listed(db)[0]["dead_letter_id"][:8])
    assert (letter["raw"], letter["raw_bytes"], letter["channel"]) == (b"not json", 8, channel.name)
    assert letter["channel_position"] == "000001:000000000000"


@pytest.mark.parametrize("prefix", ["", "abc", "ffffffffffff", "%%%%", "'; DROP TABLE dead_letters; --"])
def test_an_id_that_names_no_letter_is_an_error(db, prefix):
    with pytest.raises(RequestError, match=r"too short|There is no dead letter"):
        dead_letters.read_letter(db, prefix)


def test_what_passes_today_is_stored_once_where_it_stood(db, channel, strict):
    channel.publish("x", lines(payload("A-1", paid=5), "not json", payload("A-2")))
    stream.ingest(db, channel)
    strict()
    assert dead_letters.retry_letters(db, Chosen(), NOW) == Retry(stored=1, refused=1)
    assert stored(db) == [("A-1", 5.0, "000001:000000000000", 2), ("A-2", 3_800_000.0, stored(db)[1][2], 1)]
    assert [letter["reason"] for letter in listed(db)] == ["not_json"]
    assert dead_letters.retry_letters(db, Chosen(), NOW) == Retry(refused=1)
    assert query(db, "SELECT rows_ingested FROM stream_positions") == [(2,)]
    assert query(db, "SELECT status, raw, resolved_at FROM dead_letters WHERE claim_id = 'A-1'") == [
        ("retried", None, NOW.replace(tzinfo=None))
    ]


def test_a_claim_of_ours_that_was_refused_completes_its_batch(db, channel, strict):
    batch_id = new_batch_id(NOW)
    ids = claim_ids("SIM", batch_id, 2)
    table = pa.table({"claim_index": range(2), "claim_id": ids, "payload": [payload(i, paid=5) for i in ids]})
    outbox.commit_batch(db, new_batch(batch_id), table, log_of(table))
    channel.publish(batch_id, lines(*table["payload"].to_pylist()))
    outbox.release(db, batch_id, NOW)
    stream.ingest(db, channel)
    strict()
    assert dead_letters.retry_letters(db, Chosen()) == Retry(stored=2)
    assert query(db, "SELECT ingested, accepted FROM outbox_batches") == [(2, 2)]
    assert query(db, "SELECT DISTINCT batch_id FROM claims_live_stream") == [(batch_id,)]
    assert counts.stream_health(db, full=True).missing == 0


def test_a_letter_whose_claim_is_stored_meanwhile_is_a_copy(db, channel, strict):
    text = payload("A-1", paid=5)
    channel.publish("x", lines(text, text))
    stream.ingest(db, channel)
    strict()
    channel.publish("x", lines(text))
    stream.ingest(db, channel)
    assert dead_letters.retry_letters(db, Chosen()) == Retry(duplicates=2)
    assert (len(stored(db)), listed(db)) == (1, [])


def test_a_contradiction_stays_with_its_new_reason(db, channel, strict):
    channel.publish("x", lines(payload("A-1", paid=5), payload("A-1")))
    stream.ingest(db, channel)
    strict()
    assert dead_letters.retry_letters(db, Chosen()) == Retry(refused=1)
    assert [letter["reason"] for letter in listed(db)] == ["conflicting_content"]
    assert [row[:2] for row in stored(db)] == [("A-1", 3_800_000.0)]


def test_two_letters_of_one_position_are_two_letters(db, channel, tmp_path, strict):
    """A segment that was written anew holds other lines at the same places."""
    segment = segment_path(tmp_path / "live", 1)
    for claim in ("A-1", "B-1"):
        segment.write_text(payload(claim, paid=5) + "\n")
        stream.ingest(db, channel)
        query(db, f"UPDATE stream_positions SET position = '{channel.start}'")
    strict()
    assert dead_letters.retry_letters(db, Chosen()) == Retry(stored=2)
    assert [row[:3] for row in stored(db)] == [(claim, 5.0, "000001:000000000000") for claim in ("A-1", "B-1")]


def test_a_message_that_was_kept_in_part_is_not_judged(db, channel, tmp_path):
    segment_path(tmp_path / "live", 1).write_bytes(b"x" * 1_200_000 + b"\n")
    stream.ingest(db, channel)
    assert dead_letters.retry_letters(db, Chosen()) == Retry(cut=1)
    assert len(listed(db)) == 1


def test_a_dropped_letter_does_not_come_back_when_its_segment_is_read_again(db, channel):
    channel.publish("x", lines("not json", "{}"))
    stream.ingest(db, channel)
    assert dead_letters.drop_letters(db, Chosen(reason="not_json"), NOW) == 1
    query(db, f"UPDATE stream_positions SET position = '{channel.start}'")
    stream.ingest(db, channel)
    assert len(listed(db)) == 1
    count, both = dead_letters.list_letters(db, Chosen(), limit=10, resolved=True)
    assert (count, {letter["status"] for letter in both}) == (2, {"open", "dropped"})
    assert query(db, "SELECT raw FROM dead_letters WHERE status = 'dropped'") == [(None,)]


def test_a_dropped_claim_of_ours_is_still_accounted_for(db, channel, source, strict):
    batch_id = source.commit(2)
    first = outbox.read_batch(db, batch_id)["claim_id"][0].as_py()
    channel.publish("x", lines(payload(first, paid=5)))
    texts = outbox.read_batch(db, batch_id)["payload"].to_pylist()
    channel.publish(batch_id, lines(texts[1]))
    outbox.release(db, batch_id, NOW)
    stream.ingest(db, channel)
    dead_letters.drop_letters(db, Chosen())
    assert counts.stream_health(db, full=True).missing == 0


def test_one_who_is_overtaken_by_another_retry_stores_nothing(db, channel, strict, monkeypatch):
    channel.publish("x", lines(*(payload(f"A-{n}", paid=5) for n in range(3))))
    stream.ingest(db, channel)
    strict()
    real, calls = dead_letters.parse_lines, []

    def overtaken(judged):
        calls.append(judged)
        if len(calls) == 1:
            assert dead_letters.retry_letters(db, Chosen()) == Retry(stored=3)
        return real(judged)

    monkeypatch.setattr(dead_letters, "parse_lines", overtaken)
    with pytest.raises(StoreError, match="Another process"):
        dead_letters.retry_letters(db, Chosen())
    assert len(stored(db)) == 3


def test_a_crash_in_mid_retry_leaves_the_letter_open(db, channel, strict, monkeypatch):
    channel.publish("x", lines(payload("A-1", paid=5)))
    stream.ingest(db, channel)
    strict()

    def crash(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(dead_letters, "insert_rows", crash)
        with pytest.raises(KeyboardInterrupt):
            dead_letters.retry_letters(db, Chosen())
    assert (len(listed(db)), stored(db)) == (1, [])
    assert dead_letters.retry_letters(db, Chosen()) == Retry(stored=1)


def test_health_tells_new_letters_from_old_ones(db, channel):
    channel.publish("x", lines("not json", "{}"))
    stream.commit_drain(db, stream.drain_channel(db, channel), NOW)
    soon = counts.stream_health(db, now=NOW + timedelta(minutes=30))
    later = counts.stream_health(db, now=NOW + timedelta(hours=2))
    assert (soon.open_dead_letters, sum(soon.new_dead_letters.values())) == (2, 2)
    assert (later.open_dead_letters, later.new_dead_letters) == (2, {})
