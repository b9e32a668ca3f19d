from datetime import UTC, datetime, timedelta

import pytest

from claims_sim.claim_ids import MAX_CLAIMS_PER_BATCH, batch_time, claim_ids, new_batch_id, numbered_batch_id
from claims_sim.privacy.phi import identifiers_in

NOW = datetime(2026, 3, 4, 5, 6, 7, 891000, tzinfo=UTC)


def test_a_batch_id_tells_its_time_to_the_millisecond():
    assert batch_time(new_batch_id(NOW)) == NOW


def test_ids_of_later_batches_sort_after_those_of_earlier_ones():
    batches = [new_batch_id(NOW + timedelta(milliseconds=i)) for i in range(200)]
    ids = [identifier for batch in batches for identifier in claim_ids("SIM", batch, 3)]
    assert ids == sorted(ids)
    assert len(set(ids)) == len(ids)


def test_two_processes_in_the_same_millisecond_make_different_batches():
    assert len({new_batch_id(NOW) for _ in range(10_000)}) == 10_000


def test_a_claim_id_never_looks_like_an_identifier_of_a_person():
    for number in range(2_000):
        for identifier in claim_ids("SIM", numbered_batch_id(NOW + timedelta(days=number), number), 1, first=99_998):
            assert identifiers_in(identifier) == ()


def test_a_batch_beyond_its_limit_is_refused():
    with pytest.raises(ValueError, match="at most"):
        claim_ids("SIM", new_batch_id(NOW), 1, first=MAX_CLAIMS_PER_BATCH)
