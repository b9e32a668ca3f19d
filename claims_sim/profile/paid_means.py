"""What is paid where no rule says it: about the mean of the claim's context, of the amount or of the share of what is claimed.

A case payment beside charges of any size follows the case, and is the smaller a share the more is charged; a share that is
negotiated follows the claimed amount. Whichever varies less about its means is told.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from claims_sim.profile.builder import Builder
from claims_sim.profile.context_means import features_of, find_means, locate
from claims_sim.profile.counting import Codes, Ints
from claims_sim.profile.document import Bins, PaidMeans
from claims_sim.profile.encode import Encoded
from claims_sim.profile.numbers import Numbers, bin_numbers
from claims_sim.profile.release import Parent, Target
from claims_sim.profile.rounding import amount_grid

PAID_RESIDUAL: Final = "paid_residual"
"""The table, and the ranges, of how far what is paid lies from its mean."""
_LEAST_SHARE: Final = 0.03
"""The share of the claims that must be paid so for it to be worth means of its own."""
_CLEARLY: Final = 0.9
"""How much of the shares' variance may be left about the means: else a share is drawn from ranges as well."""


def find_paid_means(
    builder: Builder, encoded: Encoded, candidates: Sequence[Parent], rows: Ints, grid: float
) -> PaidMeans | None:
    """The means of the amounts paid to `rows`, or of their shares of what is claimed; None where they tell little."""
    if len(rows) < max(_LEAST_SHARE * encoded.rows, 20 * encoded.population.k):
        return None
    shares = _logs(encoded, rows, of_shares=True)
    spread = float(np.var(shares))
    best: tuple[float, PaidMeans, Builder] | None = None
    for of_shares in (True, False):
        trial = Builder(builder.population, builder.variables)
        logs = shares if of_shares else _logs(encoded, rows, of_shares=False)
        means = find_means(trial, "paid", logs, rows, candidates, encoded.population)
        left = float(np.var(logs - locate(trial, means, rows)))
        if means.levels and left < _CLEARLY * spread and (best is None or left < best[0]):
            assert encoded.paid is not None  # noqa: S101 - the caller has both amounts
            own_grid = max(grid, amount_grid(encoded.paid[rows]))
            best = left, PaidMeans(of_shares=of_shares, means=means, grid=own_grid), trial
    if best is None:
        return None
    _, found, trial = best
    builder.features |= {name: trial.features[name] for name in features_of(found.means)}
    return found


def add_paid_residuals(
    builder: Builder,
    encoded: Encoded,
    bins: dict[str, Bins],
    candidates: Sequence[Parent],
    found: PaidMeans,
    rows: Ints,
) -> None:
    """Release how far what is paid to `rows` lies from `found`."""
    residual = np.full(encoded.rows, np.nan)
    residual[rows] = _logs(encoded, rows, of_shares=found.of_shares) - locate(builder, found.means, rows)
    binned = bin_numbers(residual, encoded.population, most=80, most_single=0)
    bins[PAID_RESIDUAL] = binned.bins
    codes: Codes = binned.codes
    builder.add(Target(PAID_RESIDUAL, codes, len(binned.bins.lo)), candidates, most=3)


def _logs(encoded: Encoded, rows: Ints, *, of_shares: bool) -> Numbers:
    assert encoded.claimed is not None  # noqa: S101 - as above
    assert encoded.paid is not None  # noqa: S101
    paid = np.maximum(encoded.paid[rows], 0.005)
    return np.asarray(np.log(paid / encoded.claimed[rows] if of_shares else paid))
