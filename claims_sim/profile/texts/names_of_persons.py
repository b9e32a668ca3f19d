"""Which labels may be names of persons: by their capitals, family names, initials, titles and degrees. Judges texts, and tells nobody's."""

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np

from claims_sim.codes.vocabulary import (
    IN_CAPITALS,
    care_words,
    common_roots,
    root,
    shortened,
    signs_of_care,
    split_words,
    words,
)
from claims_sim.profile.counts.counting import Mask

_IN_CAPITALS: Final = re.compile(rf"\b(?:{'|'.join(sorted(IN_CAPITALS))})\b")
_BETWEEN_NAMES: Final = re.compile(r"[., ]*[ '’/,\-][., ]*")
_BEHIND_A_NAME: Final = re.compile(r" *(?:\([^()]*\)|[0-9]+) *$")
_ABBREVIATION: Final = re.compile(
    r"(?i)(?!ng)[^aeiouyаеёиоуыэюя]{2,3}|[aeiouyаеёиоуыэюя](?!n[gh])(?!(.)\1)[^aeiouyаеёиоуыэюя]{2}"
)
"""Two or three consonants, or a vowel before two of them; Ng, Ong, Anh and Ann are names, and Ким and Ли."""
SAYS_NONE: Final = re.compile(r"(?i)(?:no|not|none|missing|other|tidak|tanpa|sin|sem|ohne|sans|kein|senza)\b")
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
_NO_HAN_NAME: Final = re.compile(
    "(?:高[危度位热熱渗滲频頻]|金属|金屬|金黄|黄[斑色疸体體]|白[斑色化]|石[膏化]|[马馬][蹄尾]|毛[囊发髮细細]|左[侧側]|游[离離走]|陈旧|陳舊|周[围圍期]|梅毒|"
    "孔源|龙胆|牛皮|甘油|解脲|项部|季节|丁型)[性型期]?"
)
"""What begins like such a name and is one of nobody's: how grave, where and since when (高危, high risk)."""
_PARTED: Final = re.compile(r"[\s・:/(),、;\[\]=+<>_~〜\-–]+")
_HAN_TITLE: Final = re.compile("医師|醫師|医生|醫生|护士|護士|先生|様|さん$|氏$|担当")
_HAN_TITLE_ANYWHERE: Final = re.compile(_HAN_TITLE.pattern.replace("$", ""))
_WITH_INITIALS: Final = re.compile(r"[^\W\d_]{2,} [A-ZА-Я]\. ?[A-ZА-Я]\b|\b[A-ZА-Я]\. ?[A-ZА-Я]\. ?[^\W\d_]{2,}")
_SPECIALITY: Final = r"sp\.{dot} ?(?:a|an|b|bs|jp|kfr|kj|kk|m|og|ok|ot|p|pa|pd|pk|rad|s|tht|u)\b"
DOCTOR_ANYWHERE: Final = re.compile(rf"(?i)\b(?:(?:dr|dra|drg|prof)\b\.? ?[^\W\d_]|{_SPECIALITY.format(dot='')})")
_MISTER: Final = r"(?!(?-i:MR(?:, ?[a-zäçéğıłöşü]| [0-9]+(?:[.,][0-9]+)? ?[Mm][Gg]\b)))mr"
"""No magnetic resonance (MR, lumbal) and no release that is modified (MR 60 MG); SMITH MR, JOHN is a title."""
TITLED: Final = re.compile(
    rf"(?i)(?:dr|drg|prof|ny|tn|nn|sdr|bpk|bapak|ibu|{_MISTER}|mrs|ms|miss|dra|sra|sr|srta|mme|hj)\b"
)
TITLE_ANYWHERE: Final = re.compile(
    rf"(?i)\b(?:dr|drg|prof|ny|tn|nn|sdr|bpk|bapak|{_MISTER}|mrs|mme)\b"
    rf"|\b{_SPECIALITY.format(dot='?')}"
)
"""A title or a doctor's speciality (Sp.PD), wherever it stands."""
_DEGREE: Final = re.compile(r"(?i)\b(?:a\. ?md|amd|s\. ?(?:kep|tr|ked|farm|gz)|m\. ?kes|ners|apt)\b")
"""Of nurses, midwives and pharmacists, behind their names."""


def may_be_persons(values: Sequence[str | None], told: Mask) -> Mask:
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
        names = [part for part in (text, *parts, *map("".join, pairwise(parts))) if _is_han_name(part)]
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


def _is_han_name(text: str) -> bool:
    return bool(_HAN_NAME.fullmatch(text)) and not _NO_HAN_NAME.fullmatch(text)


def holds_family_name(text: str) -> bool:
    """Has it a common family name of China or Japan anywhere with something behind it, or a title in such characters?"""
    return bool(_HAN_NAME.search(text) or _HAN_TITLE_ANYWHERE.search(text))


def _is_known(text: str) -> bool:
    """Are all its words known, or abbreviations in capitals among words that are not in capitals? Iva is a name, too."""
    return words().issuperset(split_words(text if text.isupper() else _IN_CAPITALS.sub(" ", text)))


def _is_written_as_name(text: str) -> bool:
    parts = [] if SAYS_NONE.match(text) else _BETWEEN_NAMES.split(_BEHIND_A_NAME.sub("", text).strip(" .,"))
    return len(parts) in _PARTS_OF_A_NAME and all(
        part.isalpha() and part[0].isupper() and not _ABBREVIATION.fullmatch(part) and part.lower() not in shortened()
        for part in parts
    )
