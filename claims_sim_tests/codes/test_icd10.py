import pytest
from hypothesis import given
from hypothesis import strategies as st

from claims_sim.codes import icd10


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("A010", "Typhoid fever"),
        ("A01.0", "Typhoid fever"),
        (" a01.0 ", "Typhoid fever"),
        ("A01", "Typhoid and paratyphoid fevers"),
        ("A91", "Dengue haemorrhagic fever"),
        ("K359", "Acute appendicitis, unspecified"),
        ("W199", "Unspecified fall, unspecified place"),
        ("S5200", "Fracture of upper end of ulna, closed"),
        ("M5456", "Low back pain, lower leg"),
    ],
)
def test_a_code_has_the_label_of_the_classification(code, expected):
    assert icd10.label(code) == expected


@pytest.mark.parametrize(
    "code", ["", "I", "XIV", "A00-A09", "Z", "A0", "A019Z", "8631", "M5456X", "T0815", "Y0700", "Y065"]
)
def test_chapters_blocks_and_nonsense_are_no_codes(code):
    assert icd10.label(code) is None
    assert not icd10.is_known(code)
    assert icd10.block(code) == ""
    assert icd10.chapter(code) == ""
    assert icd10.neighbours(code) == ()


def test_a_retired_code_keeps_its_block_and_chapter():
    assert (icd10.block("A90"), icd10.chapter("A90")) == ("A92-A99", "I")
    assert (icd10.block("I849"), icd10.chapter("I849")) == ("I80-I89", "IX")


def test_every_code_has_a_chapter_and_stands_beside_its_neighbours():
    codes = icd10.all_codes()
    assert len(codes) > 11_000
    assert all(icd10.chapter(code) for code in codes)


@given(st.sampled_from(icd10.all_codes()))
def test_neighbours_are_known_codes_of_the_same_block_and_neighbourhood_is_mutual(code):
    for neighbour in icd10.neighbours(code):
        assert icd10.block(neighbour) == icd10.block(code)
        assert (len(neighbour) == 3) == (len(code) == 3)
    assert code not in icd10.neighbours(code)
    assert all(code in icd10.neighbours(neighbour) for neighbour in icd10.neighbours(code)[:3])


@given(st.text(max_size=8))
def test_any_text_is_either_known_with_a_label_or_unknown_without(text):
    assert icd10.is_known(text) == (icd10.label(text) is not None)


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("A00-B99", "Certain infectious and parasitic diseases"), ("n00_n99", "Diseases of the genitourinary system"),
        ("A00-A09", "Intestinal infectious diseases"), ("O00-O9A", "Pregnancy, childbirth and the puerperium"),
        ("A00-A99", None), ("A00", None), ("", None),
    ],
)  # fmt: skip
def test_chapters_and_blocks_are_called_as_the_classification_does(code, told):
    assert icd10.label_of_range(code) == told
