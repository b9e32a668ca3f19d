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


def groups_of(prices_of_third, persons):
    """The groups of three codes, of which the first two bear other prices in each of twelve places, thirty times each.

    The third has one claim of each of `persons`, at a price of the first in each place, or what `prices_of_third` makes of that.
    """
    g = np.random.default_rng(121)
    book = np.rint(g.lognormal(8, 0.5, (2, 12)) * 100) / 100
    code = np.repeat([0, 1, 2], [360, 360, len(persons)])
    where = np.r_[np.arange(720) % 12, np.arange(len(persons)) % 12]
    amount = book[np.where(code == 2, 0, code), where]
    amount = np.where(code == 2, prices_of_third(amount), amount)
    keys, case = np.unique(code * 12 + where, return_inverse=True)
    codes = {"dx_primary_code": code.astype(np.int32), "province_name": where.astype(np.int32)}
    found = Lattice(("dx_primary_code", "province_name"), (3, 12), 0.01, codes, {}, np.zeros(1), keys, case)
    population = Population(len(code), K, np.r_[np.arange(1000, 1720), persons], None)
    amounts = Amounts(amount, np.log(amount), 0.005 / amount)
    return group_codes_by_amounts(found, population, amounts, 0, np.arange(len(code))).tolist()


@pytest.mark.parametrize(
    ("prices", "persons", "joins"),
    [
        pytest.param(lambda amount: amount, np.arange(1, 31), True, id="the first one's"),
        pytest.param(
            lambda amount: np.where(np.arange(len(amount)) % 10 == 0, amount * 1.5, amount),
            np.arange(1, 31),
            True,
            id="mostly",
        ),
        pytest.param(
            lambda amount: np.where(np.arange(len(amount)) % 3 == 0, amount * 1.5, amount),
            np.arange(1, 31),
            False,
            id="too few",
        ),
        pytest.param(lambda amount: amount * 1.013, np.arange(1, 31), False, id="others"),
        pytest.param(
            lambda amount: np.where(np.arange(len(amount)) % 12 < 2, amount, 3 * amount),
            np.arange(1, 145),
            False,
            id="two alone",
        ),
        pytest.param(lambda amount: amount, np.ones(30, np.int64), False, id="one person's"),
        pytest.param(lambda amount: amount, 1 + np.arange(30) % 10, False, id="ten persons'"),
    ],
)
def test_a_code_joins_the_group_whose_amounts_enough_persons_bear_nearly_always(prices, persons, joins):
    assert groups_of(prices, persons) == ([0, 1, 0] if joins else [0, 1, 2])
