"""The drift watch: quiet when nothing moved, also with clustered batches; loud when a share moves; mixes are expected."""

import numpy as np
import pyarrow as pa
import pytest

from claims_sim.fidelity.drift import CERTAINTY, TOLERANCE, Cells, Expectation, expect, judge_column, watch_window
from claims_sim.profile.sampler import Sampler

CELLS = Cells(("a", "b", "c"), (), (0.5, 0.3, 0.15, 0.0, 0.05))


def batches(g, shares, batch, count, clustered=False):
    """Counts a batch and cell; clustered: all claims of a batch have one value."""
    if clustered:
        return batch * g.multinomial(1, shares, count)
    return g.multinomial(batch, shares, count)


def moved(amount, donor=0, receiver=2):
    shares = np.array(CELLS.shares)
    shares[donor] -= amount
    shares[receiver] += amount
    return shares


@pytest.fixture(scope="module")
def sampled(profile):
    return Sampler(profile).draw_claims(3, np.arange(60_000))


@pytest.fixture(scope="module")
def expected(sampled):
    return expect(sampled)


@pytest.mark.parametrize(("batch", "window"), [(5, 500), (50, 50)])
@pytest.mark.parametrize("clustered", [False, True])
def test_nothing_moved_nothing_is_said(batch, window, clustered):
    counts = batches(np.random.default_rng(1), CELLS.shares, batch, 1200, clustered)
    assert not any(judge_column("x", CELLS, counts[end - window : end]).drifted for end in range(window, 1200, 3))


@pytest.mark.parametrize(("batch", "window"), [(5, 500), (50, 50)])
def test_a_shift_of_five_in_a_hundred_is_found(batch, window):
    g = np.random.default_rng(2)
    found = [judge_column("x", CELLS, batches(g, moved(0.05), batch, window)) for _ in range(20)]
    assert sum(column.drifted for column in found) >= 16
    assert {column.rising for column in found} == {"c"}


def test_a_shift_within_the_tolerance_is_none_however_sure_it_is():
    counts = batches(np.random.default_rng(3), moved(TOLERANCE * 0.9), 500, 400)
    column = judge_column("x", CELLS, counts)
    assert column.sigmas > CERTAINTY
    assert not column.drifted


def test_a_value_that_comes_in_clusters_and_has_not_come_yet_is_no_drift():
    counts = batches(np.random.default_rng(4), moved(0.05, donor=4, receiver=0), 50, 50)
    assert not judge_column("x", CELLS, counts).drifted


def test_claims_of_the_profile_follow_it_and_a_shifted_column_is_named(sampled, expected):
    claims = sampled.slice(0, 2500)
    numbers = np.arange(2500) // 50
    assert watch_window(claims, numbers, expected).drifted == ()
    values = claims["facility_class"].to_pylist()
    shifted = pa.array(["RS Kelas A"] * 200 + values[200:])[::-1]
    mixed = claims.set_column(
        claims.column_names.index("facility_class"),
        "facility_class",
        shifted.take(pa.array(np.random.default_rng(5).permutation(2500))),
    )
    assert watch_window(mixed, numbers, expected).drifted == ("facility_class",)


def test_dearer_claims_are_found_in_the_amounts(sampled, expected):
    claims = sampled.slice(0, 2500)
    dearer = claims.set_column(
        claims.column_names.index("amount_claimed"),
        "amount_claimed",
        pa.array(claims["amount_claimed"].to_numpy() * 1.5),
    )
    (column,) = (c for c in watch_window(dearer, np.arange(2500) // 50, expected).columns if c.drifted)
    assert column.name == "amount_claimed"
    assert column.rising.startswith("above")


def test_few_batches_say_nothing(sampled, expected):
    found = watch_window(sampled.slice(0, 50), np.arange(50) // 5, expected)
    assert not found.enough
    assert found.drifted == ()


def test_a_mix_is_expected_in_every_column_that_it_touches(sampled, expected):
    services = np.array(sampled["service_type"].to_pylist())
    inpatient, outpatient = np.flatnonzero(services == "RITL"), np.flatnonzero(services == "RJTL")
    g = np.random.default_rng(6)
    mixed = sampled.take(g.permutation(np.concatenate([inpatient[:2000], outpatient[:500]])))
    numbers = np.arange(2500) // 50
    assert {"service_type", "los"} <= set(watch_window(mixed, numbers, expected).drifted)
    assert watch_window(mixed, numbers, expect(sampled, {"service_type": {"RITL": 0.8}})).drifted == ()


def test_an_expectation_is_kept_and_read_again(expected):
    assert Expectation.from_json(expected.to_json()) == expected
