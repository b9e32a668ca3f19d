"""What multiplies prices once they are rounded: found where houses charge so, and what is paid of the price before."""

import numpy as np
import pytest

from claims_sim.profile.crossing import describe_crossing
from claims_sim.profile.sampler import Sampler
from claims_sim_tests.profile.tables import DX, pick, replaced, tariff_table

ROWS = 12_000
PLACES = {"JAWA TIMUR": 1.0, "BALI": 1.05, "PAPUA": 1.1, "ACEH": 1.02, "RIAU": 0.95}
CLASSES = {"RS Kelas C": 1.0, "RS Kelas B": 1.12, "RS Khusus Ibu dan Anak": 0.9}
MARKED = {"RS Kelas B": 0.5, "RS Khusus Ibu dan Anak": 0.9}
"""The share of the visits to each class that are charged more than the price."""


def marked_table(paid_of_price=True, times=(1.1, 1.25), by_owner=0.0):
    """Some visits of some classes are charged their price, in whole thousands, and a tenth or a quarter more. Of two in five 137
    are the patient's: of the price, or of what is charged. A hundred diagnoses are too many for each house and place to be told.
    Or it is this share of what private houses do.
    """
    g = np.random.default_rng(11)
    table = tariff_table(ROWS, seed=3)
    dx = pick(g, 100, ROWS, 0.5)
    place, kind, service = (
        np.array(table[n].to_pylist(), object) for n in ("province_name", "facility_class", "service_type")
    )
    price = 200_000 * 1.021**dx * np.array([PLACES[one] for one in place]) * np.array([CLASSES[one] for one in kind])
    is_visit = service == "RJTL"
    price = np.rint(price * np.where(is_visit, 1.0, 7.5) / 1000) * 1000
    marked = g.random(ROWS) < np.array([MARKED.get(one, 0.0) for one in kind]) * is_visit
    if by_owner:
        marked = (
            (g.random(ROWS) < by_owner)
            & (np.array(table["facility_ownership"].to_pylist(), object) == "Swasta")
            & is_visit
        )
    charged = np.where(marked, np.rint(price * g.choice(times, ROWS, p=(0.6, 0.4))), price)
    of = price if paid_of_price else charged
    paid = np.where(g.random(ROWS) < 0.4, of - 137, of)
    table = replaced(table, "dx_primary_code", [DX[20 * code] for code in dx.tolist()])
    return replaced(replaced(table, "amount_claimed", charged), "amount_paid", paid), price, marked


@pytest.fixture(scope="module")
def marked(fit):
    return fit(marked_table()[0])


def times_of(profile):
    return sorted({round(times, 4) for tariff in profile.money.tariffs for times in tariff.mark_ups})


def test_multiples_of_rounded_prices_are_told_as_such(marked):
    assert times_of(marked) == [1.1, 1.25]
    assert "multiples of rounded prices" in dict(describe_crossing(marked).money)


def test_claims_are_charged_multiples_where_others_are_and_paid_of_the_price(marked):
    assert marked.money.paid_before_mark_ups
    real = marked_table()[0]
    drawn = Sampler(marked).draw_claims(5, np.arange(ROWS))
    left, of_real = (t["amount_claimed"].to_numpy() - t["amount_paid"].to_numpy() for t in (drawn, real))
    kind, kind_of_real = (np.array(t["facility_class"].to_pylist(), object) for t in (drawn, real))
    for one in np.unique(kind_of_real):
        more, of_real_more = left[kind == one] > 137, of_real[kind_of_real == one] > 137
        assert more.mean() == pytest.approx(of_real_more.mean(), abs=0.08), one
        assert of_real_more.any() == (one in MARKED)
    claimed, paid = (drawn[name].to_numpy() for name in ("amount_claimed", "amount_paid"))
    price = np.where(paid % 1000 == 0, paid, paid + 137)
    is_one = np.any([np.abs(claimed - np.rint(price * times)) < 0.5 for times in (1, 1.1, 1.25)], axis=0)
    assert np.mean(is_one & (price % 1000 == 0)) > 0.95


def test_what_is_paid_of_the_charges_follows_from_these(fit):
    profile = fit(marked_table(paid_of_price=False)[0])
    assert times_of(profile) == [1.1, 1.25]
    assert not profile.money.paid_before_mark_ups


def test_there_are_none_where_charges_are_just_the_prices(tariff_profile):
    assert times_of(tariff_profile) == []
    assert '"mark_ups"' not in tariff_profile.to_json()  # as profiles were before: their hashes stay


def test_a_multiple_that_too_few_persons_bear_is_not_told(fit):
    table, price, marked = marked_table(times=(1.1, 1.1))
    charged, persons = table["amount_claimed"].to_numpy().copy(), np.array(table["patient_id_hash"].to_pylist(), object)
    few = np.flatnonzero(marked)[:400]
    charged[few] = np.rint(price[few] * 1.37)
    persons[few] = np.array([f"{number % 9:064x}" for number in range(len(few))])
    profile = fit(replaced(replaced(table, "amount_claimed", charged), "patient_id_hash", persons.tolist()))
    assert times_of(profile) == [1.1]


def test_what_most_of_an_owners_claims_are_multiplied_by_is_no_factor_where_it_is_of_rounded_prices(fit):
    profile = fit(marked_table(times=(1.25, 1.25), by_owner=0.97)[0])
    assert times_of(profile) == [1.25]
    factors = [
        np.exp(tariff.factors["facility_ownership"])
        for tariff in profile.money.tariffs
        if "facility_ownership" in tariff.factors
    ]
    assert all(np.ptp(one) < 0.01 for one in factors)
