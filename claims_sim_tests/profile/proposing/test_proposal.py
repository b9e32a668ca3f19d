from datetime import date, timedelta

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from claims_sim.demo.source import write_demo_source
from claims_sim.profile.fit import fit_profile
from claims_sim.profile.proposing.naming import name_score
from claims_sim.profile.proposing.proposal import propose_mapping
from claims_sim.profile.proposing.proposal_toml import to_toml
from claims_sim.profile.proposing.stay_columns import is_gap, leaves
from claims_sim.profile.reading.mapping import load_mapping
from claims_sim.profile.reading.source import SourceSpec, only_table, read_source
from claims_sim.profile.reading.source_columns import CANONICAL, Located, absent_in_words
from claims_sim_tests.profile.conftest import NOW
from claims_sim_tests.profile.proposing.test_proposal_of_published_tables import grouper_export
from claims_sim_tests.profile.tables import replaced, tariff_table, with_values, write_duckdb

RECODED = """
    CREATE TABLE klaim AS SELECT
        claim_id AS no_sep, strftime(admit_dt, '%d/%m/%Y %H:%M:%S') AS tgl_masuk, discharge_dt AS "Tanggal Pulang", los AS lama_rawat,
        province_name AS nm_prov, district_name AS kabkota, facility_id AS kode_rs,
        CASE facility_class WHEN 'RS Kelas A' THEN 'A' WHEN 'RS Kelas B' THEN 'B' WHEN 'RS Kelas C' THEN 'C'
             WHEN 'RS Kelas D' THEN 'D' ELSE facility_class END AS kelas_rs,
        facility_type AS jenis_rs,
        CASE facility_ownership WHEN 'Pemkab' THEN '3' WHEN 'Pemprov' THEN '2' WHEN 'Vertikal' THEN '1'
             WHEN 'Swasta' THEN '9' ELSE facility_ownership END AS kepemilikan,
        CASE service_type WHEN 'RITL' THEN 1 ELSE 2 END AS jnspelsep,
        severity_group AS severitylevel, dx_primary_code AS diagnosa, dx_primary_label AS nama_diagnosa,
        array_to_string(dx_secondary_codes, ';') AS diagnosa_sekunder, procedure_code AS kd_tindakan,
        procedure_label AS nama_tindakan, amount_claimed AS biaya_tagih, amount_paid AS biaya_verifikasi,
        amount_gap AS selisih, patient_id_hash AS id_peserta, claim_weight AS bobot, 'x' AS catatan
    FROM original.claims_normalized
"""


@pytest.fixture(scope="module")
def recoded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("recoded")
    write_demo_source(folder / "demo.duckdb", rows=1500)
    with duckdb.connect(str(folder / "foreign.duckdb")) as connection:
        connection.execute(f"ATTACH '{folder / 'demo.duckdb'}' AS original (READ_ONLY)")
        connection.execute(RECODED)
    return folder


def test_a_renamed_and_recoded_table_profiles_as_the_original_with_the_proposed_mapping(recoded):
    foreign = SourceSpec(recoded / "foreign.duckdb", "klaim")
    mapping = recoded / "mapping.toml"
    mapping.write_text(to_toml(propose_mapping(foreign)), encoding="utf-8")
    original = fit_profile(read_source(SourceSpec(recoded / "demo.duckdb")), created_at=NOW)
    mapped = fit_profile(read_source(SourceSpec(foreign.path, "klaim", mapping)), created_at=NOW)
    assert mapped.vocabularies == original.vocabularies
    assert mapped.tables == original.tables
    assert mapped.money == original.money
    assert mapped.defaults == original.defaults


@pytest.mark.slow
def test_the_proposal_says_how_sure_it_is_and_what_it_could_not_place(recoded):
    text = to_toml(propose_mapping(SourceSpec(recoded / "foreign.duckdb", "klaim")))
    assert '"catatan" (VARCHAR)' in text
    assert "# comorbidity_count: counted from dx_secondary_codes" in text
    assert all("#" in line for line in text.splitlines() if line.startswith(tuple(CANONICAL)))


@pytest.mark.slow
def test_an_abbreviated_severity_is_placed_and_what_follows_from_others_is_said_to_be_computed(tmp_path):
    table = tariff_table(500).drop_columns("los")
    levels = table["severity_group"].to_pylist()
    numbers = pa.array([{"ringan": 1, "sedang": 2, "berat": 3}.get(level) for level in levels], pa.int64())
    table = table.drop_columns("severity_group").append_column("sev", numbers)
    text = to_toml(propose_mapping(SourceSpec(write_duckdb(table, tmp_path / "c.duckdb"))))
    assert 'severity_group = "sev"' in text
    assert '"sev" (BIGINT)' not in text
    assert "# los: computed from the dates" in text
    assert "# district_name: nothing found; simulated claims have none" in text


def test_absent_columns_are_told_with_what_they_are_computed_from():
    assert absent_in_words(["los", "district_name"]) == "los (computed from the dates), district_name"
    assert absent_in_words(["los", "admit_dt"]) == "los, admit_dt"
    assert absent_in_words([]) == "none"


def test_values_of_few_persons_and_planted_identifiers_are_not_shown(tmp_path):
    table = with_values(tariff_table(1500), "facility_ownership", range(10), "RS Budi Sendiri")
    table = with_values(table, "facility_class", range(500), "3512345678901234")
    table = with_values(table, "patient_id_hash", range(100, 400), "one and the same")
    table = with_values(table, "severity_group", range(100, 400), "hanya satu orang")
    text = to_toml(propose_mapping(SourceSpec(write_duckdb(table, tmp_path / "c.duckdb"))))
    for secret in ("Budi", "3512345678901234", "hanya satu"):
        assert secret not in text
    assert "33.3% of the claims hold values that fewer than 11 share or that may not be shown" in text


@pytest.mark.slow
def test_a_column_without_a_telling_name_is_found_by_what_it_holds(tmp_path):
    table = tariff_table(500).rename_columns(
        ["kolom_a" if name == "dx_primary_code" else name for name in tariff_table(1).column_names]
    )
    proposal = propose_mapping(SourceSpec(write_duckdb(table, tmp_path / "c.duckdb")))
    assert [(p.ours, p.confidence) for p in proposal.placed if p.theirs == "kolom_a"] == [("dx_primary_code", 0.45)]


@pytest.mark.slow
def test_of_two_nameless_columns_of_codes_the_user_chooses(tmp_path):
    table = tariff_table(500)
    table = table.rename_columns([{"dx_primary_code": "kolom_a"}.get(name, name) for name in table.column_names])
    table = table.append_column("kolom_b", table["kolom_a"])
    text = to_toml(propose_mapping(SourceSpec(write_duckdb(table, tmp_path / "c.duckdb"))))
    assert '# dx_primary_code = "kolom_a"' in text
    assert "# STILL NEEDED: dx_primary_code" in text


def test_diagnoses_of_another_list_are_preferred_to_what_they_are_called(tmp_path):
    codes = [f"{letters}{number:03d}" for letters in ("INF", "CIR", "RSP") for number in range(1, 9)]
    rows = 4000
    table = pa.table(
        {
            "ccsr_diagnosis_code": [codes[i % 24] for i in range(rows)],
            "ccsr_diagnosis_description": [
                f"Disease of the kind {codes[i % 24][:3]} {i % 24 // 3}" for i in range(rows)
            ],
            "length_of_stay": [1 + i % 7 for i in range(rows)],
            "total_charges": [1000.0 + 7.25 * (i % 977) for i in range(rows)],
        }
    )
    proposal = propose_mapping(SourceSpec(write_duckdb(table, tmp_path / "other.duckdb")))
    placed = {p.ours: p.theirs for p in proposal.placed}
    assert placed["dx_primary_code"] == "ccsr_diagnosis_code"
    assert placed["dx_primary_label"] == "ccsr_diagnosis_description"


@pytest.mark.slow
def test_dates_and_stay_are_found_by_how_they_fit_and_amounts_by_their_numbers_whatever_they_are_called(tmp_path):
    table = tariff_table(600)
    names = {"admit_dt": "v7", "discharge_dt": "v3", "los": "v5", "amount_claimed": "v1", "amount_paid": "v2"}
    table = table.rename_columns([names.get(name, name) for name in table.column_names])
    proposal = propose_mapping(SourceSpec(write_duckdb(table, tmp_path / "c.duckdb")))
    assert {p.theirs: p.ours for p in proposal.placed}.items() >= {
        "v7": "admit_dt",
        "v3": "discharge_dt",
        "v5": "los",
    }.items()
    text = to_toml(proposal)
    assert "# STILL NEEDED: amount_claimed or amount_paid" in text
    assert '# amount_claimed = "v1"' in text


@pytest.mark.slow
def test_values_that_mean_the_same_are_kept_apart_until_the_user_says_otherwise(tmp_path):
    table = replaced(tariff_table(900), "service_type", ["outpatient", "Ambulatory", "ambulatory", "inpatient"] * 225)
    text = to_toml(propose_mapping(SourceSpec(write_duckdb(table, tmp_path / "c.duckdb"))))
    assert '\n"Ambulatory" = "RJTL"' in text
    assert '\n"ambulatory" = "RJTL"' in text
    assert '# "outpatient" = "RJTL"' in text


@pytest.mark.slow
def test_severity_is_found_in_case_group_codes(tmp_path):
    group = {"ringan": "K-4-17-I", "sedang": "K-4-17-II", "berat": "K-4-17-III"}
    table = tariff_table(500)
    codes = pa.array([group.get(level) for level in table["severity_group"].to_pylist()])
    table = table.drop_columns("severity_group").append_column("inacbg", codes)
    text = to_toml(propose_mapping(SourceSpec(write_duckdb(table, tmp_path / "c.duckdb"))))
    assert 'severity_group = "inacbg"' in text
    assert '"II" = "sedang"' in text


@pytest.mark.slow
def test_days_are_no_codes_of_procedures(tmp_path):
    days = pa.array([date(2023, 1, 1 + i % 28) for i in range(3000)])
    table = tariff_table(3000).drop_columns(["procedure_code"]).append_column("proc_x", days)
    proposal = propose_mapping(SourceSpec(write_duckdb(table, tmp_path / "c.duckdb")))
    assert not any(placed.theirs == "proc_x" for placed in proposal.placed if placed.ours == "procedure_code")


@pytest.mark.parametrize(
    "strange",
    [
        'tgl "masuk"',
        "tgl\nmasuk",
        *(pytest.param(name, marks=pytest.mark.slow) for name in ("tgl # masuk", "tgl\\masuk", "tgl\x7fmasuk")),
    ],
)
def test_the_file_can_be_read_whatever_the_columns_are_called(tmp_path, strange):
    table = tariff_table(100)
    names = [strange if name == "admit_dt" else name for name in table.column_names]
    proposal = propose_mapping(SourceSpec(write_duckdb(table.rename_columns(names), tmp_path / "c.duckdb")))
    (tmp_path / "m.toml").write_text(to_toml(proposal), encoding="utf-8")
    assert load_mapping(tmp_path / "m.toml").columns["admit_dt"] == strange


@pytest.mark.slow
def test_an_empty_table_is_mapped_by_its_names(tmp_path):
    proposal = propose_mapping(SourceSpec(write_duckdb(tariff_table(1).slice(0, 0), tmp_path / "c.duckdb")))
    assert {"admit_dt", "amount_claimed"} <= {p.ours for p in proposal.placed}
    assert proposal.rows == 0


def test_the_only_table_of_a_database_needs_no_name(tmp_path):
    path = write_duckdb(tariff_table(20), tmp_path / "c.duckdb", "klaim")
    assert only_table(path, "claims_normalized") == "klaim"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE other AS SELECT 1 AS x")
    assert only_table(path, "claims_normalized") == "claims_normalized"


def test_a_code_with_its_label_behind_it_is_read_as_its_code(tmp_path, read):
    table = replaced(tariff_table(3), "procedure_code", ["8952 - Electrocardiogram", "89.52", "Electrocardiogram - 12"])
    assert read(table).columns["procedure_code"].to_pylist() == ["8952", "8952", "Electrocardiogram - 12"]


@pytest.mark.slow
def test_amounts_with_a_currency_are_found(tmp_path):
    table = tariff_table(500)
    written = [f"Rp {value:,.0f}".replace(",", ".") for value in table["amount_claimed"].to_pylist()]
    proposal = propose_mapping(
        SourceSpec(write_duckdb(replaced(table, "amount_claimed", written), tmp_path / "c.duckdb"))
    )
    assert ("amount_claimed", 0.9) in {(p.ours, p.confidence) for p in proposal.placed}


@pytest.mark.slow
def test_states_of_another_country_are_no_provinces_though_some_have_their_numbers(tmp_path):
    table, codes = tariff_table(3000), [f"{number:02d}" for number in range(1, 55)]
    states = replaced(table, "province_name", [codes[i % 54] for i in range(3000)])
    assert "LAMPUNG" not in to_toml(propose_mapping(SourceSpec(write_duckdb(states, tmp_path / "a.duckdb"))))
    known = replaced(table, "province_name", [("18", "32", "33", "35", "94")[i % 5] for i in range(3000)])
    assert '"18" = "LAMPUNG"' in to_toml(propose_mapping(SourceSpec(write_duckdb(known, tmp_path / "b.duckdb"))))


def claim_lines(rows=2000):
    """A table of lines of bills, as it is made for analysts: most columns are filled for inpatients only."""
    claimed, stays = [100.0 + i % 97 for i in range(rows)], [i % 5 == 0 for i in range(rows)]
    start = [date(2024, 1 + i % 12, 1 + i % 28) for i in range(rows)]
    classes = [
        "ambulatory",
        "wellness",
        "inpatient",
        "emergency",
        "outpatient",
        "home",
        "virtual",
        "snf",
        "urgentcare",
        "hospice",
    ]
    return pa.table(
        {
            "claim_id": [f"c{i // 4}" for i in range(rows)], "member_id": [f"p{i // 8}" for i in range(rows)],
            "claim_start_date": start, "claim_end_date": [day + timedelta(days=i % 3) for i, day in enumerate(start)],
            "admission_date": [day if is_stay else None for day, is_stay in zip(start, stays, strict=True)],
            "discharge_date": [day if is_stay else None for day, is_stay in zip(start, stays, strict=True)],
            "ENCOUNTERCLASS": [classes[i % 10] for i in range(rows)],
            "diagnosis_code_1": [("I10", "E119", "J189", None)[i % 4] for i in range(rows)],
            "charge_amount": claimed, "paid_amount": [value - 20.0 - i % 7 for i, value in enumerate(claimed)],
            "copayment_amount": [float(i % 3) for i in range(rows)],
        }
    )  # fmt: skip


def placed_in(table, path):
    file = write_duckdb(table, path / f"{len(list(path.iterdir()))}.duckdb")
    return {p.ours: p.theirs for p in propose_mapping(SourceSpec(file)).placed}


@pytest.mark.slow
def test_a_copayment_is_no_gap_where_it_is_not_what_was_left_unpaid(tmp_path):
    table = claim_lines()
    claimed, paid = (table[name].to_pylist() for name in ("charge_amount", "paid_amount"))
    assert "amount_gap" not in placed_in(table, tmp_path)
    left = [f"$ {c - p:.2f}" for c, p in zip(claimed, paid, strict=True)]
    text = to_toml(propose_mapping(SourceSpec(write_duckdb(table, tmp_path / "b.duckdb"))))
    assert "# amount_gap: computed from the amounts" in text
    assert placed_in(replaced(table, "copayment_amount", left), tmp_path)["amount_gap"] == "copayment_amount"


@pytest.mark.slow
def test_a_column_that_calls_itself_a_difference_stays_possible_where_it_is_none(tmp_path):
    names = [{"copayment_amount": "selisih"}.get(name, name) for name in claim_lines(1).column_names]
    table = claim_lines().rename_columns(names)
    proposal = propose_mapping(SourceSpec(write_duckdb(table, tmp_path / "c.duckdb")))
    assert [p.theirs for p in proposal.possible if p.ours == "amount_gap"] == ["selisih"]
    assert "amount_gap" in proposal.not_found


@pytest.mark.slow
def test_classes_of_encounters_are_kinds_of_service_and_not_of_facilities(tmp_path):
    assert placed_in(claim_lines(), tmp_path)["service_type"] == "ENCOUNTERCLASS"
    text = to_toml(propose_mapping(SourceSpec(write_duckdb(claim_lines(), tmp_path / "b.duckdb"))))
    assert '"inpatient" = "RITL"' in text
    assert "# kept as they are: " in text
    assert name_score("ENCOUNTERCLASS", "facility_class") == 0.0


@pytest.mark.slow
def test_dates_that_most_rows_lack_give_way_to_those_that_are_filled(tmp_path):
    placed = placed_in(claim_lines(), tmp_path)
    assert (placed["admit_dt"], placed["discharge_dt"]) == ("claim_start_date", "claim_end_date")
    alone = claim_lines().drop_columns(["claim_start_date", "claim_end_date"])
    placed = placed_in(alone, tmp_path)
    assert (placed["admit_dt"], placed["discharge_dt"]) == ("admission_date", "discharge_date")


@pytest.mark.slow
def test_claims_without_a_diagnosis_and_lines_of_bills_are_told_of(tmp_path, run):
    path = write_duckdb(claim_lines(), tmp_path / "c.duckdb")
    text = to_toml(propose_mapping(SourceSpec(path)))
    assert "\n#   25% of the claims have none; a payload then names one that says so (R69)\n" in text
    assert (
        "\n#   Most of claim_id are repeats of another claim's: the rows may be lines of bills, and each counts as"
        in text
    )
    _, out, _ = run("map", "--source", path, "--out", tmp_path / "m.toml")
    assert "25% of the claims have none" in out
    assert "#   " not in to_toml(propose_mapping(SourceSpec(write_duckdb(tariff_table(300), tmp_path / "b.duckdb"))))


@pytest.mark.slow
def test_what_is_still_needed_is_said_where_the_user_looks(tmp_path, run):
    file = write_duckdb(without_diagnosis(), tmp_path / "c.duckdb")
    _, printed, _ = run("map", "--source", file, "--out", tmp_path / "m.toml")
    assert "dx_primary_code" in printed.split("still needed")[1].splitlines()[0]
    code, _, error = run("profile", "--source", file, "--mapping", tmp_path / "m.toml", "--out", tmp_path / "p.json")
    assert code != 0
    assert 'dx_primary_code = "…" under [columns]' in error


def without_diagnosis():
    """What is treated is told in a column of an unknown name, by numbers."""
    table = tariff_table(200)
    names = {"dx_primary_code": "zz", "dx_secondary_codes": "yy", "procedure_code": "xx"}
    table = replaced(table, "dx_primary_code", [i % 7 for i in range(200)]).drop_columns(
        ["dx_secondary_codes", "procedure_code"]
    )
    return table.rename_columns([names.get(name, name) for name in table.column_names])


@pytest.mark.slow
@pytest.mark.parametrize("paid", [("900,250", "0,500"), ("0,125", "12,500")])
def test_a_gap_is_one_also_of_amounts_with_three_decimals_behind_a_comma(paid):
    """What is claimed shows by itself none: 1,625 may be more than a thousand."""
    rows = [("901,625", paid[0]), ("13,000", paid[1])] * 50
    amount = "printf('%.3f', replace({}, ',', '.')::DOUBLE)".format
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE written (claimed VARCHAR, paid VARCHAR)")
        connection.executemany("INSERT INTO written VALUES (?, ?)", rows)
        left = f"replace(printf('%.3f', {amount('claimed')}::DOUBLE - {amount('paid')}::DOUBLE), '.', ',')"
        connection.execute(f"CREATE TABLE looked_at AS SELECT *, {left} AS gap FROM written")
        columns = [Located(name, "VARCHAR", "number") for name in ("claimed", "paid", "gap")]
        assert is_gap(connection, *columns)
        assert leaves(connection, *columns)


def test_an_only_amount_is_not_cut_by_what_merely_may_be_a_gap(tmp_path):
    table = grouper_export(900).drop_columns(["TARIF_RS", "TARIF_INACBG", "PROSEDUR_BEDAH"])
    table = table.append_column("copayment", pa.array([10_000 + i % 50 for i in range(900)]))
    assert "amount_gap" not in placed_in(table, tmp_path)
    called_so = table.rename_columns(["selisih" if name == "copayment" else name for name in table.column_names])
    assert placed_in(called_so, tmp_path)["amount_gap"] == "selisih"


@pytest.mark.parametrize("written", ["A09.1;E86;I10", "A09.1, E86, I10", "A091#E86#I10", '["A09.1","E86","I10"]'])
def test_the_first_of_all_diagnoses_is_the_primary_one_however_they_are_listed(tmp_path, written):
    table = replaced(tariff_table(50), "dx_primary_code", [written] * 50).drop_columns("dx_secondary_codes")
    (tmp_path / "m.toml").write_text('[columns]\ndx_secondary_codes = "dx_primary_code"\n')
    read = read_source(SourceSpec(write_duckdb(table, tmp_path / "c.duckdb"), mapping=tmp_path / "m.toml")).columns
    assert set(read["dx_primary_code"].to_pylist()) == {"A091"}
    assert read["dx_secondary_codes"].to_pylist() == [["E86", "I10"]] * 50


@pytest.mark.parametrize("form", ["%Y%m%d%H%M", "%Y%m%d%H%M%S"])
def test_moments_in_digits_alone_are_read(tmp_path, form):
    table = tariff_table(60)
    moments = [day.strftime(form) for day in table["admit_dt"].to_pylist()]
    table = replaced(table, "admit_dt", [int(moment) for moment in moments])
    read = read_source(SourceSpec(write_duckdb(table, tmp_path / "c.duckdb"))).columns["admit_dt"].to_pylist()
    assert [moment.strftime(form) for moment in read] == moments


@pytest.mark.slow
def test_who_counts_days_from_one_has_visits_too_where_no_service_is_told(fit):
    table = tariff_table(3000)
    stays = table["service_type"].to_pylist()
    table = replaced(table, "los", [nights + 1 for nights in table["los"].to_pylist()]).drop_columns("service_type")
    share = stays.count("RITL") / len(stays)
    assert dict(fit(table).marginal("service_type"))["RITL"] == pytest.approx(share, abs=0.02)


@pytest.mark.slow
def test_a_number_that_begins_with_a_day_is_no_date_beside_one(tmp_path):
    table = tariff_table(900)
    numbers = [f"{day:%Y%m%d}{i % 2000:04d}" for i, day in enumerate(table["admit_dt"].to_pylist())]
    table = replaced(table, "claim_id", numbers)
    names = {"claim_id": "k1", "admit_dt": "k2", "discharge_dt": "k3"}
    placed = placed_in(table.rename_columns([names.get(name, name) for name in table.column_names]), tmp_path)
    assert (placed["admit_dt"], placed["discharge_dt"]) == ("k2", "k3")


def test_types_of_hospitals_that_are_public_and_private_are_owners(tmp_path):
    g = np.random.default_rng(4)
    table = tariff_table(900).drop_columns(["facility_ownership", "facility_class", "severity_group"])
    for name, values in (
        ("Hospital Type", ["Public", "Private (For Profit)", "Private (Not For Profit)"]),
        ("Hospital Category", ["Medical College", "District Hospital", "Dialysis Centre"]),
        ("NABH Status", ["Full", "Entry Level", None]),
        ("Stratification", ["Routine Ward", "HDU", "ICU - With Ventilator"]),
        ("Payer Type", ["Public", "Private", "Public"]),
    ):
        table = table.append_column(name, pa.array(np.array(values, object)[g.integers(0, 3, 900)]))
    placed = placed_in(table, tmp_path)
    assert placed["facility_ownership"] == "Hospital Type"
    assert placed["facility_type"] == "Hospital Category"
    assert placed["facility_class"] == "NABH Status"
    assert placed["severity_group"] == "Stratification"
    assert "facility_ownership" not in placed_in(table.drop_columns(["Hospital Type"]), tmp_path)


def test_nights_services_and_what_is_not_covered_are_found_by_their_names(tmp_path):
    table = tariff_table(900)
    codes = np.array([f"{99200 + 3 * i}" for i in range(40)], object)[np.random.default_rng(2).integers(0, 40, 900)]
    gap = pa.array(table["amount_claimed"].to_numpy() * 0.2)
    table = table.append_column("not_covered_total", gap)
    table = replaced(table, "amount_paid", pa.array(table["amount_claimed"].to_numpy() * 0.8))
    table = replaced(table, "procedure_code", codes.tolist()).rename_columns(
        [{"los": "nights", "procedure_code": "service_code"}.get(name, name) for name in table.column_names]
    )
    placed = placed_in(table, tmp_path)
    assert (placed["los"], placed["procedure_code"], placed["amount_gap"]) == (
        "nights",
        "service_code",
        "not_covered_total",
    )


@pytest.mark.many(daily=3)
@pytest.mark.parametrize(
    ("column", "values", "is_not"),
    [
        (
            "Hospital",
            ["Leeds NHS Foundation Trust", "Public Hospital of Acton", "Military Hospital Corby"],
            "facility_ownership",
        ),
        ("hospital_payer_type", ["Public", "Private"], "facility_ownership"),
        ("hospital_room_type", ["Private", "Semi-private"], "facility_ownership"),
        ("facility_type", ["Public", "Private"], "facility_ownership"),
        ("service_code", ["110", "120", "130", "140"], "procedure_code"),
        ("icu_nights", [0, 1, 2], "los"),
        ("nightshift", [0, 1], "los"),
        ("age_stratification", ["0-17", "18-64", "65+"], "severity_group"),
    ],
)
def test_what_is_only_called_so_or_only_holds_such_words_is_not_taken_for_it(tmp_path, column, values, is_not):
    absent = ["facility_ownership", "facility_class", "severity_group", "procedure_code", "los"]
    table = tariff_table(900).drop_columns(absent)
    table = table.append_column(column, pa.array([values[i % len(values)] for i in range(900)]))
    assert placed_in(table, tmp_path).get(is_not) != column


def test_a_column_that_is_called_owner_is_it_whatever_a_type_holds(tmp_path):
    table = tariff_table(900)
    table = table.rename_columns(["Owner" if name == "facility_ownership" else name for name in table.column_names])
    table = table.append_column("Hospital Type", pa.array(["Public", "Private", "Public"] * 300))
    placed = placed_in(table, tmp_path)
    assert (placed["facility_ownership"], placed["facility_type"]) == ("Owner", "Hospital Type")


@pytest.mark.slow
def test_numbers_of_persons_and_families_are_no_amounts(tmp_path):
    table = tariff_table(900).drop_columns(["amount_claimed", "amount_paid"])
    table = table.append_column("PSTV02", pa.array([7_000_000 + i // 3 for i in range(900)]))
    table = table.append_column("v1", pa.array([100_000 + 25 * (i % 300) for i in range(900)]))
    proposal = propose_mapping(SourceSpec(write_duckdb(table, tmp_path / "c.duckdb")))
    assert [p.theirs for p in proposal.possible if p.ours == "amount_claimed"] == ["v1"]
    assert proposal.still_needed == ("amount_claimed or amount_paid, if the table has any amounts",)
    assert name_score("FKL08", "facility_type") == 1.0


def test_a_column_that_is_called_so_is_the_diagnosis_though_nearly_every_claim_has_its_own(tmp_path):
    table = replaced(tariff_table(900), "dx_primary_code", [f"{'abcdefgh'[i % 8]}x{i:03d}" for i in range(900)])
    table = table.rename_columns([{"dx_primary_code": "DiagnosisCode"}.get(name, name) for name in table.column_names])
    proposal = propose_mapping(SourceSpec(write_duckdb(table, tmp_path / "c.duckdb")))
    assert {p.ours: p.theirs for p in proposal.placed}["dx_primary_code"] == "DiagnosisCode"
    assert proposal.still_needed == ()


def test_of_a_table_without_diagnoses_none_is_needed_where_procedures_are(tmp_path):
    table = tariff_table(900).drop_columns(["dx_primary_code", "dx_secondary_codes"])
    path = write_duckdb(table, tmp_path / "c.duckdb")
    proposal = propose_mapping(SourceSpec(path))
    assert proposal.still_needed == ()
    assert "# dx_primary_code: nothing found; R69" in to_toml(proposal)
