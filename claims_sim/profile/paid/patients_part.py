"""What a patient pays of a claim, where that is the rounded amount: a share of it, in whole hundreds say, and the rest is paid.

The share then shows in no ratio of what is paid; it shows in what is left, on a grid of its own, coarser than that of all amounts.
"""

from typing import Final

import numpy as np

from claims_sim.profile.counts.counting import Codes, Ints, Mask, Population
from claims_sim.profile.counts.numbers import Numbers
from claims_sim.profile.document_parts import PatientsPart
from claims_sim.profile.prices.rounding import amount_grid, lies_on, to_whole_steps

_MOSTLY: Final = 0.5
"""The share of what is left that lies on the grid: other kinds of claims may have another."""
_FINE, _COARSE = 100, 20
"""Shares are hundredths, or, where claims are small beside the grid, twentieths."""
_CLEAR: Final = 2.0
"""Claims of so many steps of the grid for each part of a whole tell a share to the part."""
_ON_GRID: Final = 1e-6
_MOST_SHARES: Final = 8
_FEWEST_PARTS, _FEWEST_OF_SMALL = 10, 5
"""A share must be left as so many different amounts, one of small claims alone as fewer."""
_MOST_STEPS: Final = 1_000_000
_LEAST_SHARE: Final = 0.02
_MORE_THAN_CHANCE: Final = 3.0
_MORE_THAN_BESIDE: Final = 2.0
"""How many times as many claims as the shares beside it, on average, a share must be left of."""
_HABITS: Final = ("down", "near", "up")


def find_patients_part(
    claimed: Numbers, paid: Numbers, rows: Ints, population: Population, grid: float
) -> tuple[PatientsPart | None, Codes]:
    """The shares that `rows` leave to the patient, rounded to a coarser grid than all amounts; and the number of each claim's
    share, -1 where none says what is paid.
    """  # noqa: D205
    number: Codes = np.full(len(claimed), -1, np.int32)
    charged, left = claimed[rows], np.round(claimed[rows] - paid[rows], 2)
    known = left > 0
    steps = amount_grid(left[known], share=_MOSTLY) if known.any() else grid
    if steps <= grid or _are_paid_whole(charged, left, rows, population, steps):
        return None, number
    found = [_shares(charged, left, rows, population, steps, ties) for ties in _HABITS]
    best = max(range(len(found)), key=lambda habit: int((found[habit][1] >= 0).sum()))
    shares, of_row = found[best]
    on = np.flatnonzero(of_row >= 0)
    told = (
        population.releasable(of_row[on].astype(np.int64), len(shares), rows[on]) if len(on) else np.zeros(0, np.bool_)
    )
    if not told.any():
        return None, number
    renumbered = np.where(told, np.cumsum(told) - 1, -1).astype(np.int32)
    number[rows[on]] = renumbered[of_row[on]]
    return PatientsPart(shares=tuple(np.array(shares)[told].tolist()), grid=steps, ties=_HABITS[best]), number


def _are_paid_whole(claimed: Numbers, left: Numbers, rows: Ints, population: Population, grid: float) -> bool:
    """Is what is paid of `rows` rounded rather than what is left? Charges between two steps of the grid tell: but one of the two can be."""
    odd = np.flatnonzero((left > 0) & ~lies_on(claimed, grid))
    one = odd[population.one_of_each(rows[odd])]
    paid, kept = (one[lies_on(amounts[one], grid)] for amounts in (claimed - left, left))
    return len(paid) > len(kept) and population.may_be_told(rows[paid])


def round_part(part: PatientsPart, amounts: Numbers) -> Numbers:
    """`amounts` as patients pay them."""
    return to_whole_steps(amounts, part.grid, part.ties)


def _shares(
    claimed: Numbers, left: Numbers, rows: Ints, population: Population, grid: float, ties: str
) -> tuple[list[float], Codes]:
    """Shares whose rounded part is left of many claims, commonest first; and the number of each claim's, -1 for none."""
    on_grid = (left > 0) & (np.abs(left / grid - np.rint(left / grid)) < _ON_GRID)
    number: Codes = np.full(len(claimed), -1, np.int32)
    shares: list[float] = []

    def are_rounded(tell: Mask, fits: Mask) -> bool:
        """Do those who `tell` say so? Of round amounts the share lies on the grid as it is."""
        each = np.flatnonzero(tell)
        each = each[population.one_of_each(rows[each])]
        return not population.may_be_told(rows[each]) or bool(fits[each].sum() > _MOSTLY * len(each))

    def seek(parts: int, fewest: int) -> None:
        clear = on_grid & (number < 0) & (claimed > _CLEAR * parts * grid)
        values, counts = _common(claimed[clear], left[clear], grid, ties, parts, fewest)
        for share in values[np.argsort(-counts, kind="stable")].tolist():
            open_ = (number < 0) & (left > 0)
            fits = open_ & on_grid & (np.abs(to_whole_steps(claimed * share, grid, ties) - left) < grid / 2)
            # Of shares to the cent, some lie on the grid by chance.
            about = open_ & (np.abs(claimed * share - left) < grid)
            if fits.sum() > _MOSTLY * about.sum() and are_rounded(about & ~lies_on(claimed * share, grid), fits):
                number[fits] = len(shares)
                shares.append(share)

    seek(_FINE, _FEWEST_PARTS)
    if not shares:
        # Claims of few steps of the grid do not tell fine shares.
        seek(_COARSE, _FEWEST_PARTS)
    else:
        # What the commonest shares leave open may be rarer ones, or coarse ones of small claims.
        seek(_FINE, _FEWEST_PARTS)
        seek(_COARSE, _FEWEST_OF_SMALL)
    return shares, number


def _common(
    claimed: Numbers, left: Numbers, grid: float, ties: str, parts: int, fewest: int
) -> tuple[Numbers, Numbers]:
    """The shares, in so many parts of a whole, that are left of far more claims than by chance; and of how many."""
    lowest = {"down": 0.0, "near": -0.5, "up": -1.0}[ties]
    share = np.ceil((left + lowest * grid) / claimed * parts - 1e-9) / parts
    fits = np.abs(to_whole_steps(claimed * share, grid, ties) - left) < grid / 2
    values, ids, counts = np.unique(share[fits], return_inverse=True, return_counts=True)
    # A fixed part, a deductible, is some share of each amount; that share is always the same part.
    steps = np.unique(ids * _MOST_STEPS + np.minimum(np.rint(left[fits] / grid), _MOST_STEPS - 1).astype(np.int64))
    different = np.bincount(steps // _MOST_STEPS, minlength=len(values))
    # Of parts of any size some are such shares by chance, about as often one as another.
    by_chance = np.sort(counts)[:-_MOST_SHARES].sum() / max(parts - _MOST_SHARES, 1)
    common = (counts > max(_LEAST_SHARE * len(claimed), _MORE_THAN_CHANCE * by_chance)) & (values > 0) & (values < 1)
    common &= different >= fewest
    beside = np.searchsorted(values, values + np.array([[-1.0], [1.0]]) / parts - 1e-9)
    there = np.abs(np.append(values, np.inf)[beside] - values - np.array([[-1.0], [1.0]]) / parts) < 1e-9
    common &= counts > _MORE_THAN_BESIDE * (np.append(counts, 0)[beside] * there).mean(0)
    return values[common], counts[common].astype(float)
