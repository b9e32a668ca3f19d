"""An author that repeats what was recorded of a model: no model, no time, the same claims."""

import json
from collections.abc import Mapping, Sequence

from claims_sim.generation.asking import Asking, written
from claims_sim.generation.author import Assignment, Draft
from claims_sim.generation.prompt import PromptSet
from claims_sim.profile.sampler import Sampler


class RecordedAuthor:
    """Writes each brief as it was written: `answers` holds, by the brief's row, what was decided at each attempt."""

    name = "llm"

    def __init__(
        self,
        sampler: Sampler,
        prompts: PromptSet,
        answers: Mapping[int, Sequence[str | None]],
        *,
        model: str,
        prompt_version: str,
    ) -> None:
        self._asking = Asking.of(sampler, prompts)
        self._answers = answers
        self.model = model
        self.prompt_version = prompt_version

    def write(self, assignment: Assignment) -> Draft:
        """The claims of which an answer was recorded at this attempt."""
        answers = {}
        for position, row in enumerate(assignment.rows.tolist()):
            recorded = self._answers.get(row, ())
            answer = recorded[assignment.attempt] if assignment.attempt < len(recorded) else None
            if answer is not None:
                answers[position] = json.loads(answer)
        form = self._asking.form(assignment) if answers else None
        claims, positions = written(assignment, form, answers)
        return Draft(claims, positions, answers=tuple(answers[i] for i in positions.tolist()))
