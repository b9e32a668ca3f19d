"""Everything that a demo source is drawn from, built once: hospitals, tariffs and the chain's conditional tables.

The chain is service -> hospital -> diagnosis -> severity -> companions and procedure -> stay -> money.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from claims_sim.demo.catalogue import HOSPITAL_KINDS, SERVICES, SEVERITY_PROFILES, Catalogue, load_catalogue
from claims_sim.demo.facts import (
    RITL_CASES,
    RJTL_VISITS,
    SEVERITY_MIXES,
    WARD_MIXES,
)
from claims_sim.demo.hospitals import Hospitals, build_hospitals
from claims_sim.demo.lookup import Floats, Ints, Lookup, negative_binomial, poisson
from claims_sim.demo.rhythm import BIRTH, CLINIC, EMERGENCY, HOURS, PLANNED, SEASONS
from claims_sim.demo.tariff import Tariffs, build_tariffs
from claims_sim.randomness import stream_key, uniforms

LEVELS: Final = 4
MAX_COMPANIONS: Final = 8
MAX_STAY: Final = 120
STAY_MEANS: Final = np.geomspace(0.8, 60, 96)
_TILT_BY_LEVEL: Final = (0.55, 0.25, 0.0, -0.45)  # classes A, B, C, D
_HEAVY_BY_LEVEL: Final = (1.3, 1.15, 1.0, 0.55)
_SICKER_BY_LEVEL: Final = (1.5, 1.2, 0.95, 0.75)  # odds of severity II, squared for III
_ELSEWHERE: Final = 0.015  # how seldom a special hospital sees what is not its own
_PLANNED_GROUPS: Final = (
    "cataract", "chemotherapy", "thalassaemia", "dialysis", "benign", "hernia", "surgical_aftercare", "gynaecology",
)  # fmt: skip
# What hospitals for mothers and children see besides births.
_CHILDREN_GROUPS: Final = (
    "gastroenteritis", "typhoid", "dengue", "fever", "infection", "airway", "anaemia", "symptom",
)  # fmt: skip
_COMPANION_MEANS: Final = {"RITL": (1.24, 2.19, 3.25), "RJTL": (0.795, 0.795, 0.795)}
_COMPANION_PROFILES: Final = (0.82, 1.0, 1.2)


@dataclass(frozen=True, slots=True)
class World:
    """What the drawing needs; nothing in it depends on the number of a row."""

    seed: int
    ritl_rows: int
    rjtl_rows: int
    catalogue: Catalogue
    hospitals: Hospitals
    tariffs: Tariffs
    hospital: Lookup  # service
    diagnosis: Lookup  # cell, see `diagnosis_cell`
    severity: Lookup  # profile x level
    companions: Lookup  # service x severity x profile
    procedure: Lookup  # service x diagnosis x level
    stay: Lookup  # bin of STAY_MEANS
    ward: Lookup  # level
    hours: Lookup  # patterns of rhythm
    pattern: Ints  # service x group
    persons: Ints  # hospital x person kind: how many there are
    claim_weights: Floats  # service x province

    @property
    def rows(self) -> int:
        """All rows of the source."""
        return self.ritl_rows + self.rjtl_rows


def diagnosis_cell(service: Ints | int, month: Ints, level: Ints, kind: Ints, malaria: Ints) -> Ints:
    """The row of the diagnosis table for claims of this service, month, class level, hospital kind and region."""
    place = (((service * 12) + month) * LEVELS + level) * len(HOSPITAL_KINDS) + kind
    return np.asarray(place * 2 + malaria)


def _diagnosis_weights(catalogue: Catalogue) -> Floats:
    """Service x month x level x hospital kind x malaria region x diagnosis."""
    season = np.array([SEASONS[name] for name in catalogue.season]).T
    tilt = np.exp(np.outer(_TILT_BY_LEVEL, catalogue.tilt))
    # Rows of hospitals, columns of what the diagnosis belongs to.
    affinity = np.where(np.eye(len(HOSPITAL_KINDS), dtype=bool), 1.0, _ELSEWHERE)
    affinity[0] = 1.0
    fits = affinity[:, catalogue.groups.hospital[catalogue.group]]
    childish = np.isin(np.array(catalogue.groups.names)[catalogue.group], _CHILDREN_GROUPS)
    fits[HOSPITAL_KINDS.index("maternal"), childish] = 0.12
    east = np.array([name == "east" for name in catalogue.season])
    malaria = np.stack([np.where(east, 0.15, 1.0), np.where(east, 3.0, 1.0)])
    base = catalogue.weights[:, None, None, None, None, :]
    return np.asarray(
        base
        * season[None, :, None, None, None, :]
        * tilt[None, None, :, None, None, :]
        * fits[None, None, None, :, None, :]
        * malaria[None, None, None, None, :, :]
    )


def _severity_weights() -> Floats:
    mixes = np.array([SEVERITY_MIXES[name] for name in SEVERITY_PROFILES])
    odds = np.array(_SICKER_BY_LEVEL)[:, None] ** np.arange(3)[None, :]
    return np.asarray((mixes[:, None, :] * odds[None, :, :]).reshape(-1, 3))


def _companion_weights() -> Floats:
    rows = []
    for service in SERVICES:
        for severity, mean in enumerate(_COMPANION_MEANS[service]):
            for factor in _COMPANION_PROFILES:
                weights = poisson(mean * factor, MAX_COMPANIONS + 1)
                if service == "RITL" and severity:
                    weights[0] *= 0.15  # a higher severity mostly rests on a second diagnosis
                rows.append(weights)
    return np.array(rows)


def _procedure_weights(catalogue: Catalogue) -> Floats:
    offered = np.repeat(catalogue.offered[:, :, None, :], LEVELS, axis=2)
    factors = np.where(catalogue.procedure_heavy[None, :] == 1, np.array(_HEAVY_BY_LEVEL)[:, None], 1.0)
    offered[..., 1:] *= factors[None, None]
    offered[..., 0] = np.maximum(1 - offered[..., 1:].sum(axis=-1), 0.0)
    return np.asarray(offered.reshape(-1, offered.shape[-1]))


def _stay_weights() -> Floats:
    """By mean stay: few leave on the day they came, save from day care; the rest is one day and a tail."""
    rows = []
    for mean in STAY_MEANS:
        same_day = 0.12 if mean < 1.8 else 0.006
        longer = negative_binomial(max(mean / (1 - same_day) - 1, 0.05), 6.0, MAX_STAY)
        rows.append(np.concatenate([[same_day], (1 - same_day) * longer / longer.sum()]))
    return np.array(rows)


def _patterns(catalogue: Catalogue) -> Ints:
    groups = catalogue.groups
    maternal = [HOSPITAL_KINDS[kind] == "maternal" for kind in groups.hospital]
    inpatient = np.where(maternal, BIRTH, EMERGENCY)
    inpatient[[groups.names.index(name) for name in _PLANNED_GROUPS]] = PLANNED
    return np.stack([inpatient, np.full_like(inpatient, CLINIC)])


def _persons(catalogue: Catalogue, hospitals: Hospitals, weights: Floats, rows: tuple[int, int]) -> Ints:
    """How many persons of each kind each hospital knows, seen or not.

    Claims fall on persons as a Poisson process of rate `rate`; those who are seen at all then have rate / (1 - exp(-rate))
    claims on average, which must equal the kind's `visits`.
    """
    visits = catalogue.groups.visits
    rate = visits.copy()
    for _ in range(200):
        rate = visits * -np.expm1(-rate)
    kinds = np.eye(len(catalogue.groups.person_kinds))[catalogue.groups.person[catalogue.group]]
    shares = weights.mean(axis=1)
    shares = shares / shares.sum(axis=-1, keepdims=True) @ kinds
    at = (hospitals.level, hospitals.kind, hospitals.malaria)
    expected = sum(rows[s] * hospitals.weights[s][:, None] * shares[s][at] for s in (0, 1))
    return np.asarray(np.maximum(np.ceil(expected / rate), 1), dtype=np.int64)


def _claim_weights(seed: int, hospitals: Hospitals, rows: tuple[int, int]) -> Floats:
    """National cases that one drawn claim stands for; provinces differ a little, their total is the nation's."""
    volumes = (sum(RITL_CASES.values()), sum(RJTL_VISITS.values()))
    provinces = len(hospitals.provinces)
    weights = np.empty((2, provinces))
    for service, volume in enumerate(volumes):
        key = stream_key("demo claim weight", seed, service)
        factors = 0.8 + 0.4 * uniforms(key, np.arange(provinces))
        shares = np.bincount(hospitals.province, hospitals.weights[service], provinces)
        weights[service] = volume * factors / (factors @ shares) / max(rows[service], 1)
    return np.round(weights, 4)


def build_world(rows: int, seed: int, ritl_share: float) -> World:
    """The world of a demo source of `rows` claims, a share of `ritl_share` of them inpatient."""
    catalogue, hospitals = load_catalogue(), build_hospitals(seed)
    ritl_rows = round(rows * ritl_share)
    counts = (ritl_rows, rows - ritl_rows)
    weights = _diagnosis_weights(catalogue)
    return World(
        seed=seed,
        ritl_rows=counts[0],
        rjtl_rows=counts[1],
        catalogue=catalogue,
        hospitals=hospitals,
        tariffs=build_tariffs(catalogue),
        hospital=Lookup(hospitals.weights),
        diagnosis=Lookup(weights.reshape(-1, weights.shape[-1])),
        severity=Lookup(_severity_weights()),
        companions=Lookup(_companion_weights()),
        procedure=Lookup(_procedure_weights(catalogue)),
        stay=Lookup(_stay_weights()),
        ward=Lookup(WARD_MIXES),
        hours=Lookup(HOURS),
        pattern=_patterns(catalogue),
        persons=_persons(catalogue, hospitals, weights, counts),
        claim_weights=_claim_weights(seed, hospitals, counts),
    )
