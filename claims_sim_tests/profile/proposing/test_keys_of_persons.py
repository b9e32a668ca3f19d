"""Which columns of a foreign table tell whose a claim is."""

from datetime import date

import duckdb
import pyarrow as pa
import pytest

from claims_sim.demo.source import write_demo_source
from claims_sim.profile.proposing.proposal import propose_mapping
from claims_sim.profile.proposing.proposal_toml import to_toml
from claims_sim.profile.reading.source import SourceSpec
from claims_sim_tests.profile.tables import write_duckdb

BORN = "DATE '1930-01-01' + CAST(PERSON % 25000 AS INTEGER) AS tgl_lahir"
REST = "1 + PERSON % 2 AS jenis_kelamin, CAST(10000 + PERSON % 89999 AS VARCHAR) AS kode_pos"


def line_of_persons(tmp_path, columns):
    """What is proposed as a key of persons for the demo source with `columns` in place of its own."""
    tmp_path.mkdir(exist_ok=True)
    write_demo_source(tmp_path / "demo.duckdb", rows=1_500)
    with duckdb.connect(str(tmp_path / "theirs.duckdb")) as connection:
        connection.execute(f"ATTACH '{tmp_path / 'demo.duckdb'}' AS original (READ_ONLY)")
        made = columns.replace("PERSON", "hash(patient_id_hash)")
        connection.execute(
            f"CREATE TABLE claims_normalized AS SELECT * EXCLUDE (patient_id_hash), {made} FROM original.claims_normalized"
        )
    lines = to_toml(propose_mapping(SourceSpec(tmp_path / "theirs.duckdb"))).splitlines()
    return next(line for line in lines if "patient_id_hash" in line)


@pytest.mark.slow
def test_where_no_column_is_a_key_of_persons_birth_and_sex_are(tmp_path):
    """Not where they live: who moves would be two, and a postcode may be that of a house that they go to."""
    line = line_of_persons(tmp_path, f"{REST}, {BORN}")
    assert line.startswith('patient_id_hash = ["tgl_lahir", "jenis_kelamin"]')
    assert "counts as one" in line


def test_values_are_shown_that_enough_persons_share_by_a_key_of_parts(tmp_path):
    """Of one day of birth are men and women; of few days and one sex too few."""
    for months, is_shown in ((12, True), (5, False)):
        claims, month = 600, [1 + i % months for i in range(600)]
        table = pa.table(
            {
                "dx": ["I10", "E119", "J189"] * 200, "lama_rawat": [i % 5 for i in range(claims)],
                "biaya": [1000.0 + i % 90 for i in range(claims)], "tgl_lahir": [date(1980, m, 1) for m in month],
                "jenis_kelamin": [1 + i // 12 % 2 for i in range(claims)], "layanan": ["RITL", "kelompok"] * 300,
            }
        )  # fmt: skip
        text = to_toml(propose_mapping(SourceSpec(write_duckdb(table, tmp_path / f"{months}.duckdb"))))
        assert 'patient_id_hash = ["tgl_lahir", "jenis_kelamin"]' in text
        assert ('"kelompok"' in text) == is_shown


@pytest.mark.parametrize("name", ["description", "keterangan", "text", "name", "run", "pos", "zip_of_attending"])
@pytest.mark.slow
def test_what_differs_from_claim_to_claim_is_no_key_of_persons(tmp_path, name):
    line = line_of_persons(tmp_path, f"'x ' || md5(claim_id) AS {name}")
    assert line.startswith("# patient_id_hash: nothing found")
    assert name not in line_of_persons(tmp_path / "more", f"{BORN}, {REST}, 'x ' || md5(claim_id) AS {name}")


@pytest.mark.slow
def test_a_key_of_persons_is_better_than_their_birth(tmp_path):
    line = line_of_persons(tmp_path, f"{BORN}, {REST}, PERSON AS no_kartu")
    assert line.startswith('patient_id_hash = "no_kartu"')


def test_a_sex_and_a_postcode_are_no_key_of_persons(tmp_path):
    assert line_of_persons(tmp_path, REST).startswith("# patient_id_hash: nothing found")
