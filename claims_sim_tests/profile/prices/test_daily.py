"""Prices that grow with the stay: found where they are, and nowhere else."""

import json
from datetime import timedelta

import numpy as np
import pyarrow.compute as pc
import pytest

from claims_sim.errors import ProfileError
from claims_sim.profile.document import Profile
from claims_sim.profile.sampler import Sampler
from claims_sim_tests.profile.tables import replaced, tariff_table

LISTED = {"741": 400.0, "8751": 90.0, "9904": 150.5, None: 20.0}
RATE = {"RS Kelas C": 80.0, "RS Kelas B": 110.0, "RS Khusus Ibu dan Anak": 160.0}


@pytest.fixture(scope="module")
def by_the_day(fit):
    """What was done by a list, and so much a day by the class of the house."""
    table = tariff_table(12_000, seed=3)
    done, kind, los = (table[n].to_pylist() for n in ("procedure_code", "facility_class", "los"))
    amounts = [LISTED[code] + RATE[house] * days for code, house, days in zip(done, kind, los, strict=True)]
    return fit(replaced(replaced(table, "amount_claimed", amounts), "amount_paid", amounts))


def test_the_rates_are_found_with_what_tells_them_apart(by_the_day):
    rates = by_the_day.money.day_rates
    assert rates.variable == "facility_class"
    assert dict(zip(by_the_day.vocabularies["facility_class"], rates.rates, strict=True)) == RATE


def test_a_stay_costs_its_price_and_its_days(by_the_day):
    drawn = Sampler(by_the_day).draw_claims(5, np.arange(20_000))
    done, kind, los, amounts = (
        drawn[n].to_pylist() for n in ("procedure_code", "facility_class", "los", "amount_claimed")
    )
    due = [
        LISTED[code if code in LISTED else None] + RATE[house] * days
        for code, house, days in zip(done, kind, los, strict=True)
    ]
    assert np.mean(np.abs(np.array(amounts) - due) < 0.01) > 0.97


@pytest.mark.slow
def test_there_are_none_where_days_cost_nothing(tariff_profile):
    assert tariff_profile.money.day_rates is None
    assert '"day_rates"' not in tariff_profile.to_json()  # as profiles were before: their hashes stay


@pytest.mark.slow
def test_what_costs_nothing_stays_so_whatever_the_stay(fit):
    g = np.random.default_rng(6)
    table = tariff_table(12_000, seed=3)
    done, los = (np.array(table[n].to_pylist(), object) for n in ("procedure_code", "los"))
    amounts = np.array([LISTED[code] for code in done]) + 95.0 * los.astype(float)
    amounts[g.random(len(amounts)) < 0.1] = 0.0
    profile = fit(replaced(replaced(table, "amount_claimed", amounts), "amount_paid", amounts))
    assert (profile.money.day_rates.variable, profile.money.day_rates.rates) == (None, (95.0,))
    drawn = Sampler(profile).draw_claims(5, np.arange(10_000))
    free = drawn["amount_claimed"].to_numpy() == 0
    assert 0.08 < free.mean() < 0.12
    assert (drawn["los"].to_numpy()[free] > 0).any()


@pytest.mark.slow
def test_days_that_cost_a_share_of_the_price_have_no_rate(fit):
    table = tariff_table(12_000, seed=3)
    amounts = np.rint(table["amount_claimed"].to_numpy() * (1 + 0.06 * table["los"].to_numpy()) / 100) * 100
    assert fit(replaced(replaced(table, "amount_claimed", amounts), "amount_paid", amounts)).money.day_rates is None


def test_a_document_whose_rates_are_not_of_their_column_is_refused(by_the_day):
    document = json.loads(by_the_day.to_json())
    document["money"]["day_rates"]["rates"].append(1.0)
    with pytest.raises(ProfileError, match="rates by the day"):
        Profile.from_json(json.dumps(document))


A_DAY = {"741": 1800.0, "8751": 950.0, "9904": 2700.5, None: 620.0}
HOUSE = {"RS Kelas C": 1.0, "RS Kelas B": 1.1, "RS Khusus Ibu dan Anak": 1.25}


def due(table, visit=450.0):
    """A stay costs so much a day by what was done, times the factor of its house, and a visit the same for all."""
    done, house, los = (table[n].to_pylist() for n in ("procedure_code", "facility_class", "los"))
    amounts = [A_DAY.get(code, A_DAY[None]) * HOUSE[kind] for code, kind in zip(done, house, strict=True)]
    return np.round(np.where(np.array(los) > 0, np.array(amounts) * np.maximum(los, 1), visit), 2)


def with_both(table, amounts):
    return replaced(replaced(table, "amount_claimed", amounts), "amount_paid", amounts)


@pytest.fixture(scope="module")
def of_a_day(fit):
    table = tariff_table(12_000, seed=3)
    inpatient = np.array(table["service_type"].to_pylist()) == "RITL"
    table = replaced(table, "los", np.where(inpatient, np.maximum(table["los"].to_numpy(), 1), 0))
    return fit(with_both(table, due(table)))


@pytest.mark.slow
def test_a_stay_that_costs_its_days_times_a_price_is_drawn_so(of_a_day):
    assert of_a_day.money.day_rates is None
    assert any(tariff.by_day for tariff in of_a_day.money.tariffs)
    drawn = Sampler(of_a_day).draw_claims(5, np.arange(20_000))
    right = np.abs(drawn["amount_claimed"].to_numpy() - due(drawn)) < 0.011
    assert right.mean() > 0.97
    assert right[drawn["los"].to_numpy() >= 4].mean() > 0.9
    given = drawn.select([n for n in drawn.column_names if not n.startswith("amount_")])
    money = Sampler(of_a_day).draw_money(9, np.arange(20_000), given)
    assert np.mean(np.abs(money["amount_claimed"].to_numpy() - due(drawn)) < 0.011) > 0.97


ALIKE = (
    "procedure_code",
    "dx_primary_code",
    "facility_class",
    "facility_ownership",
    "province_name",
    "severity_group",
)


@pytest.mark.parametrize("second", [300_000.0, 900_000.0])
def test_of_the_stays_of_one_person_it_is_not_told_whether_they_cost_by_the_day(fit, second):
    """Six thousand visits, and two stays of one person, of one day and of three."""
    table = tariff_table(6000, seed=3)
    los, amounts = np.zeros(6000), np.full(6000, 450.0)
    los[:2], amounts[:2] = (1, 3), (300_000.0, second)
    for name, values in (
        ("los", los.astype(int)),
        ("service_type", ["RITL" if days else "RJTL" for days in los]),
        ("patient_id_hash", ["she"] * 2 + [f"P{i}" for i in range(2, 6000)]),
        *((name, [table[name][0].as_py()] * 6000) for name in ALIKE),
    ):
        table = replaced(table, name, values)
    profile = fit(with_both(table, amounts))
    assert not any(tariff.by_day for tariff in profile.money.tariffs)


@pytest.mark.parametrize(("houses", "told"), [(1, False), (6, True)])
@pytest.mark.parametrize("usual", [1, pytest.param(4, marks=pytest.mark.slow)])
def test_of_the_stays_of_one_house_it_is_not_told_whether_they_cost_by_the_day(fit, usual, houses, told):
    """All others' are of one length."""
    g = np.random.default_rng(4)
    table, house, person = tariff_table(6000, seed=3), np.arange(6000) % 6, np.arange(6000)
    days = np.where((house < houses) & (g.random(6000) < 0.6), g.integers(2, 4, 6000), usual)
    for name, values in (
        ("los", days),
        ("discharge_dt", table["admit_dt"].to_numpy() + days),
        ("service_type", ["RITL"] * 6000),
        ("facility_id", [f"RS{i}" for i in house]),
        ("patient_id_hash", [f"P{i}" for i in person]),
        *((name, [table[name][0].as_py()] * 6000) for name in ALIKE),
        ("procedure_code", [str(30 + i) for i in g.integers(0, 12, 6000)]),
    ):
        table = replaced(table, name, values)
    price = np.array([int(code) * 17_000.0 for code in table["procedure_code"].to_pylist()])
    profile = fit(with_both(table, price * days))
    assert any(tariff.by_day for tariff in profile.money.tariffs) == told


@pytest.mark.many(daily=2)
@pytest.mark.parametrize(("days", "as_days"), [(-2, 1), (0, 1), (3, 3), (5000, 3660)])
def test_a_given_stay_of_any_length_has_a_price(of_a_day, days, as_days):
    sampler, rows = Sampler(of_a_day), np.arange(500)
    claims = sampler.draw_claims(5, rows)
    claims = claims.filter(pc.equal(claims["service_type"], "RITL"))
    kept = claims.select([n for n in claims.column_names if not n.startswith(("amount_", "admit", "discharge"))])
    rows = np.arange(kept.num_rows)
    one, other = (
        sampler.draw_money(9, rows, replaced(kept, "los", [given] * len(rows)))["amount_claimed"].to_numpy()
        for given in (days, 1)
    )
    ceiling = of_a_day.money.ceiling
    assert (one <= np.maximum(ceiling, other)).all()
    below = other * as_days < ceiling
    assert below.any() == (days < 5000)
    times = one / other
    listed = np.abs(times - np.rint(times)) < 1e-3
    assert listed.mean() > 0.9
    assert (np.rint(times)[listed & below] == as_days).all()


@pytest.mark.slow
def test_a_stay_of_ten_years_is_none(fit):
    table = tariff_table(4000).drop_columns(["los"])
    leaves = table["discharge_dt"].to_pylist()
    leaves[7] = leaves[7] + timedelta(days=4000)
    profile = fit(replaced(table, "discharge_dt", leaves))
    assert max(profile.bins["los"].hi) < 100
