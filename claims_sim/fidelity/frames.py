"""Claims as plain columns that can be compared: floats and categories with one code for both tables. Scores nothing.

A column is compared when both tables have it and neither holds it constant. Identifiers of claims, persons and
facilities never are.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from claims_sim.claim import CATEGORY_COLUMNS

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

_CATEGORIES: Final = (
    *CATEGORY_COLUMNS,
    "district_name",
    "dx_primary_code",
    "dx_primary_label",
    "procedure_code",
    "procedure_label",
)
_LABELS: Final = ("dx_primary_label", "procedure_label")
_NUMBERS: Final = ("los", "comorbidity_count", "amount_claimed", "amount_paid", "amount_gap", "claim_weight")
_DATES: Final = ("admit_dt", "discharge_dt")
AMOUNTS: Final = ("amount_claimed", "amount_paid", "amount_gap")
LIST_TEXT: Final = "secondary_codes"
"""The whole list of secondary codes as one value: for finding copies, too rare a value to be a column."""
STAND_IN: Final = "unknown"
_KEPT_APART: Final = (LIST_TEXT, "secondary_fault")
_CALENDAR: Final = ("_day", "_weekday", "_month")
_DAY: Final = np.timedelta64(1, "D")


@dataclass(frozen=True, slots=True)
class Frames:
    """Comparable frames, and what was left out of the comparison, each with the reason."""

    real: pd.DataFrame
    synthetic: pd.DataFrame
    holdout: pd.DataFrame | None
    columns: tuple[str, ...]
    left_out: dict[str, str]


def flatten(claims: pa.Table) -> pd.DataFrame:
    """Columns of floats and categories; dates become day, weekday, month and hour, the list its length and first code.

    `claims` has columns named as in `claim.FLAT_SCHEMA`, any subset; text may be dictionary-encoded.
    """
    columns: dict[str, Any] = {}
    for name in _DATES:
        if name in claims.column_names:
            columns |= _date_columns(name, claims[name])
    for name in _NUMBERS:
        if name in claims.column_names:
            columns[name] = claims[name].cast(pa.float64()).to_numpy(zero_copy_only=False)
    for name in _CATEGORIES:
        if name in claims.column_names:
            text = claims[name].cast(pa.string())
            # No payload may lack these: where the source does, claims hold a stand-in, and that is no difference.
            columns[name] = _category(text.fill_null(STAND_IN) if name in CATEGORY_COLUMNS else text)
    if "dx_secondary_codes" in claims.column_names:
        columns |= _list_columns(claims)
    return pd.DataFrame(columns, index=pd.RangeIndex(claims.num_rows))


def make_comparable(real: pa.Table, synthetic: pa.Table, holdout: pa.Table | None = None) -> Frames:
    """Flatten the tables, give equal values equal codes, and say what is not compared and why."""
    frames = [flatten(table) for table in (real, synthetic, holdout) if table is not None]
    _share_codes(frames)
    left_out: dict[str, str] = {}
    other_period = _in_another_period(frames[0], frames[1])
    for name in dict.fromkeys(name for frame in frames for name in names_of(frame)):
        if reason := _reason_to_leave_out(name, frames, other_period):
            left_out[name] = reason
    kept = [name for name in names_of(frames[0]) if name not in left_out]
    chosen = [frame[kept] for frame in frames]
    return Frames(
        real=chosen[0],
        synthetic=chosen[1],
        holdout=chosen[2] if len(chosen) > 2 else None,
        columns=tuple(name for name in kept if name not in _KEPT_APART),
        left_out=left_out,
    )


def names_of(frame: pd.DataFrame) -> list[str]:
    """The frame's columns, in order."""
    return [str(name) for name in frame.columns]


def is_number(frame: pd.DataFrame, name: str) -> bool:
    """Is the column a number (else it is a category)?"""
    return frame[name].dtype.kind == "f"


def codes_of(frame: pd.DataFrame, name: str) -> npt.NDArray[np.int64]:
    """The codes of a category column; -1 where there is no value."""
    return np.asarray(frame[name].cat.codes, np.int64)


def _reason_to_leave_out(name: str, frames: list[pd.DataFrame], other_period: bool) -> str:
    absent = [side for side, frame in zip(("real", "synthetic", "holdout"), frames, strict=False) if name not in frame]
    if absent:
        return f"not in the {absent[0]} table"
    if other_period and name.endswith(_CALENDAR):
        return "the claims are of another period"
    for side, frame in zip(("real", "synthetic", "holdout"), frames, strict=False):
        if frame[name].nunique(dropna=False) < 2 and name not in _KEPT_APART:
            return f"has one value only in the {side} table"
    return ""


def _in_another_period(real: pd.DataFrame, synthetic: pd.DataFrame) -> bool:
    """Were most synthetic claims admitted outside the real table's period, as those of a live stream are?"""
    if "admit_dt_day" not in real or "admit_dt_day" not in synthetic:
        return False
    days, theirs = real["admit_dt_day"].dropna(), synthetic["admit_dt_day"].dropna()
    if days.empty or theirs.empty:
        return False
    first, last = days.quantile([0.001, 0.999])
    return bool(theirs.between(first - 1, last + 1).mean() < 0.5)


def _date_columns(name: str, column: pa.ChunkedArray) -> dict[str, Any]:
    moments = column.cast(pa.timestamp("us")).to_numpy().astype("datetime64[us]")
    days = moments.astype("datetime64[D]")
    missing = np.isnat(moments)

    def number(values: npt.NDArray[Any]) -> Floats:
        return np.where(missing, np.nan, values.astype(np.float64))

    return {
        f"{name}_day": number((days - np.datetime64("2000-01-01", "D")).astype(np.int64)),
        f"{name}_weekday": number((days.astype(np.int64) + 3) % 7),
        f"{name}_month": number(moments.astype("datetime64[M]").astype(np.int64) % 12 + 1),
        f"{name}_hour": number((moments - days) // np.timedelta64(1, "h")),
    }


def _category(column: pa.ChunkedArray) -> pd.Categorical:
    array = column.cast(pa.string()).combine_chunks().dictionary_encode()
    array = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    return _categorical(array.indices.fill_null(-1).to_numpy(), array.dictionary.to_pylist())


def _categorical(codes: npt.NDArray[Any], values: list[str]) -> pd.Categorical:
    return pd.Categorical.from_codes(codes.astype(np.int64).tolist(), categories=pd.Index(values, dtype=object))


def _list_columns(claims: pa.Table) -> dict[str, Any]:
    """Of the secondary codes: how many, the first, whether one repeats or is the primary, and all as one text."""
    column = claims["dx_secondary_codes"].combine_chunks()
    lists = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    rows = pc.list_parent_indices(lists).to_numpy()
    members = lists.flatten().cast(pa.string())
    lengths = lists.value_lengths().fill_null(0).to_numpy()
    start = np.flatnonzero(np.r_[True, rows[1:] != rows[:-1]]) if len(rows) else rows
    first = np.full(claims.num_rows, None, object)
    first[rows[start]] = np.asarray(members.take(pa.array(start)).to_pylist(), object)
    fault = np.zeros(claims.num_rows)
    pairs = pd.DataFrame({"row": rows, "code": members.to_numpy(zero_copy_only=False)})
    fault[rows[pairs.duplicated().to_numpy()]] = 1
    if "dx_primary_code" in claims.column_names:
        primary = claims["dx_primary_code"].cast(pa.string()).combine_chunks().take(pa.array(rows))
        fault[rows[pc.equal(members, primary).fill_null(False).to_numpy(zero_copy_only=False)]] = 1
    whole = pa.ListArray.from_arrays(pa.array(np.r_[0, np.cumsum(lengths)], pa.int32()), members)
    return {
        "secondary_count": lengths.astype(np.float64),
        "secondary_first": _category(pa.chunked_array([pa.array(first, pa.string())])),
        "secondary_fault": fault,
        LIST_TEXT: _category(pa.chunked_array([pc.binary_join(whole, ";")])),
    }


def _in_the_same_letters(frames: list[pd.DataFrame], name: str) -> None:
    """Which letters a label is written in is its house's, and a part of a table may not show that it is: Malaria is MALARIA."""
    spelled: dict[str, str] = {}
    for frame in frames:
        for value in frame[name].cat.categories:
            spelled.setdefault(value.upper(), value)
    for frame in frames:
        frame[name] = (
            frame[name].map({value: spelled[value.upper()] for value in frame[name].cat.categories}).astype("category")
        )


def _share_codes(frames: list[pd.DataFrame]) -> None:
    for name in names_of(frames[0]):
        sides = [frame for frame in frames if name in frame]
        if sides[0][name].dtype.kind == "f":
            continue
        if name in _LABELS:
            _in_the_same_letters(sides, name)
        values = pd.Index([])
        for side in sides:
            values = values.union(side[name].cat.categories, sort=False)
        for side in sides:
            side[name] = side[name].cat.set_categories(values)
