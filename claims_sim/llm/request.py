"""A question as the body of a chat-completion request, in what a server can do. Builds it; sends nothing."""

import json
from collections.abc import Mapping
from typing import Any, Final

from claims_sim.llm.abilities import Abilities, schema_in_words
from claims_sim.llm.question import Question

_SEED_MASK: Final = 0x7FFFFFFF
_LEAST_BYTES_PER_TOKEN: Final = 2  # no tokenizer that we met makes more tokens of our prompts
_OVERHEAD_TOKENS: Final = 32  # a chat template's own


def chat_request(
    model: str, question: Question, attempt: int, abilities: Abilities, *, spare_tokens: int = 0, in_words: bool = True
) -> dict[str, Any]:
    """The body of a request. Another attempt has another seed.

    `spare_tokens` are added for a model that thinks before it answers. A server that takes no schema is told in words
    (unless `in_words` is False).
    """
    user, level = question.user, abilities.structured
    body: dict[str, Any] = {"model": model}
    if level != "json_schema" and in_words:
        user += schema_in_words(question.schema)
    body["messages"] = [{"role": "system", "content": question.system}, {"role": "user", "content": user}]
    if level == "json_schema":
        named = {"name": question.name, "strict": True, "schema": dict(question.schema)}
        body["response_format"] = {"type": "json_schema", "json_schema": named}
    elif level == "json_object":
        body["response_format"] = {"type": "json_object"}
    options = {
        "temperature": question.temperature,
        "seed": (question.seed + attempt) & _SEED_MASK,
        "max_tokens": question.max_tokens + spare_tokens,
    }
    body |= {name: value for name, value in options.items() if name not in abilities.refused}
    if "max_tokens" in abilities.refused:
        body["max_completion_tokens"] = options["max_tokens"]
    return body


def most_tokens(body: Mapping[str, Any]) -> tuple[int, int]:
    """The most tokens that a request may take, in and out: for a budget, so rather too many than too few."""
    read = json.dumps([body["messages"], body.get("response_format")], ensure_ascii=False)
    written = int(body.get("max_tokens") or body.get("max_completion_tokens") or 0)
    return len(read.encode()) // _LEAST_BYTES_PER_TOKEN + _OVERHEAD_TOKENS, written
