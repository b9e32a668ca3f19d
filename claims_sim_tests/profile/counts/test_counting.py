import numpy as np
import pytest

from claims_sim.profile.counts.counting import distinct_values


@pytest.mark.parametrize(
    "values", [[], [3.5], [2.0, -1.0, 2.0, 0.0, -0.0, 1e300], np.random.default_rng(1).integers(0, 50, 400) / 8]
)
@pytest.mark.parametrize("kind", [np.float64, np.int64])
def test_distinct_values_come_in_order_with_which_each_is(values, kind):
    values = np.clip(np.array(values, np.float64), -9e15, 9e15).astype(kind)
    distinct, ids = distinct_values(values)
    same, which = np.unique(values, return_inverse=True)
    assert np.array_equal(distinct, same)
    assert distinct.dtype == values.dtype
    assert np.array_equal(ids, which)
