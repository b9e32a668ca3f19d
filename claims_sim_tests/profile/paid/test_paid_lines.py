"""Shares of contracts less fixed parts are lines, whatever their slopes."""

import numpy as np
import pytest

from claims_sim.profile.counts.counting import Population
from claims_sim.profile.paid.paid_lines import find_lines
from claims_sim.profile.sampler import Sampler
from claims_sim_tests.profile.tables import replaced, tariff_table

ROWS = 12_000
LINES = ((0.738, -25.0), (0.624, -30.0), (0.59, -40.0))


def payments(seed=91):
    """Charges to the cent; an eighth of them each is paid by one of the lines, the others any share; and the number of each one's line."""
    g = np.random.default_rng(seed)
    claimed = np.round(np.exp(g.normal(7, 0.8, ROWS)), 2)
    which = np.where(g.random(ROWS) < 0.375, g.integers(0, 3, ROWS), -1)
    slope, offset = (np.array([line[i] for line in LINES])[which] for i in (0, 1))
    paid = np.where(which >= 0, claimed * slope + offset, claimed * g.uniform(0.3, 0.95, ROWS))
    return claimed, np.round(np.maximum(paid, 0), 2), which


def persons(ids):
    return Population(ROWS, 11, ids, None)


def found(claimed, paid, population):
    rows = np.flatnonzero((paid > 0) & (paid < claimed))
    return find_lines(claimed, paid, rows, population, 0.01, 0.01)


def test_lines_of_any_slope_are_found_and_nothing_else():
    claimed, paid, which = payments()
    lines, of_row = found(claimed, paid, persons(np.arange(ROWS)))
    assert set(lines) == set(LINES)
    own = (which >= 0) & (paid > 0)
    assert np.mean([lines[line] == LINES[i] for line, i in zip(of_row[own], which[own], strict=True)]) > 0.99
    assert np.mean(of_row[which < 0] >= 0) < 0.01


def test_a_line_of_few_persons_is_none():
    claimed, paid, which = payments()
    ids = np.where(which == 1, np.arange(ROWS) % 10, np.arange(ROWS) + 10)
    lines, _ = found(claimed, paid, persons(ids))
    assert set(lines) == {LINES[0], LINES[2]}


def test_a_fixed_list_of_few_amounts_makes_no_line():
    """Of nineteen charges only, each is paid its own price."""
    claimed, paid, which = payments()
    own = which == 1
    claimed[own] = np.round(500 + 37.5 * (np.arange(ROWS)[own] % 19), 2)
    paid[own] = np.round(claimed[own] * LINES[1][0] + LINES[1][1], 2)
    lines, _ = found(claimed, paid, persons(np.arange(ROWS)))
    assert LINES[1] not in lines


@pytest.mark.parametrize("times", [1, pytest.param(100, marks=pytest.mark.slow)])
@pytest.mark.slow
def test_claims_are_paid_by_them_as_often(fit, times):
    """In cents, and in units a hundred times as many."""
    claimed, paid, _ = payments()
    claimed, paid = (np.round(values * times, 2) for values in (claimed, paid))
    table = replaced(replaced(tariff_table(ROWS), "amount_claimed", claimed), "amount_paid", paid)
    profile = fit(table)
    assert len(profile.money.paid_bands) < 60
    drawn = Sampler(profile).draw_claims(3, np.arange(ROWS))
    shares = []
    for amounts in ((claimed, paid), (drawn["amount_claimed"].to_numpy(), drawn["amount_paid"].to_numpy())):
        on = [np.abs(amounts[0] * slope + offset * times - amounts[1]) < 0.01 * times for slope, offset in LINES]
        shares.append([np.mean(each) for each in on])
    assert shares[1] == pytest.approx(shares[0], abs=0.02)


def test_a_share_of_any_amount_is_no_line():
    claimed, paid, which = payments()
    own = which == 2
    paid[own] = np.round(claimed[own] * 0.59, 2)
    lines, _ = found(claimed, paid, persons(np.arange(ROWS)))
    assert set(lines) == set(LINES[:2])


@pytest.mark.slow
def test_many_lines_part_the_amounts_into_no_more_bands(fit):
    g = np.random.default_rng(92)
    claimed = np.round(np.exp(g.normal(7, 0.8, ROWS)), 2)
    slope, offset = np.round(g.uniform(0.4, 0.9, 40), 3), -np.round(g.uniform(5, 90, 40), 1)
    which = g.integers(0, 40, ROWS)
    paid = np.round(np.maximum(claimed * slope[which] + offset[which], 0), 2)
    profile = fit(replaced(replaced(tariff_table(ROWS), "amount_claimed", claimed), "amount_paid", paid))
    assert len(profile.money.paid_lines) == 40
    assert len(profile.money.paid_bands) < 100


@pytest.mark.parametrize(("about", "amounts"), [(4.6, (40, 60, 80, 100)), (5.6, (150, 210, 270, 330))])
@pytest.mark.slow
def test_of_few_steps_each_amount_has_payments_of_its_own(fit, about, amounts):
    """Fees and what is paid of them, a half to nine tenths, are each rounded to ten: of small ones a line says anything to a step."""
    g, rows = np.random.default_rng(19), 40_000
    fee = np.exp(g.normal(about, 0.7, rows))
    claimed, paid = np.rint(fee / 10) * 10, np.rint(fee * g.choice([0.5, 0.8, 0.9], rows, p=[0.2, 0.5, 0.3]) / 10) * 10
    paid = np.minimum(paid, claimed)
    table = replaced(replaced(tariff_table(rows, seed=19), "amount_claimed", claimed), "amount_paid", paid)
    profile = fit(table)
    assert not [line for line in profile.money.paid_lines if line[0] not in (0.0, 1.0)]
    drawn = Sampler(profile).draw_claims(1, np.arange(rows)).to_pandas()
    for amount in amounts:
        real, ours = paid[claimed == amount], drawn["amount_paid"][drawn["amount_claimed"] == amount].to_numpy()
        values = np.unique(np.r_[real, ours])
        shares = [np.array([np.mean(those == value) for value in values]) for those in (real, ours)]
        assert np.abs(shares[0] - shares[1]).sum() / 2 < 0.11


@pytest.mark.slow
def test_small_parts_that_are_left_of_all_are_left_as_often_as_they_are(fit):
    """Of what visits claim, hundreds and thousands, 5 to 9 are left, or the whole of a hundred."""
    g, rows = np.random.default_rng(21), 20_000
    claimed = np.rint(np.exp(g.normal(6.5, 0.6, rows))) + 120
    left = np.where(g.random(rows) < 0.3, 100, g.integers(5, 10, rows))
    table = replaced(replaced(tariff_table(rows, seed=21), "amount_claimed", claimed), "amount_paid", claimed - left)
    drawn = Sampler(fit(table)).draw_claims(1, np.arange(rows)).to_pandas()
    found = drawn["amount_claimed"] - drawn["amount_paid"]
    for part in (5, 6, 7, 8, 9, 100):
        assert (found == part).mean() == pytest.approx((left == part).mean(), abs=0.015)


@pytest.mark.slow
def test_a_fixed_part_is_one_though_most_that_leave_it_claim_the_same_few_amounts(fit):
    """Visits cost one of 300 fees, most of them one of ten; of a third 1,500 are left, of the others three tenths in whole hundreds; of
    stays any share.
    """
    g, rows = np.random.default_rng(24), 24_000
    fees = 10.0 * g.choice(np.arange(1000, 1500), 300, replace=False)
    weight = np.r_[np.full(10, 40.0), np.full(290, 1.0)]
    visit = g.random(rows) < 0.5
    claimed = np.where(
        visit, g.choice(fees, rows, p=weight / weight.sum()), np.rint(np.exp(g.normal(11, 1, rows)) / 10) * 10 + 20_000
    )
    left = np.where(g.random(rows) < 0.33, 1500, np.floor(claimed * 0.3 / 100) * 100)
    left = np.where(visit, left, np.rint(claimed * g.uniform(0.1, 0.5, rows) / 10) * 10)
    table = replaced(replaced(tariff_table(rows, seed=24), "amount_claimed", claimed), "amount_paid", claimed - left)
    profile = fit(table)
    assert (1.0, -1500.0) in profile.money.paid_lines
    drawn = Sampler(profile).draw_claims(1, np.arange(rows)).to_pandas()
    found = (drawn["amount_claimed"] - drawn["amount_paid"])[drawn["amount_claimed"] < 15_000]
    assert (found == 1500).mean() == pytest.approx(np.mean(left[visit] == 1500), abs=0.03)


@pytest.mark.parametrize("grid", [0.05, 0.1, 1.0])
@pytest.mark.slow
def test_of_few_steps_each_amount_has_its_own_payment_whatever_a_step_is(fit, grid):
    """Of every third amount nothing is paid, of the others all: 0.3 is three steps of 0.1, though not as it is computed."""
    g, rows = np.random.default_rng(20), 20_000
    steps = np.minimum(1 + g.gamma(1.5, 60, rows).astype(int), 2000)
    claimed = np.round(steps * grid, 2)
    paid = np.where(steps % 3 == 0, 0.0, claimed)
    table = replaced(replaced(tariff_table(rows, seed=20), "amount_claimed", claimed), "amount_paid", paid)
    drawn = Sampler(fit(table)).draw_claims(1, np.arange(rows)).to_pandas()
    step = np.rint(drawn["amount_claimed"] / grid).astype(int)
    small = drawn[step < 60]
    wrong = (small["amount_paid"] == 0) != (step[step < 60] % 3 == 0)
    assert wrong.mean() < 0.04


@pytest.mark.many(daily=1)
@pytest.mark.parametrize(("persons", "told"), [(5, False), (300, True)])
def test_a_small_amount_of_a_few_has_no_payments_of_its_own(fit, persons, told):
    """An amount of 37 steps that three hundred claims bear, of five persons or of as many, and of which nothing is paid."""
    g, rows = np.random.default_rng(22), 20_000
    claimed = np.rint(np.exp(g.normal(4.5, 1, rows))) * 10 + 20
    claimed = np.where(np.isin(claimed, [370, 380]), 390, claimed)
    claimed[:300] = 370
    paid = np.where(claimed == 370, 0, np.rint(claimed * g.choice([0.5, 0.8], rows) / 10) * 10)
    table = replaced(replaced(tariff_table(rows, seed=22), "amount_claimed", claimed), "amount_paid", paid)
    whose = [f"p{i % persons}" if i < 300 else f"q{i}" for i in range(rows)]
    assert (370.0 in fit(replaced(table, "patient_id_hash", whose)).money.paid_bands) == told


def lines_to_units(claimed, paid, ids):
    """The lines of payments in whole units of charges to the cent."""
    return find_lines(
        claimed, np.round(paid, 2), np.arange(len(claimed)), Population(len(claimed), 11, ids, None), 0.01, 1.0
    )[0]


def test_lines_to_the_cent_stay_where_they_are_beside_payments_in_whole_units():
    g = np.random.default_rng(93)
    claimed, first = np.round(np.exp(g.normal(8, 0.7, ROWS)), 2), g.random(ROWS) < 0.4
    ids = np.arange(ROWS)
    flat = lines_to_units(claimed, np.where(first, 123.45, np.rint(np.maximum(claimed - 300, 1))), ids)
    assert {*flat} >= {(0.0, 123.45), (1.0, -300.0)}
    to_the_cent = lines_to_units(claimed, np.where(first, claimed - 12.34, np.rint(0.8 * claimed - 300)), ids)
    assert (1.0, -12.34) in to_the_cent
    small = np.round(g.uniform(20, 99, ROWS), 2)
    assert (1.0, -5.0) in lines_to_units(small, np.where(first, small - 5, np.rint(0.8 * small)), ids)


def test_one_persons_many_claims_move_no_line_between_steps():
    g = np.random.default_rng(3)
    claimed, hers = np.round(np.exp(g.normal(11, 0.6, ROWS)), 2), np.arange(ROWS) < 0.75 * ROWS
    paid = np.rint(claimed * 0.8 - np.where(hers, 1000.5, 1000.0))
    several = lines_to_units(claimed, paid, np.arange(ROWS))
    assert (0.8, -1000.5) in several
    assert lines_to_units(claimed, paid, np.where(hers, 0, np.arange(ROWS))) == ((0.8, -1000.0),)
