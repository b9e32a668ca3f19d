"""Cells that the source leaves empty and a payload may not: a payment that is not decided yet, a discharge that nobody wrote down.

A claim of the stream has them all. A table that stands for the source's has as many empty ones, of the same kinds of claims.
Sees which cells are empty; of what is in the others nothing.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, get_args

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from claims_sim.profile.counts.builder import Builder
from claims_sim.profile.counts.counting import Codes, Ints, Mask
from claims_sim.profile.counts.release import Parent, Target
from claims_sim.profile.document_parts import BLANKS, CLAIMS_NOTHING, Blankable, Table

COLUMNS: Final[tuple[Blankable, ...]] = get_args(Blankable)
NONE_SHOWN: Final[Mapping[str, Mask]] = MappingProxyType({})
_SEVERITY: Final = "severity_group"
_HARDLY: Final = 0.01
_MOST: Final = 60
"""So many combinations of empty cells are told at most, the commonest."""


def empty_cells(columns: pa.Table) -> Ints | None:
    """For each row the set of its empty cells, a bit for each of COLUMNS; None where none is empty.

    A column without any value is none, and a procedure that was not done, or a missing diagnosis, has no label to lack.
    """
    cells = np.zeros(columns.num_rows, np.int64)
    for bit, name in enumerate(COLUMNS):
        if name not in columns.column_names or not 0 < columns[name].null_count < columns.num_rows:
            continue
        empty = columns[name].is_null().to_numpy()
        if name.endswith("_label"):
            code = name.replace("_label", "_code")
            empty &= columns[code].is_valid().to_numpy() if code in columns.column_names else False
        cells |= empty.astype(np.int64) << bit
    return cells if cells.any() else None


def has_none(cells: Ints | None, name: Blankable, rows: int) -> Mask:
    """Which of so many rows leave the column `name` empty, by their sets of empty cells."""
    if cells is None:
        return np.zeros(rows, np.bool_)
    return np.asarray(cells >> COLUMNS.index(name) & 1, np.bool_)


def add_blanks(builder: Builder, cells: Ints | None, candidates: Sequence[Parent]) -> tuple[tuple[Blankable, ...], ...]:
    """Release the table of empty cells, where there are any that may be told: what each of its codes leaves empty, 0 nothing.

    Sets of cells that may not be told count as nothing: left out of the table they could be told from another's total.
    """
    if cells is None:
        return ()
    sets, number = np.unique(cells, return_inverse=True)
    may = np.flatnonzero(builder.population.releasable(number.astype(np.int64), len(sets)) & (sets > 0))
    told = np.sort(may[np.argsort(-np.bincount(number)[may], kind="stable")][:_MOST])
    if not len(told):
        return ()
    of_set = np.zeros(len(sets), np.int32)
    of_set[told] = np.arange(1, len(told) + 1)
    code: Codes = of_set[number]
    named = [tuple(name for bit, name in enumerate(COLUMNS) if cell >> bit & 1) for cell in sets[told].tolist()]
    # Of some kinds what claims nothing has no amount; what claims something hardly ever lacks it.
    first = [CLAIMS_NOTHING] if any({"amount_claimed", "amount_paid"} & set(those) for those in named) else []
    known = [parent for parent in candidates if _is_known(parent, cells)]
    target = Target(BLANKS, code, len(told) + 1)
    # What has no severity has no weight either, wherever and whenever it is.
    learned = builder.learn(target, known, 3)
    if any(parent.name == _SEVERITY for parent in known):
        learned = builder.or_rather(target, learned, [_SEVERITY])
    builder.add(target, known, most=3, first=first, learned=learned)
    return ((), *named)


def _is_known(parent: Parent, cells: Ints) -> bool:
    """Is the parent known of claims with empty cells as of others? Where it is of what is empty, it is unknown there alone."""
    unknown, empty_ones = parent.codes < 0, cells > 0
    return bool(unknown[empty_ones].mean() <= unknown[~empty_ones].mean() + _HARDLY) if not empty_ones.all() else True


def as_told(table: Table, code: Codes, nothing: Codes) -> Codes:
    """The drawn codes of empty cells, -1 where the table tells them of no claim that claims as little or as much: where too little is
    told of some, what is drawn is others'. `nothing`: 1 for claims of nothing.
    """  # noqa: D205
    if CLAIMS_NOTHING not in table.parents[:1]:
        return code
    told = np.zeros((2, table.size + 1), np.bool_)
    for depth, level in enumerate(table.levels[1:], 1):
        of_context = np.array(level.contexts, np.int64)[::depth]
        told[np.repeat(of_context, level.cells), np.array(level.values, np.int64)] = True
    return np.where(told[nothing, code], code, -1)


def empty(
    claims: pa.Table,
    code: Codes,
    blanks: Sequence[Sequence[Blankable]],
    absent: Sequence[str],
    shown: Mapping[str, Mask] = NONE_SHOWN,
) -> pa.Table:
    """The claims with the cells empty that `code` (-1: none) says; `absent` are columns that the source does not have.

    Of each column's cells those that are `shown` stay.

    What would tell an amount that is left out, since the source does not have it, is left out too.
    """
    for name in COLUMNS:
        telling = {"amount_claimed", "amount_paid"} if name == "amount_gap" and name in absent else {name}
        leaves = np.array([bool(telling & set(those)) for those in blanks], np.bool_)
        gone = (code >= 0) & leaves[code]
        if name in shown:
            gone &= ~shown[name]
        if name in claims.column_names and gone.any():
            claims = with_nulls(claims, name, pa.array(gone))
    return claims


def with_nulls(claims: pa.Table, name: str, gone: pa.Array) -> pa.Table:
    """The claims with the column `name` empty where `gone` says so."""
    column = claims[name]
    kept = pc.if_else(gone, pa.scalar(None, column.type), column)
    return claims.set_column(claims.column_names.index(name), claims.schema.field(name), kept)
