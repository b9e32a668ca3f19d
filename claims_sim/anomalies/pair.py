"""Kinds that show only over two claims of one person: an original that is right, and the anomaly that follows it.

The original is drawn like any other claim. The anomaly takes its person; in past claims it is put so many days after it,
claims of now keep their time, and an original is looked for that lies so many days back.
"""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from claims_sim.anomalies.change import Task, copy_from, numbers, put, texts
from claims_sim.anomalies.kind import AMOUNTS, CONTENT, PLACE, STAY, Kind
from claims_sim.anomalies.world import Floats, Ints, World
from claims_sim.claim import FLAT_SCHEMA
from claims_sim.generation.author import joined
from claims_sim.profile.drawing.wanted import ClaimFilter
from claims_sim.profile.sampler import BRIEF_COLUMNS
from claims_sim.randomness import stream_key

Bools = npt.NDArray[np.bool_]
_DAY: Final = 86_400
_LEAST_BETWEEN: Final = 900  # seconds from a discharge to an admission on the same day


@dataclass(frozen=True, slots=True)
class Moments:
    """When and where claims took place: seconds since 1970, days since then, and places as texts."""

    admit: Ints
    discharge: Ints
    province: npt.NDArray[Any]
    facility: npt.NDArray[Any]

    @staticmethod
    def of(claims: pa.Table) -> "Moments":
        """Of flat claims."""
        admit, discharge = (
            claims[name].to_numpy().astype("datetime64[s]").astype(np.int64) for name in ("admit_dt", "discharge_dt")
        )
        return Moments(admit, discharge, texts(claims, "province_name"), texts(claims, "facility_id"))

    @property
    def admit_day(self) -> Ints:
        """Days since 1970."""
        return self.admit // _DAY

    @property
    def discharge_day(self) -> Ints:
        """Days since 1970."""
        return self.discharge // _DAY


class Pair(Kind):
    """A kind with an original. `gaps` are, by strength, the fewest and most days from the original to the anomaly."""

    is_pair = True
    touches = frozenset((*CONTENT, *PLACE, "patient_id_hash", "episode_ref")) | STAY | AMOUNTS
    changes = frozenset({"patient_id_hash"})
    share = 0.1
    gaps: ClassVar[dict[int, tuple[int, int]]]

    @abstractmethod
    def originals(self, world: World, strength: int) -> ClaimFilter | None:
        """Which claims can be the original; None: none of this source."""

    @abstractmethod
    def content(self, claims: pa.Table, partners: pa.Table, task: Task) -> pa.Table:
        """The claims with what they bill, at the hospital that bills it; times follow."""

    def needs(self, world: World, strength: int) -> ClaimFilter | None:
        """Any claim: what it bills is replaced."""
        return None if self.originals(world, strength) is None else ClaimFilter()

    def days_between(self, original: Moments, claim: Moments) -> Ints:
        """Days from the original's discharge to the admission."""
        return claim.admit_day - original.discharge_day

    def first_days(self, original: Moments, days: Ints) -> Ints:
        """The day of admission that is so many days away."""
        return original.discharge_day + days

    def allows(self, pool: Moments, claim: Moments, strength: int, *, is_past: bool) -> Bools:
        """Which of the pool may be the original of one claim (`claim` holds one); past claims are moved to fit."""
        if is_past:
            return np.ones(len(pool.admit), bool)
        low, high = self.gaps[strength]
        days = self.days_between(pool, claim)
        return np.asarray((days >= low) & (days <= high) & (pool.admit < claim.admit))

    def holds(self, after: pa.Table, partners: pa.Table, strength: int) -> Bools:
        """Whether each claim stands to its original as the kind and strength say: read off the claims."""
        low, high = self.gaps[strength]
        days = self.days_between(Moments.of(partners), Moments.of(after))
        same = texts(after, "patient_id_hash") == texts(partners, "patient_id_hash")
        return np.asarray(same & (days >= low) & (days <= high))

    def apply(self, claims: pa.Table, task: Task, partners: pa.Table | None = None) -> pa.Table:
        """What is billed, as the original's person."""
        assert partners is not None  # noqa: S101 - the caller gives originals to pairs
        after = copy_from(self.content(claims, partners, task), partners, ("patient_id_hash",))
        original = Moments.of(partners)
        if task.clock != "history":
            return _now(after, claims, task)
        first = self.first_days(original, task.days("days between", *self.gaps[task.strength]))
        return _in_the_past(after, claims, first, original, task)

    def right_amounts(self, before: pa.Table, after: pa.Table, task: Task) -> Floats:  # noqa: ARG002
        """Nothing: what is owed was paid with the original."""
        return np.zeros(len(before))


def same_again(claims: pa.Table, partners: pa.Table) -> pa.Table:
    """The original's record once more."""
    return copy_from(claims, partners, (*CONTENT, *PLACE, "los"))


def drawn_for(claims: pa.Table, briefs: pa.Table, task: Task) -> pa.Table:
    """`claims` with the place, diagnosis and severity of `briefs`, and all else drawn for these from the profile."""
    sampler = task.world.sampler
    brief = copy_from(claims, briefs, (*BRIEF_COLUMNS, "facility_id"))
    content = joined(brief, sampler.draw_open(stream_key(task.key, "open"), task.rows, brief))
    # Its dates are given to it later: they will be as far apart as it stays.
    admit, stay = content["admit_dt"].to_numpy(), numbers(content, "los").astype("timedelta64[D]")
    dated = put(content, discharge_dt=(admit + stay).astype("datetime64[us]"))
    content = joined(content, sampler.draw_money(stream_key(task.key, "money"), task.rows, dated))
    extra = sampler.draw_extra(stream_key(task.key, "extra"), task.rows, content)
    content = joined(content, extra)
    return pa.table({field.name: content[field.name].cast(field.type) for field in FLAT_SCHEMA})


def _in_the_past(after: pa.Table, claims: pa.Table, first: Ints, original: Moments, task: Task) -> pa.Table:
    """Admitted on the day `first`, at the claim's own time of day but never before an original that ended that day."""
    own = Moments.of(claims)
    stay = numbers(after, "los").astype(np.int64)
    has_times = task.world.sampler.profile.date_granularity == "time"
    end_of_day = (first + 1) * _DAY - 1
    admit = first * _DAY + (own.admit % _DAY if has_times else 0)
    if has_times:
        ended_today = (original.discharge_day == first) & (admit < original.discharge + _LEAST_BETWEEN)
        admit = np.where(ended_today, np.minimum(original.discharge + _LEAST_BETWEEN, end_of_day), admit)
    hours = (1 + 2 * task.chances("hours")) * 3600 if has_times else np.zeros(len(first))
    same_day = np.minimum(admit + hours.astype(np.int64), end_of_day if has_times else admit)
    discharge = np.where(stay == 0, same_day, (first + stay) * _DAY + (own.discharge % _DAY if has_times else 0))
    return _timed(after, admit, discharge)


def _now(after: pa.Table, claims: pa.Table, task: Task) -> pa.Table:
    """At the claim's own time, with the new stay: its end moves, or its beginning where claims are seen at discharge."""
    own = Moments.of(claims)
    stay, hours = numbers(after, "los").astype(np.int64), ((1 + 2 * task.chances("hours")) * 3600).astype(np.int64)
    if task.clock == "intake":
        begin = (own.discharge_day - stay) * _DAY
        admit = np.where(stay == 0, np.maximum(own.discharge - hours, begin), begin + own.admit % _DAY)
        return _timed(after, admit, own.discharge)
    end = (own.admit_day + stay) * _DAY
    discharge = np.where(stay == 0, np.minimum(own.admit + hours, end + _DAY - 1), end + own.discharge % _DAY)
    return _timed(after, own.admit, discharge)


def _timed(claims: pa.Table, admit: Ints, discharge: Ints) -> pa.Table:
    moments = {"admit_dt": admit, "discharge_dt": discharge}
    return put(
        claims, **{name: values.astype("datetime64[s]").astype("datetime64[us]") for name, values in moments.items()}
    )
