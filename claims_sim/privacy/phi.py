"""Identifiers of persons as patterns: one list, usable in SQL (RE2) and in Python. Finds; never mends.

Names cannot be found reliably by pattern, so names are kept out by closed vocabularies (profile/) and grammars
(`CATEGORY_GRAMMAR`); this list finds what has a form of its own.
"""

import re
from dataclasses import dataclass
from typing import Final

from claims_sim.codes.snomed import UNITED_STATES

# RE2 has no look-around, so a pattern that must not touch a digit names the edge itself.
_EDGE, _END = r"(?:^|[^0-9])", r"(?:$|[^0-9])"
# All that the grammars below allow between two letters.
_BETWEEN = r"[ .,;:/&()\[\]'’§°+%<>=≤≥_\-–・、~〜]"
_SEPARATOR = f"{_BETWEEN}?"


@dataclass(frozen=True, slots=True)
class IdentifierPattern:
    """One kind of identifier: a RE2-compatible regular expression and what it stands for."""

    kind: str
    regex: str
    meaning: str


PATTERNS: Final = (
    IdentifierPattern("nik", rf"{_EDGE}(?:[0-9]{_SEPARATOR}){{15}}[0-9]{_END}", "national identity number, 16 digits"),
    IdentifierPattern("card", rf"{_EDGE}(?:[0-9]{_SEPARATOR}){{12}}[0-9]{_END}", "JKN card number, 13 digits"),
    IdentifierPattern("npwp", rf"{_EDGE}(?:[0-9]{_SEPARATOR}){{14}}[0-9]{_END}", "tax number, 15 digits"),
    IdentifierPattern(
        "phone",
        rf"(?:^|[^0-9])(?:\+?62|0){_SEPARATOR}8(?:{_SEPARATOR}[0-9]){{8,11}}{_END}",
        "mobile number, 08… or +62 8…",
    ),
    IdentifierPattern("email", r"[A-Za-z0-9._%+\-]+@[A-Za-z0-9.\-]+", "e-mail address"),
    IdentifierPattern(
        "record",
        rf"(?i)(?:^|[^a-z])(?:no\.?\s*)?(?:rm|mr|rekam medi[sk]|sep)\s*(?:n[or]?[.°º]?\s*)?"
        rf"(?:#|{_BETWEEN})?\s*[0-9](?:{_SEPARATOR}[0-9]){{5}}",
        "medical record number",
    ),
    IdentifierPattern(
        "title", r"(?:^|[^A-Za-z])(?:Ny|Tn|Nn|An|Sdr|Bpk|NY|TN|NN|SDR|BPK)\.[\s_]*[A-Z]", "title before a name"
    ),
)
_TAX_NUMBER: Final = "npwp"
_NO_TAX_NUMBER: Final = rf"(^|\x1f){UNITED_STATES}($|\x1f)"
"""Fifteen digits that are a public code, nine of which are always the same, are no tax number; nor where values are parted by \\x1f."""
# What every pattern above implies, in one cheap expression: clean text is then scanned once instead of seven times.
_SUSPICION: Final = rf"[0-9](?:{_SEPARATOR}[0-9]){{5}}|@|\.[\s_]*[A-Z]"
_COMPILED = tuple((p, re.compile(p.regex)) for p in PATTERNS)
_PUBLIC: Final = re.compile(_NO_TAX_NUMBER)
_TAX: Final = next(compiled for p, compiled in _COMPILED if p.kind == _TAX_NUMBER)

# A category (province, class, ownership, severity, service) is a short phrase: starts with a letter or digit, no
# run of four digits, none of the characters that addresses, e-mails or markup need (a sign of size stands before a digit, as
# in <50 beds, and no tag begins with one; so does that of a paragraph). Thai and Hindi write vowels as marks on a letter; selectors
# of variants are marks that nobody sees. A Roman number is part of the word that follows (Ⅱ型糖尿病).
_MARK: Final = r"[^\P{M}\p{Me}\x{FE00}-\x{FE0F}\x{E0100}-\x{E01EF}]"
# Letters of all scripts, with their marks, are a large automaton, and a grammar names them twenty times. So `fits_sql` writes é
# for each that is not plain A to Z before it holds a text against a grammar, and the grammars know no other letter.
_OF_ANY_SCRIPT: Final = rf"(?:[^\x00-\x7F\P{{L}}]|[A-Za-z]{_MARK}){_MARK}*"
_LETTER: Final = "[A-Za-zé]"
_NUMBERED: Final = rf"[Ⅰ-Ⅻ]{_LETTER}"
_MORE: Final = rf"(?:{_LETTER}|{_NUMBERED}|[0-9 .,/&()'’+_\-–・])*"
# One such sign a value: with more of them an identifier could be written with two characters between its digits.
_SIGN: Final = r"(?:[<>]=?|[≤≥]|§) ?[0-9]|[0-9] ?[%°]"
# A number or a letter before what it means: 2: 26-99 beds, I=Inpatient. Two short numbers at the most are too few for an identifier.
_WORD: Final = rf"(?:{_LETTER}|{_NUMBERED}|[ .,/&()'’+_\-–・])"
_FEW_DIGITS: Final = rf"(?:{_LETTER}|{_NUMBERED}){_WORD}*(?:[0-9]{{1,3}}(?:{_WORD}+(?:[0-9]{{1,3}}{_WORD}*)?)?)?"
_NUMBER_FIRST: Final = rf"[0-9]{{1,3}}(?:{_WORD}+(?:[0-9]{{1,3}}{_WORD}*)?)?"
_CODED: Final = rf"(?:[0-9]{{1,2}}|[A-Za-z]) ?[:=] ?(?:{_FEW_DIGITS}|{_NUMBER_FIRST})"
CATEGORY_GRAMMAR: Final = (
    rf"^(?:(?:{_LETTER}|{_NUMBERED}|[0-9]){_MORE}(?:(?:{_SIGN}){_MORE})?|(?:{_SIGN}){_MORE}|{_CODED})$"
)
LABEL_GRAMMAR: Final = (
    rf"^(?:{_LETTER}|{_NUMBERED}|[0-9\[(])(?:{_LETTER}|{_NUMBERED}|[0-9 .,;:/&()\[\]'’+%<>=\-–・、~〜])*$"
)
CODE_GRAMMAR: Final = CATEGORY_GRAMMAR
_FULL_WIDTH: Final = "".join(map(chr, range(0xFF01, 0xFF5F))) + "\u3000"
_PLAIN_WIDTH: Final = "".join(map(chr, range(0x21, 0x7F))) + " "
_TO_PLAIN_WIDTH: Final = str.maketrans(_FULL_WIDTH, _PLAIN_WIDTH)


def in_plain_width(text: str) -> str:
    """The text with what Chinese, Japanese and Korean write as wide as their characters (ＣＴ（１６列）) written as ASCII has it.

    All that is said below of letters, digits and signs is said of the text in this form.
    """
    return text if text.isascii() else text.translate(_TO_PLAIN_WIDTH)


def _in_plain_width_sql(text: str) -> str:
    # Writing each character anew costs thirty times what looking for wide ones does.
    plain = f"translate({text}, {quote(_FULL_WIDTH)}, {quote(_PLAIN_WIDTH)})"
    wide = f"regexp_matches({text}, '[{_FULL_WIDTH[0]}-{_FULL_WIDTH[-2]}{_FULL_WIDTH[-1]}]')"
    return f"CASE WHEN strlen({text}) > length({text}) AND {wide} THEN {plain} ELSE {text} END"


def fits_sql(text: str, grammar: str) -> str:
    """An SQL expression: does a text expression fit one of the grammars above, which are of no use to any other text? NULL for NULL."""
    plain = _in_plain_width_sql(text)
    return f"regexp_matches(regexp_replace({plain}, {quote(_OF_ANY_SCRIPT)}, 'é', 'g'), {quote(grammar)})"


def identifiers_in(text: str) -> tuple[str, ...]:
    """The kinds of identifier that `text` seems to hold, in the order of `PATTERNS`."""
    text = in_plain_width(text)
    found = (p.kind for p, compiled in _COMPILED if compiled.search(text))
    return tuple(kind for kind in found if kind != _TAX_NUMBER or _TAX.search(_without_public(text)))


def _without_public(text: str) -> str:
    return _PUBLIC.sub(r"\1\2", text.replace("\x1f", "\x1f\x1f"))


def identifier_sql(column: str) -> str:
    """An SQL expression: does the text column (a name of ours) hold anything like an identifier? NULL is clean."""
    # Each value between marks of its own: the mark behind one is not the one before the next.
    plain = _in_plain_width_sql(column)
    marked = f"replace({plain}, chr(31), chr(31) || chr(31))"
    others = rf"regexp_replace({marked}, {quote(_NO_TAX_NUMBER)}, '\1\2', 'g')"
    found = " OR ".join(
        f"regexp_matches({others if p.kind == _TAX_NUMBER else plain}, {quote(p.regex)})" for p in PATTERNS
    )
    return f"coalesce(CASE WHEN {suspicion_sql(column)} THEN {found} ELSE false END, false)"


def suspicion_sql(column: str) -> str:
    """An SQL expression that is true wherever `identifier_sql` is, at a seventh of its cost; and seldom elsewhere."""
    return f"regexp_matches({_in_plain_width_sql(column)}, {quote(_SUSPICION)})"


def quote(text: str) -> str:
    """`text` as an SQL string literal."""
    return "'" + text.replace("'", "''") + "'"
