"""What columns and values of claims tables are called: Indonesian, English and a few other names, abbreviations and codes.

Judges names and single values alone; what a column holds is looked at in `proposal.py`.
"""

import re
from collections.abc import Mapping
from typing import Final

from claims_sim.codes.places import PROVINCES, SPELLINGS
from claims_sim.profile.proposing.column_words import (
    KNOWN,
    KNOWN_TOO,
    MEANINGS,
    NEVER,
    OTHER_LISTS,
    PATTERNS,
    WHOLE_WORDS,
)
from claims_sim.profile.reading.value_words import CODED_VALUES, SPELLED_VALUES

_WORDS: Final[dict[str, frozenset[str]]] = {
    word: frozenset(meaning for meaning, words in MEANINGS.items() if word in words.split())
    for every in MEANINGS.values()
    for word in every.split()
}
_BY_LENGTH: Final = sorted(
    (word for word in _WORDS if len(word) >= 3 and word not in WHOLE_WORDS), key=len, reverse=True
)
_SHORT: Final = ("no", "kd", "nm")
"""Number, code and name, as they are run together with what follows: nosep, kdrs."""
_SAYS_NOTHING: Final = frozenset({"of", "the"})
_EXTRA_WORD: Final = 0.12
_RATHER_WITHOUT: Final = {"province_name": "own", "district_name": "own", "amount_claimed": "insurer"}
"""A second time extra: where the patient lives is not where the facility is, but all that some tables tell."""
_SECOND_CHOICE, _LAST_CHOICE = 0.9, 0.7
_VARIABLE: Final = re.compile("(?i)^((?:fkl|fkp|pnk|pstv)[0-9]{2}[a-z]?)_(?=[a-z])")
"""Before words: which variable of BPJS's sample data a column is, FKL09_TIPE."""
_LINE: Final = re.compile("_[0-9]{1,2}$")
"""Behind a name: which of the lines of a bill a column is of."""
_BEHIND_THE_FIRST: Final = frozenset("2345678")
"""The last word of a name that numbers a diagnosis behind the first; 9 and 10 may be the revision of ICD."""
_LONGEST_FLAG: Final = 3
"""Characters of 1 and 2, 001 and 002, Y and N: what is longer has a meaning of its own."""

_INDONESIAN: Final = frozenset(
    {"jenis", "jns", "jen", "tipe", "pelayanan", "layanan", "pel", "rawat", "jnspel", "jnspelsep", "pelsep"}
)
_OTHER_GROUPER: Final = frozenset({"apr", "aprdrg", "illness"})
"""Words of the levels of APR-DRG, severities of illness."""


def plain(text: str) -> str:
    """A name or a value without case, spaces and punctuation."""
    return re.sub(r"[^a-z0-9]", "", text.lower())


def meanings_of(column: str) -> tuple[frozenset[str], ...]:
    """What each word of a column name may mean; words that are run together are taken apart."""
    return tuple(_WORDS.get(word, frozenset()) for word in _words_of(column))


def _words_of(column: str) -> list[str]:
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", _VARIABLE.sub("", column))
    spaced = re.sub(r"(?i)\bco[_ -]?pay", "copay", spaced)
    spaced = re.sub(r"(?i)(?<![a-z])no[nt][_ -]?covered", "uncovered", spaced)
    spaced = re.sub(
        r"(?i)^(no|num|number|nbr)[_ -]?(of(?![a-z])|(?=(sec(ond|[_ ])|other|comorb|dx|diag)))", "count ", spaced
    )
    spaced = re.sub(r"(?<![0-9])0+(?=[1-9])", "", spaced)  # the first of many is written 01
    spaced = re.sub(r"(?i)_source_values?$", "", spaced)  # OMOP's columns of what the source had
    words = [part for word in re.findall(r"[a-z]+[0-9]*|[0-9]+", spaced.lower()) for part in _parts(word)]
    return [word for word in words if word not in _SAYS_NOTHING]


def _parts(word: str) -> list[str]:
    if word in _WORDS or not word:
        return [word] if word else []
    stem = word.rstrip("0123456789")
    if stem in _WORDS and stem != word:
        return [stem, word[len(stem) :]]
    for known in _BY_LENGTH:
        if word.startswith(known):
            return [known, *_parts(word[len(known) :])]
    if word[:2] in _SHORT and word[2:] in _WORDS:
        return [word[:2], word[2:]]
    return [word]


def is_no_amount(column: str) -> bool:
    """Does a name say that its numbers are those of persons, families, cases or kinds?"""
    return bool((NEVER["amount_claimed"] | {"person"}) & frozenset().union(*meanings_of(column)))


def has_other_list(column: str) -> bool:
    """Are a column's numbers known to be of another list than they would be taken for?"""
    return plain(column) in OTHER_LISTS


def says_gap(column: str) -> bool:
    """Does a name itself say that the column is a difference, and not a share or a copayment?"""
    return bool({"selisih", "gap", "difference", "differenz", "diff", "beda", "unpaid"} & set(_words_of(column)))


def says_paid(column: str) -> bool:
    """Does a name itself say that the amount is paid, and not only approved?"""
    return bool({"paid", "pay", "payment", "pmt", "bayar", "dibayar", "terbayar"} & set(_words_of(column)))


def is_first(column: str) -> bool:
    """Is the column the first of some that are numbered: DX01, DIAG_4_01?"""
    return "1" in _words_of(column)


def is_published(column: str) -> bool:
    """Is the column called as one of a published layout is?"""
    return plain(column) in KNOWN


def name_score(column: str, canonical: str) -> float:
    """How well a column's name fits a column of ours: 0 (not at all) to 1. A pattern that ends in ! allows no further word."""
    variable = _VARIABLE.match(column)
    name = plain(variable[1] if variable and plain(variable[1]) in KNOWN else column)
    if canonical.startswith("amount_") and name not in KNOWN and _LINE.search(column):
        name = plain(_LINE.sub("", column))
    if name == canonical.replace("_", "") or KNOWN.get(name) == canonical:
        return 1.0
    if name in KNOWN or name in KNOWN_TOO:
        return (_LAST_CHOICE if canonical == "procedure_code" else _SECOND_CHOICE) * (KNOWN_TOO.get(name) == canonical)
    words = meanings_of(column)
    said = frozenset[str]().union(*words)
    if NEVER.get(canonical, frozenset()) & said:
        return 0.0
    less = _EXTRA_WORD * (_RATHER_WITHOUT.get(canonical, "") in said)
    if canonical == "dx_primary_code" and _BEHIND_THE_FIRST & set(_words_of(column)[-1:]):
        less += 2 * _EXTRA_WORD
    best = 0.0
    for place, pattern in enumerate(PATTERNS[canonical]):
        needed = pattern.removesuffix("!").split()
        used = {next((i for i, meaning in enumerate(words) if need in meaning), -1) for need in needed}
        if -1 in used or len(used) < len(needed):
            continue
        extra = len(words) - len(used)
        if extra and pattern.endswith("!"):
            continue
        best = max(best, 1.0 - _EXTRA_WORD * extra - 0.03 * place - less)
    return max(best, 0.0)


def spelled(canonical: str, value: str) -> str | None:
    """What a value that is spelled out stands for in a column of ours; None when it is not known."""
    if canonical == "province_name":
        return SPELLINGS.get(value.upper()) or (value.upper() if value.upper() in PROVINCES else None)
    for ours, words in SPELLED_VALUES.get(canonical, {}).items():
        if plain(value) in words.split():
            return ours
    return None


def coded(canonical: str, values: Mapping[str, float | None], column: str = "") -> dict[str, str]:
    """What bare numbers of a column stand for; `values` gives the mean stay of the claims of each, where stays are known."""
    numbers = {value: str(int(value)) for value in values if value.isascii() and value.isdigit() and len(value) < 4}
    table = CODED_VALUES.get(canonical, {})
    if canonical == "service_type" and len(numbers) > len(table):
        table = {}  # three kinds and more are of another list
    flags = [value for value in values if len(value) <= _LONGEST_FLAG and spelled(canonical, value) is None]
    if canonical == "service_type" and len(flags) == len(values) == 2:
        short, long = sorted(flags, key=lambda value: values[value] or 0.0)
        if (values[long] or 0.0) > (values[short] or 0.0) + 0.5:
            return {short: "RJTL", long: "RITL"}
    if canonical == "severity_group" and set(numbers.values()) >= {"1", "2", "3", "4"} and "0" not in numbers.values():
        # BPJS's four levels begin with that of outpatients, who have none; others end with one that is beyond ours.
        is_bpjs = not _OTHER_GROUPER & set(_words_of(column))
        table = {"1": "none", "2": "ringan", "3": "sedang", "4": "berat"} if is_bpjs else table
    if canonical == "severity_group" and "0" in numbers.values():
        table = table | {"0": "none"}
    if canonical == "service_type" and not is_indonesian(column):
        return {}  # which of two is the stay, the stays would have told
    return {value: table[number] for value, number in numbers.items() if number in table}


def says_kind_of_facility(column: str) -> bool:
    """Does a name say that the column holds kinds of facilities, and is it none of ours?"""
    said = frozenset[str]().union(*meanings_of(column))
    is_ours = plain(column) in {name.replace("_", "") for name in PATTERNS}
    return {"facility", "type"} <= said and not said & (NEVER["facility_ownership"] | {"visit", "stay"}) and not is_ours


def says_service_code(column: str) -> bool:
    """Does a name say that the column holds codes of services, and nothing else?"""
    words = meanings_of(column)
    return len(words) == 2 and "service" in words[0] and "code" in words[1]


def is_indonesian(column: str) -> bool:
    """Is a column called as BPJS calls it, in Indonesian, or as we call it?"""
    return plain(column).startswith(("fkl", "pnk", "fkp", "servicetype")) or bool(_INDONESIAN & set(_words_of(column)))
