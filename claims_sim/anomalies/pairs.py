"""The kinds that show over two claims of a person. Offered while claims carry the optional keys.

Strengths were fixed before any scorer was measured on them.
"""

from typing import ClassVar, Final

import numpy as np
import pyarrow as pa

from claims_sim.anomalies.change import Task, put, texts
from claims_sim.anomalies.kind import RULE, stays
from claims_sim.anomalies.pair import Bools, Moments, Pair, drawn_for, same_again
from claims_sim.anomalies.world import Ints, World
from claims_sim.codes.hospitals import class_of
from claims_sim.generation.facilities import hospital, hospitals, owner_of
from claims_sim.profile.drawing.wanted import ClaimFilter

_LEVELS: Final = "ABCD"


class Readmission(Pair):
    """A patient admitted again without need, at a tariff of its own."""

    name = "readmission"
    description = "A patient is admitted again without need for the diagnosis of an earlier stay, at a second tariff."
    guidance = f"{RULE} 17 (repeated admission, readmission)"
    strengths = (
        "15 to 30 days after the discharge",
        "8 to 14 days after it",
        "3 to 7 days after it",
    )
    gaps: ClassVar[dict[int, tuple[int, int]]] = {1: (15, 30), 2: (8, 14), 3: (3, 7)}

    def originals(self, world: World, strength: int) -> ClaimFilter | None:  # noqa: ARG002
        """Stays."""
        return stays(world)

    def content(self, claims: pa.Table, partners: pa.Table, task: Task) -> pa.Table:
        """Another stay of the same case at the same hospital."""
        return drawn_for(claims, partners, task)


class Fragmentation(Pair):
    """One episode of care billed as two claims."""

    name = "fragmentation"
    description = "One stay is billed as two: a second claim goes on where the first one ends."
    guidance = f"{RULE} 5 (services unbundling or fragmentation)"
    strengths = (
        "the second claim begins one or two days after the first one's end",
        "on the day of its end",
        "on the day of its end, with the content and amounts of the first one again",
    )
    gaps: ClassVar[dict[int, tuple[int, int]]] = {1: (1, 2), 2: (0, 0), 3: (0, 0)}

    def originals(self, world: World, strength: int) -> ClaimFilter | None:  # noqa: ARG002
        """Stays of at least two days, of which there is something to split."""
        return stays(world, (2, np.inf))

    def content(self, claims: pa.Table, partners: pa.Table, task: Task) -> pa.Table:
        """The same case at the same hospital; the blatant form copies the record."""
        return same_again(claims, partners) if task.strength == 3 else drawn_for(claims, partners, task)


class RepeatBilling(Pair):
    """The same service of the same patient billed again."""

    name = "repeat_billing"
    description = "A visit is billed again for the same patient within three days."
    guidance = f"{RULE} 7 (repeat billing)"
    strengths = (
        "another visit for the same diagnosis 2 or 3 days later",
        "the same services at the same amount 1 to 3 days later",
        "the same services at the same amount on the same day",
    )
    gaps: ClassVar[dict[int, tuple[int, int]]] = {1: (2, 3), 2: (1, 3), 3: (0, 0)}
    is_given = False

    def originals(self, world: World, strength: int) -> ClaimFilter | None:  # noqa: ARG002
        """Visits."""
        return None if world.outpatient is None else ClaimFilter(service_type=(world.outpatient,))

    def content(self, claims: pa.Table, partners: pa.Table, task: Task) -> pa.Table:
        """The same record; the subtle form is a visit drawn for the same case."""
        return drawn_for(claims, partners, task) if task.strength == 1 else same_again(claims, partners)


class OverlappingStays(Pair):
    """One patient in two hospitals at once: one of the stays never was."""

    name = "overlapping_stays"
    description = "A stay is billed for a patient who lies in another hospital at that time."
    guidance = f"{RULE} 3 (false claims, phantom billing)"
    strengths = (
        "from the day before the other stay ends, in the same province",
        "from 2 or 3 days before it ends, in the same province",
        "from 4 days or more before it ends, in another province",
    )
    gaps: ClassVar[dict[int, tuple[int, int]]] = {1: (1, 1), 2: (2, 3), 3: (4, 30)}
    is_given = False
    _LEAST: Final = {1: 2, 2: 4, 3: 6}  # days of the original

    def needs(self, world: World, strength: int) -> ClaimFilter | None:  # noqa: ARG002
        """Stays."""
        return stays(world, (1, np.inf))

    def originals(self, world: World, strength: int) -> ClaimFilter | None:
        """Stays that are long enough."""
        return stays(world, (self._LEAST[strength], np.inf))

    def content(self, claims: pa.Table, partners: pa.Table, task: Task) -> pa.Table:  # noqa: ARG002
        """The claim's own."""
        return claims

    def days_between(self, original: Moments, claim: Moments) -> Ints:
        """Days that are left of the original."""
        return original.discharge_day - claim.admit_day

    def first_days(self, original: Moments, days: Ints) -> Ints:
        """So many days before the original's end, and after its first day."""
        return np.asarray(np.maximum(original.discharge_day - days, original.admit_day + 1), np.int64)

    def allows(self, pool: Moments, claim: Moments, strength: int, *, is_past: bool) -> Bools:
        """In the same province, or in another one; in another hospital always."""
        near = pool.province == claim.province[0]
        there = (near if strength < 3 else ~near) & (pool.facility != claim.facility[0])
        return np.asarray(super().allows(pool, claim, strength, is_past=is_past) & there)

    def holds(self, after: pa.Table, partners: pa.Table, strength: int) -> Bools:
        """Begun while the other one lasts, elsewhere."""
        one, other = Moments.of(after), Moments.of(partners)
        inside = (one.admit > other.admit) & (one.admit < other.discharge) & (one.facility != other.facility)
        return np.asarray(super().holds(after, partners, strength) & inside)


class SelfReferral(Pair):
    """A patient sent on to another hospital of the same owner without need."""

    name = "self_referral"
    description = "A patient is sent on without need to another hospital of the same owner, for the same diagnosis."
    guidance = f"{RULE} 6 (self-referral)"
    strengths = (
        "to one of a higher class, 8 to 14 days later",
        "to one of the same class, 2 to 7 days later",
        "to one of the same or a lower class, at most a day later",
    )
    gaps: ClassVar[dict[int, tuple[int, int]]] = {1: (8, 14), 2: (2, 7), 3: (0, 1)}

    def originals(self, world: World, strength: int) -> ClaimFilter | None:  # noqa: ARG002
        """Visits, where hospitals have owners and classes."""
        if world.outpatient is None or not world.classes:
            return None
        return ClaimFilter(service_type=(world.outpatient,))

    def content(self, claims: pa.Table, partners: pa.Table, task: Task) -> pa.Table:
        """A visit for the same case there."""
        there, classes = texts(partners, "facility_id"), texts(partners, "facility_class")
        province, owner = texts(partners, "province_name"), texts(partners, "facility_ownership")
        chances = task.chances("sister")
        for i in range(len(partners)):
            options = _sisters(task.world, task.strength, (province[i], classes[i], owner[i]), there[i])
            if options:
                classes[i], there[i] = options[int(chances[i] * len(options))]
        return drawn_for(claims, put(partners, facility_class=classes.tolist(), facility_id=there.tolist()), task)

    def holds(self, after: pa.Table, partners: pa.Table, strength: int) -> Bools:
        """At another hospital of the owner."""
        here, there = texts(after, "facility_id"), texts(partners, "facility_id")
        sent = [one != other and owner_of(one) == owner_of(other) != "" for one, other in zip(here, there, strict=True)]
        return np.asarray(super().holds(after, partners, strength) & np.array(sent, bool))


def _sisters(world: World, strength: int, place: tuple[str, str, str], own: str) -> list[tuple[str, str]]:
    """Class and name of the owner's other hospitals that a patient of this strength is sent to."""
    province, level, owner = place
    at = _level(level)
    found = []
    for other in world.classes.get((province, owner), ()):
        to = _level(other)
        if min(at, to) >= 0 and {1: to < at, 2: to == at, 3: to >= at}[strength]:
            names = [hospital((province, other, owner), n) for n in range(hospitals((province, other, owner)))]
            found += [(other, name) for name in names if name != own and owner_of(name) == owner_of(own)]
    return found


def _level(name: str | None) -> int:
    return _LEVELS.find((class_of(name or "") or "?")[0])


PAIRS: Final[tuple[Pair, ...]] = (
    Readmission(),
    Fragmentation(),
    RepeatBilling(),
    OverlappingStays(),
    SelfReferral(),
)
