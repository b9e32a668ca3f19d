"""Claims without any amount where that is usual of their kind: a visit that a payment by head covers has no tariff.

Such a claim counts as one of nothing. Where a few lack their amounts, these are not known yet: a payload has what claims like them
claim, a table that stands for the source's has none (`blanks`).
"""

from collections.abc import Mapping
from functools import reduce
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from claims_sim.profile.counts.counting import PERSONS_K, Ints, Mask, dense_ids
from claims_sim.profile.counts.telling import share_where
from claims_sim.profile.reading.source_columns import Located
from claims_sim.profile.reading.source_sql import MONEY, given_expression

AMOUNTS_FILLED: Final = "claims of nothing"
"""Names this way of reading."""
_SAYS_NO_AMOUNT: Final = "says_no_amount"
_SAYS_NOT_WHAT: Final = "says_not_what_is_claimed_or_paid"
KIND: Final = ("service_type", "facility_type")
"""What a claim without an amount is compared by."""
_USUAL, _USUALLY_UNPAID = 0.3, 0.9
"""The shares of a kind's claims without any amount from which on they claim nothing, where fewer only lack it: of amounts that are
claimed; and of ones that are paid alone, which are not decided yet of many.
"""


def says_no_amount(located: Mapping[str, Located]) -> str:
    """Expressions over the source: does a claim say nothing in any column of amounts; and none of what is claimed and paid, readable or
    not? A word without a digit (-, n/a, on request) says something, and no amount. "": has none.
    """  # noqa: D205
    columns = {name: located[name] for name in MONEY if name in located}
    if not columns:
        return ""
    nothing = " AND ".join(f"{given_expression(column)} IS NULL" for column in columns.values())
    own = " AND ".join(f"NOT {_says_amount(column)}" for name, column in columns.items() if name != "amount_gap")
    return f"({nothing}) AS {_SAYS_NO_AMOUNT}, ({own or 'true'}) AS {_SAYS_NOT_WHAT}"


def _says_amount(column: Located) -> str:
    given = given_expression(column)
    if column.type != "VARCHAR":
        return f"({given} IS NOT NULL)"
    return f"COALESCE(regexp_matches({given}, '[0-9]'), false)"


def without_what_it_says(columns: pa.Table) -> tuple[pa.Table, Mask | None, Mask | None]:
    """The columns, and what `says_no_amount` found beside them."""
    if _SAYS_NO_AMOUNT not in columns.column_names:
        return columns, None, None
    says_none, says_not_what = (
        np.asarray(columns[name].to_numpy(), np.bool_) for name in (_SAYS_NO_AMOUNT, _SAYS_NOT_WHAT)
    )
    return columns.drop_columns([_SAYS_NO_AMOUNT, _SAYS_NOT_WHAT]), says_none, says_not_what


def fill_amounts(
    columns: pa.Table, k: int = PERSONS_K, says_none: Mask | None = None
) -> tuple[pa.Table, tuple[str, ...]]:
    """Give claims without any amount one of nothing, where so many of their service and type of facility have none; and say of how
    many, and how many others have none, in sentences that tell shares of `k` persons' claims. A column without any value counts as
    absent, and what was said but not read is none (`says_none`).
    """  # noqa: D205
    amounts = [n for n in MONEY if n in columns.column_names and columns[n].null_count < columns.num_rows]
    none = np.ones(columns.num_rows, np.bool_) if says_none is None else says_none.copy()
    for name in amounts:
        none &= np.asarray(columns[name].is_null().to_numpy())
    filled = (
        none & _usual(none, _kinds(columns), k, _USUAL if "amount_claimed" in amounts else _USUALLY_UNPAID)
        if amounts and none.any()
        else np.zeros(columns.num_rows, np.bool_)
    )
    sentences = []
    for name in amounts if filled.any() else ():
        column = columns[name].combine_chunks()
        nothing = pc.if_else(pa.array(filled), pa.scalar(0, column.type), column)
        columns = columns.set_column(columns.column_names.index(name), name, nothing)
    if filled.any():
        share = share_where(filled, columns, k)
        sentences.append(
            f"{share} of the claims have no amount, as is usual of their kind; they count as claims of nothing."
        )
    # A gap alone tells neither amount.
    empty = [columns[name].is_null() for name in amounts if name != "amount_gap"]
    unknown = reduce(pc.and_, empty) if empty else pa.scalar(False)
    if pc.any(unknown).as_py():
        share = share_where(unknown, columns, k)
        sentences.append(
            f"{share} of the claims have no amount; in a payload they claim as much as others like them do."
        )
    return columns, tuple(sentences)


def _kinds(columns: pa.Table) -> Ints:
    kind = np.zeros(columns.num_rows, np.int64)
    for name in (name for name in KIND if name in columns.column_names):
        _, value = np.unique(columns[name].cast(pa.string()).fill_null("").to_numpy(), return_inverse=True)
        kind, _ = dense_ids(kind * (int(value.max(initial=0)) + 1) + value)
    return kind


def _usual(none: Mask, kind: Ints, fewest: int, least: float) -> Mask:
    count = np.bincount(kind, none)
    is_usual = (count >= least * np.bincount(kind)) & (count >= fewest)
    return np.asarray(is_usual[kind])
