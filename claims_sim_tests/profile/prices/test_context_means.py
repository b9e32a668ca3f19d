"""Where amounts of any size lie: by single columns, by contexts that begin with the diagnosis, by houses, by chapters and operations."""

import numpy as np
import pytest

from claims_sim.profile.counts.counting import Population
from claims_sim.profile.counts.release import Parent
from claims_sim.profile.document import Profile
from claims_sim.profile.document_parts import Bins
from claims_sim.profile.drawing.draft import Edges
from claims_sim.profile.prices.context_means import _nested_means, _prior
from claims_sim.profile.sampler import Sampler
from claims_sim_tests.profile.tables import replaced, tariff_table

ROWS = 30_000
ZONES = [f"ZONE {letter}" for letter in "ABCDEF"]


def of_houses_and_operations():
    """Charges of any size: each kind of house of a zone has its own level, and each operation one in every letter of diagnoses."""
    g, w = np.random.default_rng(61), np.random.default_rng(62)
    codes = [f"{letter}{number}{digit}" for letter in "IJKN" for number in (10, 20, 30, 40) for digit in range(4)]
    dx, zone, house, owner, operation = (g.integers(0, size, ROWS) for size in (len(codes), 6, 3, 2, 9))
    of_house, of_operation = w.normal(0, 0.35, (6, 3, 2)), w.normal(0, 0.5, (4, 9))
    log = 14 + of_house[zone, house, owner] + of_operation[dx // 16, operation] + g.normal(0, 0.3, ROWS)
    table = replaced(tariff_table(ROWS), "amount_claimed", np.round(np.exp(log), 2))
    table = replaced(table, "amount_paid", table["amount_claimed"].to_numpy())
    for name, values, chosen in (
        ("province_name", ZONES, zone),
        ("facility_class", ["RS Kelas B", "RS Kelas C", "RS Kelas D"], house),
        ("facility_ownership", ["Pemkab", "Swasta"], owner),
        ("dx_primary_code", codes, dx),
        ("procedure_code", [f"{30 + code}" for code in range(9)], operation),
    ):
        table = replaced(table, name, np.array(values, object)[chosen].tolist())
    return table


@pytest.fixture(scope="module")
def charged(fit):
    table = of_houses_and_operations()
    return fit(table), table


def means_by(table, *names):
    """The mean logarithm of the amounts of each combination."""
    keys = list(zip(*(table[name].to_pylist() for name in names), strict=True))
    distinct = sorted(set(keys))
    cells = np.array([distinct.index(key) for key in keys])
    return np.bincount(cells, np.log(table["amount_claimed"].to_numpy())) / np.bincount(cells)


@pytest.mark.slow
def test_houses_and_operations_of_chapters_cost_what_they_do(charged):
    profile, table = charged
    table = table.append_column("letter", [[code[0] for code in table["dx_primary_code"].to_pylist()]])
    drawn = Sampler(profile).draw_claims(4, np.arange(ROWS))
    drawn = drawn.append_column("letter", [[code[0] for code in drawn["dx_primary_code"].to_pylist()]])
    for names in (("province_name", "facility_class", "facility_ownership"), ("letter", "procedure_code")):
        real, ours = means_by(table, *names), means_by(drawn, *names)
        assert np.std(real) > 0.25
        assert np.std(ours - real) < 0.25 * np.std(real)


@pytest.mark.slow
def test_amounts_of_claims_that_are_given_lie_where_drawn_ones_do(charged):
    """The live stream's claims are written by an author; their money is drawn for what was written."""
    profile, _ = charged
    sampler, rows = Sampler(profile), np.arange(5000)
    drawn = sampler.draw_claims(4, rows)
    money = sampler.draw_money(4, rows, drawn.drop_columns(["amount_claimed", "amount_paid", "amount_gap"]))
    assert money["amount_claimed"].to_numpy() == pytest.approx(drawn["amount_claimed"].to_numpy())


def test_further_means_are_of_enough_persons(charged, fit):
    """Every context, counted again row by row; of 200 persons, as many of these contexts are not."""
    _, table = charged
    profile = fit(table, k=200)
    further = profile.money.means.further
    assert {name for nested in further for name in nested.parents} >= {"dx_group", "procedure_code"}
    letters = sorted({str(code)[0] for code in profile.vocabularies["dx_primary_code"]})
    column = {
        name: table[name].to_pylist() for name in {n for nested in further for n in nested.parents} - {"dx_group"}
    }
    codes = {name: [profile.vocabularies[name].index(v) for v in values] for name, values in column.items()}
    codes["dx_group"] = [letters.index(code[0]) for code in table["dx_primary_code"].to_pylist()]
    persons = table["patient_id_hash"].to_pylist()
    for nested in further:
        for depth, (paths, means) in enumerate(nested.levels):
            told = {tuple(paths[i * depth : (i + 1) * depth]) for i in range(len(means))}
            owners = {path: set() for path in told}
            for i, person in enumerate(persons):
                path = tuple(codes[name][i] for name in nested.parents[:depth])
                if path in owners:
                    owners[path].add(person)
            assert min(len(of) for of in owners.values()) >= 200


def test_further_means_survive_storing(charged):
    profile, _ = charged
    assert {name for nested in profile.money.means.further for name in nested.parents} >= {"facility_class", "dx_group"}
    assert Profile.from_json(profile.to_json()) == profile


def test_what_a_house_of_few_persons_charges_is_not_told(fit):
    """Two persons have all the claims of one kind of house in one zone, and very dear ones."""
    table = of_houses_and_operations()
    zone, house, owner = (table[n].to_pylist() for n in ("province_name", "facility_class", "facility_ownership"))
    theirs = [i for i in range(ROWS) if (zone[i], house[i], owner[i]) == ("ZONE C", "RS Kelas C", "Swasta")]
    for name, value in (("patient_id_hash", "one of two"), ("amount_claimed", 9e7), ("amount_paid", 9e7)):
        values = table[name].to_pylist()
        for i in theirs:
            values[i] = f"{value} {i % 2}" if name == "patient_id_hash" else value
        table = replaced(table, name, values)
    told = fit(table)
    names = {"province_name": "ZONE C", "facility_class": "RS Kelas C", "facility_ownership": "Swasta"}
    of_places = [nested for nested in told.money.means.further if names.keys() <= set(nested.parents)]
    assert of_places
    wanted = {name: told.vocabularies[name].index(value) for name, value in names.items()}
    for nested in of_places:
        for depth, (paths, means) in enumerate(nested.levels):
            for i in range(len(means)):
                path = dict(zip(nested.parents, paths[i * depth : (i + 1) * depth], strict=False))
                assert not wanted.items() <= path.items()


def test_where_single_columns_say_all_there_are_no_further_means(tariff_profile):
    assert tariff_profile.money.means.further == ()
    assert '"further"' not in tariff_profile.to_json()


@pytest.fixture(scope="module")
def of_chance():
    """Charges evenly between two sums whatever is done, of a thousand diagnoses with a few claims each."""
    g = np.random.default_rng(8)
    table = replaced(tariff_table(ROWS), "amount_claimed", np.round(g.uniform(100, 10_000, ROWS), 2))
    table = replaced(table, "amount_paid", table["amount_claimed"].to_numpy())
    table = replaced(table, "severity_group", g.choice(["ringan", "sedang", "berat"], ROWS).tolist())
    codes = [f"{letter}{number:02}" for letter in "ABCDEGHIJK" for number in range(100)]
    return replaced(table, "dx_primary_code", g.choice(codes, ROWS).tolist())


@pytest.mark.slow
def test_what_chance_makes_of_a_few_claims_is_no_effect(of_chance, fit):
    effects = fit(of_chance).money.means.effects["dx_primary_code"]
    assert len(effects) > 500
    assert np.abs(effects).max() <= 0.05  # without care some lie half as high again, as chance has it


def test_a_claim_that_may_not_be_told_moves_no_mean():
    """How far means are pulled follows from what is told alone: else a claim that is not would show in all of them."""
    g = np.random.default_rng(9)
    context = np.append(np.repeat(np.arange(200), 20), 200).astype(np.int32)
    population = Population(len(context), 11, np.arange(1, len(context) + 1), None)
    rest = np.append(np.repeat(g.normal(0, 0.3, 200), 20) + g.normal(0, 1, 4000), 0.0)
    found = []
    for alone in (0.0, 3.0, 9.0):
        rest[-1] = alone
        found.append(_nested_means(population, [Parent("where", context, 201)], rest, np.arange(len(rest))).levels[1])
    assert len(found[0][1]) == 200
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize(("apart", "counts"), [(0.5, (20, 20)), (0.2, (5, 60)), (1.0, (10, 200))])
def test_how_much_is_known_before_is_as_values_differ(apart, counts):
    """The variance inside values by that between them: 1 by the square of how far they lie apart."""
    g = np.random.default_rng(10)
    of_each = g.integers(counts[0], counts[1] + 1, 4000)
    value = np.repeat(np.arange(4000), of_each)
    logs = g.normal(0, apart, 4000)[value] + g.normal(0, 1, len(value))
    sums = [np.bincount(value, weights) for weights in (logs, logs**2)]
    assert _prior(*sums, of_each) == pytest.approx(max(1 / apart**2, 5.0), rel=0.15)


def test_what_lies_partly_before_the_dearest_is_not_beyond_them():
    edges = Edges(Bins(lo=(0.0, 2.0), hi=(2.0, 4.0), whole=False))
    assert edges.beyond(np.array([0, 1, 1, -1]), np.array([1.0, 3.0, 2.0, 0.0])).tolist() == [False, False, True, False]


@pytest.mark.slow
def test_no_sum_stands_out_where_the_dearest_claims_end(of_chance, fit):
    profile = fit(of_chance)
    drawn = Sampler(profile).draw_claims(3, np.arange(ROWS))["amount_claimed"].to_numpy()
    assert np.unique(drawn, return_counts=True)[1].max() <= 5
    for low, high in ((100, 2_000), (4_000, 6_000), (8_000, 9_800)):
        share = np.mean((drawn >= low) & (drawn < high))
        assert share == pytest.approx((high - low) / 9_900, abs=0.015)
