"""Rarity on one common scale: how few of the training claims lie as far out as this one.

Evidence is -log10 of that share: 1 is "one claim in ten", 2 "one in a hundred", at most `MOST_EVIDENCE`. All statistics
are comparable on it, and the share of clean claims above any threshold is known by construction.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from claims_sim.scoring.features import Floats

MOST_EVIDENCE: Final = 4.0
_KNOTS: Final = 401  # evidence in steps of 0.01
_GAP: Final = 1e-6  # relative; a value must exceed the largest one seen by this to count as farther out


@dataclass(frozen=True, slots=True)
class Tail:
    """`knots[i]` is the least value with `evidence[i]`; both ascend. Between knots evidence does not grow."""

    knots: Floats
    evidence: Floats

    @staticmethod
    def learn(values: Floats) -> "Tail":
        """The upper tail of `values`; unknown ones (NaN) count as claims that are not far out."""
        ordered = np.sort(np.where(np.isnan(values), -np.inf, values))
        size = len(ordered)
        if not np.isfinite(ordered).any():  # never known in training: nothing can be said
            return Tail(np.zeros(1), np.zeros(1))
        evidence = np.linspace(0.0, MOST_EVIDENCE, _KNOTS)
        evidence = evidence[evidence <= np.log10(size)]
        wanted = np.floor(size * 10.0**-evidence + 1e-9).astype(np.int64)
        # Of tied values all or none lie in the tail: go up to the first value that leaves at most `wanted` claims.
        inner = ordered[size - wanted]
        tied_below = np.searchsorted(ordered, inner, side="left") < size - wanted
        largest = ordered[-1]
        beyond = np.append(ordered, largest + _GAP * max(1.0, abs(largest)))
        knots = np.where(tied_below, beyond[np.searchsorted(ordered, inner, side="right")], inner)
        finite = np.isfinite(knots)
        return Tail(knots[finite], evidence[finite])

    def evidence_of(self, values: Floats) -> Floats:
        """-log10 of the share of training claims that are at least as far out, rounded down; 0 for NaN."""
        position = np.searchsorted(self.knots, np.where(np.isnan(values), -np.inf, values), side="right")
        return np.append(0.0, self.evidence)[position]
