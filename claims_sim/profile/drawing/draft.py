"""Claims half drawn: codes by variable for a block of rows, and the helpers that turn codes into numbers."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from claims_sim.profile.counts.lookup import Codes, Rows
from claims_sim.profile.document import Profile
from claims_sim.profile.document_parts import Bins
from claims_sim.profile.prices.amount_fit import PRICED
from claims_sim.randomness import stream_key, uniforms

Numbers = npt.NDArray[np.float64]


class Draft:
    """The codes of a block of rows as they are drawn, with features derived where a table asks for them."""

    def __init__(self, profile: Profile, rows: int, groups: dict[str, npt.NDArray[np.int32]]) -> None:
        self.rows = rows
        self.codes: dict[str, Codes] = {}
        self._features = profile.features
        self._groups = groups

    def given(self, names: Iterable[str], at: npt.NDArray[np.int64] | None = None) -> dict[str, Codes]:
        """The features `names` for all rows, or for the rows `at`."""
        out = {}
        for name in names:
            feature = self._features[name]
            codes = self.codes.get(feature.variable)
            if codes is None and feature.variable == PRICED:
                codes = np.zeros(self.rows, np.int32)
            if codes is None:
                codes = np.full(self.rows if at is None else len(at), -1, np.int32)
            elif at is not None and len(codes) == self.rows:
                codes = codes[at]
            out[name] = codes if feature.groups is None else self._groups[name][codes]
        return out

    def keep(self, at: npt.NDArray[np.int64]) -> None:
        """Drop all rows but those `at`."""
        self.rows = len(at)
        self.codes = {name: codes[at] for name, codes in self.codes.items()}


class Edges:
    """Number ranges as arrays."""

    def __init__(self, bins: Bins) -> None:
        self.lo, self.hi = np.array(bins.lo), np.array(bins.hi)
        self._whole = np.broadcast_to(np.array(bins.whole, np.bool_), self.lo.shape)
        self._order = np.lexsort((self.hi - self.lo, self.lo))

    def draw(self, codes: Codes, u: Numbers, at_most: Numbers | None = None) -> Numbers:
        """A number in each code's range, as far as that lies under `at_most`; 0 for code -1."""
        if not len(self.lo):
            return np.zeros(len(codes))
        low, high = self.lo[codes], self.hi[codes]
        if at_most is not None:
            low, high = np.minimum(low, at_most), np.minimum(high, at_most)
        whole = self._whole[codes]
        value = low + u * (high - low + whole)
        value = np.where(whole, np.floor(value), value)
        return np.where(codes >= 0, value, 0.0)

    def beyond(self, codes: Codes, room: Numbers) -> npt.NDArray[np.bool_]:
        """Does each code's range lie wholly behind its `room`?"""
        return np.asarray((self.lo[codes] >= room) & (codes >= 0)) if len(self.lo) else np.zeros(len(codes), np.bool_)

    def code(self, values: Numbers) -> Codes:
        """The code whose range holds each value, the narrowest first; -1 where none does."""
        out = np.full(len(values), -1, np.int32)
        lo, hi = self.lo[self._order], self.hi[self._order]
        single = lo == hi
        for chosen in (self._order[~single], self._order[single]):
            if not len(chosen):
                continue
            at = np.clip(np.searchsorted(self.lo[chosen], values, side="right") - 1, 0, len(chosen) - 1)
            hit = (values >= self.lo[chosen][at]) & (values <= self.hi[chosen][at])
            out[hit] = chosen[at[hit]]
        return out


def systematic(key: int, rows: Rows) -> Numbers:
    """One number per row, one in each of len(rows) equal parts of [0, 1), in an order that the key decides."""
    rank = np.argsort(np.argsort(uniforms(key ^ stream_key("order"), rows)))
    return (rank + uniforms(key ^ stream_key("within"), rows)) / max(len(rows), 1)
