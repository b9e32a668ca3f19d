"""Draws from many distributions at once, by table. Knows nothing of claims."""

from math import lgamma

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class Lookup:
    """One distribution over the same options in each row of `weights` (rows x options, not all zero in a row)."""

    __slots__ = ("_flat", "_options")

    def __init__(self, weights: npt.ArrayLike) -> None:
        table = np.atleast_2d(np.asarray(weights, dtype=np.float64))
        cumulative = np.cumsum(table, axis=1)
        cumulative /= cumulative[:, -1:]
        # All rows become one ascending list, so that a single search serves any mixture of rows.
        self._flat = (cumulative + np.arange(len(table))[:, None]).ravel()
        self._options = table.shape[1]

    def draw(self, rows: Ints | int, chances: Floats) -> Ints:
        """The option of each chance (a uniform number in [0, 1)) in its row's distribution."""
        # A chance rounded up to 1 would fall into the next row.
        found = np.searchsorted(self._flat, np.asarray(rows) + np.minimum(chances, 1 - 1e-9), side="right")
        return np.asarray(found - np.asarray(rows) * self._options, dtype=np.int64)


def poisson(mean: float, options: int) -> Floats:
    """The Poisson distribution of `mean` over 0 .. options - 1, not normalised."""
    return np.exp([k * np.log(mean) - mean - lgamma(k + 1) for k in range(options)])


def negative_binomial(mean: float, shape: float, options: int) -> Floats:
    """The negative binomial distribution with this mean and shape over 0 .. options - 1, not normalised."""
    failure = np.log(mean / (mean + shape))
    success = shape * np.log(shape / (mean + shape))
    return np.exp([lgamma(k + shape) - lgamma(shape) - lgamma(k + 1) + success + k * failure for k in range(options)])
