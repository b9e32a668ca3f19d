"""Prices that grow with the stay: found where they are, and nowhere else."""

import numpy as np
import pytest

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


def test_the_rates_are_found(by_the_day):
    assert set(by_the_day.money.tariff.rates) == set(RATE.values())


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


def test_there_are_none_where_days_cost_nothing(tariff_profile):
    assert tariff_profile.money.tariff.rates == ()
    assert '"rates"' not in tariff_profile.to_json()  # as profiles were before: their hashes stay
