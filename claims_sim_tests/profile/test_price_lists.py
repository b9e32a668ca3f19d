"""Price lists as they come: raised during the period, rounded coarsely, with a few amounts of another kind between."""

import numpy as np
import pyarrow as pa
import pytest

from claims_sim.profile import settlement
from claims_sim.profile.document import Profile
from claims_sim.profile.encode import MONTH, encode
from claims_sim.profile.find_lattice import find_tariffs
from claims_sim.profile.following import follows_paid
from claims_sim.profile.lattice import Lattice
from claims_sim.profile.pricing import PriceList, case_over, place_on_lists
from claims_sim.profile.sampler import Sampler
from claims_sim.profile.wanted import ClaimFilter
from claims_sim_tests.profile.tables import DX, replaced, tariff_table

ROWS = 8000
RISE = 1.06


def months_of(table):
    return table["admit_dt"].to_numpy().astype("datetime64[M]").astype(int) % 12


@pytest.fixture(scope="module")
def raised(fit):
    """Prices of July are those of June and 6 % more, and two in a hundred amounts have a supplement to the unit."""
    g = np.random.default_rng(3)
    table = tariff_table(ROWS)
    price = table["amount_claimed"].to_numpy()
    price = np.rint(price * np.where(months_of(table) >= 6, RISE, 1.0) / 100) * 100
    price = price + np.where(g.random(ROWS) < 0.02, g.integers(1, 90_000, ROWS), 0)
    return fit(replaced(replaced(table, "amount_claimed", price), "amount_paid", price))


def test_a_rise_of_all_prices_is_found_with_its_month(raised):
    rise = np.exp(raised.money.tariffs[0].factors[MONTH])
    assert np.allclose(rise[6:] / rise[0], RISE, atol=2e-4)
    assert np.allclose(rise[:6] / rise[0], 1.0, atol=2e-4)


def test_a_tariff_keeps_its_own_grid_though_some_amounts_lie_between(raised):
    assert (raised.amount_grid, raised.money.tariffs[0].grid) == (1.0, 100.0)
    claimed = Sampler(raised).draw_claims(1, np.arange(ROWS))["amount_claimed"].to_numpy()
    assert 0.95 < np.mean(claimed % 100 == 0) < 0.995


def test_claims_bear_the_prices_of_their_month_and_later_ones_those_of_the_last(raised):
    sampler, rows = Sampler(raised), np.arange(4000)
    claims = sampler.draw_claims(1, rows)
    late = months_of(claims) >= 6
    kept = [
        "admit_dt",
        *(name for name in claims.column_names if not name.startswith(("amount", "admit", "discharge"))),
    ]
    again = sampler.draw_money(1, rows, claims.select(kept))
    assert again["amount_claimed"].equals(claims["amount_claimed"])
    ratio = (
        sampler.draw_money(1, rows, claims.select(kept[1:]))["amount_claimed"].to_numpy()
        / claims["amount_claimed"].to_numpy()
    )
    assert np.median(ratio[~late]) == pytest.approx(RISE, abs=1e-3)
    assert np.median(ratio[late]) == 1.0


def test_an_amount_that_is_asked_for_is_had_whatever_the_month(raised):
    sampler = Sampler(raised)
    wanted = sampler.conditions(ClaimFilter.parse(["amount=1000000..2000000"]))
    claims = sampler.draw_claims(1, np.arange(500), wanted)
    assert wanted.where.holds(claims).all()


def test_prices_that_do_not_change_have_no_months(tariff_profile):
    assert MONTH not in tariff_profile.money.tariffs[0].factors
    assert tariff_profile.money.tariffs[0].grid is None


def test_a_price_list_of_procedures_is_found_beside_columns_that_prices_do_not_follow(fit):
    g = np.random.default_rng(8)
    rows, listed = 12_000, np.round(np.exp(np.random.default_rng(9).normal(6, 0.9, 24)), 2)
    procedure = g.integers(0, 24, rows)
    table = replaced(tariff_table(rows), "procedure_code", [f"{10 + code}" for code in procedure])
    for name, count in (("facility_class", 5), ("facility_ownership", 6), ("severity_group", 4)):
        table = replaced(table, name, [f"Group {chr(65 + value)}" for value in g.integers(0, count, rows)])
    # Not a factor of all prices, so that only the procedures tell them apart.
    price = np.round(listed[procedure] + 12.4 * g.integers(0, 3, rows), 2)
    profile = fit(replaced(replaced(table, "amount_claimed", price), "amount_paid", price))
    assert "procedure_code" in profile.money.tariffs[0].parents
    assert not {"facility_class", "facility_ownership", "severity_group"} & set(profile.money.tariffs[0].parents)
    claims = Sampler(profile).draw_claims(1, np.arange(4000))
    assert np.isin(claims["amount_claimed"].to_numpy(), price).mean() > 0.99


@pytest.fixture(scope="module")
def rounded(fit):
    """Continuous amounts, told to the thousand, with a ceiling; no price list."""
    g = np.random.default_rng(4)
    table = tariff_table(ROWS)
    level = np.unique(table["dx_primary_code"].to_pylist(), return_inverse=True)[1] / 8
    amount = np.minimum(np.rint(np.exp(9 + level + g.normal(0, 0.4, ROWS)) / 1000), 57) * 1000
    return fit(replaced(replaced(table, "amount_claimed", amount), "amount_paid", amount)), amount


def test_amounts_that_are_merely_rounded_are_no_price_list(rounded):
    profile, _ = rounded
    assert not profile.money.tariffs
    assert set(profile.money.exact) <= {0.0, 1000.0, 57_000.0}


def test_rounded_amounts_keep_their_distribution_and_their_ceiling(rounded):
    profile, real = rounded
    drawn = Sampler(profile).draw_claims(1, np.arange(ROWS))["amount_claimed"].to_numpy()
    steps = np.arange(0, 58_000, 1000)
    shares = [np.searchsorted(np.sort(x), steps, side="right") / ROWS for x in (real, drawn)]
    assert np.abs(shares[0] - shares[1]).max() < 0.03
    assert (drawn == 57_000).mean() == pytest.approx((real == 57_000).mean(), abs=0.01)


def test_means_follow_a_trend_where_there_is_no_price_list(fit):
    g = np.random.default_rng(5)
    table = tariff_table(ROWS)
    month = months_of(table)
    amount = np.round(np.exp(11 + 0.04 * month + g.normal(0, 0.3, ROWS)), 2)
    profile = fit(replaced(replaced(table, "amount_claimed", amount), "amount_paid", amount))
    claims = Sampler(profile).draw_claims(1, np.arange(ROWS))
    logs, drawn = np.log(claims["amount_claimed"].to_numpy()), months_of(claims)
    assert logs[drawn >= 9].mean() - logs[drawn < 3].mean() == pytest.approx(0.36, abs=0.06)


def test_a_missing_amount_is_what_the_other_two_leave(fit, read):
    table = tariff_table(400)
    price = table["amount_claimed"].to_numpy()
    lacking = np.arange(400) % 5 == 0
    table = replaced(table, "amount_paid", price - 10_000.0)
    table = replaced(table, "amount_claimed", pa.array(price, mask=lacking))
    table = table.append_column("amount_gap", pa.array(np.full(400, 10_000.0)))
    assert np.array_equal(encode(read(table), 11).claimed, price)


def test_sums_of_a_few_items_are_amounts_by_name_and_no_price_list(fit):
    g = np.random.default_rng(17)
    table = tariff_table(ROWS)
    items = np.array([0.0, 4.99, 9.99, 14.99, 24.99])[g.integers(0, 5, (ROWS, 4))]
    amount = np.round(items.sum(1) + 4.99, 2)
    profile = fit(replaced(replaced(table, "amount_claimed", amount), "amount_paid", amount))
    assert not profile.money.tariffs
    drawn = Sampler(profile).draw_claims(1, np.arange(ROWS))["amount_claimed"].to_numpy()
    values = np.unique(amount)
    assert np.isin(drawn, values).mean() > 0.99
    shares = [
        np.bincount(np.searchsorted(values, x[np.isin(x, values)]), minlength=len(values)) / ROWS
        for x in (amount, drawn)
    ]
    assert np.abs(shares[0] - shares[1]).sum() < 0.1


@pytest.fixture(scope="module")
def by_case_rate():
    """Charges of the house, and of them what the case's rate allows."""
    g = np.random.default_rng(12)
    table = tariff_table(12_000, seed=5)
    case = np.unique(table["dx_primary_code"].to_pylist(), return_inverse=True)[1]
    charged = np.round(np.exp(13 + 0.1 * case + g.normal(0, 0.5, 12_000)), 2)
    rate = np.round(np.exp(np.random.default_rng(13).normal(13.2, 0.4, 12)) / 100)[case] * 100
    return replaced(replaced(table, "amount_claimed", charged), "amount_paid", np.minimum(charged, rate))


def test_payments_by_case_rates_are_the_rates_whatever_is_claimed(fit, by_case_rate):
    profile = fit(by_case_rate)
    assert not profile.money.tariffs
    assert len(profile.money.paid_tariffs) == 1
    real, claims = by_case_rate, Sampler(profile).draw_claims(3, np.arange(12_000))
    claimed, paid = (claims[name].to_numpy() for name in ("amount_claimed", "amount_paid"))
    rates = np.unique(
        real["amount_paid"].to_numpy()[real["amount_paid"].to_numpy() < real["amount_claimed"].to_numpy()]
    )
    assert np.isin(paid[paid < claimed], rates).mean() > 0.97
    in_full = [np.mean(t["amount_paid"].to_numpy() == t["amount_claimed"].to_numpy()) for t in (real, claims)]
    assert in_full[0] == pytest.approx(in_full[1], abs=0.04)


def test_case_rates_rise_with_the_month_and_are_never_more_than_is_claimed(fit, by_case_rate):
    table = by_case_rate
    claimed = table["amount_claimed"].to_numpy()
    late = months_of(table) >= 6
    case = np.unique(table["dx_primary_code"].to_pylist(), return_inverse=True)[1]
    rate = np.round(np.exp(np.random.default_rng(13).normal(13.2, 0.4, 12)) / 100)[case] * 100
    paid = np.minimum(claimed, np.rint(rate * np.where(late, RISE, 1.0) / 100) * 100)
    # One claim in fifty is paid more than it asks for: no identity says then that none is.
    odd = np.random.default_rng(15).random(len(claimed)) < 0.02
    profile = fit(replaced(table, "amount_paid", np.where(odd, np.round(claimed * 1.1, 2), paid)))
    assert profile.identities["paid_over_claimed"] > 0
    assert MONTH in profile.money.paid_tariffs[0].factors
    claims = Sampler(profile).draw_claims(3, np.arange(12_000))
    listed = np.isin(claims["amount_paid"].to_numpy(), paid[~odd & (paid < claimed)])
    assert listed.mean() > 0.2
    assert (claims["amount_paid"].to_numpy()[listed] <= claims["amount_claimed"].to_numpy()[listed]).all()
    without = [name for name in claims.column_names if not name.startswith(("amount", "admit", "discharge"))]
    again = Sampler(profile).draw_money(3, np.arange(12_000), claims.select(without))["amount_paid"].to_numpy()
    early = listed & (months_of(claims) < 6) & np.isin(again, paid[late])
    ratio = again[early] / claims["amount_paid"].to_numpy()[early]
    assert np.median(ratio) == pytest.approx(RISE, abs=1e-3)


def test_charges_lie_about_the_price_that_is_paid_where_they_follow_it(fit, by_case_rate):
    beside = fit(by_case_rate)
    assert beside.money.others_about == "tariffs"
    assert "others_about" not in beside.to_json()
    case = np.unique(by_case_rate["dx_primary_code"].to_pylist(), return_inverse=True)[1]
    price = np.rint(np.exp(np.random.default_rng(13).normal(13.2, 0.4, 12))[case] / 100) * 100
    charged = np.round(price * np.exp(np.random.default_rng(16).normal(0.8, 0.3, len(price))), 2)
    table = replaced(replaced(by_case_rate, "amount_claimed", charged), "amount_paid", np.minimum(price, charged))
    profile = fit(table)
    assert profile.money.others_about == "paid_tariffs"
    claims = Sampler(profile).draw_claims(3, np.arange(len(price)))
    spread = []
    for t in (table, claims):
        claimed, paid = t["amount_claimed"].to_numpy(), t["amount_paid"].to_numpy()
        part = paid < claimed
        spread.append(np.std(np.log(claimed[part] / paid[part])))
    assert spread[1] == pytest.approx(spread[0], rel=0.05)


def test_cents_of_large_amounts_are_kept(fit):
    g = np.random.default_rng(14)
    amounts = np.round(np.exp(g.normal(17, 0.5, ROWS)), 2)
    profile = fit(replaced(replaced(tariff_table(ROWS), "amount_claimed", amounts), "amount_paid", amounts))
    assert profile.amount_grid == 0.01


def test_amounts_are_as_often_rounded_and_as_coarsely_as_they_are(fit):
    g = np.random.default_rng(18)
    table = tariff_table(ROWS)
    amounts = np.round(np.exp(g.normal(12, 0.6, ROWS)), 2)
    coarse = np.array([0.01, 1.0, 1000.0])[g.choice(3, ROWS, p=[0.5, 0.3, 0.2])]
    amounts = np.round(np.rint(amounts / coarse) * coarse, 2)
    profile = fit(replaced(replaced(table, "amount_claimed", amounts), "amount_paid", amounts))
    drawn = Sampler(profile).draw_claims(1, np.arange(ROWS))["amount_claimed"].to_numpy()
    for grid in (1000.0, 100.0, 10.0, 1.0, 0.1):
        shares = [np.mean(np.abs(x / grid - np.rint(x / grid)) < 1e-6) for x in (amounts, drawn)]
        assert shares[1] == pytest.approx(shares[0], abs=0.02)


@pytest.fixture(scope="module")
def listed_apart(fit):
    table = two_lists(12_000)
    return fit(table), table


def two_lists(rows):
    """Visits cost what was done, at weekends a tenth more; stays cost their diagnosis, some of these more from July on; what
    the class of the house multiplies by is another for either.
    """
    g, w = np.random.default_rng(19), np.random.default_rng(20)
    table = tariff_table(rows)
    stays = np.array(table["service_type"].to_pylist()) == "RITL"
    house, dx = (np.unique(table[n].to_pylist(), return_inverse=True)[1] for n in ("facility_class", "dx_primary_code"))
    procedure = g.integers(0, 30, rows)
    of_stay = np.exp(w.normal(15, 0.5, 12))[dx] * np.array([1.0, 1.31, 0.77])[house]
    of_visit = np.exp(w.normal(12, 0.5, 30))[procedure] * np.array([1.0, 1.17, 0.92])[house]
    weekend = (table["admit_dt"].to_numpy().astype("datetime64[D]").astype(int) + 3) % 7 >= 5
    later = stays & (dx % 3 == 0) & (months_of(table) >= 6)
    price = np.rint(np.where(stays, of_stay, of_visit) / 100) * 100
    price = np.rint(price * np.where(later, 1.073, np.where(~stays & weekend, 1.1, 1.0)) / 100) * 100
    # No provinces of the public register: claims of hospitals that it names would be dealt out.
    zones = {name: f"ZONE {name[0]}" for name in set(table["province_name"].to_pylist())}
    table = replaced(table, "province_name", [zones[name] for name in table["province_name"].to_pylist()])
    table = replaced(table, "procedure_code", [f"{10 + code}" for code in procedure])
    return replaced(replaced(table, "amount_claimed", price), "amount_paid", price)


def prices_of(table, by, service):
    """Of each claim of a service: its code, its house's class, its amount, and whether it is of a weekend and of later months."""
    weekend = (table["admit_dt"].to_numpy().astype("datetime64[D]").astype(int) + 3) % 7 >= 5
    columns = [table[name].to_pylist() for name in (by, "facility_class", "amount_claimed")]
    rows = zip(*columns, weekend.tolist(), (months_of(table) >= 6).tolist(), strict=True)
    return [row for row, own in zip(rows, table["service_type"].to_pylist(), strict=True) if own == service]


def test_stays_and_visits_may_have_a_price_list_each_and_prices_follow_month_and_weekday(listed_apart):
    profile, table = listed_apart
    priced_by = {frozenset(tariff.parents) & {"dx_primary_code", "procedure_code"} for tariff in profile.money.tariffs}
    assert priced_by == {frozenset({"dx_primary_code"}), frozenset({"procedure_code"})}
    claims = Sampler(profile).draw_claims(5, np.arange(12_000))
    for by, service in (("dx_primary_code", "RITL"), ("procedure_code", "RJTL")):
        known = set(prices_of(table, by, service))
        # The very price of its case, in this half of the year and part of the week.
        assert np.mean([claim in known for claim in prices_of(claims, by, service)]) > 0.93


def test_claims_after_the_period_cost_what_its_last_month_did(listed_apart):
    profile, table = listed_apart
    first, last = (
        set(table["amount_claimed"].to_numpy()[half].tolist()) for half in (months_of(table) < 6, months_of(table) >= 6)
    )
    wanted = Sampler(profile).conditions(ClaimFilter.parse(["service_type=RITL", "date=2030-03-06"]))
    claims = Sampler(profile).draw_claims(6, np.arange(1000), wanted)
    amounts = claims["amount_claimed"].to_pylist()
    assert np.mean([amount in last for amount in amounts]) > 0.9
    assert np.mean([amount in first - last for amount in amounts]) < 0.08


def test_what_is_paid_may_follow_the_month_of_the_year(fit):
    table = tariff_table(ROWS)
    claimed = table["amount_claimed"].to_numpy()
    early = months_of(table) < 3
    paid = np.where(early, np.rint(claimed * 0.6), claimed)
    claims = Sampler(fit(replaced(table, "amount_paid", paid))).draw_claims(1, np.arange(ROWS))
    share = claims["amount_paid"].to_numpy() / claims["amount_claimed"].to_numpy()
    assert share[months_of(claims) < 3].mean() == pytest.approx(0.6, abs=0.01)
    assert share[months_of(claims) >= 3].mean() == pytest.approx(1.0, abs=0.01)


def test_shares_that_are_paid_are_no_lines_though_rounding_puts_them_near_some(fit):
    g = np.random.default_rng(21)
    claimed = tariff_table(ROWS)["amount_claimed"].to_numpy()
    share = g.choice([1.0, 0.9, 0.5], ROWS, p=[0.8, 0.12, 0.08])
    table = replaced(tariff_table(ROWS), "amount_paid", np.rint(claimed * share / 1000) * 1000)
    assert not fit(table).money.paid_lines


def test_a_case_may_have_many_prices_and_what_is_added_follows_which_of_them_it_is(fit):
    """A visit costs 8,550 alone or with one of nine tests; a supplement of 1,300 is added to the dearest only."""
    rows = 9000
    g = np.random.default_rng(5)
    tests = np.array([0, 990, 1210, 2370, 3110, 4930, 5290, 6710, 7730, 9970])
    which = g.choice(len(tests), rows, p=[0.3, *[0.7 / 9] * 9])
    visit = 8550 + 1000 * g.integers(0, 3, rows)
    supplement = np.where((which == 9) & (g.random(rows) < 0.5), 1300, 0)
    amount = (visit + tests[which] + supplement).astype(float)
    table = replaced(tariff_table(rows), "dx_primary_code", [f"J{n:02d}" for n in (visit - 8550) // 1000])
    table = replaced(replaced(table, "amount_claimed", amount), "amount_paid", amount)
    for name in ("severity_group", "service_type", "province_name", "facility_class", "procedure_code"):
        table = table.drop_columns([name])
    drawn = Sampler(fit(table)).draw_claims(1, np.arange(20_000)).to_pandas()
    source = table.to_pandas()
    for code, claims in drawn.groupby("dx_primary_code"):
        own = source.loc[source["dx_primary_code"] == code, "amount_claimed"].value_counts(normalize=True)
        shares = claims["amount_claimed"].value_counts(normalize=True)
        assert own.sub(shares, fill_value=0).abs().sum() / 2 < 0.05


def test_a_price_list_is_not_split_by_stays_where_the_source_tells_no_kind_of_service(fit):
    """What was done has its price, with a night or without one; half of the claims have one."""
    rows = 6000
    g = np.random.default_rng(8)
    procedure = g.integers(0, 40, rows)
    amount = np.rint(20_000 * 1.13 ** (procedure * 17 % 40)) * 10
    table = replaced(tariff_table(rows), "procedure_code", [f"{30 + code}" for code in procedure])
    table = replaced(replaced(table, "amount_claimed", amount), "amount_paid", amount)
    table = table.drop_columns(["service_type", "severity_group", "discharge_dt", "dx_secondary_codes"])
    profile = fit(replaced(table, "los", g.integers(0, 2, rows)))
    assert [tariff.parents for tariff in profile.money.tariffs] == [("procedure_code",)]


def test_case_rates_may_be_more_than_is_claimed_where_they_are(fit, by_case_rate):
    """Half of the charges lie below the rate, which is paid all the same."""
    table = by_case_rate.to_pandas()
    case = np.unique(table["dx_primary_code"], return_inverse=True)[1]
    rate = np.round(np.exp(np.random.default_rng(13).normal(13.2, 0.4, 12)) / 100)[case] * 100
    claimed = np.round(rate * np.exp(np.random.default_rng(3).normal(0.0, 0.3, len(table))), 2)
    profile = fit(replaced(replaced(by_case_rate, "amount_claimed", claimed), "amount_paid", rate))
    drawn = Sampler(profile).draw_claims(1, np.arange(10_000)).to_pandas()
    assert (drawn["amount_paid"] > drawn["amount_claimed"]).mean() == pytest.approx(0.5, abs=0.05)
    assert drawn["amount_paid"].isin(rate).mean() > 0.95


def test_amounts_that_are_paid_whatever_is_claimed_are_known_by_name(fit):
    """Each of forty packages of a rare kind has a price, of which one claim in two bears it; the rest is paid in shares."""
    rows = 12_000
    g = np.random.default_rng(21)
    claimed = np.round(np.exp(g.normal(13, 0.4, rows)), 2)
    packages = np.rint(np.exp(np.random.default_rng(22).normal(12.2, 0.3, 40)) / 100) * 100
    packaged = g.random(rows) < 0.1
    share = np.round(claimed * g.beta(20, 3, rows), 2)
    paid = np.where(packaged, np.minimum(packages[g.integers(0, 40, rows)], claimed), share)
    table = replaced(replaced(tariff_table(rows), "amount_claimed", claimed), "amount_paid", paid)
    profile = fit(table)
    assert set(profile.money.paid_exact) <= set(packages)
    assert len(profile.money.paid_exact) > 30
    drawn = Sampler(profile).draw_claims(1, np.arange(20_000)).to_pandas()
    named = drawn["amount_paid"].isin(packages)
    assert named.mean() == pytest.approx(np.isin(paid, packages).mean(), abs=0.01)
    assert (drawn["amount_paid"] <= drawn["amount_claimed"]).all()


@pytest.mark.parametrize("seed", [0, 1])
def test_lists_of_stays_and_of_visits_stay_apart_where_the_source_tells_no_kind_of_service(fit, seed):
    rows = 20_000
    g = np.random.default_rng(seed)
    case, stays, house = np.minimum(g.zipf(1.3, rows) - 1, 11), g.random(rows) < 0.4, g.integers(0, 3, rows)
    stay = 3e6 * 1.37 ** (case % 7) * np.array([1, 1.5, 2.3])[house] * np.array([1, 1.12, 1.31])[g.integers(0, 3, rows)]
    visit = 1e5 * (2 + (case * 5) % 11) * np.array([1, 1.04, 0.93])[house]
    amount = np.rint(np.where(stays, stay, visit) / 1000) * 1000
    table = pa.table(
        {
            "dx_primary_code": [f"{'ABCDEFGHIJKL'[i]}10" for i in case],
            "los": np.where(stays, 1 + g.poisson(3, rows), 0),
            "admit_dt": np.datetime64("2024-01-01") + g.integers(0, 366, rows),
            "facility_class": np.array(["A", "B", "C"])[house].tolist(),
            "amount_claimed": amount,
            "patient_id_hash": [f"p{i}" for i in range(rows)],
        }
    )
    drawn = Sampler(fit(table)).draw_claims(1, np.arange(5000)).to_pandas()
    visits = drawn.loc[drawn["los"] == 0, "amount_claimed"]
    assert visits.isin(amount[~stays]).mean() > 0.95
    assert visits.median() == pytest.approx(np.median(amount[~stays]), rel=0.05)


def test_prices_of_a_rounded_list_are_drawn_to_the_step(fit):
    """Prices in tenths, raised and rounded anew for half of the claims: no rise of all gives each of them to the hundredth."""
    g = np.random.default_rng(4)
    table = tariff_table(ROWS)
    code = np.unique(np.array(table["dx_primary_code"].to_pylist()), return_inverse=True)[1]
    old = np.round(g.uniform(300, 900, code.max() + 1), 1)
    amounts = np.where(g.random(ROWS) < 0.5, old[code], np.round(old * 1.0569, 1)[code])
    amounts = np.round(amounts * np.array([1.0, 1.15])[g.integers(0, 2, ROWS)], 2)
    profile = fit(replaced(replaced(table, "amount_claimed", amounts), "amount_paid", amounts))
    assert [tariff.levels for tariff in profile.money.tariffs] == [(0.0,)]
    drawn = Sampler(profile).draw_claims(1, np.arange(ROWS))["amount_claimed"].to_numpy()
    assert np.isin(drawn, amounts).mean() > 0.97


def test_a_list_is_sought_with_claims_that_have_an_amount(fit, monkeypatch):
    """Every other claim costs nothing, and every second one is looked at."""
    monkeypatch.setattr("claims_sim.profile.find_lattice._STRUCTURE_ROWS", ROWS // 4)
    table = tariff_table(ROWS)
    amounts = np.where(np.arange(ROWS) % 2 == 0, 0.0, table["amount_claimed"].to_numpy())
    amounts = np.r_[0.0, amounts[:-1]] if amounts[0] else amounts
    profile = fit(replaced(replaced(table, "amount_claimed", amounts), "amount_paid", amounts))
    assert sum(len(tariff.bases) for tariff in profile.money.tariffs) > 10


def test_what_is_paid_may_keep_to_a_list_of_each_service_beside_payments_to_the_cent(fit):
    g = np.random.default_rng(21)
    table = two_lists(12_000)
    price = table["amount_paid"].to_numpy()
    paid = np.where(g.random(12_000) < 0.08, np.round(price * g.uniform(0.2, 0.9, 12_000), 2), price)
    claimed = np.maximum(np.round(price * np.exp(g.normal(0.9, 0.3, 12_000)), 2), paid)
    table = replaced(replaced(table, "amount_claimed", claimed), "amount_paid", paid)
    profile = fit(table)
    assert not profile.money.tariffs
    assert [tariff.grid for tariff in profile.money.paid_tariffs] == [100.0, 100.0]
    assert Profile.from_json(profile.to_json()) == profile
    claims = Sampler(profile).draw_claims(3, np.arange(12_000))
    for service in ("RITL", "RJTL"):
        known = np.unique(price[np.array(table["service_type"].to_pylist()) == service])
        shares = [
            np.isin(t["amount_paid"].to_numpy()[np.array(t["service_type"].to_pylist()) == service], known).mean()
            for t in (table, claims)
        ]
        assert shares[1] == pytest.approx(shares[0], abs=0.06)


def a_list(service, bases, top_ups, rows=8):
    """A list of one service (0 or 1) with a case of two prices; every other row is of it, and the last of these bears a top-up."""
    case = np.where(np.arange(rows) % 2 == service, 0, -1)
    on = np.flatnonzero(case == 0)
    point, top_up = np.full(rows, -1, np.int32), np.zeros(rows, np.int32)
    point[on] = np.arange(len(on)) % 2
    top_up[on[-1]] = 1
    codes = {"service_type": (np.arange(rows) % 2).astype(np.int32)}
    return Lattice(
        ("service_type",), (2,), 1.0, codes, {}, np.zeros(1), np.array([service]), case, bases=np.log(bases), base_start=np.array([0, 2]),
        point=point, level=np.where(case == 0, 0, -1).astype(np.int32), top_ups=np.array(top_ups), top_up=top_up,
    )  # fmt: skip


def test_places_on_several_lists_are_counted_over_all_of_them():
    lists = [a_list(0, [100.0, 110.0], [5.0]), a_list(1, [200.0, 230.0], [7.0])]
    places = place_on_lists(lists, 8)
    assert places.top_ups == 2
    assert places.top_up.tolist() == [0, 0, 0, 0, 0, 0, 1, 2]
    assert places.point.tolist() == [0, 0, 1, 1, 0, 0, 1, 1]
    codes = {"service_type": (np.arange(8) % 2).astype(np.int32)}
    assert case_over([PriceList.of_lattice(one) for one in lists], codes, 8).tolist() == [0, 1] * 4
    assert settlement._price(lists, 8).tolist() == pytest.approx([100.0, 200.0] * 4)


def test_what_follows_the_price_that_is_paid_follows_that_of_ones_own_list(read):
    """Where the case of either list would be the same number, stays would follow what is usual of visits."""
    rows = 12_000
    table = two_lists(rows)
    encoded = encode(read(table), 11)
    lists = find_tariffs(encoded, table["amount_paid"].to_numpy().astype(float), 100.0)
    assert len(lists) == 2
    g = np.random.default_rng(3)
    paid = table["amount_paid"].to_numpy().astype(float)
    claimed = np.exp(np.log(paid) + g.normal(0.5, 0.1, rows))
    unknown = g.random(rows) < 0.1
    multiple, usual = np.zeros(rows), np.zeros(rows)
    for one in lists:
        one.point[unknown] = -1
        on = np.flatnonzero(one.point >= 0)
        multiple[on] = np.log(paid[on]) - one.bases[one.base_start[one.case[on]]] - one.place_log(on)
        mean = np.bincount(one.case[on], multiple[on], len(one.case_keys)) / np.maximum(
            np.bincount(one.case[on], minlength=len(one.case_keys)), 1
        )
        usual[one.case >= 0] = mean[one.case[one.case >= 0]]
    slopes, each = follows_paid(lists, claimed, paid, encoded)
    slope = np.append(slopes, 0.0)[encoded.codes["service_type"]]
    assert slope.max() > 0.5
    listed = np.any([one.point >= 0 for one in lists], axis=0)
    assert listed[~unknown].mean() > 0.99
    assert np.abs(each[listed] - (slope * multiple)[listed]).max() < 1e-9
    assert np.abs(each[~listed] - (slope * usual)[~listed]).max() < 1e-9


def test_a_rarer_kind_of_service_may_have_prices_of_a_day(fit):
    """Some of the stays are of primary care and cost a price of a day: a list of all services would lack most of theirs."""
    rows = 36_000
    table = two_lists(rows)
    g = np.random.default_rng(23)
    alike = (np.array(table["dx_primary_code"].to_pylist()) == DX[0]) & (
        np.array(table["facility_class"].to_pylist()) == "RS Kelas C"
    )
    own = alike & (g.random(rows) < 0.44)
    assert 0.04 < own.mean() < 0.05
    los = np.where(own, 1 + g.integers(0, 30, rows), table["los"].to_numpy())
    admit = table["admit_dt"].to_numpy().astype("datetime64[D]")
    price = np.where(own, 220_000 * los, table["amount_paid"].to_numpy())
    for name, values in {
        "service_type": np.where(own, "RITP", table["service_type"].to_pylist()).tolist(), "los": los.tolist(),
        "discharge_dt": (admit + los).tolist(), "amount_claimed": price, "amount_paid": price,
        "procedure_code": np.where(own, None, table["procedure_code"].to_pylist()).tolist(),
    }.items():  # fmt: skip
        table = replaced(table, name, values)
    profile = fit(table)
    assert sorted(tariff.by_day for tariff in profile.money.tariffs) == [False, False, True]
    claims = Sampler(profile).draw_claims(3, np.arange(rows))
    theirs = np.array(claims["service_type"].to_pylist()) == "RITP"
    days = claims["los"].to_numpy()[theirs]
    assert np.mean(claims["amount_claimed"].to_numpy()[theirs] == 220_000 * days) > 0.95
