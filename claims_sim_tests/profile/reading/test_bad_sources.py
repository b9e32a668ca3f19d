"""Sources as they come: each fault is a clear line or a clear report, and what comes out is a whole profile or none."""

import re
import struct

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from claims_sim.errors import SourceError
from claims_sim.profile.counts.telling import about, share_of
from claims_sim.profile.crossing import describe_crossing
from claims_sim.profile.document import Profile
from claims_sim.profile.drawing.stand_ins import without_stand_ins
from claims_sim.profile.proposing.proposal import propose_mapping
from claims_sim.profile.reading.mapping import load_mapping
from claims_sim.profile.reading.oddities import repeats_in_words
from claims_sim.profile.reading.source import SourceSpec, read_claims, read_source
from claims_sim.profile.sampler import Sampler
from claims_sim_tests.profile.tables import DX, pick, replaced, tariff_table, with_values, write_duckdb

ROWS = 1500
LEAST = ("dx_primary_code", "amount_claimed", "patient_id_hash")


@pytest.fixture(scope="module")
def table():
    return tariff_table(ROWS)


def whole(profile, rows=300):
    """The profile survives its own check, and every claim drawn from it is complete."""
    assert Profile.from_json(profile.to_json()) == profile
    claims = Sampler(profile).draw_claims(1, np.arange(rows))
    for name in ("admit_dt", "discharge_dt", "los", "dx_primary_code", "amount_claimed", "amount_paid"):
        assert claims[name].null_count == 0
    frame = claims.to_pandas()
    assert (frame.discharge_dt >= frame.admit_dt).all()
    assert (frame.amount_claimed >= 0).all()
    return frame


@pytest.mark.parametrize("when", ["admit_dt", "discharge_dt", "los"])
def test_one_date_or_the_stay_is_enough(fit, table, when):
    profile = fit(table.select([*LEAST, when]))
    frame = whole(profile)
    if when == "los":
        assert "admit_dt" in profile.defaults
    else:
        assert profile.defaults["los"].startswith("1 day for RITL claims, else 0")
        assert set(frame.los) == {0}
        assert profile.vocabularies["admit_month"][0] in ("2024-01", "2024-02")


def test_without_a_stay_inpatients_stay_a_night(fit, table):
    profile = fit(table.select([*LEAST, "admit_dt", "service_type"]))
    frame = whole(profile)
    assert set(frame.los[frame.service_type == "RITL"]) == {1}
    assert set(frame.los[frame.service_type == "RJTL"]) == {0}


def test_an_absent_admission_is_reckoned_from_discharge_and_stay(fit, table):
    profile = fit(table.drop_columns("admit_dt"))
    assert any("admit_dt is absent" in sentence for sentence in profile.oddities)
    assert len(profile.vocabularies["admit_month"]) >= 12
    whole(profile)


@pytest.mark.parametrize(
    ("absent", "default"),
    [
        ("severity_group", "unknown"),
        pytest.param("province_name", "unknown", marks=pytest.mark.slow),
        pytest.param("facility_class", "unknown", marks=pytest.mark.slow),
        ("amount_paid", "equal to amount_claimed"),
        ("amount_claimed", "equal to amount_paid"),
        pytest.param("procedure_code", "none", marks=pytest.mark.slow),
        ("dx_secondary_codes", "none"),
    ],
)
def test_a_payload_field_that_the_source_lacks_has_a_named_default(fit, table, absent, default):
    profile = fit(table.drop_columns(absent))
    assert profile.defaults[absent] == default
    assert absent in profile.absent
    whole(profile)


def test_columns_without_a_value_count_as_absent_and_are_reported(fit, table):
    for name in ("severity_group", "province_name", "amount_paid", "admit_dt", "dx_secondary_codes"):
        table = replaced(table, name, pa.nulls(ROWS, table[name].type))
    profile = fit(table)
    assert {"severity_group", "province_name", "amount_paid"} <= set(profile.defaults)
    assert "province_name is empty: it counts as absent." in profile.oddities
    whole(profile)


def test_a_needed_column_without_a_value_is_one_clear_line(fit, table):
    with pytest.raises(SourceError) as error:
        fit(replaced(table, "dx_primary_code", pa.nulls(ROWS, pa.string())))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("has", [(), ("amount_gap",), ("amount_claimed",)])
def test_a_table_without_amounts_is_profiled_and_its_claims_claim_nothing(fit, table, has):
    lacks = table.drop_columns(["amount_claimed", "amount_paid"])
    for name in has:
        lacks = lacks.drop_columns([name] if name in lacks.column_names else [])
        lacks = lacks.append_column(name, pa.nulls(ROWS, pa.float64()) if name == "amount_claimed" else [[7.0] * ROWS])
    profile = fit(lacks)
    assert {"amount_claimed", "amount_paid"} <= set(profile.absent)
    assert profile.defaults["amount_claimed"] == "0"
    assert "No column has amounts: simulated claims claim 0." in profile.oddities
    frame = whole(profile)
    assert set(frame.amount_claimed) == set(frame.amount_paid) == {0}
    of_its_shape = without_stand_ins(profile, Sampler(profile).draw_claims(1, np.arange(300)))
    for name in ("amount_claimed", "amount_paid", "amount_gap"):
        assert of_its_shape[name].null_count == 300
    asked = without_stand_ins(profile, Sampler(profile).draw_claims(1, np.arange(300)), asked=["amount_claimed"])
    assert asked["amount_claimed"].null_count == 0


@pytest.mark.parametrize("theirs", ["total_cost", "BIAYA_RS", "amt"])
def test_numbers_that_are_called_amounts_are_not_passed_over(fit, table, theirs):
    unnamed = table.drop_columns("amount_paid").rename_columns(
        [theirs if name == "amount_claimed" else name for name in table.column_names if name != "amount_paid"]
    )
    with pytest.raises(SourceError, match=rf"lacks amount_claimed, which its column '{theirs}' may be") as error:
        fit(unnamed)
    assert f'amount_claimed = "{theirs}" under [columns]' in str(error.value)
    assert "give a view without that column" in str(error.value)


def test_nulls_everywhere_do_no_harm(fit, table):
    g = np.random.default_rng(3)
    for name in table.column_names:
        kept = g.random(ROWS) < 0.7
        column = [value if keep else None for value, keep in zip(table[name].to_pylist(), kept, strict=True)]
        table = replaced(table, name, pa.array(column, table[name].type))
    profile = fit(table)
    assert any("no primary diagnosis" in sentence for sentence in profile.oddities)
    whole(profile)


@pytest.mark.parametrize("year", [pytest.param("1900-01-01", marks=pytest.mark.slow), "2200-06-01"])
def test_dates_out_of_this_world_count_as_missing(fit, table, year):
    column = with_values(table, "admit_dt", range(200), np.datetime64(year).astype(object))
    profile = fit(column)
    assert any("lies outside 1950 to 2100" in sentence for sentence in profile.oddities)
    assert f'"{year[:4]}' not in profile.to_json()
    whole(profile)


def test_discharge_before_admission_is_reported_and_never_drawn(fit, table):
    early = np.datetime64("2023-01-01").astype(object)
    profile = fit(with_values(table, "discharge_dt", range(300), early))
    assert "20.0% of claims are discharged before they are admitted; their dates count as missing." in profile.oddities
    whole(profile)


@pytest.mark.slow
def test_repeated_ids_and_negative_money_are_reported(fit, table):
    table = with_values(with_values(table, "claim_id", range(600), "same"), "amount_claimed", range(150), -5.0)
    profile = fit(table)
    assert any("claim_id are repeats of another claim's: the rows may be lines" in told for told in profile.oddities)
    ids = replaced(table, "claim_id", ["same" if i < 60 else f"c{i}" for i in range(ROWS)])
    assert any(told.endswith("of claim_id are repeats of another claim's.") for told in fit(ids).oddities)
    assert "10.0% of amount_claimed is negative and counts as missing." in profile.oddities
    whole(profile)


def test_ids_that_differ_in_two_places_are_no_repeats(table, tmp_path):
    # DuckDB's hash() gives both the same number.
    ids = ["INV/2402/0273599", "INV/2405/0273594", *(f"c{i}" for i in range(2, ROWS))]
    source = read_source(SourceSpec(write_duckdb(replaced(table, "claim_id", ids), tmp_path / "c.duckdb")))
    assert not any("claim_id" in told for told in source.oddities)
    told = repeats_of([*range(40), 3, None, None], tmp_path)
    assert told == "A few (fewer than 50) of claim_id are repeats of another claim's"


def repeats_of(ids, folder):
    with duckdb.connect(str(folder / "ids.duckdb")) as connection:
        connection.register("ids", pa.table({"id": pa.array(ids, pa.int64())}))
        return repeats_in_words(connection, "ids", "id")


@pytest.mark.parametrize(
    ("claims", "text"),
    [
        (49, "fewer than 50"),
        (55, "about 50"),
        (1_496, "about 1,500"),
        (12_341, "about 12,300"),
        (119_999, "about 120,000"),
        (120_010, "about 120,000"),
        (5_004_321, "about 5,000,000"),
    ],
)
def test_a_rounded_number_of_claims_looks_rounded(claims, text):
    assert about(claims) == text


@pytest.mark.slow
def test_text_where_numbers_and_dates_should_be_is_counted_and_left_out(fit, table):
    amounts = [str(v) if i % 3 else "lihat lampiran" for i, v in enumerate(table["amount_claimed"].to_pylist())]
    dates = [v.strftime("%d/%m/%Y") if i % 5 else "kemarin" for i, v in enumerate(table["admit_dt"].to_pylist())]
    profile = fit(replaced(replaced(table, "amount_claimed", amounts), "admit_dt", dates))
    told = " ".join(profile.oddities)
    assert "33.3% of amount_claimed could not be read as a number" in told
    assert "20.0% of admit_dt could not be read as a date" in told
    assert "lampiran" not in profile.to_json()
    assert len(profile.vocabularies["admit_month"]) == 12
    whole(profile)


def test_numbers_for_dates_are_read_as_year_month_day(fit, table):
    whole_numbers = [int(value.strftime("%Y%m%d")) for value in table["admit_dt"].to_pylist()]
    assert len(fit(replaced(table, "admit_dt", whole_numbers)).vocabularies["admit_month"]) == 12


def test_lists_in_strange_columns_are_no_crash(fit, table):
    lists = pa.array([[1.0]] * ROWS)
    profile = fit(replaced(replaced(table, "los", lists), "severity_group", lists))
    assert any("los could not be read as a number" in sentence for sentence in profile.oddities)
    whole(profile)


@pytest.mark.slow
def test_columns_of_long_texts_are_not_read_and_one_that_is_needed_is_named(table, tmp_path, monkeypatch):
    monkeypatch.setattr("claims_sim.profile.reading.source._MEMORY", "96MB")
    path = write_duckdb(table.slice(0, 600), tmp_path / "c.duckdb")
    with duckdb.connect(str(path)) as connection:
        connection.execute("ALTER TABLE claims_normalized ADD COLUMN doc VARCHAR")
        connection.execute("UPDATE claims_normalized SET doc = '{\"a\": \"' || repeat(md5(claim_id), 8000) || '\"}'")
    assert read_source(SourceSpec(path)).rows == 600
    assert read_claims(SourceSpec(path), 500).num_rows == 500
    proposal = propose_mapping(SourceSpec(path))
    assert "doc" in {name for name, _ in proposal.left_over}
    (tmp_path / "m.toml").write_text('[columns]\ndistrict_name = "doc"\n')
    with pytest.raises(
        SourceError, match=r"holds values in 'doc' that are too long to be read within 96MB: leave"
    ) as told:
        read_claims(SourceSpec(path, mapping=tmp_path / "m.toml"), 500)
    assert "\n" not in str(told.value)


def test_a_text_that_is_too_long_for_a_category_takes_no_room(table, tmp_path):
    long = replaced(table, "facility_class", ["x" * 5000 if i % 2 else "RS" for i in range(ROWS)])
    read = read_source(SourceSpec(write_duckdb(long, tmp_path / "c.duckdb"))).columns
    assert {len(value) for value in read["facility_class"].unique().to_pylist()} == {2, 201}


def test_a_view_profiles_like_its_table(table, tmp_path, fit):
    path = write_duckdb(table, tmp_path / "c.duckdb", "raw")
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE VIEW claims_normalized AS SELECT * FROM raw")
    assert read_source(SourceSpec(path)).columns.equals(read_source(SourceSpec(path, table="raw")).columns)


def test_a_file_of_a_newer_duckdb_says_so(table, tmp_path):
    path = write_duckdb(table, tmp_path / "c.duckdb")
    content = bytearray(path.read_bytes())
    # The storage version stands behind the magic bytes; the checksum of the first block stands before them.
    struct.pack_into("<Q", content, 12, 100_000)
    checksum = 5381
    for (word,) in struct.iter_unpack("<Q", bytes(content[8:4096])):
        checksum ^= (word * 0xBF58476D1CE4E5B9) & (2**64 - 1)
    struct.pack_into("<Q", content, 0, checksum)
    path.write_bytes(content)
    with pytest.raises(SourceError, match="written by a newer DuckDB than the one here: update the duckdb package"):
        read_source(SourceSpec(path))


def test_values_that_a_value_map_does_not_name_are_reported_but_not_quoted(table, tmp_path):
    path = write_duckdb(replaced(table, "facility_ownership", ["3"] * 900 + ["9"] * 600), tmp_path / "c.duckdb")
    (tmp_path / "m.toml").write_text('[values.facility_ownership]\n"3" = "Pemkab"\n')
    source = read_source(SourceSpec(path, mapping=tmp_path / "m.toml"))
    assert (
        "40.0% of facility_ownership is not named in [values.facility_ownership] of the mapping file; it is kept as it is."
        in source.oddities
    )
    assert load_mapping(tmp_path / "m.toml").values == {"facility_ownership": {"3": "Pemkab"}}


@pytest.mark.parametrize(
    ("count", "total", "text"),
    [
        (0, 10, "A few (fewer than 50)"),
        (1, 10**6, "A few (fewer than 50)"),
        (49, 100, "A few (fewer than 50)"),
        (51, 1000, "5.0%"),
        (74, 1000, "5.0%"),
        (76, 1000, "10.0%"),
        (100, 10**7, "0.1%"),
        (999, 1000, "Nearly all"),
        (1000, 1000, "All"),
    ],
)
def test_shares_are_too_coarse_to_tell_of_single_claims(count, total, text):
    assert share_of(count, total) == text


@pytest.mark.slow
def test_two_thousand_diagnoses_profile_and_the_rare_ones_count_with_their_neighbours(fit):
    rows = 20_000
    table = tariff_table(rows)
    codes = np.array(DX)[pick(np.random.default_rng(3), 2000, rows, 1.0)]
    profile = fit(replaced(table, "dx_primary_code", codes.tolist()))
    frame = whole(profile)
    released = set(profile.vocabularies["dx_primary_code"])
    assert 50 < len(released) < 2000
    assert set(frame.dx_primary_code) <= released | set(profile.dx_names)
    assert any("dx_primary_code" in sentence for sentence in profile.oddities)


def test_every_column_constant_is_a_whole_profile_all_the_same(fit, table):
    first = {name: table[name][0].as_py() for name in table.column_names}
    constant = pa.table(
        {name: pa.array([value] * ROWS, table.schema.field(name).type) for name, value in first.items()}
    )
    constant = replaced(constant, "patient_id_hash", [f"p{i}" for i in range(ROWS)])
    frame = whole(fit(constant))
    assert set(frame.dx_primary_code) == {first["dx_primary_code"]}
    assert set(frame.los) == {first["los"]}


def test_without_keys_of_claims_persons_and_facilities_a_profile_counts_claims(fit, table):
    profile = fit(table.drop_columns(["claim_id", "patient_id_hash"]))
    assert (profile.unit, profile.k) == ("claims", 50)
    whole(profile)


def spoilt(table: pa.Table) -> dict[str, pa.Table]:
    """Tables that cannot be profiled, by what their one line must say."""
    return {
        "holds no claims|no rows|empty": table.slice(0, 0),
        "too few claims": table.slice(0, 1),
        "dx_primary_code": table.drop_columns(["dx_primary_code", "procedure_code"]),
        "los": table.drop_columns(["admit_dt", "discharge_dt", "los"]),
        "No diagnosis code": replaced(
            table, "dx_primary_code", pa.nulls(ROWS, pa.string())
        ),
        "amount": replaced(
            replaced(table, "amount_claimed", [-1.0] * ROWS), "amount_paid", [-1.0] * ROWS
        ),
    }  # fmt: skip


@pytest.mark.parametrize("number", range(6))
def test_what_cannot_be_profiled_is_one_line_at_the_command(run, table, tmp_path, number):
    pattern, wrong = list(spoilt(table).items())[number]
    source = write_duckdb(wrong, tmp_path / "wrong.duckdb")
    code, out, err = run("profile", "--source", source, "--out", tmp_path / "p.json")
    assert (code in (3, 6), out) == (True, "")
    assert re.search(pattern, err), err
    assert err.count("\n") == 1
    assert not (tmp_path / "p.json").exists()


def test_a_strange_name_in_a_mapping_is_told_with_the_names_that_are_known_the_id_included(tmp_path):
    (tmp_path / "m.toml").write_text('[columns]\nclaim = "no"\n', encoding="utf-8")
    with pytest.raises(
        SourceError,
        match=r"claim under \[columns\], but 'claim' is no .* they are: claim_id, admit_dt, ",
    ):
        load_mapping(tmp_path / "m.toml")


def test_a_gap_that_is_none_claims_without_a_person_and_codes_without_a_name_are_reported(fit, table):
    claimed, rows = table["amount_claimed"].to_numpy(), np.arange(ROWS)
    odd = table.append_column("amount_gap", pa.array(np.where(rows % 5 == 0, 50_000.0, claimed - claimed)))
    odd = odd.append_column("dx_primary_label", pa.array(np.where(rows % 4 == 0, None, "Typhoid fever").tolist()))
    persons = table["patient_id_hash"].to_pylist()
    odd = replaced(odd, "patient_id_hash", [None if i % 10 == 0 else person for i, person in enumerate(persons)])
    told = " ".join(fit(odd).oddities)
    assert "20.0% of amount_gap is not what is claimed less what is paid" in told
    assert "10.0% of claims have no patient_id_hash: these count as one person's" in told
    assert "of dx_primary_code has no dx_primary_label: simulated claims have the code system's name there" in told
    plain = table.append_column("amount_gap", pa.array(claimed - claimed))
    assert not any("amount_gap" in sentence for sentence in fit(plain).oddities)


@pytest.mark.slow
def test_a_count_of_comorbidities_that_counts_something_else_is_reported(fit, table):
    listed = pc.list_value_length(table["dx_secondary_codes"]).to_numpy()
    odd = np.where(np.arange(ROWS) % 5 == 0, listed + 1, listed)
    told = fit(table.append_column("comorbidity_count", pa.array(odd))).oddities
    assert any("20.0% of comorbidity_count is not how many codes dx_secondary_codes holds" in one for one in told)
    right = fit(table.append_column("comorbidity_count", pa.array(listed)))
    assert not any("comorbidity_count" in one for one in right.oddities)


def test_lists_of_codes_of_which_none_is_shared_by_enough_are_empty_lists(fit):
    table = tariff_table(60)
    table = replaced(table, "dx_secondary_codes", pa.array([[DX[5 * i]] if i % 7 == 0 else [] for i in range(60)]))
    frame = whole(fit(table))
    assert frame.dx_secondary_codes.map(len).max() == 0


@pytest.mark.slow
def test_a_key_of_facilities_without_any_value_is_no_key(fit, table):
    # The provinces and classes of the register: some of its kinds are one hospital's.
    odd = table.append_column("facility_id", pa.array([None] * ROWS, pa.string()))
    told, plain = fit(odd), fit(table)
    assert "facility_id is empty: it counts as absent." in told.oddities
    assert told.tables == plain.tables


def test_amounts_that_are_written_otherwise_are_told_by_their_form_and_never_quoted(fit, table):
    table = replaced(table.drop_columns("amount_paid"), "amount_claimed", [f"({i}.50) Lira" for i in range(ROWS)])
    with pytest.raises(SourceError, match=r"No amount .* commonest form is '\(9\.9\) x'.*1,234\.50") as told:
        fit(table)
    assert "Lira" not in str(told.value)


@pytest.mark.slow
def test_where_every_claim_has_a_code_of_its_own_one_that_says_nothing_stands_for_all(fit, table):
    own = replaced(table, "dx_primary_code", [f"{'ABXY'[i % 4]}{'CDEF'[i // 4 % 4]}{i:04d}" for i in range(ROWS)])
    profile = fit(own)
    assert profile.vocabularies["dx_primary_code"] == ("R69",)
    assert profile.defaults["dx_primary_code"] == "R69"
    assert any("nearly every claim has one of its own: R69 stands for all" in told for told in profile.oddities)
    claims = Sampler(profile).draw_claims(1, np.arange(500))
    assert set(claims["dx_primary_code"].to_pylist()) == {"R69"}
    assert Sampler(profile).draw_as_read(1, np.arange(500))["dx_primary_code"].null_count == 500
    assert claims["amount_claimed"].to_numpy().std() > 0
    with pytest.raises(SourceError, match="there are too few claims"):
        fit(own.slice(0, 900))


def test_diagnoses_that_many_share_but_that_are_no_codes_are_told_from_too_few_claims(fit, table):
    odd = replaced(table, "dx_primary_code", [f"_{'ab'[i % 2]}_{i % 3}#" for i in range(ROWS)])
    with pytest.raises(
        SourceError,
        match=r"^No diagnosis code may be released, though all of the claims have one that 11 persons share",
    ):
        fit(odd)
    with pytest.raises(SourceError, match="is shared by 11 persons: there are too few claims"):
        fit(replaced(table, "dx_primary_code", [f"_{i}#" for i in range(ROWS)]))


def test_in_a_table_without_diagnoses_one_that_says_nothing_stands_for_all(fit, table):
    without = table.drop_columns(["dx_primary_code"])
    profile = fit(without)
    assert (profile.vocabularies["dx_primary_code"], profile.defaults["dx_primary_code"]) == (("R69",), "R69")
    assert "dx_primary_code" in profile.absent
    assert "No column is known as dx_primary_code: R69 stands for all diagnoses." in profile.oddities
    (codes,) = (told for told in describe_crossing(profile).lists if told.column == "dx_primary_code")
    assert codes.origin.startswith("the public code system")
    claims = Sampler(profile).draw_claims(1, np.arange(500))
    assert set(claims["dx_primary_code"].to_pylist()) == {"R69"}
    assert len(set(claims["procedure_code"].to_pylist())) > 2


@pytest.mark.parametrize("called", ["dx_code_1", "DIAGNOSA", "main_icd", "CID10"])
def test_a_table_with_a_column_that_may_be_its_diagnosis_is_not_read_without_one(fit, table, called):
    renamed = table.rename_columns([{"dx_primary_code": called}.get(name, name) for name in table.column_names])
    with pytest.raises(
        SourceError,
        match=f"lacks dx_primary_code, which its column '{called}' may be: name it .* or, .* a view without",
    ):
        fit(renamed)
    assert fit(renamed.drop_columns([called])).defaults["dx_primary_code"] == "R69"
