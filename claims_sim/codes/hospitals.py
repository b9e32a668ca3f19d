"""How many hospitals the public register counts of each province, class and ownership. Counts and names of kinds only.

The register (Ministry of Health, RS Online, 3,151 hospitals, May 2025) is public: whoever reads of a province's only
class B hospital of the army knows which one it is.
"""

import csv
import re
from functools import cache
from importlib import resources
from typing import Final

from claims_sim.codes.places import PROVINCES, SPELLINGS

CLASSES: Final = {
    "A": "RS Kelas A",
    "B": "RS Kelas B",
    "C": "RS Kelas C",
    "D": "RS Kelas D",
    "D PRATAMA": "RS Kelas D Pratama",
    "belum ditetapkan": "Belum ditetapkan",
}
OWNERSHIPS: Final = {"Vertikal (Kemkes)": "Vertikal"}
"""Names of the register that are commonly written otherwise."""
_CLASS: Final = re.compile(r"(?:rs |rumah sakit )?(?:kelas |tipe |type )?([a-d])( pratama)?", re.IGNORECASE)


@cache
def register() -> tuple[dict[str, str], ...]:
    """The register's rows: province, class, ownership, hospitals, beds."""
    text = resources.files("claims_sim.codes").joinpath("hospitals.csv").read_text(encoding="utf-8")
    return tuple(csv.DictReader(text.splitlines()))


def province_of(text: str) -> str | None:
    """The province as we write it; None for what is none."""
    upper = text.strip().upper()
    name = SPELLINGS.get(upper, upper)
    return name if name in PROVINCES else None


def class_of(text: str) -> str | None:
    """The register's class of "RS Kelas B", "Kelas B" or "B"; None for what is none."""
    found = _CLASS.fullmatch(text.strip())
    return None if found is None else found[1].upper() + (" PRATAMA" if found[2] else "")


def ownership_of(text: str) -> str | None:
    """The register's ownership, upper and lower case alike; None for what is none."""
    return _ownerships().get(text.strip().casefold())


@cache
def _ownerships() -> dict[str, str]:
    names = {row["ownership"] for row in register()}
    return {spelling.casefold(): name for name in names for spelling in (name, OWNERSHIPS.get(name, name))}
