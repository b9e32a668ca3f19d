"""How far columns, and pairs of columns, of one table lie from those of another. Distances from 0 (alike) to 1."""

from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from claims_sim.fidelity.frames import Floats, codes_of, is_number, names_of

Codes = npt.NDArray[np.int64]
_PAIR_CELLS: Final = 12  # values of a column in a pair; beyond, chance outweighs what there is to see
_SIDE: Final = 16
_NO_VALUE: Final = -np.inf


def column_distance(real: pd.DataFrame, other: pd.DataFrame, name: str) -> float:
    """Total variation of a category, the Kolmogorov-Smirnov distance of a number; a missing value counts as one."""
    if is_number(real, name):
        return kolmogorov_smirnov(real[name].to_numpy(), other[name].to_numpy())
    size = len(real[name].cat.categories) + 1
    return total_variation(_counts(codes_of(real, name), size), _counts(codes_of(other, name), size))


def total_variation(real: npt.NDArray[np.int64], other: npt.NDArray[np.int64]) -> float:
    """Half the summed differences of the shares that two rows of counts make."""
    shares = real / max(int(real.sum()), 1), other / max(int(other.sum()), 1)
    return float(np.abs(shares[0] - shares[1]).sum() / 2)


def kolmogorov_smirnov(real: Floats, other: Floats) -> float:
    """The largest difference of the two distribution functions; NaN is below every number."""
    ordered = [np.sort(np.where(np.isnan(values), _NO_VALUE, values)) for values in (real, other)]
    points = np.concatenate(ordered)
    below = [np.searchsorted(values, points, "right") / max(len(values), 1) for values in ordered]
    return float(np.abs(below[0] - below[1]).max(initial=0))


def wasserstein(real: Floats, other: Floats) -> float:
    """The mean shift of a number from one table to the other, in standard deviations of the real one."""
    quantiles = np.linspace(0.0005, 0.9995, 1000)
    sides = [values[~np.isnan(values)] for values in (real, other)]
    if not all(map(len, sides)):
        return 0.0
    spread = float(np.std(sides[0]))
    shift = np.abs(np.quantile(sides[0], quantiles) - np.quantile(sides[1], quantiles)).mean()
    return float(shift / spread) if spread > 0 else 0.0


def pair_codes(real: pd.DataFrame, others: list[pd.DataFrame]) -> dict[str, list[Codes]]:
    """Every column in at most 12 cells that the real table defines: deciles, or the commonest values and the rest."""
    coded: dict[str, list[Codes]] = {}
    for name in names_of(real):
        frames = [real, *others]
        if is_number(real, name):
            values = real[name].to_numpy()
            edges = np.unique(np.nanquantile(values, np.linspace(0.1, 0.9, 9)))
            coded[name] = [
                np.where(np.isnan(v := f[name].to_numpy()), len(edges) + 1, np.searchsorted(edges, v, "left"))
                for f in frames
            ]
            continue
        counts = _counts(codes_of(real, name), len(real[name].cat.categories) + 1)
        rank = np.full(len(counts), _PAIR_CELLS - 1)
        top = np.argsort(-counts, kind="stable")[: _PAIR_CELLS - 1]
        rank[top] = np.arange(len(top))
        coded[name] = [rank[codes_of(f, name)] for f in frames]  # code -1 is the last place: no value
    return coded


def joint_counts(first: Codes, second: Codes) -> Codes:
    """How often each pair of cells occurs, as a square table."""
    return np.bincount(first * _SIDE + second, minlength=_SIDE * _SIDE).reshape(_SIDE, _SIDE)


def cramers_v(counts: Codes) -> float:
    """Cramér's V of a table of counts, corrected for chance (Bergsma 2013): 0 no association, 1 full."""
    table = counts[counts.sum(1) > 0][:, counts.sum(0) > 0].astype(np.float64)
    rows, (r, c) = table.sum(), table.shape
    if min(r, c) < 2 or rows < 2:
        return 0.0
    expected = np.outer(table.sum(1), table.sum(0)) / rows
    phi2 = ((table - expected) ** 2 / expected).sum() / rows
    phi2 = max(0.0, phi2 - (r - 1) * (c - 1) / (rows - 1))
    least = min(r - (r - 1) ** 2 / (rows - 1), c - (c - 1) ** 2 / (rows - 1)) - 1
    return float(np.sqrt(phi2 / least)) if least > 0 else 0.0


def _counts(codes: Codes, size: int) -> npt.NDArray[np.int64]:
    """How often each code occurs; the last place counts what has no value."""
    return np.bincount(np.where(codes < 0, size - 1, codes), minlength=size)
