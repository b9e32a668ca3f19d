"""What an author is, and the statistical one. An author fills the open fields of briefs; it decides nothing else.

Briefs are drawn before (planner), amounts and times after (finishing), and every claim is reviewed whoever wrote it.
"""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from claims_sim.profile.drawing.conditional import Conditions
from claims_sim.profile.sampler import Sampler
from claims_sim.randomness import stream_key


@dataclass(frozen=True, slots=True)
class Assignment:
    """Briefs to be written: `rows` are their numbers in the batch, `errors` what was wrong with the last attempt.

    `wanted` is what the batch was asked for; the briefs hold it already.
    """

    briefs: pa.Table
    rows: np.ndarray
    key: int
    attempt: int = 0
    wanted: Conditions | None = None
    errors: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Draft:
    """What an author delivered: `claims` holds the brief's columns and the open ones (and amounts, where it wrote them).

    `positions` are indexes into the assignment: an author that was late or failed delivers fewer. `answers` are what it
    decided at each, JSON-ready: with them alone the claims can be written again. `cost` is money, by the price table.
    """

    claims: pa.Table
    positions: np.ndarray
    tokens_in: int = 0
    tokens_out: int = 0
    seconds: float = 0.0
    problems: tuple[str, ...] = ()
    answers: tuple[Any, ...] = ()
    cost: float = 0.0


class Author(Protocol):
    """Writes claims inside their briefs."""

    @property
    def name(self) -> str:
        """`statistical` or `llm`."""

    @property
    def model(self) -> str:
        """Which model, for provenance."""

    @property
    def prompt_version(self) -> str:
        """Which prompt, for provenance; empty where there is none."""

    def write(self, assignment: Assignment) -> Draft:
        """Fill the open fields of the briefs."""


@dataclass(frozen=True, slots=True)
class StatisticalAuthor:
    """Draws the open fields from the profile given the brief, a whole batch at a time."""

    sampler: Sampler
    name: str = "statistical"
    model: str = "profile-chain"
    prompt_version: str = ""

    def write(self, assignment: Assignment) -> Draft:
        """Every brief, always; another attempt draws anew."""
        key = stream_key(assignment.key, "open", assignment.attempt)
        opened = draw_open(self.sampler, key, assignment.rows, assignment.briefs, assignment.wanted)
        return Draft(joined(assignment.briefs, opened), np.arange(len(assignment.briefs)))


def draw_open(
    sampler: Sampler, key: int, rows: np.ndarray, briefs: pa.Table, wanted: Conditions | None = None
) -> pa.Table:
    """The open columns of briefs, row for row, such that `wanted` holds."""
    counters = sampler.find_open(key, rows, briefs, wanted) if wanted is not None and wanted.asks_open else rows
    return sampler.draw_open(key, counters, briefs)


def draw_money(
    sampler: Sampler, key: int, rows: np.ndarray, claims: pa.Table, wanted: Conditions | None = None
) -> pa.Table:
    """The amounts of claims, row for row, such that `wanted` holds."""
    is_asked = wanted is not None and wanted.where.amount_claimed is not None
    counters = sampler.find_money(key, rows, claims, wanted) if wanted is not None and is_asked else rows
    return sampler.draw_money(key, counters, claims)


def joined(left: pa.Table, right: pa.Table) -> pa.Table:
    """Columns of both tables side by side; `right` wins where both have one."""
    columns = {name: left[name] for name in left.column_names} | {name: right[name] for name in right.column_names}
    return pa.table(columns)
