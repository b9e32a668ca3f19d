"""Sampling weights of claims that were dealt out: whose weight may be told, and what the claims of a group then bear."""

import numpy as np
import pyarrow as pa
import pytest

from claims_sim.profile.counts.counting import Population
from claims_sim.profile.encoding.directory import Dealt, deal_out, group_facilities
from claims_sim.profile.encoding.weights import weights_as_dealt
from claims_sim.profile.sampler import Sampler
from claims_sim_tests.profile.tables import replaced, tariff_table

PLACES = ("ACEH", "BALI", "PAPUA")
WEIGHTS = {"ACEH": 11.25, "BALI": 2.5, "PAPUA": 31.75}


def table_with_weights(order=(0, 1, 2), rows=6_000) -> pa.Table:
    """Of class A there is one facility (0 to 2) in each place, alone in its district; ACEH and BALI have others, PAPUA has none.

    `order` says which district, place and weight each facility of class A bears.
    """
    g = np.random.default_rng(12)
    house = g.choice(9, rows, p=[0.2, 0.1, 0.04, *[0.66 / 6] * 6])
    level = np.where(house < 3, np.array(order)[np.minimum(house, 2)], house % 2)
    place = np.array(PLACES, object)[level]
    table = tariff_table(rows, seed=12)
    for name, values in (
        ("facility_id", [f"H{i}" for i in house]),
        ("province_name", place.tolist()),
        ("facility_class", np.where(house < 3, "RS Kelas A", "RS Kelas B").tolist()),
        ("facility_ownership", ["Pemkab"] * rows),
        ("district_name", np.where(house < 3, np.array(["ALPHA", "BETA", "GAMMA"])[level], "DELTA").tolist()),
        ("claim_weight", [WEIGHTS[name] for name in place]),
    ):
        table = replaced(table, name, values)
    return table


@pytest.fixture(scope="module")
def told(fit):
    """The profile of the facilities as they are."""
    return fit(table_with_weights())


def dealt_weights(house: np.ndarray, columns: list[np.ndarray], weight: np.ndarray) -> tuple[Dealt, np.ndarray]:
    population = Population(len(house), 11, np.arange(len(house)), house)
    dealt = deal_out(group_facilities([codes.astype(np.int32) for codes in columns], population), population)
    return dealt, weights_as_dealt(weight, dealt, population)


def test_a_claim_that_was_dealt_out_bears_the_weight_of_where_it_was_dealt(told):
    drawn = Sampler(told).draw_claims(1, np.arange(20_000)).to_pandas()
    weighed = drawn[drawn["province_name"] != "PAPUA"]
    assert set(weighed["district_name"]) == {"ALPHA", "BETA", "DELTA"}
    assert (weighed["claim_weight"] == weighed["province_name"].map(WEIGHTS)).mean() > 0.99


@pytest.mark.slow
def test_weights_of_each_place_follow_the_diagnoses_of_its_claims(fit):
    """Each of 15 places has 20 weights of its own; whoever comes often bears one of the lower ones, as in a sample by use."""
    g, rows = np.random.default_rng(31), 12_000
    table = tariff_table(rows, seed=31)
    place, often = g.integers(0, 15, rows), np.array([code < "M" for code in table["dx_primary_code"].to_pylist()])
    rank = np.where(g.random(rows) < 0.8, g.integers(0, 10, rows) + 10 * ~often, g.integers(0, 20, rows))
    weights = np.round(np.exp(g.normal(0, 0.3, (15, 1)) + np.arange(20) / 8), 4) * 10
    table = replaced(table, "province_name", [f"Place {chr(65 + i)}" for i in place])
    table = replaced(table, "claim_weight", weights[place, rank].tolist())
    drawn = Sampler(fit(table)).draw_claims(1, np.arange(rows)).to_pandas()
    of_often = drawn["dx_primary_code"] < "M"
    means = [np.log(drawn["claim_weight"])[those].mean() for those in (of_often, ~of_often)]
    real = [np.log(weights[place, rank])[those].mean() for those in (often, ~often)]
    assert real[1] - real[0] > 0.9
    assert means[1] - means[0] == pytest.approx(real[1] - real[0], abs=0.1)


@pytest.mark.slow
def test_weights_of_districts_are_told_by_districts(fit):
    """Each of 24 districts has a weight of its own, which its place and class do not tell."""
    g, table = np.random.default_rng(3), tariff_table(12_000)
    district = g.integers(0, 24, 12_000)
    table = replaced(table, "district_name", [f"DISTRICT {i:c}" for i in district + ord("A")])
    profile = fit(replaced(table, "claim_weight", 1.5 + 0.25 * district))
    drawn = Sampler(profile).draw_claims(1, np.arange(5000)).to_pandas()
    number = drawn["district_name"].str[-1].map(ord) - ord("A")
    assert (drawn["claim_weight"] == 1.5 + 0.25 * number).mean() > 0.99


@pytest.mark.slow
def test_weights_of_a_year_are_told_by_months_and_later_claims_bear_the_last(fit):
    """A sample that is drawn anew every year: six of the table's months have one weight, the others another."""
    table = tariff_table(6_000)
    late = table["admit_dt"].to_numpy() >= np.datetime64("2024-07-01")
    sampler = Sampler(fit(replaced(table, "claim_weight", np.where(late, 4.0, 2.5))))
    drawn = sampler.draw_claims(1, np.arange(3000)).to_pandas()
    assert (drawn["claim_weight"] == np.where(drawn["admit_dt"] >= "2024-07-01", 4.0, 2.5)).mean() > 0.99
    undated = sampler.draw_claims(1, np.arange(500)).drop_columns(["admit_dt", "discharge_dt", "claim_weight"])
    assert set(sampler.draw_extra(2, np.arange(500), undated)["claim_weight"].to_pylist()) == {4.0}


def test_the_weight_of_a_place_of_one_facility_is_not_in_the_file(told):
    bins = told.bins["claim_weight"]
    assert max(bins.hi) == WEIGHTS["ACEH"]
    assert WEIGHTS["PAPUA"] not in {*bins.lo, *bins.hi}


@pytest.mark.parametrize(
    "order", [*(pytest.param(order, marks=pytest.mark.slow) for order in ((1, 0, 2), (2, 1, 0))), (1, 2, 0)]
)
def test_the_file_is_the_same_when_facilities_of_a_group_exchange_names_and_the_weights_of_their_places(
    fit, told, order
):
    assert told.profile_hash == fit(table_with_weights(order)).profile_hash


def test_weights_of_single_facilities_cross_nowhere():
    """Where each facility has a weight of its own, none is told of a set: in ranges they would tell how much each of them bills."""
    house = np.repeat(np.arange(1, 7), 100)
    weight = house * 1.5
    dealt, as_dealt = dealt_weights(house, [np.zeros(600), house - 1], weight)
    assert (dealt.group >= 0).all()
    assert np.isnan(as_dealt).all()


def test_where_no_weight_may_be_told_there_is_none_and_it_is_said(fit):
    table = table_with_weights()
    house = np.array([int(name[1:]) for name in table["facility_id"].to_pylist()])
    table = replaced(table, "district_name", [f"DISTRICT {chr(65 + i)}" for i in house])
    profile = fit(replaced(table, "claim_weight", 1.5 + 0.25 * house))
    assert "claim_weight" not in {*profile.tables, *profile.bins}
    assert any("No claim_weight may be told" in sentence for sentence in profile.oddities)
    assert Sampler(profile).draw_claims(1, np.arange(100))["claim_weight"].null_count == 100


@pytest.mark.parametrize(
    ("others", "order"),
    [
        (2, (2, 1, 0)),
        *(
            pytest.param(others, order, marks=pytest.mark.slow)
            for others, order in ((2, (1, 0, 2)), (2, (1, 2, 0)), (1, (1, 2, 0)), (1, (1, 0, 2)), (1, (2, 1, 0)))
        ),
    ],
)
def test_the_file_is_the_same_when_each_facility_of_a_group_has_a_weight_of_its_own(fit, order, others):
    """Each is alone in its district, which has a weight that no other has; the others' one or two districts have theirs."""

    def table(order):
        made = table_with_weights(order)
        house = np.array([int(name[1:]) for name in made["facility_id"].to_pylist()])
        district = np.where(house < 3, np.array(order)[np.minimum(house, 2)], 3 + house % others)
        made = replaced(made, "district_name", [f"DISTRICT {chr(65 + i)}" for i in district])
        return replaced(made, "claim_weight", 1.5 + 0.25 * district)

    assert fit(table((0, 1, 2))).profile_hash == fit(table(order)).profile_hash


def test_weights_of_persons_stay_with_their_claims():
    house = np.repeat(np.arange(1, 7), 100)
    weight = np.random.default_rng(0).uniform(1, 2, 600)
    assert (dealt_weights(house, [np.zeros(600), house - 1], weight)[1] == weight).all()


def test_what_a_case_weighs_follows_its_procedure_and_is_missing_where_nothing_was_done(fit):
    table = tariff_table(8000)
    codes = table["procedure_code"].to_pylist()
    of_code = {code: 1.0 + 0.5 * i for i, code in enumerate(sorted({code for code in codes if code}))}
    table = table.append_column("claim_weight", pa.array([of_code.get(code) for code in codes], pa.float64()))
    profile, rows = fit(table), np.arange(8000)
    sampler = Sampler(profile)
    left = sampler.leave_empty(1, rows, sampler.draw_claims(1, rows))
    weights, done = left["claim_weight"].to_pylist(), left["procedure_code"].to_pylist()
    assert np.mean([weight == of_code.get(code) for weight, code in zip(weights, done, strict=True)]) > 0.97


@pytest.mark.parametrize("lacking", [0.02, 0.3])
def test_weights_that_some_claims_lack_are_those_of_their_kinds_all_the_same(lacking):
    """Else the weight of each facility of a group would stay with its claims, and tell which are whose."""
    g = np.random.default_rng(3)
    house = np.repeat(np.arange(1, 7), [1500, 900, 300, 700, 700, 700])
    kinds = np.where(house <= 3, house - 1, 3).astype(np.int32)
    own = np.array([2.0, 3.5, 1.2, 9.0])[kinds]
    weight = np.where(g.random(len(house)) < lacking, np.nan, own)
    population = Population(len(house), 11, np.arange(len(house)), house)
    dealt = deal_out(group_facilities([kinds], population), population)
    assert (dealt.group >= 0).sum() == 2700
    borne = weights_as_dealt(weight, dealt, population)
    assert np.isnan(borne[dealt.group >= 0]).all()
    assert np.array_equal(borne[dealt.group < 0], weight[dealt.group < 0], equal_nan=True)


def table_with_weights_of_homes(rows=9_000) -> pa.Table:
    """Each of three places has three weights of its own, by how often a person comes; one in 25 claims is of somebody from elsewhere.

    PAPUA's only hospital of class A is dealt out; its two clinics may not be told apart from others either.
    """
    g = np.random.default_rng(31)
    house = g.choice(12, rows, p=[0.1, 0.1, 0.08, *[0.72 / 9] * 9])
    place = np.where(house < 3, house, house % 3)
    home = np.where(g.random(rows) < 0.04, g.integers(0, 3, rows), place)
    use = g.choice(3, rows, p=[0.5, 0.3, 0.2])
    weight = np.round(10.0**home * (1.5 + use), 2)
    table = tariff_table(rows, seed=12)
    for name, values in (
        ("facility_id", [f"H{i}" for i in house]),
        ("province_name", np.array(PLACES, object)[place].tolist()),
        ("facility_class", np.where(house < 3, "RS Kelas A", "RS Kelas B").tolist()),
        ("facility_ownership", ["Pemkab"] * rows),
        ("claim_weight", weight.tolist()),
    ):
        table = replaced(table, name, values)
    return table


@pytest.mark.slow
def test_weights_of_where_people_live_are_those_of_where_a_claim_was_dealt(fit):
    """Else a claim that was dealt to another place bears a weight that hardly anybody has there, and tells where it was made."""
    drawn = Sampler(fit(table_with_weights_of_homes())).draw_claims(1, np.arange(20_000)).to_pandas()
    own = np.floor(np.log10(drawn["claim_weight"])) == drawn["province_name"].map(
        dict(zip(PLACES, range(3), strict=True))
    )
    assert own.mean() > 0.94
    of_class = drawn[drawn["facility_class"] == "RS Kelas A"]
    assert len(of_class) > 4_000
    assert own[of_class.index].mean() > 0.94


def test_a_weight_lies_as_high_where_it_was_dealt_as_where_it_came_from():
    g = np.random.default_rng(7)
    house = np.repeat(np.arange(1, 10), [600, 500, 400, *[500] * 6])
    kinds = np.where(house <= 3, house - 1, 3 + house % 2).astype(np.int32)
    place = np.array([0, 1, 1, 0, 1], np.int32)[kinds]
    use = g.choice(3, len(house), p=[0.5, 0.3, 0.2])
    weight = np.array([[1.0, 2.0, 3.0], [70.0, 80.0, 90.0]])[place, use]
    grade = np.where(house <= 3, 0, 1).astype(np.int32)
    dealt, borne = dealt_weights(house, [grade, place], weight)
    moved = dealt.group >= 0
    there = dealt.kinds[dealt.kind_dealt][:, 1]
    assert moved.any()
    assert (there[moved] != place[moved]).any()
    assert np.array_equal(borne[moved], np.array([[1.0, 2.0, 3.0], [70.0, 80.0, 90.0]])[there, use][moved])
    assert np.array_equal(borne[~moved], weight[~moved])


@pytest.mark.parametrize("place_of_it", [0, 1])
def test_a_weight_that_may_not_be_told_of_a_place_is_not_borne_there(place_of_it):
    """The highest weight of one place is borne in a single facility: what is dealt out bears the highest that others have."""
    g = np.random.default_rng(7)
    house = np.repeat(np.arange(1, 10), [600, 500, 1500, *[300] * 6])
    of_group = np.array([0, 1 - place_of_it, place_of_it, place_of_it])[np.minimum(house - 1, 3)]
    place = np.where(house <= 3, of_group, house % 2).astype(np.int32)
    use = g.choice(3, len(house), p=[0.5, 0.3, 0.2])
    use[(use == 2) & (place == place_of_it) & (house != 3)] = 1
    weight = np.array([[1.0, 2.0, 3.0], [70.0, 80.0, 90.0]])[place, use]
    highest = (3.0, 90.0)[place_of_it]
    dealt, borne = dealt_weights(house, [np.where(house <= 3, 0, 1).astype(np.int32), place], weight)
    assert (weight == highest).sum() > 50
    assert (dealt.group >= 0)[weight == highest].all()
    assert np.isfinite(borne).all()
    assert (borne != highest).all()
    moved = dealt.group >= 0
    there = dealt.kinds[dealt.kind_dealt][:, 1]
    assert np.array_equal(borne[moved] >= 70.0, there[moved] == 1)


def test_where_no_weight_of_a_place_may_be_told_none_is_borne_there():
    """The third place has one facility: what is dealt to it has no weight, and not another place's either."""
    g = np.random.default_rng(7)
    house = np.repeat(np.arange(1, 12), [600, 500, 400, *[500] * 8])
    place = np.where(house <= 3, house - 1, house % 2).astype(np.int32)
    weight = (10.0 ** np.arange(3))[place] * (1.0 + g.choice(3, len(house), p=[0.5, 0.3, 0.2]))
    dealt, borne = dealt_weights(house, [np.where(house <= 3, 0, 1).astype(np.int32), place], weight)
    there = dealt.kinds[dealt.kind_dealt][:, 1]
    moved = dealt.group >= 0
    assert (moved & (there == 2)).any()
    assert np.array_equal(np.isnan(borne), moved & (there == 2))
    known = moved & np.isfinite(borne)
    assert np.array_equal(np.floor(np.log10(borne[known])), there[known])


def test_weights_that_are_borne_anywhere_stay_with_their_claims():
    """Three weights by how often people come, one place with somewhat more of the low one: weights know no place."""
    g = np.random.default_rng(7)
    house = np.repeat(np.arange(1, 10), [600, 500, 400, *[500] * 6])
    place = (house % 2).astype(np.int32)
    low = g.random(len(house)) < np.where(place == 0, 0.7, 0.5)
    weight = np.where(low, 1.5, g.choice([2.5, 3.5], len(house)))
    dealt, borne = dealt_weights(house, [np.where(house <= 3, 0, 1).astype(np.int32), place], weight)
    assert (dealt.group >= 0).any()
    assert np.array_equal(borne, weight)


def test_a_place_is_of_the_fewest_columns_that_say_where_weights_are_borne():
    """Weights follow the province; the district nearly says it too, but of one with a single facility no weight may be told."""
    g = np.random.default_rng(7)
    house = np.repeat(np.arange(1, 10), [600, 500, 400, *[2000] * 6])
    place = (house % 2).astype(np.int32)
    district = np.where(house <= 3, house + 1, place).astype(np.int32)
    weight = np.array([[1.0, 2.0, 3.0], [70.0, 80.0, 90.0]])[place, g.choice(3, len(house), p=[0.5, 0.3, 0.2])]
    dealt, borne = dealt_weights(house, [np.where(house <= 3, 0, 1).astype(np.int32), place, district], weight)
    moved = dealt.group >= 0
    assert moved.any()
    assert np.isfinite(borne).all()
    assert np.array_equal(borne[moved] >= 70.0, dealt.kinds[dealt.kind_dealt][moved][:, 1] == 1)


def test_weights_of_single_persons_beside_those_that_may_be_told_say_no_place():
    """Three weights are borne anywhere; each of a third of the claims has one of its own, which is borne in one place, of course."""
    g = np.random.default_rng(7)
    house = np.repeat(np.arange(1, 10), [600, 500, 400, *[500] * 6])
    place = (house % 2).astype(np.int32)
    weight = np.where(g.random(len(house)) < 0.45, 100.0 + g.random(len(house)), g.choice([1.5, 2.5, 3.5], len(house)))
    near = np.where(place == 0, 1.5, 2.5)
    weight = np.where((weight < 100.0) & (g.random(len(house)) < 0.7), near, weight)
    dealt, borne = dealt_weights(house, [np.where(house <= 3, 0, 1).astype(np.int32), place], weight)
    assert (dealt.group >= 0).any()
    assert np.array_equal(borne, weight)
