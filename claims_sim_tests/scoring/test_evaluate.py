"""Scores against known answers: what is no ranking is called by its name, and what has no known answer is not judged."""

import json

import numpy as np
import pyarrow as pa
import pytest

from claims_sim.errors import ScorerError
from claims_sim.scoring.evaluation.answers import answers_of
from claims_sim.scoring.evaluation.evaluate import evaluate, nature_of

COUNT = 10_000


@pytest.fixture(scope="module")
def claims():
    g = np.random.default_rng(1)
    return pa.table(
        {
            "claim_id": [f"C{i}" for i in range(COUNT)],
            "province_name": g.choice(["ACEH", "BALI", "PAPUA"], COUNT, p=[0.5, 0.3, 0.2]),
            "facility_class": g.choice(["RS Kelas A", "RS Kelas B"], COUNT),
        }
    )


@pytest.fixture(scope="module")
def truth():
    """2 % anomalies of two kinds, three strengths, and a hundred decoys."""
    g = np.random.default_rng(2)
    chosen = g.permutation(COUNT)[:300]
    return pa.table(
        {
            "claim_id": [f"C{i}" for i in chosen],
            "label": ["anomaly"] * 200 + ["decoy"] * 100,
            "kind": ["upcoding"] * 120 + ["cloned_claim"] * 80 + ["dialysis"] * 100,
            "strength": [*(1 + np.arange(200) % 3), *([0] * 100)],
            "rupiah_lost": [1e6] * 120 + [3e6] * 80 + [0.0] * 100,
        }
    )


@pytest.fixture(scope="module")
def skilled(truth):
    """Clones score 1, upcoding somewhat above clean claims, decoys a little."""
    scores = np.random.default_rng(3).random(COUNT) * 0.5
    for row in truth.to_pylist():
        scores[int(row["claim_id"][1:])] += {"upcoding": 0.2, "cloned_claim": 0.5, "dialysis": 0.1}[row["kind"]]
    return scores


def _judged(claims, truth, scores, **options):
    given = pa.table({"claim_id": claims["claim_id"].take(pa.array(np.arange(len(scores)))), "score": scores})
    return evaluate(answers_of(claims, given, truth, **options), claims_per_day=1_000)


def test_a_ranking_is_called_what_it_is(claims, truth, skilled):
    g = np.random.default_rng(4)
    natures = {
        "informative": skilled,
        "reversed": 1 - skilled,
        "constant": np.full(COUNT, 0.3),
        "random": g.permutation(skilled),
    }
    assert {name: _judged(claims, truth, scores).nature for name, scores in natures.items()} == {n: n for n in natures}


def test_random_scores_are_called_informative_once_in_a_while_at_the_most():
    g = np.random.default_rng(5)
    labels = np.arange(COUNT) < 200
    found = [nature_of(labels, g.random(COUNT)) for _ in range(200)]
    assert found.count("random") >= 190


def test_a_rule_set_that_knows_one_kind_only_is_not_called_random():
    labels = np.arange(COUNT) < 200
    verdicts = np.zeros(COUNT)
    verdicts[:12] = 1.0  # 12 of 200 anomalies and no false alarm
    assert nature_of(labels, verdicts) == "informative"
    assert nature_of(np.arange(COUNT) < 12, verdicts) == "too few anomalies"


def test_verdicts_of_yes_and_no_are_judged_by_how_many_of_them_agree():
    labels = np.arange(3_000) < 60
    flagged = np.zeros(3_000)
    flagged[48:148] = 1.0  # 12 of 60 anomalies among 100 flagged: six times as many as by chance
    assert nature_of(labels, flagged) == "informative"
    g = np.random.default_rng(8)
    assert [nature_of(labels, g.permutation(flagged)) for _ in range(50)].count("random") >= 45


def test_recall_and_rupiah_are_told_kind_by_kind_and_strength_by_strength(claims, truth, skilled):
    found = _judged(claims, truth, skilled)
    kinds = {one.kind: one for one in found.kinds}
    assert {name: one.recall_at_2.count for name, one in kinds.items()} == {"upcoding": 120, "cloned_claim": 80}
    assert kinds["cloned_claim"].recall_at_2.hits == 80
    assert kinds["cloned_claim"].caught == kinds["cloned_claim"].lost == 80 * 3e6
    assert kinds["upcoding"].caught == kinds["upcoding"].recall_at_2.hits * 1e6
    assert kinds["upcoding"].auc.low < kinds["upcoding"].auc.value < kinds["cloned_claim"].auc.value
    assert [(s.kind, s.strength) for s in found.strengths] == [
        (kind, strength) for kind in ("cloned_claim", "upcoding") for strength in (1, 2, 3)
    ]
    assert sum(s.recall_at_2.count for s in found.strengths) == found.anomalies == 200


def test_the_cells_of_every_place_add_up_to_its_claims(claims, truth, skilled):
    found = _judged(claims, truth, skilled)
    for column in ("province_name", "facility_class"):
        mine = [place for place in found.places if place.column == column]
        assert sum(p.found + p.missed for p in mine) == 200
        assert sum(p.found + p.false_alarms for p in mine) == 200  # 2 % of 10,000 are reviewed
        assert sum(p.found + p.missed + p.false_alarms + p.passed for p in mine) == COUNT


def test_two_hundred_reviews_a_day_are_a_fifth_of_a_thousand_claims(claims, truth, skilled):
    work = _judged(claims, truth, skilled).workload
    assert work.reviews == pytest.approx(200)
    assert work.lost_per_day == pytest.approx((120 * 1e6 + 80 * 3e6) / 10)
    assert 80 / 200 < work.recall < 1
    assert work.precision == pytest.approx(work.recall * 20 / 200)
    assert work.false_alarms_per_auditor_day == pytest.approx(25 * (1 - work.precision))


def test_decoys_among_the_reviewed_are_counted_as_such(claims, truth):
    scores = np.zeros(COUNT)
    decoys = [int(row["claim_id"][1:]) for row in truth.to_pylist() if row["label"] == "decoy"]
    scores[decoys] = 1.0
    assert _judged(claims, truth, scores).decoys["dialysis"].hits == 100


def test_claims_without_a_known_answer_are_neither_clean_nor_anomalous(claims, truth, skilled):
    half = np.arange(COUNT) < COUNT // 2
    found = _judged(claims, truth, skilled, is_labelled=half)
    alone = _judged(claims.slice(0, COUNT // 2), truth, skilled[: COUNT // 2])
    assert (found.claims, found.unlabelled) == (COUNT // 2, COUNT // 2)
    assert found.quality == alone.quality
    assert "labelled to unlabelled" in found.drift


def test_claims_that_are_left_out_count_nowhere(claims, truth, skilled):
    out = np.arange(COUNT) < 1_000
    found = _judged(claims, truth, skilled, is_left_out=out)
    assert (found.claims, found.left_out) == (COUNT - 1_000, 1_000)
    assert sum(b.claims for b in found.bins) == COUNT - 1_000


def test_a_claim_without_a_verdict_counts_as_not_suspicious_and_is_told(claims, truth, skilled):
    found = _judged(claims, truth, skilled[: COUNT - 10])
    assert (found.claims, found.unanswered) == (COUNT, 10)


@pytest.mark.parametrize("wrong", [1.2, -0.1, float("nan")])
def test_scores_beyond_the_scale_are_refused_with_the_claim(claims, truth, skilled, wrong):
    scores = skilled.copy()
    scores[6] = wrong
    with pytest.raises(
        ScorerError,
        match=rf"1 of 10000 scores are no numbers from 0 to 1 .*{wrong}, of claim {claims['claim_id'][6]}\)",
    ):
        _judged(claims, truth, scores)


def test_a_claim_scored_twice_is_refused(claims, truth):
    given = pa.table({"claim_id": ["C1", "C1"], "score": [0.1, 0.2]})
    with pytest.raises(ScorerError, match=r"1 claims have more than one score \(first: C1\)"):
        answers_of(claims, given, truth)


def test_no_known_answer_is_said_in_one_line(claims, truth, skilled):
    with pytest.raises(ScorerError, match="No claim has a known answer"):
        _judged(claims, truth, skilled, is_labelled=np.zeros(COUNT, bool))


def test_the_result_is_json(claims, truth, skilled):
    document = json.loads(json.dumps(_judged(claims, truth, skilled).as_dict()))
    assert document["anomalies"] == 200
    assert document["kinds"][0]["recall_at_2"]["low"] <= document["kinds"][0]["recall_at_2"]["share"]
