"""The model as a user sees it: whether it is asked, what it has cost, what its server can do. Asks it nothing itself."""

import time
from dataclasses import dataclass
from typing import Any, Final

from claims_sim.errors import AuthorError
from claims_sim.generation import examination
from claims_sim.generation.examination import Skill
from claims_sim.generation.prompt import load_prompts
from claims_sim.llm import breaker, budget
from claims_sim.llm.abilities import Abilities, last_asked, recall
from claims_sim.llm.attach import START_TIMEOUT_S
from claims_sim.llm.budget import Limits, Spent
from claims_sim.llm.endpoint import endpoint_of
from claims_sim.llm.opening import breaker_of, budget_of, limits_of, open_model, transmissions_of
from claims_sim.llm.question import Model
from claims_sim.llm.server import model_id
from claims_sim.llm.transmissions import TransmissionLog
from claims_sim.llm.weights import find_weights
from claims_sim.settings import Settings
from claims_sim.store.control import Facts

_BUILT_IN: Final = "choice: the built-in model is known to be too small for whole claims"


@dataclass(frozen=True, slots=True)
class ModelState:
    """`left_alone` and `spent_up` say why the model is not asked now, if so.

    `abilities` and `skill` are None until they are found; the built-in model's are known, and it is not examined.
    """

    left_alone: str
    spent_up: str
    today: Spent
    limits: Limits
    abilities: Abilities | None
    skill: Skill | None
    prompt_form: str
    is_built_in: bool

    @property
    def form(self) -> str:
        """Which form of prompt the model gets, and why."""
        if self.prompt_form != "auto":
            return f"{self.prompt_form} (CLAIMS_SIM_PROMPT_FORM)"
        if self.is_built_in:
            return _BUILT_IN
        return self.skill.describe() if self.skill else "choice, unless it is examined and passes"

    @property
    def spending(self) -> str:
        """What was spent today, of what may be."""
        today, limits = self.today, self.limits
        of_tokens = f" of {limits.tokens_per_day:,}" if limits.tokens_per_day else ""
        of_cost = f" of {limits.cost_per_day:g}" if limits.cost_per_day else ""
        cost = f", {today.cost:.4g}{of_cost} in money" if today.cost or of_cost else ""
        return f"{today.tokens:,}{of_tokens} tokens{cost} today (UTC), {today.requests:,} requests"

    def as_dict(self) -> dict[str, Any]:
        """What `status` shows."""
        return {"model": self.hindered or "is asked", "model spending": self.spending}

    @property
    def hindered(self) -> str:
        """Why the model is not asked now; empty when it is."""
        return self.left_alone or self.spent_up

    def as_budget(self) -> dict[str, Any]:
        """Today's spending (UTC) beside its limits, for a page to draw; a limit of 0 is none."""
        return {
            "hindered": self.hindered,
            **self.today.as_dict(),
            "tokens": self.today.tokens,
            "tokens_limit": self.limits.tokens_per_day,
            "cost_limit": self.limits.cost_per_day,
        }


def model_state(settings: Settings) -> ModelState:
    """As the state folder knows it. Raises AuthorError for a server that may not be used."""
    memory = Facts(settings.state_dir)
    endpoint = endpoint_of(settings)
    where = ""
    if endpoint:  # without a model's name it is the one that the server listed when it was asked
        where = f"{endpoint.base_url} {endpoint.model}" if endpoint.model else last_asked(memory, endpoint.base_url)
    fact, limits = memory.read(budget.KEY), limits_of(settings)
    return ModelState(
        left_alone=breaker_of(settings, memory).why_open(),
        spent_up=budget.why_spent(fact, limits, budget.utc_today()),
        today=budget.spent_on(fact, budget.utc_today()),
        limits=limits,
        abilities=recall(memory, where) if endpoint else Abilities(),
        skill=examination.recall(memory, where if endpoint else f"local {_local_name(settings)}"),
        prompt_form=settings.prompt_form,
        is_built_in=endpoint is None and settings.llm_gguf is None,
    )


def _local_name(settings: Settings) -> str:
    try:
        weights = find_weights(settings.state_dir, settings.llm_gguf, remember=False)
    except AuthorError:
        return ""
    return model_id(weights.name, weights.sha256)


def out_of_budget(settings: Settings) -> str:
    """Why no claims can be made until the budget allows it; empty when they can, be it by the statistical author."""
    if settings.author != "llm" or not settings.force_llm:
        return ""
    why = budget.why_spent(Facts(settings.state_dir).read(budget.KEY), limits_of(settings), budget.utc_today())
    return f"Paused: {why} CLAIMS_SIM_FORCE_LLM keeps the statistical author from stepping in." if why else ""


def probe_model(settings: Settings) -> dict[str, Any]:
    """Ask the model's server anew what it can do, and close the breaker when it answers. Raises AuthorError."""
    memory = Facts(settings.state_dir)
    client = open_model(settings, memory, budget_of(settings, memory), START_TIMEOUT_S)
    try:
        began = time.monotonic()
        found = client.abilities(began + START_TIMEOUT_S, anew=True)
        seconds = time.monotonic() - began
        form = _examined(settings, memory, client)
        memory.change(breaker.KEY, lambda _: {})
        return {
            "server": client.endpoint.base_url,
            "model": client.model,
            "answers": found.describe(),
            "form of prompts": form,
            "requests at once": client.endpoint.slots,
            "seconds": round(seconds, 2),
        }
    finally:
        client.close()


def _examined(settings: Settings, memory: Facts, client: Model) -> str:
    """Examine the model where its form follows from that."""
    if settings.prompt_form != "auto":
        return f"{settings.prompt_form} (CLAIMS_SIM_PROMPT_FORM)"
    if examination.is_known_small(client):
        return _BUILT_IN
    prompts = load_prompts("full", settings.prompt_version, settings.prompt_language)
    skill = examination.examine(client, prompts, time.monotonic() + START_TIMEOUT_S, time.monotonic)
    examination.remember(memory, examination.name_of(client), skill)
    return skill.describe()


def transmission_log(settings: Settings) -> TransmissionLog:
    """What was sent to model servers beyond this machine."""
    return transmissions_of(settings)
