"""What a run of the batch may be asked for in the launchpad: the fields of a claims request, as Dagster knows them."""

from dagster import Config
from pydantic import Field

from claims_sim.generation.request import ClaimsRequest


def _says(name: str) -> str:
    return ClaimsRequest.model_fields[name].description or ""


class BatchConfig(Config):
    """What is asked of this batch. Left as it is, the batch is one of the stream, as the settings say."""

    count: int | None = Field(None, description=_says("count"))
    where: list[str] = Field([], description=f"{_says('where')}. One condition an entry.")
    mix: list[str] | None = Field(None, description=f"{_says('mix')}. One share an entry.")
    author: str | None = Field(None, description=_says("author"))
    seed: int | None = Field(None, description=_says("seed"))
    clock: str | None = Field(None, description=_says("clock"))
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
        return ClaimsRequest.read(self.model_dump())
