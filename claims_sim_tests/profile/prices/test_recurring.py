"""Amounts off their case's prices that other claims bear too."""

import numpy as np
import pyarrow as pa
import pytest

from claims_sim.profile.counts.counting import Population
from claims_sim.profile.document_parts import Tariff
from claims_sim.profile.prices.recurring import NearestPrices, shares_that_recur
from claims_sim.profile.sampler import Sampler
from claims_sim_tests.profile.tables import DX, names, pick

ROWS = 20_000
RARE = 900


def rare_cases(known):
    """Sixty diagnoses with a price each, times the class; every fifth claim is of one of 900 rare procedures, which cost what some
    diagnosis does, also times the class, but for those not `known`: these cost what they cost.
    """
    g = np.random.default_rng(5)
    dx, kind, rare = pick(g, 60, ROWS), pick(g, 3, ROWS), g.random(ROWS) < 0.2
    prices = 1000 * g.integers(300, 9000, 60)
    of_rare = np.where(g.random(RARE) < known, g.choice(prices, RARE), 1000 * g.integers(300, 9000, RARE))
    which = g.integers(0, RARE, ROWS)
    base = np.where(rare, of_rare[which] * (1 if known else np.exp(0.3 * g.standard_normal(ROWS))), prices[dx])
    codes = [f"{10 + i // 100}{i % 100:02d}" if is_rare else None for i, is_rare in zip(which, rare, strict=True)]
    return pa.table(
        {
            "patient_id_hash": [f"p{i}" for i in range(ROWS)],
            "service_type": ["RITL"] * ROWS,
            "admit_dt": np.datetime64("2024-01-01") + g.integers(0, 366, ROWS),
            "los": 1 + g.poisson(2, ROWS),
            "facility_class": names(["A", "B", "C"], kind),
            "dx_primary_code": names(DX[::30][:60], dx),
            "procedure_code": codes,
            "amount_claimed": np.rint(base * np.array([1.0, 1.12, 0.9])[kind]),
        }
    )


@pytest.mark.parametrize("known", [0.3, 0.6])
@pytest.mark.slow
def test_as_many_amounts_are_prices_of_other_cases_as_are(fit, known):
    table = rare_cases(known)
    real, rows = table["amount_claimed"].to_numpy(), np.arange(ROWS)
    profile = fit(table)
    drawn = Sampler(profile).draw_claims(1, rows)["amount_claimed"].to_numpy()
    half = rows % 2 == 0
    recur = np.isin(real[half], real[~half]).mean()
    assert np.isin(drawn[half], real[~half]).mean() == pytest.approx(recur, abs=0.03)
    without = profile.model_copy(update={"money": profile.money.model_copy(update={"others_recur": ()})})
    drawn = Sampler(without).draw_claims(1, rows)["amount_claimed"].to_numpy()
    assert np.isin(drawn[half], real[~half]).mean() < recur - 0.05


def test_amounts_that_nobody_shares_do_not_become_prices(fit):
    assert fit(rare_cases(0)).money.others_recur == ()


@pytest.mark.slow
def test_of_a_class_of_two_hospitals_amounts_recur_as_others_do_though_its_prices_are_nobody_elses(fit):
    """Visits cost what their case does in their class, or with drugs by the piece: more, and what nobody else pays."""
    g = np.random.default_rng(8)
    dx, house = pick(g, 240, ROWS), g.integers(0, 14, ROWS)
    kind = np.array([0] * 4 + [1] * 4 + [2] * 4 + [3] * 2)[house]
    prices = 10 * g.integers(30_000, 900_000, (240, 4))
    price = prices[dx, kind] + np.where(g.random(ROWS) < 0.2, g.integers(1, 900_000, ROWS), 0)
    table = pa.table(
        {
            "patient_id_hash": [f"p{i}" for i in range(ROWS)],
            "facility_id": [f"h{i}" for i in house],
            "service_type": ["RJTL"] * ROWS,
            "admit_dt": np.datetime64("2024-01-01") + g.integers(0, 366, ROWS),
            "los": np.zeros(ROWS, np.int64),
            "facility_class": names(["A", "B", "C", "X"], kind),
            "dx_primary_code": names(DX[::7][:240], dx),
            "amount_claimed": price.astype(float),
        }
    )
    profile = fit(table)
    (share,) = profile.money.unpriced_recur
    assert share > 0.4
    without = profile.model_copy(update={"money": profile.money.model_copy(update={"unpriced_recur": ()})})
    recur = []
    for one in (profile, without):
        drawn = Sampler(one).draw_claims(1, np.arange(ROWS))
        of_x = np.array(drawn["facility_class"].to_pylist()) == "X"
        recur.append(np.isin(drawn["amount_claimed"].to_numpy()[of_x], price).mean())
    # Some cases have a price that they were dealt from another class; without it those alone recur.
    assert recur[0] > recur[1] + 0.2 > 0.4


def share(amounts, persons, grids=(1.0,)):
    """Of amounts that are all looked at: the share that recurs, in fiftieths."""
    rows = np.arange(len(amounts))
    found = shares_that_recur(
        amounts, rows, Population(len(rows), 11, persons, None), grids, np.zeros(len(rows), np.int32)
    )
    return found[0] if found else 0.0


def test_what_recurs_is_another_persons_and_not_by_rounding_alone():
    g = np.random.default_rng(2)
    prices, everybody = 1000.0 * g.integers(300, 90_000, 500), np.arange(ROWS)
    one_off = np.rint(np.exp(g.normal(15, 1, ROWS)))
    assert share(g.choice(prices, ROWS), everybody) == 1.0
    assert share(np.where(everybody % 2, g.choice(prices, ROWS), one_off), everybody) == pytest.approx(0.5, abs=0.02)
    assert share(one_off, everybody) == pytest.approx(0.0, abs=0.02)
    # Whoever claims the same every month shares it with nobody.
    assert share(np.repeat(one_off[: ROWS // 20], 20), everybody // 20) == pytest.approx(0.0, abs=0.02)
    rounded = np.maximum(np.rint(one_off / 100_000), 1) * 100_000
    assert len(np.unique(rounded)) < ROWS / 20
    assert share(rounded, everybody, (1.0, 100_000.0)) == 0.0


def test_of_too_few_persons_nothing_is_told():
    assert share(np.full(1000, 5.0), np.repeat(np.arange(10), 100)) == 0.0
    assert share(np.full(1100, 5.0), np.repeat(np.arange(11), 100)) > 0.9


@pytest.mark.parametrize(("others", "expected"), [(3, 0.0), (1500, 0.1)])
def test_what_one_person_bears_a_thousand_times_is_one_amount_and_few_that_share_it_are_not_told(others, expected):
    g = np.random.default_rng(4)
    amounts, persons = np.rint(np.exp(g.normal(15, 1, ROWS))), np.arange(ROWS)
    amounts[: 5000 + others], persons[:5000] = 777_777.0, 0
    assert share(amounts, persons) == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize(("persons", "expected"), [(10, 0.0), (12, 0.17)])
def test_amounts_that_recur_among_few_are_not_told(persons, expected):
    g = np.random.default_rng(5)
    shared = np.tile(1_000_001.0 + 10 * np.arange(20), persons)
    one_off = np.rint(np.exp(g.normal(15, 1, 5 * len(shared))))
    whose = np.r_[np.repeat(np.arange(persons), 20), persons + np.arange(len(one_off))]
    assert share(np.r_[shared, one_off], whose) == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize(("persons", "expected"), [(10, 0.0), (12, 0.99)])
def test_amounts_that_do_not_recur_of_few_are_not_told(persons, expected):
    """All but those few bear one of twenty amounts."""
    g = np.random.default_rng(7)
    amounts = np.r_[np.tile(1_000_001.0 + 10 * np.arange(20), 100), np.rint(np.exp(g.normal(15, 1, persons)))]
    assert share(amounts, np.arange(len(amounts))) == pytest.approx(expected, abs=0.02)


def test_each_kind_of_service_has_its_share():
    g = np.random.default_rng(6)
    service = (np.arange(ROWS) % 2).astype(np.int32)
    amounts = np.where(service, np.rint(np.exp(g.normal(15, 1, ROWS))), 1000.0 * g.integers(300, 900, ROWS))
    population = Population(ROWS, 11, np.arange(ROWS), None)
    assert shares_that_recur(amounts, np.arange(ROWS), population, (1.0,), service) == (1.0, 0.0)


def test_the_nearest_price_is_one_of_the_place_with_its_factor_on_the_lists_grid():
    tariff = Tariff(
        parents=("facility_type", "dx_primary_code"), sizes=(2, 3), contexts=(0, 0, 0, 1, 1, 2), points=(1, 2, 1),
        bases=tuple(np.log([1000.0, 2000.0, 2500.0, 5000.0])), factors={"facility_class": (0.0, float(np.log(1.5)))},
        levels=(0.0,), top_ups=(), ties="as computed", grid=100.0,
    )  # fmt: skip
    given = {
        "facility_type": np.array([0, 0, 0, 1, 1, -1, -1], np.int32),
        "facility_class": np.array([0, 1, 0, 0, 1, 0, 1], np.int32),
    }
    amounts = np.array([1900.0, 3300.0, 90_000.0, 4000.0, 7000.0, 2400.0, 7000.0])
    found = NearestPrices([tariff], 1.0).to(amounts, given)
    # None is near ninety thousand; of a type that the list does not know, that of any type is taken.
    assert found.tolist() == [2000.0, 3000.0, 90_000.0, 5000.0, 7500.0, 2500.0, 7500.0]


def test_only_claims_of_a_place_without_any_price_take_that_of_another_place_in_their_service_and_period():
    tariff = Tariff(
        parents=("service_type", "facility_class", "dx_primary_code", "price_period"), sizes=(2, 3, 2, 2),
        contexts=(0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0), points=(1,) * 5,
        bases=tuple(np.log([1100.0, 5000.0, 1000.0, 1200.0, 1060.0])), factors={},
        levels=(0.0,), top_ups=(), ties="as computed", grid=10.0, periods=(0, 1),
    )  # fmt: skip
    given = {
        # The second class has but the claim's own case, the third none; nor has it visits' prices.
        "service_type": np.array([0, 0, 0, 1], np.int32),
        "facility_class": np.array([1, 2, 2, 2], np.int32),
        "dx_primary_code": np.array([0, -1, -1, -1], np.int32),
        "admit_month": np.array([0, 0, 1, 0], np.int32),
    }
    found = NearestPrices([tariff], 1.0).to(np.full(4, 1050.0), given)
    assert found.tolist() == [1050.0, 1100.0, 1200.0, 1060.0]


def test_a_profile_says_nothing_of_amounts_that_do_not_recur(tariff_profile):
    """So its hash stays what it was."""
    assert tariff_profile.money.unpriced_recur == ()
    assert "unpriced_recur" not in tariff_profile.to_json()


def prices(bases, **others):
    """A price for each of some diagnoses."""
    return Tariff(
        parents=("dx_primary_code",), sizes=(len(bases),), contexts=tuple(range(len(bases))), points=(1,) * len(bases),
        bases=tuple(np.log(bases)), factors={}, **{"levels": (0.0,), "top_ups": (), "ties": "as computed", "grid": 1.0} | others,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("lists", "amount", "own", "nearest"),
    [
        # The price of another case, though that of its own is nearer; where there is no other, itself.
        ([prices([1000.0, 1200.0])], 1010.0, 0, 1200.0),
        ([prices([1000.0, 1200.0])], 1010.0, 1, 1000.0),
        ([prices([1000.0])], 1010.0, 0, 1010.0),
        # Of two lists the nearer one, whichever is first.
        ([prices([1000.0]), prices([1200.0])], 1010.0, -1, 1000.0),
        ([prices([1200.0]), prices([1000.0])], 1010.0, -1, 1000.0),
        # As the list rounds.
        ([prices([1050.0], grid=100.0, ties="up")], 1010.0, -1, 1100.0),
        ([prices([1050.0], grid=100.0, ties="down")], 1010.0, -1, 1000.0),
    ],
)
def test_an_amount_becomes_the_nearest_price_of_another_case(lists, amount, own, nearest):
    given = {"dx_primary_code": np.array([own], np.int32)}
    assert NearestPrices(lists, 1.0).to(np.array([amount]), given).tolist() == [nearest]


@pytest.mark.slow
def test_no_amount_becomes_a_price_above_what_the_dearest_claims_cost(fit):
    profile, rows, ceiling = fit(rare_cases(0.5)), np.arange(ROWS), 2e6
    drawn = []
    for shares in ((), (1.0,)):
        money = profile.money.model_copy(update={"others_recur": shares, "ceiling": ceiling})
        sampler = Sampler(profile.model_copy(update={"money": money}))
        drawn.append(sampler.draw_claims(1, rows)["amount_claimed"].to_numpy())
    changed = drawn[0] != drawn[1]
    assert changed.mean() > 0.02
    assert drawn[1][changed].max() <= ceiling
