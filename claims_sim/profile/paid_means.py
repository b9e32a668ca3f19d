"""What is paid where no rule says it: about the mean of the claim's context, of the amount or of the share of what is claimed.

A case payment beside charges of any size follows the case, and is the smaller a share the more is charged; a share that is
negotiated follows the claimed amount; case groups that no column tells make claims dearer on either side. Whichever varies least
about its means is told.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from claims_sim.profile.builder import Builder
from claims_sim.profile.context_means import features_of, find_means, locate
from claims_sim.profile.counting import Codes, Ints
from claims_sim.profile.document import Bins, Means, PaidMeans
from claims_sim.profile.encode import Encoded
from claims_sim.profile.numbers import Numbers, bin_numbers, rise
from claims_sim.profile.release import Parent, Target
from claims_sim.profile.rounding import amount_grid

PAID_RESIDUAL: Final = "paid_residual"
"""The table, and the ranges, of how far what is paid lies from its mean."""
_LEAST_SHARE: Final = 0.03
"""The share of the claims that must be paid so for it to be worth means of its own."""
_CLEARLY_BETWEEN: Final = 0.95
"""How much of what either leaves may be left by something between an amount and a share."""
_CLEARLY: Final = 0.9
"""How much of the shares' variance may be left about the means: else a share is drawn from ranges as well."""


def find_paid_means(
    builder: Builder, encoded: Encoded, candidates: Sequence[Parent], rows: Ints, grid: float
) -> PaidMeans | None:
    """The means of the amounts paid to `rows`, or of their shares of what is claimed; None where they tell little."""
    enough = max(_LEAST_SHARE * encoded.rows, 20 * encoded.population.k)
    if len(rows) < enough or not encoded.population.may_be_told(rows):
        return None
    of_share, of_amount = (_try_out(builder, encoded, candidates, rows, share) for share in (1.0, 0.0))
    tried = [of_share, of_amount]
    # What contexts leave of what is claimed is what they leave of the amount, less what they leave of the share.
    one = encoded.population.one_of_each(rows)
    follows = rise(of_amount.rest[one], (of_amount.rest - of_share.rest)[one])
    # An amount of its own, or a share, is simpler than something between.
    if 0.0 < follows < 1.0:
        between = _try_out(builder, encoded, candidates, rows, follows)
        tried += [between] if between.left < _CLEARLY_BETWEEN * min(of_share.left, of_amount.left) else []
    best = min((found for found in tried if found.means.levels), key=lambda found: found.left, default=None)
    if best is None or best.left >= _CLEARLY * float(np.var(_logs(encoded, rows, 1.0))):
        return None
    builder.features |= {name: best.builder.features[name] for name in features_of(best.means)}
    assert encoded.paid is not None  # noqa: S101 - the caller has both amounts
    own_grid = max(grid, amount_grid(encoded.paid[rows]))
    return PaidMeans(follows_claimed=best.share, means=best.means, grid=own_grid)


class _Tried(NamedTuple):
    """Means of what is paid less a `share` of what is claimed, all as logarithms, what they were learned with and what they leave."""

    share: float
    means: Means
    builder: Builder
    rest: Numbers

    @property
    def left(self) -> float:
        """The variance that they leave."""
        return float(np.var(self.rest))


def _try_out(builder: Builder, encoded: Encoded, candidates: Sequence[Parent], rows: Ints, share: float) -> _Tried:
    trial, logs = Builder(builder.population, builder.variables), _logs(encoded, rows, share)
    means = find_means(trial, "paid", logs, rows, candidates, encoded.population)
    return _Tried(share, means, trial, logs - locate(trial, means, rows))


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
    residual[rows] = _logs(encoded, rows, found.follows_claimed) - locate(builder, found.means, rows)
    binned = bin_numbers(residual, encoded.population, most=80, most_single=0)
    bins[PAID_RESIDUAL] = binned.bins
    codes: Codes = binned.codes
    builder.add(Target(PAID_RESIDUAL, codes, len(binned.bins.lo)), candidates, most=3)


def _logs(encoded: Encoded, rows: Ints, share: float) -> Numbers:
    """The logarithms of what is paid to `rows`, less so much of the logarithms of what they claim."""
    assert encoded.claimed is not None  # noqa: S101 - as above
    assert encoded.paid is not None  # noqa: S101
    return np.asarray(np.log(np.maximum(encoded.paid[rows], 0.005)) - share * np.log(encoded.claimed[rows]))
