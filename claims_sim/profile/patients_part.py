"""What a patient pays of a claim, where that is the rounded amount: a share of it, in whole hundreds say, and the rest is paid.

The share then shows in no ratio of what is paid; it shows in what is left, on a grid of its own.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from claims_sim.profile.counting import Ints
from claims_sim.profile.document import PatientsPart
from claims_sim.profile.numbers import Numbers
from claims_sim.profile.rounding import amount_grid

_MOSTLY: Final = 0.9
"""The share of the parts that lie on the grid."""
_LEAST_EXPLAINED: Final = 0.3
_CLEAR: Final = 200.0
"""Claims of so many steps of the grid tell a share to the hundredth."""
_LEAST_SHARE: Final = 0.02
_HABITS: Final = ("down", "near", "up")


def find_patients_part(claimed: Numbers, paid: Numbers, rows: Ints, grid: float) -> tuple[PatientsPart, Numbers] | None:
    """The grid of what `rows` leave to the patient, and the share of each that is paid by it (NaN where none says it).

    None where that is no rounded share on a coarser grid than all amounts.
    """
    claimed, left = claimed[rows], np.round(claimed[rows] - paid[rows], 2)
    known = left > 0
    if not known.any():
        return None
    steps = amount_grid(left[known], share=_MOSTLY)
    if steps <= grid:
        return None
    found = [
        (PatientsPart(grid=steps, ties=ties), _shares(claimed, left, PatientsPart(grid=steps, ties=ties)))
        for ties in _HABITS
    ]
    part, share = max(found, key=lambda one: int(np.isfinite(one[1]).sum()))
    if np.isfinite(share).mean() < _LEAST_EXPLAINED:
        return None
    return part, np.round(1 - share, 4)


def round_part(part: PatientsPart, amounts: Numbers) -> Numbers:
    """`amounts` as patients pay them."""
    steps = amounts / part.grid
    whole: dict[str, npt.NDArray[np.float64]] = {
        "down": np.floor(steps + 1e-9),
        "near": np.rint(steps),
        "up": np.ceil(steps - 1e-9),
    }
    return np.asarray(whole[part.ties] * part.grid)


def _shares(claimed: Numbers, left: Numbers, part: PatientsPart) -> Numbers:
    """The share, in hundredths, whose rounded part is left of each; the commonest where several would do, NaN where none does."""
    clear = claimed > _CLEAR * part.grid
    lowest = {"down": 0.0, "near": -0.5, "up": -1.0}[part.ties]
    hundredth = np.ceil((left[clear] + lowest * part.grid) / claimed[clear] * 100 - 1e-9) / 100
    hundredth = hundredth[np.abs(round_part(part, claimed[clear] * hundredth) - left[clear]) < part.grid / 2]
    values, counts = np.unique(hundredth, return_counts=True)
    share = np.full(len(claimed), np.nan)
    for number in np.argsort(-counts, kind="stable"):
        if counts[number] < _LEAST_SHARE * max(int(clear.sum()), 1):
            break
        fits = np.isnan(share) & (np.abs(round_part(part, claimed * values[number]) - left) < part.grid / 2)
        share[fits] = values[number]
    return share
