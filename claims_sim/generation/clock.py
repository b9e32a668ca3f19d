"""When a streamed claim happens. Turns stays in days into local timestamps; knows nothing of fields other than time."""

from datetime import UTC, datetime
from typing import Final

import numpy as np
import pyarrow as pa

from claims_sim.codes.places import utc_offset_hours
from claims_sim.profile.drawing.timing import Days
from claims_sim.profile.sampler import Sampler
from claims_sim.randomness import stream_key, uniforms
from claims_sim.settings import Clock

_SECOND: Final = np.timedelta64(1, "s")
_DAY: Final = np.timedelta64(86_400, "s")
_ADMITTED_WITHIN_S: Final = 10  # claims of a batch were admitted 1 to 10 seconds before they are seen
_SUBMITTED_WITHIN_S: Final = 6 * 3600  # intake: a claim is submitted within six hours of discharge


def add_times(
    claims: pa.Table,
    sampler: Sampler,
    clock: Clock,
    key: int,
    rows: np.ndarray,
    as_of: datetime,
    days: Days | None = None,
) -> pa.Table:
    """`claims` with admit_dt and discharge_dt (local wall clock) and generated_at (UTC), all without zone.

    `los` stays true: it is the number of local days between admission and discharge. `as_of` is UTC.
    Where the days of admission are asked for, they win over the clock.
    """
    generated = np.datetime64(as_of.astimezone(UTC).replace(tzinfo=None, microsecond=0), "s")
    if clock == "history" or days is not None:
        history = sampler.draw_history(stream_key(key, "history"), rows, claims, days)
        admit, discharge = (history[name] for name in ("admit_dt", "discharge_dt"))
        return _with_times(claims, admit, discharge, np.full(len(claims), generated))
    offset = _offsets(claims["province_name"])
    days = claims["los"].fill_null(0).to_numpy().astype("timedelta64[D]").astype("timedelta64[s]")
    u = uniforms(stream_key(key, "clock"), rows)
    same_day = uniforms(stream_key(key, "same-day"), rows)
    if clock == "admission":
        admit = generated - _SECOND - (u * _ADMITTED_WITHIN_S).astype("timedelta64[s]") + offset
        midnight = _midnight(admit)
        leave = _times(sampler, key, rows, claims, midnight, "discharge_second")
        # On the day of admission the rest of the day is what is left for care.
        left = (midnight + _DAY - _SECOND - admit).astype(float)
        hours = np.minimum(left * same_day, same_day * 6 * 3600 + 900)
        back = admit + np.minimum(hours, left).astype("timedelta64[s]")
        discharge = np.where(days == np.timedelta64(0, "s"), back, midnight + days + leave)
    else:
        discharge = generated - (u * _SUBMITTED_WITHIN_S).astype("timedelta64[s]") + offset
        midnight = _midnight(discharge)
        came = _times(sampler, key, rows, claims, midnight - days, "admit_second")
        since_midnight = (discharge - midnight).astype(float)
        earlier = midnight + (since_midnight * same_day).astype("timedelta64[s]")
        admit = np.where(days == np.timedelta64(0, "s"), earlier, midnight - days + came)
    return _with_times(claims, admit, discharge, np.full(len(claims), generated))


def _midnight(moments: np.ndarray) -> np.ndarray:
    return moments.astype("datetime64[D]").astype("datetime64[s]")


def _times(
    sampler: Sampler, key: int, rows: np.ndarray, claims: pa.Table, admitted: np.ndarray, name: str
) -> np.ndarray:
    """The seconds `name` of the day of claims that are admitted on these days: Sundays have hours of their own."""
    columns = {one: claims[one] for one in claims.column_names}
    dated = pa.table(columns | {"admit_dt": pa.array(admitted.astype("datetime64[us]"))})
    seconds: np.ndarray = sampler.draw_day_times(stream_key(key, "times"), rows, dated)[name].to_numpy()
    return seconds.astype("timedelta64[s]")


def _offsets(provinces: pa.ChunkedArray) -> np.ndarray:
    encoded = provinces.combine_chunks().dictionary_encode()
    hours = np.array([utc_offset_hours(name) for name in encoded.dictionary.to_pylist()] or [7])
    index = encoded.indices.fill_null(0).to_numpy(zero_copy_only=False)
    offsets: np.ndarray = (hours[index] * 3600).astype("timedelta64[s]")
    return offsets


def _with_times(claims: pa.Table, admit: object, discharge: object, generated: np.ndarray) -> pa.Table:
    columns = {name: claims[name] for name in claims.column_names}
    for name, values in (("admit_dt", admit), ("discharge_dt", discharge), ("generated_at", generated)):
        array = values if isinstance(values, pa.ChunkedArray) else pa.array(np.asarray(values).astype("datetime64[us]"))
        columns[name] = array.cast(pa.timestamp("us"))
    return pa.table(columns)
