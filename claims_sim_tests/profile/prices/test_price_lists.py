"""Price lists as they come: raised during the period, rounded coarsely, with a few amounts of another kind between."""

from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pytest

from claims_sim.claim_ids import numbered_batch_id
from claims_sim.generation.batch import BatchRequest, BatchWriter
from claims_sim.profile.drawing.wanted import ClaimFilter
from claims_sim.profile.encoding.encode import MONTH, encode
from claims_sim.profile.prices import price_lists
from claims_sim.profile.sampler import Sampler
from claims_sim_tests.profile.tables import DX, months_of, replaced, tariff_table, two_lists

ROWS = 8000
RISE = 1.06


@pytest.fixture(scope="module")
def raised(fit):
    """Prices of July are those of June and 6 % more, and two in a hundred amounts have a supplement to the unit."""
    g = np.random.default_rng(3)
    table = tariff_table(ROWS)
    price = table["amount_claimed"].to_numpy()
    price = np.rint(price * np.where(months_of(table) >= 6, RISE, 1.0) / 100) * 100
    price = price + np.where(g.random(ROWS) < 0.02, g.integers(1, 90_000, ROWS), 0)
    return fit(replaced(replaced(table, "amount_claimed", price), "amount_paid", price))


@pytest.mark.slow
def test_a_rise_of_all_prices_is_found_with_its_month(raised):
    rise = np.exp(raised.money.tariffs[0].factors[MONTH])
    assert np.allclose(rise[6:] / rise[0], RISE, atol=2e-4)
    assert np.allclose(rise[:6] / rise[0], 1.0, atol=2e-4)


@pytest.mark.slow
def test_a_tariff_keeps_its_own_grid_though_some_amounts_lie_between(raised):
    assert (raised.amount_grid, raised.money.tariffs[0].grid) == (1.0, 100.0)
    claimed = Sampler(raised).draw_claims(1, np.arange(ROWS))["amount_claimed"].to_numpy()
    assert 0.95 < np.mean(claimed % 100 == 0) < 0.995


@pytest.mark.slow
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


def written(profile, **changes):
    """Reviewed claims of a batch, with the months of their admission."""
    day = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
    claims = BatchWriter(profile).write(BatchRequest(numbered_batch_id(day, 1), 3000, 8, day, **changes)).claims
    return claims, months_of(claims)


def test_a_file_of_the_past_has_the_prices_of_each_month_and_the_stream_those_of_the_last(raised):
    first = tariff_table(ROWS)["amount_claimed"].to_numpy()
    old, new = (np.unique(np.rint(first * rise / 100) * 100) for rise in (1.0, RISE))
    only_new = np.setdiff1d(new, old)

    def share_of_new(claims):
        return np.isin(claims["amount_claimed"].to_numpy(), only_new)

    past, months = written(raised, clock="history")
    share = share_of_new(past)
    assert share[months < 6].mean() < 0.03
    assert share[months >= 6].mean() > 0.6
    for clock in ("admission", "intake"):
        assert share_of_new(written(raised, clock=clock)[0]).mean() > 0.6


@pytest.mark.slow
def test_a_file_of_the_past_holds_the_amounts_that_are_asked_for(raised):
    claims, months = written(raised, clock="history", where=ClaimFilter.parse(["amount=1000000..2000000"]))
    claimed = claims["amount_claimed"].to_numpy()
    assert claimed.min() >= 1_000_000
    assert claimed.max() <= 2_000_000
    assert set(months) == set(range(12))


def test_an_amount_that_is_asked_for_is_had_whatever_the_month(raised):
    sampler = Sampler(raised)
    wanted = sampler.conditions(ClaimFilter.parse(["amount=1000000..2000000"]))
    claims = sampler.draw_claims(1, np.arange(500), wanted)
    assert wanted.where.holds(claims).all()


def test_prices_that_do_not_change_have_no_months(tariff_profile):
    assert MONTH not in tariff_profile.money.tariffs[0].factors
    assert tariff_profile.money.tariffs[0].grid is None


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
def test_cents_of_large_amounts_are_kept(fit):
    g = np.random.default_rng(14)
    amounts = np.round(np.exp(g.normal(17, 0.5, ROWS)), 2)
    profile = fit(replaced(replaced(tariff_table(ROWS), "amount_claimed", amounts), "amount_paid", amounts))
    assert profile.amount_grid == 0.01


@pytest.mark.slow
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


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])
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


@pytest.mark.slow
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


@pytest.mark.slow
def test_a_list_is_sought_with_claims_that_have_an_amount(fit, monkeypatch):
    """Every other claim costs nothing, and every second one is looked at."""
    monkeypatch.setattr("claims_sim.profile.prices.find_lattice._STRUCTURE_ROWS", ROWS // 4)
    table = tariff_table(ROWS)
    amounts = np.where(np.arange(ROWS) % 2 == 0, 0.0, table["amount_claimed"].to_numpy())
    amounts = np.r_[0.0, amounts[:-1]] if amounts[0] else amounts
    profile = fit(replaced(replaced(table, "amount_claimed", amounts), "amount_paid", amounts))
    assert sum(len(tariff.bases) for tariff in profile.money.tariffs) > 10


@pytest.mark.slow
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
    # Stays that cost more from July on have a list of their own, beside those of stays and visits.
    assert sorted(tariff.by_day for tariff in profile.money.tariffs) == [False, False, False, True]
    claims = Sampler(profile).draw_claims(3, np.arange(rows))
    theirs = np.array(claims["service_type"].to_pylist()) == "RITP"
    days = claims["los"].to_numpy()[theirs]
    assert np.mean(claims["amount_claimed"].to_numpy()[theirs] == 220_000 * days) > 0.95


@pytest.mark.slow
def test_kinds_of_service_without_other_amounts_are_drawn_beside_one_that_has_such(fit):
    """Sums begin at the price of their case in the first kind of service; in all others there are prices alone."""
    g, rows = np.random.default_rng(33), 12_000
    table = tariff_table(rows)
    kind = g.integers(0, 4, rows)
    case = np.unique(table["dx_primary_code"].to_pylist(), return_inverse=True)[1]
    price = np.round(np.exp(np.random.default_rng(34).normal(13, 0.8, 12)), 2)[case]
    items = np.where((kind == 0) & (g.random(rows) < 0.5), g.lognormal(10, 0.8, rows), 0.0)
    table = replaced(table, "service_type", np.array(["Emergency", "RITL", "RJTL", "Wellness"], object)[kind].tolist())
    amount = np.round(price + items, 2)
    profile = fit(replaced(replaced(table, "amount_claimed", amount), "amount_paid", amount))
    assert profile.money.others_above_prices == (True, False, False, False)
    assert len(Sampler(profile).draw_claims(1, np.arange(3000))) == 3000


@pytest.mark.slow
def test_a_rare_kind_of_service_has_its_own_list_though_it_explains_hardly_more_of_all_claims(fit):
    """Of sixty thousand claims a thousand are stays in primary care, at a price of a night by owner; all others cost their diagnosis."""
    rows, g = 60_000, np.random.default_rng(31)
    table = tariff_table(rows)
    own = g.random(rows) < 0.0182
    los = np.where(own, 1 + g.integers(0, 9, rows), table["los"].to_numpy())
    admit = table["admit_dt"].to_numpy().astype("datetime64[D]")
    a_night = np.where(np.array(table["facility_ownership"].to_pylist()) == "Swasta", 250_000, 220_000)
    dx = np.unique(table["dx_primary_code"].to_pylist(), return_inverse=True)[1]
    price = np.where(own, a_night * los, np.rint(200 * 1.37**dx) * 1000)
    for name, values in {
        "service_type": np.where(own, "RITP", table["service_type"].to_pylist()).tolist(), "los": los.tolist(),
        "discharge_dt": (admit + los).tolist(), "amount_claimed": price, "amount_paid": price,
    }.items():  # fmt: skip
        table = replaced(table, name, values)
    claims = Sampler(fit(table)).draw_claims(3, np.arange(rows))
    theirs = np.array(claims["service_type"].to_pylist()) == "RITP"
    a_night = np.where(np.array(claims["facility_ownership"].to_pylist()) == "Swasta", 250_000, 220_000)
    right = claims["amount_claimed"].to_numpy() == a_night * claims["los"].to_numpy()
    assert right[theirs].mean() > 0.9


@pytest.mark.slow
def test_where_nearly_all_claims_bear_one_of_a_few_amounts_nobody_bears_another(fit):
    """Prices are those of a class, and a third bear one of two supplements: of both multiplied some prices are nobody's."""
    g = np.random.default_rng(8)
    table = tariff_table(ROWS)
    price = table["amount_claimed"].to_numpy()
    usual = np.quantile(price, np.linspace(0.02, 0.98, 40)).round(-4)
    price = usual[np.abs(np.log(price[:, None] / usual)).argmin(1)] + g.choice(
        [0, 20_000, 50_000], ROWS, p=[0.66, 0.2, 0.14]
    )
    few = np.arange(ROWS) < 20
    for odd, known in (
        (np.where(few, price + np.arange(ROWS), price), True),
        (price + np.where(g.random(ROWS) < 0.05, g.integers(1, 9999, ROWS), 0), False),
    ):
        profile = fit(replaced(replaced(table, "amount_claimed", odd), "amount_paid", odd))
        assert bool(profile.money.every_amount) == known
        if known:
            drawn = set(Sampler(profile).draw_claims(1, np.arange(ROWS))["amount_claimed"].to_pylist())
            assert drawn <= set(price.tolist())
            assert not set(odd[few].tolist()) - set(price.tolist()) & set(profile.money.every_amount)


def test_a_coarse_grid_is_found_beside_one_half_as_coarse():
    """Three amounts in five are in hundreds, one in ten more in fifties, the others in units."""
    g = np.random.default_rng(5)
    steps = np.where(g.random(5000) < 0.6, 100, np.where(g.random(5000) < 0.25, 50, 1))
    amounts = np.rint(g.integers(20_000, 900_000, 5000) / steps) * steps + (steps == 1)
    grid, share = price_lists._grid_of_many(amounts, 1.0)
    assert grid == 100.0
    assert share == pytest.approx(0.65, abs=0.05)


@pytest.mark.slow
def test_where_a_class_multiplies_each_group_of_cases_by_another_share_it_is_part_of_the_case(read):
    """Half of all visits are of procedures whose prices the class multiplies alike; of the others each has ratios of its own."""
    rows, g = 20_000, np.random.default_rng(31)
    table, own = tariff_table(rows), np.random.default_rng(32)
    done = np.where(g.random(rows) < 0.5, g.integers(0, 4, rows), g.integers(4, 20, rows))
    kinds = sorted(set(table["facility_class"].to_pylist()))
    kind = np.searchsorted(kinds, table["facility_class"].to_pylist())
    ratios = np.vstack([np.tile([1.0, 1.19, 1.49], (4, 1)), np.exp(own.uniform(-0.3, 0.6, (16, 3)))])
    later = own.uniform(1.02, 1.15, 20)[done]
    price = own.lognormal(12.5, 0.4, 20)[done] * ratios[done, kind] * np.where(months_of(table) >= 5, later, 1.0)
    price = np.rint(price / 100) * 100
    for name, values in (
        ("service_type", ["RJTL"] * rows),
        ("severity_group", [None] * rows),
        ("procedure_code", [f"89{code:02d}" for code in done.tolist()]),
        ("amount_claimed", price),
        ("amount_paid", price),
    ):
        table = replaced(table, name, values)
    (found,) = price_lists.find_price_lists(encode(read(table), 11), price, 100.0)
    assert "facility_class" in found.case_names
    assert np.mean(found.point >= 0) > 0.95


class Tried(NamedTuple):
    """A list as far as it is looked at to seek it in another way."""

    found: SimpleNamespace
    usable: np.ndarray
    amounts: None
    besides: np.ndarray
    likely: float


@pytest.mark.parametrize(
    ("periods", "likely", "names", "is_taken"),
    [
        pytest.param((0, 1), -1.0, ("service_type",), True, id="likelier"),
        pytest.param((0, 1), -3.0, ("service_type",), False, id="less likely"),
        pytest.param((), -1.0, ("service_type",), False, id="prices do not change"),
        pytest.param((0, 1), -1.0, (), False, id="of no kind of service"),
    ],
)
def test_a_list_is_sought_at_one_time_where_its_prices_change(monkeypatch, periods, likely, names, is_taken):
    rows = 100

    def begun(names, besides, likely):
        found = SimpleNamespace(
            case=np.zeros(rows, np.int64),
            point=np.arange(rows) % 2 - 1,
            periods=periods,
            factors={},
            grid=1.0,
            case_names=names,
        )
        return Tried(found, np.ones(rows, np.bool_), None, besides, likely)

    ways = []

    def begin(*_, way):
        ways.append(way)
        return begun(names, np.zeros(0, np.int64), likely)

    monkeypatch.setattr(price_lists, "begin", begin)
    monkeypatch.setattr(price_lists, "_likely", lambda one, some: one.likely * np.count_nonzero(some))
    first, encoded = begun(("service_type",), np.array([7]), -2.0), SimpleNamespace(vocabularies={})
    found = price_lists._in_another_way(first, encoded, np.ones(rows, np.bool_))
    assert [way.at_one_time for way in ways] == ([True] if periods else [])
    assert found.likely == (likely if is_taken else -2.0)
    assert found.besides.tolist() == [7]


def test_a_list_that_does_not_show_its_regions_has_those_of_another(read):
    """Visits and stays of all regions are multiplied alike; the list of the visits was made as if nobody knew of regions."""
    g, w = np.random.default_rng(23), np.random.default_rng(24)
    table = tariff_table(ROWS, seed=2)
    stays = np.array(table["service_type"].to_pylist()) == "RITL"
    place, dx = (np.unique(table[n].to_pylist(), return_inverse=True)[1] for n in ("province_name", "dx_primary_code"))
    procedure, region = g.integers(0, 12, ROWS), np.array([1.0, 1.013, 1.027, 1.046, 1.061])[place]
    price = np.where(stays, np.exp(w.normal(15, 0.5, 12))[dx], np.exp(w.normal(12, 0.5, 12))[procedure]) * region
    price = np.rint(price / 100) * 100
    table = replaced(table, "procedure_code", [f"{10 + code}" for code in procedure])
    table = replaced(replaced(table, "amount_claimed", price), "amount_paid", price)
    encoded = encode(read(table), 11)
    amounts, usable = price_lists.amounts_on(price, 100.0)
    few = price_lists.every_nth(usable)
    unaware = replace(encoded, codes={n: codes for n, codes in encoded.codes.items() if n != "province_name"})
    of_stays = price_lists.begin(encoded, amounts, usable & stays, few & stays, 100.0)
    of_visits = price_lists.begin(unaware, amounts, usable & ~stays, few & ~stays, 100.0)
    assert "province_name" in of_stays.found.factors
    assert "province_name" not in of_visits.found.factors
    same, other = price_lists._with_factors_of_others([of_stays, of_visits], encoded, few)
    assert same.found.factors.keys() == of_stays.found.factors.keys()
    assert np.ptp(other.found.factors["province_name"]) == pytest.approx(np.log(1.061), abs=2e-3)
    assert len(other.found.bases) < len(of_visits.found.bases)
