import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from claims_sim.scoring.tails import MOST_EVIDENCE, Tail

# From many ties to none: whole numbers of a narrow or a wide range, some of them unknown.
VALUES = st.builds(
    lambda seed, size, width, unknown: np.where(
        (g := np.random.default_rng(seed)).random(size) < unknown, np.nan, np.round(g.normal(0, width, size))
    ),
    st.integers(0, 10_000),
    st.integers(1, 2_000),
    st.sampled_from([0.2, 1.0, 10.0, 1e6]),
    st.sampled_from([0.0, 0.3, 1.0]),
)


@given(values=VALUES)
@settings(max_examples=200, deadline=None)
def test_at_most_the_promised_share_of_training_values_has_so_much_evidence(values):
    evidence = Tail.learn(values).evidence_of(values)
    for wanted in (0.5, 1.0, 1.3, 2.0):
        assert (evidence >= wanted - 1e-9).sum() <= len(values) * 10**-wanted + 1e-6


@given(values=VALUES, others=VALUES)
@settings(max_examples=100, deadline=None)
def test_evidence_never_falls_with_the_value_and_is_bounded(values, others):
    evidence = Tail.learn(values).evidence_of(np.sort(others))
    known = evidence[: np.isfinite(others).sum()]
    assert (np.diff(known) >= 0).all()
    assert ((evidence >= 0) & (evidence <= MOST_EVIDENCE)).all()


def test_what_is_unknown_is_no_evidence():
    assert Tail.learn(np.arange(100.0)).evidence_of(np.array([np.nan])) == 0
    assert Tail.learn(np.full(100, np.nan)).evidence_of(np.array([5.0])) == 0


def test_a_constant_has_no_tail_but_what_exceeds_it_has_all_of_it():
    tail = Tail.learn(np.zeros(1_000))
    assert tail.evidence_of(np.zeros(1)) == 0
    assert tail.evidence_of(np.ones(1)) == 3
