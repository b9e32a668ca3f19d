"""Anomalies in batches: labelled exactly, in form as every claim, and the other claims as they would have been."""

import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from claims_sim.anomalies.kinds import KINDS
from claims_sim.anomalies.quota import Quota
from claims_sim.anomalies.world import World
from claims_sim.anomalies.writer import AnomalyWriter
from claims_sim.claim import Claim
from claims_sim.claim_ids import numbered_batch_id
from claims_sim.generation.batch import BatchRequest, BatchWriter
from claims_sim.generation.review import Reviewer
from claims_sim.profile.drawing.wanted import ClaimFilter
from claims_sim.profile.sampler import Sampler
from claims_sim_tests.anomalies.conftest import NOW, SINGLE, shares_of


def _truth(batch, label="anomaly"):
    return [row for row in batch.truth.truth.to_pylist() if row["label"] == label]


def _rows(batch):
    return {row["claim_id"]: row for row in batch.claims.to_pylist()}


def _plain(value):
    return value.isoformat(timespec="seconds") if hasattr(value, "isoformat") else value


@pytest.fixture(scope="module")
def mixed(write):
    return write(1_000)


@pytest.mark.parametrize(
    "clock", [*(pytest.param(one, marks=pytest.mark.slow) for one in ("history", "admission")), "intake"]
)
def test_each_kind_changes_what_it_says_and_the_truth_says_what_it_changed(write, clock):
    batch = write(1_000, 0.2, clock=clock)
    found, claims = _truth(batch), _rows(batch)
    assert len(found) == 200
    assert {row["kind"] for row in found} == set(SINGLE)
    assert {row["strength"] for row in found} == {1, 2, 3}
    for row in found:
        claim, after = claims[row["claim_id"]], json.loads(row["after"])
        assert KINDS[row["kind"]].changes <= set(after) <= KINDS[row["kind"]].touches
        assert {name: _plain(claim[name]) for name in after} == after
        assert json.loads(row["before"]).keys() == after.keys()
        assert row["rupiah_lost"] == row["amount_paid"] - row["right_amount"] >= 0
        assert row["amount_paid"] == claim["amount_paid"]
        assert row["guidance"].startswith("Permenkes 16/2019")
        if row["kind"] in {"cloned_claim", "phantom_billing"}:
            assert row["right_amount"] == 0
            assert set(json.loads(row["before"]).values()) == {None}


def test_anomalous_claims_pass_review_and_are_claims_on_the_wire(mixed, profile):
    with Reviewer(profile) as reviewer:
        assert not reviewer.judge(mixed.claims).reasons
    payloads = dict(zip(mixed.claims["claim_id"].to_pylist(), mixed.payloads, strict=True))
    for row in _truth(mixed):
        claim = Claim.model_validate_json(payloads[row["claim_id"]])
        assert claim.amount_paid == row["amount_paid"]


def test_the_other_claims_are_those_that_would_have_been_written_without_anomalies(mixed, profile, sampler):
    without = BatchWriter(profile, sampler=sampler).write(replace(mixed.request))
    touched = {row["claim_id"] for row in _truth(mixed)}
    assert len(touched) == 50
    kept = pa.array([claim_id not in touched for claim_id in without.claims["claim_id"].to_pylist()])
    assert mixed.claims.filter(kept).equals(without.claims.filter(kept))
    assert mixed.claims["claim_id"].equals(without.claims["claim_id"])


def test_a_label_is_in_no_payload(mixed):
    text = "\n".join(mixed.payloads)
    assert not any(word in text for word in (*KINDS, "anomal", "campaign", "decoy"))


@pytest.mark.slow
def test_batches_of_any_size_hold_the_same_quota(profile, sampler):
    quota = Quota(0.02, shares_of(), seed=4)
    writer = AnomalyWriter(profile, quota=quota, sampler=sampler)
    positions = []
    for number, size in enumerate((1, 5, 94, 400, 3, 497)):
        batch = writer.write(BatchRequest(numbered_batch_id(NOW, number), size, 4, NOW, "admission"))
        positions += [row["position"] for row in _truth(batch)]
    assert sorted(positions) == sorted(quota.assign(np.arange(1000)).places.tolist())
    assert len(positions) == 20


def test_the_same_request_gives_the_same_anomalies(write):
    once, again = write(200), write(200)
    assert again.payloads == once.payloads
    assert len(again.truth.truth)
    assert again.truth.truth.equals(once.truth.truth)


def test_a_clone_is_linked_to_an_original_that_is_a_normal_claim(write):
    batch = write(1_000, 0.03, ["cloned_claim"])
    found, claims = _truth(batch), _rows(batch)
    labelled = {row["claim_id"] for row in batch.truth.truth.to_pylist()}
    for row in found:
        (original,) = row["related_claims"]
        assert original not in labelled
        for name in (
            "dx_primary_code",
            "dx_secondary_codes",
            "procedure_code",
            "amount_claimed",
            "los",
            "province_name",
        ):
            assert claims[row["claim_id"]][name] == claims[original][name]
        days = (claims[row["claim_id"]]["admit_dt"] - claims[original]["admit_dt"]).days
        low, high = {1: (8, 14), 2: (2, 3), 3: (1, 1)}[row["strength"]]
        assert low <= days <= high


@pytest.mark.slow
def test_a_campaign_is_at_one_place_of_one_kind_within_a_month(write):
    batch = write(2_000, 0.04, campaigns=0.5)
    claims = _rows(batch)
    campaigns = {row["campaign"] for row in _truth(batch) if row["campaign"]}
    assert len(campaigns) == 2
    assert len(_truth(batch)) == 80
    for name in campaigns:
        mine = [row for row in _truth(batch) if row["campaign"] == name]
        assert 10 < len(mine) <= 20  # what found no claim at the place is a single case of another kind
        assert len({row["kind"] for row in mine}) == 1
        if mine[0]["kind"] != "cloned_claim":
            rows = [claims[row["claim_id"]] for row in mine]
            assert len({(r["province_name"], r["facility_class"], r["facility_ownership"]) for r in rows}) == 1
            days = [row["admit_dt"] for row in rows]
            assert (max(days) - min(days)).days < 30


@pytest.mark.slow
def test_what_was_asked_of_a_batch_holds_for_its_anomalies_too(write):
    where = ClaimFilter(service_type=("RJTL",))
    batch = write(1_000, 0.01, where=where)
    assert where.holds(batch.claims).all()
    assert not _truth(batch)  # no kind can be shown by visits alone
    assert batch.problems == ("10 anomalies found no claim that they could be put into",)
    stays = write(1_000, 0.01, where=ClaimFilter(service_type=("RITL",)))
    assert len(_truth(stays)) == 10
    assert "no_medical_value" not in {row["kind"] for row in _truth(stays)}


def test_decoys_are_marked_and_are_right(write):
    batch = write(2_000, 0.01)
    decoys = _truth(batch, "decoy")
    assert {row["kind"] for row in decoys} >= {"dialysis", "chemotherapy"}
    assert all(row["rupiah_lost"] == 0 and row["is_decoy"] for row in decoys)


def test_what_a_stay_costs_at_least_is_in_the_currency_of_the_source(sampler):
    """Where stays cost a ten-thousandth of rupiah, bills on top of those of ten are bills on top of something."""
    world, abroad = World(sampler), World(sampler)
    assert world.least_cost == 100_000
    amounts = pc.divide(world.drawn["amount_claimed"], 10_000.0)
    at = world.drawn.column_names.index("amount_claimed")
    abroad.drawn = world.drawn.set_column(at, "amount_claimed", amounts)
    assert abroad.least_cost == 10


def test_nothing_is_billed_too_high_where_nothing_is_billed(profile):
    kind = next(kind for kind in KINDS.values() if kind.name == "short_stay_high_cost")
    without = profile.model_copy(update={"absent": (*profile.absent, "amount_claimed", "amount_paid")})
    assert kind.needs(World(Sampler(profile)), 1) is not None
    assert kind.needs(World(Sampler(without)), 1) is None


@pytest.mark.slow
def test_stronger_anomalies_are_farther_from_what_is_right(write):
    lost = [
        np.mean([row["rupiah_lost"] for row in _truth(write(1_000, 0.05, ["inflated_top_up"], strength=strength))])
        for strength in (1, 2, 3)
    ]
    assert lost == sorted(lost)


@pytest.mark.slow
def test_a_clean_stream_follows_the_profile_as_closely_as_without_anomalies(write, profile, sampler):
    """The quota's places are chosen blindly: shares of the clean part differ from those of all claims by chance only."""
    batch = write(8_000, 0.05, seed=9)
    touched = {row["claim_id"] for row in _truth(batch)}
    clean = batch.claims.filter(pa.array([c not in touched for c in batch.claims["claim_id"].to_pylist()]))
    without = BatchWriter(profile, sampler=sampler).write(replace(batch.request)).claims
    for value in ("RITL", "RJTL"):
        shares = [pc.mean(pc.equal(t["service_type"], value).cast(pa.float64())).as_py() for t in (clean, without)]
        assert abs(shares[0] - shares[1]) < 0.005
