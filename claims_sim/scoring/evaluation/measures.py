"""Measures of a ranking against labels. Ties count as what a random order of them would give, so that no order of rows helps.

Pure: arrays in, numbers out. `labels` are True for anomalies; higher scores are more suspicious.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

_Z: Final = 1.959964  # of a 95 % interval


@dataclass(frozen=True, slots=True)
class Share:
    """A share with its 95 % interval: `hits` of `count`."""

    hits: int
    count: int

    @property
    def value(self) -> float:
        """The share; 0 of nothing is 0."""
        return self.hits / self.count if self.count else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's score interval (Wilson, JASA 22, 1927): sound also for few claims and shares near 0 or 1."""
        if not self.count:
            return 0.0, 1.0
        n, p = self.count, self.value
        middle = (p + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
        half = _Z / (1 + _Z**2 / n) * float(np.sqrt(p * (1 - p) / n + _Z**2 / (4 * n**2)))
        return max(0.0, middle - half), min(1.0, middle + half)

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        low, high = self.interval
        return {"hits": self.hits, "count": self.count, "share": self.value, "low": low, "high": high}


def paired_difference(one: Bools, other: Bools) -> tuple[float, float, float]:
    """Difference of two shares of the same cases (`one` minus `other`), with its 95 % interval.

    Wald's interval with half a case added to each cell (Agresti and Min, Statistics in Medicine 24, 2005).
    """
    if not len(one):
        return 0.0, -1.0, 1.0
    only_one, only_other = float((one & ~other).sum()), float((other & ~one).sum())
    n, b, c = len(one) + 2.0, only_one + 0.5, only_other + 0.5
    middle, half = (b - c) / n, _Z * float(np.sqrt(b + c - (b - c) ** 2 / n)) / n
    value = (only_one - only_other) / len(one)
    return value, min(value, max(-1.0, middle - half)), max(value, min(1.0, middle + half))


def auc(labels: Bools, scores: Floats) -> float:
    """The chance that an anomaly scores above a clean claim, ties counting half; NaN without both."""
    anomalies = int(labels.sum())
    clean = len(labels) - anomalies
    if not anomalies or not clean:
        return float("nan")
    ranks = _average_ranks(scores)
    return float((ranks[labels].sum() - anomalies * (anomalies + 1) / 2) / (anomalies * clean))


def auc_interval(labels: Bools, scores: Floats) -> tuple[float, float]:
    """A 95 % interval of the AUC (Hanley and McNeil, Radiology 143, 1982)."""
    area, anomalies = auc(labels, scores), int(labels.sum())
    clean = len(labels) - anomalies
    if not np.isfinite(area):
        return 0.0, 1.0
    q1, q2 = area / (2 - area), 2 * area**2 / (1 + area)
    variance = area * (1 - area) + (anomalies - 1) * (q1 - area**2) + (clean - 1) * (q2 - area**2)
    half = _Z * float(np.sqrt(max(variance, 0.0) / (anomalies * clean)))
    return max(0.0, area - half), min(1.0, area + half)


def average_precision(labels: Bools, scores: Floats) -> float:
    """The mean precision over the anomalies, each taken at its own score; NaN without anomalies."""
    if not labels.any():
        return float("nan")
    found, taken = _by_threshold(labels, scores)
    return float((np.diff(found, prepend=0) * found / taken).sum() / labels.sum())


def found_at(labels: Bools, scores: Floats, count: int, weights: Floats | None = None) -> float:
    """How many anomalies (or how much of `weights`) are among the `count` highest scores; of a tie the due part."""
    values = labels.astype(np.float64) if weights is None else weights * labels
    if not count or not len(scores):
        return 0.0
    count = min(count, len(scores))
    cut = np.partition(scores, len(scores) - count)[len(scores) - count]
    above, tied = scores > cut, scores == cut
    return float(values[above].sum() + values[tied].sum() * (count - above.sum()) / tied.sum())


def precision_at(labels: Bools, scores: Floats, share: float) -> float:
    """The share of anomalies among the highest `share` of scores."""
    count = max(round(len(scores) * share), 1)
    return found_at(labels, scores, count) / count


def recall_at(labels: Bools, scores: Floats, share: float) -> float:
    """The share of the anomalies that are among the highest `share` of scores; NaN without anomalies."""
    count = max(round(len(scores) * share), 1)
    return found_at(labels, scores, count) / labels.sum() if labels.any() else float("nan")


def taken_at(scores: Floats, share: float, key: int = 0) -> Bools:
    """Which claims are among the highest `share` of scores; a tie at the edge is broken at random, by `key`."""
    count = min(max(round(len(scores) * share), 1), len(scores)) if len(scores) else 0
    order = np.random.default_rng(key).permutation(len(scores))
    taken = np.zeros(len(scores), np.bool_)
    taken[order[np.argsort(-scores[order], kind="stable")[:count]]] = True
    return taken


def stability(first: Floats, second: Floats) -> tuple[float, float]:
    """How far two sets of scores are apart: population stability index over tenths of the first, and Kolmogorov-Smirnov."""
    if not len(first) or not len(second):
        return float("nan"), float("nan")
    edges = np.unique(np.quantile(first, np.linspace(0, 1, 11)))
    shares = [np.bincount(np.searchsorted(edges, s, side="right"), minlength=len(edges) + 1) / len(s)
              for s in (first, second)]  # fmt: skip
    one, other = (np.maximum(share, 1e-4) for share in shares)
    both = np.sort(np.concatenate([first, second]))
    steps = [np.searchsorted(np.sort(s), both, side="right") / len(s) for s in (first, second)]
    return float(((one - other) * np.log(one / other)).sum()), float(np.abs(steps[0] - steps[1]).max())


def _average_ranks(scores: Floats) -> Floats:
    _, index, counts = np.unique(scores, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2)[index], np.float64)


def _by_threshold(labels: Bools, scores: Floats) -> tuple[Floats, Floats]:
    """At each distinct score, highest first: anomalies found and claims taken."""
    _, index = np.unique(-scores, return_inverse=True)
    return np.cumsum(np.bincount(index, weights=labels)), np.cumsum(np.bincount(index)).astype(np.float64)
