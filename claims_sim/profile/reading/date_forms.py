"""In which forms dates as text are read: ISO, day before month or month before day, with names of months, with times."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from claims_sim.privacy.phi import quote
from claims_sim.profile.reading.sql_text import let

# Tried in turn where a date is no ISO date. Day before month, as it is written in Indonesia, or the other way round.
_TIMES_OF_DAY: Final = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p", " %I:%M%p", " %I:%M:%S%p")
DATE_FORMS: Final = (
    "%Y%m%d", "%Y%m%d%H%M", "%Y%m%d%H%M%S",
    *(f"%d{mark}%m{mark}{year}{time}" for mark in "/-." for year in ("%y", "%Y") for time in _TIMES_OF_DAY if f"{mark}{year}" != "-%y"),
    *(f"%Y{mark}%m{mark}%d{time}" for mark in "-/." for time in _TIMES_OF_DAY if mark == "." or "%I" in time),
)  # fmt: skip
"""Years of two digits are read behind / and . alone, and where `have_short_years` says that the last numbers are years."""
SHORT_YEAR: Final = "%y"
MONTH_FIRST_FORMS: Final = tuple(re.sub("%d(.)%m", r"%m\1%d", form) for form in DATE_FORMS)
# The same without marks: only of so many digits, as strptime takes years of any length.
DAYS_WITHOUT_MARKS: Final = ("%d%m%Y", "%d%m%Y%H%M", "%d%m%Y%H%M%S")
MONTHS_WITHOUT_MARKS: Final = ("%m%d%Y", "%m%d%Y%H%M", "%m%d%Y%H%M%S")
_WITHOUT_MARKS: Final = "[0-9]{4}(?:19|20)[0-9]{2}(?:[0-9]{4}|[0-9]{6})?"

MONTHS: Final[Mapping[int, Sequence[str]]] = {
    1: ("jan", "january", "januari", "ene", "enero", "janeiro", "januar", "janv", "janvier", "gen", "gennaio", "oca", "ocak"),
    2: ("feb", "february", "februari", "peb", "pebruari", "febrero", "fev", "fevereiro", "februar", "févr", "février", "febbraio", "şub"),
    3: ("mar", "march", "maret", "marzo", "março", "marco", "mär", "mrz", "märz", "mars", "mart"),
    4: ("apr", "april", "abr", "abril", "avr", "avril", "aprile", "nis", "nisan"),
    5: ("may", "mei", "mayo", "mai", "maio", "mag", "maggio", "mayıs"),
    6: ("jun", "june", "juni", "junio", "junho", "juin", "giu", "giugno", "haz", "haziran"),
    7: ("jul", "july", "juli", "julio", "julho", "juil", "juillet", "lug", "luglio", "tem", "temmuz"),
    8: ("aug", "august", "agu", "agt", "ags", "agust", "agustus", "ago", "agosto", "août", "aout", "ağu", "ağustos"),
    9: ("sep", "sept", "september", "septiembre", "set", "setembro", "septembre", "settembre", "eyl", "eylül"),
    10: ("oct", "october", "okt", "oktober", "octubre", "out", "outubro", "octobre", "ott", "ottobre", "eki", "ekim"),
    11: ("nov", "november", "nop", "nopember", "noviembre", "novembro", "novembre", "kas", "kasım"),
    12: ("dec", "december", "des", "desember", "dic", "diciembre", "dez", "dezembro", "dezember", "déc", "décembre", "dicembre", "ara"),
}  # fmt: skip
"""Names of months, also short ones, in English, Indonesian, Spanish, Portuguese, German, French, Italian and Turkish."""
NAME_OF_MONTH: Final = r"[^\x00-@\[-`{-\x7f]{3,}"
"""Three letters or more: A to Z, or anything beyond ASCII, since the class of all letters takes milliseconds to compile."""
_BETWEEN: Final = "[-/ .,]*"
_NAMED: Final = tuple(
    rf"^{order}(?:[ T:]+([0-9].*))?$"
    for order in (
        rf"(?P<d>[0-9]{{1,2}}){_BETWEEN}(?:de )?(?P<m>{NAME_OF_MONTH}){_BETWEEN}(?:de )?(?P<y>[0-9]{{4}}|[0-9]{{2}})",
        rf"(?P<m>{NAME_OF_MONTH}){_BETWEEN}(?P<d>[0-9]{{1,2}})[-/ .,]+(?P<y>[0-9]{{4}}|[0-9]{{2}})",
        rf"(?P<y>[0-9]{{4}}){_BETWEEN}(?P<m>{NAME_OF_MONTH}){_BETWEEN}(?P<d>[0-9]{{1,2}})",
    )
)
_TIMES: Final = (
    "", " %H:%M:%S", " %H:%M", " %I:%M:%S %p", " %I:%M %p", " %I:%M:%S%p", " %I:%M%p", " %H:%M:%S.%f", " %I:%M:%S.%f %p",
)  # fmt: skip
_THIS_CENTURY: Final = 70  # years of two digits below it are 20xx


def parsed_date(text: str, forms: Sequence[str], without_marks: Sequence[str]) -> str:
    """`text` as a TIMESTAMP: ISO, or else in the first of `forms` that fits, without marks, or with the name of its month."""
    # DuckDB takes 03:04 PM for 03:04, and 01/02/25 for a day of the year 1.
    is_iso = f"upper(right({text}, 1)) <> 'M' AND {text} NOT LIKE '__/%' AND {text} NOT LIKE '_/%'"
    iso = f"CASE WHEN {is_iso} THEN TRY_CAST({text} AS TIMESTAMP) END"
    bare = (
        f"CASE WHEN regexp_full_match({text}, {quote(_WITHOUT_MARKS)}) "
        f"THEN try_strptime({text}, [{', '.join(map(quote, without_marks))}]) END"
    )
    return f"coalesce({iso}, try_strptime({text}, [{', '.join(map(quote, forms))}]), {bare}, {_named_date(text)})"


def _named_date(text: str) -> str:
    """A date such as 02-Jan-2025, 2 Agustus 2025, Jan 2, 2025 or 02-JAN-25 10.15.30.000000 AM."""
    cases = []
    for form in _NAMED:
        places = {name: place for place, name in enumerate(re.findall(r"\(\?P<(\w)>", form), start=1)}
        bare = re.sub(r"\?P<\w>", "", form)
        as_iso = rf"\{places['y']}-\{places['m']}-\{places['d']} \4"
        cases.append(
            f"WHEN regexp_matches({text}, {quote(bare)}) THEN regexp_replace({text}, {quote(bare)}, {quote(as_iso)})"
        )
    return let("n", f"CASE {' '.join(cases)} END", _with_named_month)


def _with_named_month(text: str) -> str:
    """A text with year, name of month, day and time in this order as a TIMESTAMP."""
    year, name = f"split_part({text}, '-', 1)", f"lower(split_part({text}, '-', 2))"
    century = (
        f"CASE WHEN length({year}) > 2 THEN '' WHEN CAST({year} AS INTEGER) < {_THIS_CENTURY} THEN '20' ELSE '19' END"
    )
    month = " ".join(f"WHEN {name} IN ({', '.join(map(quote, names))}) THEN {month}" for month, names in MONTHS.items())
    rest = f"regexp_replace(split_part({text}, '-', 3), ' ([0-9]+)[.]([0-9]+)[.]([0-9]+)', ' \\1:\\2:\\3')"
    rest = f"regexp_replace({rest}, '([.][0-9]{{6}})[0-9]+', '\\1')"
    forms = ", ".join(quote(f"%Y-%m-%d{time}") for time in _TIMES)
    return f"try_strptime(trim(concat({century}, {year}, '-', CASE {month} END, '-', {rest})), [{forms}])"
