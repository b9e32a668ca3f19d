"""What a scorer is worth, measured on claims with known answers. Measures; prints and draws nothing.

A reviewer looks at the highest scores. How many: 1 % and 2 % of all claims, and 200 a day at the source's own volume.
"""

from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np

from claims_sim.errors import ScorerError
from claims_sim.scoring.evaluation.answers import PLACES, Answers
from claims_sim.scoring.evaluation.measures import (
    Bools,
    Floats,
    Share,
    auc,
    auc_interval,
    found_at,
    stability,
    taken_at,
)
from claims_sim.scoring.evaluation.ranking import SHARES, Estimate, Ranking, estimates

Nature = Literal["too few anomalies", "constant", "random", "reversed", "informative"]
THRESHOLDS: Final = (0.25, 0.5, 0.75)
FLAGGED: Final = 0.5
"""A claim that scores so high counts as flagged."""
REVIEWS_PER_DAY: Final = 200
REVIEWS_PER_AUDITOR: Final = 25
"""How many claims an auditor reviews in a day: an assumption, to turn false alarms into a workload."""
LEAST_ANOMALIES: Final = 20  # fewer say nothing about a ranking
_BINS: Final = 10
_MOST_PLACES: Final = 40


@dataclass(frozen=True, slots=True)
class KindResult:
    """How well one kind of anomaly is found; `strength` 0 stands for all strengths."""

    kind: str
    strength: int
    auc: Estimate
    recall_at_1: Share
    recall_at_2: Share
    lost: float
    caught: float

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "kind": self.kind,
            "strength": self.strength,
            "anomalies": self.recall_at_2.count,
            "auc": self.auc.as_dict(),
            "recall_at_1": self.recall_at_1.as_dict(),
            "recall_at_2": self.recall_at_2.as_dict(),
            "rupiah_lost": self.lost,
            "rupiah_caught_at_2": self.caught,
        }


@dataclass(frozen=True, slots=True)
class Place:
    """Confusion at 2 % reviewed, for one province or class."""

    column: str
    value: str
    found: int
    missed: int
    false_alarms: int
    passed: int

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "column": self.column,
            "value": self.value,
            "found": self.found,
            "missed": self.missed,
            "false_alarms": self.false_alarms,
            "passed": self.passed,
        }


@dataclass(frozen=True, slots=True)
class Workload:
    """What `reviews` a day bring where `claims_per_day` come in: shares, and rupiah a day."""

    claims_per_day: float
    reviews: float
    recall: float
    precision: float
    lost_per_day: float
    caught_per_day: float

    @property
    def false_alarms_per_auditor_day(self) -> float:
        """Claims that an auditor looks at in a day for nothing."""
        return REVIEWS_PER_AUDITOR * (1 - self.precision)

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "claims_per_day": self.claims_per_day,
            "reviews_per_day": self.reviews,
            "recall": self.recall,
            "precision": self.precision,
            "rupiah_lost_per_day": self.lost_per_day,
            "rupiah_caught_per_day": self.caught_per_day,
            "reviews_per_auditor_day": REVIEWS_PER_AUDITOR,
            "false_alarms_per_auditor_day": self.false_alarms_per_auditor_day,
        }


@dataclass(frozen=True, slots=True)
class Bin:
    """Claims with scores from `low` to `high`, and how many of them are anomalies."""

    low: float
    high: float
    claims: int
    anomalies: int


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Everything that is known of a scorer's answers. `clean_above` is by threshold, beside what our scale promises."""

    nature: Nature
    claims: int
    unlabelled: int
    left_out: int
    unanswered: int
    quality: dict[str, Estimate]
    flagged: dict[str, Share]
    kinds: tuple[KindResult, ...]
    strengths: tuple[KindResult, ...]
    decoys: dict[str, Share]
    bins: tuple[Bin, ...]
    clean_above: dict[float, Share]
    drift: dict[str, tuple[float, float]]
    places: tuple[Place, ...]
    workload: Workload

    @property
    def anomalies(self) -> int:
        """Labelled anomalies."""
        return sum(kind.recall_at_2.count for kind in self.kinds)

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready; amounts in rupiah, shares from 0 to 1."""
        return {
            "nature": self.nature,
            "claims": self.claims,
            "anomalies": self.anomalies,
            "unlabelled": self.unlabelled,
            "left_out": self.left_out,
            "unanswered": self.unanswered,
            "quality": {name: one.as_dict() for name, one in self.quality.items()},
            "flagged": {name: one.as_dict() for name, one in self.flagged.items()},
            "kinds": [one.as_dict() for one in self.kinds],
            "strengths": [one.as_dict() for one in self.strengths],
            "decoys_flagged": {name: one.as_dict() for name, one in self.decoys.items()},
            "calibration": [
                {"low": b.low, "high": b.high, "claims": b.claims, "anomalies": b.anomalies} for b in self.bins
            ],
            "clean_above": {str(threshold): share.as_dict() for threshold, share in self.clean_above.items()},
            "drift": {name: {"stability_index": psi, "ks": ks} for name, (psi, ks) in self.drift.items()},
            "places": [place.as_dict() for place in self.places],
            "workload": self.workload.as_dict(),
        }


def evaluate(answers: Answers, *, claims_per_day: float, reviews: int = REVIEWS_PER_DAY, key: int = 0) -> Evaluation:
    """Measure. `claims_per_day` is the volume at which `reviews` a day are made; `key` seeds ties and intervals.

    Raises ScorerError when no claim has a known answer.
    """
    if not len(answers.scores):
        raise ScorerError("No claim has a known answer: make claims with anomalies first (CLAIMS_SIM_ANOMALY_RATE).")
    labels, scores = answers.labels, answers.scores
    taken = {share: taken_at(scores, share, key) for share in SHARES}
    flagged = scores >= FLAGGED
    names = sorted(set(answers.kinds[labels]))
    return Evaluation(
        nature=nature_of(labels, scores),
        claims=len(scores),
        unlabelled=len(answers.unlabelled_scores),
        left_out=answers.left_out,
        unanswered=answers.unanswered,
        quality=estimates(Ranking(labels, scores), key),
        flagged={
            "precision": Share(int((flagged & labels).sum()), int(flagged.sum())),
            "recall": Share(int((flagged & labels).sum()), int(labels.sum())),
        },
        kinds=tuple(_kind(answers, taken, name, 0) for name in names),
        strengths=tuple(
            _kind(answers, taken, name, strength)
            for name in names
            for strength in sorted(set(answers.strengths[answers.kinds == name].tolist()))
        ),
        decoys={
            name: Share(int(taken[0.02][answers.decoys == name].sum()), int((answers.decoys == name).sum()))
            for name in sorted(set(answers.decoys[answers.decoys != ""]))
        },
        bins=_bins(labels, scores),
        clean_above={t: Share(int((scores[~labels] >= t).sum()), int((~labels).sum())) for t in THRESHOLDS},
        drift=_drift(answers),
        places=tuple(_places(answers, taken[0.02])),
        workload=_workload(answers, claims_per_day, reviews),
    )


def nature_of(labels: Bools, scores: Floats) -> Nature:
    """Is this a ranking at all? By what chance alone gives a ranking that knows nothing (99 %), so that luck is not praised.

    A rule set may say nothing about most anomalies: who finds far more than chance among the highest 1 % knows something, too.
    """
    anomalies, clean = int(labels.sum()), int((~labels).sum())
    if min(anomalies, clean) < LEAST_ANOMALIES:
        return "too few anomalies"
    if np.ptp(scores) == 0:
        return "constant"
    taken = taken_at(scores, SHARES[0])
    if Share(int((taken & labels).sum()), int(taken.sum())).interval[0] > 2 * anomalies / len(labels):
        return "informative"
    # Variance of the rank sum with its correction for ties (Lehmann, Nonparametrics, 1975): verdicts of yes and no tie much.
    total, tied = len(labels), np.unique(scores, return_counts=True)[1].astype(np.float64)
    spread = total + 1 - float((tied**3 - tied).sum()) / (total * (total - 1))
    area, half = auc(labels, scores), 2.576 * float(np.sqrt(spread / (12.0 * anomalies * clean)))
    if abs(area - 0.5) <= half:
        return "random"
    return "reversed" if area < 0.5 else "informative"


def _kind(answers: Answers, taken: dict[float, Bools], kind: str, strength: int) -> KindResult:
    mine = answers.kinds == kind
    if strength:
        mine &= answers.strengths == strength
    others = mine | (answers.kinds == "")
    low, high = auc_interval(mine[others], answers.scores[others])
    at = [Share(int(taken[share][mine].sum()), int(mine.sum())) for share in SHARES]
    return KindResult(
        kind,
        strength,
        Estimate(auc(mine[others], answers.scores[others]), low, high),
        at[0],
        at[1],
        float(answers.lost[mine].sum()),
        float(answers.lost[mine & taken[0.02]].sum()),
    )


def _bins(labels: Bools, scores: Floats) -> tuple[Bin, ...]:
    place = np.minimum((scores * _BINS).astype(np.int64), _BINS - 1)
    claims, anomalies = (np.bincount(place[chosen], minlength=_BINS) for chosen in (slice(None), labels))
    return tuple(Bin(i / _BINS, (i + 1) / _BINS, int(claims[i]), int(anomalies[i])) for i in range(_BINS))


def _drift(answers: Answers) -> dict[str, tuple[float, float]]:
    """How far scores of clean claims moved from the first to the second half, and lie from those of unlabelled ones."""
    clean = answers.scores[~answers.labels]
    found = {"first half to second half": stability(clean[: len(clean) // 2], clean[len(clean) // 2 :])}
    if len(answers.unlabelled_scores):
        found["labelled to unlabelled"] = stability(answers.scores, answers.unlabelled_scores)
    return found


def _places(answers: Answers, taken: Bools) -> list[Place]:
    """Confusion by province and by class; the largest places where there are very many."""
    labels = answers.labels
    found: list[Place] = []
    for column in PLACES:
        values, index, sizes = np.unique(answers.places[column].astype(str), return_inverse=True, return_counts=True)
        if len(values) < 2:
            continue
        cells = np.stack(
            [
                np.bincount(index[chosen], minlength=len(values))
                for chosen in (labels & taken, labels & ~taken, ~labels & taken, ~labels & ~taken)
            ]
        )
        found += [
            Place(column, str(values[i]) or "unknown", *(int(cells[row, i]) for row in range(4)))
            for i in np.argsort(-sizes, kind="stable")[:_MOST_PLACES]
        ]
    return found


def _workload(answers: Answers, claims_per_day: float, reviews: int) -> Workload:
    labels, scores, count = answers.labels, answers.scores, len(answers.scores)
    reviewed = max(round(count * min(reviews / claims_per_day, 1.0)), 1)
    found, anomalies = found_at(labels, scores, reviewed), int(labels.sum())
    caught = found_at(labels, scores, reviewed, answers.lost)
    days = count / claims_per_day
    return Workload(
        claims_per_day=claims_per_day,
        reviews=reviewed / days,
        recall=found / anomalies if anomalies else float("nan"),
        precision=found / reviewed,
        lost_per_day=float(answers.lost.sum()) / days,
        caught_per_day=caught / days,
    )
