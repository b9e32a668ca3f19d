"""Open the model that the settings describe, with all that bounds and records what it is asked."""

import time
from contextlib import closing
from typing import TYPE_CHECKING

from claims_sim.errors import AuthorError
from claims_sim.llm.attach import ensure_server
from claims_sim.llm.breaker import Breaker
from claims_sim.llm.budget import Budget, Limits
from claims_sim.llm.memory import Memory
from claims_sim.llm.prices import parse_prices
from claims_sim.llm.transmissions import TransmissionLog
from claims_sim.settings import Settings

if TYPE_CHECKING:
    from claims_sim.llm.client import LLMClient
    from claims_sim.llm.endpoint import Endpoint


def breaker_of(settings: Settings, memory: Memory) -> Breaker:
    """The breaker of the server that the settings name."""
    return Breaker(memory, f"{settings.llm_base_url or 'local'} {settings.llm_model}".strip())


def limits_of(settings: Settings) -> Limits:
    """What the settings allow to be spent."""
    return Limits(
        settings.llm_tokens_per_day,
        settings.llm_tokens_per_batch,
        settings.llm_cost_per_day,
        settings.llm_cost_per_batch,
    )


def budget_of(settings: Settings, memory: Memory) -> Budget:
    """The budget that the settings set."""
    return Budget(limits_of(settings), parse_prices(settings.llm_prices), memory)


def transmissions_of(settings: Settings) -> TransmissionLog:
    """The log of what is sent to servers beyond this machine."""
    key = settings.llm_api_key.get_secret_value()
    return TransmissionLog(settings.state_dir / "llm", int(settings.llm_log_mb * 1e6), (key,))


def listed_models(settings: Settings, endpoint: "Endpoint") -> list[str]:
    """The models that a server lists when it is asked with our key. Raises LLMError."""
    from claims_sim.llm.client import LLMClient  # noqa: PLC0415 - slow to load: only a process that asks pays for it

    with closing(LLMClient(endpoint, settings.llm_api_key.get_secret_value())) as client:
        return client.listed_models()


def open_model(settings: Settings, memory: Memory, budget: Budget, timeout_s: float) -> "LLMClient":
    """A client of the model, whose server is started when it is ours. Raises AuthorError when there is none in time."""
    from claims_sim.llm.client import LLMClient  # noqa: PLC0415 - slow to load: only a process that asks pays for it

    deadline = time.monotonic() + timeout_s
    client = LLMClient(
        ensure_server(settings, timeout_s),
        settings.llm_api_key.get_secret_value(),
        memory=memory,
        budget=budget,
        transmissions=transmissions_of(settings),
        spare_tokens=settings.llm_spare_tokens,
    )
    try:
        client.named_model(deadline)
    except AuthorError:
        client.close()
        raise
    return client
