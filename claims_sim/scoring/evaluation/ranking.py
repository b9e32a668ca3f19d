"""A scorer's ranking of labelled claims, measured as it is and as it would come out on other claims of the same kind.

Intervals come from a Poisson bootstrap: each claim counts 0, 1, 2, … times, independently (mean 1). Two scorers that
are given the same weights are compared claim by claim, so that what both share cancels.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Final

import numpy as np

from claims_sim.randomness import stream_key
from claims_sim.scoring.evaluation.measures import Bools, Floats

REPLICATES: Final = 200
SHARES: Final = (0.01, 0.02)
"""The parts of all claims that a reviewer looks at, highest scores first."""


@dataclass(frozen=True, slots=True)
class Quality:
    """What a ranking is worth; all on [0, 1], NaN without anomalies or without clean claims."""

    auc: float
    average_precision: float
    precision_at_1: float
    recall_at_1: float
    precision_at_2: float
    recall_at_2: float

    def as_dict(self) -> dict[str, float]:
        """By name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


MEASURES: Final = tuple(field.name for field in fields(Quality))


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float

    def as_dict(self) -> dict[str, float]:
        """JSON-ready."""
        return {"value": self.value, "low": self.low, "high": self.high}


class Ranking:
    """Labels (True: anomaly) and scores of the same claims; ties count as what a random order of them would give."""

    def __init__(self, labels: Bools, scores: Floats) -> None:
        self.labels, self.size = labels, len(labels)
        _, self._group = np.unique(-scores, return_inverse=True)  # 0: the highest score
        self._groups = int(self._group.max(initial=-1)) + 1

    def measure(self, weights: Floats | None = None) -> Quality:
        """The measures, each claim counting `weights` times (default: once)."""
        weights = np.ones(self.size) if weights is None else weights
        anomalies = np.bincount(self._group, weights * self.labels, self._groups)
        every = np.bincount(self._group, weights, self._groups)
        found, taken = np.cumsum(anomalies), np.cumsum(every)
        if not len(found) or not found[-1] or found[-1] == taken[-1]:
            return Quality(*[float("nan")] * len(MEASURES))
        clean = every - anomalies
        after = clean.sum() - np.cumsum(clean)  # clean claims that score lower
        area = float((anomalies * (after + clean / 2)).sum() / (found[-1] * clean.sum()))
        precision = np.divide(found, taken, out=np.zeros_like(found), where=taken > 0)
        average = float((anomalies * precision).sum() / found[-1])
        at = []
        for share in SHARES:
            count = max(round(taken[-1] * share), 1)
            hits = float(np.interp(count, np.r_[0.0, taken], np.r_[0.0, found]))  # of a tie, the due part
            at += [hits / count, hits / float(found[-1])]
        return Quality(area, average, *at)


def weights_of(key: int, size: int, replicates: int = REPLICATES) -> Iterator[Floats]:
    """Weights of each replicate; the same key and size give the same ones."""
    for replicate in range(replicates):
        generator = np.random.default_rng(stream_key(key, "bootstrap", replicate))
        yield generator.poisson(1.0, size).astype(np.float64)


def estimates(ranking: Ranking, key: int = 0) -> dict[str, Estimate]:
    """Every measure with its interval."""
    return Together([[ranking]], key).averages(0)


def differences(pairs: Sequence[tuple[Ranking, Ranking]], key: int = 0) -> dict[str, Estimate]:
    """By how much the first ranking of each pair is better than the second, on average over the pairs.

    A pair are two scorers' rankings of the very same claims (one pair a seed).
    """
    return Together([list(side) for side in zip(*pairs, strict=True)], key).differences(0, 1)


class Together:
    """Rankings of several scorers over the same sets of claims (`rankings[scorer][set]`), drawn again together."""

    def __init__(self, rankings: Sequence[Sequence[Ranking]], key: int = 0) -> None:
        sets = range(len(rankings[0]))
        self._values = _means([[one.measure() for one in scorer] for scorer in rankings])
        draws = [weights_of(stream_key(key, number), rankings[0][number].size) for number in sets]
        self._drawn = np.stack(
            [
                _means([[scorer[number].measure(weights[number]) for number in sets] for scorer in rankings])
                for weights in zip(*draws, strict=True)
            ]
        )

    def averages(self, scorer: int) -> dict[str, Estimate]:
        """A scorer's measures, on average over the sets."""
        return _estimates(self._values[scorer], self._drawn[:, scorer])

    def differences(self, one: int, other: int) -> dict[str, Estimate]:
        """By how much one scorer is better than another."""
        return _estimates(self._values[one] - self._values[other], self._drawn[:, one] - self._drawn[:, other])


def _means(found: Sequence[Sequence[Quality]]) -> Floats:
    """Scorer × measure: the mean over the sets."""
    return np.array([np.mean([list(one.as_dict().values()) for one in scorer], axis=0) for scorer in found])


def _estimates(values: Floats, drawn: Floats) -> dict[str, Estimate]:
    return {name: _estimate(float(values[i]), drawn[:, i]) for i, name in enumerate(MEASURES)}


def _estimate(value: float, drawn: Floats) -> Estimate:
    known = drawn[np.isfinite(drawn)]
    if not len(known) or not np.isfinite(value):
        return Estimate(value, float("nan"), float("nan"))
    # Twice the figure minus the drawn quantiles (the basic bootstrap) would leave [0, 1]; quantiles stay inside.
    low, high = np.quantile(known, [0.025, 0.975])
    return Estimate(value, float(min(low, value)), float(max(high, value)))
