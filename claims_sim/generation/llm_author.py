"""The author that is a language model. It asks, checks and maps; what is possible was drawn before.

What the model says is data: a number or a few fields, held against schema and bounds. A failing, slow or absent model
costs claims of this author, never an exception: the batch writer reviews what came and decides who writes the rest.
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
import pyarrow as pa

from claims_sim.errors import AuthorError
from claims_sim.generation.author import Assignment, Draft, joined
from claims_sim.generation.bands import Bands, draw_bands
from claims_sim.generation.names import Names, rule_words
from claims_sim.generation.options import Options, draw_options
from claims_sim.generation.prompt import Asked, Form, PromptSet, load_prompts
from claims_sim.llm.attach import START_TIMEOUT_S
from claims_sim.llm.breaker import Breaker
from claims_sim.llm.budget import Budget
from claims_sim.llm.endpoint import endpoint_of
from claims_sim.llm.errors import Failure, LLMError
from claims_sim.llm.memory import Memory, ProcessMemory
from claims_sim.llm.opening import breaker_of, budget_of, open_model
from claims_sim.llm.question import Answer, Model, Question
from claims_sim.llm.server import is_model_id
from claims_sim.profile.sampler import Sampler
from claims_sim.randomness import stream_key
from claims_sim.settings import Settings

_TEMPERATURE: Final = 0.8
_CHOICE_TOKENS: Final = 24  # a number, and the white space that a model may put around it
_FULL_TOKENS: Final = 400
_MAX_RECONNECTS: Final = 2  # with no answer between: a killed server is started again, one that keeps dying is not
_MAX_FAILURES: Final = 3  # in a row: then the server is at fault, not the claim


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

    def take(self, position: int, answer: Answer[Any]) -> None:
        with self.lock:
            self.answers[position] = answer.value
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
    when the server went away. `deadline_s` bounds the model's whole part of a batch, all attempts together.
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
    ) -> None:
        self._sampler = sampler
        self._names = Names.of(sampler.profile, prompts.words)
        self._connect = connect
        self._prompts = prompts
        self._deadline_s = deadline_s
        self._clock = clock
        self._client: Model | None = None
        self._model = "the language model"
        self._breaker = breaker
        self._budget = budget
        self._batch: tuple[int, float | None] | None = None
        self._given_up = False

    @property
    def model(self) -> str:
        """The model's name; known once it has been asked."""
        return self._model

    @property
    def prompt_version(self) -> str:
        """Version, form and hash of the prompt."""
        return self._prompts.label

    def close(self) -> None:
        """Close the connections; the server goes on."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def write(self, assignment: Assignment) -> Draft:
        """Ask the model for each brief until the deadline; late and failed ones are missing from the draft."""
        started = self._clock()
        work = _Round(self._deadline(assignment, started))
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
        form = self._form(assignment)
        asked = self._asked(assignment, form, bare=client.endpoint.is_ours or is_model_id(self._model))
        with ThreadPoolExecutor(max_workers=client.endpoint.slots) as threads:
            running = [threads.submit(self._answer, work, assignment, one, i) for i, one in enumerate(asked)]
        for done in running:
            done.result()  # a fault of ours in a thread must not pass for a missing answer
        missing = len(asked) - len(work.answers)
        if missing and self._is_late(work):
            work.problems.append(f"{self._model} was late: {missing} of {len(asked)} claims were not written in time.")
        self._judge_server(work)
        return self._draft(assignment, work, form, started)

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

    # One brief.

    def _answer(self, work: _Round, assignment: Assignment, asked: Asked, position: int) -> None:
        client = self._client
        while client is not None and not work.stopped and not self._is_late(work):
            try:
                answer = client.ask(self._question(assignment, asked, position), asked.read, work.deadline)
            except LLMError as error:
                again = self._reconnected(work, client) if error.kind is Failure.UNREACHABLE else None
                if again is None:
                    work.fail(error)
                    return
                client = again
            else:
                work.take(position, answer)
                return

    def _question(self, assignment: Assignment, asked: Asked, position: int) -> Question:
        prompt = self._prompts.render(asked.values)
        row = int(assignment.rows[position])
        return Question(
            system=prompt.system,
            user=prompt.user,
            schema=asked.schema,
            name=self._prompts.form,
            max_tokens=_CHOICE_TOKENS if self._prompts.form == "choice" else _FULL_TOKENS,
            seed=stream_key(assignment.key, "model", row, assignment.attempt),
            temperature=_TEMPERATURE,
        )

    # What is asked, and what comes of the answers.

    def _asked(self, assignment: Assignment, form: Options | Bands, *, bare: bool) -> list[Asked]:
        """What is put to the model for each brief: the patient and, after a rejection, why, beside the form's own."""
        asked = form.asked(self._names, bare=bare) if isinstance(form, Options) else form.asked()
        briefs = assignment.briefs.to_pylist()
        errors = [rule_words(names) for names in assignment.errors] or [[]] * len(briefs)
        return [
            replace(
                one,
                values={
                    **one.values,
                    "patient": self._names.patient(brief),
                    "facility": self._names.facility(brief),
                    "errors": wrong,
                },
            )
            for one, brief, wrong in zip(asked, briefs, errors, strict=True)
        ]

    def _form(self, assignment: Assignment) -> Options | Bands:
        """The draws that the model moves within; another attempt draws anew."""
        key = stream_key(assignment.key, self._prompts.form, assignment.attempt)
        if self._prompts.form == "choice":
            return draw_options(self._sampler, key, assignment.rows, assignment.briefs, wanted=assignment.wanted)
        return draw_bands(self._sampler, key, assignment.rows, assignment.briefs, self._names, assignment.wanted)

    def _draft(self, assignment: Assignment, work: _Round, form: Options | Bands | None, started: float) -> Draft:
        positions = np.array(sorted(work.answers), dtype=np.int64)
        briefs = assignment.briefs.take(pa.array(positions))
        if form is not None and len(positions):
            briefs = joined(briefs, form.columns(positions, [work.answers[i] for i in positions.tolist()]))
        return Draft(
            claims=briefs,
            positions=positions,
            tokens_in=work.tokens_in,
            tokens_out=work.tokens_out,
            seconds=self._clock() - started,
            problems=tuple(dict.fromkeys(work.problems)),
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
    form: Form = ("choice" if local else "full") if settings.prompt_form == "auto" else settings.prompt_form

    prompts = load_prompts(form, settings.prompt_version, settings.prompt_language)
    kept = memory or ProcessMemory()
    budget = budget_of(settings, kept)
    return LLMAuthor(
        sampler,
        lambda timeout_s: open_model(settings, kept, budget, timeout_s),
        prompts,
        deadline_s=deadline_s,
        breaker=breaker_of(settings, kept),
        budget=budget,
    )
