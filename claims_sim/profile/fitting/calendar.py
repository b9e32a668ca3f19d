"""When claims come: months, weekdays and hours as variables. Single dates are kept only where they stand out."""

from collections.abc import Sequence
from datetime import date
from typing import Any, Final, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from claims_sim.profile.counts.builder import Builder
from claims_sim.profile.counts.counting import Codes, Ints, Mask
from claims_sim.profile.counts.numbers import Binned, Numbers, bin_numbers
from claims_sim.profile.counts.release import Parent, Target
from claims_sim.profile.counts.structure import CLEARLY
from claims_sim.profile.document_parts import MAX_DAYS_WITHOUT, Bins
from claims_sim.profile.encoding.encode import (
    DAY,
    DISCHARGE_MONTH,
    HAS_CASE_GROUP,
    HOUR,
    MONTH,
    SEASON,
    STAY_SPAN,
    WEEKDAY,
    Encoded,
)
from claims_sim.profile.fitting.special_dates import SPECIAL_DATE, find_special_dates
from claims_sim.profile.fitting.wordings import DX_WORDING, PROCEDURE_WORDING

MONTHS, WEEKDAYS, HOURS = 12, 7, 24
MIDNIGHT: Final = HOURS
"""The code, behind those of the hours, of claims whose house writes the day only: at 0:00 sharp among times of any minute."""
_PRACTICALLY_ALL: Final = 0.999
_MOSTLY, _SOME_WHOLE = 0.9, 0.1
"""The shares of the visits of some minutes that must last whole ones for all to, where few do not; and for these to be told apart."""
_SOME_AT_MIDNIGHT, _MOSTLY_SHARP = 0.01, 0.5
"""The shares of all claims, and of those of the first hour, that must be at 0:00 sharp."""
TIME_GRIDS: Final = (3600, 1800, 900, 300, 60, 1)
_SOME_TIMES: Final = 0.01
"""The share of moments with a time of day from which on they tell one."""
_DAYS_OF_MONTH: Final = 30.4
_FEW_DAYS, _FEWEST_MONTHS = 3, 3
"""On so few days of a month, from its begin or its end, there are claims where these tell their month alone; so many months show it."""
_MANY_EXPECTED: Final = 5
"""So many times k claims must be expected on days without any, for these to be told of."""
PAST_MIDNIGHT: Final = "past_midnight"
"""Whether a visit of no day of stay ends on the next day: it begins late, and ends early. Not, where its end is not told."""
PERIOD: Final = "admit_period"
"""Which part of the source's months claims come in: it is drawn before the month, where these are many."""
_MANY_MONTHS, _PERIODS = 48, (4, 12, 24)
"""From so many months on they are told in periods first, in so many of about equally many claims each, where that tells more."""
STAY_GAP: Final = "stay_gap"
"""The days between the dates minus the stay: -1 where a stay counts both days, 29 where a month is billed at once."""
_NEVER: Final = np.datetime64("NaT")
_USUAL_GAPS: Final = (-1, 0, 1)
_MOSTLY_APART: Final = 0.2
"""The share of the claims with another gap from which on the dates tell something else."""
_SOMETIMES_APART: Final = 0.01
"""The share of the claims with another gap from which on that is a matter of what is done and is paid so: a month's visits on one bill."""
_COUNTED_BY: Final = (
    "service_type", "los", "severity_group", "facility_class", "facility_ownership", "province_name", MONTH,
)  # fmt: skip
_MOST_GAPS: Final = 24
SAME_MONTH: Final = "same_month"
"""The table of whether a claim ends in the month it begins in, where that comes oftener, or less often, than on any days: where bills are
closed with the month."""
_OFTENER: Final = 0.02
"""The share of the claims that must end in their month beyond those that would on any days, or be lacking to these."""
STAY_MINUTES: Final = "stay_minutes"
"""The table of the minutes that stays last beyond the days between their dates, where many last the same (less than none where a
visit ends behind midnight); OF_ANY_TIME where they last others."""
_MINUTES_OF_DAY: Final = 1440
OF_ANY_TIME: Final = _MINUTES_OF_DAY
_COMMON_MINUTES, _FEW_MINUTES, _MOST_MINUTES = 0.0005, 60, 400
"""The share of the visits that last so many minutes, for these to be told by themselves; and how many such there are, no more and no fewer
where more may be told.
"""
_OFTEN, _COMMONEST = 0.05, 0.2
"""The shares of the stays that must last the same minutes beyond their days, for these to be told, and for any to be."""


class Times(NamedTuple):
    """The months that were released, the dates that stand out, how fine the source's times are, and how many days the first and
    the last month lack.
    """  # noqa: D205

    months: tuple[str, ...]
    special_dates: tuple[date, ...]
    granularity: Literal["day", "time"]
    grid_s: int
    days_without: tuple[int, int] = (0, 0)


def moments_of(admit: npt.NDArray[np.datetime64]) -> dict[str, Codes]:
    """The codes of SEASON, WEEKDAY and HOUR of moments; -1 where there is none."""
    known = ~np.isnat(admit)
    day = admit[known].astype("datetime64[D]")
    parts = {
        SEASON: day.astype("datetime64[M]").astype(np.int64) % MONTHS,
        WEEKDAY: (day.astype(np.int64) + 3) % WEEKDAYS,
        HOUR: (admit[known].astype("datetime64[s]") - day).astype(np.int64) // 3600,
    }
    out = {}
    for name, part in parts.items():
        out[name] = np.full(len(admit), -1, np.int32)
        out[name][known] = part
    return out


def discharge_months(
    admit_month: Codes, discharge: npt.NDArray[np.datetime64], months: npt.NDArray[np.datetime64]
) -> Codes:
    """The codes of DISCHARGE_MONTH of moments; -1 where there is none, and of admissions (`admit_month`) in no month of the profile's."""
    code = np.searchsorted(months, discharge.astype("datetime64[M]"))
    return np.where(np.isnat(discharge) | (admit_month < 0), -1, code).astype(np.int32)


def add_moments(builder: Builder, encoded: Encoded, bins: dict[str, Bins]) -> None:
    """Let tables depend on the moment of admission; and on the days to the discharge, where the days of stay do not tell them."""
    if encoded.admit is None:
        return
    builder.variables[MONTH] = (encoded.codes[MONTH], len(encoded.vocabularies[MONTH]))
    if encoded.discharge is not None:
        stay = np.full(encoded.rows, np.nan) if encoded.los is None else encoded.los
        by_stay = np.where(np.isfinite(stay), encoded.admit + np.nan_to_num(stay).astype(np.int64) * DAY, _NEVER)
        leaves = np.where(np.isnat(encoded.discharge), by_stay, encoded.discharge)
        months = np.array(encoded.vocabularies[MONTH], "datetime64[M]")
        builder.variables[DISCHARGE_MONTH] = (discharge_months(encoded.codes[MONTH], leaves, months), len(months) + 1)
    moments = moments_of(encoded.admit)
    builder.variables[SEASON] = (moments[SEASON], MONTHS)
    builder.variables[WEEKDAY] = (moments[WEEKDAY], WEEKDAYS)
    if _timed(encoded) is not None:
        builder.variables[HOUR] = (moments[HOUR], HOURS)
    if encoded.days is None or encoded.los is None or encoded.days is encoded.los:
        return
    apart = _share_apart(encoded, encoded.days - encoded.los)
    if apart > _MOSTLY_APART:
        _profile_stay_span(builder, encoded, bins)
    if STAY_SPAN not in bins:
        _profile_stay_gap(builder, encoded, bins, tells=apart > _SOMETIMES_APART)


def _share_apart(encoded: Encoded, gap: Numbers) -> float:
    """The share of the claims with another gap than usual, one of each person; none, where those that have one may not be told."""
    known = np.flatnonzero(np.isfinite(gap))
    one = known[encoded.population.one_of_each(known)]
    apart = one[np.abs(gap[one]) > max(_USUAL_GAPS)]
    return len(apart) / len(one) if len(apart) and encoded.population.may_be_told(apart) else 0.0


def profile_calendar(builder: Builder, encoded: Encoded, bins: dict[str, Bins]) -> Times:
    """Release the tables of month, special dates, weekday and hours."""
    if encoded.admit is None:
        return Times((), (), "day", 1)
    months = tuple(str(month) for month in encoded.vocabularies[MONTH])
    context = ["service_type", "dx_primary_code", "province_name", "facility_class"]
    # Codes of procedures are renewed in some month; who comes without an appointment comes at weekends too.
    done = [*context, "procedure_code", "facility_type"]
    # How far a claim has come (pended, decided), where that is what its severity says, is a matter of time.
    target = Target(MONTH, encoded.codes[MONTH], len(months))
    # Editions of a list follow each other.
    candidates = builder.candidates([*done, "facility_ownership", "severity_group", DX_WORDING, PROCEDURE_WORDING])
    learned = builder.learn(target, candidates, 3)
    # Each place begins to group its cases in its own month; or all do for one kind of service, in houses of one owner.
    for first in (
        ["service_type", HAS_CASE_GROUP, "province_name"],
        ["service_type", "facility_ownership", "severity_group"],
    ):
        learned = builder.or_rather(target, learned, first)
    learned = _add_period(builder, target, candidates, learned)
    builder.add(target, candidates, learned=learned, first=[PERIOD])
    lacking = _days_without(encoded, months)
    if any(lacking):
        ends = zip(("first", "last"), lacking, strict=True)
        told = " and ".join(f"the {which} month lacks its {which} {days} days" for which, days in ends if days)
        encoded.oddities.append(f"{told[0].upper()}{told[1:]}: no claims are drawn there.")
    special = _profile_special_dates(builder, encoded, context)
    _profile_same_month(builder, encoded)
    weekday = np.where(special.on, -1, builder.variables[WEEKDAY][0]).astype(np.int32)
    # No house that is closed on Sundays sends anybody home then, either.
    builder.add(Target("admit_weekday", weekday, WEEKDAYS), builder.candidates([*done, "los", STAY_SPAN]), most=3)
    if _timed(encoded) is None:
        return Times(months, special.dates, "day", 1, lacking)
    _profile_hours(builder, encoded)
    _profile_same_day(builder, encoded, bins)
    _profile_stay_minutes(builder, encoded, bins)
    return Times(months, special.dates, "time", time_grid(encoded), lacking)


def _add_period(builder: Builder, month: Target, candidates: Sequence[Parent], learned: list[Parent]) -> list[Parent]:
    """The table of the period, where months are many and what comes when is told better so: each month has too few claims for that.

    Returns what the month is drawn by: the period and what else tells something then, or what was `learned`.
    """
    if month.size < _MANY_MONTHS:
        return learned
    kept, least, best = dict(builder.features), builder.gain(month, learned) + CLEARLY, None
    for count in _PERIODS:
        builder.features = dict(kept)
        period = Target(PERIOD, _periods(month, count), count)
        before = builder.learn(period, candidates, 3, has_many=True)
        own = Parent(PERIOD, period.codes, count)
        # Behind their period months are learned by what tells the rest.
        rest = builder.learn(month, [own, *candidates], 3, has_many=True)
        within = [own, *(parent for parent in rest if parent.variable != PERIOD)]
        gain = builder.gain(period, before) + builder.gain(month, within, 1)
        if gain > least:
            least, best = gain, (period, before, within, builder.features)
    builder.features = kept
    if best is None:
        return learned
    period, before, within, found = best
    used = {parent.name for parent in (*before, *within)}
    for unused in {parent.name for parent in learned if "~" in parent.name} - used:
        del builder.features[unused]
    builder.variables[PERIOD] = (period.codes, period.size)
    builder.use_feature(PERIOD)
    builder.features |= {name: found[name] for name in used - {PERIOD}}
    builder.add(period, candidates, learned=before)
    return within


def _periods(month: Target, count: int) -> Codes:
    """In which of `count` parts of the months each claim comes, of about equally many claims each; -1 where its month is not known."""
    come = np.cumsum(np.bincount(month.codes[month.codes >= 0], minlength=month.size))
    part = np.clip((come - 1) * count // come[-1], 0, count - 1)
    codes: Codes = np.append(part, -1)[month.codes].astype(np.int32)
    return codes


def _days_without(encoded: Encoded, months: Sequence[str]) -> tuple[int, int]:
    """How many days of the first month come before its claims, and how many of the last one behind them.

    None, unless many would be expected there, hardly any came, and so many on the day itself that it may be told; nor where all
    come on the first days of a month, or its last ones, which tell no more than the month.
    """
    assert encoded.admit is not None  # noqa: S101 - the caller has looked
    if not months:
        return 0, 0
    if len(months) >= _FEWEST_MONTHS and _is_dated_by_months(encoded.admit[encoded.codes[MONTH] >= 0]):
        return 0, 0  # The others lack in every month.
    population, found = encoded.population, []
    span = int((np.datetime64(months[-1], "M") - np.datetime64(months[0], "M")).astype(int)) + 1
    a_day = int((encoded.codes[MONTH] >= 0).sum()) / (_DAYS_OF_MONTH * span)
    for code, backwards in ((0, False), (len(months) - 1, True)):
        rows = np.flatnonzero(encoded.codes[MONTH] == code)
        first = np.datetime64(months[code], "M")
        length = int(((first + 1).astype("datetime64[D]") - first.astype("datetime64[D]")).astype(int))
        day = (encoded.admit[rows].astype("datetime64[D]") - first.astype("datetime64[D]")).astype(int)
        day = length - 1 - day if backwards else day
        begins = next((d for d in range(length) if population.may_be_told(rows[day == d])), 0)
        is_plain = begins * a_day >= _MANY_EXPECTED * population.k and int((day < begins).sum()) < population.k
        found.append(min(begins, MAX_DAYS_WITHOUT) if is_plain else 0)
    before, behind = found
    return (before, behind) if len(months) > 1 or before + behind <= MAX_DAYS_WITHOUT else (0, 0)


def _is_dated_by_months(admit: npt.NDArray[np.datetime64]) -> bool:
    """Do all claims come on the first days of a month, or on its last ones?"""
    day, month = admit.astype("datetime64[D]"), admit.astype("datetime64[M]")
    begins, ends = (at.astype("datetime64[D]").astype(np.int64) for at in (month, month + 1))
    since, until = day.astype(np.int64) - begins, ends - 1 - day.astype(np.int64)
    return min(int(since.max(initial=0)), int(until.max(initial=0))) < _FEW_DAYS


class _Special(NamedTuple):
    """The dates that stand out, and the claims that fall on them."""

    dates: tuple[date, ...]
    on: Mask


def _profile_special_dates(builder: Builder, encoded: Encoded, context: Sequence[str]) -> _Special:
    """Release the table of special dates, where there are any."""
    assert encoded.admit is not None  # noqa: S101 - the caller has looked
    known = np.flatnonzero(encoded.codes[MONTH] >= 0)
    day = encoded.admit[known].astype("datetime64[D]").astype(np.int64)
    found = find_special_dates(day, known, encoded.population)
    on = np.zeros(encoded.rows, np.bool_)
    if len(found):
        place = np.minimum(np.searchsorted(found, day), len(found) - 1)
        hit = found[place] == day
        codes: Codes = np.full(encoded.rows, -1, np.int32)
        codes[known] = np.where(hit, place, len(found))
        on[known] = hit
        builder.add(Target(SPECIAL_DATE, codes, len(found) + 1), builder.candidates([MONTH, *context]), most=3)
    return _Special(tuple(found.astype("datetime64[D]").tolist()), on)


def _profile_stay_gap(builder: Builder, encoded: Encoded, bins: dict[str, Bins], *, tells: bool) -> None:
    """The days between the dates less the days of stay; and whether what is billed may follow from these, `tells`."""
    assert encoded.days is not None  # noqa: S101 - the caller has looked
    assert encoded.los is not None  # noqa: S101
    gap = encoded.days - encoded.los
    known = np.flatnonzero(np.isfinite(gap))
    values, number = np.unique(gap[known].astype(np.int64), return_inverse=True)
    told = values[encoded.population.releasable(number.astype(np.int64), len(values), known)]
    many = told[np.argsort(-np.bincount(number)[np.searchsorted(values, told)], kind="stable")][:_MOST_GAPS]
    gaps = np.unique([*_USUAL_GAPS, *many.tolist()])
    codes: Codes = np.full(len(gap), -1, np.int32)
    place = np.minimum(np.searchsorted(gaps, gap[known]), len(gaps) - 1)
    codes[known] = np.where(gaps[place] == gap[known], place, -1)
    bins[STAY_GAP] = _single(gaps.tolist())
    # How days are counted is a habit of who keeps them: of a region, a kind of hospital, a system that writes severity its way.
    done = ["procedure_code", *["dx_primary_code"] * tells] if len(gaps) > len(_USUAL_GAPS) else []
    # Where amounts follow it, it has to be known of claims whose month is not.
    counted_by = [name for name in _COUNTED_BY if not (tells and name == MONTH)]
    builder.add(Target(STAY_GAP, codes, len(gaps)), builder.candidates([*counted_by, *done]), most=3)
    if tells:
        builder.variables[STAY_GAP] = (codes, len(gaps))
    past = (encoded.days == 1) & (encoded.los == 0)
    if encoded.population.may_be_told(np.flatnonzero(past)):
        builder.variables[PAST_MIDNIGHT] = (past.astype(np.int32), 2)


def _profile_stay_span(builder: Builder, encoded: Encoded, bins: dict[str, Bins]) -> None:
    """The days between the dates where they tell something else than the days of stay: how long a case is open."""
    assert encoded.days is not None  # noqa: S101 - the caller has looked
    binned = bin_numbers(encoded.days, encoded.population, whole=True, most=24, most_single=120)
    size = len(binned.bins.lo)
    if size:
        bins[STAY_SPAN] = binned.bins
        context = builder.candidates([*_COUNTED_BY, "facility_type", "dx_primary_code", "procedure_code"])
        builder.add(Target(STAY_SPAN, binned.codes, size), context, most=3)
        builder.variables[STAY_SPAN] = (binned.codes, size)


def _profile_same_month(builder: Builder, encoded: Encoded) -> None:
    if encoded.days is None:
        return
    assert encoded.admit is not None  # noqa: S101 - the caller has looked
    known = np.flatnonzero(np.isfinite(encoded.days) & ~np.isnat(encoded.admit) & (encoded.days >= 0))
    first, days = encoded.admit[known].astype("datetime64[D]"), encoded.days[known].astype(np.int64)
    month = first.astype("datetime64[M]")
    same = (first + days).astype("datetime64[M]") == month
    # Nobody's many claims make it so, nor do too few.
    one = encoded.population.one_of_each(known)
    # Begun on the days that claims begin on, whichever that is: how many days there are to the end of their month.
    left = np.sort(((month + 1).astype("datetime64[D]") - first).astype(np.int64)[one])
    on_any_day = 1 - np.searchsorted(left, days[one], side="right") / max(len(left), 1)
    if not encoded.population.may_be_told(known) or abs(float(np.mean(same[one] - on_any_day))) < _OFTENER:
        return
    codes: Codes = np.full(encoded.rows, -1, np.int32)
    codes[known] = same
    # Of what begins and ends on one day nothing else is to be told.
    codes[known[days == 0]] = -1
    context = ["service_type", "los", STAY_SPAN, "facility_type", "facility_class"]
    builder.add(Target(SAME_MONTH, codes, 2), builder.candidates(context), most=3)


def _single(values: Sequence[int]) -> Bins:
    numbers = tuple(float(value) for value in values)
    return Bins(lo=numbers, hi=numbers)


def _profile_stay_minutes(builder: Builder, encoded: Encoded, bins: dict[str, Bins]) -> None:
    """Minutes beyond their days that stays last: the two hours would not tell that a system ends them so many days later."""
    if encoded.leaves_at is None or encoded.admit is None or encoded.days is None:
        return
    stays = np.flatnonzero((encoded.days > 0) & ~np.isnat(encoded.leaves_at))
    minutes = (encoded.leaves_at[stays] - encoded.admit[stays]) / np.timedelta64(1, "m")
    beyond = minutes - encoded.days[stays] * _MINUTES_OF_DAY
    whole = beyond == np.floor(beyond)
    rows, minute = stays[whole], beyond[whole].astype(np.int64)
    values, number = np.unique(minute, return_inverse=True)
    counts, number = np.bincount(number, minlength=len(values)), number.astype(np.int64)
    often = (counts > _OFTEN * len(stays)) & encoded.population.releasable(number, len(values), rows)
    told = values[often]
    if counts[often].max(initial=0) < max(_COMMONEST * len(stays), 1):
        return
    codes: Codes = np.full(encoded.rows, -1, np.int32)
    codes[stays] = len(told)
    place = np.minimum(np.searchsorted(told, minute), len(told) - 1)
    codes[rows] = np.where(told[place] == minute, place, len(told))
    bins[STAY_MINUTES] = _single([*told.tolist(), OF_ANY_TIME])
    context = ["service_type", "los", "admit_hour", "facility_class"]
    builder.add(Target(STAY_MINUTES, codes, len(told) + 1), builder.candidates(context), most=3)


def _timed(encoded: Encoded) -> npt.NDArray[Any] | None:
    """The known admissions where some tell a time of day, else the discharges; None where neither do."""
    for moments in (encoded.admit, encoded.leaves_at):
        known = moments[~np.isnat(moments)] if moments is not None else np.zeros(0, "datetime64[us]")
        if len(known) and float(np.mean(known != known.astype("datetime64[D]"))) > _SOME_TIMES:
            return np.asarray(known)
    return None


def time_grid(encoded: Encoded) -> int:
    """The coarsest number of seconds on which practically all times of day lie."""
    known = _timed(encoded)
    seconds = np.zeros(0, np.int64) if known is None else known.astype("datetime64[s]").astype(np.int64)
    return next(grid for grid in TIME_GRIDS if grid == 1 or np.mean(seconds % grid == 0) > _PRACTICALLY_ALL)


def _profile_same_day(builder: Builder, encoded: Encoded, bins: dict[str, Bins]) -> None:
    """Minutes between admission and discharge of the same day: the two hours alone would not tell."""
    if encoded.leaves_at is None or encoded.admit is None or encoded.days is None:
        return
    minutes = np.full(encoded.rows, np.nan)
    same = encoded.days == 0
    exact = (_ends(encoded, same)[same] - encoded.admit[same]) / np.timedelta64(1, "m")
    minutes[same] = np.floor(exact)
    counts = np.unique(minutes[same], return_counts=True)[1]
    common = int(np.count_nonzero(counts > _COMMON_MINUTES * counts.sum()))
    most = min(max(common, _FEW_MINUTES), _MOST_MINUTES)
    binned = bin_numbers(minutes, encoded.population, whole=True, most=60, most_single=most)
    if len(binned.bins.lo):
        codes, bins["same_day_minutes"] = _with_whole_minutes(encoded, binned, np.flatnonzero(same), exact)
        target = Target("same_day_minutes", codes, len(bins["same_day_minutes"].lo))
        context = [
            "service_type",
            "admit_hour",
            "facility_class",
            "severity_group",
            "procedure_code",
            "dx_primary_code",
        ]
        builder.add(target, builder.candidates(context), most=3)


def _with_whole_minutes(
    encoded: Encoded, binned: Binned, rows: Ints, minutes: npt.NDArray[np.float64]
) -> tuple[Codes, Bins]:
    """The ranges of minutes that `rows` last, of which some are of whole minutes though their visits begin at any second: where many are
    and some are not, a range of their own beside that of the others.
    """  # noqa: D205
    codes, lo, hi = binned.codes.copy(), np.array(binned.bins.lo), np.array(binned.bins.hi)
    size, told = len(lo), np.flatnonzero(binned.codes[rows] >= 0)
    code, is_whole = codes[rows[told]].astype(np.int64), minutes[told] == np.floor(minutes[told])
    share = np.bincount(code, is_whole, size) / np.maximum(np.bincount(code, minlength=size), 1)
    may = encoded.population.releasable(2 * code + is_whole, 2 * size, rows[told]).reshape(size, 2)
    split = np.flatnonzero((share > _SOME_WHOLE) & may.all(1))
    own = np.full(size, -1)
    own[split] = size + np.arange(len(split))
    moved = is_whole & (own[code] >= 0)
    codes[rows[told[moved]]] = own[code[moved]]
    whole = np.r_[(share > _MOSTLY) & (own < 0) & may[:, 1], np.ones(len(split), np.bool_)]
    lo, hi = np.r_[lo, lo[split]], np.r_[hi, hi[split]] + ~whole
    some = True if whole.all() else tuple(whole.tolist())
    return codes, Bins(lo=tuple(lo.tolist()), hi=tuple(hi.tolist()), whole=some if whole.any() else False)


def _ends(encoded: Encoded, those: Mask) -> npt.NDArray[Any]:
    """The discharges of `those` that the source tells; where these may not be told of, also what stands in for one."""
    assert encoded.leaves_at is not None  # noqa: S101 - the caller has looked
    assert encoded.discharge is not None  # noqa: S101 - as above
    told = np.flatnonzero(those & ~np.isnat(encoded.leaves_at))
    return encoded.leaves_at if encoded.population.may_be_told(told) else encoded.discharge


def _profile_hours(builder: Builder, encoded: Encoded) -> None:
    ends = None if encoded.leaves_at is None else _ends(encoded, np.ones(encoded.rows, np.bool_))
    by_minute = time_grid(encoded) < TIME_GRIDS[0]
    for name, moments in (("admit_hour", encoded.admit), ("discharge_hour", ends)):
        if moments is None:
            continue
        known = ~np.isnat(moments)
        codes: Codes = np.full(len(moments), -1, np.int32)
        within = moments[known] - moments[known].astype("datetime64[D]")
        codes[known] = (within / DAY * HOURS).astype(np.int32)
        sharp = np.flatnonzero(known)[within == np.timedelta64(0, "s")]
        some = len(sharp) > max(_SOME_AT_MIDNIGHT * int(known.sum()), _MOSTLY_SHARP * int((codes == 0).sum()))
        has_midnight = some and by_minute and encoded.population.may_be_told(sharp)
        if has_midnight:
            codes[sharp] = MIDNIGHT
        size = HOURS + has_midnight
        # Whoever comes for an operation comes early, an emergency at any time, on Sundays above all.
        context = [
            "service_type",
            "los",
            "admit_hour",
            "facility_class",
            "facility_ownership",
            "facility_type",
            "procedure_code",
            "dx_primary_code",
            "severity_group",
            "province_name",
            WEEKDAY,
        ]
        builder.add(Target(name, codes, size), builder.candidates(context), most=3, first=[PAST_MIDNIGHT])
        builder.variables[name] = (codes, size)
