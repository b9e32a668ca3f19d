"""Places that begin to group their cases each in its own month: who has a group says when, and where."""

import numpy as np
import pyarrow as pa
import pytest

from claims_sim.profile.sampler import Sampler
from claims_sim_tests.profile.tables import replaced, tariff_table

ROWS = 20_000
BEGINS = {"JAWA TIMUR": 0, "BALI": 3, "PAPUA": 6, "ACEH": 9, "RIAU": 12}


def shares_grouped(claims, place):
    """Of those who stay in a place: which share has a group, before its month and from it on."""
    there = np.array(claims["province_name"].to_pylist()) == place
    there &= np.array(claims["service_type"].to_pylist()) == "RITL"
    month = claims["admit_dt"].to_numpy().astype("datetime64[M]").astype(int) % 12
    has = np.array([group not in (None, "unknown") for group in claims["severity_group"].to_pylist()])
    return [
        float(has[there & part].mean()) if (there & part).any() else 0.0
        for part in (month < BEGINS[place], month >= BEGINS[place])
    ]


def grouped(table, month, g):
    """The table with admissions in the months that are given, and groups of the cases of those who stay from their place's month on."""
    places, services, codes = (
        np.array(table[name].to_pylist()) for name in ("province_name", "service_type", "dx_primary_code")
    )
    rows = len(table)
    admit = np.datetime64("2024-01") + month + g.integers(0, 27, rows).astype("timedelta64[D]")
    stay = table["los"].to_numpy().astype("timedelta64[D]")
    table = replaced(replaced(table, "admit_dt", admit), "discharge_dt", admit + stay)
    began = month >= np.array([BEGINS[place] for place in places])
    groups = [
        f"{code[0]}M{int(number):02d}" if stays and has else None
        for code, number, stays, has in zip(codes, g.integers(10, 40, rows), services == "RITL", began, strict=True)
    ]
    return replaced(table, "severity_group", groups)


@pytest.mark.slow
def test_each_place_groups_its_cases_from_its_own_month_on(fit):
    g, table = np.random.default_rng(83), tariff_table(ROWS)
    codes = np.array(table["dx_primary_code"].to_pylist())
    # Each diagnosis has a season of its own, which tells more of most claims than where they are.
    month = (3 * np.unique(codes, return_inverse=True)[1] + np.rint(g.normal(0, 2, ROWS)).astype(int)) % 12
    table = grouped(table, month, g)
    drawn = Sampler(fit(table)).draw_claims(3, np.arange(ROWS))
    for place in BEGINS:
        assert shares_grouped(drawn, place) == pytest.approx(shares_grouped(table, place), abs=0.18)


def test_a_parent_of_other_tables_stays_when_months_are_told_otherwise(fit):
    """Months by class and type of a house are dropped for those of places; a diagnosis follows its house's type all the same."""
    g, rows = np.random.default_rng(83), 10_000
    table = tariff_table(rows)
    codes, classes = (np.array(table[name].to_pylist()) for name in ("dx_primary_code", "facility_class"))
    of_class, of_code = (np.unique(values, return_inverse=True)[1] for values in (classes, codes))
    of_type = np.where(g.random(rows) < 0.6, of_code % 3, g.integers(0, 3, rows))
    month = (3 * of_code + np.rint(g.normal(0, 6, rows)).astype(int)) % 12
    which = g.random(rows)
    month = np.where(which < 0.1, of_class * 5 % 12, np.where(which < 0.16, of_type * 3 % 12, month))
    table = grouped(table, month, g)
    profile = fit(table.append_column("facility_type", pa.array([f"T{kind}" for kind in of_type])))
    assert "facility_type" in profile.features
    assert len(Sampler(profile).draw_claims(3, np.arange(100))) == 100
