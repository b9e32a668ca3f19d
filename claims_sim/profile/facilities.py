"""Whose claims the rows are: persons and facilities as numbers, also where the source names no facility.

Where it names none, province, class and ownership together can still name one: the public register says how many
hospitals there are of each kind.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
import pyarrow as pa

from claims_sim.codes.hospitals import class_of, ownership_of, province_of, register
from claims_sim.profile.counting import MIN_FACILITIES, UNTOLD, Ints

KNOWN_BY: Final[dict[str, tuple[str, Callable[[str], str | None]]]] = {
    "province_name": ("province", province_of),
    "facility_class": ("class", class_of),
    "facility_ownership": ("ownership", ownership_of),
}
"""By what the register knows hospitals: its own columns, and how ours are read."""


def facilities_of_register(table: pa.Table) -> Ints | None:
    """A facility's number for each row that the register narrows down to one or two hospitals, else UNTOLD.

    The claims of two hospitals of a kind are counted as two facilities' in turn. None where nothing can be told.
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
        column = table[name].combine_chunks()
        meant = [None if text is None else read(text) for text in column.dictionary.to_pylist()]
        meanings = {text: number for number, text in enumerate(sorted({parts[place] for parts in few}))}
        codes = np.array([meanings.get(text, -1) if text else -1 for text in meant] + [-1], np.int64)
        of_row = codes[column.indices.fill_null(-1).to_numpy(zero_copy_only=False)]
        known &= of_row >= 0
        kind = kind * len(meanings) + of_row
        keys = keys * len(meanings) + np.array([meanings[parts[place]] for parts in few], np.int64)
    return _numbered(kind, known, keys, np.array([hospitals[parts] for parts in few], np.int64))


def _numbered(kind: Ints, known: np.ndarray, keys: Ints, hospitals: Ints) -> Ints | None:
    order = np.argsort(keys)
    at = np.minimum(np.searchsorted(keys[order], kind), len(keys) - 1)
    found = np.flatnonzero(known & (keys[order][at] == kind))
    if not len(found):
        return None
    facilities = np.full(len(kind), UNTOLD, np.int64)
    which = order[at[found]]
    facilities[found] = MIN_FACILITIES * which + np.arange(len(found)) % hospitals[which]
    return facilities
