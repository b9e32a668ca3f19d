"""Claims without any amount where that is usual of their kind: a visit that a payment by head covers has no tariff.

Such a claim counts as one of nothing. Where a few lack their amounts, these are not known yet, and the claims are left out
(`SourceTable.only_priced`).
"""

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from claims_sim.profile.counting import PERSONS_K, Ints, Mask, dense_ids
from claims_sim.profile.telling import share_where

AMOUNTS_FILLED: Final = "claims of nothing"
"""Names this way of reading."""
AMOUNTS: Final = ("amount_claimed", "amount_paid", "amount_gap")
_KIND: Final = ("service_type", "facility_type")
_USUAL: Final = 0.2
"""The share of a kind's claims without any amount from which on they claim nothing, where fewer only lack it."""


def fill_amounts(columns: pa.Table, k: int = PERSONS_K) -> tuple[pa.Table, tuple[str, ...]]:
    """Give claims without any amount one of nothing, where so many of their service and type of facility have none; and say of how
    many, in a sentence that tells a share of `k` persons' claims. A column without any value counts as absent.
    """  # noqa: D205
    amounts = [n for n in AMOUNTS if n in columns.column_names and columns[n].null_count < columns.num_rows]
    none = np.ones(columns.num_rows, np.bool_)
    for name in amounts:
        none &= np.asarray(columns[name].is_null().to_numpy())
    filled = none & _usual(none, _kinds(columns)) if amounts and none.any() else np.zeros(columns.num_rows, np.bool_)
    if not filled.any():
        return columns, ()
    for name in amounts:
        column = columns[name].combine_chunks()
        nothing = pc.if_else(pa.array(filled), pa.scalar(0, column.type), column)
        columns = columns.set_column(columns.column_names.index(name), name, nothing)
    return columns, (
        f"{share_where(filled, columns, k)} of the claims have no amount, as is usual of their kind; they count as claims of nothing.",
    )


def _kinds(columns: pa.Table) -> Ints:
    kind = np.zeros(columns.num_rows, np.int64)
    for name in (name for name in _KIND if name in columns.column_names):
        _, value = np.unique(columns[name].cast(pa.string()).fill_null("").to_numpy(), return_inverse=True)
        kind, _ = dense_ids(kind * (int(value.max(initial=0)) + 1) + value)
    return kind


def _usual(none: Mask, kind: Ints) -> Mask:
    share = np.bincount(kind, none) / np.maximum(np.bincount(kind), 1)
    return np.asarray(share[kind] >= _USUAL)
