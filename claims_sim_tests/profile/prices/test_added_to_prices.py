"""What is added to a price: drugs, supplements and further items are amounts of their own beside it."""

import numpy as np
import pytest

from claims_sim.profile.sampler import Sampler
from claims_sim_tests.profile.tables import replaced, tariff_table


def test_a_case_may_have_many_prices_and_what_is_added_follows_which_of_them_it_is(fit):
    """A visit costs 8,550 alone or with one of nine tests; a supplement of 1,300 is added to the dearest only."""
    rows = 9000
    g = np.random.default_rng(5)
    tests = np.array([0, 990, 1210, 2370, 3110, 4930, 5290, 6710, 7730, 9970])
    which = g.choice(len(tests), rows, p=[0.3, *[0.7 / 9] * 9])
    visit = 8550 + 1000 * g.integers(0, 3, rows)
    supplement = np.where((which == 9) & (g.random(rows) < 0.5), 1300, 0)
    amount = (visit + tests[which] + supplement).astype(float)
    table = replaced(tariff_table(rows), "dx_primary_code", [f"J{n:02d}" for n in (visit - 8550) // 1000])
    table = replaced(replaced(table, "amount_claimed", amount), "amount_paid", amount)
    for name in ("severity_group", "service_type", "province_name", "facility_class", "procedure_code"):
        table = table.drop_columns([name])
    drawn = Sampler(fit(table)).draw_claims(1, np.arange(20_000)).to_pandas()
    source = table.to_pandas()
    for code, claims in drawn.groupby("dx_primary_code"):
        own = source.loc[source["dx_primary_code"] == code, "amount_claimed"].value_counts(normalize=True)
        shares = claims["amount_claimed"].value_counts(normalize=True)
        assert own.sub(shares, fill_value=0).abs().sum() / 2 < 0.05


@pytest.mark.parametrize(("least", "above"), [(0.0, True), (-1.0, False)])
@pytest.mark.slow
def test_sums_that_begin_at_the_price_of_their_case_are_drawn_above_it(fit, least, above):
    """Half of all claims have the price of their case, and the others that of further items too, or a part of it."""
    g, rows = np.random.default_rng(31), 12_000
    table = tariff_table(rows)
    case = np.unique(table["dx_primary_code"].to_pylist(), return_inverse=True)[1]
    price = np.round(np.exp(np.random.default_rng(32).normal(13, 0.8, 12)), 2)[case]
    items = np.where(g.random(rows) < 0.5, 0.0, g.lognormal(10, 0.8, rows) * np.sign(g.uniform(least, 1.0, rows)))
    amount = np.round(price + items, 2)
    profile = fit(replaced(replaced(table, "amount_claimed", amount), "amount_paid", amount))
    assert any(profile.money.others_above_prices) == above
    assert ("others_above_prices" in profile.to_json()) == above
    drawn = Sampler(profile).draw_claims(1, np.arange(rows)).to_pandas()
    prices = dict(zip(table["dx_primary_code"].to_pylist(), price.tolist(), strict=True))
    below = drawn["amount_claimed"] < drawn["dx_primary_code"].map(prices) - 0.01
    assert below.mean() == pytest.approx(0.0 if above else (amount < price - 0.01).mean(), abs=0.005 if above else 0.05)


@pytest.fixture(scope="module")
def with_drugs(fit):
    """Two visits in five are billed with a drug to the unit, and stays, like other visits, by the thousand."""
    g, rows = np.random.default_rng(72), 16_000
    table = tariff_table(rows, seed=71)
    visit = np.array(table["service_type"].to_pylist()) == "RJTL"
    drugs = np.rint(np.outer([46_003, 128_417, 73_651, 96_307, 155_211, 58_913], [1.0, 1.35, 1.8, 2.1])).ravel()
    added = np.where(visit & (g.random(rows) < 0.4), drugs[g.integers(0, len(drugs), rows)], 0)
    amounts = table["amount_claimed"].to_numpy() + added
    table = replaced(replaced(table, "amount_claimed", amounts), "amount_paid", amounts)
    return table, drugs, fit(table)


@pytest.mark.slow
def test_prices_lie_on_their_own_grid_beside_what_is_added_to_them(with_drugs):
    """Each drug is an amount that is added, and none of its sums a price."""
    _, drugs, profile = with_drugs
    assert profile.amount_grid == 1.0
    assert {tariff.grid for tariff in profile.money.tariffs} == {1000.0}
    assert set(drugs) <= {added for tariff in profile.money.tariffs for added in tariff.top_ups}
    assert sum(len(tariff.bases) for tariff in profile.money.tariffs) < 60


@pytest.mark.slow
def test_sums_of_a_price_and_a_drug_are_such_as_there_are(with_drugs):
    table, drugs, profile = with_drugs
    claims = Sampler(profile).draw_claims(1, np.arange(16_000))
    real, ours = (one["amount_claimed"].to_numpy() for one in (table, claims))
    visit = np.array(claims["service_type"].to_pylist()) == "RJTL"
    assert np.isin(ours, real)[~visit].mean() > 0.95
    without = ours[visit, None] - np.array([0, *drugs])
    assert np.isin(without, real[real % 1000 == 0]).any(1).mean() > 0.97
    assert np.mean(ours % 1000 > 0) == pytest.approx(np.mean(real % 1000 > 0), abs=0.02)


def test_what_is_added_to_one_persons_prices_alone_is_not_told(fit):
    """To one visit in twenty-five 1,000 is added; of ten diagnoses there are prices 50,000 apart, so that 51,000 above the lower ones is
    1,000 above the others; and one person's forty claims have 51,000 more than any price.
    """
    g, rows = np.random.default_rng(95), 12_000
    table = tariff_table(rows, seed=94)
    dx = g.integers(0, 60, rows)
    base = np.rint(np.exp(np.random.default_rng(3).normal(12, 0.6, 60)) / 100)[dx] * 100
    base = np.where(dx < 10, np.where(g.random(rows) < 0.4, 100_000, 150_000) + 700 * dx, base)
    amounts = base + np.where(g.random(rows) < 0.04, 1000, 0)
    theirs = np.flatnonzero(dx == 30)[:40]
    amounts[theirs] = base[theirs] + 51_000
    persons = np.array([f"person {i}" for i in range(rows)], object)
    persons[theirs] = "one"
    for name, values in {
        "dx_primary_code": [f"{chr(65 + i % 20)}{10 + i}" for i in dx], "province_name": ["ACEH"] * rows, "service_type": ["RJTL"] * rows,
        "amount_claimed": amounts, "amount_paid": amounts, "patient_id_hash": persons.tolist(),
    }.items():  # fmt: skip
        table = replaced(table, name, values)
    profile = fit(table.drop_columns(["procedure_code"]))
    assert {added for tariff in profile.money.tariffs for added in tariff.top_ups} == {1000.0}
