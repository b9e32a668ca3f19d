"""Codes that cost the same: which claims say so, and whose."""

from dataclasses import replace

import numpy as np
import pytest

from claims_sim.codes.places import PROVINCES
from claims_sim.profile.counts.counting import Population
from claims_sim.profile.prices.lattice import Amounts, Lattice, fit_points
from claims_sim.profile.prices.price_cases import likelihood
from claims_sim.profile.prices.price_groups import group_codes_by_amounts, share_amounts, share_prices
from claims_sim.profile.sampler import Sampler
from claims_sim_tests.profile.tables import names, replaced, tariff_table

PLACES = list(PROVINCES)[:12]
K = 11


@pytest.mark.slow
def test_codes_that_bear_each_price_too_seldom_have_their_groups(fit):
    """240 diagnoses of 40 groups, each with a price of its own in each of twelve provinces: of no diagnosis eleven claims bear one."""
    rows, g = 14_000, np.random.default_rng(111)
    dx, where = g.integers(0, 240, rows), g.integers(0, 12, rows)
    book = np.rint(np.random.default_rng(112).lognormal(8, 0.5, (40, 12)) * 100) / 100
    codes = [f"{chr(65 + i // 20)}{10 + i % 20}" for i in range(240)]
    group = np.random.default_rng(113).permutation(240) % 40
    table = tariff_table(rows, seed=110).drop_columns(["procedure_code"])
    for name, values in {
        "dx_primary_code": names(codes, dx), "province_name": names(PLACES, where), "service_type": ["RITL"] * rows,
        "amount_claimed": book[group[dx], where], "amount_paid": book[group[dx], where],
    }.items():  # fmt: skip
        table = replaced(table, name, values)
    claims = Sampler(fit(table)).draw_claims(1, np.arange(rows)).to_pandas()
    at = claims["province_name"].map({name: i for i, name in enumerate(PLACES)}).to_numpy()
    of = group[claims["dx_primary_code"].map({code: i for i, code in enumerate(codes)}).to_numpy()]
    assert np.mean(np.abs(claims["amount_claimed"].to_numpy() - book[of, at]) < 0.005) > 0.9


def priced(code, where, amount, codes, places=12):
    """A lattice of no prices yet, of amounts by code and place, and the amounts."""
    keys, case = np.unique(code * places + where, return_inverse=True)
    of_rows = {"dx_primary_code": code.astype(np.int32), "province_name": where.astype(np.int32)}
    found = Lattice(("dx_primary_code", "province_name"), (codes, places), 0.01, of_rows, {}, np.zeros(1), keys, case)
    return found, Amounts(amount, np.log(amount), 0.005 / amount)


def three_codes(persons, factor=lambda claim: 1.0, places=12, first_in=12, hers=0):
    """Three codes, of which the first two bear other prices in each of twelve places (or `first_in` fewer), thirty times.

    The third has a claim of each of `persons`, at the price of the first in each of its `places` (or of these in turn) times a `factor`
    of the claim's number. One person has `hers` claims of the first code, each in another of the last places, at other amounts.
    """
    book = np.rint(np.random.default_rng(121).lognormal(8, 0.5, (2, 12)) * 100) / 100
    claim, more = np.arange(len(persons)), np.arange(hers)
    code = np.repeat([0, 1, 2, 0], [360, 360, len(persons), hers])
    wheres = claim % places if np.isscalar(places) else np.array(places)[claim]
    where = np.r_[np.arange(720) % first_in, wheres, 11 - more % 12]
    amount = book[np.where(code == 2, 0, code), where]
    amount[720 : 720 + len(persons)] *= factor(claim)
    amount[720 + len(persons) :] = 12_345.67 + more
    population = Population(len(code), K, np.r_[np.arange(1000, 1720), persons, np.full(hers, 5000)], None)
    return population, *priced(code, where, amount, codes=20)


def groups_of(*args, **more):
    """The codes that those of `three_codes` stand by, by what they cost in the same places."""
    population, found, amounts = three_codes(*args, **more)
    return group_codes_by_amounts(found, population, amounts, 0, np.arange(population.rows))[:3].tolist()


def placed(*args, **more):
    """The codes that those of `three_codes` stand by, where the first two have prices and the third is too rare for some."""
    population, found, amounts = three_codes(*args, **more)
    fit_points(found, population, amounts, np.arange(population.rows))
    return share_prices(found, population, amounts)[:3].tolist()


THIRTY = np.arange(1, 31)


@pytest.mark.parametrize(
    ("claims", "joins"),
    [
        pytest.param({"persons": THIRTY}, True, id="all bear the first one's"),
        pytest.param({"persons": THIRTY, "factor": lambda n: np.where(n % 10, 1, 1.5)}, True, id="nearly all do"),
        pytest.param({"persons": THIRTY, "factor": lambda n: np.where(n % 3, 1, 1.5)}, False, id="a third does not"),
        pytest.param({"persons": THIRTY, "factor": lambda n: 1.013}, False, id="none does"),
        pytest.param({"persons": THIRTY, "places": 2}, False, id="two amounts are too few"),
        pytest.param({"persons": np.ones(30, np.int64)}, False, id="one person's"),
        pytest.param({"persons": 1 + np.arange(30) % 10}, False, id="ten persons'"),
        pytest.param(
            {"persons": np.arange(1, 42), "places": [*range(11), *[6 + n % 6 for n in range(30)]], "first_in": 6},
            False,
            id="too few where the group is seen",
        ),
        pytest.param(
            {"persons": np.arange(1, 42), "places": [n % 6 if n < 11 else 6 + n % 6 for n in range(41)], "first_in": 6},
            True,
            id="just enough where the group is seen",
        ),
    ],
)
def test_a_code_joins_the_group_whose_amounts_enough_persons_bear_nearly_always(claims, joins):
    assert groups_of(**claims) == ([0, 1, 0] if joins else [0, 1, 2])


def off_from(first, last):
    """A factor that takes the claims from the number `first` to before `last` off the group's amounts."""
    return lambda n: np.where((n >= first) & (n < last), 1.013 + n / 1e4, 1)


@pytest.mark.parametrize(
    ("others", "hers", "factor", "joins"),
    [
        pytest.param(
            np.r_[np.arange(1, 13), np.arange(20, 34)],
            np.ones(100, np.int64),
            off_from(12, 26),
            False,
            id="again and again",
        ),
        pytest.param(
            np.r_[np.arange(1, 13), np.arange(20, 25)],
            np.ones(12, np.int64),
            off_from(12, 17),
            False,
            id="in every place",
        ),
        pytest.param(np.arange(1, 15), np.full(12, 99), off_from(14, 99), True, id="others"),
    ],
)
def test_one_persons_many_claims_neither_place_a_code_nor_keep_it_out(others, hers, factor, joins):
    expected = [0, 1, 0] if joins else [0, 1, 2]
    assert groups_of(others, factor) == groups_of(np.r_[others, hers], factor) == expected


def test_one_persons_claims_of_the_first_code_keep_no_other_out():
    claims = {"persons": np.arange(1, 73), "factor": lambda n: np.where(n % 12 < 6, 1, 1.013), "first_in": 6}
    assert groups_of(**claims) == groups_of(**claims, hers=6) == [0, 1, 0]


@pytest.mark.parametrize(
    ("others", "hers", "factor", "joins"),
    [
        pytest.param(THIRTY, np.full(30, 99), off_from(30, 60), True, id="off the group's prices"),
        pytest.param(THIRTY, np.full(60, 99), off_from(0, 15), False, id="on them"),
    ],
)
def test_one_persons_many_claims_neither_place_a_rare_code_nor_keep_it_out(others, hers, factor, joins):
    expected = [0, 1, 0] if joins else [0, 1, 2]
    assert placed(others, factor) == placed(np.r_[others, hers], factor) == expected


@pytest.fixture(scope="module")
def sparse():
    """240 codes of 40 groups in twelve places, two claims of each in each place."""
    g, rows = np.random.default_rng(141), 5760
    code, where, group = g.integers(0, 240, rows), g.integers(0, 12, rows), g.permutation(240) % 40
    book = np.rint(g.lognormal(8, 0.5, (40, 12)) * 100) / 100
    return code, where, group, book[group[code], where], Population(rows, K, np.arange(1, rows + 1), None)


def test_codes_join_their_groups_though_few_claims_are_in_each_place(sparse):
    code, where, group, amount, population = sparse
    found, amounts = priced(code, where, amount, codes=240)
    stands = group_codes_by_amounts(found, population, amounts, 0, np.arange(len(code)))
    assert (group[stands] == group).all()
    assert np.mean(stands != np.arange(240)) > 0.75


def test_cases_that_are_priced_together_count_once_in_a_likelihood(sparse):
    code, where, _, amount, population = sparse
    found, amounts = priced(code, where, amount, codes=240)
    on = np.arange(len(code))
    fit_points(found, population, amounts, on)
    share_amounts(found, population, amounts, on)
    points = np.flatnonzero(found.point >= 0)
    assert likelihood(found, points, on, K) > likelihood(replace(found, together=None), points, on, K)


def test_where_nearly_every_amount_is_somebodys_no_code_joins_by_chance():
    """Both codes bear any of 300 amounts."""
    g, claims = np.random.default_rng(131), (3000, 300)
    amount, code = g.integers(1000, 1300, sum(claims)).astype(float), np.repeat([0, 1], claims)
    codes = {"dx_primary_code": code.astype(np.int32)}
    found = Lattice(("dx_primary_code",), (2,), 1.0, codes, {}, np.zeros(1), np.array([0, 1]), code)
    population = Population(len(code), K, np.arange(1, len(code) + 1), None)
    amounts = Amounts(amount, np.log(amount), 0.5 / amount)
    assert group_codes_by_amounts(found, population, amounts, 0, np.arange(len(code))).tolist() == [0, 1]


def test_a_group_says_nothing_of_places_where_it_is_not_seen():
    """The first code is of six places, the third of these and six others, where it has prices of its own."""
    here = np.arange(72) % 12 < 6
    assert groups_of(np.arange(1, 73), lambda n: np.where(here[n], 1, 1.013), first_in=6) == [0, 1, 0]
