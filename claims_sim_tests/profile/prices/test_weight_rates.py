"""What a case weighs times a rate: weights that amounts follow from, beside those of a sample, which amounts know nothing of."""

import json

import numpy as np
import pytest

from claims_sim.errors import ProfileError
from claims_sim.profile.crossing import describe_crossing
from claims_sim.profile.document import Profile
from claims_sim.profile.prices.weight_rates import WEIGHT_RATE, weights_at
from claims_sim.profile.sampler import Sampler
from claims_sim_tests.profile.tables import paid_in_full, replaced, tariff_table

ROWS = 12_000
RATES = {"RS Kelas C": 8350.0, "RS Kelas B": 8900.0, "RS Khusus Ibu dan Anak": 9120.5}


def rate_of(kinds):
    return np.array([RATES[kind] for kind in kinds])


def weighed_table(of="amount_claimed", beside=0.0):
    """Claims of a diagnosis and severity weigh one of three weights, in ten-thousandths; a point is worth a rate of each class of houses.

    To this share of the claims something is added. Where weights are of what is paid, charges are any amounts.
    """
    g, w = np.random.default_rng(41), np.random.default_rng(42)
    table = tariff_table(ROWS, seed=4)
    dx, severity = (
        np.unique(table[name].to_pylist(), return_inverse=True)[1] for name in ("dx_primary_code", "severity_group")
    )
    weight = np.round(np.exp(w.normal(0, 0.7, (12, 3, 3)))[dx, severity, g.integers(0, 3, ROWS)], 4)
    price = np.rint(weight * rate_of(table["facility_class"].to_pylist()))
    price += np.where(g.random(ROWS) < beside, np.rint(np.exp(g.normal(8, 1, ROWS))), 0)
    table = replaced(paid_in_full(table, price), "claim_weight", weight)
    if of == "amount_paid":
        table = replaced(table, "amount_claimed", np.rint(price * np.exp(g.normal(1, 0.3, ROWS))))
    return table


@pytest.fixture(scope="module")
def weighed(fit):
    return fit(weighed_table(beside=0.05))


def off_rate(claims, amount="amount_claimed"):
    """How many steps of their weights what claims cost lies off their class's rate."""
    frame = claims.to_pandas()
    return np.abs(frame[amount] / rate_of(frame["facility_class"]) - frame["claim_weight"]) / 1e-4


def test_rates_are_told_as_they_are_and_weights_follow_from_them(weighed):
    values = weighed.bins[WEIGHT_RATE]
    assert sorted(low for low, high in zip(values.lo, values.hi, strict=True) if low == high) == sorted(RATES.values())
    assert (weighed.money.weight_rate.amount, weighed.money.weight_rate.grid) == ("amount_claimed", 1e-4)
    sampler, rows = Sampler(weighed), np.arange(8000)
    claims = sampler.draw_claims(3, rows)
    off = off_rate(claims)
    assert 0.92 < np.mean(off < 1) < 0.98
    # Where something was added the weight is less than the amount would be of at the rate.
    real = off_rate(weighed_table(beside=0.05))
    assert np.median(off[off > 1]) == pytest.approx(np.median(real[real > 1]), rel=0.25)
    # Of given claims, too.
    given = claims.drop_columns(["claim_weight"])
    weights = sampler.draw_extra(7, rows, given)["claim_weight"].to_numpy()
    assert 0.92 < np.mean(off_rate(replaced(given, "claim_weight", weights)) < 1) < 0.98


def test_weights_of_what_is_paid_beside_charges_of_any_size(fit):
    profile = fit(weighed_table(of="amount_paid"))
    assert profile.money.weight_rate.amount == "amount_paid"
    claims = Sampler(profile).draw_claims(3, np.arange(6000))
    assert np.mean(off_rate(claims, "amount_paid") < 1) > 0.95


@pytest.mark.slow
def test_of_a_samples_weights_there_is_no_rate(fit):
    """Prices recur, and weights do: so does what one is divided by the other, in as many values as both together."""
    table = tariff_table(ROWS, seed=4)
    place = np.unique(table["province_name"].to_pylist(), return_inverse=True)[1]
    profile = fit(replaced(table, "claim_weight", np.array([3.25, 11.5, 1.75, 6.0, 40.0])[place]))
    assert profile.money.weight_rate is None
    assert WEIGHT_RATE not in profile.tables
    assert "weight_rate" not in profile.to_json()


def test_a_rate_of_one_house_is_not_told(fit):
    """Each of twelve houses has a rate of its own: which it is would tell the house."""
    table = weighed_table()
    house = np.random.default_rng(5).integers(0, 12, ROWS)
    rate = 7000 + 131.7 * house
    price = np.rint(table["claim_weight"].to_numpy() * rate)
    table = replaced(paid_in_full(table, price), "facility_id", [f"H{one}" for one in house])
    profile = fit(table)
    told = {round(value, 1) for value in profile.bins[WEIGHT_RATE].lo} if WEIGHT_RATE in profile.bins else set()
    assert not told & {round(one, 1) for one in np.unique(rate)}


def test_a_weight_is_a_step_at_least_and_none_of_nothing():
    weights = weights_at(np.array([0.0, 12.0, 5000.0, 5000.0]), np.array([100.0, 100_000.0, 8000.0, 0.0]), 0.001)
    assert weights[1:3].tolist() == [0.001, 0.625]
    assert np.isnan(weights[[0, 3]]).all()


def test_what_crosses_names_the_rates_and_they_are_of_what_is_claimed_or_paid(weighed):
    names = {table.name for table in describe_crossing(weighed).tables}
    assert WEIGHT_RATE in names
    document = weighed.to_json().replace('"weight_rate":{"amount":"amount_claimed"', '"weight_rate":{"amount":"los"')
    with pytest.raises(ProfileError, match="weight_rate"):
        Profile.from_json(document)


def test_coarse_weights_show_no_rate_of_a_house(fit):
    """Light cases' weights have two decimals, rounded after they were priced: by chance they lie on the rates of other houses, too."""
    g = np.random.default_rng(41)
    light = g.random(2 * ROWS) < 0.5
    weight = np.where(
        light,
        g.choice([0.11, 0.17, 0.23, 0.31, 0.38, 0.41], 2 * ROWS),
        g.choice(np.exp(g.normal(3, 0.5, 30)), 2 * ROWS),
    )
    weight = np.round(weight, 2)
    house = g.integers(0, 12, 2 * ROWS)
    rate = 7000 + 131.7 * house
    price = np.rint(weight * np.where(light, np.exp(g.normal(0, 0.02, 2 * ROWS)), 1.0) * rate)
    table = replaced(paid_in_full(tariff_table(2 * ROWS, seed=4), price), "claim_weight", weight)
    profile = fit(replaced(table, "facility_id", [f"H{one}" for one in house]))
    values = profile.bins.get(WEIGHT_RATE)
    told = [] if values is None else [low for low, high in zip(values.lo, values.hi, strict=True) if low == high]
    assert not [one for one in told if np.abs(rate - one).min() < 1]


def test_where_most_claims_lie_on_no_rate_there_is_none(fit):
    table = weighed_table()
    mixed = np.random.default_rng(6).random(ROWS) < 0.7
    weight = table["claim_weight"].to_numpy()
    other = np.random.default_rng(7).permutation(weight)
    assert fit(replaced(table, "claim_weight", np.where(mixed, other, weight))).money.weight_rate is None


def test_a_rate_without_its_table_is_refused(weighed):
    document = json.loads(weighed.to_json())
    del document["tables"][WEIGHT_RATE]
    with pytest.raises(ProfileError, match="a rate that no table draws"):
        Profile.from_json(json.dumps(document))
