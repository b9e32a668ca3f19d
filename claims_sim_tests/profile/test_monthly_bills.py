"""Visits of a month on one bill: no night, some days between its dates, and an amount that follows from these."""

import numpy as np
import pyarrow as pa
import pytest

from claims_sim.profile.sampler import Sampler
from claims_sim.profile.wanted import ClaimFilter
from claims_sim_tests.profile.tables import replaced, tariff_table

ROWS, SESSION = 12_000, 350.0
DAYS, DAY = (2, 7, 14, 21, 28), np.timedelta64(1, "D")


def between_dates(table):
    first, last = (table[name].to_numpy().astype("datetime64[D]") for name in ("admit_dt", "discharge_dt"))
    return (last - first).astype(int)


@pytest.fixture(scope="module")
def bills():
    """An eighth of the claims is of a diagnosis whose visits are billed together: one for each week begun, and two more."""
    g = np.random.default_rng(51)
    table = tariff_table(ROWS)
    monthly = g.random(ROWS) < 0.125
    days = np.where(monthly, g.choice(DAYS, ROWS), table["los"].to_numpy())
    for name, value in (("dx_primary_code", "Z491"), ("service_type", "RJTL"), ("severity_group", "ringan")):
        table = replaced(table, name, np.where(monthly, value, np.array(table[name].to_pylist(), object)).tolist())
    table = replaced(table, "los", np.where(monthly, 0, table["los"].to_numpy()))
    table = replaced(table, "discharge_dt", pa.array(table["admit_dt"].to_numpy() + days * DAY))
    amounts = np.where(monthly, SESSION * (2 + days // 7), table["amount_claimed"].to_numpy())
    for name in ("amount_claimed", "amount_paid"):
        table = replaced(table, name, amounts)
    return replaced(table, "amount_gap", np.zeros(ROWS)) if "amount_gap" in table.column_names else table


@pytest.fixture(scope="module")
def sampler(bills, fit):
    return Sampler(fit(bills))


def test_bills_of_more_days_are_of_as_many_more_visits(bills, sampler):
    claims = sampler.draw_claims(3, np.arange(ROWS))
    for table in (bills, claims):
        monthly = np.array(table["dx_primary_code"].to_pylist(), object) == "Z491"
        visits = table["amount_claimed"].to_numpy()[monthly] / SESSION
        assert monthly.mean() == pytest.approx(0.125, abs=0.02)
        assert np.mean(visits == 2 + between_dates(table)[monthly] // 7) > 0.85


def test_only_what_is_billed_so_has_days_without_a_night(bills, sampler):
    claims = sampler.draw_claims(3, np.arange(ROWS))
    other = np.array(claims["dx_primary_code"].to_pylist(), object) != "Z491"
    assert np.mean(between_dates(claims)[other] == claims["los"].to_numpy()[other]) > 0.995


def test_a_bill_whose_dates_are_given_is_of_the_visits_between_them(bills, sampler):
    """As an agent's claims are: their dates are given, and what they cost is drawn."""
    table = bills.filter(pa.array(np.array(bills["dx_primary_code"].to_pylist(), object) == "Z491"))
    given = table.drop_columns(["amount_claimed", "amount_paid"])
    money = sampler.draw_money(4, np.arange(given.num_rows), given)
    visits = money["amount_claimed"].to_numpy() / SESSION
    assert np.mean(visits == 2 + between_dates(given) // 7) > 0.85


def test_bills_that_are_asked_for_by_their_amount_have_it(sampler):
    where = ClaimFilter.parse(["dx=Z491", f"amount={3 * SESSION:.0f}..{4 * SESSION:.0f}"])
    claims = sampler.draw_claims(5, np.arange(300), sampler.conditions(where))
    assert set(claims["amount_claimed"].to_pylist()) <= {3 * SESSION, 4 * SESSION}
