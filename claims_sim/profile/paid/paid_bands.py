"""Bands of claimed amounts, from one to the next of which other rules say what is paid."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from claims_sim.profile.counts.counting import Codes, Mask, Population, distinct_values
from claims_sim.profile.counts.numbers import Binned, Numbers, round_significant
from claims_sim.profile.document_parts import Bins
from claims_sim.profile.encoding.encode import Encoded
from claims_sim.profile.paid.paid_lines import MOST_COMMON, Line
from claims_sim.profile.paid.paid_rules import COMMON_SHARE, Rules
from claims_sim.profile.prices.following import SERVICE
from claims_sim.profile.prices.rounding import is_large

_BANDS: Final = 16
_COMMON_NAME: Final = 0.002
"""The share of all claims that one amount must be paid to, or that must claim one of few steps, for a band to begin where so much is
claimed.
"""


def bands_of_claimed(
    encoded: Encoded,
    rules: Rules,
    shares: Binned,
    known: Mask,
    grid: float,
    payments: Sequence[Sequence[float]],
    *,
    always: bool,
) -> tuple[float, ...]:
    """Borders of the bands of claimed amounts; none where all is paid, or nothing, unless there are `always` some."""
    assert encoded.claimed is not None  # noqa: S101 - the caller has it
    of_part = () if rules.patients_part is None else tuple((1 - share, 0.0) for share in rules.patients_part.shares)
    usual = [
        (1.0, 0.0),
        (0.0, 0.0),
        *of_part,
        *rules.lines[:MOST_COMMON],
        *_common_shares(shares.codes, shares.bins, int(known.sum())),
    ]
    service = encoded.codes.get(SERVICE, np.zeros(encoded.rows, np.int32))
    paid_few = np.array([*map(bool, payments), False])[np.minimum(service, len(payments))]
    few_steps = _few_steps(encoded.claimed, known, encoded.population, grid, paid_few)
    named = [*_common_amounts(rules, int(known.sum())), *few_steps]
    return (
        _bands(encoded.claimed[known], usual, named, encoded.population.k) if len(usual) > 2 or named or always else ()
    )


def _common_amounts(rules: Rules, rows: int) -> list[float]:
    """The amounts that are paid by name so often that who claims more is another case; at most a dozen."""
    first = rules.shares_from - len(rules.exact)
    named = rules.codes[(rules.codes >= first) & (rules.codes < rules.shares_from)] - first
    counts = np.bincount(named, minlength=len(rules.exact))
    return [rules.exact[i] for i in np.argsort(-counts, kind="stable")[:MOST_COMMON] if counts[i] > _COMMON_NAME * rows]


def _few_steps(claimed: Numbers, known: Mask, population: Population, grid: float, paid_few: Mask) -> list[float]:
    """The amounts of few steps of the grid that are claimed often, or of any size where most who claim them are `paid_few` amounts, and
    those a step below them: each such amount has payments of its own, whatever share they follow from.
    """  # noqa: D205
    rows = np.flatnonzero(known)
    amounts, ids = distinct_values(claimed[rows])
    own = (
        (amounts > 0)
        & ((2 * np.bincount(ids, paid_few[rows], len(amounts)) > np.bincount(ids)) | ~is_large(amounts, grid))
        & population.releasable(ids, len(amounts), rows)
    )
    own &= np.bincount(ids, minlength=len(amounts)) > _COMMON_NAME * len(rows)
    return [float(edge) for edge in np.unique(np.round(np.r_[amounts[own], amounts[own] - grid], 2))]


def _common_shares(codes: Codes, bins: Bins, rows: int) -> list[Line]:
    """Shares that recur often enough to be a rule, as lines through nothing."""
    counts = np.bincount(codes[codes >= 0], minlength=len(bins.lo))
    return [
        (low, 0.0)
        for low, high, count in zip(bins.lo, bins.hi, counts, strict=True)
        if low == high and count > COMMON_SHARE * rows
    ]


def _bands(claimed: Numbers, lines: Sequence[Line], named: Sequence[float], k: int) -> tuple[float, ...]:
    """Borders of bands of claimed amounts: where two of the rules cross, at the `named` amounts that are paid, and else about equal
    numbers of claims.
    """  # noqa: D205
    count = min(_BANDS, len(claimed) // (2 * k))
    if count < 2:
        return ()
    edges = np.unique([round_significant(q, 3) for q in np.quantile(claimed, np.linspace(0, 1, count + 1)[1:-1])])
    low, high = np.quantile(claimed, [0.01, 0.99])
    crossings = {
        round((a - b) / (steep - flat), 2)
        for i, (flat, a) in enumerate(lines)
        for steep, b in lines[i + 1 :]
        if steep != flat
    }
    inside = np.array(sorted(x for x in crossings.union(named) if low < x < high))
    if not len(inside):
        return tuple(edges.tolist())
    near = np.abs(edges[:, None] / inside[None] - 1).min(1) < 0.1
    return tuple(np.unique(np.r_[edges[~near], inside]).tolist())
