"""Keep what is sent to model servers beyond this machine: a bounded log of request bodies, written before they leave.

Headers, and so keys, are never part of it. What cannot be logged is not sent.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from filelock import FileLock

from claims_sim.llm.errors import Failure, LLMError

_CURRENT: Final = "transmissions.jsonl"
_OLDER: Final = "transmissions.1.jsonl"
_HIDDEN: Final = "(hidden)"


@dataclass(frozen=True, slots=True)
class TransmissionLog:
    """The log in `folder`, of at most `max_bytes`: when its newer half is full it takes the older one's place.

    Values in `secrets` are hidden wherever they occur.
    """

    folder: Path
    max_bytes: int
    secrets: tuple[str, ...] = ()

    def note(self, server: str, body: Mapping[str, Any]) -> None:
        """Write down a request that is about to be sent. Raises LLMError when it cannot be."""
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        line = json.dumps({"at": at, "server": server, "sent": body}, ensure_ascii=False, separators=(",", ":"))
        for secret in filter(None, self.secrets):
            line = line.replace(secret, _HIDDEN).replace(json.dumps(secret, ensure_ascii=False)[1:-1], _HIDDEN)
        data = line.encode() + b"\n"
        half = self.max_bytes // 2
        if len(data) > half:
            raise LLMError(
                Failure.REFUSED,
                f"A request of {len(data):,} bytes does not fit into the transmission log: raise CLAIMS_SIM_LLM_LOG_MB.",
                was_sent=False,
            )
        path = self.folder / _CURRENT
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with FileLock(self.folder / "transmissions.lock", timeout=1):
                if path.exists() and path.stat().st_size + len(data) > half:
                    path.replace(self.folder / _OLDER)
                with path.open("ab") as file:
                    file.write(data)
        except OSError as error:  # a lock that cannot be had in time is one too
            raise LLMError(
                Failure.REFUSED,
                f"{path} cannot be written ({error}), and what cannot be logged is not sent: mend the folder.",
                was_sent=False,
            ) from error

    def entries(self, last: int | None = None) -> list[dict[str, Any]]:
        """What was sent, oldest first; the `last` ones when given. A line that a crash tore is left out."""
        found = list(self._lines())
        return found if last is None else found[-last:] if last else []

    def _lines(self) -> Iterator[dict[str, Any]]:
        for name in (_OLDER, _CURRENT):
            path = self.folder / name
            if not path.exists():
                continue
            with path.open(encoding="utf-8", errors="replace") as file:
                for line in file:
                    try:
                        entry = json.loads(line)
                    except ValueError:
                        continue
                    if isinstance(entry, dict):
                        yield entry
