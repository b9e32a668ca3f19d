"""The *choice* form: options for the open fields of a brief. Knows draws, numbers and names, no model.

Every option by itself is a draw from the profile given the brief. So whatever is taken without regard to what the options
say, the claim is a draw from the profile: a weak model cannot bend the distribution, and one that understands improves
coherence. Equal options therefore stay, and are shown on one line.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from claims_sim.generation.author import draw_open
from claims_sim.generation.names import Names
from claims_sim.generation.prompt import Asked
from claims_sim.profile.drawing.conditional import Conditions
from claims_sim.profile.sampler import Sampler

CANDIDATES: Final = 24  # draws among which options that are alike are looked for
_NAMED_APART: Final = 4  # companions; more are told by their number
OPTIONS: Final = 4  # of a brief; at least two of four differ far more often than in four briefs of five


@dataclass(frozen=True, slots=True)
class Options:
    """`drawn` holds `count` rows for each brief, one brief after the other: the open columns of each option."""

    drawn: pa.Table
    count: int

    def __len__(self) -> int:
        return len(self.drawn) // self.count

    def of(self, position: int) -> list[dict[str, Any]]:
        """The options of one brief, the first being number 1."""
        options: list[dict[str, Any]] = self.drawn.slice(position * self.count, self.count).to_pylist()
        return options

    def asked(self, names: Names, *, bare: bool, answer: str = "number") -> list[Asked]:
        """What is asked for each brief: one option, by its number or by its own words."""
        if answer == "name":
            return [_asked_by_name([names.care(option) for option in self.of(i)], bare=bare) for i in range(len(self))]
        schema = number_schema(self.count, bare=bare)
        read = partial(read_number, count=self.count)
        return [Asked(schema, {"options": lines(self.of(i), names)}, read) for i in range(len(self))]

    def columns(self, positions: np.ndarray, numbers: Sequence[int]) -> pa.Table:
        """The open columns of option `numbers[i]` (from 1) of brief `positions[i]`."""
        return self.drawn.take(pa.array(positions * self.count + np.asarray(numbers, np.int64) - 1, pa.int64()))

    def differing(self) -> float:
        """The share of briefs in which at least two options differ, so that there is something to choose."""
        keys = [repr(row) for row in self.drawn.to_pylist()]
        starts = range(0, len(keys), self.count)
        return sum(len(set(keys[i : i + self.count])) > 1 for i in starts) / max(len(self), 1)


def draw_options(
    sampler: Sampler,
    key: int,
    rows: np.ndarray,
    briefs: pa.Table,
    count: int = OPTIONS,
    wanted: Conditions | None = None,
    *,
    alike: bool = False,
) -> Options:
    """`count` draws for each brief; a row's options depend on (key, its number, its brief) alone.

    `alike` options of a brief name as much care, see `_alike`. Each option holds what the batch was asked for, so that no
    choice can leave it.
    """
    drawn = CANDIDATES if alike else count
    which = np.repeat(np.arange(len(rows)), drawn)
    counters = rows[which] * drawn + np.tile(np.arange(drawn), len(rows))
    candidates = draw_open(sampler, key, counters, briefs.take(pa.array(which, pa.int64())), wanted)
    return Options(candidates.take(pa.array(_alike(candidates, drawn, count))) if alike else candidates, count)


def _alike(candidates: pa.Table, drawn: int, count: int) -> np.ndarray:
    """Of each brief's draws the first one, and others that name as much care: a procedure or none, so many companions.

    Small models like names and take the option with most of them; among options that are alike in this they can only
    choose which. Each option by itself stays a draw from the profile. Where too few are alike those there are come again.
    """
    with_procedure = candidates["procedure_code"].is_valid().to_numpy(zero_copy_only=False)
    companions = pc.fill_null(pc.list_value_length(candidates["dx_secondary_codes"]), 0).to_numpy()
    shape = (with_procedure * (_NAMED_APART + 1) + np.minimum(companions, _NAMED_APART)).reshape(-1, drawn)
    chosen = np.empty((len(shape), count), np.int64)
    for i, shapes in enumerate(shape):
        alike = np.flatnonzero(shapes == shapes[0])
        chosen[i] = i * drawn + np.resize(alike[:count], count)
    return chosen.ravel()


def lines(options: Sequence[Mapping[str, Any]], names: Names) -> list[str]:
    """What the model reads: equal options share a line, numbered in the order of their first."""
    numbers: dict[str, list[str]] = {}
    for number, option in enumerate(options, 1):
        numbers.setdefault(names.care(option), []).append(str(number))
    return [f"{', '.join(same)}: {text}" for text, same in numbers.items()]


def _asked_by_name(texts: Sequence[str], *, bare: bool) -> Asked:
    """One option's own words, as many as tell it from the others; of options that read alike the first is meant."""
    numbers = {text: texts.index(text) + 1 for text in texts}
    short = beginnings(list(numbers))
    name = {"type": "string", "enum": list(short)}
    named = numbers | {word: numbers[text] for word, text in short.items()}
    return Asked(
        name if bare else _in_object("care", name), {"options": list(numbers)}, partial(read_name, numbers=named)
    )


def beginnings(texts: Sequence[str]) -> dict[str, str]:
    """For each of different texts the fewest words that only it begins with: every token costs a small model time."""
    found = {}
    for text in texts:
        words, others = text.split(" "), [other for other in texts if other != text]
        cuts = (" ".join(words[: count + 1]).rstrip(";,") for count in range(len(words)))
        found[next((cut for cut in cuts if cut and not any(other.startswith(cut) for other in others)), text)] = text
    return found


def read_name(answer: object, numbers: Mapping[str, int]) -> int:
    """The number of the option that an answer names, bare or in its object. Raises ValueError when it names none."""
    name = answer.get("care") if isinstance(answer, dict) else answer
    if not isinstance(name, str) or name not in numbers:
        raise ValueError("care is none of those listed")
    return numbers[name]


def _in_object(name: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": {name: schema}, "required": [name], "additionalProperties": False}


def number_schema(count: int, *, bare: bool) -> dict[str, Any]:
    """The schema of an answer: a number from 1 to `count`, in an object where the server insists on one (`bare` not)."""
    number = {"type": "integer", "minimum": 1, "maximum": count}
    if bare:
        return number
    return _in_object("number", number)


def read_number(answer: object, count: int) -> int:
    """The number in an answer, bare or in its object. Raises ValueError when it is none of 1 to `count`."""
    number = answer.get("number") if isinstance(answer, dict) else answer
    if isinstance(number, float) and number.is_integer():
        number = int(number)
    if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= count:
        raise ValueError(f"no number from 1 to {count}")
    return number
