"""Who the demo's claims belong to: made-up persons who come back, and are never in two beds at once. No real ones."""

import numpy as np
import pyarrow as pa

from claims_sim.demo.lookup import Ints
from claims_sim.randomness import letters, stream_key


class Occupancy:
    """Keeps persons from overlapping claims, run after run in the order of admission.

    A claim that begins while its person is still in care becomes another person's, who is seen this once. The answer
    does not depend on where one run ends and the next begins: open stays are carried over.
    """

    def __init__(self) -> None:
        self._persons = np.empty(0, dtype=np.int64)
        self._until = np.empty(0, dtype=np.int64)

    def settle(self, persons: Ints, numbers: Ints, admit: Ints, discharge: Ints, next_run: int) -> Ints:
        """The persons of a run's claims; `numbers` are unique, times are seconds, `next_run` is when the next one starts."""
        who = np.concatenate([self._persons, persons])
        begin = np.concatenate([np.full(len(self._persons), np.iinfo(np.int64).min), admit])
        until = np.concatenate([self._until, discharge])
        order = np.lexsort((np.concatenate([self._persons, numbers]), begin, who))
        group = np.concatenate([[0], np.cumsum(np.diff(who[order]) != 0)]) if len(who) else who
        # Raising each person's times above the former's turns a maximum by person into one running maximum.
        raised = until[order] + (group << 33)
        latest = np.maximum.accumulate(raised) if len(raised) else raised
        before = np.concatenate([[np.iinfo(np.int64).min], latest[:-1]])[: len(latest)]
        overlaps = np.empty(len(who), dtype=bool)
        overlaps[order] = begin[order] + (group << 33) < before
        overlaps[: len(self._persons)] = False

        is_open = until > next_run
        carried = len(self._persons)
        self._persons, self._until = who[is_open], until[is_open]
        # Negative numbers are nobody else's.
        return np.where(overlaps[carried:], -1 - numbers, persons)


def pseudonyms(seed: int, persons: Ints) -> pa.Array:
    """A pseudonym for each person: P and sixteen letters, the same for the same seed and person."""
    return pa.array(letters(stream_key("demo person", seed), persons, "P", 16), pa.string())
