"""Decoys: claims that look odd to a simple rule and are right. They occur by themselves; the truth only marks them."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from claims_sim.generation.persons import Keys
from claims_sim.profile.drawing.wanted import ClaimFilter

SOON: Final = 30
"""Days within which a return looks odd."""


@dataclass(frozen=True, slots=True)
class Decoy:
    """A kind of claim that is often suspected wrongly, and why it is right."""

    name: str
    where: ClaimFilter
    reason: str
    returns: tuple[str, ...] = ()
    """Of persons who come back for these reasons (`generation.persons.RETURNS`) within a month; () for whatever person."""

    @property
    def which(self) -> str:
        """Which claims they are, in words."""
        return f"{', '.join(self.returns)} within {SOON} days" if self.returns else str(self.where)


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
    Decoy(
        "honest_return",
        ClaimFilter(),
        "a control visit, a planned stay or a relapse: the same patient again soon for the same illness, with reason",
        ("control_visit", "planned_stay", "relapse", "elsewhere"),
    ),
    Decoy(
        "honest_referral", ClaimFilter(), "sent on to a hospital of a higher class, which can do more", ("referral",)
    ),
)


def mark_decoys(claims: pa.Table, keys: Keys | None = None) -> npt.NDArray[np.int64]:
    """Of each claim the number of its decoy in DECOYS, -1 for none; without `keys` nothing is known of returns."""
    found = np.full(len(claims), -1, np.int64)
    for number, decoy in enumerate(DECOYS):
        if not decoy.returns:
            found[decoy.where.holds(claims) & (found < 0)] = number
        elif keys is not None:
            soon = np.nan_to_num(keys.days_since, nan=np.inf) <= SOON
            found[np.isin(keys.reasons, decoy.returns) & soon & (found < 0)] = number
    return found
