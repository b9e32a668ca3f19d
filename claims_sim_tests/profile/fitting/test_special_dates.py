"""Holidays and days of batches: dates that stand out are told, all others are not."""

import numpy as np
import pytest

from claims_sim.profile.document import Profile
from claims_sim.profile.drawing.wanted import ClaimFilter
from claims_sim.profile.sampler import Sampler
from claims_sim_tests.profile.tables import replaced, tariff_table

ROWS = 60_000
HOLIDAY, BATCH = np.datetime64("2024-06-17"), np.datetime64("2024-09-30")


def with_dates(rows=ROWS):
    """A year in which hardly anybody comes on one Monday, and every tenth claim is of one day."""
    g = np.random.default_rng(41)
    table = tariff_table(rows)
    days = np.arange("2024-01-01", "2025-01-01", dtype="datetime64[D]")
    admit = days[g.integers(0, len(days), rows)]
    away = (admit == HOLIDAY) & (g.random(rows) < 0.6)
    admit = np.where(away, days[g.integers(0, 100, rows)], admit)
    admit = np.where(g.random(rows) < 0.1, BATCH, admit)
    table = replaced(table, "admit_dt", admit)
    return replaced(table, "discharge_dt", admit + np.nan_to_num(table["los"].to_numpy()).astype(int))


@pytest.fixture(scope="module")
def dated(fit):
    table = with_dates()
    return fit(table), table


def on(table, day):
    return float(np.mean(table["admit_dt"].to_numpy().astype("datetime64[D]") == day))


@pytest.mark.slow
def test_a_holiday_and_a_day_of_batches_are_told_and_no_other_day(dated):
    profile, _ = dated
    assert [str(day) for day in profile.special_dates] == ["2024-06-17", "2024-09-30"]
    assert Profile.from_json(profile.to_json()) == profile


@pytest.mark.slow
def test_as_many_claims_fall_on_them_and_on_the_days_beside_them(dated):
    profile, table = dated
    claims = Sampler(profile).draw_claims(1, np.arange(ROWS))
    for day in (BATCH, HOLIDAY, HOLIDAY + 7, HOLIDAY - 7, BATCH - 7):
        assert on(claims, day) == pytest.approx(on(table, day), abs=6 * np.sqrt(on(table, day) / ROWS))


@pytest.mark.slow
def test_claims_of_days_that_are_asked_for_know_nothing_of_them(dated):
    profile, _ = dated
    sampler = Sampler(profile)
    wanted = sampler.conditions(ClaimFilter.parse(["date=2024-09-16..2024-10-06"]))
    claims = sampler.draw_claims(1, np.arange(4000), wanted)
    assert on(claims, BATCH) == pytest.approx(1 / 21, abs=0.03)


def test_days_that_differ_by_chance_alone_are_not_told(tariff_profile, foreign_profile):
    for profile in (tariff_profile, foreign_profile):
        assert profile.special_dates == ()
        assert "special_date" not in profile.to_json()


def test_a_date_of_fewer_than_k_persons_is_not_told(fit):
    table = with_dates()
    batch = table["admit_dt"].to_numpy().astype("datetime64[D]") == BATCH
    # All those claims are of four persons.
    persons = np.where(batch, np.arange(ROWS) % 4, np.arange(ROWS) + 4)
    profile = fit(replaced(table, "patient_id_hash", [f"person {i}" for i in persons]))
    assert [str(day) for day in profile.special_dates] == ["2024-06-17"]


@pytest.mark.parametrize(("rows", "told"), [(20_000, (16, 20)), (600, (0, 0))], ids=["many", "too few to tell"])
@pytest.mark.slow
def test_where_a_table_begins_and_ends_inside_a_month_no_claim_is_drawn_outside(fit, rows, told):
    """From 17 January to the 10th of December; of a few claims a week, nobody can tell that the table begins so late."""
    g = np.random.default_rng(43)
    days = np.arange("2024-01-17", "2024-12-11", dtype="datetime64[D]")
    table = tariff_table(rows)
    admit = days[g.integers(0, len(days), rows)]
    table = replaced(table, "admit_dt", admit)
    profile = fit(replaced(table, "discharge_dt", admit + np.nan_to_num(table["los"].to_numpy()).astype(int)))
    assert profile.days_without == pytest.approx(told, abs=1)
    drawn = Sampler(profile).draw_claims(2, np.arange(5000))["admit_dt"].to_numpy().astype("datetime64[D]")
    outside = np.mean((drawn < days[0] - 1) | (drawn > days[-1] + 1))
    assert bool(outside == 0.0) is (told != (0, 0))
    assert Profile.from_json(profile.to_json()) == profile
    assert any("lacks its first" in sentence for sentence in profile.oddities) is (told != (0, 0))


@pytest.mark.parametrize(
    "came",
    [
        pytest.param(np.arange(11, 21), id="too few", marks=pytest.mark.slow),
        pytest.param(np.arange(11, 22), id="eleven, one a day"),
        pytest.param(
            np.r_[np.repeat(np.arange(20), 5), np.repeat(np.arange(20, 31), 60)],
            id="few a day, then many",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_a_table_that_begins_slowly_begins_when_it_does(fit, came):
    """Some come in January; nobody's own day may follow from when enough have."""
    g = np.random.default_rng(44)
    table = tariff_table(20_000)
    admit = np.arange("2024-02-01", "2025-01-01", dtype="datetime64[D]")[g.integers(0, 335, 20_000)]
    admit[: len(came)] = np.datetime64("2024-01-01") + came
    table = replaced(table, "admit_dt", admit)
    table = replaced(table, "discharge_dt", admit + np.nan_to_num(table["los"].to_numpy()).astype(int))
    assert fit(table).days_without == (0, 0)


def test_claims_of_which_only_the_month_is_told_are_of_its_first_day(fit):
    table = tariff_table(12_000)
    admit = table["admit_dt"].to_numpy().astype("datetime64[M]").astype("datetime64[D]")
    table = replaced(replaced(table, "admit_dt", admit), "discharge_dt", admit + table["los"].to_numpy())
    profile = fit(table)
    assert not any("lacks its" in sentence for sentence in profile.oddities)
    drawn = Sampler(profile).draw_claims(2, np.arange(5000))["admit_dt"].to_numpy().astype("datetime64[D]")
    assert (drawn == drawn.astype("datetime64[M]").astype("datetime64[D]")).all()
    assert np.unique(drawn).size == 12


@pytest.mark.many(daily=1)
@pytest.mark.parametrize(
    ("days", "without"),
    [
        pytest.param(np.arange("2024-01-29", "2024-02-03", dtype="datetime64[D]"), (27, 27), id="about a month's end"),
        pytest.param(
            np.arange("2024-01", "2025-01", dtype="datetime64[M]")[:, None].astype("datetime64[D]") + np.arange(10), (0, 21),
            id="the first ten days of every month",
        ),
    ],
)  # fmt: skip
def test_a_table_of_some_days_of_its_months_is_none_of_months(fit, days, without):
    table, g = tariff_table(12_000), np.random.default_rng(45)
    admit = days.ravel()[g.integers(0, days.size, 12_000)]
    table = replaced(replaced(table, "admit_dt", admit), "discharge_dt", admit + table["los"].to_numpy())
    profile = fit(table)
    assert profile.days_without == without
    drawn = Sampler(profile).draw_claims(2, np.arange(5000))["admit_dt"].to_numpy().astype("datetime64[D]")
    assert days.min() - 1 <= drawn.min()  # no more than 27 days are told
    assert drawn.max() <= days.max()
