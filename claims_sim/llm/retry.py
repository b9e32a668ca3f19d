"""When to ask a model again, and after what pause. Decides only; sends nothing and sleeps nowhere."""

import random
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from claims_sim.llm.errors import Failure, LLMError

_BACKOFF_S: Final = (0.2, 0.8, 2.0)
_JITTER: Final = 0.5  # the share of a pause that is random, so that clients that failed together do not return together
_AT_ONCE: Final = frozenset(
    (Failure.INVALID, Failure.TRUNCATED)
)  # the model's fault, not the server's: no need to wait


def pause_before_retry(error: LLMError, attempt: int, seed: int) -> float:
    """Seconds to wait before the next attempt: what the server asks for, at least a backoff with jitter.

    `attempt` counts from 0. The same seed gives the same jitter.
    """
    if error.kind in _AT_ONCE:
        return 0.0
    longest = _BACKOFF_S[min(attempt, len(_BACKOFF_S) - 1)]
    jitter = random.Random(f"{seed}:{attempt}").random()  # noqa: S311 - no secret depends on it
    return max(error.retry_after_s or 0.0, longest * (1 - _JITTER * jitter))


def retry_after_s(text: str | None, now: datetime | None = None) -> float | None:
    """Seconds of a Retry-After header, which holds seconds or a date; None for what is neither (RFC 9110, 10.2.3)."""
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        try:
            when = parsedate_to_datetime(text)
        except ValueError:
            return None
        seconds = ((when if when.tzinfo else when.replace(tzinfo=UTC)) - (now or datetime.now(UTC))).total_seconds()
    return max(0.0, seconds) if seconds == seconds and seconds != float("inf") else None  # noqa: PLR0124 - not a number
