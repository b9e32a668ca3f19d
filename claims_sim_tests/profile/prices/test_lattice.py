"""Bases of cases, given factors and hidden levels."""

import numpy as np
import pytest

from claims_sim.profile.counts.counting import Population
from claims_sim.profile.prices import price_lists
from claims_sim.profile.prices.find_lattice import Begun, _as_in_another
from claims_sim.profile.prices.lattice import MAX_POINTS, Amounts, Lattice, fit_points
from claims_sim.profile.prices.price_cases import likelihood, tells_more_than_names
from claims_sim.profile.prices.rounding import settle_rounding
from claims_sim.profile.sampler import Sampler
from claims_sim_tests.profile.tables import replaced, tariff_table

RISE = 1.0319


def one_case(amounts, levels, grid=0.01):
    """The prices of one case that bears `amounts`, everybody one, and where each lies on them."""
    rows = len(amounts)
    case = np.zeros(rows, np.int64)
    found = Lattice(("service_type",), (1,), grid, {}, {}, np.array(levels), np.zeros(1, np.int64), case)
    fit_points(
        found,
        Population(rows, 11, np.arange(rows), None),
        Amounts(amounts, np.log(amounts), grid / amounts / 2),
        np.arange(rows),
    )
    return found


def test_a_price_that_a_rise_nearly_makes_of_another_is_one_of_its_own():
    """18,000 x 1.0319 is 18,574.20: rounded to 18,574 it is no rise to the cent, and neither price is between the two."""
    amounts = np.repeat([18_000.0, 18_574.0], [60, 50])
    found = one_case(amounts, [0.0, np.log(RISE)])
    assert (found.point >= 0).all()
    assert np.allclose(found.prices(np.arange(len(amounts))), amounts, rtol=0, atol=1e-6)


def test_a_few_amounts_beside_a_price_do_not_move_it():
    amounts = np.repeat([18_000.0, 18_000.1], [60, 8])
    found = one_case(amounts, [0.0])
    assert np.allclose(found.prices(np.arange(60)), 18_000.0, rtol=0, atol=1e-6)
    assert (found.point[60:] == -1).all()


def test_prices_lie_on_the_grid_as_their_owner_rounds():
    """Houses of one class are paid half of prices in odd hundreds, and every half is rounded up."""
    bases = 100.0 * np.arange(2001, 20_001, 60)
    case = np.repeat(np.arange(len(bases)), 60)
    halved = np.tile(np.repeat([0, 1], 30), len(bases)).astype(np.int32)
    amounts = np.floor(bases[case] * np.where(halved, 0.5, 1.0) / 100 + 0.5) * 100
    codes, factors = {"facility_class": halved}, {"facility_class": np.log([1.0, 0.5])}
    cases, rows = np.arange(len(bases)), np.arange(len(case))
    found = Lattice(("dx",), (len(bases),), 100.0, codes, factors, np.zeros(1), cases, case)
    fit_points(found, Population(len(case), 11, rows, None), Amounts(amounts, np.log(amounts), 50 / amounts), rows)
    settle_rounding(found, amounts)
    assert (found.prices(rows) == amounts).all()


@pytest.mark.parametrize(
    ("points", "first", "is_list"), [(3, 400, True), (MAX_POINTS, 400, False), (MAX_POINTS, 5000, True)]
)
def test_cases_that_all_have_as_many_prices_as_are_looked_for_make_no_list(points, first, is_list):
    """Each of three cases has prices of its own, all that are looked for, or fewer; the first one most of its claims, or no more."""
    of_case = np.repeat(np.arange(points), [first, *[400] * (points - 1)])
    case, price = np.repeat(np.arange(3), len(of_case)), np.tile(of_case, 3)
    amounts = (1 + price + 40 * case) * 1000.0
    found = Lattice(("service_type",), (3,), 1.0, {}, {}, np.zeros(1), np.arange(3), case)
    rows, population = np.arange(len(case)), Population(len(case), 11, np.arange(len(case)), None)
    fit_points(found, population, Amounts(amounts, np.log(amounts), 0.5 / amounts), rows)
    assert np.diff(found.base_start).tolist() == [points] * 3
    assert tells_more_than_names(found, amounts, rows, 11) == is_list


PLACE = np.arange(2000)
STAYS = PLACE < 1000


def begun(point, level=0, levels=1, case=0):
    """A list of a thousand stays and a thousand visits, nine tenths of which are on it: each one's case, and its price there."""
    point = np.where(PLACE % 10 == 0, -1, point).astype(np.int32)
    case = np.broadcast_to(case, 2000)
    cases = int(case.max()) + 1
    found = Lattice(
        ("service_type",), (cases,), 1.0, {}, {}, np.arange(levels) / 10, np.arange(cases), case.astype(np.int64)
    )
    found.point, found.level = point, np.broadcast_to(level, 2000).astype(np.int32)
    amounts = Amounts(np.ones(2000), np.zeros(2000), np.ones(2000))
    return Begun(found, None, amounts, np.arange(2000), np.ones(2000, np.bool_), 11.0)


@pytest.mark.parametrize(
    ("stays", "visits", "expected"),
    [
        # Visits' prices are of two classes instead of two hidden levels. Stays have none of their own, or one as likely.
        (None, begun(0, case=PLACE // 100 % 2), [True, False]),
        (begun(0), begun(0, case=PLACE // 100 % 2), [False, False]),
        # Neither is likelier than the list of all.
        (begun(0), begun(0, PLACE // 100 % 2, 2), [True]),
        # Prices at so many levels that few claims have each may not be told.
        (begun(0), begun(0, PLACE % 200, 200), [True]),
    ],
)
def test_kinds_of_service_have_lists_of_their_own_where_these_make_their_prices_likelier(stays, visits, expected):
    """The list of all has one price for stays and, of two hidden levels, two for visits; which lists are (a part of) that one is told."""
    whole = begun(0, np.where(STAYS, 0, PLACE // 100 % 2), 2)
    few = np.ones(2000, np.bool_)
    parts = [stays and stays.only(STAYS), visits and visits.only(~STAYS)]
    found = price_lists._likeliest(whole, parts, [STAYS, ~STAYS], few, price_lists._likely)
    assert [one.found.level is whole.found.level for one in found] == expected


def test_lists_of_far_fewer_prices_need_not_be_likelier():
    """The list of all has two prices in each of many cases, of which a list of each service needs but one."""
    whole, apart = begun(0, case=PLACE // 1000), begun(0, case=PLACE // 1000)
    whole.found.bases, apart.found.bases = np.zeros(100), np.zeros(1)
    few, parts = np.ones(2000, np.bool_), [apart.only(STAYS), apart.only(~STAYS)]
    found = price_lists._likeliest(whole, parts, [STAYS, ~STAYS], few, price_lists._likely)
    assert [one.found.case_keys is whole.found.case_keys for one in found] == [False, False]


def test_a_list_that_does_not_name_its_kind_of_service_is_of_all_or_of_none():
    whole = begun(0, np.where(STAYS, 0, PLACE // 100 % 2), 2)
    whole.found.case_names = ("dx_primary_code",)
    few, own = np.ones(2000, np.bool_), begun(0, case=PLACE // 100 % 2)
    found = price_lists._likeliest(whole, [None, own.only(~STAYS)], [STAYS, ~STAYS], few, price_lists._likely)
    assert [one.found.level is whole.found.level for one in found] in ([True], [False])


def test_what_a_list_has_of_a_service_with_lists_of_its_own_is_priced_once():
    whole = begun(0, np.where(STAYS, 0, PLACE // 100 % 2), 2)
    few, own = np.ones(2000, np.bool_), begun(0, case=PLACE // 100 % 2)
    found = price_lists._likeliest(whole, [None, own.only(~STAYS)], [STAYS, ~STAYS], few, price_lists._likely)
    assert len(found) == 2
    assert max(sum((one.found.case >= 0).astype(int) for one in found)) == 1


def test_prices_that_too_few_bear_to_be_told_make_nothing_likelier():
    shared, spread = begun(0), begun((PLACE // 10).astype(np.int32))
    rows = np.arange(2000)
    on = np.flatnonzero(shared.found.point >= 0)
    nothing = likelihood(shared.found, on[:0], rows, 11)
    assert likelihood(shared.found, on, rows, 11) > nothing
    assert likelihood(spread.found, on[on % 10 < 1], rows, 11) == nothing
    assert likelihood(begun(PLACE // 200 % MAX_POINTS).found, on[::20], rows, 11) == pytest.approx(nothing, abs=0.1)


def test_a_price_at_three_levels_costs_no_more_to_know_than_one_price():
    at_levels, at_prices = begun(0, PLACE % 3, 3), begun((PLACE % 3).astype(np.int32))
    rows, on = np.arange(2000), np.flatnonzero(at_levels.found.point >= 0)
    assert likelihood(at_levels.found, on, rows, 11) > likelihood(at_prices.found, on, rows, 11) + 1


def test_where_no_kind_of_service_is_known_the_list_of_all_is_the_list():
    whole = begun(0)
    (found,) = price_lists._likeliest(whole, [], [], np.ones(2000, np.bool_), price_lists._likely)
    assert found is whole


def test_an_empty_case_has_no_price():
    found = one_case(np.zeros(0), [0.0])
    assert not len(found.bases)


@pytest.mark.slow
def test_whole_prices_that_rise_each_year_are_found_beside_amounts_to_the_cent(fit):
    """A third of the claims lie between the steps of the list: its grid is theirs, on which a rise gives no whole price."""
    rows, g = 12_000, np.random.default_rng(8)
    table = tariff_table(rows)
    code = np.unique(np.array(table["dx_primary_code"].to_pylist()), return_inverse=True)[1]
    first = np.rint(g.uniform(10_000, 60_000, code.max() + 1))
    second = np.rint(first * RISE)
    listed = np.stack([first, second, np.rint(second * 1.027)])[g.integers(0, 3, rows), code]
    amounts = np.where(g.random(rows) < 0.3, np.round(np.exp(g.normal(10, 0.5, rows)), 2), listed)
    profile = fit(replaced(replaced(table, "amount_claimed", amounts), "amount_paid", amounts))
    assert sum(len(tariff.bases) for tariff in profile.money.tariffs) >= len(first)
    prices = np.unique(listed)
    drawn = Sampler(profile).draw_claims(1, np.arange(rows))["amount_claimed"].to_numpy()
    assert abs(np.isin(drawn, prices).mean() - np.isin(amounts, prices).mean()) < 0.03


def test_a_rise_that_may_not_be_told_is_that_of_another_period_of_the_place():
    """Three places in two periods; most claims are of the second one."""
    codes = np.array([1, 1, 3, 3, 5, 5, 0, 2, 4])
    told = np.array([True, False, False, True, False, False])
    found = _as_in_another(np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6]), told, codes, (0, 0, 1, 1))
    assert found.tolist() == [0.1, 0.1, 0.4, 0.4, 0.0, 0.0]
