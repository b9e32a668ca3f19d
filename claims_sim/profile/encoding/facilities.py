"""Whose claims the rows are: persons and facilities as numbers, also where the source names no facility.

Where it names none, province, class and ownership together can still name one: the public register says how many
hospitals there are of each kind.
"""

import re
from collections.abc import Callable
from typing import Final

import numpy as np
import pyarrow as pa

from claims_sim.codes.hospitals import class_of, ownership_of, province_of, register
from claims_sim.profile.counts.counting import MIN_FACILITIES, PERSONS_K, UNTOLD, Codes, Ints, Mask, dense_ids
from claims_sim.profile.encoding.directory import is_attribute

KNOWN_BY: Final[dict[str, tuple[str, Callable[[str], str | None]]]] = {
    "province_name": ("province", province_of),
    "facility_class": ("class", class_of),
    "facility_ownership": ("ownership", ownership_of),
}
"""By what the register knows hospitals: its own columns, and how ours are read."""
_NO_NAME: Final = re.compile(
    r"\([^)]*\)|\b(KABUPATEN|KAB|KOTA|KOTAMADYA|KODYA|ADM|ADMINISTRASI|REGENCY|CITY|DISTRICT)\b|[^0-9A-Z]"
)
_AT_HOME: Final = 0.9
"""The share of persons' claims that must be of one district each for districts to be where they live."""
_A_HOSPITALS: Final = 0.05
"""The share of a kind's claims that a district with a hospital of it has at least, and k: fewer may be slips of the pen."""


def facilities_of_register(table: pa.Table, persons: Ints | None = None, k: int = PERSONS_K) -> Ints | None:
    """A facility's number for each row that the register narrows down to one or two hospitals, else UNTOLD.

    The claims of two hospitals of a kind are counted as two facilities' in turn. A kind that has hospitals in three
    districts has three, whatever the register counts. None where nothing can be told.
    """
    used = {name: kind for name, kind in KNOWN_BY.items() if name in table.column_names and name != "province_name"}
    if "province_name" not in table.column_names or not used:
        return None
    used = {"province_name": KNOWN_BY["province_name"], **used}
    hospitals: dict[tuple[str, ...], int] = {}
    for row in register():
        parts = (str(province_of(row["province"])), *(row[column] for column, _ in list(used.values())[1:]))
        hospitals[parts] = hospitals.get(parts, 0) + int(row["hospitals"])
    few = [parts for parts, count in hospitals.items() if count < MIN_FACILITIES]
    kind = np.zeros(table.num_rows, np.int64)
    known = np.ones(table.num_rows, np.bool_)
    keys = np.zeros(len(few), np.int64)
    for place, (name, (_, read)) in enumerate(used.items()):
        values = table[name].combine_chunks().dictionary.to_pylist()
        meant = [None if text is None else read(text) for text in values]
        meanings = {text: number for number, text in enumerate(sorted({parts[place] for parts in few}))}
        codes = np.array([meanings.get(text, -1) if text else -1 for text in meant] + [-1], np.int64)
        of_row = codes[text_codes(table[name])]
        known &= of_row >= 0
        kind = kind * len(meanings) + of_row
        keys = keys * len(meanings) + np.array([meanings[parts[place]] for parts in few], np.int64)
    districts = _districts(table, persons)
    if districts is not None:
        known[known] &= ~_in_several_places(kind[known], districts[known], k)
    return _numbered(np.where(known, kind, -1), keys, np.array([hospitals[parts] for parts in few]))


def text_codes(column: pa.ChunkedArray) -> Codes:
    """The places of a text column's rows in its own list of values; -1 where there is none."""
    codes: Codes = column.combine_chunks().indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int32)
    return codes


def _districts(table: pa.Table, persons: Ints | None) -> Codes | None:
    """The district of each claim's facility. None where it may be the patient's, or belongs to no province."""
    if "district_name" not in table.column_names or persons is None:
        return None
    districts = _spelled_alike(table["district_name"])
    known = districts >= 0
    if _are_homes(districts[known], persons[known]):
        return None
    provinces = text_codes(table["province_name"])
    return districts if is_attribute(provinces[known], districts[known].astype(np.int64) + 1) else None


def _are_homes(districts: Codes, persons: Ints) -> bool:
    """Are nearly all claims of persons with several of one district each? Who only ever goes to one place may live there."""
    several = np.flatnonzero((persons > 0) & (np.bincount(persons)[persons] > 1))
    width = int(districts.max(initial=0)) + 1
    cells, distinct = dense_ids(persons[several] * width + districts[several])
    most = np.zeros(int(persons.max(initial=0)) + 1, np.int64)
    np.maximum.at(most, distinct // width, np.bincount(cells))
    return int(most.sum()) >= _AT_HOME * len(several)


def _spelled_alike(column: pa.ChunkedArray) -> Codes:
    """The column's codes, one for all spellings of a name: two spellings of one district are not two places."""
    names = [_NO_NAME.sub("", str(name).upper()) for name in column.combine_chunks().dictionary.to_pylist()]
    number = {name: code for code, name in enumerate(dict.fromkeys(names))}
    return np.array([number[name] for name in names] + [-1], np.int32)[text_codes(column)]


def _numbered(kind: Ints, keys: Ints, hospitals: Ints) -> Ints | None:
    order = np.argsort(keys)
    at = np.minimum(np.searchsorted(keys[order], kind), len(keys) - 1)
    found = np.flatnonzero(keys[order][at] == kind)
    if not len(found):
        return None
    facilities = np.full(len(kind), UNTOLD, np.int64)
    which = order[at[found]]
    facilities[found] = 1 + MIN_FACILITIES * which + np.arange(len(found)) % hospitals[which]
    return facilities


def _in_several_places(kind: Ints, districts: Codes, k: int) -> Mask:
    """Which claims are of a kind with hospitals in as many districts as may be told: a hospital lies in one."""
    kinds, distinct = dense_ids(kind)
    known = districts >= 0
    width = int(districts.max(initial=0)) + 1
    cells, places = dense_ids(kinds[known] * width + districts[known])
    claims = np.bincount(kinds[known], minlength=len(distinct))
    hospital = np.bincount(cells) >= np.maximum(_A_HOSPITALS * claims[places // width], k)
    several = np.bincount(places[hospital] // width, minlength=len(distinct)) >= MIN_FACILITIES
    return np.asarray(several[kinds])
