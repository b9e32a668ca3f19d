"""How a source writes dates as text or number: 2025-01-02T10:15:00+07:00, 20250102, 1/2/2025 3:04 PM, 02-JAN-25."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from claims_sim.privacy.phi import quote
from claims_sim.profile.reading.buddhist_years import written_ahead
from claims_sim.profile.reading.date_forms import (
    DAYS_WITHOUT_MARKS,
    MONTHS,
    MONTHS_WITHOUT_MARKS,
    NAME_OF_MONTH,
)
from claims_sim.profile.reading.source import OpenSource
from claims_sim.profile.reading.source_columns import Located
from claims_sim.profile.reading.source_sql import date_expression, date_forms, quote_identifier, text_expression

_ISO_FORMS: Final = (
    "%Y-%m-%d %H:%M:%S",  # the first stands in where none is known
    "%Y-%m-%d",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%dT%H:%M",
    "%Y-%m-%dT%H:%M:%SZ",
    "%Y-%m-%d %H:%M:%S.%f",
    "%Y-%m-%dT%H:%M:%S.%f",
    "%Y-%m-%dT%H:%M:%S.%fZ",
    "%Y-%m-%d %H:%M:%S.%g",
    "%Y-%m-%dT%H:%M:%S.%g",
    "%Y-%m-%dT%H:%M:%S.%gZ",
    "%Y-%m-%d %H:%M:%S.0",  # as Java writes whole seconds
    "%Y/%m/%d",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
)
_NAMED_DAYS: Final = tuple(
    form.format(d=day, y=year)
    for form in ("{d}-@-{y}", "{d} @ {y}", "{d}/@/{y}", "{d}.@.{y}", "{d}@{y}", "{d} de @ de {y}", "@ {d}, {y}", "@ {d} {y}", "@-{d}-{y}",
                 "{d} @, {y}")
    for year in ("%Y", "%y")
    for day in ("%d", "%-d")
)  # fmt: skip
_TIMES: Final = (
    "", " %H:%M:%S", " %H:%M", ":%H:%M:%S", "T%H:%M:%S",
    " %I:%M:%S %p", " %I:%M %p", " %I:%M%p", " %I.%M.%S.%f %p", " %-I:%M:%S %p", " %-I:%M %p",
)  # fmt: skip
_MONTH: Final = "@"
"""What stands in a form for the name of the month."""
_UTC_OFFSET: Final = " ?[+-][0-9]{2}(:?[0-9]{2})?$"
"""How far a time is from UTC, behind it."""
_LOOKED_AT, _MOST = 2_000, 0.5  # different texts; of the cells
_ENGLISH: Final = tuple(names[0].title() for names in MONTHS.values())


@dataclass(frozen=True, slots=True)
class DateForm:
    """A form of strftime, with "@" where one of the twelve names of `months` stands; `buddhist`: with years of that era."""

    form: str
    months: Sequence[str] = ()
    buddhist: bool = False

    def written(self, date: str) -> str:
        """The expression of a date, a TIMESTAMP, as text."""
        text = written_ahead(date, self.form) if self.buddhist else f"strftime({date}, {quote(self.form)})"
        if not self.months:
            return text
        return f"replace({text}, '{_MONTH}', [{', '.join(map(quote, self.months))}][month({date})])"


def read_date_forms(opened: OpenSource, located: Mapping[str, Located]) -> dict[str, DateForm]:
    """The form of each column of dates that has not a type of dates: the one that most of its texts are written in."""
    return {
        name: _date_form(opened, column)
        for name, column in located.items()
        if column.kind == "date" and not column.type.startswith(("DATE", "TIMESTAMP"))
    }


def _date_form(opened: OpenSource, column: Located) -> DateForm:
    text = text_expression(column)
    forms = (*date_forms(column), *(MONTHS_WITHOUT_MARKS if column.month_first else DAYS_WITHOUT_MARKS))
    known = [*_ISO_FORMS, *forms, *["%Y%m"] * column.months]
    if column.type != "VARCHAR":
        known = [form for form in known if form.replace("%", "").isalpha()]
    if offset := _utc_offset(opened, text):
        known = [*(form + offset for form in _ISO_FORMS if form.endswith(("M", "S", "f", "g"))), *known]
    named = [day + time for day in _NAMED_DAYS for time in _TIMES]
    bare = f"regexp_replace({text}, {quote(NAME_OF_MONTH)}, '{_MONTH}')"
    theirs = quote_identifier(column.theirs)
    counted = f"SELECT {theirs}, count(*) AS cells FROM {opened.relation} WHERE {theirs} IS NOT NULL GROUP BY {theirs}"
    counted = f"SELECT * FROM ({counted}) ORDER BY hash({theirs}), {theirs} LIMIT {_LOOKED_AT}"
    date = f"{date_expression(column)} AS date"
    texts = f"(SELECT * FROM (SELECT {text} AS text, {bare} AS bare, {date}, cells FROM ({counted})) WHERE date IS NOT NULL)"
    form = ""
    for some in (known, _without_zeros(known), named):  # each where none before it fits most of them
        told = {
            one: f"{DateForm(one, buddhist=column.buddhist).written('date')} = {'bare' if some is named else 'text'}"
            for one in some
        }
        form = form or most_fit(opened, texts, told, _MOST)
    if not form:  # with decimals of seconds, say, or a day that is no day
        form = most_fit(opened, texts, {one: f"try_strptime(text, {quote(one)}) IS NOT NULL" for one in known})
    months = _months(opened, text, date_expression(column)) if form and _MONTH in form else ()
    return DateForm(form or known[0], months, column.buddhist)


def _without_zeros(forms: Sequence[str]) -> list[str]:
    """Forms with marks, where 1/2/2025 3:04 PM stands for 01/02/2025 03:04 PM."""
    marked = [form for form in forms if "/" in form or "-" in form or "%d." in form or ".%d" in form]
    days = [re.sub("%([dm])", r"%-\1", form) for form in marked]
    return [*days, *(re.sub("%([IH])", r"%-\1", form) for form in days if "%I" in form or "%H" in form)]


def _months(opened: OpenSource, text: str, date: str) -> list[str]:
    """The name that most dates of each month have; where there is none an English one, in capitals or not as the others are."""
    names = [name for of_month in MONTHS.values() for name in of_month]
    rows = opened.connection.execute(
        f"SELECT month({date}) AS month, regexp_extract({text}, {quote(NAME_OF_MONTH)}) AS name, count(*) AS dates "
        f"FROM {opened.relation} WHERE lower(name) IN ({', '.join(map(quote, names))}) GROUP BY ALL ORDER BY dates, name DESC"
    ).fetchall()
    found = {int(month): str(name) for month, name, _ in rows if month}
    as_others = (
        str.upper
        if all(map(str.isupper, found.values()))
        else str.lower
        if all(map(str.islower, found.values()))
        else str
    )
    return [found.get(month, as_others(name)) for month, name in enumerate(_ENGLISH, start=1)]


def _utc_offset(opened: OpenSource, text: str) -> str:
    """What most texts have behind their time to say how far it is from UTC."""
    rows = opened.connection.execute(
        f"SELECT CASE WHEN {text} LIKE '%:%' THEN regexp_extract({text}, {quote(_UTC_OFFSET)}) ELSE '' END AS told, count(*) AS claims "
        f"FROM {opened.relation} WHERE {text} IS NOT NULL GROUP BY ALL ORDER BY claims DESC, told LIMIT 1"
    ).fetchall()
    return str(rows[0][0]) if rows else ""


def most_fit(opened: OpenSource, texts: str, fits: Mapping[str, str], share: float = 0.0) -> str:
    """What most `texts`, given with how many `cells` hold each, fit, of equal ones the first; "" where no more than a share of them do."""
    if not fits:
        return ""
    counts = ", ".join(f"coalesce(sum(cells) FILTER ({condition}), 0)" for condition in fits.values())
    row = opened.connection.execute(f"SELECT {counts}, coalesce(sum(cells), 0) FROM {texts}").fetchone() or ()
    best, cells = max(zip(fits, row, strict=False), key=lambda pair: pair[1])
    return best if cells > share * row[-1] else ""
