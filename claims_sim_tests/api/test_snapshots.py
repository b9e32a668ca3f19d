"""Which snapshot files a question needs."""

import os
from datetime import date

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from claims_sim.api.snapshots import Snapshots
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
