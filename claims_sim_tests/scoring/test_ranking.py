"""Figures of a ranking, alone and against another one: equal to the plain definitions, with intervals that hold what they say."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claims_sim.scoring.evaluation import measures
from claims_sim.scoring.evaluation.ranking import Ranking, differences, estimates
from claims_sim_tests.depth import examples


def _sample(seed, claims=6_000, rate=0.05, skill=1.5):
    g = np.random.default_rng(seed)
    labels = g.random(claims) < rate
    return labels, g.normal(labels * skill)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 6)), min_size=30, max_size=300))
@settings(max_examples=examples(20), deadline=None)
def test_the_figures_are_those_of_the_plain_definitions_whatever_the_ties(pairs):
    labels, scores = np.array([a for a, _ in pairs]), np.array([float(s) for _, s in pairs])
    if not 0 < labels.sum() < len(labels):
        return
    found = Ranking(labels, scores).measure()
    assert found.auc == pytest.approx(measures.auc(labels, scores))
    assert found.average_precision == pytest.approx(measures.average_precision(labels, scores))
    assert found.precision_at_1 == pytest.approx(measures.precision_at(labels, scores, 0.01))
    assert found.recall_at_2 == pytest.approx(measures.recall_at(labels, scores, 0.02))


def test_whole_weights_are_copies_of_claims():
    labels, scores = _sample(1, 500)
    times = np.random.default_rng(2).integers(0, 4, 500)
    copied = Ranking(np.repeat(labels, times), np.repeat(scores, times)).measure().as_dict()
    assert Ranking(labels, scores).measure(times.astype(float)).as_dict() == pytest.approx(copied)


def test_nothing_to_rank_gives_no_figure_and_no_error():
    for labels in (np.zeros(10, bool), np.ones(10, bool), np.zeros(0, bool)):
        assert np.isnan(Ranking(labels, np.arange(len(labels), dtype=float)).measure().auc)


@pytest.mark.slow
def test_intervals_hold_the_figure_of_all_claims_about_as_often_as_they_say():
    """The truth is known for this score: two normal distributions 1.5 apart, AUC = Φ(1.5 / √2)."""
    inside = 0
    for seed in range(60):
        one = estimates(Ranking(*_sample(seed, 1_500)))["auc"]
        inside += one.low <= 0.8556 <= one.high
    assert 51 <= inside <= 60  # 95 % of 60 is 57


def test_the_same_claims_and_key_give_the_same_intervals():
    ranking = Ranking(*_sample(3, 1_000))
    assert estimates(ranking, 5) == estimates(ranking, 5)
    assert estimates(ranking, 5) != estimates(ranking, 6)


def test_a_better_scorer_is_seen_where_intervals_of_their_own_would_overlap():
    labels, scores = _sample(4, 8_000, 0.02)
    worse = scores + np.random.default_rng(5).normal(0, 0.6, len(scores))
    better, other = Ranking(labels, scores), Ranking(labels, worse)
    gap = differences([(better, other)])["auc"]
    assert gap.low > 0
    own = [estimates(ranking)["auc"] for ranking in (better, other)]
    assert own[0].low < own[1].high


def test_a_scorer_differs_from_itself_by_nothing():
    ranking = Ranking(*_sample(6))
    assert all((d.value, d.low, d.high) == (0, 0, 0) for d in differences([(ranking, ranking)] * 2).values())
