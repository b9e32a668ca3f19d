"""Dates in the Buddhist era, as Thailand writes them: 24/07/2565 is the 24th of July 2022."""

from typing import Final

from claims_sim.privacy.phi import quote

AHEAD: Final = 543
"""Years that the Buddhist era is ahead of the common one."""
_FIRST, _LAST = 2400, 2699
_YEAR: Final = "2[4-6][0-9]{2}"
_DATED: Final = rf"^([0-9]{{4}}|.*?[^0-9]|)({_YEAR})([^0-9].*|[0-9]{{4}}|[0-9]{{8,}}|)$"
"""What is before the year, the year, and what is behind it: with marks between them, 25650724 and 24072565."""


def is_ahead(value: str, *, is_text: bool) -> str:
    """Whether a text, or a TIMESTAMP, is of a year of the Buddhist era."""
    if is_text:
        return f"regexp_matches({value}, {quote(_DATED)})"
    return f"year({value}) BETWEEN {_FIRST} AND {_LAST}"


def in_common_era(value: str, *, is_text: bool) -> str:
    """A text, or a TIMESTAMP, with its year in the common era."""
    if not is_text:
        return f"CASE WHEN {is_ahead(value, is_text=False)} THEN {value} - INTERVAL {AHEAD} YEAR ELSE {value} END"
    parts = f"regexp_extract({value}, {quote(_DATED)}, ['before', 'year', 'behind'])"
    return (
        f"list_transform([{parts}], lambda p: CASE WHEN p.year = '' THEN {value} "
        f"ELSE concat(p.before, TRY_CAST(p.year AS INTEGER) - {AHEAD}, p.behind) END)[1]"
    )


def written_ahead(date: str, form: str) -> str:
    """A TIMESTAMP in a form of strftime, its year in the Buddhist era."""
    return f"replace(strftime({date}, {quote(form.replace('%Y', '~'))}), '~', CAST(year({date}) + {AHEAD} AS VARCHAR))"
