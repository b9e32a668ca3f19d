"""What an author is, and the statistical one. An author fills the open fields of briefs; it decides nothing else.

Briefs are drawn before (planner), amounts and times after (finishing), and every claim is reviewed whoever wrote it.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pyarrow as pa

from claims_sim.profile.sampler import Sampler
from claims_sim.randomness import stream_key


@dataclass(frozen=True, slots=True)
class Assignment:
    """Briefs to be written: `rows` are their numbers in the batch, `errors` what was wrong with the last attempt."""

    briefs: pa.Table
    rows: np.ndarray
    key: int
    attempt: int = 0
    errors: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Draft:
    """What an author delivered: `claims` holds the brief's columns and the open ones (and amounts, where it wrote them).

    `positions` are indexes into the assignment: an author that was late or failed delivers fewer.
    """

    claims: pa.Table
    positions: np.ndarray
    tokens_in: int = 0
    tokens_out: int = 0
    seconds: float = 0.0
    problems: tuple[str, ...] = ()


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
        opened = self.sampler.draw_open(key, assignment.rows, assignment.briefs)
        return Draft(joined(assignment.briefs, opened), np.arange(len(assignment.briefs)))


def joined(left: pa.Table, right: pa.Table) -> pa.Table:
    """Columns of both tables side by side; `right` wins where both have one."""
    columns = {name: left[name] for name in left.column_names} | {name: right[name] for name in right.column_names}
    return pa.table(columns)
