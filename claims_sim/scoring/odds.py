"""How often claims of this content reach a value: the odds behind "so long a stay", "so short a stay", "so severe".

Shares per cell of a ladder, each shrunk towards its parent's, so that a rare content falls back to a coarser one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from claims_sim.scoring.features import Features, Floats, Ints
from claims_sim.scoring.keys import Cells, Codes, Group, Ladder, assemble

_PRIOR_CLAIMS: Final = 12.0  # a cell's shares count as much as its parent's when it has this many claims
_LEAST_CLAIMS: Final = 6


@dataclass(frozen=True, slots=True)
class Question:
    """Which whole number is looked at (capped at `most`), among whom, and which side of it is odd."""

    name: str
    value: str
    ladder: Ladder
    most: int
    side: Literal["at least", "at most"]


QUESTIONS: Final = (
    Question(
        "long_stay",
        "stay",
        (("service", "dx", "severity", "procedure"), ("service", "dx", "severity"), ("service", "dx"),
         ("service", "severity"), ("service",), ()),
        40,
        "at least",
    ),
    Question(
        "short_stay",
        "stay",
        (("service", "dx", "severity", "procedure"), ("service", "dx", "severity"), ("service", "dx"),
         ("service", "severity"), ("service",), ()),
        40,
        "at most",
    ),
    Question(
        "severity",
        "severity",
        (("service", "dx", "stay_band", "companion_band"), ("service", "dx", "stay_band"), ("service", "dx"),
         ("service", "stay_band", "companion_band"), ("service",), ()),
        7,
        "at least",
    ),
    *(Question(name, name, (("service", "dx", "procedure"), ("service", "dx"), ("service",), ()), 31, "at most")
      for name in ("stay_again", "visit_again", "same_bill", "sent_on")),
    Question("overlap", "overlap", (("service",), ()), 10, "at least"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Odds:
    """Per cell the share of its claims at each value (columns "0", "1", …)."""

    question: Question
    cells: Cells

    @staticmethod
    def learn(question: Question, codes: Codes, values: Mapping[str, Floats]) -> "Odds":
        """Count the claims whose value is known."""
        value = values[question.value]
        known = np.isfinite(value)
        codes = Codes(int(known.sum()), {name: column[known] for name, column in codes.columns.items()}, codes.sizes)
        number = _capped(value[known], question.most)
        width = question.most + 1
        parts: list[tuple[Ints, dict[str, Floats]]] = []
        shares = np.full((1, width), 1.0 / width)
        parent = np.zeros(codes.rows, np.int64)  # of each claim: the row of `shares` that stands for it
        for names in reversed(question.ladder):
            group = Group.by(codes.key(names))
            first = np.unique(group.index, return_index=True)[1]
            first = first[len(first) - len(group.keys) :]  # the first claim of each group, those without one left out
            counts = np.zeros((len(group.keys), width))
            member = group.index >= 0
            np.add.at(counts, (group.index[member], number[member]), 1.0)
            own = (counts + _PRIOR_CLAIMS * shares[parent[first]]) / (group.counts[:, None] + _PRIOR_CLAIMS)
            kept = (group.counts >= _LEAST_CLAIMS) if names else np.ones(len(group.keys), bool)
            if not names and not len(group.keys):  # nothing is known at all
                parts.append((np.zeros(1, np.int64), {str(i): shares[:, i] for i in range(width)}))
                continue
            parts.append((group.keys[kept], {str(i): own[kept, i] for i in range(width)}))
            place = np.where(kept, np.cumsum(kept) - 1 + len(shares), -1)
            parent = np.where(member & (place[group.index] >= 0), place[group.index], parent)
            shares = np.concatenate([shares, own[kept]])
        return Odds(question, assemble(question.ladder, parts[::-1]))

    def of(self, codes: Codes, values: Mapping[str, Floats]) -> Floats:
        """-log10 of the share of such claims that go as far; NaN where the value is unknown."""
        value = values[self.question.value]
        known = np.isfinite(value)
        if not known.any():
            return np.full(codes.rows, np.nan)
        rows, _ = self.cells.locate(codes)
        number = _capped(np.where(known, value, 0.0), self.question.most)
        shares = np.column_stack([self.cells.statistics[str(i)] for i in range(self.question.most + 1)])
        reach = np.cumsum(shares, axis=1)
        if self.question.side == "at least":
            reach = np.cumsum(shares[:, ::-1], axis=1)[:, ::-1]
        odds = -np.log10(np.clip(reach[rows, number], 1e-9, 1.0))
        return np.where(known, odds, np.nan)


def _capped(value: Floats, most: int) -> Ints:
    return np.clip(np.nan_to_num(value), 0, most).astype(np.int64)


def severity_order(features: Features, codes: Codes) -> Floats:
    """The rank of each severity value, 0 the cheapest: learned, because every source names severities its own way.

    Ranks follow the mean log amount after that of service and diagnosis is taken off.
    """
    amount = features.log_amount
    known = np.isfinite(amount)
    ranks = np.zeros(codes.sizes["severity"])
    if not known.any():
        return ranks
    group = Group.by(np.where(known, codes.key(("service", "dx")), -1))
    rest = np.where(known, amount, 0.0) - (group.sums(np.where(known, amount, 0.0)) / group.counts)[group.index]
    severity = Group.by(np.where(known, codes.columns["severity"], -1))
    ranks[severity.keys[np.argsort(severity.sums(rest) / severity.counts)]] = np.arange(len(severity.keys))
    return ranks


def values_of(features: Features, codes: Codes, order: Floats) -> dict[str, Floats]:
    """The numbers that questions are about: days of stay and rank of severity; NaN where unknown."""
    severity = codes.columns["severity"]
    return {"stay": features.stay, "severity": np.where(severity >= 0, np.append(order, 0.0)[severity], np.nan)}
