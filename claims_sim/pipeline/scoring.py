"""The steps that score: train on the profile, open whichever scorer is set, score what is new."""

import logging
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa

from claims_sim.errors import ScorerError
from claims_sim.generation.persons import Known, assign_keys
from claims_sim.pipeline.lessons import lessons_of
from claims_sim.pipeline.profiling import current_profile
from claims_sim.pipeline.resources import database
from claims_sim.profile.document import Profile
from claims_sim.profile.sampler import Sampler
from claims_sim.randomness import stream_key
from claims_sim.rules.wire import to_flat
from claims_sim.scoring import protocol
from claims_sim.scoring.access import ScorerAccess
from claims_sim.scoring.duplicates import WINDOW_DAYS, Earlier
from claims_sim.scoring.protocol import OpenedScorer
from claims_sim.scoring.returns import REACH_DAYS
from claims_sim.scoring.scorer import BuiltInScorer, RiskScorer, train_scorer
from claims_sim.settings import Settings
from claims_sim.store import scores
from claims_sim.store.database import SimulationDatabase
from claims_sim.store.earlier import find_earlier

_log = logging.getLogger(__name__)
SCORER_TRAINING_CLAIMS: Final = 240_000
"""100,000 teach, a third of the others stands beside the lessons, the rest sets the scale: one in a thousand is about a hundred."""
_PER_LESSON: Final = 25
PINNED: Final = "PINNED"
WITH_PERSONS: Final = "-persons"


def scorer(settings: Settings, profile: Profile) -> RiskScorer:
    """The scorer that belongs to a profile; trained once, on claims sampled from it, then loaded.

    After a rollback it is the one that was rolled back to, until the next refresh.
    """
    pinned = pinned_model(settings)
    try:
        if pinned is not None:
            return RiskScorer.load(settings.state_dir / "models" / pinned.parent, pinned.name)
        return RiskScorer.load(model_folder(settings, profile))
    except ScorerError:  # none yet, or of another version of ours: a crash or an upgrade is mended by training again
        return train_for(settings, profile)


def open_scorer(settings: Settings, profile: Profile | None = None, spec: str | None = None) -> OpenedScorer:
    """The scorer that `spec` names, by default the one of CLAIMS_SIM_SCORER; close it.

    The built-in one is that of `profile`, by default of the profile in force. Raises ScorerError when a foreign scorer is
    not there, not allowed or does not work.
    """

    def built_in() -> OpenedScorer:
        return BuiltInScorer(scorer(settings, profile or current_profile(settings)))

    return protocol.open_scorer(settings.scorer if spec is None else spec, scorer_access(settings), default=built_in)


def scorer_access(settings: Settings) -> ScorerAccess:
    """What a foreign scorer may do under these settings."""
    state = settings.state_dir
    hidden = [
        state,
        settings.production_path,
        settings.database_path,
        settings.snapshots_path,
        settings.source_path,
        settings.mapping,
    ]
    return ScorerAccess(
        timeout_s=settings.scorer_timeout_s,
        allow_pickle=settings.scorer_allow_pickle,
        sha256=settings.scorer_sha256,
        allow_remote=settings.scorer_allow_remote,
        api_key=settings.scorer_api_key.get_secret_value(),
        hidden=(*(path.absolute() for path in hidden if path is not None), Path.cwd() / ".env"),
        search=(Path.cwd(),),
    )


def pinned_model(settings: Settings) -> Path | None:
    """The model that a rollback has put in force, as folder/version below `models`; None: that of the profile.

    One of claims without persons is none for claims with persons: it would know of no returns. Nor the other way round.
    """
    try:
        pinned = Path((settings.state_dir / "models" / PINNED).read_text(encoding="utf-8").strip())
    except OSError:
        return None
    if len(pinned.parts) != 2 or ".." in pinned.parts:
        return None
    return pinned if pinned.parent.name.endswith(WITH_PERSONS) == settings.ref_keys else None


def model_mark(settings: Settings, profile: Profile) -> tuple[int, ...]:
    """Changes when another built-in model comes into force, by a refresh or a rollback; costs two looks at the disk."""
    marks = (settings.state_dir / "models" / PINNED, model_folder(settings, profile) / "CURRENT")
    return tuple(path.stat().st_mtime_ns if path.exists() else 0 for path in marks)


def train_for(settings: Settings, profile: Profile) -> RiskScorer:
    """Train the scorer on claims sampled from the profile, keep it and put it in force."""
    _log.info("Training the scorer on %s claims drawn from the profile ...", f"{SCORER_TRAINING_CLAIMS:,}")
    trained = train_on(settings, profile)
    trained.save(model_folder(settings, profile))
    return trained


def train_on(settings: Settings, profile: Profile) -> RiskScorer:
    """Train the scorer on claims sampled from the profile."""
    return trained_scorer(profile, Sampler(profile), seed=settings.seed, persons=settings.ref_keys)


def trained_scorer(
    profile: Profile, sampler: Sampler, *, seed: int, persons: bool = False, without: str = ""
) -> RiskScorer:
    """The built-in scorer of a profile and seed, for claims with persons or without.

    Taught the simulator's kinds, but for the kind `without`.
    """
    key = stream_key(seed, "scorer", profile.profile_hash)
    claims = to_flat(sampler.draw_claims(key, np.arange(SCORER_TRAINING_CLAIMS)))
    if persons:
        claims = given_persons(claims, key)
    lessons = lessons_of(profile, sampler, SCORER_TRAINING_CLAIMS // _PER_LESSON, seed=seed, without=without)
    return train_scorer(claims, profile_hash=profile.profile_hash, seed=seed, lessons=lessons)


def given_persons(claims: pa.Table, key: int) -> pa.Table:
    """Claims of a sample with persons who return as ours do: only so can a scorer learn what returns are usual."""
    keys = assign_keys(claims, stream_key(key, "keys"), np.arange(len(claims)), Known.nobody())
    return keys.put_into(claims)


def model_folder(settings: Settings, profile: Profile) -> Path:
    """Where the scorer of a profile is kept; with persons it is another one."""
    return settings.state_dir / "models" / f"{profile.profile_hash[:16]}{WITH_PERSONS if settings.ref_keys else ''}"


def score_chunks(settings: Settings, chunks: Iterator[pa.Table], now: datetime) -> Iterator[pa.Table]:
    """Scores of stored claims, a table for each chunk."""
    ready: OpenedScorer | None = None
    db = database(settings)
    try:
        for claims in chunks:
            ready = ready or open_scorer(settings)
            yield score_stored(db, ready, claims, now)
    finally:
        if ready is not None:
            ready.close()


def score_stored(db: SimulationDatabase, ready: OpenedScorer, claims: pa.Table, now: datetime) -> pa.Table:
    """Scores of stored claims that follow one another, in view of those that came before them."""
    before = find_earlier(db, claims, WINDOW_DAYS, REACH_DAYS)
    return ready.score_rows(claims, scored_at=now, earlier=Earlier(before.claims, before.in_window))


def score_new(settings: Settings, now: datetime) -> int:
    """Score every claim that has no score yet; returns how many."""
    db = database(settings)
    total = 0
    for scored in score_chunks(settings, scores.unscored_chunks(db), now):
        scores.commit_scores(db, scored)
        total += len(scored)
    return total
