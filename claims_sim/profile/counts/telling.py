"""Numbers and shares of claims in sentences, so rounded that they tell of no claim, and of nobody's alone."""

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from claims_sim.profile.counts.counting import MIN_FACILITIES, Ints, Mask, Population, claims_needed

STEP: Final = 50
"""Shares are told in steps of so many claims: a sentence must not tell of few of them."""
SOME: Final = "Some"
"""Of what nothing more may be told."""
PERSON: Final = "patient_id_hash"
FACILITY: Final = "facility_id"


def about(claims: int) -> str:
    """A number of claims as text: to three digits, and to 50 claims, so that it looks as rounded as it is and tells of no claim."""
    if claims < STEP:
        return "fewer than 50"
    step = max(STEP, 10 ** (len(str(claims)) - 3))
    return f"about {round(claims / step) * step:,}"


def share_of(count: int, total: int) -> str:
    """`count` of `total` as text, rounded to 50 claims, so that it tells of no single claim."""
    if count == total:
        return "All"
    if count < STEP:
        return "A few (fewer than 50)"
    if total - count < STEP:
        return "Nearly all"
    return f"{max(round(count / STEP) * STEP / total, 0.001):.1%}"


def share_where(
    odd: Mask | pa.ChunkedArray | pa.Array,
    claims: pa.Table,
    k: int,
    known: Mask | pa.ChunkedArray | pa.Array | None = None,
) -> str:
    """The share of the claims that are `odd`, of those that are `known` (all, unless told): where either these or the rest are of fewer
    than `k` persons, or of one facility, only that some are. `claims` holds the keys of persons and facilities, if there are any.
    """  # noqa: D205
    whole = np.ones(claims.num_rows, np.bool_) if known is None else _mask(known)
    those = _mask(odd)
    count, total = int(np.count_nonzero(those)), int(np.count_nonzero(whole))
    is_a_number = STEP <= count <= total - STEP
    is_told = not is_a_number or all(may_be_told(rows, claims, k) for rows in (those, whole & ~those))
    return share_of(count, total) if is_told else SOME


def _mask(values: Mask | pa.ChunkedArray | pa.Array) -> Mask:
    return values if isinstance(values, np.ndarray) else np.asarray(pc.fill_null(values.cast(pa.bool_()), False))


def keys_in(claims: pa.Table) -> list[str]:
    """Which keys of persons and facilities a table has."""
    return [name for name in (PERSON, FACILITY) if name in claims.column_names]


def may_be_told(those: Mask, claims: pa.Table, k: int) -> bool:
    """May a number be told of just these claims, where there may be few persons or facilities?"""
    rows = np.flatnonzero(those)
    return whose(claims, k, rows).may_be_told(rows)


def whose(claims: pa.Table, k: int, rows: Ints | None = None) -> Population:
    """Whose the claims are, as far as that matters to those `rows` (all, unless told)."""
    persons, facilities = (
        _numbered(claims[name]) if name in claims.column_names else None for name in (PERSON, FACILITY)
    )
    if persons is not None and not (persons if rows is None else persons[rows]).any():
        persons = None  # claims without a key are counted as such
    if facilities is not None and len(np.unique(facilities)) < MIN_FACILITIES:
        facilities = None
    return Population(claims.num_rows, claims_needed(k) if persons is None else k, persons, facilities)


def _numbered(keys: pa.ChunkedArray) -> Ints:
    """Keys as numbers from 1; 0 where there is none."""
    column = keys.combine_chunks()
    encoded = column if isinstance(column, pa.DictionaryArray) else column.dictionary_encode()
    return np.asarray(encoded.indices.fill_null(-1).to_numpy(), np.int64) + 1
