"""Can a model write whole claims? A short examination: six cases whose right procedure nobody disputes.

Each case offers the procedures of all six, so that guessing passes once in more than a thousand times. The cases come
from the public code systems; nothing of a profile is in them. Found once a model, kept with its name.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from claims_sim.generation.bands import Band
from claims_sim.generation.names import short_name
from claims_sim.generation.prompt import Form, PromptSet
from claims_sim.llm.errors import Failure, LLMError
from claims_sim.llm.memory import Fact, Memory
from claims_sim.llm.question import Model, Question
from claims_sim.llm.server import is_model_id
from claims_sim.llm.weights import GGUF_NAME

KEY: Final = "llm.skill"
PASS: Final = 5
AGAIN_AFTER: Final = timedelta(days=1)
"""A model that did not pass is examined again: its server may have had a bad day."""
_MAX_TOKENS: Final = 400
_KEPT: Final = 20
# The model's doing: an answer that cannot be accepted, or none in time.
_UNANSWERED: Final = frozenset((Failure.INVALID, Failure.TRUNCATED, Failure.TIMEOUT))


@dataclass(frozen=True, slots=True)
class _Case:
    diagnosis: str
    severity: str
    service: str
    procedure: str
    name: str


CASES: Final = (
    _Case("Acute appendicitis", "moderate", "inpatient", "4709", "Other appendectomy"),
    _Case("Senile nuclear cataract", "mild", "outpatient", "1341", "Phacoemulsification and aspiration of cataract"),
    _Case("Delivery by elective caesarean section", "mild", "inpatient", "741", "Low cervical cesarean section"),
    _Case("End-stage renal disease", "mild", "outpatient", "3995", "Hemodialysis"),
    _Case("Fracture of shaft of femur", "moderate", "inpatient", "7935", "Open reduction of fracture, femur"),
    _Case("Calculus of gallbladder with acute cholecystitis", "moderate", "inpatient", "5123", "Laparoscopic cholecystectomy"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Skill:
    """`right` of `asked` cases, with the mean seconds of an answer; `asked` is less than all once it cannot pass."""

    right: int
    asked: int
    seconds: float
    found_at: str = ""

    @property
    def passes(self) -> bool:
        """Whether it writes whole claims well enough."""
        return self.right >= PASS

    @property
    def is_due(self) -> bool:
        """Whether it should be examined again."""
        try:
            return not self.passes and datetime.now(UTC) - datetime.fromisoformat(self.found_at) > AGAIN_AFTER
        except (ValueError, TypeError):
            return True

    def form(self, seconds_for_each: float | None) -> Form:
        """The form that suits it, when a claim may take so long (None: as long as it takes)."""
        in_time = seconds_for_each is None or self.seconds <= seconds_for_each
        return "full" if self.passes and in_time else "choice"

    def describe(self) -> str:
        """For people."""
        verdict = "whole claims" if self.passes else "one of several options"
        return f"examined: {self.right} of {self.asked} cases right, {self.seconds:.1f} s each: {verdict}"


def examine(model: Model, prompts: PromptSet, limit: float | None, clock: Callable[[], float]) -> Skill:
    """Ask the cases, as many at once as the model takes, until it has passed or cannot pass any more.

    `prompts` are of the *full* form. Who has not answered by `limit` has not passed. Raises LLMError when the server
    fails.
    """
    right = asked = 0
    seconds = 0.0
    with ThreadPoolExecutor(model.endpoint.slots) as threads:
        while asked < len(CASES) and asked - right <= len(CASES) - PASS:
            now = range(asked, min(asked + model.endpoint.slots, len(CASES)))
            for is_right, took in threads.map(lambda i: _answered(model, prompts, i, limit, clock), now):
                right, asked, seconds = right + is_right, asked + 1, seconds + took
            if limit is not None and clock() >= limit:
                break
    return Skill(right, asked, round(seconds / asked, 2), datetime.now(UTC).isoformat(timespec="seconds"))


def _answered(
    model: Model, prompts: PromptSet, number: int, limit: float | None, clock: Callable[[], float]
) -> tuple[bool, float]:
    """Whether a case is answered acceptably and rightly, and how long that took."""
    case, began = CASES[number], clock()
    band = _band(number)
    words = prompts.words
    patient = ", ".join((case.diagnosis, words[case.severity], words[case.service]))
    prompt = prompts.render(band.values() | {"patient": patient, "facility": "", "errors": []})
    question = Question(prompt.system, prompt.user, band.schema(), "full", _MAX_TOKENS, seed=number, temperature=0.0)
    try:
        answer = model.ask(question, band.read, limit)
    except LLMError as error:
        if error.kind not in _UNANSWERED:
            raise
        return False, clock() - began
    return answer.value["procedure_code"] == case.procedure, clock() - began


def _band(number: int) -> Band:
    """What a case leaves open: the procedures of all cases, its own never at the same place."""
    turned = [*CASES[number:], *CASES[:number]]
    turned = turned[-number * 2 % len(CASES) :] + turned[: -number * 2 % len(CASES)]
    procedures = {case.procedure: short_name(case.name) for case in turned}
    return Band(
        procedures=procedures,
        secondary={},
        most_secondary=0,
        los=(1, 7),
        claimed=(2_000_000, 15_000_000),
        paid=(2_000_000, 15_000_000),
        labels=procedures,
        paid_in_full=False,
        grid=1.0,
        secondary_sorted=False,
    )


def prompts_for(
    model: Model,
    memory: Memory,
    both: Mapping[Form, PromptSet],
    *,
    limit: float | None,
    seconds_for_each: float | None,
    clock: Callable[[], float],
) -> PromptSet:
    """The prompts in the form that suits a model, which is examined for that when nothing is known of it.

    Raises LLMError when the examination cannot be held.
    """
    if is_known_small(model):
        return both["choice"]
    server = name_of(model)
    skill = recall(memory, server)
    if skill is None or skill.is_due:
        skill = examine(model, both["full"], limit, clock)
        remember(memory, server, skill)
    return both[skill.form(seconds_for_each)]


def is_known_small(model: Model) -> bool:
    """Whether it is the built-in model, which was measured before: docs/author.md."""
    return is_model_id(model.model) and model.model.startswith(GGUF_NAME.removesuffix(".gguf"))


def name_of(model: Model) -> str:
    """What a skill is kept under: our own servers change their port, not their name."""
    where = "local" if model.endpoint.is_ours else model.endpoint.base_url
    return f"{where} {model.model}"


def recall(memory: Memory, server: str) -> Skill | None:
    """What is known of a model."""
    known: Any = (memory.read(KEY) or {}).get(server)
    if not isinstance(known, dict):
        return None
    try:
        return Skill(**known)
    except TypeError:
        return None


def remember(memory: Memory, server: str, skill: Skill) -> None:
    """Keep what was found."""

    def changed(fact: Fact | None) -> Fact:
        known = {name: value for name, value in (fact or {}).items() if name != server}
        return dict([*known.items(), (server, asdict(skill))][-_KEPT:])

    memory.change(KEY, changed)
