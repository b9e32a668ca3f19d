import json
from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claims_sim.claim import MAX_AMOUNT
from claims_sim.errors import SourceError
from claims_sim.profile.counts.builder import Builder
from claims_sim.profile.counts.counting import Population, round_to_units
from claims_sim.profile.counts.release import Parent, Target, release_table
from claims_sim.profile.encoding.encode import population_of
from claims_sim.profile.reading.source import SourceSpec, read_source
from claims_sim.profile.sampler import Sampler
from claims_sim.randomness import uniforms
from claims_sim_tests.profile.tables import foreign_table, pick, replaced, tariff_table, with_values


def test_no_released_value_has_fewer_persons_than_k(tariff_profile):
    table = tariff_table().to_pandas()
    for column, values in tariff_profile.vocabularies.items():
        if column in ("admit_month", "dx_secondary_codes"):
            continue
        persons = table.groupby(column).patient_id_hash.nunique()
        assert all(persons[value] >= 11 for value in values if value is not None)
    assert tariff_profile.smallest_cell() >= 11
    assert tariff_profile.unit == "persons"


def test_without_a_key_of_persons_fifty_claims_are_needed_and_the_profile_says_so(fit):
    profile = fit(tariff_table(persons=False))
    assert (profile.unit, profile.k) == ("claims", 50)
    assert profile.smallest_cell() >= 50


def test_many_claims_of_few_persons_are_a_small_cell(fit):
    table = with_values(
        with_values(tariff_table(), "facility_class", range(200), "Klinik Langka"), "patient_id_hash", range(200), "one"
    )
    assert "Klinik Langka" not in fit(table).vocabularies["facility_class"]


def test_what_few_facilities_fill_is_not_released(fit):
    table = replaced(tariff_table(), "facility_id", [f"F{i % 40}" for i in range(4000)])
    table = with_values(with_values(table, "province_name", range(300), "LANGKA"), "facility_id", range(300), "F1")
    assert "LANGKA" not in fit(table).vocabularies["province_name"]


IDENTIFIERS = [
    ("dx_primary_label", "Pneumonia Siti Aminah"),
    ("dx_primary_label", "Ny. Siti"),
    ("procedure_code", "3512345678901234"),
    ("dx_primary_code", "Budi Santoso"),
    ("province_name", "siti@contoh.example"),
    ("severity_group", "081234567890"),
    ("facility_class", "RM 123456"),
]


@pytest.fixture(scope="module")
def planted(fit):
    """The profile of a table in which a quarter of the rows share each identifier, of one column other rows than of the next."""
    table = replaced(tariff_table(), "dx_primary_label", ["Cholera"] * 4000)
    for place, (column, value) in enumerate(IDENTIFIERS):
        table = with_values(table, column, range(place % 4, 4000, 4), value)
    return fit(table)


@pytest.mark.parametrize(("column", "value"), IDENTIFIERS)
def test_an_identifier_that_many_rows_share_does_not_pass(planted, column, value):
    assert column in planted.vocabularies
    assert value not in planted.to_json()


def test_rare_codes_never_appear_and_count_with_their_neighbours(fit):
    profile = fit(with_values(tariff_table(), "dx_primary_code", [1, 2, 3], "A009"))
    assert "A009" not in profile.to_json()
    assert any("counts as a released code" in sentence for sentence in profile.oddities)


def test_no_one_off_amount_and_no_full_date_is_in_the_document(fit):
    table = with_values(tariff_table(), "amount_claimed", [5], 987_654_000.0)
    document = fit(table).to_json()
    assert "987654000" not in document
    assert "2024-02-1" not in document


def test_the_same_source_gives_the_same_profile(fit, tariff_profile):
    assert fit(tariff_table()).to_json() == tariff_profile.to_json()


def test_identities_are_found_with_their_rates(tariff_profile, foreign_profile, fit):
    assert tariff_profile.identities["paid_over_claimed"] == 0.0
    assert tariff_profile.identities["outpatient_stay"] == 0.0
    assert tariff_profile.identities["los_not_days"] == 0.0
    assert foreign_profile.identities["los_not_days_plus_one"] == 0.0
    broken = with_values(tariff_table(), "amount_paid", [7], 9e9)
    # Too few exceptions to be told of count as none.
    assert fit(broken).identities["paid_over_claimed"] == 0.0
    broken = with_values(tariff_table(), "amount_paid", range(0, 4000, 100), 9e9)
    assert fit(broken).identities["paid_over_claimed"] == pytest.approx(0.01, rel=0.2)


def test_the_grid_and_the_granularity_are_found(tariff_profile, foreign_profile):
    assert tariff_profile.amount_grid == 1000.0
    assert foreign_profile.amount_grid == 0.01
    assert tariff_profile.date_granularity == "day"
    assert foreign_profile.date_granularity == "time"
    assert foreign_profile.period[0] == "2022-03"


def test_the_tariff_behind_the_amounts_is_found(tariff_profile):
    tariff = tariff_profile.money.tariffs[0]
    assert tariff is not None
    assert np.exp(tariff.levels) == pytest.approx([1.0, 1.2, 1.4], abs=1e-3)
    kinds = dict(
        zip(tariff_profile.vocabularies["facility_class"], np.exp(tariff.factors["facility_class"]), strict=True)
    )
    assert kinds["RS Kelas B"] / kinds["RS Kelas C"] == pytest.approx(1.12, abs=1e-3)


def test_a_table_without_a_lattice_has_no_tariff(foreign_profile):
    assert not foreign_profile.money.tariffs


def test_absent_columns_have_documented_defaults(fit):
    few = tariff_table().select(["dx_primary_code", "los", "amount_paid", "patient_id_hash"])
    profile = fit(few)
    assert {"province_name", "severity_group", "amount_claimed", "admit_dt"} <= set(profile.defaults)
    assert "service_type" in profile.vocabularies
    assert "province_name" in profile.absent


@pytest.mark.parametrize("rows", [1, 5])
def test_too_few_claims_are_one_clear_error(fit, rows):
    with pytest.raises(SourceError, match="too few claims"):
        fit(tariff_table(rows))


def test_empty_and_constant_columns_do_no_harm(fit):
    table = replaced(tariff_table(1000), "severity_group", pa.nulls(1000, pa.string()))
    table = replaced(table, "facility_class", ["RS Kelas C"] * 1000)
    profile = fit(replaced(table, "claim_weight", pa.nulls(1000, pa.float64())))
    assert profile.defaults["severity_group"] == "unknown"
    assert profile.vocabularies["facility_class"] == ("RS Kelas C",)


def test_code_system_names_travel_with_the_profile(tariff_profile):
    assert set(tariff_profile.dx_names) <= set(tariff_profile.vocabularies["dx_primary_code"]) | set(
        tariff_profile.vocabularies["dx_secondary_codes"]
    )
    assert tariff_profile.procedure_names["741"].lower().startswith("low cervical")


@pytest.mark.many(daily=1)
@pytest.mark.parametrize(("others", "named"), [("8911", True), ("7398", False)], ids=["most are of it", "most are not"])
def test_numbers_have_names_of_icd9_only_where_most_are_its_codes(fit, others, named):
    """7301 is a code of ICD-9-CM's, and so is 8911; 7398 is none."""
    table = tariff_table(1000)
    codes = np.where(np.arange(1000) % 5 == 0, "7301", others).tolist()
    assert ("7301" in fit(replaced(table, "procedure_code", codes)).procedure_names) is named
    if named:
        # One person's claims, however many, take none of the names away.
        hers = replaced(table, "patient_id_hash", ["hers" if i % 3 else f"p{i}" for i in range(1000)])
        codes = ["7398" if i % 3 else codes[i] for i in range(1000)]
        assert "8911" in fit(replaced(hers, "procedure_code", codes)).procedure_names


@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, 3), st.integers(0, 4), st.integers(0, 25)), min_size=1, max_size=400
    )
)
@settings(deadline=None, max_examples=60)
def test_every_released_cell_has_k_persons_and_every_claim_counts_at_most_once(rows):
    one, two, value, person = (np.array(column, np.int64) for column in zip(*rows, strict=True))
    parents = [Parent("a", one.astype(np.int32), 3), Parent("b", two.astype(np.int32), 4)]
    population = Population(len(rows), 3, person, None)
    table, _, _, fewest = release_table(Target("v", value.astype(np.int32), 5), parents, population)
    assert fewest >= 3
    persons = Counter()
    for a, b, v, _p in {tuple(row) for row in rows}:
        persons[a, b, v] += 1
    deepest = table.levels[2]
    paths = np.array(deepest.contexts).reshape(-1, 2)
    owner = np.repeat(np.arange(len(paths)), deepest.cells)
    for path, v in zip(paths[owner].tolist(), deepest.values, strict=True):
        if v >= 0:
            assert persons[path[0], path[1], v] >= 3
    units = sum(sum(u for u, v in zip(level.units, level.values, strict=True) if v >= 0) for level in table.levels)
    contexts = sum(len(level.cells) for level in table.levels)
    assert units * 3 <= len(rows) + 3 * contexts


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 200)), min_size=1, max_size=80),
    st.integers(1, 50),
    st.integers(0, 2**32),
)
def test_rounded_counts_keep_each_groups_total_to_within_a_unit_and_drop_no_full_cell(pairs, base, salt):
    pairs.sort()
    groups, counts = (np.array(column, np.int64) for column in zip(*pairs, strict=True))
    units = round_to_units(counts, groups, base, uniforms(salt, groups))
    for group in np.unique(groups):
        assert abs(units[groups == group].sum() * base - counts[groups == group].sum()) < base
    assert (units[counts >= base] >= 1).all()
    assert (units >= 0).all()


def test_the_profile_is_far_smaller_than_the_table_and_holds_no_person(tariff_profile, fit):
    source = tariff_table()
    document = tariff_profile.to_json()
    assert len(document) < source.nbytes
    assert "person" not in document.replace('"unit":"persons"', "")
    assert json.loads(document)["ledger"] == []


def test_nulls_are_drawn_at_their_rate_where_the_payload_allows_them(foreign_profile):
    missing = pc.mean(foreign_table()["severity_group"].is_null().cast("int8")).as_py()
    shares = dict(foreign_profile.marginal("severity_group"))
    assert shares["(none)"] == pytest.approx(missing, abs=0.02)


@pytest.mark.slow
def test_a_deductible_and_a_ceiling_are_found_and_kept_to_the_cent(fit):
    g = np.random.default_rng(3)
    table = tariff_table(6000)
    claimed = np.round(np.exp(g.normal(5, 1, 6000)), 2)
    paid = np.where(claimed > 250, 200 + np.round((claimed - 250) * 0.5, 2), np.maximum(claimed - 50, 0)).round(2)
    table = replaced(replaced(table, "amount_claimed", claimed), "amount_paid", paid)
    profile = fit(table)
    assert (1.0, -50.0) in profile.money.paid_lines
    claims = Sampler(profile).draw_claims(1, np.arange(20_000)).to_pandas()
    below = claims[(claims.amount_claimed > 55) & (claims.amount_claimed < 240)]
    above = claims[claims.amount_claimed > 260]
    assert np.isclose(below.amount_claimed - below.amount_paid, 50).mean() > 0.97
    assert np.isclose(above.amount_paid, 75 + above.amount_claimed / 2, atol=0.011).mean() > 0.97


@pytest.mark.slow
def test_prices_of_procedures_are_found_whatever_the_diagnosis(fit):
    g = np.random.default_rng(4)
    table = tariff_table(12_000)
    price = np.array([123.25, 410.5, 77.75, 250.0])[pick(g, 4, 12_000)]
    quantity = 1 + (g.random(12_000) < 0.3)
    code = pa.array(np.array(["8751", "9904", "741", "3893"])[np.searchsorted([77.75, 123.25, 250.0, 410.5], price)])
    table = replaced(replaced(table, "procedure_code", code), "amount_claimed", price * quantity)
    tariff = fit(replaced(table, "amount_paid", price * quantity)).money.tariffs[0]
    assert tariff is not None
    assert "dx_primary_code" not in tariff.parents
    assert len(tariff.bases) < 40


@pytest.mark.slow
def test_whether_anything_was_done_is_known_also_where_cells_are_small(fit):
    """In one kind of house something is always done, in the other hardly ever, whatever the diagnosis; of these there are many."""
    rows = 6000
    g = np.random.default_rng(4)
    always = g.random(rows) < 0.5
    done = always | (g.random(rows) < 0.1)
    procedure = [f"{10 + code}" if any_ else None for code, any_ in zip(g.integers(0, 60, rows), done, strict=True)]
    table = replaced(replaced(tariff_table(rows), "province_name", ["NORTH"] * rows), "procedure_code", procedure)
    table = replaced(table, "facility_type", np.where(always, "surgical", "medical").tolist())
    table = replaced(
        table,
        "dx_primary_code",
        [
            f"{letter}{n:02d}"
            for letter, n in zip(g.choice(list("ABCDEFG"), rows), g.integers(0, 40, rows), strict=True)
        ],
    )
    drawn = Sampler(fit(table)).draw_claims(1, np.arange(5000)).to_pandas()
    nothing = drawn["procedure_code"].isna().groupby(drawn["facility_type"]).mean()
    assert nothing["surgical"] == 0
    assert nothing["medical"] == pytest.approx(0.9, abs=0.03)


@pytest.mark.slow
def test_no_amount_is_much_dearer_than_the_dearest(fit):
    """Two kinds of claims in one: cheap ones that vary much and dear ones that hardly do, none above 900,000."""
    rows = 6000
    g = np.random.default_rng(4)
    dear = g.random(rows) < 0.05
    amount = np.where(
        dear,
        np.minimum(800_000 * np.exp(g.normal(0, 0.05, rows)), 900_000),
        np.minimum(np.exp(g.normal(8, 2, rows)), 900_000),
    )
    table = replaced(
        replaced(tariff_table(rows), "amount_claimed", np.round(amount, 2)), "amount_paid", np.round(amount, 2)
    )
    profile = fit(table)
    assert profile.money.ceiling == pytest.approx(900_000, rel=0.2)
    assert (
        Sampler(profile).draw_claims(1, np.arange(20_000))["amount_claimed"].to_numpy().max() <= profile.money.ceiling
    )


@pytest.mark.slow
def test_amounts_that_hardly_differ_are_not_drawn_below_them(fit):
    rows = 3000
    amount = np.round(np.random.default_rng(7).uniform(1_000_000, 1_049_000, rows), 2)
    profile = fit(replaced(replaced(tariff_table(rows), "amount_claimed", amount), "amount_paid", amount))
    assert profile.money.ceiling >= 1_049_000
    drawn = Sampler(profile).draw_claims(1, np.arange(5000))["amount_claimed"].to_numpy()
    assert drawn.mean() == pytest.approx(amount.mean(), rel=0.005)


@pytest.mark.parametrize("dear", [0.0, 0.7])
def test_how_dear_the_dearest_are_is_not_told_of_few_or_of_one_hospital(fit, dear):
    """Three amounts in all, or one hospital with all the dear ones: neither they nor the cheapest one is told of."""
    rows = 3000
    g = np.random.default_rng(7)
    house = np.where(g.random(rows) < dear, 0, g.integers(1, 5, rows))
    amount = np.round(np.where(house == 0, np.exp(g.normal(15, 0.5, rows)), np.exp(g.normal(9, 0.5, rows))), 2)
    table = replaced(tariff_table(rows), "amount_paid", amount)
    table = replaced(table, "amount_claimed", amount if dear else np.where(np.arange(rows) < 3, amount, np.nan))
    assert fit(replaced(table, "facility_id", [f"H{i}" for i in house])).money.ceiling == MAX_AMOUNT


def test_no_group_of_codes_follows_from_the_few_claims_of_one(fit):
    """Of ten claims of a code it is not told with which codes it is alike: it is in a group of such codes."""
    rows = 6000
    g = np.random.default_rng(5)
    codes = [f"{letter}{n:02d}" for letter in "ABCD" for n in range(12)]
    weight = np.where(np.arange(len(codes)) % 2 == 0, 2.0, 1.0)
    code = g.choice(len(codes), rows, p=weight / weight.sum())
    stays = np.where(code % 2 == 0, 1, 9)
    parent = Parent("dx_primary_code", code.astype(np.int32), len(codes))
    thin = np.where(code == 0, -1, stays > 5).astype(np.int32)
    thin[np.flatnonzero(code == 0)[:10]] = 1
    builder = Builder(Population(rows, 11, np.arange(rows), None))
    builder.learn(Target("stay", thin, 2), [parent], 3)
    (groups,) = [np.array(feature.groups) for feature in builder.features.values() if feature.groups is not None]
    # Its ten claims are those of the long stays: by what they hold it would be with these.
    assert {stays[code == number][0] for number in np.flatnonzero(groups == groups[1])} == {9}
    assert np.flatnonzero(groups == groups[0]).tolist() == [0]


@pytest.mark.slow
def test_rare_codes_count_as_ones_that_are_as_long(fit):
    """Half of the claims have E11; nine rare codes of four characters count as the other half, which has E119."""
    rows = 3000
    table = replaced(tariff_table(rows), "dx_primary_code", ["E11", "E119"] * (rows // 2))
    for nth in range(9):
        table = with_values(table, "dx_primary_code", range(20 * nth + 1, 20 * nth + 21, 2), f"E11{nth}")
    shares = dict(fit(table).marginal("dx_primary_code"))
    assert set(shares) == {"E11", "E119"}
    assert shares["E11"] == pytest.approx(0.5, abs=0.006)


@pytest.mark.slow
def test_how_days_are_counted_may_follow_the_class(fit):
    rows = 4000
    table = replaced(tariff_table(rows), "province_name", ["NORTH"] * rows)
    by_both_days = np.array(table["facility_class"].to_pylist()) == "RS Kelas B"
    inpatient = np.array(table["service_type"].to_pylist()) == "RITL"
    table = replaced(table, "los", table["los"].to_numpy() + (by_both_days & inpatient))
    drawn = Sampler(fit(table)).draw_claims(1, np.arange(4000)).to_pandas()
    stays = drawn[drawn["service_type"] == "RITL"]
    days = (stays["discharge_dt"].dt.normalize() - stays["admit_dt"].dt.normalize()).dt.days
    more = (stays["los"] - days).groupby(stays["facility_class"])
    assert (more.min()["RS Kelas B"], more.max()["RS Kelas B"]) == (1, 1)
    assert more.max().drop("RS Kelas B").max() == 0


def test_claims_of_nearly_one_facility_alone_are_one_clear_error(fit):
    table = replaced(tariff_table(3000), "facility_id", ["H0" if i % 20 else f"H{i % 7 + 1}" for i in range(3000)])
    with pytest.raises(SourceError, match="No count of a diagnosis may be told"):
        fit(table)


def test_claims_whose_amounts_cannot_be_are_left_out(fit):
    """Corrections of claims are negative, and those that are not are of other diagnoses."""
    table, corrections = tariff_table(3000), range(0, 3000, 4)
    for name in ("amount_claimed", "amount_paid"):
        table = with_values(table, name, corrections, -1.0)
    profile = fit(with_values(table, "dx_primary_code", corrections, "Z000"))
    assert "Z000" not in profile.vocabularies["dx_primary_code"]
    assert profile.rows == round(2250 / 11) * 11
    assert "25.0% of the claims have no amount that can be; they are left out." in profile.oddities


def test_claims_without_an_amount_are_claims_like_others(fit):
    """Claims that are not decided yet have no amount, and those that have one are of other diagnoses."""
    table, free = tariff_table(3000), range(0, 3000, 4)
    for name in ("amount_claimed", "amount_paid"):
        table = with_values(table, name, free, None)
    profile = fit(with_values(table, "dx_primary_code", free, "Z000"))
    assert profile.rows == round(3000 / 11) * 11
    told = "25.0% of the claims have no amount; in a payload they claim as much as others like them do."
    assert profile.oddities.count(told) == 1
    sampler, rows = Sampler(profile), np.arange(3000)
    claims = sampler.draw_claims(1, rows).to_pandas()
    assert (claims["amount_claimed"] > 0).all()
    left = sampler.leave_empty(1, rows, sampler.draw_claims(1, rows)).to_pandas()
    assert (left["amount_claimed"].isna() == (left["dx_primary_code"] == "Z000")).all()
    assert left["amount_claimed"].isna().mean() == pytest.approx(0.25, abs=0.03)


def any_mornings(rows, g):
    """Moments of a year at any second of a morning."""
    days = g.integers(0, 360, rows) * 86_400
    return np.datetime64("2024-01-01T07:00:00") + (days + g.integers(0, 28_800, rows)).astype("m8[s]")


def visits_of(begins, seconds):
    """Visits that last so many seconds."""
    rows = len(seconds)
    table = replaced(replaced(tariff_table(rows), "service_type", ["RJTL"] * rows), "los", [0] * rows)
    return replaced(replaced(table, "admit_dt", begins), "discharge_dt", begins + seconds.astype("m8[s]"))


@pytest.mark.slow
def test_visits_of_exactly_some_minutes_stay_so_beside_those_that_last_seconds_more(fit):
    """Visits begin at any second; of those of fifteen minutes two thirds last these exactly."""
    g, rows = np.random.default_rng(8), 6000
    begins = any_mornings(rows, g)
    seconds = np.where(g.random(rows) < 0.5, 900, g.integers(900, 1500, rows))
    table = visits_of(begins, seconds)
    drawn = Sampler(fit(table)).draw_claims(1, np.arange(rows)).to_pandas()
    lasted = (drawn["discharge_dt"] - drawn["admit_dt"]).dt.total_seconds()
    assert (lasted == 900).mean() == pytest.approx((seconds == 900).mean(), abs=0.03)
    others = lasted[lasted != 900]
    assert others.between(900, 1500).all()
    assert (others < 960).mean() == pytest.approx(0.1, abs=0.03)
    assert (others % 60 == 0).mean() < 0.06
    # Nothing of this is told of five persons.
    persons = np.where(seconds == 900, np.arange(rows) % 5, 10 + np.arange(rows))
    of_few = fit(replaced(table, "patient_id_hash", [f"p{i}" for i in persons]))
    assert of_few.bins["same_day_minutes"].whole is False
    persons = np.where((seconds > 900) & (seconds < 960), np.arange(rows) % 5, 10 + np.arange(rows))
    of_few = fit(replaced(table, "patient_id_hash", [f"p{i}" for i in persons]))
    assert of_few.bins["same_day_minutes"].lo.count(15.0) == 1


@pytest.mark.slow
def test_visits_of_whole_minutes_stay_whole_beside_others(fit):
    """Visits begin at any second; most last a quarter of an hour, others as long as they last."""
    g, rows = np.random.default_rng(7), 6000
    begins = any_mornings(rows, g)
    seconds = np.select(
        [g.random(rows) < 0.6, g.random(rows) < 0.5],
        [900, g.integers(130, 400, rows) * 60],
        g.integers(1200, 7200, rows),
    )
    table = visits_of(begins, seconds)
    drawn = Sampler(fit(table)).draw_claims(1, np.arange(rows)).to_pandas()
    lasted = (drawn["discharge_dt"] - drawn["admit_dt"]).dt.total_seconds()
    assert (lasted == 900).mean() == pytest.approx(0.6, abs=0.03)
    assert (lasted[lasted > 12_000] % 60 == 0).mean() > 0.99
    others = lasted[(lasted != 900) & (lasted < 7200)]
    assert (others % 60 == 0).mean() < 0.1
    assert others.min() >= 1200


def test_which_claims_hide_those_of_a_few_depends_neither_on_their_order_nor_on_one_person_more(fit):
    g, table = np.random.default_rng(9), tariff_table(6000)
    persons = [f"person {i // 2}" for i in range(6000)]
    severity = table["severity_group"].to_pylist()
    for i in range(60):
        persons[i], severity[i] = f"heavy user {i % 3}", "sangat berat"
    table = replaced(replaced(table, "severity_group", severity), "patient_id_hash", persons)
    told = fit(table).tables["severity_group"]
    assert fit(table.take(g.permutation(6000))).tables["severity_group"] == told
    more = replaced(table.slice(0, 1), "patient_id_hash", ["someone else"])
    after = fit(pa.concat_tables([more, table.cast(more.schema)])).tables["severity_group"]
    # But for the one cell that the claim itself is in.
    changes = [abs(a - b) for one, two in zip(told.levels, after.levels, strict=True)
               for a, b in zip(one.units, two.units, strict=True)]  # fmt: skip
    assert sum(changes) <= 1


@pytest.mark.many(daily=1)
@pytest.mark.parametrize("share", [0.045, 0.06])
def test_claims_that_hide_those_of_a_few_are_not_drawn_as_blank(fit, share):
    g, table = np.random.default_rng(10), tariff_table(8000)
    few = g.random(8000) < share
    services = [("Programme" if own else s) for own, s in zip(few, table["service_type"].to_pylist(), strict=True)]
    persons = [f"few {i % 5}" if own else f"p{i}" for i, own in enumerate(few)]
    profile = fit(replaced(replaced(table, "service_type", services), "patient_id_hash", persons))
    sampler, rows = Sampler(profile), np.arange(4000)
    drawn = sampler.leave_empty(1, rows, sampler.draw_claims(1, rows))["service_type"].to_pylist()
    assert set(drawn) == {"RITL", "RJTL"}
    assert np.mean([service == "RITL" for service in drawn]) == pytest.approx(0.4, abs=0.04)


def test_in_which_order_persons_are_is_known_to_the_production_zone_alone(tmp_path):
    pq.write_table(tariff_table(500), tmp_path / "claims.parquet")
    source = read_source(SourceSpec(tmp_path / "claims.parquet"))
    one, again, other = (population_of(source, 11, key) for key in (1, 1, 2))
    assert (one.persons == again.persons).all()
    assert (one.persons != other.persons).any()
    # The same persons in another order.
    pairs = np.unique(np.column_stack([one.persons, other.persons]), axis=0)
    assert len(pairs) == len(np.unique(one.persons)) == len(np.unique(other.persons))
