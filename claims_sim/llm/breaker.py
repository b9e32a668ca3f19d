"""Leave a model server alone that keeps failing, and try it again after a while. Knows outcomes of batches, no requests.

One outcome a batch: a batch with at least one usable answer closes the breaker, a batch with none counts against it.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from claims_sim.llm.errors import Failure, LLMError
from claims_sim.llm.memory import Fact, Memory

KEY: Final = "llm.breaker"
FAILURES_TO_OPEN: Final = 3
_FIRST_PAUSE_S: Final = 15.0
_LONGEST_PAUSE_S: Final = 240.0
_LONGEST_ASKED_S: Final = 3600.0  # by a Retry-After
# Neither says that the server fails: it is starting, or we do not ask it.
_NOT_COUNTED: Final = frozenset((Failure.STARTING, Failure.BUDGET))


@dataclass(frozen=True, slots=True)
class Breaker:
    """The breaker of one server (`server`: its address and model), kept in `memory` from batch to batch."""

    memory: Memory
    server: str
    now: Callable[[], float] = time.time

    def why_open(self) -> str:
        """Why the server is not to be asked now, in words for people; empty when it may be."""
        return describe(self._fact(), self.now())

    def succeeded(self) -> None:
        """A batch had an answer."""
        if self._fact():
            self.memory.change(KEY, lambda _: {})

    def failed(self, error: LLMError) -> None:
        """A batch had no answer, for `error`."""
        if error.kind not in _NOT_COUNTED:
            self.memory.change(KEY, lambda fact: self._after(fact if _is_of(fact, self.server) else {}, error))

    def _fact(self) -> Fact:
        fact = self.memory.read(KEY)
        return fact if fact and _is_of(fact, self.server) else {}

    def _after(self, fact: Fact | None, error: LLMError) -> dict[str, Any]:
        fact = fact or {}
        failures, opened = int(fact.get("failures", 0)) + 1, int(fact.get("opened", 0))
        until = float(fact.get("until", 0.0))
        if failures >= FAILURES_TO_OPEN or not error.is_retryable or error.retry_after_s:
            until = self.now() + max(
                min(_FIRST_PAUSE_S * 2**opened, _LONGEST_PAUSE_S), min(error.retry_after_s or 0.0, _LONGEST_ASKED_S)
            )
            opened += 1
        reason = str(error)
        return {"server": self.server, "failures": failures, "opened": opened, "until": until, "reason": reason}


def _is_of(fact: Fact | None, server: str) -> bool:
    return bool(fact) and fact is not None and fact.get("server") == server


def describe(fact: Fact | None, now: float) -> str:
    """Why the breaker is open at `now` (seconds since the epoch); empty when it is not."""
    if not fact or float(fact.get("until", 0.0)) <= now:
        return ""
    until = datetime.fromtimestamp(float(fact["until"]), UTC)
    count = int(fact["failures"])
    batches = "the last batch" if count == 1 else f"the last {count} batches"
    return f"The model is left alone until {until:%H:%M:%S} UTC: {batches} had no answer. {fact['reason']}"
