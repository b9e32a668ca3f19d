"""What columns and values are called, in whichever language."""

import pytest

from claims_sim.profile.proposing.naming import coded, name_score, spelled
from claims_sim.profile.reading.source_columns import CANONICAL


@pytest.mark.parametrize(
    ("column", "ours"),
    [
        ("tgl_masuk", "admit_dt"), ("TanggalMasuk", "admit_dt"), ("admission_date", "admit_dt"), ("tglmrs", "admit_dt"),
        ("tgl_pulang", "discharge_dt"), ("tgl_krs", "discharge_dt"), ("DischargeDate", "discharge_dt"),
        ("lama_rawat", "los"), ("ALOS", "los"), ("hari_rawat", "los"), ("length_of_stay", "los"),
        ("kelas_rs", "facility_class"), ("hospital_class", "facility_class"), ("kepemilikan_rs", "facility_ownership"),
        ("provinsi", "province_name"), ("kab_kota", "district_name"), ("kode_faskes", "facility_id"),
        ("jnspelsep", "service_type"), ("jenis_layanan", "service_type"), ("severitylevel", "severity_group"), ("sev", "severity_group"),
        ("diagprimer", "dx_primary_code"), ("diagnosa", "dx_primary_code"), ("icd10", "dx_primary_code"),
        ("nama_diagnosa", "dx_primary_label"), ("dx_sekunder", "dx_secondary_codes"), ("diagnosis_description", "dx_primary_label"),
        ("kode_tindakan", "procedure_code"), ("biaya_tagih", "amount_claimed"), ("billed_amount", "amount_claimed"),
        ("biaya_verifikasi", "amount_paid"), ("approved_amount", "amount_paid"), ("selisih", "amount_gap"),
        ("nokapst", "patient_id_hash"), ("id_peserta", "patient_id_hash"), ("bobot", "claim_weight"), ("FKL47", "amount_claimed"),
    ],
)  # fmt: skip
def test_indonesian_and_english_names_are_known(column, ours):
    scores = {name: name_score(column, name) for name in CANONICAL}
    assert max(scores, key=scores.__getitem__) == ours
    assert scores[ours] >= 0.7


@pytest.mark.parametrize(
    ("column", "ours"),
    [
        ("FKL09_TIPE", "facility_class"), ("FKL08_JENIS", "facility_type"), ("FKL10_TINGKAT_LAYANAN", "service_type"),
        ("FKL18A_NAMA", "dx_primary_label"), ("PSTV01_NO_PESERTA", "patient_id_hash"), ("pnk17_biaya", "amount_claimed"),
        ("FKL13_KELAS", None), ("PSTV02_NO_KELUARGA", None),
    ],
)  # fmt: skip
def test_the_number_of_a_variable_says_what_a_column_is_whatever_words_stand_behind_it(column, ours):
    assert {name for name in CANONICAL if name_score(column, name) > 0} == ({ours} if ours else set())


def test_words_behind_a_number_that_says_nothing_count():
    assert name_score("FKL99_DIAGNOSA", "dx_primary_code") == name_score("DIAGNOSA", "dx_primary_code") > 0.5


@pytest.mark.parametrize("column", ["x", "kolom_1", "catatan", "created_by", ""])
def test_names_that_say_nothing_fit_nowhere(column):
    assert all(name_score(column, name) < 0.5 for name in CANONICAL)


def test_the_code_with_the_longer_stays_is_inpatient_whichever_way_the_source_counts():
    assert coded("service_type", {"1": 4.1, "2": 0.0}) == {"1": "RITL", "2": "RJTL"}
    assert coded("service_type", {"1": 0.0, "2": 4.1}) == {"1": "RJTL", "2": "RITL"}
    assert coded("service_type", {"1": None, "2": None}, "jenis_pelayanan") == {"1": "RJTL", "2": "RITL"}
    assert coded("service_type", {"1": None, "2": None}, "FKL10") == {"1": "RJTL", "2": "RITL"}
    assert not coded("service_type", {"1": None, "2": None}, "type_of_setting_id")


def test_four_levels_begin_with_that_of_outpatients_where_the_grouper_is_bpjs():
    levels = dict.fromkeys("1234")
    assert coded("severity_group", levels, "FKL23") == {"1": "none", "2": "ringan", "3": "sedang", "4": "berat"}
    assert coded("severity_group", levels, "APRDRG_Severity") == {"1": "ringan", "2": "sedang", "3": "berat"}
    assert coded("severity_group", levels, "ILLNESS_SEVERITY") == {"1": "ringan", "2": "sedang", "3": "berat"}


def test_a_yes_or_no_that_tells_stays_is_a_kind_of_service():
    assert coded("service_type", {"Y": 0.0, "N": 3.1}) == {"Y": "RJTL", "N": "RITL"}
    assert coded("service_type", {"Y": 0.1, "N": 0.2}) == {}
    assert coded("service_type", {"Y": 0.0, "RITL": 3.1}) == {}
    assert coded("service_type", {"Elective": 1.2, "Emergency": 3.1}) == {}


def test_codes_and_words_of_values_are_known():
    assert coded("facility_ownership", {"3": None, "77": None}) == {"3": "Pemkab"}
    assert coded("severity_group", dict.fromkeys("1234"))["2"] == "ringan"
    assert coded("severity_group", dict.fromkeys("0123"))["2"] == "sedang"
    assert coded("province_name", {"35": None, "94": None}) == {"35": "JAWA TIMUR"}
    assert spelled("service_type", "Rawat Inap") == "RITL"
    assert spelled("facility_class", "Tipe B") == "RS Kelas B"
    assert spelled("province_name", "ntb") == "NUSA TENGGARA BARAT"
    assert spelled("severity_group", "whatever") is None


@pytest.mark.parametrize(
    ("column", "ours"),
    [
        ("visit_ts", "admit_dt"), ("tgl", "admit_dt"), ("START", "admit_dt"), ("STOP", "discharge_dt"), ("dx1", "dx_primary_code"),
        ("dx_2", "dx_secondary_codes"), ("kode_icd9", "procedure_code"), ("clinic_code", "facility_id"), ("setting", "service_type"),
        ("member_share", "amount_gap"), ("gross_amount", "amount_claimed"), ("CLM_PMT_AMT", "amount_paid"),
        ("cpt", "procedure_code"), ("hcpcs_cd", "procedure_code"), ("member_liability", "amount_gap"),
        ("ik_krankenhaus", "facility_id"), ("nebendiagnosen", "dx_secondary_codes"), ("einddatum", "discharge_dt"),
        ("vergoed_bedrag", "amount_paid"), ("niveau_severite", "severity_group"), ("PDX", "dx_primary_code"),
        ("SDX2", "dx_secondary_codes"), ("REIMB_NHSO", "amount_paid"), ("activity_code", "procedure_code"),
        ("kode_fktp", "facility_id"), ("folio", "claim_id"), ("derechohabiente", "patient_id_hash"), ("clues", "facility_id"),
        ("entidad", "province_name"), ("tipo_unidad", "facility_type"), ("nivel_atencion", "facility_class"),
        ("imp_pagado", "amount_paid"), ("deduccion", "amount_gap"), ("declaratie_id", "claim_id"), ("bsn_pseudo", "patient_id_hash"),
        ("verpleegdagen", "los"), ("valor_facturado", "amount_claimed"), ("glosa", "amount_gap"),
        ("ghm", "procedure_code"), ("mnt_amo", "amount_paid"), ("ambito", "service_type"),
    ],
)  # fmt: skip
def test_names_of_other_countries_tables_are_known(column, ours):
    scores = {name: name_score(column, name) for name in ("claim_id", *CANONICAL)}
    assert max(scores, key=scores.__getitem__) == ours


def test_where_a_patient_lives_is_rather_not_where_the_hospital_is():
    assert name_score("home_county", "province_name") < name_score("county", "province_name")
    assert name_score("kelas_rawat", "facility_class") == 0.0


def test_a_day_of_birth_is_no_admission_and_a_case_group_no_amount():
    assert name_score("tgl_lahir", "admit_dt") == 0.0
    assert name_score("CLM_DRG_CD", "amount_claimed") == 0.0


@pytest.mark.parametrize(
    ("column", "ours"),
    [
        ("drg_relative_weight", "claim_weight"),
        ("co_payment", "amount_paid"),
        ("city_tier", "district_name"),
        ("DIAG_AMT", "dx_primary_code"),
        ("process_date", "procedure_code"),
    ],
)
def test_what_else_a_name_says_tells_that_it_is_another_column(column, ours):
    assert name_score(column, ours) == 0.0
