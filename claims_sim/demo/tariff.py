"""The lattice of demo tariffs: case x severity x hospital class x region x ward class. Money is looked up, never drawn.

A case is a group of diagnoses or, where a procedure sets the price, the procedure.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from claims_sim.demo.catalogue import Catalogue
from claims_sim.demo.facts import (
    CLASS_FACTORS,
    PRIVATE_FACTOR,
    PUBLISHED_TARIFFS,
    REGION_FACTORS,
    SEVERITY_FACTORS,
    SEVERITY_RANGES,
    WARD_FACTORS,
)
from claims_sim.demo.hospitals import Hospitals
from claims_sim.demo.lookup import Floats, Ints
from claims_sim.randomness import stream_key, uniforms

GRID: Final = 100  # rupiah
# Bring the tables' relative costs to the published means of a case and a visit (Rp 5.20 m and Rp 360,000).
_SCALES: Final = (0.711, 1.234)


@dataclass(frozen=True, slots=True)
class Tariffs:
    """Tariffs in rupiah, and which case each procedure makes."""

    inpatient: Floats  # case x severity x class x region x ward x private
    outpatient: Floats  # case x class x region x private
    cases: Ints  # service x group x (no procedure, each procedure): the case


def severity_factors(catalogue: Catalogue) -> Floats:
    """Case x severity: by how much the tariff rises; published rows as they are, the others around the published mean."""
    cases = len(catalogue.groups.names) + len(catalogue.procedure_codes)
    # The tariff is the same for every seed: it is a rule of the scheme, not of a sample.
    key = stream_key("demo tariff")
    factors = np.ones((cases, 3))
    for level in (1, 2):
        low, high = SEVERITY_RANGES[level]
        reach = min(SEVERITY_FACTORS[level] - low, high - SEVERITY_FACTORS[level])
        factors[:, level] = SEVERITY_FACTORS[level] + reach * (2 * uniforms(key, np.arange(cases), level) - 1)
    factors[:, 2] = np.maximum(factors[:, 2], factors[:, 1] + 0.05)
    for name, row in PUBLISHED_TARIFFS.items():
        factors[catalogue.groups.names.index(name)] = np.array(row) / row[0]
    return factors


def build_tariffs(catalogue: Catalogue) -> Tariffs:
    """All tariffs of the demo, each on the grid of Rp 100."""
    groups, procedures = len(catalogue.groups.names), len(catalogue.procedure_codes)
    bases = np.concatenate([catalogue.groups.bases, catalogue.procedure_bases], axis=1)
    bases *= np.array(_SCALES)[:, None]
    for name, row in PUBLISHED_TARIFFS.items():
        bases[0, catalogue.groups.names.index(name)] = row[0]
    place = np.multiply.outer(np.multiply.outer(CLASS_FACTORS, REGION_FACTORS), (1.0, PRIVATE_FACTOR))
    inpatient = (
        (bases[0][:, None] * severity_factors(catalogue))[:, :, None, None, None, None]
        * place[None, None, :, :, None, :]
        * np.array(WARD_FACTORS)[None, None, None, None, :, None]
    )
    outpatient = bases[1][:, None, None, None] * place
    # A case for each group without and with each procedure: the procedure's, where it has a price.
    cases = np.empty((2, groups, procedures + 1), dtype=np.int64)
    cases[:] = np.arange(groups)[None, :, None]
    for service in (0, 1):
        priced = np.flatnonzero(catalogue.procedure_bases[service])
        cases[service][:, priced + 1] = groups + priced
    return Tariffs(np.round(inpatient / GRID) * GRID, np.round(outpatient / GRID) * GRID, cases)


@dataclass(frozen=True, slots=True)
class Price:
    """The place of each claim in the lattice."""

    service: Ints
    case: Ints
    severity: Ints
    ward: Ints
    hospital: Ints


def look_up(tariffs: Tariffs, hospitals: Hospitals, price: Price) -> Floats:
    """The tariff of each claim, in rupiah."""
    at = price.hospital
    where = (hospitals.hospital_class[at], hospitals.region[at])
    inpatient = tariffs.inpatient[price.case, price.severity, *where, price.ward, hospitals.private[at]]
    outpatient = tariffs.outpatient[price.case, *where, hospitals.private[at]]
    return np.where(price.service == 0, inpatient, outpatient)
