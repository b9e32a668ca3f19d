"""`refresh_ml_scores`: train anew, score all simulated and all real claims again, and take that back if need be.

Everything is made beside what is in force, and put in force at the end: simulated scores in one transaction, then what
`in_force` settles. Whatever fails before leaves every score as it was.
"""

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from filelock import FileLock, Timeout

from claims_sim.errors import ProducerBusyError, ScorerError
from claims_sim.pipeline import in_force, real_scores
from claims_sim.pipeline.ingesting import publish_snapshots
from claims_sim.pipeline.profiling import check_isolation, current_profile
from claims_sim.pipeline.real_scores import RealScores
from claims_sim.pipeline.resources import database
from claims_sim.pipeline.scoring import model_folder, open_scorer, score_stored, train_on
from claims_sim.profile.document import Profile
from claims_sim.scoring.access import is_address
from claims_sim.scoring.bins import distance
from claims_sim.scoring.features import Floats
from claims_sim.scoring.protocol import DEFAULT_SPEC, OpenedScorer
from claims_sim.scoring.quality import describe_scores, describe_top, highest
from claims_sim.scoring.scorer import BuiltInScorer
from claims_sim.settings import Settings
from claims_sim.store import score_sets, scores
from claims_sim.store.database import SimulationDatabase

DEFAULT_TOP_K: Final = 50
SETS_KEPT: Final = 3
"""Refreshes that can be taken back, the newest one first."""
_NOTHING_TO_TAKE_BACK: Final = (
    "There is no refresh of scores to take back: none was made, or it is older than the last "
    f"{SETS_KEPT}, which are kept."
)
_MOVED_BY: Final = 0.1
_STAGED: Final = "scores.parquet"
_REPLACED: Final = "replaced.parquet"


@dataclass(frozen=True, slots=True)
class ScoreRefresh:
    """What a refresh of all scores did. `real` says why real claims were left out, or is empty; no number of theirs is here."""

    refresh_id: str
    claims: int
    scorer: str
    model_version: str
    snapshot: dict[str, Any]
    quality_file: Path
    left_out: str

    @property
    def of_real_claims(self) -> str:
        """What became of the real claims, in words."""
        if self.left_out:
            return f"not scored: {self.left_out}"
        held_back = self.snapshot["real"]["held_back"]
        return "scored; kept in the production zone" + (f"; {held_back}" if held_back else "")


def refresh_scores(
    settings: Settings, now: datetime, *, top_k: int = DEFAULT_TOP_K, with_real: bool = True
) -> ScoreRefresh:
    """Train on claims sampled from the profile in force, then score every simulated and every real claim again.

    Real claims are scored in the production zone and stay there, with a combined ranking; counts per score bin, none
    under k, are all that crosses. Raises a ClaimsSimError when anything fails; then the last good scores stay.
    """
    check_isolation(settings)
    profile, db = current_profile(settings), database(settings)
    refresh_id = f"{now.astimezone(UTC):%Y%m%dT%H%M%S%f}-{secrets.token_hex(2)}"
    with _alone(settings):
        in_force.settle(settings, db)
        with _scorer(settings, profile) as ready:
            with _draft(settings, refresh_id) as draft:
                refresh, left_out = _prepare(settings, draft, profile, ready, now, top_k, with_real=with_real)
                built_in = isinstance(ready, BuiltInScorer)
                model = f"{model_folder(settings, profile).name}/{ready.version}" if built_in else None
                in_force.note(settings, refresh_id, model, pinned=False)
                score_sets.put_in_place(db, draft / _STAGED, refresh)
            in_force.settle(settings, db)
            _score_latecomers(db, ready, draft / _STAGED, now)
        (draft / _STAGED).unlink()
        _forget_old_sets(settings, db)
    publish_snapshots(settings)
    return ScoreRefresh(
        refresh_id, refresh.claims, refresh.scorer, refresh.model_version, refresh.snapshot,
        in_force.quality_file(settings), left_out,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rollback:
    """What a rollback did: the refresh taken back, the one in force again, and claims that had come since."""

    taken_back: str
    in_force: str | None
    claims: int
    scored_again: int
    model: str | None


def rollback_scores(settings: Settings, now: datetime) -> Rollback:
    """Take the newest refresh back: every score, model, ranking and quality snapshot as it was before.

    Claims that have come since are scored again by the scorer in force then. Raises ScorerError when there is none to
    take back.
    """
    if not settings.database_path.exists():
        raise ScorerError(_NOTHING_TO_TAKE_BACK)
    db = database(settings)
    with _alone(settings):
        in_force.settle(settings, db)
        known = score_sets.refreshes(db)
        newest = next((one for one in known if one.state == "in force"), None)
        kept = in_force.sets_folder(settings) / newest.refresh_id / _REPLACED if newest is not None else None
        if newest is None or kept is None or not kept.is_file():
            raise ScorerError(_NOTHING_TO_TAKE_BACK)
        before = next((one for one in known if one.state == "replaced"), None)
        in_force.note(settings, before.refresh_id if before else None, newest.model_before, pinned=True)
        score_sets.take_back(db, newest.refresh_id, kept)
        in_force.settle(settings, db)
        with open_scorer(settings) as ready:
            again = _score_latecomers(db, ready, kept, now)
        rows = pq.ParquetFile(kept).metadata.num_rows
        shutil.rmtree(kept.parent, ignore_errors=True)
    publish_snapshots(settings)
    return Rollback(newest.refresh_id, before.refresh_id if before else None, rows, again, newest.model_before)


def _prepare(
    settings: Settings, draft: Path, profile: Profile, ready: OpenedScorer, now: datetime, top_k: int, *, with_real: bool
) -> tuple[score_sets.Refresh, str]:  # fmt: skip
    """Make all that the refresh puts in force, in its draft and in the production zone; and why real claims are left out."""
    db, staged = database(settings), draft / _STAGED
    count = score_sets.stage_scores(staged, _score_all(db, ready, now))
    left_out = _why_not_real(settings) if with_real else "not asked for"
    real = None if left_out else real_scores.score_real_claims(settings, ready, now)
    simulated = _read_staged(staged)
    if real is not None:
        real_scores.keep_real_scores(settings, draft.name, real, simulated, top_k)
    made = {"refresh": draft.name, "scorer": ready.name, "version": ready.version, "made_at": now.isoformat()}
    snapshot = made | _snapshot(db, staged, simulated, real, left_out, top_k)
    score_sets.keep_scores(db, draft / _REPLACED)
    before = in_force.model_in_force(settings, profile)
    refresh = score_sets.Refresh(
        draft.name, ready.name, ready.version, profile.profile_hash, count, before, snapshot, finished_at=now
    )
    return refresh, left_out


def _score_all(db: SimulationDatabase, ready: OpenedScorer, now: datetime) -> Iterator[pa.Table]:
    for claims in scores.all_chunks(db):
        yield score_stored(db, ready, claims, now).append_column("stream_seq", claims["stream_seq"])


def _score_latecomers(db: SimulationDatabase, ready: OpenedScorer, kept: Path, now: datetime) -> int:
    """Score the claims that a set has no score of: they came while it was made, or since."""
    total = 0
    for claims in score_sets.claims_outside(db, kept):
        total += scores.commit_scores(db, score_stored(db, ready, claims, now))
    return total


@contextmanager
def _scorer(settings: Settings, profile: Profile) -> Iterator[OpenedScorer]:
    """The scorer of the settings; ours is trained anew, and not in force before all is scored."""
    if settings.scorer not in ("", DEFAULT_SPEC):
        with open_scorer(settings, profile) as foreign:
            yield foreign
        return
    trained = train_on(settings, profile)
    trained.keep(model_folder(settings, profile))
    yield BuiltInScorer(trained)


def _why_not_real(settings: Settings) -> str:
    """Why real claims are not scored here; empty when they are."""
    if settings.source is None and not settings.source_path.exists():
        return "there is no source here"
    if is_address(settings.scorer):
        return "real claims are not sent over HTTP"
    return ""


def _read_staged(staged: Path) -> tuple[Floats, pa.ChunkedArray]:
    found = pq.ParquetFile(staged).read(columns=["claim_id", "risk_score"])
    return np.asarray(found["risk_score"].to_numpy(), np.float64), found["claim_id"]


def _snapshot(
    db: SimulationDatabase, staged: Path, simulated: tuple[Floats, pa.ChunkedArray], real: RealScores | None,
    left_out: str, top_k: int,
) -> dict[str, Any]:  # fmt: skip
    """The quality snapshot that the simulation may hold: all of simulated claims, and released counts of real ones."""
    values, ids = simulated
    places = highest(values, ids, top_k)
    top = scores.claims_of(db, ids.take(pa.array(places)))
    bins = real.told.bins if real is not None else []
    return {
        "top_k": top_k,
        "simulated": describe_scores(values),
        "top_of_simulated_claims": describe_top(top, values[places]),
        "real": {
            "left_out": left_out,
            "bins": [one.as_dict() for one in bins],
            **({"k": real.k, "unit": real.unit, "held_back": real.told.held_back} if real is not None else {}),
        },
        "distance_real_simulated": distance(bins, values),
        "change": score_sets.compare_sets(db, staged, _MOVED_BY) | {"moved_by": _MOVED_BY},
    }


@contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    """One refresh or rollback at a time."""
    folder = in_force.sets_folder(settings)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / ".lock", timeout=settings.lock_timeout_s):
            yield
    except Timeout:
        raise ProducerBusyError("Another refresh of scores is at work: wait for it.") from None


@contextmanager
def _draft(settings: Settings, refresh_id: str) -> Iterator[Path]:
    """A folder for what a refresh makes; it is gone, with what the production zone keeps of it, if the refresh fails."""
    draft = in_force.sets_folder(settings) / refresh_id
    draft.mkdir()
    try:
        yield draft
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        shutil.rmtree(real_scores.scores_folder(settings) / refresh_id, ignore_errors=True)
        raise


def _forget_old_sets(settings: Settings, db: SimulationDatabase) -> None:
    """Keep what can be taken back and what that would put in force again; drafts that a crash has left go too."""
    standing = [one.refresh_id for one in score_sets.refreshes(db) if one.state != "rolled back"]
    for folder, kept in (
        (in_force.sets_folder(settings), standing[:SETS_KEPT]),
        (real_scores.scores_folder(settings), standing[: SETS_KEPT + 1]),
    ):
        for path in folder.iterdir():
            if path.is_dir() and path.name not in kept:
                shutil.rmtree(path, ignore_errors=True)
