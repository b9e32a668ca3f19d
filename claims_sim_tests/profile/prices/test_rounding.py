"""Prices by quantity and how their owner rounds them: found in the amounts, and kept in what is drawn."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from claims_sim.profile.counts.counting import Population
from claims_sim.profile.counts.numbers import on_grid
from claims_sim.profile.prices.quantities import with_multiples
from claims_sim.profile.prices.rounding import (
    HABITS,
    grids_kept,
    grids_of,
    round_to_grids,
    stands_out,
    to_whole_steps,
)
from claims_sim.profile.sampler import Sampler
from claims_sim_tests.profile.tables import replaced, tariff_table

HABIT = {
    "even": np.rint,
    "up": lambda cents: np.floor(cents + 0.5),
    "down": lambda cents: np.ceil(cents - 0.5),
}
FACTORS = {"RS Kelas C": 1.0, "RS Kelas B": 1.25, "RS Kelas A": 1.5}


def price_of(diagnosis, kind, quantity, habit):
    """A list price in quarters, times class and quantity: one in four lies between two cents in class B."""
    listed = np.rint(4 * 23.75 * 1.31**diagnosis) / 4
    factor = np.array(list(FACTORS.values()))[kind]
    return HABIT[habit](listed * quantity * factor * 100) / 100


def table_by_quantity(habit: str, rows: int = 12_000) -> pa.Table:
    g = np.random.default_rng(17)
    kind, diagnosis = g.choice(3, rows, p=[0.6, 0.2, 0.2]), g.integers(0, 12, rows)
    quantity = g.choice([1, 2, 3, 4, 5, 7], rows, p=[0.7, 0.15, 0.08, 0.04, 0.0295, 0.0005])
    amount = price_of(diagnosis, kind, quantity, habit)
    table = tariff_table(rows, seed=17)
    for name, values in (
        ("facility_class", np.array(list(FACTORS), object)[kind].tolist()),
        ("dx_primary_code", [f"A{i:02d}" for i in diagnosis]),
        ("service_type", ["RJTL"] * rows),
        ("los", [0] * rows),
        ("amount_claimed", amount),
        ("amount_paid", amount),
    ):
        table = replaced(table, name, values)
    return table


@pytest.mark.parametrize("habit", [one if one == "up" else pytest.param(one, marks=pytest.mark.slow) for one in HABITS])
def test_amounts_are_drawn_as_their_owner_rounds_them(fit, habit):
    profile = fit(table_by_quantity(habit))
    tariff = profile.money.tariffs[0]
    assert tariff is not None
    assert tariff.ties == habit
    # Five are borne by enough; sevens, after a six that nobody has, are not looked for.
    assert np.exp(tariff.levels) == pytest.approx([1, 2, 3, 4, 5], rel=1e-4)
    drawn = Sampler(profile).draw_claims(1, np.arange(20_000)).to_pandas()
    diagnosis = drawn["dx_primary_code"].str[1:].astype(int).to_numpy()
    kind = drawn["facility_class"].map({name: i for i, name in enumerate(FACTORS)}).to_numpy()
    right = np.zeros(len(drawn), bool)
    for quantity in range(1, 6):
        right |= np.abs(price_of(diagnosis, kind, quantity, habit) - drawn["amount_claimed"]) < 0.001
    assert right.mean() > 0.995


@given(st.integers(1, 2_000_000), st.sampled_from([0.01, 1.0, 100.0]))
def test_a_price_between_two_steps_goes_where_the_habit_says(below, grid):
    logs = np.log(np.array([(below + 0.5) * grid, below * grid]))
    for habit in HABITS:
        price, plain = on_grid(logs, grid, habit) / grid
        assert round(price) == HABIT[habit](below + 0.5)
        assert round(plain) == below


def test_multiples_are_levels_only_as_far_as_enough_persons_bear_each():
    counts = {1: 500, 2: 200, 3: 100, 4: 40, 5: 10, 6: 40}
    away = np.log(np.repeat([*counts], [*counts.values()]).astype(float))
    rows = np.arange(len(away))
    population = Population(len(away), 11, rows, None)
    levels = np.log([1.0, 2.0, 3.0])
    width = np.full(len(away), 1e-4)
    assert np.exp(with_multiples(levels, away, width, rows, population)) == pytest.approx([1, 2, 3, 4])
    one_person = Population(len(away), 11, np.where(away == np.log(4.0), 0, rows), None)
    assert np.exp(with_multiples(levels, away, width, rows, one_person)) == pytest.approx([1, 2, 3])
    of_each_day = np.log(np.repeat(np.arange(1, 34), 40).astype(float))
    many = Population(len(of_each_day), 11, np.arange(len(of_each_day)), None)
    found = with_multiples(levels, of_each_day, np.full(len(of_each_day), 1e-4), np.arange(len(of_each_day)), many)
    assert np.exp(found) == pytest.approx(np.arange(1, 32))
    wards = np.log([1.0, 1.2, 1.4])
    assert with_multiples(wards, away, width, rows, population).tolist() == wards.tolist()


def test_what_falls_on_a_coarser_grid_moves_to_any_step_between():
    """Of whole amounts that are no multiples of five as many end in 1 and 6 as in 2 and 7."""
    g = np.random.default_rng(8)
    amounts = np.exp(g.normal(9, 1, 50_000))
    rounded = round_to_grids(amounts, (1.0, 5.0, 100.0), np.zeros(len(amounts), np.int32), g.random(len(amounts)))
    ends = np.bincount(rounded.astype(int) % 5, minlength=5) / len(rounded)
    assert ends == pytest.approx([0, 0.25, 0.25, 0.25, 0.25], abs=0.01)
    assert np.abs(rounded - amounts).max() <= 5.5
    beside = round_to_grids(np.full(9, 1000.3), (1.0, 1000.0), np.zeros(9, np.int32), np.linspace(0, 0.999, 9))
    assert np.abs(beside - 1000).max() <= 8
    assert not (beside % 1000 == 0).any()


def test_grids_are_multiples_of_each_other():
    """Of tens a fifth are multiples of 25, which no rounding to 25 has made."""
    g = np.random.default_rng(4)
    tens = g.integers(1, 400, 5000) * 10.0
    hundreds = g.integers(1, 40, 2000) * 100.0
    assert grids_kept(np.r_[tens, hundreds], 10.0, 22) == (10.0, 50.0, 100.0)


@pytest.mark.slow
def test_sums_in_quarters_stay_in_quarters(fit):
    """Drugs by the quarter, and a few drawn from shares, to the cent."""
    g, table = np.random.default_rng(41), tariff_table(8000)
    cents = g.random(8000) < 0.05
    amount = np.where(cents, np.round(g.lognormal(6, 1, 8000), 2), np.rint(4 * g.lognormal(6, 1, 8000)) / 4)
    drawn = Sampler(fit(replaced(replaced(table, "amount_claimed", amount), "amount_paid", amount)))
    claimed = drawn.draw_claims(1, np.arange(8000))["amount_claimed"].to_numpy()
    quarters, odd = np.abs(claimed * 4 - np.rint(claimed * 4)) < 1e-6, np.rint(claimed * 4) % 2 == 1
    assert quarters.mean() == pytest.approx(0.952, abs=0.015)
    assert (quarters & odd).mean() == pytest.approx(0.476, abs=0.03)


@pytest.mark.slow
def test_what_is_paid_by_no_rule_is_rounded_as_it_is(fit):
    """Charges are to the cent; of what is paid visits are rounded to tens, stays to thousands."""
    g, rows = np.random.default_rng(5), 12_000
    table = tariff_table(rows)
    claimed = np.round(np.exp(g.normal(9, 0.8, rows)), 2)
    step = np.where(np.array(table["service_type"].to_pylist()) == "RITL", 1000.0, 10.0)
    paid = np.minimum(np.rint(claimed * np.exp(g.normal(-0.9, 0.3, rows)) / step) * step, claimed)
    table = replaced(replaced(table, "amount_claimed", claimed), "amount_paid", paid)
    profile = fit(table)
    assert all(slope == 0 for slope, _ in profile.money.paid_lines)  # some payments of few steps lie on any line
    drawn = Sampler(profile).draw_claims(1, np.arange(rows)).to_pandas()
    real = table.to_pandas()
    for service, step in (("RITL", 1000), ("RJTL", 10)):
        on = [
            (frame.loc[frame["service_type"] == service, "amount_paid"] % step == 0).mean() for frame in (real, drawn)
        ]
        assert on[1] == pytest.approx(on[0], abs=0.03)
    tens = drawn.loc[drawn["service_type"] == "RJTL", "amount_paid"] // 10 % 10
    assert tens.value_counts(normalize=True).max() < 0.2


def test_the_rounding_of_one_persons_many_claims_is_no_grid():
    g = np.random.default_rng(6)
    amounts = np.r_[g.integers(10_000, 900_000, 6000), g.integers(1, 9, 60) * 100_000].astype(float)
    persons = np.r_[np.arange(6000), np.full(60, 6000)]
    assert grids_of(amounts, np.arange(6060), Population(6060, 11, persons, None), 1.0) == (1.0,)
    assert grids_of(amounts, np.arange(6060), Population(6060, 11, np.arange(6060), None), 1.0)[-1] == 100_000.0


def test_grids_of_a_rare_kind_are_told_beside_those_of_the_others():
    """Of multiples of 500 half are of 1 000 by chance; a rare kind's all are."""
    g = np.random.default_rng(71)
    kinds = np.r_[np.zeros(9000), np.ones(600)].astype(np.int32)
    amounts = np.where(kinds == 1, g.integers(1, 400, 9600) * 1000, g.integers(1, 800, 9600) * 500).astype(float)
    rows, population = np.arange(9600), Population(9600, 11, np.arange(9600), None)
    assert 1000.0 not in grids_of(amounts, rows, population, 500.0)
    assert 1000.0 in grids_of(amounts, rows, population, 500.0, kinds)
    # Of a kind of one person's claims, or of one facility's, nothing is told.
    for persons, houses in ((np.where(kinds == 1, 0, np.arange(9600)), None), (np.arange(9600), 1 - kinds)):
        theirs = Population(9600, 11, persons, None if houses is None else houses * (1 + rows % 40))
        assert 1000.0 not in grids_of(amounts, rows, theirs, 500.0, kinds)


def test_whole_steps_are_so_of_large_amounts_too_and_nothing_is_plain_nothing():
    amounts = np.round(np.arange(1, 2000) * 12_345.67, 2)
    for habit in ("down", "up"):
        assert np.abs(to_whole_steps(amounts, 0.01, habit) - amounts).max() < 1e-3
    assert not np.signbit(to_whole_steps(np.zeros(2), 0.01, "up")).any()


def test_what_some_round_and_others_do_not_is_no_amount_of_its_own():
    """Two claims in five are charged to the whole hundred: among amounts to the cent all these would seem to be prices."""
    g = np.random.default_rng(72)
    charged = np.rint(np.exp(g.normal(10.5, 0.9, 60_000)))
    charged = np.where(g.random(60_000) < 0.4, np.maximum(np.rint(charged / 100), 1) * 100, charged)
    packages = np.repeat([21_345.0, 30_000.0], 140)
    amounts, counts = np.unique(np.r_[charged, packages], return_counts=True)
    shared = amounts[stands_out(amounts, counts, (1.0, 100.0)) & (counts >= 11)]
    assert {21_345.0, 30_000.0} <= set(shared)
    assert len(shared) < 0.02 * np.count_nonzero(counts >= 11)
    # What is very common is one of its own beside whatever is as round.
    visits = np.repeat(np.arange(20, 120, 5) * 100.0, 400)
    amounts, counts = np.unique(np.r_[charged, visits], return_counts=True)
    assert set(visits) <= set(amounts[stands_out(amounts, counts, (1.0, 100.0))])
    # What lies on no grid at all is as common as it is.
    assert stands_out(np.array([100.5, 101.0, 5000.0]), np.array([30, 20, 10]), (1.0, 1000.0)).all()


def test_one_persons_many_amounts_make_no_grid_that_says_which_others_stand_out(fit):
    """Sixteen claims cost 5000; ninety claims of another lie on the hundreds about it."""
    g, rows = np.random.default_rng(73), 12_000
    table = tariff_table(rows)
    amounts = np.rint(np.exp(g.uniform(6, 11, rows)))
    amounts[:16] = 5000.0
    persons = table["patient_id_hash"].to_pylist()
    for theirs in (0, 90):
        own, whose = amounts.copy(), list(persons)
        own[16 : 16 + theirs] = np.resize([4700.0, 4800, 4900, 5100, 5200, 5300], theirs)
        whose[16 : 16 + theirs] = [persons[-1]] * theirs
        given = replaced(replaced(table, "amount_claimed", own), "amount_paid", own)
        assert 5000.0 in fit(replaced(given, "patient_id_hash", whose)).money.exact
