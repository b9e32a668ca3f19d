"""Codes of the source's own: which values of a column are a list's (districts, procedures of another country), by the column's shape.

A number says nothing by its text; its column must show that it is one of a list of codes. Judges texts and how many persons bear
them; who may be told is counted elsewhere.
"""

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from functools import cache
from typing import Final

import numpy as np

from claims_sim.codes import icd9cm, snomed
from claims_sim.codes.vocabulary import words_of_classifications
from claims_sim.privacy.phi import identifiers_in
from claims_sim.profile.counts.counting import Ints, Mask
from claims_sim.profile.counts.numbers import Numbers
from claims_sim.profile.texts.admit import ICD9_CODE, SEVERAL, admit_category, is_full_code
from claims_sim.profile.texts.names_of_persons import TITLE_ANYWHERE, TITLED

_OWN_CODE: Final = re.compile(r"(?=.*[0-9])[0-9A-Z]+(?:[.\-/][0-9A-Z]+)*")
_SUBDIVISION: Final = re.compile(r"(?<=[0-9A-Z]{3})\.[0-9A-Z]{1,3}$")
_DIVIDED: Final = re.compile(r"(.*[0-9A-Z]{3})\.(?:[0-9A-Z][0-9]?|[0-9][A-Z])")
_FINER: Final = re.compile(r"[0-9]{5,6}")
_LETTERED: Final = re.compile(r"(?=.{6})[0-9]*[A-Z][0-9]*")
_BEGINS, _CHAPTER, _FEWEST_BEGINNINGS = 3, 2, 3  # digits; digits; how many different ones of these
_SHORT: Final = 5  # letters and digits
_MARK: Final = re.compile(r"[.\-/]")
_LETTERS: Final = re.compile(r"[A-Z]+")
_DIGIT: Final = re.compile(r"[0-9]")
_GOES_ON: Final = re.compile(r"(.*[A-Z].*[.\-/].*)(-[A-Z]{2}(?:-[A-Z])?)")
"""A code with letters and marks, and two letters behind it, or one more behind these."""
_CODE_AND_NAME: Final = re.compile(r"([0-9]{4,6})(?: ?[.:\-])? ?(?=[^\W\d_])(.+)")
_SHORT_CODE: Final = re.compile(r"[A-Z]{1,4}[0-9]{1,3}|[A-Z]{2,3}")
_FAMILY: Final = re.compile(r"([A-Z]{2,6})-([A-Z]{1,4}|[A-Z]?[0-9]{1,2}[A-Z]?)")
_OF_A_GROUP: Final = 3  # letters
_GROUP: Final = re.compile(r"([A-Z]{3,})([0-9]+)[.\-/][0-9A-Z]")
"""A group of cases and its severity."""
_SHORT_NAME: Final = 4
"""Letters that the shortest names of persons have, but for a few of three; two are none."""
_VOWELS: Final = frozenset("AEIOUY")
_ZERO_FIRST: Final = re.compile(r"0[0-9]+$")
_MONTH, _DAY_OF_MONTH = r"(?:0[1-9]|1[0-2])", r"(?:0[1-9]|[12][0-9]|3[01])"
_DAY: Final = re.compile(
    rf"(?:19|20)[0-9]{{2}}[.\-/]?{_MONTH}[.\-/]?[0-3][0-9]|[0-3][0-9][.\-/]?{_MONTH}[.\-/]?(?:19|20)[0-9]{{2}}"
    rf"|(?:19|20)[0-9]{{2}}{_MONTH}{_DAY_OF_MONTH}[0-9]{{1,2}}|{_DAY_OF_MONTH}{_MONTH}(?:19|20)[0-9]{{3}}"
)
"""A day, or one with a digit or two behind it."""
_MARKED: Final = re.compile(r"(?=.*[A-Z])(?=.*[0-9])(?!.*[A-Z]{3})[0-9A-Z]+(?:[.\-/][0-9A-Z]+){1,3}")
"""Letters, two together at most, and digits, with marks between them."""
_LONGEST_CODE, _LONGEST_CATEGORY = 12, 7  # letters and digits of a procedure's or a diagnosis; characters of any other
_LONG_CODE: Final = 6  # digits
_LONG: Final = "a long number"
_ICD11_CODE: Final = re.compile(
    r"(?:1[A-H]|2[A-F]|3[A-C]|4[AB]|5[A-D]|6[A-E]|7[AB]|[89][A-E]|A[A-C]|B[A-E]|C[AB]|D[A-E]|E[A-HJ-M]|[FG][A-C]|HA|J[AB]|[KL][A-D]"
    r"|M[A-H]|N[A-F]|P[A-HJ-L]|Q[A-F]|RA|S[A-HJ]|V[A-C])[0-9][0-9A-HJ-NP-Z](?:\.[0-9A-HJ-NP-Z]{1,2})?"
)
"""A stem code of ICD-11's chapters and blocks (WHO, ICD-11 for mortality and morbidity statistics); I and O stand in none."""
_ICD11_STEM: Final = re.compile("^.{4}")
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
_MANY_SHORT, _UNNUMBERED = 0.2, 0.4  # shares of persons, of values
_NEARLY_ALL, _SOME, _FEW, _MOST, _HALF = 0.95, 0.05, 0.02, 0.8, 0.5  # shares of persons
_MANY, _A_DOZEN, _FEWEST_ALIKE = 20, 12, 2  # values


def are_written_as_codes(values: Sequence[str]) -> bool:
    """Are nearly all values letters and digits, no more than the longest codes have, with digits among them?"""
    fits = sum(
        bool(_OWN_CODE.fullmatch(value))
        and (_letters_and_digits(value) <= _LONGEST_CODE or snomed.is_of_united_states(value))
        for value in values
    )
    return fits >= _NEARLY_ALL * max(len(values), 1)


def may_be_listed(column: str, values: Sequence[str | None]) -> bool:
    """Is there anything to ask `admitted_in_list` of, or who bears labels in the place of codes? Not of public diagnoses and words."""
    if column in DIAGNOSES:
        return not all(value is None or is_full_code(value) for value in values)
    return column == "procedure_code" or (
        column in OWN_CODES and any(value is not None and _DIGIT.search(value) for value in values)
    )


def admitted_in_list(
    column: str, values: Sequence[str | None], persons: Ints | Numbers, enough: Mask, listed: Mask | None = None
) -> Mask:
    """For each distinct value of a column: may it be released as a code of the source's own, such as district 3204?

    A number says nothing by its text; its column must show that it is one of a list of codes, of themselves or before their
    names (3204 KAB. BANDUNG). `persons` is how many persons (claims, without a key of them) the claims with each value stand for,
    each person one in all, so that nobody's many claims make a list or spoil one; `enough` whether they may be told, `listed` whether it is
    known already to be a code of the column's list. A code has digits, no space, no more characters than the longest lists
    that are known (12 letters and digits, for procedures and diagnoses; else 7), and the shape of the others, long numbers
    of a list of procedures or diagnoses being of one shape (SNOMED CT's have six digits and more, those of its extensions more than any
    other): nearly all bear
    values of this shape, or some do and it has many values that may be told, or most do, it has several such values, and
    nearly all others bear values of such shapes. In all cases most who bear the shape bear values that may be told, as
    they do not where numbers are those of persons; of a list of many short codes half do. So what is written into a column of
    another kind does not pass, however many share it. Where many procedures or diagnoses that may be told have a subdivision behind a
    dot (5-820.00), those without (3-225) have their shape; and where many long numbers of one length begin with a 0, all of that length
    have one.
    Beside codes of a list some may have a subdivision (8-936, 1-632.0) or lack what stands behind a mark (88.72.2, 45.23); and of
    codes of letters, digits and marks (AA.00.0010, C07.50A) that agree letter for letter and digit for digit a dozen are a list where
    some bear them, and many where few do.
    Procedures may also be short codes of several shapes (OPD, RD01, SUR02), a few letters and at most three digits, where a
    fifth bear such, nearly all these or codes of a list, and most of several short ones have digits; or a few
    letters or digits behind letters and a hyphen that several have in common (NHIF-OP), or two behind two letters (RX-AC), beside more
    codes of a list. Some
    of ICD-9-CM's procedures may have one or two digits more. Of long numbers of one length some may have a letter in the place of a
    digit (Colombia's S12101). Where most diagnoses are codes of ICD-10, ICD-11 or ICD-9-CM, the others are
    held against these too. Beside a dozen longer numbers those of one and two digits are codes as well.
    """
    out = np.zeros(len(values), np.bool_)
    if column not in OWN_CODES:
        return out
    of_icd11 = _of_icd11(values, persons, enough) if column in DIAGNOSES else out
    if column in DIAGNOSES and _are_public(values, persons, of_icd11):
        return of_icd11
    of_classification = column in (*DIAGNOSES, "procedure_code")
    shapes = [_shape_of_code(value or "", of_classification) for value in values]
    passes = of_icd11 | _of_a_list(values, shapes, persons, enough, listed)
    if not of_classification:
        passes |= _of_a_list(values, [_code_before_name(value or "") for value in values], persons, enough)
    if of_classification:
        for shape_of, tells in ((_without_subdivision, _SUBDIVISION.search), (_of_its_length, _ZERO_FIRST.match)):
            wider = [shape_of(value or "") for value in values]
            told = Counter(wider[i] for i in np.flatnonzero(enough).tolist() if tells(values[i] or ""))
            passes |= _of_a_list(values, [s if told[s] >= _A_DOZEN else "" for s in wider], persons, enough)
        passes |= _extended(values, shapes, passes, persons, enough) | _marked(values, shapes, persons, enough)
        passes |= _akin(values, passes, persons, enough)
        passes |= _of_fewer_digits(values, passes & enough)
        passes |= _with_a_letter(values, passes, persons, enough)
    if column == "procedure_code":
        passes |= _short_codes(values, passes, persons, enough) | _families(values, passes, persons, enough)
        passes |= _finer_than_public(values, persons, enough)
    for i in np.flatnonzero(passes).tolist():
        out[i] = not identifiers_in(values[i] or "")
    return out


def admitted_as_case_groups(values: Sequence[str | None], persons: Ints | Numbers, enough: Mask) -> Mask:
    """For each distinct value in the place of a procedure's name: may it be released as the code of a group of cases?

    Where all the column's codes have the form of one of the public systems (CASE_GROUPS), and are a list of procedures too.
    """
    known = [i for i, value in enumerate(values) if value is not None]
    out = np.zeros(len(values), np.bool_)
    for form in CASE_GROUPS:
        fits = np.array([value is not None and bool(form.fullmatch(value)) for value in values], np.bool_)
        if persons[fits].sum() >= _NEARLY_ALL * persons[known].sum() > 0:
            out |= fits & admitted_in_list("procedure_code", values, persons, enough)
    return out


def _of_a_list(
    values: Sequence[str | None],
    written: Sequence[str],
    persons: Ints | Numbers,
    enough: Mask,
    listed: Mask | None = None,
) -> Mask:
    """Which values have a shape that shows a list of codes; `written` are their shapes, empty where a value can be no code.

    Beside a shape of several codes those stand that have such a shape or are `listed` anyway.
    """
    shapes, shape = np.unique(written, return_inverse=True)
    filled = persons[[value is not None for value in values]].sum()
    borne = np.bincount(shape, persons, len(shapes))
    told = np.bincount(shape, persons * enough, len(shapes))
    many = (borne >= _SOME * filled) & (np.bincount(shape, enough, len(shapes)) >= _MANY)
    is_list = (borne >= _NEARLY_ALL * filled) | many
    may = (told >= np.where(many & _of_several_groups(values, shape, len(shapes), enough), _HALF, _MOST) * borne) & (
        shapes != ""
    )
    several = np.bincount(shape, enough, len(shapes)) >= SEVERAL
    others = (is_list & may)[shape] if listed is None else (is_list & may)[shape] | listed
    with_others = borne + persons[others].sum() - np.bincount(shape, persons * others, len(shapes))
    beside = several & (borne >= _HALF * filled) & (with_others >= _NEARLY_ALL * filled)
    return np.asarray(((is_list | beside) & may)[shape])


def _of_several_groups(values: Sequence[str | None], shape: Ints, shapes: int, enough: Mask) -> Mask:
    """Which shapes begin with three letters and more, others in several codes that may be told, and several of these have severities
    behind a mark: groups of cases (IPA000-1, IPA000-2) do, numbers of persons and of doctors do not. Of a long list of such codes half of
    those who bear one may bear such as are rare.
    """  # noqa: D205
    groups = [(match[1], match[2]) if (match := _GROUP.fullmatch(value or "")) else ("", "") for value in values]
    levels = Counter((int(shape[i]), *groups[i]) for i in np.flatnonzero(enough).tolist() if groups[i][0])
    heads = {(of, head) for of, head, _ in levels}
    graded = np.array([of for (of, *_), count in levels.items() if count > 1], np.int64)
    graded = np.bincount(graded, minlength=shapes)
    return (np.bincount(np.array([of for of, _ in heads], np.int64), minlength=shapes) >= SEVERAL) & (graded >= SEVERAL)


def _extended(
    values: Sequence[str | None], shapes: Sequence[str], listed: Mask, persons: Ints | Numbers, enough: Mask
) -> Mask:
    """Which values are written as `listed` codes with letters and marks are, and go on by a part of two letters, or one more letter.

    Several must do so that may be told, with most who bear any that do. A part of two letters is nobody's name, unless it is a title.
    """
    of_list = {shapes[i] for i in np.flatnonzero(listed).tolist()} - {"", _LONG}
    # What has no shape may be long, and no code.
    found = [_GOES_ON.fullmatch(value or "") if shape else None for value, shape in zip(values, shapes, strict=True)]
    goes_on = np.array(
        [
            match is not None
            and not TITLE_ANYWHERE.search(match[2])
            and _shape_of_code(match[1], of_classification=True) in of_list
            for match in found
        ],
        np.bool_,
    )
    told = goes_on & enough
    is_list = np.count_nonzero(told) >= SEVERAL and persons[told].sum() >= _MOST * persons[goes_on].sum()
    return goes_on & bool(is_list)


def _marked(values: Sequence[str | None], shapes: Sequence[str], persons: Ints | Numbers, enough: Mask) -> Mask:
    """Which values are codes of letters, digits and marks between them, of which a dozen or more are written alike to the letter.

    Most of them may be told. Nobody's name has two letters only, but for titles.
    """
    forms = [
        _form(value or "") if shape and _MARKED.fullmatch(value or "") and not _is_titled(value or "") else ""
        for value, shape in zip(values, shapes, strict=True)
    ]
    found, number = np.unique(forms, return_inverse=True)
    filled = persons[[value is not None for value in values]].sum()
    borne, told = np.bincount(number, persons), np.bincount(number, persons * enough)
    different = np.bincount(number, enough, len(found))
    some = (borne >= _SOME * filled) & (different >= _A_DOZEN)
    few = (borne >= _FEW * filled) & (different >= _MANY)
    return np.asarray(((some | few) & (told >= _MOST * borne) & (found != ""))[number])


def _akin(values: Sequence[str | None], listed: Mask, persons: Ints | Numbers, enough: Mask) -> Mask:
    """Which values are written as `listed` codes are, but for a subdivision, or without what stands behind one of the marks.

    Letter for letter and digit for digit; a subdivision has two letters and digits at most, of which one is a letter: no name is so
    short. What lacks a part has five at most, and no letters that may be a name, but for such as listed codes begin with. Several that
    are so alike must be such as may be told, with most who bear any of them.
    """
    of_list = {_form(values[i] or "") for i in np.flatnonzero(listed).tolist() if not _is_long(values[i] or "")}
    heads = _heads(values, listed)
    begun = {form[: mark.start()] for form in of_list for mark in _MARK.finditer(form)}
    kin: list[str] = []
    for value in (text or "" for text in values):
        divided, form = _DIVIDED.fullmatch(value), _form(value)
        if _letters_and_digits(value) > _LONGEST_CODE or _is_titled(value) or _DAY.match(value):
            kin.append("")
        elif divided and _form(divided[1]) in of_list:
            kin.append(f"{_form(divided[1])}.")
        elif form in begun and _MARK.search(form) and _letters_and_digits(form) <= _SHORT:
            named = any(_may_name(letters) and letters not in heads for letters in _LETTERS.findall(value))
            kin.append("" if named else form)
        else:
            kin.append("")
    found, number = np.unique(kin, return_inverse=True)
    borne, told = np.bincount(number, persons), np.bincount(number, persons * enough)
    several = np.bincount(number, enough, len(found)) >= SEVERAL
    return np.asarray((several & (told >= _MOST * borne) & (found != ""))[number] & ~listed)


def _of_fewer_digits(values: Sequence[str | None], told: Mask) -> Mask:
    """Which values are numbers of one or two digits, where a dozen longer ones are `told` as codes of a list: nobody has so short a one."""
    numbers = [value or "" for value in values]
    longer = sum(len(numbers[i]) >= _BEGINS and numbers[i].isdecimal() for i in np.flatnonzero(told).tolist())
    return np.array([longer >= _A_DOZEN and 0 < len(text) < _BEGINS and text.isdecimal() for text in numbers], np.bool_)


def _with_a_letter(values: Sequence[str | None], listed: Mask, persons: Ints | Numbers, enough: Mask) -> Mask:
    """Which values have one letter in the place of a digit of the long numbers that are `listed`, a dozen of which have that length
    and make up most of the column, with these nearly all of it. Most who bear such a value bear one that may be told.
    """  # noqa: D205
    filled = persons[[value is not None for value in values]].sum()
    length = np.array([len(value or "") if _LETTERED.fullmatch(value or "") else 0 for value in values], np.int64)
    numbers = np.array([len(value or "") if _is_long(value or "") else 0 for value in values], np.int64) * listed
    longest = max(int(length.max(initial=0)), int(numbers.max(initial=0))) + 1
    dozen = np.bincount(numbers, enough, longest) >= _A_DOZEN
    most = np.bincount(numbers, persons, longest) >= _HALF * filled
    borne, told = np.bincount(length, persons, longest), np.bincount(length, persons * enough, longest)
    lettered = (dozen & most & (told >= _MOST * borne))[length] & (length > 0)
    return np.asarray(lettered & bool(persons[listed | lettered].sum() >= _NEARLY_ALL * filled))


def _finer_than_public(values: Sequence[str | None], persons: Ints | Numbers, enough: Mask) -> Mask:
    """Which values are ICD-9-CM's procedures with one or two digits more (Poland's 88.761, 93.1202), in a column of these procedures.

    Most that are as long must begin as a procedure does, as four in ten numbers would by chance, and be of different chapters: numbers
    of one office begin alike. Most of them, several, may be told.
    """
    of_length = np.array([bool(_FINER.fullmatch(value or "")) for value in values], np.bool_)
    none = np.zeros(len(values), np.bool_)
    public = np.array([bool(ICD9_CODE.fullmatch(value or "")) for value in values], np.bool_)
    if persons[public].sum() < _HALF * persons[[value is not None for value in values]].sum() or not of_length.any():
        return none
    begins = {code[:_BEGINS] for code in icd9cm.all_codes()}
    finer = of_length & np.array([(value or "")[:_BEGINS] in begins for value in values], np.bool_)
    told = finer & enough
    is_list = (
        np.count_nonzero(told) >= SEVERAL
        and len({(values[i] or "")[:_CHAPTER] for i in np.flatnonzero(told).tolist()}) >= _FEWEST_BEGINNINGS
        and persons[finer].sum() >= _MOST * persons[of_length].sum()
        and persons[told].sum() >= _MOST * persons[finer].sum()
    )
    return finer if is_list else none


def _short_codes(values: Sequence[str | None], listed: Mask, persons: Ints | Numbers, enough: Mask) -> Mask:
    """Which values are short codes of a few letters and digits, in a column of these and of codes that are `listed`."""
    filled = persons[[value is not None for value in values]].sum()
    short = np.array([bool(_SHORT_CODE.fullmatch(value or "")) for value in values], np.bool_)
    told = np.flatnonzero(short & enough)
    unnumbered = sum((values[i] or "").isalpha() for i in told.tolist())
    of_a_list: bool = (
        persons[short].sum() >= _MANY_SHORT * filled
        and persons[short | listed].sum() >= _NEARLY_ALL * filled
        and persons[told].sum() >= _MOST * persons[short].sum()
        and len(told) >= SEVERAL
        and unnumbered <= _UNNUMBERED * len(told)
    )
    return short & of_a_list


def _families(values: Sequence[str | None], listed: Mask, persons: Ints | Numbers, enough: Mask) -> Mask:
    """Which values are codes of a few letters behind letters that several have in common, in a column of these and `listed` ones.

    Letters with a number behind them are no person's name, or stand before `listed` codes; nor is what stands behind: two letters,
    or the beginning of a word of the code systems (DIAL),
    in all that may be told of those that have them in common.
    """
    filled = persons[[value is not None for value in values]].sum()
    found = [_FAMILY.fullmatch(value or "") for value in values]
    titled = [_is_titled(value or "") for value in values]
    of_list = _heads(values, listed)
    heads = [
        ""
        if match is None or bad or (match[2].isdecimal() and match[1] not in of_list and _may_name(match[1]))
        else match[1]
        for match, bad in zip(found, titled, strict=True)
    ]
    may_name = np.array([match is not None and _may_name(match[2]) for match in found], np.bool_)
    families, family = np.unique(heads, return_inverse=True)
    borne, told = np.bincount(family, persons), np.bincount(family, persons * enough)
    each_told = np.bincount(family, enough, len(families))
    # Two are a family, behind two letters without a vowel, where one begins a word of the code systems: nobody's initials.
    in_words = {
        heads[i]
        for i in np.flatnonzero(enough).tolist()
        if (match := found[i]) is not None and _begins_a_word(match[2])
    }
    few = [len(head) < _OF_A_GROUP and _VOWELS.isdisjoint(head) and head in in_words for head in families]
    several = each_told >= np.where(few, _FEWEST_ALIKE, SEVERAL)
    nameless = np.bincount(family, enough & may_name, len(families)) == 0
    kin = (several & nameless & (families != "") & (told >= _MOST * borne))[family] & ~listed & ~may_name
    unnumbered = sum((values[i] or "").replace("-", "").isalpha() for i in np.flatnonzero(kin & enough).tolist())
    nearly_all = persons[kin | listed].sum() >= _NEARLY_ALL * filled
    are_codes = unnumbered <= _UNNUMBERED * np.count_nonzero((kin | listed) & enough)
    return np.asarray(kin & bool(nearly_all and are_codes))


def _may_name(letters: str) -> bool:
    """May these capitals be somebody's name? Not so few, nor ones that a word of the code systems begins with, of three without a vowel."""
    if not letters.isalpha() or len(letters) < _SHORT_NAME - 1:
        return False
    known, wanted = _ascending_words(), letters.lower()
    at = bisect_left(known, wanted)
    is_short = len(letters) < _SHORT_NAME and not _VOWELS.isdisjoint(letters)
    return is_short or at == len(known) or not known[at].startswith(wanted)


def _begins_a_word(letters: str) -> bool:
    """A word of the code systems, by letters without a vowel: CHR begins chronic; ROSE may be roseola or a name."""
    return letters.isalpha() and len(letters) >= _OF_A_GROUP and _VOWELS.isdisjoint(letters) and not _may_name(letters)


@cache
def _ascending_words() -> list[str]:
    return sorted(words_of_classifications())


def _heads(values: Sequence[str | None], listed: Mask) -> set[str]:
    """The letters that `listed` codes begin with."""
    return {match[0] for i in np.flatnonzero(listed).tolist() if (match := _LETTERS.match(values[i] or ""))}


def _is_titled(value: str) -> bool:
    return bool(TITLED.match(value) or TITLE_ANYWHERE.search(value))


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


def _are_public(values: Sequence[str | None], persons: Ints | Numbers, of_icd11: Mask) -> bool:
    """Are most diagnoses codes of ICD-10, ICD-11 or ICD-9-CM?"""
    known = np.array([value is not None for value in values], np.bool_)
    public = of_icd11 | np.array([value is not None and is_full_code(value) for value in values], np.bool_)
    return bool(persons[public].sum() >= _MOST * persons[known].sum())


def _of_icd11(values: Sequence[str | None], persons: Ints | Numbers, enough: Mask) -> Mask:
    """Which diagnoses are stem codes of ICD-11, where several of several chapters may be told, and most of those who bear any bear such."""
    stems = np.array([bool(_ICD11_CODE.fullmatch(value or "")) for value in values], np.bool_)
    told = stems & enough
    chapters = {(values[i] or "")[0] for i in np.flatnonzero(told).tolist()}
    is_list = (
        np.count_nonzero(told) >= SEVERAL
        and len(chapters) >= _FEWEST_BEGINNINGS
        and persons[told].sum() >= _MOST * persons[stems].sum()
    )
    return stems & bool(is_list)


def as_companions(values: Sequence[str | None], primary: Sequence[str]) -> Mask:
    """Which secondary diagnoses are stem codes of ICD-11, with their dot or without, where a dozen of the `primary` ones are such,
    or most are: a table may have them since a day.
    """  # noqa: D205
    of_icd11 = sum(bool(_ICD11_CODE.fullmatch(code)) and not is_full_code(code) for code in primary)
    are = of_icd11 >= min(_A_DOZEN, _HALF * len(primary) + 1)
    dotless = [
        _ICD11_STEM.sub(r"\g<0>.", (value or "").replace(".", ""), count=1).removesuffix(".") for value in values
    ]
    return np.array([are and bool(_ICD11_CODE.fullmatch(code)) for code in dotless], np.bool_)


def _shape_of_code(value: str, of_classification: bool) -> str:
    """How a code is written, whatever its letters and digits are; empty when `value` can be no code."""
    if of_classification and snomed.is_of_united_states(value):
        return _LONG
    letters = _letters_and_digits(value) if of_classification else len(value)
    if (
        letters > (_LONGEST_CODE if of_classification else _LONGEST_CATEGORY)
        or not _OWN_CODE.fullmatch(value)
        or _DAY.fullmatch(value)
    ):
        return ""
    if of_classification and _is_long(value):
        return _LONG
    return re.sub(r"[0-9A-Z]", "X", value)


def _is_long(value: str) -> bool:
    return len(value) >= _LONG_CODE and value.isdecimal() and value[0] != "0"


def _letters_and_digits(value: str) -> int:
    return sum(character.isalnum() for character in value)


def _form(value: str) -> str:
    """How a value is written: a 9 for each digit, and an A for each letter."""
    return re.sub("[A-Z]", "A", re.sub("[0-9]", "9", value))
