"""Times of day: of houses that write the day only beside others, and of visits whose end is not always written down."""

from datetime import UTC, date, datetime

import numpy as np
import pyarrow as pa
import pytest

from claims_sim.generation.clock import add_times
from claims_sim.profile.crossing import describe_crossing
from claims_sim.profile.sampler import Sampler
from claims_sim_tests.profile.tables import replaced, tariff_table

ROWS = 8000
DAY, SECOND = np.timedelta64(1, "D"), np.timedelta64(1, "s")


def with_times(table, by_day, *, ends=True):
    """Admissions and discharges at any second, but at 0:00 where `by_day`; visits last up to three hours.

    Visits end where `ends` says so; else they have neither a discharge nor days of stay.
    """
    g = np.random.default_rng(31)
    rows = table.num_rows
    first = table["admit_dt"].to_numpy().astype("datetime64[D]")
    stay = table["los"].to_numpy()
    begins = np.where(by_day, 0, g.integers(6 * 3600, 20 * 3600, rows))
    lasts = np.where(by_day, 0, g.integers(600, 3 * 3600, rows))
    leaves = np.where(by_day, 0, g.integers(8 * 3600, 15 * 3600, rows))
    admit = first.astype("datetime64[us]") + begins * SECOND
    out = (first + stay).astype("datetime64[us]") + leaves * SECOND
    discharge = np.where(stay > 0, out, admit + lasts * SECOND)
    none = (stay == 0) & ~np.broadcast_to(ends, rows)
    table = replaced(table, "admit_dt", pa.array(admit))
    table = replaced(table, "discharge_dt", pa.array(discharge, mask=none))
    return replaced(table, "los", pa.array(stay.astype(float), mask=none))


def at_midnight(claims, name):
    moments = claims[name].to_numpy().astype("datetime64[us]")
    return moments == moments.astype("datetime64[D]")


@pytest.mark.slow
def test_houses_that_write_the_day_only_do_so_in_what_is_drawn(fit):
    table = with_times(tariff_table(ROWS), np.random.default_rng(3).random(ROWS) < 0.3)
    claims = Sampler(fit(table)).draw_claims(1, np.arange(ROWS))
    for rows in (lambda t: t["los"].to_numpy() > 0, lambda t: t["los"].to_numpy() == 0):
        real, drawn = (
            [at_midnight(t, name)[rows(t)] for name in ("admit_dt", "discharge_dt")] for t in (table, claims)
        )
        assert drawn[0].mean() == pytest.approx(real[0].mean(), abs=0.03)
        assert (drawn[0] == drawn[1]).mean() > 0.98


def test_times_at_midnight_are_those_of_the_first_hour_where_that_has_others(fit):
    """A house that is open at night keeps quarters of hours: one claim in four of the first hour is at midnight."""
    g = np.random.default_rng(36)
    table = tariff_table(ROWS)
    begins = np.where(g.random(ROWS) < 0.2, 0, g.integers(1, 24, ROWS)) * 3600 + 900 * g.integers(0, 4, ROWS)
    table = replaced(
        table, "admit_dt", pa.array(table["admit_dt"].to_numpy().astype("datetime64[us]") + begins * SECOND)
    )
    assert fit(table.drop_columns(["discharge_dt"])).tables["admit_hour"].size == 24


@pytest.mark.slow
def test_where_times_are_whole_hours_midnight_is_one_of_them(fit):
    g = np.random.default_rng(37)
    table = tariff_table(ROWS)
    admit = table["admit_dt"].to_numpy().astype("datetime64[us]") + 3600 * g.integers(0, 24, ROWS) * SECOND
    table = replaced(table, "admit_dt", pa.array(admit)).drop_columns(["discharge_dt"])
    assert fit(table).tables["admit_hour"].size == 24


@pytest.mark.slow
def test_a_column_of_discharges_without_any_tells_what_none_does(fit):
    table = with_times(tariff_table(ROWS), np.zeros(ROWS, bool))
    without = fit(table.drop_columns(["discharge_dt"]))
    empty = fit(replaced(table, "discharge_dt", pa.nulls(ROWS, pa.timestamp("us"))))
    assert empty.tables == without.tables
    assert any("discharge_dt is empty" in sentence for sentence in empty.oddities)


def test_admissions_keep_their_hours_where_there_is_no_discharge_at_all(fit):
    table = with_times(tariff_table(ROWS), np.zeros(ROWS, bool)).drop_columns(["discharge_dt"])
    claims = Sampler(fit(table)).draw_claims(1, np.arange(ROWS))
    hours = []
    for t in (table, claims):
        admit = t["admit_dt"].to_numpy().astype("datetime64[us]")[t["los"].to_numpy() == 0]
        hours.append((admit - admit.astype("datetime64[D]")).astype(float) / 3.6e9)
    assert np.mean(hours[1]) == pytest.approx(np.mean(hours[0]), abs=0.3)
    assert np.std(hours[1]) == pytest.approx(np.std(hours[0]), abs=0.3)


@pytest.mark.many(daily=1)
@pytest.mark.parametrize("of", ["few claims", "few persons"])
def test_a_few_times_at_midnight_are_not_told(fit, of):
    few = np.arange(ROWS) % (200 if of == "few claims" else 10) == 0
    table = with_times(tariff_table(ROWS), few)
    if of == "few persons":
        persons = [f"person {i % 3}" if own else f"person {i}" for i, own in enumerate(few.tolist())]
        table = replaced(table, "patient_id_hash", persons)
    profile = fit(table)
    assert profile.tables["admit_hour"].size == 24
    assert not at_midnight(Sampler(profile).draw_claims(1, np.arange(ROWS)), "admit_dt").any()


def test_how_long_visits_last_is_told_by_those_whose_end_is(fit):
    """One visit in four has an end: the others' admissions that stand in for it say nothing of how long they took."""
    ends = np.random.default_rng(4).random(ROWS) < 0.25
    table = with_times(tariff_table(ROWS), np.zeros(ROWS, bool), ends=ends)
    claims = Sampler(fit(table)).draw_claims(1, np.arange(ROWS))
    visits = claims["los"].to_numpy() == 0
    admit, discharge = (claims[name].to_numpy()[visits] for name in ("admit_dt", "discharge_dt"))
    minutes = (discharge - admit) / np.timedelta64(1, "m")
    assert np.mean(minutes < 5) < 0.02
    assert np.median(minutes) == pytest.approx(95, abs=12)


@pytest.mark.parametrize("told", ["all stays", "a few stays", "one visit", "none"])
@pytest.mark.slow
def test_visits_begin_at_their_hours_where_no_end_of_them_is_told(fit, told):
    """Three in ten houses write the day only; discharges are told of all stays, or of fewer than may be told of."""
    g = np.random.default_rng(35)
    table = tariff_table(ROWS)
    stays = table["los"].to_numpy() > 0
    table = with_times(table, g.random(ROWS) < 0.3)
    some = np.cumsum(stays) <= 5 if told == "a few stays" else np.cumsum(~stays) == (told == "one visit")
    kept = stays if told == "all stays" else some & (np.cumsum(some) <= 5) & (told != "none")
    discharge = pa.array(table["discharge_dt"].to_numpy(), mask=~kept)
    table = replaced(table, "discharge_dt", discharge)
    claims = Sampler(fit(table)).draw_claims(1, np.arange(ROWS))
    midnight, hours = [], []
    for t in (table, claims):
        visit = np.array(t["service_type"].to_pylist()) == "RJTL"
        admit = t["admit_dt"].to_numpy().astype("datetime64[us]")[visit]
        sharp = admit == admit.astype("datetime64[D]")
        midnight.append(sharp.mean())
        hours.append((admit - admit.astype("datetime64[D]"))[~sharp].astype(float).mean() / 3.6e9)
    assert midnight[1] == pytest.approx(midnight[0], abs=0.03)
    assert hours[1] == pytest.approx(hours[0], abs=0.3)
    assert minutes_of(claims).min() >= 0
    if told == "none":
        return  # an empty column is none: when they end follows from nothing
    # What stands in for an end ends at once, and stays do not end in the night.
    assert np.mean(minutes_of(claims)[visit] == 0) > 0.95
    leaves = claims["discharge_dt"].to_numpy()[~visit]
    late = (leaves - leaves.astype("datetime64[D]")) / np.timedelta64(1, "h")
    assert np.median(late) > 5


def minutes_of(claims):
    admit, discharge = (claims[name].to_numpy().astype("datetime64[us]") for name in ("admit_dt", "discharge_dt"))
    return (discharge - admit) / np.timedelta64(1, "m")


@pytest.mark.slow
def test_stays_that_end_a_quarter_past_whole_days_do_so_in_what_is_drawn(fit):
    """Six in ten stays end so many days and fifteen minutes later, by the second; visits take fifteen minutes, at any hour."""
    g = np.random.default_rng(32)
    table = tariff_table(ROWS)
    nights = table["los"].to_numpy()
    begins = g.integers(0, 86_400, ROWS)
    begins = np.where(g.random(ROWS) < 0.1, g.integers(86_400 - 1_000, 86_400, ROWS), begins)
    lasts = np.where((nights == 0) | (g.random(ROWS) < 0.6), 900, 60 * g.integers(0, 333, ROWS))
    admit = table["admit_dt"].to_numpy().astype("datetime64[us]") + begins * SECOND
    discharge = admit + nights * DAY + lasts * SECOND
    table = replaced(replaced(table, "admit_dt", pa.array(admit)), "discharge_dt", pa.array(discharge))
    # The stay is what the dates say: a night more where a visit ends behind midnight.
    table = table.drop_columns(["los"])
    profile = fit(table)
    assert {one.column: one.values for one in describe_crossing(profile).lists}["stay_minutes"][-1] == "others"
    claims = Sampler(profile).draw_claims(1, np.arange(ROWS))
    for service in ("RITL", "RJTL"):
        of_service = [np.array(t["service_type"].to_pylist()) == service for t in (table, claims)]
        real, drawn = (minutes_of(t)[own] for t, own in zip((table, claims), of_service, strict=True))
        assert np.mean(drawn % 1440 == 15) == pytest.approx(np.mean(real % 1440 == 15), abs=0.03)
        assert drawn.min() >= 0
    assert np.mean(drawn == 15) > 0.99
    dates = [
        t["discharge_dt"].to_numpy().astype("datetime64[D]") - t["admit_dt"].to_numpy().astype("datetime64[D]")
        for t in (table, claims)
    ]
    assert np.mean(dates[1][of_service[1]] > 0) == pytest.approx(np.mean(dates[0][of_service[0]] > 0), abs=0.02)


@pytest.mark.parametrize("of", ["any second", "whole hours", "few persons"])
@pytest.mark.slow
def test_stays_of_any_length_are_told_by_their_hours(fit, of):
    g = np.random.default_rng(34)
    table = tariff_table(ROWS)
    if of == "any second":
        table = with_times(table, np.zeros(ROWS, bool))
    else:
        few = g.random(ROWS) < 0.3
        begins, leaves = g.integers(6, 20, ROWS), g.integers(8, 15, ROWS)
        nights = table["los"].to_numpy()
        first = table["admit_dt"].to_numpy().astype("datetime64[us]")
        seconds = np.where(few & (of == "few persons"), 3600 * begins + 780, 3600 * leaves)
        discharge = first + nights * DAY + np.where(nights > 0, seconds, 82_800) * SECOND
        table = replaced(table, "admit_dt", pa.array(first + 3600 * begins * SECOND))
        table = replaced(table, "discharge_dt", pa.array(discharge))
        if of == "few persons":
            persons = [f"person {i % 3}" if own else f"person {i}" for i, own in enumerate(few.tolist())]
            table = replaced(table, "patient_id_hash", persons)
    assert "stay_minutes" not in fit(table).tables


@pytest.mark.slow
def test_what_is_billed_by_the_month_has_the_dates_of_a_month(fit):
    """Sessions of one procedure are billed at once, with the first day and the last: no night, and twenty-nine days between."""
    g = np.random.default_rng(33)
    table = tariff_table(ROWS)
    done = np.array(table["procedure_code"].to_pylist(), object)
    visit = table["los"].to_numpy() == 0
    by_month = visit & (done == "8751") & (g.random(ROWS) < 0.8)
    days = np.where(by_month, 29, table["los"].to_numpy())
    table = replaced(table, "discharge_dt", pa.array(table["admit_dt"].to_numpy() + days))
    profile = fit(table)
    told = {one.column: one.values for one in describe_crossing(profile).lists}
    assert told["stay_gap"] == ("-1", "0", "1", "29")
    claims = Sampler(profile).draw_claims(1, np.arange(ROWS))
    shares = []
    for t in (table, claims):
        between = (
            t["discharge_dt"].to_numpy().astype("datetime64[D]") - t["admit_dt"].to_numpy().astype("datetime64[D]")
        ).astype(int)
        of_month = (between == 29) & (t["los"].to_numpy() == 0)
        session = np.array(t["procedure_code"].to_pylist(), object) == "8751"
        shares.append((of_month[session].mean(), of_month[~session].mean()))
    assert shares[1][0] == pytest.approx(shares[0][0], abs=0.04)
    assert shares[1][1] < 0.005


def test_dates_that_tell_how_long_a_case_is_open_do_so_whatever_the_days_of_stay(fit):
    """Cases are closed after so many weeks, visits after others than stays, on any day but Sundays; those of 119 days are free."""
    g = np.random.default_rng(34)
    table = tariff_table(ROWS)
    opened = table["admit_dt"].to_numpy().astype("datetime64[D]")
    stays = table["los"].to_numpy() > 0
    days = np.where(stays, 41, g.choice([89, 119], ROWS, p=[0.6, 0.4]))
    days += (opened + days).astype(np.int64) % 7 == 3
    claimed = table["amount_claimed"].to_numpy()
    table = replaced(table, "discharge_dt", pa.array(opened + days))
    table = replaced(table, "amount_paid", np.where(days >= 119, 0, claimed))
    profile = fit(table)
    assert "stay_gap" not in profile.tables
    claims = Sampler(profile).draw_claims(1, np.arange(ROWS))
    first, last = (claims[name].to_numpy().astype("datetime64[D]") for name in ("admit_dt", "discharge_dt"))
    drawn, of_stay = (last - first).astype(int), claims["los"].to_numpy() > 0
    for those, theirs in ((of_stay, stays), (~of_stay, ~stays)):
        found, real = (np.bincount(d, minlength=130)[:130] / len(d) for d in (drawn[those], days[theirs]))
        assert np.abs(found - real).sum() / 2 < 0.03
    assert np.mean(last.astype(np.int64) % 7 == 3) < 0.01
    free = claims["amount_paid"].to_numpy() == 0
    assert free[drawn >= 119].mean() > 0.97
    assert free[drawn < 119].mean() < 0.03
    again = Sampler(profile).draw_money(1, np.arange(ROWS), claims.drop_columns(["amount_paid", "amount_gap"]))
    assert again["amount_paid"].equals(claims["amount_paid"])


@pytest.mark.slow
def test_dates_of_a_third_of_the_claims_tell_how_long_a_case_is_open(fit):
    """Of some visits the first and the last of two or three days are told, on any days of a month but Sundays."""
    g, table = np.random.default_rng(35), tariff_table(ROWS)
    opened = table["admit_dt"].to_numpy().astype("datetime64[D]")
    several = (table["los"].to_numpy() == 0) & (g.random(ROWS) < 0.6)
    days = np.where(several, g.integers(2, 29, ROWS), table["los"].to_numpy())
    days += several & ((opened + days).astype(np.int64) % 7 == 3)
    table = replaced(table, "discharge_dt", pa.array(opened + days))
    table = replaced(table, "los", pa.array(np.where(several, g.integers(2, 4, ROWS), table["los"].to_numpy())))
    claims = Sampler(fit(table)).draw_claims(1, np.arange(ROWS))
    first, last = (claims[name].to_numpy().astype("datetime64[D]") for name in ("admit_dt", "discharge_dt"))
    drawn, open_ = (last - first).astype(int), claims["service_type"].to_pandas().to_numpy() == "RJTL"
    visits = table["service_type"].to_pandas().to_numpy() == "RJTL"
    found, real = (np.bincount(d, minlength=60)[:60] / len(d) for d in (drawn[open_], days[visits]))
    assert np.abs(found - real).sum() / 2 < 0.05


def month_of(day):
    return day.astype("datetime64[M]").astype(int)


@pytest.fixture(scope="module")
def receipts(fit):
    """A visit's receipt has the first and the last of its one to five days in one month, none a Sunday; stays end on any day."""
    g, table = np.random.default_rng(36), tariff_table(ROWS)
    visit = table["los"].to_numpy() == 0
    month = np.datetime64("2023-01") + g.integers(0, 24, ROWS)
    begins, length = month.astype("datetime64[D]"), (month + 1).astype("datetime64[D]") - month.astype("datetime64[D]")
    days = np.where(visit, g.choice([1, 2, 3, 5], ROWS, p=[0.4, 0.25, 0.2, 0.15]), table["los"].to_numpy())
    each = np.sort(np.floor(g.random((ROWS, 5)) * length.astype(int)[:, None]), axis=1).astype(int)
    each -= (begins[:, None].astype(np.int64) + each) % 7 == 3  # the day before for a Sunday
    first = begins + np.maximum(each[:, 0], 0)
    last = np.where(visit & (days > 1), begins + np.maximum(each[np.arange(ROWS), np.minimum(days, 5) - 1], 0), first)
    last = np.maximum(np.where(visit, last, first + days), first)
    table = replaced(replaced(table, "admit_dt", pa.array(first)), "discharge_dt", pa.array(last))
    table = replaced(table, "los", pa.array(days))
    return table, fit(table)


def spans(claims):
    first, last = (claims[name].to_numpy().astype("datetime64[D]") for name in ("admit_dt", "discharge_dt"))
    return np.array(claims["service_type"].to_pylist()) == "RJTL", first, last


def test_claims_that_are_closed_with_the_month_end_in_it(receipts):
    table, profile = receipts
    assert "same_month" in profile.tables
    real, ours = spans(table), spans(Sampler(profile).draw_claims(1, np.arange(ROWS)))
    crossing = []
    for visit, first, last in (real, ours):
        crossing.append([np.mean((month_of(first) != month_of(last))[those]) for those in (visit, ~visit)])
        apart = visit & (last > first)
        assert np.mean(last[apart].astype(np.int64) % 7 == 3) < 0.03
    assert crossing[1][0] < 0.01
    assert crossing[1][1] == pytest.approx(crossing[0][1], abs=0.03)
    found, drawn = (
        np.bincount((last - first).astype(int)[visit], minlength=40)[:40] for visit, first, last in (real, ours)
    )
    assert np.abs(found / found.sum() - drawn / drawn.sum()).sum() / 2 < 0.05


def test_claims_of_some_days_are_closed_with_their_month_too(receipts):
    between = (date(2025, 3, 20), date(2025, 4, 9))
    sampler = Sampler(receipts[1])
    claims = sampler.draw_claims(1, np.arange(3000))
    drawn = sampler.draw_history(1, np.arange(3000), claims.drop_columns(["admit_dt", "discharge_dt"]), between)
    first, last = (drawn[name].to_numpy().astype("datetime64[D]") for name in ("admit_dt", "discharge_dt"))
    visit = np.array(claims["service_type"].to_pylist()) == "RJTL"
    assert first.min() >= np.datetime64(between[0])
    assert first.max() <= np.datetime64(between[1])
    # From the 20th of March on no visit of more than twelve days ends in it.
    fits = visit & ((last - first).astype(int) < 12)
    assert np.mean((month_of(first) != month_of(last))[fits]) < 0.01
    assert np.count_nonzero(month_of(first) == month_of(np.array("2025-04-01", "datetime64[D]"))) > 1000


@pytest.mark.slow
def test_stays_that_are_billed_at_the_end_of_each_month_end_there(fit):
    g, table = np.random.default_rng(38), tariff_table(ROWS)
    first = table["admit_dt"].to_numpy().astype("datetime64[D]")
    stay = np.where(table["los"].to_numpy() > 0, 1 + g.poisson(9, ROWS), 0)
    ends = (first.astype("datetime64[M]") + 1).astype("datetime64[D]") - 1
    last = np.minimum(first + stay, np.maximum(ends, first))
    table = replaced(replaced(table, "discharge_dt", pa.array(last)), "los", pa.array((last - first).astype(int)))
    _, first, last = spans(Sampler(fit(table)).draw_claims(1, np.arange(ROWS)))
    assert np.mean(month_of(first) != month_of(last)) < 0.01


def test_some_days_at_the_end_of_a_month_have_as_few_claims_on_sundays_as_others(receipts):
    """From Sunday, the 31st of August, to the Saturday after it."""
    sampler = Sampler(receipts[1])
    claims = sampler.draw_claims(1, np.arange(4000)).drop_columns(["admit_dt", "discharge_dt"])
    drawn = sampler.draw_history(1, np.arange(4000), claims, (date(2025, 8, 31), date(2025, 9, 6)))
    first = drawn["admit_dt"].to_numpy().astype("datetime64[D]")
    real = receipts[0]["admit_dt"].to_numpy().astype("datetime64[D]").astype(np.int64) % 7 == 3
    assert np.mean(first == np.datetime64("2025-08-31")) < real.mean() + 0.015


@pytest.mark.parametrize("days", [(4, 11), (0, 21), (29, 54)])
@pytest.mark.slow
def test_a_table_of_part_of_a_month_is_not_closed_with_it(fit, days):
    """Claims begin on some days of January, February or both, and stays end when they do."""
    g, table = np.random.default_rng(40), tariff_table(ROWS)
    first = np.datetime64("2024-01-01") + g.integers(*days, ROWS)
    table = replaced(table, "admit_dt", pa.array(first))
    table = replaced(table, "discharge_dt", pa.array(first + table["los"].to_numpy()))
    assert "same_month" not in fit(table).tables


@pytest.mark.slow
def test_days_that_stand_out_break_no_month(fit):
    """Bills are closed with the month; one claim in eight begins on the 28th of its month."""
    g, table = np.random.default_rng(41), tariff_table(2 * ROWS)
    month = np.datetime64("2023-01") + g.integers(0, 12, 2 * ROWS)
    ends = (month + 1).astype("datetime64[D]") - 1
    first = month.astype("datetime64[D]") + np.where(g.random(2 * ROWS) < 0.12, 27, g.integers(0, 28, 2 * ROWS))
    stay = np.where(table["los"].to_numpy() > 0, 1 + g.poisson(9, 2 * ROWS), 0)
    last = np.minimum(first + stay, ends)
    table = replaced(replaced(table, "admit_dt", pa.array(first)), "discharge_dt", pa.array(last))
    profile = fit(replaced(table, "los", pa.array((last - first).astype(int))))
    assert profile.special_dates
    _, begins, leaves = spans(Sampler(profile).draw_claims(1, np.arange(2 * ROWS)))
    assert np.mean(month_of(begins) != month_of(leaves)) < 0.01


@pytest.mark.slow
def test_bills_from_the_middle_of_a_month_to_that_of_the_next_end_there(fit):
    g, table = np.random.default_rng(39), tariff_table(ROWS)
    month = np.datetime64("2023-01") + g.integers(0, 24, ROWS)
    billed = table["los"].to_numpy() > 0
    begins = month.astype("datetime64[D]") + np.where(billed, g.integers(14, 28, ROWS), g.integers(0, 28, ROWS))
    ends = np.where(billed, begins + 19, begins)
    table = replaced(replaced(table, "admit_dt", pa.array(begins)), "discharge_dt", pa.array(ends))
    table = replaced(table, "los", pa.array(np.where(billed, 19, 0)))
    profile = fit(table)
    # Of what begins and ends on one day nothing is counted.
    counted = sum(sum(level.units) for level in profile.tables["same_month"].levels) * profile.k
    assert counted == pytest.approx(billed.sum(), rel=0.02)
    _, first, last = spans(Sampler(profile).draw_claims(1, np.arange(ROWS)))
    apart = last > first
    crosses = [
        np.mean((month_of(a) != month_of(b))[those]) for a, b, those in ((first, last, apart), (begins, ends, billed))
    ]
    assert crosses[1] > 0.95
    assert crosses[0] == pytest.approx(crosses[1], abs=0.02)


def test_stays_that_end_on_any_day_of_any_month_tell_nothing_of_it(fit):
    assert "same_month" not in fit(tariff_table(ROWS)).tables


def test_days_between_dates_that_few_have_are_not_told(fit):
    table = tariff_table(ROWS)
    days = table["los"].to_numpy() + np.where(np.arange(ROWS) < 9, 77, 0)
    table = replaced(table, "discharge_dt", pa.array(table["admit_dt"].to_numpy() + days))
    assert fit(table).bins["stay_gap"].lo == (-1.0, 0.0, 1.0)


def is_planned(codes, day):
    return (codes == "1341") & ((day.astype("datetime64[D]").astype(np.int64) + 3) % 7 < 6)


@pytest.fixture(scope="module")
def by_plan(fit):
    """One procedure is begun at seven, but on Sundays; all else at any time. The discharges are not told."""
    g, table = np.random.default_rng(37), tariff_table(ROWS)
    code = np.where(g.random(ROWS) < 0.3, "1341", "8952")
    first = table["admit_dt"].to_numpy().astype("datetime64[D]")
    hour = np.where(is_planned(code, first), 7, g.integers(0, 24, ROWS))
    admit = first.astype("datetime64[us]") + (hour * 3600 + g.integers(0, 3600, ROWS)) * SECOND
    table = replaced(replaced(table, "procedure_code", code.tolist()), "admit_dt", pa.array(admit))
    return Sampler(fit(table.drop_columns(["discharge_dt"])))


def test_who_comes_for_an_operation_comes_early(by_plan):
    drawn = by_plan.draw_claims(1, np.arange(ROWS)).to_pandas()
    early = drawn["admit_dt"].dt.hour.to_numpy() == 7
    planned = is_planned(drawn["procedure_code"].astype(str).to_numpy(), drawn["admit_dt"].to_numpy())
    assert early[planned].mean() > 0.9
    assert early[~planned].mean() < 0.08


def test_what_streams_comes_when_such_claims_come_on_that_day(by_plan):
    """Claims are seen at intake: they came three days before, at the hours of that weekday; where none is known, of any."""
    rows = np.arange(2000)
    claims = by_plan.draw_claims(1, rows).drop_columns(["admit_dt", "discharge_dt"])
    code = np.array(claims["procedure_code"].cast(pa.string()).to_pylist())
    early = by_plan.draw_day_times(1, rows, claims)["admit_second"].to_numpy() // 3600 == 7
    assert early[code == "1341"].mean() == pytest.approx(6 / 7, abs=0.05)
    assert early[code == "8952"].mean() < 0.08
    claims = claims.set_column(claims.column_names.index("los"), "los", pa.array(np.full(2000, 3)))
    for day, share in ((17, 1.0), (21, 0.04)):  # a Wednesday, a Sunday
        timed = add_times(claims, by_plan, "intake", 1, rows, datetime(2026, 6, day + 3, 9, tzinfo=UTC))
        admit = timed["admit_dt"].to_numpy()
        assert set(admit.astype("datetime64[D]").astype(str)) == {f"2026-06-{day}"}
        early = admit.astype("datetime64[h]").astype(np.int64) % 24 == 7
        assert early[code == "1341"].mean() == pytest.approx(share, abs=0.06)


def test_discharges_have_their_hours_where_admissions_are_days_alone(fit):
    g, table = np.random.default_rng(31), tariff_table(4000)
    ends = table["discharge_dt"].to_numpy().astype("datetime64[s]") + g.integers(9 * 3600, 17 * 3600, 4000)
    profile = fit(replaced(table, "discharge_dt", ends))
    assert profile.date_granularity == "time"
    claims = Sampler(profile).draw_claims(1, np.arange(2000))
    admit, discharge = (claims[name].to_numpy() for name in ("admit_dt", "discharge_dt"))
    assert (admit == admit.astype("datetime64[D]")).all()
    hours = (discharge - discharge.astype("datetime64[D]")).astype("timedelta64[h]").astype(int)
    assert set(hours.tolist()) == set(range(9, 17))
    days = (discharge.astype("datetime64[D]") - admit.astype("datetime64[D]")).astype(int)
    assert (days == claims["los"].to_numpy()).all()


@pytest.mark.many(daily=1)
@pytest.mark.parametrize("closed", [True, False])
def test_of_one_persons_many_stays_it_is_not_told_whether_they_end_with_the_month(fit, closed):
    """One claim in twenty-five is one person's, whose stays all end in their month, or all in the next one."""
    table, rows = tariff_table(ROWS), np.arange(ROWS)
    theirs = rows % 25 == 0
    first, stay = table["admit_dt"].to_numpy().astype("datetime64[D]"), table["los"].to_numpy()
    begins = first.astype("datetime64[M]").astype("datetime64[D]") + (rows % 10 if closed else 21 + rows % 7)
    first, stay = np.where(theirs, begins, first), np.where(theirs, 12, stay)
    table = replaced(replaced(table, "admit_dt", pa.array(first)), "discharge_dt", pa.array(first + stay))
    table = replaced(
        replaced(table, "los", pa.array(stay)), "patient_id_hash", np.where(theirs, "one", rows.astype(str))
    )
    assert "same_month" not in fit(table).tables


def with_nights(rows=20_000, persons_past=None):
    """An emergency unit is open at any hour; who comes in the evening may leave the next day without a day of stay.

    Who stays comes from 9 to 12 and leaves from 13 to 15. `persons_past`: so many persons leave past midnight, all others before it.
    """
    g = np.random.default_rng(8)
    table = tariff_table(rows, seed=8)
    days, visit = table["los"].to_numpy(), table["los"].to_numpy() == 0
    begins, lasts = np.where(visit, g.integers(0, 1440, rows), g.integers(540, 720, rows)), g.integers(60, 240, rows)
    if persons_past is not None:
        allowed = np.isin(np.arange(rows), np.flatnonzero(visit & (begins + lasts > 1440))[:persons_past])
        begins = np.where(visit & ~allowed, np.minimum(begins, 1439 - lasts), begins)
    admit = table["admit_dt"].to_numpy().astype("datetime64[D]").astype("datetime64[m]") + begins
    leaves = (admit.astype("datetime64[D]") + days).astype("datetime64[m]") + g.integers(780, 900, rows)
    discharge = np.where(visit, admit + lasts, leaves)
    for name, moments in (("admit_dt", admit), ("discharge_dt", discharge)):
        table = replaced(table, name, pa.array(moments.astype("datetime64[us]")))
    return table


def ends_next_day(claims):
    return (claims["los"] == 0) & (claims["discharge_dt"].dt.normalize() > claims["admit_dt"].dt.normalize())


@pytest.mark.slow
def test_visits_past_midnight_begin_late_and_last_less_than_a_day(fit):
    table = with_nights()
    drawn = Sampler(fit(table)).draw_claims(1, np.arange(20_000)).to_pandas()
    past = ends_next_day(drawn)
    assert past.mean() == pytest.approx(ends_next_day(table.to_pandas()).mean(), rel=0.15)
    assert (drawn[past]["admit_dt"].dt.hour >= 20).mean() > 0.97
    assert (drawn[past]["discharge_dt"] - drawn[past]["admit_dt"] < np.timedelta64(1, "D")).mean() > 0.99
    assert drawn[drawn["los"] > 0]["admit_dt"].dt.hour.between(9, 11).mean() > 0.97


def test_where_dates_are_given_hours_are_those_of_their_visits(fit):
    """A clock gives the dates, and the claims their times: who stays still comes in the morning, and leaves after noon."""
    sampler, rows = Sampler(fit(with_nights())), np.arange(4_000)
    claims = sampler.draw_claims(1, rows)
    timed = sampler.draw_day_times(1, rows, claims.drop_columns(["discharge_dt"]))
    stays = claims["los"].to_numpy() > 0
    admit, discharge = (seconds.to_numpy()[stays] // 3600 for seconds in timed.columns)
    assert np.isin(admit, range(9, 12)).mean() > 0.97
    assert np.isin(discharge, range(13, 15)).mean() > 0.97


def test_that_a_few_persons_leave_past_midnight_is_not_told(fit):
    profile = fit(with_nights(rows=6_000, persons_past=8))
    assert all("past_midnight" not in table.parents for table in profile.tables.values())
    many = fit(with_nights(rows=6_000))
    assert "past_midnight" in many.tables["admit_hour"].parents
    assert any("whether a visit ends on the next day" in table.given for table in describe_crossing(many).tables)


def test_visits_last_as_many_minutes_as_in_the_source_however_many_lengths_there_are(fit):
    """A quarter of an hour, or one of two hundred other lengths that only odd minutes are."""
    g = np.random.default_rng(37)
    table = tariff_table(ROWS)
    begins = g.integers(6 * 3600, 18 * 3600, ROWS)
    lasts = np.where(g.random(ROWS) < 0.3, 15, 21 + 2 * g.integers(0, 200, ROWS))
    admit = table["admit_dt"].to_numpy().astype("datetime64[D]").astype("datetime64[us]") + begins * SECOND
    table = replaced(table, "los", np.zeros(ROWS))
    table = replaced(replaced(table, "admit_dt", admit), "discharge_dt", admit + lasts * 60 * SECOND)
    claims = Sampler(fit(table)).draw_claims(1, np.arange(ROWS))
    minutes = (claims["discharge_dt"].to_numpy() - claims["admit_dt"].to_numpy()) / np.timedelta64(1, "m")
    assert np.mean(minutes % 2 == 1) > 0.97
    assert np.mean(minutes == 15) == pytest.approx(0.3, abs=0.02)
