"""How claims are dealt out: as many to each place and class as these have, where that may be told, and no facility by itself."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from claims_sim.profile.counts.counting import Population
from claims_sim.profile.encoding.directory import deal_out, group_facilities, group_kinds
from claims_sim.profile.encoding.told_totals import Volumes, _raked, shares_of_kinds, told_totals
from claims_sim_tests.depth import examples
from claims_sim_tests.profile.tables import replaced, tariff_table

PROVINCES, CLASSES = ("ACEH", "BALI", "PAPUA"), ("RS Kelas A", "RS Kelas B", "RS Kelas C", "RS Kelas D")
SIZES = np.array([[400, 900, 500, 700], [300, 150, 500, 250], [160, 200, 140, 300]])
"""Claims of the one facility of each province and class."""


def world(sizes=SIZES):
    """The facility (from 1) of each claim, its kind, and the kinds: class and province, one facility each."""
    facility = np.repeat(np.arange(1, sizes.size + 1), sizes.ravel())
    province, kind_class = np.divmod(np.arange(sizes.size), sizes.shape[1])
    order = np.lexsort((province, kind_class))
    kinds = np.column_stack([kind_class, province])[order]
    kind = np.argsort(order)[facility - 1]
    return facility, kind, kinds


def population(facility, person=None):
    return Population(len(facility), 11, np.arange(len(facility)) if person is None else person, facility)


def told_sums(kind, kinds, group, people):
    """The kinds that are dealt out with regard to totals, and which of them each told sum is of, whole groups first."""
    told = told_totals(Volumes(kind, len(kinds), people), kinds, group)
    return told.grouped, [*(told.owner == one for one in np.unique(told.owner)), *told.parts]


def test_places_and_classes_have_as_many_claims_as_they_have_and_no_facility_has():
    facility, kind, kinds = world()
    columns, whole = [kinds[kind, place].astype(np.int32) for place in (0, 1)], population(facility)
    dealt = deal_out(group_facilities(columns, whole), whole)
    assert (dealt.group >= 0).all()
    found = np.zeros(SIZES.shape)
    np.add.at(found, (dealt.columns[1], dealt.columns[0]), 1)
    for axis in (0, 1):
        assert found.sum(axis) == pytest.approx(SIZES.sum(axis), abs=5)
    assert np.abs(found / SIZES - 1).max() > 0.2


def test_what_one_facility_has_most_of_is_not_told():
    """In one province nearly all claims are of one facility: how many it has must not follow, also not from the others' sums."""
    sizes = SIZES.copy()
    sizes[1] = (20, 15, 8_000, 25)
    facility, kind, kinds = world(sizes)
    group = group_kinds(kind, kinds, population(facility))
    _, sums = told_sums(kind, kinds, group, population(facility))
    claims = np.bincount(kind)
    largest = int(claims.argmax())
    for one in sums:
        assert not one[largest] or claims[one].sum() * 0.9 >= claims[largest]
    assert freedom(np.array(sums, float), claims, largest) >= 0.1


def freedom(sums, claims, kind):
    """How much more, as a part of what it has, a kind may have where all sums stay and no other has less than none."""
    goal = np.zeros(len(claims))
    goal[kind] = -1.0
    found = linprog(goal, A_eq=sums * claims, b_eq=np.zeros(len(sums)), bounds=(-1, 1), method="highs")
    assert found.success
    return -found.fun


described = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(0, 3)), min_size=9, max_size=24)


@given(described, st.integers(0, 10_000))
@settings(max_examples=examples(40), deadline=None)
def test_no_sum_of_what_is_told_is_of_fewer_than_three_facilities(houses, seed):
    g = np.random.default_rng(seed)
    sizes = np.rint(30 * g.pareto(1.2, len(houses)) + 15).astype(int)
    facility = np.repeat(np.arange(1, len(houses) + 1), sizes)
    # Some facilities have a few patients who come again and again.
    person = np.where(
        g.random(len(houses))[facility - 1] < 0.4,
        1000 * facility + g.integers(0, 6, len(facility)),
        -np.arange(len(facility)) - 1,
    )
    people = population(facility, np.unique(person, return_inverse=True)[1])
    kinds, kind_of = np.unique(np.array(houses), axis=0, return_inverse=True)
    kind_of = kind_of.ravel()
    kind = kind_of[facility - 1]
    group = group_kinds(kind, kinds, people)
    grouped, sums = told_sums(kind, kinds, group, people)
    if not sums:
        return
    rows = np.array(sums, float)
    rank = np.linalg.matrix_rank(rows)
    of_kind = np.bincount(kind_of, minlength=len(kinds))
    for few in (1, 2):
        for chosen in combinations(range(len(grouped)), few):
            if of_kind[grouped[list(chosen)]].sum() < 3:
                assert np.linalg.matrix_rank(np.delete(rows, chosen, axis=1)) == rank
    parts = [grouped[one] for one in sums[len(np.unique(group[grouped])) :]]
    assert all(people.may_be_told(np.flatnonzero(np.isin(kind, part))) for part in parts)
    claims = np.bincount(kind, minlength=len(kinds))[grouped]
    for place in range(len(grouped)):
        alone = np.flatnonzero(kind == grouped[place])
        others = claims[group[grouped] == group[grouped[place]]].sum() - claims[place]
        if not people.may_be_told(alone):
            assert freedom(rows, claims, place) >= min(0.099, 0.999 * others / claims[place])


def test_shares_are_positive_and_add_up_to_what_is_told():
    facility, kind, kinds = world()
    group = group_kinds(kind, kinds, population(facility))
    grouped, sums = told_sums(kind, kinds, group, population(facility))
    shares, claims = shares_of_kinds(kind, kinds, group, population(facility)), np.bincount(kind)
    assert (shares > 0).all()
    assert len(sums) > len(np.unique(group))
    for one in sums:
        assert shares[grouped[one]].sum() == pytest.approx(claims[grouped[one]].sum(), rel=1e-3)


def test_shares_do_not_depend_on_how_a_machine_rounds_its_sums(monkeypatch):
    """Another number of threads adds up in another order: the last digits of what is solved differ."""
    facility, kind, kinds = world()
    group, solve = group_kinds(kind, kinds, population(facility)), np.linalg.solve
    shares = shares_of_kinds(kind, kinds, group, population(facility))
    rounding = np.random.default_rng(0)
    seen = []

    def as_elsewhere(left, right):
        seen.append(right)
        return solve(left, right) * (1 + 1e-12 * rounding.standard_normal(len(right)))

    monkeypatch.setattr(np.linalg, "solve", as_elsewhere)
    assert (shares_of_kinds(kind, kinds, group, population(facility)) == shares).all()
    assert seen


def table(exchanged=(), sizes=SIZES):
    """The claims of the world, the facilities unlike in their diagnoses; two of them may have exchanged what they are."""
    facility, _, _ = world(sizes)
    rows, order = len(facility), np.random.default_rng(4).permutation(len(facility))
    house = facility[order] - 1
    borne = np.arange(sizes.size)
    if exchanged:
        borne[list(exchanged)] = borne[list(reversed(exchanged))]
    province, kind_class = np.divmod(borne[house], sizes.shape[1])
    made = tariff_table(rows, seed=8)
    codes = np.array(made["dx_primary_code"].to_pylist(), object)
    for name, values in {
        "facility_id": [f"H{i}" for i in house],
        "province_name": np.array(PROVINCES, object)[province].tolist(),
        "facility_class": np.array(CLASSES, object)[kind_class].tolist(),
        "facility_ownership": ["Pemkab"] * rows,
        "dx_primary_code": np.where(house % 5 == 2, codes[0], codes).tolist(),
    }.items():
        made = replaced(made, name, values)
    return made


def test_the_file_is_the_same_where_facilities_of_one_group_exchange_what_they_are_and_every_total_stays(fit):
    told = fit(table())
    assert [share for _, share in told.marginal("province_name")] == pytest.approx(
        sorted(SIZES.sum(1) / SIZES.sum(), reverse=True), abs=0.01
    )
    # Both have 500 claims, of other diagnoses; the third has another size, so totals say that something moved.
    assert fit(table((2, 6))).profile_hash == told.profile_hash
    assert fit(table((2, 10))).profile_hash != told.profile_hash


def test_where_each_group_has_one_kind_there_is_nothing_to_rake():
    shares, claims = np.array([1.0, 1.0, 0.0]), np.array([30, 50, 7])
    found = _raked(shares, claims, np.array([0, 1, 1]), [np.array([True, False, True]), np.array([False, True, False])])
    assert found.tolist() == [30.0, 57.0, 0.0]
