"""What a scorer that is not ours may do here. Values only; whoever opens a scorer asks them."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ScorerAccess:
    """Permissions and limits for a foreign scorer.

    `hidden` are the files and folders that it must not reach; `search` are folders besides Python's own in which a
    scorer's module may lie. A scorer's answer is waited for `timeout_s` seconds.
    """

    timeout_s: float = 60.0
    allow_pickle: bool = False
    sha256: str = ""
    allow_remote: bool = False
    api_key: str = ""
    hidden: tuple[Path, ...] = ()
    search: tuple[Path, ...] = ()


def is_address(spec: str) -> bool:
    """Does `spec` name a scorer behind HTTP?"""
    return spec.startswith(("http://", "https://"))
