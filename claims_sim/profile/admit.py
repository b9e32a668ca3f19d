"""Which texts of a source may become part of a profile. Judges texts; who shares them is counted elsewhere.

A value must be short and plain and hold no identifier; a label must be made of the code systems' own words, or name a code
in a column of names. Numbers are judged with their column, which must be a list of codes.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from claims_sim.claim import MAX_TEXT
from claims_sim.codes import icd9cm
from claims_sim.codes.vocabulary import common_roots, root, roots, split_words, words
from claims_sim.privacy.phi import identifiers_in
from claims_sim.profile.counting import Ints, Mask, dense_ids

ICD10_CODE: Final = re.compile(r"[A-Z][0-9][0-9A-Z]{1,5}|[A-Z][0-9]{2}[0-9X][0-9]{2}X[0-9]{3}")
"""Also as China's national edition extends them (I10.x00x002)."""
ICD9_CODE: Final = re.compile(r"[0-9]{2,4}")
# The same as phi.CATEGORY_GRAMMAR, which is written for RE2: \w stands for letters, digits and the underscore; marks on
# letters are taken off before, and a value with digits of another script is refused.
_MORE: Final = r"[\w .,/&()'’+\-–・]*"
_SIGN: Final = r"(?:(?:[<>]=?|[≤≥]) ?[0-9]|[0-9] ?%)"
_CATEGORY: Final = re.compile(rf"[^\W_]{_MORE}(?:{_SIGN}{_MORE})?|{_SIGN}{_MORE}")
_LABEL: Final = re.compile(r"(?:[^\W_]|[\[(])(?:[^\W_]|[ .,;:/&()\[\]'’+%<>=\-–・])*")
_TOKEN: Final = re.compile(r"[^\W_]+")
_LONG_NUMBER: Final = re.compile(r"[0-9]{4}")
_NO_NUMBER: Final = r"(?:[^0-9]|(?<=covid-)19|(?<=covid)19)*"
_VIRUS_AND_YEAR: Final = re.compile(
    rf"(?i){_NO_NUMBER}\b(?:(?:coronav[ií]rus|corona\b|covid){_NO_NUMBER}\b2019\b|2019-ncov\b){_NO_NUMBER}"
)
"""A diagnosis with the one year that is part of any, and no other number: coronavirus disease 2019."""
_NAME_AND_YEAR: Final = re.compile(r"[^0-9]*[^\W\d_]\)? 20[0-3][0-9]")
_OWN_CODE: Final = re.compile(r"(?=.*[0-9])[0-9A-Z]+(?:[.\-/][0-9A-Z]+)*")
_SUBDIVISION: Final = re.compile(r"(?<=[0-9A-Z]{3})\.[0-9A-Z]{1,3}$")
_DIVIDED: Final = re.compile(r"(.*[0-9A-Z]{3})\.(?:[0-9A-Z][0-9]?|[0-9][A-Z])")
_FINER: Final = re.compile(r"[0-9]{5,6}")
_BEGINS, _FEWEST_BEGINNINGS = 3, 4  # digits; how many different ones
_SHORT: Final = 5  # letters and digits
_MARK: Final = re.compile(r"[.\-/]")
_GOES_ON: Final = re.compile(r"(.*[A-Z].*[.\-/].*)(-[A-Z]{2}(?:-[A-Z])?)")
"""A code with letters and marks, and two letters behind it, or one more behind these."""
_CODE_AND_NAME: Final = re.compile(r"([0-9]{4,6})(?: ?[.:\-])? ?(?=[^\W\d_])(.+)")
_SHORT_CODE: Final = re.compile(r"[A-Z]{1,4}[0-9]{1,3}|[A-Z]{2,3}")
_FAMILY: Final = re.compile(r"([A-Z]{2,6})-([A-Z]{1,4}|[A-Z]?[0-9]{1,2}[A-Z]?)")
_SHORT_NAME: Final = 4
"""Letters that the shortest names of persons have, but for a few of three; two are none."""
_ZERO_FIRST: Final = re.compile(r"0[0-9]+$")
_UNSEEN: Final = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")
"""Selectors of variants: marks that show nothing."""
_NUMBERED: Final = re.compile(r"(?<![０-９])(?:[０-９]{1,2}|[Ⅰ-Ⅻ])(?=[^\W\d_Ⅰ-ↈ])")
_PLAIN: Final = str.maketrans("０１２３４５６７８９", "0123456789") | dict.fromkeys(map(ord, "ⅠⅡⅢⅣⅤⅥⅦⅧⅨⅩⅪⅫ"), "I")
_NO_VALUE: Final = "\0"
_DAY: Final = re.compile(
    r"(?:19|20)[0-9]{2}[.\-/]?(?:0[1-9]|1[0-2])[.\-/]?[0-3][0-9]|[0-3][0-9][.\-/]?(?:0[1-9]|1[0-2])[.\-/]?(?:19|20)[0-9]{2}"
)
_LONGEST_CODE, _LONGEST_CATEGORY = 10, 7  # letters and digits of a procedure's or a diagnosis; characters of any other
_LONG_CODE: Final = 6  # digits
_LONG: Final = "a long number"
_MANY_NAMES, _SHARED_BY = 10, 3  # names of procedures; names that may have one root in common
_SOME_ROOTS, _ROOTS_OF_CLAIMS = 0.25, 0.4
"""The shares of the names of procedures that must have a root of the code systems', and of their claims."""
DIAGNOSES: Final = ("dx_primary_code", "dx_secondary_codes")
OWN_CODES: Final = (
    "province_name", "district_name", "facility_class", "facility_ownership", "facility_type", "service_type", "severity_group",
    "procedure_code", *DIAGNOSES,
)  # fmt: skip
"""The columns that may hold codes of the source's own."""
CASE_GROUPS: Final = (
    re.compile(r"[0-9]{3}"),
    re.compile(r"[A-Z][0-9]{2}[A-Z]"),
    re.compile(r"[0-9]{2}[CKMZH][0-9]{2}[0-9A-Z]"),
    re.compile(r"[A-Z]-[0-9]{1,2}-[0-9]{2}-([0-9]|I{1,3})"),
)
"""How the codes of groups of cases are written: MS-DRG, AR-DRG and G-DRG, GHM, INA-CBG."""
NAMES_OF: Final = {"dx_primary_label": "dx_primary_code", "procedure_label": "procedure_code"}
_NEARLY_ALL, _SOME, _MOST = 0.95, 0.05, 0.8  # shares of claims
_MANY: Final = 20  # values
SEVERAL: Final = 5
"""So many values that may be told are a list."""
_MANY_SHORT, _UNNUMBERED = 0.2, 0.4  # shares of claims, of values
_NAMES_A_CODE: Final = 0.5  # labels to a code, or to a category of codes
_CATEGORY_OF_CODE: Final = 3  # characters
_MOST_SPELLINGS: Final = 20  # labels to a code; of more, none is what names it
_HALF: Final = 0.5
_FEWEST_ALIKE: Final = 2
"""So many words with which labels begin alike."""
_FEW: Final = 0.1  # of the labels
_ACCENT: Final = re.compile("[\u0300-\u036f]")
_STROKES: Final = str.maketrans("đĐłŁøØ", "dDlLoO")
_TITLED: Final = re.compile(r"(?i)(?:dr|drg|prof|ny|tn|nn|sdr|bpk|bapak|ibu|mr|mrs|ms|miss|dra|sra|sr|srta|mme|hj)\b")
_TITLE_ANYWHERE: Final = re.compile(
    r"(?i)\b(?:dr|drg|prof|ny|tn|nn|sdr|bpk|bapak|mr|mrs|mme)\b"
    r"|\bsp\.? ?(?:a|an|b|bs|jp|kfr|kj|kk|m|og|ok|ot|p|pa|pd|pk|rad|s|tht|u)\b"
)
"""A title or a doctor's speciality (Sp.PD), wherever it stands."""


def admit_category(value: str) -> bool:
    """May `value` be a category: a short phrase without a run of four digits and without an identifier?

    The year of a plan or a tariff may stand behind its name, where that has no other digit.
    """
    letters = _without_marks(value)
    plain = bool(_CATEGORY.fullmatch(letters)) and len(value) <= MAX_TEXT
    numbered = _LONG_NUMBER.search(letters) and not _NAME_AND_YEAR.fullmatch(letters)
    return plain and not numbered and not identifiers_in(letters)


def _without_marks(value: str) -> str:
    """The value without the vowels and tones that Thai and Hindi write as marks on a letter; `re` counts these as no letters.

    A mark that stands on anything else stays, and so does one that nobody sees: they would part the digits of a number. What
    is no digit of ASCII but a number becomes what no value may hold: an identifier may be written in full-width digits, too. But one
    or two of these, or a Roman number, are part of the word that follows (２型糖尿病).
    """
    if value.isascii():
        return value
    value = _NUMBERED.sub(lambda found: found[0].translate(_PLAIN), value)
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
    """May `value` be a label: only words of the code systems, numbers of at most three digits (or a virus's year), and punctuation?"""
    return _has_form_of_label(value) and words().issuperset(split_words(value))


def _has_form_of_label(value: str) -> bool:
    if len(value) > MAX_TEXT:
        return False
    letters = _without_marks(value)
    numbered = _LONG_NUMBER.search(letters) and not _VIRUS_AND_YEAR.fullmatch(letters)
    return bool(_LABEL.fullmatch(letters)) and not numbered and bool(split_words(value)) and not identifiers_in(letters)


def admit_diagnosis(value: str) -> bool:
    """May `value` be a diagnosis code: one of ICD-10 or ICD-9-CM, or a label where codes should be?"""
    return _is_diagnosis_code(value) or (admit_label(value) and admit_category(value))


def admit_secondary(value: str) -> bool:
    """May `value` be a secondary diagnosis: a code of ICD-10 or ICD-9-CM only?"""
    return _is_diagnosis_code(value)


def _is_diagnosis_code(value: str) -> bool:
    return _is_full_code(value) or icd9cm.is_category(value)


def _is_full_code(value: str) -> bool:
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
    "procedure_name": admit_label,
}


def admitted(column: str, values: Sequence[str | None]) -> Mask:
    """For each distinct value of a column: may it be released as far as its text alone goes?"""
    rule = _RULES.get(column, admit_category)
    return np.array([value is not None and rule(value) for value in values], np.bool_)


def admitted_instead_of_codes(column: str, values: Sequence[str | None], claims: Ints) -> Mask:
    """For each distinct value of a column of codes that is none: may it be released as a label that stands there?

    Most claims without a code must bear labels that may. Else a few that happen to be made of the code systems' words would
    stand for all the others.
    """
    others = np.array([value is not None and not is_code(value) for value in values], np.bool_)
    labels = others & admitted(column, values)
    enough: bool = claims[labels].sum() >= _HALF * claims[others].sum()
    return labels & enough


def admitted_in_list(
    column: str, values: Sequence[str | None], claims: Ints, enough: Mask, listed: Mask | None = None
) -> Mask:
    """For each distinct value of a column: may it be released as a code of the source's own, such as district 3204?

    A number says nothing by its text; its column must show that it is one of a list of codes, of themselves or before their
    names (3204 KAB. BANDUNG). `claims` are each value's claims, `enough` whether they may be told, `listed` whether it is
    known already to be a code of the column's list. A code has digits, no space, no more characters than the longest lists
    that are known (10 letters and digits, for procedures and diagnoses; else 7), and the shape of the others, long numbers
    of a list of procedures or diagnoses being of one shape (SNOMED CT's have six digits and more): nearly all claims bear
    values of this shape, or some do and it has many values that may be told, or most do, it has several such values, and
    nearly all others bear values of such shapes. In all cases most claims of the shape bear values that may be told, as
    they do not where numbers are those of persons. So what is written into a column of another kind does not pass, however
    many share it. Where many procedures or diagnoses that may be told have a subdivision behind a dot (5-820.00), those
    without (3-225) have their shape; and where many long numbers of one length begin with a 0, all of that length have one.
    Beside codes of a list some may have a subdivision (8-936, 1-632.0) or lack what stands behind a mark (88.72.2, 45.23).
    Procedures may also be short codes of several shapes (OPD, RD01, SUR02), a few letters and at most three digits, where a
    fifth of the claims bear such, nearly all these or codes of a list, and most of several short ones have digits; or a few
    letters or digits behind letters and a hyphen that several have in common (NHIF-OP), beside more codes of a list. Some
    of ICD-9-CM's procedures may have one or two digits more. Where most diagnoses are codes of ICD-10 or ICD-9-CM, the others are
    held against these too.
    """
    out = np.zeros(len(values), np.bool_)
    if column not in OWN_CODES or (column in DIAGNOSES and _are_public(values, claims)):
        return out
    of_classification = column in (*DIAGNOSES, "procedure_code")
    shapes = [_shape_of_code(value or "", of_classification) for value in values]
    passes = _of_a_list(values, shapes, claims, enough, listed)
    if not of_classification:
        passes |= _of_a_list(values, [_code_before_name(value or "") for value in values], claims, enough)
    if of_classification:
        for shape_of, tells in ((_without_subdivision, _SUBDIVISION.search), (_of_its_length, _ZERO_FIRST.match)):
            wider = [shape_of(value or "") for value in values]
            told = Counter(wider[i] for i in np.flatnonzero(enough).tolist() if tells(values[i] or ""))
            passes |= _of_a_list(values, [s if told[s] >= _MANY else "" for s in wider], claims, enough)
        passes |= _extended(values, shapes, passes, claims, enough) | _akin(values, passes, claims, enough)
    if column == "procedure_code":
        passes |= _short_codes(values, passes, claims, enough) | _families(values, passes, claims, enough)
        passes |= _finer_than_public(values, claims, enough)
    for i in np.flatnonzero(passes).tolist():
        out[i] = not identifiers_in(values[i] or "")
    return out


def _of_a_list(
    values: Sequence[str | None], written: Sequence[str], claims: Ints, enough: Mask, listed: Mask | None = None
) -> Mask:
    """Which values have a shape that shows a list of codes; `written` are their shapes, empty where a value can be no code.

    Beside a shape of several codes those stand that have such a shape or are `listed` anyway.
    """
    shapes, shape = np.unique(written, return_inverse=True)
    filled = claims[[value is not None for value in values]].sum()
    borne = np.bincount(shape, claims, len(shapes))
    told = np.bincount(shape, claims * enough, len(shapes))
    is_list = (borne >= _NEARLY_ALL * filled) | (
        (borne >= _SOME * filled) & (np.bincount(shape, enough, len(shapes)) >= _MANY)
    )
    may = (told >= _MOST * borne) & (shapes != "")
    several = np.bincount(shape, enough, len(shapes)) >= SEVERAL
    others = (is_list & may)[shape] if listed is None else (is_list & may)[shape] | listed
    with_others = borne + claims[others].sum() - np.bincount(shape, claims * others, len(shapes))
    beside = several & (borne >= _HALF * filled) & (with_others >= _NEARLY_ALL * filled)
    return np.asarray(((is_list | beside) & may)[shape])


def _extended(values: Sequence[str | None], shapes: Sequence[str], listed: Mask, claims: Ints, enough: Mask) -> Mask:
    """Which values are written as `listed` codes with letters and marks are, and go on by a part of two letters, or one more letter.

    Several must do so that may be told, with most claims of all that do. A part of two letters is nobody's name, unless it is a title.
    """
    of_list = {shapes[i] for i in np.flatnonzero(listed).tolist()} - {"", _LONG}
    # What has no shape may be long, and no code.
    found = [_GOES_ON.fullmatch(value or "") if shape else None for value, shape in zip(values, shapes, strict=True)]
    goes_on = np.array(
        [
            match is not None
            and not _TITLE_ANYWHERE.search(match[2])
            and _shape_of_code(match[1], of_classification=True) in of_list
            for match in found
        ],
        np.bool_,
    )
    told = goes_on & enough
    is_list = np.count_nonzero(told) >= SEVERAL and claims[told].sum() >= _MOST * claims[goes_on].sum()
    return goes_on & bool(is_list)


def _akin(values: Sequence[str | None], listed: Mask, claims: Ints, enough: Mask) -> Mask:
    """Which values are written as `listed` codes are, but for a subdivision, or without what stands behind one of the marks.

    Letter for letter and digit for digit; a subdivision has two letters and digits at most, of which one is a letter: no name is so
    short. What lacks a part has five at most. Several that are so alike must be such as may be told, with most claims of all of them.
    """
    of_list = {_form(values[i] or "") for i in np.flatnonzero(listed).tolist()}
    begun = {form[: mark.start()] for form in of_list for mark in _MARK.finditer(form)}
    kin: list[str] = []
    for value in values:
        divided, form = _DIVIDED.fullmatch(value or ""), _form(value or "")
        if divided and _form(divided[1]) in of_list:
            kin.append(f"{_form(divided[1])}.")
        else:
            kin.append(form if form in begun and _MARK.search(form) and _letters_and_digits(form) <= _SHORT else "")
    found, number = np.unique(kin, return_inverse=True)
    borne, told = np.bincount(number, claims), np.bincount(number, claims * enough)
    several = np.bincount(number, enough, len(found)) >= SEVERAL
    return np.asarray((several & (told >= _MOST * borne) & (found != ""))[number] & ~listed)


def _letters_and_digits(value: str) -> int:
    return sum(character.isalnum() for character in value)


def _form(value: str) -> str:
    """How a value is written: a 9 for each digit, and an A for each letter."""
    return re.sub("[A-Z]", "A", re.sub("[0-9]", "9", value))


def _finer_than_public(values: Sequence[str | None], claims: Ints, enough: Mask) -> Mask:
    """Which values are ICD-9-CM's procedures with one or two digits more (Poland's 88.761, 93.1202), in a column of these procedures.

    Most that are as long must begin as a procedure does, as four in ten numbers would by chance, and in different ways: numbers of one
    office begin alike. Most of them, several, may be told.
    """
    of_length = np.array([bool(_FINER.fullmatch(value or "")) for value in values], np.bool_)
    none = np.zeros(len(values), np.bool_)
    public = np.array([bool(ICD9_CODE.fullmatch(value or "")) for value in values], np.bool_)
    if claims[public].sum() < _HALF * claims[[value is not None for value in values]].sum() or not of_length.any():
        return none
    begins = {code[:_BEGINS] for code in icd9cm.all_codes()}
    finer = of_length & np.array([(value or "")[:_BEGINS] in begins for value in values], np.bool_)
    told = finer & enough
    is_list = (
        np.count_nonzero(told) >= SEVERAL
        and len({(values[i] or "")[:_BEGINS] for i in np.flatnonzero(told).tolist()}) >= _FEWEST_BEGINNINGS
        and claims[finer].sum() >= _MOST * claims[of_length].sum()
        and claims[told].sum() >= _MOST * claims[finer].sum()
    )
    return finer if is_list else none


def _short_codes(values: Sequence[str | None], listed: Mask, claims: Ints, enough: Mask) -> Mask:
    """Which values are short codes of a few letters and digits, in a column of these and of codes that are `listed`."""
    filled = claims[[value is not None for value in values]].sum()
    short = np.array([bool(_SHORT_CODE.fullmatch(value or "")) for value in values], np.bool_)
    told = np.flatnonzero(short & enough)
    unnumbered = sum((values[i] or "").isalpha() for i in told.tolist())
    of_a_list: bool = (
        claims[short].sum() >= _MANY_SHORT * filled
        and claims[short | listed].sum() >= _NEARLY_ALL * filled
        and claims[told].sum() >= _MOST * claims[short].sum()
        and len(told) >= SEVERAL
        and unnumbered <= _UNNUMBERED * len(told)
    )
    return short & of_a_list


def _families(values: Sequence[str | None], listed: Mask, claims: Ints, enough: Mask) -> Mask:
    """Which values are codes of a few letters behind letters that several have in common, in a column of these and `listed` ones.

    What stands behind these letters is no name of a person's: two letters, or the beginning of a word of the code systems (DIAL),
    in all that may be told of those that have them in common.
    """
    filled = claims[[value is not None for value in values]].sum()
    found = [_FAMILY.fullmatch(value or "") for value in values]
    titled = [bool(_TITLED.match(value or "") or _TITLE_ANYWHERE.search(value or "")) for value in values]
    heads = ["" if match is None or bad else match[1] for match, bad in zip(found, titled, strict=True)]
    may_name = np.array([match is not None and _may_name(match[2]) for match in found], np.bool_)
    families, family = np.unique(heads, return_inverse=True)
    borne, told = np.bincount(family, claims), np.bincount(family, claims * enough)
    several = np.bincount(family, enough, len(families)) >= SEVERAL
    nameless = np.bincount(family, enough & may_name, len(families)) == 0
    kin = (several & nameless & (families != "") & (told >= _MOST * borne))[family] & ~listed & ~may_name
    unnumbered = sum((values[i] or "").replace("-", "").isalpha() for i in np.flatnonzero(kin & enough).tolist())
    nearly_all = claims[kin | listed].sum() >= _NEARLY_ALL * filled
    are_codes = unnumbered <= _UNNUMBERED * np.count_nonzero((kin | listed) & enough)
    return np.asarray(kin & bool(nearly_all and are_codes))


def _may_name(letters: str) -> bool:
    """May these capitals be somebody's name? Not so few, nor ones that a word of the code systems begins with."""
    if not letters.isalpha() or len(letters) < _SHORT_NAME - 1:
        return False
    return len(letters) < _SHORT_NAME or not any(word.startswith(letters.lower()) for word in words())


def _code_before_name(value: str) -> str:
    """The shape of a code of so many digits with a name behind it, as in 3204 KAB. BANDUNG; empty where it is none."""
    found = _CODE_AND_NAME.fullmatch(value)
    if not found or not admit_category(found[2]) or re.search("[0-9]", found[2]):
        return ""
    return f"{len(found[1])} digits and a name"


def _without_subdivision(value: str) -> str:
    """The shape of a code up to the dot, whether there is one or not."""
    return _shape_of_code(_SUBDIVISION.sub("", value), of_classification=True) if len(value) <= _LONGEST_CODE else ""


def _of_its_length(value: str) -> str:
    """The shape of a long number that may begin with a 0."""
    if not value.isdecimal() or not _LONG_CODE <= len(value) <= _LONGEST_CODE or _DAY.fullmatch(value):
        return ""
    return f"{_LONG} of {len(value)}"


def _are_public(values: Sequence[str | None], claims: Ints) -> bool:
    """Are most diagnoses codes of ICD-10 or ICD-9-CM?"""
    known = np.array([value is not None for value in values], np.bool_)
    public = np.array([value is not None and _is_full_code(value) for value in values], np.bool_)
    return bool(claims[public].sum() >= _MOST * claims[known].sum())


def admitted_without_codes(values: Sequence[str | None], claims: Ints, enough: Mask) -> Mask:
    """For each distinct name of procedures that have no code: may it be released?

    As a short phrase in which nobody has a title, where the column is a list of procedures: nearly all its claims bear one of ten
    names and more that enough share; and a quarter of these, with two fifths of the claims, have a word with a root of the code
    systems', in whatever language. What is written by hand is no list, and hardly any name of a doctor has such a root.
    """
    phrase = np.array([value is not None and _is_untitled_phrase(value) for value in values], np.bool_)
    told = np.flatnonzero(phrase & enough)
    filled = claims[[value is not None for value in values]].sum()
    if len(told) < _MANY_NAMES or claims[told].sum() < _NEARLY_ALL * filled:
        return np.zeros(len(values), np.bool_)
    speaks = _with_roots([values[i] or "" for i in told.tolist()], common_roots(), _SHARED_BY)
    of_claims = claims[told[speaks]].sum() / claims[told].sum()
    return np.asarray(phrase & (speaks.mean() >= _SOME_ROOTS) & (of_claims >= _ROOTS_OF_CLAIMS))


def admitted_as_case_groups(values: Sequence[str | None], claims: Ints, enough: Mask) -> Mask:
    """For each distinct value in the place of a procedure's name: may it be released as the code of a group of cases?

    Where all the column's codes have the form of one of the public systems (CASE_GROUPS), and are a list of procedures too.
    """
    known = [i for i, value in enumerate(values) if value is not None]
    out = np.zeros(len(values), np.bool_)
    for form in CASE_GROUPS:
        fits = np.array([value is not None and bool(form.fullmatch(value)) for value in values], np.bool_)
        if claims[fits].sum() >= _NEARLY_ALL * claims[known].sum() > 0:
            out |= fits & admitted_in_list("procedure_code", values, claims, enough)
    return out


def _is_untitled_phrase(value: str) -> bool:
    return (
        admit_category(value)
        and _has_form_of_label(value)
        and not _TITLED.match(value)
        and not _TITLE_ANYWHERE.search(value)
    )


def admitted_as_names(
    values: Sequence[str | None], codes: Sequence[str | None], label: Ints, code: Ints, claims: Ints, enough: Mask
) -> Mask:
    """For each distinct label: may it be released because it names a code, though its words are no code system's?

    `label` (-1: none) and `code`, numbers of `values` and `codes`, are given for each pair of them that occurs, of codes that
    are released; `claims` are the pair's claims, `enough` whether they may be told. A column names its codes when nearly all
    labelled claims bear the commonest label of their code, and when there are many such labels, hardly two codes to one; or
    hardly two categories of ICD-10 to one, where most of these labels have a word with a root of the code systems' (diabetes
    mellitus no insulinodependiente), as names of persons have not. What differs from claim to
    claim of a code, as names of persons and of doctors do, names none; nor does what many codes share. A label is the same
    in small letters or capitals, with accents on its letters or without. The commonest label of a code then
    passes, in each spelling that may be told, if most labelled claims of the code, and half of all its claims, bear it, if
    it has a label's form, holds no identifier and does not begin with a person's title. Where so many bear several labels
    that begin alike, these pass as far as they go on in words that others have which passed.
    """
    out = np.zeros(len(values), np.bool_)
    of_code, labelled = np.bincount(code, claims), np.bincount(code, np.where(label >= 0, claims, 0))
    pairs = np.flatnonzero(label >= 0)
    borne_with = np.unique(label[pairs])
    if len(borne_with) > _MOST_SPELLINGS * max(int((labelled > 0).sum()), 1):
        return out
    numbers: dict[str, int] = {}
    same = np.zeros(len(values), np.int64)
    same[borne_with] = [
        numbers.setdefault(_however_spelled(values[i] or ""), len(numbers)) for i in borne_with.tolist()
    ]
    word, distinct = dense_ids(code[pairs] * (len(numbers) + 1) + same[label[pairs]])
    owner, claims_of = distinct // (len(numbers) + 1), np.bincount(word, claims[pairs])
    order = np.lexsort((-claims_of, owner))
    first = order[np.r_[True, np.diff(owner[order]) > 0]] if len(order) else order
    whose, borne = owner[first], claims_of[first]
    is_name = (borne >= _MOST * labelled[whose]) & (borne >= _HALF * of_code[whose])
    told = pairs[np.isin(word, first[is_name]) & enough[pairs]]
    labels, distinct_codes = np.unique(label[told]), np.unique(code[told])
    names_told, named = len(np.unique(same[labels])), len(distinct_codes)
    if borne.sum() < _NEARLY_ALL * labelled.sum():
        return out
    if names_told < _NAMES_A_CODE * named and _speak_of_diseases([values[i] or "" for i in labels]):
        named = len({_category_of(codes[i] or "") for i in distinct_codes})
    if names_told < max(_MANY, _NAMES_A_CODE * named):
        return out
    # Which code it may hold is the one that it is commonest with: nobody's slip of the pen.
    commonest = pairs[np.argsort(np.where(enough[pairs], claims[pairs], 0), kind="stable")]
    code_of = {int(label[pair]): codes[code[pair]] or "" for pair in commonest}
    labels = _that_may_be_names(labels, values, code_of)
    of_names = Counter(word for text in {same[i]: values[i] or "" for i in labels}.values() for word in _tokens(text))
    known = words() | {word for word, names in of_names.items() if names >= SEVERAL}
    spelled, unnamed = list(numbers), np.isin(owner, whose[~is_name])
    texts = {i: spelled[distinct[i] % (len(numbers) + 1)] for i in np.flatnonzero(unnamed).tolist()}
    further = pairs[np.isin(word, _variants(texts, owner, claims_of, labelled, of_code, known)) & enough[pairs]]
    out[labels] = out[_that_may_be_names(np.unique(label[further]), values, code_of)] = True
    return out


def _that_may_be_names(labels: Ints, values: Sequence[str | None], code_of: Mapping[int, str]) -> Ints:
    """Those that have a label's form, but for the code that they name, hold no identifier and do not begin with a person's title."""
    texts = [(values[i] or "", code_of[i]) for i in labels.tolist()]
    may = [
        # With what stands around it the code may be part of an identifier.
        _has_form_of_label(_without_code(text, code))
        and not identifiers_in(_without_marks(text))
        and not _TITLED.match(text)
        for text, code in texts
    ]
    return labels[np.array(may, np.bool_)]


def _without_code(label: str, code: str) -> str:
    """The label without the code that it names (99213 - Office visit), where it stands there as a word of its own."""
    if not code or code not in label:
        return label
    alone = rf"(?<![^\W_])(?<![0-9][-./]){re.escape(code)}(?![^\W_]|[-./][0-9])"
    return re.sub(alone, "", label, count=1).strip(" .:,-–()[]")


def _variants(
    labels: Mapping[int, str], owner: Ints, claims: Ints, labelled: Ints, of_code: Ints, known: frozenset[str]
) -> list[int]:
    """Which of the labels name their codes together: most claims of a code bear such as begin alike and go on otherwise.

    `owner` and `claims` are the code of each label and the claims of it that bear it. How labels go on must be `known`, word by
    word and number by number (: entgleist, : sonstige), and hold no title: what differs between the claims of one code, or what
    is said of several without being part of a name, may be anybody's name or number.
    """
    found: list[int] = []
    of_code_number: dict[int, list[int]] = {}
    for i in labels:
        of_code_number.setdefault(int(owner[i]), []).append(i)
    for code, its in of_code_number.items():
        tokens = {i: _tokens(labels[i]) for i in its}
        lead = tokens[max(its, key=lambda i: claims[i])]
        begin = lead[: max((len(lead) + 1) // 2, _FEWEST_ALIKE)]
        kin = [i for i in its if tokens[i][: len(begin)] == begin]
        if len(begin) >= _FEWEST_ALIKE and claims[kin].sum() >= max(_MOST * labelled[code], _HALF * of_code[code]):
            name = frozenset.intersection(*(frozenset(tokens[i]) for i in kin)) | known
            found += [i for i in kin if name.issuperset(tokens[i]) and not _TITLE_ANYWHERE.search(labels[i])]
    return found


def _tokens(text: str) -> tuple[str, ...]:
    """The words and numbers of a label, in small letters and without accents."""
    return tuple(_TOKEN.findall(_however_spelled(text)))


def _speak_of_diseases(labels: Sequence[str]) -> bool:
    """Have most labels a word with a root of the names of diagnoses, in whatever language?"""
    return bool(_with_roots(labels, roots(), 1).sum() > _HALF * len(labels))


def _with_roots(labels: Sequence[str], known: frozenset[str], few: int) -> Mask:
    """Which labels have a word with one of the `known` roots that only `few` labels, or a tenth of them, have.

    A root that many labels have in common tells of none of them, as the "poliklinik" before every doctor's name.
    """
    found = [{root(word) for word in split_words(text)} & known for text in labels]
    common = Counter(word for those in found for word in those)
    tell = {word for word, count in common.items() if count <= max(_FEW * len(labels), few)}
    return np.array([bool(those & tell) for those in found], np.bool_)


def _category_of(code: str) -> str:
    return code[:_CATEGORY_OF_CODE] if ICD10_CODE.fullmatch(code) else code


def _however_spelled(value: str) -> str:
    """A label without accents and case; one that is too long to be a label, as it is."""
    if len(value) > MAX_TEXT:
        return value
    return _ACCENT.sub("", unicodedata.normalize("NFD", value)).translate(_STROKES).casefold().strip()


def _shape_of_code(value: str, of_classification: bool) -> str:
    """How a code is written, whatever its letters and digits are; empty when `value` can be no code."""
    letters = _letters_and_digits(value) if of_classification else len(value)
    if (
        letters > (_LONGEST_CODE if of_classification else _LONGEST_CATEGORY)
        or not _OWN_CODE.fullmatch(value)
        or _DAY.fullmatch(value)
    ):
        return ""
    if of_classification and len(value) >= _LONG_CODE and value.isdecimal() and value[0] != "0":
        return _LONG
    return re.sub(r"[0-9A-Z]", "X", value)
