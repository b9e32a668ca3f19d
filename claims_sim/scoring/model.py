"""What it takes to train a scorer, and how evidence and rules become one score.

A score s on [0, 1] says how rare such a claim is among clean ones: about 10^(-4 s) of them score as high (0.25: one
in ten, 0.5: one in a hundred, 0.75: one in a thousand). That scale is frozen with the model.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from claims_sim.errors import ScorerError
from claims_sim.scoring.features import Features, Floats, Ints, read_features, whole
from claims_sim.scoring.keys import Bools
from claims_sim.scoring.rules import Calibration, calibrate, fire, weigh
from claims_sim.scoring.signals import (
    CONTEXTS,
    LEARNED,
    OF_PERSONS,
    ONLY_TOLD,
    RISING,
    Learned,
    View,
    learn,
    look,
    signals_of,
    taught_on,
)
from claims_sim.scoring.tails import MOST_EVIDENCE, Tail
from claims_sim.scoring.taught import Taught

LEAST_TRAINING_CLAIMS: Final = 200
MOST_TEACHING_CLAIMS: Final = 100_000
"""More would teach little; what is left of them sets the scale, the more sharply the more there are."""
_BESIDE_LESSONS: Final = 3
"""One in so many of the claims that taught nothing yet stands beside the lessons as right."""
BESIDE_TAUGHT: Final = -2.0
"""Log odds that the contexts' own odds lose where lessons were taught: what no lesson showed is found by them alone."""


@dataclass(frozen=True, slots=True)
class Reason:
    """What evidence of one context is worth: log odds at none, and how they grow with each tenfold rarity."""

    at_none: float
    growth: float


# Fitted (maximum likelihood) to claims with known anomalies of three sources and of seeds that the published figures do
# not use; see docs/scoring.md. Odds grow more slowly than rarity (log 10 = 2.3), for what is rare is mostly right. That
# companions are rare says least, for complications are rare by nature.
REASONS: Final = {
    "cost": Reason(-7.0, 2.2),
    "short_stay": Reason(-7.5, 1.9),
    "long_stay": Reason(-8.8, 2.1),
    "severity": Reason(-6.3, 2.0),
    "procedure": Reason(-7.4, 2.5),
    "companion": Reason(-10.0, 1.7),
    "admission": Reason(-8.6, 2.3),
}
SEVERE_YET_SHORT: Final = Reason(-9.0, 1.9)
"""Of the evidence for too high a severity and too short a stay together: each excuses nothing of the other."""
_MOST_TOGETHER: Final = 6.0
REPEATED: Final = Reason(-6.2, 2.3)
"""Of evidence that chance would hardly repeat a claim so soon: two in a thousand are taken to be repeats. Not fitted."""
MOST_RAW: Final = 2.0
AGAIN: Final = Reason(-7.0, 2.3)
"""Of evidence that a person's earlier claims give. Not fitted: a tenfold rarity makes the odds tenfold."""


@dataclass(frozen=True, slots=True)
class Trained:
    """What a scorer knows: what it learned, the tails of the contexts, the rules' rates, the final scale, its lessons."""

    learned: Learned
    tails: Mapping[str, Tail]
    calibration: Calibration
    scale: Tail
    taught: Taught | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """Scores on [0, 1], which rules fired (claims × rules), and what the reasons are told from."""

    rule_score: Floats
    ml_score: Floats
    ml_score_normalized: Floats
    fired: Bools
    view: View

    @property
    def risk_score(self) -> Floats:
        """The larger of the rules' and the model's score.

        The model's score counts the rules in, so it is the larger one unless a foreign model takes its place.
        """
        return np.maximum(self.rule_score, self.ml_score_normalized)


def train(claims: pa.Table, *, seed: int, lessons: pa.Table | None = None) -> Trained:
    """Train on clean claims, and on `lessons`, wrong ones. Raises ScorerError when there are too few clean ones.

    Four fifths teach, or `MOST_TEACHING_CLAIMS`. Of them, fitted values come from two halves, each judged by what the
    other one taught, and counts leave each claim itself out. Lessons are told from a part of the rest. The scale is
    measured on what is then left, which taught nothing; rules' rates on all.
    """
    if len(claims) < LEAST_TRAINING_CLAIMS:
        raise ScorerError(f"{len(claims)} claims are too few to train a scorer: give at least {LEAST_TRAINING_CLAIMS}.")
    order = _shuffled(claims, seed)
    teachers = min(len(claims) - len(claims) // 5, MOST_TEACHING_CLAIMS)
    beside = teachers + ((len(claims) - teachers) // _BESIDE_LESSONS if lessons is not None else 0)
    teaching, right, unseen = (
        claims.take(pa.array(np.sort(rows))) for rows in (order[:teachers], order[teachers:beside], order[beside:])
    )
    features = read_features(teaching)
    learned = learn(features, seed=seed)
    own = look(learned, features, own=1)
    own = replace(own, statistics=own.statistics | _judge_by_halves(teaching, seed))
    tails = {name: Tail.learn(own.statistics[name]) for name in (*CONTEXTS, *ONLY_TOLD)}
    fired_on_own = fire(signals_of(own, tails), features.rows)
    taught = None if lessons is None else _teach(learned, right, lessons)
    features = read_features(unseen)
    # Without repeats: how often chance makes one depends on how dense a stream is, which a sample does not know.
    view = look(learned, features, in_window=np.inf)
    signals = signals_of(view, tails)
    fired = fire(signals, features.rows)
    calibration = calibrate(np.vstack([fired_on_own, fired]))
    raw = combine(weigh(fired & calibration.enabled), signals, _told(taught, view, features))
    return Trained(learned, tails, calibration, Tail.learn(raw), taught)


def _teach(learned: Learned, right: pa.Table, wrong: pa.Table) -> Taught | None:
    told = []
    for claims in (right, wrong):
        features = read_features(claims)
        told.append(taught_on(look(learned, features, in_window=np.inf), features))
    return Taught.learn(told[0], told[1], RISING)


def _told(taught: Taught | None, view: View, features: Features) -> Floats | None:
    return None if taught is None else taught.log_odds(taught_on(view, features))


def _shuffled(claims: pa.Table, seed: int) -> Ints:
    """A random order in which the claims of a person stay together: their returns are what a half must not lose."""
    order = np.random.default_rng([seed, 1]).permutation(len(claims))
    persons = claims["patient_id_hash"] if "patient_id_hash" in claims.column_names else None
    if persons is None or persons.null_count == len(claims):
        return order
    number = whole(pc.coalesce(persons, claims["claim_id"])).dictionary_encode().indices.to_numpy(zero_copy_only=False)
    rank = np.empty(len(claims), np.int64)
    rank[order] = np.arange(len(claims))
    first = np.full(int(number.max()) + 1, len(claims), np.int64)
    np.minimum.at(first, number, rank)
    return np.argsort(first[number], kind="stable")


def judge(trained: Trained, features: Features, in_window: float | None = None) -> Judgement:
    """Score `features`; `in_window`: see `duplicates.Earlier`.

    The rules' score is what they would say on the common scale if nothing else about the claim was odd.
    """
    view = look(trained.learned, features, in_window=in_window)
    signals = signals_of(view, trained.tails)
    fired = fire(signals, features.rows) & trained.calibration.enabled
    weight = weigh(fired)
    raw = combine(weight, signals, _told(trained.taught, view, features))
    return Judgement(
        rule_score=trained.scale.evidence_of(weight) / MOST_EVIDENCE,
        ml_score=raw / MOST_RAW,
        ml_score_normalized=trained.scale.evidence_of(raw) / MOST_EVIDENCE,
        fired=fired,
        view=view,
    )


def _judge_by_halves(claims: pa.Table, seed: int) -> dict[str, Floats]:
    """The fitted statistics of training claims, each from a model that has not seen the claim."""
    half = np.random.default_rng([seed, 0]).permutation(len(claims)) % 2
    places = [np.flatnonzero(half == side) for side in (0, 1)]
    tables = [read_features(claims.take(pa.array(rows))) for rows in places]
    found = {name: np.empty(len(claims)) for name in LEARNED}
    for side in (0, 1):
        view = look(learn(tables[1 - side], seed=seed), tables[side])
        for name in LEARNED:
            found[name][places[side]] = view.statistics[name]
    return found


def combine(rule_weight: Floats, evidence: Mapping[str, Floats], taught: Floats | None = None) -> Floats:
    """The raw score: what rules weigh, and the odds of all contexts together on a scale from 0 to 1.

    Odds of different reasons add up. So one very odd context suffices, and several that are a little odd count, too:
    the largest one alone would miss these, a sum of evidence would drown the former. A visit counts as much less than a
    stay that looks as odd as it costs less. `taught` are log odds from lessons: one more reason, beside which those of
    the contexts that lessons also knew count less.
    """
    log_odds = np.logaddexp(_of_contexts(evidence, taught), _of_repeats(evidence)) + evidence["at_stake"]
    log_odds = np.maximum(log_odds, _LEAST) + rule_weight * (_MOST - _LEAST)
    if taught is not None:
        log_odds = np.logaddexp(log_odds, taught)
    return np.asarray(np.clip((log_odds - _LEAST) / (_MOST - _LEAST), 0.0, MOST_RAW), np.float64)


def _of_contexts(evidence: Mapping[str, Floats], taught: Floats | None) -> Floats:
    odds = sum(np.exp(reason.at_none + reason.growth * evidence[name]) for name, reason in REASONS.items())
    together = np.minimum(evidence["severity"] + evidence["short_stay"], _MOST_TOGETHER)
    odds += np.exp(SEVERE_YET_SHORT.at_none + SEVERE_YET_SHORT.growth * together)
    return np.asarray(np.log(odds) + (0.0 if taught is None else BESIDE_TAUGHT), np.float64)


def _of_repeats(evidence: Mapping[str, Floats]) -> Floats:
    """What is no evidence adds nothing, so that claims without persons are ranked as if there were none."""
    again = sum(np.exp(AGAIN.at_none) * np.expm1(AGAIN.growth * evidence[name]) for name in OF_PERSONS)
    again += np.exp(REPEATED.at_none) * np.expm1(REPEATED.growth * evidence["copied"])
    return np.asarray(np.log(again, out=np.full(len(again), -np.inf), where=again > 0), np.float64)


def _bounds() -> tuple[float, float]:
    least, most = (dict.fromkeys((*CONTEXTS, "copied"), np.array([value])) for value in (0.0, MOST_EVIDENCE))
    least_odds, most_odds = (np.logaddexp(_of_contexts(one, None), _of_repeats(one))[0] for one in (least, most))
    return float(least_odds), float(most_odds)


_LEAST, _MOST = _bounds()
