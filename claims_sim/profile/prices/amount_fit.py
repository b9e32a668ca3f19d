"""What the steps of profiling amounts share: the amounts, the price lists behind them, and the names of what they draw."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from claims_sim.profile.counts.builder import Builder
from claims_sim.profile.counts.counting import Ints, Mask
from claims_sim.profile.counts.numbers import Numbers
from claims_sim.profile.counts.release import Parent
from claims_sim.profile.document_parts import Bins
from claims_sim.profile.encoding.encode import Encoded
from claims_sim.profile.prices.lattice import Lattice
from claims_sim.profile.prices.pricing import Places, most_levels

PRICED: Final = "is_priced"
"""A variable of the sampler's own: 1 where the tariff has a price for the row's case."""
PRICE_CASE: Final = "price_case"
"""Another one: the number of the case by which the tariffs price the claim."""
ON_LIST: Final = "is_on_list"
"""Another: 1 where what is claimed is a price of the tariffs, or the price that is paid."""
PRICE_POINT: Final = "price_point"
"""And another: which price of its case a claim bears, the commonest being 0."""
AMOUNT_KIND: Final = "amount_kind"
"""And whether what is claimed is a price of the tariffs, the price that is paid, an amount by name, or another; of a price also how
dear it is for its case, where a case has several.
"""
KIND_OF_FEW: Final = "amount_kind_of_few"
"""The table that draws that of claims of whose case too few are like them: by what tells it in all cases."""
SHARED_AMOUNT: Final = "shared_amount"
"""The table that draws which amount by name is claimed, where there are so many that they have one of their own."""
RESIDUAL: Final = "amount_residual"
"""How far an amount lies from what it lies about; the last code is of those that are prices or told by name."""
BY_NAME: Final = 2
"""Amounts by name are the last kind but one."""


@dataclass(slots=True)
class AmountFit:
    """What the steps of profiling amounts share."""

    builder: Builder
    encoded: Encoded
    bins: dict[str, Bins]
    earlier: list[str]
    primary: Numbers
    grid: float
    lattices: Sequence[Lattice]
    follows: Numbers
    """What of each amount's logarithm follows from which price is paid."""
    places: Places
    as_paid: Mask
    """Which amounts are just the price that is paid."""

    @property
    def points(self) -> int:
        """How many places on the tariffs `amount` has codes for: points of a case × hidden levels."""
        return self.places.points * most_levels(self.lattices)

    @property
    def first_shared(self) -> int:
        """The code in `amount` of the first amount that is shared off the tariffs."""
        return self.points + bool(self.as_paid.any())

    @property
    def candidates(self) -> list[Parent]:
        """What tables of amounts may depend on."""
        return self.builder.candidates(self.earlier)

    def logs(self, rows: Ints) -> Numbers:
        """The logarithms of amounts, less what of each follows from which price is paid."""
        return np.asarray(np.log(np.maximum(self.primary[rows], self.grid / 2)) - self.follows[rows])
