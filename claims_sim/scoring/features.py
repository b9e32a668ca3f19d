"""Flat claims as the columns that scoring works on. Reads and derives; knows no training data and judges nothing.

Foreign tables may lack columns or hold nulls: a missing text is "", a missing number NaN, and everything downstream
treats both as "cannot be judged" rather than as an anomaly.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from claims_sim.claim import MAX_AMOUNT
from claims_sim.errors import SourceError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

TEXTS: Final = {
    "service": "service_type",
    "dx": "dx_primary_code",
    "severity": "severity_group",
    "class": "facility_class",
    "province": "province_name",
    "owner": "facility_ownership",
    "procedure": "procedure_code",
}
READ: Final = (
    "claim_id", "admit_dt", "discharge_dt", "los", "amount_claimed", "amount_paid", "dx_secondary_codes",
    "comorbidity_count", "patient_id_hash", "facility_id", *TEXTS.values(),
)  # fmt: skip
"""The flat columns that are read where they are there."""
_DX_CATEGORY_LENGTH: Final = 3  # ICD-10: the three-character category, e.g. J18 of J189
_COMPANION_BANDS: Final = (1, 2, 3, 5)
_STAY_BANDS: Final = (1, 2, 3, 4, 6, 9, 14)
_DAY_US: Final = 86_400_000_000


@dataclass(frozen=True, slots=True)
class Features:
    """Columns of equal length: texts as Arrow strings without nulls, numbers as floats with NaN for unknown."""

    rows: int
    texts: dict[str, pa.Array]
    secondary_values: pa.Array  # all secondary codes, one after another
    secondary_rows: Ints  # the claim of each of them
    secondary_key: pa.Array  # a claim's secondary codes as one text
    stay: Floats  # days
    claimed: Floats
    paid: Floats
    companions: Floats
    admit_day: Floats  # days since 1970
    person: pa.Array  # pseudonym or ""
    facility: pa.Array  # pseudonym or ""
    admitted: Floats  # days since 1970, with the time of day
    discharged: Floats

    @property
    def log_amount(self) -> Floats:
        """Natural logarithm of the claimed amount; NaN where it is unknown or not positive."""
        return _log(self.claimed)

    @property
    def log_per_day(self) -> Floats:
        """Natural logarithm of the claimed amount per day of care; a stay within one day counts as one day."""
        return _log(self.claimed / np.maximum(self.stay, 1.0))

    @property
    def log_stay(self) -> Floats:
        """Natural logarithm of days + 1."""
        return np.log1p(np.maximum(self.stay, 0.0))

    @property
    def paid_share(self) -> Floats:
        """Paid over claimed; NaN where nothing was claimed."""
        share = np.full(self.rows, np.nan)
        known = np.isfinite(self.paid) & (self.claimed > 0)
        np.divide(self.paid, self.claimed, out=share, where=known)
        return share


def read_features(claims: pa.Table) -> Features:
    """The features of `claims` (any subset of the flat columns; amounts in rupiah, dates local).

    Raises SourceError when there is neither amount_claimed nor amount_paid.
    """
    if not {"amount_claimed", "amount_paid"} & set(claims.column_names):
        raise SourceError("the claims to score have neither amount_claimed nor amount_paid: add or map one of them.")
    texts = {name: _text(claims, column) for name, column in TEXTS.items()}
    texts["dx_category"] = pc.utf8_slice_codeunits(texts["dx"], 0, _DX_CATEGORY_LENGTH)
    values, owners, joined = _secondary(claims)
    listed = np.bincount(owners, minlength=len(claims)).astype(np.float64)
    companions = np.fmax(_number(claims, "comorbidity_count"), listed)
    claimed, paid = _money(claims, "amount_claimed"), _money(claims, "amount_paid")
    admit = _day(claims, "admit_dt")
    stay = _number(claims, "los")
    stay = np.where(np.isfinite(stay), stay, _day(claims, "discharge_dt") - admit)
    texts["companion_band"] = _band(companions, _COMPANION_BANDS)
    texts["stay_band"] = _band(stay, _STAY_BANDS)
    return Features(
        rows=len(claims),
        texts=texts,
        secondary_values=values,
        secondary_rows=owners,
        secondary_key=joined,
        stay=stay,
        claimed=np.where(np.isfinite(claimed), claimed, paid),
        paid=paid,
        companions=companions,
        admit_day=admit,
        person=_text(claims, "patient_id_hash"),
        facility=_text(claims, "facility_id"),
        admitted=_instant(claims, "admit_dt"),
        discharged=_instant(claims, "discharge_dt"),
    )


def whole(column: Any) -> pa.Array:  # noqa: ANN401 - pyarrow ships no types
    """One contiguous array of a chunked column."""
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _log(values: Floats) -> Floats:
    logs = np.full(len(values), np.nan)
    return np.log(values, out=logs, where=np.isfinite(values) & (values > 0))


def _text(claims: pa.Table, column: str) -> pa.Array:
    if column not in claims.column_names:
        return pa.repeat(pa.scalar("", pa.string()), len(claims))
    return pc.fill_null(whole(claims[column].cast(pa.string())), "")


def _number(claims: pa.Table, column: str) -> Floats:
    if column not in claims.column_names:
        return np.full(len(claims), np.nan)
    values = np.asarray(whole(claims[column].cast(pa.float64())).to_numpy(zero_copy_only=False), np.float64)
    return np.where(np.isfinite(values), values, np.nan)


def _money(claims: pa.Table, column: str) -> Floats:
    # In whole cents, so that ratios of amounts stay finite.
    return np.asarray(np.round(np.clip(_number(claims, column), -MAX_AMOUNT, MAX_AMOUNT), 2), np.float64)


def _day(claims: pa.Table, column: str) -> Floats:
    return np.asarray(np.floor(_instant(claims, column)), np.float64)


def _instant(claims: pa.Table, column: str) -> Floats:
    if column not in claims.column_names or pa.types.is_null(claims[column].type):
        return np.full(len(claims), np.nan)
    instants = claims[column].cast(pa.timestamp("us")).cast(pa.int64()).cast(pa.float64(), safe=False)
    return np.asarray(whole(instants).to_numpy(zero_copy_only=False), np.float64) / _DAY_US


def _secondary(claims: pa.Table) -> tuple[pa.Array, Ints, pa.Array]:
    column = "dx_secondary_codes"
    if column not in claims.column_names or pa.types.is_null(claims[column].type):
        return pa.array([], pa.string()), np.zeros(0, np.int64), pa.repeat(pa.scalar("", pa.string()), len(claims))
    lists = whole(claims[column].cast(pa.list_(pa.string())))
    values, rows = pc.list_flatten(lists), pc.list_parent_indices(lists).to_numpy(zero_copy_only=False).astype(np.int64)
    known = pc.is_valid(values)
    joined = pc.fill_null(pc.binary_join(lists, ","), "")
    return values.filter(known), rows[np.asarray(known.to_numpy(zero_copy_only=False), bool)], joined


def _band(values: Floats, edges: tuple[int, ...]) -> pa.Array:
    names = np.array([str(i) for i in range(len(edges) + 1)] + [""], dtype=object)
    band = np.where(np.isfinite(values), np.searchsorted(edges, values, side="right"), len(edges) + 1)
    return pa.array(names[band], pa.string())
