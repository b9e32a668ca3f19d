"""Which texts of a source may become part of a profile. Judges the text alone; who shares it is counted elsewhere.

A value must be short and plain and hold no identifier; a label must be made of the code systems' own words.
"""

import re
from collections.abc import Sequence
from typing import Final

import numpy as np

from claims_sim.claim import MAX_TEXT
from claims_sim.codes import icd9cm
from claims_sim.codes.vocabulary import split_words, words
from claims_sim.privacy.phi import identifiers_in
from claims_sim.profile.counting import Mask

ICD10_CODE: Final = re.compile(r"[A-Z][0-9][0-9A-Z]{1,5}")
ICD9_CODE: Final = re.compile(r"[0-9]{2,4}")
# The same as phi.CATEGORY_GRAMMAR, which is written for RE2: \w without the underscore stands for letters and digits.
_CATEGORY: Final = re.compile(r"[^\W_][^\W_ .,/&()'’+\-]*(?:[^\W_]|[ .,/&()'’+\-])*")
_LABEL: Final = re.compile(r"(?:[^\W_]|[\[(])(?:[^\W_]|[ .,;:/&()\[\]'’+%<>=\-–])*")
_LONG_NUMBER: Final = re.compile(r"[0-9]{4}")


def admit_category(value: str) -> bool:
    """May `value` be a category: a short phrase without a run of four digits and without an identifier?"""
    plain = bool(_CATEGORY.fullmatch(value)) and len(value) <= MAX_TEXT and not _LONG_NUMBER.search(value)
    return plain and not identifiers_in(value)


def admit_label(value: str) -> bool:
    """May `value` be a label: only words of the code systems, numbers of at most three digits, and punctuation?"""
    plain = bool(_LABEL.fullmatch(value)) and len(value) <= MAX_TEXT and not _LONG_NUMBER.search(value)
    found = split_words(value)
    return plain and bool(found) and words().issuperset(found) and not identifiers_in(value)


def admit_diagnosis(value: str) -> bool:
    """May `value` be a diagnosis code: one of ICD-10 or ICD-9-CM, or a label where codes should be?"""
    return _is_diagnosis_code(value) or (admit_label(value) and admit_category(value))


def admit_secondary(value: str) -> bool:
    """May `value` be a secondary diagnosis: a code of ICD-10 or ICD-9-CM only?"""
    return _is_diagnosis_code(value)


def _is_diagnosis_code(value: str) -> bool:
    # ICD-9-CM's are numbers like anybody's: only those that the classification has, not whatever is written alike.
    return bool(ICD10_CODE.fullmatch(value)) or icd9cm.is_diagnosis(value)


def admit_procedure(value: str) -> bool:
    """May `value` be a procedure code: an ICD-9-CM code, or a label where codes should be?"""
    return bool(ICD9_CODE.fullmatch(value)) or (admit_label(value) and admit_category(value))


def is_code(value: str) -> bool:
    """Is `value` a code of one of the code systems, as far as its form goes?"""
    return bool(ICD9_CODE.fullmatch(value)) or _is_diagnosis_code(value)


_RULES: Final = {
    "dx_primary_code": admit_diagnosis,
    "dx_secondary_codes": admit_secondary,
    "procedure_code": admit_procedure,
    "dx_primary_label": admit_label,
    "procedure_label": admit_label,
}


def admitted(column: str, values: Sequence[str | None]) -> Mask:
    """For each distinct value of a column: may it be released as far as its text goes?"""
    rule = _RULES.get(column, admit_category)
    return np.array([value is not None and rule(value) for value in values], np.bool_)
