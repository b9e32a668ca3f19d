"""Bases of cases, given factors and hidden levels."""

import numpy as np
import pytest

from claims_sim.profile.counting import Population
from claims_sim.profile.find_lattice import _right
from claims_sim.profile.lattice import MAX_POINTS, Amounts, Lattice, fit_points
from claims_sim.profile.price_cases import tells_more_than_names
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


def test_a_row_is_right_whose_amount_is_the_price_to_the_step():
    """246,200 is 1.236 times 199,200 but for a step of a hundred: one price with a hidden level is wrong of either."""
    amounts = np.repeat([199_200.0, 246_200.0], [60, 50])
    both = one_case(amounts, [0.0, np.log(1.2352)], grid=100.0)
    assert (both.point == 0).all()
    tolerances = Amounts(amounts, np.log(amounts), 50 / amounts)
    assert _right(both, tolerances).sum() < len(amounts)
    assert _right(one_case(amounts, [0.0], grid=100.0), tolerances).all()


@pytest.mark.parametrize(("points", "is_list"), [(3, True), (MAX_POINTS, False)])
def test_cases_that_all_have_as_many_prices_as_are_looked_for_make_no_list(points, is_list):
    """Each of three cases has prices of its own, all that are looked for, or fewer."""
    case, price = np.repeat(np.arange(3), 400 * points), np.tile(np.repeat(np.arange(points), 400), 3)
    amounts = (1 + price + 40 * case) * 1000.0
    found = Lattice(("service_type",), (3,), 1.0, {}, {}, np.zeros(1), np.arange(3), case)
    rows, population = np.arange(len(case)), Population(len(case), 11, np.arange(len(case)), None)
    fit_points(found, population, Amounts(amounts, np.log(amounts), 0.5 / amounts), rows)
    assert np.diff(found.base_start).tolist() == [points] * 3
    assert tells_more_than_names(found, amounts, rows, 11) == is_list


def test_an_empty_case_has_no_price():
    found = one_case(np.zeros(0), [0.0])
    assert not len(found.bases)


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
