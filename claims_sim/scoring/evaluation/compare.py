"""Is a scorer worse than another one, by more than chance explains? Pure: figures in, a verdict out."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import hypot
from typing import Any, Final

from claims_sim.scoring.evaluation.measures import Bools, Floats, Share
from claims_sim.scoring.evaluation.ranking import Estimate, Ranking, differences

WATCHED: Final = ("auc", "average_precision", "precision_at_1")
TOLERANCE: Final = 0.01
"""A loss smaller than this is not called one, however sure it is."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The newer scorer against the older one, `before`. `differences` are newer minus older, by measure.

    `is_paired`: both judged the very same claims; else each its own, and chance is larger. `lost` are kinds of
    anomalies that the newer scorer finds less often.
    """

    before: str
    is_paired: bool
    differences: dict[str, Estimate]
    lost: dict[str, tuple[float, float]]

    @property
    def fallen(self) -> dict[str, Estimate]:
        """The watched measures that fell by more than chance and tolerance explain."""
        return {
            name: one
            for name, one in self.differences.items()
            if name in WATCHED and one.high < 0 and one.value < -TOLERANCE
        }

    @property
    def worse(self) -> tuple[str, ...]:
        """The measures and kinds that got worse; empty when the newer scorer is as good."""
        measures = [f"{name} {one.value:+.3f}" for name, one in self.fallen.items()]
        kinds = [f"recall of {kind} {old:.0%} → {new:.0%}" for kind, (old, new) in self.lost.items()]
        return (*measures, *kinds)

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "before": self.before,
            "is_paired": self.is_paired,
            "differences": {name: one.as_dict() for name, one in self.differences.items()},
            "lost": {kind: list(recalls) for kind, recalls in self.lost.items()},
            "worse": list(self.worse),
        }


def compare_paired(
    before: str, labels: Bools, newer: Floats, older: Floats, kinds: Iterable[tuple[str, Share, Share]]
) -> Comparison:
    """Two scorers on the same claims; `kinds` are (kind, newer recall, older recall)."""
    found = differences([(Ranking(labels, newer), Ranking(labels, older))])
    return Comparison(before, True, found, lost_kinds(kinds))


def compare_apart(
    before: str,
    newer: Mapping[str, Estimate],
    older: Mapping[str, Estimate],
    kinds: Iterable[tuple[str, Share, Share]],
) -> Comparison:
    """Two scorers on claims of their own: both intervals count."""
    found = {}
    for name in newer.keys() & older.keys():
        one, other = newer[name], older[name]
        gap = one.value - other.value
        below = hypot(one.value - one.low, other.high - other.value)
        above = hypot(one.high - one.value, other.value - other.low)
        found[name] = Estimate(gap, gap - below, gap + above)
    return Comparison(before, False, dict(sorted(found.items())), lost_kinds(kinds))


def lost_kinds(kinds: Iterable[tuple[str, Share, Share]]) -> dict[str, tuple[float, float]]:
    """The kinds whose recall fell so far that the intervals do not meet: older and newer recall."""
    return {
        kind: (older.value, newer.value)
        for kind, newer, older in kinds
        if newer.count and older.count and newer.interval[1] < older.interval[0]
    }
