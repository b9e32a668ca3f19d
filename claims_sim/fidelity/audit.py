"""The columns an auditor would compute to tell a made-up table: differences, remainders, price-list look-ups."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from claims_sim.fidelity.frames import AMOUNTS, Floats

_GRIDS = (100.0, 1000.0)
_PRICE_CONTEXT = ("dx_primary_code", "service_type", "severity_group", "facility_class")


def audit_columns(claims: pd.DataFrame, price_list: pd.DataFrame) -> pd.DataFrame:
    """Derived columns of each claim, as floats.

    `price_list` are claims that belong to neither table under comparison: how often an amount occurs there says
    whether it is one of the usual prices. (Counting it in the claim's own table would tell any two tables apart.)
    """
    out: dict[str, Floats] = stay_columns(claims)
    if {"amount_claimed", "amount_paid"} <= set(claims):
        claimed, paid = claims["amount_claimed"].to_numpy(), claims["amount_paid"].to_numpy()
        out["unpaid"] = claimed - paid
        out["paid_share"] = np.divide(paid, claimed, out=np.full(len(claims), np.nan), where=claimed > 0)
        if "amount_gap" in claims:
            out["gap_error"] = claimed - paid - claims["amount_gap"].to_numpy()
    for name in AMOUNTS[:2]:
        if name not in claims:
            continue
        for grid in _GRIDS:
            out[f"{name}_mod_{grid:.0f}"] = np.mod(claims[name].to_numpy(), grid)
        context = [column for column in _PRICE_CONTEXT if column in claims]
        out[f"{name}_seen"] = _times_seen(claims, price_list, [name])
        out[f"{name}_seen_in_context"] = _times_seen(claims, price_list, [name, *context])
    if "secondary_fault" in claims:
        out["secondary_fault"] = claims["secondary_fault"].to_numpy()
    return pd.DataFrame(out, index=claims.index)


def stay_columns(claims: pd.DataFrame) -> dict[str, Floats]:
    """Days between the dates, what they leave of `los`, and what the list leaves of the stated number of companions."""
    out: dict[str, Floats] = {}
    if {"admit_dt_day", "discharge_dt_day"} <= set(claims):
        out["days"] = claims["discharge_dt_day"].to_numpy() - claims["admit_dt_day"].to_numpy()
        if "los" in claims:
            out["days_less_los"] = out["days"] - claims["los"].to_numpy()
    if {"secondary_count", "comorbidity_count"} <= set(claims):
        out["count_error"] = claims["secondary_count"].to_numpy() - claims["comorbidity_count"].to_numpy()
    return out


def row_keys(claims: pd.DataFrame, columns: list[str]) -> npt.NDArray[np.uint64]:
    """A hash of each row's values in `columns`; equal rows of frames that share codes have equal hashes."""
    coded = pd.DataFrame(
        {
            name: claims[name].to_numpy() if claims[name].dtype.kind == "f" else claims[name].cat.codes.to_numpy()
            for name in columns
        }
    )
    return pd.util.hash_pandas_object(coded.astype(np.float64), index=False).to_numpy().astype(np.uint64)


def _times_seen(claims: pd.DataFrame, price_list: pd.DataFrame, columns: list[str]) -> Floats:
    counts = pd.Series(row_keys(price_list, columns)).value_counts()
    seen = pd.Series(row_keys(claims, columns)).map(counts).fillna(0).to_numpy()
    return np.log1p(seen.astype(np.float64))
