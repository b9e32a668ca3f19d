"""Labels in words of no code system, which may be told because they name the codes that they stand with, as their column shows."""

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from claims_sim.claim import MAX_TEXT
from claims_sim.codes.vocabulary import (
    roots,
    words,
)
from claims_sim.privacy.phi import identifiers_in, in_plain_width
from claims_sim.profile.counts.counting import Ints, Mask, dense_ids
from claims_sim.profile.counts.numbers import Numbers
from claims_sim.profile.texts.admit import (
    FEWEST_KNOWN,
    ICD10_CODE,
    MANY_NAMES,
    SEVERAL,
    TOKEN,
    has_form_of_label,
    speak_of_care,
    with_roots,
    without_marks,
)
from claims_sim.profile.texts.names_of_persons import (
    DOCTOR_ANYWHERE,
    TITLE_ANYWHERE,
    TITLED,
    may_be_persons,
)

_NEARLY_ALL, _MOST, _HALF = 0.95, 0.8, 0.5  # shares of persons
_SEVERAL_ROOTS: Final = 0.4
"""The share of the labels that must have a root of the code systems', where codes have several."""
_MANY: Final = 20  # values
_NAMES_A_CODE: Final = 0.5  # labels to a code, or to a category of codes
_CATEGORY_OF_CODE: Final = 3  # characters
_NAMES_OF_ONE: Final = 3
"""So many names may nearly all who have a code bear, where labels speak of care: Encounter for check up, Encounter for 'check-up'."""
_MOST_SPELLINGS: Final = 20  # labels to a code; of more, none is what names it
_FEWEST_ALIKE: Final = 2
"""So many words with which labels begin alike."""
_GOES_ON_BEHIND: Final = re.compile(r"[,;:(\[、]| - ")
_SHORT: Final = re.compile(r"(?<=[^\W\d_]\s)(w/o|[cpsw]/)\s*(?=[^\W\d_])")
"""A preposition that is written in short between two words: parto c/ episiotomia."""
_IN_SHORT: Final = {
    "c/": ("com", "con"), "p/": ("para", "por"), "s/": ("sem", "sin"), "w/": ("with",), "w/o": ("without",)
}  # fmt: skip
_ACCENT: Final = re.compile("[\u0300-\u036f]")
_STROKES: Final = str.maketrans("đĐłŁøØ", "dDlLoO")


def admitted_as_names(
    values: Sequence[str | None],
    codes: Sequence[str | None],
    label: Ints,
    code: Ints,
    persons: Ints | Numbers,
    enough: Mask,
) -> Mask:
    """For each distinct label: may it be released because it names a code, though its words are no code system's?

    `label` (-1: none) and `code`, numbers of `values` and `codes`, are given for each pair of them that occurs, of codes that
    are released; `persons` is how many a pair's claims stand for, each one in all, `enough` whether it may be told. A column names its
    codes when nearly all who have a label bear the commonest one of their code (up to a comma or a bracket, behind which houses
    write that it is unspecified), or one of the three commonest where two fifths have such
    a root as below, and when there are many such labels, hardly two codes
    to one; or
    hardly two categories of ICD-10 to one, where most of these labels have a word with a root of the code systems' (diabetes
    mellitus no insulinodependiente), as names of persons have not; or ten such labels and more, of which two fifths, with two fifths
    of those who bear them, have a root of words that names of diagnoses write in small letters. What differs from claim to
    claim of a code, as names of persons and of doctors do, names none; nor does what many codes share. A label is the same
    in small letters or capitals, with accents on its letters or without. What may be a person's name is none. The commonest label of a
    code then passes, in each spelling that may be told, if most who have the code and a label, and half of all who have it, bear it, if
    it has a label's form, holds no identifier and does not begin with a person's title. Where so many bear labels that begin alike,
    one or several, these pass as far as they go on in words that others have which passed; and so does what is such a label cut short.
    """
    out = np.zeros(len(values), np.bool_)
    values = [value and in_plain_width(value) for value in values]
    of_code, labelled = np.bincount(code, persons), np.bincount(code, np.where(label >= 0, persons, 0))
    pairs = np.flatnonzero(label >= 0)
    borne_with = np.unique(label[pairs])
    if len(borne_with) > _MOST_SPELLINGS * max(int((labelled > 0).sum()), 1):
        return out
    same = np.zeros(len(values), np.int64)
    same[borne_with], spelled = _numbered([values[i] or "" for i in borne_with.tolist()])
    word, distinct = dense_ids(code[pairs] * (len(spelled) + 1) + same[label[pairs]])
    owner, persons_of = distinct // (len(spelled) + 1), np.bincount(word, persons[pairs])
    order = np.lexsort((-persons_of, owner))
    starts = np.flatnonzero(np.r_[True, np.diff(owner[order]) > 0]) if len(order) else order
    rank = np.arange(len(order)) - np.repeat(starts, np.diff(np.r_[starts, len(order)]))
    of_word = [spelled[i] for i in distinct % (len(spelled) + 1)]
    one_name, bear_it = _commonest_before_a_comma(of_word, owner, persons_of, len(of_code))
    for several, borne_so in ((1, None), (_NAMES_OF_ONE, None), (1, bear_it)):
        top = order[rank < several]
        borne = np.bincount(owner[top], persons_of[top], len(of_code))
        if (borne if borne_so is None else borne_so).sum() < _NEARLY_ALL * labelled.sum():
            continue
        is_named = (borne >= _MOST * labelled) & (borne >= _HALF * of_code)
        told = pairs[np.isin(word, top[is_named[owner[top]]]) & enough[pairs]]
        labels, distinct_codes = np.unique(label[told]), np.unique(code[told])
        names_told, named = len(np.unique(same[labels])), len(distinct_codes)
        texts = [values[i] or "" for i in labels]
        bear = np.bincount(label[told], persons[told], len(values))[labels]
        if several == 1 or speak_of_care(texts, bear, _SEVERAL_ROOTS):
            break
    else:
        return out
    if borne_so is not None:
        of_one_name = np.flatnonzero((bear_it >= _MOST * labelled) & (bear_it >= _HALF * of_code) & (labelled > 0))
        names_told, named = len(np.unique(one_name[of_one_name])), len(of_one_name)
    if names_told < _NAMES_A_CODE * named and _speak_of_diseases(texts):
        named = len({_category_of(codes[i] or "") for i in distinct_codes})
    if names_told < max(_MANY, _NAMES_A_CODE * named) and (
        names_told < MANY_NAMES or not speak_of_care(texts, bear, _SEVERAL_ROOTS)
    ):
        return out
    # Which code it may hold is the one that it is commonest with: nobody's slip of the pen.
    commonest = pairs[np.argsort(np.where(enough[pairs], persons[pairs], 0), kind="stable")]
    code_of = {int(label[pair]): codes[code[pair]] or "" for pair in commonest}
    labels = _that_may_be_names(labels, values, code_of)
    of_names = Counter(word for text in {same[i]: values[i] or "" for i in labels}.values() for word in _tokens(text))
    known = words() | {word for word, names in of_names.items() if names >= SEVERAL}
    further = pairs[np.isin(word, _variants(of_word, owner, persons_of, labelled, of_code, known)) & enough[pairs]]
    labels = np.union1d(labels, _that_may_be_names(np.unique(label[further]), values, code_of))
    if borne_so is not None:
        alone = np.isin(labels, label[told[(borne >= _NEARLY_ALL * labelled)[code[told]]]])
        goes_on = [_goes_on_as_others(values[i] or "", known) for i in labels.tolist()]
        labels = labels[alone | np.array(goes_on, np.bool_)]
    out[labels] = True
    out &= ~may_be_persons(values, out)
    short = _cut_short(np.flatnonzero(out), pairs[enough[pairs]], label, code, spelled, same)
    out[_that_may_be_names(short, values, code_of)] = True
    return out & ~may_be_persons(values, out)


def _numbered(labels: Sequence[str]) -> tuple[list[int], list[str]]:
    """The number of each label, one for all ways to spell it; and how the labels of each number are spelled without these."""
    numbers: dict[str, int] = {}
    spelled = _with_prepositions([_however_spelled(label) for label in labels])
    return [numbers.setdefault(text, len(numbers)) for text in spelled], list(numbers)


def _commonest_before_a_comma(
    labels: Sequence[str], owner: Ints, persons: Ints | Numbers, codes: int
) -> tuple[Ints, Ints | Numbers]:
    """For each of the `codes`: the commonest of its labels, up to what stands behind a comma or in brackets, and how many bear it, alone
    or with what most have there: whoever treats them differs.
    """  # noqa: D205
    numbers: dict[str, int] = {}
    names = [_before_a_comma(label) for label in labels]
    name = np.array([numbers.setdefault(text, len(numbers)) for text in names], np.int64)
    goes_on = np.array([text != label for text, label in zip(names, labels, strict=True)], np.bool_)
    group, distinct = dense_ids(owner * max(len(numbers), 1) + name)
    with_more = np.zeros(len(distinct))
    np.maximum.at(with_more, group[goes_on], persons[goes_on])
    bear = np.bincount(group, np.where(goes_on, 0, persons), len(distinct)) + with_more
    commonest, most = np.full(codes, -1, np.int64), np.zeros(codes)
    order = np.argsort(bear, kind="stable")
    commonest[distinct[order] // max(len(numbers), 1)] = distinct[order] % max(len(numbers), 1)
    most[distinct[order] // max(len(numbers), 1)] = bear[order]
    return commonest, most


def _goes_on_as_others(label: str, known: frozenset[str]) -> bool:
    """Is what stands behind a comma or in brackets made of `known` words, written as nobody's name is: with no capitals, but of a first
    word of several?
    """  # noqa: D205
    behind = _GOES_ON_BEHIND.split(label)[1:]
    of_parts = [TOKEN.findall(text) for text in behind]
    written = [word for words_of in of_parts for word in words_of[len(words_of) >= FEWEST_KNOWN :]]
    capitals = [word for word in written if len(word) > 1 and word[0].isupper() and word.casefold() not in words()]
    return not capitals and known.issuperset(_tokens(" ".join(behind)))


def _before_a_comma(label: str) -> str:
    return _GOES_ON_BEHIND.split(label, maxsplit=1)[0].strip()


def _that_may_be_names(labels: Ints, values: Sequence[str | None], code_of: Mapping[int, str]) -> Ints:
    """Those that have a label's form, but for the code that they name, hold no identifier, and name no person by a title before them, nor
    a doctor anywhere.
    """  # noqa: D205
    texts = [(values[i] or "", code_of[i]) for i in labels.tolist()]
    may = [
        # With what stands around it the code may be part of an identifier.
        has_form_of_label(_without_code(text, code))
        and not identifiers_in(without_marks(text))
        and not TITLED.match(text)
        and not DOCTOR_ANYWHERE.search(text)
        for text, code in texts
    ]
    return labels[np.array(may, np.bool_)]


def _without_code(label: str, code: str) -> str:
    """The label without the code that it names (99213 - Office visit), where it stands there as a word of its own."""
    if not code or code not in label:
        return label
    alone = rf"(?<![^\W_])(?<![0-9][-./]){re.escape(code)}(?![^\W_]|[-./][0-9])"
    return re.sub(alone, "", label, count=1).strip(" .:,-–・、()[]")


def _variants(
    labels: Sequence[str],
    owner: Ints,
    persons: Ints | Numbers,
    labelled: Ints | Numbers,
    of_code: Ints | Numbers,
    known: frozenset[str],
) -> list[int]:
    """Which of the labels name their codes together: most who have a code bear such as begin alike and go on otherwise.

    `owner` and `persons` are the code of each label and how many bear it with that. How labels go on must be `known`, word by
    word and number by number (: entgleist, : sonstige), and hold no title: what differs between the claims of one code, or what
    is said of several without being part of a name, may be anybody's name or number.
    """
    found: list[int] = []
    of_code_number: dict[int, list[int]] = {}
    for i in range(len(labels)):
        of_code_number.setdefault(int(owner[i]), []).append(i)
    for code, its in of_code_number.items():
        tokens = {i: _tokens(labels[i]) for i in its}
        commonest = max(its, key=lambda i: persons[i])
        lead = tokens[commonest]
        begin = lead[: max((len(lead) + 1) // 2, _FEWEST_ALIKE)]
        kin = [i for i in its if tokens[i][: len(begin)] == begin]
        if len(lead) < _FEWEST_ALIKE:
            kin = [i for i in its if _before_a_comma(labels[i]) == labels[commonest]]
        if persons[kin].sum() >= max(_MOST * labelled[code], _HALF * of_code[code]):
            name = frozenset.intersection(*(frozenset(tokens[i]) for i in kin)) | known
            found += [i for i in kin if name.issuperset(tokens[i]) and not TITLE_ANYWHERE.search(labels[i])]
    return found


def _cut_short(labels: Ints, pairs: Ints, label: Ints, code: Ints, spelled: Sequence[str], same: Ints) -> Ints:
    """Which labels of the `pairs` are what another of their code, one of `labels`, begins with, and half as long: a column may hold so
    many characters and no more. They tell no more than that one does.
    """  # noqa: D205
    whole: dict[int, list[str]] = {}
    is_told = np.isin(label[pairs], labels)
    for pair in pairs[is_told].tolist():
        whole.setdefault(int(code[pair]), []).append(spelled[same[label[pair]]])
    short = []
    for pair in pairs[~is_told].tolist():
        text = spelled[same[label[pair]]]
        if any(len(text) >= len(name) / 2 and name.startswith(text) for name in whole.get(int(code[pair]), ())):
            short.append(int(label[pair]))
    return np.unique(np.array(short, np.int64))


def _tokens(text: str) -> tuple[str, ...]:
    """The words and numbers of a label, in small letters and without accents."""
    return tuple(TOKEN.findall(_however_spelled(text)))


def _speak_of_diseases(labels: Sequence[str]) -> bool:
    """Have most labels a word with a root of the names of diagnoses, in whatever language?"""
    return bool(with_roots(labels, roots(), 1).sum() > _HALF * len(labels))


def _category_of(code: str) -> str:
    return code[:_CATEGORY_OF_CODE] if ICD10_CODE.fullmatch(code) else code


def _however_spelled(value: str) -> str:
    """A label without accents and case; one that is too long to be a label, as it is."""
    if len(value) > MAX_TEXT:
        return value
    return _ACCENT.sub("", unicodedata.normalize("NFD", value)).translate(_STROKES).casefold().strip()


def _with_prepositions(labels: Sequence[str]) -> list[str]:
    """The labels with prepositions written out that are written in short (c/), as most of them write these, if any do."""
    written = Counter(word for label in labels for word in label.split())
    whole = {
        short: max(words, key=lambda word: written[word])
        for short, words in _IN_SHORT.items()
        if any(written[word] for word in words)
    }
    return [
        _SHORT.sub(lambda short: f"{whole[short[1]]} " if short[1] in whole else short[0], label)
        if "/" in label
        else label
        for label in labels
    ]
