"""The same distances inside parts of the table: the commonest diagnoses, the classes, the dearest claims.

A slice that fewer than k persons fill, or whose name may not be released, is left out.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from claims_sim.fidelity.columns import column_distance
from claims_sim.fidelity.frames import AMOUNTS, Mask, codes_of, is_number
from claims_sim.profile.counts.counting import PERSONS_K
from claims_sim.profile.texts.admit import admitted
from claims_sim.profile.texts.own_codes import admitted_in_list

TOP_DIAGNOSES: Final = 50
TAIL: Final = (0.95, 0.99)


@dataclass(frozen=True, slots=True)
class Slice:
    """Shares of claims, and distances of amount and stay inside the slice; `floor` are those of real claims."""

    name: str
    real_share: float
    synthetic_share: float
    distance: float
    floor: float
    claims: int


def slices_of(
    real: pd.DataFrame, untouched: pd.DataFrame, synthetic: pd.DataFrame, persons: pd.Series, k: int
) -> list[Slice]:
    """Every slice that k persons (`persons`: one key a real claim) or more fill."""
    inside = [name for name in (_amount(real), "los") if name and name in real]
    found = []
    for name, masks in _masks(real, [untouched, synthetic]):
        if not inside or persons[masks[0]].nunique() < k or not all(mask.any() for mask in masks):
            continue
        parts = [frame[mask] for frame, mask in zip((real, untouched, synthetic), masks, strict=True)]
        floor, distance = (
            float(np.mean([column_distance(parts[0], part, column) for column in inside])) for part in parts[1:]
        )
        shares = [float(mask.mean()) for mask in masks]
        found.append(Slice(name, shares[0], shares[2], distance, floor, min(map(len, parts))))
    return found


def _masks(real: pd.DataFrame, others: list[pd.DataFrame]) -> Iterator[tuple[str, list[Mask]]]:
    frames = [real, *others]
    for column, most in (("dx_primary_code", TOP_DIAGNOSES), ("facility_class", TOP_DIAGNOSES)):
        if column not in real:
            continue
        codes = codes_of(real, column)
        values = [str(value) for value in real[column].cat.categories]
        counts = np.bincount(codes[codes >= 0], minlength=len(values))
        shown = admitted(column, values) | admitted_in_list(column, values, counts, counts >= PERSONS_K)
        for code in np.argsort(-counts, kind="stable")[:most]:
            if counts[code] and shown[code]:
                yield values[code], [codes_of(frame, column) == code for frame in frames]
    amount = _amount(real)
    if amount:
        low, high = np.nanquantile(real[amount], TAIL)
        yield (
            f"{amount}: 95th to 99th percentile",
            [(frame[amount].to_numpy() >= low) & (frame[amount].to_numpy() < high) for frame in frames],
        )


def _amount(real: pd.DataFrame) -> str | None:
    return next((name for name in AMOUNTS if name in real and is_number(real, name)), None)
