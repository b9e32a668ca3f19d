"""Times of day: of houses that write the day only beside others, and of visits whose end is not always written down."""

import numpy as np
import pyarrow as pa
import pytest

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


def test_houses_that_write_the_day_only_do_so_in_what_is_drawn(fit):
    table = with_times(tariff_table(ROWS), np.random.default_rng(3).random(ROWS) < 0.3)
    claims = Sampler(fit(table)).draw_claims(1, np.arange(ROWS))
    for rows in (lambda t: t["los"].to_numpy() > 0, lambda t: t["los"].to_numpy() == 0):
        real, drawn = (
            [at_midnight(t, name)[rows(t)] for name in ("admit_dt", "discharge_dt")] for t in (table, claims)
        )
        assert drawn[0].mean() == pytest.approx(real[0].mean(), abs=0.03)
        assert (drawn[0] == drawn[1]).mean() > 0.98


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
