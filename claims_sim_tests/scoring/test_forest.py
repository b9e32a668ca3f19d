import lightgbm
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claims_sim.errors import ScorerError
from claims_sim.scoring import forest as forests
from claims_sim.scoring.forest import read_forest, train_forest


@given(seed=st.integers(0, 10_000), rows=st.integers(1, 800), columns=st.integers(1, 4))
@settings(max_examples=20, deadline=None)
def test_numpy_and_lightgbm_evaluate_the_same_forest_alike(seed, rows, columns):
    g = np.random.default_rng(seed)
    data = np.round(g.normal(size=(rows, columns)), 2)
    forest = train_forest(data, data[:, 0] ** 2 + g.normal(0, 0.1, rows), trees=8, seed=1)
    elsewhere = np.concatenate([data, np.round(g.normal(0, 3, (50, columns)), 2)])
    native = lightgbm.Booster(model_str=forest.model).predict(elsewhere, num_threads=1)
    assert np.allclose(forest.predict(elsewhere), native, rtol=1e-12, atol=1e-12)


def test_a_large_batch_is_evaluated_like_a_small_one(monkeypatch):
    data = np.random.default_rng(1).normal(size=(3_000, 2))
    forest = train_forest(data, data.sum(axis=1), trees=5, seed=1)
    small = forest.predict(data)
    monkeypatch.setattr(forests, "NATIVE_ROWS", 1)
    assert np.allclose(forest.predict(data), small, rtol=1e-12)


def test_a_constant_target_gives_a_forest_that_predicts_it():
    data = np.random.default_rng(1).normal(size=(500, 2))
    assert np.allclose(train_forest(data, np.full(500, 3.0), trees=5, seed=1).predict(data[:7]), 3.0)


def test_no_rows_give_no_values():
    data = np.random.default_rng(1).normal(size=(500, 2))
    assert train_forest(data, data[:, 0], trees=3, seed=1).predict(data[:0]).shape == (0,)


def test_text_that_is_no_model_is_refused():
    with pytest.raises(ScorerError, match="no LightGBM text model"):
        read_forest("nothing")
