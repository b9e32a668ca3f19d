"""From features to the signals that rules and the combination use: deviations turned into evidence on one scale."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from claims_sim.scoring.duplicates import Patterns, count_repeats
from claims_sim.scoring.features import Features, Floats
from claims_sim.scoring.keys import Vocabulary
from claims_sim.scoring.odds import QUESTIONS, Odds, severity_order, values_of
from claims_sim.scoring.peers import Peers, PeerView
from claims_sim.scoring.returns import look_back
from claims_sim.scoring.surprise import ASSOCIATIONS, BESIDE, Surprise, companion_codes, most_of
from claims_sim.scoring.tails import Tail
from claims_sim.scoring.tariff import Tariff

OF_PERSONS: Final = ("stay_again", "visit_again", "same_bill", "sent_on", "overlap")
"""The statistics that need persons; without them they say nothing."""
CONTEXTS: Final = ("cost", "short_stay", "long_stay", "severity", "procedure", "companion", "admission", *OF_PERSONS)
"""The statistics whose upper tails are evidence."""
ONLY_TOLD: Final = ("uncommon", "dx_at_class")
"""Statistics whose tails give rules their words, but no odds: lessons alone weigh them."""
LEARNED: Final = ("cost", "short_stay", "long_stay", "severity", "uncommon")
"""Those of them that come from fitted values, not from counts that can leave a claim out."""
OF_ONE_CLAIM: Final = tuple(name for name in CONTEXTS if name not in OF_PERSONS)
_FACTS: Final = ("inpatient", "stay", "over_price", "price_doubt", "paid_share", "severity_share")
RISING: Final = frozenset({*OF_ONE_CLAIM, "uncommon", "made_up", *BESIDE})
"""Statistics of which more never speaks for a claim."""


@dataclass(frozen=True, slots=True)
class Learned:
    """Everything that training claims teach about single claims, before any tail is known."""

    vocabulary: Vocabulary
    peers: Peers
    order: Floats  # rank of each severity value
    inpatient: Floats  # of each service value: 1 if most of its claims have a stay
    at_stake: float  # log of what a visit costs over what a stay costs, on average
    tariff: Tariff
    odds: Mapping[str, Odds]
    surprises: Mapping[str, Surprise]
    patterns: Patterns
    trained_on: int


@dataclass(frozen=True, slots=True)
class View:
    """One table of claims as training sees it: raw statistics, facts, and what wordings need."""

    statistics: dict[str, Floats]
    facts: dict[str, Floats]
    peers: PeerView
    expected_amount: Floats


def learn(features: Features, *, seed: int) -> Learned:
    """Learn from `features` of clean claims."""
    vocabulary = Vocabulary.learn(features)
    codes = vocabulary.encode(features)
    order = severity_order(features, codes)
    values = values_of(features, codes, order) | look_back(features).values()
    service = codes.columns["service"]
    stays = np.bincount(service, weights=features.stay > 0, minlength=codes.sizes["service"])
    companions = companion_codes(features, codes, vocabulary.values["companion"])
    return Learned(
        vocabulary=vocabulary,
        peers=Peers.learn(features, codes),
        order=order,
        inpatient=(stays > np.bincount(service, minlength=codes.sizes["service"]) / 2).astype(np.float64),
        at_stake=_at_stake(features),
        tariff=Tariff.learn(features, codes, seed=seed),
        odds={question.name: Odds.learn(question, codes, values) for question in QUESTIONS},
        surprises={a.name: Surprise.learn(a, companions if a.name == "companion" else codes) for a in ASSOCIATIONS},
        patterns=Patterns.learn(features, codes, companions.columns["companion"]),
        trained_on=features.rows,
    )


def look(learned: Learned, features: Features, *, own: int = 0, in_window: float | None = None) -> View:
    """The statistics and facts of `features`; what cannot be judged is NaN. `in_window`: see `duplicates.Earlier`.

    `own` is 1 when `features` are the very claims that were learned from: counts then leave each claim itself out.
    """
    codes = learned.vocabulary.encode(features)
    returns = look_back(features).values()
    values = values_of(features, codes, learned.order) | returns
    peers = learned.peers.compare(features, codes)
    priced = learned.tariff.look(features, codes, own=own)
    odds = {name: one.of(codes, values) for name, one in learned.odds.items()}
    known_service = np.append(learned.inpatient, np.nan)[codes.columns["service"]]
    inpatient = np.where(np.isfinite(known_service), known_service, features.stay > 0)
    of_inpatients = np.where(inpatient > 0, 0.0, np.nan)
    companions = companion_codes(features, codes, learned.vocabulary.values["companion"])
    companion = most_of(learned.surprises["companion"].of(companions, own=own), features.secondary_rows, features.rows)
    repeats = count_repeats(features, codes, companions.columns["companion"], learned.patterns, in_window)
    top = max(float(learned.order.max(initial=0.0)), 1.0)
    return View(
        statistics={
            "cost": priced.evidence,
            "short_stay": odds["short_stay"] + of_inpatients,
            "long_stay": odds["long_stay"] + of_inpatients,
            "severity": odds["severity"],
            "procedure": learned.surprises["procedure"].of(codes, own=own),
            "companion": companion,
            "admission": learned.surprises["admission"].of(codes, own=own) + of_inpatients,
            **{name: odds[name] for name in OF_PERSONS},
            "uncommon": priced.uncommon,
            "made_up": priced.made_up,
            **{name: learned.surprises[name].of(codes, own=own) for name in BESIDE},
        },
        facts={
            "inpatient": inpatient,
            "at_stake": np.where(inpatient > 0, 0.0, learned.at_stake),
            "stay": features.stay,
            "peer_stay": peers.median_stay,
            "over_price": features.log_amount - priced.price,
            "price_doubt": priced.doubt,
            "paid_share": features.paid_share,
            "paid_over_claimed": (features.paid > features.claimed).astype(np.float64),
            "severity_share": values["severity"] / top,
            "copies": repeats.copies,
            "copy_days": repeats.days,
            "copied": repeats.evidence,
            "same_person": repeats.same_person,
            **{f"{name}_days": days for name, days in returns.items()},
        },
        peers=peers,
        expected_amount=np.exp(priced.price),
    )


def taught_on(view: View, features: Features) -> dict[str, Floats]:
    """What lessons are told of each claim: its statistics, and facts that say among whom they are odd."""
    peers = {f"{name}_beside_peers": values for name, values in view.peers.deviation.items()}
    facts = {name: view.facts[name] for name in _FACTS}
    return {
        **{name: view.statistics[name] for name in sorted(RISING)},
        **facts,
        **peers,
        "companions": features.companions,
    }


def _at_stake(features: Features) -> float:
    """How much less a visit costs than a stay: as much less is it worth looking at, and worth an act; at most e^-4."""
    known, is_stay = np.isfinite(features.claimed), features.stay > 0
    means = [float(features.claimed[known & side].sum() / max((known & side).sum(), 1)) for side in (is_stay, ~is_stay)]
    return float(np.clip(np.log(means[1] / means[0]), -4.0, 0.0)) if min(means) > 0 else 0.0


def signals_of(view: View, tails: Mapping[str, Tail]) -> dict[str, Floats]:
    """Facts as they are and statistics as evidence."""
    return view.facts | {name: tails[name].evidence_of(view.statistics[name]) for name in (*CONTEXTS, *ONLY_TOLD)}
