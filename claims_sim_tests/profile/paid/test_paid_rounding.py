"""Charges to the cent are paid in whole units, or so that what is left to the patient is a round amount."""

import json

import numpy as np
import pyarrow as pa
import pytest

from claims_sim.errors import ProfileError
from claims_sim.profile.counts.builder import Builder
from claims_sim.profile.counts.counting import Population
from claims_sim.profile.document import Profile
from claims_sim.profile.encoding.encode import Encoded
from claims_sim.profile.paid.paid_rounding import (
    PaidGrids,
    add_grids,
    add_steps,
    line_habit,
    round_payments,
    rounding_habit,
)
from claims_sim.profile.paid.paid_rules import _commonest_shares, plain_ratio
from claims_sim.profile.paid.patients_part import find_patients_part
from claims_sim.profile.prices.rounding import lies_on
from claims_sim.profile.sampler import Sampler
from claims_sim_tests.profile.tables import replaced, tariff_table

ROWS = 12_000


def paid_by(rule, claimed_to=0.01, times=1):
    """A table whose charges are of any size and on a grid; `rule` gives what is paid of them, the class of the house given."""
    g = np.random.default_rng(61)
    table = tariff_table(ROWS)
    house = np.unique(table["facility_class"].to_pylist(), return_inverse=True)[1]
    claimed = np.round(np.rint(times * np.exp(g.normal(12, 0.7, ROWS)) / claimed_to) * claimed_to, 2)
    return replaced(replaced(table, "amount_claimed", claimed), "amount_paid", np.round(rule(claimed, house, g), 2))


def money(table):
    return table["amount_claimed"].to_numpy(), table["amount_paid"].to_numpy()


def are_whole(amounts, unit=1):
    return np.abs(amounts / unit - np.rint(amounts / unit)) < 1e-6


def fixed_part_or_share(claimed, house, g):
    """Four fifths, or all but 25 000, in whole units but in one class of house."""
    paid = np.where(g.random(ROWS) < 0.6, 0.8 * claimed, np.maximum(claimed - 25_000, 0))
    return np.where(house == 0, paid, np.rint(paid))


@pytest.fixture(scope="module")
def in_whole_units(fit):
    table = paid_by(fixed_part_or_share)
    profile = fit(table)
    return table, profile, Sampler(profile).draw_claims(3, np.arange(ROWS))


def test_rules_are_found_though_what_they_give_is_rounded(in_whole_units):
    _, profile, claims = in_whole_units
    assert profile.money.paid_step == 1.0
    assert (1.0, -25_000.0) in profile.money.paid_lines
    claimed, paid = money(claims)
    by_rule = [np.abs(claimed * slope + offset - paid) <= 0.5 for slope, offset in ((0.8, 0), (1, -25_000))]
    assert np.mean(by_rule[0] | by_rule[1] | (paid == 0)) > 0.97
    assert Profile.from_json(profile.to_json()) == profile


def test_payments_are_whole_where_they_are_in_the_table(in_whole_units):
    table, _, claims = in_whole_units
    keeps_cents = np.unique(table["facility_class"].to_pylist())[0]
    shares = []
    for t in (table, claims):
        _, paid = money(t)
        own = np.array(t["facility_class"].to_pylist()) == keeps_cents
        shares.append([np.mean(are_whole(paid[those])) for those in (own, ~own)])
    assert shares[1] == pytest.approx(shares[0], abs=0.08)


@pytest.mark.slow
def test_what_is_left_is_as_round_as_in_the_table(fit):
    """Of charges in units the patient pays items in thousands, or what the payer's own rounding leaves."""

    def rule(claimed, house, g):
        items = np.rint(np.exp(g.normal(10, 0.8, ROWS)) / 1000) * 1000
        own = np.rint(claimed * g.uniform(0.5, 0.95, ROWS) / 500) * 500
        return np.where((g.random(ROWS) < 0.6) & (items < claimed), claimed - items, np.minimum(own, claimed))

    table = paid_by(rule, claimed_to=1.0)
    profile = fit(table)
    assert 1000.0 in profile.money.left_rounded_to
    drawn = Sampler(profile).draw_claims(3, np.arange(ROWS))
    found = []
    for claimed, paid in map(money, (table, drawn)):
        part = (paid < claimed) & (paid > 0)
        found.append([np.mean(are_whole((claimed - paid)[part], 1000)), np.mean(are_whole(paid[part], 500))])
        assert (paid >= 0).all()
        assert (paid <= claimed).all()
    assert found[1] == pytest.approx(found[0], abs=0.04)


@pytest.mark.slow
def test_shares_that_give_no_amount_exactly_are_none(fit):
    """Of charges so large that four decimals of a share say little of what is paid."""
    table = paid_by(lambda claimed, _house, g: np.rint(claimed * (1 - g.random(ROWS) * 0.02)), 1.0, times=100)
    bins = fit(table).bins["paid"]
    single = [low for low, high in zip(bins.lo, bins.hi, strict=True) if low == high and 0 < low < 1]
    assert len(single) <= 1  # a range at the end may be one of no width


def test_where_all_is_on_one_grid_nothing_is_told_of_it(tariff_profile):
    assert tariff_profile.money.paid_step is None
    assert tariff_profile.money.left_rounded_to == ()
    assert "paid_step" not in tariff_profile.to_json()


@pytest.mark.slow
def test_of_small_payments_in_tens_no_rule_is_found_by_chance(fit):
    """A tenth to two fifths of charges of some hundreds, in tens: any of a few amounts, which any line or share would give."""
    share = (0.1, 0.4)
    table = paid_by(lambda claimed, _house, g: np.rint(claimed * g.uniform(*share, ROWS) / 10) * 10, times=1e-3)
    profile = fit(table)
    assert all(slope == 0 for slope, _ in profile.money.paid_lines)
    bins = profile.bins["paid"]
    by_share = [low for low, high in zip(bins.lo, bins.hi, strict=True) if low == high and share[0] < low < share[1]]
    assert by_share == []


def test_decimals_that_would_give_any_amount_tell_no_share():
    paid, claimed = np.array([301.0, 300_699.0]), np.array([777.0, 777_000.0])
    assert plain_ratio(paid, claimed, 1.0, np.full(2, 10.0)).tolist() == [301 / 777, 0.387]
    # Where payments have no step of their own, any amount is as good as another.
    assert plain_ratio(paid, claimed, 1.0, np.ones(2)).tolist() == [0.387, 0.387]


def test_nothing_is_left_that_is_more_than_is_claimed():
    grids = PaidGrids(paid=(1.0,), left=(1.0, 1000.0))
    paid = round_payments(np.array([100.0, 400.0]), np.array([900.0, 2900.0]), grids, np.array([2, 2]), np.zeros(2))
    assert paid.tolist() == [100.0, 900.0]


@pytest.mark.slow
def test_a_rare_service_rounds_as_it_does_whatever_houses_do(fit):
    """Charges to units, tens or hundreds by class and owner of the house; those of a rare service to ten thousands."""
    g = np.random.default_rng(63)
    table = tariff_table(ROWS)
    house, owner = (
        np.unique(table[n].to_pylist(), return_inverse=True)[1] for n in ("facility_class", "facility_ownership")
    )
    is_rare = g.random(ROWS) < 0.04
    table = replaced(table, "service_type", np.where(is_rare, "RITL", "RJTL"))
    step = np.where(is_rare, 10_000, np.array([[1, 10], [100, 1], [10, 100]])[house, owner])
    claimed = np.rint(np.exp(g.normal(13, 0.9, ROWS)) / step) * step
    drawn = Sampler(fit(replaced(replaced(table, "amount_claimed", claimed), "amount_paid", claimed)))
    claims = drawn.draw_claims(3, np.arange(ROWS))
    own = np.array(claims["service_type"].to_pylist()) == "RITL"
    assert np.mean(are_whole(money(claims)[0][own], 10_000)) > 0.95


@pytest.mark.parametrize(
    ("habit", "step"),
    [
        ("down", 1),
        ("up", 100),
        ("half down", 1),
        *(
            pytest.param(*each, marks=pytest.mark.slow)
            for each in [("half up", 1), ("near", 1), ("near", 100), ("down", 100), ("up", 1)]
        ),
    ],
)
def test_shares_are_rounded_by_habit(fit, habit, step):
    """Four or nine in ten, by the class of the house, in whole units or hundreds."""
    whole = {
        "down": np.floor, "near": np.rint, "up": np.ceil,
        "half down": lambda steps: np.ceil(steps - 0.5), "half up": lambda steps: np.floor(steps + 0.5),
    }[habit]  # fmt: skip

    def shares(house):
        return np.array([0.4, 0.9, 0.9])[house]

    def rule(claimed, house, _g):
        return whole(np.round(claimed * shares(house) / step, 6)) * step

    profile = fit(paid_by(rule, 1.0, times=10))
    assert profile.money.paid_habit == habit
    drawn = Sampler(profile).draw_claims(3, np.arange(ROWS))
    claimed, paid = money(drawn)
    house = np.unique(drawn["facility_class"].to_pylist(), return_inverse=True)[1]
    right = np.abs(paid - rule(claimed, house, None)) < 0.5
    assert np.mean(right) > 0.97
    between = np.isclose(claimed * shares(house) / step % 1, 0.5)
    assert not between.any() or np.mean(right[between]) > 0.97
    assert [line for line in profile.money.paid_lines if line[0] > 0] == []


def test_what_is_left_above_a_fixed_part_is_rounded_by_the_habit_too(fit):
    """Fees in twentieths, whose nine tenths lie in the middle between two cents half of the time, less ten or nothing."""

    def rule(claimed, house, _g):
        return np.ceil(np.round(np.maximum(claimed - np.array([0, 10, 10])[house], 0) * 90, 6) - 0.5) / 100

    profile = fit(paid_by(rule, 0.05, times=0.001))
    assert (profile.money.paid_habit in {"down", "half down"}, (0.9, -9.0) in profile.money.paid_lines) == (True, True)
    drawn = Sampler(profile).draw_claims(3, np.arange(ROWS))
    claimed, paid = money(drawn)
    house = np.unique(drawn["facility_class"].to_pylist(), return_inverse=True)[1]
    right, between = np.abs(paid - rule(claimed, house, None)) < 0.005, np.isclose(claimed * 90 % 1, 0.5)
    assert between.mean() > 0.4
    assert (right.mean(), right[between].mean()) == pytest.approx((1, 1), abs=0.04)


@pytest.mark.parametrize(
    "habit", ["down", *(pytest.param(one, marks=pytest.mark.slow) for one in ("up", "half up", "near"))]
)
def test_where_all_have_a_fixed_part_its_payments_tell_the_habit(fit, habit):
    """Nine tenths of what is above ten, twenty or thirty hundreds, in whole units."""
    whole = {"down": np.floor, "up": np.ceil, "near": np.rint, "half up": lambda steps: np.floor(steps + 0.5)}[habit]

    def rule(claimed, house, _g):
        return np.maximum(whole(np.round((claimed - np.array([1000, 2000, 3000])[house]) * 0.9, 6)), 0)

    profile = fit(paid_by(rule, 1.0))
    assert (profile.money.paid_habit, {slope for slope, _ in profile.money.paid_lines}) == (habit, {0.9})
    drawn = Sampler(profile).draw_claims(3, np.arange(ROWS))
    claimed, paid = money(drawn)
    house = np.unique(drawn["facility_class"].to_pylist(), return_inverse=True)[1]
    right, about = (np.abs(paid - rule(claimed, house, None)) < off for off in (0.5, 1.6))
    assert (about.mean(), right.mean()) == pytest.approx((1, about.mean()), abs=0.05)


@pytest.mark.parametrize("habit", ["down", pytest.param("near", marks=pytest.mark.slow)])
def test_fixed_parts_between_two_steps_are_told_and_given_to_small_claims_too(fit, habit):
    """Seven, eight or nine tenths of what is above fifty or twenty, or all above nothing by nine tenths, in whole tens."""
    whole = {"down": np.floor, "near": np.rint}[habit]
    shares, parts = np.array([0.7, 0.8, 0.9]), np.array([50, 20, 0])

    def rule(claimed, house, _g):
        return np.maximum(whole(np.round((claimed - parts[house]) * shares[house] / 10, 6)), 0) * 10

    profile = fit(paid_by(rule, 1.0, times=0.02))
    # Always down is to the nearest of what is half a step less.
    aside = 5 if habit == "down" and profile.money.paid_habit != "down" else 0
    assert profile.money.paid_step == 10.0
    assert {*profile.money.paid_lines} >= {(0.7, -35.0 - aside), (0.8, -16.0 - aside)}
    drawn = Sampler(profile).draw_claims(3, np.arange(ROWS))
    claimed, paid = money(drawn)
    house = np.unique(drawn["facility_class"].to_pylist(), return_inverse=True)[1]
    right, small = np.abs(paid - rule(claimed, house, None)) < 0.5, claimed < 1000
    assert small.mean() > 0.03
    assert (right.mean(), right[small].mean()) == pytest.approx((1, 1), abs=0.07)


def test_one_persons_payments_on_lines_tell_no_habit():
    g = np.random.default_rng(73)
    amounts = np.rint(np.exp(g.normal(11, 0.5, 4000))) * 0.9 - 900
    rows, first = np.arange(4000), np.arange(4000) < 3600
    paid = np.where(first, np.floor(amounts), np.rint(amounts))
    for owner, habit in ((rows, "down"), (np.where(first, 0, rows), "near")):
        population = Population(4000, 11, owner + 1, None)
        assert line_habit(amounts, paid, rows, population, 1.0, np.ones(4000)) == habit


def test_of_any_shares_and_of_one_persons_there_is_no_habit():
    g = np.random.default_rng(68)
    claimed = np.rint(np.exp(g.normal(14, 0.7, 4000)))
    share = np.where(np.arange(4000) < 2000, 0.8, g.uniform(0.3, 0.9, 4000))
    persons = np.where(np.arange(4000) < 2000, 0, np.arange(4000))
    for owner, habit in ((np.arange(4000), "down"), (persons, "near")):
        told = rounding_habit(
            claimed, np.floor(claimed * share), np.arange(4000), Population(4000, 11, owner, None), 1.0, np.ones(4000)
        )
        assert told == habit
    odd = np.where(np.arange(4000) < 2000, 5 + 10 * np.arange(4000) + 1000, 2 * claimed)
    for owner, habit in ((np.arange(4000), "half up"), (persons, "near")):
        told = rounding_habit(
            odd, np.floor(odd * 0.9 + 0.5), np.arange(4000), Population(4000, 11, owner, None), 1.0, np.ones(4000)
        )
        assert told == habit


@pytest.mark.parametrize(
    "rule",
    [
        lambda claimed, _house, _g: np.rint(claimed * 1.2),
        pytest.param(
            lambda claimed, _house, g: np.rint(claimed * np.where(g.random(ROWS) < 0.5, 1.2, 0.8)),
            marks=pytest.mark.slow,
        ),
        pytest.param(lambda claimed, _house, _g: np.rint(claimed), marks=pytest.mark.slow),
    ],
    ids=["dearer", "dearer or not", "to the next unit"],
)
def test_who_is_paid_more_than_is_claimed_stays_so(fit, rule):
    table = paid_by(rule)
    drawn = Sampler(fit(table)).draw_claims(3, np.arange(ROWS))
    above = [np.mean(paid > claimed) for claimed, paid in map(money, (table, drawn))]
    assert above[1] == pytest.approx(above[0], abs=0.03)


@pytest.mark.slow
def test_payments_in_whole_units_are_no_more_than_is_claimed(fit):
    """Down to the unit, not to the odd amount that is claimed."""
    table = paid_by(lambda claimed, _house, _g: np.floor(claimed * 0.999))
    claimed, paid = money(Sampler(fit(table)).draw_claims(3, np.arange(ROWS)))
    assert (paid <= claimed).all()
    assert np.mean(are_whole(paid)) > 0.95


def test_what_is_less_than_a_step_lies_on_no_grid():
    assert not lies_on(np.array([0.0, 0.01, 0.5, 1.0]), 1e6).any()
    assert lies_on(np.array([2e6, 3e6]), 1e6).all()


@pytest.mark.slow
def test_small_rests_are_no_round_amounts(fit):
    """Of half the claims some cents are left."""

    def rule(claimed, _house, g):
        cents = claimed - g.integers(1, 90, ROWS) / 100
        return np.where(g.random(ROWS) < 0.5, cents, claimed * g.uniform(0.2, 0.9, ROWS))

    table = paid_by(rule)
    profile = fit(table)
    assert max(profile.money.left_rounded_to, default=0) < 1000
    drawn = Sampler(profile).draw_claims(3, np.arange(ROWS))
    small = [np.mean(claimed - paid < 1) for claimed, paid in map(money, (table, drawn))]
    assert small[1] == pytest.approx(small[0], abs=0.1)


def of_one(who):
    """Charges in hundreds less a fixed part; those of one person or house are odd, and paid to fifties."""
    g = np.random.default_rng(65)
    table = tariff_table(ROWS)
    own = g.random(ROWS) < 0.07
    claimed = np.rint(np.exp(g.normal(13, 0.7, ROWS)) / 100) * 100
    claimed = np.where(own, claimed + np.round(g.uniform(1, 99, ROWS), 2), claimed)
    paid = np.maximum(np.where(own, np.rint((claimed - 25_000) / 50) * 50, claimed - 25_000), 0)
    table = replaced(replaced(table, "amount_claimed", claimed), "amount_paid", paid)
    persons = [f"person {i}" for i in range(ROWS)]
    houses = [f"house {i % 40}" for i in range(ROWS)]
    some = 30 if who == "person and some" else 0
    for i in np.flatnonzero(own)[some:].tolist():
        persons[i], houses[i] = (persons[i], "one") if who == "facility" else ("one", houses[i])
    return replaced(table, "patient_id_hash", persons).append_column("facility_id", pa.array(houses))


@pytest.mark.parametrize("who", [pytest.param("person", marks=pytest.mark.slow), "person and some", "facility"])
def test_the_step_of_one_is_nobodys(fit, who):
    assert fit(of_one(who)).money.paid_step is None


def test_of_too_few_payments_by_a_rule_no_step_is_told():
    """The same numbers, of one person: the table of steps is left out."""
    g = np.random.default_rng(66)
    paid = np.rint(np.exp(g.normal(12, 0.5, 4000)))
    for persons, told in ((np.arange(4000), True), (np.zeros(4000, np.int64), False)):
        encoded = Encoded(population=Population(4000, 11, persons, None), rows=4000, paid=paid)
        builder = Builder(encoded.population)
        assert add_steps(builder, encoded, [], np.arange(4000), 0.01, np.ones(4000)) == told
        assert ("paid_to_step" in builder.tables) == told
        few = np.arange(200)
        assert add_steps(Builder(encoded.population), encoded, [], few, 0.01, np.ones(4000)) is False


def of_systems(owner=None):
    """Two thirds bill in whole units and the others to the cent; all pay nine tenths, or seven to eight, rounded as they bill."""
    table = tariff_table(ROWS)
    g = np.random.default_rng(69)
    whole = np.arange(ROWS) % 3 > 0
    claimed = np.exp(g.normal(12, 0.8, ROWS))
    claimed = np.where(whole, np.rint(claimed), np.round(claimed, 2))
    share = np.where(g.random(ROWS) < 0.6, 0.9, g.uniform(0.7, 0.8, ROWS))
    paid = np.where(whole, np.rint(claimed * share), np.round(claimed * share, 2))
    table = replaced(replaced(table, "amount_claimed", claimed), "amount_paid", paid)
    return table if owner is None else replaced(table, "patient_id_hash", owner(whole))


@pytest.mark.slow
def test_who_bills_whole_units_is_paid_such_where_others_are_paid_to_the_cent(fit):
    profile = fit(of_systems())
    assert profile.money.paid_keeps == (1.0,)
    assert Profile.from_json(profile.to_json()).profile_hash == profile.profile_hash
    claims = Sampler(profile).draw_claims(5, np.arange(6000))
    claimed, paid = (np.array(claims[name]) for name in ("amount_claimed", "amount_paid"))
    whole, in_part = claimed == np.rint(claimed), (paid != claimed) & (paid > 0)
    assert whole.mean() == pytest.approx(2 / 3, abs=0.05)
    assert (paid == np.rint(paid))[whole & in_part].mean() > 0.98
    assert (paid == np.rint(paid))[~whole & in_part].mean() < 0.05
    exactly = np.abs(paid - np.where(whole, np.rint(claimed * 0.9), np.round(claimed * 0.9, 2))) < 0.006
    assert exactly[in_part].mean() == pytest.approx(0.6, abs=0.05)


def test_the_grid_that_payments_of_one_facility_keep_is_not_told(fit):
    whole = np.arange(ROWS) % 3 > 0
    houses = np.where(whole, "one", [f"h{i % 50}" for i in range(ROWS)])
    assert fit(of_systems().append_column("facility_id", pa.array(houses))).money.paid_keeps == ()


@pytest.mark.slow
def test_a_profile_whose_tables_know_other_grids_is_refused(fit):
    document = json.loads(fit(of_systems()).to_json())
    for keeps in ([], [1.0, 100.0], [100.0, 1.0]):
        document["money"]["paid_keeps"] = keeps
        with pytest.raises(ProfileError, match="claimed_on"):
            Profile.from_json(json.dumps(document))


def test_the_grid_that_one_persons_payments_keep_is_nobodys(fit):
    assert fit(of_systems(lambda whole: np.where(whole, "one", [f"p{i}" for i in range(ROWS)]))).money.paid_keeps == ()


@pytest.mark.parametrize(("share", "persons", "told"), [(0.5, 4000, True), (0.02, 4000, False), (0.5, 5, False)])
def test_rests_are_told_where_many_are_round_and_of_enough_persons(share, persons, told):
    g = np.random.default_rng(67)
    claimed = np.rint(np.exp(g.normal(14, 0.5, 4000)))
    items = np.rint(np.exp(g.normal(11, 0.5, 4000)) / 1000) * 1000
    left = np.where(np.arange(4000) < share * 4000, items, np.rint(claimed * g.uniform(0.1, 0.5, 4000)) + 0.37)
    owner = np.where(np.arange(4000) < share * 4000, np.arange(4000) % persons, np.arange(4000) + 4000)
    encoded = Encoded(
        population=Population(4000, 11, owner, None), rows=4000, claimed=claimed, paid=np.round(claimed - left, 2)
    )
    grids = add_grids(Builder(encoded.population), encoded, [], np.arange(4000), 0.01)
    assert (grids.left != ()) == told


def by_plans():
    """Bills of a few hundred, two thirds in fives and the others to the cent, are paid in whole units: four fifths, all or nothing."""
    g = np.random.default_rng(71)
    table = tariff_table(ROWS)
    claimed = np.round(np.exp(g.normal(6, 0.4, ROWS)), 2)
    claimed = np.where(g.random(ROWS) < 2 / 3, np.rint(claimed / 5) * 5, claimed)
    share = g.choice([0.8, 1.0, 0.0], ROWS, p=[0.6, 0.35, 0.05])
    paid = np.floor(np.round(claimed * share, 6) + 0.5)
    return replaced(replaced(table, "amount_claimed", claimed), "amount_paid", paid)


@pytest.fixture(scope="module")
def of_plans(fit):
    return fit(by_plans())


def test_small_bills_are_paid_the_shares_that_others_are_and_those_to_the_cent_no_cents(of_plans):
    money = of_plans.money
    assert (money.patients_part, money.paid_step, len(money.paid_lines) < 3) == (None, 1.0, True)
    drawn = Sampler(of_plans).draw_claims(5, np.arange(ROWS))
    shares = []
    for table in (by_plans(), drawn):
        claimed, paid = (np.array(table[name]) for name in ("amount_claimed", "amount_paid"))
        odd = claimed != np.rint(claimed)
        assert (paid == np.rint(paid)).all()
        exactly = [np.abs(paid - claimed * share) <= 0.5 + 1e-6 for share in (0.8, 1.0, 0.0)]
        shares.append([np.mean(odd), *(np.mean(is_so[those]) for is_so in exactly for those in (odd, ~odd))])
    assert shares[1] == pytest.approx(shares[0], abs=0.03)


def test_a_profile_that_says_of_other_steps_which_bills_lie_on_them_is_refused(of_plans):
    assert any(feature.variable == "claimed_on" for feature in of_plans.features.values())
    document = json.loads(of_plans.to_json())
    document["money"]["paid_keeps"] = [1.0, 5.0]
    with pytest.raises(ProfileError, match="claimed_on"):
        Profile.from_json(json.dumps(document))


@pytest.mark.parametrize(
    ("persons", "otherwise", "is_paid_whole"), [(400, 0, True), (1, 0, False), (20, 60, False), (80, 60, True)]
)
def test_which_of_two_amounts_is_rounded_no_one_person_says(persons, otherwise, is_paid_whole):
    """A fifth is left of whole fives either way. Four hundred odd bills are paid in whole units, which tells that it is no part that is
    rounded; some of others are paid so that whole units are left.
    """
    g = np.random.default_rng(72)
    claimed = np.r_[np.rint(g.uniform(40, 400, 4000)) * 5, np.round(g.uniform(200, 2000, 400 + otherwise), 2)]
    paid = np.floor(np.round(claimed * 0.8, 6) + 0.5)
    paid[4400:] = claimed[4400:] - np.rint(claimed[4400:] * 0.2)
    odd = np.r_[np.minimum(np.arange(400), persons - 1), 400 + np.arange(otherwise)]
    population = Population(len(claimed), 11, np.r_[np.arange(4000), 4000 + odd] + 1, None)
    part, _ = find_patients_part(claimed, np.round(paid, 2), np.arange(len(claimed)), population, 0.01)
    assert (part is None) == is_paid_whole


@pytest.mark.parametrize(("is_rounded", "persons"), [(True, 300), (False, 300), (False, 1)])
def test_round_bills_say_nothing_of_how_a_patients_part_is_rounded(is_rounded, persons):
    """A fifth of most bills is whole fifties as it is; three hundred others tell whether it is rounded, if they are several persons'."""
    g = np.random.default_rng(77)
    claimed = np.r_[g.integers(40, 4000, 6000) * 250.0, g.integers(10_000, 900_000, 300) + 0.0]
    left = np.rint(claimed * 0.2 / (50 if is_rounded else 1)) * (50 if is_rounded else 1)
    person = np.r_[np.arange(6000), 6000 + np.minimum(np.arange(300), persons - 1)] + 1
    part, _ = find_patients_part(claimed, claimed - left, np.arange(6300), Population(6300, 11, person, None), 1.0)
    assert (part is None) == (not is_rounded and persons > 1)
    assert part is None or (part.grid, part.shares) == (50.0, (0.2,))


def test_one_persons_many_odd_bills_do_not_say_that_parts_are_not_rounded():
    """Of fifty others' a part in whole fifties is left; of her two hundred the part to the unit."""
    g = np.random.default_rng(78)
    claimed = np.r_[g.integers(40, 4000, 6000) * 250.0, g.integers(10_000, 900_000, 250) + 0.0]
    hers = np.arange(6250) >= 6050
    left = np.where(hers, np.rint(claimed * 0.2), np.rint(claimed * 0.2 / 50) * 50)
    person = np.where(hers, 6050, np.arange(6250)) + 1
    part, _ = find_patients_part(claimed, claimed - left, np.arange(6250), Population(6250, 11, person, None), 1.0)
    assert part is not None
    each, _ = find_patients_part(
        claimed, claimed - left, np.arange(6250), Population(6250, 11, np.arange(6250) + 1, None), 1.0
    )
    assert each is None


def test_a_share_that_one_person_is_paid_is_sought_in_no_others_payments():
    claimed, ratio = np.arange(4000) + 500.0, np.where(np.arange(4000) < 400, 0.73, 0.8)
    nobody = np.zeros(4000, np.bool_)
    for persons, shares in ((np.arange(4000), [0.8, 0.73]), (np.maximum(np.arange(4000), 400), [0.8])):
        assert _commonest_shares(ratio, claimed, nobody, Population(4000, 11, persons + 1, None)) == shares
    assert _commonest_shares(ratio, claimed, ratio < 0.8, Population(4000, 11, None, None)) == [0.8, 1.0]
