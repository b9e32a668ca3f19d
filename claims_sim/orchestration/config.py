"""What a run of the batch may be asked for in the launchpad: the fields of a claims request, as Dagster knows them."""

from enum import Enum
from typing import Any

from dagster import Config
from pydantic import Field

from claims_sim.generation.request import MOST_CLAIMS, ClaimsRequest


class Writer(Enum):
    """Who writes, as a choice that the launchpad completes."""

    as_settings_say = "as_settings_say"
    statistical = "statistical"
    llm = "llm"


class When(Enum):
    """When the claims happen, likewise."""

    as_settings_say = "as_settings_say"
    admission = "admission"
    intake = "intake"
    history = "history"


def _says(name: str) -> str:
    return ClaimsRequest.model_fields[name].description or ""


class BatchConfig(Config):
    """What is asked of this batch. Left as it is, the batch is one of the stream, as the settings say.

    The fields with a default that stands for the settings are those that the launchpad shows at once.
    """

    count: int = Field(0, ge=0, le=MOST_CLAIMS, description=f"{_says('count')}. Here 0 stands for that")
    where: list[str] = Field([], description=f"{_says('where')}. One condition an entry: [province=BALI, service=RITL]")
    author: Writer = Field(Writer.as_settings_say, description=_says("author"))
    clock: When = Field(When.as_settings_say, description=_says("clock"))
    mix: list[str] | None = Field(None, description=f"{_says('mix')}. One share an entry.")
    seed: int | None = Field(None, description=_says("seed"))
    as_of: str | None = Field(None, description=_says("as_of"))
    batch_id: str | None = Field(None, description=_says("batch_id"))
    prompt_form: str | None = Field(None, description=_says("prompt_form"))
    prompt_version: str | None = Field(None, description=_says("prompt_version"))
    prompt_language: str | None = Field(None, description=_says("prompt_language"))
    anomaly_rate: float | None = Field(None, description=_says("anomaly_rate"))
    anomaly_mix: str | None = Field(None, description=_says("anomaly_mix"))
    deadline_s: float | None = Field(None, description=_says("deadline_s"))

    def request(self) -> ClaimsRequest:
        """The request. Raises RequestError, one line, for what is none."""
        asked: dict[str, Any] = self.model_dump() | {"count": self.count or None}
        for name, choice in (("author", self.author), ("clock", self.clock)):
            asked[name] = None if choice.name == "as_settings_say" else choice.value
        return ClaimsRequest.read(asked)
