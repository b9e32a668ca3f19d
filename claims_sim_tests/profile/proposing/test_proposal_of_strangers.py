"""`map` on columns as strangers' tables have them: each small table holds what one of them was misread by."""

from datetime import date, timedelta

import pyarrow as pa
import pytest

from claims_sim.codes.places import PROVINCES, SPELLINGS, utc_offset_hours
from claims_sim.profile.proposing.naming import coded, name_score, spelled
from claims_sim.profile.proposing.proposal import propose_mapping
from claims_sim.profile.proposing.proposal_toml import to_toml
from claims_sim.profile.reading.source import SourceSpec
from claims_sim.profile.reading.source_columns import CANONICAL, what_stands_in
from claims_sim_tests.profile.tables import replaced, tariff_table, write_duckdb


def proposed(table, path):
    return propose_mapping(SourceSpec(write_duckdb(table, path / f"{len(list(path.iterdir()))}.duckdb")))


def placed_in(table, path):
    return {p.ours: p.theirs for p in proposed(table, path).placed}


def possible_in(table, path, ours):
    return [p.theirs for p in proposed(table, path).possible if p.ours == ours]


def renamed(table, **names):
    """`table` with its columns called otherwise: ours = theirs."""
    return table.rename_columns([names.get(name, name) for name in table.column_names])


def with_columns(table, **columns):
    for name, values in columns.items():
        table = table.append_column(name, pa.array(values))
    return table


@pytest.mark.slow
def test_known_words_tell_the_kind_of_service_from_the_class_of_a_room(tmp_path):
    service = tariff_table(900)["service_type"].to_pylist()
    table = with_columns(
        tariff_table(900).drop_columns("service_type"),
        visit_type=[{"RITL": "IP", "RJTL": "OP"}[kind] for kind in service],
        care_class=[("1", "2", "3", "VIP")[i % 4] if kind == "RITL" else None for i, kind in enumerate(service)],
    )
    assert placed_in(table, tmp_path)["service_type"] == "visit_type"


@pytest.mark.parametrize(
    ("column", "ours"),
    [
        ("verguetet_chf", "amount_paid"), ("kostenbeteiligung_chf", "amount_gap"), ("rechnung_nr", "claim_id"),
        ("natura", "facility_ownership"),
        ("rechtsform", "facility_ownership"), ("leistungsbereich", "service_type"), ("kostengewicht", "claim_weight"),
        ("provizyon_zamani", "admit_dt"), ("cikis_tarihi", "discharge_dt"), ("yatis_gun", "los"), ("ana_tani_adi", "dx_primary_label"),
        ("ek_tanilar", "dx_secondary_codes"), ("ek_tani_sayisi", "comorbidity_count"), ("islem_kodu", "procedure_code"),
        ("fatura_tutari", "amount_claimed"), ("sgk_odenen", "amount_paid"), ("odenmeyen", "amount_gap"), ("hasta_ozet", "patient_id_hash"),
        ("il", "province_name"), ("tesis_sahiplik", "facility_ownership"), ("tedavi_turu", "service_type"),
        ("PA_VALAPR", "amount_paid"), ("PA_DIF_VAL", "amount_gap"), ("PA_CODUNI", "facility_id"),
        ("visit_source_value", "claim_id"), ("procedure_source_value", "procedure_code"), ("care_site_id", "facility_id"),
        ("condition_source_value", "dx_primary_code"),
        ("data_ricovero", "admit_dt"), ("data_dimissione", "discharge_dt"), ("giornate_degenza", "los"),
        ("importo_riconosciuto", "amount_paid"), ("codice_assistito", "patient_id_hash"),
        ("regione_erogazione", "province_name"), ("diagnosi_secondarie", "dx_secondary_codes"), ("complicanze", "severity_group"),
        ("rozpoznanie_opis", "dx_primary_label"), ("wartosc_rozliczona", "amount_paid"), ("osobodni", "los"),
        ("KLAIM_DITERIMA", "amount_paid"), ("insurer_amount", "amount_paid"), ("total_benefit", "amount_paid"),
        ("NO_RM", "patient_id_hash"), ("NORM", "patient_id_hash"), ("nomor_rekam_medis", "patient_id_hash"),
        ("MRN", "patient_id_hash"), ("Medical Record Number", "patient_id_hash"), ("ICD9_1_NAMA", "procedure_label"),
        ("icd10_desc", "dx_primary_label"), ("nosep", "claim_id"), ("Nomor SEP", "claim_id"), ("kdrs", "facility_id"),
        ("nmprov", "province_name"), ("variance_amt", "amount_gap"), ("n_secondary_dx", "comorbidity_count"),
        ("Hospital County", "district_name"), ("ProviderLocation", "district_name"),
        ("RUT", "patient_id_hash"), ("RUN_HASH", "patient_id_hash"), ("DIAGSEC4", "dx_secondary_codes"),
        ("HCODE", "facility_id"), ("ACTLOS", "los"), ("SVC_TYPE", "service_type"), ("provider_license", "facility_id"),
        ("claim_ref", "claim_id"), ("item_code", "procedure_code"), ("N_AIH", "claim_id"),
        ("CAR_INT", "service_type"), ("RECU_TO_DD", "discharge_dt"), ("SSICK_CD", "dx_secondary_codes"),
        ("MA_LK", "claim_id"), ("MA_BENHKHAC", "dx_secondary_codes"), ("T_BHTT", "amount_paid"), ("T_BNCCT", "amount_gap"),
        ("CHANGWAT", "province_name"), ("NET_PAY", "amount_paid"), ("TRAN_ID", "claim_id"), ("TP_UNID", "facility_type"),
        ("VAL_APRES", "amount_claimed"), ("VAL_APROV", "amount_paid"), ("ID_USUARIO", "patient_id_hash"),
        ("soi", "severity_group"), ("hci_level", "facility_class"), ("hci_sector", "facility_ownership"),
        ("hosp_own", "facility_ownership"), ("series_no", "claim_id"), ("Fallnummer", "claim_id"), ("prov_npi", "facility_id"),
        ("rvs_code", "procedure_code"), ("package_name", "procedure_label"), ("icd_other_n", "comorbidity_count"),
        ("ANZ_ND", "comorbidity_count"), ("differenz", "amount_gap"), ("deduct_amt", "amount_gap"),
        ("AP_AUTORIZ", "claim_id"), ("member_weight", "claim_weight"), ("payable_amount", "amount_claimed"),
        ("KEY_SEQ", "claim_id"), ("VSCN", "los"), ("EDEC_TRAMT", "amount_claimed"), ("EDEC_JBRDN_AMT", "amount_paid"),
        ("EDEC_SBRDN_AMT", "amount_gap"), ("YKIHO_GUBUN_CD", "facility_type"), ("PatPseudonym", "patient_id_hash"),
        ("pat_id", "patient_id_hash"), ("Fall", "claim_id"), ("Land", "province_name"), ("DRG", "procedure_code"),
        ("HCI_PAN", "facility_id"), ("Aufnahmegrund", "service_type"), ("psn_no", "patient_id_hash"),
        ("medfee_sumamt", "amount_claimed"), ("fund_pay_sumamt", "amount_paid"), ("psn_part_amt", "amount_gap"),
        ("fixmedins_code", "facility_id"), ("oth_dise", "dx_secondary_codes"),
        ("FAC_TYPE", "facility_type"), ("PRV_TYPE", "facility_type"), ("FAC_OWNER", "facility_ownership"), ("HLEVEL", "facility_class"),
        ("HOWNER", "facility_ownership"), ("NSDX", "comorbidity_count"), ("KWOTA_UZNANA", "amount_paid"), ("ROZNICA", "amount_gap"),
        ("POZIOM_PSZ", "facility_class"), ("KOD_PRODUKTU", "procedure_code"), ("ID_PAC", "patient_id_hash"), ("MBR_PART", "amount_gap"),
        ("date_in", "admit_dt"), ("entry_date", "admit_dt"), ("DateOut", "discharge_dt"), ("checkout_time", "discharge_dt"),
        ("MEMBER_PORTION", "amount_gap"), ("DISCIPLINE", "facility_type"), ("BENEFIT_CATEGORY", "service_type"), ("pos_cd", "service_type"),
        ("NAPPI_CODE", "procedure_code"), ("TARIFF_NAPPI_DESC", "procedure_label"), ("INVOICE_NO", "claim_id"),
        ("ROZP_GLOWNE", "dx_primary_code"), ("ROZP_WSPOL", "dx_secondary_codes"), ("LICZBA_ROZP_WSPOL", "comorbidity_count"),
        ("RODZAJ_SZPITALA", "facility_type"), ("POZIOM_SZPITALA", "facility_class"), ("ODDZIAL", "service_type"),
        ("GIRIS_TARIHI", "admit_dt"), ("CIKIS_TARIHI", "discharge_dt"), ("HASTA_ID", "patient_id_hash"), ("TAKIP_NO", "claim_id"),
        ("KESINTI_TUTARI", "amount_gap"), ("keph_level", "facility_class"), ("icd11_title", "dx_primary_label"),
    ],
)  # fmt: skip
def test_names_of_strangers_tables_are_known(column, ours):
    scores = {name: name_score(column, name) for name in ("claim_id", *CANONICAL)}
    assert max(scores, key=scores.__getitem__) == ours
    assert scores[ours] >= 0.7


@pytest.mark.parametrize(
    ("column", "ours"),
    [
        ("BAYAR_PASIEN", "amount_paid"), ("dibayar_peserta", "amount_paid"), ("iur_biaya", "amount_paid"),
        ("patient_paid", "amount_paid"), ("EDC_SLF_BRDN_AMT", "amount_paid"), ("deductible_amount", "amount_claimed"),
        ("Hospital Service Area", "service_type"), ("service_region", "service_type"), ("service_county", "service_type"),
        ("MA_KHOA", "dx_primary_code"), ("ADMWT", "claim_weight"), ("co_pay", "amount_paid"), ("transport_cost", "claim_id"),
        ("transaction_date", "claim_id"), ("provider_group", "facility_class"), ("own_share", "facility_ownership"),
        ("payer_sector", "facility_ownership"), ("economic_sector", "facility_ownership"), ("own_facility", "facility_ownership"),
        ("sec_proc_n", "comorbidity_count"), ("n_other", "comorbidity_count"), ("other_charges_count", "comorbidity_count"),
        ("package_type", "procedure_code"), ("package_amount", "procedure_code"), ("soi_date", "severity_group"),
        ("npi", "facility_id"), ("in_network", "admit_dt"), ("outpatient_date", "discharge_dt"), ("out_of_pocket", "discharge_dt"),
        ("insurer_portion", "amount_gap"), ("kode_pos", "service_type"),
        ("paid_out_date", "discharge_dt"), ("plan_exit_date", "discharge_dt"), ("data_entry_date", "admit_dt"),
        ("facture_type", "facility_type"), ("private_type", "facility_type"),
    ],
)  # fmt: skip
def test_what_a_name_says_beside_it_tells_what_a_column_is_not(column, ours):
    assert name_score(column, ours) == 0.0


def test_when_something_was_entered_gives_way_to_when_it_was_done():
    assert name_score("entry_date", "admit_dt") < min(
        name_score(name, "admit_dt") for name in ("service_date", "visit_date", "claim_date")
    )


def test_the_insurers_own_number_beside_its_payment_does_not_make_it_the_patients():
    assert name_score("nhis_paid_amount", "amount_paid") > 0.7
    assert name_score("benefit_paid", "amount_paid") > 0.7


def test_where_the_patient_lives_gives_way_to_where_the_hospital_is():
    assert name_score("SIDO", "province_name") < name_score("YKIHO_SIDO", "province_name")
    assert name_score("pat_province", "province_name") < name_score("province", "province_name")
    assert 0.5 < name_score("patient_state", "province_name") < name_score("hospital_state", "province_name")


@pytest.mark.slow
def test_what_the_patient_pays_is_not_what_the_insurer_paid_but_may_be_the_gap(tmp_path):
    base = tariff_table(900)
    claimed = base["amount_claimed"].to_pylist()
    own = [float(i % 7) * 1000 if i % 3 == 0 else 0.0 for i in range(900)]
    table = with_columns(
        base.drop_columns(["amount_claimed", "amount_paid"]),
        TOTAL_TAGIHAN_RS=claimed,
        KLAIM_DITERIMA=[amount - part for amount, part in zip(claimed, own, strict=True)],
        BAYAR_PASIEN=own,
    )
    placed = placed_in(table, tmp_path)
    assert placed["amount_paid"] == "KLAIM_DITERIMA"
    assert placed["amount_gap"] == "BAYAR_PASIEN"
    other = placed_in(replaced(table, "BAYAR_PASIEN", [part + 50.0 for part in own]), tmp_path)
    assert other["amount_paid"] == "KLAIM_DITERIMA"
    assert "amount_gap" not in other


def test_abbreviated_provinces_are_provinces_with_their_clocks():
    told = {
        "JATENG": "JAWA TENGAH",
        "Jawa Brt": "JAWA BARAT",
        "sumut": "SUMATERA UTARA",
        "DIY": "DI YOGYAKARTA",
        "MALUT": "MALUKU UTARA",
    }
    assert {value: spelled("province_name", value) for value in told} == told
    assert (utc_offset_hours("SULTRA"), utc_offset_hours("Malut"), utc_offset_hours("JATIM")) == (8, 9, 7)
    assert set(SPELLINGS.values()) <= set(PROVINCES)
    assert not set(SPELLINGS) & set(PROVINCES)


@pytest.mark.slow
def test_no_severity_in_words_is_none_and_a_fourth_level_stays_one_of_its_own(tmp_path):
    words = ["TANPA", "RINGAN", "SEDANG", "BERAT", "SANGAT BERAT"]
    text = to_toml(proposed(replaced(tariff_table(1500), "severity_group", words * 300), tmp_path))
    assert '"TANPA" = "none"' in text
    assert '# kept as they are: "SANGAT BERAT"' in text
    assert spelled("facility_ownership", "Vertikal (Kemkes)") == "Vertikal"


def test_numbers_that_are_of_no_list_of_ours_are_not_translated():
    assert coded("service_type", dict.fromkeys("123")) == {}
    assert coded("service_type", dict.fromkeys(("1", "2", "3", "VIP"))) == {}
    assert coded("severity_group", dict.fromkeys("01234")) == {"0": "none", "1": "ringan", "2": "sedang", "3": "berat"}


@pytest.mark.slow
def test_kinds_of_admission_are_kinds_of_service_and_areas_of_service_are_none(tmp_path):
    table = renamed(tariff_table(900).drop_columns(["service_type", "province_name"]), admit_dt="Admission Date")
    table = with_columns(
        table,
        **{
            "Hospital Service Area": [("Long Island", "Western NY", "Central NY")[i % 3] for i in range(900)],
            "Hospital County": [("Kings", "Erie", "Queens", "Suffolk", "Orange")[i % 5] for i in range(900)],
            "Type of Admission": [("Emergency", "Elective", "Newborn")[i % 3] for i in range(900)],
        },
    )
    placed = placed_in(table, tmp_path)
    assert placed["service_type"] == "Type of Admission"
    assert placed["district_name"] == "Hospital County"
    assert possible_in(table, tmp_path, "province_name") == ["Hospital Service Area"]


def hospital_stays(rows=900):
    """A table without a name that tells anything, but for its amounts and diagnoses."""
    start = [date(2023, 1, 1) + timedelta(days=i * 7 % 365) for i in range(rows)]
    end = [day + timedelta(days=i % 5) for i, day in enumerate(start)]
    return pa.table(
        {
            "K1": [f"c{i}" for i in range(rows)],
            "FR_DD": [int(f"{day:%Y%m%d}") for day in start],
            "TO_DD": [int(f"{day:%Y%m%d}") for day in end],
            "diagnosis": [("I10", "E119", "J189")[i % 3] for i in range(rows)],
            "claimed_amount": [1000.0 + i % 97 for i in range(rows)],
        }
    )


@pytest.mark.slow
def test_days_in_digits_are_admission_and_discharge_where_one_is_never_before_the_other(tmp_path):
    placed = placed_in(hospital_stays(), tmp_path)
    assert (placed["admit_dt"], placed["discharge_dt"]) == ("FR_DD", "TO_DD")
    moments = hospital_stays()
    for name in ("FR_DD", "TO_DD"):
        moments = replaced(moments, name, [f"{day}0830" for day in moments[name].to_pylist()])
    placed = placed_in(moments, tmp_path)
    assert (placed["admit_dt"], placed["discharge_dt"]) == ("FR_DD", "TO_DD")


@pytest.mark.slow
def test_two_days_are_no_stay_where_others_may_be_or_one_says_what_it_is(tmp_path):
    table = hospital_stays()
    days = table["TO_DD"].to_pylist()
    three = with_columns(table, XX_DD=[day if i % 2 else day + 1 for i, day in enumerate(days)])
    assert "admit_dt" not in placed_in(three, tmp_path)
    assert "admit_dt" not in placed_in(renamed(table, TO_DD="payment_date"), tmp_path)
    named = placed_in(with_columns(renamed(table, FR_DD="tgl_masuk"), extracted=[20240115] * 900), tmp_path)
    assert named["admit_dt"] == "tgl_masuk"
    assert "discharge_dt" not in named
    backwards = replaced(table, "TO_DD", [day - 100 * (i == 450) for i, day in enumerate(days)])
    assert "admit_dt" not in placed_in(backwards, tmp_path)


def nameless_codes(**others):
    table = renamed(tariff_table(1200), dx_primary_code="kolom_a")
    many = [f"{letter}{number:02d}" for letter in "ABCDEFGH" for number in range(10, 40)]
    return with_columns(replaced(table, "kolom_a", [many[i * 7 % 240] for i in range(1200)]), **others)


@pytest.mark.slow
def test_a_column_of_codes_that_few_rows_have_or_that_has_few_values_is_not_the_diagnosis(tmp_path):
    rare = nameless_codes(GROUP_X=[f"L0{i % 9}" if i % 100 == 0 else None for i in range(1200)])
    assert placed_in(rare, tmp_path)["dx_primary_code"] == "kolom_a"
    wards = nameless_codes(ward=[f"K{1 + i % 12:02d}" for i in range(1200)])
    assert placed_in(wards, tmp_path)["dx_primary_code"] == "kolom_a"


@pytest.mark.slow
def test_one_value_in_nearly_all_rows_is_no_list_of_secondary_diagnoses(tmp_path):
    codes = ["I10", "E119", "J189", "O800"]
    table = tariff_table(1200).drop_columns("dx_secondary_codes")
    for sentinel in ("0000", "Z000"):
        told = with_columns(
            table,
            DIAG_SECUN=[codes[i % 4] if i % 200 == 0 else sentinel for i in range(1200)],
            **{
                f"DIAGSEC{n}": [codes[(i + n) % 4] if i % (n + 1) == 0 else None for i in range(1200)]
                for n in range(1, 10)
            },
        )
        placed = {p.ours: (p.theirs, *p.also) for p in proposed(told, tmp_path).placed}
        assert placed["dx_secondary_codes"] == tuple(f"DIAGSEC{n}" for n in range(1, 10))


@pytest.mark.slow
def test_empty_lists_are_no_value_that_nearly_all_rows_have(tmp_path):
    lists = ["[]" if i % 30 else f'["I10","E11{i // 30 % 9}"]' for i in range(1200)]
    assert "dx_secondary_codes" in placed_in(replaced(tariff_table(1200), "dx_secondary_codes", lists), tmp_path)


@pytest.mark.slow
def test_a_level_in_a_column_of_its_own_is_taken_rather_than_the_end_of_a_code(tmp_path):
    table = tariff_table(900)
    severities = table["severity_group"].to_pylist()
    level = {"ringan": "I", "sedang": "II", "berat": "III"}
    table = with_columns(
        table.drop_columns("severity_group"),
        KODE_CBG=[f"K-4-{10 + i % 30}-{level[s]}" for i, s in enumerate(severities)],
        HAK=[("I", "II", "III")[i % 3] for i in range(900)],
    )
    assert placed_in(table, tmp_path)["severity_group"] == "KODE_CBG"
    own = with_columns(table, LVL=[level[s] for s in severities])
    assert placed_in(own, tmp_path)["severity_group"] == "LVL"
    numbers = with_columns(table, LVL=[len(level[s]) for s in severities])
    assert placed_in(numbers, tmp_path)["severity_group"] == "LVL"


@pytest.mark.slow
def test_what_else_is_called_an_amount_is_possible_where_one_is_found(tmp_path):
    table = renamed(tariff_table(900).drop_columns("amount_paid"), amount_claimed="Total Charges")
    table = with_columns(table, **{"Total Costs": [500.0 + i % 300 for i in range(900)], "code_no": list(range(900))})
    assert "amount_paid" not in placed_in(table, tmp_path)
    assert possible_in(table, tmp_path, "amount_paid") == ["Total Costs"]


@pytest.mark.slow
def test_of_amounts_with_names_alike_the_largest_is_claimed(tmp_path):
    claimed = tariff_table(900)["amount_claimed"].to_pylist()
    table = tariff_table(900).drop_columns(["amount_claimed", "amount_paid"])
    table = with_columns(table, CUT_AMT=[float(i % 90) for i in range(900)], TTL_AMT=claimed)
    assert placed_in(table, tmp_path)["amount_claimed"] == "TTL_AMT"


@pytest.mark.slow
def test_of_amounts_with_names_alike_those_are_taken_whose_difference_is_told(tmp_path):
    """The hospital's own tariff is larger than what it asks for, and what was approved at first than what was paid."""
    table = tariff_table(900).drop_columns(["amount_claimed", "amount_paid"])
    asked = [float(100_000 + 1000 * (i % 300)) for i in range(900)]
    paid = [a - 10_000.0 * (i % 3) for i, a in enumerate(asked)]
    columns = {
        "tarif_rs": [1.3 * a for a in asked], "biaya_diajukan": asked,
        "biaya_disetujui": [0.5 * (a + p) + 70_000 for a, p in zip(asked, paid, strict=True)],
        "biaya_terbayar": paid, "selisih": [a - p for a, p in zip(asked, paid, strict=True)],
    }  # fmt: skip
    placed = placed_in(with_columns(table, **columns), tmp_path)
    amounts = {name: placed[name] for name in ("amount_claimed", "amount_paid", "amount_gap")}
    assert amounts == {"amount_claimed": "biaya_diajukan", "amount_paid": "biaya_terbayar", "amount_gap": "selisih"}
    # Parts of a bill add up, too, and amounts that never stand in one row leave nothing.
    drugs = {
        "biaya_obat_diajukan": [0.2 * a for a in asked],
        "obat_dibayar": [0.1 * a for a in asked],
        "selisih_obat": [0.1 * a for a in asked],
    }
    apart = {
        "biaya_klaim": [a if i % 2 else None for i, a in enumerate(asked)],
        "dibayar": [None if i % 2 else p for i, p in enumerate(paid)],
    }
    for further in (drugs, apart):
        placed = placed_in(with_columns(table, **(further | columns)), tmp_path)
        assert {name: placed[name] for name in ("amount_claimed", "amount_paid", "amount_gap")} == amounts
    # A difference that is none of theirs, or nothing, tells nothing.
    for selisih in ([0.0] * 900, [1.0 + i % 7 for i in range(900)]):
        placed = placed_in(with_columns(table, **(columns | {"selisih": selisih})), tmp_path)
        assert (placed["amount_claimed"], placed["amount_paid"]) == ("tarif_rs", "biaya_terbayar")
        assert "amount_gap" not in placed


@pytest.mark.slow
def test_numbers_of_as_many_digits_in_every_row_are_keys_and_no_amounts(tmp_path):
    claimed = tariff_table(900)["amount_claimed"].to_pylist()
    table = tariff_table(900).drop_columns(["amount_claimed", "amount_paid"])
    table = with_columns(
        table, v1=[str(260072000000 + i // 2 * 71) for i in range(900)], v2=[a + i % 5 for i, a in enumerate(claimed)]
    )
    assert possible_in(table, tmp_path, "amount_claimed") == ["v2"]


@pytest.mark.slow
def test_what_stands_in_for_each_absent_column_is_named(tmp_path):
    table = tariff_table(500).select(["admit_dt", "dx_primary_code", "amount_claimed"])
    text = to_toml(proposed(table, tmp_path))
    assert "documented default" not in text
    for line in (
        "# claim_id: nothing found; a profile reads none, but claims without one cannot be scored, nor repeats of them be told",
        '# province_name: nothing found; "unknown" stands in',
        '# service_type: nothing found; "unknown" stands in',
        "# los: nothing found; 1 day for RITL claims, else 0, stands in",
        "# amount_paid: nothing found; equal to amount_claimed stands in",
        "# patient_id_hash: nothing found; every count stands for at least 50 claims, and not for persons",
    ):
        assert f"\n{line}\n" in text
    with_stay = to_toml(proposed(tariff_table(500).drop_columns(["admit_dt", "service_type"]), tmp_path))
    assert '# service_type: nothing found; "RITL" for claims with a stay, else "RJTL", stands in' in with_stay
    assert "# admit_dt: computed from discharge_dt and los" in with_stay
    assert "# claim_id:" not in with_stay


def test_what_is_said_to_stand_in_is_what_a_profile_takes(fit):
    has = ["admit_dt", "dx_primary_code", "amount_claimed"]
    profile = fit(tariff_table(1500).select(has))
    told = what_stands_in([name for name in CANONICAL if name not in has])
    for name, default in profile.defaults.items():
        assert default.split(":")[0] in told[name]
    has = ["los", "dx_primary_code", "amount_paid"]
    profile = fit(tariff_table(1500).select(has))
    told = what_stands_in([name for name in CANONICAL if name not in has])
    for name, default in profile.defaults.items():
        assert default.split(" 20")[0] in told[name]
    assert {value for value, _ in profile.marginal("service_type")} == {"RITL", "RJTL"}
    assert '"RITL"' in told["service_type"]


def test_what_is_needed_has_no_stand_in():
    assert what_stands_in(["dx_primary_code", "procedure_code"]) == {}
    assert "R69" in what_stands_in(["dx_primary_code"])["dx_primary_code"]
    assert what_stands_in(["admit_dt", "los"]).keys() == {"admit_dt", "los"}


def test_nothing_stands_in_for_amounts_that_a_table_has_none_of():
    told = what_stands_in(["amount_claimed", "amount_paid", "amount_gap"])
    assert set(told.values()) == {"0 stands in, since the table has no amounts"}
    assert what_stands_in(["amount_paid", "amount_gap"])["amount_paid"] == "equal to amount_claimed stands in"


@pytest.mark.slow
def test_the_file_shows_once_how_a_kept_value_gets_another_name(tmp_path):
    kinds = ["outpatient", "hospice", "inpatient"]
    table = replaced(tariff_table(900), "service_type", kinds * 300)
    table = replaced(table, "facility_ownership", ["POLRI", "Swasta", "BUMN"] * 300)
    text = to_toml(proposed(table, tmp_path))
    assert text.count("# kept as they are: ") > 1
    assert text.count("# so a value gets another name") == 1
    (line,) = (line for line in text.splitlines() if line.endswith("# so a value gets another name"))
    assert line.startswith('# "hospice" = "..."')
    assert "# so a value" not in to_toml(proposed(tariff_table(900).drop_columns("facility_class"), tmp_path))


@pytest.mark.slow
def test_days_behind_their_months_are_days(tmp_path):
    table = tariff_table(900)
    first = [day.replace(day=13 + day.day % 10) for day in table["admit_dt"].to_pylist()]
    nights = [i % 6 for i in range(900)]
    own = with_columns(
        table.drop_columns(["admit_dt", "discharge_dt", "los"]),
        **{
            "Start of care": pa.array([f"{day:%m/%d/%Y}" for day in first]),
            "End of care": pa.array([f"{day + timedelta(n):%m/%d/%Y}" for day, n in zip(first, nights, strict=True)]),
            "nights": pa.array(nights),
        },
    )
    placed = placed_in(own, tmp_path)
    assert (placed["admit_dt"], placed["discharge_dt"], placed["los"]) == ("Start of care", "End of care", "nights")


@pytest.mark.slow
def test_months_are_when_and_no_amounts(tmp_path):
    """Receipts by the month: 202403 is no price."""
    table = tariff_table(900).drop_columns(["discharge_dt", "los"])
    months = [int(day.strftime("%Y%m")) for day in table["admit_dt"].to_pylist()]
    table = with_columns(table.drop_columns(["admit_dt"]), service_ym=months, billed_in=months)
    assert placed_in(table, tmp_path)["admit_dt"] == "service_ym"
    table = renamed(table, amount_claimed="sum_1", amount_paid="sum_2")
    assert "billed_in" not in possible_in(table, tmp_path, "amount_claimed")


@pytest.mark.slow
def test_the_main_procedure_is_taken_rather_than_a_further_one(tmp_path):
    codes = tariff_table(900)["procedure_code"]
    table = with_columns(tariff_table(900).drop_columns(["procedure_code"]), prosedur_lain=codes, prosedur_utama=codes)
    assert placed_in(table, tmp_path)["procedure_code"] == "prosedur_utama"


@pytest.mark.slow
def test_a_column_of_zeros_is_no_stay_where_most_claims_end_on_their_day(tmp_path):
    """Of visits the days are none, and so is what is left to pay of most bills."""
    rows = range(2_000)
    first = [date(2024, 1, 1) + timedelta(i % 300) for i in rows]
    nights = [i // 20 % 5 if i % 20 == 0 else 0 for i in rows]
    own = with_columns(
        tariff_table(2_000).drop_columns(["admit_dt", "discharge_dt", "los"]),
        START=first,
        STOP=[day + timedelta(n) for day, n in zip(first, nights, strict=True)],
        OUTSTANDING=[float(i % 1000 == 1) for i in rows],
    )
    assert "los" not in placed_in(own, tmp_path)
    assert placed_in(with_columns(own, hari=nights), tmp_path)["los"] == "hari"


@pytest.mark.slow
def test_a_few_conditions_in_words_are_the_diagnosis_where_nothing_else_is(tmp_path):
    conditions = ["Cancer", "Obesity", "Diabetes", "Asthma", "Hypertension", "Arthritis"] * 150
    own = with_columns(tariff_table(900).drop_columns(["dx_primary_code"]), **{"Medical Condition": conditions})
    assert placed_in(own, tmp_path)["dx_primary_code"] == "Medical Condition"
    coded = with_columns(own, dx=["I10", "E119", "J45"] * 300)
    assert placed_in(coded, tmp_path)["dx_primary_code"] == "dx"


@pytest.mark.slow
def test_a_procedure_of_icd_10_pcs_is_one_rather_than_a_case_group(tmp_path):
    table = tariff_table(900).drop_columns(["procedure_code"])
    own = with_columns(table, DRG=["470", "871", "392"] * 300, I10_PR1=["0SRC0J9", "10D00Z1", None] * 300)
    assert placed_in(own, tmp_path)["procedure_code"] == "I10_PR1"


@pytest.mark.slow
def test_variables_of_england_canada_and_taiwan_are_known_by_their_names(tmp_path):
    ours = (
        "dx_primary_code",
        "dx_secondary_codes",
        "procedure_code",
        "patient_id_hash",
        "claim_id",
        "comorbidity_count",
    )
    table = tariff_table(900)
    table = table.drop_columns([name for name in ours if name in table.column_names])
    persons = [f"a{i % 400:04}" for i in range(900)]
    england = with_columns(
        table, EPIKEY=range(900), PSEUDO_HESID=persons, DIAG_4_01=["I10X", "E119", "J459"] * 300,
        DIAG_4_02=["K297", None, "N185"] * 300, DIAG_4_03=["D649", None, None] * 300,
        OPERTN_4_01=["W371", "H221", "C712", None, "X403", "G451", "M459", "K631", "T202", "A521", "L912", "B285"] * 75,
    )  # fmt: skip
    found = placed_in(england, tmp_path)
    assert found["dx_primary_code"] == "DIAG_4_01"
    assert found["dx_secondary_codes"] == "DIAG_4_02"
    assert (found["claim_id"], found["patient_id_hash"]) == ("EPIKEY", "PSEUDO_HESID")
    assert found["procedure_code"] == "OPERTN_4_01"
    canada = with_columns(
        table, MBUN_ENCRYPTED=persons, MRDX=["I10", "E119", "J459"] * 300, DX2=["K297", None, "N185"] * 300,
        DX3=["D649", None, None] * 300, COMORBIDITY_LEVEL=[0, 1, 4] * 300,
    )  # fmt: skip
    found = placed_in(canada, tmp_path)
    assert (found["dx_primary_code"], found["patient_id_hash"]) == ("MRDX", "MBUN_ENCRYPTED")
    assert found["dx_secondary_codes"] == "DX2"
    assert "comorbidity_count" not in found
    taiwan = with_columns(
        table, ID=persons, ID_BIRTHDAY=[date(1950 + i % 40, 1 + i % 12, 1) for i in range(900)], ID_SEX=["1", "2", "2"] * 300,
        ICD9CM_CODE=["4019", "25000", "486"] * 300, ICD9CM_CODE_1=["5849", None, "2859"] * 300,
        ICD9CM_CODE_2=["2720", None, None] * 300, ICD_OP_CODE=["5123", "8154", None] * 300,
    )  # fmt: skip
    found = placed_in(taiwan, tmp_path)
    assert (found["dx_primary_code"], found["procedure_code"]) == ("ICD9CM_CODE", "ICD_OP_CODE")
    assert found["dx_secondary_codes"] == "ICD9CM_CODE_1"
    assert found["patient_id_hash"] == "ID"
    assert "claim_id" not in found


@pytest.mark.many(daily=1)
@pytest.mark.parametrize("beside", ["ID_SEX", "ID_BIRTHDAY"])
def test_an_id_beside_one_thing_of_a_persons_alone_may_be_anybodys(tmp_path, beside):
    persons = [f"{i // 3:08d}" for i in range(900)]
    table = tariff_table(900).drop_columns(["claim_id", "patient_id_hash"])
    told = {"ID_SEX": ["1", "2", "2"] * 300, "ID_BIRTHDAY": [date(1950 + i % 40, 1 + i % 12, 1) for i in range(900)]}
    found = placed_in(with_columns(table, ID=persons, **{beside: told[beside]}), tmp_path)
    assert found.get("patient_id_hash") != "ID"


@pytest.mark.slow
def test_an_id_of_each_claim_is_the_claims(tmp_path):
    table = tariff_table(900).drop_columns(["claim_id"])
    assert placed_in(with_columns(table, ID=range(900)), tmp_path)["claim_id"] == "ID"


@pytest.mark.many(daily=2)
@pytest.mark.parametrize("key", ["PATIENT_ID", "no_rm", "pasien", None])
def test_an_id_of_bills_lines_is_nobodys(tmp_path, key):
    table = tariff_table(900)
    persons = table["patient_id_hash"].to_pylist()
    table = table.drop_columns(["claim_id", "patient_id_hash"])
    bills = with_columns(table, ID=[i // 2 for i in range(900)], **({key: persons} if key else {}))
    found = placed_in(bills, tmp_path)
    assert found.get("patient_id_hash") == key


@pytest.mark.slow
def test_kinds_of_service_are_counted_whatever_their_case(tmp_path):
    kinds = [
        "OPD",
        "opd",
        "Opd",
        "Admission",
        "admission",
        "ADMISSION",
        "Dental",
        "dental",
        "Optical",
        "OPTICAL",
        "optical",
    ]
    kinds += ["Maternity", "maternity", "Pharmacy", "PHARMACY"]
    table = tariff_table(900).drop_columns(["service_type"])
    assert placed_in(with_columns(table, **{"Service Type": kinds * 60}), tmp_path)["service_type"] == "Service Type"


@pytest.mark.parametrize(
    "primary", ["PDX", "diagnosis", "diagnosis_code", "principal_dx", "main_diagnosis", "hauptdiagnose"]
)
@pytest.mark.slow
def test_the_first_of_numbered_diagnoses_is_the_primary_one_only_where_none_is_called_so(tmp_path, primary):
    ours = ("dx_primary_code", "dx_secondary_codes", "comorbidity_count")
    table = tariff_table(900)
    table = table.drop_columns([name for name in ours if name in table.column_names])
    numbered = {"DX01": ["K297", None, "N185"] * 300, "DX02": ["D649", None, "J90"] * 300}
    assert placed_in(with_columns(table, **numbered), tmp_path)["dx_primary_code"] == "DX01"
    found = placed_in(with_columns(table, **numbered, **{primary: ["I10", "E119", "J459"] * 300}), tmp_path)
    assert found["dx_primary_code"] == primary
    assert found["dx_secondary_codes"] == "DX01"


@pytest.mark.parametrize(
    ("primary", "other"),
    [("primary_dx_1", "admission_dx"), ("diagnosa_utama_1", "dx_masuk"), ("main_diagnosis_1", "dx_admit")],
)
@pytest.mark.slow
def test_a_numbered_diagnosis_that_is_called_the_primary_one_is_it(tmp_path, primary, other):
    ours = ("dx_primary_code", "dx_secondary_codes", "comorbidity_count")
    table = tariff_table(900)
    table = table.drop_columns([name for name in ours if name in table.column_names])
    diagnoses = {other: ["I10", "E119", "J459"] * 300, primary: ["K297", "D649", "N185"] * 300}
    assert placed_in(with_columns(table, **diagnoses), tmp_path)["dx_primary_code"] == primary


@pytest.mark.parametrize("name", ["OP_Dauer", "operation_duration", "op_minutes", "interval"])
@pytest.mark.slow
def test_what_an_operation_takes_is_no_procedure(tmp_path, name):
    table = tariff_table(900).drop_columns(["procedure_code"])
    minutes = [20 + i % 300 for i in range(900)]
    assert placed_in(with_columns(table, **{name: minutes}), tmp_path).get("procedure_code") != name


@pytest.mark.slow
def test_keys_that_differ_in_case_alone_are_different(tmp_path):
    table = tariff_table(900).drop_columns(["claim_id"])
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    keys = [f"x{letters[i // 52]}{letters[i % 52]}" for i in range(900)]
    assert placed_in(with_columns(table, claim_no=keys), tmp_path)["claim_id"] == "claim_no"


@pytest.mark.slow
def test_a_few_amounts_that_could_be_dates_make_no_dates_of_the_others(tmp_path):
    """Whole amounts, of which two have eight digits: 20 July 2019 and 12 May 2020."""
    table = tariff_table(900).drop_columns(["amount_claimed", "amount_paid"])
    amounts = [10_000 + 37 * i for i in range(900)]
    amounts[5], amounts[7] = 20_190_720, 12_052_020
    found = placed_in(with_columns(table, BILLED_AMT=amounts, PAID_AMT=[amount - 5 for amount in amounts]), tmp_path)
    assert found["amount_claimed"] == "BILLED_AMT"
    assert found["amount_paid"] == "PAID_AMT"


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("PRNCPAL_DGNS_CD", "dx_primary_code"), ("SERVICE_DTM", "admit_dt"), ("CLM_NBR", "claim_id"), ("MBR_KEY", "patient_id_hash"),
        ("ITEM_DESC", "procedure_label"), ("MT_AMO", "amount_paid"), ("MBR_LBLTY_AMT", "amount_gap"), ("hauptprozedur", "procedure_code"),
        ("indi_dscm_no", "patient_id_hash"), ("vshsp_dd_cnt", "los"), ("SVC_CAT", "service_type"),
        ("hadm_id", "claim_id"), ("subject_id", "patient_id_hash"), ("dischtime", "discharge_dt"), ("THCIC_ID", "facility_id"),
        ("InscClaimAmtReimbursed", "amount_paid"), ("LINE_ALOWD_CHRG_AMT", "amount_claimed"), ("cod_prestador", "facility_id"),
        ("COD_HOSPITAL", "facility_id"), ("cod_cups", "procedure_code"), ("CIP_ENCRIPTADO", "patient_id_hash"),
        ("TIPO_ATENCION", "service_type"), ("DIAGNOSTICO", "dx_primary_label"),
    ],
)  # fmt: skip
def test_names_of_payers_abroad_are_known(theirs, ours):
    assert name_score(theirs, ours) > 0.75
    assert name_score("CATATAN", ours) < 0.5


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("CNS_PROF", "patient_id_hash"), ("PA_CNSMED", "patient_id_hash"), ("tarif_pasien", "amount_gap"), ("SVC_LINE", "service_type"),
        ("natureza_atendimento", "facility_ownership"), ("PCL_ID", "severity_group"), ("NPI", "claim_id"), ("SITE", "facility_id"),
        ("sick_leave", "dx_primary_code"), ("item_qty", "procedure_code"), ("montant_porte", "facility_class"),
        ("PAT_ZIP", "patient_id_hash"), ("IPAnnualReimbursementAmt", "amount_paid"), ("annual_paid_amt", "amount_paid"),
        ("LINE_COINSRNC_AMT", "amount_claimed"),
        ("admit_provider_id", "facility_id"), ("codec", "dx_primary_code"),
        ("hasta", "patient_id_hash"), ("fecha_hasta", "patient_id_hash"), ("regimen_code", "service_type"), ("regime", "service_type"),
        ("natural_death", "facility_ownership"), ("ili", "province_name"), ("iliac", "province_name"), ("triage_nurse", "severity_group"),
        ("cantonal", "province_name"), ("kabul", "admit_dt"), ("ad_diag", "dx_primary_label"), ("dni_estancia", "los"),
    ],
)  # fmt: skip
def test_words_that_other_things_are_called_by_too_say_nothing(theirs, ours):
    assert name_score(theirs, ours) < 0.5


@pytest.mark.slow
def test_the_bill_of_a_patient_is_what_is_claimed(tmp_path):
    table = tariff_table(900).drop_columns(["amount_claimed", "amount_paid"])
    bills = [10_000 + 37 * i for i in range(900)]
    found = placed_in(with_columns(table, biaya_pasien=bills, klaim_disetujui=[bill - 5 for bill in bills]), tmp_path)
    assert found["amount_claimed"] == "biaya_pasien"
    assert found["amount_paid"] == "klaim_disetujui"


def test_the_relative_weight_of_a_group_of_cases_is_no_weight_of_claims():
    assert name_score("RLTV_WT", "claim_weight") == 0.0


@pytest.mark.parametrize("kinds", [20, 30])
@pytest.mark.slow
def test_a_service_of_many_kinds_is_at_least_possible_where_it_is_called_so(tmp_path, kinds):
    wards = [f"Poli {chr(65 + i % 26)}{chr(97 + i // 26)}bc" for i in range(kinds)]
    table = replaced(tariff_table(3000), "service_type", [wards[i % kinds] for i in range(3000)])
    assert placed_in(table, tmp_path).get("service_type") == "service_type" or possible_in(
        table, tmp_path, "service_type"
    ) == ["service_type"]
