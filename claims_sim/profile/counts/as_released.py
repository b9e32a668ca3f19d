"""How likely claims are by a table as it is released: what a context has enough of is told there, the rest above. Releases nothing.

Where a variable has many codes, a context holds few claims of most of them, and a likelihood that believes every context
a little says that none is worth its while. A released table does not believe it: it tells the one code that a diagnosis
brings with it, and draws all others as they are drawn for any diagnosis.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from claims_sim.profile.counts.counting import Ints, Mask, Population, dense_ids
from claims_sim.profile.counts.numbers import Numbers
from claims_sim.profile.counts.release import Parent, Target

Shares = npt.NDArray[np.floating[Any]]
_LEAST: Final = 3
"""So few rows of a sample are told at the least: two may be alike by chance."""
_HARDLY: Final = 1e-12
_NEARLY_ALL: Final = 0.98
"""What is told in a context is no more of what lies above it."""


def of_sample(population: Population, rows: Ints, all_rows: Ints) -> Population:
    """Whose the sampled `rows` are, and how many of these stand for `k` of those of `all_rows`: so many others a row is predicted
    from.
    """  # noqa: D205
    share = population.persons_of(rows) / max(population.persons_of(all_rows), 1)
    return population.sample(rows, max(_LEAST, round(population.k * share)) + 1)


def others_of_cell(cells: Ints) -> Ints:
    """For each row the number of other rows in its cell; cells are numbered from 0."""
    return np.asarray(np.bincount(cells)[cells] - 1)


def as_released(context: Ints, others: Shares | Ints, told: Mask, above: Shares) -> Numbers:
    """How likely each row is in its context, predicted from the other rows there and from what is known `above`.

    `context`: of each row, numbered from 0; `others`: how many other rows share its context and value; `told`: whether these may
    be told; `above`: how likely the row is without the context.
    """
    rows = np.bincount(context).astype(np.float64)
    kept = np.bincount(context[told], minlength=len(rows))
    # Each told cell once: its rows share what lies above.
    gone = np.bincount(context[told], above[told] / (others[told] + 1), minlength=len(rows))
    rest = (rows - kept) / np.maximum(rows, 1) / np.maximum(1 - gone, 1 - _NEARLY_ALL)
    likely = np.where(told, others / np.maximum(rows - 1, 1)[context], above * rest[context])
    return np.asarray(np.maximum(likely, _HARDLY))


def log_likelihood(target: Target, parents: Sequence[Parent], sample: Population) -> float:
    """The mean log likelihood of a row by the table of these parents, given in their order. All rows' target is known.

    `sample`: whose the rows are, and how many may be told.
    """
    value = target.codes.astype(np.int64)
    likely: Numbers = (np.bincount(value, minlength=target.size)[value] - 1 + 1 / target.size) / len(value)
    context = np.zeros(len(value), np.int64)
    for parent in parents:
        context = dense_ids(context * (parent.size + 1) + parent.codes + 1)[0]
        cells, distinct = dense_ids(context * target.size + value)
        told = sample.releasable(cells, len(distinct))[cells]
        likely = as_released(context, others_of_cell(cells), told, likely)
    return float(np.log(likely).mean())
