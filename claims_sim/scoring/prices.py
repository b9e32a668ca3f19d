"""Which amounts are on the price list, as far as the training claims show it.

Tariffs repeat: JKN pays by case group, severity, class of hospital, region and ward, so an amount that nobody else
ever had is an addition or an invention. A source without a price list (most amounts are unique) makes every claim
unlisted; its tail then says nothing.
"""

from dataclasses import dataclass

import numpy as np

from claims_sim.scoring.features import Features, Ints
from claims_sim.scoring.keys import Bools, Codes, fold
from claims_sim.scoring.surprise import Counts

_PLACE = ("service", "severity", "class")


@dataclass(frozen=True, slots=True)
class Prices:
    """The amounts that occurred, and in which places (service × severity × class) any did."""

    listed: Counts
    places: Counts

    @staticmethod
    def learn(features: Features, codes: Codes) -> "Prices":
        """Collect the distinct amounts per service, severity and class."""
        return Prices(Counts.learn(_price(features, codes)), Counts.learn(codes.key(_PLACE)))

    def unlisted(self, features: Features, codes: Codes, *, own: int = 0) -> Bools:
        """Claims whose amount is on no list although their place has one; `own` is 1 for training claims themselves."""
        unknown_price = self.listed.of(_price(features, codes)) == own
        return np.asarray(unknown_price & (self.places.of(codes.key(_PLACE)) > own), bool)


def _price(features: Features, codes: Codes) -> Ints:
    return fold([codes.key(_PLACE), np.nan_to_num(features.claimed).view(np.int64)])
