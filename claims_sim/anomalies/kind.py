"""What a kind of anomaly is. Which ones there are is in `kinds.py` and `pairs.py`."""

from abc import ABC, abstractmethod
from typing import ClassVar, Final

import numpy as np
import pyarrow as pa

from claims_sim.anomalies.change import Task, numbers
from claims_sim.anomalies.world import Floats, World
from claims_sim.profile.drawing.wanted import ClaimFilter

RULE: Final = "Permenkes 16/2019, annex, acts of hospitals, no."
AMOUNTS: Final = frozenset({"amount_claimed", "amount_paid", "amount_gap"})
STAY: Final = frozenset({"los", "admit_dt", "discharge_dt"})
CONTENT: Final = (
    "dx_primary_code", "dx_primary_label", "dx_secondary_codes", "comorbidity_count", "procedure_code",
    "procedure_label", "severity_group", "amount_claimed", "amount_paid", "amount_gap",
)  # fmt: skip
PLACE: Final = (
    "province_name", "facility_class", "facility_ownership", "facility_type", "facility_id", "district_name",
    "service_type", "claim_weight",
)  # fmt: skip
"""What else a copy of a claim shares with it."""


class Kind(ABC):
    """One kind of anomaly. `touches` are the flat columns that it may change, `changes` those that it must.

    `strengths` says what subtle, plain and blatant mean; `share` is its part of the default mix. Where `is_given` is
    False the care was never given: nothing of the claim is right, and all that was paid is lost.
    """

    name: ClassVar[str]
    description: ClassVar[str]
    guidance: ClassVar[str]
    touches: ClassVar[frozenset[str]]
    changes: ClassVar[frozenset[str]]
    strengths: ClassVar[tuple[str, str, str]]
    share: ClassVar[float]
    is_given: ClassVar[bool] = True
    copies: ClassVar[bool] = False
    """Whether it is a copy of another claim, its original, which then stands in `partners`."""
    is_pair: ClassVar[bool] = False
    """Whether it shows only beside another claim of the same person (`pair.py`): the claims then need the optional keys."""

    @abstractmethod
    def needs(self, world: World, strength: int) -> ClaimFilter | None:
        """Which claims it can be done to; None: none of this source."""

    @abstractmethod
    def apply(self, claims: pa.Table, task: Task, partners: pa.Table | None = None) -> pa.Table:
        """The claims (which hold `needs`) as they are billed instead."""

    def right_amounts(self, before: pa.Table, after: pa.Table, task: Task) -> Floats:  # noqa: ARG002
        """What ought to have been paid, rupiah."""
        return numbers(before, "amount_paid") if self.is_given else np.zeros(len(before))


def stays(
    world: World,
    los: tuple[float, float] | None = None,
    severity: tuple[str, ...] = (),
    amount: tuple[float, float] | None = None,
) -> ClaimFilter | None:
    """Inpatients, and what else is asked of them; None where the source has no inpatients."""
    if world.inpatient is None:
        return None
    return ClaimFilter(service_type=(world.inpatient,), los=los, severity_group=severity, amount_claimed=amount)
