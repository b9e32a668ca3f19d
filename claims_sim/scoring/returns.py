"""What a person's earlier claims say of a claim: how soon it follows one like it, and whether it overlaps another stay.

Of two claims the later one is looked at, never its original. Without persons nothing is known (NaN).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from claims_sim.scoring.features import Features, Floats, Ints
from claims_sim.scoring.keys import Bools

LOOK_BACK_DAYS: Final = 31
"""A return after longer is no return."""
REACH_DAYS: Final = 2 * LOOK_BACK_DAYS
"""Between two admissions that are compared: earlier claims are looked up by admission, and a stay may last a month."""
NONE: Final = LOOK_BACK_DAYS
_MOST_OVERLAP: Final = 10
_CLAIMS_BACK: Final = 6  # of a person: more within a month say the same
_OWNER: Final = "-"  # a hospital's name tells its owner before this


@dataclass(frozen=True, slots=True)
class Returns:
    """Per claim: days since the person had a claim like it (NONE: not within a month); days left of another stay."""

    stay_again: Floats
    visit_again: Floats
    same_bill: Floats
    sent_on: Floats
    overlap: Floats

    def values(self) -> dict[str, Floats]:
        """By name."""
        return {name: getattr(self, name) for name in ("stay_again", "visit_again", "same_bill", "sent_on", "overlap")}


def look_back(features: Features) -> Returns:
    """Look at the claims of `features` that stand before each, by admission and then by their order."""
    person, known = _persons(features)
    found = {name: np.where(known, float(NONE), np.nan) for name in ("stay", "visit", "bill", "sent")}
    overlap = np.where(known, 0.0, np.nan)
    at = np.flatnonzero(known)
    at = at[np.lexsort((features.admitted[at], person[at]))]
    about = _About.of(features)
    for back in range(1, min(_CLAIMS_BACK, max(len(at) - 1, 0)) + 1):
        one, other = at[back:], at[:-back]
        theirs = person[one] == person[other]
        if not theirs.any():
            break
        one, other = one[theirs], other[theirs]
        days = np.floor(features.admitted[one]) - np.floor(features.discharged[other])
        within = np.floor(features.admitted[one]) - np.floor(features.admitted[other]) <= REACH_DAYS
        inside = within & (features.admitted[one] < features.discharged[other])
        both_stay = about.is_stay[one] & about.is_stay[other]
        lies = inside & about.is_stay[other] & about.is_stay[one]
        left = np.clip(np.ceil(features.discharged[other] - features.admitted[one]), 0, _MOST_OVERLAP)
        overlap[one] = np.where(lies, np.maximum(overlap[one], left), overlap[one])
        soon = within & (days >= 0) & (days < NONE)
        alike = soon & (about.illness[one] == about.illness[other])
        here = about.facility[one] == about.facility[other]
        owner = ~here & (about.owner[one] == about.owner[other]) & (about.owner[one] >= 0)
        _least(found["stay"], one, days, alike & both_stay)
        _least(found["visit"], one, days, alike & ~about.is_stay[one] & ~about.is_stay[other])
        _least(found["bill"], one, days, soon & (about.bill[one] == about.bill[other]))
        _least(found["sent"], one, days, alike & owner)
    return Returns(found["stay"], found["visit"], found["bill"], found["sent"], overlap)


@dataclass(frozen=True, slots=True)
class _About:
    is_stay: Bools
    illness: Ints
    bill: Ints
    facility: Ints
    owner: Ints  # -1: not told

    @staticmethod
    def of(features: Features) -> "_About":
        parts = (features.texts["dx"], features.texts["procedure"], features.texts["service"])
        bill = [_numbered(part) for part in parts]
        amounts = np.unique(np.nan_to_num(features.claimed), return_inverse=True)[1]
        joined = amounts.astype(np.int64)
        for part in bill:
            joined = joined * (part.max(initial=0) + 1) + part
        owner = pc.struct_field(
            pc.extract_regex(features.facility, f"^(?P<owner>[^{_OWNER}]+){_OWNER}"), "owner"
        ).fill_null("")
        owners = np.where(np.asarray(pc.equal(owner, "")), -1, _numbered(owner))
        return _About(
            np.nan_to_num(features.stay) > 0,
            _numbered(features.texts["dx_category"]),
            joined,
            _numbered(features.facility),
            owners,
        )


def _least(found: Floats, rows: Ints, days: Floats, there: Bools) -> None:
    np.minimum.at(found, rows[there], days[there])


def _persons(features: Features) -> tuple[Ints, Bools]:
    known = ~np.asarray(pc.equal(features.person, "").to_numpy(zero_copy_only=False))
    known &= np.isfinite(features.admitted) & np.isfinite(features.discharged)
    return _numbered(features.person), known


def _numbered(column: pa.Array) -> Ints:
    return np.asarray(column.dictionary_encode().indices.to_numpy(zero_copy_only=False), np.int64)
