"""Ask a model one question and get a checked answer. The only module that knows the `openai` package.

Whatever goes wrong becomes an LLMError. Replies are read under a deadline and a size limit of our own: a server that
drips bytes, or sends too many, must not hold a tick.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn, TypeVar

import httpx2
import openai

from claims_sim.llm.endpoint import Endpoint
from claims_sim.llm.errors import Failure, LLMError
from claims_sim.llm.question import Answer, Question

T = TypeVar("T")
_MAX_REPLY_BYTES: Final = 1_000_000
_CONNECT_S: Final = 3.0
_LEAST_S: Final = 0.05
_DEFAULT_TIMEOUT_S: Final = 60.0
_BACKOFF_S: Final = (0.2, 0.8, 2.0)
_SEED_MASK: Final = 0x7FFFFFFF
# What not every server takes; one that refuses it by name is asked again without.
_OPTIONAL: Final = ("seed", "temperature", "max_tokens")

_HEADERS: Final = frozenset(
    (
        "host", "accept", "accept-encoding", "connection", "content-type", "content-length", "user-agent",
        "x-stainless-raw-response",  # how the package tells itself that the reply is read piece by piece
    )
)  # fmt: skip


@dataclass(slots=True)
class LLMClient:
    """Talks to one endpoint. Safe to use from several threads; close it when done."""

    endpoint: Endpoint
    api_key: str = ""
    retries: int = 2
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    _openai: openai.OpenAI = field(init=False, repr=False)
    _model: str = field(init=False, default="")
    _refused: set[str] = field(init=False, default_factory=set)

    def __post_init__(self) -> None:
        # What the environment says to the package (keys, organizations, headers; a proxy, on this machine) is meant for
        # others: this client sends what it is given and nothing else.
        http = openai.DefaultHttpxClient(
            trust_env=not self.endpoint.is_local, event_hooks={"request": [self._send_only_ours]}
        )
        self._openai = openai.OpenAI(
            base_url=self.endpoint.base_url, api_key=self.api_key or "none", max_retries=0, http_client=http
        )
        self._model = self.endpoint.model

    def _send_only_ours(self, request: httpx2.Request) -> None:
        for name in list(request.headers):
            if name.lower() not in _HEADERS:
                del request.headers[name]
        request.headers["Authorization"] = f"Bearer {self.api_key or 'none'}"

    def close(self) -> None:
        """Close its connections."""
        self._openai.close()

    @property
    def model(self) -> str:
        """The model's name; the first that the server lists where none was configured. Raises LLMError."""
        if not self._model:
            try:
                listed = list(self._openai.models.list(timeout=_CONNECT_S).data)
            except (openai.OpenAIError, httpx2.HTTPError, ValueError) as error:
                self._fail(error)
            if not listed or not isinstance(listed[0].id, str):
                raise LLMError(Failure.INVALID, f"{self._where} lists no model: set CLAIMS_SIM_LLM_MODEL.")
            self._model = listed[0].id
        return self._model

    def ask(self, question: Question, parse: Callable[[Any], T], deadline: float | None = None) -> Answer[T]:
        """The parsed answer. `parse` gets the decoded JSON and raises ValueError when it is not acceptable.

        Tries again, within `deadline` (of `clock`), what may go better the next time. Raises LLMError.
        """
        tokens_in = tokens_out = attempt = 0
        while True:
            try:
                answer = self._once(question, parse, deadline, attempt)
            except LLMError as error:
                tokens_in, tokens_out = tokens_in + error.tokens_in, tokens_out + error.tokens_out
                error.tokens_in, error.tokens_out = tokens_in, tokens_out
                if not self._may_go_on(error, attempt, deadline):
                    raise
                attempt += 1
            else:
                return Answer(answer.value, tokens_in + answer.tokens_in, tokens_out + answer.tokens_out)

    def _may_go_on(self, error: LLMError, attempt: int, deadline: float | None) -> bool:
        """Whether to ask again, after the pause that the failure calls for."""
        if attempt >= self.retries or not error.is_retryable:
            return False
        if error.kind is Failure.UNREACHABLE and self.endpoint.is_ours:
            return False  # our own server is not waited for but started again, by whoever holds this client
        pause = 0.0
        if error.kind not in (Failure.INVALID, Failure.TRUNCATED):
            pause = max(error.retry_after_s or 0.0, _BACKOFF_S[min(attempt, len(_BACKOFF_S) - 1)])
        if deadline is not None and self.clock() + pause + _LEAST_S >= deadline:
            return False
        self.sleep(min(pause, _DEFAULT_TIMEOUT_S))
        return True

    def _once(self, question: Question, parse: Callable[[Any], T], deadline: float | None, attempt: int) -> Answer[T]:
        limit = self.clock() + _DEFAULT_TIMEOUT_S if deadline is None else deadline
        if limit - self.clock() < _LEAST_S:
            raise LLMError(Failure.TIMEOUT, f"{self._where} has no time left to answer.")
        try:
            body = self._received(question, limit, attempt)
        except openai.BadRequestError as error:
            if error.param not in _OPTIONAL or error.param in self._refused:
                self._fail(error)
            self._refused.add(error.param)
            return self._once(question, parse, deadline, attempt)
        except (openai.OpenAIError, httpx2.HTTPError) as error:
            self._fail(error)
        return self._parsed(body, parse)

    def _received(self, question: Question, limit: float, attempt: int) -> bytes:
        left = limit - self.clock()
        optional: dict[str, Any] = {"temperature": question.temperature, "seed": (question.seed + attempt) & _SEED_MASK}
        optional["max_tokens"] = question.max_tokens
        options = {name: value for name, value in optional.items() if name not in self._refused}
        if "max_tokens" in self._refused:
            options["max_completion_tokens"] = question.max_tokens
        with self._openai.chat.completions.with_streaming_response.create(
            model=self.model,
            messages=[{"role": "system", "content": question.system}, {"role": "user", "content": question.user}],
            response_format={
                "type": "json_schema",
                "json_schema": {"name": question.name, "strict": True, "schema": dict(question.schema)},
            },
            timeout=openai.Timeout(left, connect=min(left, _CONNECT_S)),
            **options,
        ) as reply:
            body = bytearray()
            for chunk in reply.iter_bytes():
                body += chunk
                if len(body) > _MAX_REPLY_BYTES:
                    raise LLMError(Failure.INVALID, f"{self._where} sent a reply over {_MAX_REPLY_BYTES:,} bytes.")
                if self.clock() > limit:
                    raise LLMError(Failure.TIMEOUT, f"{self._where} did not finish its answer in time.")
        return bytes(body)

    def _parsed(self, body: bytes, parse: Callable[[Any], T]) -> Answer[T]:
        try:
            document = json.loads(body)
            choice = document["choices"][0]
            text, finish = choice["message"]["content"], choice.get("finish_reason")
        except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
            raise LLMError(Failure.INVALID, f"{self._where} sent something that is no chat completion.") from None
        counts = _usage(document.get("usage"))
        try:
            return Answer(self._value(text, finish, parse), *counts)
        except LLMError as error:
            error.tokens_in, error.tokens_out = counts
            raise

    def _value(self, text: object, finish: object, parse: Callable[[Any], T]) -> T:
        if finish == "length":
            raise LLMError(Failure.TRUNCATED, f"{self._where} was cut off before its answer was whole.")
        if not isinstance(text, str):
            raise LLMError(Failure.INVALID, f"{self._where} sent no text.")
        try:
            return parse(json.loads(text))
        except (ValueError, RecursionError) as error:
            # Only our own words: a decoder's message echoes what the model wrote.
            why = "no JSON" if isinstance(error, json.JSONDecodeError | RecursionError) else str(error)
            raise LLMError(Failure.INVALID, f"{self._where} gave an unusable answer: {why}.") from None

    @property
    def _where(self) -> str:
        return "The local model" if self.endpoint.is_ours else f"The model server {_host(self.endpoint.base_url)}"

    def _fail(self, error: Exception) -> NoReturn:
        """Raise `error` as one of ours. Servers' texts are left out: they echo keys and prompts."""
        if isinstance(error, openai.APITimeoutError | httpx2.TimeoutException):
            raise LLMError(Failure.TIMEOUT, f"{self._where} did not answer in time.") from None
        if isinstance(error, openai.APIStatusError):
            status = error.status_code
            if status == 429:
                after = _seconds(error.response.headers.get("retry-after"))
                raise LLMError(
                    Failure.RATE_LIMITED, f"{self._where} is rate limited (429).", retry_after_s=after
                ) from None
            if status >= 500 or status == 408:
                raise LLMError(Failure.SERVER_ERROR, f"{self._where} failed ({status}).") from None
            hint = {
                401: "check CLAIMS_SIM_LLM_API_KEY",
                403: "the key does not allow this model",
                404: "check CLAIMS_SIM_LLM_BASE_URL and CLAIMS_SIM_LLM_MODEL",
            }.get(status, "it may not support structured output")
            raise LLMError(Failure.REFUSED, f"{self._where} refused the request ({status}): {hint}.") from None
        if isinstance(error, openai.APIConnectionError | httpx2.TransportError):
            raise LLMError(
                Failure.UNREACHABLE, f"{self._where} cannot be reached, or dropped the connection."
            ) from None
        raise LLMError(Failure.INVALID, f"{self._where} sent something that cannot be read.") from None


def _host(base_url: str) -> str:
    return base_url.split("//", 1)[-1].split("/", 1)[0].rsplit("@", 1)[-1]


def _seconds(text: str | None) -> float | None:
    try:
        return max(0.0, float(text)) if text else None
    except ValueError:
        return None


def _usage(usage: object) -> tuple[int, int]:
    """Tokens in and out; a server that does not count, or counts nonsense, counts nothing."""
    if not isinstance(usage, dict):
        return 0, 0
    counts = [usage.get(name) for name in ("prompt_tokens", "completion_tokens")]
    first, second = (c if isinstance(c, int) and 0 <= c < 10_000_000 else 0 for c in counts)
    return first, second
