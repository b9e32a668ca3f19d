"""The step that reads the source: profile it, put a profile in force, keep source and simulation apart."""

import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from claims_sim.errors import ProfileError, SettingsError, SourceError, StoreError
from claims_sim.pipeline import memory
from claims_sim.pipeline.approving import must_wait, require_approval, waiting_path, why_not_beside
from claims_sim.pipeline.resources import require_writable_state
from claims_sim.pipeline.source_table import is_same_table, source_name, source_spec, source_table
from claims_sim.profile.counts.counting import MIN_FACILITIES
from claims_sim.profile.document import Profile
from claims_sim.profile.fit import fit_profile
from claims_sim.profile.movement import Movement, compare_profiles
from claims_sim.profile.proposing.proposal import Proposal
from claims_sim.profile.proposing.proposal import propose_mapping as propose
from claims_sim.profile.proposing.proposal_toml import to_toml
from claims_sim.profile.reading.sketch import Change, sketch_source
from claims_sim.profile.reading.source import SourceSpec, read_source, union_view
from claims_sim.settings import PREFIX, Settings
from claims_sim.store import control


@dataclass(frozen=True, slots=True)
class ProfileRefresh:
    """A source's profile after a refresh, whether it is a new one, and the one before it.

    `held_back` says why there is no new one although the source has changed.
    """

    profile: Profile
    is_new: bool
    before: Profile | None = None
    held_back: str = ""

    @property
    def movement(self) -> Movement | None:
        """What moved since the last profile; None where there was none, or where nothing is new."""
        return compare_profiles(self.before, self.profile) if self.before is not None and self.is_new else None


def check_isolation(settings: Settings) -> None:
    """Raise SourceError when source and simulation would share a file, also through links, or a folder we fill.

    Nothing else may be written to near the source, so this comes before anything is opened.
    """
    source = settings.source_path
    ours = {"the simulation database": settings.database_path, "the profile": settings.profile_path}
    for what, path in ours.items():
        same = source.resolve() == path.resolve()
        if not same and source.exists() and path.exists():
            same = source.samefile(path)
        if same:
            raise SourceError(
                f"The source {source} and {what} {path} are the same file: nothing is started. "
                "Point CLAIMS_SIM_DATABASE or CLAIMS_SIM_STATE_DIR elsewhere."
            )


def profile_source(settings: Settings, now: datetime) -> ProfileRefresh:
    """Profile the source; nothing is put in force yet. An unchanged source makes no new profile.

    Nor does one in which fewer than k persons' claims (or those of fewer than three facilities) have changed: the
    difference of two profiles would be theirs. Where that cannot be told, a profile is made and has to wait (approving.py).
    Raises SourceError when the source cannot be read; the last profile then stays in force.
    """
    check_isolation(settings)
    require_writable_state(settings)
    source = read_source(source_spec(settings), settings.privacy_k).only_possible(settings.privacy_k)
    key = memory.rounding_key(settings)
    identity = memory.source_identity(settings)
    rules = {name: identity[name] for name in ("mapping", "k")}
    sketch, last = sketch_source(source, key), next((found for _, found in _found(settings) if found is not None), None)
    if last is not None:
        held_back = _held_back([known.change_to(sketch) for known in memory.recall(settings, rules)], last)
        if held_back:
            return ProfileRefresh(last, is_new=False, held_back=held_back)
    profile = fit_profile(source, k=settings.privacy_k, created_at=now, rounding_key=key)
    memory.remember(settings, profile.profile_hash, rules, source_name(settings), sketch)
    if last is not None and last.profile_hash == profile.profile_hash:
        return ProfileRefresh(last, is_new=False)
    return ProfileRefresh(profile, is_new=True, before=None if _former_source(settings) else last)


def _held_back(changes: Sequence[Change | None], last: Profile) -> str:
    """Why the source may not be told anew: from the snapshot of one of the last profiles too little has changed.

    Empty when it may, or when nothing has changed at all.
    """
    for change in changes:
        if change is None or not change.owners:
            continue
        if change.owners < last.k:
            return f"the claims of fewer than {last.k} {last.unit} have changed, so the last profile stays in force"
        if change.facilities is not None and change.facilities < MIN_FACILITIES:
            return f"only claims of fewer than {MIN_FACILITIES} facilities have changed, so the last profile stays in force"
    return ""


def note_of_former_source(settings: Settings) -> str:
    """What to tell a user whose stream goes on from another source; empty where it is the same one."""
    former = _former_source(settings)
    return former and (
        f"Claims of the former source, {former}, stay here beside the new ones; another {PREFIX}STATE_DIR keeps them apart."
    )


def _former_source(settings: Settings) -> str:
    """The file and table that the profile in force was made of, where that is another source; else empty."""
    made_of, now = control.get_status(settings.state_dir, "profile_source"), memory.source_identity(settings)
    if made_of is None or (
        made_of.get("source") == now["source"] and is_same_table(settings, made_of.get("table", now["table"]))
    ):
        return ""
    return f"{made_of.get('source')} ({made_of.get('table')})"


def latest_profile(settings: Settings) -> Profile | None:
    """The newest profile here: the one that waits for approval, else the one in force; None when there is none."""
    for path in (waiting_path(settings), settings.profile_path):
        if path.exists():
            return Profile.load(path)
    return None


def _found(settings: Settings) -> Iterator[tuple[Path, Profile | None]]:
    """The files of the waiting profile and the one in force, as far as they exist, each with its profile; None where it is
    of another format, or damaged: a new one takes its place.
    """  # noqa: D205
    for path in (waiting_path(settings), settings.profile_path):
        if path.exists():
            try:
                yield path, Profile.load(path)
            except ProfileError:
                yield path, None


def keep_profile(settings: Settings, profile: Profile) -> None:
    """Put a profile in force, or let it wait for its approval; keep it under its hash for the batches made from it."""
    profile.save(kept_profile_path(settings, profile.profile_hash))
    for path, found in _found(settings):
        if found is None:
            path.unlink()
    if must_wait(settings, profile):
        profile.save(waiting_path(settings))
    else:
        profile.save(settings.profile_path)
        waiting_path(settings).unlink(missing_ok=True)
        memory.mark_released(settings, profile.profile_hash)
    control.put_status(settings.state_dir, "profile_source", memory.source_identity(settings))


def has_profile_of_source(settings: Settings) -> bool:
    """Whether there is a profile, in force or waiting for approval, and it is of this source as far as that is known.

    Another source, table or mapping than last time asks for a new profile. Opens no database.
    """
    if not settings.profile_path.exists():
        waiting = waiting_path(settings)
        if not waiting.exists() or not must_wait(settings, Profile.load(waiting)):
            return False
    made_of = control.get_status(settings.state_dir, "profile_source")
    return made_of is None or made_of == memory.source_identity(settings)


def propose_mapping(settings: Settings) -> tuple[Proposal, str]:
    """What a mapping file for the source may look like, and its text; see `profile.proposal`."""
    check_isolation(settings)
    proposal = propose(SourceSpec(settings.source_path, source_table(settings)))
    return proposal, to_toml(proposal)


def check_output(settings: Settings, out: Path, option: str = "--out") -> None:
    """Raise SettingsError when writing `out`, given as `option`, would replace the source or a file of the simulation, also through links.

    So it does when `out` cannot be written: better before the work than after it.
    """
    protected = {
        "the source": settings.source_path,
        "the mapping": settings.mapping,
        "the simulation database": settings.database_path,
    }
    for what, path in protected.items():
        same = path is not None and (
            path.resolve() == out.resolve() or (path.exists() and out.exists() and path.samefile(out))
        )
        if same:
            raise SettingsError(f"{option} {out} is {what}: nothing is written. Give another file.")
    if out.is_dir():
        raise SettingsError(f"{option} {out} is a folder: give a file in it.")
    folder = next(path for path in out.absolute().parents if path.exists())
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise SettingsError(f"{option} {out}: nothing can be written to {folder}. Give a file in another folder.")


def current_profile(settings: Settings) -> Profile:
    """The profile in force. Raises ProfileError when there is none yet, or none that was approved where that is required."""
    if not settings.profile_path.exists():
        if waiting_path(settings).exists():
            waiting = Profile.load(waiting_path(settings))
            require_approval(settings, waiting)
            if refused := why_not_beside(settings, waiting.profile_hash):
                raise ProfileError(refused)
        raise ProfileError(
            f"There is no profile at {settings.profile_path} yet: materialize claims_distribution_profile, or run `claims-sim profile`."
        )
    profile = Profile.load(settings.profile_path)
    require_approval(settings, profile)
    return profile


def named_profile(settings: Settings, name: str) -> Profile:
    """The profile in a file, or a kept one whose hash begins so. Raises ProfileError when there is neither."""
    if Path(name).is_file():
        return Profile.load(Path(name))
    folder = settings.profile_path.parent
    kept = sorted(folder.glob(f"{name.lower()}*.json")) if re.fullmatch("[0-9a-fA-F]{8,64}", name) else []
    if not kept:
        raise ProfileError(f"{name} is no file, and no profile whose hash begins so is kept in {folder}.")
    return Profile.load(kept[0])


def kept_profile_path(settings: Settings, profile_hash: str) -> Path:
    """Where a profile is kept under its hash, for the batches that were made from it."""
    return settings.profile_path.parent / f"{profile_hash}.json"


def ensure_source(settings: Settings, say: Callable[[str], object]) -> None:
    """See that there is a source: the user's own, or a demo source made now. Raises SourceError for a missing file."""
    if settings.source is not None:
        if not settings.source.exists():
            raise SourceError(f"CLAIMS_SIM_SOURCE={settings.source}: there is no such file.")
        return
    if not settings.source_path.exists():
        from claims_sim.demo.source import write_demo_source  # noqa: PLC0415 - once in a lifetime

        say(f"No CLAIMS_SIM_SOURCE is set: making a demo source of {settings.demo_rows:,} invented claims ...")
        write_demo_source(settings.source_path, rows=settings.demo_rows)


def union_view_of(settings: Settings) -> str:
    """The SQL of a view over the source and the simulated claims, for whoever may read the source.

    Raises StoreError while there is no snapshot to read: a view needs its columns.
    """
    check_isolation(settings)
    folder = settings.snapshots_path
    if not any(folder.glob("claims_live_stream/*/*.parquet")):
        raise StoreError(f"There is no snapshot in {folder} yet: start `claims-sim up` or `demo`, then ask again.")
    return union_view(source_spec(settings), folder)
