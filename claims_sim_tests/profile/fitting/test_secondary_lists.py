"""Codes that hardly ever stand alone, and codes that mostly do, are drawn into lists as long as theirs are."""

import numpy as np
import pyarrow as pa
import pytest

from claims_sim.profile.counts import lookup
from claims_sim.profile.counts.builder import Builder
from claims_sim.profile.counts.companions import FIRST_MEMBER, MEMBER
from claims_sim.profile.counts.counting import Population
from claims_sim.profile.counts.lookup import TableSampler
from claims_sim.profile.counts.release import Parent, Target
from claims_sim.profile.crossing import describe_crossing
from claims_sim.profile.document import Profile
from claims_sim.profile.fitting.secondary_lists import LENGTH, LENGTH_BY, SEVERITY, SEVERITY_BY, by_list
from claims_sim.profile.sampler import Sampler
from claims_sim_tests.profile.tables import DX, replaced, tariff_table

ROWS = 20_000
USUAL = np.array(DX[7::11][:60])
GRAVE = np.array(["A419", "J960", "R571"])
ALONE = "Z370"


def lists(g, dx, *, first):
    """One code is usual of the diagnosis, or the one that stands alone; of more, one is grave, at the beginning (`first`) or where the
    alphabet has it.
    """
    out = []
    for of, length in zip(dx.tolist(), g.choice(5, len(dx), p=[0.3, 0.3, 0.1, 0.1, 0.2]).tolist(), strict=True):
        codes = USUAL[(of + g.choice(6, length, replace=False)) % len(USUAL)].tolist()
        if length == 1 and g.random() < 0.5:
            codes = [ALONE]
        if length >= 3 and g.random() < 0.5:
            codes = [g.choice(GRAVE), *codes[1:]]
        out.append(codes if first else sorted(codes))
    return out


@pytest.fixture(scope="module", params=[True, False], ids=["gravest first", "sorted"])
def table(request):
    """Of two hundred diagnoses each has too few lists for them to be divided by their length."""
    g = np.random.default_rng(41)
    dx = g.integers(0, 200, ROWS)
    own = replaced(tariff_table(ROWS, seed=5), "dx_primary_code", np.array(DX[::10])[dx].tolist())
    return replaced(own, "dx_secondary_codes", pa.array(lists(g, dx, first=request.param)))


@pytest.fixture(scope="module")
def profile(fit, table):
    return fit(table)


def how_many_of(codes, claims):
    """Of the lists of each length how many of `codes` one holds on average."""
    held = claims["dx_secondary_codes"].to_pylist()
    length, number = (
        np.array(each) for each in zip(*((len(one), len(set(one) & set(codes))) for one in held), strict=True)
    )
    return [number[length == one].mean() for one in range(1, 5)]


def of_their_diagnosis(claims):
    """The share of all secondary codes that are usual of their diagnosis."""
    number = {code: i for i, code in enumerate(DX[::10])}
    at = {code: i for i, code in enumerate(USUAL.tolist())}
    usual = [
        (at[code] - number[dx]) % len(USUAL) < 6 if code in at else False
        for dx, codes in zip(
            claims["dx_primary_code"].to_pylist(), claims["dx_secondary_codes"].to_pylist(), strict=True
        )
        for code in codes
    ]
    return np.mean(usual)


@pytest.mark.slow
def test_codes_stand_in_lists_as_long_as_theirs_are_and_with_their_diagnosis(table, profile):
    drawn = Sampler(profile).draw_claims(3, np.arange(60_000))
    for codes in (GRAVE, [ALONE]):
        assert how_many_of(codes, drawn) == pytest.approx(how_many_of(codes, table), abs=0.1)
        assert how_many_of(codes, drawn)[1] < 0.02
    assert of_their_diagnosis(drawn) == pytest.approx(of_their_diagnosis(table), abs=0.05)
    assert Profile.from_json(profile.to_json()) == profile


@pytest.mark.many(daily=1)
def test_what_is_told_of_lengths_is_of_groups_of_diagnoses_and_codes(profile):
    told = [name for name in LENGTH_BY.values() if name in profile.tables]
    assert told
    for name in told:
        owner, code = (profile.features[parent] for parent in profile.tables[name].parents)
        assert owner.variable == "dx_primary_code"
        assert owner.size <= 24
        assert code.size <= 24
    shown = [table for table in describe_crossing(profile).tables if table.name in told]
    assert all(table.smallest >= profile.k for table in shown)
    assert all("group" in given for table in shown for given in table.given)


@pytest.mark.slow
def test_each_length_has_as_much_weight_as_was_counted_and_no_code_that_was_not(profile):
    name = FIRST_MEMBER if FIRST_MEMBER in profile.tables else MEMBER
    plain, given = profile.tables[name], by_list(profile, name)
    assert given.parents == (LENGTH, *plain.parents)
    for level, by in zip(plain.levels, given.levels[1:], strict=True):
        contexts = len(level.cells)
        assert len(by.cells) == contexts * (given.sizes[0] - 1)
        ends = np.cumsum(level.cells)
        for length in range(given.sizes[0] - 1):
            mine = np.cumsum([0, *by.cells])[length * contexts : (length + 1) * contexts + 1]
            for i, end in enumerate(ends):
                values = by.values[mine[i] : mine[i + 1]]
                assert set(values) <= set(level.values[end - level.cells[i] : end])
                counted = sum(level.units[end - level.cells[i] : end])
                weight = sum(by.units[mine[i] : mine[i + 1]]) / 4
                assert weight == 0 or weight == pytest.approx(counted, rel=0.3, abs=2)


@pytest.mark.slow
def test_lengths_are_told_only_where_codes_tell_them(fit):
    g = np.random.default_rng(42)
    held = [g.choice(USUAL, length, replace=False).tolist() for length in g.choice(4, ROWS).tolist()]
    profile = fit(replaced(tariff_table(ROWS, seed=5), "dx_secondary_codes", pa.array(held)))
    assert MEMBER in profile.tables
    assert not set(LENGTH_BY.values()) & profile.tables.keys()
    assert not any("length_by" in name for name in profile.features)
    assert by_list(profile, MEMBER) is profile.tables[MEMBER]


def test_a_long_list_of_one_claim_counts_once_where_claims_are_counted(fit):
    """Without a key of persons a cell is of fifty claims; a few claims have lists of twelve codes of one group."""
    g = np.random.default_rng(43)
    table = tariff_table(ROWS, seed=5, persons=False)
    dx = np.array(table["dx_primary_code"].to_pylist())
    short, long = np.array(DX[7::11][:60]), np.array(DX[9::11][:15])
    held = [
        sorted(g.choice(short, n, replace=False).tolist()) for n in g.choice(5, ROWS, p=[0.3, 0.3, 0.2, 0.15, 0.05])
    ]
    for i in range(1000, 5000):
        held[i] = [long[i % 15]]
    few = np.flatnonzero(dx == dx[0])[:12]
    for i in range(300):
        held[i] = sorted(g.choice(short, 12, replace=False).tolist())
    for i in few.tolist():
        held[i] = sorted(long[:12].tolist())
    profile = fit(replaced(table, "dx_secondary_codes", pa.array(held)))
    assert profile.k == 50
    told = profile.tables[LENGTH_BY[MEMBER]]
    owner, member = (profile.features[parent] for parent in told.parents)
    names = profile.vocabularies["dx_secondary_codes"]
    its_group = member.groups[names.index(long[0])]
    mine = profile.vocabularies["dx_primary_code"].index(dx[0])
    paths = np.array(told.levels[2].contexts).reshape(-1, 2).tolist()
    cells = np.split(np.array(told.levels[2].values), np.cumsum(told.levels[2].cells)[:-1])
    lengths = dict(zip(map(tuple, paths), cells, strict=True)).get(
        (mine if owner.groups is None else owner.groups[mine], its_group), ()
    )
    assert 12 not in lengths


@pytest.mark.parametrize("whose", ["house", "person"])
def test_in_which_group_a_code_is_does_not_follow_from_one_houses_or_persons_lists(whose):
    """Most claims with a code are one house's, or one person's: how long their lists are does not show."""
    g, rows = np.random.default_rng(44), 6_000
    codes, length = g.integers(0, 60, rows).astype(np.int32), g.integers(0, 3, rows).astype(np.int32)
    length[codes >= 30] += 3
    persons, houses = np.arange(1, rows + 1), g.integers(1, 40, rows)
    own = np.flatnonzero(codes == 5)
    codes[:500], length[own] = 5, 0
    (houses if whose == "house" else persons)[:500] = 1
    found = []
    for theirs in (5, 1):
        length[:500] = theirs
        builder = Builder(Population(rows, 11, persons, houses))
        grouped = builder.in_groups(Target("length", length, 6), Parent("code", codes, 60), builder.population)
        found.append(builder.features[grouped.name].groups)
        assert len(set(found[-1])) > 1
    assert found[0] == found[1]


@pytest.mark.slow
def test_lists_are_as_long_as_they_were_to_be_where_codes_are_few(fit):
    g = np.random.default_rng(45)
    codes = np.array(DX[::3][:58])
    held = [
        sorted(g.choice(codes[:8] if n > 6 else codes[8:], n, replace=False).tolist())
        for n in g.choice([0, 1, 2, 7, 8], ROWS, p=[0.3, 0.3, 0.1, 0.15, 0.15]).tolist()
    ]
    profile = fit(replaced(tariff_table(ROWS, seed=5), "dx_secondary_codes", pa.array(held)))
    assert LENGTH_BY[MEMBER] in profile.tables
    drawn = [len(one) for one in Sampler(profile).draw_claims(1, np.arange(30_000))["dx_secondary_codes"].to_pylist()]
    share = [np.mean(np.array([len(one) for one in held]) == n) for n in range(9)]
    assert [np.mean(np.array(drawn) == n) for n in range(9)] == pytest.approx(share, abs=0.01)


@pytest.fixture(scope="module")
def of_grave_claims(table):
    """The same lists, of claims that are as grave as what they hold: a grave code makes them so, a long list alone does not."""
    g = np.random.default_rng(46)
    held = [bool(set(codes) & set(GRAVE.tolist())) for codes in table["dx_secondary_codes"].to_pylist()]
    level = np.where(np.array(held), 2, g.integers(0, 2, ROWS))
    return replaced(table, "severity_group", np.array(["ringan", "sedang", "berat"], object)[level].tolist())


def how_many_by_severity(codes, claims):
    """Of the lists of three codes and more, how many of `codes` one holds on average, by the severity of its claim."""
    held = claims["dx_secondary_codes"].to_pylist()
    pairs = [
        (level, len(set(one) & set(codes)))
        for level, one in zip(claims["severity_group"].to_pylist(), held, strict=True)
        if len(one) >= 3
    ]
    return [np.mean([number for of, number in pairs if of == level]) for level in ("ringan", "sedang", "berat")]


@pytest.mark.slow
def test_codes_stand_in_lists_of_claims_as_grave_as_theirs_are(of_grave_claims, fit):
    profile = fit(of_grave_claims)
    drawn = Sampler(profile).draw_claims(3, np.arange(60_000))
    real = how_many_by_severity(GRAVE, of_grave_claims)
    assert real == pytest.approx([0, 0, 1])
    mild, middle, grave = how_many_by_severity(GRAVE, drawn)
    assert max(mild, middle) < 0.1
    assert grave > 0.7
    assert how_many_of(GRAVE, drawn) == pytest.approx(how_many_of(GRAVE, of_grave_claims), abs=0.1)
    assert of_their_diagnosis(drawn) == pytest.approx(of_their_diagnosis(of_grave_claims), abs=0.07)
    assert Profile.from_json(profile.to_json()) == profile
    told = [name for name in SEVERITY_BY.values() if name in profile.tables]
    shown = [table for table in describe_crossing(profile).tables if table.name in told]
    assert len(shown) == len(told) > 0
    assert all(table.smallest >= profile.k for table in shown)


@pytest.mark.slow
def test_in_which_band_a_length_is_follows_from_what_is_told_of_lengths(of_grave_claims, fit):
    """One list more, or the length of one, is nothing that a band may show."""
    profile = fit(of_grave_claims)
    bands = {name: feature for name, feature in profile.features.items() if name.startswith(f"{LENGTH}~severity_by")}
    assert bands
    count = np.maximum(profile.tables[LENGTH].marginal(), 0)[: profile.tables[LENGTH].size]
    count[0] = 0
    place = (np.cumsum(count) - count / 2) / count.sum()
    for feature in bands.values():
        assert feature.groups == tuple(np.minimum(place * 3, 2).astype(int).tolist())
        assert len(set(feature.groups)) > 1


def test_severities_are_told_only_where_codes_tell_them(profile):
    assert not set(SEVERITY_BY.values()) & profile.tables.keys()
    assert not any("severity_by" in name for name in profile.features)


@pytest.mark.slow
def test_very_many_units_are_searched_and_drawn_as_often(of_grave_claims, fit, monkeypatch):
    profile = fit(of_grave_claims)
    name = FIRST_MEMBER if FIRST_MEMBER in profile.tables else MEMBER
    table = by_list(profile, name)
    assert table.parents[:2] == (LENGTH, SEVERITY)
    rows = np.arange(30_000)
    given = {parent: (rows % size).astype(np.int32) for parent, size in zip(table.parents, table.sizes, strict=True)}
    one = TableSampler(table).draw(5, rows, given)
    monkeypatch.setattr(lookup, "_DENSE", 1000)
    assert (TableSampler(table).draw(5, rows, given) == one).all()


@pytest.mark.many(daily=1)
def test_severities_that_the_length_of_a_list_tells_are_not_told_of_its_codes(table, fit):
    """Grave codes stand in long lists, and long lists make claims grave: which codes they hold says nothing more."""
    length = np.array([len(codes) for codes in table["dx_secondary_codes"].to_pylist()])
    level = np.where(length < 2, 0, np.where(length < 4, 1, 2))
    profile = fit(replaced(table, "severity_group", np.array(["ringan", "sedang", "berat"], object)[level].tolist()))
    assert set(LENGTH_BY.values()) & profile.tables.keys()
    assert not set(SEVERITY_BY.values()) & profile.tables.keys()


@pytest.mark.slow
def test_lists_of_claims_of_a_severity_that_is_not_known_follow_their_diagnosis(of_grave_claims, fit):
    sampler, rows = Sampler(fit(of_grave_claims)), np.arange(20_000)
    briefs = sampler.draw_briefs(8, rows)
    unknown = replaced(briefs, "severity_group", ["gawat"] * len(rows))
    for given in (briefs, unknown):
        drawn = sampler.draw_open(8, rows, given).append_column("dx_primary_code", given["dx_primary_code"])
        assert of_their_diagnosis(drawn) == pytest.approx(of_their_diagnosis(of_grave_claims), abs=0.1)


def test_who_hides_in_lists_is_marked_as_in_all_other_tables(fit, monkeypatch):
    """Without the marks how many claims hide a few would be drawn anew with each refresh."""
    marks = {}

    def add(self, target, *others, population=None, **options):
        marks[target.name] = (self.population if population is None else population).marks
        return added(self, target, *others, population=population, **options)

    added = Builder.add
    monkeypatch.setattr(Builder, "add", add)
    fit(tariff_table(3000))
    assert marks["member"] is not None
    assert marks["member"] is marks["dx_primary_code"]
