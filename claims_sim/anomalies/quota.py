"""Which claims of a stream are anomalous, and how: a pure function of the seed and a claim's position in the stream.

The share is exact over each 1,000 positions, however the stream is cut into batches; of a batch that is asked for with a
share of its own, it is exact in the batch. Knows no claims.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from claims_sim.randomness import stream_key, uniforms

BLOCK: Final = 1000
STRENGTHS: Final = (1, 2, 3)
STRENGTH_SHARES: Final = (0.3, 0.4, 0.3)
"""Of anomalies that are subtle (1), plain (2) and blatant (3)."""

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Assigned:
    """One entry per anomalous claim: its place among the asked positions, what it is to be, and its campaign or -1."""

    places: Ints
    kinds: tuple[str, ...]
    strengths: Ints
    campaigns: Ints


@dataclass(frozen=True, slots=True)
class Quota:
    """The rate of anomalies, the shares of their kinds, and the share of anomalies that belong to campaigns.

    A campaign is one kind at one facility within one block of 1,000 claims. `strength` fixes one for all anomalies;
    0 mixes them by `STRENGTH_SHARES`.
    """

    rate: float
    shares: Mapping[str, float] = field(default_factory=dict)
    campaign_share: float = 0.0
    seed: int = 0
    strength: int = 0
    of_batch: str = ""
    """The id of the one batch that this is for, whatever its place in the stream; empty: the stream's."""

    def in_block(self, block: int) -> int:
        """How many claims of a block are anomalous: what the rate makes of it, fractions carried over."""
        return _rounded(self.rate, block + 1) - _rounded(self.rate, block)

    def assign(self, positions: Ints) -> Assigned:
        """The anomalous ones among `positions` (whole numbers from 0, each once)."""
        if self.of_batch:
            return self._assign_all(len(positions))
        parts = [self._assign_block(int(block), positions) for block in np.unique(positions // BLOCK)]
        kinds = tuple(kind for part in parts for kind in part.kinds)
        if not parts:
            empty = np.zeros(0, np.int64)
            return Assigned(empty, (), empty, empty)
        places, strengths, campaigns = (
            np.concatenate([getattr(part, name) for part in parts]) for name in ("places", "strengths", "campaigns")
        )
        return Assigned(places, kinds, strengths, campaigns)

    def _assign_block(self, block: int, positions: Ints) -> Assigned:
        """The block's anomalies are decided all together; of them those are given that are asked for."""
        count = self.in_block(block)
        numbers = np.arange(BLOCK) + block * BLOCK
        chosen = numbers[np.argsort(uniforms(stream_key(self.seed, "anomaly places"), numbers), kind="stable")[:count]]
        kinds, strength, campaign = self._as_what(block, chosen)
        by_position = np.argsort(positions, kind="stable")
        at = np.searchsorted(positions[by_position], chosen)
        at = np.minimum(at, len(positions) - 1)
        asked = positions[by_position][at] == chosen
        return Assigned(
            by_position[at][asked],
            tuple(kinds[i] for i in np.flatnonzero(asked)),
            strength[asked].astype(np.int64),
            campaign[asked].astype(np.int64),
        )

    def _assign_all(self, count: int) -> Assigned:
        """As many of a batch as the rate makes of it, to the nearest claim; its campaign, if any, is its own."""
        numbers = np.arange(count)
        order = np.argsort(uniforms(stream_key(self.seed, "anomaly places", self.of_batch), numbers), kind="stable")
        chosen = order[: round(self.rate * count + 1e-6)]
        kinds, strength, campaign = self._as_what(stream_key(self.of_batch) % 2**32, chosen)
        return Assigned(chosen.astype(np.int64), kinds, strength.astype(np.int64), campaign.astype(np.int64))

    def _as_what(self, block: int, chosen: Ints) -> tuple[tuple[str, ...], Ints, Ints]:
        """What the chosen ones of a block are to be: kinds, strengths, and campaigns or -1."""
        count = len(chosen)
        names, edges = list(self.shares), np.cumsum(list(self.shares.values()))
        # Systematic draws: the kinds of a block follow the mix as closely as their number allows.
        offset = uniforms(stream_key(self.seed, "anomaly kinds"), np.array([block]))[0]
        steps = (np.arange(count) + offset) / max(count, 1) * edges[-1]
        kind = np.minimum(np.searchsorted(edges, steps, side="right"), len(names) - 1)
        order = np.argsort(uniforms(stream_key(self.seed, "anomaly order"), chosen), kind="stable")
        kind = kind[order]
        in_campaign = np.arange(count) < round(self.campaign_share * count)
        lead = uniforms(stream_key(self.seed, "campaign kinds"), np.array([block]))[0] * edges[-1]
        kind[in_campaign] = min(int(np.searchsorted(edges, lead, side="right")), len(names) - 1)
        strength = 1 + np.searchsorted(
            np.cumsum(STRENGTH_SHARES)[:-1], uniforms(stream_key(self.seed, "anomaly strengths"), chosen), side="right"
        )
        if self.strength:
            strength = np.full(count, self.strength)
        return tuple(names[i] for i in kind), strength, np.where(in_campaign, block, -1)


def _rounded(rate: float, blocks: int) -> int:
    return math.floor(rate * BLOCK * blocks + 1e-6)
