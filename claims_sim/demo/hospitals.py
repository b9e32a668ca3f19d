"""The demo's hospitals: as many as the register counts in each province, class and ownership; none is a real one."""

from dataclasses import dataclass

import numpy as np

from claims_sim.codes.hospitals import CLASSES, OWNERSHIPS, province_of, register
from claims_sim.demo.catalogue import read_table
from claims_sim.demo.facts import TYPE_SHARES
from claims_sim.demo.lookup import Floats, Ints, Lookup
from claims_sim.randomness import stream_key, uniforms


@dataclass(frozen=True, slots=True)
class Hospitals:
    """One entry a hospital; places point into the tuples."""

    ids: tuple[str, ...]
    provinces: tuple[str, ...]
    districts: tuple[str, ...]
    ownerships: tuple[str, ...]
    province: Ints
    district: Ints
    ownership: Ints
    hospital_class: Ints  # of CLASSES
    level: Ints  # 0 (class A) to 3 (class D and below)
    kind: Ints  # of TYPE_SHARES, in the order of catalogue.HOSPITAL_KINDS
    region: Ints  # tariff region, from 0
    malaria: Ints  # 1 where malaria is common
    private: Ints
    weights: Floats  # service x hospital: share of the service's claims


def build_hospitals(seed: int) -> Hospitals:
    """The hospitals of a demo source; their number and beds follow the register whatever the seed."""
    cells = register()
    provinces = read_table("provinces")
    province_places = {row["province"]: place for place, row in enumerate(provinces)}
    counts = np.array([int(row["hospitals"]) for row in cells])
    cell = np.repeat(np.arange(len(cells)), counts)
    numbers = np.arange(len(cell))
    key = stream_key("demo hospitals", seed)

    names = [str(province_of(row["province"])) for row in cells]
    province = np.array([province_places[name] for name in names])[cell]
    ownerships = tuple(dict.fromkeys(OWNERSHIPS.get(row["ownership"], row["ownership"]) for row in cells))
    ownership = np.array([ownerships.index(OWNERSHIPS.get(row["ownership"], row["ownership"])) for row in cells])[cell]
    classes = list(CLASSES)
    hospital_class = np.array([classes.index(row["class"]) for row in cells])[cell]

    # Within a cell of the register the beds are shared out unevenly; their sum stays.
    uneven = 0.4 + uniforms(key, numbers, 1) + uniforms(key, numbers, 2) ** 4
    beds = np.array([float(row["beds"]) for row in cells])[cell] * uneven / np.bincount(cell, uneven)[cell]
    busy = 0.4 + uniforms(key, numbers, 3) + uniforms(key, numbers, 4) ** 4
    busy *= counts[cell] / np.bincount(cell, busy)[cell]

    district_lists = [row["districts"].split("|") for row in provinces]
    starts = np.cumsum([0, *(len(names) for names in district_lists)])
    # The first districts are the province's centres, where more hospitals stand.
    within = uniforms(key, numbers, 5) ** 1.4 * np.diff(starts)[province]
    private = np.array([int(name == "Swasta") for name in ownerships])[ownership]
    return Hospitals(
        ids=tuple(f"RS{number + 1:05d}" for number in numbers),
        provinces=tuple(row["province"] for row in provinces),
        districts=tuple(name for names in district_lists for name in names),
        ownerships=ownerships,
        province=province,
        district=starts[province] + within.astype(np.int64),
        ownership=ownership,
        hospital_class=hospital_class,
        level=np.minimum(hospital_class, 3),
        kind=_kinds(hospital_class, private, uniforms(key, numbers, 6)),
        region=np.array([int(row["region"]) - 1 for row in provinces])[province],
        malaria=np.array([int(row["malaria"]) for row in provinces])[province],
        private=private,
        weights=np.stack([beds / beds.sum(), busy / busy.sum()]),
    )


def _kinds(hospital_class: Ints, private: Ints, chances: Floats) -> Ints:
    """Special hospitals for mothers are mostly private ones of class C; public ones are mostly general."""
    shares = np.tile(np.array(list(TYPE_SHARES.values())), (4, 1))
    shares[:, 1] *= (0.15, 0.5, 1.3, 2.4)  # public; public C; private; private C
    is_c = (hospital_class == 2).astype(np.int64)
    small = hospital_class >= 4
    return np.where(small, 0, Lookup(shares).draw(2 * private + is_c, chances))
