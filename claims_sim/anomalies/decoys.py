"""Decoys: claims that look odd to a simple rule and are right. They occur by themselves; the truth only marks them."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from claims_sim.profile.wanted import ClaimFilter


@dataclass(frozen=True, slots=True)
class Decoy:
    """A kind of claim that is often suspected wrongly, and why it is right."""

    name: str
    where: ClaimFilter
    reason: str


DECOYS: Final = (
    Decoy(
        "dialysis",
        ClaimFilter(procedure_code=("3995", "5498")),
        "twice a week for life: many visits of the same patient with the same amount",
    ),
    Decoy(
        "chemotherapy",
        ClaimFilter(dx_primary_code=("Z511",)),
        "a day or less at a high cost, again every few weeks",
    ),
    Decoy(
        "one_day_cataract",
        ClaimFilter(dx_primary_code=("H25*", "H26*"), procedure_code=("13*",), los=(0, 1)),
        "an operation with a stay of at most one day, many alike at one hospital",
    ),
)


def mark_decoys(claims: pa.Table) -> npt.NDArray[np.int64]:
    """Of each claim the number of its decoy in DECOYS, -1 for none."""
    found = np.full(len(claims), -1, np.int64)
    for number, decoy in enumerate(DECOYS):
        found[decoy.where.holds(claims) & (found < 0)] = number
    return found
