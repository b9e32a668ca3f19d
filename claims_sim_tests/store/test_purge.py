"""Purging: chosen claims go everywhere, stay known, and are neither stored again nor counted as lost."""

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claims_sim.errors import RequestError, StoreError
from claims_sim.store import compaction, counts, outbox, purge, scores, snapshots, stream
from claims_sim.store.database import SimulationDatabase
from claims_sim.store.purge import Selection
from claims_sim_tests.depth import examples
from claims_sim_tests.store.conftest import NOW, lines, payload, query
from claims_sim_tests.store.test_scores import score
from claims_sim_tests.store.test_snapshots import DAY, ids, store

LATER = NOW + timedelta(days=30)


def gone(db, selection: Selection) -> purge.Purge:
    """Purge, and sum up the parts."""
    parts = list(purge.purge_claims(db, selection, NOW))
    total = {name: sum(getattr(part, name) for part in parts) for name in ("claims", "scores", "payloads", "batches")}
    return purge.Purge(**total)


def stored(db) -> list[str]:
    return [row[0] for row in query(db, "SELECT claim_id FROM claims_live_stream ORDER BY stream_seq")]


def score_all(db) -> None:
    for claims in scores.unscored_chunks(db):
        scores.commit_scores(db, score(claims))


def test_a_batch_goes_with_its_scores_provenance_and_payloads(db, channel, source):
    batches = [source.send(3) for _ in range(3)]
    stream.ingest(db, channel)
    score_all(db)
    chosen = Selection(batches=(batches[1],))
    assert purge.count_chosen(db, chosen) == purge.Purge(claims=3, scores=3, payloads=3, batches=1)
    assert gone(db, chosen) == purge.count_chosen(db, Selection(batches=(batches[0],)))
    for table in ("claims_live_stream", "ml_scores", "outbox", "generation_log", "claim_keys"):
        assert query(db, f"SELECT count(*) FROM {table}") == [(6,)]
    assert purge.count_chosen(db, chosen) == purge.Purge()


def test_the_oldest_go_by_age_and_by_count(db, channel):
    for day in range(4):
        channel.publish("x", lines(*(payload(f"D{day}-{n}") for n in range(3))))
        stream.commit_drain(db, stream.drain_channel(db, channel), NOW + timedelta(days=day))
    assert gone(db, Selection(before=NOW + timedelta(days=1))).claims == 3
    assert gone(db, Selection(keep=7)).claims == 2
    assert stored(db) == ["D1-2", *(f"D{day}-{n}" for day in (2, 3) for n in range(3))]
    assert gone(db, Selection(before=LATER, keep=5)).claims == 2
    assert gone(db, Selection(before=NOW, keep=0)).claims == 0
    assert gone(db, Selection(keep=0)).claims == 5
    assert stored(db) == []


@pytest.mark.parametrize("wrong", [{}, {"batches": ("a",), "keep": 3}])
def test_a_choice_must_be_one(wrong):
    with pytest.raises(RequestError, match="by age, by how many stay, or by batch"):
        Selection(**wrong)


def test_an_unknown_batch_is_told(db, source):
    source.send()
    with pytest.raises(StoreError, match="no batch 'zzz'"):
        gone(db, Selection(batches=("zzz",)))


def test_what_was_purged_does_not_come_back_from_the_channel(db, channel, source):
    batch_id = source.send(3)
    channel.publish("x", lines(payload("F-1"), payload("F-2")))
    stream.ingest(db, channel)
    gone(db, Selection(keep=0))
    source.publish(batch_id) if query(db, "SELECT count(*) FROM outbox") != [(0,)] else None
    channel.publish("x", lines(payload("F-1"), payload("F-1"), payload("F-2", paid=1), payload("F-3")))
    again = stream.ingest(db, channel)
    assert (again.rows, again.duplicates, again.dead_letters) == (1, 3, 0)
    assert stored(db) == ["F-3"]


@pytest.mark.slow
def test_a_channel_that_is_read_from_its_start_again_brings_nothing_back(db, channel, source):
    for _ in range(3):
        source.send(3)
    stream.ingest(db, channel)
    gone(db, Selection(keep=4))
    query(db, f"UPDATE stream_positions SET position = '{channel.start}'")
    again = stream.ingest(db, channel)
    assert (again.rows, again.duplicates) == (0, 9)
    assert len(stored(db)) == 4


@pytest.mark.slow
def test_purged_claims_of_a_batch_that_is_sent_again_stay_purged_and_the_others_arrive(db, channel, source):
    batch_id = source.commit(3)
    texts = outbox.read_batch(db, batch_id)["payload"].to_pylist()
    channel.publish(batch_id, lines(*texts[:2]))
    outbox.release(db, batch_id, NOW)
    stream.ingest(db, channel)
    gone(db, Selection(keep=0))
    assert counts.stream_health(db, full=True, now=NOW).missing == 1
    assert counts.lost_batches(db, LATER) == (batch_id,)
    outbox.reopen(db, [batch_id])
    source.publish(batch_id)
    outbox.release(db, batch_id, NOW)
    again = stream.ingest(db, channel)
    assert (again.rows, again.duplicates) == (1, 2)
    assert counts.lost_batches(db, LATER) == ()
    assert counts.stream_health(db, full=True, now=NOW).missing == 0


@pytest.mark.slow
def test_nothing_purged_counts_as_lost_or_waits_for_a_score(db, channel, source):
    for _ in range(3):
        source.send(3)
    stream.ingest(db, channel)
    score_all(db)
    source.send(3)
    stream.ingest(db, channel)
    gone(db, Selection(keep=2))
    assert counts.lost_batches(db, LATER) == ()
    health = counts.stream_health(db, now=NOW)
    assert (health.stored, health.checked, health.missing) == (2, 2, 0)
    flow = counts.count_flow(db)
    assert (flow.ingested, flow.purged, flow.scored, flow.unscored) == (12, 10, 9, 2)
    score_all(db)
    assert (counts.count_flow(db).unscored, scores.score_summary(db).unscored) == (0, 0)
    assert (counts.score_health(db).claims, counts.score_health(db).unscored) == (2, 0)


def snapshot_equals_table(db, folder: Path) -> bool:
    with db.connect() as connection:
        rows = connection.sql("SELECT * FROM claims_live_stream ORDER BY stream_seq").to_arrow_table()
    found = snapshots.read_snapshot(folder, "claims_live_stream")
    provenance = snapshots.read_snapshot(folder, "provenance")
    return (
        found.equals(rows)
        and snapshots.read_snapshot(folder, "ml_scores").equals(scores.read_scores(db))
        and provenance["claim_id"].equals(found["claim_id"])
    )


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("arrive"), st.integers(1, 25)),
        st.tuples(st.just("score"), st.just(0)),
        st.tuples(st.just("score again"), st.just(0)),
        st.tuples(st.just("keep"), st.integers(0, 30)),
        st.tuples(st.just("batch"), st.integers(0, 5)),
        st.tuples(st.just("snapshot"), st.just(0)),
    ),
    min_size=2,
    max_size=10,
)


def take_step(db: SimulationDatabase, what: str, number: int) -> None:
    if what == "arrive":
        store(db, number, DAY + timedelta(days=number % 3))
        query(db, "UPDATE claims_live_stream SET batch_id = 'B' || (stream_seq // 9) WHERE stream_seq % 3 > 0")
        query(db, "DELETE FROM outbox_batches")
        query(
            db,
            "INSERT INTO outbox_batches (batch_id, created_at, planned, authored, repaired, rejected, accepted, ingested, "
            "status, content_hash) SELECT batch_id, now(), 9, 9, 0, 0, 9, 9, 'released', '' FROM claims_live_stream "
            "WHERE batch_id IS NOT NULL GROUP BY batch_id",
        )
    elif what.startswith("score"):
        chunks = scores.unscored_chunks(db) if what == "score" else scores.all_chunks(db)
        for claims in chunks:
            scores.commit_scores(db, score(claims, risk=0.9 if what == "score again" else 0.5))
    elif what == "keep":
        gone(db, Selection(keep=number))
    elif query(db, f"SELECT 1 FROM outbox_batches WHERE batch_id = 'B{number}'"):
        gone(db, Selection(batches=(f"B{number}",)))


@given(STEPS)
@settings(max_examples=examples(4), deadline=None)
def test_snapshots_hold_what_the_tables_hold_whatever_was_purged_in_between(tmp_path_factory, empty_database, steps):
    root = tmp_path_factory.mktemp("purged")
    (root / "sim.duckdb").write_bytes(empty_database.read_bytes())
    db = SimulationDatabase(root / "sim.duckdb")
    with pytest.MonkeyPatch.context() as patch, db.kept_open():
        patch.setattr(snapshots, "FILE_ROWS", 10)
        patch.setattr(snapshots, "_FETCH_ROWS", 30)
        patch.setattr(purge, "CHUNK_CLAIMS", 7)
        for what, number in steps:
            if what == "snapshot":
                snapshots.write_snapshots(db, root / "snapshots")
            else:
                take_step(db, what, number)
        snapshots.write_snapshots(db, root / "snapshots")
        assert snapshot_equals_table(db, root / "snapshots")
        assert snapshots.write_snapshots(db, root / "snapshots").files == 0


def test_files_that_hold_nothing_purged_are_not_touched_and_files_of_nothing_else_vanish(db, tmp_path, monkeypatch):
    monkeypatch.setattr(snapshots, "FILE_ROWS", 10)
    store(db, 40)
    snapshots.write_snapshots(db, tmp_path)
    files = snapshots.snapshot_files(tmp_path / "claims_live_stream")
    before = files[2].stat().st_ino
    chosen = Selection(keep=25)
    assert snapshots.files_touched(tmp_path, purge.chosen_numbers(db, chosen)) == 4
    gone(db, chosen)
    snapshots.write_snapshots(db, tmp_path)
    assert [path.exists() for path in files] == [False, True, True, True]
    assert files[2].stat().st_ino == before
    assert ids(tmp_path) == stored(db)


def test_an_interrupted_purge_is_gone_on_with(db, channel, source, monkeypatch):
    for _ in range(4):
        source.send(3)
    stream.ingest(db, channel)
    monkeypatch.setattr(purge, "CHUNK_CLAIMS", 4)
    parts = purge.purge_claims(db, Selection(keep=1), NOW)
    assert next(parts).claims == 4
    parts.close()
    assert len(stored(db)) == 8
    assert gone(db, Selection(keep=1)).claims == 7


def fill(db: SimulationDatabase, rows: int = 200_000) -> None:
    with db.transaction() as connection:
        connection.execute("INSERT INTO outbox SELECT 'b', i, 'c' || i, md5(i::VARCHAR) FROM range(?) r(i)", [rows])


def test_a_purged_database_file_shrinks_and_holds_the_same(db):
    fill(db)
    query(db, "INSERT INTO stream_positions (channel, position, updated_at) VALUES ('a', 'b', now())")
    before = query(db, "SELECT table_name, sql FROM duckdb_tables() ORDER BY 1")
    query(db, "DELETE FROM outbox WHERE claim_index > 100")
    done = compaction.compact(db, share=0)
    assert done.after == db.path.stat().st_size < done.before / 2
    assert query(db, "SELECT count(*) FROM outbox") == [(101,)]
    assert query(db, "SELECT table_name, sql FROM duckdb_tables() ORDER BY 1") == before
    assert compaction.compact(db) == compaction.Compaction(done.after, done.after)
    with pytest.raises(duckdb.ConstraintException):
        query(db, "INSERT INTO stream_positions (channel, position, updated_at) VALUES ('a', 'c', now())")
    assert not [path for path in db.path.parent.iterdir() if ".new" in path.name]


def test_a_copy_that_is_behind_is_not_put_in_place(db, monkeypatch):
    fill(db)
    query(db, "DELETE FROM outbox")
    real, done = compaction._copy, []

    def copy_and_write(*arguments):
        copied = real(*arguments)
        if not done:
            query(db, "INSERT INTO outbox VALUES ('late', 1, 'late', 'late')")
            done.append(True)
        return copied

    monkeypatch.setattr(compaction, "_copy", copy_and_write)
    compaction.compact(db, share=0)
    assert query(db, "SELECT batch_id FROM outbox") == [("late",)]


WRITER = """
import sys
from pathlib import Path
from claims_sim.store.database import SimulationDatabase

db, written = SimulationDatabase(Path(sys.argv[1])), 0
while not Path(sys.argv[2]).exists():
    with db.transaction() as connection:
        connection.execute("INSERT INTO outbox VALUES ('w', ?, 'w', 'w')", [written]).fetchall()
    written += 1
    print(written, flush=True)
"""


def test_a_process_that_writes_beside_a_compaction_loses_nothing(db, tmp_path):
    fill(db, 20_000)
    query(db, "DELETE FROM outbox")
    command = [sys.executable, "-c", WRITER, str(db.path), str(tmp_path / "stop")]
    writer = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert writer.stdout.readline() == "1\n"
    replaced = set()
    for _ in range(6):
        compaction.compact(db, share=0)
        replaced.add(db.path.stat().st_ino)
    (tmp_path / "stop").touch()
    out, _ = writer.communicate(timeout=60)
    assert writer.returncode == 0
    assert len(replaced) > 1
    assert query(db, "SELECT count(*) FROM outbox") == [(int(out.splitlines()[-1]) if out else 1,)]


def test_without_room_for_a_copy_the_file_stays(db, monkeypatch):
    fill(db, 20_000)
    query(db, "DELETE FROM outbox")
    usage = type("Usage", (), {"free": 10})
    monkeypatch.setattr(compaction.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(StoreError, match=r"that needs .* beside it"):
        compaction.compact(db, share=0)
    assert query(db, "SELECT count(*) FROM outbox") == [(0,)]


def test_chosen_numbers_name_each_score_once(db):
    store(db, 12)
    claims = pa.concat_tables(scores.all_chunks(db))
    scores.commit_scores(db, score(claims.slice(2, 4)))
    found = purge.chosen_numbers(db, Selection(keep=2))
    assert found["stream_seq"].to_pylist() == list(range(1, 11))
    assert found["score_seq"].drop_null().to_pylist() == [1, 2, 3, 4]
