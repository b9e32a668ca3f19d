"""Claims of one price list that have one of their own: priced by the day beside others, or changing in months of their own."""

import numpy as np
import pyarrow as pa
import pytest

from claims_sim.codes.places import PROVINCES
from claims_sim.profile.document_parts import PERIOD
from claims_sim.profile.prices.price_periods import changes_of
from claims_sim.profile.prices.pricing import PriceList
from claims_sim.profile.sampler import Sampler
from claims_sim_tests.profile.tables import DX, names, paid_in_full, pick, replaced, tariff_table

ROWS = 12_000
OWN_CHANGE, CHANGE = np.datetime64("2024-04-01"), np.datetime64("2024-08-01")
CODES = [f"{letter}{number:02d}" for letter in "MS" for number in range(10)]
"""Medical packages are priced by the day, those of surgery whatever the stay."""


def packages(rows=ROWS, seed=3):
    """Stays of some packages in three states, which multiply all prices; no column says which are by the day."""
    g = np.random.default_rng(seed)
    package, state = pick(g, len(CODES), rows), pick(g, 3, rows)
    table = tariff_table(rows, seed).drop_columns(["service_type", "severity_group", "dx_secondary_codes"])
    table = replaced(table, "province_name", names(["JAWA TIMUR", "BALI", "ACEH"], state))
    return replaced(table, "procedure_code", names(CODES, package)), package, np.array([1.0, 1.05, 0.9])[state]


def price_of(package, days, state):
    base = np.rint(np.random.default_rng(4).lognormal(13, 0.5, len(CODES)) / 1000) * 1000
    return np.rint(base[package] * np.where(package < 10, np.maximum(days, 1), 1) * state)


def lists_of(profile, claims):
    """How many price lists have a price for each of some claims."""
    texts = [name for name in claims.column_names if name in profile.vocabularies and name != "dx_secondary_codes"]
    columns = {name: claims[name].to_pylist() for name in texts}
    columns["admit_month"] = [f"{day:%Y-%m}" for day in claims["admit_dt"].to_pylist()]
    given = {}
    for name, values in columns.items():
        code = {value: i for i, value in enumerate(profile.vocabularies[name])}
        given[name] = np.array([code.get(value, -1) for value in values], np.int32)
    each = [PriceList.of_tariff(tariff).case(given, len(claims)) >= 0 for tariff in profile.money.tariffs]
    return np.sum(each, axis=0)


def codes_by_day(profile):
    """The codes that each kind of list prices: by the day, or not."""
    told = {}
    for tariff in profile.money.tariffs:
        at = tariff.parents.index("procedure_code")
        codes = np.reshape(tariff.contexts, (-1, len(tariff.parents)))[:, at]
        told.setdefault(tariff.by_day, set()).update(profile.vocabularies["procedure_code"][code] for code in codes)
    return told


@pytest.fixture(scope="module")
def by_day(fit):
    table, package, state = packages()
    return fit(paid_in_full(table, price_of(package, table["los"].to_numpy(), state)))


def test_what_is_priced_by_the_day_has_a_list_beside_that_of_all_else(by_day):
    told = codes_by_day(by_day)
    assert {kind: {code[0] for code in codes} for kind, codes in told.items()} == {True: {"M"}, False: {"S"}}


@pytest.mark.parametrize("service", [False, pytest.param(True, marks=pytest.mark.slow)])
@pytest.mark.slow
def test_no_two_lists_price_one_claim(fit, by_day, service):
    table, package, state = packages()
    if service:
        table = replaced(table, "service_type", np.where(table["los"].to_numpy() > 0, "RITL", "RJTL").tolist())
    profile = fit(paid_in_full(table, price_of(package, table["los"].to_numpy(), state))) if service else by_day
    months, codes, _ = changing()
    changed = fit(paid_in_full(months, prices(months, codes, {0: OWN_CHANGE, 2: OWN_CHANGE})))
    for one in (profile, changed):
        assert len(one.money.tariffs) > 1
        each = lists_of(one, Sampler(one).draw_claims(1, np.arange(4000)))
        assert each.max() == 1
        assert each.mean() > 0.97


@pytest.mark.parametrize(("share", "daily"), [(0.85, True), (0.6, False)])
@pytest.mark.slow
def test_a_code_is_by_the_day_where_hardly_any_of_its_claims_are_not(fit, share, daily):
    table, package, state = packages()
    days, g = table["los"].to_numpy(), np.random.default_rng(9)
    price = price_of(package, days, state)
    one = np.flatnonzero(package == 0)
    price[one] /= np.where(g.random(len(one)) < share, 1, np.maximum(days[one], 1))
    assert ("M00" in codes_by_day(fit(paid_in_full(table, price)))[True]) == daily


@pytest.mark.many(daily=3)
@pytest.mark.parametrize("usual", [1, 4])
@pytest.mark.parametrize(("houses", "persons", "told"), [(1, 400, False), (8, 2, False), (8, 400, True)])
def test_by_the_day_is_told_of_no_code_by_a_few_persons_or_one_facility(fit, usual, houses, persons, told):
    """Most stays of a code of the others are of one length: these tell nothing; longer ones, or shorter, are of some houses and persons."""
    table, package, _ = packages()
    days, g = table["los"].to_numpy().copy(), np.random.default_rng(1)
    house, of_code = np.arange(ROWS) % 8, package == CODES.index("S09")
    others = of_code & (house < houses) & (g.random(ROWS) < 0.6)
    days[of_code] = usual
    days[others] = g.integers(2, 4, others.sum())
    person = np.array(table["patient_id_hash"].to_pylist(), object)
    person[others] = [f"planted {row % persons}" for row in range(others.sum())]
    price = price_of(package, days, np.ones(ROWS))
    price[of_code] = price_of(np.array([CODES.index("S09")]), np.ones(1), np.ones(1)) * days[of_code]
    alike = {
        "province_name": ["BALI"] * ROWS,
        "facility_class": ["RS Kelas C"] * ROWS,
        "facility_ownership": ["Pemkab"] * ROWS,
    }
    told_of = {"los": days, "discharge_dt": table["admit_dt"].to_numpy() + days, "patient_id_hash": person.tolist()}
    for name, values in (told_of | alike | {"facility_id": [f"RS{i}" for i in house]}).items():
        table = replaced(table, name, values)
    assert ("S09" in codes_by_day(fit(paid_in_full(table, price)))[True]) == told


@pytest.mark.parametrize("code", ["M09", pytest.param("S09", marks=pytest.mark.slow)])
@pytest.mark.slow
def test_a_code_that_shows_nothing_is_of_the_kind_of_those_that_begin_alike(fit, code):
    """All its stays are of one day."""
    table, package, state = packages()
    days = np.where(package == CODES.index(code), 1, table["los"].to_numpy())
    table = replaced(replaced(table, "los", days), "discharge_dt", table["admit_dt"].to_numpy() + days)
    told = codes_by_day(fit(paid_in_full(table, price_of(package, days, state))))
    assert (code in told[True], code in told[False]) == (code[0] == "M", code[0] == "S")


@pytest.mark.slow
def test_diagnoses_may_be_by_the_day_beside_operations_that_decide_their_price(fit):
    """Rehabilitation is paid by the day, any other stay by its operation or else by its diagnosis."""
    g, w = np.random.default_rng(31), np.random.default_rng(32)
    diagnosis, operation = pick(g, 20, ROWS), pick(g, 12, ROWS)
    days = 1 + g.poisson(4, ROWS)
    operated = (g.random(ROWS) < 0.4) & (diagnosis >= 5)
    base, of_operation = (np.rint(np.exp(w.normal(14, 0.5, size)) / 1000) * 1000 for size in (20, 12))
    by_case = np.where(operated, of_operation[operation], base[diagnosis])
    table = tariff_table(ROWS).drop_columns(["service_type", "severity_group", "dx_secondary_codes"])
    table = replaced(table, "dx_primary_code", names(DX[:20], diagnosis))
    table = replaced(table, "procedure_code", names([str(50 + i) for i in range(12)], operation, ~operated))
    table = replaced(replaced(table, "los", days), "discharge_dt", table["admit_dt"].to_numpy() + days)
    profile = fit(paid_in_full(table, by_case * np.where(diagnosis < 5, days, 1)))
    assert {tariff.by_day for tariff in profile.money.tariffs} == {True, False}
    claims = Sampler(profile).draw_claims(1, np.arange(5000))
    assert lists_of(profile, claims).max() == 1
    code = np.array([DX.index(one) for one in claims["dx_primary_code"].to_pylist()])
    done = np.array([one and int(one) - 50 for one in claims["procedure_code"].to_pylist()], float)
    price = np.where(np.isnan(done), base[code], of_operation[np.nan_to_num(done).astype(int)])
    right = np.abs(claims["amount_claimed"].to_numpy() - price * np.where(code < 5, claims["los"].to_numpy(), 1)) < 0.5
    for of_kind in (code < 5, code >= 5):
        assert right[of_kind].mean() > 0.95


def test_days_are_paid_where_they_are_priced(by_day):
    claims = Sampler(by_day).draw_claims(1, np.arange(5000)).to_pandas()
    state = claims["province_name"].map({"JAWA TIMUR": 1.0, "BALI": 1.05, "ACEH": 0.9}).to_numpy()
    package = claims["procedure_code"].map(CODES.index).to_numpy()
    right = np.abs(claims["amount_claimed"].to_numpy() - price_of(package, claims["los"].to_numpy(), state)) < 0.5
    for of_kind in (package < 10, package >= 10):
        assert right[of_kind].mean() > 0.97


@pytest.mark.slow
def test_what_regions_multiply_visits_by_is_sought_in_stays_too(fit):
    """Thirty provinces of five tariff regions: visits alone show these; wards of stays no column tells, and owners differ in both."""
    g, w = np.random.default_rng(23), np.random.default_rng(24)
    table = tariff_table(ROWS, 23)
    house, owner, severity = (
        np.unique(table[n].to_pylist(), return_inverse=True)[1]
        for n in ("facility_class", "facility_ownership", "severity_group")
    )
    stays = np.array(table["service_type"].to_pylist()) == "RITL"
    later = (table["admit_dt"].to_numpy() >= np.datetime64("2024-07-01")).astype(int)
    province, diagnosis, procedure = pick(g, 30, ROWS, 0.5), pick(g, 20, ROWS, 0.8), g.integers(0, 10, ROWS)
    ward = np.array([1.0, 1.2, 1.4])[g.integers(0, 3, ROWS)]
    stay = np.exp(w.normal(15, 0.5, (20, 3, 3, 2)))[diagnosis, house, severity, later] * ward * np.where(owner, 1.03, 1)
    visit = np.exp(w.normal(12, 0.5, (10, 3, 2)))[procedure, house, later] * np.where(owner, 1.05, 1)
    region = np.array([1.0, 1.0065, 1.0145, 1.0281, 1.0412])[province % 5]
    table = replaced(table, "province_name", names(list(PROVINCES)[:30], province))
    table = replaced(table, "dx_primary_code", names(DX[:20], diagnosis))
    table = replaced(table, "procedure_code", names([str(30 + p) for p in range(10)], procedure, stays))
    profile = fit(paid_in_full(table, np.rint(np.where(stays, stay, visit) * region / 100) * 100))
    (of_stays,) = (tariff for tariff in profile.money.tariffs if "dx_primary_code" in tariff.parents)
    assert np.exp(of_stays.levels) == pytest.approx([1.0, 1.2, 1.4], abs=1e-3)
    assert np.exp(np.ptp(of_stays.factors["facility_ownership"])) == pytest.approx(1.03, abs=1e-3)
    assert np.exp(np.ptp(of_stays.factors["province_name"])) == pytest.approx(1.0412, abs=1e-3)


def changing(rows=ROWS, own=(0,)):
    """All prices of a year change on one date, those of some diagnoses on another; what each rises by follows from nothing."""
    table = tariff_table(rows)
    codes = sorted(set(table["dx_primary_code"].to_pylist()))
    return table, codes, np.isin(np.array(table["dx_primary_code"].to_pylist()), [codes[code] for code in own])


def prices(claims, codes, own):
    """By diagnosis and class; `own`: when those of some diagnoses change."""
    frame = claims.select(["dx_primary_code", "facility_class", "admit_dt"]).to_pandas()
    diagnosis = frame["dx_primary_code"].map({code: i for i, code in enumerate(codes)}).to_numpy()
    house = frame["facility_class"].map({"RS Kelas B": 0, "RS Kelas C": 1, "RS Khusus Ibu dan Anak": 2}).to_numpy()
    since = np.full(len(codes), CHANGE)
    since[[*own]] = [*own.values()]
    later = (frame["admit_dt"].to_numpy() >= since[diagnosis]).astype(int)
    return np.rint(np.random.default_rng(6).lognormal(13, 0.6, (12, 3, 2))[diagnosis, house, later] / 1000) * 1000


@pytest.mark.slow
def test_prices_of_some_diagnoses_change_in_months_of_their_own(fit):
    table, codes, _ = changing()
    own = {0: OWN_CHANGE, 2: OWN_CHANGE, 1: np.datetime64("2024-10-01")}
    profile = fit(paid_in_full(table, prices(table, codes, own)))
    assert {tariff.periods.index(1) for tariff in profile.money.tariffs} == {3, 7, 9}
    claims = Sampler(profile).draw_claims(1, np.arange(5000))
    right = np.abs(claims["amount_claimed"].to_numpy() - prices(claims, codes, own)) < 0.5
    of_own = np.isin(claims["dx_primary_code"].to_pylist(), [codes[code] for code in own])
    assert right[of_own].mean() > 0.97
    assert right[~of_own].mean() > 0.97


@pytest.mark.slow
def test_diagnoses_change_apart_where_severities_make_their_price_too(fit):
    """What each severity multiplies prices by is another for each diagnosis: it is part of the case, and no code of its own."""
    table, codes, _ = changing()
    own = {0: OWN_CHANGE, 2: OWN_CHANGE}

    def price(claims):
        diagnosis = [codes.index(code) for code in claims["dx_primary_code"].to_pylist()]
        severity = [["ringan", "sedang", "berat"].index(level) for level in claims["severity_group"].to_pylist()]
        more = np.random.default_rng(7).integers(2, 40, (12, 3))[diagnosis, severity]
        return prices(claims, codes, own) * more

    profile = fit(paid_in_full(table, price(table)))
    assert {tariff.periods.index(1) for tariff in profile.money.tariffs} == {3, 7}
    assert all("severity_group" in tariff.parents for tariff in profile.money.tariffs)
    claims = Sampler(profile).draw_claims(1, np.arange(5000))
    assert np.mean(np.abs(claims["amount_claimed"].to_numpy() - price(claims)) < 0.5) > 0.95


@pytest.mark.slow
def test_what_is_added_to_prices_is_found_beside_lists_with_months_of_their_own(fit):
    """Prices to the thousand, and in four claims of ten a drug to the unit."""
    table, codes, _ = changing()
    own, g = {0: OWN_CHANGE, 2: OWN_CHANGE}, np.random.default_rng(5)
    drug = np.where(g.random(ROWS) < 0.4, g.choice([13_357, 20_811, 41_203, 7_759, 9_911], ROWS), 0)
    amount = prices(table, codes, own) + drug
    profile = fit(paid_in_full(table, amount))
    assert {tariff.grid for tariff in profile.money.tariffs} == {1000.0}
    assert {tariff.periods.index(1) for tariff in profile.money.tariffs} == {3, 7}
    drawn = Sampler(profile).draw_claims(1, np.arange(5000))["amount_claimed"].to_numpy()
    assert np.isin(drawn, amount).mean() > 0.95


@pytest.mark.slow
def test_a_rise_of_some_diagnoses_alike_thins_no_case_out(fit):
    """Where all that a date changes is what prices are multiplied by, each case keeps one price."""
    table, _, own = changing(own=(0, 1))
    base = np.rint(np.random.default_rng(8).lognormal(13, 0.6, (12, 3)) / 10_000) * 10_000
    diagnosis, house = (
        np.unique(table[n].to_pylist(), return_inverse=True)[1] for n in ("dx_primary_code", "facility_class")
    )
    raised = own & (table["admit_dt"].to_numpy() >= OWN_CHANGE)
    profile = fit(paid_in_full(table, base[diagnosis, house] * np.where(raised, 1.25, 1.0)))
    steady, rising = sorted(profile.money.tariffs, key=lambda tariff: len(tariff.periods))
    assert (steady.periods, rising.periods) == ((), (0,) * 3 + (1,) * 9)
    for tariff in (steady, rising):
        assert PERIOD not in tariff.parents
        assert set(tariff.points) == {1}


def is_told(profile):
    return any(3 in changes_of(tariff.periods) for tariff in profile.money.tariffs)


@pytest.mark.many(daily=1)
@pytest.mark.parametrize(("persons", "told"), [(3, False), (400, True)])
def test_a_month_of_change_is_not_told_of_a_few_persons(fit, persons, told):
    table, codes, own = changing()
    rows = np.flatnonzero(own)
    person = np.array(table["patient_id_hash"].to_pylist(), object)
    person[rows] = [f"planted {row % persons}" for row in rows]
    table = replaced(table, "patient_id_hash", person.tolist())
    profile = fit(paid_in_full(table, prices(table, codes, {0: OWN_CHANGE})))
    assert is_told(profile) == told


@pytest.mark.many(daily=1)
@pytest.mark.parametrize(("houses", "told"), [(1, False), (6, True)])
def test_a_month_of_change_is_not_told_of_one_facility(fit, houses, told):
    table, codes, own = changing()
    house = np.where(own, np.arange(ROWS) % houses, np.arange(ROWS) % 6)
    table = table.append_column("facility_id", pa.array([f"RS{i}" for i in house]))
    profile = fit(paid_in_full(table, prices(table, codes, {0: OWN_CHANGE})))
    assert is_told(profile) == told
