"""Which hospital a claim comes from: made-up ones, as many of each province, class and ownership as the register counts.

A hospital's name tells its owner (the part before the hyphen), for what one owner's hospitals do together is something
that auditors look at. How many hospitals an owner has is not published: the figures here are assumptions.
"""

from functools import cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from claims_sim.codes.hospitals import class_of, ownership_of, province_of, register
from claims_sim.randomness import letters, stream_key, uniforms

PLACE: Final = ("province_name", "facility_class", "facility_ownership")
_HOSPITALS: Final = 6  # of a kind that the register does not know
_OF_ONE_OWNER: Final = {
    "Swasta": 4,
    "Pemkab": 2,
    "Pemkot": 2,
}  # hospitals; of others the province's all are one owner's
_UNEVEN: Final = 1.6  # the first hospitals of a place have more claims than the last ones

Texts = npt.NDArray[Any]


def draw_facilities(key: int, rows: npt.NDArray[Any], claims: pa.Table) -> Texts:
    """A hospital for each of `claims`, by its province, class and ownership; `rows` count for `key`."""
    places = list(zip(*(claims[name].to_pylist() for name in PLACE), strict=True))
    chances = uniforms(stream_key(key, "hospital"), rows) ** _UNEVEN
    return np.array(
        [hospital(place, int(chance * hospitals(place))) for place, chance in zip(places, chances, strict=True)], object
    )


@cache
def hospitals(place: tuple[str | None, ...]) -> int:
    """How many hospitals there are of a province, class and ownership."""
    return max(_counted().get(_known(place), 0), 1) if _known(place) in _counted() else _HOSPITALS


@cache
def hospital(place: tuple[str | None, ...], number: int) -> str:
    """The name of a place's hospital, the same in every simulation: its owner's letters, a hyphen, its own."""
    province, _, ownership = (text or "" for text in place)
    owner = number % owners(province, ownership)
    return f"{_name('F', owner, 'owner', province, ownership)}-{_name('', number, 'hospital', *map(str, place))}"


@cache
def owners(province: str, ownership: str) -> int:
    """How many owners share a province's hospitals of one ownership."""
    known = ownership_of(ownership)
    each = _OF_ONE_OWNER.get(known or "")
    if known is not None and each is None:
        return 1
    code = province_of(province)
    total = sum(count for place, count in _counted().items() if (place[0], place[2]) == (code, known))
    return max(-(-(total or _HOSPITALS) // (each or 3)), 1)


def owner_of(facility: str | None) -> str:
    """The owner's letters of a hospital's name; empty where the name tells none."""
    return facility.partition("-")[0] if facility and "-" in facility else ""


def _known(place: tuple[str | None, ...]) -> tuple[str | None, ...]:
    province, level, ownership = (text or "" for text in place)
    return province_of(province), class_of(level), ownership_of(ownership)


@cache
def _counted() -> dict[tuple[str | None, ...], int]:
    found: dict[tuple[str | None, ...], int] = {}
    for row in register():
        place = (province_of(row["province"]), row["class"], row["ownership"])
        found[place] = found.get(place, 0) + int(row["hospitals"])
    return found


def _name(prefix: str, number: int, *what: str) -> str:
    return str(letters(stream_key("facilities", *what), np.array([number]), prefix, 8)[0])
