"""What multiplies prices once they are rounded: found where houses charge so, and what is paid of the price before."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from claims_sim.errors import ProfileError
from claims_sim.profile.counts.counting import Population
from claims_sim.profile.crossing import describe_crossing
from claims_sim.profile.document import Profile
from claims_sim.profile.prices.lattice import Lattice
from claims_sim.profile.prices.mark_ups import before_mark_ups, find_mark_ups
from claims_sim.profile.prices.pricing import place_on_lists
from claims_sim.profile.sampler import Sampler
from claims_sim_tests.profile.tables import DX, pick, replaced, tariff_table

ROWS = 12_000
PLACES = {"JAWA TIMUR": 1.0, "BALI": 1.05, "PAPUA": 1.1, "ACEH": 1.02, "RIAU": 0.95}
CLASSES = {"RS Kelas C": 1.0, "RS Kelas B": 1.12, "RS Khusus Ibu dan Anak": 0.9}
MARKED = {"RS Kelas B": 0.5, "RS Khusus Ibu dan Anak": 0.9}
"""The share of the visits to each class that are charged more than the price."""


def marked_table(paid_of_price=True, times=(1.1, 1.25), by_owner=0.0, of="RJTL"):
    """Some visits (or what else service there is) of some classes are charged their price, in whole thousands, and a tenth or a quarter
    more; or it is this share of what private houses do. Of two in five 137 are the patient's: of the price, or of what is charged. A
    hundred diagnoses are too many for each house and place to be told.
    """
    g = np.random.default_rng(11)
    table = tariff_table(ROWS, seed=3)
    dx = pick(g, 100, ROWS, 0.5)
    place, kind, service = (
        np.array(table[n].to_pylist(), object) for n in ("province_name", "facility_class", "service_type")
    )
    price = 200_000 * 1.021**dx * np.array([PLACES[one] for one in place]) * np.array([CLASSES[one] for one in kind])
    price = np.rint(price * np.where(service == "RJTL", 1.0, 7.5) / 1000) * 1000
    marked = g.random(ROWS) < np.array([MARKED.get(one, 0.0) for one in kind]) * (service == of)
    if by_owner:
        marked = (
            (g.random(ROWS) < by_owner)
            & (np.array(table["facility_ownership"].to_pylist(), object) == "Swasta")
            & (service == of)
        )
    charged = np.where(marked, np.rint(price * g.choice(times, ROWS, p=(0.6, 0.4))), price)
    due = price if paid_of_price else charged
    paid = np.where(g.random(ROWS) < 0.4, due - 137, due)
    table = replaced(table, "dx_primary_code", [DX[20 * code] for code in dx.tolist()])
    return replaced(replaced(table, "amount_claimed", charged), "amount_paid", paid), price, marked


@pytest.fixture(scope="module")
def marked(fit):
    return fit(marked_table()[0])


def times_of(profile):
    return sorted({round(times, 4) for tariff in profile.money.tariffs for _, times in tariff.mark_ups})


def test_multiples_of_rounded_prices_are_told_as_such(marked):
    assert times_of(marked) == [1.1, 1.25]
    told = dict(describe_crossing(marked).money)
    assert told["multiples of rounded prices"] == 2
    assert "rules of payment that follow from prices before they are multiplied" in told


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


@pytest.mark.slow
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


@pytest.mark.slow
def test_what_most_of_an_owners_claims_are_multiplied_by_is_no_factor_where_it_is_of_rounded_prices(fit):
    profile = fit(marked_table(times=(1.25, 1.25), by_owner=0.97)[0])
    assert times_of(profile) == [1.25]
    factors = [
        np.exp(tariff.factors["facility_ownership"])
        for tariff in profile.money.tariffs
        if "facility_ownership" in tariff.factors
    ]
    assert all(np.ptp(one) < 0.01 for one in factors)


def one_case(level, levels=(1.0,), owner=None, factor=1.0):
    """A list of one case at 300,000, whose prices lie on hundreds, as it is placed; the second owner's claims lie off it."""
    rows = len(level)
    owner = np.zeros(rows, np.int32) if owner is None else owner
    found = Lattice(
        case_names=("dx_primary_code",), case_sizes=(1,), grid=100.0, codes={"facility_ownership": owner},
        factors={"facility_ownership": np.log([1.0, factor])}, levels=np.log(levels), case_keys=np.zeros(1, np.int64),
        case=np.zeros(rows, np.int64), bases=np.log([300_000.0]), base_start=np.array([0, 1]),
    )  # fmt: skip
    found.point = np.where(owner == 0, 0, -1).astype(np.int32)
    found.level = np.where(owner == 0, level, 0).astype(np.int32)
    return found


def everybody(rows):
    return Population(rows, 11, np.arange(rows) + 1, np.arange(rows) % 50 + 1)


def test_multiples_are_of_the_price_of_a_hidden_level():
    g = np.random.default_rng(1)
    ward, rows = g.integers(0, 2, 2000), 2000
    marked = g.random(rows) < 0.3
    amounts = np.rint(np.array([300_000, 420_000])[ward] * np.where(marked, 1.1, 1.0))
    found = one_case(ward, (1.0, 1.4))
    find_mark_ups(found, amounts, everybody(rows), 1.0)
    assert found.mark_ups.tolist() == [1.1, 1.1]
    assert found.marked_levels.tolist() == [0, 1]
    assert (found.mark_up > 0).tolist() == marked.tolist()
    assert (np.abs(found.prices(np.arange(rows)) * np.where(marked, 1.1, 1.0) - amounts) < 0.5).all()


def test_who_bears_just_a_price_stays_on_the_list_where_a_factor_is_taken_away():
    g = np.random.default_rng(2)
    rows = 4000
    owner, ward = (np.arange(rows) % 2).astype(np.int32), g.integers(0, 2, rows)
    amounts = np.array([300_000.0, 420_000.0])[ward]
    marked = (owner == 1) & (ward == 0) & (g.random(rows) < 0.6)
    amounts[marked] = 375_000
    found = one_case(ward, (1.0, 1.4), owner, factor=1.07)
    find_mark_ups(found, amounts, everybody(rows), 1.0)
    assert np.exp(found.factors["facility_ownership"]).tolist() == [1.0, 1.0]
    assert found.mark_ups.tolist() == [1.25]
    assert (found.level == ward).all()


def test_amounts_that_are_rounded_as_coarsely_are_no_multiples():
    g = np.random.default_rng(3)
    rows = 4000
    amounts = np.where(g.random(rows) < 0.5, 300_000.0, 1000.0 * g.integers(150, 900, rows))
    found = one_case(np.zeros(rows, np.int32))
    found.point[amounts != 300_000] = -1
    find_mark_ups(found, amounts, everybody(rows), 1.0)
    assert found.mark_ups.tolist() == []
    assert ((found.point >= 0) == (amounts == 300_000)).all()


def decided(extra, persons, paid_of_price=400):
    """Are payments of the price, where so many marked claims are, and `extra` ones of charges, all of as many persons?"""
    rows = 2000 + paid_of_price + extra
    marked = np.arange(rows) >= 2000
    claimed = np.where(marked, 330_000.0, 300_000.0)
    paid = np.where(np.arange(rows) < 2000 + paid_of_price, 300_000.0, claimed)
    found = one_case(np.zeros(rows, np.int32))
    found.mark_up, found.mark_ups = marked.astype(np.int32), np.array([1.1])
    person = np.arange(rows) + 1
    person[rows - extra :] = rows - extra + np.arange(extra) % max(persons, 1) + 1
    population = Population(rows, 11, person, np.arange(rows) % 60 + 1)
    encoded = SimpleNamespace(claimed=claimed, paid=paid, population=population)
    return before_mark_ups([found], encoded, np.zeros(rows)) is not None


def test_nobodys_many_claims_say_what_payments_follow_from():
    assert decided(0, 1)
    assert decided(450, 1)
    assert not decided(450, 450)
    assert not decided(0, 1, paid_of_price=10)  # too few to be told


@pytest.mark.slow
def test_what_days_add_is_no_part_of_what_is_multiplied(fit):
    table = marked_table(of="RITL")[0]
    days = 1370.0 * table["los"].to_numpy()
    more = [table[name].to_numpy() + days for name in ("amount_claimed", "amount_paid")]
    profile = fit(replaced(replaced(table, "amount_claimed", more[0]), "amount_paid", more[1]))
    assert times_of(profile) == [1.1, 1.25]
    assert profile.money.day_rates.rates == (1370.0,)
    drawn = Sampler(profile).draw_claims(5, np.arange(ROWS))
    los, paid = drawn["los"].to_numpy(), drawn["amount_paid"].to_numpy()
    whole = [
        np.mean((amounts - 1370.0 * stay) % 1000 == 0)
        for amounts, stay in ((more[1], table["los"].to_numpy()), (paid, los))
    ]
    assert whole[1] == pytest.approx(whole[0], abs=0.05)
    assert (drawn["amount_paid"].to_numpy() <= drawn["amount_claimed"].to_numpy()).all()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda money, tariff: tariff.update(mark_ups=[]), "does not fit the prices"),
        (lambda money, tariff: tariff.update(mark_ups=[[0, 1e12], [0, 1.1]]), "less than or equal to 4"),
        (lambda money, tariff: tariff.update(mark_ups=[[0, 1.0], [0, 1.1]]), "multiply nothing"),
        (lambda money, tariff: tariff.update(mark_ups=[[99, 1.1], [0, 1.25]]), "no level of it"),
        (lambda money, tariff: money.update(points=money["points"] - 1), "does not fit the prices"),
        (lambda money, tariff: money.update(has_both=False), "there are none of"),
    ],
)  # fmt: skip
def test_a_document_whose_multiples_do_not_fit_is_refused(marked, change, says):
    document = json.loads(marked.to_json())
    tariff = next(one for one in document["money"]["tariffs"] if one.get("mark_ups"))
    change(document["money"], tariff)
    with pytest.raises(ProfileError, match=says):
        Profile.from_json(json.dumps(document))


def test_what_few_persons_bear_takes_no_factor_away():
    rows = 4000
    owner = (np.arange(rows) % 2).astype(np.int32)
    found = one_case(np.zeros(rows, np.int32), owner=owner, factor=1.07)
    person = np.where(owner == 0, np.arange(rows) + 1, np.arange(rows) % 9 + rows + 1)
    find_mark_ups(found, np.full(rows, 300_000.0), Population(rows, 11, person, np.arange(rows) % 50 + 1), 1.0)
    assert np.exp(found.factors["facility_ownership"]).tolist() == pytest.approx([1.0, 1.07])


def test_a_multiple_of_a_level_that_few_persons_bear_is_not_told():
    rows = 3000
    ward, marked = (np.arange(rows) % 10 == 0).astype(np.int32), np.arange(rows) % 3 == 0
    amounts = np.rint(np.array([300_000, 420_000])[ward] * np.where(marked, 1.1, 1.0))
    person = np.where((ward == 1) & marked, np.arange(rows) % 7 + rows + 1, np.arange(rows) + 1)
    found = one_case(ward, (1.0, 1.4))
    find_mark_ups(found, amounts, Population(rows, 11, person, np.arange(rows) % 50 + 1), 1.0)
    assert (found.marked_levels.tolist(), found.mark_ups.tolist()) == ([0], [1.1])


@pytest.mark.slow
def test_what_is_charged_below_the_price_is_paid_as_charged(fit):
    table, price, _ = marked_table(times=(0.8, 1.25))
    charged = table["amount_claimed"].to_numpy()
    left = np.where(np.random.default_rng(4).random(ROWS) < 0.4, 137, 0)
    profile = fit(replaced(table, "amount_paid", np.minimum(charged, price) - left))
    assert times_of(profile) == [0.8, 1.25]
    assert profile.money.paid_before_mark_ups
    drawn = Sampler(profile).draw_claims(5, np.arange(ROWS))
    claimed = drawn["amount_claimed"].to_numpy()
    unpaid, of_real = claimed - drawn["amount_paid"].to_numpy(), charged - np.minimum(charged, price) + left
    of_marked, of_real_marked = (
        np.mean(some[a % 1000 != 0] == 137) for some, a in ((unpaid, claimed), (of_real, charged))
    )
    assert of_marked == pytest.approx(of_real_marked, abs=0.1)
    assert of_real_marked > 0.2


def test_to_what_is_multiplied_nothing_is_added(marked):
    document = json.loads(marked.to_json())
    for tariff in document["money"]["tariffs"]:
        tariff["top_ups"] = [55_000.0]
    always = {"contexts": [], "cells": [1], "values": [1], "units": [9]}
    document["tables"]["top_up"] = {
        "name": "top_up", "size": 3, "parents": [], "sizes": [], "levels": [always], "has_pools": True,
    }  # fmt: skip
    rows = np.arange(4000)
    before, after = (
        Sampler(profile).draw_claims(5, rows)["amount_claimed"].to_numpy()
        for profile in (marked, Profile.from_json(json.dumps(document)))
    )
    # A price is in thousands, and so is a quarter more of some.
    is_marked = before % 1000 != 0
    assert set((after - before)[is_marked].tolist()) == {0.0}
    assert np.mean((after - before)[~is_marked] == 55_000) > 0.9


def test_of_what_is_multiplied_no_table_says_what_is_added():
    found = one_case(np.zeros(6, np.int32), (1.0, 1.4))
    found.top_ups, found.top_up = np.array([500.0]), np.array([0, 1, 0, 0, 1, 0], np.int32)
    found.mark_ups, found.marked_levels = np.array([1.1, 1.25]), np.zeros(2, np.int32)
    found.mark_up = np.array([0, 0, 1, 2, 0, 0], np.int32)
    places = place_on_lists([found], 6)
    assert places.top_up.tolist() == [0, 1, -1, -1, 1, 0]
    assert places.code.tolist() == [0, 0, 2, 3, 0, 0]
