"""What it takes to train a scorer, and how evidence and rules become one score.

A score s on [0, 1] says how rare such a claim is among clean ones: about 10^(-4 s) of them score as high (0.25: one
in ten, 0.5: one in a hundred, 0.75: one in a thousand). That scale is frozen with the model.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pyarrow as pa

from claims_sim.errors import ScorerError
from claims_sim.scoring.features import Features, Floats, read_features
from claims_sim.scoring.keys import Bools
from claims_sim.scoring.rules import Calibration, calibrate, fire, weigh
from claims_sim.scoring.signals import CONTEXTS, LEARNED, Learned, View, learn, look, signals_of
from claims_sim.scoring.tails import MOST_EVIDENCE, Tail

LEAST_TRAINING_CLAIMS: Final = 200
# Measured on claims with known anomalies: the largest tail alone misses what is a little odd in two ways; a plain
# sum drowns what is very odd in one.
_LARGEST_TAIL, _SECOND_TAIL = 0.5, 0.25
MOST_RAW: Final = 1.0 + _LARGEST_TAIL + _SECOND_TAIL


@dataclass(frozen=True, slots=True)
class Trained:
    """What a scorer knows: what it learned, the tails of the contexts, the rules' rates, and the final scale."""

    learned: Learned
    tails: Mapping[str, Tail]
    calibration: Calibration
    scale: Tail


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


def train(claims: pa.Table, *, seed: int) -> Trained:
    """Train on clean claims. Raises ScorerError when there are too few.

    Tails, rules and the scale are measured on claims that the measuring model has not seen. Fitted values come from
    two halves, each judged by what the other one taught; counts leave each claim itself out.
    """
    if len(claims) < LEAST_TRAINING_CLAIMS:
        raise ScorerError(f"{len(claims)} claims are too few to train a scorer: give at least {LEAST_TRAINING_CLAIMS}.")
    features = read_features(claims)
    learned = learn(features, seed=seed)
    own = look(learned, features, own=1)
    statistics = own.statistics | _judge_by_halves(claims, seed)
    statistics["unlisted"] = np.where(np.isnan(own.statistics["unlisted"]), np.nan, statistics["cost"])
    tails = {name: Tail.learn(statistics[name]) for name in CONTEXTS}
    signals = signals_of(replace(own, statistics=statistics), tails)
    fired = fire(signals, features.rows)
    calibration = calibrate(fired)
    raw = combine(weigh(fired & calibration.enabled), signals)
    return Trained(learned, tails, calibration, Tail.learn(raw))


def judge(trained: Trained, features: Features) -> Judgement:
    """Score `features`.

    The rules' score is what they would say on the common scale if nothing else about the claim was odd.
    """
    view = look(trained.learned, features)
    signals = signals_of(view, trained.tails)
    fired = fire(signals, features.rows) & trained.calibration.enabled
    weight = weigh(fired)
    raw = combine(weight, signals)
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


def combine(rule_weight: Floats, evidence: Mapping[str, Floats]) -> Floats:
    """The raw score: rules, half the largest context tail and a quarter of the second."""
    tails = np.sort(np.column_stack([evidence[name] for name in CONTEXTS]), axis=1) / MOST_EVIDENCE
    return np.asarray(rule_weight + _LARGEST_TAIL * tails[:, -1] + _SECOND_TAIL * tails[:, -2], np.float64)
