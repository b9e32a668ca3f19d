"""Which texts of a source may become part of a profile. Judges texts; who shares them is counted elsewhere.

A value must be short and plain and hold no identifier; a label must be made of the code systems' own words, or name a code
in a column of names. Numbers, and codes of the source's own, are judged with their column (`own_codes.py`).
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from typing import Final

import numpy as np

from claims_sim.claim import MAX_TEXT
from claims_sim.codes import icd9cm
from claims_sim.codes.vocabulary import (
    common_roots,
    root,
    signs_of_care,
    split_words,
    words,
)
from claims_sim.privacy.phi import identifiers_in, in_plain_width
from claims_sim.profile.counts.counting import Ints, Mask
from claims_sim.profile.counts.numbers import Numbers
from claims_sim.profile.texts.names_of_persons import (
    SAYS_NONE,
    TITLE_ANYWHERE,
    TITLED,
    holds_family_name,
    may_be_persons,
)

ICD10_CODE: Final = re.compile(r"[A-Z][0-9][0-9A-Z]{1,5}|[A-Z][0-9]{2}[0-9X][0-9]{2}X[0-9]{3}")
"""Also as China's national edition extends them (I10.x00x002)."""
ICD10_RANGE: Final = re.compile(r"[A-Z][0-9][0-9A-Z][-_][A-Z][0-9][0-9A-Z]")
"""A chapter or block, from category to category, where a table tells no more of diagnoses."""
ICD9_CODE: Final = re.compile(r"[0-9]{2,4}")
# The same as phi.CATEGORY_GRAMMAR, which is written for RE2: \w stands for letters, digits and the underscore; marks on
# letters are taken off before, and a value with digits of another script is refused.
_MORE: Final = r"[\w .,/&()'’+\-–・]*"
_SIGN: Final = r"(?:(?:[<>]=?|[≤≥]|§) ?[0-9]|[0-9] ?[%°])"
_CATEGORY: Final = re.compile(rf"[^\W_]{_MORE}(?:{_SIGN}{_MORE})?|{_SIGN}{_MORE}")
_WORD: Final = r"(?:[^\W\d]|[ .,/&()'’+\-–・])"
_CODED: Final = re.compile(
    rf"(?:[0-9]{{1,2}}|[A-Za-z]) ?[:=] ?"
    rf"(?:[^\W\d_]{_WORD}*(?:[0-9]{{1,3}}(?:{_WORD}+(?:[0-9]{{1,3}}{_WORD}*)?)?)?|[0-9]{{1,3}}(?:{_WORD}+(?:[0-9]{{1,3}}{_WORD}*)?)?)"
)
_CODE_BEFORE: Final = re.compile("(?:[0-9]{1,2}|[A-Za-z]) ?[:=]")
_LABEL: Final = re.compile(r"(?:[^\W_]|[\[(])(?:[^\W_]|[ .,;:/&()\[\]'’+%<>=\-–・、~〜])*")
TOKEN: Final = re.compile(r"[^\W_]+")
_LONG_NUMBER: Final = re.compile(r"[0-9]{4}")
_NO_NUMBER: Final = r"(?:[^0-9]|(?<=covid-)19|(?<=covid)19)*"
_VIRUS_AND_YEAR: Final = re.compile(
    rf"(?i){_NO_NUMBER}\b(?:(?:coronav[ií]rus|corona\b|covid){_NO_NUMBER}\b2019\b|2019-ncov\b){_NO_NUMBER}"
)
"""A diagnosis with the one year that is part of any, and no other number: coronavirus disease 2019."""
_DOSE: Final = re.compile(
    r"(?i)(?<![^\W_])(?<![0-9][\W_])(?<![0-9][\W_]{2})(?:[0-9]{1,3}(?:[.,][0-9]{1,2})? ?/ ?)?(?!19[0-9]{2} ?[a-zµμ])"
    r"[1-9][0-9](?:[05]0|[0-9]00|[0-9]0{3,4}) ?(?:iu|ui|mg|mcg|[µμ]g|units?|unidades|мг|мкг|ме|ед)(?![^\W_])"
)
"""How strong a drug is: VITAMIN D3 50000 IU, 50/1000 MG. No more than three of its digits say anything, as in any number of a label; and
it is no year, and part of no longer number.
"""
_UNIT: Final = re.compile(r"(?i)[0-9] ?(?:(?:iu|ui|mg|mcg|[µμ]g|gr?|ml|мг|мкг|мл|г)(?![^\W_])|%)|%[0-9]")
_UNITS: Final = frozenset({"iu", "ui", "mg", "mcg", "µg", "μg", "g", "gr", "ml", "мг", "мкг", "мл", "г"})
_FORMS_OF_DRUGS: Final = """
    tab tb tbl tablet tablets tableta tabletas tabletki tabletten film cap caps capsule capsules cápsula cápsulas kap kaps kapsul
    kapsül kapsel comprimido comprimidos comprimé comprimés amp ampul ampoule ampoules ampolla ampollas vial flacon flakon inj
    injection enjektör syr syrup sirup şurup jarabe susp süspansiyon krem cream crema creme crème merhem salep ointment jel gel
    drop drops damla tetes sprey spray sachet saşe patch таб табл таблетки капс капсулы амп флакон мазь сироп
"""
"""Of a drug it is said how much of it is given and in which form, and no more: PAROL 500 MG 20 TABLET."""
_FIRST_NUMBER: Final = re.compile("[%0-9]")
_PERCENT_FIRST: Final = re.compile(r"(?<![^\W_])%(?=[0-9])")
_NAME_AND_YEAR: Final = re.compile(r"[^0-9]*[^\W\d_]\)? 20[0-3][0-9]")
_UNSEEN: Final = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")
"""Selectors of variants: marks that show nothing."""
_NUMBERED: Final = re.compile(r"[Ⅰ-Ⅻ](?=[^\W\d_Ⅰ-ↈ])")
_NO_VALUE: Final = "\0"
_CASE_GROUP: Final = re.compile("[A-Z]-[0-9]{1,2}-[0-9]{2}")
MANY_NAMES, _SHARED_BY = 10, 3  # names of procedures; names that may have one root in common
_SOME_ROOTS, _ROOTS_OF_PERSONS = 0.25, 0.4
"""The shares of the names of procedures without codes that must have a root of the code systems', and of those who bear them."""
NAMES_OF: Final = {"dx_primary_label": "dx_primary_code", "procedure_label": "procedure_code"}
SEVERAL: Final = 5
"""So many values that may be told are a list."""
_NEARLY_ALL, _HALF = 0.95, 0.5  # shares of persons
FEWEST_KNOWN: Final = 3
"""So many known words make a phrase."""
_FEW: Final = 0.1  # of the labels
_HAN_WORD: Final = re.compile("[\u3041-\u3096\u30a1-\u30fa\u30fc\u4e00-\u9fff]+")
_SIGNS_IN_NAMES: Final = frozenset("片染飼饲针針")
"""Signs of care with which family names that are less common are written, too (片岡, 染谷, 犬飼, 針生)."""


def admit_category(value: str) -> bool:
    """May `value` be a category: a short phrase without a run of four digits and without an identifier?

    The year of a plan or a tariff may stand behind its name, where that has no other digit.
    """
    letters = without_marks(value)
    coded = _CODE_BEFORE.match(in_plain_width(value)) and _CODED.fullmatch(letters)
    plain = bool(coded or _CATEGORY.fullmatch(letters)) and len(value) <= MAX_TEXT
    numbered = _LONG_NUMBER.search(letters) and not _NAME_AND_YEAR.fullmatch(letters)
    return plain and not numbered and not identifiers_in(letters) and not identifiers_in(value)


def without_marks(value: str) -> str:
    """The value without the vowels and tones that Thai and Hindi write as marks on a letter; `re` counts these as no letters.

    A mark that stands on anything else stays, and so does one that nobody sees: they would part the digits of a number. What
    is no digit of ASCII but a number becomes what no value may hold: an identifier may be written in the digits of any script. But a
    Roman number is part of the word that follows (Ⅱ型糖尿病).
    """
    if value.isascii():
        return value
    value = _NUMBERED.sub("I", in_plain_width(value))
    kept, on_letter = [], False
    for character in value:
        kind = unicodedata.category(character)
        if kind[0] == "N" and not character.isascii():
            return _NO_VALUE
        is_mark = kind in ("Mn", "Mc") and not _UNSEEN.match(character)
        if not (is_mark and on_letter):
            kept.append(character)
            on_letter = kind[0] == "L"
    return "".join(kept)


def admit_label(value: str) -> bool:
    """May `value` be a label: only words of the code systems, numbers of at most three digits (or a dose or a virus's year), and
    punctuation?
    """  # noqa: D205
    return has_form_of_label(value) and words().issuperset(split_words(in_plain_width(value)))


def has_form_of_label(value: str) -> bool:
    """Is it short and plain, with a word and no long number (but a dose or a virus's year) and no identifier, whatever its words are?"""
    if len(value) > MAX_TEXT:
        return False
    letters = without_marks(value)
    numbered = _has_long_number(letters) and not _VIRUS_AND_YEAR.fullmatch(letters)
    return (
        bool(_LABEL.fullmatch(letters))
        and not numbered
        and bool(split_words(value))
        and not identifiers_in(letters)
        and not identifiers_in(value)
    )


def _has_long_number(letters: str) -> bool:
    """Has it a run of four digits that is no dose? One label has two doses at the most."""
    return bool(_LONG_NUMBER.search(letters)) and bool(_LONG_NUMBER.search(_DOSE.sub("", letters, count=2)))


def admit_diagnosis(value: str) -> bool:
    """May `value` be a diagnosis code: one of ICD-10 or ICD-9-CM, or a label where codes should be?"""
    return _is_diagnosis_code(value) or (admit_label(value) and admit_category(value))


def admit_secondary(value: str) -> bool:
    """May `value` be a secondary diagnosis: a code of ICD-10 or ICD-9-CM only?"""
    return _is_diagnosis_code(value)


def _is_diagnosis_code(value: str) -> bool:
    return is_full_code(value) or icd9cm.is_category(value)


def is_full_code(value: str) -> bool:
    """Is `value` a code of ICD-10, or a diagnosis of ICD-9-CM that is no mere category?"""
    # ICD-9-CM's are numbers like anybody's: only those that the classification has, not whatever is written alike.
    return bool(ICD10_CODE.fullmatch(value) or ICD10_RANGE.fullmatch(value)) or icd9cm.is_diagnosis(value)


def admit_procedure(value: str) -> bool:
    """May `value` be a procedure code: an ICD-9-CM code, or a label where codes should be?"""
    return bool(ICD9_CODE.fullmatch(value)) or (admit_label(value) and admit_category(value))


def admit_case_group(value: str) -> bool:
    """May `value` be a group of cases: an INA-CBG code without its severity (K-4-17)?"""
    return bool(_CASE_GROUP.fullmatch(value))


def is_code(value: str) -> bool:
    """Is `value` a code of one of the code systems, as far as its form goes?"""
    return bool(ICD9_CODE.fullmatch(value)) or _is_diagnosis_code(value)


_RULES: Final = {
    "dx_primary_code": admit_diagnosis,
    "dx_secondary_codes": admit_secondary,
    "procedure_code": admit_procedure,
    "dx_primary_label": admit_label,
    "procedure_label": admit_label,
    "procedure_name": admit_label,
    "case_group": admit_case_group,
}


def admitted(column: str, values: Sequence[str | None]) -> Mask:
    """For each distinct value of a column: may it be released as far as its text alone goes?"""
    rule = _RULES.get(column, admit_category)
    return np.array([value is not None and rule(value) for value in values], np.bool_)


def admitted_instead_of_codes(column: str, values: Sequence[str | None], persons: Ints | Numbers) -> Mask:
    """For each distinct value of a column of codes that is none: may it be released as a label that stands there?

    It is made of the code systems' own words, or is one word of Chinese or Japanese characters of which one at least stands for care
    (調剤料), and no name. Most `persons` without a code must bear labels that may. Else a few that happen to be made of the code
    systems' words would stand for all the others.
    """
    others = np.array([value is not None and not is_code(value) for value in values], np.bool_)
    labels = others & admitted(column, values)
    if column in NAMES_OF.values():
        labels |= others & np.array([_is_word_of_care(value or "") for value in values], np.bool_)
    enough: bool = persons[labels].sum() >= _HALF * persons[others].sum()
    return labels & enough


def _is_word_of_care(value: str) -> bool:
    """Is it a word in Chinese or Japanese characters with a sign of care, no sign of which begins a name (片岡), and with no common family
    name or title anywhere?
    """  # noqa: D205
    if not _HAN_WORD.fullmatch(value) or holds_family_name(value):
        return False
    return any(sign[-1] not in _SIGNS_IN_NAMES for sign in signs_of_care(value)) and admit_category(value)


def admitted_without_codes(values: Sequence[str | None], persons: Ints | Numbers, enough: Mask) -> Mask:
    """For each distinct name of procedures that have no code: may it be released?

    As a short phrase in which nobody has a title, where the column is a list of procedures: nearly all of the `persons` with a name
    bear one of ten and more that enough share; and a quarter of these, with two fifths of the persons, speak of care (`speak_of_care`).
    What is written by hand is no list, and hardly any name of a doctor speaks so; what may be one passes in no list. Where as many are
    drugs, by strength and form, these alone pass. Or nearly all bear what says that nothing was done.
    """
    values = [value and in_plain_width(value) for value in values]
    phrase = np.array([value is not None and _is_untitled_phrase(value) for value in values], np.bool_)
    told = np.flatnonzero(phrase & enough)
    filled = persons[[value is not None for value in values]].sum()
    none = phrase & enough & np.array([bool(SAYS_NONE.match(value or "")) for value in values], np.bool_)
    if persons[none].sum() >= _NEARLY_ALL * filled > 0:
        return none
    if len(told) < MANY_NAMES or persons[told].sum() < _NEARLY_ALL * filled:
        return np.zeros(len(values), np.bool_)
    if speak_of_care([values[i] or "" for i in told.tolist()], persons[told], _SOME_ROOTS):
        return phrase & ~may_be_persons(values, phrase & enough)
    drugs = phrase & np.array([_is_drug(value or "") for value in values], np.bool_)
    of_told = drugs[told]
    are_listed = (
        of_told.mean() >= _SOME_ROOTS and persons[told][of_told].sum() >= _ROOTS_OF_PERSONS * persons[told].sum()
    )
    return np.asarray(drugs & are_listed & ~may_be_persons(values, drugs & enough))


def _is_drug(text: str) -> bool:
    """Is it a name, and from its first number on nothing but numbers, units and forms of drugs, one of each at least?"""
    first = _FIRST_NUMBER.search(text)
    said = text[first.start() :] if first else ""
    words = {word.lstrip("0123456789").casefold().replace("i̇", "i") for word in TOKEN.findall(said)} - {""}
    forms = {*_FORMS_OF_DRUGS.split()}
    return bool(_UNIT.search(said) and words & forms and words <= forms | _UNITS)


def speak_of_care(labels: Sequence[str], persons: Ints | Numbers, some: float) -> bool:
    """Have `some` of the labels, with two fifths of the persons, a word with a root of the code systems', in whatever language, or are
    they written as a phrase of known words?
    """  # noqa: D205
    if not labels:
        return False
    speaks = with_roots(labels, common_roots(), _SHARED_BY) | np.array([_is_phrase(text) for text in labels], np.bool_)
    return bool(speaks.mean() >= some and persons[speaks].sum() >= _ROOTS_OF_PERSONS * persons.sum())


def _is_phrase(text: str) -> bool:
    """Has it a few words of the code systems or of care in Indonesian, and all others in small letters? A name would be
    written with a capital: Rawat inap tingkat pertama per hari.
    """  # noqa: D205
    written = [word for word in TOKEN.findall(text) if word.isalpha()]
    known = {word for word in written if word.lower() in words()}
    return (
        len(known) >= FEWEST_KNOWN
        and any(word.islower() for word in written)
        and written[0][0].isupper()
        and all(word.islower() for word in written if word not in known)
    )


def _is_untitled_phrase(value: str) -> bool:
    # Doses (1000 MG), and a strength in the Turkish manner (%0,1), are no part of what must be a category, of a drug.
    plain = in_plain_width(value)
    phrase = _PERCENT_FIRST.sub("", _DOSE.sub("", plain, count=2), count=1) if _is_drug(plain) else value
    return (
        admit_category(phrase)
        and has_form_of_label(value)
        and not TITLED.match(value)
        and not TITLE_ANYWHERE.search(value)
    )


def with_roots(labels: Sequence[str], known: frozenset[str], few: int) -> Mask:
    """Which labels have a word with one of the `known` roots, or a sign of care, that only `few` labels, or a tenth of them, have.

    A root that many labels have in common tells of none of them, as the "poliklinik" before every doctor's name.
    """
    found = [({root(word) for word in split_words(text)} & known) | signs_of_care(text) for text in labels]
    common = Counter(word for those in found for word in those)
    tell = {word for word, count in common.items() if count <= max(_FEW * len(labels), few)}
    return np.array([bool(those & tell) for those in found], np.bool_)
