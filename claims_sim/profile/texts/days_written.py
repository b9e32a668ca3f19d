"""Which texts of a column are days, however they are written: a birthday that many share is no code, no place and no label.

Judges a column's values together: one number may be a day by chance, most of those that are written alike are not.
"""

import calendar
import re
from collections.abc import Collection, Sequence
from typing import Final

import numpy as np

from claims_sim.profile.counts.counting import Mask

_MONTH_NAMES: Final = (
    ("jan", "ene"), ("feb", "fev"), ("mar", "mär", "mrt", "maa"), ("apr", "abr", "avr"), ("may", "mei", "mai", "mag"),
    ("jun", "jui", "giu"),
    ("jul", "lug"), ("aug", "agu", "agt", "ags", "ago", "aou", "aoû"), ("sep", "set"), ("oct", "okt", "out", "ott"), ("nov",),
    ("dec", "des", "dez", "dic", "déc"),
)  # fmt: skip
"""How months begin in English, Indonesian and other languages of the Latin script."""
_MONTH_OF: Final = {"juil": "07"} | {name: f"{n:02d}" for n, names in enumerate(_MONTH_NAMES, 1) for name in names}
_BESIDE: Final = r"[ .,\-/]*"
_NAMED_MONTH: Final = re.compile(rf"(?i){_BESIDE}(?<![^\W\d_])({'|'.join(_MONTH_OF)})[^\W\d_]{{0,7}}{_BESIDE}(?=[0-9])")
_SINGLE: Final = re.compile(
    r"(?<![0-9.])[0-9](?=[\-/ ][0-9]{1,2}[\-/ ][0-9]{2}|\.[0-9]{1,2}\.[0-9]{4})"
    r"|(?<=[0-9][\-/ ])[0-9](?=[,\-/ ]+[0-9]{2})|(?<=[0-9]\.)[0-9](?=\.[0-9]{4})"
)
"""A day or a month of one digit; between dots only before a year in four, as codes are written so (1.2.13)."""
_NO_DIGIT: Final = re.compile("[^0-9]")
_FEWEST: Final = 3  # digits of a day whose month is a name
_SHORT, _LONG = 6, 8  # digits of days
_FURTHER: Final = {_SHORT: 2, _LONG: 4}
"""How many more digits may stand beside these: a year in four is seldom one by chance."""
_ORDERS: Final = ("ymd", "dmy", "mdy")
_DIFFERENT: Final = 3
"""So many different years, months and days of the month at least have days of several persons, unless a year is there whole."""
_WHOLE_YEAR: Final = (12, 28)  # months, days of the month
_MOSTLY, _NEARLY_ALL = 0.5, 0.95
_ALONE, _ALL_DAYS = 0.3, 20
"""Numbers of a list run on: of days more stand alone in their month than this share, or so many days of a month are there."""
_LATE, _LATER, _CHANCE = 0.4, 0.25, 1.0
"""Half of all days are later than the 15th, and half are later than June, as items of groups of a list, which begin at 1, are not: so
many at least, or of a few as many less as chance may make them (two standard deviations).
"""
_MIDDLE_DAY, _MIDDLE_MONTH = 15, 6
_SO_MANY_TELL: Final = 200
"""Of more than so many it is enough that they are as late as days are."""
_FIRST: Final = 2
_FIRST_BY_CHANCE: Final = {"d": 2 / 31, "y": 3 / 100}
"""Of days and of years, how many are 0, 1 or 2."""


def are_days(values: Sequence[str | None], told: Mask) -> Mask:
    """Which of the values that may be `told` are written as others of them most of which are days.

    In six digits or with the year in four (880712, 12-07-88, 12071988), the months as numbers or by name, and whatever letters,
    marks or a few further digits stand beside these (P120788, Lahir 01-01-40): of such as have more digits nearly all must be days.
    """
    days = np.zeros(len(values), np.bool_)
    groups: dict[str, list[tuple[int, str]]] = {}
    for i in np.flatnonzero(told).tolist():
        text = values[i] or ""
        if sum(character.isdecimal() for character in text) < _FEWEST:
            continue
        written = _with_numbers(text)
        digits = _NO_DIGIT.sub("", written)
        if _SHORT <= len(digits) <= _LONG + _FURTHER[_LONG]:
            groups.setdefault(_form(written), []).append((i, digits))
    for alike in groups.values():
        if _are_days([digits for _, digits in alike]):
            days[[i for i, _ in alike]] = True
    return days


def _with_numbers(text: str) -> str:
    """The text with months by name as numbers, and days and months of one digit with a zero before it."""
    text = _NAMED_MONTH.sub(lambda found: f"/{_MONTH_OF[found[1].lower()]}/", text)
    return _SINGLE.sub(r"0\g<0>", text)


def _form(text: str) -> str:
    """How a text is written: a 9 for each digit, and one A for letters that stand together, whichever and however many."""
    return re.sub(r"[^\W\d_]+(?:[ '’&]+[^\W\d_]+)*", "A", re.sub("[0-9]", "9", text))


def _are_days(texts: Sequence[str]) -> bool:
    """Are most of these numbers, of equal length, days, the year in two or four digits? Of longer ones nearly all, in any place of them."""
    for year, long in ((2, _SHORT), (4, _LONG)):
        further = len(texts[0]) - long
        if not 0 <= further <= _FURTHER[long]:
            continue
        for at in range(further + 1):
            for order in _ORDERS:
                days = _days_at(texts, at, order, year)
                share = len(days) / len(texts)
                if share > (_NEARLY_ALL if further else _MOSTLY) and _are_of_persons(days, share, order):
                    return True
    return False


def _days_at(texts: Sequence[str], at: int, order: str, year: int) -> list[tuple[int, int, int]]:
    """Those that are days: year, month and day of the month."""
    days = []
    for text in texts:
        part, place = {}, at
        for what in order:
            width = year if what == "y" else 2
            part[what] = int(text[place : place + width])
            place += width
        is_year = year == 2 or 1900 <= part["y"] <= 2099
        of_century = part["y"] if year == 4 else 2000 + part["y"]
        if is_year and 1 <= part["m"] <= 12 and 1 <= part["d"] <= calendar.monthrange(of_century, part["m"])[1]:
            days.append((part["y"], part["m"], part["d"]))
    return days


def _are_of_persons(days: Sequence[tuple[int, int, int]], share: float, order: str) -> bool:
    """Are the days, a `share` of all that is written so, of several years, months and days, and do not run on as a list's numbers do?"""
    years, months, dates = (len(set(part)) for part in zip(*days, strict=True))
    if min(years, months, dates) < _DIFFERENT and not (months >= _WHOLE_YEAR[0] and dates >= _WHOLE_YEAR[1]):
        return False
    there = set(days)
    at_least = 0.5 - _CHANCE / np.sqrt(len(there))
    are_late = np.mean([day > _MIDDLE_DAY for _, _, day in there]) >= min(_LATE, at_least)
    are_later = np.mean([month > _MIDDLE_MONTH for _, month, _ in there]) >= min(_LATER, at_least)
    alone = np.mean([not {(y, m, d - 1), (y, m, d + 1)} & there for y, m, d in there])
    if share < _NEARLY_ALL:
        whole_months = len(there) > _ALL_DAYS * len({(y, m) for y, m, _ in there})
        return bool(alone > _ALONE and are_late and are_later and not _begin_at_one(there, order)) or whole_months
    runs_on = len(there) <= _SO_MANY_TELL and _begin_at_one(there, order)
    return bool(are_late and (are_later or alone > _ALONE) and not runs_on)


def _begin_at_one(days: Collection[tuple[int, int, int]], order: str) -> bool:
    """Do numbers whose first four digits are the same begin at 1 or 2 more often than days would, as those of a list do?"""
    groups: dict[tuple[int, int], list[int]] = {}
    for year, month, day in days:
        part = {"y": year % 100, "m": month, "d": day}
        groups.setdefault((part[order[0]], part[order[1]]), []).append(part[order[2]])
    begin = np.mean([min(last) <= _FIRST for last in groups.values()])
    by_chance = _FIRST_BY_CHANCE[order[2]]
    usual = np.mean([1 - (1 - by_chance) ** len(last) for last in groups.values()])
    return bool(begin > usual + _CHANCE / np.sqrt(len(groups)))
