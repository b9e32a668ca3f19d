"""The step that removes stored claims for good, everywhere they are: database, truth, snapshots, read segments."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from claims_sim.pipeline.ingesting import publish_snapshots
from claims_sim.pipeline.resources import database
from claims_sim.settings import Settings
from claims_sim.store import counts, purge, snapshots, truth
from claims_sim.store.compaction import WORTHWHILE_SHARE, compact
from claims_sim.store.purge import Selection


@dataclass(frozen=True, slots=True)
class Purged:
    """What went, or would go; `files` are snapshot files that vanish or are written again without the claims."""

    claims: int
    scores: int
    payloads: int
    truths: int
    files: int
    freed_bytes: int = 0

    def as_dict(self) -> dict[str, Any]:
        """For people and for JSON."""
        return {
            "claims": self.claims,
            "scores": self.scores,
            "payloads in the outbox": self.payloads,
            "truths about anomalies": self.truths,
            "snapshot files": self.files,
            **({"bytes given back by the database": self.freed_bytes} if self.freed_bytes else {}),
        }


def preview_purge(settings: Settings, selection: Selection) -> Purged:
    """What `purge_claims` would remove; changes nothing."""
    db = database(settings)
    with db.kept_open():
        chosen = purge.count_chosen(db, selection)
        ids = purge.chosen_ids(db, selection, truth.labelled_claims(truth.truth_path(settings.state_dir)))
        files = snapshots.files_touched(settings.snapshots_path, purge.chosen_numbers(db, selection))
    return Purged(chosen.claims, chosen.scores, chosen.payloads, len(ids), files)


def purge_claims(
    settings: Settings, selection: Selection, now: datetime, advance: Callable[[int], None] = lambda _: None
) -> Purged:
    """Remove the chosen claims; `advance` hears how many went with each part.

    The database comes first: what a crash leaves undone elsewhere is done by the next call, or the next tick.
    """
    db = database(settings)
    claims = scores = payloads = 0
    for part in purge.purge_claims(db, selection, now):
        claims, scores, payloads = claims + part.claims, scores + part.scores, payloads + part.payloads
        advance(part.claims)
    truths = forget_truths(settings)
    files = publish_snapshots(settings).files
    left = counts.stream_health(db).stored
    # Rows that are gone still fill their blocks, so that the database's own account of free ones says too little.
    is_much = claims >= WORTHWHILE_SHARE * (claims + left)
    size = compact(db, share=0 if claims and is_much else WORTHWHILE_SHARE)
    return Purged(claims, scores, payloads, truths, files, size.before - size.after)


def forget_truths(settings: Settings) -> int:
    """Remove the truth about claims that were purged, now or by a call that was cut short; how many."""
    path = truth.truth_path(settings.state_dir)
    return truth.forget_claims(path, purge.purged_ids(database(settings), truth.labelled_claims(path)))
