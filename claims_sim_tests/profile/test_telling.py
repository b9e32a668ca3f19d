"""Shares in sentences about a source: of one facility's claims, or of a few persons', only that there are some."""

import numpy as np
import pyarrow as pa
import pytest

from claims_sim.profile.source import SourceSpec, read_source
from claims_sim_tests.profile.tables import replaced, tariff_table, write_duckdb

ROWS = 1500
FEW_PERSONS, MANY_PERSONS = 5, 300


@pytest.fixture(scope="module")
def table():
    """Five facilities, each with a fifth of the claims."""
    at = pa.array([f"facility {row % 5}" for row in range(ROWS)])
    plain = tariff_table(ROWS)
    there = "facility_id" in plain.column_names
    return replaced(plain, "facility_id", at) if there else plain.append_column("facility_id", at)


def odd_claims(table, odd):
    """The table with a slip of each kind in the `odd` claims."""
    claimed = [f"? {row}" if odd[row] else str(value) for row, value in enumerate(table["amount_claimed"].to_pylist())]
    diagnoses = [None if odd[row] else code for row, code in enumerate(table["dx_primary_code"].to_pylist())]
    procedures = ["fixed it" if odd[row] else "9904" for row in range(ROWS)]
    dates = [str(value) for value in table["discharge_dt"].to_pylist()]
    ends = ["1890-01-01 00:00:00" if odd[row] else date for row, date in enumerate(dates)]
    for name, values in {
        "amount_claimed": claimed,
        "dx_primary_code": diagnoses,
        "procedure_code": procedures,
        "discharge_dt": ends,
    }.items():
        column = pa.array(values, pa.string())
        table = replaced(table, name, column) if name in table.column_names else table.append_column(name, column)
    return table


def sentences(table, tmp_path):
    source = read_source(SourceSpec(write_duckdb(table, tmp_path / "odd.duckdb")))
    found = {
        word: next((told for told in source.only_priced().oddities if word in told), None)
        for word in (
            "could not be read as a number",
            "have no primary diagnosis",
            "does not look like an ICD-9-CM code",
            "lies outside",
            "are discharged before",
        )
    }
    assert all(found.values()), found
    return found.values()


def test_a_fifth_of_all_facilities_claims_is_told(table, tmp_path):
    assert all(
        told.startswith("20.0% of ") for told in sentences(odd_claims(table, np.arange(ROWS) % 25 < 5), tmp_path)
    )


def test_a_facilitys_own_slips_are_not_counted(table, tmp_path):
    told = sentences(odd_claims(table, np.arange(ROWS) % 5 == 2), tmp_path)
    assert all(sentence.startswith("Some of ") for sentence in told)


def test_without_a_key_of_facilities_they_are(table, tmp_path):
    told = sentences(odd_claims(table, np.arange(ROWS) % 5 == 2).drop_columns(["facility_id"]), tmp_path)
    assert all(sentence.startswith("20.0% of ") for sentence in told)


@pytest.mark.parametrize(("persons", "share"), [(FEW_PERSONS, "Some of "), (MANY_PERSONS, "20.0% of ")])
def test_slips_in_the_claims_of_a_few_persons_are_not_counted(table, tmp_path, persons, share):
    odd = np.arange(ROWS) % 25 < 5
    whose = [f"{'odd' if odd[row] else 'even'} {row % persons}" for row in range(ROWS)]
    told = sentences(odd_claims(replaced(table, "patient_id_hash", whose), odd), tmp_path)
    assert all(sentence.startswith(share) for sentence in told)


def test_claims_without_a_persons_key_are_counted_as_claims(table, tmp_path):
    odd = np.arange(ROWS) % 25 < 5
    whose = [None if odd[row] else f"person {row}" for row in range(ROWS)]
    source = read_source(SourceSpec(write_duckdb(replaced(table, "patient_id_hash", whose), tmp_path / "odd.duckdb")))
    assert any(told.startswith("20.0% of claims have no patient_id_hash") for told in source.oddities)
