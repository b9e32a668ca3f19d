"""Which texts of a source may become part of a profile. Judges texts; who shares them is counted elsewhere.

A value must be short and plain and hold no identifier; a label must be made of the code systems' own words, or name a code
in a column of names. Numbers, and codes of the source's own, are judged with their column (`own_codes.py`).
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final

import numpy as np

from claims_sim.claim import MAX_TEXT
from claims_sim.codes import icd9cm
from claims_sim.codes.vocabulary import (
    IN_CAPITALS,
    care_words,
    common_roots,
    root,
    roots,
    shortened,
    signs_of_care,
    split_words,
    words,
)
from claims_sim.privacy.phi import identifiers_in, in_plain_width
from claims_sim.profile.counting import Ints, Mask, dense_ids
from claims_sim.profile.numbers import Numbers

ICD10_CODE: Final = re.compile(r"[A-Z][0-9][0-9A-Z]{1,5}|[A-Z][0-9]{2}[0-9X][0-9]{2}X[0-9]{3}")
"""Also as China's national edition extends them (I10.x00x002)."""
ICD10_RANGE: Final = re.compile(r"[A-Z][0-9][0-9A-Z][-_][A-Z][0-9][0-9A-Z]")
"""A chapter or block, from category to category, where a table tells no more of diagnoses."""
ICD9_CODE: Final = re.compile(r"[0-9]{2,4}")
# The same as phi.CATEGORY_GRAMMAR, which is written for RE2: \w stands for letters, digits and the underscore; marks on
# letters are taken off before, and a value with digits of another script is refused.
_MORE: Final = r"[\w .,/&()'’+\-–・]*"
_SIGN: Final = r"(?:(?:[<>]=?|[≤≥]) ?[0-9]|[0-9] ?%)"
_CATEGORY: Final = re.compile(rf"[^\W_]{_MORE}(?:{_SIGN}{_MORE})?|{_SIGN}{_MORE}")
_WORD: Final = r"(?:[^\W\d]|[ .,/&()'’+\-–・])"
_CODED: Final = re.compile(
    rf"(?:[0-9]{{1,2}}|[A-Za-z]) ?[:=] ?"
    rf"(?:[^\W\d_]{_WORD}*(?:[0-9]{{1,3}}(?:{_WORD}+(?:[0-9]{{1,3}}{_WORD}*)?)?)?|[0-9]{{1,3}}(?:{_WORD}+(?:[0-9]{{1,3}}{_WORD}*)?)?)"
)
_CODE_BEFORE: Final = re.compile("(?:[0-9]{1,2}|[A-Za-z]) ?[:=]")
_LABEL: Final = re.compile(r"(?:[^\W_]|[\[(])(?:[^\W_]|[ .,;:/&()\[\]'’+%<>=\-–・、~〜])*")
_IN_CAPITALS: Final = re.compile(rf"\b(?:{'|'.join(sorted(IN_CAPITALS))})\b")
_TOKEN: Final = re.compile(r"[^\W_]+")
_LONG_NUMBER: Final = re.compile(r"[0-9]{4}")
_NO_NUMBER: Final = r"(?:[^0-9]|(?<=covid-)19|(?<=covid)19)*"
_VIRUS_AND_YEAR: Final = re.compile(
    rf"(?i){_NO_NUMBER}\b(?:(?:coronav[ií]rus|corona\b|covid){_NO_NUMBER}\b2019\b|2019-ncov\b){_NO_NUMBER}"
)
"""A diagnosis with the one year that is part of any, and no other number: coronavirus disease 2019."""
_NAME_AND_YEAR: Final = re.compile(r"[^0-9]*[^\W\d_]\)? 20[0-3][0-9]")
_UNSEEN: Final = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")
"""Selectors of variants: marks that show nothing."""
_NUMBERED: Final = re.compile(r"[Ⅰ-Ⅻ](?=[^\W\d_Ⅰ-ↈ])")
_NO_VALUE: Final = "\0"
_MANY_NAMES, _SHARED_BY = 10, 3  # names of procedures; names that may have one root in common
_SOME_ROOTS, _SEVERAL_ROOTS, _ROOTS_OF_PERSONS = 0.25, 0.4, 0.4
"""The shares of the names of procedures that must have a root of the code systems', without codes and as names of several, and of those
who bear them.
"""
NAMES_OF: Final = {"dx_primary_label": "dx_primary_code", "procedure_label": "procedure_code"}
_NEARLY_ALL, _MOST = 0.95, 0.8  # shares of persons
SEVERAL: Final = 5
"""So many values that may be told are a list."""
_MANY: Final = 20  # values
_NAMES_A_CODE: Final = 0.5  # labels to a code, or to a category of codes
_CATEGORY_OF_CODE: Final = 3  # characters
_NAMES_OF_ONE: Final = 3
"""So many names may nearly all who have a code bear, where labels speak of care: Encounter for check up, Encounter for 'check-up'."""
_MOST_SPELLINGS: Final = 20  # labels to a code; of more, none is what names it
_HALF: Final = 0.5
_FEWEST_KNOWN: Final = 3
"""So many known words make a phrase."""
_FEWEST_ALIKE: Final = 2
"""So many words with which labels begin alike."""
_FEW: Final = 0.1  # of the labels
_BETWEEN_NAMES: Final = re.compile(r"[., ]*[ '’/,\-][., ]*")
_BEHIND_A_NAME: Final = re.compile(r" *(?:\([^()]*\)|[0-9]+) *$")
_ABBREVIATION: Final = re.compile(
    r"(?i)(?!ng)[^aeiouyаеёиоуыэюя]{2,3}|[aeiouyаеёиоуыэюя](?!n[gh])(?!(.)\1)[^aeiouyаеёиоуыэюя]{2}"
)
"""Two or three consonants, or a vowel before two of them; Ng, Ong, Anh and Ann are names, and Ким and Ли."""
_SAYS_NONE: Final = re.compile(r"(?i)(?:no|not|none|missing|other|tidak|tanpa|sin|sem|ohne|sans|kein|senza)\b")
_PARTS_OF_A_NAME: Final = range(2, 5)
_WORD_OF_A_NAME: Final = 4  # letters
_HAN_NAME: Final = re.compile(
    "(?:[王李张張刘劉陈陳杨楊黄黃赵趙吴吳周徐孙孫马馬朱胡郭何林罗羅郑鄭梁谢謝宋唐许許邓鄧冯馮韩韓曹曾彭萧蕭蔡潘田董袁于余叶葉蒋蔣杜苏蘇魏程"
    "吕呂丁沈任姚卢盧傅钟鍾姜崔谭譚廖范汪陆陸石戴贾賈韦韋夏邱方侯邹鄒熊孟秦白江阎閻薛尹段雷黎史陶贺賀顾顧毛郝龚龔邵钱錢严嚴金孔汤湯高"
    "莫康温溫龙龍霍文武易乔喬赖賴樊兰蘭殷施洪翟安颜顏倪牛葛章鲁魯辛管祝左涂柯裴盛齐齊庞龐覃梅莊庄聂聶焦向欧歐耿凌路季童解詹翁甘宁寧岳舒瞿柴游阮项項尚]"
    r"[\s\u3000]?[\u4e00-\u9fff]{1,2}|(?:欧阳|歐陽|司马|司馬|诸葛|諸葛|上官|夏侯|皇甫|尉迟|公孙|慕容)[\u4e00-\u9fff]{1,2}"
    "|(?:佐藤|鈴木|高橋|田中|伊藤|渡辺|渡邊|山本|中村|小林|加藤|吉田|山田|佐々木|山口|松本|井上|木村|斎藤|斉藤|清水|山崎|阿部|森|池田|橋本|石川|"
    "小川|前田|岡田|長谷川|藤田|後藤|近藤|村上|遠藤|青木|坂本|福田|太田|西村|藤井|岡本|三浦|藤原|中島|松田|原田|宮崎|工藤|横山|千葉|野口|高木|安藤|大野|菊地|杉山|新井|増田|丸山|大塚|松尾|佐野|平野|渡部|久保|岩崎|桜井|中野|小野|田村|竹内|上田|和田|"
    "石井|内田|宮本|柴田|酒井|今井|上野|河野|武田|高田|水野|杉本|村田|小島|大西|松井|桜田|菅原|市川|平田|吉川|岩田|中川|古川|北村|石原|谷口|大久保|関口|東|片山|望月|熊谷|永井|秋山|川口|山内|五十嵐|久保田|小西|馬場|川上|浜田|矢野|松岡|荒木|内藤|土屋|大橋|堀|本田|西田|樋口|辻|菅野|川崎|早川|飯田|沢田|荒井|星野|小松|黒田|八木|松村|須藤|服部|西川|山中|大石|南|浅野|津田|上原|篠原|今村|松下|福島|宮田|岡崎|小池|奥村|横田|堀内|大谷|川村|栗原|成田|土井|吉村|平井|安田|三宅|富田|寺田|白石|島田|坂口|児玉)"
    r"[\s\u3000]?[\u3041-\u30ff\u4e00-\u9fff]{1,3}"
    ")"
)
"""A common family name of China or Japan, and a name behind it that is as long as they are."""
_GOES_ON_BEHIND: Final = re.compile(r"[,;:(\[、]| - ")
_PARTED: Final = re.compile(r"[\s・:/(),、;\[\]=+<>_~〜\-–]+")
_HAN_WORD: Final = re.compile("[\u3041-\u3096\u30a1-\u30fa\u30fc\u4e00-\u9fff]+")
_HAN_TITLE: Final = re.compile("医師|醫師|医生|醫生|护士|護士|先生|様|さん$|氏$|担当")
_HAN_TITLE_ANYWHERE: Final = re.compile(f"{_HAN_TITLE.pattern.replace('$', '')}")
_SIGNS_IN_NAMES: Final = frozenset("片染飼饲针針")
"""Signs of care with which family names that are less common are written, too (片岡, 染谷, 犬飼, 針生)."""
_WITH_INITIALS: Final = re.compile(r"[^\W\d_]{2,} [A-ZА-Я]\. ?[A-ZА-Я]\b|\b[A-ZА-Я]\. ?[A-ZА-Я]\. ?[^\W\d_]{2,}")
_SPECIALITY: Final = r"sp\.{dot} ?(?:a|an|b|bs|jp|kfr|kj|kk|m|og|ok|ot|p|pa|pd|pk|rad|s|tht|u)\b"
_DOCTOR_ANYWHERE: Final = re.compile(rf"(?i)\b(?:(?:dr|dra|drg|prof)\b\.? ?[^\W\d_]|{_SPECIALITY.format(dot='')})")
_ACCENT: Final = re.compile("[\u0300-\u036f]")
_STROKES: Final = str.maketrans("đĐłŁøØ", "dDlLoO")
TITLED: Final = re.compile(r"(?i)(?:dr|drg|prof|ny|tn|nn|sdr|bpk|bapak|ibu|mr|mrs|ms|miss|dra|sra|sr|srta|mme|hj)\b")
TITLE_ANYWHERE: Final = re.compile(
    r"(?i)\b(?:dr|drg|prof|ny|tn|nn|sdr|bpk|bapak|mr|mrs|mme)\b"
    rf"|\b{_SPECIALITY.format(dot='?')}"
)
"""A title or a doctor's speciality (Sp.PD), wherever it stands."""
_DEGREE: Final = re.compile(r"(?i)\b(?:a\. ?md|amd|s\. ?(?:kep|tr|ked|farm|gz)|m\. ?kes|ners|apt)\b")
"""Of nurses, midwives and pharmacists, behind their names."""


def admit_category(value: str) -> bool:
    """May `value` be a category: a short phrase without a run of four digits and without an identifier?

    The year of a plan or a tariff may stand behind its name, where that has no other digit.
    """
    letters = _without_marks(value)
    coded = _CODE_BEFORE.match(in_plain_width(value)) and _CODED.fullmatch(letters)
    plain = bool(coded or _CATEGORY.fullmatch(letters)) and len(value) <= MAX_TEXT
    numbered = _LONG_NUMBER.search(letters) and not _NAME_AND_YEAR.fullmatch(letters)
    return plain and not numbered and not identifiers_in(letters) and not identifiers_in(value)


def _without_marks(value: str) -> str:
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
    """May `value` be a label: only words of the code systems, numbers of at most three digits (or a virus's year), and punctuation?"""
    return _has_form_of_label(value) and words().issuperset(split_words(in_plain_width(value)))


def _has_form_of_label(value: str) -> bool:
    if len(value) > MAX_TEXT:
        return False
    letters = _without_marks(value)
    numbered = _LONG_NUMBER.search(letters) and not _VIRUS_AND_YEAR.fullmatch(letters)
    return (
        bool(_LABEL.fullmatch(letters))
        and not numbered
        and bool(split_words(value))
        and not identifiers_in(letters)
        and not identifiers_in(value)
    )


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
    if not _HAN_WORD.fullmatch(value) or _HAN_NAME.search(value) or _HAN_TITLE_ANYWHERE.search(value):
        return False
    return any(sign[-1] not in _SIGNS_IN_NAMES for sign in signs_of_care(value)) and admit_category(value)


def admitted_without_codes(values: Sequence[str | None], persons: Ints | Numbers, enough: Mask) -> Mask:
    """For each distinct name of procedures that have no code: may it be released?

    As a short phrase in which nobody has a title, where the column is a list of procedures: nearly all of the `persons` with a name
    bear one of ten and more that enough share; and a quarter of these, with two fifths of the persons, have a word with a root of the code
    systems', in whatever language. What is written by hand is no list, and hardly any name of a doctor has such a root; what may be
    one passes in no list. Or nearly all bear what says that nothing was done.
    """
    values = [value and in_plain_width(value) for value in values]
    phrase = np.array([value is not None and _is_untitled_phrase(value) for value in values], np.bool_)
    told = np.flatnonzero(phrase & enough)
    filled = persons[[value is not None for value in values]].sum()
    none = phrase & enough & np.array([bool(_SAYS_NONE.match(value or "")) for value in values], np.bool_)
    if persons[none].sum() >= _NEARLY_ALL * filled > 0:
        return none
    if len(told) < _MANY_NAMES or persons[told].sum() < _NEARLY_ALL * filled:
        return np.zeros(len(values), np.bool_)
    speak = _speak_of_care([values[i] or "" for i in told.tolist()], persons[told], _SOME_ROOTS)
    return phrase & ~_may_be_persons(values, phrase & enough) & speak


def _speak_of_care(labels: Sequence[str], persons: Ints | Numbers, some: float) -> bool:
    """Have `some` of the labels, with two fifths of the persons, a word with a root of the code systems', in whatever language, or are
    they written as a phrase of known words?
    """  # noqa: D205
    if not labels:
        return False
    speaks = _with_roots(labels, common_roots(), _SHARED_BY) | np.array([_is_phrase(text) for text in labels], np.bool_)
    return bool(speaks.mean() >= some and persons[speaks].sum() >= _ROOTS_OF_PERSONS * persons.sum())


def _is_phrase(text: str) -> bool:
    """Has it a few words of the code systems or of care in Indonesian, and all others in small letters? A name would be
    written with a capital: Rawat inap tingkat pertama per hari.
    """  # noqa: D205
    written = [word for word in _TOKEN.findall(text) if word.isalpha()]
    known = {word for word in written if word.lower() in words()}
    return (
        len(known) >= _FEWEST_KNOWN
        and any(word.islower() for word in written)
        and written[0][0].isupper()
        and all(word.islower() for word in written if word not in known)
    )


def _may_be_persons(values: Sequence[str | None], told: Mask) -> Mask:
    """Which of the labels that may be `told` may be names of persons?

    Two to four words that each begin with a capital, or are all capitals, and no abbreviations (USG, ANC), a number or what stands in
    brackets behind these apart: not where the first says that there is none, one is a word of care or has a root of the code systems'
    words, all are such words, or one stands in two labels that may not be names, or in one with such a root. Or a common family name in
    Chinese characters with one to three behind it: alone, if none is a sign of care, or as a part of a label (脳外科 田中美咲). And all
    that have such a name beside something else, without a sign of care, a title in such characters (医師), initials, or the degree of a
    nurse, a midwife or a pharmacist, whatever else stands there.
    """
    may, surely, others = np.zeros(len(values), np.bool_), np.zeros(len(values), np.bool_), Counter[str]()
    degrees = told & np.array([bool(_DEGREE.search(value or "")) for value in values], np.bool_)
    for i in np.flatnonzero(told & ~degrees).tolist():
        text = values[i] or ""
        parts = _PARTED.split(text)
        names = [part for part in (text, *parts, *map("".join, pairwise(parts))) if _HAN_NAME.fullmatch(part)]
        surely[i] = len(parts) > 1 and any(not signs_of_care(name) for name in names)
        surely[i] |= bool(_WITH_INITIALS.search(text) or _HAN_TITLE.search(text))
        if surely[i] or (names and (len(parts) > 1 or not signs_of_care(text))):
            may[i] = True
            continue
        written = split_words(text)
        of_care = bool({root(word) for word in written} & common_roots() or care_words().intersection(written))
        may[i] = not of_care and not _is_known(text) and _is_written_as_name(text)
        others.update({} if may[i] else dict.fromkeys(written, 2 if of_care else 1))
    for i in np.flatnonzero(may).tolist():
        may[i] = not any(others[word] > 1 and len(word) >= _WORD_OF_A_NAME for word in split_words(values[i] or ""))
    return np.asarray(may | surely | degrees)


def _is_known(text: str) -> bool:
    """Are all its words known, or abbreviations in capitals among words that are not in capitals? Iva is a name, too."""
    return words().issuperset(split_words(text if text.isupper() else _IN_CAPITALS.sub(" ", text)))


def _is_written_as_name(text: str) -> bool:
    parts = [] if _SAYS_NONE.match(text) else _BETWEEN_NAMES.split(_BEHIND_A_NAME.sub("", text).strip(" .,"))
    return len(parts) in _PARTS_OF_A_NAME and all(
        part.isalpha() and part[0].isupper() and not _ABBREVIATION.fullmatch(part) and part.lower() not in shortened()
        for part in parts
    )


def _is_untitled_phrase(value: str) -> bool:
    return (
        admit_category(value)
        and _has_form_of_label(value)
        and not TITLED.match(value)
        and not TITLE_ANYWHERE.search(value)
    )


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
    one or several, these pass as far as they go on in words that others have which passed.
    """
    out = np.zeros(len(values), np.bool_)
    values = [value and in_plain_width(value) for value in values]
    of_code, labelled = np.bincount(code, persons), np.bincount(code, np.where(label >= 0, persons, 0))
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
    owner, persons_of = distinct // (len(numbers) + 1), np.bincount(word, persons[pairs])
    order = np.lexsort((-persons_of, owner))
    starts = np.flatnonzero(np.r_[True, np.diff(owner[order]) > 0]) if len(order) else order
    rank = np.arange(len(order)) - np.repeat(starts, np.diff(np.r_[starts, len(order)]))
    spelled = list(numbers)
    of_word = [spelled[i] for i in distinct % (len(numbers) + 1)]
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
        if several == 1 or _speak_of_care(texts, bear, _SEVERAL_ROOTS):
            break
    else:
        return out
    if borne_so is not None:
        of_one_name = np.flatnonzero((bear_it >= _MOST * labelled) & (bear_it >= _HALF * of_code) & (labelled > 0))
        names_told, named = len(np.unique(one_name[of_one_name])), len(of_one_name)
    if names_told < _NAMES_A_CODE * named and _speak_of_diseases(texts):
        named = len({_category_of(codes[i] or "") for i in distinct_codes})
    if names_told < max(_MANY, _NAMES_A_CODE * named) and (
        names_told < _MANY_NAMES or not _speak_of_care(texts, bear, _SEVERAL_ROOTS)
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
    return out & ~_may_be_persons(values, out)


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
    of_parts = [_TOKEN.findall(text) for text in behind]
    written = [word for words_of in of_parts for word in words_of[len(words_of) >= _FEWEST_KNOWN :]]
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
        _has_form_of_label(_without_code(text, code))
        and not identifiers_in(_without_marks(text))
        and not TITLED.match(text)
        and not _DOCTOR_ANYWHERE.search(text)
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


def _tokens(text: str) -> tuple[str, ...]:
    """The words and numbers of a label, in small letters and without accents."""
    return tuple(_TOKEN.findall(_however_spelled(text)))


def _speak_of_diseases(labels: Sequence[str]) -> bool:
    """Have most labels a word with a root of the names of diagnoses, in whatever language?"""
    return bool(_with_roots(labels, roots(), 1).sum() > _HALF * len(labels))


def _with_roots(labels: Sequence[str], known: frozenset[str], few: int) -> Mask:
    """Which labels have a word with one of the `known` roots, or a sign of care, that only `few` labels, or a tenth of them, have.

    A root that many labels have in common tells of none of them, as the "poliklinik" before every doctor's name.
    """
    found = [({root(word) for word in split_words(text)} & known) | signs_of_care(text) for text in labels]
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
