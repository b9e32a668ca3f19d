"""What a server can do with a request: how far it keeps an answer to a schema, and which options it does not take.

Servers do not say, and some ignore what they do not know; so it is found by asking for an answer that no model would
give by itself. Found once, kept with the server's name.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final, Literal

from claims_sim.llm.memory import Fact, Memory
from claims_sim.llm.question import Question

Structured = Literal["json_schema", "json_object", "plain"]
LEVELS: Final[tuple[Structured, ...]] = ("json_schema", "json_object", "plain")
KEY: Final = "llm.abilities"
OPTIONS: Final = ("seed", "temperature", "max_tokens")
"""What not every server takes; one that refuses an option by name is asked again without it."""
_KEPT: Final = 20


@dataclass(frozen=True, slots=True)
class Abilities:
    """`structured`: an answer keeps a JSON schema, is some JSON object, or is plain text that has to be searched for one.

    `refused` are the options that the server does not take; `found_at` is when it was asked (ISO 8601), if it was.
    """

    structured: Structured = "json_schema"
    refused: tuple[str, ...] = ()
    found_at: str = ""

    def without(self, option: str) -> "Abilities | None":
        """What is left when the server refuses `option`; None when it was not sent anyway."""
        if option in OPTIONS:
            return None if option in self.refused else replace(self, refused=(*self.refused, option))
        if self.structured == "plain":
            return None
        return replace(self, structured=LEVELS[LEVELS.index(self.structured) + 1])

    def describe(self) -> str:
        """For people."""
        shown = {
            "json_schema": "keeps answers to a JSON schema",
            "json_object": "answers in JSON without keeping a schema",
            "plain": "answers in plain text",
        }[self.structured]
        return shown + (f"; does not take {', '.join(self.refused)}" if self.refused else "")


PROBE: Final = Question(
    system="Follow the instructions.",
    user="Write the word hello, in plain text. No JSON.",  # some servers want the word JSON where an object is asked for
    schema={
        "type": "object",
        "properties": {"number": {"type": "integer", "enum": [7]}},
        "required": ["number"],
        "additionalProperties": False,
    },
    name="probe",
    max_tokens=24,
    seed=1,
    temperature=0.0,
)


def level_of(answers: Callable[[Structured], str | None]) -> Structured:
    """The best level that works. `answers` asks PROBE at a level: the text, or None when the server refuses the level."""
    text = answers("json_schema")
    if text is not None and _decoded(text) == {"number": 7}:
        return "json_schema"
    text = answers("json_object")
    return "json_object" if text is not None and isinstance(_decoded(text), dict) else "plain"


def _decoded(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def recall(memory: Memory, server: str) -> Abilities | None:
    """What is known of a server."""
    known = (memory.read(KEY) or {}).get(server)
    if not isinstance(known, dict) or known.get("structured") not in LEVELS:
        return None
    return Abilities(known["structured"], tuple(known.get("refused", ())), str(known.get("found_at", "")))


def last_asked(memory: Memory, base_url: str) -> str:
    """The server at `base_url` that was last found out about, by address and model; empty when none was."""
    known = [server for server in memory.read(KEY) or {} if server.startswith(f"{base_url} ")]
    return known[-1] if known else ""


def remember(memory: Memory, server: str, abilities: Abilities) -> None:
    """Keep what was found."""
    found = replace(abilities, found_at=abilities.found_at or datetime.now(UTC).isoformat(timespec="seconds"))

    def changed(fact: Fact | None) -> Fact:
        known = {name: value for name, value in (fact or {}).items() if name != server}
        return dict([*known.items(), (server, asdict(found))][-_KEPT:])

    memory.change(KEY, changed)


def schema_in_words(schema: Mapping[str, Any]) -> str:
    """What is added to a prompt for a server that does not take the schema itself."""
    text = json.dumps(schema, ensure_ascii=False, separators=(",", ":"))
    return f"\n\nAnswer with JSON that keeps this JSON Schema, and nothing else:\n{text}"
