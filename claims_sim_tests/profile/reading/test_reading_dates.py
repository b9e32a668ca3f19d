"""How dates are read: days or months first without marks, in the Buddhist era, and what is none."""

from contextlib import contextmanager
from datetime import date

import duckdb
import pytest

from claims_sim.profile.proposing.proposal import propose_mapping
from claims_sim.profile.reading.mapping import ColumnMapping
from claims_sim.profile.reading.source import SourceSpec, open_source
from claims_sim.profile.reading.source_sql import date_expression
from claims_sim.profile.writing.reverse import foreign_columns, read_forms
from claims_sim_tests.profile.reading.test_source import parquet


@contextmanager
def table_of(path, dates):
    """A table with these dates of admission, open, and where its columns are."""
    others = {"dx_primary_code": ["I10"] * len(dates), "amount_claimed": [1.0] * len(dates)}
    with open_source(parquet(path / "claims.parquet", admit_dt=dates, **others)) as opened:
        yield opened, opened.find_columns(ColumnMapping(), "it")


def days_of(path, dates):
    """The dates as they are read, None for what is none."""
    with table_of(path, dates) as (opened, located):
        date_ = date_expression(located["admit_dt"])
        told = opened.connection.execute(f"SELECT strftime({date_}, '%Y-%m-%d') FROM {opened.relation}").fetchall()
    return [day for (day,) in told]


@pytest.mark.parametrize(
    ("dates", "read"),
    [
        (["02012025", "31052025", "07081999"], ["2025-01-02", "2025-05-31", "1999-08-07"]),
        (["05312025", "12072025", "01132024"], ["2025-05-31", "2025-12-07", "2024-01-13"]),
        ([2012025, 31052025, 7081999], ["2025-01-02", "2025-05-31", "1999-08-07"]),
        (["20250102", "20250531", "20241225"], ["2025-01-02", "2025-05-31", "2024-12-25"]),
        (["29/02/2567", "31/05/2568", "31/05/2025"], ["2024-02-29", "2025-05-31", "2025-05-31"]),
        (["25670229", "25680531", "25660101"], ["2024-02-29", "2025-05-31", "2023-01-01"]),
        (["29022567", "31052568", "24072565"], ["2024-02-29", "2025-05-31", "2022-07-24"]),
        (["256702291530", "256805312359", "256601010000"], ["2024-02-29", "2025-05-31", "2023-01-01"]),
        (["2567-02-29", "2568-05-31", "2566-01-01"], ["2024-02-29", "2025-05-31", "2023-01-01"]),
        ([date(2568, 5, 31), date(2567, 2, 28), date(2566, 1, 1)], ["2025-05-31", "2024-02-28", "2023-01-01"]),
        (["24062025", "25062025", "26062025"], ["2025-06-24", "2025-06-25", "2025-06-26"]),
        (["250620251015", "010720250000", "310720252359"], ["2025-06-25", "2025-07-01", "2025-07-31"]),
        (["010220251015", "030420251015", "123120251015"], ["2025-01-02", "2025-03-04", "2025-12-31"]),
        ([1022025, 3042025, 12312025, 11302025], ["2025-01-02", "2025-03-04", "2025-12-31", "2025-11-30"]),
        (["2568-01-02 10:15:30.2500", "2567-02-29 10:15:30.1"], ["2025-01-02", "2024-02-29"]),
        (["2025-01-02 10:15:30.2500", "2024-02-29 10:15:30.2600"], ["2025-01-02", "2024-02-29"]),
        ([None] * 12_000 + ["01/01/2568"] * 2, [None] * 12_000 + ["2025-01-01"] * 2),
    ],
)  # fmt: skip
@pytest.mark.slow
def test_days_first_without_marks_and_years_of_the_buddhist_era_are_read(tmp_path, dates, read):
    assert days_of(tmp_path, dates) == read


def test_a_column_of_dates_keeps_its_years_of_the_buddhist_era(tmp_path):
    with table_of(tmp_path, [date(2568, 1, 1 + i % 28) for i in range(100)]) as (opened, located):
        forms = read_forms(opened, located, ColumnMapping(), 11)
    admitted = {"admit_dt": located["admit_dt"]}
    (column,) = foreign_columns({"admit_dt": "DATE"}, admitted, ColumnMapping(), forms, {})
    said = duckdb.sql(f"SELECT {column.expression} FROM (SELECT TIMESTAMP '2025-05-05 00:00:00' AS admit_dt)")
    assert said.fetchall() == [(date(2568, 5, 5),)]


@pytest.mark.parametrize(
    "texts",
    [
        ["190724", "240719", "220315"], ["12102", "99213", "12345"], [2022001, 2022002, 2022009], [1704067200000, 1704067260000],
        ["1704067200000", "1704067260000"], ["1140102", "1131231"],
    ],
)  # fmt: skip
def test_numbers_that_are_no_dates_are_no_days_of_claims(tmp_path, texts):
    """None, or in a year that no claim is of: that counts as missing."""
    assert all(day is None or day < "1950" for day in days_of(tmp_path, texts))


def test_odd_types_beside_dates_are_looked_at_without_harm(tmp_path):
    path = tmp_path / "c.parquet"
    duckdb.sql(
        f"""COPY (SELECT [DATE '2025-01-01'] AS tgl, [TIMESTAMP '2025-01-01'] AS waktu, DATE '300000-01-01' AS far,
          TIMESTAMPTZ '2025-01-01' AS zoned, TIME '10:15:00' AS hour, true AS flag, DATE '2025-01-02' AS admit_dt, 'I10' AS dx_primary_code,
          1.0 AS amount_claimed FROM range(60)) TO '{path}' (FORMAT parquet)"""
    )
    proposal = propose_mapping(SourceSpec(path))
    assert {placed.ours: placed.theirs for placed in proposal.placed}["admit_dt"] == "admit_dt"
