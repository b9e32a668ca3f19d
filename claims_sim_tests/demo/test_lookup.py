import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from claims_sim.demo.lookup import Lookup, negative_binomial, poisson

WEIGHTS = st.lists(st.floats(0, 100), min_size=4, max_size=4).filter(lambda row: sum(row) > 1e-3)


@given(st.lists(WEIGHTS, min_size=1, max_size=5), st.data())
def test_an_option_without_weight_is_never_drawn(weights, data):
    row = data.draw(st.integers(0, len(weights) - 1))
    chance = data.draw(st.floats(0, 1, exclude_max=True))
    option = Lookup(weights).draw(np.array([row]), np.array([chance]))[0]
    total = sum(weights[row])
    assert 0 <= option < 4
    # A weight of a billionth of its row is as good as none.
    assert weights[row][option] > 0 or weights[row][option] / total < 1e-8


def test_options_are_drawn_in_proportion_to_their_weights_in_each_row():
    lookup = Lookup([[1, 2, 1], [0, 0, 5]])
    chances = (np.arange(4000) + 0.5) / 4000
    assert np.bincount(lookup.draw(0, chances), minlength=3).tolist() == [1000, 2000, 1000]
    assert set(lookup.draw(np.ones(4000, dtype=np.int64), chances)) == {2}


@pytest.mark.parametrize("mean", [0.05, 1.0, 4.5])
def test_the_count_distributions_have_the_mean_that_they_are_named_after(mean):
    for weights in (poisson(mean, 200), negative_binomial(mean, 3.0, 200)):
        assert weights.sum() == pytest.approx(1, abs=1e-6)
        assert weights @ np.arange(200) == pytest.approx(mean, rel=1e-4)
