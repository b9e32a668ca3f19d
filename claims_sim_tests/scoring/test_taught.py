"""What lessons teach: trees that are kept as numbers, odds that evidence never lowers, and a scorer that knows more with them."""

import lightgbm
import numpy as np
import pyarrow as pa
import pytest

from claims_sim.pipeline.labelled import LabelledRequest, labelled_claims
from claims_sim.pipeline.lessons import lessons_of
from claims_sim.profile.sampler import Sampler
from claims_sim.randomness import stream_key
from claims_sim.rules.wire import to_flat
from claims_sim.scoring import taught as module
from claims_sim.scoring.evaluation.answers import answers_of
from claims_sim.scoring.evaluation.measures import auc
from claims_sim.scoring.scorer import RiskScorer, train_scorer
from claims_sim.scoring.taught import LEAST_LESSONS, Taught


def statistics(rows: int, shift: float, seed: int) -> dict[str, np.ndarray]:
    g = np.random.default_rng(seed)
    odd = g.exponential(1.0, rows) + shift
    odd[g.random(rows) < 0.1] = np.nan
    return {"odd": odd, "among": g.integers(0, 3, rows).astype(float)}


@pytest.fixture(scope="module")
def taught() -> Taught:
    found = Taught.learn(statistics(4_000, 0.0, 1), statistics(600, 1.5, 2), frozenset({"odd"}))
    assert found is not None
    return found


def test_the_trees_kept_say_what_lightgbm_says(monkeypatch):
    models = []
    train = lightgbm.train

    def kept(*args, **more):
        models.append(train(*args, **more))
        return models[-1]

    monkeypatch.setattr(lightgbm, "train", kept)
    found = Taught.learn(statistics(4_000, 0.0, 1), statistics(600, 1.5, 2), frozenset({"odd"}))
    fresh = statistics(50_000, 0.5, 3)  # more than one block
    table = np.column_stack([np.nan_to_num(fresh[name], nan=-20.0) for name in found.names]).astype(np.float32)
    assert np.allclose(found.log_odds(fresh), models[0].predict(table, raw_score=True), atol=1e-4)


def test_more_evidence_never_lowers_the_odds(taught):
    odd = np.append(np.nan, np.linspace(0, 12, 500))
    for among in (0.0, 1.0, 2.0):
        odds = taught.log_odds({"odd": odd, "among": np.full(len(odd), among)})
        assert (np.diff(odds) >= -1e-6).all()
        assert odds[-1] > odds[1] + 1


def test_odds_are_those_of_the_assumed_share_of_wrong_claims(taught):
    fresh = statistics(20_000, 0.0, 4)
    chance = 1 / (1 + np.exp(-taught.log_odds(fresh)))
    assert 0.2 * module.PRIOR < chance.mean() < module.PRIOR  # right claims alone: less than of all


def test_too_few_lessons_teach_nothing():
    assert Taught.learn(statistics(4_000, 0.0, 1), statistics(LEAST_LESSONS - 1, 1.5, 2), frozenset()) is None


@pytest.fixture(scope="module")
def lessons(profile) -> pa.Table:
    found = lessons_of(profile, Sampler(profile), 3_000, seed=0)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def scorers(profile, lessons) -> tuple[RiskScorer, RiskScorer]:
    """Without lessons, and with."""
    claims = to_flat(Sampler(profile).draw_claims(stream_key("taught test"), np.arange(10_000)))
    return tuple(
        train_scorer(claims, profile_hash=profile.profile_hash, seed=0, lessons=wrong) for wrong in (None, lessons)
    )


@pytest.mark.slow
def test_lessons_are_wrong_claims_of_the_kinds_that_show_alone(profile, lessons):
    assert 1_200 <= len(lessons) <= 1_500
    assert lessons.equals(lessons_of(profile, Sampler(profile), 3_000, seed=0))
    assert lessons_of(profile, Sampler(profile), 500, seed=0) is None


@pytest.mark.slow
def test_a_scorer_that_was_taught_finds_more_of_what_no_lesson_held(profile, scorers, at):
    claims, truth = labelled_claims(profile, LabelledRequest(4_000, 0.2, seed=5))
    found = []
    for scorer in scorers:
        scores = scorer.score(claims, scored_at=at).select(["claim_id", "risk_score"])
        answers = answers_of(claims, scores.rename_columns(["claim_id", "score"]), truth)
        found.append(auc(answers.labels, answers.scores))
    assert found[1] > found[0] + 0.005


@pytest.mark.slow
def test_a_taught_scorer_is_saved_and_loaded_whole(scorers, tmp_path, claims, at):
    plain, taught = scorers
    assert "taught.parquet" in taught.files
    assert "taught.parquet" not in plain.files
    taught.save(tmp_path)
    table = claims(300, 9)
    assert RiskScorer.load(tmp_path).score(table, scored_at=at).equals(taught.score(table, scored_at=at))


@pytest.mark.slow
def test_the_same_lessons_give_the_same_version(profile, lessons, scorers):
    claims = to_flat(Sampler(profile).draw_claims(stream_key("taught test"), np.arange(10_000)))
    again = train_scorer(claims, profile_hash=profile.profile_hash, seed=0, lessons=lessons)
    assert again.model_version == scorers[1].model_version
    assert again.model_version != scorers[0].model_version
