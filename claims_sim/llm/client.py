"""Ask a model one question and get a checked answer. The only module that knows the `openai` package.

Whatever goes wrong becomes an LLMError. Replies are read under a deadline and a size limit of our own: a server that
hangs, drips bytes, or sends too many, must not hold a tick.
"""

import threading
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import httpx2
import openai

from claims_sim.llm.abilities import PROBE, Abilities, Structured, level_of, recall, remember
from claims_sim.llm.budget import Budget
from claims_sim.llm.endpoint import Endpoint
from claims_sim.llm.errors import Failure, LLMError
from claims_sim.llm.failures import FOREIGN, PartRefusedError, ours
from claims_sim.llm.loop import Loop
from claims_sim.llm.memory import Memory
from claims_sim.llm.question import Answer, Question
from claims_sim.llm.reply import Reply, read_answer, read_reply
from claims_sim.llm.request import chat_request, most_tokens
from claims_sim.llm.retry import pause_before_retry
from claims_sim.llm.server import is_model_id
from claims_sim.llm.transmissions import TransmissionLog

T = TypeVar("T")
_MAX_REPLY_BYTES: Final = 1_000_000
_CONNECT_S: Final = 3.0
_LEAST_S: Final = 0.05
_DEFAULT_TIMEOUT_S: Final = 60.0
_UNBILLED: Final = frozenset((Failure.REFUSED, Failure.RATE_LIMITED, Failure.SERVER_ERROR))
_HEADERS: Final = frozenset(
    (
        "host", "accept", "accept-encoding", "connection", "content-type", "content-length", "user-agent",
        "x-stainless-raw-response",  # how the package tells itself that the reply is read piece by piece
    )
)  # fmt: skip


@dataclass(slots=True)
class LLMClient:
    """Talks to one endpoint. Safe to use from several threads; close it when done.

    With `memory` it finds out what the server can do, once; without, it takes a server for one that keeps schemas.
    `budget` may refuse a request, and `transmissions` keeps what leaves this machine.
    """

    endpoint: Endpoint
    api_key: str = ""
    retries: int = 2
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    memory: Memory | None = None
    budget: Budget | None = None
    transmissions: TransmissionLog | None = None
    spare_tokens: int = 0
    _openai: openai.AsyncOpenAI = field(init=False, repr=False)
    _loop: Loop = field(init=False, repr=False, default_factory=Loop)
    _model: str = field(init=False, default="")
    _abilities: Abilities | None = field(init=False, default=None)
    _learning: threading.Lock = field(init=False, repr=False, default_factory=threading.Lock)

    def __post_init__(self) -> None:
        # What the environment says to the package (keys, organizations, headers; a proxy, on this machine) is meant for
        # others: this client sends what it is given and nothing else. It follows no redirection: that would carry
        # prompt and key to a server that nobody has named.
        http = openai.DefaultAsyncHttpxClient(
            trust_env=not self.endpoint.is_local,
            follow_redirects=False,
            event_hooks={"request": [self._send_only_ours]},
        )
        version = self.endpoint.api_version
        self._openai = openai.AsyncOpenAI(
            base_url=self.endpoint.base_url,
            api_key=self.api_key or "none",
            max_retries=0,
            http_client=http,
            default_query={"api-version": version} if version else None,
        )
        self._model = self.endpoint.model

    async def _send_only_ours(self, request: httpx2.Request) -> None:
        for name in list(request.headers):
            if name.lower() not in _HEADERS:
                del request.headers[name]
        if self.endpoint.is_azure:
            request.headers["api-key"] = self.api_key
        else:
            request.headers["Authorization"] = f"Bearer {self.api_key or 'none'}"

    def close(self) -> None:
        """Close its connections; requests that are still on their way are given up."""
        try:
            with suppress(TimeoutError, RuntimeError, OSError):  # the connections end with the loop
                self._loop.run(self._openai.close(), _LEAST_S * 10)
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

    def listed_models(self) -> list[str]:
        """The names of the models that the server lists, which costs nothing. Raises LLMError."""
        return [str(name) for name in self._within(self._listed(), _CONNECT_S)]

    def abilities(self, deadline: float | None = None, *, anew: bool = False) -> Abilities:
        """What the server can do: as it was found before, else found now. Raises LLMError when it does not answer."""
        if self._abilities is not None and not anew:
            return self._abilities
        limit = self.clock() + _DEFAULT_TIMEOUT_S if deadline is None else deadline
        model = self.named_model(limit)
        if self.memory is None or self.endpoint.is_ours or is_model_id(model):
            self._abilities = Abilities()
            return self._abilities
        if not self._learning.acquire(timeout=max(0.0, limit - self.clock())):
            raise LLMError(Failure.TIMEOUT, f"{self._where} did not answer in time.")
        try:
            if self._abilities is None or anew:
                known = None if anew else recall(self.memory, self._server)
                self._abilities = known or self._found(limit)
            return self._abilities
        finally:
            self._learning.release()

    def _found(self, limit: float) -> Abilities:
        """Ask the server what it can do, and keep it."""
        found = Abilities()

        def answers(level: Structured) -> str | None:
            nonlocal found
            found = Abilities(level, found.refused)
            while True:
                try:
                    return self._exchange(PROBE, found, limit, in_words=False).text
                except PartRefusedError as error:
                    less = found.without(error.part)
                    if less is None or less.structured != level:
                        return None
                    found = less
                except LLMError as error:
                    if error.kind not in (Failure.INVALID, Failure.TRUNCATED):
                        raise
                    return ""

        level = level_of(answers)
        found = Abilities(level, found.refused)
        self._remember(found)
        return found

    def _remember(self, abilities: Abilities) -> None:
        self._abilities = abilities
        if self.memory is not None:
            remember(self.memory, self._server, abilities)

    @property
    def _server(self) -> str:
        return f"{self.endpoint.base_url} {self._model}"

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
        while True:
            abilities = self.abilities(limit)
            try:
                reply = self._exchange(question, abilities, limit, attempt)
            except PartRefusedError as error:
                less = abilities.without(error.part)
                if less is None:
                    raise error.refusal from None
                self._remember(less)
            else:
                value = read_answer(reply, parse, self._where, search=abilities.structured != "json_schema")
                return Answer(value, reply.tokens_in, reply.tokens_out)

    def _exchange(
        self, question: Question, abilities: Abilities, limit: float, attempt: int = 0, *, in_words: bool = True
    ) -> Reply:
        """One request and its reply. Raises LLMError, or PartRefusedError when the server does not know a part of it."""
        model = self.named_model(limit)
        body = chat_request(model, question, attempt, abilities, spare_tokens=self.spare_tokens, in_words=in_words)
        settle = self._charged(model, body)
        try:
            if self.transmissions is not None and not self.endpoint.is_local:
                self.transmissions.note(self.endpoint.host, body)
            reply = read_reply(self._within(self._received(body), limit - self.clock()), self._where)
        except PartRefusedError:
            settle(0, 0)
            raise
        except LLMError as error:
            if not error.was_sent or error.tokens_in or error.kind in _UNBILLED:
                settle(error.tokens_in, error.tokens_out)
            raise
        if reply.tokens_in:
            settle(reply.tokens_in, reply.tokens_out)
        return reply

    def _charged(self, model: str, body: dict[str, Any]) -> Callable[[int, int], None]:
        """Charge the budget for a request; the result corrects that by the tokens that it took.

        What was sent and never counted stays charged for what it may have cost at most. Raises LLMError when it may not
        be sent.
        """
        budget = self.budget
        if budget is None:
            return lambda _in, _out: None
        reserved = budget.reserve(model, *most_tokens(body), is_ours=self.endpoint.is_ours)
        return lambda tokens_in, tokens_out: budget.settle(reserved, model, tokens_in, tokens_out)

    def _within(self, work: Coroutine[Any, Any, T], seconds: float) -> T:
        """What `work` returns within `seconds`. Raises LLMError or PartRefusedError for whatever goes wrong."""
        if seconds < _LEAST_S:
            work.close()
            raise LLMError(Failure.TIMEOUT, f"{self._where} has no time left to answer.", was_sent=False)
        try:
            return self._loop.run(work, seconds)
        except LLMError:
            raise
        except (*FOREIGN, TimeoutError) as error:
            raise ours(error, self._where) from None

    async def _listed(self) -> list[Any]:
        page = await self._openai.models.list(timeout=_CONNECT_S)
        return [model.id for model in page.data]

    async def _received(self, body: dict[str, Any]) -> bytes:
        async with self._openai.chat.completions.with_streaming_response.create(
            **body, timeout=openai.Timeout(_DEFAULT_TIMEOUT_S, connect=_CONNECT_S)
        ) as reply:
            received = bytearray()
            async for chunk in reply.iter_bytes():
                received += chunk
                if len(received) > _MAX_REPLY_BYTES:
                    raise LLMError(Failure.INVALID, f"{self._where} sent a reply over {_MAX_REPLY_BYTES:,} bytes.")
        return bytes(received)

    @property
    def _where(self) -> str:
        return "The local model" if self.endpoint.is_ours else f"The model server {self.endpoint.host}"
