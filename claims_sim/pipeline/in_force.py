"""What of a refresh lies outside the database: the built-in model, the scores of real claims, the quality snapshot.

The database's word is final. What is to be in force is noted before its transaction and settled after it; a process that
is killed in between leaves the note, and the next refresh or rollback settles it, if the transaction was committed.
"""

import json
from pathlib import Path
from typing import Any, Final

from claims_sim.errors import ScorerError
from claims_sim.pipeline import real_scores
from claims_sim.pipeline.fidelity import write_whole
from claims_sim.pipeline.scoring import PINNED, model_folder, pinned_model
from claims_sim.profile.document import Profile
from claims_sim.scoring.versions import put_in_force, read_version, version_of
from claims_sim.settings import Settings
from claims_sim.store import score_sets
from claims_sim.store.database import SimulationDatabase

_NOTE: Final = "to-be-settled.json"


def sets_folder(settings: Settings) -> Path:
    """Where sets of all scores lie, and the quality snapshot."""
    return settings.state_dir / "scores"


def quality_file(settings: Settings) -> Path:
    """Where the quality snapshot of the scores in force lies."""
    return sets_folder(settings) / "quality.json"


def model_in_force(settings: Settings, profile: Profile) -> str | None:
    """The built-in model that new claims are scored with now, as folder/version; None when there is none."""
    pinned, folder = pinned_model(settings), model_folder(settings, profile)
    if pinned is not None:
        return str(pinned)
    try:
        return f"{folder.name}/{version_of(read_version(folder))}"
    except (ScorerError, KeyError):
        return None


def note(settings: Settings, refresh_id: str | None, model: str | None, *, pinned: bool) -> None:
    """Say what is to be in force once the database says that refresh `refresh_id` (None: none) is.

    `model` (folder/version; None: stays) is then that of its profile, or `pinned` against the profile's own.
    """
    target = {"refresh": refresh_id, "model": model, "pinned": pinned}
    write_whole(sets_folder(settings) / _NOTE, json.dumps(target))


def settle(settings: Settings, db: SimulationDatabase) -> None:
    """Put in force what was noted, if the database agrees; forget the note. Doing it twice is doing it once."""
    path = sets_folder(settings) / _NOTE
    if not path.exists():
        return
    target = json.loads(path.read_text(encoding="utf-8"))
    standing = next((one for one in score_sets.refreshes(db) if one.state == "in force"), None)
    if target["refresh"] == (standing.refresh_id if standing else None):
        _settle_model(settings, target)
        real_scores.put_real_scores_in_force(settings, target["refresh"])
        _write_quality(settings, standing.snapshot if standing else None)
    path.unlink(missing_ok=True)


def _settle_model(settings: Settings, target: dict[str, Any]) -> None:
    if not target["model"]:
        return
    models, model = settings.state_dir / "models", Path(target["model"])
    if target["pinned"]:
        write_whole(models / PINNED, str(model))
    else:
        put_in_force(models / model.parent, model.name)
        (models / PINNED).unlink(missing_ok=True)


def _write_quality(settings: Settings, snapshot: dict[str, Any] | None) -> None:
    if snapshot is None:
        quality_file(settings).unlink(missing_ok=True)
    else:
        write_whole(quality_file(settings), json.dumps(snapshot, indent=1))
