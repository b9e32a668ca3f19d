"""What a person's earlier claims say of a claim: the later one is told, for what is seldom; without persons nothing is."""

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest

from claims_sim.generation.persons import KEY_COLUMNS
from claims_sim.pipeline.labelled import LabelledRequest, labelled_claims
from claims_sim.pipeline.scoring import given_persons
from claims_sim.profile.sampler import Sampler
from claims_sim.rules.wire import to_flat
from claims_sim.scoring.duplicates import Earlier
from claims_sim.scoring.features import read_features
from claims_sim.scoring.returns import NONE, REACH_DAYS, look_back
from claims_sim.scoring.scorer import train_scorer

AT = datetime(2026, 1, 2, tzinfo=UTC)
DAY = np.timedelta64(1, "D")


@pytest.fixture(scope="module")
def scorer(profile):
    claims = to_flat(Sampler(profile).draw_claims(1, np.arange(20_000)))
    return train_scorer(given_persons(claims, 1), profile_hash=profile.profile_hash, seed=0)


@pytest.fixture(scope="module")
def labelled(profile):
    return labelled_claims(profile, LabelledRequest(5_000, 0.05, 3, ref_keys=True))


def claims_of(*rows):
    """Claims from (person, first day, days, facility, changes)."""
    table = []
    for number, (person, first, days, facility, changes) in enumerate(rows):
        begin = datetime(2026, 1, 1 + first, 8)  # noqa: DTZ001 - local time
        row = {"claim_id": str(number), "patient_id_hash": person, "facility_id": facility, "admit_dt": begin,
               "discharge_dt": begin.replace(day=1 + first + days, hour=10), "los": days, "dx_primary_code": "J189",
               "service_type": "RITL" if days else "RJTL", "amount_claimed": 100.0, "amount_paid": 100.0}  # fmt: skip
        table.append(row | changes)
    return pa.Table.from_pylist(table)


def seen(*rows):
    return {name: values.tolist() for name, values in look_back(read_features(claims_of(*rows))).values().items()}


def test_days_are_counted_from_the_discharge_before_and_only_for_the_later_claim():
    found = seen(("P1", 0, 2, "Fa-a", {}), ("P1", 6, 3, "Fa-a", {}), ("P2", 7, 2, "Fa-a", {}))
    assert found["stay_again"] == [NONE, 4, NONE]
    assert found["visit_again"] == [NONE] * 3
    assert found["overlap"] == [0, 0, 0]


def test_two_beds_at_once_are_told_of_the_one_that_began_later_whatever_the_order():
    rows = [("P1", 3, 4, "Fb-a", {"dx_primary_code": "A09"}), ("P1", 0, 5, "Fa-a", {})]
    assert seen(*rows)["overlap"] == [3, 0]
    assert seen(*rows[::-1])["overlap"] == [0, 3]


def test_the_same_bill_is_the_same_services_at_the_same_amount():
    visit = ("P1", 0, 0, "Fa-a", {"procedure_code": "8952"})
    same = ("P1", 2, 0, "Fa-a", {"procedure_code": "8952"})
    dearer = ("P1", 2, 0, "Fa-a", {"procedure_code": "8952", "amount_claimed": 150.0})
    assert seen(visit, same)["same_bill"] == [NONE, 2]
    assert seen(visit, dearer)["same_bill"] == [NONE, NONE]
    assert seen(visit, dearer)["visit_again"] == [NONE, 2]


def test_sent_on_is_to_another_hospital_of_the_same_owner():
    first = ("P1", 0, 0, "Fowner-a", {})
    assert seen(first, ("P1", 1, 0, "Fowner-b", {}))["sent_on"] == [NONE, 1]
    assert seen(first, ("P1", 1, 0, "Fowner-a", {}))["sent_on"] == [NONE, NONE]
    assert seen(first, ("P1", 1, 0, "Fother-a", {}))["sent_on"] == [NONE, NONE]
    assert seen(first, ("P1", 1, 0, "hospital 7", {}))["sent_on"] == [NONE, NONE]


def test_nothing_is_known_without_persons():
    found = seen((None, 0, 2, "Fa-a", {}), (None, 3, 2, "Fa-a", {}))
    assert all(np.isnan(values).all() for values in found.values())


@pytest.mark.slow
def test_kinds_over_two_claims_are_found_and_honest_returns_are_mostly_let_be(scorer, labelled):
    claims, truth = labelled
    scores = dict(
        zip(claims["claim_id"].to_pylist(), scorer.score(claims, scored_at=AT)["risk_score"].to_pylist(), strict=True)
    )
    high = np.quantile(list(scores.values()), 0.95)
    told = {}
    for row in truth.to_pylist():
        told.setdefault(row["kind"], []).append(scores[row["claim_id"]] >= high)
    for kind in ("overlapping_stays", "repeat_billing", "fragmentation"):
        assert np.mean(told[kind]) > 0.7
    assert np.mean(told["honest_return"]) < 0.3


def test_reasons_are_told_in_words(scorer, labelled):
    claims, truth = labelled
    of_kind = {row["claim_id"] for row in truth.to_pylist() if row["kind"] == "overlapping_stays"}
    scored = scorer.score(claims, scored_at=AT).to_pylist()
    told = [row for row in scored if row["claim_id"] in of_kind and "overlapping_stays" in row["flags"]]
    assert len(told) > len(of_kind) / 2
    reason = told[0]["reasons"][told[0]["flags"].index("overlapping_stays")]
    assert reason.startswith("the same person lies elsewhere for ")


def test_new_claims_are_scored_as_they_would_be_among_all_when_those_of_their_persons_are_given(scorer, labelled):
    claims, truth = labelled[0].sort_by("admit_dt"), labelled[1].to_pylist()
    at = {claim: place for place, claim in enumerate(claims["claim_id"].to_pylist())}
    overlapping = [row for row in truth if row["kind"] == "overlapping_stays"]
    firsts = [min(at[row["claim_id"]], at[other]) for row in overlapping for other in row["related_claims"]]
    # What is new begins behind the first of two stays that overlap.
    first_new = 1 + max(place for place in firsts if place < len(claims) - 300)
    new, before = claims.slice(first_new), claims.slice(0, first_new)
    since = new["admit_dt"].to_numpy().min().astype("datetime64[D]") - REACH_DAYS * DAY
    persons = set(new["patient_id_hash"].to_pylist())
    kept = [
        admit >= since and person in persons
        for admit, person in zip(before["admit_dt"].to_numpy(), before["patient_id_hash"].to_pylist(), strict=True)
    ]
    earlier = Earlier(before.filter(pa.array(kept)), in_window=np.inf)
    alone = scorer.score(new, scored_at=AT, earlier=earlier)["risk_score"].to_numpy()
    none = Earlier(before.slice(0, 0), in_window=np.inf)
    blind = scorer.score(new, scored_at=AT, earlier=none)["risk_score"].to_numpy()
    among = scorer.score(claims, scored_at=AT, earlier=none).slice(first_new)
    told = [[flag for flag in flags if flag != "duplicate_pattern"] for flags in among["flags"].to_pylist()]
    assert [list(flags) for flags in scorer.score(new, scored_at=AT, earlier=earlier)["flags"].to_pylist()] == told
    assert np.allclose(alone, among["risk_score"].to_numpy())
    assert (alone > blind + 0.1).any()


def test_without_persons_a_scorer_that_knows_them_ranks_by_the_other_signals(scorer, labelled):
    bare = labelled[0].drop_columns(list(KEY_COLUMNS))
    flags = {flag for one in scorer.score(bare, scored_at=AT)["flags"].to_pylist() for flag in one}
    assert flags
    assert not flags & {
        "overlapping_stays",
        "readmission",
        "same_bill_again",
        "sent_on_to_own_hospital",
        "repeat_visit",
    }
