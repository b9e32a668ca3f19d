"""Amounts that many claims share, though no group of claims that are alike is large enough to say which of them it has."""

import numpy as np
import pytest

from claims_sim.profile.drawing.payments import SharedAmounts
from claims_sim.profile.sampler import Sampler
from claims_sim_tests.profile.tables import replaced, tariff_table

ROWS = 8000


@pytest.fixture(scope="module")
def fees():
    """Visits cost one of 200 fees near what claims of their diagnosis cost, to the cent; stays cost anything."""
    g = np.random.default_rng(41)
    table = tariff_table(ROWS)
    fees = np.sort(np.round(np.exp(g.uniform(11, 14, 200)), 2))
    case = np.unique(table["dx_primary_code"].to_pylist(), return_inverse=True)[1]
    about = 11.6 + 0.17 * case + g.normal(0, 0.25, ROWS)
    nearest = fees[np.clip(np.searchsorted(np.log(fees), about), 0, 199)]
    visit = np.array(table["service_type"].to_pylist()) == "RJTL"
    amounts = np.where(visit, nearest, np.round(np.exp(about), 2))
    return replaced(replaced(table, "amount_claimed", amounts), "amount_paid", amounts)


@pytest.mark.slow
def test_a_shared_amount_is_drawn_as_often_as_claims_have_one_and_near_what_such_claims_cost(fit, fees):
    table, profile = fees, fit(fees)
    names = profile.money.exact
    assert len(names) > 100
    claims = Sampler(profile).draw_claims(1, np.arange(ROWS))
    for service in ("RJTL", "RITL"):
        shares = []
        for t in (table, claims):
            own = np.array(t["service_type"].to_pylist()) == service
            shares.append(np.isin(t["amount_claimed"].to_numpy()[own], names).mean())
        assert shares[1] == pytest.approx(shares[0], abs=0.04)
    for code in ("A000", sorted(set(table["dx_primary_code"].to_pylist()))[-1]):
        costs = []
        for t in (table, claims):
            own = np.array(t["dx_primary_code"].to_pylist()) == code
            costs.append(np.log(t["amount_claimed"].to_numpy()[own]))
        assert np.mean(costs[1]) == pytest.approx(np.mean(costs[0]), abs=0.08)
        assert np.std(costs[1]) == pytest.approx(np.std(costs[0]), abs=0.08)


@pytest.mark.slow
def test_an_amount_by_name_is_one_of_its_own_place(fit):
    """Thirty prices in each province, between those of the others, whatever the diagnosis; nobody names hospitals."""
    g, table = np.random.default_rng(44), tariff_table(ROWS).drop_columns("facility_ownership")
    provinces = sorted(set(table["province_name"].to_pylist()))

    def place(t):
        return np.searchsorted(provinces, t["province_name"].to_pylist())

    amounts = 100_000.0 + 1000 * (5 * g.integers(0, 30, ROWS) + place(table))
    amounts = np.where(g.random(ROWS) < 0.8, amounts, np.round(np.exp(g.normal(12, 0.5, ROWS)), 2))
    profile = fit(replaced(replaced(table, "amount_claimed", amounts), "amount_paid", amounts))
    assert "shared_amount" in profile.tables
    claims = Sampler(profile).draw_claims(1, np.arange(ROWS))
    drawn = claims["amount_claimed"].to_numpy()
    whole = (drawn % 1000 == 0) & (drawn >= 100_000) & (drawn < 250_000)
    own = ((drawn - 100_000) / 1000).astype(int) % 5 == place(claims)
    assert whole.mean() == pytest.approx(0.8, abs=0.03)
    assert own[whole].mean() > 0.95


@pytest.mark.slow
def test_nothing_is_claimed_for_those_for_whom_nothing_is(fit, fees):
    """One visit in three is paid by the head, in some houses; no stay is."""
    visit = np.array(fees["service_type"].to_pylist()) == "RJTL"
    kind = np.array(fees["facility_class"].to_pylist())
    nothing = visit & (np.random.default_rng(43).random(ROWS) < np.where(kind == "RS Kelas C", 0.5, 0.1))
    amounts = fees["amount_claimed"].to_numpy()
    names = np.unique(amounts[visit])
    # Stays cost such fees, too: whether it is one says nothing of whether it is nothing.
    dear = names[np.minimum(np.searchsorted(names, amounts), len(names) - 1)]
    amounts = np.where(nothing, 0.0, np.where(visit, amounts, dear))
    table = replaced(replaced(fees, "amount_claimed", amounts), "amount_paid", amounts)
    claims = Sampler(fit(table)).draw_claims(1, np.arange(20_000))
    zero = claims["amount_claimed"].to_numpy() == 0
    of_visit = np.array(claims["service_type"].to_pylist()) == "RJTL"
    assert zero[~of_visit].mean() < 0.002
    assert zero[of_visit].mean() == pytest.approx(nothing[visit].mean(), abs=0.02)


def test_of_amounts_by_name_the_near_are_likelier():
    shared = SharedAmounts(np.array([0.0, 100.0, 103.0, 500.0]))
    u = (np.arange(1000) + 0.5) / 1000
    drawn = shared.near(np.full(1000, 101.0), u)
    assert set(drawn) == {100.0, 103.0}
    assert 0.5 < np.mean(drawn == 100.0) < 0.7
    assert np.mean(shared.near(np.full(1000, 100.1), u) == 100.0) > 0.75
    # None is near: it stays what it is. Nothing is near to nothing but itself.
    assert shared.near(np.array([250.0, 0.0]), np.array([0.5, 0.5])).tolist() == [250.0, 0.0]
    assert SharedAmounts(np.zeros(0)).near(np.array([7.0]), np.array([0.5])).tolist() == [7.0]


def test_a_price_of_few_diagnoses_is_not_put_on_others(fit, fees):
    """A package that one diagnosis has in most claims lies between the fees that the others have."""
    g = np.random.default_rng(44)
    own = np.array(fees["dx_primary_code"].to_pylist()) == "A000"
    package = 400_000.37
    amounts = np.where(own & (g.random(ROWS) < 0.9), package, fees["amount_claimed"].to_numpy())
    table = replaced(replaced(fees, "amount_claimed", amounts), "amount_paid", amounts)
    claims = Sampler(fit(table)).draw_claims(1, np.arange(ROWS))
    others = np.array(claims["dx_primary_code"].to_pylist()) != "A000"
    assert np.mean(claims["amount_claimed"].to_numpy()[others] == package) < 0.012


@pytest.mark.slow
def test_amounts_are_as_round_as_they_are_where_others_are_shared_by_name(fit, fees):
    """Fees to the hundred, many of them in no context by name, make nothing else round."""
    g = np.random.default_rng(45)
    amounts = fees["amount_claimed"].to_numpy()
    visit = np.array(fees["service_type"].to_pylist()) == "RJTL"
    by_fee = visit & (g.random(ROWS) < 0.5)
    amounts = np.where(
        by_fee, np.rint(amounts / 100) * 100 + 100, np.round(np.exp(np.log(amounts) + g.normal(0, 0.2, ROWS)), 2)
    )
    table = replaced(replaced(fees, "amount_claimed", amounts), "amount_paid", amounts)
    profile = fit(table)
    assert "amount_kind" in profile.tables
    drawn = Sampler(profile).draw_claims(1, np.arange(ROWS))["amount_claimed"].to_numpy()
    assert np.mean(drawn % 100 == 0) == pytest.approx(np.mean(amounts % 100 == 0), abs=0.02)


@pytest.mark.slow
def test_what_has_no_case_on_a_list_is_told_by_its_kind_of_service_all_the_same(fit):
    """Visits have a list of prices, of some diagnoses more than of others, and sixty amounts by name; stays have neither."""
    g, rows = np.random.default_rng(77), 12_000
    table = tariff_table(rows, seed=77)
    is_stay = np.array(table["service_type"].to_pylist()) == "RITL"
    case = np.unique(table["dx_primary_code"].to_pylist(), return_inverse=True)[1]
    prices, named = 50_000.0 + 17_000 * np.arange(12), 31_250.0 + 2_750 * np.arange(60)
    on_list = g.random(rows) < np.where(case % 2, 0.9, 0.3)
    kind = np.where(is_stay, 2, np.where(on_list, 0, g.choice([1, 2], rows, p=[0.7, 0.3])))
    other = np.round(np.exp(g.normal(13, 0.8, rows)), 2)
    claimed = np.choose(kind, [prices[case], named[g.integers(0, 60, rows)], other])
    table = replaced(replaced(table, "amount_claimed", claimed), "amount_paid", claimed)
    drawn = Sampler(fit(table)).draw_claims(1, np.arange(rows)).to_pandas()
    amounts, stays = drawn["amount_claimed"], drawn["service_type"] == "RITL"
    of_list = amounts.isin([*prices, *named])
    assert of_list[~stays].mean() > 0.7
    assert of_list[stays].mean() < 0.01
