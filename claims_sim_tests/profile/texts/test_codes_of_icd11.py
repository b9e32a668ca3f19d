"""Diagnoses of ICD-11, alone and beside those of other editions."""

import pytest

from claims_sim_tests.profile.tables import replaced, tariff_table
from claims_sim_tests.profile.texts.code_columns import ROWS, passing, spread

ICD11 = ["1F40.Z", "CA07.0", "5A11", "ME84.2", "GB61"]


@pytest.mark.slow
def test_diagnoses_may_be_of_icd11_beside_icd10_and_beside_words(fit):
    written = ["B509", "J069", *ICD11, "Malaria", "URTI", "HTN"]
    table = replaced(tariff_table(ROWS), "dx_primary_code", spread(written))
    assert set(fit(table).vocabularies["dx_primary_code"]) == set(written)


@pytest.mark.parametrize(
    ("others", "pass_"),
    [
        pytest.param(ICD11, True, id="several of several chapters"),
        pytest.param(ICD11[:4], False, id="too few"),
        pytest.param(["CA07", "CA08.0", "CA20", "1F40", "1F41.Z"], False, id="of two chapters"),
        pytest.param(["DR01", "BS88", "RW75", "VK12", "BU66"], False, id="of blocks that it has not"),
        pytest.param(["IA07.0", "5O11", "MEA4.2", "GB61.012", "0A11"], False, id="written otherwise"),
    ],
)
def test_codes_of_icd11_are_several_of_its_chapters_and_blocks(others, pass_):
    rows = spread(["B509", "J069", "I10", "E119"])
    rows[::8] = spread(others, len(rows[::8]))
    assert passing("dx_primary_code", rows) & set(others) == (set(others) if pass_ else set())
    rows[::7] = [f"CA{n % 10}{'ABCDEFGHJK'[n // 10 % 10]}.{n // 100}" for n in range(len(rows[::7]))]
    assert passing("dx_primary_code", rows) & set(others) == set(), "most of them are of few persons"


@pytest.mark.parametrize("secondary", [["6A70", "6B40.1"], ["BA00", "GB61.5", "5A11"]])
@pytest.mark.slow
def test_companions_of_diagnoses_of_icd11_are_told_by_their_form(fit, secondary):
    table = replaced(
        tariff_table(ROWS), "dx_secondary_codes", [[secondary[n % len(secondary)], "DR-SITI"] for n in range(ROWS)]
    )
    told = fit(replaced(table, "dx_primary_code", spread(ICD11))).vocabularies["dx_secondary_codes"]
    assert set(told) == {code.replace(".", "") for code in secondary}
    beside_icd10 = fit(table).vocabularies["dx_secondary_codes"]
    assert set(beside_icd10) & set(told) == set()
