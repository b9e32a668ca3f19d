"""Whether claims are copies of real ones, or nearly: rows, money and distances. Each figure is a share of the claims."""

from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from claims_sim.fidelity.audit import row_keys
from claims_sim.fidelity.frames import AMOUNTS, LIST_TEXT, Floats, codes_of, is_number, names_of

Keys = npt.NDArray[np.uint64]
_BLOCK: Final = 64  # queries at a time, so that a block of distances stays in the processor's cache


def exact_copies(real: pd.DataFrame, other: pd.DataFrame) -> float:
    """Claims that are equal to a real one in every compared column, the whole list of secondary codes included."""
    return _share_among(row_keys(other, names_of(real)), row_keys(real, names_of(real)))


def money_replay(real: pd.DataFrame, other: pd.DataFrame) -> float | None:
    """Claims whose amounts, claimed and paid together, occur in the real table."""
    amounts = _amounts(real)
    return _share_among(row_keys(other, amounts), row_keys(real, amounts)) if amounts else None


def unique_replay(real: pd.DataFrame, other: pd.DataFrame) -> float | None:
    """Claims whose amount, diagnosis and stay are those of exactly one real claim."""
    amounts = _amounts(real)
    if not amounts:
        return None
    columns = [amounts[0], *(name for name in ("dx_primary_code", "los") if name in real)]
    keys, counts = np.unique(row_keys(real, columns), return_counts=True)
    return _share_among(row_keys(other, columns), keys[counts == 1])


def amount_repeats(claims: pd.DataFrame) -> float | None:
    """Claims whose amount another claim of the same table has as well: high where amounts are tariffs."""
    amounts = _amounts(claims)
    return float(claims[amounts[0]].duplicated(keep=False).mean()) if amounts else None


def distance_to_closest(real: pd.DataFrame, others: list[pd.DataFrame]) -> list[Floats]:
    """For each claim of each table the distance to the nearest real claim.

    Gower 1971: the mean over columns of 0/1 for categories and the difference of quantiles for numbers.
    """
    columns = [name for name in names_of(real) if name != LIST_TEXT]
    numbers = [name for name in columns if is_number(real, name)]
    categories = [name for name in columns if name not in numbers]
    ordered = {name: np.sort(np.nan_to_num(real[name].to_numpy(), nan=-1.0)) for name in numbers}

    def scaled(frame: pd.DataFrame) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int32]]:
        ranks = [
            np.searchsorted(ordered[name], np.nan_to_num(frame[name].to_numpy(), nan=-1.0)) / len(real)
            for name in numbers
        ]
        codes = [codes_of(frame, name) for name in categories]
        shape = (len(frame), -1)
        return (
            np.array(ranks, np.float32).T.reshape(shape) if numbers else np.zeros((len(frame), 0), np.float32),
            np.array(codes, np.int32).T.reshape(shape) if categories else np.zeros((len(frame), 0), np.int32),
        )

    base = scaled(real)
    return [_nearest(*scaled(frame), *base) / max(len(columns), 1) for frame in others]


def share_nearer(distances: Floats, usual: Floats) -> float:
    """The chance that one of `distances` is smaller than one of `usual`; ties count half. 0.5: as near as usual."""
    ordered = np.sort(usual)
    smaller = len(usual) - np.searchsorted(ordered, distances, "right")
    tied = np.searchsorted(ordered, distances, "right") - np.searchsorted(ordered, distances, "left")
    return float((smaller + tied / 2).mean() / max(len(usual), 1))


def _nearest(
    numbers: npt.NDArray[np.float32],
    codes: npt.NDArray[np.int32],
    real_numbers: npt.NDArray[np.float32],
    real_codes: npt.NDArray[np.int32],
) -> Floats:
    best = np.empty(len(numbers))
    for first in range(0, len(numbers), _BLOCK):
        some = slice(first, first + _BLOCK)
        total = np.zeros((len(numbers[some]), len(real_numbers)), np.float32)
        for ours, theirs in zip(numbers[some].T, real_numbers.T, strict=True):
            total += np.abs(ours[:, None] - theirs[None, :])
        for ours, theirs in zip(codes[some].T, real_codes.T, strict=True):
            total += ours[:, None] != theirs[None, :]
        best[some] = total.min(1)
    return best


def _amounts(claims: pd.DataFrame) -> list[str]:
    return [name for name in AMOUNTS[:2] if name in claims]


def _share_among(keys: Keys, known: Keys) -> float:
    return float(np.isin(keys, known).mean()) if len(keys) else 0.0
