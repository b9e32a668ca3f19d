"""Scores as counts per bin: exact ones of simulated claims, and of real claims only those that may be told. Pure."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from claims_sim.profile.counts.counting import Ints, Population, round_to_units
from claims_sim.scoring.features import Floats

EDGES: Final[Floats] = np.round(np.linspace(0.0, 1.0, 21), 2)
THRESHOLDS: Final = (0.25, 0.5, 0.75, 0.9)


@dataclass(frozen=True, slots=True)
class Bin:
    """Claims with a score from `low` up to, not including, `high` (of the last bin, including)."""

    low: float
    high: float
    claims: int

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {"from": self.low, "to": self.high, "claims": self.claims}


def count_scores(scores: Floats) -> list[Bin]:
    """Exact counts; of simulated claims, which are nobody's."""
    counts = np.bincount(_places(scores), minlength=len(EDGES) - 1)
    return [Bin(float(a), float(b), int(n)) for a, b, n in zip(EDGES[:-1], EDGES[1:], counts, strict=True)]


def release_scores(scores: Floats, population: Population, start: float) -> list[Bin]:
    """Counts of real claims that may leave the production zone; [] when all of them together are too few.

    Neighbouring bins are merged until each stands for k persons (claims, where persons cannot be told apart) and as many
    facilities as a cell of a profile needs; counts are whole multiples of k, rounded from `start`, a secret in [0, 1).
    """
    group = np.arange(len(EDGES) - 1)
    places = _places(scores)
    while True:
        bins = int(group[-1]) + 1
        cells = group[places]
        lacking = np.flatnonzero(~population.releasable(cells, bins))
        if not len(lacking):
            break
        if bins == 1:
            return []
        # The uppermost first: the tail is the thinnest, and joins the bin below it.
        at = int(lacking[-1])
        group[group >= max(at, 1)] -= 1
    counts = np.bincount(cells, minlength=bins).astype(np.int64)
    rounded = round_to_units(counts, np.zeros(bins, np.int64), population.k, np.full(bins, start)) * population.k
    firsts = np.flatnonzero(np.diff(group, prepend=-1))
    highs = np.append(EDGES[firsts[1:]], EDGES[-1])
    return [Bin(float(EDGES[f]), float(h), int(n)) for f, h, n in zip(firsts, highs, rounded, strict=True)]


def shares_above(scores: Floats) -> dict[str, float]:
    """Which share of the scores is at or above each threshold."""
    return {f"{threshold:g}": float((scores >= threshold).mean()) if len(scores) else 0.0 for threshold in THRESHOLDS}


def distance(real: list[Bin], simulated: Floats) -> float | None:
    """Total variation between released counts and simulated scores over the same bins; None without real ones."""
    total = sum(one.claims for one in real)
    if not total or not len(simulated):
        return None
    edges = np.array([one.low for one in real])
    theirs = np.bincount(np.searchsorted(edges, simulated, side="right") - 1, minlength=len(real)) / len(simulated)
    return float(np.abs(np.array([one.claims for one in real]) / total - theirs).sum() / 2)


def _places(scores: Floats) -> Ints:
    return np.clip(np.searchsorted(EDGES, scores, side="right") - 1, 0, len(EDGES) - 2).astype(np.int64)
