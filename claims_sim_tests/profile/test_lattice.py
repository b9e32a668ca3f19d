"""Bases of cases, given factors and hidden levels."""

import numpy as np

from claims_sim.profile.counting import Population
from claims_sim.profile.lattice import Amounts, Lattice, fit_points
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
