"""Who approved which profile, and when: a list beside the profiles. Records; decides nothing.

An approval is of a hash, so of exactly the content that was looked at; a profile that changes needs a new one.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from claims_sim.errors import ProfileError


class Approval(BaseModel):
    """One person's word that a profile may be used outside the production zone."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    profile_hash: str = Field(pattern="^[0-9a-f]{64}$")
    approved_by: str = Field(min_length=2, max_length=100)
    approved_at: AwareDatetime
    note: str = Field("", max_length=500)
    beside_earlier: bool = False
    """Whether it may be known beside an earlier profile of the same claims that was made otherwise."""

    def describe(self) -> str:
        """For people."""
        note = f" ({self.note})" if self.note else ""
        beside = ", beside an earlier one made otherwise" if self.beside_earlier else ""
        return f"by {self.approved_by} on {self.approved_at:%Y-%m-%d %H:%M} UTC{beside}{note}"


def read_approvals(path: Path) -> tuple[Approval, ...]:
    """All approvals, oldest first; raises ProfileError when the file is damaged."""
    if not path.exists():
        return ()
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        return tuple(Approval.model_validate_json(line) for line in lines if line.strip())
    except (OSError, UnicodeDecodeError, ValidationError):
        raise ProfileError(
            f"The approvals in {path} cannot be read: restore the file, or remove it and approve again."
        ) from None


def add_approval(path: Path, approval: Approval) -> None:
    """Append an approval as one line, on disk when this returns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(approval.model_dump_json() + "\n")
        file.flush()
        os.fsync(file.fileno())


def approval_of(approvals: Sequence[Approval], profile_hash: str) -> Approval | None:
    """The newest approval of exactly this content; None when there is none."""
    return next((found for found in reversed(approvals) if found.profile_hash == profile_hash), None)
