"""The kinds of anomalies: what each is, where it is described, which fields it touches, and how strong it may be.

The list follows the acts of hospitals in the annex of Permenkes 16/2019 (numbers as there). Strengths were fixed
before any scorer was measured on them.
"""

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from claims_sim.anomalies.change import (
    Task,
    copy_from,
    numbers,
    put,
    texts,
    with_amount,
    with_companions,
    with_stay,
)
from claims_sim.anomalies.kind import AMOUNTS, CONTENT, PLACE, RULE, STAY, Kind, stays
from claims_sim.anomalies.pairs import PAIRS
from claims_sim.anomalies.world import Floats, World
from claims_sim.profile.drawing.wanted import ClaimFilter
from claims_sim.randomness import stream_key

_COMPANIONS: Final = frozenset({"dx_secondary_codes", "comorbidity_count"})


class Upcoding(Kind):
    """A complication that was not there, a higher severity, and so the next step of the tariff."""

    name = "upcoding"
    description = "A complication is added and the severity raised, and the claim is billed at the dearer tariff."
    guidance = f"{RULE} 1 (manipulated diagnosis, upcoding)"
    touches = AMOUNTS | _COMPANIONS | {"severity_group"}
    changes = frozenset({"severity_group", "dx_secondary_codes", "amount_claimed"})
    strengths = (
        "one severity up, one complication added",
        "to the highest severity, one complication added",
        "from the lowest to the highest severity after a stay of at most 2 days, two complications added",
    )
    share = 0.2

    def needs(self, world: World, strength: int) -> ClaimFilter | None:
        """Inpatients below the highest severity."""
        order = world.severities
        if len(order) < 2:
            return None
        return stays(world, (0, 2) if strength == 3 else None, order[:1] if strength == 3 else order[:-1])

    def apply(self, claims: pa.Table, task: Task, partners: pa.Table | None = None) -> pa.Table:  # noqa: ARG002
        """Raise, add, and price anew."""
        order = task.world.severities
        place = {value: i for i, value in enumerate(order)}
        raised = [order[min(place.get(s, 0) + 1, len(order) - 1)] if task.strength == 1 else order[-1]
                  for s in texts(claims, "severity_group")]  # fmt: skip
        after = put(claims, severity_group=raised)
        # Complications are those that the source shows beside such a diagnosis at that severity.
        key = stream_key(task.key, "complications")
        wanted = 2 if task.strength == 3 else 1
        lists = [list(codes or ()) for codes in claims["dx_secondary_codes"].to_pylist()]
        goal = [len(codes) + wanted for codes in lists]
        primary = texts(claims, "dx_primary_code")
        for attempt in range(12):
            drawn = task.world.sampler.draw_open(stream_key(key, attempt), task.rows, after)["dx_secondary_codes"]
            for i, codes in enumerate(drawn.to_pylist()):
                fresh = [code for code in codes or () if code not in lists[i] and code != primary[i]]
                lists[i] += fresh[: goal[i] - len(lists[i])]
        after = with_companions(after, lists, is_sorted=task.world.sampler.profile.secondary_sorted)
        price = task.world.price(stream_key(task.key, "price"), task.rows, claims, after, must_rise=True)
        return with_amount(after, price, task.world)


class PhantomBilling(Kind):
    """A stay that never was, written up from the records of another place."""

    name = "phantom_billing"
    description = "A stay that never was: its content is that of claims of another place."
    guidance = f"{RULE} 3 (false claims, phantom billing)"
    touches = frozenset(CONTENT) | STAY
    changes = frozenset({"dx_primary_code"})
    strengths = (
        "content of another province, same class of hospital",
        "content of another class of hospital",
        "content of another class of hospital, highest severity",
    )
    share = 0.1
    is_given = False

    def needs(self, world: World, strength: int) -> ClaimFilter | None:
        """Inpatients, where there are several places and severities to take content from."""
        other = "province_name" if strength == 1 else "facility_class"
        several = len(pc.unique(world.drawn[other])) > 1 and len(world.severities) > 1
        return stays(world) if several else None

    def apply(self, claims: pa.Table, task: Task, partners: pa.Table | None = None) -> pa.Table:  # noqa: ARG002
        """Take the content of a claim drawn for another place."""
        world, key = task.world, stream_key(task.key, "content")
        severity = world.severities[-1:] if task.strength == 3 else ()
        wanted = world.sampler.conditions(stays(world, (1, 60), severity) or ClaimFilter())
        own, attempts = "province_name" if task.strength == 1 else "facility_class", 24
        counters = np.repeat(task.rows * attempts, attempts) + np.tile(np.arange(attempts), len(task.rows))
        pool = world.sampler.draw_claims(key, counters, wanted)
        differs = np.asarray(pc.not_equal(pool[own], claims[own].take(np.repeat(np.arange(len(claims)), attempts))))
        if task.strength == 1:
            same = claims["facility_class"].take(np.repeat(np.arange(len(claims)), attempts))
            differs &= np.asarray(pc.equal(pool["facility_class"], same))
        first = differs.reshape(-1, attempts).argmax(axis=1) + np.arange(len(claims)) * attempts
        content = pool.take(first)
        return with_stay(copy_from(claims, content, CONTENT), numbers(content, "los").astype(np.int64), task.clock)


class PhantomProcedure(Kind):
    """A procedure that makes a stay dear and was not done."""

    name = "phantom_procedure"
    description = "A procedure that was not done is billed."
    guidance = f"{RULE} 16 (phantom procedures)"
    touches = AMOUNTS | {"procedure_code", "procedure_label"}
    changes = frozenset({"procedure_code", "amount_claimed"})
    strengths = (
        "a procedure that the diagnosis often has",
        "a procedure of other diagnoses of its chapter",
        "a procedure of another chapter of diagnoses",
    )
    share = 0.1

    def needs(self, world: World, strength: int) -> ClaimFilter | None:
        """Inpatients without a procedure; for the subtle form of diagnoses that sometimes have one."""
        known = world.procedures
        if world.inpatient is None or not len(known.procedure):
            return None
        having = tuple(known.diagnoses.take(pa.array(np.unique(known.dx))).to_pylist()) if strength == 1 else ()
        return ClaimFilter(service_type=(world.inpatient,), procedure_code=("none",), dx_primary_code=having)

    def apply(self, claims: pa.Table, task: Task, partners: pa.Table | None = None) -> pa.Table:  # noqa: ARG002
        """Add a procedure of the wanted distance that costs more, and price anew."""
        world = task.world
        procedure, dx = world.procedures.procedure, world.procedures.dx
        diagnoses = world.procedures.diagnoses
        chapters = np.array([(code or "")[:1] for code in diagnoses.to_pylist()])
        chances = task.chances("procedure")
        chosen = []
        for i, code in enumerate(texts(claims, "dx_primary_code")):
            same = np.asarray(pc.equal(diagnoses, code))[dx]
            near = chapters[dx] == (code or "")[:1]
            usual = np.unique(procedure[same])
            fitting = {1: same, 2: near & ~np.isin(procedure, usual), 3: ~near & ~np.isin(procedure, usual)}
            options = procedure[fitting[task.strength]]
            options = options if len(options) else procedure[~near]
            chosen.append(int(options[int(chances[i] * len(options))]) if len(options) else int(procedure[0]))
        values = world.procedures.codes.take(pa.array(chosen))
        after = put(claims, procedure_code=values)
        labels = world.sampler.draw_procedure_labels(stream_key(task.key, "label"), task.rows, after)
        after = put(after, procedure_label=labels)
        price = world.price(stream_key(task.key, "price"), task.rows, claims, after, must_rise=True)
        return with_amount(after, price, world)


class ClonedClaim(Kind):
    """The claim of one patient billed again for another."""

    name = "cloned_claim"
    description = "The record of one stay is copied and billed as another patient's."
    guidance = f"{RULE} 2 (cloning)"
    touches = frozenset((*CONTENT, *PLACE)) | STAY
    changes = frozenset()
    strengths = ("8 to 14 days after its original", "2 or 3 days after it", "on the day after it")
    share = 0.1
    is_given = False
    copies = True
    _DAYS: Final = {1: (8, 14), 2: (2, 3), 3: (1, 1)}

    def needs(self, world: World, strength: int) -> ClaimFilter | None:  # noqa: ARG002
        """Stays, of which a record is worth copying."""
        return stays(world)

    def apply(self, claims: pa.Table, task: Task, partners: pa.Table | None = None) -> pa.Table:
        """The original's content; past claims follow it by some days, claims of now keep their own time."""
        assert partners is not None  # noqa: S101 - the caller gives originals to kinds that copy
        after = copy_from(claims, partners, (*CONTENT, *PLACE))
        if task.clock != "history":
            return with_stay(after, numbers(partners, "los").astype(np.int64), task.clock)
        later = (task.days("later", *self._DAYS[task.strength]) * 86_400_000_000).astype("timedelta64[us]")
        moved = {name: partners[name].to_numpy() + later for name in ("admit_dt", "discharge_dt")}
        return put(after, los=partners["los"], **moved)


class InflatedTopUp(Kind):
    """Drugs or devices billed beside the tariff that were not given, or at too high a price."""

    name = "inflated_top_up"
    description = (
        "Drugs or devices beside the tariff are billed that were not given; the tariff itself is the grouper's."
    )
    guidance = f"{RULE} 4 (inflated bills of drugs and devices)"
    touches = AMOUNTS
    changes = frozenset({"amount_claimed", "amount_paid"})
    strengths = ("30 to 60 % of the claim on top", "60 to 120 % on top", "120 to 300 % on top")
    share = 0.2
    _FACTORS: Final = {1: (0.3, 0.6), 2: (0.6, 1.2), 3: (1.2, 3.0)}
    _STEPS: Final = 100  # of the least that a stay costs; bills of drugs are seldom finer

    def needs(self, world: World, strength: int) -> ClaimFilter | None:  # noqa: ARG002
        """Stays that cost something."""
        return stays(world, amount=(world.least_cost, np.inf))

    def apply(self, claims: pa.Table, task: Task, partners: pa.Table | None = None) -> pa.Table:  # noqa: ARG002
        """Add to the amount; what is added is paid."""
        claimed, paid = numbers(claims, "amount_claimed"), numbers(claims, "amount_paid")
        extra = claimed * task.between("factor", *self._FACTORS[task.strength])
        step = task.world.least_cost / self._STEPS
        extra = np.maximum(np.rint(extra / step) * step, step)
        extra = np.maximum(task.world.on_grid(extra), task.world.grid)
        return put(claims, amount_claimed=claimed + extra, amount_paid=paid + extra)


class StayPadding(Kind):
    """A patient kept, or said to be kept, longer than needed."""

    name = "stay_padding"
    description = "The stay is drawn out beyond need. Under a tariff by case it may cost the insurer nothing by itself."
    guidance = f"{RULE} 8 (prolonged length of stay)"
    touches = AMOUNTS | STAY
    changes = frozenset({"los"})
    strengths = ("3 or 4 days more", "5 to 8 days more", "9 to 15 days more")
    share = 0.1
    _DAYS: Final = {1: (3, 4), 2: (5, 8), 3: (9, 15)}

    def needs(self, world: World, strength: int) -> ClaimFilter | None:  # noqa: ARG002
        """Stays of at least two days."""
        return stays(world, (2, np.inf))

    def apply(self, claims: pa.Table, task: Task, partners: pa.Table | None = None) -> pa.Table:  # noqa: ARG002
        """Lengthen; where the source pays by the day, the amount follows."""
        days = numbers(claims, "los").astype(np.int64) + task.days("more", *self._DAYS[task.strength])
        after = with_stay(claims, days, task.clock)
        price = task.world.price(stream_key(task.key, "price"), task.rows, claims, after, must_rise=False)
        return with_amount(after, np.maximum(price, numbers(claims, "amount_claimed")), task.world)


class ShortStayHighCost(Kind):
    """A patient sent home early, billed as if the whole care had been given."""

    name = "short_stay_high_cost"
    description = "The patient leaves after at most a day, but the whole stay is billed."
    guidance = f"{RULE} 12 (departure from the standard of care: early discharge at the full tariff)"
    touches = STAY
    changes = frozenset({"los"})
    strengths = ("of a stay of 3 or 4 days", "of 5 or 6 days", "of 7 days or more")
    share = 0.1
    _STAYS: Final = {1: (3, 4), 2: (5, 6), 3: (7, np.inf)}

    def needs(self, world: World, strength: int) -> ClaimFilter | None:
        """Stays of some days, where stays cost anything."""
        return stays(world, self._STAYS[strength]) if world.has_amounts else None

    def apply(self, claims: pa.Table, task: Task, partners: pa.Table | None = None) -> pa.Table:  # noqa: ARG002
        """One day is left of the stay."""
        return with_stay(claims, np.ones(len(claims), np.int64), task.clock)

    def right_amounts(self, before: pa.Table, after: pa.Table, task: Task) -> Floats:
        """The price of so short a stay at the lowest severity."""
        order = task.world.severities
        paid = numbers(after, "amount_paid")
        if not order:
            return paid
        lowest = put(after, severity_group=[order[0]] * len(after))
        price = task.world.price(stream_key(task.key, "right"), task.rows, before, lowest, must_rise=False)
        return np.minimum(price, paid)


class NoMedicalValue(Kind):
    """An outpatient who was admitted without need."""

    name = "no_medical_value"
    description = "A patient whom a visit would have served is admitted for a day or two."
    guidance = f"{RULE} 11 (no medical value)"
    touches = AMOUNTS | STAY | {"service_type", "severity_group"}
    changes = frozenset({"service_type", "los", "amount_claimed"})
    strengths = (
        "a diagnosis that is admitted less often than most",
        "one that is seldom admitted",
        "one that is hardly ever admitted",
    )
    share = 0.1
    _BELOW: Final = {1: 1.0, 2: 0.5, 3: 0.2}  # of the share of all claims that are inpatient

    def needs(self, world: World, strength: int) -> ClaimFilter | None:
        """Outpatients with a diagnosis that is seldom admitted."""
        if world.inpatient is None or world.outpatient is None or not world.severities:
            return None
        admitted = np.asarray(pc.equal(world.drawn["service_type"], world.inpatient).fill_null(False)).mean()
        seldom = world.diagnoses.inpatient_shares <= admitted * self._BELOW[strength]
        codes = tuple(np.array(world.diagnoses.codes, object)[seldom])
        return ClaimFilter(service_type=(world.outpatient,), dx_primary_code=codes) if codes else None

    def apply(self, claims: pa.Table, task: Task, partners: pa.Table | None = None) -> pa.Table:  # noqa: ARG002
        """Admit for a day or two at the lowest severity, at the price of such a stay."""
        world, count = task.world, len(claims)
        after = put(claims, service_type=[world.inpatient] * count, severity_group=[world.severities[0]] * count)
        after = with_stay(after, task.days("days", 1, 2), task.clock)
        money = world.sampler.draw_money(stream_key(task.key, "price"), task.rows, after)
        return copy_from(after, money, ("amount_claimed", "amount_paid", "amount_gap"))


KINDS: Final[dict[str, Kind]] = {
    kind.name: kind
    for kind in (
        Upcoding(),
        PhantomBilling(),
        PhantomProcedure(),
        ClonedClaim(),
        InflatedTopUp(),
        StayPadding(),
        ShortStayHighCost(),
        NoMedicalValue(),
        *PAIRS,
    )
}

OUT_OF_SCOPE: Final = {
    f"{RULE} 9 (manipulated ward class)": "the payload names no ward class",
    f"{RULE} 10 (cancelled services)": "a service that was not given leaves no trace in the payload",
    f"{RULE} 13 (unnecessary treatment)": "single treatments are not in the payload",
    f"{RULE} 14 (longer use of ventilators)": "hours of ventilation are not in the payload",
    f"{RULE} 15 (phantom visits)": "visits of doctors are not in the payload",
    f"{RULE} 18 (referral for gain)": "referrals are not in the payload",
    f"{RULE} 19 (cost sharing)": "what a patient pays is not in the payload",
}
"""Acts that a claim's payload cannot show, and why."""
