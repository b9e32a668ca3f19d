"""What tokens cost: a table of prices by model name, in whatever currency its owner counts."""

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

_MILLION: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Price:
    """Money for a million tokens, read and written."""

    tokens_in: float
    tokens_out: float

    def of(self, tokens_in: int, tokens_out: int) -> float:
        """What so many tokens cost."""
        return (tokens_in * self.tokens_in + tokens_out * self.tokens_out) / _MILLION


FREE: Final = Price(0.0, 0.0)


def parse_prices(text: str) -> dict[str, Price]:
    """The table of `model=in/out; model*=in/out`, prices for a million tokens; the settings check its form."""
    table: dict[str, Price] = {}
    for entry in filter(None, (part.strip() for part in text.split(";"))):
        name, _, prices = entry.rpartition("=")
        first, _, second = prices.partition("/")
        table[name.strip()] = Price(float(first), float(second))
    return table


def price_of(prices: Mapping[str, Price], model: str) -> Price | None:
    """The price of a model: its own entry, else the longest pattern that fits; None when there is none."""
    if model in prices:
        return prices[model]
    fitting = [pattern for pattern in prices if fnmatchcase(model, pattern)]
    return prices[max(fitting, key=len)] if fitting else None
