"""Pieces of SQL text."""

from collections.abc import Callable
from typing import Final

_LONG_EXPRESSION: Final = 500
"""Characters: longer ones are those of codes, of dates, and of values that a mapping file names by the dozen."""


def let(name: str, expression: str, body: Callable[[str], str]) -> str:
    """`body` of an expression; of a long one by `name`, so that it is written once: each time more takes longer to plan."""
    if len(expression) < _LONG_EXPRESSION:
        return body(expression)
    return f"list_transform([{expression}], lambda {name}: {body(name)})[1]"
