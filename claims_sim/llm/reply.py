"""Read a chat completion as a server sent it: bytes in, a checked answer out. Trusts nothing of what it reads."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, TypeVar

from claims_sim.llm.errors import Failure, LLMError

T = TypeVar("T")
_THOUGHTS: Final = re.compile(r"<think>.*?(</think>|$)", re.DOTALL)
_MOST_TRIES: Final = 50
_OPENING: Final = re.compile(r"[\[{]")


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server sent: the model's text, why it ended, and the tokens it counts (0 where it does not count)."""

    text: str
    finish: object
    tokens_in: int
    tokens_out: int


def read_reply(body: bytes, where: str) -> Reply:
    """The reply in a response body. Raises LLMError, with the tokens, when there is no text in it."""
    try:
        document = json.loads(body)
        choice = document["choices"][0]
        message, finish = choice["message"], choice.get("finish_reason")
        text = message["content"]
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
        raise LLMError(Failure.INVALID, f"{where} sent something that is no chat completion.") from None
    tokens = _usage(document.get("usage"))
    if finish == "content_filter" or (isinstance(message, dict) and message.get("refusal")):
        raise LLMError(Failure.INVALID, f"{where} declined to answer.", tokens=tokens)
    if not isinstance(text, str) or not text.strip():
        if finish == "length":  # all of it went into thoughts
            hint = "a model that thinks first needs CLAIMS_SIM_LLM_SPARE_TOKENS"
            raise LLMError(Failure.TRUNCATED, f"{where} was cut off before its answer began: {hint}.", tokens=tokens)
        raise LLMError(Failure.INVALID, f"{where} sent no text.", tokens=tokens)
    return Reply(text, finish, *tokens)


def read_answer(reply: Reply, parse: Callable[[Any], T], where: str, *, search: bool = False) -> T:
    """What the model's text says, as `parse` accepts it. Raises LLMError, in words of ours, with the tokens.

    With `search` the text may hold more than the JSON: thoughts before it, a fence around it.
    """
    tokens = (reply.tokens_in, reply.tokens_out)
    if reply.finish == "length":
        raise LLMError(Failure.TRUNCATED, f"{where} was cut off before its answer was whole.", tokens=tokens)
    try:
        return parse(_found(reply.text) if search else json.loads(reply.text))
    except (ValueError, RecursionError) as error:
        # Only our own words: a decoder's message echoes what the model wrote.
        why = "no JSON" if isinstance(error, json.JSONDecodeError | RecursionError) else str(error)
        raise LLMError(Failure.INVALID, f"{where} gave an unusable answer: {why}.", tokens=tokens) from None


def _found(text: str) -> object:
    """The first JSON object or array in a text, or the text itself as JSON. Raises ValueError."""
    text = _THOUGHTS.sub("", text).strip()
    decoder = json.JSONDecoder()
    for match in islice(_OPENING.finditer(text), _MOST_TRIES):
        try:
            return decoder.raw_decode(text, match.start())[0]
        except ValueError:
            continue
    return json.loads(text)


def _usage(usage: object) -> tuple[int, int]:
    """Tokens in and out; a server that does not count, or counts nonsense, counts nothing."""
    if not isinstance(usage, dict):
        return 0, 0
    counts = [usage.get(name) for name in ("prompt_tokens", "completion_tokens")]
    first, second = (c if isinstance(c, int) and not isinstance(c, bool) and 0 <= c < 10_000_000 else 0 for c in counts)
    return first, second
