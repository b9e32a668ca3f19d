"""What a model may cost, in tokens and money, a day and a batch. Enforced before each request; counts after it.

A request is charged for what it may need at most before it is sent, and corrected when its reply says what it took. So a
process that dies in between has counted too much, never too little. Days are UTC.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final

from claims_sim.llm.errors import Failure, LLMError
from claims_sim.llm.memory import Fact, Memory
from claims_sim.llm.prices import FREE, Price, price_of

KEY: Final = "llm.budget"
_COUNTS: Final = ("requests", "tokens_in", "tokens_out", "cost")


@dataclass(frozen=True, slots=True)
class Limits:
    """The most tokens (in and out together) and the most money; 0 is no limit."""

    tokens_per_day: int = 0
    tokens_per_batch: int = 0
    cost_per_day: float = 0.0
    cost_per_batch: float = 0.0

    @property
    def has_cost(self) -> bool:
        """Whether money is limited."""
        return bool(self.cost_per_day or self.cost_per_batch)


@dataclass(frozen=True, slots=True)
class Spent:
    """What was spent; `cost` is 0 where the model has no price."""

    requests: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    cost: float = 0.0

    @property
    def tokens(self) -> int:
        """In and out together."""
        return self.tokens_in + self.tokens_out

    def plus(self, other: "Spent") -> "Spent":
        """Both together."""
        return Spent(*(getattr(self, name) + getattr(other, name) for name in _COUNTS))

    def minus(self, other: "Spent") -> "Spent":
        """The difference, never below nothing."""
        return Spent(*(max(getattr(self, name) - getattr(other, name), 0) for name in _COUNTS))

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {name: getattr(self, name) for name in _COUNTS}

    @staticmethod
    def of(fact: Fact | None) -> "Spent":
        """From `as_dict`, and nothing from nothing."""
        return Spent(*(fact.get(name, 0) for name in _COUNTS)) if fact else Spent()


def utc_today() -> date:
    """Today, in UTC."""
    return datetime.now(UTC).date()


class Budget:
    """Counts and bounds the requests of one model; safe to use from several threads and processes."""

    def __init__(
        self, limits: Limits, prices: Mapping[str, Price], memory: Memory, today: Callable[[], date] = utc_today
    ) -> None:
        self.limits = limits
        self._prices = prices
        self._memory = memory
        self._today = today
        self._lock = threading.Lock()
        self._batch = Spent()

    def begin_batch(self) -> None:
        """Count for a new batch from now on."""
        with self._lock:
            self._batch = Spent()

    @property
    def batch(self) -> Spent:
        """What this batch has spent, requests that are on their way at their most."""
        return self._batch

    def today(self) -> Spent:
        """What was spent today, by all processes of the state folder."""
        return spent_on(self._memory.read(KEY), self._today())

    def reserve(self, model: str, tokens_in: int, tokens_out: int, *, is_ours: bool = False) -> Spent:
        """Charge a request for what it may take at most; give the result to `settle`.

        Raises LLMError (of kind BUDGET), and charges nothing, when that would pass a limit.
        """
        price = price_of(self._prices, model) or (FREE if is_ours else None)
        if price is None and self.limits.has_cost:
            raise LLMError(Failure.BUDGET, f"{model} has no price: add it to CLAIMS_SIM_LLM_PRICES, or limit tokens.")
        most = Spent(1, tokens_in, tokens_out, (price or FREE).of(tokens_in, tokens_out))
        with self._lock:
            batch = self._batch.plus(most)
            _check(batch, self.limits.tokens_per_batch, self.limits.cost_per_batch, "batch")
            try:
                self._memory.change(KEY, lambda fact: self._charged(fact, most))
            except LLMError:
                self._memory.change(KEY, self._refused)
                raise
            self._batch = batch
        return most

    def settle(self, reserved: Spent, model: str, tokens_in: int, tokens_out: int) -> None:
        """Correct what `reserve` charged by what the request took."""
        price = price_of(self._prices, model) or FREE
        took = Spent(1, tokens_in, tokens_out, price.of(tokens_in, tokens_out))
        with self._lock:
            self._batch = self._batch.minus(reserved).plus(took)
            self._memory.change(KEY, lambda fact: self._corrected(fact, reserved, took))

    def _charged(self, fact: Fact | None, most: Spent) -> Fact:
        total = spent_on(fact, self._today()).plus(most)
        _check(total, self.limits.tokens_per_day, self.limits.cost_per_day, f"day ({self._today()})")
        return self._dated(total)

    def _refused(self, fact: Fact | None) -> Fact:
        """Remember under which limits the day had no room: with other limits it may have some."""
        return {**self._dated(spent_on(fact, self._today())), "refused_under": _of_day(self.limits)}

    def _corrected(self, fact: Fact | None, reserved: Spent, took: Spent) -> Fact:
        return self._dated(spent_on(fact, self._today()).minus(reserved).plus(took))

    def _dated(self, spent: Spent) -> Fact:
        return {"day": self._today().isoformat(), **spent.as_dict()}


def _check(spent: Spent, tokens: int, cost: float, what: str) -> None:
    if tokens and spent.tokens > tokens:
        raise LLMError(
            Failure.BUDGET,
            f"The model's budget for the {what} is spent: {tokens:,} tokens do not allow another request.",
        )
    if cost and spent.cost > cost:
        raise LLMError(
            Failure.BUDGET, f"The model's budget for the {what} is spent: {cost:g} does not allow another request."
        )


def spent_on(fact: Fact | None, day: date) -> Spent:
    """What a kept fact says was spent on `day`."""
    return Spent.of(fact) if fact and fact.get("day") == day.isoformat() else Spent()


def why_spent(fact: Fact | None, limits: Limits, day: date) -> str:
    """Why requests are refused for the rest of the day, in words for people; empty when they are not."""
    if not fact or fact.get("day") != day.isoformat() or fact.get("refused_under") != _of_day(limits):
        return ""
    spent = Spent.of(fact)
    parts = [f"{spent.tokens:,} of {limits.tokens_per_day:,} tokens"] if limits.tokens_per_day else []
    parts += [f"{spent.cost:.4g} of {limits.cost_per_day:g}"] if limits.cost_per_day else []
    return f"The model's budget for {day} (UTC) is spent: {', '.join(parts)}." if parts else ""


def _of_day(limits: Limits) -> list[float]:
    return [limits.tokens_per_day, limits.cost_per_day]
