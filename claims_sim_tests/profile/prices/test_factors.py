"""Factors of prices as pairs of rows show them, on codes alone."""

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest

from claims_sim.profile.prices.factors import Way, global_factors
from claims_sim.profile.prices.ratios import factor_by_ratios

ROWS, MANY = 12_000, 20_000
RATES = np.linspace(1.0, 1.3, 15)


def priced(by):
    """Claims of 20,000 diagnoses, 40 procedures and 15 owners, priced by what was done or by the diagnosis, times the owner's rate."""
    g = np.random.default_rng(5)
    codes = {
        "dx_primary_code": g.integers(0, MANY, ROWS).astype(np.int32),
        "procedure_code": g.integers(0, 40, ROWS).astype(np.int32),
        "facility_ownership": g.integers(0, 15, ROWS).astype(np.int32),
    }
    sizes = {"dx_primary_code": MANY, "procedure_code": 40, "facility_ownership": 15}
    weight = np.random.default_rng(6).lognormal(13, 0.8, MANY)[codes[by]]
    price = np.rint(weight * RATES[codes["facility_ownership"]])
    encoded = SimpleNamespace(
        codes=codes, vocabularies={name: tuple(map(str, range(size))) for name, size in sizes.items()}
    )
    return encoded, np.log(price), 0.5 / price


def test_where_what_was_done_decides_the_price_rows_of_other_diagnoses_are_compared():
    encoded, logs, tolerance = priced("procedure_code")
    factors, _ = global_factors(encoded, logs, tolerance, np.ones(ROWS, np.bool_))
    found = np.exp(factors["facility_ownership"])
    assert found / found[0] == pytest.approx(RATES, rel=1e-4)


def test_where_most_claims_have_nothing_done_diagnoses_are_not_left_aside():
    encoded, logs, tolerance = priced("procedure_code")
    encoded.vocabularies["procedure_code"] = (*map(str, range(39)), None)
    most = np.arange(ROWS) % 3 > 0
    encoded.codes["procedure_code"] = np.where(most, 39, encoded.codes["procedure_code"]).astype(np.int32)
    factors, _ = global_factors(encoded, logs, tolerance, np.ones(ROWS, np.bool_))
    assert "facility_ownership" not in factors


def test_places_that_are_seldom_compared_are_held_to_what_claims_like_those_show():
    """Visits have a price in each place, stays three at random (a ward that no column tells); in most places there are hardly any
    visits, and of each diagnosis a stay or two.
    """
    g, rows, places = np.random.default_rng(8), 20_000, 25
    visit = g.random(rows) < 0.7
    place = np.where(visit & (g.random(rows) < 0.97), 0, g.integers(0, places, rows)).astype(np.int32)
    diagnosis = np.where(visit, g.integers(0, 30, rows), 30 + g.integers(0, 900, rows)).astype(np.int32)
    rates = np.linspace(1.0, 1.3, places)
    ward = np.where(visit, 1.0, g.choice([1.0, 1.2, 1.45, 1.7], rows))
    weight = np.random.default_rng(9).lognormal(13, 0.8, 930)
    price = np.rint(weight[diagnosis] * rates[place] * ward)
    vocabularies = {"dx_primary_code": 930, "facility_ownership": places}
    encoded = SimpleNamespace(
        codes={"dx_primary_code": diagnosis, "facility_ownership": place},
        vocabularies={name: tuple(map(str, range(size))) for name, size in vocabularies.items()},
    )
    factors, _ = global_factors(encoded, np.log(price), 0.5 / price, np.ones(rows, np.bool_))
    found = np.exp(factors["facility_ownership"])
    assert found / found[0] == pytest.approx(rates, rel=1e-4)


def test_prices_that_are_clear_must_agree_more_often_than_those_that_are_not():
    """Visits to three owners have a price each, which is the same multiple in one diagnosis of four alone; stays at one of
    them and at the others have the owner's rate, and one of five wards that no column tells.
    """
    g, rows = np.random.default_rng(12), 30_000
    visit = g.random(rows) < 0.4
    owner = np.where(visit, g.integers(0, 3, rows), g.choice([0, 3, 4, 5, 6, 7, 8], rows)).astype(np.int32)
    diagnosis = np.where(visit, g.integers(0, 400, rows), 400 + g.integers(0, 4000, rows)).astype(np.int32)
    weight = np.random.default_rng(13).lognormal(13, 0.8, 4400)
    own = np.random.default_rng(14).uniform(0.7, 1.5, (4400, 3))
    own[::4] = [1.0, 1.1, 0.9]
    rate = np.where(visit, own[diagnosis, np.minimum(owner, 2)], np.linspace(1.0, 1.3, 9)[owner])
    ward = np.where(visit, 1.0, g.choice([1.0, 1.2, 1.45, 1.7, 2.1], rows))
    price = np.rint(weight[diagnosis] * rate * ward)
    encoded = SimpleNamespace(
        codes={"dx_primary_code": diagnosis, "facility_ownership": owner},
        vocabularies={"dx_primary_code": tuple(map(str, range(4400))), "facility_ownership": tuple("abcdefghi")},
    )
    factors, _ = global_factors(encoded, np.log(price), 0.5 / price, np.ones(rows, np.bool_))
    assert "facility_ownership" not in factors


def houses(owner_of, class_of, share, rate, prices=40, rows=12_000):
    """Claims of houses, each with an owner, a class, its share of the claims, and its rate in each of so many lists of prices."""
    g = np.random.default_rng(15)
    house = g.choice(len(share), rows, p=share)
    codes = {
        "dx_primary_code": g.integers(0, prices, rows).astype(np.int32),
        "facility_ownership": np.array(owner_of, np.int32)[house],
        "facility_class": np.array(class_of, np.int32)[house],
    }
    rate = np.array(rate)[house]
    price = np.rint(np.random.default_rng(16).lognormal(13, 0.8, prices)[codes["dx_primary_code"]] * rate)
    sizes = {"dx_primary_code": prices, "facility_ownership": max(owner_of) + 1, "facility_class": max(class_of) + 1}
    vocabularies = {name: tuple(map(str, range(size))) for name, size in sizes.items()}
    return SimpleNamespace(codes=codes, vocabularies=vocabularies), price, rate


@pytest.mark.parametrize("small", [False, True])
def test_classes_all_of_whose_houses_have_one_owner_are_compared_by_the_other_classes_owners(small):
    """Each class and each owner has a rate; the state owns all houses of class A, `small` ones of class D among them, and no other."""
    owners, classes, share, rate = (
        [0, 1, 2, 1, 2],
        [0, 1, 1, 2, 2],
        [0.3, 0.25, 0.15, 0.2, 0.1],
        [1.46, 1.22, 1.2566, 1, 1.03],
    )
    if small:
        owners, classes, share, rate = [*owners, 0], [*classes, 3], [0.2, *share[1:], 0.1], [*rate, 0.8]
    encoded, price, rate = houses(owners, classes, share, rate)
    factors, failed = global_factors(encoded, np.log(price), 0.5 / price, np.ones(len(price), np.bool_))
    assert failed == []
    found = np.exp(sum(np.nan_to_num(logs)[encoded.codes[name]] for name, logs in factors.items()))
    assert found / rate == pytest.approx(np.full(len(rate), found[0] / rate[0]), rel=1e-4)


@pytest.mark.parametrize(("alone", "found"), [(0.3, True), (0.6, False)])
def test_a_factor_is_one_of_claims_at_least_half_of_which_can_be_compared(alone, found):
    g, rows = np.random.default_rng(19), 6000
    value = np.where(g.random(rows) < alone, g.integers(2, 10, rows), g.random(rows) < 0.4).astype(np.int32)
    case = g.integers(0, 40, rows) + 40 * np.maximum(value - 1, 0)
    price = np.rint(np.random.default_rng(18).lognormal(13, 0.8, 360)[case] * np.where(value == 1, 1.1, 1.0))
    factor = factor_by_ratios(case, value, 10, np.log(price), 0.5 / price)
    assert (factor is not None) == found
    if found:
        assert np.exp(factor[1] - factor[0]) == pytest.approx(1.1, rel=1e-5)
        assert np.isnan(factor[2:]).all()


@pytest.mark.parametrize("across", [0.0, 0.5])
def test_values_that_only_come_beside_each_other_are_compared_with_each_other(across):
    """Two values come with half of the cases and two with the others; in some cases all four do, at prices that follow from nothing."""
    g, rows = np.random.default_rng(21), 6000
    value = g.choice(4, rows, p=[0.35, 0.3, 0.2, 0.15]).astype(np.int32)
    case = g.integers(0, 40, rows) + 40 * (value > 1)
    beside = g.random(rows) < across
    price = np.rint(np.random.default_rng(18).lognormal(13, 0.8, 80)[case] * np.array([1.0, 1.1, 1.0, 1.3])[value])
    any_price = np.rint(np.random.default_rng(22).lognormal(13, 0.8, (40, 4))[case % 40, value])
    case, price = np.where(beside, 80 + case % 40, case), np.where(beside, any_price, price)
    factor = factor_by_ratios(case, value, 4, np.log(price), 0.5 / price)
    if across:
        assert factor is None
    else:
        assert np.exp(factor) == pytest.approx([1.0, 1.1, 1.0, 1.3], rel=1e-5)


def test_owners_who_multiply_each_others_prices_in_two_sectors_of_prices_of_their_own_are_no_factor():
    g, rows = np.random.default_rng(17), 12_000
    owner, diagnosis = g.integers(0, 6, rows).astype(np.int32), g.integers(0, 40, rows).astype(np.int32)
    base = np.random.default_rng(18).lognormal(13, 0.8, (40, 2))[diagnosis, owner // 3]
    price = np.rint(base * np.array([1.0, 1.15, 1.3, 1.0, 1.08, 1.17])[owner])
    vocabularies = {"dx_primary_code": tuple(map(str, range(40))), "facility_ownership": tuple("abcdef")}
    encoded = SimpleNamespace(
        codes={"dx_primary_code": diagnosis, "facility_ownership": owner}, vocabularies=vocabularies
    )
    factors, failed = global_factors(encoded, np.log(price), 0.5 / price, np.ones(rows, np.bool_))
    assert not factors
    assert failed == ["facility_ownership"]


@dataclass(frozen=True)
class Encoding:
    """What of an encoded table factors are sought in."""

    codes: dict
    vocabularies: dict
    rows: int


def test_where_each_price_changes_in_its_own_way_rows_of_one_quarter_show_what_places_multiply_by():
    """Each month every diagnosis has another price; few claims have one and the same."""
    g, rows = np.random.default_rng(10), 40_000
    sizes = {"dx_primary_code": 800, "facility_class": 4, "admit_month": 24}
    codes = {name: g.integers(0, size, rows).astype(np.int32) for name, size in sizes.items()}
    classes = np.array([1.0, 1.08, 1.29, 1.62])
    lists = np.random.default_rng(11).lognormal(13, 0.8, (800, 24))
    price = np.rint(lists[codes["dx_primary_code"], codes["admit_month"]] * classes[codes["facility_class"]])
    encoded = Encoding(codes, {name: tuple(map(str, range(size))) for name, size in sizes.items()}, rows)
    amounts, everything = (np.log(price), 0.5 / price), np.ones(rows, np.bool_)
    plainly, _ = global_factors(encoded, *amounts, everything)
    assert "facility_class" not in plainly
    factors, _ = global_factors(encoded, *amounts, everything, way=Way(at_one_time=True))
    found = np.exp(factors["facility_class"])
    assert found / found[0] == pytest.approx(classes, rel=1e-4)


def test_what_is_to_be_part_of_the_case_is_no_factor():
    encoded, logs, tolerance = priced("procedure_code")
    encoded.vocabularies["facility_ownership"] = encoded.vocabularies["facility_ownership"][:12]
    encoded.codes["facility_ownership"] %= 12
    everything = np.ones(ROWS, np.bool_)
    factors, failed = global_factors(encoded, logs, tolerance, everything, way=Way(in_case=("facility_ownership",)))
    assert "facility_ownership" not in factors
    assert failed == ["facility_ownership"]
