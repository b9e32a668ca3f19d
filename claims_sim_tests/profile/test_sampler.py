from datetime import date

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claims_sim.profile.sampler import BRIEF_COLUMNS, OPEN_COLUMNS, Sampler
from claims_sim.rules.table import ADMISSION, IDENTITIES, broken_sql, vocabulary_rules
from claims_sim.rules.wire import to_flat
from claims_sim_tests.profile.tables import DX, GRAVE, foreign_table, gravest_first, replaced, tariff_table

ROWS = np.arange(3000)


def joined(*tables):
    return pa.table({name: table[name] for table in tables for name in table.column_names})


@pytest.fixture(scope="module")
def claims(any_sampler):
    return any_sampler.draw_claims(7, ROWS)


def test_every_sampled_claim_passes_every_rule(any_profile, claims):
    flat = to_flat(claims)
    now = pa.array([0] * len(flat), pa.timestamp("us"))
    ids = pa.array([f"SIM-{i}" for i in range(len(flat))])
    flat = flat.set_column(0, "claim_id", ids).set_column(flat.num_columns - 1, "generated_at", now)
    exact = [rule for rule in IDENTITIES if any_profile.identities.get(rule.name) == 0.0]
    with duckdb.connect() as connection:
        connection.register("claims", flat)
        connection.register("vocabulary", any_profile.vocabulary())
        rules = (*ADMISSION, *exact, *vocabulary_rules("vocabulary"))
        broken = connection.sql(f"SELECT DISTINCT {broken_sql(rules)} AS broken FROM claims").fetchall()
    assert broken == [([],)]


def test_required_fields_are_never_missing(claims):
    for name in (*BRIEF_COLUMNS, "los", "amount_claimed", "amount_paid", "amount_gap", "admit_dt", "discharge_dt"):
        if name not in ("facility_type", "district_name"):
            assert claims[name].null_count == 0


@given(st.integers(0, 300), st.integers(0, 2**64 - 1))
@settings(deadline=None, max_examples=20)
def test_any_partition_gives_the_same_claims(tariff_sampler, cut, key):
    rows = np.arange(1000, 1300)
    parts = pa.concat_tables([tariff_sampler.draw_claims(key, rows[:cut]), tariff_sampler.draw_claims(key, rows[cut:])])
    assert parts.combine_chunks().equals(tariff_sampler.draw_claims(key, rows).combine_chunks())


def test_drawing_stage_by_stage_equals_drawing_at_once(tariff_sampler):
    briefs = tariff_sampler.draw_briefs(3, ROWS)
    opened = joined(briefs, tariff_sampler.draw_open(3, ROWS, briefs))
    whole = joined(opened, tariff_sampler.draw_money(3, ROWS, opened), tariff_sampler.draw_history(3, ROWS, opened))
    at_once = tariff_sampler.draw_claims(3, ROWS)
    assert at_once.select(whole.column_names).combine_chunks().equals(whole.combine_chunks())


def test_a_brief_under_other_counters_gives_independent_options(tariff_sampler):
    brief = tariff_sampler.draw_briefs(1, np.array([4])).take([0] * 2000)
    options = tariff_sampler.draw_open(1, np.arange(2000), brief)
    assert options.column_names == list(OPEN_COLUMNS)
    half = [
        options.slice(0, 1000)["procedure_code"].value_counts(),
        options.slice(1000)["procedure_code"].value_counts(),
    ]
    shares = [{row["values"]: row["counts"] for row in counts.to_pylist()} for counts in half]
    assert len(shares[0]) > 1
    assert all(abs(shares[0][code] - shares[1].get(code, 0)) < 100 for code in shares[0])


def test_a_stratified_batch_follows_the_shares_to_within_one_claim(tariff_profile, tariff_sampler):
    shares = dict(tariff_profile.marginal("service_type"))
    for key in range(20):
        drawn = tariff_sampler.draw_briefs(key, np.arange(10), stratify=True)["service_type"].to_pylist()
        assert abs(drawn.count("RITL") - 10 * shares["RITL"]) < 1.0 + 1e-9


def test_given_values_that_the_profile_does_not_know_are_no_obstacle(tariff_sampler):
    briefs = tariff_sampler.draw_briefs(1, np.arange(10))
    strange = briefs.set_column(briefs.column_names.index("dx_primary_code"), "dx_primary_code", pa.array(["X99"] * 10))
    opened = joined(strange, tariff_sampler.draw_open(1, np.arange(10), strange))
    money = tariff_sampler.draw_money(1, np.arange(10), opened)
    assert (money["amount_claimed"].to_numpy() > 0).all()


def test_no_claims_are_an_empty_table(any_sampler):
    nothing = any_sampler.draw_claims(1, np.arange(0))
    assert nothing.num_rows == 0
    assert nothing.schema == any_sampler.draw_claims(1, np.arange(3)).schema


def test_shares_follow_the_source(tariff_sampler):
    real, drawn = tariff_table().to_pandas(), tariff_sampler.draw_claims(9, np.arange(20_000)).to_pandas()
    for columns in (
        ["service_type"],
        ["dx_primary_code"],
        ["service_type", "severity_group"],
        ["province_name"],
        ["los"],
    ):
        shares = [frame.groupby(columns).size() / len(frame) for frame in (real, drawn)]
        assert (shares[0].sub(shares[1], fill_value=0).abs().sum() / 2) < 0.05
    assert drawn.amount_claimed.mean() == pytest.approx(real.amount_claimed.mean(), rel=0.06)


def test_prices_lie_on_the_tariff_also_where_the_source_never_showed_them(tariff_sampler):
    real = tariff_table(40_000, seed=1).to_pandas()
    key = ["amount_claimed", "dx_primary_code", "service_type", "severity_group", "province_name", "facility_class"]
    possible = set(map(tuple, real[key].drop_duplicates().itertuples(index=False)))
    shown = set(map(tuple, tariff_table()[key[0]].to_pandas().to_frame().itertuples(index=False)))
    drawn = list(map(tuple, tariff_sampler.draw_claims(2, np.arange(5000)).to_pandas()[key].itertuples(index=False)))
    assert np.mean([row in possible for row in drawn]) > 0.9
    assert any(row[:1] not in shown for row in drawn)


@pytest.mark.slow
def test_stays_counted_as_both_days_keep_their_dates_together(foreign_profile):
    claims = Sampler(foreign_profile).draw_claims(1, ROWS).to_pandas()
    days = (claims.discharge_dt.dt.floor("D") - claims.admit_dt.dt.floor("D")).dt.days
    assert (claims.los == days + 1).all()
    assert (claims.discharge_dt >= claims.admit_dt).all()
    assert claims.admit_dt.dt.hour.nunique() > 8


def test_days_only_sources_give_midnights_within_the_period(tariff_profile, tariff_sampler):
    admit = tariff_sampler.draw_claims(1, ROWS)["admit_dt"]
    assert pc.all(pc.equal(admit, pc.floor_temporal(admit, unit="day"))).as_py()
    assert pc.min(admit).as_py().strftime("%Y-%m") >= tariff_profile.period[0]
    assert pc.max(admit).as_py().strftime("%Y-%m") <= tariff_profile.period[1]


def test_times_of_day_never_discharge_before_admission_on_the_same_day(any_sampler):
    claims = any_sampler.draw_claims(1, ROWS)
    times = any_sampler.draw_day_times(1, ROWS, claims).to_pandas()
    same = claims["los"].to_numpy() == 0
    assert (times.discharge_second[same] >= times.admit_second[same]).all()
    assert times.stack().between(0, 86_399).all()


def test_weekdays_follow_the_source(fit):
    table = tariff_table()
    sunday = pc.equal(pc.day_of_week(table["admit_dt"]), 6)
    profile = fit(table.filter(pc.invert(sunday)))
    admit = Sampler(profile).draw_claims(1, ROWS)["admit_dt"]
    assert 6 not in pc.day_of_week(admit).unique().to_pylist()


@pytest.fixture(scope="module")
def daily(fit):
    """Every day has as many claims, but each Sunday a third, and on five Mondays (holidays) hardly any come."""
    days = np.arange(np.datetime64("2024-01-01"), np.datetime64("2025-01-01"))
    monday, sunday = (days.astype(int) + 3) % 7 == 0, (days.astype(int) + 3) % 7 == 6
    holiday = monday & np.isin(np.cumsum(monday), [5, 14, 23, 32, 41])
    admit = np.repeat(days, np.where(holiday, 40, np.where(sunday, 100, 300)))
    table = replaced(tariff_table(len(admit)), "admit_dt", admit)
    profile = fit(replaced(table, "discharge_dt", admit + table["los"].to_numpy()))
    return profile, days, holiday


@pytest.mark.slow
def test_months_have_more_claims_on_the_weekdays_that_they_have_more_of(daily):
    profile, days, holiday = daily
    admit = Sampler(profile).draw_claims(2, np.arange(200_000))["admit_dt"].to_numpy().astype("datetime64[D]")
    claims = np.bincount((admit - days[0]).astype(int), minlength=len(days)) / 200_000
    weekday, month = (days.astype(int) + 3) % 7, days.astype("datetime64[M]").astype(int)
    usual = 300 / (300 * 314 + 100 * 52 - 5 * 260)
    for at in range(12):
        mondays = (weekday == 0) & (month == month[0] + at) & ~holiday
        assert claims[mondays].sum() / mondays.sum() == pytest.approx(usual, rel=0.06)
    assert claims[holiday].sum() == pytest.approx(5 * 40 / 300 * usual, rel=0.25)
    assert claims[weekday == 6].mean() == pytest.approx(usual / 3, rel=0.06)


@pytest.mark.slow
def test_a_range_of_days_has_each_weekday_as_often_as_it_comes_in_it(daily):
    profile, _, _ = daily
    between = (date(2025, 3, 3), date(2025, 3, 12))  # Monday to Wednesday of the week after
    given = Sampler(profile).draw_claims(3, np.arange(60_000)).drop_columns(["admit_dt", "discharge_dt"])
    admit = Sampler(profile).draw_history(3, np.arange(60_000), given, between)["admit_dt"].to_numpy()
    share = (
        np.bincount((admit.astype("datetime64[D]") - np.datetime64("2025-03-03")).astype(int), minlength=10) / 60_000
    )
    assert share == pytest.approx(np.array([1, 1, 1, 1, 1, 1, 1 / 3, 1, 1, 1]) / (9 + 1 / 3), abs=0.006)


@pytest.mark.slow
def test_heavy_tails_keep_their_quantiles(foreign_profile):
    real = foreign_table()["amount_claimed"].to_numpy()
    drawn = Sampler(foreign_profile).draw_claims(5, np.arange(20_000))["amount_claimed"].to_numpy()
    for q in (0.1, 0.25, 0.5, 0.75, 0.9, 0.99):
        assert np.log(np.quantile(drawn, q)) == pytest.approx(np.log(np.quantile(real, q)), abs=0.15)
    assert np.mean(drawn == 0) == pytest.approx(np.mean(real == 0), abs=0.01)


@pytest.mark.slow
def test_a_fixed_share_that_is_paid_recurs_exactly(foreign_profile):
    claims = Sampler(foreign_profile).draw_claims(5, np.arange(5000)).to_pandas()
    exact = np.isclose(claims.amount_paid, np.round(claims.amount_claimed * 0.8, 2), atol=0.006)
    assert exact.mean() == pytest.approx(0.7, abs=0.06)


def test_the_least_table_gives_whole_claims(fit):
    profile = fit(tariff_table().select(["dx_primary_code", "los", "amount_paid", "patient_id_hash"]))
    claims = Sampler(profile).draw_claims(1, np.arange(200))
    assert set(claims["province_name"].to_pylist()) == {"unknown"}
    assert claims["amount_claimed"].equals(claims["amount_paid"])
    assert claims["procedure_code"].null_count == 200
    assert pc.all(pc.equal(pc.list_value_length(claims["dx_secondary_codes"]), 0)).as_py()
    assert profile.period == ("2025-01", "2025-12")


@pytest.mark.slow
def test_the_gravest_code_comes_first_where_the_source_has_it_so_however_rare_it_is(fit):
    rows, lists = 4000, gravest_first(4000)
    profile = fit(replaced(tariff_table(rows), "dx_secondary_codes", pa.array(lists, pa.list_(pa.string()))))
    drawn = Sampler(profile).draw_claims(1, np.arange(rows))["dx_secondary_codes"].to_pylist()
    first = [np.mean([codes[0] in GRAVE for codes in side if codes]) for side in (lists, drawn)]
    held = [np.mean([not set(GRAVE).isdisjoint(codes) for codes in side]) for side in (lists, drawn)]
    assert first[1] == pytest.approx(first[0], abs=0.03)
    assert held[1] == pytest.approx(held[0], abs=0.05)


@pytest.mark.slow
def test_sorted_lists_of_a_large_table_are_drawn_sorted(fit):
    rows = 21_000
    ten = sorted(DX[::90])[:10]
    table = replaced(tariff_table(rows), "dx_secondary_codes", pa.array([ten] * rows))
    drawn = Sampler(fit(table)).draw_claims(1, np.arange(200))["dx_secondary_codes"].to_pylist()
    assert all(codes == sorted(codes) for codes in drawn)


@pytest.mark.slow
def test_extra_columns_follow_the_source(fit):
    table = tariff_table()
    weight = np.where(table["service_type"].to_numpy(zero_copy_only=False) == "RITL", 12.5, 90.25)
    district = [f"KAB {province}" for province in table["province_name"].to_pylist()]
    table = table.append_column("claim_weight", pa.array(weight)).append_column("district_name", pa.array(district))
    claims = Sampler(fit(table)).draw_claims(1, ROWS).to_pandas()
    assert (claims.district_name == "KAB " + claims.province_name).mean() > 0.97
    assert set(claims.claim_weight[claims.service_type == "RITL"]) == {12.5}


@pytest.mark.slow
def test_codes_of_long_lists_come_as_often_and_in_the_order_that_the_source_has_them(fit):
    rows, primaries, g = 4000, np.array(DX[::70]), np.random.default_rng(5)
    primary = np.arange(rows) % len(primaries)
    usual = np.array(["E119", "I10", "N189", "D649", "J189", "K297", "R509", "E785", "N390", "I509", "B24", "C509"])
    codes = np.array([g.permutation(usual) for _ in primaries])[primary]
    clocks = g.exponential(1 / 0.6 ** np.arange(len(usual)), codes.shape)
    order = np.take_along_axis(codes, np.argsort(clocks, axis=1)[:, :4], 1)
    table = replaced(tariff_table(rows), "dx_secondary_codes", pa.array(order.tolist()))
    profile = fit(replaced(table, "dx_primary_code", primaries[primary].tolist()))
    assert profile.features[profile.tables["member"].parents[0]].variable == "dx_primary_code"
    claims = Sampler(profile).draw_claims(1, np.arange(rows)).to_pandas()
    commonest = dict(zip(primaries[primary], codes[:, 0], strict=True))
    pairs = [(commonest[dx], one) for dx, one in zip(claims.dx_primary_code, claims.dx_secondary_codes, strict=True)]
    held, first = (order == codes[:, :1]).any(axis=1).mean(), (order[:, 0] == codes[:, 0]).mean()
    assert np.mean([code in one for code, one in pairs]) == pytest.approx(held, abs=0.03)
    assert np.mean([code == one[0] for code, one in pairs]) == pytest.approx(first, abs=0.04)


@pytest.mark.slow
def test_a_missing_district_is_the_same_in_stages_and_at_once(fit):
    g = np.random.default_rng(61)
    table = tariff_table(4000)
    away = g.random(4000) < 0.5
    table = table.append_column("district_name", pa.array(["KOTA BATU"] * 4000, mask=away))
    sampler = Sampler(fit(replaced(table, "los", np.where(away, 9, 2)).drop_columns(["discharge_dt"])))
    rows = np.arange(1000)
    briefs = sampler.draw_briefs(1, rows)
    stays = sampler.draw_open(1, rows, briefs)["los"].to_numpy()
    unknown = np.array(briefs["district_name"].to_pylist()) == "unknown"
    assert (set(stays[unknown]), set(stays[~unknown])) == ({9}, {2})


def test_a_district_of_which_too_few_persons_may_be_told_is_another_of_its_province(fit):
    """In one class of house nearly all claims are of a few persons who come again and again."""
    rows, g = 12_000, np.random.default_rng(12)
    table = tariff_table(rows, seed=5)
    provinces = np.array(table["province_name"].to_pylist())
    regular = np.array(table["facility_class"].to_pylist()) == "RS Khusus Ibu dan Anak"
    letter = g.integers(0, 8, rows)
    # Of Bali twelve persons might be told, if five others were not left: so the country's pool is the first to tell of them.
    bali = regular & (provinces == "BALI")
    letter[bali] = letter[bali] % 2
    districts = np.char.add(np.char.add(provinces, " "), np.array(list("ABCDEFGH"))[letter])
    persons = np.where(bali, np.where(letter == 0, 12, 5), 6)
    keys = np.where(
        regular,
        np.char.add(districts, (g.integers(0, 1 << 30, rows) % persons).astype(str)),
        np.arange(rows).astype(str),
    )
    table = replaced(replaced(table, "district_name", districts.tolist()), "patient_id_hash", keys.tolist())
    drawn = Sampler(fit(table)).draw_claims(3, np.arange(rows))
    pairs = set(zip(drawn["province_name"].to_pylist(), drawn["district_name"].to_pylist(), strict=True))
    assert pairs <= set(zip(provinces.tolist(), districts.tolist(), strict=True))


def test_a_district_is_one_of_the_tables_also_where_none_of_its_province_may_be_told(fit):
    table = tariff_table(6000, seed=8)
    provinces = table["province_name"].to_pylist()
    districts = [
        f"BALI {i // 8}" if province == "BALI" else f"{province} {i % 3}" for i, province in enumerate(provinces)
    ]
    profile = fit(replaced(table, "district_name", districts))
    drawn = Sampler(profile).draw_claims(3, np.arange(6000))
    assert "BALI" in drawn["province_name"].to_pylist()
    assert set(drawn["district_name"].to_pylist()) <= set(profile.vocabularies["district_name"]) - {None}
