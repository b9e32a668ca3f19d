"""The gate before anything is published: every authored claim is judged, nothing is dropped silently."""

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from claims_sim.profile.document import Profile
from claims_sim.profile.drawing.wanted import NO_FILTER, ClaimFilter
from claims_sim.rules.plausibility import PLAUSIBILITY, find_implausible, level_of
from claims_sim.rules.table import (
    ADMISSION,
    IDENTITIES,
    VOCABULARY_COLUMNS,
    Rule,
    judge,
    may_be_unknown,
    may_break,
    vocabulary_rules,
)

BRIEF_COLUMNS: Final = (
    "service_type",
    "province_name",
    "facility_class",
    "facility_ownership",
    "dx_primary_code",
    "severity_group",
)


@dataclass(frozen=True, slots=True)
class Verdicts:
    """For each claim, in order, the names of the rules it breaks (none: it is accepted) and those it is warned of."""

    broken: tuple[tuple[str, ...], ...]
    warned: tuple[tuple[str, ...], ...]

    @property
    def accepted(self) -> np.ndarray:
        """Positions of the claims that pass."""
        return np.flatnonzero([not names for names in self.broken])

    @property
    def rejected(self) -> np.ndarray:
        """Positions of the claims that do not."""
        return np.flatnonzero([bool(names) for names in self.broken])

    @property
    def reasons(self) -> dict[str, int]:
        """How many claims break each rule."""
        return _counted(self.broken)

    @property
    def warnings(self) -> dict[str, int]:
        """How many of the accepted claims are warned of each rule."""
        return _counted(names for names, wrong in zip(self.warned, self.broken, strict=True) if not wrong)


def _counted(names: Iterable[tuple[str, ...]]) -> dict[str, int]:
    return dict(Counter(name for of_claim in names for name in of_claim).most_common())


def rules_of_brief() -> tuple[Rule, ...]:
    """Rules that hold a claim against its brief, in columns `brief_*` beside its own."""
    return tuple(
        Rule(f"{c}_off_brief", "vocabulary", f"{c} IS DISTINCT FROM brief_{c}", f"{c} is not what the brief asks for")
        for c in BRIEF_COLUMNS
    )


OFF_REQUEST: Final = Rule("off_request", "vocabulary", "false", "the claim is not what the request asks for")
"""Judged by the request's own filter, for which there is no SQL: here for those who list the rules."""


class Reviewer:
    """Judges flat claims: admission rules, the profile's identities and vocabularies; ours also brief and plausibility.

    Holds an in-memory DuckDB connection with the profile's vocabulary; close it, or use it as a context manager.
    """

    def __init__(self, profile: Profile) -> None:
        self._connection = duckdb.connect(config={"threads": 1})
        self._connection.execute("SET TimeZone = 'UTC'")
        vocabulary = profile.vocabulary()
        self._connection.register("vocabulary", vocabulary)
        self._known = {
            column: vocabulary["value"].filter(pc.equal(vocabulary["column_name"], column))
            for column in (*VOCABULARY_COLUMNS, "dx_secondary_codes")
        }
        self._identities = tuple(rule for rule in IDENTITIES if profile.identities.get(rule.name) == 0.0)
        self._vocabularies = vocabulary_rules("vocabulary")
        levels = {rule.name: level_of(rule, profile.plausibility) for rule in PLAUSIBILITY}
        self._only_warns = {name for name, level in levels.items() if level == "warns"}

    def __enter__(self) -> "Reviewer":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connection."""
        self._connection.close()

    def judge(
        self,
        claims: pa.Table,
        briefs: pa.Table | None = None,
        where: ClaimFilter = NO_FILTER,
        *,
        lets_implausible_pass: bool = False,
    ) -> Verdicts:
        """Judge `claims`; with `briefs` (row for row) also whether each keeps its brief, is plausible and holds `where`.

        What the source itself does often is a warning; with `lets_implausible_pass` all that is implausible is.
        """
        vocabularies = self._vocabularies if may_be_unknown(claims, self._known) else ()
        rules, judged = [*self._identities, *vocabularies], claims
        if briefs is not None:
            for column in BRIEF_COLUMNS:
                judged = judged.append_column(f"brief_{column}", briefs[column])
            rules += rules_of_brief()
        # Apart from the others: a query of subqueries and patterns is planned three times as long as both alone.
        admission = (
            judge(self._connection, claims, ADMISSION) if may_break(self._connection, claims) else [[]] * len(claims)
        )
        ours = judge(self._connection, judged, rules) if rules else [[]] * len(claims)
        broken = [(*one, *other) for one, other in zip(admission, ours, strict=True)]
        if where:
            off = ~where.holds(claims)
            broken = [(*names, OFF_REQUEST.name) if bad else names for names, bad in zip(broken, off, strict=True)]
        warned: list[tuple[str, ...]] = [()] * len(claims)
        for i, names in (find_implausible(claims) if briefs is not None else {}).items():
            warned[i] = tuple(name for name in names if lets_implausible_pass or name in self._only_warns)
            broken[i] = (*broken[i], *(name for name in names if name not in warned[i]))
        return Verdicts(tuple(broken), tuple(warned))

    def implausible(self, claims: pa.Table) -> np.ndarray:
        """Positions of the claims that are less plausible than the source's own; `claims` may lack amounts and times."""
        found = find_implausible(claims).items()
        return np.array([i for i, names in found if set(names) - self._only_warns], np.int64)

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """The in-memory connection, for turning claims into payloads."""
        return self._connection


_KEPT: Final = 2
_idle: list[tuple[str, Reviewer]] = []
_idle_guard = threading.Lock()


@contextmanager
def borrowed_reviewer(profile_hash: str, load: Callable[[], Profile]) -> Iterator[Reviewer]:
    """A reviewer of the profile with that hash, alone for the block; `load` is asked where none is at hand.

    It is kept for the next who asks: a tick reviews a batch when it is written and again before it is sent, and making a
    reviewer takes longer than a small batch's review.
    """
    with _idle_guard:
        found = next((entry for entry in _idle if entry[0] == profile_hash), None)
        if found is not None:
            _idle.remove(found)
    reviewer = Reviewer(load()) if found is None else found[1]
    try:
        yield reviewer
    except BaseException:
        reviewer.close()  # whatever state it is in
        raise
    with _idle_guard:
        _idle.append((profile_hash, reviewer))
        outdated = [_idle.pop(0)[1] for _ in range(len(_idle) - _KEPT)]
    for old in outdated:
        old.close()
