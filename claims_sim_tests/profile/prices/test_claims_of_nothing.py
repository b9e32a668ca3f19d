"""Claims of nothing, where others of their case are paid a price."""

from types import SimpleNamespace

import numpy as np
import pytest

from claims_sim.profile.counts.counting import Population
from claims_sim.profile.prices.following import follows_paid
from claims_sim.profile.prices.lattice import Lattice
from claims_sim.profile.sampler import Sampler
from claims_sim_tests.profile.tables import replaced, tariff_table


def test_charges_of_claims_that_are_paid_nothing_lie_where_the_others_of_their_case_do():
    """Else claims would be drawn about what is usual of their case, and learned about its commonest price."""
    rows, g = 12_000, np.random.default_rng(4)
    dear, nothing = g.random(rows) < 0.4, g.random(rows) < 0.5
    prices = np.array([np.log(4_000_000), np.log(7_000_000)])
    zeros = np.zeros(rows, np.int32)
    codes, case = {"service_type": zeros}, np.where(nothing, -1, 0)
    one = Lattice(("service_type",), (1,), 1.0, codes, {}, np.zeros(1), np.array([0]), case, bases=prices)
    one.base_start, one.level = np.array([0, 2]), zeros
    one.point = np.where(nothing, -1, dear).astype(np.int32)
    claimed = np.exp(13 + 0.8 * prices[dear.astype(int)] + g.normal(0, 0.2, rows))
    paid = np.where(nothing, 0.0, np.exp(prices[dear.astype(int)]))
    encoded = SimpleNamespace(los=None, codes=codes, rows=rows, population=Population(rows, 11, np.arange(rows), None))
    (slope,), follows = follows_paid([one], claimed, paid, encoded)
    assert slope == pytest.approx(0.8, abs=0.051)
    assert np.ptp(follows[nothing]) == 0
    assert follows[nothing][0] == pytest.approx(follows[~nothing].mean(), abs=1e-9)


@pytest.mark.slow
def test_claims_of_nothing_that_are_paid_a_price_are_paid_it(fit):
    """Two claims in five are of nothing, and all are paid by a list."""
    g, table = np.random.default_rng(91), tariff_table(12_000, seed=90)
    price = table["amount_claimed"].to_numpy()
    charge = np.where(g.random(12_000) < 0.4, 0.0, np.rint(price * np.exp(g.normal(0.1, 0.3, 12_000))))
    profile = fit(replaced(table, "amount_claimed", charge))
    claims = Sampler(profile).draw_claims(1, np.arange(12_000)).to_pandas()
    assert (claims["amount_claimed"] == 0).mean() == pytest.approx(0.4, abs=0.02)
    assert (claims.loc[claims["amount_claimed"] == 0, "amount_paid"] > 0).mean() > 0.95
    assert claims["amount_paid"].mean() == pytest.approx(price.mean(), rel=0.05)


@pytest.mark.slow
def test_claims_of_nothing_are_paid_the_price_though_more_bill_less_and_are_paid_that(fit):
    """One claim in fifteen is of nothing, and one in seven of less than its price: hardly any other is paid more than it bills."""
    g, table = np.random.default_rng(97), tariff_table(12_000, seed=96)
    price, kind = table["amount_claimed"].to_numpy(), g.random(12_000)
    charge = np.rint(price * np.exp(np.abs(g.normal(0.2, 0.3, 12_000))))
    charge = np.where(kind < 0.15, np.rint(price * g.uniform(0.2, 0.9, 12_000)), np.where(kind > 0.93, 0.0, charge))
    paid = np.where(charge > 0, np.minimum(price, charge), price)
    profile = fit(replaced(replaced(table, "amount_claimed", charge), "amount_paid", paid))
    assert not any(profile.money.rates_above_claimed)
    claims = Sampler(profile).draw_claims(1, np.arange(12_000)).to_pandas()
    unbilled = claims["amount_claimed"] == 0
    assert unbilled.mean() == pytest.approx(np.mean(charge == 0), abs=0.02)
    assert (claims.loc[unbilled, "amount_paid"] > 0).mean() > 0.95
    assert (claims["amount_paid"] > claims["amount_claimed"])[~unbilled].mean() < 0.005


@pytest.mark.slow
def test_claims_of_nothing_are_paid_a_price_of_what_others_claim(fit):
    """One claim in five is of nothing and paid the list's price, as others are that bill it."""
    g, table = np.random.default_rng(99), tariff_table(12_000, seed=98)
    paid = table["amount_paid"].to_numpy()
    charge = np.where(g.random(12_000) < 0.2, 0.0, table["amount_claimed"].to_numpy())
    claims = Sampler(fit(replaced(table, "amount_claimed", charge))).draw_claims(1, np.arange(12_000)).to_pandas()
    unbilled = claims["amount_claimed"] == 0
    assert (claims.loc[unbilled, "amount_paid"] > 0).mean() > 0.95
    assert np.isin(claims.loc[unbilled, "amount_paid"], paid).mean() > 0.95
    assert claims["amount_paid"].mean() == pytest.approx(paid.mean(), rel=0.05)
