"""Codes that cost the same: which claims say so, and whose."""

import numpy as np
import pytest

from claims_sim.codes.places import PROVINCES
from claims_sim.profile.counting import Population
from claims_sim.profile.lattice import Amounts, Lattice
from claims_sim.profile.price_groups import group_codes_by_amounts
from claims_sim.profile.sampler import Sampler
from claims_sim_tests.profile.tables import names, replaced, tariff_table

PLACES = list(PROVINCES)[:12]
K = 11


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


def groups_of(persons, factor=lambda claim: 1.0, places=12, first_in=12):
    """The groups of three codes, of which the first two bear other prices in each of twelve places (or `first_in` fewer), thirty times.

    The third has a claim of each of `persons`, at the price of the first in each of its `places` times a `factor` of the claim's number.
    """
    book = np.rint(np.random.default_rng(121).lognormal(8, 0.5, (2, 12)) * 100) / 100
    claim = np.arange(len(persons))
    code = np.repeat([0, 1, 2], [360, 360, len(persons)])
    where = np.r_[np.arange(720) % first_in, claim % places]
    amount = book[np.where(code == 2, 0, code), where]
    amount[720:] *= factor(claim)
    keys, case = np.unique(code * 12 + where, return_inverse=True)
    codes = {"dx_primary_code": code.astype(np.int32), "province_name": where.astype(np.int32)}
    found = Lattice(("dx_primary_code", "province_name"), (3, 12), 0.01, codes, {}, np.zeros(1), keys, case)
    population = Population(len(code), K, np.r_[np.arange(1000, 1720), persons], None)
    amounts = Amounts(amount, np.log(amount), 0.005 / amount)
    return group_codes_by_amounts(found, population, amounts, 0, np.arange(len(code))).tolist()


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
