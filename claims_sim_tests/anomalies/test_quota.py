"""The quota is exact over each 1,000 claims, however they are cut into batches."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from claims_sim.anomalies.quota import BLOCK, Quota
from claims_sim_tests.depth import examples

SHARES = {"one": 2.0, "two": 1.0, "three": 1.0}


@given(rate=st.floats(0, 0.5), seed=st.integers(0, 99), cuts=st.lists(st.integers(1, 900), min_size=1, max_size=12))
@settings(max_examples=examples(6, deeper=8), deadline=None)
def test_any_batch_sizes_give_the_same_anomalies_and_every_thousand_its_share(rate, seed, cuts):
    quota = Quota(rate, SHARES, 0.3, seed)
    total = 3 * BLOCK
    whole = quota.assign(np.arange(total))
    found = dict(
        zip(whole.places.tolist(), zip(whole.kinds, whole.strengths, whole.campaigns, strict=True), strict=True)
    )
    pieces, first, i = {}, 0, 0
    while first < total:
        size = min(cuts[i % len(cuts)], total - first)
        part = quota.assign(np.arange(first, first + size))
        for place, kind, strength, campaign in zip(
            part.places, part.kinds, part.strengths, part.campaigns, strict=True
        ):
            pieces[int(place) + first] = (kind, strength, campaign)
        first, i = first + size, i + 1
    assert pieces == found
    for block in range(3):
        inside = [place for place in found if place // BLOCK == block]
        assert abs(len(inside) - rate * BLOCK) < 1
    assert abs(len(found) - rate * total) < 1


def test_kinds_follow_the_mix_in_every_thousand():
    quota = Quota(0.02, SHARES, seed=5)
    for block in range(20):
        kinds = quota.assign(np.arange(BLOCK) + block * BLOCK).kinds
        assert len(kinds) == 20
        assert all(abs(kinds.count(name) - 5 * share) <= 1 for name, share in SHARES.items())


def test_a_campaign_is_one_kind_within_its_thousand():
    assigned = Quota(0.02, SHARES, 0.5, seed=2).assign(np.arange(4 * BLOCK))
    in_campaign = assigned.campaigns >= 0
    assert in_campaign.sum() == 40
    assert (assigned.campaigns[in_campaign] == assigned.places[in_campaign] // BLOCK).all()
    for block in range(4):
        assert len({k for k, c in zip(assigned.kinds, assigned.campaigns, strict=True) if c == block}) == 1


def test_one_strength_for_all_or_a_mix_of_three():
    positions = np.arange(10 * BLOCK)
    assert set(Quota(0.05, SHARES, strength=2).assign(positions).strengths) == {2}
    assert set(Quota(0.05, SHARES).assign(positions).strengths) == {1, 2, 3}


@given(rate=st.floats(0, 0.5), count=st.integers(1, 1_500), first=st.integers(0, 5_000))
@settings(max_examples=examples(25), deadline=None)
def test_a_batch_with_a_share_of_its_own_holds_it_exactly_wherever_it_stands(rate, count, first):
    quota = Quota(rate, SHARES, of_batch="a batch")
    found = quota.assign(first + np.arange(count))
    assert abs(len(found.places) - rate * count) <= 0.5 + 1e-5
    assert len(set(found.places.tolist())) == len(found.places)
    again = quota.assign(np.arange(count))
    assert (again.places.tolist(), again.kinds) == (found.places.tolist(), found.kinds)


def test_batches_with_a_share_of_their_own_differ_in_their_places():
    one, other = (Quota(0.1, SHARES, of_batch=name).assign(np.arange(500)).places for name in ("one", "other"))
    assert set(one.tolist()) != set(other.tolist())


def test_no_rate_means_no_anomaly():
    assert not len(Quota(0.0, SHARES).assign(np.arange(2_000)).places)
    assert not len(Quota(0.5, SHARES).assign(np.zeros(0, np.int64)).places)
