"""Facilities that may not be told apart: who is grouped with whom, and what the claims of a group then look like."""

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claims_sim.codes.hospitals import register
from claims_sim.profile.counts.counting import MAX_FACILITY_SHARE, Population
from claims_sim.profile.encoding import directory
from claims_sim.profile.encoding.directory import deal_out, group_facilities, group_kinds, is_attribute
from claims_sim.profile.sampler import Sampler
from claims_sim_tests.depth import examples
from claims_sim_tests.profile.tables import replaced, tariff_table, with_values

K = 3
claims = st.tuples(st.integers(1, 14), st.integers(0, 30))  # facility, person


@given(
    st.lists(claims, min_size=20, max_size=300),
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(0, 3)), min_size=15, max_size=15),
)
@settings(max_examples=examples(20), deadline=None)
def test_every_group_holds_the_rule_or_nobody_was_left_to_join(rows, described):
    facility, person = (np.array(column, np.int64) for column in zip(*rows, strict=True))
    kinds, kind = np.unique(np.array(described)[facility], axis=0, return_inverse=True)
    kind = kind.ravel()
    group = group_kinds(kind, kinds, Population(len(rows), K, person, facility))
    for leader in np.unique(group):
        inside = group[kind] == leader
        facilities = Counter(facility[inside].tolist())
        holds = (
            len(set(person[inside].tolist())) >= K
            and len(facilities) >= 3
            and max(facilities.values()) <= MAX_FACILITY_SHARE * inside.sum()
        )
        # What cannot be told stands alone, as it came: no number of it passes what is checked later.
        assert holds or (group == leader).sum() == 1


def test_a_groups_claims_are_shared_out_evenly_whoever_made_them():
    facility = np.repeat([1, 2, 3], [500, 80, 20])
    population = Population(600, 11, np.arange(600), facility)
    columns = [np.zeros(600, np.int32), (facility - 1).astype(np.int32)]
    dealt = deal_out(group_facilities(columns, population), population)
    assert (dealt.group >= 0).sum() == 600
    assert np.bincount(dealt.columns[1]).tolist() == [200, 200, 200]


def test_a_kind_that_too_few_persons_have_gets_no_claims():
    facility = np.repeat([1, 2, 3, 4], [300, 300, 300, 5])
    population = Population(905, 11, np.arange(905), facility)
    dealt = deal_out(group_facilities([(facility - 1).astype(np.int32)], population), population)
    assert set(dealt.columns[0].tolist()) == {0, 1, 2}


def test_kinds_join_those_that_are_like_them():
    """Two places of three classes with one facility each: places stay apart, classes do not."""
    facility = np.repeat(np.arange(1, 7), 100)
    kinds = np.array([[place, kind] for place in (0, 1) for kind in (0, 1, 2)])
    group = group_kinds(facility - 1, kinds, Population(600, 11, np.arange(600), facility))
    assert group.tolist() == [0, 0, 0, 3, 3, 3]


def test_what_varies_within_a_facility_does_not_describe_it():
    facility = np.repeat(np.arange(1, 6), 100)
    assert is_attribute((facility % 3).astype(np.int32), facility)
    assert not is_attribute((np.arange(500) % 2).astype(np.int32), facility)


def with_columns(table: pa.Table, columns: dict) -> pa.Table:
    """The table with other values in some columns, or with further ones."""
    for name, values in columns.items():
        table = replaced(table, name, values)
    return table


def table_with_facilities(order=(0, 1, 2), rows=6000) -> pa.Table:
    """Three districts of one facility each, unlike in size and diagnoses, `order` says whose name is whose; and others."""
    g = np.random.default_rng(8)
    table = tariff_table(rows, seed=8)
    house = g.choice(9, rows, p=[0.3, 0.05, 0.02, *[0.63 / 6] * 6])
    names = [("ALPHA", "BETA", "GAMMA")[i] for i in order]
    district = np.array([*names, *["DELTA"] * 6], object)[house]
    table = replaced(table, "facility_id", [f"H{i}" for i in house])
    table = replaced(table, "province_name", np.where(house < 3, "BALI", "RIAU").tolist())
    table = replaced(table, "facility_class", ["RS Kelas C"] * rows)
    table = replaced(table, "facility_ownership", ["Pemkab"] * rows)
    codes = np.array(table["dx_primary_code"].to_pylist(), object)
    table = replaced(table, "dx_primary_code", np.where(house == 0, codes[0], codes).tolist())
    return replaced(table, "district_name", district.tolist())


@pytest.fixture(scope="module")
def told(fit):
    """The profile of the facilities under their own names."""
    return fit(table_with_facilities())


@pytest.mark.parametrize("order", [(1, 2, 0), pytest.param((2, 1, 0), marks=pytest.mark.slow)])
def test_the_file_is_the_same_whichever_of_a_groups_facilities_bears_which_name(fit, told, order):
    """Whatever can be computed from the file is then as true of one as of the other, however they differ."""
    exchanged = fit(table_with_facilities(order))
    assert told.vocabularies["district_name"] == ("ALPHA", "BETA", "DELTA", "GAMMA")
    assert told.profile_hash == exchanged.profile_hash


@pytest.mark.slow
def test_without_a_key_of_facilities_the_same_exchange_shows(fit):
    tables = [table_with_facilities(order).drop_columns(["facility_id"]) for order in ((0, 1, 2), (1, 2, 0))]
    without, exchanged = (fit(table) for table in tables)
    assert without.profile_hash != exchanged.profile_hash


def test_places_of_one_facility_occur_with_what_the_directory_says_of_them(told):
    drawn = Sampler(told).draw_claims(1, np.arange(20_000))
    pairs = Counter(zip(drawn["province_name"].to_pylist(), drawn["district_name"].to_pylist(), strict=True))
    assert set(pairs) == {("BALI", "ALPHA"), ("BALI", "BETA"), ("BALI", "GAMMA"), ("RIAU", "DELTA")}
    thirds = [pairs["BALI", name] for name in ("ALPHA", "BETA", "GAMMA")]
    assert max(thirds) < 1.1 * min(thirds)


def houses_of_classes(sizes, described, rows_without=None) -> pa.Table:
    """Claims of facilities of these sizes, `described` column by column; the key of `rows_without` is missing."""
    house = np.random.default_rng(5).permutation(np.repeat(np.arange(len(sizes)), sizes))
    table = tariff_table(len(house), seed=8)
    codes = np.array(table["dx_primary_code"].to_pylist(), object)
    keys = [f"H{i}" for i in house]
    for row in range(0 if rows_without is None else rows_without):
        keys[np.flatnonzero(house == 0)[row]] = None
    columns = {
        "facility_id": keys,
        "facility_ownership": ["Pemkab"] * len(house),
        "dx_primary_code": np.where(house == 0, codes[0], codes).tolist(),
        **{name: np.array(values, object)[house].tolist() for name, values in described.items()},
    }
    return with_columns(table, columns)


def test_what_a_facility_says_otherwise_in_some_claims_crosses_nowhere(fit):
    """Of 1,500 claims of a house of class C four in ten say B; in its place one house is of class B, dealt out with others."""
    kinds = ["C"] * 4 + ["A", "B", "D"] + ["C"] * 9
    table = houses_of_classes(
        [1500, 800, 800, 800, 600, 600, 600, *[700] * 9],
        {"province_name": ["BALI"] * 7 + ["JAWA TIMUR"] * 9, "facility_class": [f"RS Kelas {kind}" for kind in kinds]},
    )
    own = np.array(table["facility_id"].to_pylist()) == "H0"
    slips = own & (np.random.default_rng(1).random(len(own)) < 0.4)
    wrong = np.where(slips, "RS Kelas B", table["facility_class"].to_pylist()).tolist()
    shares = dict(fit(replaced(table, "facility_class", wrong)).marginal("facility_class"))
    assert slips.sum() > 500
    assert [shares[f"RS Kelas {kind}"] * len(own) for kind in "ABD"] == pytest.approx([600] * 3, abs=25)


def test_facilities_that_lack_a_value_altogether_exchange_it_too(fit):
    types = [None, "Tipe X", "Tipe Y", "Tipe Z", *["Tipe X", "Tipe Y", "Tipe Z"] * 3]
    profiles = []
    for first, second in ((0, 1), (1, 0)):
        theirs = [types[first], types[second], *types[2:]]
        table = houses_of_classes(
            [800, 800, 700, 900, *[600] * 9],
            {
                "province_name": ["BALI"] * 4 + ["JAWA TIMUR"] * 9,
                "facility_class": ["RS Kelas C"] * 13,
                "facility_type": theirs,
            },
        )
        profiles.append(fit(table))
    assert profiles[0].profile_hash == profiles[1].profile_hash
    assert any("dealt out" in told for told in profiles[0].oddities)


@pytest.mark.many(daily=1)
@pytest.mark.parametrize("keyless", [1, 300])
def test_claims_without_a_key_make_no_third_facility(fit, keyless):
    """The two houses of class A have 1,200 claims, of which some lack the key."""
    table = houses_of_classes(
        [900, 300, 400, 400, 400, 400, 400, 400, *[600] * 6],
        {
            "province_name": ["BALI"] * 14,
            "facility_class": [f"RS Kelas {kind}" for kind in "AABBDDEE"] + ["RS Kelas C"] * 6,
        },
        keyless,
    )
    shares = dict(fit(table).marginal("facility_class"))
    assert shares["RS Kelas A"] * table.num_rows == pytest.approx(1000, abs=30)  # with class B's two, half of 2,000


PLACES = ("ACEH", "BALI", "PAPUA")
PLACE_FACTORS, WARD_FACTORS = np.array([1.5, 1.18, 1.0]), np.array([1.0, 1.2, 1.4])


def price(diagnosis, factor, ward):
    """Of the world below: a base by diagnosis, a factor by place, and a hidden ward."""
    return np.rint(150_000 * 1.37**diagnosis * factor * WARD_FACTORS[ward] / 100) * 100


def table_with_prices(order=(0, 1, 2), rows=12_000) -> pa.Table:
    """Each place has one facility of class A, and `order` says which place each of them bears; all charge what they charge."""
    g = np.random.default_rng(9)
    house = g.choice(12, rows, p=[0.15, 0.1, 0.05, *[0.7 / 9] * 9])
    level = np.where(house < 3, house, house % 3)
    borne = np.where(house < 3, np.array(order)[np.minimum(house, 2)], level)
    diagnosis = g.integers(0, 6, rows)
    table = tariff_table(rows, seed=9)
    amount = price(diagnosis, PLACE_FACTORS[level], g.choice(3, rows, p=[0.6, 0.25, 0.15]))
    columns = {
        "facility_id": [f"H{i}" for i in house],
        "province_name": np.array(PLACES, object)[borne].tolist(),
        "facility_class": np.where(house < 3, "RS Kelas A", "RS Kelas B").tolist(),
        "facility_ownership": ["Pemkab"] * rows,
        "dx_primary_code": [f"A{i:02d}" for i in diagnosis],
        "service_type": ["RITL"] * rows,
        "amount_claimed": amount,
        "amount_paid": amount,
    }
    return with_columns(table, columns)


@pytest.fixture(scope="module")
def priced(fit):
    """The profile of the places as they are."""
    return fit(table_with_prices())


@pytest.mark.parametrize("order", [(1, 2, 0), pytest.param((2, 1, 0), marks=pytest.mark.slow)])
def test_the_file_is_the_same_whichever_of_a_groups_facilities_charges_which_prices(fit, priced, order):
    assert priced.money.tariffs
    assert priced.profile_hash == fit(table_with_prices(order)).profile_hash


def test_claims_that_were_dealt_out_bear_the_prices_of_where_they_were_dealt(priced):
    assert np.exp(priced.money.tariffs[0].levels) == pytest.approx(WARD_FACTORS)
    drawn = Sampler(priced).draw_claims(1, np.arange(20_000)).to_pandas()
    dealt = drawn[drawn["facility_class"] == "RS Kelas A"]
    assert dealt["province_name"].value_counts(normalize=True).tolist() == pytest.approx([1 / 3] * 3, abs=0.03)
    diagnosis = dealt["dx_primary_code"].str[1:].astype(int).to_numpy()
    factor = dealt["province_name"].map(dict(zip(PLACES, PLACE_FACTORS, strict=True))).to_numpy()
    prices = np.column_stack([price(diagnosis, factor, ward) for ward in range(3)])
    assert (prices == dealt["amount_claimed"].to_numpy()[:, None]).any(1).mean() > 0.99


OWNERS, OWNER_FACTORS = ("Pemkab", "Pemprov", "Swasta", "Vertikal"), np.array([0.95, 0.95, 1.0, 0.95])
CLASSES, CLASS_FACTORS = ("RS Kelas A", "RS Kelas B", "RS Kelas C"), np.array([1.6, 1.2, 1.0])
REGIONS = {
    "ACEH": 1.0,
    "BALI": 1.0,
    "BANTEN": 1.03,
    "GORONTALO": 1.0,
    "JAMBI": 1.03,
    "LAMPUNG": 1.0,
    "MALUKU": 1.08,
    "PAPUA": 1.08,
}
BASES = np.array([150_000, 205_500, 281_600, 385_700, 528_400, 724_000])


def table_of_many_houses(seed=2, houses=160, rows=30_000) -> pa.Table:
    """Houses of three classes, four owners and eight provinces, of which most kinds are of one or two; prices multiply by all three."""
    g = np.random.default_rng(seed)
    level = g.choice(3, houses, p=[0.2, 0.3, 0.5])
    owners_of = ([0, 0.4, 0.2, 0.4], [0.2, 0.2, 0.6, 0], [0.3, 0, 0.7, 0])
    owner = np.array([g.choice(4, p=owners_of[kind]) for kind in level])
    province = g.choice(8, houses, p=np.array([1, 2, 2, 1, 1, 3, 0.5, 0.5]) / 11)
    size = g.lognormal(0, 0.8, houses) * np.array([3, 2, 1])[level]
    house, diagnosis = g.choice(houses, rows, p=size / size.sum()), g.integers(0, 6, rows)
    factor = CLASS_FACTORS[level] * OWNER_FACTORS[owner] * np.array([*REGIONS.values()])[province]
    amount = np.rint(BASES[diagnosis] * factor[house] / 100) * 100
    table = tariff_table(rows, seed=seed)
    columns = {
        "facility_id": [f"H{i}" for i in house],
        "province_name": np.array([*REGIONS], object)[province[house]].tolist(),
        "facility_class": np.array(CLASSES, object)[level[house]].tolist(),
        "facility_ownership": np.array(OWNERS, object)[owner[house]].tolist(),
        "dx_primary_code": [f"A{i:02d}" for i in diagnosis],
        "service_type": ["RITL"] * rows,
        "amount_claimed": amount,
        "amount_paid": amount,
    }
    return with_columns(table, columns)


@pytest.mark.slow
def test_an_owners_factor_holds_where_all_its_houses_were_dealt_out(fit):
    """What all claims show of a factor is taken for values that no claim has which was not dealt out, where the others' agree."""
    drawn = Sampler(fit(table_of_many_houses())).draw_claims(1, np.arange(30_000)).to_pandas()
    factor = np.ones(len(drawn))
    for name, factors in (
        ("facility_class", dict(zip(CLASSES, CLASS_FACTORS, strict=True))),
        ("facility_ownership", dict(zip(OWNERS, OWNER_FACTORS, strict=True))),
        ("province_name", REGIONS),
    ):
        factor *= drawn[name].astype(str).map(factors)
    diagnosis = drawn["dx_primary_code"].str[1:].astype(int).to_numpy()
    right = np.abs(drawn["amount_claimed"] - np.rint(BASES[diagnosis] * factor / 100) * 100) < 1
    kinds = right.groupby([drawn["facility_class"].astype(str), drawn["facility_ownership"].astype(str)]).mean()
    assert len(kinds) == 8
    assert kinds.min() > 0.9


def single_hospitals():
    """Kinds of which the public register knows one hospital: their province, class and owner, one a province."""
    kinds = Counter()
    for row in register():
        kinds[row["province"], row["class"], row["ownership"]] += int(row["hospitals"])
    found = {
        province: (province, kind, owner)
        for (province, kind, owner), count in kinds.items()
        if count == 1 and kind == "C"
    }
    return list(found.values())[:4]


def table_with_known_hospitals(order=(0, 1, 2, 3), rows=6000) -> pa.Table:
    """Four hospitals that the register names, of very unequal size, `order` says which is which; and some other claims."""
    kinds = single_hospitals()
    house = np.random.default_rng(2).choice(5, rows, p=[0.3, 0.1, 0.05, 0.05, 0.5])
    described = np.array([*(kinds[i] for i in order), ("JAWA TIMUR", "C", "Swasta")], object)[house]
    table = tariff_table(rows)
    for place, name in enumerate(("province_name", "facility_class", "facility_ownership")):
        table = replaced(table, name, described[:, place].tolist())
    codes = np.array(table["dx_primary_code"].to_pylist(), object)
    return replaced(table, "dx_primary_code", np.where(house == 0, codes[0], codes).tolist())


def test_hospitals_that_the_register_names_are_dealt_out_too_without_a_key_of_facilities(fit):
    """Their provinces stay in the profile; how many claims each of them has, and for what, does not."""
    told = fit(table_with_known_hospitals())
    provinces = dict(told.marginal("province_name"))
    names = [kind[0] for kind in single_hospitals()]
    assert set(provinces) == {"JAWA TIMUR", *names}
    assert [provinces[name] for name in names] == pytest.approx([0.125] * 4, abs=0.01)
    assert told.profile_hash == fit(table_with_known_hospitals((3, 2, 1, 0))).profile_hash


@pytest.mark.parametrize("with_key", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_what_is_missing_stays_as_rare_as_it_is_where_claims_are_dealt_out(fit, with_key):
    table = table_with_facilities() if with_key else table_with_known_hospitals()
    if not with_key:
        table = replaced(table, "district_name", [f"KOTA {name}" for name in table["province_name"].to_pylist()])
    table = with_values(table, "district_name", range(0, table.num_rows, 25), None)
    profile = fit(table)
    assert dict(profile.marginal("district_name"))["(none)"] == pytest.approx(0.04, abs=0.01)
    assert any("dealt out" in sentence for sentence in profile.oddities)


@pytest.mark.slow
def test_claims_that_are_dealt_out_to_another_hospital_bear_its_type(fit):
    table = table_with_known_hospitals()
    places = [kind[0] for kind in single_hospitals()]
    types = [
        f"Tipe {'ABCDE'[places.index(name)] if name in places else 'E'}" for name in table["province_name"].to_pylist()
    ]
    drawn = Sampler(fit(replaced(table, "facility_type", types))).draw_claims(1, np.arange(5000))
    pairs = set(zip(drawn["province_name"].to_pylist(), drawn["facility_type"].to_pylist(), strict=True))
    assert pairs == set(zip(table["province_name"].to_pylist(), types, strict=True))


@pytest.mark.parametrize("sizes", [(1, 1), (1, 2), (1, 1, 2), (3, 1, 1, 4)])
def test_whose_a_claim_becomes_does_not_depend_on_the_last_digits_of_shares(monkeypatch, sizes):
    """Another machine adds up in another order: where shares end between two claims, none may change sides for that."""
    kinds = np.arange(len(sizes))[:, None]
    kind = np.repeat(np.arange(len(sizes)), np.array(sizes) * 9 + 1)
    facility = np.arange(len(kind)) % 7 + 1
    whole = Population(len(kind), K, np.arange(1, len(kind) + 1), facility)
    monkeypatch.setattr(directory, "group_kinds", lambda kind, kinds, population: np.zeros(len(kinds), np.int64))
    found = []
    for error in (-1e-11, 0.0, 1e-11):
        shares = np.array(sizes) * (1 + error * np.arange(1, len(sizes) + 1))
        monkeypatch.setattr(directory, "shares_of_kinds", lambda *_, shares=shares: shares)
        found.append(deal_out(group_facilities([kinds[kind, 0].astype(np.int32)], whole), whole).kind_dealt.tolist())
    assert found[0] == found[1] == found[2]
    assert len(set(found[0])) == len(sizes)
