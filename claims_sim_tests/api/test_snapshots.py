"""Which snapshot files a question needs."""

import os
from datetime import date
from threading import Event, Thread

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from claims_sim.api.snapshots import Snapshots
from claims_sim.errors import StoreError
from claims_sim.store.snapshot_files import SnapshotFile, snapshot_files, write_file

DAY = date(2026, 3, 4)


@pytest.fixture
def scores(tmp_path):
    """Three files of scores; the second one holds the scores of claims that arrived long before."""
    for first, numbers in ((1, [1, 2, 5]), (4, [3, 4]), (6, [6, 7])):
        write(tmp_path / "ml_scores", first, numbers)
    reader = Snapshots(tmp_path)
    yield reader
    reader.close()


def write(root, first, numbers):
    rows = pa.table({"stream_seq": pa.array(numbers, pa.int64())})
    write_file(root, SnapshotFile(DAY, first, first + len(numbers) - 1, "", 0), rows)


def firsts(files):
    return [int(path.stem) for path in files]


def test_only_files_that_may_hold_the_claims_are_asked_and_the_newest_one_always(scores):
    assert firsts(scores.files_with("ml_scores", 1, 2)) == [1, 6]
    assert firsts(scores.files_with("ml_scores", 3, 4)) == [1, 4, 6]
    assert firsts(scores.files_with("ml_scores", 6, 9)) == [6]
    assert firsts(scores.files_with("ml_scores", 1, 2**62)) == [1, 4, 6]


def test_a_file_that_was_replaced_is_asked_again(scores):
    assert firsts(scores.files_with("ml_scores", 8, 9)) == [6]
    write(scores.folder / "ml_scores", 1, [1, 8])
    replaced = snapshot_files(scores.folder / "ml_scores")[0]
    os.utime(replaced, ns=(1, replaced.stat().st_mtime_ns + 1))  # a coarse clock may have given it the same time
    assert firsts(scores.files_with("ml_scores", 8, 9)) == [1, 6]


def test_a_file_that_cannot_be_read_is_left_to_the_reader(scores):
    snapshot_files(scores.folder / "ml_scores")[1].write_bytes(b"PAR1")
    assert firsts(scores.files_with("ml_scores", 6, 7)) == [4, 6]


def test_without_statistics_any_claim_may_be_there(scores):
    path = snapshot_files(scores.folder / "ml_scores")[0]
    pq.write_table(pa.table({"stream_seq": [1, 2]}), path, write_statistics=False)
    os.utime(path, ns=(1, 2))
    assert firsts(scores.files_with("ml_scores", 100, 200)) == [1, 6]


def test_a_file_that_is_replaced_all_the_time_is_read_without_an_error_and_without_a_wrong_row(tmp_path):
    root, done = tmp_path / "claims_live_stream", Event()

    def grow():
        rows = 100
        while not done.is_set():
            rows = 100 + (rows + 5 - 100) % 2_000
            numbers = pa.array(range(1, rows + 1), pa.int64())
            told = pa.table({"stream_seq": numbers, "text": [f"number {n.as_py()}" for n in numbers]})
            write_file(root, SnapshotFile(DAY, 1, rows, "", 0), told)
            done.wait(0.02)

    writer = Thread(target=grow)
    writer.start()
    reader = Snapshots(tmp_path)
    try:
        for _ in range(120):
            while not (files := reader.files("claims_live_stream")):
                done.wait(0.05)
            newest = reader.query(
                "SELECT stream_seq, text FROM {claims} ORDER BY stream_seq DESC LIMIT 60", claims=files
            )
            top = newest[0]["stream_seq"]
            assert newest == [{"stream_seq": n, "text": f"number {n}"} for n in range(top, top - 60, -1)]
    finally:
        done.set()
        writer.join()
        reader.close()


def test_a_wrong_question_is_no_fault_of_the_files(scores):
    with pytest.raises(duckdb.BinderException):
        scores.query("SELECT absent FROM {scores}", scores=scores.files("ml_scores"))


def test_a_file_that_stays_broken_is_told_in_one_line(scores):
    files = scores.files("ml_scores")
    whole = files[0].read_bytes()
    files[0].write_bytes(whole[:4] + bytes(len(whole) - 12) + whole[-8:])
    with pytest.raises(StoreError, match="cannot be read"):
        scores.query("FROM {scores}", scores=files)
