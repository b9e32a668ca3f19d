"""Visits of a month on one bill: no night, some days between its dates, and an amount that follows from these."""

from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest

from claims_sim.anomalies.pair import drawn_for
from claims_sim.profile.drawing.wanted import ClaimFilter
from claims_sim.profile.sampler import Sampler
from claims_sim.randomness import stream_key
from claims_sim.rules.wire import to_flat
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
    return table


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


def test_bills_that_are_asked_for_by_their_amount_have_it_and_the_dates_of_it(sampler):
    where = ClaimFilter.parse(["dx=Z491", f"amount={3 * SESSION:.0f}..{4 * SESSION:.0f}"])
    claims = sampler.draw_claims(5, np.arange(300), sampler.conditions(where))
    visits = claims["amount_claimed"].to_numpy() / SESSION
    assert set(visits.tolist()) <= {3.0, 4.0}
    assert np.mean(visits == 2 + between_dates(claims) // 7) > 0.85


def priced_as(bills):
    """The share of claims whose case has just their amount in `bills`."""
    cases = ("dx_primary_code", "service_type", "severity_group", "amount_claimed")
    priced = set(zip(*(bills[name].to_pylist() for name in cases), strict=True))
    return lambda claims: np.mean(
        [case in priced for case in zip(*(claims[name].to_pylist() for name in cases), strict=True)]
    )


def test_amounts_without_dates_are_of_the_days_that_such_claims_have(bills, sampler):
    """Who asks for any amount gets what nobody asked for: a price of its case."""
    are_priced = priced_as(bills)
    plain = sampler.draw_claims(3, np.arange(ROWS))
    asked = sampler.draw_claims(3, np.arange(ROWS), sampler.conditions(ClaimFilter.parse(["amount=1..999999999"])))
    assert are_priced(asked) == pytest.approx(are_priced(plain), abs=0.02)
    undated = plain.drop_columns(["admit_dt", "discharge_dt", "amount_claimed", "amount_paid", "amount_gap"])
    again = undated.append_column("amount_claimed", sampler.draw_money(3, np.arange(ROWS), undated)["amount_claimed"])
    assert are_priced(again) == pytest.approx(are_priced(plain), abs=0.02)


@pytest.mark.parametrize("column", ["discharge_dt", "los"])
def test_a_claim_that_lacks_a_date_or_its_stay_is_billed_as_any_other(bills, sampler, column):
    inpatients = bills.filter(pa.array(bills["los"].to_numpy() > 1)).drop_columns(["amount_claimed", "amount_paid"])
    rows = np.arange(inpatients.num_rows)
    nulls = pa.nulls(len(rows), inpatients[column].type)
    lacking = inpatients.set_column(inpatients.column_names.index(column), column, nulls)
    given, drawn = (
        priced_as(bills)(table.append_column("amount_claimed", sampler.draw_money(4, rows, table)["amount_claimed"]))
        for table in (inpatients, lacking)
    )
    assert drawn == pytest.approx(given, abs=0.03)


def test_an_anomaly_is_billed_by_the_dates_that_it_will_have(sampler):
    claims, others = (to_flat(sampler.draw_claims(key, np.arange(4000))) for key in (3, 4))
    task = SimpleNamespace(world=SimpleNamespace(sampler=sampler), key=9, rows=np.arange(4000))
    drawn = drawn_for(claims, others, task)
    dated = replaced(drawn, "discharge_dt", pa.array(drawn["admit_dt"].to_numpy() + drawn["los"].to_numpy() * DAY))
    money = sampler.draw_money(stream_key(9, "money"), np.arange(4000), dated)
    assert money["amount_claimed"].to_pylist() == drawn["amount_claimed"].cast(pa.float64()).to_pylist()


def with_gaps(rows, gap, persons):
    """Claims of which a third end a day later, which doubles their price; the first ones `gap` days later, of so many persons."""
    g = np.random.default_rng(3)
    table = tariff_table(6000)
    later = (g.random(6000) < 0.3).astype(int)
    amounts = table["amount_claimed"].to_numpy() * (1.0 + later)
    later[:rows] = gap
    ends = table["admit_dt"].to_numpy() + (table["los"].to_numpy() + later) * DAY
    owners = [f"busy {i % persons}" for i in range(rows)] + table["patient_id_hash"].to_pylist()[rows:]
    for name, values in (
        ("discharge_dt", pa.array(ends)), ("amount_claimed", amounts), ("amount_paid", amounts), ("patient_id_hash", owners),
    ):  # fmt: skip
        table = replaced(table, name, values)
    return table


@pytest.mark.parametrize(("persons", "tells"), [(1, False), (9, False), (120, True)])
def test_what_a_few_persons_bill_by_the_month_makes_no_amount_follow_its_dates(fit, persons, tells):
    profile = fit(with_gaps(120, 28, persons))
    assert any(feature.variable == "stay_gap" for feature in profile.features.values()) == tells


@pytest.mark.parametrize(("share", "tells"), [(0.004, False), (0.018, True)])
def test_amounts_follow_dates_where_a_claim_of_a_hundred_has_others_than_its_stay(fit, share, tells):
    profile = fit(with_gaps(round(6000 * share), 28, round(6000 * share)))
    assert any(feature.variable == "stay_gap" for feature in profile.features.values()) == tells


def test_days_that_amounts_follow_are_known_of_claims_whose_month_is_not(fit):
    """Bills of a month's visits begin in July; who asks for an amount gets claims at the prices of the last month."""
    table = with_gaps(1, 0, 1)
    late = np.array([day.month >= 7 for day in table["admit_dt"].to_pylist()])
    monthly = late & (np.random.default_rng(4).random(6000) < 0.1)
    ends = np.where(monthly, table["admit_dt"].to_numpy() + 28 * DAY, table["discharge_dt"].to_numpy())
    table = replaced(table, "discharge_dt", pa.array(ends))
    amounts = np.where(monthly, 9 * SESSION, table["amount_claimed"].to_numpy())
    for name in ("amount_claimed", "amount_paid"):
        table = replaced(table, name, amounts)
    profile = fit(table)
    gap = profile.tables["stay_gap"]
    assert {profile.features[parent].variable for parent in gap.parents}.isdisjoint({"admit_month"})
    where = ClaimFilter.parse([f"amount={9 * SESSION:.0f}..{9 * SESSION:.0f}"])
    sampler = Sampler(profile)
    claims = sampler.draw_claims(5, np.arange(200), sampler.conditions(where))
    assert set(claims["amount_claimed"].to_pylist()) == {9 * SESSION}
