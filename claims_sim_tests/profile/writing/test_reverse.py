"""How a source writes what we read, so that claims can be written in its own way."""

import duckdb
import pytest

from claims_sim.profile.reading.mapping import ColumnMapping
from claims_sim.profile.reading.source import SourceSpec, open_source
from claims_sim.profile.writing.nothing_written import or_nothing
from claims_sim.profile.writing.reverse import foreign_columns, read_forms
from claims_sim.profile.writing.ways_written import Ways
from claims_sim_tests.profile.reading.test_source import parquet


@pytest.mark.many(daily=4)
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
        forms = read_forms(opened, opened.find_columns(ColumnMapping(), str(spec.path)), ColumnMapping(), 11)
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
        (["AA.00.0010", "7301"], False),
        (["k35.8", "i10"], True),
        (["I10;70.92", "I10"], True),
    ],
)
@pytest.mark.slow
def test_a_code_has_a_dot_behind_two_or_three_characters(tmp_path, codes, is_dotted):
    columns = {"dx_primary_code": ["A00", "B00"], "los": [0, 1], "amount_claimed": [1.0, 2.0]}
    spec = parquet(tmp_path / "c.parquet", **columns, procedure_code=codes)
    with open_source(SourceSpec(spec.path)) as opened:
        forms = read_forms(opened, opened.find_columns(ColumnMapping(), str(spec.path)), ColumnMapping(), 11)
    assert forms.codes["procedure_code"].dotted == is_dotted


def forms_of(path, **columns):
    """How a table of three claims writes its columns."""
    told = {
        "dx_primary_code": ["A00", "B00", "C00"],
        "admit_dt": ["2024-01-02"] * 3,
        "amount_claimed": [1.0, 2.0, 3.0],
        **columns,
    }
    spec = parquet(path / "c.parquet", **told)
    with open_source(SourceSpec(spec.path)) as opened:
        return read_forms(opened, opened.find_columns(ColumnMapping(), str(spec.path)), ColumnMapping(), 11)


@pytest.mark.parametrize(
    ("codes", "place"),
    [
        (["I63.900x001", "E11.900", "J18.900x001"], 1),
        (["8-800.c0", "5-822.g1", "8-98f.0"], 1),
        (["e11.9", "j18.9", "i10"], 0),
        (["E11.9", "J18.9", "i10"], None),
        (["e11.9 - Diabetes", "j18.9 - Pneumonia", "0000"], 0),
        (["E11.9 - Diabetes", "J18.9 - Pneumonia", "0000"], None),
        (["E119a", "J189B", "K359C"], None),
        (["99213", "85610", "0.5"], None),
    ],
)
@pytest.mark.slow
def test_small_letters_of_codes_are_of_all_or_of_those_behind_the_first(tmp_path, codes, place):
    assert forms_of(tmp_path, procedure_code=codes).codes["procedure_code"].small == place


@pytest.mark.many(daily=3)
@pytest.mark.parametrize(
    ("values", "marks"),
    [
        (["-", "-", "BALI"], [("-", 100)]), (["", None, ""], [("", 100)]), ([None, None, "-"], None), (["BALI", "ACEH", "RIAU"], None),
        (["NA", "NA", "BALI"], None), ([*["-"] * 150, *[None] * 50, *["?"] * 49], [("-", 80), (None, 100)]),
        ([*[""] * 60, *["-"] * 120, *[None] * 120], [("-", 40), (None, 80), ("", 100)]), ([*[None] * 60, *["-"] * 49], None),
    ],
)  # fmt: skip
def test_what_stands_for_nothing_is_what_cells_without_a_value_hold(tmp_path, values, marks):
    told = {"dx_primary_code": ["A00"] * len(values), "admit_dt": ["2024-01-02"] * len(values)}
    forms = forms_of(tmp_path, **told, amount_claimed=[1.0] * len(values), province_name=values)
    assert forms.nothing.get("province_name") == (None if marks is None else Ways(marks))


def test_where_codes_are_more_says_that_there_is_none(tmp_path):
    assert forms_of(tmp_path, procedure_code=["0000", "0000", "8744"]).nothing == {
        "procedure_code": Ways([("0000", 100)])
    }


@pytest.mark.parametrize(
    ("dates", "form"),
    [([20240102, 20240203, None], "%Y%m%d"), ([20240102.0, 20240203.0, None], "%Y%m%d"), ([202401, 202402, 202402], "%Y%m"),
     (["202401", "202402", "202402"], "%Y%m"), (["02/01/2024", "31/01/2024", None], "%d/%m/%Y"),
     (["02.01.2024", "31.01.2024", None], "%d.%m.%Y"), (["2.1.2024", "31.1.2024", "1.11.2024"], "%-d.%-m.%Y"),
     (["01/31/24", "02/01/24", None], "%m/%d/%y"), (["2024.01.31 10:15", "2024.02.01 08:00", None], "%Y.%m.%d %H:%M")],
)  # fmt: skip
@pytest.mark.slow
def test_dates_are_written_as_the_numbers_or_texts_that_they_are(tmp_path, dates, form):
    assert forms_of(tmp_path, admit_dt=dates).dates["admit_dt"].form == form


TIMES = {
    "admit_dt": ["2024-01-02 08:00:00"] * 3,
    "discharge_dt": ["2024-01-03 20:00:00", "2024-01-05 08:30:00", "2024-01-02 11:00:00"],
}


@pytest.mark.parametrize(
    ("los", "decimals"),
    [
        ([1.5, 3.0208, 0.125], 4),
        ([1.5, 3.02, 0.13], 2),
        ([1.0, 3.0, 0.0], 0),
        ([1.0, 3.0, 0.125], 0),
        ([7.5, 9.2, 8.1], 0),
    ],
)
@pytest.mark.slow
def test_stays_have_decimals_where_most_are_as_long_as_their_hours(tmp_path, los, decimals):
    assert forms_of(tmp_path, los=los, **TIMES).decimals == decimals


@pytest.mark.parametrize(
    ("codes", "places"),
    [
        ({"39.10": 60, "00.0010": 60, "7301": 90, "PE030": 60}, {"9999": (), "AA999": ()}),
        ({"39.10": 90, "7301": 60}, {}),
        ({"39.10": 60, "E11.9": 60, "7301": 49, "PE030": 49}, {}),
        ({"7301": 300, "E11.9": 60}, {"A999": (3,)}),
        ({"39.10 - Dialysis": 60, "A301 - Test": 60}, {"A999": ()}),
        ({"39.10": 60, "7301": 20}, {}),
        ({"83.62.17": 60, "8744": 300}, {"999999": (2, 4)}),
        ({"E11": 60, "39.10": 60}, {}),
        ({"0000": 600, "39.10": 60}, {}),
    ],
)
@pytest.mark.slow
def test_codes_of_a_shape_may_have_their_dot_elsewhere_than_most_of_their_column(tmp_path, codes, places):
    listed = [code for code, claims in codes.items() for _ in range(claims)]
    told = {
        "dx_primary_code": ["A00"] * len(listed),
        "admit_dt": ["2024-01-02"] * len(listed),
        "amount_claimed": [1.0] * len(listed),
    }
    assert forms_of(tmp_path, **told, procedure_code=listed).codes["procedure_code"].dots == places


def test_what_stands_for_nothing_may_be_told_by_where_another_column_has_none(tmp_path):
    told = {"dx_primary_code": ["A00"] * 300, "admit_dt": ["2024-01-02"] * 300, "amount_claimed": [1.0] * 300}
    severity = [*["?"] * 100, *["-"] * 100, *["berat"] * 100]
    forms = forms_of(tmp_path, **told, severity_group=severity, province_name=[*[None] * 100, *["BALI"] * 200])
    assert forms.nothing["severity_group"].of == {None: [("?", 100)], "BALI": [("-", 100)]}
    written = or_nothing("NULL", "severity_group", forms.nothing["severity_group"], {})
    rows = duckdb.sql(
        f"SELECT {written} FROM (VALUES (1, NULL), (2, 'BALI'), (3, 'ACEH')) AS v(row, province_name) ORDER BY row"
    )
    assert [text for (text,) in rows.fetchall()][:2] == ["?", "-"]


def test_hardly_more_is_told_by_another_column_than_by_none(tmp_path):
    told = {"dx_primary_code": ["A00"] * 300, "admit_dt": ["2024-01-02"] * 300, "amount_claimed": [1.0] * 300}
    severity = [*["-"] * 151, *[""] * 149]
    service = [*["RJTL"] * 78, *["RITL"] * 73, *["RJTL"] * 72, *["RITL"] * 77]
    assert forms_of(tmp_path, **told, severity_group=severity, service_type=service).nothing["severity_group"].by == ""


def test_a_mark_that_the_map_reads_as_something_stands_for_nothing_no_more():
    assert (
        or_nothing("NULL", "severity_group", Ways([("-", 60), ("?", 100)]), {"-": "unknown"}) == "coalesce(NULL, '?')"
    )


def test_what_stands_for_nothing_may_be_told_by_another_column(tmp_path):
    """Each with at least 50 cells; and not where the other column hardly tells it."""
    severity = [*["-"] * 80, *[""] * 60, *[None] * 20, *["-"] * 49, *["berat"] * 91]
    service = [*["RJTL"] * 80, *["RJTP"] * 80, *["PROM"] * 49, *["RITL"] * 91]
    told = {"dx_primary_code": ["A00"] * 300, "admit_dt": ["2024-01-02"] * 300, "amount_claimed": [1.0] * 300}
    forms = forms_of(tmp_path, **told, severity_group=severity, service_type=service)
    marks = forms.nothing["severity_group"]
    assert (marks.by, marks.of) == ("service_type", {"RJTL": [("-", 100)], "RJTP": [("", 100)]})
    assert marks.shares == [("-", 70), ("", 100)]
    mixed = forms_of(tmp_path, **told, severity_group=severity, service_type=["RJTL", "RITL"] * 150)
    assert mixed.nothing["severity_group"] == Ways([("-", 70), ("", 100)])


def codes_of_houses(*houses):
    """Columns of claims of houses, each given as its codes and how many claims it has of each."""
    cells = [
        (f"H{place}", code) for place, (codes, claims) in enumerate(houses) for code in codes for _ in range(claims)
    ]
    rows = len(cells)
    return {
        "dx_primary_code": [code for _, code in cells],
        "facility_id": [house for house, _ in cells],
        "admit_dt": ["2024-01-02"] * rows,
        "amount_claimed": [1.0] * rows,
    }


CODES = ["A01", "B022", "J189", "K359", "C500", "D469", "G408", "H259"]


def written_codes(form, rows=400):
    """How claims of four houses, one hundred each, have a code."""
    claims = "SELECT i AS row, 'SIM-' || (i % 4) AS facility_id, 'J189' AS dx_primary_code FROM range(400) AS r(i)"
    claims = claims.replace("400", str(rows)).replace("% 4", f"% {rows // 100}")
    written = form.written("dx_primary_code")
    missing = "NULL AS province_name, NULL AS facility_class, NULL AS facility_ownership"
    told = duckdb.sql(
        f"SELECT facility_id, {written} AS code, count(*) FROM (SELECT *, {missing} FROM ({claims})) GROUP BY ALL"
    )
    return told.fetchall()


def test_each_house_writes_its_codes_in_its_own_way(tmp_path):
    dotted, small = [f"{code[:3]}.{code[3:]}".rstrip(".") for code in CODES], [code.lower() for code in CODES]
    form = forms_of(tmp_path, **codes_of_houses((dotted, 20), (dotted, 20), (small, 20))).codes["dx_primary_code"]
    assert form.ways == Ways([("", 70), ("small plain", 100)], "facility_id")
    told = written_codes(form, 40_000)
    assert len(told) == 400, "every house has one way"
    share = sum(code == "j189" for _, code, _ in told) / len(told)
    assert {code for _, code, _ in told} == {"J18.9", "j189"}
    assert share == pytest.approx(0.3, abs=0.08)


def test_ways_to_write_codes_that_no_house_keeps_are_drawn_claim_by_claim(tmp_path):
    dotted = [f"{code[:3]}.{code[3:]}".rstrip(".") for code in CODES]
    form = forms_of(tmp_path, **codes_of_houses((dotted + CODES * 3, 20), (dotted + CODES * 3, 20)))
    assert form.codes["dx_primary_code"].ways == Ways([("plain", 80), ("", 100)])
    told = {code: claims for _, code, claims in written_codes(form.codes["dx_primary_code"], 100)}
    assert told.keys() == {"J18.9", "J189"}
    assert told["J189"] == pytest.approx(80, abs=12)


def test_a_few_codes_written_otherwise_are_no_way_of_writing(tmp_path):
    dotted = [f"{code[:3]}.{code[3:]}".rstrip(".") for code in CODES]
    forms = forms_of(tmp_path, **codes_of_houses((dotted * 99 + CODES, 20)))
    assert (forms.codes["dx_primary_code"].ways, forms.codes["dx_primary_code"].dotted) == (None, True)


def test_codes_of_a_shape_that_all_write_with_dots_keep_them(tmp_path):
    """Those of five digits of who else writes none: another list's."""
    dotted = [f"{code[:3]}.{code[3:]}".rstrip(".") for code in CODES]
    forms = forms_of(tmp_path, **codes_of_houses((dotted, 20), (CODES, 20), (["83.62.17"], 60)))
    form = forms.codes["dx_primary_code"]
    assert (form.ways, form.with_dots) == (Ways([("", 50), ("plain", 100)], "facility_id"), ["999999"])
    written = form.written("code")
    values = "(VALUES " + ", ".join(f"('836217', 'H{n}', {n}), ('J189', 'H{n}', {n})" for n in range(40)) + ")"
    missing = "NULL AS province_name, NULL AS facility_class, NULL AS facility_ownership"
    told = duckdb.sql(
        f"SELECT DISTINCT {written} FROM (SELECT *, {missing} FROM {values} AS v(code, facility_id, row))"
    )
    assert {code for (code,) in told.fetchall()} == {"83.62.17", "J18.9", "J189"}


def test_codes_in_lists_have_their_dots_each_where_its_shape_has_it(tmp_path):
    """ICD-11's behind four characters, beside ICD-10's behind three."""
    told = {"dx_primary_code": ["A00"] * 200, "admit_dt": ["2024-01-02"] * 200, "amount_claimed": [1.0] * 200}
    form = forms_of(tmp_path, **told, dx_secondary_codes=["E11.9;I10", "BA00.Z;5A11"] * 100).codes["dx_secondary_codes"]
    assert form.ways is None
    codes = "(VALUES ('E119'), ('I10'), ('BA00Z'), ('5A11')) AS v(code)"
    written = [code for (code,) in duckdb.sql(f"SELECT {form.written('code')} FROM {codes}").fetchall()]
    assert written == ["E11.9", "I10", "BA00.Z", "5A11"]


@pytest.mark.parametrize(
    ("lists", "way"),
    [
        (["E11.9;I10", "e119"], Ways([("", 50), ("small plain", 100)])),
        (["E11.9;I10", "E119"], Ways([("", 50), ("plain", 100)])),
        (["E11.9;I10", "I10"], None),
        ([["E11.9", "I10"], ["e11.9"]], Ways([("", 50), ("small", 100)])),
    ],
)
@pytest.mark.slow
def test_lists_of_codes_may_be_written_in_two_ways(tmp_path, lists, way):
    told = {"dx_primary_code": ["A00"] * 200, "admit_dt": ["2024-01-02"] * 200, "amount_claimed": [1.0] * 200}
    form = forms_of(tmp_path, **told, dx_secondary_codes=lists * 100).codes["dx_secondary_codes"]
    assert form.ways == way
    assert form.dotted


def test_of_many_cells_the_shares_of_ways_are_told_in_hundredths(tmp_path):
    codes = codes_of_houses((["J18.9"], 4_300), (["J189"], 1_700))
    form = forms_of(tmp_path, **{**codes, "facility_id": ["H0"] * 6_000}).codes["dx_primary_code"]
    assert form.ways == Ways([("", 72), ("plain", 100)])


@pytest.mark.parametrize(
    ("weights", "decimals"),
    [
        ([1, 2, 3], 0), ([87.25, 12.5, 3.0], 2), (["87.242995", "12.5", None], 6), ([1 / 3, 2 / 3, 5 / 7], None),
        ([*[1.25] * 95, *[1 / 3] * 5], 2), ([*[1.25] * 90, *[1 / 3] * 10], None),
        ([*[5.0] * 2000, *[12.5] * 60], 1), ([*[5.0] * 2000, *[12.5] * 40], 0), ([*[5.0] * 2000, *[1 / n for n in range(3, 63)]], 0),
        ([*[1.25] * 2000, *[float("nan")] * 60], 2), ([*[1.25] * 9000, *[1 / 3] * 60], 2),
    ],
)  # fmt: skip
@pytest.mark.slow
def test_weights_have_as_many_decimals_as_nearly_all_have_and_those_that_many_share(tmp_path, weights, decimals):
    rows = len(weights)
    told = {"dx_primary_code": ["A00"] * rows, "admit_dt": ["2024-01-02"] * rows, "amount_claimed": [1.0] * rows}
    assert forms_of(tmp_path, **told, claim_weight=weights).of_weights == decimals


@pytest.mark.parametrize(
    ("texts", "amounts"),
    [
        (["1.234.500", "624.900", "0"], {"1234500": "1.234.500", "624900": "624.900", "0": "0", "1000.5": "1.000,50"}),
        (["Rp 1.234.500,00", "Rp 900,00", "Rp 0,00"] * 20, {"1234500": "Rp 1.234.500,00", "-20.5": "Rp -20,50"}),
        (["Rp 624.900", "Rp 900"] * 30, {"1234567": "Rp 1.234.567"}),
        (["12345,67", "900,00", "12,5"], {"1234.5": "1234,50", "7": "7"}),
        (["12 345,67", "900,00", "1 234 567,50"], {"1234.5": "1 234,50", "7": "7,00", "-1234567": "-1 234 567,00"}),
        (["12\u2009345", "900", "1\u2009234"], {"1234567": "1\u2009234\u2009567", "7": "7"}),
        (["12'345.60", "900.00", "7.05"], {"1234.5": "1'234.50"}),
        (["12 345,67 ₽", "900,00 ₽"] * 30, {"1234.5": "1 234,50 ₽"}),
        (["1,234.50 EUR", "900.25 EUR"] * 30, {"1234567.891": "1,234,567.89 EUR"}),
        (["1234.50", "900.00"], {"1234567": "1234567.00"}),
        (["1234.5", "900", "17.25"], None),
        (["1234500", "624900"], None),
        (["1.234", "17.25"], None),
        (["Rp 1.500", "Rp 2.500"], None),
        (["$2118700", "$999"] * 30, {"2277700": "$2277700"}),
        (["$2118700.00", "$9.50"] * 30, {"2277700": "$2277700.00"}),
        (["319,700", "24,500"], {"840700": "840,700", "1500000": "1,500,000"}),
        (["$999,999", "$1,000"] * 30, {"999279": "$999,279"}),
        (["₹1,38,000", "₹38,000"] * 30, {"138000": "₹138,000"}),
        (["138000,5 EUR", "12,25 EUR"] * 30, {"138000.5": "138000,50 EUR"}),
        (["Rp 1.500", "Rp 12.25", "Rp 7.5"] * 30, {"1500": "Rp 1500"}),
        (["1,234", "17,25", "0,5"], {"12.5": "12,50"}),
        (["-Rp 200.000", "-Rp 50.000", "Rp 0"] * 30, {"-200000": "-Rp 200.000", "5": "Rp 5"}),
        (["-Rp 200.000,50", "-$ 5"] * 60, {"-20.5": "-Rp 20,50"}),
        (["900,250", "1 234,500", "12,125"], {"27.24": "27,240", "1234.5": "1 234,500", "7": "7,000"}),
        (["900,250", "0,125", "12,125"], {"27.24": "27,240", "1234.5": "1234,500"}),
    ],
)
@pytest.mark.slow
def test_amounts_as_text_are_written_with_their_marks(tmp_path, texts, amounts):
    rows = len(texts)
    told = {"dx_primary_code": ["A00"] * rows, "admit_dt": ["2024-01-02"] * rows, "amount_claimed": texts}
    form = forms_of(tmp_path, **told).money.get("amount_claimed")
    assert (form is None) == (amounts is None)
    for amount, text in (amounts or {}).items():
        assert duckdb.sql(f"SELECT {form.written(amount)}").fetchall() == [(text,)]


@pytest.mark.parametrize(
    ("dates", "form"),
    [
        (["2025-03-14T00:00:00-03:00"] * 3, "%Y-%m-%dT%H:%M:%S-03:00"),
        (["2025-03-14 09:30:00+07", "2025-03-14 09:30:00+07", "2025-03-14 09:30:00+00"], "%Y-%m-%d %H:%M:%S+07"),
        (["2025-03-14T09:30:00.250+0700"] * 3, "%Y-%m-%dT%H:%M:%S.%g+0700"),
        (["2025-03-14"] * 3, "%Y-%m-%d"),
    ],
)
def test_times_have_their_distance_from_utc_behind_them(tmp_path, dates, form):
    assert forms_of(tmp_path, admit_dt=dates).dates["admit_dt"].form == form


NAMED_DATES = [
    (["02-Jan-2025", "31-May-2025", "07-Dec-2024"], "%d-@-%Y", "05-May-2025"),
    (["02-JAN-25", "31-DEC-24", "07-AUG-99"], "%d-@-%y", "05-MAY-25"),
    (["2 Januari 2025", "31 Mei 2025", "7 Agustus 2024"], "%-d @ %Y", "5 Mei 2025"),
    (["02JAN2025:10:15:00", "31MAY2025:00:00:00", "07AUG2024:23:59:59"], "%d@%Y:%H:%M:%S", "05MAY2025:15:04:00"),
    (["Jan 2, 2025", "May 31, 2025", "Aug 7, 2024"], "@ %-d, %Y", "May 5, 2025"),
    (["02-JAN-25 10.15.30.000000 AM", "31-MAY-25 11.59.00.000000 PM", "07-AUG-24 12.00.00.000000 AM"],
     "%d-@-%y %I.%M.%S.%f %p", "05-MAY-25 03.04.00.000000 PM"),
    (["2 de enero de 2025", "31 de mayo de 2025", "7 de agosto de 2024"], "%-d de @ de %Y", "5 de mayo de 2025"),
    (["1/2/2025 9:05 AM", "12/25/2024 3:04 PM", "3/31/2025 11:00 AM"], "%-m/%-d/%Y %-I:%M %p", "5/5/2025 3:04 PM"),
    (["2025-01-02 10:15:30.0", "2025-05-31 00:00:00.0", "2024-08-07 00:00:00.0"], "%Y-%m-%d %H:%M:%S.0", "2025-05-05 15:04:00.0"),
    (["2025/01/02", "2025/05/31", "2024/08/07"], "%Y/%m/%d", "2025/05/05"),
    (["2025-01-02 10:15:30.250", "2025-05-31 00:00:00.000", "2024-08-07 23:59:59.999"], "%Y-%m-%d %H:%M:%S.%g",
     "2025-05-05 15:04:00.000"),
    (["02012025", "31052025", "07081999"], "%d%m%Y", "05052025"),
    (["020120251015", "310520250000", "070819992359"], "%d%m%Y%H%M", "050520251504"),
    (["05312025", "12072025", "01132024"], "%m%d%Y", "05052025"),
    (["02/01/2568", "31/05/2568", "29/02/2567"], "%d/%m/%Y", "05/05/2568"),
    (["25680102", "25680531", "25670229"], "%Y%m%d", "25680505"),
    (["02012568", "31052568", "29022567"], "%d%m%Y", "05052568"),
    (["2568-01-02 10:15:00", "2568-05-31 00:00:00", "2567-02-29 23:59:59"], "%Y-%m-%d %H:%M:%S", "2568-05-05 15:04:00"),
]  # fmt: skip


@pytest.mark.parametrize(("dates", "form", "text"), NAMED_DATES)
@pytest.mark.slow
def test_dates_are_written_as_they_are_read(tmp_path, dates, form, text):
    written = forms_of(tmp_path, admit_dt=dates).dates["admit_dt"]
    assert written.form == form
    said = duckdb.sql(
        f"SELECT {written.written('day')} FROM (SELECT TIMESTAMP '2025-05-05 15:04:00' AS day)"
    ).fetchall()
    assert said == [(text,)]


@pytest.mark.parametrize(
    ("kind", "least"),
    [
        ("INTEGER", 1_900_000_000),
        ("BIGINT", 8 * 10**15),
        ("DOUBLE", 8 * 10**15),
        ("DECIMAL(12,0)", 9 * 10**11 - 1),
        ("TINYINT", 0),
    ],
)
def test_made_up_numbers_of_persons_are_where_real_ones_hardly_are(tmp_path, kind, least):
    told = {"dx_primary_code": ["A00"], "admit_dt": ["2024-01-02"], "amount_claimed": [1.0], "patient_id_hash": [7]}
    spec = parquet(tmp_path / "c.parquet", **told)
    with open_source(SourceSpec(spec.path)) as opened:
        located = opened.find_columns(ColumnMapping(), str(spec.path))
        forms = read_forms(opened, located, ColumnMapping(), 11)
    column = foreign_columns({"patient_id_hash": kind}, located, ColumnMapping(), forms, {})[0]
    persons = "(SELECT NULL AS patient_id_hash, unnest([1, 2, 500, 100]) AS person)"
    made_up = [number for (number,) in duckdb.sql(f"SELECT {column.expression} FROM {persons}").fetchall()]
    assert len(set(made_up)) == 4
    assert min(made_up) >= least


@pytest.mark.parametrize(
    ("days", "form"), [(["1/2/2025", "12/31/2024", "3/4/2025"], "%-m/%-d/%Y"), (["02-JAN-25"], "%d-@-%y"), (["2025-01-02"], "%Y-%m-%d")]
)  # fmt: skip
@pytest.mark.slow
def test_the_form_of_dates_shows_however_few_different_ones_there_are(tmp_path, days, form):
    many = days * (30_000 // len(days))
    told = {"dx_primary_code": ["A00"] * len(many), "amount_claimed": [1.0] * len(many)}
    assert forms_of(tmp_path, **told, admit_dt=many).dates["admit_dt"].form == form


def test_houses_of_a_key_of_two_columns_have_their_own_ways(tmp_path):
    dotted = [f"{code[:3]}.{code[3:]}".rstrip(".") for code in CODES]
    told = codes_of_houses((dotted, 20), (CODES, 20), (dotted, 20), (CODES, 20))
    houses = told.pop("facility_id")
    group, site = [int(house[1]) // 2 for house in houses], [int(house[1]) % 2 for house in houses]
    swapped = [1 - one if of else one for of, one in zip(group, site, strict=True)]
    spec = parquet(tmp_path / "k.parquet", **told, part=group, site=swapped)
    mapping = ColumnMapping(columns={"facility_id": "part"}, also={"facility_id": ("site",)})
    with open_source(SourceSpec(spec.path)) as opened:
        forms = read_forms(opened, opened.find_columns(mapping, str(spec.path)), mapping, 11)
    assert forms.codes["dx_primary_code"].ways == Ways([("", 50), ("plain", 100)], "facility_id")


def test_what_is_no_code_has_no_dot_and_no_small_letters(tmp_path):
    form = forms_of(tmp_path, procedure_code=["70.92", "Fisioterapi", "03.31"]).codes["procedure_code"]
    codes = "(VALUES ('Fisioterapi'), ('USG Abdomen'), ('7092')) AS v(code)"
    written = [code for (code,) in duckdb.sql(f"SELECT {form.written('code')} FROM {codes}").fetchall()]
    assert written == ["Fisioterapi", "USG Abdomen", "70.92"]


@pytest.mark.slow
def test_long_texts_do_not_fill_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr("claims_sim.profile.reading.source._MEMORY", "96MB")
    path = tmp_path / "c.parquet"
    duckdb.execute(
        f"COPY (SELECT 'J18.9' AS dx_primary_code, '02-JAN-25' AS admit_dt, 1000.0 + i AS amount_claimed, "
        f"repeat(md5(i::VARCHAR), 250) AS dx_primary_label FROM range(30000) AS r(i)) TO '{path}' (ROW_GROUP_SIZE 2048)"
    )
    with open_source(SourceSpec(path)) as opened:
        forms = read_forms(opened, opened.find_columns(ColumnMapping(), str(path)), ColumnMapping(), 11)
    assert forms.dates["admit_dt"].form == "%d-@-%y"
