"""What is asked of a model, what it answers, and what can be asked: values only, so that importing this costs nothing.

The client that keeps this contract loads the `openai` package (half a second of CPU): only who asks pays for it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from claims_sim.llm.endpoint import Endpoint

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Question:
    """One request: `schema` is the JSON schema that the answer must keep, `max_tokens` bounds it."""

    system: str
    user: str
    schema: Mapping[str, Any]
    name: str
    max_tokens: int
    seed: int
    temperature: float


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """What the model said, parsed; tokens count every attempt."""

    value: T
    tokens_in: int
    tokens_out: int


class Model(Protocol):
    """A model that can be asked. Safe to use from several threads."""

    @property
    def endpoint(self) -> Endpoint:
        """Where it is."""

    @property
    def model(self) -> str:
        """Its name. Raises LLMError when the server has to be asked for it and cannot."""

    def ask(self, question: Question, parse: Callable[[Any], T], deadline: float | None = None) -> Answer[T]:
        """The answer as `parse` accepts it (it raises ValueError when it does not). Raises LLMError."""

    def close(self) -> None:
        """Close the connections."""
