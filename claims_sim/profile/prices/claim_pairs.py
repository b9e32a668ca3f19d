"""Compare pairs of claims that are alike: how often both have equal amounts, and what dividing by a factor does to that.

A pair agrees in a key. Pairs are taken at random, the same ones each time.
"""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

import numpy as np

from claims_sim.profile.counts.counting import Ints, Mask, dense_ids
from claims_sim.profile.counts.numbers import Numbers
from claims_sim.profile.encoding.encode import Encoded

LEAST_CHANGE: Final = 0.002
"""Prices of months that differ by less than this are the same price list."""


def alike(encoded: Encoded, names: Iterable[str], rows: Ints) -> Ints:
    """A number for all that `names` say of each of `rows`."""
    key = np.zeros(len(rows), np.int64)
    for name in names:
        key, _ = dense_ids(key * (len(encoded.vocabularies[name]) + 1) + encoded.codes[name][rows] + 1)
    return key


def logs_left(factors: Mapping[str, Numbers], encoded: Encoded, logs: Numbers, rows: Ints) -> Numbers:
    """What the factors leave of the logarithms of `rows`."""
    rest = logs[rows].copy()
    for name, factor in factors.items():
        rest -= np.append(factor, 0.0)[encoded.codes[name][rows]]
    return rest


def equal_pairs(key: Ints, logs: Numbers, tolerance: Numbers, slack: float = 2e-5) -> float:
    """How often two claims with one key have equal logarithms, as far as factors are known to the `slack`."""
    one, other = _pairs(key)
    if not len(one):
        return 0.0
    return float(np.mean(np.abs(logs[one] - logs[other]) <= tolerance[one] + tolerance[other] + slack))


class Pairs(NamedTuple):
    """The places of both claims of each pair: of the one that is moved less, and of the one that is moved more."""

    less: Ints
    more: Ints

    def only(self, those: Mask) -> "Pairs":
        """Just `those` pairs."""
        return Pairs(self.less[those], self.more[those])


class Moved(NamedTuple):
    """Of pairs with one key whose claims are moved by different numbers: the share that was equal `before` and is `after`, and the pairs
    that were and are.
    """  # noqa: D205

    before: float
    after: float
    were: Pairs
    are: Pairs


def equal_when_moved(key: Ints, before: Numbers, after: Numbers, tolerance: Numbers) -> Moved:
    """What moving the logarithms from `before` to `after` does to pairs with one key."""
    one, other = _pairs(key)
    moved = before - after
    apart = np.abs(moved[one] - moved[other]) > LEAST_CHANGE
    one, other = one[apart], other[apart]
    is_less = moved[one] < moved[other]
    pairs = Pairs(np.where(is_less, one, other), np.where(is_less, other, one))
    width = tolerance[one] + tolerance[other] + 2e-5
    was, is_ = (np.abs(logs[one] - logs[other]) <= width for logs in (before, after))
    shares = (float(was.mean()), float(is_.mean())) if len(one) else (0.0, 0.0)
    return Moved(*shares, pairs.only(was), pairs.only(is_))


def _pairs(key: Ints) -> tuple[Ints, Ints]:
    """The places of both claims of each pair with one key."""
    order = np.lexsort((np.arange(len(key)) * 0x9E3779B1 >> 8 & 0xFFFF, key))
    one, other = order[:-1], order[1:]
    same = key[one] == key[other]
    return one[same], other[same]
