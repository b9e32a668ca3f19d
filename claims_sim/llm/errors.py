"""What can go wrong between us and a model, as one small family. Messages are one line and never hold a key."""

from enum import StrEnum
from typing import Final

from claims_sim.errors import AuthorError


class Failure(StrEnum):
    """The kinds of failure; the value is what a message and a log show."""

    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    RATE_LIMITED = "rate limited"
    SERVER_ERROR = "server error"
    REFUSED = "refused"
    TRUNCATED = "truncated"
    INVALID = "invalid answer"
    STARTING = "starting"
    BUDGET = "budget spent"


# A refusal (wrong key, unknown model, malformed request) is the same the next time, and so is an empty purse.
_RETRYABLE: Final = frozenset(Failure) - {Failure.REFUSED, Failure.BUDGET}
# Nothing about one claim: the next request will most likely meet the same.
_SYSTEMIC: Final = frozenset((Failure.UNREACHABLE, Failure.REFUSED, Failure.STARTING, Failure.BUDGET))


class LLMError(AuthorError):
    """A request to a model failed: `kind` says how, `retry_after_s` when the server said when to come back.

    `tokens` (in, out) are those that the server counted; `was_sent` is False when the request never left; `status` is
    that of HTTP, 0 when there was none.
    """

    def __init__(
        self,
        kind: Failure,
        message: str,
        *,
        retry_after_s: float | None = None,
        tokens: tuple[int, int] = (0, 0),
        was_sent: bool = True,
        status: int = 0,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.retry_after_s = retry_after_s
        self.was_sent = was_sent
        self.status = status
        self.tokens_in, self.tokens_out = tokens

    @property
    def is_retryable(self) -> bool:
        """Whether the same request may succeed when it is sent again."""
        return self.kind in _RETRYABLE

    @property
    def is_systemic(self) -> bool:
        """Whether other requests to the same server would fail too."""
        return self.kind in _SYSTEMIC
