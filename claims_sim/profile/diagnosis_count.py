"""A count of all diagnoses where one of secondary ones is meant: 1 of claims that list none, as hospital statistics count."""

from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

COUNTS_ALL: Final = "comorbidity_count counts the primary diagnosis too: one less is read."
NEARLY_ALL: Final = 0.95
"""The share of the claims with a count that must count one more than they list."""


def without_the_primary(columns: pa.Table) -> tuple[pa.Table, tuple[str, ...]]:
    """The columns with the count of secondary diagnoses alone, and the sentence that says so, where nearly all count the primary too."""
    if not {"comorbidity_count", "dx_secondary_codes"} <= set(columns.column_names):
        return columns, ()
    count = columns["comorbidity_count"]
    listed = pc.cast(pc.fill_null(pc.list_value_length(columns["dx_secondary_codes"]), 0), pa.float64())
    counted = len(count) - count.null_count
    with_primary = pc.sum(pc.equal(count, pc.add(listed, 1.0))).as_py() or 0
    if not counted or with_primary < NEARLY_ALL * counted:
        return columns, ()
    at = columns.column_names.index("comorbidity_count")
    return columns.set_column(at, "comorbidity_count", pc.subtract(count, 1.0)), (COUNTS_ALL,)
