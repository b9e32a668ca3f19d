"""Draw days and times of day from a profile's months, weekdays and hours."""

from datetime import date
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from claims_sim.profile.counts.lookup import Codes, Mask, Rows, TableSampler
from claims_sim.profile.document import Profile
from claims_sim.profile.drawing.draft import Draft, Edges
from claims_sim.profile.encoding.encode import DISCHARGE_MONTH, MONTH, STAY_SPAN, WEEKDAY
from claims_sim.profile.fitting.calendar import (
    MIDNIGHT,
    OF_ANY_TIME,
    PAST_MIDNIGHT,
    PERIOD,
    SAME_MONTH,
    STAY_GAP,
    STAY_MINUTES,
    WEEKDAYS,
    discharge_months,
    moments_of,
)
from claims_sim.profile.fitting.special_dates import SPECIAL_DATE
from claims_sim.randomness import stream_key, uniforms

Moments = npt.NDArray[Any]
Days = tuple[date, date]
_DAY_S: Final = 86_400
_WEEKDAY_TRIES, _MONTH_TRIES = 8, 24
"""So many weekdays are drawn for a day to be found on one; and for one from which a claim ends as it is to, in its month or not."""

# Where the source keeps days only: admissions spread over the day as hospitals take them in (outpatient clinics in the
# morning), discharges around noon. An assumption, stated in the profile's guide.
_DAY_SHARES: Final = {
    "outpatient": (0, 0, 0, 0, 0, 0, 2, 10, 18, 18, 14, 10, 7, 6, 5, 4, 3, 2, 1, 0, 0, 0, 0, 0),
    "admission": (2, 2, 1, 1, 1, 2, 3, 4, 6, 8, 8, 8, 7, 7, 6, 6, 5, 5, 5, 5, 4, 3, 3, 2),
    "discharge": (0, 0, 0, 0, 0, 0, 0, 1, 4, 10, 16, 18, 16, 14, 10, 6, 3, 2, 0, 0, 0, 0, 0, 0),
}


class Calendar:
    """Days by month and weekday; each weekday's rate is per day of that weekday, so months keep their shares."""

    def __init__(self, profile: Profile, tables: dict[str, TableSampler]) -> None:
        self._tables = tables
        months = profile.vocabularies.get("admit_month", ()) or tuple(
            str(m) for m in np.arange(np.datetime64(profile.period[0], "M"), np.datetime64(profile.period[1], "M") + 1)
        )
        self._months = np.array(months, "datetime64[M]")
        self._first = self._months.astype("datetime64[D]").astype(np.int64)
        self._length = (self._months + 1).astype("datetime64[D]").astype(np.int64) - self._first
        before, behind = profile.days_without
        self._first[0] += before
        self._length[0] -= before
        self._length[-1] -= behind
        self._special = np.array(profile.special_dates, "datetime64[D]").astype(np.int64)
        ordinary = self._ordinary_days()
        # Weekdays are drawn as they come in all months together: a month has more of some, and less.
        self._all_ordinary = np.maximum(ordinary.sum(0), 1)
        self._come = ordinary / self._all_ordinary
        self._grid = profile.time_grid_s
        self._gaps, self._stay_minutes = (
            np.array(profile.bins[name].lo, np.int64) if name in profile.bins else np.zeros(0, np.int64)
            for name in (STAY_GAP, STAY_MINUTES)
        )
        self._spans, self._minutes = (
            Edges(profile.bins[name]) if name in profile.bins else None for name in (STAY_SPAN, "same_day_minutes")
        )
        self._has_times = profile.date_granularity == "time"
        self._defaults = {name: np.cumsum(shares) / np.sum(shares) for name, shares in _DAY_SHARES.items()}
        vocabulary = profile.vocabularies.get("service_type", ())
        self._outpatient = vocabulary.index("RJTL") if "RJTL" in vocabulary else -2

    def _ordinary_days(self) -> npt.NDArray[np.int64]:
        """How many days of each month fall on each weekday and are no special date."""
        months = [np.arange(first, first + length) for first, length in zip(self._first, self._length, strict=True)]
        ordinary = [days[~np.isin(days, self._special)] for days in months]
        return np.array([np.bincount((days + 3) % WEEKDAYS, minlength=WEEKDAYS) for days in ordinary])

    def draw(
        self, key: int, rows: Rows, draft: Draft, los: Codes, between: Days | None = None
    ) -> tuple[Moments, Moments]:
        """Local admission and discharge; at midnight where the source keeps days only.

        With `between` admissions fall from its first to its last day, on weekdays as the source has them.
        """
        days = (
            self._month_of_period(key, rows, draft)
            if between is None
            else self._days_between(key, rows, draft, between)
        )
        stay = self._days_between_dates(key, rows, draft, los.astype(np.int64))
        same = self._draw(SAME_MONTH, key, rows, draft)
        if between is None and same is not None:
            days = _closed_with_month(days, stay, same)
        day = self._on_weekdays(key, rows, draft, days, stay, None if between is None else same)
        if between is None:
            day = self._on_special_dates(key, rows, draft, day, days)
        draft.codes[WEEKDAY] = ((day + 3) % WEEKDAYS).astype(np.int32)
        admit, discharge = day * 86_400, (day + stay) * 86_400
        if self._has_times:
            first, last = self.seconds(key, rows, draft, stay.astype(np.int32))
            admit, discharge = admit + first, discharge + last
        self.set_moments(draft, admit.astype("datetime64[s]"))
        return admit.astype("datetime64[s]").astype("datetime64[us]"), discharge.astype("datetime64[s]").astype(
            "datetime64[us]"
        )

    def _days_between_dates(
        self, key: int, rows: Rows, draft: Draft, los: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.int64]:
        span, gap = self._draw(STAY_SPAN, key, rows, draft), self._draw(STAY_GAP, key, rows, draft)
        if span is not None and self._spans is not None:
            draft.codes[STAY_SPAN] = span
            return self._spans.draw(span, uniforms(key ^ stream_key(STAY_SPAN), rows)).astype(np.int64)
        if gap is None:
            return los
        draft.codes[STAY_GAP] = gap
        days: npt.NDArray[np.int64] = np.maximum(los + np.append(self._gaps, 0)[gap], 0)
        draft.codes[PAST_MIDNIGHT] = ((days == 1) & (los == 0)).astype(np.int32)
        return days

    def _month_of_period(self, key: int, rows: Rows, draft: Draft) -> "_Days":
        period = self._draw(PERIOD, key, rows, draft)
        if period is not None:
            draft.codes[PERIOD] = period
        month = self._draw("admit_month", key, rows, draft)
        if month is None:
            month = (uniforms(key ^ stream_key("month"), rows) * len(self._months)).astype(np.int32)
        draft.codes[MONTH] = month
        at = np.maximum(month, 0)
        return _Days(self._first[at], self._length[at], np.ones(len(rows), np.bool_))

    def _days_between(self, key: int, rows: Rows, draft: Draft, between: Days) -> "_Days":
        first, last = (int(np.datetime64(day, "D").astype(np.int64)) for day in between)
        length = last + 1 - first
        any_day = first + (uniforms(key ^ stream_key("month"), rows) * length).astype(np.int64)
        draft.codes[MONTH] = self.month_codes(any_day)
        return _Days(np.full(len(rows), first), np.full(len(rows), length), np.zeros(len(rows), np.bool_))

    def _on_special_dates(
        self, key: int, rows: Rows, draft: Draft, day: npt.NDArray[np.int64], days: "_Days"
    ) -> npt.NDArray[np.int64]:
        """Those of the days that stand out, as often as they do in their month, and others beside them; both among each row's `days`."""
        code = self._draw(SPECIAL_DATE, key, rows, draft)
        if code is None:
            return day
        month = np.maximum(draft.codes[MONTH], 0)
        special = self._special[np.clip(code, 0, len(self._special) - 1)]
        its_month = special - self._first[month]
        falls_on = (code >= 0) & (code < len(self._special)) & (its_month >= 0) & (its_month < self._length[month])
        falls_on &= (special >= days.first) & (special < days.first + days.length)
        return np.where(falls_on, special, self._beside_special(key, rows, day, days))

    def _beside_special(self, key: int, rows: Rows, day: npt.NDArray[np.int64], days: "_Days") -> npt.NDArray[np.int64]:
        """Others of the `days` on the same weekday for days that are special dates; themselves, where all of these are."""
        for attempt in range(_WEEKDAY_TRIES):
            at = np.flatnonzero(np.isin(day, self._special))
            if not len(at):
                break
            first, length = days.first[at], days.length[at]
            offset = (day[at] - first) % WEEKDAYS
            count = (length - offset + WEEKDAYS - 1) // WEEKDAYS
            u = uniforms(key ^ stream_key(f"day beside {attempt}"), rows[at])
            day[at] = first + offset + (u * count).astype(np.int64) * WEEKDAYS
        return day

    def _on_weekdays(
        self, key: int, rows: Rows, draft: Draft, days: "_Days", stay: npt.NDArray[np.int64], same: Codes | None
    ) -> npt.NDArray[np.int64]:
        """A day of each row's days, on weekdays as often as these come in them: a month with five Mondays has more claims on Mondays.
        One from which it ends in its month or not, as `same` says (None: either), where one of the days tried is. Any of its days where
        none of the weekdays drawn comes in them.
        """  # noqa: D205
        u = uniforms(key ^ stream_key("day"), rows)
        day = days.first + (u * days.length).astype(np.int64)
        table = self._tables.get("admit_weekday")
        todo = np.arange(len(rows) if table is not None else 0)
        month = np.maximum(draft.codes[MONTH], 0)
        most = np.where(
            days.is_month, np.max(self._come, axis=1)[month], -(-days.length // WEEKDAYS) / self._all_ordinary.min()
        )
        tries = _WEEKDAY_TRIES if same is None else _MONTH_TRIES
        for attempt in range(tries):
            if table is None or not len(todo):
                break
            weekday = table.draw(key, rows[todo], draft.given(table.parents, todo), attempt)
            first, length = days.first[todo], days.length[todo]
            offset = (weekday - (first + 3)) % WEEKDAYS
            weeks = np.maximum(length - offset + WEEKDAYS - 1, 0) // WEEKDAYS
            comes = np.where(days.is_month[todo], self._come[month[todo], weekday], weeks / self._all_ordinary[weekday])
            comes[weekday < 0] = 0
            lot = uniforms(key ^ stream_key(f"weekday {attempt}"), rows[todo])
            u_week = u[todo] if same is None else uniforms(key ^ stream_key("week"), rows[todo], attempt)
            found = first + offset + (u_week * weeks).astype(np.int64) * WEEKDAYS
            taken = (comes > 0) & ((lot * most[todo] < comes) | (attempt == tries - 1))
            day[todo[taken]] = found[taken]
            if same is not None and attempt < tries - 1:
                taken &= (same[todo] < 0) | ((found + stay[todo] < _month_of(found)[1]) == (same[todo] == 1))
            todo = todo[~taken]
        return day

    def set_moments(self, draft: Draft, admit: npt.NDArray[np.datetime64]) -> None:
        """Set what tables may depend on of the moments of admission."""
        draft.codes[MONTH] = self.month_codes(admit.astype("datetime64[D]").astype(np.int64))
        draft.codes |= moments_of(admit)

    def set_discharge(self, draft: Draft, discharge: npt.NDArray[np.datetime64]) -> None:
        """Set what tables may depend on of the discharge, of claims whose moments of admission are set."""
        draft.codes[DISCHARGE_MONTH] = discharge_months(draft.codes[MONTH], discharge, self._months)

    def month_codes(self, day: npt.NDArray[np.int64]) -> Codes:
        """The codes of the months that days (counted from 1970) lie in; -1 outside the profile's."""
        month = day.astype("datetime64[D]").astype("datetime64[M]")
        at = np.clip(np.searchsorted(self._months, month), 0, len(self._months) - 1)
        return np.where(self._months[at] == month, at, -1).astype(np.int32)

    def _draw(self, name: str, key: int, rows: Rows, draft: Draft) -> Codes | None:
        table = self._tables.get(name)
        return None if table is None else table.draw(key, rows, draft.given(table.parents))

    def seconds(self, key: int, rows: Rows, draft: Draft, stay: Codes | None) -> tuple[Codes, Codes]:
        """Seconds of the day of admission and of discharge."""
        if WEEKDAY not in draft.codes and (weekday := self._draw("admit_weekday", key, rows, draft)) is not None:
            draft.codes[WEEKDAY] = weekday
        # Where the dates are given and nothing else says so, no visit goes past midnight.
        draft.codes.setdefault(PAST_MIDNIGHT, np.zeros(len(rows), np.int32))
        first = self._hour("admit_hour", key, rows, draft)
        draft.codes["admit_hour"] = first
        last = self._hour("discharge_hour", key, rows, draft)
        admit = _second_of(first, uniforms(key ^ stream_key("admit second"), rows))
        discharge = _second_of(last, uniforms(key ^ stream_key("discharge second"), rows))
        same = np.ones(len(rows), bool) if stay is None else stay == 0
        self._last_beyond_days(key, rows, draft, np.flatnonzero(~same), admit, discharge)
        span = self._same_day_seconds(key, rows, draft)
        if span is None and "admit_hour" not in self._tables:  # neither time is the source's
            admit, discharge = (
                np.where(same, np.minimum(admit, discharge), admit),
                np.where(same, np.maximum(admit, discharge), discharge),
            )
        else:
            ends = np.maximum(admit, discharge) if span is None else np.minimum(admit + span, _DAY_S - 1)
            discharge = np.where(same, ends, discharge)
        grid = self._grid
        return (admit // grid * grid).astype(np.int32), (discharge // grid * grid).astype(np.int32)

    def _last_beyond_days(
        self, key: int, rows: Rows, draft: Draft, stays: npt.NDArray[np.int64], admit: Codes, discharge: Codes
    ) -> None:
        """Set the seconds of the day for those of the `stays` that last some minutes beyond the days between their dates."""
        code = self._draw(STAY_MINUTES, key, rows, draft)
        if code is None:
            return
        minutes = np.append(self._stay_minutes, OF_ANY_TIME)[code[stays]]
        at, beyond = stays[minutes != OF_ANY_TIME], minutes[minutes != OF_ANY_TIME] * 60
        # Both moments lie on their days: who leaves a quarter past midnight, half an hour after coming, came after half past eleven.
        first, span = np.maximum(-beyond, 0), _DAY_S - np.abs(beyond)
        inside = (admit[at] >= first) & (admit[at] < first + span)
        admit[at] = np.where(inside, admit[at], first + admit[at] % span)
        discharge[at] = admit[at] + beyond

    def _same_day_seconds(self, key: int, rows: Rows, draft: Draft) -> Codes | None:
        code = self._draw("same_day_minutes", key, rows, draft)
        if code is None or self._minutes is None:
            return None
        minutes = self._minutes.draw(code, uniforms(key ^ stream_key("minutes"), rows))
        return (minutes * 60).astype(np.int32)

    def _hour(self, name: str, key: int, rows: Rows, draft: Draft) -> Codes:
        drawn = self._draw(name, key, rows, draft)
        if drawn is not None:
            return np.maximum(drawn, 0)
        u = uniforms(key ^ stream_key(name), rows)
        service = draft.codes.get("service_type")
        usual = "admission" if name == "admit_hour" else "discharge"
        hour = np.searchsorted(self._defaults[usual], u, side="right")
        if service is not None:
            clinic = np.searchsorted(self._defaults["outpatient"], u, side="right")
            hour = np.where(service == self._outpatient, clinic, hour)
        return hour.astype(np.int32)


class _Days(NamedTuple):
    """So many days from a `first` one on (counted from 1970), for each row; `is_month`: all of its month that the profile has."""

    first: npt.NDArray[np.int64]
    length: npt.NDArray[np.int64]
    is_month: Mask

    def within(self, begin: npt.NDArray[np.int64], end: npt.NDArray[np.int64]) -> "_Days":
        """Those from `begin` on and before `end`; all of a row's, where none is."""
        first = np.maximum(self.first, begin)
        length = np.minimum(self.first + self.length, end) - first
        narrowed = (length > 0) & (length < self.length)
        return _Days(
            np.where(narrowed, first, self.first),
            np.where(narrowed, length, self.length),
            self.is_month & ~narrowed,
        )


def _closed_with_month(days: _Days, stay: npt.NDArray[np.int64], same: Codes) -> _Days:
    """Of each row's days those from which it ends in the same month (`same` 1), or those from which it does not (0); all, where none
    does.
    """  # noqa: D205
    begins, ends = _month_of(days.first)
    # The first day on which a claim begins that ends in another month.
    border = np.maximum(ends - stay, begins)
    return days.within(np.where(same == 0, border, begins), np.where(same == 1, border, ends))


def _month_of(day: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The first day of each day's month and that of the next one."""
    month = day.astype("datetime64[D]").astype("datetime64[M]")
    first, after = (at.astype("datetime64[D]").astype(np.int64) for at in (month, month + 1))
    return first, after


def _second_of(hour: Codes, u: npt.NDArray[np.float64]) -> Codes:
    """A second of each hour; of MIDNIGHT the very first of the day."""
    return np.where(hour == MIDNIGHT, 0, hour * 3600 + (u * 3600).astype(np.int32)).astype(np.int32)
