"""Looking at a scorer: does one of a user's keep the protocol; what is the built-in one made of, and how does it score."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa

from claims_sim.generation.batch import utc_now
from claims_sim.pipeline.profiling import current_profile
from claims_sim.pipeline.scoring import open_scorer, scorer
from claims_sim.profile.sampler import Sampler
from claims_sim.randomness import stream_key
from claims_sim.rules.wire import to_flat
from claims_sim.scoring.bins import THRESHOLDS
from claims_sim.scoring.conformance import Check, check_scorer
from claims_sim.scoring.model import REASONS, SEVERE_YET_SHORT, Reason
from claims_sim.scoring.rules import RULES
from claims_sim.scoring.tails import MOST_EVIDENCE
from claims_sim.settings import Settings

CLAIMS_TRIED: Final = 1_000
CLAIMS_MEASURED: Final = 100_000
_PART: Final = 20_000


def try_scorer(settings: Settings, spec: str) -> Iterator[Check]:
    """Does the scorer that `spec` names keep the protocol? One check after another, as each is done.

    The real table is not opened, and no score is stored.
    """
    yield from check_scorer(lambda: open_scorer(settings, spec=spec), _claims(settings))


@dataclass(frozen=True, slots=True)
class RuleCard:
    """A rule of the built-in scorer: what it adds, and on which share of clean claims it fires here."""

    name: str
    weight: float
    description: str
    source: str
    clean_share: float
    switched_off: str


@dataclass(frozen=True, slots=True)
class ScorerCard:
    """The built-in scorer of the profile in force. `above`: threshold -> share of clean claims, promised and measured."""

    model_version: str
    ruleset_version: str
    profile_hash: str
    taught_by: int
    contexts: Mapping[str, Reason]
    rules: tuple[RuleCard, ...]
    measured_on: int
    above: Mapping[float, tuple[float, float]]


def describe_scorer(settings: Settings) -> ScorerCard:
    """What the built-in scorer of the profile in force is made of, and how it scores claims that it has never seen."""
    profile = current_profile(settings)
    ready = scorer(settings, profile)
    fresh = to_flat(Sampler(profile).draw_claims(stream_key(settings.seed, "scorer card"), np.arange(CLAIMS_MEASURED)))
    # In parts: the more claims lie within three days, the more repeat each other by chance.
    parts = [fresh.slice(first, _PART) for first in range(0, CLAIMS_MEASURED, _PART)]
    risk = np.concatenate([ready.score(part, scored_at=utc_now())["risk_score"].to_numpy() for part in parts])
    shares, off = ready.trained.calibration.clean_share, ready.disabled_rules
    rules = tuple(
        RuleCard(rule.name, rule.weight, rule.description, rule.source, shares[rule.name], off.get(rule.name, ""))
        for rule in RULES
    )
    return ScorerCard(
        model_version=ready.model_version,
        ruleset_version=ready.ruleset_version,
        profile_hash=profile.profile_hash,
        taught_by=ready.trained.learned.trained_on,
        contexts={**REASONS, "severe yet short": SEVERE_YET_SHORT},
        rules=rules,
        measured_on=len(risk),
        above={at: (10 ** (-MOST_EVIDENCE * at), float((risk >= at).mean())) for at in THRESHOLDS},
    )


def _claims(settings: Settings) -> pa.Table:
    if settings.profile_path.exists():
        claims = Sampler(current_profile(settings)).draw_claims(
            stream_key(settings.seed, "scorer check"), np.arange(CLAIMS_TRIED)
        )
    else:
        from claims_sim.demo.draw import draw_runs  # noqa: PLC0415 - only where there is no profile yet
        from claims_sim.demo.facts import DEFAULT_RITL_SHARE  # noqa: PLC0415
        from claims_sim.demo.world import build_world  # noqa: PLC0415

        claims = pa.concat_tables(draw_runs(build_world(CLAIMS_TRIED, 1, DEFAULT_RITL_SHARE)))
    flat = to_flat(claims)
    ids = pa.array([f"TRY-2025-{number:06d}" for number in range(len(flat))])
    return flat.set_column(flat.schema.get_field_index("claim_id"), "claim_id", ids)
