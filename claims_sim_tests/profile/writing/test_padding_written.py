"""Texts are filled with blanks as their houses fill them: to a length, or with so many behind each; and what few write so, none does."""

import duckdb
import pytest

from claims_sim.profile.reading.mapping import ColumnMapping
from claims_sim.profile.reading.source import SourceSpec, open_source
from claims_sim.profile.writing.padding_written import Padding, padded, read_padding
from claims_sim.profile.writing.ways_written import Ways
from claims_sim_tests.profile.reading.test_source import parquet
from claims_sim_tests.profile.writing.test_labels_in_capitals import LABELS, claims_of


def as_read(path, k=11, column="dx_primary_label", **columns):
    spec = SourceSpec(parquet(path / "c.parquet", **columns).path)
    with open_source(spec) as opened:
        found = read_padding(opened, opened.find_columns(ColumnMapping(), str(spec.path)), ColumnMapping(), k)
    return found.get(column)


@pytest.mark.parametrize("blanks", [1, 2])
def test_houses_may_write_a_few_blanks_behind_each_label(tmp_path, blanks):
    found = as_read(tmp_path, **claims_of(lambda house, _, label: label + " " * blanks if house < 3 else label))
    assert found == Padding(Ways([("", 70), (f"+{blanks}", 100)], "facility_id"), frozenset(LABELS.values()))


def test_houses_may_fill_labels_to_a_length(tmp_path):
    found = as_read(tmp_path, **claims_of(lambda house, _, label: label.ljust(40) if house < 3 else label))
    assert found == Padding(Ways([("", 70), ("40", 100)], "facility_id"), frozenset(LABELS.values()))


CODES = {"J18": "Pneumonia", "A099": "Gastroenteritis", "B50": "Malaria"}


@pytest.mark.parametrize(
    ("fill", "filling", "told"),
    [
        (lambda code: f"{code} ", 3, set(CODES)),
        (lambda code: code.ljust(9), 1, set()),
        (lambda code: code.ljust(9), 3, None),
    ],
    ids=["a blank", "a length", "the length of the type"],
)
def test_of_codes_with_a_blank_behind_them_those_are_told_that_many_have_so(tmp_path, fill, filling, told):
    """To the length of a column's type all are filled."""
    claims = claims_of(lambda *_: "Illness", labels=CODES)
    codes = [*claims["dx_primary_code"], *["C50"] * 12]
    claims = {name: [*values, *values[-12:]] for name, values in claims.items()}
    filled = [f"H{9 - house}" for house in range(filling)]
    claims["dx_primary_code"] = [
        fill(code) if house in filled else code for house, code in zip(claims["facility_id"], codes, strict=True)
    ]
    found = as_read(tmp_path, column="dx_primary_code", **claims)
    assert found.told == told
    assert found.ways.by == "facility_id"


def test_one_blank_behind_texts_of_many_lengths_is_no_length(tmp_path):
    labels = {f"A{n:02d}": "a" * (n + 5) for n in range(40)}
    found = as_read(
        tmp_path, **claims_of(lambda house, _, label: label + " " if house < 3 else label, cells=9, labels=labels)
    )
    assert found.ways == Ways([("", 70), ("+1", 100)], "facility_id")


def test_where_all_cells_are_filled_all_are_written_so(tmp_path):
    assert as_read(tmp_path, **claims_of(lambda _house, _month, label: label.ljust(40))) == Padding(
        Ways([("40", 100)]), None
    )


def test_without_blanks_there_is_nothing_to_fill(tmp_path):
    assert as_read(tmp_path, **claims_of(lambda _house, _month, label: label)) is None


@pytest.mark.parametrize(
    ("persons", "houses", "k", "is_told"),
    [(20, 3, 11, True), (20, 3, 50, False), (8, 3, 11, False), (20, 1, 11, False)],
)
def test_a_label_is_filled_where_enough_persons_of_several_houses_have_it_so(tmp_path, persons, houses, k, is_told):
    claims = claims_of(lambda house, _, label: label + " " if house < 3 else label)
    claims["patient_id_hash"] = [f"p{n}" for n in range(len(claims["facility_id"]))]
    rare = [(f"H{n % houses}", "HIV disease ", f"c{n % persons}") for n in range(40)]
    for house, label, person in rare + [(f"H{3 + n % 7}", "HIV disease", f"s{n}") for n in range(400)]:
        for column, value in zip(claims, (house, "B20", label, "2024-01-15", 1.0, person), strict=True):
            claims[column].append(value)
    assert ("HIV disease" in as_read(tmp_path, k, **claims).told) == is_told


def test_behind_nothing_stands_no_blank():
    written = padded("label", Padding(Ways([("+1", 100)]), None))
    assert duckdb.sql(f"SELECT {written} FROM (SELECT '' AS label, 1 AS row)").fetchall() == [("",)]


@pytest.mark.parametrize(
    ("padding", "written"),
    [
        (None, "Flu"), (Padding(Ways([("+1", 100)]), frozenset({"Flu"})), "Flu "),
        (Padding(Ways([("+2", 100)]), None), "Flu  "), (Padding(Ways([("5", 100)]), None), "Flu  "),
        (Padding(Ways([("2", 100)]), None), "Flu"), (Padding(Ways([("+2", 100)]), frozenset({"Flu"})), "Flu  "),
        (Padding(Ways([("+2", 100)]), frozenset({"HIV"})), "Flu"), (Padding(Ways([("+2", 100)]), frozenset()), "Flu"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("long", [False, True])
def test_a_text_is_written_with_its_blanks(padding, written, long):
    text = f"replace(label, '{'x' * 600}', '')" if long else "label"
    of = "(SELECT 'Flu' AS label, 1 AS row)"
    assert duckdb.sql(f"SELECT {padded(text, padding)} FROM {of}").fetchall() == [(written,)]


def test_what_is_as_long_as_others_are_filled_to_shows_nothing(tmp_path):
    """Of codes of three characters and four, houses that fill to four fill all of three: a tenth of the codes."""
    labels = {"J18": "Pneumonia", **{f"A{n:03d}": "Illness" for n in range(9)}}
    claims = claims_of(lambda *_: "Illness", labels=labels)
    codes = zip(claims["facility_id"], claims["dx_primary_code"], strict=True)
    claims["dx_primary_code"] = [code.ljust(4) if house in ("H0", "H1", "H2") else code for house, code in codes]
    found = as_read(tmp_path, column="dx_primary_code", **claims)
    assert found.ways.shares == [("", 70), ("4", 100)]
    assert found.ways.by == "facility_id"
