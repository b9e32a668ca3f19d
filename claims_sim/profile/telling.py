"""Numbers and shares of claims in sentences, so rounded that they tell of no claim, and of nobody's alone."""

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from claims_sim.profile.counting import CLAIMS_K, MIN_FACILITIES, PERSONS_K, Ints, Mask, Population

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


def share_where(odd: Mask | pa.ChunkedArray | pa.Array, columns: pa.Table, total: int | None = None) -> str:
    """The share of the claims that are `odd`, of `total` (all, unless told): of few persons or of one facility, only that some are."""
    rows = pa.array(np.flatnonzero(odd if isinstance(odd, np.ndarray) else pc.fill_null(odd, False)))
    return share_of_those(columns.select(keys_in(columns)).take(rows), len(rows), columns, total)


def share_of_those(theirs: pa.Table, count: int, columns: pa.Table, total: int | None = None) -> str:
    """The same of `count` claims, whose persons and facilities (as far as `columns` has any) are `theirs`."""
    total = columns.num_rows if total is None else total
    is_a_number = STEP <= count <= total - STEP
    return SOME if is_a_number and not _may_be_told(theirs, count, columns) else share_of(count, total)


def keys_in(columns: pa.Table) -> list[str]:
    """Which keys of persons and facilities a table has."""
    return [name for name in (PERSON, FACILITY) if name in columns.column_names]


def _may_be_told(theirs: pa.Table, count: int, columns: pa.Table) -> bool:
    """May a number be told of just these claims, where there may be few persons or facilities?"""
    persons = facilities = None
    if PERSON in columns.column_names and theirs[PERSON].null_count < count:
        persons = _numbered(theirs[PERSON])
    if FACILITY in columns.column_names and pc.count_distinct(columns[FACILITY]).as_py() >= MIN_FACILITIES:
        facilities = _numbered(theirs[FACILITY])
    k = CLAIMS_K if persons is None else PERSONS_K
    return Population(count, k, persons, facilities).may_be_told(np.arange(count))


def _numbered(keys: pa.ChunkedArray) -> Ints:
    """Keys as numbers from 1; 0 where there is none."""
    return np.asarray(keys.combine_chunks().dictionary_encode().indices.fill_null(-1).to_numpy(), np.int64) + 1
