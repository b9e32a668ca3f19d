"""Draw demo claims from a world, a run of whole days at a time. Writes nothing.

Every number is a function of the seed and the row's own number, so a source is the same however it is cut into runs.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum, auto
from typing import Final

import numpy as np
import pyarrow as pa

from claims_sim.claim import FLAT_SCHEMA
from claims_sim.codes.hospitals import CLASSES
from claims_sim.demo.catalogue import SERVICES
from claims_sim.demo.facts import CUT_SHARE_RITL, CUT_SHARE_RJTL, SEVERITY_UNKNOWN_SHARE, TYPE_SHARES
from claims_sim.demo.lookup import Floats, Ints
from claims_sim.demo.persons import Occupancy, pseudonyms
from claims_sim.demo.rhythm import DAYS, LEAVING, MONTHS, first_rows
from claims_sim.demo.tariff import Price, look_up
from claims_sim.demo.world import LEVELS, MAX_COMPANIONS, STAY_MEANS, World, diagnosis_cell
from claims_sim.randomness import stream_key, uniforms

DEMO_SCHEMA: Final = pa.schema([field for field in FLAT_SCHEMA if field.name not in ("episode_ref", "generated_at")])
SEVERITIES: Final = ("ringan", "sedang", "berat", "unknown")
RUN_ROWS: Final = 60_000  # rows of a run: large enough for vectors, small enough for memory
_DAY: Final = 86_400  # seconds
_STAY_BY_SEVERITY: Final = np.array([0.9, 1.25, 1.7])
_STAY_BY_LEVEL: Final = np.array([1.15, 1.06, 0.99, 0.92])
_TOP_UPS: Final = np.array([1_500_000.0, 3_200_000.0, 6_800_000.0])  # special drugs and implants, paid on top
_SHUFFLE, _IDS = 48_271_339, 100_000_000  # coprime: numbers below _IDS map one to one


class _Lane(IntEnum):
    """What a random number is for; a new purpose goes to the end, so that the others keep theirs."""

    HOSPITAL = auto()
    DIAGNOSIS = auto()
    SEVERITY = auto()
    UNKNOWN = auto()
    COUNT = auto()
    PROCEDURE = auto()
    STAY = auto()
    WARD = auto()
    ADMIT_HOUR = auto()
    ADMIT_SECOND = auto()
    LEAVE_HOUR = auto()
    LEAVE_SECOND = auto()
    CUT = auto()
    CUT_KIND = auto()
    TOP_UP = auto()
    PERSON = auto()
    COMPANION = 100  # and as many after it as a pool has places


@dataclass(frozen=True, slots=True)
class _Rows:
    """The core of each claim, as numbers."""

    number: Ints  # from 0, over the whole source
    day: Ints  # place in DAYS
    service: Ints
    hospital: Ints
    diagnosis: Ints
    severity: Ints
    procedure: Ints  # 0 is none, else one more than its place
    key: int

    def chances(self, lane: int) -> Floats:
        return uniforms(self.key, self.number, lane)


def _draw_core(world: World, number: Ints, day: Ints, service: Ints) -> _Rows:
    key = stream_key("demo rows", world.seed)
    hospitals, catalogue = world.hospitals, world.catalogue
    hospital = world.hospital.draw(service, uniforms(key, number, _Lane.HOSPITAL))
    level = hospitals.level[hospital]
    cell = diagnosis_cell(service, MONTHS[day], level, hospitals.kind[hospital], hospitals.malaria[hospital])
    diagnosis = world.diagnosis.draw(cell, uniforms(key, number, _Lane.DIAGNOSIS))
    profile = catalogue.groups.severity[catalogue.group[diagnosis]]
    severity = world.severity.draw(profile * LEVELS + level, uniforms(key, number, _Lane.SEVERITY))
    severity = np.where(service == 0, severity, 0)
    offered = (service * len(catalogue.codes) + diagnosis) * LEVELS + level
    procedure = world.procedure.draw(offered, uniforms(key, number, _Lane.PROCEDURE))
    return _Rows(number, day, service, hospital, diagnosis, severity, procedure, key)


def _draw_companions(world: World, rows: _Rows) -> pa.ListArray:
    """Secondary codes: a weighted choice without replacement from the case group's companions, never the primary."""
    catalogue = world.catalogue
    group = catalogue.group[rows.diagnosis]
    row = (rows.service * 3 + rows.severity) * 3 + catalogue.groups.severity[group]
    count = world.companions.draw(row, rows.chances(_Lane.COUNT))
    some = np.flatnonzero(count)
    pool = catalogue.groups.pool[group[some]]
    places, weights = catalogue.pools[pool], catalogue.pool_weights[pool]
    weights = np.where(places == catalogue.primary_as_companion[rows.diagnosis[some]][:, None], 0.0, weights)
    # The k smallest of exponential waiting times are a draw without replacement (Efraimidis and Spirakis, 2006).
    waits = np.full(places.shape, np.inf)
    for place in range(places.shape[1]):
        chance = uniforms(rows.key, rows.number[some], _Lane.COMPANION + place)
        np.divide(-np.log1p(-chance), weights[:, place], out=waits[:, place], where=weights[:, place] > 0)
    order = np.argsort(waits, axis=1, kind="stable")[:, :MAX_COMPANIONS]
    chosen = np.take_along_axis(places, order, axis=1)
    taken = np.arange(chosen.shape[1])[None, :] < count[some][:, None]
    offsets = np.concatenate([[0], np.cumsum(count)]).astype(np.int32)
    codes = pa.array(catalogue.companion_codes).take(pa.array(chosen[taken]))
    return pa.ListArray.from_arrays(pa.array(offsets), codes)


def _draw_times(world: World, rows: _Rows) -> tuple[Ints, Ints, Ints]:
    """Admission and discharge in seconds since 1970, local time, and the days between their dates."""
    catalogue = world.catalogue
    group, level = catalogue.group[rows.diagnosis], world.hospitals.level[rows.hospital]
    mean = catalogue.groups.stay[group] * _STAY_BY_SEVERITY[rows.severity] * _STAY_BY_LEVEL[level]
    mean *= np.concatenate([[1.0], catalogue.procedure_stay])[rows.procedure]
    bins = np.clip(np.searchsorted(STAY_MEANS, mean), 0, len(STAY_MEANS) - 1)
    stay = np.where(rows.service == 0, world.stay.draw(bins, rows.chances(_Lane.STAY)), 0)

    midnight = DAYS.astype(np.int64)[rows.day] * _DAY
    hour = world.hours.draw(world.pattern[rows.service, group], rows.chances(_Lane.ADMIT_HOUR))
    admit = midnight + hour * 3600 + (rows.chances(_Lane.ADMIT_SECOND) * 3600).astype(np.int64)
    leave_hour = world.hours.draw(LEAVING, rows.chances(_Lane.LEAVE_HOUR))
    spread = rows.chances(_Lane.LEAVE_SECOND)
    later_day = midnight + stay * _DAY + leave_hour * 3600 + (spread * 3600).astype(np.int64)
    # Minutes in the clinic, hours in day care; both end before midnight.
    shortest, longest = np.where(rows.service == 0, 3 * 3600, 25 * 60), np.where(rows.service == 0, 9 * 3600, 4 * 3600)
    same_day = admit + shortest + ((longest - shortest) * spread**2).astype(np.int64)
    same_day = np.minimum(same_day, midnight + _DAY - 1)
    return admit, np.where(stay > 0, later_day, same_day), stay


def _draw_amounts(world: World, rows: _Rows) -> tuple[Floats, Floats]:
    """Claimed and paid: both are points of the lattice, and nearly always the same one."""
    catalogue = world.catalogue
    group = catalogue.group[rows.diagnosis]
    ward = world.ward.draw(world.hospitals.level[rows.hospital], rows.chances(_Lane.WARD))
    case = world.tariffs.cases[rows.service, group, rows.procedure]
    tariff = look_up(world.tariffs, world.hospitals, Price(rows.service, case, rows.severity, ward, rows.hospital))
    chance = rows.chances(_Lane.TOP_UP)
    extra = np.where((chance < 0.024) & (rows.service == 0), _TOP_UPS[(chance * 125).astype(np.int64) % 3], 0.0)

    claimed = tariff + extra
    is_cut = rows.chances(_Lane.CUT) < np.where(rows.service == 0, CUT_SHARE_RITL, CUT_SHARE_RJTL)
    return claimed, np.where(is_cut, _cut(world, rows, case, ward, tariff), claimed)


def _cut(world: World, rows: _Rows, case: Ints, ward: Ints, tariff: Floats) -> Floats:
    """What a claim is paid that is paid less: a lower severity, a lower ward, no procedure, or nothing."""
    plain = world.tariffs.cases[rows.service, world.catalogue.group[rows.diagnosis], 0]
    kind = rows.chances(_Lane.CUT_KIND)
    milder = np.where(kind < 0.55, np.maximum(rows.severity - 1, 0), rows.severity)
    lower = np.where((kind >= 0.55) & (kind < 0.8), np.maximum(ward - 1, 0), ward)
    cheaper = np.where(kind >= 0.8, plain, case)
    paid = look_up(world.tariffs, world.hospitals, Price(rows.service, cheaper, milder, lower, rows.hospital))
    # Where nothing is left to lower, a stay is paid as a visit and a visit is not paid.
    as_visit = look_up(world.tariffs, world.hospitals, Price(np.ones_like(case), plain, milder, lower, rows.hospital))
    as_visit = np.where((rows.service == 0) & (as_visit < tariff), as_visit, 0.0)
    return np.where(kind >= 0.93, 0.0, np.where(paid < tariff, paid, as_visit))


def _draw_persons(world: World, rows: _Rows) -> Ints:
    """A person of the hospital who has this kind of illness: the same one comes back, the chronically ill often."""
    kind = world.catalogue.groups.person[world.catalogue.group[rows.diagnosis]]
    many = world.persons[rows.hospital, kind]
    # Some persons come more often than others.
    person = (many * rows.chances(_Lane.PERSON) ** 1.25).astype(np.int64)
    return np.asarray((person * len(world.hospitals.ids) + rows.hospital) * world.persons.shape[1] + kind)


def _take(values: tuple[str | None, ...], places: Ints) -> pa.Array:
    return pa.array(values, pa.string()).take(pa.array(places))


def _assemble(world: World, rows: _Rows, occupancy: Occupancy, next_run: int) -> pa.Table:
    catalogue, hospitals = world.catalogue, world.hospitals
    admit, discharge, stay = _draw_times(world, rows)
    claimed, paid = _draw_amounts(world, rows)
    persons = occupancy.settle(_draw_persons(world, rows), rows.number, admit, discharge, next_run)
    secondary = _draw_companions(world, rows)
    severity = np.where(rows.chances(_Lane.UNKNOWN) < SEVERITY_UNKNOWN_SHARE, 3, rows.severity)
    shuffled = np.char.zfill(((rows.number * _SHUFFLE) % _IDS).astype(str), 8)
    years = DAYS.astype("datetime64[Y]").astype(str)[rows.day]
    claim_id = np.char.add(np.char.add(np.char.add("DEMO-", years), "-"), shuffled)
    at = rows.hospital
    columns = {
        "claim_id": pa.array(claim_id, pa.string()),
        "admit_dt": pa.array(admit * 1_000_000).cast(pa.timestamp("us")),
        "discharge_dt": pa.array(discharge * 1_000_000).cast(pa.timestamp("us")),
        "los": pa.array(stay.astype(np.int32)),
        "province_name": _take(hospitals.provinces, hospitals.province[at]),
        "district_name": _take(hospitals.districts, hospitals.district[at]),
        "facility_id": _take(hospitals.ids, at),
        "facility_class": _take(tuple(CLASSES.values()), hospitals.hospital_class[at]),
        "facility_ownership": _take(hospitals.ownerships, hospitals.ownership[at]),
        "facility_type": _take(tuple(TYPE_SHARES), hospitals.kind[at]),
        "service_type": _take(SERVICES, rows.service),
        "severity_group": _take(SEVERITIES, severity),
        "dx_primary_code": _take(catalogue.codes, rows.diagnosis),
        "dx_primary_label": _take(catalogue.labels, rows.diagnosis),
        "dx_secondary_codes": secondary,
        "comorbidity_count": secondary.value_lengths(),
        "procedure_code": _take((None, *catalogue.procedure_codes), rows.procedure),
        "procedure_label": _take((None, *catalogue.procedure_labels), rows.procedure),
        "amount_claimed": pa.array(claimed),
        "amount_paid": pa.array(paid),
        "amount_gap": pa.array(claimed - paid),
        "patient_id_hash": pseudonyms(world.seed, persons),
        "claim_weight": pa.array(world.claim_weights[rows.service, hospitals.province[at]]),
    }
    table = pa.table([columns[name] for name in DEMO_SCHEMA.names], schema=DEMO_SCHEMA)
    return table.take(pa.array(np.lexsort((rows.number, admit))))


def draw_runs(world: World, run_rows: int = RUN_ROWS) -> Iterator[pa.Table]:
    """All claims in the order of admission, as tables of whole days with at least `run_rows` rows (but the last)."""
    starts = np.stack([first_rows(0, world.ritl_rows), first_rows(1, world.rjtl_rows)])
    totals = starts.sum(axis=0)
    occupancy = Occupancy()
    first = 0
    while first < len(DAYS):
        last = (
            int(np.searchsorted(totals, totals[first] + run_rows))
            if totals[-1] - totals[first] > run_rows
            else len(DAYS)
        )
        last = min(max(last, first + 1), len(DAYS))
        numbers, days, services = [], [], []
        for service, shift in enumerate((0, world.ritl_rows)):
            inside = np.arange(starts[service, first], starts[service, last])
            numbers.append(inside + shift)
            days.append(np.searchsorted(starts[service], inside, side="right") - 1)
            services.append(np.full(len(inside), service, dtype=np.int64))
        number = np.concatenate(numbers)
        if len(number):
            rows = _draw_core(world, number, np.concatenate(days), np.concatenate(services))
            next_run = int(DAYS.astype(np.int64)[last - 1] + 1) * _DAY
            yield _assemble(world, rows, occupancy, next_run)
        first = last
