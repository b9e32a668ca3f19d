"""From briefs to questions, and from checked answers back to claims. Knows forms and prompts; asks nobody."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pyarrow as pa

from claims_sim.generation.author import Assignment, joined
from claims_sim.generation.bands import Bands, draw_bands
from claims_sim.generation.names import Names, rule_words
from claims_sim.generation.options import Options, draw_options
from claims_sim.generation.prompt import Asked, PromptSet
from claims_sim.llm.question import Question
from claims_sim.profile.sampler import Sampler
from claims_sim.randomness import stream_key

_TEMPERATURE: Final = 0.8
# A number and the white space around it; a procedure with its companions; a whole payload.
_TOKENS: Final = {("choice", "number"): 24, ("choice", "name"): 160, ("full", "number"): 400, ("full", "name"): 400}
_WRAPPER_TOKENS: Final = 8  # of each claim when several are asked for at once

DrawnForm = Options | Bands


@dataclass(frozen=True, slots=True)
class Group:
    """Briefs that one request asks for: their positions in the assignment, and what each asks.

    `read` takes the decoded answer to checked values by position; of several some may be missing. Raises ValueError, in
    words of ours, when there is none.
    """

    positions: tuple[int, ...]
    question: Question
    read: Callable[[object], dict[int, Any]]


@dataclass(frozen=True, slots=True)
class Asking:
    """How briefs are put to a model: in `prompts`' form and words, inside draws of `sampler`."""

    sampler: Sampler
    prompts: PromptSet
    names: Names

    @classmethod
    def of(cls, sampler: Sampler, prompts: PromptSet) -> "Asking":
        """With the names that the profile's codes have in the prompts' language."""
        return cls(sampler, prompts, Names.of(sampler.profile, prompts.words))

    def form(self, assignment: Assignment) -> DrawnForm:
        """The draws that a model moves within; another attempt draws anew."""
        key = stream_key(assignment.key, self.prompts.form, assignment.attempt)
        if self.prompts.form == "choice":
            alike = self.prompts.answer == "name"
            return draw_options(
                self.sampler, key, assignment.rows, assignment.briefs, wanted=assignment.wanted, alike=alike
            )
        return draw_bands(self.sampler, key, assignment.rows, assignment.briefs, self.names, assignment.wanted)

    def groups(self, assignment: Assignment, form: DrawnForm, size: int, *, bare: bool) -> list[Group]:
        """Questions of at most `size` briefs each. A repair asks for each claim alone."""
        asked = self._asked(assignment, form, bare=bare)
        size = size if assignment.attempt == 0 else 1
        return [
            self._group(assignment, asked, tuple(range(first, min(first + size, len(asked)))))
            for first in range(0, len(asked), size)
        ]

    def _asked(self, assignment: Assignment, form: DrawnForm, *, bare: bool) -> list[Asked]:
        """What is put to the model for each brief: the patient and, after a rejection, why, beside the form's own."""
        asked = (
            form.asked(self.names, bare=bare, answer=self.prompts.answer) if isinstance(form, Options) else form.asked()
        )
        briefs = assignment.briefs.to_pylist()
        errors = [rule_words(names) for names in assignment.errors] or [[]] * len(briefs)
        return [
            replace(
                one,
                values={
                    **one.values,
                    "patient": self.names.patient(brief),
                    "facility": self.names.facility(brief),
                    "errors": wrong,
                },
            )
            for one, brief, wrong in zip(asked, briefs, errors, strict=True)
        ]

    def _group(self, assignment: Assignment, asked: Sequence[Asked], positions: tuple[int, ...]) -> Group:
        ones = [asked[i] for i in positions]
        prompts = [self.prompts.render(one.values) for one in ones]
        tokens, alone = _TOKENS[self.prompts.form, self.prompts.answer], len(ones) == 1
        question = Question(
            system=prompts[0].system,
            # The number stands for the key of its answer, in any language.
            user=prompts[0].user if alone else "\n\n".join(f"### {n}\n{p.user}" for n, p in enumerate(prompts, 1)),
            schema=ones[0].schema if alone else _numbered([one.schema for one in ones]),
            name=self.prompts.form,
            max_tokens=tokens if alone else (tokens + _WRAPPER_TOKENS) * len(ones),
            seed=stream_key(assignment.key, "model", int(assignment.rows[positions[0]]), assignment.attempt),
            temperature=_TEMPERATURE,
        )
        reads = dict(zip(positions, (one.read for one in ones), strict=True))
        return Group(positions, question, lambda answer: _read(answer, reads))


def _numbered(schemas: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The schema of an object that holds an answer under each number."""
    properties = {str(n): dict(schema) for n, schema in enumerate(schemas, 1)}
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _read(answer: object, reads: Mapping[int, Callable[[object], Any]]) -> dict[int, Any]:
    """The acceptable values by position. Raises ValueError when there is none."""
    if len(reads) == 1:
        return {position: read(answer) for position, read in reads.items()}
    if not isinstance(answer, Mapping):
        raise ValueError("no object")  # noqa: TRY004 - the caller collects ValueErrors
    values, wrong = {}, ""
    for number, (position, read) in enumerate(reads.items(), 1):
        try:
            values[position] = read(answer.get(str(number)))
        except ValueError as error:
            wrong = str(error)
    if not values:
        raise ValueError(wrong)
    return values


def written(assignment: Assignment, form: DrawnForm | None, answers: Mapping[int, Any]) -> tuple[pa.Table, np.ndarray]:
    """The claims that checked answers (by position) make of their briefs, and the positions, in order.

    `form` may be None where there are no answers.
    """
    positions = np.array(sorted(answers), dtype=np.int64)
    briefs = assignment.briefs.take(pa.array(positions))
    if form is not None and len(positions):
        briefs = joined(briefs, form.columns(positions, [answers[i] for i in positions.tolist()]))
    return briefs, positions
