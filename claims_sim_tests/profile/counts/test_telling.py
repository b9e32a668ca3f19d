"""Shares in sentences about a source: of one facility's claims or a few persons', or of all but these, only that there are some."""

from datetime import datetime

import numpy as np
import pyarrow as pa
import pytest

from claims_sim.profile.reading.source import SourceSpec, read_source
from claims_sim_tests.profile.tables import replaced, tariff_table, write_duckdb

ROWS = 1500
PLACE = np.arange(ROWS)
EVERYWHERE, ONE_FACILITY = PLACE % 25 < 5, PLACE % 5 == 2


def of(values):
    """A column of the table with other values, or none, in the odd claims."""

    def change(table, name, odd):
        column = [values(row) if odd[row] else one for row, one in enumerate(table[name].to_pylist())]
        return replaced(table, name, column)

    return change


SLIPS = {
    "could not be read as a number": ("amount_claimed", of(lambda row: f"? {row}")),
    "is negative": ("amount_paid", of(lambda _: "-5")),
    "have no primary diagnosis": ("dx_primary_code", of(lambda _: None)),
    "has no dx_primary_label": ("dx_primary_label", of(lambda _: None)),
    "does not look like an ICD-9-CM code": ("procedure_code", of(lambda _: "fixed it")),
    "lies outside": ("discharge_dt", of(lambda _: "1890-01-01 00:00:00")),
    "lack a discharge or days of stay": ("los", of(lambda _: None)),
    "have no amount": ("amount_claimed", of(lambda _: None)),
}


@pytest.fixture(scope="module")
def table():
    """Five facilities, each with a fifth of the claims, and two or three claims of each person; amounts and dates are texts."""
    table = tariff_table(ROWS)
    for name, values in {
        "facility_id": [f"facility {row % 5}" for row in range(ROWS)],
        "patient_id_hash": [f"person {row % 600}" for row in range(ROWS)],
        "dx_primary_label": ["fever"] * ROWS,
        "procedure_code": ["9904"] * ROWS,
        "discharge_dt": [str(one) for one in table["discharge_dt"].to_pylist()],
        "amount_claimed": [str(one) for one in table["amount_claimed"].to_pylist()],
        "amount_paid": [str(one) for one in table["amount_paid"].to_pylist()],
    }.items():
        column = pa.array(values, pa.string())
        table = replaced(table, name, column) if name in table.column_names else table.append_column(name, column)
    return table


def told(table, slip, odd, tmp_path, k=11):
    name, change = SLIPS[slip]
    if slip == "have no amount":
        table = table.drop_columns(["amount_paid"])
    path = tmp_path / f"{len(list(tmp_path.iterdir()))}.duckdb"
    source = read_source(SourceSpec(write_duckdb(change(table, name, odd), path)), k).only_possible(k)
    (sentence,) = (one for one in source.oddities if slip in one)
    return sentence


@pytest.mark.many(daily=3)
@pytest.mark.parametrize("slip", SLIPS)
def test_a_fifth_of_all_facilities_claims_is_told(table, tmp_path, slip):
    assert told(table, slip, EVERYWHERE, tmp_path).startswith("20.0% of ")


@pytest.mark.many(daily=6)
@pytest.mark.parametrize("slip", SLIPS)
@pytest.mark.parametrize("odd", [ONE_FACILITY, ~ONE_FACILITY], ids=["its", "the others'"])
def test_the_claims_of_one_facility_are_not_counted_nor_those_of_all_others(table, tmp_path, slip, odd):
    assert told(table, slip, odd, tmp_path).startswith("Some of ")


@pytest.mark.many(daily=6)
@pytest.mark.parametrize("slip", SLIPS)
@pytest.mark.parametrize("odd", [EVERYWHERE, ~EVERYWHERE], ids=["theirs", "the others'"])
def test_the_claims_of_a_few_persons_are_not_counted_nor_those_of_all_others(table, tmp_path, slip, odd):
    whose = [f"odd {row % 5}" if EVERYWHERE[row] else f"person {row % 600}" for row in range(ROWS)]
    assert told(replaced(table, "patient_id_hash", whose), slip, odd, tmp_path).startswith("Some of ")


def test_how_many_persons_are_few_is_the_owners_to_say(table, tmp_path):
    whose = [f"odd {row % 20}" if EVERYWHERE[row] else f"person {row % 600}" for row in range(ROWS)]
    few = replaced(table, "patient_id_hash", whose)
    for k, share in ((11, "20.0% of "), (30, "Some of ")):
        assert told(few, "have no primary diagnosis", EVERYWHERE, tmp_path, k).startswith(share)


def test_without_a_key_of_facilities_all_are_counted(table, tmp_path):
    plain = table.drop_columns(["facility_id"])
    assert told(plain, "have no primary diagnosis", ONE_FACILITY, tmp_path).startswith("20.0% of ")


def test_two_facilities_and_claims_without_the_key_of_one_are_three(table, tmp_path):
    houses = [None if row % 5 == 0 else "a" if row % 5 == 2 else "b" for row in range(ROWS)]
    mixed = replaced(table, "facility_id", pa.array(houses, pa.string()))
    assert told(mixed, "have no primary diagnosis", ONE_FACILITY, tmp_path).startswith("Some of ")
    two = replaced(table, "facility_id", ["a" if row % 5 == 2 else "b" for row in range(ROWS)])
    assert told(two, "have no primary diagnosis", ONE_FACILITY, tmp_path).startswith("20.0% of ")


def test_claims_without_a_persons_key_are_counted_as_claims(table, tmp_path):
    whose = [None if EVERYWHERE[row] else f"person {row}" for row in range(ROWS)]
    source = read_source(SourceSpec(write_duckdb(replaced(table, "patient_id_hash", whose), tmp_path / "odd.duckdb")))
    assert any(one.startswith("20.0% of claims have no patient_id_hash") for one in source.oddities)


def test_a_claim_that_says_nothing_is_not_among_those_that_are_counted(table, tmp_path):
    """Only f2 and the odd ones name a procedure: of these the others are one facility's."""
    done = [None if not (EVERYWHERE[row] or ONE_FACILITY[row]) else "9904" for row in range(ROWS)]
    odd = EVERYWHERE & ~ONE_FACILITY
    few = replaced(table, "procedure_code", pa.array(done, pa.string()))
    assert told(few, "does not look like an ICD-9-CM code", odd, tmp_path).startswith("Some of ")


def test_values_that_a_map_does_not_name_are_counted_by_the_same_rule(table, tmp_path):
    (tmp_path / "m.toml").write_text('[values.facility_ownership]\n"theirs" = "Swasta"\n')
    for odd, share in ((EVERYWHERE, "20.0% of "), (ONE_FACILITY, "Some of ")):
        owners = replaced(table, "facility_ownership", ["odd" if one else "theirs" for one in odd])
        spec = SourceSpec(write_duckdb(owners, tmp_path / f"{share[0]}.duckdb"), mapping=tmp_path / "m.toml")
        assert any(one.startswith(share) and "is not named in" in one for one in read_source(spec).oddities)


def test_the_table_is_as_these_tests_mean_it(table):
    assert EVERYWHERE.sum() == ONE_FACILITY.sum() == ROWS / 5
    assert datetime.fromisoformat(table["discharge_dt"][0].as_py())
    assert {table["facility_id"][row].as_py() for row in np.flatnonzero(ONE_FACILITY)} == {"facility 2"}
