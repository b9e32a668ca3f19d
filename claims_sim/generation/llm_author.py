"""The author that is a language model. It asks, checks and maps; what is possible was drawn before.

What the model says is data: a number or a few fields, held against schema and bounds. A failing, slow or absent model
costs claims of this author, never an exception: the batch writer reviews what came and decides who writes the rest.
"""

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from claims_sim.errors import AuthorError
from claims_sim.generation.asking import Asking, DrawnForm, Group, written
from claims_sim.generation.author import Assignment, Draft
from claims_sim.generation.examination import prompts_for
from claims_sim.generation.prompt import FORMS, PromptSet, load_prompts
from claims_sim.llm.attach import START_TIMEOUT_S
from claims_sim.llm.breaker import Breaker
from claims_sim.llm.budget import Budget
from claims_sim.llm.endpoint import endpoint_of
from claims_sim.llm.errors import Failure, LLMError
from claims_sim.llm.memory import Memory, ProcessMemory
from claims_sim.llm.opening import breaker_of, budget_of, open_model
from claims_sim.llm.question import Answer, Model
from claims_sim.llm.server import is_model_id
from claims_sim.profile.sampler import Sampler
from claims_sim.settings import Settings

_REMOTE_BRIEFS: Final = 5  # in one request, unless the settings say otherwise
_MAX_RECONNECTS: Final = 2  # with no answer between: a killed server is started again, one that keeps dying is not
_MAX_FAILURES: Final = 3  # in a row: then the server is at fault, not the claim


_EXAMINATION: Final = 0.6  # of a batch's time may pass with the examination of a new model

Watch = Callable[[Assignment, DrawnForm, Mapping[int, Any]], object]
Suit = Callable[[Model, float | None], PromptSet]


@dataclass(slots=True)
class _Round:
    """The state of one write, shared by its threads."""

    deadline: float | None
    lock: threading.Lock = field(default_factory=threading.Lock)
    answers: dict[int, Any] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    tokens_in: int = 0
    tokens_out: int = 0
    failures: int = 0
    reconnects: int = 0
    stopped: bool = False
    last: LLMError | None = None
    cost_before: float = 0.0

    def take(self, answer: Answer[dict[int, Any]]) -> None:
        with self.lock:
            self.answers |= answer.value
            self.tokens_in, self.tokens_out = self.tokens_in + answer.tokens_in, self.tokens_out + answer.tokens_out
            self.failures = self.reconnects = 0

    def fail(self, error: LLMError) -> None:
        with self.lock:
            self.last = error
            self.problems.append(str(error))
            self.tokens_in, self.tokens_out = self.tokens_in + error.tokens_in, self.tokens_out + error.tokens_out
            self.failures += 1
            self.stopped = self.stopped or error.is_systemic or self.failures >= _MAX_FAILURES


class LLMAuthor:
    """Writes the open fields of briefs with a language model, inside what the profile holds possible.

    `connect` gets the seconds it may take and returns a client; it is called when the first claim is written, and again
    when the server went away. `deadline_s` bounds the model's whole part of a batch, all attempts together. `suit` gives
    the prompts that suit a connected model, by a time; without it `prompts` are for every model. Who measures the author
    may set `form_of`, which draws what the model moves within, and `watch`, which is shown what it answered.
    """

    name = "llm"

    def __init__(
        self,
        sampler: Sampler,
        connect: Callable[[float], Model],
        prompts: PromptSet,
        *,
        deadline_s: float | None,
        clock: Callable[[], float] = time.monotonic,
        breaker: Breaker | None = None,
        budget: Budget | None = None,
        briefs_per_request: int = 1,
        suit: Suit | None = None,
    ) -> None:
        self._sampler = sampler
        self._suit = suit
        self._asking = Asking.of(sampler, prompts)
        self._connect = connect
        self._prompts = prompts
        self._deadline_s = deadline_s
        self._clock = clock
        self._client: Model | None = None
        self._model = "the language model"
        self._breaker = breaker
        self._budget = budget
        self._briefs_per_request = briefs_per_request
        self._batch: tuple[int, float | None] | None = None
        self._given_up = False
        self.form_of: Callable[[Assignment], DrawnForm] = self._form
        self.watch: Watch = lambda _assignment, _form, _answers: None

    @property
    def model(self) -> str:
        """The model's name; known once it has been asked."""
        return self._model

    @property
    def prompt_version(self) -> str:
        """Version, form and hash of the prompt."""
        return self._prompts.label

    def _form(self, assignment: Assignment) -> DrawnForm:
        return self._asking.form(assignment)

    def close(self) -> None:
        """Close the connections; the server goes on."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def write(self, assignment: Assignment) -> Draft:
        """Ask the model for each brief until the deadline; late and failed ones are missing from the draft."""
        started = self._clock()
        work = _Round(self._deadline(assignment, started))
        work.cost_before = self._budget.batch.cost if self._budget else 0.0
        if self._given_up or self._is_late(work):
            return self._draft(assignment, work, None, started)
        why_open = self._breaker.why_open() if self._breaker else ""
        if why_open:
            work.problems.append(why_open)
            return self._draft(assignment, work, None, started)
        try:
            client = self._connected(work)
        except AuthorError as error:
            work.problems.append(str(error))
            work.last = error if isinstance(error, LLMError) else None
            self._judge_server(work)
            return self._draft(assignment, work, None, started)
        if assignment.attempt == 0:  # a batch keeps its form
            self._settle(client, work.deadline)
        form = self.form_of(assignment)
        bare = client.endpoint.is_ours or is_model_id(self._model)
        groups = self._asking.groups(assignment, form, self._briefs_per_request, bare=bare)
        with ThreadPoolExecutor(max_workers=client.endpoint.slots) as threads:
            running = [threads.submit(self._answer, work, group) for group in groups]
        for done in running:
            done.result()  # a fault of ours in a thread must not pass for a missing answer
        asked = len(assignment.briefs)
        missing = asked - len(work.answers)
        if missing and self._is_late(work):
            work.problems.append(f"{self._model} was late: {missing} of {asked} claims were not written in time.")
        self._judge_server(work)
        self.watch(assignment, form, work.answers)
        return self._draft(assignment, work, form, started)

    def prepare(self) -> None:
        """Connect, and find the form that suits the model. Raises AuthorError."""
        self._settle(self._connected(_Round(None)), None)

    def _settle(self, client: Model, deadline: float | None) -> None:
        """Take the prompts that suit the model. What cannot be found out now is found out at the next batch."""
        if self._suit is None:
            return
        now = self._clock()
        limit = None if deadline is None else now + _EXAMINATION * (deadline - now)
        with suppress(LLMError):  # a server that fails is met, and judged, by the claims that follow
            prompts = self._suit(client, limit)
            if prompts.label != self._prompts.label:
                self._prompts, self._asking = prompts, Asking.of(self._sampler, prompts)

    # Time and connection.

    def _judge_server(self, work: _Round) -> None:
        """Tell the breaker how it went; a server without a single answer is not asked again for this batch."""
        if work.answers:
            if self._breaker:
                self._breaker.succeeded()
            return
        self._given_up = True
        if self._breaker and work.last:
            self._breaker.failed(work.last)

    def _deadline(self, assignment: Assignment, now: float) -> float | None:
        """The batch's deadline: it begins with the first attempt, and repairs get what is left of it."""
        if self._batch is None or assignment.attempt == 0 or self._batch[0] != assignment.key:
            self._batch = (assignment.key, None if self._deadline_s is None else now + self._deadline_s)
            self._given_up = False
            if self._budget:
                self._budget.begin_batch()
        return self._batch[1]

    def _is_late(self, work: _Round) -> bool:
        return work.deadline is not None and self._clock() >= work.deadline

    def _connected(self, work: _Round) -> Model:
        """The client, connected now when it was not. Raises AuthorError."""
        if self._client is None:
            left = START_TIMEOUT_S if work.deadline is None else max(work.deadline - self._clock(), 0.0)
            self._client = self._connect(left)
        self._model = self._client.model
        return self._client

    def _reconnected(self, work: _Round, lost: Model) -> Model | None:
        """Another client after `lost` met no server; None when that is hopeless. One thread does it, for all."""
        with work.lock:
            if self._client is not None and self._client is not lost:
                return self._client
            if not lost.endpoint.is_ours or work.reconnects >= _MAX_RECONNECTS or self._is_late(work):
                return None
            work.reconnects += 1
            self.close()
            try:
                return self._connected(work)
            except AuthorError as error:
                work.problems.append(str(error))
                return None

    # Answers.

    def _answer(self, work: _Round, group: Group) -> None:
        client = self._client
        while client is not None and not work.stopped and not self._is_late(work):
            try:
                answer = client.ask(group.question, group.read, work.deadline)
            except LLMError as error:
                again = self._reconnected(work, client) if error.kind is Failure.UNREACHABLE else None
                if again is None:
                    work.fail(error)
                    return
                client = again
            else:
                work.take(answer)
                return

    def _draft(self, assignment: Assignment, work: _Round, form: DrawnForm | None, started: float) -> Draft:
        answers = work.answers
        claims, positions = written(assignment, form, answers)
        return Draft(
            claims=claims,
            positions=positions,
            tokens_in=work.tokens_in,
            tokens_out=work.tokens_out,
            cost=self._budget.batch.cost - work.cost_before if self._budget else 0.0,
            seconds=self._clock() - started,
            problems=tuple(dict.fromkeys(work.problems)),
            answers=tuple(answers[i] for i in positions.tolist()),
        )


def llm_author(
    settings: Settings, sampler: Sampler, *, deadline_s: float | None, memory: Memory | None = None
) -> LLMAuthor:
    """The author that the settings describe. Starts nothing yet.

    `deadline_s` bounds a batch (None: as long as it takes); `memory` keeps what is spent and what failed from one
    process to the next. Raises AuthorError for a server that may not be used, and SettingsError for a prompt version
    that is not there.
    """
    configured = endpoint_of(settings)
    local = configured is None or configured.is_local
    chosen, version, language = settings.prompt_form, settings.prompt_version, settings.prompt_language
    kept = memory or ProcessMemory()
    budget = budget_of(settings, kept)
    slots = configured.slots if configured else 1
    suit: Suit | None = None
    if chosen == "auto":
        both = {form: load_prompts(form, version, language) for form in FORMS}
        pace = None if deadline_s is None else deadline_s / -(-settings.batch_size // slots)

        def suit(model: Model, limit: float | None) -> PromptSet:
            return prompts_for(model, kept, both, limit=limit, seconds_for_each=pace, clock=time.monotonic)

    return LLMAuthor(
        sampler,
        lambda timeout_s: open_model(settings, kept, budget, timeout_s),
        load_prompts("choice" if chosen == "auto" else chosen, version, language),
        deadline_s=deadline_s,
        breaker=breaker_of(settings, kept),
        budget=budget,
        briefs_per_request=settings.llm_briefs_per_request or (1 if local else _REMOTE_BRIEFS),
        suit=suit,
    )
