"""A worse scorer is caught, an equal one is not blamed."""

import numpy as np
import pytest

from claims_sim.scoring.evaluation.compare import compare_apart, compare_paired
from claims_sim.scoring.evaluation.measures import Share
from claims_sim.scoring.evaluation.ranking import Ranking, estimates


@pytest.fixture(scope="module")
def sample():
    g = np.random.default_rng(1)
    labels = g.random(20_000) < 0.02
    return labels, g.normal(labels * 2.0)


def _noisy(scores, noise, seed=2):
    return scores + np.random.default_rng(seed).normal(0, noise, len(scores))


@pytest.mark.slow
def test_a_worse_scorer_is_caught_and_a_better_one_is_not(sample):
    labels, scores = sample
    worse = compare_paired("A 1", labels, _noisy(scores, 1.0), scores, ())
    assert [text.split()[0] for text in worse.worse] == ["auc", "average_precision", "precision_at_1"]
    assert compare_paired("A 1", labels, scores, _noisy(scores, 1.0), ()).worse == ()
    assert compare_paired("A 1", labels, scores, scores, ()).worse == ()


@pytest.mark.slow
def test_a_loss_that_chance_explains_is_no_loss(sample):
    labels, scores = sample
    assert sum(bool(compare_paired("", labels, _noisy(scores, 0.05, s), scores, ()).worse) for s in range(8)) <= 1


@pytest.mark.slow
def test_on_claims_of_their_own_only_a_large_loss_counts(sample):
    labels, scores = sample
    other = np.random.default_rng(7)
    there = other.random(20_000) < 0.02
    older = estimates(Ranking(there, other.normal(there * 2.0)))
    assert compare_apart("", estimates(Ranking(labels, scores)), older, ()).worse == ()
    found = compare_apart("", estimates(Ranking(labels, _noisy(scores, 1.5))), older, ())
    assert not found.is_paired
    assert any(text.startswith("auc") for text in found.worse)


def test_a_kind_that_is_no_longer_found_is_named_though_the_ranking_is_as_good(sample):
    labels, scores = sample
    kinds = [
        ("cloned_claim", Share(2, 40), Share(30, 40)),
        ("upcoding", Share(20, 80), Share(24, 80)),
        ("new", Share(0, 9), Share(0, 0)),
    ]
    assert compare_paired("", labels, scores, scores, kinds).worse == ("recall of cloned_claim 75% → 5%",)
