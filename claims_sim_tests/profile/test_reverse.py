"""How a source writes what we read, so that claims can be written in its own way."""

import pytest

from claims_sim.profile.mapping import ColumnMapping
from claims_sim.profile.reverse import read_forms
from claims_sim.profile.source import SourceSpec, open_source
from claims_sim_tests.profile.test_source import parquet


@pytest.mark.parametrize(
    ("texts", "form"),
    [
        (["E119;I10", "A00"], ";"), (["E119; I10", "A00"], ";"), (["E119, I10", "A00"], ", "), (["E119,I10", "A00"], ","),
        (["E119#I10", "A00"], "#"), (["E119~I10", "A00"], "~"), (["E119 I10", "A00"], " "),
        (['["E119", "I10"]', "[]"], "json"), (["A00", "B00"], ";"), (["", ""], ";"),
    ],
)  # fmt: skip
def test_a_list_in_a_text_is_written_back_with_what_stands_between_its_codes(tmp_path, texts, form):
    columns = {"dx_primary_code": ["A00", "B00"], "los": [0, 1], "amount_claimed": [1.0, 2.0]}
    spec = parquet(tmp_path / "c.parquet", **columns, dx_secondary_codes=texts)
    with open_source(SourceSpec(spec.path)) as opened:
        forms = read_forms(opened, opened.find_columns(ColumnMapping(), str(spec.path)))
    assert forms.lists["dx_secondary_codes"] == form


@pytest.mark.parametrize(
    ("codes", "is_dotted"),
    [
        (["70.92", "03.31"], True),
        (["7092", "0331"], False),
        ([7092.0, 8154.0], False),
        (["7092.0", "8154.0"], False),
        (["3.OT.20.WA", "1.VG.53.LA-PN"], False),
        (["5-470.11", "5-511.02"], False),
        (["I10;70.92", "I10"], True),
    ],
)
def test_a_code_has_a_dot_behind_two_or_three_characters(tmp_path, codes, is_dotted):
    columns = {"dx_primary_code": ["A00", "B00"], "los": [0, 1], "amount_claimed": [1.0, 2.0]}
    spec = parquet(tmp_path / "c.parquet", **columns, procedure_code=codes)
    with open_source(SourceSpec(spec.path)) as opened:
        forms = read_forms(opened, opened.find_columns(ColumnMapping(), str(spec.path)))
    assert ("procedure_code" in forms.dotted) == is_dotted
