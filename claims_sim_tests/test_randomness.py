import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from claims_sim.randomness import stream_key, uniforms

KEYS = st.integers(0, 2**64 - 1)


@given(KEYS, st.integers(0, 2**63 - 200), st.integers(0, 100))
def test_a_number_depends_on_its_counter_and_not_on_its_batch(key, start, cut):
    counters = np.arange(start, start + 100, dtype=np.uint64)
    parts = np.concatenate([uniforms(key, counters[:cut]), uniforms(key, counters[cut:])])
    assert np.array_equal(uniforms(key, counters), parts)


@given(KEYS, st.integers(0, 1000))
def test_numbers_lie_between_zero_and_below_one(key, lane):
    numbers = uniforms(key, np.arange(1000), lane)
    assert ((numbers >= 0) & (numbers < 1)).all()


def test_signed_and_unsigned_counters_give_the_same_numbers():
    assert np.array_equal(uniforms(1, np.arange(5, dtype=np.int64)), uniforms(1, np.arange(5, dtype=np.uint64)))


def test_the_counters_are_left_as_they_were():
    counters = np.arange(5, dtype=np.uint64)
    uniforms(1, counters)
    assert counters.tolist() == [0, 1, 2, 3, 4]


def test_lanes_and_keys_and_neighbouring_counters_are_unrelated():
    one = uniforms(1, np.arange(100_000))
    for other in (uniforms(1, np.arange(100_000), 1), uniforms(2, np.arange(100_000)), np.roll(one, 1)):
        assert abs(np.corrcoef(one, other)[0, 1]) < 0.02


def test_numbers_are_spread_evenly():
    counts = np.histogram(uniforms(stream_key("even"), np.arange(100_000)), bins=20, range=(0, 1))[0]
    assert counts.min() > 4600
    assert counts.max() < 5400


def test_a_key_depends_on_the_parts_their_types_and_their_borders():
    keys = {
        stream_key("a", "b"),
        stream_key("ab"),
        stream_key("a", 1),
        stream_key("a", "1"),
        stream_key("b", "a"),
        stream_key(),
    }
    assert len(keys) == 6
    assert stream_key("a", "b") == stream_key("a", "b")
    assert all(0 <= key < 2**64 for key in keys)
