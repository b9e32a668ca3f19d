"""Mapping files that say what their table belies: an error where nothing can be read so, a sentence where something does nothing."""

import json

import numpy as np
import pyarrow as pa
import pytest

from claims_sim.errors import SourceError
from claims_sim.profile.reading.mapping import load_mapping
from claims_sim.profile.reading.source import SourceSpec, SourceTable, read_source
from claims_sim_tests.profile.tables import pick, replaced, tariff_table, write_duckdb

ROWS = 1500


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A table with columns that others of ours could be mistaken for."""
    table, row = tariff_table(ROWS), np.arange(ROWS)
    extra = {
        "note": [f"seen by staff {i % 7}" for i in row],
        "total": [f"{(i * 37 % 900 + 20) * 1000}.00" for i in row],
        "won": (row * 7 % 400 + 1000) * 10,
        "snomed": (73_211_001 + pick(np.random.default_rng(1), 40, ROWS) * 17).tolist(),
        "icd9": np.array(["4280", "25000", "41401", "4019"], object)[row % 4].tolist(),
        "ward": ["VIP" if i % 10 < 2 else None for i in row],
        "stays": ["120 +" if i % 20 == 0 else "3" for i in row],
    }
    for name, values in extra.items():
        table = table.append_column(name, pa.array(values))
    return write_duckdb(table, tmp_path_factory.mktemp("source") / "claims.duckdb")


@pytest.fixture
def read(source, tmp_path):
    def with_mapping(text: str) -> SourceTable:
        (tmp_path / "m.toml").write_text(text, encoding="utf-8")
        return read_source(SourceSpec(source, mapping=tmp_path / "m.toml")).only_possible()

    return with_mapping


@pytest.mark.parametrize(
    ("ours", "kind"), [("amount_claimed", "number"), ("los", "number"), ("admit_dt", "date"), ("amount_paid", "number")]
)
def test_a_mapped_column_in_which_nothing_can_be_read_is_one_line(read, ours, kind):
    with pytest.raises(
        SourceError, match=f"^All of 'note', which .* gives for {ours}, could not be read as a {kind}: name"
    ) as told:
        read(f'[columns]\n{ours} = "note"\n')
    assert "\n" not in str(told.value)
    assert "staff" not in str(told.value)


def test_a_mapped_column_that_can_be_read_in_part_is_a_sentence(read):
    assert (
        "6.7% of los could not be read as a number and counts as missing."
        in read('[columns]\nlos = "stays"\n').oddities
    )


@pytest.mark.parametrize("theirs", ["total", "won", "amount_claimed"])
def test_amounts_are_no_diagnoses(read, theirs):
    with pytest.raises(
        SourceError, match=f"^'{theirs}', .* gives for dx_primary_code, holds amounts or running numbers"
    ):
        read(f'[columns]\ndx_primary_code = "{theirs}"\n')


@pytest.mark.parametrize("theirs", ["snomed", "icd9"])
def test_numbers_that_are_codes_of_a_list_are_diagnoses(read, theirs):
    assert read(f'[columns]\ndx_primary_code = "{theirs}"\n').rows == ROWS


def test_doctor_says_that_a_mapping_is_wrong(run, source, tmp_path):
    (tmp_path / "m.toml").write_text('[columns]\namount_claimed = "note"\n')
    code, out, _ = run("doctor", "--source", source, "--mapping", tmp_path / "m.toml", "--json")
    found = {finding["what"]: finding for finding in json.loads(out)}
    assert (code, found["source"]["verdict"]) == (1, "wrong")
    assert "All of 'note'" in found["source"]["found"]


def test_a_table_without_any_amount_is_refused_before_it_is_profiled(tmp_path):
    table = replaced(tariff_table(200).drop_columns("amount_paid"), "amount_claimed", ["none yet"] * 200)
    with pytest.raises(SourceError, match=r"^No amount could be read as a number of at least 0"):
        read_source(SourceSpec(write_duckdb(table, tmp_path / "c.duckdb"))).only_possible()


def test_two_of_ours_from_one_column_are_told_unless_it_may_hold_both(read):
    told = read('[columns]\namount_claimed = "total"\namount_paid = "total"\n').oddities
    assert any(
        sentence.startswith("amount_claimed and amount_paid are read from the same column: ") for sentence in told
    )
    both = '[columns]\ndx_primary_code = "icd9"\ndx_primary_label = "icd9"\ndx_secondary_codes = "icd9"\n'
    assert not any("same column" in sentence for sentence in read(both).oddities)


def test_a_mapped_column_that_is_mostly_empty_is_told(read):
    told = read('[columns]\nservice_type = "ward"\n').oddities
    assert "Most of service_type has no value: see that the mapping file names the right column." in told
    assert not any("procedure_code has no value" in sentence for sentence in told)


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ('[values.district_name]\nA = "B"', "[values.district_name] of the mapping file does nothing: no column is read as"),
        ('[values.admit_dt]\nA = "B"', "[values.admit_dt] of the mapping file does nothing: dates are read as they are."),
        ('[values.claim_id]\nA = "B"', "[values.claim_id] of the mapping file does nothing: ids are read as they are."),
        ('[values.service_type]\nRITL = "RITL"\nUGD = "RJTL"', "[values.service_type] of the mapping file names 'UGD', which"),
    ],
)  # fmt: skip
def test_a_part_of_the_mapping_file_that_does_nothing_is_told(read, section, said):
    told = read(f"{section}\n").oddities
    assert [sentence[: len(said)] for sentence in told if "[values." in sentence] == [said]


def test_keys_are_found_in_codes_as_they_are_written_and_as_they_are_read(read):
    told = read(
        '[columns]\ndx_primary_code = "icd9"\n[values.dx_primary_code]\n4280 = "I500"\n"V22.1" = "Z340"\n'
    ).oddities
    assert [sentence for sentence in told if "[values." in sentence] == [
        "[values.dx_primary_code] of the mapping file names 'V22.1', which hardly any claim holds: see how it is written in the table."
    ]


def test_whether_nobody_or_one_claim_holds_a_key_is_not_told(tmp_path):
    (tmp_path / "m.toml").write_text('[values.dx_primary_code]\nB20 = "B20"\n')
    told = []
    for rare in ("B20", "A00"):
        codes = [rare, *["A00"] * 299]
        table = replaced(tariff_table(300), "dx_primary_code", codes)
        spec = SourceSpec(write_duckdb(table, tmp_path / f"{rare}.duckdb"), mapping=tmp_path / "m.toml")
        told.append([sentence for sentence in read_source(spec).oddities if "[values." in sentence])
    assert told[0] == told[1]
    assert len(told[0]) == 1


@pytest.mark.parametrize(
    ("name", "key"), [("province_name", "BALI"), ("facility_class", "RS Kelas B"), ("facility_ownership", "Swasta"),
                      ("service_type", "RITL"), ("severity_group", "berat")]
)  # fmt: skip
def test_values_that_are_ours_already_need_no_name(read, name, key):
    told = [
        sentence for sentence in read(f'[values.{name}]\n"{key}" = "other"\n').oddities if "is not named" in sentence
    ]
    foreign = ["RS Khusus"] if name == "facility_class" else []
    assert len(told) == len(foreign)


def test_all_that_is_missing_is_named_and_how_many_columns_there_are(tmp_path):
    wide = pa.table({"dx": ["A00"], **{f"c{i:02d}": [1] for i in range(50)}})
    (tmp_path / "m.toml").write_text('[columns]\nseverity_group = "c00"\n')
    spec = SourceSpec(write_duckdb(wide, tmp_path / "c.duckdb"), mapping=tmp_path / "m.toml")
    with pytest.raises(SourceError) as told:
        read_source(spec)
    assert (
        "lacks dx_primary_code or procedure_code; admit_dt or discharge_dt or los. The mapping file has to name their columns: "
        'dx_primary_code = "…", admit_dt = "…" under [columns]; its columns are: c00, '
    ) in str(told.value)
    assert str(told.value).endswith(", c39 and 11 more.")


def test_a_strange_section_of_values_is_told_as_one(tmp_path):
    (tmp_path / "m.toml").write_text('[values.colour]\nred = "merah"\n')
    with pytest.raises(
        SourceError, match=r"has a section \[values\.colour\], but 'colour' is no column of claims; they are: "
    ):
        load_mapping(tmp_path / "m.toml")
