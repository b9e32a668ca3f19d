"""Small facts about models that outlive a process: what is spent, what failed, what a server can do. Says how, not where."""

import copy
import threading
from collections.abc import Callable
from typing import Any, Protocol

Fact = dict[str, Any]


class Memory(Protocol):
    """Keeps JSON-ready facts by key; `change` is atomic, also between processes."""

    def read(self, key: str) -> Fact | None:
        """The fact; None when there is none."""

    def change(self, key: str, update: Callable[[Fact | None], Fact]) -> Fact:
        """Put `update` of the fact in its place, and return it. What `update` raises leaves the fact as it was."""


class ProcessMemory:
    """Facts of this process alone, for work that leaves nothing behind."""

    def __init__(self) -> None:
        self._facts: dict[str, Fact] = {}
        self._lock = threading.RLock()

    def read(self, key: str) -> Fact | None:
        """See Memory."""
        with self._lock:
            return copy.deepcopy(self._facts.get(key))

    def change(self, key: str, update: Callable[[Fact | None], Fact]) -> Fact:
        """See Memory."""
        with self._lock:
            fact = update(copy.deepcopy(self._facts.get(key)))
            self._facts[key] = copy.deepcopy(fact)
            return fact
