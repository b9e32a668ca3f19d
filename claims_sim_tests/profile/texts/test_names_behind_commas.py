"""Labels that go on behind a comma, in brackets or behind a dash, as those of others do, and persons who stand there."""

import numpy as np
import pytest

from claims_sim.profile.texts.admit import admitted_instead_of_codes
from claims_sim_tests.profile.texts.named_codes import (
    CODES,
    NAMES,
    ROWS,
    SYLLABLES,
    VISITS,
    claims_of,
    name_of,
    passing,
)

UNSPECIFIED = (", không đặc hiệu", " (chưa có biến chứng)", " - không phân loại")


@pytest.mark.parametrize("houses", [3, 8])
@pytest.mark.parametrize("behind", UNSPECIFIED)
def test_a_name_may_go_on_behind_a_comma_as_others_do(behind, houses):
    """In a language of which the code systems have no words; one in so many houses writes more than the others."""
    names = [name.replace("Doença", "Bệnh") for name in NAMES.values()]
    names[0] = "Hen"
    always = set(range(1, 8))  # names of which nobody leaves this out
    pairs = [
        (CODES[i % 25], names[i % 25] + (behind if i % 25 in always or i // 25 % houses == 0 else ""))
        for i in range(ROWS)
    ]
    assert passing(pairs) == {label for _, label in pairs}


@pytest.mark.parametrize("behind", [", {}", " ({})", " - {}", ": {}", "; {}", "，{}", "（{}）"])
@pytest.mark.parametrize("form", [str.title, str.lower])
def test_whoever_treats_most_who_have_a_code_does_not_pass_behind_its_name(behind, form):
    doctors = [f"{first}{second}no {third}ti" for first in SYLLABLES for second in SYLLABLES for third in SYLLABLES]
    pairs = [
        (CODES[i % 25], NAMES[CODES[i % 25]] + behind.format(form(doctors[i % 25 if i // 25 % 7 else i % 125])))
        for i in range(ROWS)
    ]
    assert passing(pairs) <= set(NAMES.values())


@pytest.mark.parametrize("name", ["{first}no {last}ti", "{first}wa{last}no {last}mi{first}ti"])
def test_nor_does_one_whom_some_leave_out(name):
    """Names with capitals whose words many share, and names of words of their own in small letters."""
    of_code = [name.format(first=a, last=b) for a in SYLLABLES for b in SYLLABLES]
    of_code = [who.title() if "wa" not in name else who for who in of_code]
    pairs = [
        (CODES[i % 25], NAMES[CODES[i % 25]] + (f", {of_code[i % 25]}" if i // 25 % 7 else "")) for i in range(ROWS)
    ]
    assert passing(pairs) <= set(NAMES.values())


def test_further_diagnoses_are_codes_only():
    words, persons = ["診察", "検査料"], np.array([500, 400])
    assert admitted_instead_of_codes("procedure_code", words, persons).all()
    assert not admitted_instead_of_codes("dx_secondary_codes", words, persons).any()


@pytest.mark.parametrize(
    "spelled",
    [
        ("{} (procedure)", "{}, office"),
        ("Visit: {}", "Visit: {} at home"),
        ("{} (procedure)", "{} (office)", "{}"),
        ("(procedure) {}", "[visit] {}"),
        ("{} - old", "{} - new"),
    ],
)
def test_names_that_speak_of_care_pass_in_several_spellings_behind_a_comma_too(spelled):
    pairs = [(CODES[i % 10], spelled[i // 10 % len(spelled)].format(VISITS[i % 10])) for i in range(ROWS)]
    assert len(passing(pairs)) == 10 * len(spelled)


@pytest.mark.parametrize("sign", "~〜～－［；＝＋-")
def test_a_person_behind_any_sign_is_no_part_of_a_name(sign):
    signs = [chr(0x4E01 + 7 * i) for i in range(25)]
    pairs = claims_of(lambda i: f"心{signs[i % 25]}の病{sign}渡辺愛")
    assert passing(pairs) == set()


@pytest.mark.parametrize("behind", ["（詳細不明）", "，詳細不明", "：詳細不明", "(詳細不明)"])
def test_what_goes_on_is_read_in_full_width_as_in_ascii(behind):
    names = [f"心{chr(0x4E01 + 7 * i)}の病" for i in range(25)]
    always = set(range(8))
    pairs = claims_of(lambda i: names[i % 25] + (behind if i % 25 in always or i // 25 % 3 == 0 else ""))
    assert passing(pairs) == {label for _, label in pairs}


def test_a_degree_in_full_width_is_one():
    pairs = claims_of(lambda i: f"{name_of(i)}，Siti Wati Ｓ．Ｋｅｐ")
    assert passing(pairs) == set()


@pytest.mark.parametrize("behind", [", {}", " ({})", " - {}"])
def test_what_stands_behind_a_comma_and_no_other_name_has_does_not_pass(behind):
    persons = [f"{first}{second} {third}no" for first in SYLLABLES for second in SYLLABLES for third in SYLLABLES]
    pairs = [
        (CODES[i % 25], NAMES[CODES[i % 25]] + (behind.format(persons[i % 25].title()) if i // 25 % 3 == 0 else ""))
        for i in range(ROWS)
    ]
    assert passing(pairs) <= set(NAMES.values())


def test_a_house_before_the_names_of_persons_lets_none_of_these_pass():
    pairs = claims_of(lambda i: f"Klinik {i % 25}, {SYLLABLES[i // 25 % 5]}{SYLLABLES[i // 125 % 5]} Wati".title())
    assert passing(pairs) == set()
