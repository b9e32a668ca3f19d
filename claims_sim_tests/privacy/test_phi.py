import unicodedata

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claims_sim.privacy.phi import CATEGORY_GRAMMAR, PATTERNS, fits_sql, identifier_sql, identifiers_in
from claims_sim.profile.texts.admit import admit_category, admit_diagnosis, admit_secondary

IDENTIFIERS = [
    ("3578012345678901", "nik"),
    ("3578 0123 4567 8901", "nik"),
    ("NIK3578012345678901x", "nik"),
    ("0001234567890", "card"),
    ("081234567890", "phone"),
    ("+62 812-3456-7890", "phone"),
    ("6281234567890", "phone"),
    ("someone@example.org", "email"),
    ("01.234.567.8-901.000", "npwp"),
    ("123456789012345", "npwp"),
    ("449381000124108x", "npwp"),
    ("é449381000124108", "npwp"),
    ("12345-449381000124108", "npwp"),
    ("428211000124100 Assessment of substance use", "npwp"),
    ("449381000124108\x1f123456789012345\x1f428211000124100", "npwp"),
    ("449381000124108 01.234.567.8-901.000", "npwp"),
    ("4 449381000124108", "nik"),
    ("RM 123456", "record"),
    ("no. rm: 00-12-34", "record"),
    ("Rekam Medis 0012345", "record"),
    ("Pneumonia Ny. SITI", "title"),
    ("Tn. Budi", "title"),
]
CLEAN = [
    "JAWA TIMUR",
    "RS Kelas B",
    "Type 2 diabetes without complications",
    "Z348",
    "8952",
    "Rp 12,400,000",
    "D.I. Yogyakarta",
    "2025-11",
    "449381000124108",
    "449381000124108\x1f428211000124100",
]


@pytest.mark.parametrize(("text", "kind"), IDENTIFIERS)
def test_every_kind_of_identifier_is_found(text, kind):
    assert kind in identifiers_in(text)


@pytest.mark.parametrize("text", CLEAN)
def test_clean_values_raise_no_alarm(text):
    assert identifiers_in(text) == ()


def test_every_pattern_has_an_example():
    assert {kind for _, kind in IDENTIFIERS} == {pattern.kind for pattern in PATTERNS}


@pytest.fixture(scope="module")
def in_sql():
    with duckdb.connect(config={"threads": 1}) as connection:

        def scan(texts: list[str | None]) -> list[bool]:
            connection.register("texts", pa.table({"t": pa.array(texts, pa.string())}))
            return [row[0] for row in connection.sql(f"SELECT {identifier_sql('t')} FROM texts").fetchall()]

        yield scan


PIECES = st.sampled_from(
    ["3578012345678901", "0812345678", "RM ", "123456", " ", "-", "_", ".", "A", "Ny.", "x@y", "62", "SITI", "é"]
)


@settings(max_examples=60, deadline=None)
@given(texts=st.lists(st.lists(PIECES, max_size=6).map("".join), min_size=1, max_size=10))
def test_the_scan_in_sql_finds_exactly_what_the_patterns_find(in_sql, texts):
    assert in_sql(texts) == [bool(identifiers_in(text)) for text in texts]


def test_a_missing_value_is_clean(in_sql):
    assert in_sql([None, "x"]) == [False, False]


@pytest.mark.parametrize(
    ("name", "may"),
    [
        ("กรุงเทพมหานคร", True),
        ("รพช.F2-F3", True),
        ("उत्तर प्रदेश", True),
        (unicodedata.normalize("NFD", "Thừa Thiên Huế"), True),
        ("Provence-Alpes-Côte d'Azur", True),
        ("NO_INSURANCE", True),
        ("RS_KELAS_3", True),
        ("_internal", False),
        ("<50", True),
        (">= 200 TT", True),
        ("≥200", True),
        ("Umur <1 tahun", True),
        ("10–20 %", True),
        ("<b", False),
        ("< script", False),
        ("50<", False),
        ("<>50", False),
        ("RM <12<34<56", False),
        ("081≥234≥567≥890", False),
        ("5 %", True),
        ("5% - <10", False),
        ("357<=801<=234<=567<=890", False),
        ("320 >104 <567 >890", False),
        ("12% 34% 56% 78%", False),
        ("Senior Staff 2022", True),
        ("Tarif (baru) 2023", True),
        ("RM_12_34_56", False),
        ("Ny._Siti", False),
        ("3578_0123_4567_8901", False),
        ("\u0e31กรุง", False),
        ("กรุง@เทพ", False),
        ("\u0301".join("3578012345678901"), False),
        ("RM 123\u0301456", False),
        ("RM1\ufe0f2\ufe0f3\ufe0f4\ufe0f5\ufe0f6", False),
        ("Klinik\U000e0101\U000e0102", False),
        ("उत्तर 12345", False),
        ("都道府県・市町村", True),
        ("RM 12・34・56", False),
        ("081・234・567・890", False),
        ("RM 12/34/56", False),
        ("081/234/567/890", False),
        ("357,801,234,567,890,1", False),
        ("３５７８０１２３４５６７８９０１", False),
        ("٣٥٧٨٠١٢٣٤٥٦٧٨٩٠١", False),
        ("RM １２３４５６", False),
        ("Kelas Ⅲ", False),
        ("m²", False),
        ("２型糖尿病", True),
        ("その他２１型", True),
        ("Ⅱ型糖尿病", True),
        ("糖尿病２", True),
        ("３５７型", True),
        ("３５型７８", True),
        ("２Ⅱ型", True),
        ("RM 12345２型", False),
        ("１００床未満（一般）", True),
        ("１００\u3000床", True),
        ("ＲＭ１２３４５６", False),
        ("Ｎｙ．Ｓｉｔｉ", False),
        ("０８１（２３４）５６７（８９０）", False),
        ("ｓｉｔｉ＠ｍａｉｌ．ｉｄ", False),
        ("ⅠNy.R", False),
        ("内科／", True),
        ("＜ｂ＞", False),
        ("2: 26-99", True),
        ("5: 400+", True),
        ("I=Rawat Inap", True),
        ("1: Kelas 3 (50-99)", False),
        ("1: Kelas 3 dan 99", True),
        ("RI=Rawat Inap", False),
        ("1 = < 50 beds", False),
        ("62: 812 345 678 90", False),
        ("0 : 812 345 678 90", False),
        ("081: 234 567 890", False),
        ("001 = 234 567 890 12 3", False),
        ("327 : 501 234 567 < 890 123 4", False),
        ("rm1: 23 45 67", False),
        ("Tn: Budi", False),
        ("Ny=Siti", False),
        ("ก็: x", False),
        ("२: x", False),
        ("Ⅱa: x", False),
        ("２型: x", False),
        ("e\u0301: x", False),
        ("1: ２型", True),
        ("1: ผู้ป่วยใน", True),
        ("ambulantes Operieren § 115b", True),
        ("Ospedale di 1° livello", True),
        ("§ 115b", True),
        ("Plan § 115 § 116", False),
        ("RM N°12 34 56", False),
        ("RM § 12 34 56", False),
        ("Tn.°Siti", False),
        ("3°5§1°2§3°4§5°6§7°8§9°0§1°2§3°4", False),
        ("2:", False),
        (": 26-99", False),
        ("Name: Budi", False),
        ("2: 26: 99", False),
        ("RM: 12 34 56", False),
        ("081:234567890", False),
        ("0: 8=1 2 3 4 5 6 7 8 9 0", False),
    ],
)
def test_what_is_a_category_to_the_profile_is_one_to_the_checks(name, may):
    assert admit_category(name) == may
    if "12345" not in name:  # of runs of digits the checks know that they look like an identifier, not the grammar
        fits = f"{fits_sql('name', CATEGORY_GRAMMAR)} AND NOT {identifier_sql('name')} FROM (SELECT ? AS name)"
        assert duckdb.execute(f"SELECT {fits}", [name]).fetchall() == [(may,)]


@pytest.mark.parametrize(
    "value", ["2022", "12 Jan 2022", "Plan 1000", "Budi 1987", "2022-01-15", "Plan 2022 0812", "Plan 20221"]
)
def test_other_numbers_of_four_digits_are_no_part_of_a_category(value):
    assert not admit_category(value)


@pytest.mark.parametrize(
    ("code", "may"),
    [
        ("4019", True), ("2765", True), ("250", True), ("25004", False), ("2018", False),
        ("A00-B99", True), ("A00_B99", True), ("O00-O9A", True), ("A00-B9912", False), ("RS01_A00", False),
    ],
)  # fmt: skip
def test_diagnoses_are_numbers_that_icd_9_has_as_finer_ones_and_whole_chapters(code, may):
    assert admit_diagnosis(code) == admit_secondary(code) == may
