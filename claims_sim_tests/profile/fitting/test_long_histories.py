"""Histories of decades, of few claims a month: what comes in which years is told by periods, and the months within them as they come."""

import numpy as np
import pyarrow as pa
import pytest

from claims_sim.profile.fitting.calendar import PERIOD
from claims_sim.profile.sampler import Sampler
from claims_sim_tests.profile.tables import replaced, tariff_table

ROWS, YEARS = 20_000, 20


@pytest.fixture(scope="module")
def table():
    """Each diagnosis comes in years of its own, five to either side of one, and oftener at the end of a year."""
    g, plain = np.random.default_rng(17), tariff_table(ROWS)
    number = np.unique(np.array(plain["dx_primary_code"].to_pylist()), return_inverse=True)[1]
    year = (number * 7 + np.rint(g.normal(0, 2.5, ROWS)).astype(int)) % YEARS
    month = np.where(g.random(ROWS) < 0.3, 11, g.integers(0, 12, ROWS))
    admit = np.datetime64("1995-01") + 12 * year + month + g.integers(0, 27, ROWS).astype("timedelta64[D]")
    discharge = admit + plain["los"].to_numpy().astype("timedelta64[D]")
    return replaced(replaced(plain, "admit_dt", admit), "discharge_dt", discharge)


def years_of(claims):
    """How many claims of each diagnosis come in each four years, as shares of all claims."""
    codes = np.array(claims["dx_primary_code"].to_pylist())
    part = (claims["admit_dt"].to_numpy().astype("datetime64[Y]").astype(int) - 25) // 4
    return {
        (code, years): float(((codes == code) & (part == years)).mean()) for code in set(codes) for years in range(5)
    }


def months_of(claims):
    months = claims["admit_dt"].to_numpy().astype("datetime64[M]").astype(int)
    return np.bincount(months % 12, minlength=12) / len(months), np.bincount(
        months - months.min(), minlength=12 * YEARS
    )


def test_each_diagnosis_comes_in_its_years(fit, table):
    profile = fit(table)
    assert profile.tables["admit_month"].parents[0] == PERIOD
    drawn = Sampler(profile).draw_claims(3, np.arange(ROWS))
    theirs, ours = years_of(table), years_of(drawn)
    assert sum(abs(theirs[cell] - ours.get(cell, 0.0)) for cell in theirs) / 2 < 0.05
    of_year, by_month = months_of(drawn)
    assert of_year == pytest.approx(months_of(table)[0], abs=0.02)
    assert np.corrcoef(by_month, months_of(table)[1])[0, 1] > 0.8
    assert Sampler(profile).draw_claims(3, np.arange(100, 200)).equals(drawn.slice(100, 100))


def test_a_history_without_years_of_its_own_has_no_periods(fit, table):
    mixed = np.random.default_rng(5).permutation(ROWS)
    admit = table["admit_dt"].to_numpy()[mixed]
    discharge = admit + table["los"].to_numpy().astype("timedelta64[D]")
    profile = fit(replaced(replaced(table, "admit_dt", pa.array(admit)), "discharge_dt", pa.array(discharge)))
    assert PERIOD not in profile.tables
