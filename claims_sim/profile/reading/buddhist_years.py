"""Dates in the Buddhist era, as Thailand writes them: 24/07/2565 is the 24th of July 2022."""

from typing import Final

from claims_sim.privacy.phi import quote

AHEAD: Final = 543
"""Years that the Buddhist era is ahead of the common one."""
_FIRST, _LAST = 2400, 2699
_YEAR: Final = "2[4-6][0-9]{2}"
_DAY, _MONTH, _TIME = "(?:0[1-9]|[12][0-9]|3[01])", "(?:0[1-9]|1[0-2])", "(?:[0-9]{4}|[0-9]{6})?"
_DATED: Final = (
    rf"^()({_YEAR})([-/. ].*)$",
    rf"^([0-9]{{1,2}}[-/. ](?:[0-9]{{1,2}}|\p{{L}}+[.]?)[-/. ,]+)({_YEAR})([ T,:].*|)$",
    rf"^()({_YEAR})({_MONTH}{_DAY}{_TIME})$",
    rf"^({_DAY}{_MONTH})({_YEAR})({_TIME})$",
)
"""What is before the year, the year, and what is behind it, where marks part them (2565-07-24, 24 Jul 2565) and where none do
(25650724, 24072565): 24062025 is of the common era, as 2406 has no 20th month.
"""


def is_ahead(value: str, *, is_text: bool) -> str:
    """Whether a text, or a TIMESTAMP, is of a year of the Buddhist era."""
    if is_text:
        return f"({' OR '.join(f'regexp_matches({value}, {quote(form)})' for form in _DATED)})"
    return f"year({value}) BETWEEN {_FIRST} AND {_LAST}"


def in_common_era(value: str, *, is_text: bool) -> str:
    """A text, or a TIMESTAMP, with its year in the common era."""
    if not is_text:
        return f"CASE WHEN {is_ahead(value, is_text=False)} THEN {value} - INTERVAL {AHEAD} YEAR ELSE {value} END"
    cases = " ".join(
        f"WHEN regexp_matches({value}, {quote(form)}) THEN concat(regexp_extract({value}, {quote(form)}, 1), "
        f"CAST(regexp_extract({value}, {quote(form)}, 2) AS INTEGER) - {AHEAD}, regexp_extract({value}, {quote(form)}, 3))"
        for form in _DATED
    )
    return f"CASE {cases} ELSE {value} END"


def written_ahead(date: str, form: str) -> str:
    """A TIMESTAMP in a form of strftime, its year in the Buddhist era."""
    return f"replace(strftime({date}, {quote(form.replace('%Y', '~'))}), '~', CAST(year({date}) + {AHEAD} AS VARCHAR))"
