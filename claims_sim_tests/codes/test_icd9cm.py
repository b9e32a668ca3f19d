import re

import pytest

from claims_sim.codes import icd9cm
from claims_sim.privacy.phi import identifiers_in


def test_the_list_is_large_sorted_and_well_formed():
    codes = icd9cm.all_codes()
    assert len(codes) >= 600
    assert len(set(codes)) == len(codes)
    assert all(re.fullmatch(r"\d{3,4}", code) for code in codes)
    labels = [icd9cm.label(code) for code in codes]
    assert all(label and len(label) <= 200 and not identifiers_in(label) for label in labels)
    assert len(set(labels)) == len(labels)


def test_only_leaf_codes_are_listed():
    codes = set(icd9cm.all_codes())
    assert not [code for code in codes if len(code) == 4 and code[:3] in codes]


def test_the_caesareans_are_known_and_the_famous_wrong_code_is_not():
    for code in ("740", "741", "742", "744", "7499"):
        assert "cesarean" in (icd9cm.label(code) or "").lower()
        assert icd9cm.chapter(code) == "72-75"
    assert not icd9cm.is_known("8631")
    assert icd9cm.label("8631") is None


@pytest.mark.parametrize(
    ("code", "chapter"),
    [
        ("0066", "00"),
        ("1341", "08-16"),
        ("1711", "17"),
        ("39.95", "35-39"),
        ("8744", "87-99"),
        ("9925", "87-99"),
        ("x", ""),
        ("", ""),
        ("١٢", ""),
    ],
)
def test_a_chapter_is_the_range_that_the_first_two_digits_fall_in(code, chapter):
    assert icd9cm.chapter(code) == chapter


def test_a_dot_does_not_matter():
    assert icd9cm.label("13.41") == icd9cm.label("1341")


def test_diagnoses_are_those_of_the_classification_and_no_other_numbers():
    assert all(icd9cm.is_diagnosis(code) for code in ("0010", "250.00", "4019", "V5789", "E8859"))
    assert not any(icd9cm.is_diagnosis(code) for code in ("00100", "25004", "99999", "4018", "250", ""))


def test_codes_that_have_finer_ones_are_categories():
    assert all(icd9cm.is_category(code) for code in ("250", "276.5", "2765", "2500", "V57", "E885", "E880"))
    assert not any(icd9cm.is_category(code) for code in ("27650", "4019", "E88", "27", "2764", "999999", ""))
