"""Ask a model one question and get a checked answer. The only module that knows the `openai` package.

Whatever goes wrong becomes an LLMError. Replies are read under a deadline and a size limit of our own: a server that
hangs, drips bytes, or sends too many, must not hold a tick.
"""

import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn, TypeVar

import httpx2
import openai

from claims_sim.llm.endpoint import Endpoint
from claims_sim.llm.errors import Failure, LLMError
from claims_sim.llm.loop import Loop
from claims_sim.llm.question import Answer, Question
from claims_sim.llm.reply import read_answer, read_reply
from claims_sim.llm.retry import pause_before_retry, retry_after_s

T = TypeVar("T")
_MAX_REPLY_BYTES: Final = 1_000_000
_CONNECT_S: Final = 3.0
_LEAST_S: Final = 0.05
_DEFAULT_TIMEOUT_S: Final = 60.0
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
    _openai: openai.AsyncOpenAI = field(init=False, repr=False)
    _loop: Loop = field(init=False, repr=False, default_factory=Loop)
    _model: str = field(init=False, default="")
    _refused: set[str] = field(init=False, default_factory=set)

    def __post_init__(self) -> None:
        # What the environment says to the package (keys, organizations, headers; a proxy, on this machine) is meant for
        # others: this client sends what it is given and nothing else. It follows no redirection: that would carry
        # prompt and key to a server that nobody has named.
        http = openai.DefaultAsyncHttpxClient(
            trust_env=not self.endpoint.is_local,
            follow_redirects=False,
            event_hooks={"request": [self._send_only_ours]},
        )
        self._openai = openai.AsyncOpenAI(
            base_url=self.endpoint.base_url, api_key=self.api_key or "none", max_retries=0, http_client=http
        )
        self._model = self.endpoint.model

    async def _send_only_ours(self, request: httpx2.Request) -> None:
        for name in list(request.headers):
            if name.lower() not in _HEADERS:
                del request.headers[name]
        request.headers["Authorization"] = f"Bearer {self.api_key or 'none'}"

    def close(self) -> None:
        """Close its connections; requests that are still on their way are given up."""
        try:
            self._loop.run(self._openai.close(), _LEAST_S * 10)
        except (TimeoutError, RuntimeError, OSError):
            pass  # the connections end with the loop
        finally:
            self._loop.close()

    @property
    def model(self) -> str:
        """The model's name; the first that the server lists where none was configured. Raises LLMError."""
        return self.named_model(None)

    def named_model(self, deadline: float | None) -> str:
        """`model`, asked for by `deadline` (of `clock`) where it has to be asked for."""
        if not self._model:
            left = _CONNECT_S if deadline is None else min(_CONNECT_S, deadline - self.clock())
            listed = self._within(self._listed(), left)
            if not listed or not isinstance(listed[0], str):
                raise LLMError(Failure.INVALID, f"{self._where} lists no model: set CLAIMS_SIM_LLM_MODEL.")
            self._model = listed[0]
        return self._model

    def ask(self, question: Question, parse: Callable[[Any], T], deadline: float | None = None) -> Answer[T]:
        """The parsed answer. `parse` gets the decoded JSON and raises ValueError when it is not acceptable.

        Tries again, within `deadline` (of `clock`), what may go better the next time. Raises LLMError, never later than
        at the deadline.
        """
        tokens_in = tokens_out = attempt = 0
        while True:
            try:
                answer = self._once(question, parse, deadline, attempt)
            except LLMError as error:
                tokens_in, tokens_out = tokens_in + error.tokens_in, tokens_out + error.tokens_out
                error.tokens_in, error.tokens_out = tokens_in, tokens_out
                if not self._may_go_on(error, attempt, question.seed, deadline):
                    raise
                attempt += 1
            else:
                return Answer(answer.value, tokens_in + answer.tokens_in, tokens_out + answer.tokens_out)

    def _may_go_on(self, error: LLMError, attempt: int, seed: int, deadline: float | None) -> bool:
        """Whether to ask again, after the pause that the failure calls for."""
        if attempt >= self.retries or not error.is_retryable:
            return False
        if error.kind is Failure.UNREACHABLE and self.endpoint.is_ours:
            return False  # our own server is not waited for but started again, by whoever holds this client
        pause = pause_before_retry(error, attempt, seed)
        if pause > _DEFAULT_TIMEOUT_S or (deadline is not None and self.clock() + pause + _LEAST_S >= deadline):
            return False
        self.sleep(pause)
        return True

    def _once(self, question: Question, parse: Callable[[Any], T], deadline: float | None, attempt: int) -> Answer[T]:
        limit = self.clock() + _DEFAULT_TIMEOUT_S if deadline is None else deadline
        model = self.named_model(limit)
        while True:
            refused = set(self._refused)
            try:
                body = self._within(self._received(model, question, attempt), limit - self.clock())
            except _OptionRefusedError as error:
                if error.option in refused:
                    raise LLMError(
                        Failure.REFUSED, f"{self._where} refuses a request without {error.option}."
                    ) from None
                self._refused.add(error.option)
            else:
                reply = read_reply(body, self._where)
                return Answer(read_answer(reply, parse, self._where), reply.tokens_in, reply.tokens_out)

    def _within(self, work: Coroutine[Any, Any, T], seconds: float) -> T:
        """What `work` returns within `seconds`. Raises LLMError for whatever goes wrong."""
        if seconds < _LEAST_S:
            work.close()
            raise LLMError(Failure.TIMEOUT, f"{self._where} has no time left to answer.")
        try:
            return self._loop.run(work, seconds)
        except TimeoutError:
            raise LLMError(Failure.TIMEOUT, f"{self._where} did not answer in time.") from None
        except openai.BadRequestError as error:
            if error.param in _OPTIONAL:
                raise _OptionRefusedError(error.param) from None
            self._fail(error)
        except (openai.OpenAIError, httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
            self._fail(error)

    async def _listed(self) -> list[Any]:
        page = await self._openai.models.list(timeout=_CONNECT_S)
        return [model.id for model in page.data]

    async def _received(self, model: str, question: Question, attempt: int) -> bytes:
        optional: dict[str, Any] = {"temperature": question.temperature, "seed": (question.seed + attempt) & _SEED_MASK}
        optional["max_tokens"] = question.max_tokens
        options = {name: value for name, value in optional.items() if name not in self._refused}
        if "max_tokens" in self._refused:
            options["max_completion_tokens"] = question.max_tokens
        async with self._openai.chat.completions.with_streaming_response.create(
            model=model,
            messages=[{"role": "system", "content": question.system}, {"role": "user", "content": question.user}],
            response_format={
                "type": "json_schema",
                "json_schema": {"name": question.name, "strict": True, "schema": dict(question.schema)},
            },
            timeout=openai.Timeout(_DEFAULT_TIMEOUT_S, connect=_CONNECT_S),
            **options,
        ) as reply:
            body = bytearray()
            async for chunk in reply.iter_bytes():
                body += chunk
                if len(body) > _MAX_REPLY_BYTES:
                    raise LLMError(Failure.INVALID, f"{self._where} sent a reply over {_MAX_REPLY_BYTES:,} bytes.")
        return bytes(body)

    @property
    def _where(self) -> str:
        return "The local model" if self.endpoint.is_ours else f"The model server {_host(self.endpoint.base_url)}"

    def _fail(self, error: Exception) -> NoReturn:
        """Raise `error` as one of ours. Servers' texts are left out: they echo keys and prompts."""
        if isinstance(error, openai.APITimeoutError | httpx2.TimeoutException):
            raise LLMError(Failure.TIMEOUT, f"{self._where} did not answer in time.") from None
        if isinstance(error, openai.APIStatusError):
            self._fail_with_status(error.status_code, error.response.headers.get("retry-after"))
        if isinstance(error, openai.APIConnectionError | httpx2.TransportError):
            raise LLMError(
                Failure.UNREACHABLE, f"{self._where} cannot be reached, or dropped the connection."
            ) from None
        raise LLMError(Failure.INVALID, f"{self._where} sent something that cannot be read.") from None

    def _fail_with_status(self, status: int, after: str | None) -> NoReturn:
        if status == 429:
            message = f"{self._where} is rate limited (429)."
            raise LLMError(Failure.RATE_LIMITED, message, retry_after_s=retry_after_s(after)) from None
        if status >= 500 or status == 408:
            message = f"{self._where} failed ({status})."
            raise LLMError(Failure.SERVER_ERROR, message, retry_after_s=retry_after_s(after)) from None
        if 300 <= status < 400:
            hint = "it redirects elsewhere; set CLAIMS_SIM_LLM_BASE_URL to the address itself"
        else:
            hint = {
                401: "check CLAIMS_SIM_LLM_API_KEY",
                403: "the key does not allow this model",
                404: "check CLAIMS_SIM_LLM_BASE_URL and CLAIMS_SIM_LLM_MODEL",
            }.get(status, "it may not support structured output")
        raise LLMError(Failure.REFUSED, f"{self._where} refused the request ({status}): {hint}.") from None


class _OptionRefusedError(Exception):
    """The server does not know an optional part of a request."""

    def __init__(self, option: str) -> None:
        super().__init__(option)
        self.option = option


def _host(base_url: str) -> str:
    return base_url.split("//", 1)[-1].split("/", 1)[0].rsplit("@", 1)[-1]
