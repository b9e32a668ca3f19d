"""Exactly once: what was acknowledged is stored, nothing twice, nothing dropped silently."""

import shutil
import subprocess
import sys
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claims_sim.channels import open_channel
from claims_sim.channels.contract import KEPT_BYTES
from claims_sim.channels.segments import segment_path
from claims_sim.errors import PositionMovedError, StoreError
from claims_sim.store import counts, outbox, stream
from claims_sim.store.database import SimulationDatabase
from claims_sim_tests.store.conftest import NOW, lines, payload, query

STORED = "SELECT claim_id FROM claims_live_stream ORDER BY stream_seq"


def stored(db) -> list[str]:
    return [row[0] for row in query(db, STORED)]


def reasons(db) -> list[str]:
    return [row[0] for row in query(db, "SELECT reason FROM dead_letters ORDER BY channel_position")]


def test_claims_arrive_in_order_with_batch_channel_and_number(db, channel, source):
    first, second = source.send(), source.send(2)
    result = stream.ingest(db, channel)
    assert (result.rows, result.duplicates, result.dead_letters) == (5, 0, 0)
    rows = query(db, "SELECT batch_id, channel, stream_seq FROM claims_live_stream ORDER BY stream_seq")
    assert rows == [(first, channel.name, n) for n in (1, 2, 3)] + [(second, channel.name, n) for n in (4, 5)]
    assert query(db, "SELECT ingested, accepted FROM outbox_batches ORDER BY batch_id") == [(3, 3), (2, 2)]


def test_the_documents_example_is_a_foreign_claim_that_is_admitted(db, channel):
    channel.publish("x", lines(payload("SIM-2025-001")))
    assert stream.ingest(db, channel).rows == 1
    assert query(db, "SELECT claim_id, batch_id, admit_dt, generated_at FROM claims_live_stream")[0][:2] == (
        "SIM-2025-001",
        None,
    )


def test_ingesting_an_empty_channel_stores_nothing(db, channel):
    result = stream.ingest(db, channel)
    assert (result.rows, result.chunks, result.position) == (0, 0, channel.start)


def test_ingesting_again_finds_nothing_new(db, channel, source):
    source.send()
    stream.ingest(db, channel)
    assert stream.ingest(db, channel).chunks == 0


def test_a_batch_published_again_is_stored_once(db, channel, source):
    batch_id = source.send()
    source.publish(batch_id)
    result = stream.ingest(db, channel)
    source.publish(batch_id)
    again = stream.ingest(db, channel)
    assert (result.rows, result.duplicates, again.rows, again.duplicates) == (3, 3, 0, 3)
    assert (len(stored(db)), reasons(db)) == (3, [])


def test_a_half_published_batch_is_completed_by_its_second_publication(db, channel, source):
    batch_id = source.commit(4)
    texts = outbox.read_batch(db, batch_id)["payload"].to_pylist()
    channel.publish(batch_id, lines(*texts[:2]))
    stream.ingest(db, channel)
    source.publish(batch_id)
    result = stream.ingest(db, channel)
    assert (result.rows, result.duplicates) == (2, 2)
    assert query(db, "SELECT DISTINCT batch_id FROM claims_live_stream") == [(batch_id,)]


@pytest.mark.parametrize("between", ["one chunk", "two chunks"])
@pytest.mark.parametrize("whose", ["ours", "foreign"])
def test_a_known_id_with_another_content_is_a_dead_letter(db, channel, source, between, whose):
    if whose == "ours":
        claim_id = outbox.read_batch(db, source.send(1))["claim_id"][0].as_py()
    else:
        claim_id = "HOSPITAL-7"
        channel.publish("x", lines(payload(claim_id)))
    if between == "two chunks":
        stream.ingest(db, channel)
    changed = payload(claim_id, paid=1)
    channel.publish("x", lines(changed))
    result = stream.ingest(db, channel)
    assert (stored(db), reasons(db), result.dead_letters) == ([claim_id], ["conflicting_content"], 1)
    assert query(
        db, "SELECT claim_id, raw, amount_paid FROM dead_letters JOIN claims_live_stream USING (claim_id)"
    ) == [(claim_id, changed.encode(), 3_800_000)]


def test_the_same_claim_written_differently_is_a_duplicate(db, channel):
    text = payload("A-1")
    spaced = text.replace(":", " :  ").replace("08 :  12 :  ", "08:12:").replace("11 :  15 :  ", "11:15:")
    channel.publish("x", lines(text, spaced))
    result = stream.ingest(db, channel)
    assert (result.rows, result.duplicates, reasons(db)) == (1, 1, [])


def test_every_kind_of_bad_message_becomes_a_dead_letter_with_its_reason(db, channel, tmp_path):
    bad = [
        b"not json",
        b"\xff\xfe{}",
        b"{}",
        b"[]",
        b"\x00",
        b"[" * 5_000,
        payload("A-1", paid=-5).encode(),
        payload("A-2", amount_gap=1).encode(),
        payload("A-3", service_type="NIK 3174012345678901").encode(),
        payload("A-4", amount_claimed="4500000").encode(),
        b'{"x":"' + b"y" * 70_000 + b'"}',
        b"z" * 1_500_000,
    ]
    good = payload("B-1").encode()
    segment_path(tmp_path / "live", 1).write_bytes(b"\n".join([good, *bad, b"", payload("B-2").encode()]) + b"\n")
    result = stream.ingest(db, channel)
    assert (stored(db), result.dead_letters) == (["B-1", "B-2"], len(bad))
    found = reasons(db)
    assert found[:2] == ["not_json", "not_utf8"]
    assert found[2].startswith("shape: ")
    assert found[6].startswith("rule: ")
    assert "gap_not_difference" in found[7]
    assert "identifies_a_person" in found[8]
    assert found[9] == "shape: amount_claimed"
    assert found[10:] == ["too_large", "too_large"]
    sizes = query(db, "SELECT octet_length(raw), raw_bytes FROM dead_letters ORDER BY channel_position")
    assert sizes[:2] == [(8, 8), (4, 4)]
    assert sizes[-1] == (KEPT_BYTES, 1_500_000)


def test_a_message_that_breaks_the_query_itself_is_one_dead_letter(db, channel, monkeypatch):
    """Whatever a later version of the database chokes on: its neighbours pass."""
    from claims_sim.store import parsing

    real = parsing.usual_sql(all_json=False)
    text = "CASE WHEN contains(raw, 'POISON') THEN error('x') ELSE raw END"
    poisoned = real.replace("FROM lines", f"FROM (SELECT position, {text} AS raw FROM lines)")
    monkeypatch.setattr(parsing, "usual_sql", lambda *, all_json: poisoned)
    assert poisoned != real
    channel.publish(
        "x", lines(*(payload(f"A-{n}") for n in range(5)), '"POISON"', *(payload(f"B-{n}") for n in range(6)))
    )
    result = stream.ingest(db, channel)
    assert (result.rows, result.dead_letters, reasons(db)) == (11, 1, ["unreadable"])
    assert stored(db) == [f"A-{n}" for n in range(5)] + [f"B-{n}" for n in range(6)]


def test_a_drain_stores_nothing_until_it_is_committed(db, channel, source):
    source.send()
    drain = stream.drain_channel(db, channel)
    assert (len(drain.rows), stored(db)) == (3, [])
    assert stream.commit_drain(db, drain, NOW) == stream.DrainResult(3, 0, 0, drain.position_to)
    assert query(db, "SELECT DISTINCT ingested_at FROM claims_live_stream") == [(NOW.replace(tzinfo=None),)]


def test_a_drain_committed_twice_is_fenced_off(db, channel, source):
    source.send()
    drain = stream.drain_channel(db, channel)
    stream.commit_drain(db, drain)
    with pytest.raises(PositionMovedError, match="moved"):
        stream.commit_drain(db, drain)
    assert len(stored(db)) == 3
    assert query(db, "SELECT rows_ingested FROM stream_positions") == [(3,)]


def test_of_two_consumers_with_the_same_drain_one_stores_it(db, channel, source):
    source.send()
    drains = [stream.drain_channel(db, channel) for _ in range(2)]
    outcomes = []

    def commit(drain) -> None:
        try:
            outcomes.append(stream.commit_drain(db, drain).rows)
        except PositionMovedError:
            outcomes.append("fenced")

    threads = [threading.Thread(target=commit, args=(drain,)) for drain in drains]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes, key=str) == [3, "fenced"]
    assert len(stored(db)) == 3


def test_an_ingest_that_is_overtaken_goes_on_from_the_new_position(db, channel, source, monkeypatch):
    source.send()
    real, calls = stream.commit_drain, []

    def overtaken(db_, drain, now=None):
        calls.append(drain)
        if len(calls) == 1:
            real(db_, drain)  # another consumer, between our reading and our writing
            source.send(2)
        return real(db_, drain, now)

    monkeypatch.setattr(stream, "commit_drain", overtaken)
    assert stream.ingest(db, channel).rows == 2
    assert len(stored(db)) == 5


def test_an_ingest_that_is_always_overtaken_gives_up(db, channel, source, monkeypatch):
    def moved(*_):
        raise PositionMovedError("always")

    source.send()
    monkeypatch.setattr(stream, "commit_drain", moved)
    with pytest.raises(PositionMovedError):
        stream.ingest(db, channel)


@pytest.mark.parametrize("step", ["_move_position", "leave_out_stored", "insert_rows", "_insert_dead_letters"])
def test_a_crash_at_any_step_of_a_commit_stores_nothing_and_the_next_ingest_everything(
    db, channel, source, monkeypatch, step
):
    source.send()
    channel.publish("x", lines("junk"))
    real = getattr(stream, step)

    def crash(*arguments):
        real(*arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(stream, step, crash)
        with pytest.raises(KeyboardInterrupt):
            stream.ingest(db, channel)
    assert (stored(db), reasons(db)) == ([], [])
    assert query(db, "SELECT position, rows_ingested FROM stream_positions") == [(channel.start, 0)]
    result = stream.ingest(db, channel)
    assert (result.rows, result.dead_letters) == (3, 1)


@pytest.mark.slow
def test_small_limits_store_the_same(db, channel, source, tmp_path):
    source.publish(source.send())
    channel.publish("x", lines("junk", payload("F-1"), payload("F-1")))
    other = SimulationDatabase(tmp_path / "other.duckdb")
    one, many = stream.ingest(db, channel), stream.ingest(other, channel, limit=2)
    assert (one.rows, one.duplicates, one.dead_letters) == (many.rows, many.duplicates, many.dead_letters)
    assert stored(db) == stored(other)
    assert many.chunks > one.chunks


def test_a_foreign_claim_that_turns_out_to_be_ours_is_not_stored_twice(db, channel, source, tmp_path):
    """As after a restored backup: the channel holds claims whose batch the database has forgotten, then learns anew."""
    batch_id = source.commit()
    texts = outbox.read_batch(db, batch_id)["payload"].to_pylist()
    other = SimulationDatabase(tmp_path / "restored.duckdb")
    channel.publish(batch_id, lines(*texts))
    stream.ingest(other, channel)
    source.db = other
    from claims_sim_tests.store.conftest import log_of, new_batch, payload_table

    payloads = payload_table(batch_id, 3)
    outbox.commit_batch(other, new_batch(batch_id), payloads, log_of(payloads))
    channel.publish(batch_id, lines(*texts))
    result = stream.ingest(other, channel)
    assert (result.rows, result.duplicates, len(stored(other))) == (0, 3, 3)


def test_copies_are_found_after_the_outbox_was_pruned(db, channel, source):
    batch_id = source.send()
    texts = outbox.read_batch(db, batch_id)["payload"].to_pylist()
    stream.ingest(db, channel)
    outbox.prune_outbox(db, 0)
    channel.publish(batch_id, lines(*texts, payload("F-1")))
    result = stream.ingest(db, channel)
    assert (result.rows, result.duplicates) == (1, 3)


def test_a_segment_read_again_stores_no_row_and_no_dead_letter_twice(db, channel, source):
    source.send()
    channel.publish("x", lines("junk", payload("A-1"), payload("A-1", paid=1)))
    stream.ingest(db, channel)
    query(db, f"UPDATE stream_positions SET position = '{channel.start}'")
    result = stream.ingest(db, channel)
    assert (result.rows, result.dead_letters, result.duplicates) == (0, 0, 4)
    assert (len(stored(db)), len(reasons(db))) == (4, 2)


def test_an_emptied_channel_is_another_one_and_is_read_from_its_start(db, channel, source, tmp_path):
    source.send()
    stream.ingest(db, channel)
    channel.close()
    shutil.rmtree(tmp_path / "live")
    anew = open_channel(f"jsonl://{tmp_path / 'live'}")
    anew.publish("x", lines(payload("NEW-1")))
    assert stream.ingest(db, anew).rows == 1
    anew.close()


def test_what_housekeeping_removed_is_told(db, channel, source, tmp_path):
    for _ in range(5):
        source.send()
    stream.ingest(db, channel)
    query(db, f"UPDATE stream_positions SET position = '{channel.start}'")
    segment_path(tmp_path / "live", 1).unlink()
    assert stream.ingest(db, channel).notes == ("Segment 1 is gone; continued at segment 2.",)


def test_counters_of_the_channel_add_up(db, channel, source):
    batch_id = source.send()
    source.publish(batch_id)
    channel.publish("x", lines("junk"))
    stream.ingest(db, channel)
    assert query(db, "SELECT rows_ingested, duplicates, dead_letters FROM stream_positions") == [(3, 3, 1)]
    flow = counts.count_flow(db)
    assert (flow.ingested, flow.duplicates, flow.dead_letters, flow.unscored) == (3, 3, 1, 3)


def test_a_full_disk_stores_nothing_and_is_a_store_error(db, channel, source):
    """A real refusal by the kernel: the process may not let any file grow beyond what the database has now."""
    source.send(300)
    script = """
import resource, signal, sys
from pathlib import Path
from claims_sim.channels import open_channel
from claims_sim.errors import StoreError
from claims_sim.store import stream
from claims_sim.store.database import SimulationDatabase
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
db, channel = SimulationDatabase(Path(sys.argv[1])), open_channel(sys.argv[2])
drain = stream.drain_channel(db, channel)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))
try:
    stream.commit_drain(db, drain)
except StoreError as error:
    print("refused", error)
"""
    url = f"jsonl://{db.path.parent / 'live'}"
    done = subprocess.run(
        [sys.executable, "-c", script, str(db.path), url], capture_output=True, text=True, check=False
    )
    assert done.stdout.startswith("refused"), done
    assert stored(db) == []
    assert stream.ingest(db, channel).rows == 300


@pytest.mark.slow
def test_a_killed_consumer_neither_loses_nor_doubles(db, channel, source):
    for _ in range(20):
        source.send(20)
    script = """
import os, signal, sys
from pathlib import Path
from claims_sim.channels import open_channel
from claims_sim.store import stream
from claims_sim.store.database import SimulationDatabase
db, channel = SimulationDatabase(Path(sys.argv[1])), open_channel(sys.argv[2])
step, kills = sys.argv[3], int(sys.argv[4])
real = getattr(stream, step)
def killed(*arguments):
    global kills
    result = real(*arguments)
    kills -= 1
    if not kills:
        os.kill(os.getpid(), signal.SIGKILL)
    return result
setattr(stream, step, killed)
stream.ingest(db, channel, limit=60)
"""
    url = f"jsonl://{db.path.parent / 'live'}"
    for step, after in (("_move_position", 2), ("insert_rows", 1), ("commit_drain", 2)):
        done = subprocess.run([sys.executable, "-c", script, str(db.path), url, step, str(after)], check=False)
        assert done.returncode == -9
        found = stored(db)
        assert len(found) == len(set(found))
    stream.ingest(db, channel)
    found = stored(db)
    assert len(found) == len(set(found)) == 400
    assert counts.stream_health(db, full=True).missing == 0


@pytest.mark.slow
@pytest.mark.timeout(600)
@given(st.lists(st.sampled_from(["A", "B", "A2", "A3", "junk"]), max_size=14), st.integers(1, 6))
@settings(max_examples=60, deadline=None)
def test_what_is_stored_does_not_depend_on_where_chunks_begin(tmp_path_factory, sequence, limit):
    folder = tmp_path_factory.mktemp("chunks")
    texts = {
        "A": payload("A"),
        "B": payload("B"),
        "A2": payload("A", paid=2),
        "A3": payload("A", paid=3),
        "junk": "junk",
    }
    outcomes = []
    for name, size in (("whole", 1_000), ("chunked", limit)):
        db, channel = SimulationDatabase(folder / f"{name}.duckdb"), open_channel(f"jsonl://{folder / name}")
        channel.publish("x", lines(*(texts[word] for word in sequence)))
        result = stream.ingest(db, channel, limit=size)
        channel.close()
        rows = query(db, "SELECT claim_id, amount_paid, channel_position FROM claims_live_stream ORDER BY stream_seq")
        dead = query(db, "SELECT channel_position, claim_id, reason, raw FROM dead_letters ORDER BY channel_position")
        outcomes.append((result.rows, result.duplicates, result.dead_letters, rows, dead))
    assert outcomes[0] == outcomes[1]


def test_what_counts_is_the_stored_claim_not_the_first_of_a_chunk(db, channel):
    """However the chunks fall: a copy of the stored claim is a duplicate, though a contradiction came just before it."""
    first, other = payload("A-1"), payload("A-1", paid=1)
    channel.publish("x", lines(first))
    stream.ingest(db, channel)
    channel.publish("x", lines(other, first, other, first))
    result = stream.ingest(db, channel)
    assert (result.rows, result.duplicates, result.dead_letters) == (0, 2, 2)
    assert query(db, "SELECT DISTINCT raw FROM dead_letters") == [(other.encode(),)]


@given(st.lists(st.sampled_from(["A", "B", "A changed", "C", "junk", "batch"]), max_size=12), st.integers(4, 9))
@settings(max_examples=3, deadline=None)
def test_ingesting_a_sequence_twice_equals_ingesting_it_once(tmp_path_factory, sequence, limit):
    folder = tmp_path_factory.mktemp("twice")
    texts = {"A": payload("A"), "B": payload("B"), "A changed": payload("A", paid=2), "C": payload("C"), "junk": "junk"}
    sent = [texts.get(word, payload("D")) for word in sequence]
    outcomes = []
    for name, repeats in (("once", 1), ("twice", 2)):
        db, channel = SimulationDatabase(folder / f"{name}.duckdb"), open_channel(f"jsonl://{folder / name}")
        for _ in range(repeats):
            channel.publish("x", lines(*sent))
        stream.ingest(db, channel, limit=limit)
        channel.close()
        rows = query(db, "SELECT claim_id, amount_paid FROM claims_live_stream ORDER BY stream_seq")
        kinds = {tuple(row) for row in query(db, "SELECT DISTINCT claim_id, reason, raw FROM dead_letters")}
        outcomes.append((rows, kinds))
    once, twice = outcomes
    assert once[0] == twice[0]
    assert once[1] == twice[1]


def test_a_drain_of_a_forgotten_position_is_refused(db, channel, source, tmp_path):
    source.send()
    drain = stream.drain_channel(db, channel)
    with pytest.raises((PositionMovedError, StoreError)):
        stream.commit_drain(SimulationDatabase(tmp_path / "other.duckdb"), drain)
