"""From a source table to its profile. Orders the steps; each step's rule is in its own module."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import numpy as np

from claims_sim.errors import SourceError
from claims_sim.profile.counts.builder import Builder
from claims_sim.profile.counts.companions import FIRST_MEMBER, MEMBER, first_places, has_own_order
from claims_sim.profile.counts.counting import PERSONS_K, Codes, Ints, Mask, Population, told_rate
from claims_sim.profile.counts.numbers import bin_numbers
from claims_sim.profile.counts.release import PLAIN, Parent, Rule, Target
from claims_sim.profile.document import Profile, utc
from claims_sim.profile.document_parts import (
    CASE_GROUP,
    FURTHER_PROCEDURE,
    PAYS_NOTHING,
    PROCEDURE_NAME,
    Bins,
    Money,
    WeightFactors,
)
from claims_sim.profile.drawing.further_procedures import add_further_procedures
from claims_sim.profile.encoding.code_names import names_of_diagnoses, names_of_procedures
from claims_sim.profile.encoding.encode import (
    DISCHARGE_MONTH,
    DX_GROUP,
    HAS_CASE_GROUP,
    HAS_PROCEDURE,
    MONTH,
    PROCEDURE_GROUP,
    WEIGHT_LEVEL,
    Encoded,
    begins_alike,
    encode,
    written_alike,
)
from claims_sim.profile.encoding.enough_claims import OF_ONE_FACILITY, has_codes_of_each_claim, require_enough
from claims_sim.profile.fitting.calendar import STAY_GAP, add_moments, profile_calendar
from claims_sim.profile.fitting.money import profile_money
from claims_sim.profile.fitting.secondary_lists import MOST_SEVERITIES, SEVERITY, add_lists
from claims_sim.profile.fitting.wordings import DX_WORDING, PROCEDURE_WORDING, WORDINGS, add_wording, stand_for_several
from claims_sim.profile.prices.rounding import amount_grid
from claims_sim.profile.prices.weight_rates import add_weight_rates
from claims_sim.profile.reading.blanks import add_blanks, has_none
from claims_sim.profile.reading.oddities import FOLLOWS
from claims_sim.profile.reading.plausible import rule_rates
from claims_sim.profile.reading.source import SourceTable
from claims_sim.profile.reading.source_columns import NO_DIAGNOSIS, has_no_amounts
from claims_sim.profile.texts.deciding import MAY_BE_DECIDED, decided_by

DISTRICT: Final = "district_name"
PROVINCE: Final = "province_name"
PLACE: Final = (
    "service_type", PROVINCE, "facility_class", "facility_type", "facility_ownership", DISTRICT,
)  # fmt: skip
WEIGHED_BY: Final = PLACE[:-1]
"""Most samples are drawn by places that are no district: told by these, weights are told of more."""
WEIGHED_SELDOM_BY: Final = ((DISTRICT,), (MONTH,), ("procedure_code", HAS_PROCEDURE, "dx_primary_code"))
"""Some are drawn anew every year, with other weights; some weights are what a case weighs, which its procedure decides."""
BEFORE_MONEY: Final = (
    *PLACE, "dx_primary_code", HAS_CASE_GROUP, "severity_group", "secondary_count", "procedure_code", "los",
)  # fmt: skip
_GROUPED_BY: Final = (
    "service_type", DX_GROUP, "dx_primary_code", "severity_group", HAS_PROCEDURE, PROCEDURE_GROUP, "procedure_code",
)  # fmt: skip
_MANY_WEIGHTS, _WEIGHT_LEVELS = 100, 12
"""From so many weights on it is told first at which of so many levels one is."""
MAX_COUNTED: Final = 30
_MANY_CODES: Final = 100
"""Of so many case groups or procedures each diagnosis has few claims of most."""
_FEW_PROCEDURES, _FEW_DIAGNOSES, _MOST_GROUPS = 3, 48, 60
_MANY_UNKNOWN: Final = 0.05  # of the stays
UNKNOWN: Final = "unknown"


def fit_profile(source: SourceTable, *, k: int = PERSONS_K, created_at: datetime, rounding_key: int = 0) -> Profile:
    """Profile `source`: every released cell holds at least `k` persons (50 claims where persons are not known).

    `created_at` is an aware time; it is the only part of the profile that does not follow from the source and from
    `rounding_key`, which the production zone keeps to itself.
    """
    source = source.only_possible(k)
    encoded = encode(source, k, rounding_key)
    if has_codes_of_each_claim(encoded, source):
        source = source.without_diagnoses(encoded.population.unit, encoded.population.k)
        encoded = encode(source, k, rounding_key)
        encoded.defaults["dx_primary_code"] = NO_DIAGNOSIS
    if "dx_primary_code" in source.absent:
        encoded.defaults["dx_primary_code"] = NO_DIAGNOSIS
    require_enough(encoded, source)
    builder = Builder(encoded.population)
    bins: dict[str, Bins] = {}
    _add_texts(builder, encoded, (*PLACE, "dx_primary_code", "severity_group"))
    if not any(level.values for level in builder.tables["dx_primary_code"].levels):
        raise SourceError(OF_ONE_FACILITY)
    _add_given_code(builder, encoded, "dx_primary_label", "dx_primary_code")
    _add_secondary(builder, encoded)
    _add_procedure(builder, encoded)
    if FURTHER_PROCEDURE in encoded.vocabularies:
        add_further_procedures(builder, encoded)
    _add_given_code(builder, encoded, "procedure_label", "procedure_code")
    _add_procedure_name(builder, encoded)
    _add_stay(builder, encoded, bins)
    _add_case_group(builder, encoded)
    add_moments(builder, encoded, bins)
    money = profile_money(builder, encoded, bins, [*BEFORE_MONEY, HAS_PROCEDURE, PROCEDURE_NAME, STAY_GAP])
    times = profile_calendar(builder, encoded, bins)
    months = times.months
    _add_extra(builder, encoded, bins)
    money = _with_weights(builder, encoded, bins, money)
    if encoded.paid is not None and has_none(source.empty, "amount_paid", encoded.rows).any():
        builder.variables[PAYS_NOTHING] = (np.where(np.isnan(encoded.paid), -1, encoded.paid == 0).astype(np.int32), 2)
    may_tell = builder.candidates([*BEFORE_MONEY, MONTH, DISCHARGE_MONTH, PAYS_NOTHING])
    blanks = add_blanks(builder, source.empty, may_tell)
    encoded.defaults |= {name: f"{FOLLOWS[name]}, though the source's {why}" for name, why in source.left_out.items()}
    defaults = _defaults(encoded, source.absent, money.primary, money.has_both, months, created_at)
    period = (months[0], months[-1]) if months else _period_before(created_at)
    base = encoded.population.k
    return Profile(
        created_at=utc(created_at),
        k=base,
        unit="persons" if encoded.population.persons is not None else "claims",
        rows=round(source.rows / base) * base,
        absent=tuple(source.absent),
        oddities=(*source.oddities, *encoded.oddities),
        defaults=defaults,
        period=period,
        special_dates=times.special_dates,
        days_without=times.days_without,
        date_granularity=times.granularity,
        time_grid_s=times.grid_s,
        amount_grid=amount_grid(encoded.claimed, encoded.paid),
        identities=_identities(encoded),
        plausibility=rule_rates(source.columns, encoded.population),
        vocabularies=encoded.vocabularies | {MONTH: months},
        bins=bins,
        features=builder.features,
        tables=builder.tables,
        money=money,
        dx_names=names_of_diagnoses(encoded, source),
        procedure_names=names_of_procedures(encoded, source),
        secondary_sorted=encoded.secondary_sorted,
        blanks=blanks,
        smallest=min(builder.smallest, source.rows) // base * base,
    )


def _add_texts(builder: Builder, encoded: Encoded, names: tuple[str, ...]) -> None:
    for name in names:
        if name not in encoded.codes:
            continue
        earlier = [variable for variable in BEFORE_MONEY if variable in builder.variables]
        size = len(encoded.vocabularies[name])
        first: tuple[str, ...] = ()
        rule = PLAIN
        if name == "dx_primary_code":
            _add_group(builder, encoded, earlier)
            first = (DX_GROUP,)
        elif name == DISTRICT and PROVINCE in builder.variables:
            # What is withheld of a district is drawn from the others of its province, never from the country's.
            first, rule = (PROVINCE,), Rule(has_pools=False)
        elif name == SEVERITY and size > MOST_SEVERITIES and None in encoded.vocabularies[name]:
            _add_has_any(builder, encoded, HAS_CASE_GROUP, name, builder.candidates(earlier))
            first = (HAS_CASE_GROUP,)
        # A diagnosis brings one case group or two, which is more than what its group of diagnoses tells.
        tries_code = name == SEVERITY and size >= _MANY_CODES
        target = Target(name, encoded.codes[name], size)
        builder.add(target, builder.candidates(earlier), first=first, rule=rule, tries_code=tries_code)
        builder.variables[name] = (encoded.codes[name], size)


def _add_group(builder: Builder, encoded: Encoded, earlier: Sequence[str]) -> None:
    """The group of a diagnosis, which follows the hospital's place and kind where single codes are too rare to show it.

    Of codes that begin alike: ICD-10's chapters, by and large. Few codes have none.
    """
    vocabulary = encoded.vocabularies["dx_primary_code"]
    if len(vocabulary) < _FEW_DIAGNOSES:
        return
    groups = begins_alike(vocabulary)
    group: Codes = np.array([*groups, -1], np.int32)[encoded.codes["dx_primary_code"]]
    builder.add(Target(DX_GROUP, group, max(groups) + 1), builder.candidates(earlier))
    builder.variables[DX_GROUP] = (group, max(groups) + 1)


def _add_has_any(builder: Builder, encoded: Encoded, name: str, column: str, candidates: Sequence[Parent]) -> None:
    """Whether claims have any code of a column at all, which where each code is rare is told better by itself."""
    has_any = (encoded.codes[column] != encoded.vocabularies[column].index(None)).astype(np.int32)
    builder.add(Target(name, has_any, 2), candidates)
    builder.variables[name] = (has_any, 2)


def _add_procedure(builder: Builder, encoded: Encoded) -> None:
    """First whether anything was done, which follows the kind of service, then what, which follows the diagnosis."""
    vocabulary = encoded.vocabularies.get("procedure_code", ())
    if "procedure_code" not in encoded.codes:
        return
    codes, size = encoded.codes["procedure_code"], len(vocabulary)
    earlier = [variable for variable in BEFORE_MONEY if variable in builder.variables]
    candidates = builder.candidates(earlier)
    if None in vocabulary and size > _FEW_PROCEDURES:
        _add_has_any(builder, encoded, HAS_PROCEDURE, "procedure_code", candidates)
        candidates += builder.candidates([HAS_PROCEDURE])
    # What codes tell by themselves is given first: a cell that is told of fewer things is one of codes that tell the same.
    nothing = vocabulary.index(None) if None in vocabulary else -1
    few = builder.candidates(MAY_BE_DECIDED)
    told = [parent.name for parent in few if decided_by(codes, parent.codes, nothing) is not None]
    tries_code, target, learned = size >= _MANY_CODES, Target("procedure_code", codes, size), None
    if tries_code:
        learned = builder.learn(target, candidates)
        if _add_procedure_group(builder, vocabulary, codes, candidates, learned):
            candidates, learned = [*candidates, *builder.candidates([PROCEDURE_GROUP])], None
    first = [*told, HAS_PROCEDURE, PROCEDURE_GROUP]
    builder.add(target, candidates, first=first, tries_code=tries_code, learned=learned)
    builder.variables["procedure_code"] = (codes, size)


def _add_procedure_group(
    builder: Builder,
    vocabulary: Sequence[str | None],
    codes: Codes,
    candidates: Sequence[Parent],
    learned: Sequence[Parent],
) -> bool:
    """The group of a procedure, of codes that are written alike (drugs, visits, tests), where it follows what single codes are too rare
    to show: something that is not among the parents `learned` for these.
    """  # noqa: D205
    groups = written_alike(vocabulary)
    count = max(groups) + 1
    if not 1 < count <= _MOST_GROUPS:
        return False
    target = Target(PROCEDURE_GROUP, np.array([*groups, -1], np.int32)[codes], count)
    used = {name for table in builder.tables.values() for name in table.parents}
    parents = builder.learn(target, candidates)
    tells_more = not {parent.variable for parent in parents} <= {parent.variable for parent in learned}
    kept, left = (parents, learned) if tells_more else (learned, parents)
    # What was learned for nothing is no part of the profile.
    for name in {parent.name for parent in left} - {parent.name for parent in kept} - used:
        del builder.features[name]
    if not tells_more:
        return False
    builder.add(target, candidates, first=[HAS_PROCEDURE], learned=parents)
    builder.variables[PROCEDURE_GROUP] = (target.codes, count)
    return True


def _add_procedure_name(builder: Builder, encoded: Encoded) -> None:
    """What was done to those whose procedure has a name and no code, or one of the several names of its code."""
    if PROCEDURE_NAME not in encoded.codes:
        return
    codes, size = encoded.codes[PROCEDURE_NAME], len(encoded.vocabularies[PROCEDURE_NAME])
    earlier = [variable for variable in BEFORE_MONEY if variable in builder.variables]
    # Whether there is a code comes first: what has one has no such name; or which, where one code has several names.
    codes_first = ("procedure_code", HAS_PROCEDURE) if encoded.names_tell_more else (HAS_PROCEDURE, "procedure_code")
    first = [name for name in codes_first if name in builder.variables][:1]
    candidates = builder.candidates(earlier)
    if encoded.names_tell_more:
        of_wording = builder.candidates([*PLACE, DX_WORDING])
        add_wording(builder, encoded, PROCEDURE_WORDING, PROCEDURE_NAME, "procedure_code", of_wording)
        candidates += [_where_known(parent) for parent in builder.candidates([PROCEDURE_WORDING])]
    builder.add(Target(PROCEDURE_NAME, codes, size), candidates, first=first)
    builder.variables[PROCEDURE_NAME] = (codes, size)


def _add_case_group(builder: Builder, encoded: Encoded) -> None:
    """The group that a stay or a visit for such a diagnosis, or such a procedure, is of: a table of the source's shape has it alone."""
    if CASE_GROUP not in encoded.codes:
        return
    target = Target(CASE_GROUP, encoded.codes[CASE_GROUP], len(encoded.vocabularies[CASE_GROUP]))
    first = [name for name in ("service_type",) if name in builder.variables]
    builder.add(target, builder.candidates(_GROUPED_BY), first=first, tries_code=target.size >= _MANY_CODES)


def _add_given_code(builder: Builder, encoded: Encoded, label: str, code: str) -> None:
    if label in encoded.codes and code in encoded.codes:
        # A code whose labels may not be released takes the code system's name, never another code's label.
        target = Target(label, encoded.codes[label], len(encoded.vocabularies[label]))
        # One code may stand for several things, which kinds of houses do more or less of. Others are counted by their code alone.
        several = stand_for_several(encoded, label, code)
        wording = WORDINGS[label]
        # Who names a diagnosis in the older edition names what was done in it, too.
        add_wording(builder, encoded, wording, label, code, builder.candidates([*PLACE, DX_WORDING]))
        further = [
            parent._replace(codes=np.where(several, parent.codes, np.int32(-1))) for parent in builder.candidates(PLACE)
        ]
        further += [_where_known(parent) for parent in builder.candidates([wording])]
        candidates = [*builder.candidates([code]), *further]
        builder.add(target, candidates, rule=Rule(has_pools=False), most=3, first=[code])


def _where_known(wording: Parent) -> Parent:
    """Known of codes of several names alone: of the others their code tells the name, whatever wording a claim's other name is of."""
    return wording._replace(codes=np.where(wording.codes < wording.size - 1, wording.codes, np.int32(-1)))


def _add_secondary(builder: Builder, encoded: Encoded) -> None:
    rows, codes = encoded.member_rows, encoded.member_codes
    if encoded.companions is not None:
        _add_secondary_count(builder, encoded, encoded.companions)
    if rows is None or codes is None:
        return
    length = _add_secondary_count(builder, encoded, np.bincount(rows, minlength=encoded.rows))
    owner = Parent("dx_primary_code", *builder.variables["dx_primary_code"])
    vocabulary = len(encoded.vocabularies["dx_secondary_codes"])
    # How long the list is says more beside its diagnosis than instead of it: add_lists.
    severity = next(iter(builder.candidates([SEVERITY])), None)
    context = ["dx_primary_code", "service_type"]
    if severity is not None and severity.size > MOST_SEVERITIES:
        context.append(SEVERITY)
    is_first = first_places(rows)
    first: Codes = np.full(encoded.rows, -1, np.int32)
    first[rows[is_first]] = codes[is_first]
    if not encoded.secondary_sorted and has_own_order(rows, codes, encoded.codes["dx_primary_code"]):
        target = Target(FIRST_MEMBER, first, vocabulary)
        builder.add(target, builder.candidates(context), most=3, has_many=True)
        begins = length._replace(codes=np.where(first >= 0, length.codes, np.int32(-1)))
        add_lists(builder, target, owner, begins, encoded.population, severity)
        builder.variables[FIRST_MEMBER] = (first, vocabulary)
        rows, codes = rows[~is_first], codes[~is_first]
        context.append(FIRST_MEMBER)
    # Not by what stands right before it: that tells most of all which codes a list has had, as drawing without repeats does.
    candidates = builder.candidates(context, rows)
    whole = encoded.population
    # Without a key of persons claims are counted, and each but once however long its list is.
    population = Population(
        len(rows), whole.k, rows + 1 if whole.persons is None else whole.persons[rows],
        None if whole.facilities is None else whole.facilities[rows], whole.rounding_key, whole.marks,
    )  # fmt: skip
    target = Target(MEMBER, codes, vocabulary)
    builder.add(target, candidates, population=population, most=3, has_many=True)
    of_each = owner._replace(codes=owner.codes[rows])
    of_claim = None if severity is None else severity._replace(codes=severity.codes[rows])
    add_lists(builder, target, of_each, length._replace(codes=length.codes[rows]), population, of_claim)
    # What a claim costs may follow from it, whoever has put it first.
    builder.variables[FIRST_MEMBER] = (first, vocabulary)


def _add_secondary_count(builder: Builder, encoded: Encoded, counted: Ints | Codes) -> Target:
    """How many secondary diagnoses a claim has, as it is counted; `counted` is -1 where nobody knows."""
    count: Codes = np.minimum(counted, MAX_COUNTED).astype(np.int32)
    known = np.flatnonzero(count >= 0)
    shared = np.flatnonzero(encoded.population.releasable(count[known].astype(np.int64), MAX_COUNTED + 1, known))
    # The longest list of all would be a maximum: longer lists than enough have count as not known.
    size = int(shared.max(initial=0)) + 1
    count[count >= size] = -1
    earlier = [variable for variable in BEFORE_MONEY if variable in builder.variables]
    builder.add(Target("secondary_count", count, size), builder.candidates(earlier))
    builder.variables["secondary_count"] = (count, size)
    return Target("secondary_count", count, size)


def _add_stay(builder: Builder, encoded: Encoded, bins: dict[str, Bins]) -> None:
    if encoded.los is None:
        return
    binned = bin_numbers(encoded.los, encoded.population, whole=True, most=12, most_single=120)
    bins["los"] = binned.bins
    size = len(binned.bins.lo)
    earlier = [variable for variable in BEFORE_MONEY if variable in builder.variables]
    # Where stays that are not known are many, those of visits say nothing of them.
    first = ["service_type"] if np.mean(binned.codes < 0) > _MANY_UNKNOWN else []
    builder.add(Target("los", binned.codes, size), builder.candidates(earlier), first=first)
    builder.variables["los"] = (binned.codes, size)


def _add_extra(builder: Builder, encoded: Encoded, bins: dict[str, Bins]) -> None:
    if encoded.weight is not None:
        binned = bin_numbers(encoded.weight, encoded.population, most=60)
        if not binned.bins.lo:
            encoded.oddities.append("No claim_weight may be told: each is of one facility or of too few claims.")
            return
        bins["claim_weight"] = binned.bins
        target = Target("claim_weight", binned.codes, len(binned.bins.lo))
        candidates = builder.candidates([*WEIGHED_BY, "severity_group"])
        if target.size >= _MANY_WEIGHTS:
            # Where weights are each place's own, too few of any place bear one for its diagnoses to be told beside it.
            level, levels = binned.levels(_WEIGHT_LEVELS)
            further = builder.candidates([name for names in WEIGHED_SELDOM_BY for name in names])
            builder.add(Target(WEIGHT_LEVEL, level, levels), [*candidates, *further], has_many=True)
            builder.variables[WEIGHT_LEVEL] = (level, levels)
        for further in map(builder.candidates, WEIGHED_SELDOM_BY):
            if further and builder.tell_clearly_more(target, candidates, further):
                candidates = [*candidates, *further]
        builder.add(target, candidates, has_many=True, first=[WEIGHT_LEVEL])


def _with_weights(builder: Builder, encoded: Encoded, bins: dict[str, Bins], money: Money) -> Money:
    """What weights follow from: factors of strata, or a rate of what is claimed or paid."""
    if (found := encoded.weight_factors) is not None:
        logs = {
            name: tuple(None if np.isnan(log) else float(log) for log in factor) for name, factor in found.logs.items()
        }
        return money.model_copy(update={"weight_factors": WeightFactors(logs=logs, grid=found.step)})
    grid = amount_grid(encoded.claimed, encoded.paid)
    candidates = builder.candidates([*WEIGHED_BY, "severity_group", MONTH, HAS_PROCEDURE, "dx_primary_code", "los"])
    return money.model_copy(update={"weight_rate": add_weight_rates(builder, encoded, bins, grid, candidates)})


def _identities(encoded: Encoded) -> dict[str, float]:
    """How often each identity is broken among the claims where it can be checked; 0.0 means never, or by too few to tell."""
    rates: dict[str, float] = {}

    def rate(name: str, broken: Mask, known: Mask) -> None:
        told = told_rate(broken, known, encoded.population)
        if told is not None:
            rates[name] = told

    if encoded.claimed is not None and encoded.paid is not None:
        rate(
            "paid_over_claimed",
            encoded.paid > encoded.claimed,
            np.isfinite(encoded.paid) & np.isfinite(encoded.claimed),
        )
    vocabulary = encoded.vocabularies.get("service_type", ())
    if encoded.los is not None and "RJTL" in vocabulary:
        outpatient = encoded.codes["service_type"] == vocabulary.index("RJTL")
        rate("outpatient_stay", encoded.los > 0, outpatient & np.isfinite(encoded.los))
    if encoded.los is not None and encoded.days is not None and encoded.days is not encoded.los:
        known = np.isfinite(encoded.los) & np.isfinite(encoded.days)
        rate("los_not_days", encoded.los != encoded.days, known)
        rate("los_not_days_plus_one", encoded.los != encoded.days + 1, known)
    return rates


def _defaults(
    encoded: Encoded,
    absent: Sequence[str],
    primary: str,
    has_both: bool,
    months: tuple[str, ...],
    created_at: datetime,
) -> dict[str, str]:
    """What stands in for payload fields that the source cannot fill (also where single values are missing)."""
    defaults = encoded.defaults | {
        name: UNKNOWN
        for name in ("province_name", "facility_class", "facility_ownership", "severity_group", "service_type")
        if name not in encoded.codes or None in encoded.vocabularies[name]
    }
    if encoded.los is None:
        defaults["los"] = "1 day for RITL claims, else 0: discharged on the day of admission"
    if "dx_primary_label" not in encoded.codes:
        defaults["dx_primary_label"] = "the code system's name, else the code"
    if "procedure_code" not in encoded.codes:
        defaults["procedure_code"] = "none"
    elif "procedure_label" not in encoded.codes and not encoded.names_tell_more:
        defaults["procedure_label"] = "the code system's name, else the code"
    if "dx_secondary_codes" not in encoded.vocabularies:
        defaults["dx_secondary_codes"] = "none"
    if has_no_amounts(absent):
        defaults["amount_claimed"] = "0"
    if not has_both:
        other = "amount_paid" if primary == "amount_claimed" else "amount_claimed"
        defaults[other] = f"equal to {primary}"
    if not months:
        defaults["admit_dt"] = f"evenly over the twelve months before {created_at:%Y-%m}"
    return defaults


def _period_before(created_at: datetime) -> tuple[str, str]:
    last = np.datetime64(f"{created_at:%Y-%m}", "M")
    return str(last - 12), str(last - 1)
