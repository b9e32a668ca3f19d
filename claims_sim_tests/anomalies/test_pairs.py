"""Anomalies over two claims of a person: each stands to its original as its kind says, and persons alone tell nothing."""

import json
from datetime import timedelta

import numpy as np
import pyarrow.compute as pc
import pytest

from claims_sim.anomalies.kinds import KINDS
from claims_sim.anomalies.quota import Quota
from claims_sim.anomalies.writer import AnomalyWriter, Persons
from claims_sim.claim_ids import numbered_batch_id
from claims_sim.errors import SettingsError
from claims_sim.generation.batch import BatchRequest
from claims_sim.generation.facilities import owner_of
from claims_sim.generation.review import Reviewer
from claims_sim_tests.anomalies.conftest import NOW, PAIRS, SINGLE, shares_of


def _truth(batch, label="anomaly"):
    return [row for row in batch.truth.truth.to_pylist() if row["label"] == label]


@pytest.fixture(scope="module")
def paired(write):
    return write(2_000, 0.05, PAIRS, persons=Persons())


@pytest.fixture(scope="module")
def mixed(write):
    return write(1_000, 0.1, (*SINGLE, *PAIRS), persons=Persons(), seed=3)


def _with_originals(batch):
    claims = {row["claim_id"]: row for row in batch.claims.to_pylist()}
    for row in _truth(batch):
        if row["kind"] in PAIRS:
            (original,) = row["related_claims"]
            yield row, claims[row["claim_id"]], claims[original]


def test_every_kind_is_made_at_every_strength_and_the_rate_is_exact_over_each_thousand(paired):
    found = _truth(paired)
    assert {(row["kind"], row["strength"]) for row in found} == {(kind, s) for kind in PAIRS for s in (1, 2, 3)}
    assert np.bincount([row["position"] // 1000 for row in found]).tolist() == [50] * 2


def test_an_anomaly_is_the_same_persons_at_the_days_that_its_strength_says(paired):
    for row, claim, original in _with_originals(paired):
        kind = KINDS[row["kind"]]
        low, high = kind.gaps[row["strength"]]
        assert claim["patient_id_hash"] == original["patient_id_hash"]
        days = (claim["admit_dt"].date() - original["discharge_dt"].date()).days
        assert low <= (-days if row["kind"] == "overlapping_stays" else days) <= high
        if row["kind"] != "overlapping_stays":
            assert claim["dx_primary_code"] == original["dx_primary_code"]
            assert claim["admit_dt"] >= original["discharge_dt"]


def test_each_kind_is_what_it_says(paired):
    for row, claim, original in _with_originals(paired):
        same_hospital = claim["facility_id"] == original["facility_id"]
        if row["kind"] in {"readmission", "fragmentation", "repeat_billing"}:
            assert same_hospital
            assert claim["service_type"] == original["service_type"]
        if row["kind"] == "repeat_billing" and row["strength"] > 1:
            names = ("procedure_code", "amount_claimed", "amount_paid", "dx_secondary_codes")
            assert all(claim[name] == original[name] for name in names)
        if row["kind"] == "overlapping_stays":
            assert not same_hospital
            assert original["admit_dt"] < claim["admit_dt"] < original["discharge_dt"]
            assert (claim["province_name"] == original["province_name"]) == (row["strength"] < 3)
        if row["kind"] == "self_referral":
            assert not same_hospital
            assert owner_of(claim["facility_id"]) == owner_of(original["facility_id"])


def test_the_truth_is_complete_and_verified(paired):
    claims = {row["claim_id"]: row for row in paired.claims.to_pylist()}
    for row in _truth(paired):
        after = json.loads(row["after"])
        kind = KINDS[row["kind"]]
        assert kind.changes <= set(after) <= kind.touches
        assert after["patient_id_hash"] == claims[row["claim_id"]]["patient_id_hash"]
        assert row["guidance"] == kind.guidance
        assert row["right_amount"] == 0
        assert row["rupiah_lost"] == row["amount_paid"]
        assert row["episode"] == f"E-{row['related_claims'][0]}"
        assert row["detectable_from"]


@pytest.mark.slow
def test_an_original_is_a_right_claim_and_is_followed_once(mixed):
    labelled = {row["claim_id"] for row in mixed.truth.truth.to_pylist()}
    originals = [original["claim_id"] for _, _, original in _with_originals(mixed)]
    assert originals
    assert not set(originals) & labelled
    assert len(set(originals)) == len(originals)


def test_all_claims_pass_review_and_nobody_but_an_anomaly_lies_in_two_beds(mixed, profile):
    with Reviewer(profile) as reviewer:
        assert not reviewer.judge(mixed.claims).reasons
    frame = mixed.claims.to_pandas().sort_values(["patient_id_hash", "admit_dt"])
    until = frame.groupby("patient_id_hash")["discharge_dt"].cummax().groupby(frame["patient_id_hash"]).shift()
    overlapping = set(frame.loc[frame["admit_dt"] < until, "claim_id"])
    of_kind = {row["claim_id"] for row in _truth(mixed) if row["kind"] == "overlapping_stays"}
    assert of_kind <= overlapping
    assert overlapping <= {row["claim_id"] for row in _truth(mixed)}


@pytest.mark.slow
def test_to_come_back_is_no_give_away_and_honest_returns_are_decoys(write):
    batch = write(8_000, 0.02, (*SINGLE, *PAIRS), persons=Persons(), seed=5)
    frame = batch.claims.to_pandas().sort_values(["patient_id_hash", "admit_dt"])
    comes_back = frame.duplicated("patient_id_hash")
    anomalies = {row["claim_id"]: row["kind"] for row in _truth(batch)}
    kind = frame["claim_id"].map(anomalies)
    assert comes_back[kind.isna()].mean() > 0.15
    # Anomalies in one claim come back as often as right claims do.
    single = comes_back[kind.isin(SINGLE)].mean()
    assert abs(single - comes_back[kind.isna()].mean()) < 0.15
    assert kind[comes_back].isin(PAIRS).mean() < 0.1
    decoys = {row["kind"] for row in _truth(batch, "decoy")}
    assert {"honest_return", "honest_referral"} <= decoys


def test_a_clone_is_another_persons_at_its_originals_hospital(mixed):
    claims = {row["claim_id"]: row for row in mixed.claims.to_pylist()}
    clones = [row for row in _truth(mixed) if row["kind"] == "cloned_claim"]
    assert clones
    for row in clones:
        clone, original = claims[row["claim_id"]], claims[row["related_claims"][0]]
        assert clone["patient_id_hash"] != original["patient_id_hash"]
        assert clone["facility_id"] == original["facility_id"]


@pytest.mark.slow
def test_a_campaign_is_at_one_hospital_where_claims_name_theirs(write):
    batch = write(2_000, 0.05, ["upcoding"], campaigns=0.5, persons=Persons())
    claims = {row["claim_id"]: row for row in batch.claims.to_pylist()}
    names = {row["campaign"] for row in _truth(batch) if row["campaign"]}
    assert names
    for name in names:
        mine = [claims[row["claim_id"]] for row in _truth(batch) if row["campaign"] == name]
        assert len({claim["facility_id"] for claim in mine}) == 1


@pytest.mark.slow
def test_without_persons_the_share_of_these_kinds_goes_to_the_others(write):
    batch = write(1_000, 0.05, (*SINGLE, *PAIRS))
    assert len(_truth(batch)) == 50
    assert {row["kind"] for row in _truth(batch)} <= set(SINGLE)
    assert batch.claims["patient_id_hash"].null_count == 1_000


def test_without_persons_these_kinds_are_left_out_of_a_mix_in_one_line_and_a_mix_of_them_alone_is_refused(caplog):
    from claims_sim.pipeline.anomalies import mix_of

    assert mix_of("upcoding=1;readmission=3", told_in="--mix") == {"upcoding": 1.0}
    assert caplog.messages == [
        "--mix: readmission left out, the other kinds take its place: it can be made of claims with persons only; "
        "set CLAIMS_SIM_REF_KEYS=true."
    ]
    assert mix_of("readmission=1", has_persons=True) == {"readmission": 1.0}
    assert set(PAIRS) <= set(mix_of("", has_persons=True))
    assert not set(PAIRS) & set(mix_of(""))
    with pytest.raises(SettingsError, match="CLAIMS_SIM_REF_KEYS") as refused:
        mix_of("readmission=1")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("clock", "count"),
    [("admission", 150), *(pytest.param(clock, 500, marks=pytest.mark.slow) for clock in ("admission", "intake"))],
)
@pytest.mark.slow
def test_claims_of_now_follow_stored_ones_of_the_right_age(profile, sampler, clock, count):
    """Batches of a month, a few days apart: what is made at `now` finds its original where the days fit."""
    import pyarrow as pa

    from claims_sim.generation.persons import Known

    stored = []

    def known(_):
        if not stored:
            return Known.nobody()
        claims = pa.concat_tables(stored)
        asked = ["patient_id_hash", "admit_dt", "discharge_dt"]
        of = lambda persons: claims.filter(pc.is_in(claims["patient_id_hash"], pa.array(persons))).select(asked)  # noqa: E731
        return Known(claims, of)

    writer = AnomalyWriter(
        profile, quota=Quota(0.1, shares_of(*PAIRS), seed=2), sampler=sampler, persons=Persons(known)
    )
    found, everything = {}, {}
    for number, day in enumerate((0, 1, 3, 7, 12, 20, 27)):
        at = NOW + timedelta(days=day)
        batch = writer.write(BatchRequest(numbered_batch_id(at, number), count, 2, at, clock))
        stored.append(batch.claims)
        everything |= {row["claim_id"]: row for row in batch.claims.to_pylist()}
        for row in _truth(batch):
            (original,) = row["related_claims"]
            days = (everything[row["claim_id"]]["admit_dt"].date() - everything[original]["discharge_dt"].date()).days
            low, high = KINDS[row["kind"]].gaps[row["strength"]]
            assert low <= (-days if row["kind"] == "overlapping_stays" else days) <= high
            found.setdefault(row["kind"], []).append(row["claim_id"])
    assert {"readmission", "repeat_billing", "overlapping_stays", "self_referral"} <= set(found)
    assert sum(map(len, found.values())) > 0.5 * count
