"""Well-known procedures of ICD-9-CM volume 3, codes without dots, with labels worded by us. Knows codes, not claims.

The list is a selection (`icd9cm.csv`, leaf codes only) of the public classification: the procedures that hospitals
report commonly. A code outside it is not wrong for that; `is_known` says whether we can name it.
Of the diagnoses (volumes 1 and 2) only the codes are held, all of the last edition's (2015, public domain).
"""

import csv
from collections.abc import Collection
from functools import cache
from importlib import resources
from typing import Final

# First two digits of each chapter's first and last category.
_CHAPTERS: Final = (
    ("00", "00"), ("01", "05"), ("06", "07"), ("08", "16"), ("17", "17"), ("18", "20"), ("21", "29"), ("30", "34"),
    ("35", "39"), ("40", "41"), ("42", "54"), ("55", "59"), ("60", "64"), ("65", "71"), ("72", "75"), ("76", "84"),
    ("85", "86"), ("87", "99"),
)  # fmt: skip

COMPANIONS: Final = (
    "4019", "25000", "2724", "41400", "4280", "5859", "496", "2859", "53081", "27800", "311", "42731", "2449", "2768",
    "5990", "71590", "49390", "34590", "2749", "5739", "2809", "2767", "4439", "60000", "73300", "30000", "56400", "2761",
    "4168", "5715", "3310", "07054", "2869", "2639", "4389", "3051", "V5861",
)  # fmt: skip
"""The same conditions as `icd10.COMPANIONS`."""


@cache
def _labels() -> dict[str, str]:
    text = resources.files("claims_sim.codes").joinpath("icd9cm.csv").read_text(encoding="utf-8")
    return {row["code"]: row["label"] for row in csv.DictReader(text.splitlines())}


@cache
def diagnoses() -> frozenset[str]:
    """Every diagnosis of ICD-9-CM, without dots."""
    text = resources.files("claims_sim.codes").joinpath("icd9cm_diagnoses.csv").read_text(encoding="utf-8")
    return frozenset(row["code"] for row in csv.DictReader(text.splitlines()))


def is_diagnosis(code: str) -> bool:
    """Is `code`, with or without its dot, a diagnosis of ICD-9-CM?"""
    return without_dot(code) in diagnoses()


@cache
def _categories() -> frozenset[str]:
    finer = diagnoses()
    return frozenset(code[:length] for code in finer for length in range(3 + code.startswith("E"), len(code)))


def is_category(code: str) -> bool:
    """Is `code` one that ICD-9-CM has finer ones of (401, 276.5)? Claims bear such, also as older editions had none finer."""
    return without_dot(code) in _categories()


def are_diagnoses(codes: Collection[str]) -> bool:
    """Are most of the codes of a list diagnoses of ICD-9-CM? ICD-10 has other forms, but for a few that begin with E or V."""
    return sum(map(is_diagnosis, codes)) > len(codes) / 2


def without_dot(code: str) -> str:
    """`code` as BPJS writes it, without its dot."""
    return code.strip().replace(".", "")


def label(code: str) -> str | None:
    """The label of a procedure code, with or without its dot; None when it is not in our list."""
    return _labels().get(without_dot(code))


def is_known(code: str) -> bool:
    """Is `code` a procedure of our list? A code that the classification lacks, such as 8631, never is."""
    return without_dot(code) in _labels()


def chapter(code: str) -> str:
    """The chapter of a code as its range, such as 72-75 (obstetric); empty without two leading digits."""
    head = without_dot(code)[:2]
    if len(head) < 2 or not head.isascii() or not head.isdigit():
        return ""
    return next(first if first == last else f"{first}-{last}" for first, last in _CHAPTERS if first <= head <= last)


def all_codes() -> tuple[str, ...]:
    """Every code of our list, in order."""
    return tuple(sorted(_labels()))
