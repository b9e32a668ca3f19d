"""Snapshots: every row in exactly one file, closed files untouched, and no crash that needs a repair."""

import shutil
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claims_sim.errors import StoreError
from claims_sim.store import scores, snapshot_files, snapshots, stream
from claims_sim.store.database import SimulationDatabase
from claims_sim.store.snapshot_files import SnapshotFile
from claims_sim.store.snapshot_files import snapshot_files as files_of
from claims_sim_tests.store.conftest import query
from claims_sim_tests.store.test_scores import score

DAY = datetime(2025, 11, 15, 8, 0, tzinfo=UTC)


def store(db: SimulationDatabase, count: int, at: datetime = DAY) -> None:
    """Put `count` claims into the table as ingest would, without a channel."""
    with db.transaction() as connection:
        connection.execute(
            """
            INSERT INTO claims_live_stream BY NAME
            SELECT 'C-' || (value + i) AS claim_id, value + i AS stream_seq, ? AS ingested_at
            FROM counters, range(1, ?) r(i) WHERE name = 'stream_seq'
            """,
            [at.replace(tzinfo=None), count + 1],
        ).fetchall()
        connection.execute("UPDATE counters SET value = value + ? WHERE name = 'stream_seq'", [count]).fetchall()


def ids(folder, table="claims_live_stream") -> list[str]:
    return snapshots.read_snapshot(folder, table)["claim_id"].to_pylist()


def expected(db, table="claims_live_stream", number="stream_seq") -> list[str]:
    return [row[0] for row in query(db, f"SELECT claim_id FROM {table} ORDER BY {number}")]


def names(folder, table="claims_live_stream") -> list[str]:
    return [str(path.relative_to(folder / table)) for path in files_of(folder / table)]


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "snapshots"


@pytest.fixture(autouse=True)
def small_files(monkeypatch):
    monkeypatch.setattr(snapshots, "FILE_ROWS", 10)
    monkeypatch.setattr(snapshots, "_FETCH_ROWS", 30)


def test_without_rows_there_is_no_file_and_an_empty_table(db, folder):
    assert snapshots.write_snapshots(db, folder).files == 0
    for table in ("claims_live_stream", "ml_scores"):
        assert len(snapshots.read_snapshot(folder, table)) == 0


def test_the_newest_file_grows_until_it_is_full(db, folder):
    for count in (4, 4, 4):
        store(db, count)
        snapshots.write_snapshots(db, folder)
    assert names(folder) == ["date=2025-11-15/000000000000001.parquet", "date=2025-11-15/000000000000011.parquet"]
    assert ids(folder) == expected(db)


def test_what_was_written_is_counted(db, folder):
    store(db, 4)
    snapshots.write_snapshots(db, folder)
    store(db, 30)
    result = snapshots.write_snapshots(db, folder)
    assert (result.rows["claims_live_stream"], result.files, result.rebuilt) == (30, 8, ())
    assert snapshots.write_snapshots(db, folder).files == 0


def test_a_new_day_begins_a_new_file_and_the_old_one_is_touched_no_more(db, folder):
    store(db, 4)
    snapshots.write_snapshots(db, folder)
    first = files_of(folder / "claims_live_stream")[0]
    before = (first.stat().st_ino, first.stat().st_mtime_ns)
    store(db, 2, DAY + timedelta(days=1))
    snapshots.write_snapshots(db, folder)
    store(db, 2, DAY + timedelta(days=1))
    snapshots.write_snapshots(db, folder)
    assert (first.stat().st_ino, first.stat().st_mtime_ns) == before
    assert names(folder) == ["date=2025-11-15/000000000000001.parquet", "date=2025-11-16/000000000000005.parquet"]
    assert ids(folder) == expected(db)


def test_a_clock_that_went_back_opens_no_earlier_day(db, folder):
    store(db, 2, DAY + timedelta(days=1))
    snapshots.write_snapshots(db, folder)
    store(db, 12, DAY)
    snapshots.write_snapshots(db, folder)
    assert {name.split("/")[0] for name in names(folder)} == {"date=2025-11-16"}
    assert ids(folder) == expected(db)


def test_many_rows_at_once_over_several_days_lie_in_full_files(db, folder):
    for day in range(3):
        store(db, 33, DAY + timedelta(days=day))
    snapshots.write_snapshots(db, folder)
    assert ids(folder) == expected(db)
    sizes = [SnapshotFile.of(path).span for path in files_of(folder / "claims_live_stream")]
    assert sizes == [10, 10, 10, 3] * 3


def test_values_are_those_of_the_table(db, folder, channel, source):
    source.send(5)
    stream.ingest(db, channel)
    snapshots.write_snapshots(db, folder)
    with db.connect() as connection:
        table = connection.sql("SELECT * FROM claims_live_stream ORDER BY stream_seq").to_arrow_table()
    assert snapshots.read_snapshot(folder, "claims_live_stream").equals(table)


def test_a_replaced_score_ends_up_in_the_file_that_held_it(db, folder):
    store(db, 35)
    claims = pa.concat_tables(scores.all_chunks(db))
    scores.commit_scores(db, score(claims.slice(0, 30)))
    snapshots.write_snapshots(db, folder)
    scores.commit_scores(db, score(claims.take([3, 17, 33]), risk=0.9))
    result = snapshots.write_snapshots(db, folder)
    assert (result.rows["ml_scores"], result.rebuilt) == (1, ())
    found = snapshots.read_snapshot(folder, "ml_scores")
    assert found.equals(scores.read_scores(db))
    assert snapshots.write_snapshots(db, folder).files == 0


def test_a_lost_folder_is_written_anew(db, folder):
    store(db, 25)
    snapshots.write_snapshots(db, folder)
    shutil.rmtree(folder)
    snapshots.write_snapshots(db, folder)
    assert ids(folder) == expected(db)


@pytest.mark.parametrize("restored", [0, 7, 12, 40])
def test_a_restored_database_replaces_the_snapshot_of_the_other_past(db, folder, tmp_path, restored):
    store(db, 15)
    snapshots.write_snapshots(db, folder)
    other = SimulationDatabase(tmp_path / "restored.duckdb")
    store(other, restored)
    query(other, "UPDATE claims_live_stream SET claim_id = 'R' || claim_id WHERE stream_seq > 5")
    result = snapshots.write_snapshots(other, folder)
    assert result.rebuilt == ("claims_live_stream", "provenance")
    assert ids(folder) == expected(other)


def test_a_damaged_newest_file_is_written_anew(db, folder):
    store(db, 15)
    snapshots.write_snapshots(db, folder)
    files_of(folder / "claims_live_stream")[-1].write_bytes(b"half a file")
    assert snapshots.write_snapshots(db, folder).rebuilt == ("claims_live_stream",)
    assert ids(folder) == expected(db)


def test_a_rebuild_on_demand_mends_a_missing_file(db, folder):
    store(db, 35)
    snapshots.write_snapshots(db, folder)
    files_of(folder / "claims_live_stream")[1].unlink()
    snapshots.rebuild_snapshots(db, folder)
    assert ids(folder) == expected(db)


def test_a_folder_that_cannot_be_written_is_a_store_error(db, tmp_path):
    store(db, 1)
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="cannot be written"):
        snapshots.write_snapshots(db, tmp_path / "file")


class Crash(BaseException):
    """Ends the work at a chosen step, as the end of the process would."""


def crash_at(monkeypatch, step: int) -> None:
    """Let the `step`-th call to the file system, of those that change what a reader sees, not return."""
    left = [step]

    def counting(real, before: bool):
        def call(*arguments, **keywords):
            left[0] -= 1
            if left[0] == 0 and before:
                raise Crash
            result = real(*arguments, **keywords)
            if left[0] == 0:
                raise Crash
            return result

        return call

    from pathlib import Path

    monkeypatch.setattr(snapshot_files.os, "fsync", counting(snapshot_files.os.fsync, before=True))
    monkeypatch.setattr(Path, "replace", counting(Path.replace, before=False))
    monkeypatch.setattr(Path, "rename", counting(Path.rename, before=False))
    monkeypatch.setattr(Path, "mkdir", counting(Path.mkdir, before=False))


@pytest.mark.many(daily=4)
@pytest.mark.parametrize("step", range(1, 12))
def test_after_a_crash_at_any_step_readers_see_no_row_twice_and_the_next_run_completes(db, folder, monkeypatch, step):
    store(db, 7)
    snapshots.write_snapshots(db, folder)
    store(db, 15, DAY + timedelta(days=1))
    with monkeypatch.context() as patch, suppress(Crash):
        crash_at(patch, step)
        snapshots.write_snapshots(db, folder)
    seen = ids(folder)
    assert seen == expected(db)[: len(seen)]
    assert len(seen) >= 7
    snapshots.write_snapshots(db, folder)
    assert ids(folder) == expected(db)
    assert not list(folder.glob("**/.writing-*"))


@pytest.mark.many(daily=3)
@pytest.mark.parametrize("step", range(1, 12, 2))
def test_after_a_crash_while_replaced_scores_are_written_each_row_is_there_once(db, folder, monkeypatch, step):
    store(db, 30)
    claims = pa.concat_tables(scores.all_chunks(db))
    scores.commit_scores(db, score(claims))
    snapshots.write_snapshots(db, folder)
    scores.commit_scores(db, score(claims, risk=0.9))
    with monkeypatch.context() as patch, suppress(Crash):
        crash_at(patch, step)
        snapshots.write_snapshots(db, folder)
    assert ids(folder, "ml_scores") == expected(db)
    snapshots.write_snapshots(db, folder)
    assert snapshots.read_snapshot(folder, "ml_scores").equals(scores.read_scores(db))


@pytest.mark.many(daily=3)
@pytest.mark.parametrize("step", range(1, 14, 2))
def test_after_a_crash_while_all_is_written_anew_the_next_run_completes(db, folder, monkeypatch, step):
    store(db, 15)
    snapshots.write_snapshots(db, folder)
    with monkeypatch.context() as patch, suppress(Crash):
        crash_at(patch, step)
        snapshots.rebuild_snapshots(db, folder)
    seen = ids(folder)
    assert len(seen) == len(set(seen))
    snapshots.write_snapshots(db, folder)
    assert ids(folder) == expected(db)


@given(st.lists(st.tuples(st.integers(0, 23), st.integers(0, 2)), min_size=1, max_size=5))
@settings(max_examples=3, deadline=None)
def test_any_arrivals_lie_in_the_snapshot_once_and_in_order(tmp_path_factory, arrivals):
    root = tmp_path_factory.mktemp("any")
    db = SimulationDatabase(root / "sim.duckdb")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(snapshots, "FILE_ROWS", 10)
        patch.setattr(snapshots, "_FETCH_ROWS", 30)
        for count, day in arrivals:
            store(db, count, DAY + timedelta(days=day))
            snapshots.write_snapshots(db, root / "snapshots")
            assert ids(root / "snapshots") == expected(db)
    assert all(SnapshotFile.of(path).span <= 10 for path in files_of(root / "snapshots" / "claims_live_stream"))


def test_provenance_has_a_row_for_each_claim_and_how_ours_was_made(db, folder):
    store(db, 6)
    query(db, "UPDATE claims_live_stream SET batch_id = 'b-' || (stream_seq // 3) WHERE stream_seq < 6")
    query(
        db,
        "INSERT INTO generation_log (claim_id, batch_id, author, model, attempts, created_at) "
        "SELECT claim_id, batch_id, 'llm', 'a model', 1, now() FROM claims_live_stream WHERE stream_seq <= 4",
    )
    snapshots.write_snapshots(db, folder)
    rows = snapshots.read_snapshot(folder, "provenance").to_pylist()
    assert [row["stream_seq"] for row in rows] == [1, 2, 3, 4, 5, 6]
    assert [row["author"] for row in rows] == ["llm"] * 4 + [None] * 2
