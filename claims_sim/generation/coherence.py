"""How well the parts of a claim go together, as a table of claims has them. Knows no author and no model.

Two parts go together when they meet more often than by chance: the score of a pair is log2((met + 1) / (expected + 1)),
the score of a claim the mean over its pairs. A pair that is rare either way scores about nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    import pandas as pd

_STAYS: Final = (1, 2, 3, 5, 8, 15)  # days at which a stay counts as longer
_GROUP: Final = 3  # characters of an ICD-10 code that name the disease
Scores = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Coherence:
    """Log-ratios of pairs of parts: the primary disease, the procedure, each companion, the stay and the severity."""

    ratios: "pd.Series"

    @classmethod
    def of(cls, claims: pa.Table) -> "Coherence":
        """Learn from a table with columns as in `claim.FLAT_SCHEMA`; what it lacks is left out."""
        import pandas as pd  # noqa: PLC0415 - only who measures pays for it

        found = []
        for pairs in _pairs(claims):
            met = pairs.groupby(["a", "b"], sort=False).size()
            first, second = (pairs[side].value_counts() for side in ("a", "b"))
            a, b = (met.index.get_level_values(side) for side in ("a", "b"))
            expected = first.loc[a].to_numpy() * second.loc[b].to_numpy() / len(pairs)
            ratio = np.log2((met.to_numpy() + 1) / (expected + 1))
            found.append(pd.Series(ratio, index=a + "|" + b))
        return cls(pd.concat(found) if found else pd.Series(dtype=np.float64))

    def score(self, claims: pa.Table) -> Scores:
        """A score for each claim; pairs that were never seen together count as met by chance."""
        total, pairs = np.zeros(len(claims)), np.zeros(len(claims))
        for found in _pairs(claims):
            ratio = (found["a"] + "|" + found["b"]).map(self.ratios).fillna(0).to_numpy()
            total += np.bincount(found["row"], ratio, len(claims))
            pairs += np.bincount(found["row"], minlength=len(claims))
        scores: Scores = total / np.maximum(pairs, 1)
        return scores


def _pairs(claims: pa.Table) -> Iterator["pd.DataFrame"]:
    """For each kind of pair a frame: row, and both parts as text with their kind in front."""
    parts = {name: part for name, part in _parts(claims).items() if len(part)}
    for one, other in combinations(parts, 2):
        if {one, other} == {"dx", "severity"}:
            continue  # both are given by the brief
        both = parts[one].merge(parts[other], on="row", suffixes=("_a", "_b"))
        yield both.rename(columns={"part_a": "a", "part_b": "b"})


def _parts(claims: pa.Table) -> dict[str, "pd.DataFrame"]:
    import pandas as pd  # noqa: PLC0415 - as above

    rows, out = np.arange(len(claims)), {}

    def texts(name: str) -> "pd.Series":
        return pd.Series(claims[name].cast(pa.string()).to_numpy(zero_copy_only=False), dtype=object)

    def part(name: str, values: "pd.Series", of: npt.NDArray[np.int64] = rows) -> None:
        frame = pd.DataFrame({"row": of, "part": name + ":" + values.astype(str)})
        out[name] = frame[values.notna().to_numpy()]

    if "dx_primary_code" in claims.column_names:
        part("dx", texts("dx_primary_code").str[:_GROUP])
    if "severity_group" in claims.column_names:
        part("severity", texts("severity_group"))
    if "procedure_code" in claims.column_names:
        part("procedure", texts("procedure_code").fillna("none"))
    if "los" in claims.column_names:
        days = claims["los"].cast(pa.float64()).fill_null(0).to_numpy()
        part("stay", pd.Series(np.searchsorted(_STAYS, days, side="right")))
    if "dx_secondary_codes" in claims.column_names:
        lists = claims["dx_secondary_codes"].combine_chunks()
        lists = lists.combine_chunks() if isinstance(lists, pa.ChunkedArray) else lists
        members = pd.Series(pc.list_flatten(lists).cast(pa.string()).to_numpy(zero_copy_only=False), dtype=object)
        part("companion", members.str[:_GROUP], pc.list_parent_indices(lists).to_numpy())
    return out
