"""Named, weighted, versioned rules over signals, and how each is said in words.

Rules are data: they can be read, hashed and listed. What the signals mean is in `signals.py`. Thresholds on evidence
(see `tails.py`) adapt to every source: 2 means rarer than one claim in a hundred there.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Final, Literal

import numpy as np

from claims_sim.scoring.features import Floats
from claims_sim.scoring.keys import Bools

MOST_CLEAN_SHARE: Final = 0.05
"""A rule that fires on more of the clean claims of a source than this says nothing there, and is switched off."""
_AUDIT: Final = "Permenkes 16/2019 (prevention of fraud in JKN)"


@dataclass(frozen=True, slots=True)
class Condition:
    """`signal >= bound` or `signal <= bound`; an unknown signal (NaN) does not fulfil it."""

    signal: str
    comparison: Literal[">=", "<="]
    bound: float


@dataclass(frozen=True, slots=True)
class Rule:
    """All conditions must hold. `wording` fills {…} per claim.

    `weight` is what the rule adds to the raw score. Rules on what the context tails also see weigh little, or the
    same finding would count twice; rules on what no tail sees (repeats, accounting) weigh much. One that weighs nothing
    says in words what lessons alone weigh.
    """

    name: str
    weight: float
    conditions: tuple[Condition, ...]
    description: str
    source: str
    wording: str


def _at_least(signal: str, bound: float) -> Condition:
    return Condition(signal, ">=", bound)


def _at_most(signal: str, bound: float) -> Condition:
    return Condition(signal, "<=", bound)


RULES: Final = (
    Rule(
        "short_stay_high_cost",
        0.04,
        (_at_least("inpatient", 1), _at_most("stay", 1), _at_least("peer_stay", 2.5), _at_least("short_stay", 1.7)),
        "An inpatient of at most one day at a cost that peers reach in several days.",
        f"{_AUDIT}: length of stay",
        "paid {paid} for a stay of {stay}; peers with {peers}: {peer_stay}, {peer_amount} median",
    ),
    Rule(
        "high_cost_full_paid",
        0.03,
        (_at_least("cost", 2), _at_least("paid_share", 0.999)),
        "An amount far above what the claim's content explains, paid in full.",
        f"{_AUDIT}: inflated bills",
        "{claimed} claimed and paid in full; expected about {expected}; peers with {peers}: {peer_amount} median",
    ),
    Rule(
        "cost_above_expected",
        0.02,
        (_at_least("cost", 2), _at_most("paid_share", 0.999)),
        "An amount far above what the claim's content explains, not paid in full.",
        f"{_AUDIT}: inflated bills",
        "{claimed} claimed; expected about {expected}; peers with {peers}: {peer_amount} median",
    ),
    Rule(
        "cost_below_expected",
        0.0,
        (_at_least("inpatient", 1), _at_least("uncommon", 2), _at_most("over_price", -0.02)),
        "An amount below the price of the claim's content at this place, as hardly any claim has it.",
        f"{_AUDIT}: false claims, phantom billing",
        "{claimed} claimed; expected about {expected}; hardly any claim costs so much less",
    ),
    Rule(
        "dx_unusual_at_class",
        0.0,
        (_at_least("inpatient", 1), _at_least("dx_at_class", 2)),
        "A diagnosis that hospitals of this class hardly ever bill.",
        f"{_AUDIT}: false claims, phantom billing",
        "{dx} is hardly ever billed as {service} by {class}",
    ),
    Rule(
        "severity_mismatch",
        0.03,
        (_at_least("severity", 1.7),),
        "A severity that diagnosis, companions, procedure and stay do not explain.",
        f"{_AUDIT}: upcoding",
        "severity {severity} with {companions} for a stay of {stay}; unusually high for {dx}",
    ),
    Rule(
        "long_stay_low_severity",
        0.03,
        (_at_least("inpatient", 1), _at_least("long_stay", 2), _at_most("severity_share", 0.5)),
        "A stay far longer than expected, at a severity below the source's dearest.",
        f"{_AUDIT}: prolonged length of stay",
        "a stay of {stay} at severity {severity}; peers with {peers}: {peer_stay} median",
    ),
    Rule(
        "duplicate_pattern",
        0.03,
        (_at_least("copies", 1),),
        "The content and amounts of an earlier claim again within a month, where chance would hardly repeat them.",
        f"{_AUDIT}: cloning, repeat billing",
        "same place, diagnoses, procedure, stay and amounts as {copies} in the month before, the last one {copy_days} before",
    ),
    Rule(
        "repeat_visit",
        0.5,
        (_at_least("same_person", 1),),
        "The same person with the same diagnosis and service again within three days.",
        f"{_AUDIT}: repeat billing, fragmentation",
        "the same person has {same_person} for {dx} in the 3 days before",
    ),
    Rule(
        "overlapping_stays",
        0.9,
        (_at_least("overlap", 2), _at_least("overlap_days", 1)),
        "A person in two beds at once.",
        f"{_AUDIT}: false claims",
        "the same person lies elsewhere for {overlap_days} more",
    ),
    Rule(
        "readmission",
        0.03,
        (_at_least("stay_again", 1.7),),
        "A person in hospital again for the same illness sooner than such stays usually follow each other.",
        f"{_AUDIT}: readmission, fragmentation",
        "the same person left hospital with the same illness {stay_again_days} before",
    ),
    Rule(
        "same_bill_again",
        0.03,
        (_at_least("same_bill", 1.7),),
        "The same services at the same amount for the same person sooner than these usually come again.",
        f"{_AUDIT}: repeat billing",
        "the same person had the same services at the same amount {same_bill_days} before",
    ),
    Rule(
        "sent_on_to_own_hospital",
        0.03,
        (_at_least("sent_on", 1.7),),
        "A person treated for the same illness at another hospital of the same owner shortly before.",
        f"{_AUDIT}: self-referral",
        "the same person was at another hospital of this owner with the same illness {sent_on_days} before",
    ),
    Rule(
        "procedure_mismatch",
        0.03,
        (_at_least("procedure", 2),),
        "A procedure that hardly ever goes with the diagnosis.",
        f"{_AUDIT}: phantom procedures",
        "procedure {procedure} hardly ever goes with {dx}",
    ),
    Rule(
        "companion_mismatch",
        0.01,
        (_at_least("companion", 2),),
        "A secondary diagnosis that hardly ever goes with the primary one.",
        f"{_AUDIT}: upcoding by an added complication",
        "a secondary diagnosis hardly ever goes with {dx}",
    ),
    Rule(
        "unneeded_admission",
        0.04,
        (_at_least("inpatient", 1), _at_least("admission", 1.7), _at_most("stay", 3)),
        "A short admission for a diagnosis that is treated without one.",
        f"{_AUDIT}: no medical value",
        "admitted for {stay} with {dx}, which is hardly ever treated as {service}",
    ),
    Rule(
        "paid_share_unusual",
        0.4,
        (_at_least("paid_over_claimed", 1),),
        "More paid than claimed.",
        "accounting identity",
        "paid {paid}, more than the {claimed} claimed",
    ),
)


def ruleset_version() -> str:
    """Changes whenever a rule's name, weight, condition or wording does."""
    text = json.dumps([asdict(rule) for rule in RULES], sort_keys=True)
    return "rules-" + hashlib.sha256(text.encode()).hexdigest()[:12]


def fire(signals: dict[str, Floats], rows: int) -> Bools:
    """Which rule (column) fires on which claim (row)."""
    fired = np.ones((rows, len(RULES)), bool)
    for index, rule in enumerate(RULES):
        for condition in rule.conditions:
            values = signals[condition.signal]
            fired[:, index] &= values >= condition.bound if condition.comparison == ">=" else values <= condition.bound
    return fired


@dataclass(frozen=True, slots=True)
class Calibration:
    """The share of clean claims that each rule fires on at one source."""

    clean_share: dict[str, float]

    @property
    def disabled(self) -> dict[str, str]:
        """The rules that are switched off at this source, and why."""
        return {
            name: f"fires on {share:.1%} of clean claims, more than {MOST_CLEAN_SHARE:.0%}"
            for name, share in self.clean_share.items()
            if share > MOST_CLEAN_SHARE
        }

    @property
    def enabled(self) -> Bools:
        """One flag per rule, in order."""
        return np.array([self.clean_share[rule.name] <= MOST_CLEAN_SHARE for rule in RULES])


def calibrate(fired: Bools) -> Calibration:
    """Measure how often each rule fires on clean claims."""
    return Calibration({rule.name: float(fired[:, i].mean()) for i, rule in enumerate(RULES)})


def weigh(fired: Bools) -> Floats:
    """The rules' joint weight per claim, as if each were an independent witness: 1 - Π(1 - weight)."""
    weights = np.array([rule.weight for rule in RULES])
    return np.asarray(1.0 - np.prod(np.where(fired, 1.0 - weights, 1.0), axis=1), np.float64)
