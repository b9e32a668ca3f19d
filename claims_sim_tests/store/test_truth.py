"""The truth file: written before the outbox, confirmed after it, whole whatever dies between."""

from datetime import UTC, datetime

import pyarrow as pa
import pytest

from claims_sim.errors import StoreError
from claims_sim.store import truth
from claims_sim.store.truth import TRUTH_SCHEMA, TruthBatch


def _batch(batch_id, first, claims=5, ids=("a",)):
    rows = [
        {
            "claim_id": f"{batch_id}-{name}",
            "batch_id": batch_id,
            "position": first,
            "label": "anomaly",
            "kind": "upcoding",
            "fields": ["los"],
            "related_claims": [],
            "is_decoy": False,
            "detectable_from": datetime(2026, 1, 2, tzinfo=UTC).replace(tzinfo=None),
            "strength": 2,
        }
        for name in ids
    ]
    return TruthBatch(batch_id, first, claims, 0.02, pa.Table.from_pylist(rows, schema=TRUTH_SCHEMA))


@pytest.fixture
def path(tmp_path):
    return truth.truth_path(tmp_path)


def _never(batch_id):
    raise AssertionError("a confirmed batch is not looked up")


def test_what_is_written_is_read_back(path):
    batch = _batch("b1", 0, ids=("a", "b"))
    truth.write_truth(path, batch)
    assert truth.read_truth(path).equals(batch.truth)
    assert truth.labelled_ids(path, ["b1-a", "x"]) == {"b1-a"}


def test_nothing_was_ever_injected_where_there_is_no_file(path):
    assert truth.read_truth(path).num_rows == 0
    assert truth.labelled_ids(path, ["x"]) == set()
    assert not path.exists()
    assert truth.next_position(path, _never) == 0


def test_a_batch_written_twice_is_there_once(path):
    for _ in range(2):
        truth.write_truth(path, _batch("b1", 0))
    assert len(truth.read_truth(path)) == 1


def test_the_next_claim_follows_the_last_confirmed_batch(path):
    truth.write_truth(path, _batch("b1", 0, 5))
    truth.confirm_truth(path, "b1")
    assert truth.next_position(path, _never) == 5


def test_a_batch_that_died_before_its_outbox_entry_is_forgotten_and_its_place_taken(path):
    for name, first in (("b1", 0), ("b2", 5)):
        truth.write_truth(path, _batch(name, first))
    truth.confirm_truth(path, "b1")
    assert truth.next_position(path, lambda batch_id: False) == 5
    assert truth.read_truth(path)["batch_id"].to_pylist() == ["b1"]


def test_a_batch_that_died_after_its_outbox_entry_stays(path):
    truth.write_truth(path, _batch("b1", 0))
    assert truth.next_position(path, lambda batch_id: batch_id == "b1") == 5
    assert len(truth.read_truth(path)) == 1


def test_a_file_that_is_no_truth_is_one_clear_line(path):
    path.write_bytes(b"no database at all, but long enough to look at" * 30)
    with pytest.raises(StoreError, match=r"truth\.sqlite cannot be used"):
        truth.read_truth(path)
