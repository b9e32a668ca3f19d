"""The demo's diagnoses, procedures and companions as arrays, read from the tables beside this file. Draws nothing."""

import csv
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final

import numpy as np

from claims_sim.codes import icd9cm, icd10
from claims_sim.demo.lookup import Floats, Ints

SERVICES: Final = ("RITL", "RJTL")
SEVERITY_PROFILES: Final = ("light", "middle", "heavy")
HOSPITAL_KINDS: Final = ("general", "maternal", "eye", "heart", "lung", "mental", "ortho")


def read_table(name: str) -> list[dict[str, str]]:
    """The rows of the table `name`.csv beside this module."""
    text = resources.files("claims_sim.demo").joinpath(f"{name}.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


@dataclass(frozen=True, slots=True)
class Groups:
    """Case groups of diagnoses: what their care costs, how long it lasts, who needs it. One entry a group."""

    names: tuple[str, ...]
    bases: Floats  # service x group, rupiah
    severity: Ints  # of SEVERITY_PROFILES
    stay: Floats  # days
    pool: Ints  # of the companion pools
    person: Ints  # of the person kinds
    hospital: Ints  # of HOSPITAL_KINDS
    person_kinds: tuple[str, ...]
    visits: Floats  # claims a person, by person kind


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Diagnoses and procedures with their code system's labels, and how they go together."""

    groups: Groups
    codes: tuple[str, ...]
    labels: tuple[str, ...]
    group: Ints  # by diagnosis
    weights: Floats  # service x diagnosis
    tilt: Ints  # by diagnosis: -1 is seen in small hospitals, 2 in large ones
    season: tuple[str, ...]
    procedure_codes: tuple[str, ...]
    procedure_labels: tuple[str, ...]
    procedure_bases: Floats  # service x procedure, rupiah; 0 where the diagnosis sets the tariff
    procedure_stay: Floats
    procedure_heavy: Ints
    offered: Floats  # service x diagnosis x (no procedure, each procedure): probabilities
    companion_codes: tuple[str, ...]
    pools: Ints  # pool x place: of companion_codes, padded
    pool_weights: Floats  # pool x place, 0 in the padding
    primary_as_companion: Ints  # by diagnosis: of companion_codes, -1 when it is none


def _order(values: list[str]) -> dict[str, int]:
    return {value: place for place, value in enumerate(dict.fromkeys(values))}


def _shares(text: str) -> dict[str, float]:
    return {code: float(share) for code, share in (item.split(":") for item in text.split())}


def _groups(pools: dict[str, int]) -> Groups:
    rows = read_table("groups")
    kinds = _order([row["persons"] for row in rows])
    visits = np.ones(len(kinds))
    for row in rows:
        visits[kinds[row["persons"]]] = max(visits[kinds[row["persons"]]], float(row["visits"]))
    return Groups(
        names=tuple(row["group"] for row in rows),
        bases=np.array([[float(row[f"{side}_base"]) for row in rows] for side in ("inpatient", "outpatient")]),
        severity=np.array([SEVERITY_PROFILES.index(row["severity"]) for row in rows]),
        stay=np.array([float(row["stay"]) for row in rows]),
        pool=np.array([pools[row["companions"]] for row in rows]),
        person=np.array([kinds[row["persons"]] for row in rows]),
        hospital=np.array([HOSPITAL_KINDS.index(row["hospital"]) for row in rows]),
        person_kinds=tuple(kinds),
        visits=visits,
    )


def _offered(diagnoses: list[dict[str, str]], procedures: dict[str, int]) -> Floats:
    offered = np.zeros((2, len(diagnoses), len(procedures) + 1))
    for place, row in enumerate(diagnoses):
        for service, side in enumerate(("inpatient", "outpatient")):
            for code, share in _shares(row[f"{side}_procedures"]).items():
                offered[service, place, procedures[code] + 1] = share
    offered[:, :, 0] = 1 - offered.sum(axis=2)
    return offered


def _pools(rows: list[dict[str, str]], codes: dict[str, int]) -> tuple[Ints, Floats]:
    mixes = [_shares(row["codes"]) for row in rows]
    width = max(len(mix) for mix in mixes)
    places, weights = np.zeros((len(mixes), width), dtype=np.int64), np.zeros((len(mixes), width))
    for number, mix in enumerate(mixes):
        places[number, : len(mix)] = [codes[code] for code in mix]
        weights[number, : len(mix)] = list(mix.values())
    return places, weights


def _label(code: str) -> str:
    text = icd10.label(code) or icd9cm.label(code)
    if text is None:
        raise LookupError(f"the demo's tables hold {code}, which no code system knows")
    return text


@cache
def load_catalogue() -> Catalogue:
    """The catalogue, read once."""
    diagnoses, procedures, pools = read_table("diagnoses"), read_table("procedures"), read_table("companions")
    groups = _groups(_order([row["pool"] for row in pools]))
    companions = _order([code for row in pools for code in _shares(row["codes"])])
    pool_places, pool_weights = _pools(pools, companions)
    group_places = {name: place for place, name in enumerate(groups.names)}
    codes = tuple(row["code"] for row in diagnoses)
    procedure_codes = tuple(row["code"] for row in procedures)
    return Catalogue(
        groups=groups,
        codes=codes,
        labels=tuple(_label(code) for code in codes),
        group=np.array([group_places[row["group"]] for row in diagnoses]),
        weights=np.array([[float(row[side]) for row in diagnoses] for side in ("inpatient", "outpatient")]),
        tilt=np.array([int(row["tilt"]) for row in diagnoses]),
        season=tuple(row["season"] for row in diagnoses),
        procedure_codes=procedure_codes,
        procedure_labels=tuple(_label(code) for code in procedure_codes),
        procedure_bases=np.array(
            [[float(row[f"{side}_base"]) for row in procedures] for side in ("inpatient", "outpatient")]
        ),
        procedure_stay=np.array([float(row["stay_factor"]) for row in procedures]),
        procedure_heavy=np.array([int(row["heavy"]) for row in procedures]),
        offered=_offered(diagnoses, _order(list(procedure_codes))),
        companion_codes=tuple(companions),
        pools=pool_places,
        pool_weights=pool_weights,
        primary_as_companion=np.array([companions.get(code, -1) for code in codes]),
    )
