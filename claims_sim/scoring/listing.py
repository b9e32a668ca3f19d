"""Is an amount on the price list at all? Where prices are a lattice, most right amounts were seen before, made-up ones seldom.

A source whose amounts are continuous has no list: then nothing is on it, and nothing is said.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from claims_sim.scoring.features import Features, Floats, Ints
from claims_sim.scoring.keys import Bools, Codes, fold
from claims_sim.scoring.surprise import Counts

_GRIDS: Final = (100_000.0, 10_000.0, 1_000.0, 100.0, 10.0, 1.0, 0.01)
_MADE_UP: Final = 1.037
"""Such a part more than a right amount is as good as made up."""
_PRIOR: Final = 10.0  # claims


@dataclass(frozen=True, slots=True)
class Listing:
    """The amounts that training held, by class and by stay or visit.

    `clean` is by group: the share of right claims whose amount is listed; `chance` that of made-up amounts.
    """

    amounts: Counts
    clean: Floats
    chance: float

    @staticmethod
    def learn(features: Features, codes: Codes, extras: Floats, group: Ints, groups: int) -> "Listing":
        """Learn from right claims; each is judged by the others."""
        amounts = Counts.learn(_key(features, codes, features.claimed))
        listed = _is_listed(features, codes, extras, amounts, features.claimed, own=1)
        grid = next((g for g in _GRIDS if _share_on(features.claimed, g) >= 0.99), 0.01)
        made_up = np.round(features.claimed * _MADE_UP / grid) * grid
        chance = float(_is_listed(features, codes, extras, amounts, made_up, own=0).mean())
        whole = float(listed.mean())
        counts = np.bincount(group, minlength=groups)
        clean = (np.bincount(group, weights=listed, minlength=groups) + _PRIOR * whole) / (counts + _PRIOR)
        return Listing(amounts, clean, chance)

    def says(self, features: Features, codes: Codes, extras: Floats, group: Ints, *, own: int) -> Floats:
        """How much likelier the amount is made up than right, as log10 of the ratio, by whether it is listed."""
        listed = _is_listed(features, codes, extras, self.amounts, features.claimed, own=own)
        right, made_up = (np.clip(share, 0.01, 0.99) for share in (self.clean[group], np.full(1, self.chance)))
        ratio = np.where(listed, made_up / right, (1 - made_up) / (1 - right))
        return np.asarray(np.log10(ratio), np.float64)


def _is_listed(
    features: Features, codes: Codes, extras: Sequence[float] | Floats, amounts: Counts, claimed: Floats, *, own: int
) -> Bools:
    """Whether an amount, or what is left of it without a usual extra, is that of another claim."""
    listed = amounts.of(_key(features, codes, claimed)) > own
    for extra in extras:
        listed = listed | (amounts.of(_key(features, codes, claimed - extra)) > 0)
    return np.asarray(listed, np.bool_)


def _key(features: Features, codes: Codes, amounts: Floats) -> Ints:
    cents = np.round(np.nan_to_num(np.clip(amounts, -1e13, 1e13)) * 100).astype(np.int64)
    return fold([(np.nan_to_num(features.stay) > 0).astype(np.int64), codes.columns["class"], cents])


def _share_on(amounts: Floats, grid: float) -> float:
    known = amounts[np.isfinite(amounts)]
    return float((np.abs(known - np.round(known / grid) * grid) < 0.005).mean()) if len(known) else 0.0
