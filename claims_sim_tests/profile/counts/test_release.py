"""What is released holds its rules: counted again, row by row, each where it is said to be counted, by rules written anew."""

from collections import Counter, defaultdict

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claims_sim.profile.counts.counting import MAX_FACILITY_SHARE, NO_KEY, UNTOLD, Population, first_of_each
from claims_sim.profile.counts.lookup import TableSampler
from claims_sim.profile.counts.release import REMAINDER, Parent, Target, release_table
from claims_sim.profile.encoding.facilities import facilities_of_register
from claims_sim_tests.depth import examples
from claims_sim_tests.profile.tables import replaced, tariff_table

K = 3


def count_again(table, rows, depths):
    """The rows that are counted in each cell and in each remainder, of rows that are counted at these `depths`."""
    cells, remainders = defaultdict(list), defaultdict(list)
    for row, told_at in zip(rows, depths.tolist(), strict=True):
        given, value = row[: len(table.parents)], row[len(table.parents)]
        if told_at >= 0:
            cells[told_at, *given[:told_at], value].append(row)
        for depth in range(len(table.parents), told_at, -1):
            remainders[depth, *given[:depth]].append(row)
    return cells, remainders


def marked(rows, k, person, facility, **others):
    """Persons with marks, as those of a source have."""
    return Population(rows, k, person, facility, marks=np.arange(person.max() + 1, dtype=np.uint64), **others)


def may_be_told(rows):
    facilities = Counter(row[-1] for row in rows)
    # Claims without a key may all be the largest's.
    keyless = facilities.pop(NO_KEY, 0)
    several = len(facilities) >= 3 and max(facilities.values()) + keyless <= MAX_FACILITY_SHARE * len(rows)
    return len({row[-2] for row in rows}) >= K and several


people = st.tuples(
    st.integers(0, 2), st.integers(0, 2), st.integers(0, 3), st.integers(0, 14), st.sampled_from((1, 2, 9, 17, 25, 6))
)  # one, two, value, person, facility
claims_in_cells = st.tuples(st.integers(0, 2), st.integers(0, 14), st.sampled_from((UNTOLD, NO_KEY, 1, 2, 9, 17, 25)))


@given(st.lists(people, min_size=20, max_size=220))
@settings(max_examples=examples(40), deadline=None)
def test_every_number_stands_for_enough_persons_and_facilities(rows):
    one, two, value, person, facility = (np.array(column, np.int64) for column in zip(*rows, strict=True))
    parents = [Parent("a", one.astype(np.int32), 3), Parent("b", two.astype(np.int32), 3)]
    table, _, depths, _ = release_table(
        Target("v", value.astype(np.int32), 4), parents, marked(len(rows), K, person, facility)
    )
    cells, remainders = count_again(table, rows, depths)
    assert all(may_be_told(inside) for inside in cells.values())
    # A remainder of fewer than k claims is hidden by the rounding; a larger one is held to the rule of cells.
    told = {cell[:-1] for cell in cells}
    assert all(len(inside) < K or may_be_told(inside) for where, inside in remainders.items() if where in told)
    assert sum(map(len, cells.values())) == np.count_nonzero(depths >= 0)
    for depth, level in enumerate(table.levels):
        paths = np.array(level.contexts, np.int64).reshape(len(level.cells), depth).tolist()
        owner = np.repeat(np.arange(len(paths)), level.cells).tolist()
        for place, v, units in zip(owner, level.values, level.units, strict=True):
            path = tuple(paths[place])
            inside = remainders[depth, *path] if v == REMAINDER else cells[depth, *path, v]
            assert abs(units * K - len(inside)) < K


@given(st.lists(claims_in_cells, min_size=1, max_size=80))
@settings(max_examples=examples(100), deadline=None)
def test_a_cell_may_be_told_when_counting_its_claims_one_by_one_says_so(rows):
    cell, person, facility = (np.array(column, np.int64) for column in zip(*rows, strict=True))
    found = Population(len(rows), K, person, facility).releasable(cell, 3)
    # A claim whose facility nobody can tell is a facility of its own.
    named = [(c, p, n if f == UNTOLD else f) for n, (c, p, f) in enumerate(rows, 100)]
    assert found.tolist() == [may_be_told([row for row in named if row[0] == c]) for c in range(3)]


def test_what_one_heavy_user_leaves_in_a_context_is_not_told():
    # 40 claims of value 0 by many, 30 of value 1 by many, and 25 of value 2 by a single person.
    value = np.repeat([0, 1, 2], [40, 30, 25]).astype(np.int32)
    person = np.r_[np.arange(70), np.full(25, 99)]
    context = np.zeros(95, np.int32)
    table, *_ = release_table(Target("v", value, 3), [Parent("a", context, 2)], Population(95, 11, person, None))
    deepest = table.levels[1]
    assert deepest.values == (0, REMAINDER)
    assert deepest.units[1] * 11 > 40


@pytest.mark.parametrize("facilities", [None, 5])
def test_what_a_few_leave_takes_no_more_of_a_large_cell_than_hides_them(facilities):
    """Of 2,000 patients' claims 30 more are three dialysis patients' alone."""
    value = np.repeat([0, 1], [2000, 30]).astype(np.int32)
    person = np.r_[np.arange(2000), 5000 + np.arange(30) % 3]
    facility = None if facilities is None else np.r_[np.arange(2000) % facilities, np.zeros(30, np.int64)] + 1
    population = marked(2030, 11, person, facility)
    table, _, depths, _ = release_table(Target("v", value, 2), [Parent("a", np.zeros(2030, np.int32), 1)], population)
    assert table.levels[1].values == (0, REMAINDER)
    assert table.levels[1].units[0] * 11 > 1900
    withheld = np.flatnonzero(depths < 1)
    assert len(set(person[withheld])) >= 11
    assert np.count_nonzero(value[withheld]) == 30 < len(withheld) / 2
    assert abs(table.levels[1].units[1] * 11 - len(withheld)) < 11
    assert (facility is None) or population.may_be_told(withheld)


def test_how_many_a_cell_lends_does_not_tell_how_many_claims_they_hide():
    """By a number that only the production zone knows, and that is the same for the context whenever it is counted."""
    value = np.repeat([0, 1], [2000, 30]).astype(np.int32)
    person = np.r_[np.arange(2000), 5000 + np.arange(30) % 3]
    lent = []
    for key in [*range(12), 0]:
        population = marked(2030, 11, person, None, rounding_key=key)
        given = [Parent("a", np.zeros(2030, np.int32), 1)]
        depths = release_table(Target("v", value, 2), given, population).depth
        lent.append(np.count_nonzero((depths < 1) & (value == 0)))
    assert lent[0] == lent[-1]
    assert len(set(lent)) > 8
    assert min(lent) >= 30
    assert max(lent) <= 60


def test_a_small_cell_is_withheld_as_a_whole_before_a_large_one_lends():
    value = np.repeat([0, 1, 2], [2000, 20, 30]).astype(np.int32)
    person = np.r_[np.arange(2020), 5000 + np.arange(30) % 3]
    table, _, depths, _ = release_table(
        Target("v", value, 3), [Parent("a", np.zeros(2050, np.int32), 1)], Population(2050, 11, person, None)
    )
    assert table.levels[1].values == (0, REMAINDER)
    assert (depths == 1).tolist() == (value == 0).tolist()


@pytest.mark.parametrize(("persons", "lends"), [(40, False), (400, True)])
def test_a_cell_of_few_persons_lends_nothing(persons, lends):
    """Of forty persons' claims those of eleven would be a quarter and more."""
    value = np.repeat([0, 1], [2000, 30]).astype(np.int32)
    person = np.r_[np.arange(2000) % persons, 5000 + np.arange(30) % 3]
    population = marked(2030, 11, person, None)
    _, _, depths, _ = release_table(Target("v", value, 2), [Parent("a", np.zeros(2030, np.int32), 1)], population)
    assert (depths == 1).any() == lends


def test_what_is_lent_is_of_enough_persons_however_many_claims_each_has():
    value = np.repeat([0, 1], [20_000, 30]).astype(np.int32)
    person = np.r_[np.arange(20_000) % 400, 5000 + np.arange(30) % 3]
    population = marked(20_030, 11, person, None)
    _, _, depths, _ = release_table(Target("v", value, 2), [Parent("a", np.zeros(20_030, np.int32), 1)], population)
    assert len(np.unique(person[(depths < 1) & (value == 0)])) >= 11
    assert (depths == 1).any()


@pytest.mark.parametrize(("large", "lends"), [(150, False), (500, True)])
def test_a_cell_that_is_not_far_larger_lends_nothing(large, lends):
    value = np.repeat([0, 1], [large, 60]).astype(np.int32)
    person = np.r_[np.arange(large), 5000 + np.arange(60) % 3]
    population = marked(large + 60, 11, person, None)
    given = [Parent("a", np.zeros(large + 60, np.int32), 1)]
    assert (release_table(Target("v", value, 2), given, population).depth == 1).any() == lends


def test_who_lends_follows_from_the_order_of_persons_alone():
    value = np.repeat([0, 1], [2000, 30]).astype(np.int32)
    person = np.r_[np.arange(2000), 5000 + np.arange(30) % 3]
    order = np.random.default_rng(3).permutation(2030)
    withheld = []
    for rows in (np.arange(2030), order):
        population = marked(2030, 11, person[rows], None)
        given = [Parent("a", np.zeros(2030, np.int32), 1)]
        depths = release_table(Target("v", value[rows], 2), given, population).depth
        withheld.append(set(person[rows][depths < 1].tolist()))
    assert withheld[0] == withheld[1]
    assert max(who for who in withheld[0] if who < 2000) == len([who for who in withheld[0] if who < 2000]) - 1


def test_how_many_is_lent_is_of_the_same_persons_the_same_and_tells_nothing_of_others():
    """Whatever is counted of them: sums of the same claims with numbers of their own would tell these claims together."""
    value = np.repeat([0, 1], [2000, 30]).astype(np.int32)
    given, lent = [Parent("a", np.zeros(2030, np.int32), 1)], {}
    for first in range(5000, 5005):
        person = np.r_[np.arange(2000), first + np.arange(30) % 3]
        population = marked(2030, 11, person, None)
        lent[first] = {
            int((release_table(Target(name, value, 2), given, population).depth < 1).sum()) for name in "vwxyz"
        }
    assert all(len(of_one) == 1 for of_one in lent.values())
    assert len(set.union(*lent.values())) >= 4


def test_how_many_is_lent_beside_a_heavy_user_is_the_same_whoever_else_is_hidden():
    """Tables that each hide another stranger beside the same person tell no more of that person than one does."""
    value, lent = np.repeat([0, 1], [2000, 61]).astype(np.int32), set()
    for stranger in range(5001, 5013):
        population = marked(2061, 11, np.r_[np.arange(2000), np.full(60, 5000), stranger], None)
        table = release_table(Target("v", value, 2), [Parent("a", np.zeros(2061, np.int32), 1)], population)
        lent.add(int(((table.depth < 1) & (value == 0)).sum()))
    assert len(lent) == 1
    assert lent.pop() > 61


def test_who_knows_how_many_of_their_own_claims_are_hidden_does_not_know_those_beside_them():
    """The part added is another where others have about twice as many: what a heavy user's own claims make of it says nothing of it."""
    parts = set()
    for beside in (1, 3, 7, 15, 31):
        value = np.repeat([0, 1], [3000, 60 + beside]).astype(np.int32)
        population = marked(len(value), 11, np.r_[np.arange(3000), np.full(60, 5000), np.full(beside, 5001)], None)
        table = release_table(Target("v", value, 2), [Parent("a", np.zeros(len(value), np.int32), 1)], population)
        parts.add(round(((table.depth < 1) & (value == 0)).sum() / (71 + beside), 2))
    assert len(parts) == 5


def test_without_marks_nobody_lends():
    """Then how many are lent would follow from the order of the claims, anew with each refresh."""
    value = np.repeat([0, 1], [2000, 30]).astype(np.int32)
    person = np.r_[np.arange(2000), 5000 + np.arange(30) % 3]
    table = release_table(
        Target("v", value, 2), [Parent("a", np.zeros(2030, np.int32), 1)], Population(2030, 11, person, None)
    )
    assert (table.depth < 1).all()


def test_nobody_lends_more_than_is_wanted():
    """Of the large cell's claims three in four are one person's."""
    value = np.repeat([0, 1], [8000, 200]).astype(np.int32)
    person = np.r_[np.where(np.arange(8000) < 6000, 0, 1 + np.arange(8000) % 1500), 5000 + np.arange(200) % 4]
    for numbers in (person, 9000 - person):
        population = marked(8200, 11, numbers, None)
        depths = release_table(Target("v", value, 2), [Parent("a", np.zeros(8200, np.int32), 1)], population).depth
        withheld = (depths < 1) & (value == 0)
        assert 200 <= np.count_nonzero(withheld) < 500
        assert not (withheld & (person == 0)).any()


def test_without_persons_nothing_is_lent_to_what_one_hospital_leaves():
    value = np.repeat([0, 1, 2], [2000, 60, 100]).astype(np.int32)
    facility = np.r_[np.arange(2060) % 20, np.full(100, 77)] + 1
    table, *_ = release_table(
        Target("v", value, 3), [Parent("a", np.zeros(2160, np.int32), 1)], Population(2160, 50, None, facility)
    )
    assert table.levels[1].values == (0, REMAINDER)
    assert table.levels[1].units[1] * 50 > 110


@pytest.mark.parametrize("key", range(8))
def test_what_a_cell_has_lent_leaves_no_cell_of_one_hospital(key):
    """Nine in ten of the large cell's claims are one hospital's, as many as may be."""
    value = np.repeat([0, 1], [400, 30]).astype(np.int32)
    person = np.r_[np.arange(400), 5000 + np.arange(30) % 3]
    facility = np.r_[np.where(np.arange(400) % 10, 1, 2 + np.arange(400) // 10 % 2), 4 + np.arange(30) % 3]
    population = Population(430, 11, person, facility, rounding_key=key)
    _, _, depths, _ = release_table(Target("v", value, 2), [Parent("a", np.zeros(430, np.int32), 1)], population)
    told = np.flatnonzero(depths == 1)
    assert not len(told) or population.may_be_told(told)


def test_what_one_hospital_leaves_in_a_context_is_not_told():
    value = np.repeat([0, 1, 2], [200, 40, 100]).astype(np.int32)
    facility = np.r_[np.arange(240) % 20, np.full(100, 77)]
    context = np.zeros(340, np.int32)
    table, *_ = release_table(
        Target("v", value, 3), [Parent("a", context, 2)], Population(340, 11, np.arange(340), facility)
    )
    assert table.levels[1].values == (0, REMAINDER)
    assert table.levels[1].units[1] * 11 > 110


def test_what_is_withheld_nearly_altogether_is_not_drawn_as_the_little_that_is_told():
    """Few persons of each place come again and again (dialysis); of one place alone there are enough, with its few other patients."""
    visits = [(0, place, 100 * place + i) for place in range(1, 16) for i in range(60)]
    visits += [(0, 0, 10 + i) for i in range(6)]
    again = [(1, place, 2000 + 10 * place + i % 6) for place in range(16) for i in range(120)]
    kind, place, person = np.array(visits + again).T
    population = Population(len(kind), 11, person.astype(np.int64), None)
    released = release_table(
        Target("place", place.astype(np.int32), 16), [Parent("kind", kind.astype(np.int32), 2)], population
    )
    assert [v for v in released.table.levels[0].values if v >= 0] == [0]
    drawn = TableSampler(released.table).draw(1, np.arange(8000), {"kind": np.ones(8000, np.int32)})
    shares = np.bincount(drawn, minlength=16) / 8000
    assert shares[0] == pytest.approx(1 / 16, abs=0.03)
    assert shares.min() > 0.045


def test_what_a_context_withholds_is_not_drawn_from_other_contexts_where_nothing_lies_above():
    """Ten diagnoses have a procedure each, and one of them ninety-nine rare ones beside it."""
    g = np.random.default_rng(41)
    diagnosis = np.r_[np.repeat(np.arange(10), 600), np.zeros(990, np.int64)]
    procedure = np.r_[np.repeat(np.arange(10), 600), 10 + np.arange(990) // 10]
    population = Population(len(diagnosis), 11, g.permutation(len(diagnosis)), None)
    parent = Parent("diagnosis", diagnosis.astype(np.int32), 10)
    released = release_table(Target("procedure", procedure.astype(np.int32), 109), [parent], population)
    drawn = TableSampler(released.table).draw(1, np.arange(4000), {"diagnosis": np.zeros(4000, np.int32)})
    assert not np.isin(drawn, np.arange(1, 10)).any()


@pytest.mark.parametrize(
    ("facilities", "enough"), [([7] * 8 + [-1], False), ([7] * 8 + [-1, -1], True), ([7] * 8 + [8, 0], False)]
)
def test_one_facility_and_a_claim_of_an_unknown_one_are_not_told(facilities, enough):
    facility = np.array([*facilities, *[-1] * 400])
    population = Population(len(facility), 5, np.arange(len(facility)), facility)
    assert population.may_be_told(np.arange(len(facilities))) == enough


def test_a_context_is_rounded_alike_in_every_table():
    g = np.random.default_rng(0)
    first, second = g.integers(0, 5, 5000).astype(np.int32), g.integers(0, 4, 5000).astype(np.int32)
    population = Population(5000, 11, np.arange(5000), None, rounding_key=7)
    totals = []
    for order in (["x", "y"], ["y", "x"]):
        parents = [{"x": Parent("x", first, 5), "y": Parent("y", second, 4)}[name] for name in order]
        value = g.integers(0, 3, 5000).astype(np.int32)
        table, *_ = release_table(Target(f"v{order}", value, 3), parents, population)
        level = table.levels[2]
        paths = np.array(level.contexts).reshape(-1, 2)[:, :: 1 if order[0] == "x" else -1]
        owner = np.repeat(np.arange(len(paths)), level.cells)
        units = np.bincount(owner, weights=level.units)
        totals.append(dict(zip(map(tuple, paths.tolist()), units.tolist(), strict=True)))
    assert totals[0] == totals[1]
    assert len(totals[0]) == 20


def test_where_the_register_names_one_hospital_its_claims_are_that_facilitys():
    table = pa.table(
        {
            "province_name": pa.array(["JAWA TIMUR", "Aceh", "ACEH", "Nowhere", None]).dictionary_encode(),
            "facility_class": pa.array(["RS Kelas B", "B", "kelas b", "B", "B"]).dictionary_encode(),
            "facility_ownership": pa.array(["Swasta", "TNI AD", "tni ad", "TNI AD", "TNI AD"]).dictionary_encode(),
        }
    )
    found = facilities_of_register(table)
    assert found[0] == found[3] == found[4] == UNTOLD
    assert found[1] == found[2] >= 0
    assert facilities_of_register(table.select(["province_name"])) is None
    assert facilities_of_register(table.select(["facility_class", "facility_ownership"])) is None


def test_two_hospitals_of_a_kind_are_two_facilities():
    table = pa.table(
        {
            "province_name": pa.array(["Aceh"] * 6).dictionary_encode(),
            "facility_class": pa.array(["A"] * 6).dictionary_encode(),
            "facility_ownership": pa.array(["Pemprov"] * 6).dictionary_encode(),
        }
    )
    assert len(set(facilities_of_register(table).tolist())) == 2


def known_hospital(districts: list[str | None]) -> pa.Table:
    """Claims of Aceh's only class B hospital of the army, and as many in each of Jawa Timur's many of class B."""
    rows = 2 * len(districts)
    columns = {
        "province_name": ["ACEH", "JAWA TIMUR"] * (rows // 2),
        "facility_class": ["RS Kelas B"] * rows,
        "facility_ownership": ["TNI AD", "Swasta"] * (rows // 2),
        "district_name": [name for district in districts for name in (district, "MALANG")],
    }
    return pa.table({name: pa.array(values).dictionary_encode() for name, values in columns.items()})


ANYWHERE = np.repeat(np.arange(1, 31), 4)
"""Thirty persons who have been to hospitals of several districts."""


@pytest.mark.parametrize(
    ("districts", "one"),
    [
        (["PIDIE", "BIREUEN", "SABANG"] * 20, False),
        (["PIDIE", "BIREUEN"] * 30, True),
        (["PIDIE", "BIREUEN"] * 26 + ["SABANG"] * 8, True),
        (["PIDIE", "BIREUEN", None] * 20, True),
        (["PIDIE", "Kab. Pidie", "KABUPATEN PIDIE", "pidie (aceh)", "Pidie Regency"] * 12, True),
        (["PIDIE", "BIREUEN", "MALANG"] * 20, True),
    ],
    ids=["three districts", "two", "slips of the pen", "none told", "one, spelled in five ways", "of another province"],
)
def test_a_kind_in_three_districts_has_as_many_hospitals_whatever_the_register_counts(districts, one):
    found = facilities_of_register(known_hospital(districts), ANYWHERE)
    assert (found is not None) is one
    if one:
        assert set(found[::2].tolist()) == {found[0]}
        assert set(found[1::2].tolist()) == {UNTOLD}


@pytest.mark.parametrize(
    ("persons", "counts"),
    [
        (ANYWHERE, False),
        (np.tile([1, 4, 2, 4, 3, 4], 20), True),
        (np.r_[[2, 4], np.tile([1, 4, 2, 4, 3, 4], 20)[2:]], True),
        (np.arange(1, 121), True),
        (None, True),
    ],
    ids=["the facility's", "the patient's home", "one of whom moved", "who came but once", "nobody knows whose"],
)
def test_only_a_district_that_is_the_facilitys_says_how_many_there_are(persons, counts):
    """Of three districts come the patients of one hospital, again and again; without their keys that cannot be seen."""
    found = facilities_of_register(known_hospital(["PIDIE", "BIREUEN", "SABANG"] * 20), persons)
    assert (found is not None) is counts


@pytest.mark.parametrize(("province", "ownership", "released"), [("ACEH", "TNI AD", False), ("ACEH", "Pemkab", True)])
def test_a_provinces_only_hospital_of_a_kind_does_not_cross_where_the_source_names_no_facility(
    fit, province, ownership, released
):
    """Aceh has one class B hospital of the army, and eight of its districts."""
    g = np.random.default_rng(4)
    table = tariff_table()
    kind = g.integers(0, 2, 4000)
    table = replaced(table, "province_name", np.where(kind, province, "JAWA TIMUR").tolist())
    table = replaced(table, "facility_class", np.where(kind, "RS Kelas B", "RS Kelas C").tolist())
    table = replaced(table, "facility_ownership", np.where(kind, ownership, "Swasta").tolist())
    profile = fit(table)
    assert (ownership in profile.vocabularies.get("facility_ownership", ())) is released
    assert (province in profile.vocabularies.get("province_name", ())) is released


@pytest.mark.parametrize("largest", [6, 10**13])
@given(data=st.data())
@settings(max_examples=examples(30), deadline=None)
def test_the_first_place_of_each_key_is_where_it_stands_first(largest, data):
    keys = data.draw(st.lists(st.sampled_from([0, 1, 2, largest - 1, largest]), max_size=20))
    first = first_of_each(np.array(keys, np.int64))
    assert first.tolist() == [keys.index(key) for key in sorted(set(keys))]
