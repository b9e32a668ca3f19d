"""What `map` makes of columns as published tables call and fill them: the right one of two that are called alike, or none."""

import pytest

from claims_sim.profile.proposing.naming import name_score
from claims_sim_tests.profile.proposing.test_proposal_of_strangers import placed_in, proposed, with_columns
from claims_sim_tests.profile.tables import replaced, tariff_table


@pytest.mark.parametrize(
    ("right", "wrong", "ours"),
    [
        ("ClmDiagnosisCode_1", "DiagnosisGroupCode", "dx_primary_code"), ("primary_icd10_cm", "dx2", "dx_primary_code"),
        ("DATA_DIMISSIONE", "DATA_PAGATO", "discharge_dt"), ("DateTo", "lastUpdated", "discharge_dt"),
        ("last_service_dt", "last_paid_dt", "discharge_dt"), ("first_service_dt", "first_paid_dt", "admit_dt"),
        ("GG_DEGENZA", "GG_ATTESA", "los"), ("INT_PRINC", "DRG", "procedure_code"), ("OPS", "DRG", "procedure_code"),
        ("Activity.Code", "Activity.OrderingClinician", "procedure_code"), ("Pkg Name", "Claim Processor Name", "procedure_label"),
        ("LINE_ALOWD_CHRG_AMT_1", "LINE_COINSRNC_AMT_1", "amount_claimed"), ("billing_npi", "at_physn_npi", "facility_id"),
        ("facility_npi", "rendering_npi", "facility_id"), ("rendering_facility_id", "rendering_npi", "facility_id"),
        ("covered_thru_date", "policy_to_date", "discharge_dt"), ("tgl_keluar_diterima", "up_to_date", "discharge_dt"),
        ("operating_procedure_code", "pkg_price", "procedure_code"), ("diag_princ", "diag_princ_2", "dx_primary_code"),
        ("nombre_dx", "nombre_usuario", "dx_primary_label"),
        ("nombre_cups", "nombre_dx", "procedure_label"), ("KH-internes-Kennzeichen", "IK", "claim_id"),
        ("Anzahl_ND", "Anzahl", "comorbidity_count"), ("TEN_TINH", "TEN_BENH", "province_name"),
        ("TOTAL_PAYOUT", "TOTAL_BILL_AMT", "amount_paid"), ("TOSP_CODE", "PRIN_DIAG_CODE", "procedure_code"),
        ("AMT_EXCESS", "AMT_APPROVED", "amount_gap"), ("OTHR_DGNS_CNT", "ICD9_DGNS_CD_2", "comorbidity_count"),
        ("NoOfSecondaryDiag", "NO_SEP", "comorbidity_count"),
        ("num_sec_dx", "num_sector", "comorbidity_count"), ("num_diagnoses", "num_claim", "comorbidity_count"),
    ],
)  # fmt: skip
def test_published_tables_call_it_so(right, wrong, ours):
    assert name_score(right, ours) >= 0.5
    assert name_score(right, ours) > name_score(wrong, ours)


@pytest.mark.slow
def test_kinds_of_service_are_taken_by_what_they_say_rather_than_by_a_place_or_a_constant(tmp_path):
    table = tariff_table(900).drop_columns(["service_type"])
    kinds = {
        "place_of_service": ["21", "11", "23"] * 300,
        "claim_type": ["Inpatient", "Outpatient", "Professional"] * 300,
    }
    assert placed_in(with_columns(table, **kinds), tmp_path)["service_type"] == "claim_type"
    assert "service_type" not in placed_in(with_columns(table, service_units=[1] * 900), tmp_path)
    alone = placed_in(with_columns(table, service=["Inpatient"] * 900), tmp_path)
    assert alone["service_type"] == "service"


@pytest.mark.slow
def test_what_hardly_any_claim_has_is_no_class_of_its_facility(tmp_path):
    table = tariff_table(900).drop_columns(["facility_class"])
    upgraded = ["123"[i // 20 % 3] if i % 20 == 0 else None for i in range(900)]
    assert "facility_class" not in placed_in(with_columns(table, kelas=upgraded), tmp_path)
    assert placed_in(with_columns(table, kelas=["1", "2", "3"] * 300), tmp_path)["facility_class"] == "kelas"


@pytest.mark.slow
def test_a_few_codes_of_procedures_are_found_by_their_name(tmp_path):
    table = tariff_table(900).drop_columns(["procedure_code"])
    own = with_columns(table, cpt_code=["99213", "99214", "99215", "80053"] * 225)
    assert placed_in(own, tmp_path)["procedure_code"] == "cpt_code"


@pytest.mark.slow
def test_one_letter_says_nothing_without_its_other(tmp_path):
    table = tariff_table(900).drop_columns(["service_type"])
    for letters, read in (("OER", {}), ("IO", {"I": "RITL", "O": "RJTL"})):
        kinds = with_columns(table, visit_type=[letters[i % len(letters)] for i in range(900)])
        found = next(values for values in proposed(kinds, tmp_path).values if values.ours == "service_type")
        assert found.pairs == read


def test_marks_for_nothing_are_no_hidden_values(tmp_path):
    table = tariff_table(900).drop_columns(["severity_group"])
    levels = with_columns(table, severity=["-", "", "Ringan", "Sedang"] * 225)
    assert not any(found.not_shown for found in proposed(levels, tmp_path).values if found.ours == "severity_group")


@pytest.mark.slow
def test_of_columns_that_are_called_a_gap_the_one_that_is_it_is_taken_whichever_way_round(tmp_path):
    table = tariff_table(900)
    claimed, paid = (table[name].to_pylist() for name in ("amount_claimed", "amount_paid"))
    paid = [p * (0.5 if i % 3 else 1.2) for i, p in enumerate(paid)]
    table = replaced(table, "amount_paid", paid)
    for sign in (1, -1):
        gaps = [sign * (c - p) for c, p in zip(claimed, paid, strict=True)]
        own = with_columns(table, COPAY=[10.0 * (i % 5) for i in range(900)], DIFF=gaps)
        assert placed_in(own, tmp_path)["amount_gap"] == "DIFF"


@pytest.mark.parametrize(("of_all", "found"), [(1.0, True), (0.5, False)])
@pytest.mark.slow
def test_what_is_claimed_less_what_is_paid_is_the_gap_whatever_it_is_called(tmp_path, of_all, found):
    table = tariff_table(900)
    paid = [p * (0.5 if i % 3 else 1.2) for i, p in enumerate(table["amount_paid"].to_pylist())]
    claimed = table["amount_claimed"].to_pylist()
    left = [c - p if i < of_all * 900 else 7.0 * i for i, (c, p) in enumerate(zip(claimed, paid, strict=True))]
    fees = [3.0 * (i % 7) for i in range(900)]
    own = with_columns(replaced(table, "amount_paid", paid), fees=fees, adjustmentAmount=left)
    assert placed_in(own, tmp_path).get("amount_gap") == ("adjustmentAmount" if found else None)


@pytest.mark.slow
def test_what_is_hardly_ever_anything_is_no_gap_where_nearly_all_are_paid_what_they_claim(tmp_path):
    table = tariff_table(900)
    claimed = table["amount_claimed"].to_pylist()
    readmitted, fees = (
        [int(i % 33 == 0) for i in range(900)],
        [12_500.0 + i if i % 20 == 5 else 0.0 for i in range(900)],
    )
    for paid in (claimed, [c - 5000 - i if i % 25 == 0 else c for i, c in enumerate(claimed)]):
        own = with_columns(replaced(table, "amount_paid", paid), is_readmission=readmitted, ambulance=fees)
        assert "amount_gap" not in placed_in(own, tmp_path)
        left = [c - p for c, p in zip(claimed, paid, strict=True)]
        if any(left):
            assert placed_in(with_columns(own, rest=left), tmp_path).get("amount_gap") == "rest"


def test_what_is_paid_is_no_gap_where_half_of_all_is(tmp_path):
    table = tariff_table(900)
    half = [c / 2 for c in table["amount_claimed"].to_pylist()]
    assert "amount_gap" not in placed_in(with_columns(replaced(table, "amount_paid", half), again=half), tmp_path)


def test_of_two_columns_called_alike_that_of_a_published_layout_is_placed(tmp_path):
    kinds = {"ORG_TYPE": ["09", "05", "04"] * 300, "YKIHO_GUBUN_CD": ["31", "11", "21"] * 300}
    table = with_columns(tariff_table(900).drop_columns(["facility_class"]), **kinds)
    assert placed_in(table, tmp_path)["facility_type"] == "YKIHO_GUBUN_CD"


@pytest.mark.many(daily=1)
@pytest.mark.parametrize("codes", [[str(87433001 + n * 7) for n in range(4)], ["4019", "25000", "V5869", "311"]])
def test_lists_of_numbers_are_secondary_diagnoses_where_they_are_called_so(tmp_path, codes):
    """SNOMED CT's, as Synthea's, and ICD-9-CM's."""
    lists = [None if i % 3 == 0 else ",".join(codes[: 1 + i % 4]) for i in range(900)]
    own = tariff_table(900).drop_columns(["dx_secondary_codes"])
    assert (
        placed_in(with_columns(own, SECONDARY_DIAGNOSES=lists), tmp_path)["dx_secondary_codes"] == "SECONDARY_DIAGNOSES"
    )
    assert "dx_secondary_codes" not in placed_in(with_columns(own, PROVIDERS=lists), tmp_path)
