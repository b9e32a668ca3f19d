"""Tables as they are published, and the grouper's export, are proposed whole."""

from datetime import date, timedelta

import pyarrow as pa
import pytest

from claims_sim.profile.proposing.proposal import propose_mapping
from claims_sim.profile.proposing.proposal_toml import to_toml
from claims_sim.profile.reading.source import SourceSpec, read_source
from claims_sim_tests.profile.tables import tariff_table, write_duckdb

MEDICARE = {
    "DESYNPUF_ID": "patient_id_hash", "CLM_ID": "claim_id", "CLM_ADMSN_DT": "admit_dt", "CLM_THRU_DT": "discharge_dt",
    "PRVDR_NUM": "facility_id", "CLM_PMT_AMT": "amount_paid", "CLM_UTLZTN_DAY_CNT": "los", "ICD9_DGNS_CD_1": "dx_primary_code",
    "ICD9_DGNS_CD_2": "dx_secondary_codes", "ICD9_PRCDR_CD_1": "procedure_code",
}  # fmt: skip


@pytest.mark.slow
def test_a_wide_table_of_other_codes_is_proposed_whole(tmp_path):
    rows = range(400)
    codes = ["0010", "25000", "V5789", "4019"]
    columns = {
        "DESYNPUF_ID": [f"{i // 2:016X}" for i in rows], "CLM_ID": [196_661_176_000_000 + i for i in rows],
        "CLM_ADMSN_DT": [20080101 + i % 28 for i in rows], "CLM_THRU_DT": [20080201 + i % 28 for i in rows],
        "PRVDR_NUM": [f"{i % 9:02d}00{i % 9}A" for i in rows], "CLM_PMT_AMT": [4000.0 + i % 50 for i in rows],
        "NCH_PRMRY_PYR_CLM_PD_AMT": [0.0] * 400, "CLM_UTLZTN_DAY_CNT": [i % 7 for i in rows], "CLM_DRG_CD": [str(i % 90) for i in rows],
        "ADMTNG_ICD9_DGNS_CD": [codes[i % 4] for i in rows], "ICD9_DGNS_CD_1": [codes[i % 4] for i in rows],
        **{f"ICD9_DGNS_CD_{n}": [codes[(i + n) % 4] if i % n == 0 else None for i in rows] for n in (10, 2, 3)},
        "ICD9_PRCDR_CD_1": ["9904" if i % 3 else None for i in rows],
    }  # fmt: skip
    proposal = propose_mapping(SourceSpec(write_duckdb(pa.table(columns), tmp_path / "c.duckdb")))
    assert {p.theirs: p.ours for p in proposal.placed} == MEDICARE
    assert 'dx_secondary_codes = ["ICD9_DGNS_CD_2", "ICD9_DGNS_CD_3", "ICD9_DGNS_CD_10"]' in to_toml(proposal)


SIH = {
    "DT_INTER": "admit_dt", "DT_SAIDA": "discharge_dt", "DIAS_PERM": "los", "UF_ZI": "province_name", "MUNIC_MOV": "district_name",
    "CNES": "facility_id", "DIAG_PRINC": "dx_primary_code", "DIAGSEC1": "dx_secondary_codes", "PROC_REA": "procedure_code",
    "VAL_TOT": "amount_claimed", "NASC": "patient_id_hash",
}  # fmt: skip


@pytest.mark.slow
def test_a_hospital_table_in_portuguese_is_proposed_whole(tmp_path):
    rows = range(600)
    codes = ["I10", "E119", "J189", "O800"]
    columns = {
        "UF_ZI": [str(350_000 + i % 5 * 10_000) for i in rows], "CNES": [str(2_000_013 + i % 40) for i in rows],
        "MUNIC_MOV": [str(355_030 + i % 30) for i in rows], "NASC": [str(19_500_101 + i % 28) for i in rows],
        "PROC_REA": [f"03{i % 20:02d}1401{i % 20:02d}" for i in rows], "VAL_SH": [300.25 + i for i in rows],
        "VAL_TOT": [400.5 + i for i in rows], "DT_INTER": [str(20_190_101 + i % 20) for i in rows],
        "DT_SAIDA": [str(20_190_101 + i % 20 + i % 7) for i in rows], "DIAG_PRINC": [codes[i % 4] for i in rows],
        "DIAG_SECUN": ["0000"] * 600, "DIAS_PERM": [i % 7 for i in rows],
        **{f"DIAGSEC{n}": [codes[(i + n) % 4] if i % n == 0 else None for i in rows] for n in (1, 2)},
    }  # fmt: skip
    proposal = propose_mapping(SourceSpec(write_duckdb(pa.table(columns), tmp_path / "c.duckdb")))
    assert {p.theirs: p.ours for p in proposal.placed} == SIH
    assert 'dx_secondary_codes = ["DIAGSEC1", "DIAGSEC2"]' in to_toml(proposal)


PRIMARY_CARE = {
    "PSTV01": "patient_id_hash", "PSTV15": "claim_weight", "PNK02": "claim_id", "PNK03": "admit_dt", "PNK05": "discharge_dt",
    "PNK06": "province_name", "PNK07": "district_name", "PNK08": "facility_ownership", "PNK09": "facility_type",
    "PNK10": "facility_class", "PNK11": "service_type", "PNK14": "dx_primary_code", "PNK15": "dx_primary_label",
    "PNK17": "amount_claimed", "PNK18": "amount_paid",
}  # fmt: skip


@pytest.mark.slow
def test_the_sample_of_primary_care_is_proposed_whole_and_its_kinds_are_no_hospital_classes(tmp_path):
    rows, codes = range(900), ["O800", "Z392", "Z36", "A099"]
    days = [date(2022, 1 + i % 12, 1 + i % 28) for i in rows]
    columns = {
        "PSTV01": [10**8 + i // 2 for i in rows], "PSTV02": [10**8 + i // 4 * 82 for i in rows], "PSTV15": [4.25 + i % 40 for i in rows],
        "PNK02": [f"1001008{i % 12:02d}P{i:06d}" for i in rows], "PNK03": days, "PNK04": days,
        "PNK05": [day + timedelta(days=i % 2) for i, day in enumerate(days)], "PNK06": [(31, 32, 35)[i % 3] for i in rows],
        "PNK07": [3100 + i % 9 for i in rows], "PNK08": [(3, 9)[i % 2] for i in rows], "PNK09": [1 + i % 3 for i in rows],
        "PNK10": [1 + i % 4 for i in rows], "PNK11": [1 + i % 2 for i in rows], "PNK12": [1 + i % 5 for i in rows],
        "PNK13": [500 + i % 4 for i in rows], "PNK13A": [codes[i % 4][:3] for i in rows], "PNK14": [codes[i % 4] for i in rows],
        "PNK15": [f"Single spontaneous delivery, kind {codes[i % 4]}" for i in rows],
        "PNK16": [1010 + i % 30 for i in rows], "PNK17": [25_000 + 500 * (i % 50) for i in rows],
        "PNK18": [25_000 + 500 * (i % 49) for i in rows],
    }  # fmt: skip
    proposal = propose_mapping(SourceSpec(write_duckdb(pa.table(columns), tmp_path / "c.duckdb")))
    assert {p.theirs: p.ours for p in proposal.placed} == PRIMARY_CARE
    text = to_toml(proposal)
    assert "RS Kelas" not in text
    assert '"2" = "RITL"' in text


GROUPER_EXPORT = {
    "SEP": "claim_id", "NOKARTU": "patient_id_hash", "KODE_RS": "facility_id", "KELAS_RS": "facility_class",
    "KODE_TARIF": "facility_ownership", "PTD": "service_type", "ADMISSION_DATE": "admit_dt", "DISCHARGE_DATE": "discharge_dt",
    "LOS": "los", "INACBG": "severity_group", "PROCLIST": "procedure_code", "TARIF_RS": "amount_claimed",
    "TOTAL_TARIF": "amount_paid",
}  # fmt: skip


def grouper_export(rows=3000):
    """A hospital's claims as the INA-CBG grouper exports them: all diagnoses in one column, days of care counted from one."""
    table = tariff_table(rows)
    column = {name: table[name].to_pylist() for name in table.column_names}
    inpatient = [service == "RITL" for service in column["service_type"]]
    lists = zip(column["dx_primary_code"], column["dx_secondary_codes"], strict=True)
    level = {"ringan": "I", "sedang": "II", "berat": "III"}
    price = [int(amount) for amount in column["amount_paid"]]
    return pa.table(
        {
            "KODE_RS": [f"{31 + i % 5}{70000 + i % 40}" for i in range(rows)],
            "KELAS_RS": ["ABCD"[i % 40 % 4] for i in range(rows)],
            "KELAS_RAWAT": [3 - i % 3 for i in range(rows)],
            "KODE_TARIF": ["ABCD"[i % 40 % 4] + "PS"[i % 40 % 2] for i in range(rows)],
            "PTD": [1 if stays else 2 for stays in inpatient],
            "ADMISSION_DATE": [day.strftime("%d/%m/%Y") for day in column["admit_dt"]],
            "DISCHARGE_DATE": [day.strftime("%d/%m/%Y") for day in column["discharge_dt"]],
            "BIRTH_WEIGHT": [3000 if i % 50 == 0 else 0 for i in range(rows)],
            "DIAGLIST": [";".join([f"{first[:3]}.{first[3:]}", *rest]) for first, rest in lists],
            "PROCLIST": ["-" if code is None else f"{code[:2]}.{code[2:]};89.52" for code in column["procedure_code"]],
            "INACBG": [
                f"K-4-17-{level[severity]}" if stays else "Q-5-44-0"
                for severity, stays in zip(column["severity_group"], inpatient, strict=True)
            ],
            "TARIF_INACBG": price,
            "TOTAL_TARIF": price,
            "TARIF_RS": [round(amount * 1.1) + i % 997 for i, amount in enumerate(price)],
            "PROSEDUR_BEDAH": [amount // 3 for amount in price],
            "LOS": [nights + 1 for nights in column["los"]],
            "MRN": [f"{i % 900:06d}" for i in range(rows)],
            "SEP": [f"0301R001{i:09d}" for i in range(rows)],
            "NOKARTU": [f"{10**9 + int(person.split()[1]):013d}" for person in column["patient_id_hash"]],
        }
    )


@pytest.mark.slow
def test_the_groupers_export_is_proposed_whole_and_its_lists_of_all_diagnoses_are_taken_apart(tmp_path):
    export = grouper_export()
    file = write_duckdb(export, tmp_path / "e.duckdb")
    proposal = propose_mapping(SourceSpec(file))
    placed = {p.theirs: p.ours for p in proposal.placed if p.theirs != "DIAGLIST"}
    assert placed == GROUPER_EXPORT
    assert [p.ours for p in proposal.placed if p.theirs == "DIAGLIST"] == ["dx_primary_code", "dx_secondary_codes"]
    (tmp_path / "m.toml").write_text(to_toml(proposal))
    read = read_source(SourceSpec(file, mapping=tmp_path / "m.toml")).columns
    original = tariff_table(3000)
    for name in ("dx_primary_code", "dx_secondary_codes", "procedure_code", "service_type"):
        assert read[name].to_pylist() == original[name].to_pylist()


OMOP = {
    "CONDITION_OCCURRENCE_ID": "claim_id", "PERSON_ID": "patient_id_hash", "CONDITION_CONCEPT_ID": "dx_primary_code",
    "CONDITION_START_DATE": "admit_dt", "CONDITION_END_DATE": "discharge_dt", "concept_name": "dx_primary_label",
    "visit_concept_id": "service_type",
}  # fmt: skip


def test_the_conditions_of_a_common_data_model_are_proposed_though_some_columns_are_empty(tmp_path):
    rows = range(900)
    days = [date(2020, 1, 1) + timedelta(days=i % 700) for i in rows]
    names = [
        "Type 2 diabetes mellitus",
        "Acute viral pharyngitis",
        "Essential hypertension",
        "Viral sinusitis (disorder)",
    ]
    columns = {
        "CONDITION_OCCURRENCE_ID": [i + 1 for i in rows], "PERSON_ID": [i % 90 + 1 for i in rows],
        "CONDITION_CONCEPT_ID": [[201826, 4112343, 320128, 40481087][i % 4] + i // 4 % 3 for i in rows],
        "CONDITION_START_DATE": days, "CONDITION_START_DATETIME": pa.array(days).cast(pa.timestamp("us")),
        "CONDITION_END_DATE": [None if i % 3 else d + timedelta(days=i % 20) for i, d in enumerate(days)],
        "CONDITION_TYPE_CONCEPT_ID": [32020] * 900, "STOP_REASON": pa.nulls(900, pa.string()),
        "VISIT_OCCURRENCE_ID": [i // 3 + 1 for i in rows], "VISIT_DETAIL_ID": [i // 3 + 1_000_001 for i in rows],
        "concept_name": [names[i % 4] for i in rows], "visit_concept_id": [9201 + i % 3 for i in rows],
    }  # fmt: skip
    proposal = propose_mapping(SourceSpec(write_duckdb(pa.table(columns), tmp_path / "c.duckdb")))
    assert {p.theirs: p.ours for p in proposal.placed} == OMOP
    (services,) = (found for found in proposal.values if found.ours == "service_type")
    assert services.pairs == {"9201": "RITL", "9202": "RJTL"}


def test_an_empty_column_is_placed_where_no_other_is(tmp_path):
    table = tariff_table(400)
    empty = pa.nulls(400, pa.string())
    both = table.append_column("diagnosis", empty).append_column("kelas_rs", empty)
    placed = {p.ours: p.theirs for p in propose_mapping(SourceSpec(write_duckdb(both, tmp_path / "b.duckdb"))).placed}
    assert (placed["dx_primary_code"], placed["facility_class"]) == ("dx_primary_code", "facility_class")
    alone = both.drop_columns(["facility_class", "dx_primary_code"])
    placed = {p.ours: p.theirs for p in propose_mapping(SourceSpec(write_duckdb(alone, tmp_path / "a.duckdb"))).placed}
    assert placed["facility_class"] == "kelas_rs"
    assert placed.get("dx_primary_code") != "diagnosis"
