"""Approval of profiles: what waits for it, who gave it, and which profile claims may be made from."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from claims_sim.errors import ProfileError
from claims_sim.pipeline import memory
from claims_sim.profile.approval import Approval, add_approval, approval_of, read_approvals
from claims_sim.profile.document import Profile
from claims_sim.settings import PREFIX, Settings

_SHORTEST_HASH: Final = 8


@dataclass(frozen=True, slots=True)
class ApprovalState:
    """How the profiles of a state folder stand: `in_force` is used for claims, `waiting` is a newer one."""

    required: bool
    in_force: str | None
    approval: Approval | None
    waiting: str | None

    def describe(self) -> str:
        """In one line."""
        waits = f"; {self.waiting[:12]} waits: `claims-sim profile approve {self.waiting[:12]}`" if self.waiting else ""
        if self.in_force is None:
            return f"no profile in force{waits}"
        if self.approval is not None:
            return f"approved {self.approval.describe()}{waits}"
        needed = "not approved, and claims need it" if self.required else "not approved; not required"
        return f"{needed}{waits}"


def waiting_path(settings: Settings) -> Path:
    """Where a profile waits for its approval."""
    return settings.profile_path.with_name("waiting.json")


def _approvals_path(settings: Settings) -> Path:
    return settings.profile_path.with_name("approvals.jsonl")


def approval_state(settings: Settings) -> ApprovalState:
    """What is in force, who approved it, and what waits."""
    waiting = Profile.load(waiting_path(settings)).profile_hash if waiting_path(settings).exists() else None
    if not settings.profile_path.exists():
        return ApprovalState(settings.require_approval, None, None, waiting)
    in_force = Profile.load(settings.profile_path).profile_hash
    return ApprovalState(settings.require_approval, in_force, find_approval(settings, in_force), waiting)


def why_unapproved(settings: Settings) -> str:
    """Why no claims may be made of the profile yet, where that needs an approval; else empty."""
    if not settings.require_approval:
        return ""
    state = approval_state(settings)
    return "" if state.approval else f"No claims before the profile is approved: {state.describe()}."


def find_approval(settings: Settings, profile_hash: str) -> Approval | None:
    """The newest approval of a profile; None when there is none."""
    return approval_of(read_approvals(_approvals_path(settings)), profile_hash)


def must_wait(settings: Settings, profile: Profile) -> bool:
    """Whether a profile may not be put in force before somebody approves it."""
    return _lacks_approval(settings, profile) or bool(why_not_beside(settings, profile.profile_hash))


def _lacks_approval(settings: Settings, profile: Profile) -> bool:
    return settings.require_approval and find_approval(settings, profile.profile_hash) is None


def why_not_beside(settings: Settings, profile_hash: str) -> str:
    """Why a profile may not join an earlier one of the same source; empty when it may, or when that was approved."""
    approval = find_approval(settings, profile_hash)
    otherwise = memory.made_otherwise(settings, profile_hash)
    if (approval is not None and approval.beside_earlier) or not otherwise:
        return ""
    return (
        f"The profile {profile_hash[:12]} waits: an earlier one of the same source was released, made {otherwise}, and the "
        "two together are not proved to protect everybody. Go back to how that one was made, or take it upon you: "
        f'`claims-sim profile approve {profile_hash[:12]} --by "your name" --beside-earlier`.'
    )


def require_approval(settings: Settings, profile: Profile) -> None:
    """Raise ProfileError when approvals are required and nobody has approved `profile`."""
    if _lacks_approval(settings, profile):
        raise ProfileError(
            f"The profile {profile.profile_hash[:12]} is not approved, and {PREFIX}REQUIRE_APPROVAL is set: look at it with "
            f'`claims-sim profile show`, then `claims-sim profile approve {profile.profile_hash[:12]} --by "your name"`.'
        )


def approve_profile(
    settings: Settings, profile_hash: str, approved_by: str, note: str, now: datetime, *, beside_earlier: bool = False
) -> Approval:
    """Record who approves the profile whose hash begins so; a profile that waited is put in force.

    `beside_earlier`: also beside an earlier one of the same source that was made otherwise. Raises ProfileError when no
    profile of that hash is in force or waits, when that is not said and there is such an earlier one, or when the name is
    not one.
    """
    if len(profile_hash) < _SHORTEST_HASH:
        raise ProfileError(
            f"Give at least {_SHORTEST_HASH} characters of the hash that `claims-sim profile show` prints."
        )
    paths = [path for path in (waiting_path(settings), settings.profile_path) if path.exists()]
    there = {path: Profile.load(path) for path in paths}
    chosen = next((path for path in paths if there[path].profile_hash.startswith(profile_hash.lower())), None)
    if chosen is None:
        known = ", ".join(profile.profile_hash[:12] for profile in there.values()) or "none"
        raise ProfileError(f"No profile {profile_hash} is in force or waits here; there is: {known}.")
    try:
        approval = Approval(
            profile_hash=there[chosen].profile_hash, approved_by=approved_by.strip(), approved_at=now, note=note.strip(),
            beside_earlier=beside_earlier,
        )  # fmt: skip
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise ProfileError(f"The approval cannot be recorded: {first['loc'][0]}: {first['msg']}.") from None
    refused = why_not_beside(settings, approval.profile_hash)
    if refused and not beside_earlier:
        raise ProfileError(refused)
    add_approval(_approvals_path(settings), approval)
    if chosen != settings.profile_path:
        there[chosen].save(settings.profile_path)
        chosen.unlink(missing_ok=True)
        memory.mark_released(settings, approval.profile_hash)
    if beside_earlier:
        memory.forget_incomparable(settings, approval.profile_hash)
    return approval
