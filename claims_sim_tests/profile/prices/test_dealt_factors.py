"""Factors of places whose claims were all dealt out among others' of their group."""

import numpy as np
import pytest

from claims_sim.profile.encoding.dealing import Groups
from claims_sim.profile.prices.dealt_factors import move_by_votes
from claims_sim.profile.prices.lattice import Amounts, Lattice

STEP, CASES = 100.0, 40
TOLD = 0
"""The place whose claims are its own: prices are told by it."""


def dealt_list(start, truth, claims, extra=None):
    """A list, its groups, amounts, the rows of the first place and all rows. Claims of all other places were dealt out among each other.

    The list multiplies prices by what `start` says of each place, which has so many `claims`, whose prices are multiplied by what
    `truth` says. `extra(case, price, g)` may change amounts.
    """
    g = np.random.default_rng(8)
    place = np.repeat(np.arange(len(claims)), claims).astype(np.int32)
    case = g.integers(0, CASES, len(place))
    price = g.uniform(3e5, 3e6, CASES)[case] * np.array(truth)[place]
    if extra is not None:
        price = extra(case, price, g)
    values = np.rint(price / STEP) * STEP
    dealt = np.flatnonzero(place != TOLD)
    as_dealt = place.copy()
    as_dealt[dealt] = g.permutation(place[dealt])
    members = np.arange(1, len(claims), dtype=np.int32)
    groups = Groups(
        np.where(place == TOLD, -1, 0).astype(np.int64), np.array([0, len(members)]), {"province_name": members}
    )
    codes = {"case": case.astype(np.int32), "province_name": as_dealt}
    found = Lattice(
        ("case",), (CASES,), STEP, codes, {"province_name": np.log(start)}, np.zeros(1), np.arange(CASES), case
    )
    amounts = Amounts(values, np.log(values), STEP / values / 2)
    return found, groups, amounts, np.flatnonzero(place == TOLD), np.arange(len(place))


def moved(found, groups, amounts, own, on, values):
    move_by_votes(found, groups, amounts, own, on, {"province_name": values})
    return np.exp(found.factors["province_name"])


def test_a_factor_is_moved_to_what_no_other_of_its_group_explains():
    """The larger of two places is known: the other's is where it explains nothing."""
    case = dealt_list([1.0, 1.02, 1.0], [1.0, 1.02, 1.05], [2_000, 3_000, 600])
    assert moved(*case, [1, 2]) == pytest.approx([1.0, 1.02, 1.05], abs=1e-4)


def test_a_factor_that_explains_its_own_stays_though_more_of_its_group_are_of_another():
    case = dealt_list([1.0, 1.02, 1.05], [1.0, 1.02, 1.05], [2_000, 3_000, 600])
    assert moved(*case, [1, 2]) == pytest.approx([1.0, 1.02, 1.05], abs=1e-9)


def test_a_factor_of_which_nothing_lies_where_it_is_is_that_of_most_where_others_explain_all():
    case = dealt_list([1.0, 1.02, 1.3], [1.0, 1.02, 1.02], [2_000, 3_000, 600])
    assert moved(*case, [2]) == pytest.approx([1.0, 1.02, 1.02], abs=1e-4)


def test_what_one_case_alone_shows_is_another_price_of_it():
    def other_price(case, price, g):
        case[g.random(len(case)) < 0.5] = 5
        price[case == 5] = 1e6 * price[case == 5] / price[case == 5].max()
        return np.where((case == 5) & (g.random(len(case)) < 0.4), 1.1e6, price)

    start = [1.0, 1.02, 1.02, 1.02]
    case = dealt_list(start, [1.0] * 4, [20_000, 6_000, 600, 600], other_price)
    assert moved(*case, [1, 2, 3]).max() < 1.03


def test_a_factor_that_explains_more_as_it_is_stays():
    """Of a place's own claims 40 % lie elsewhere."""

    def own_house(case, price, g):
        return np.where((np.arange(len(case)) >= 5_000) & (g.random(len(case)) < 0.4), price * 1.04, price)

    case = dealt_list([1.0, 1.02, 1.05], [1.0, 1.02, 1.05], [2_000, 3_000, 600], own_house)
    assert moved(*case, [1, 2]) == pytest.approx([1.0, 1.02, 1.05], abs=1e-9)


def test_multiples_that_no_column_tells_are_no_factor_of_a_place():
    def wards(case, price, g):
        return np.where(g.random(len(case)) < 0.2, price * 1.4, price)

    start = [1.0, 1.02, 1.02, 1.02]
    found, *case = dealt_list(start, start, [20_000, 6_000, 600, 600], wards)
    found.levels = np.array([0.0, np.log(1.4)])
    assert moved(found, *case, [1, 2, 3]) == pytest.approx(start, abs=1e-9)


def test_of_nearly_as_many_amounts_those_of_a_factor_that_others_have_are_its_own():
    """As many rows lie at 1.03, which is of a house's own, as at 1.05, which another place multiplies by."""
    truth = [1.0, 1.02, 1.05, 1.05]

    def own_house(case, price, g):
        del g
        at_last = np.arange(len(case)) >= len(case) - 1_000
        return np.where(at_last & (np.arange(len(case)) % 20 < 11), price / 1.05 * 1.03, price)

    case = dealt_list([1.0, 1.02, 1.05, 1.0], truth, [2_000, 3_000, 10, 1_000], own_house)
    case[1].codes["province_name"] = case[1].codes["province_name"][[0, 2]]
    case[1].start[1] = 2
    assert moved(*case, [3])[3] == pytest.approx(1.05, abs=1e-4)
