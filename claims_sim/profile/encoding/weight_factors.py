"""Weights that are a product of what their places, kinds of service and months have each: how a sample drawn by strata is weighted.

Strata of few facilities may not be told, and a claim that is dealt out to another place needs that one's weight; what each place and
each month multiplies by is shared by many, and makes every stratum's weight.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from claims_sim.profile.counts.counting import Codes, Ints, Mask, Population, dense_ids
from claims_sim.profile.counts.numbers import Numbers

_MOST_DECIMALS: Final = 6
_SAMPLE: Final = 60_000
_NEARLY_ALL: Final = 0.95
"""The share of the claims whose weights must come out."""
_MOST: Final = 0.5
"""The share of the claims with a weight that must say all that it may follow from."""
_ROUNDS: Final = 12
_FAR_OFF: Final = 0.1
"""How far off most weights may lie before those that are no such products are left out."""
_TIMES: Final = 3.0
"""Those are left out that lie so many times as far off as the middle one."""
_MOST_OF_ONE: Final = 50
"""A stratum counts as so many claims at most where it is asked how far off the middle one lies."""
_AS_MANY: Final = 0.96
"""The share of those whose weights come out that must do without a column, for it to be none of these."""
_FEWEST_WEIGHTS: Final = 20
"""So few weights are told one by one."""
_SHORTER: Final = 2
"""How many times as many weights there must be as factors, or what is told is no shorter than what it makes."""
_DIGITS: Final = 9
_MOST_VALUES: Final = 300
_SAME_STEP: Final = 1.5
"""A weight that is made lies fewer steps than this off the claim's own: both are rounded."""
_SMALL: Final = 0.01
"""So small a part of a weight its last decimal must be."""


class WeightFactors(NamedTuple):
    """The logarithms of what each value of some variables multiplies by, NaN where none may be told, and the step of the weights."""

    logs: dict[str, Numbers]
    step: float


def decimals_of(weight: Numbers) -> int:
    """How many decimals practically all weights have at most."""
    known = weight[np.isfinite(weight)]
    if not len(known):
        return 0
    some = known[:: max(1, len(known) // _SAMPLE)]
    close = (np.mean(np.abs(some * 10.0**d - np.rint(some * 10.0**d)) < 1e-6) > 0.999 for d in range(_MOST_DECIMALS))
    return next((decimals for decimals, all_ in enumerate(close) if all_), _MOST_DECIMALS)


def is_fine(step: float, weight: Numbers) -> bool:
    """Do so many decimals tell the weights, the least as well as others?"""
    some = weight[np.isfinite(weight) & (weight > 0)]
    return bool(len(some)) and step <= _SMALL * float(np.quantile(some, 0.01))


def find_weight_factors(weight: Numbers, columns: Mapping[str, Codes], population: Population) -> WeightFactors | None:
    """What the values of some of the `columns` (codes from -1 for missing) multiply weights by; None where weights are no such products.

    Only the columns without which weights do not come out are among them.
    """
    step = 10.0 ** -decimals_of(weight)
    if not is_fine(step, weight):
        return None
    known = np.isfinite(weight) & (weight > 0)
    sizes = {name: int(codes.max(initial=-1)) + 1 for name, codes in columns.items()}
    # Of thousands of districts nobody could tell factors in a moment, nor are they strata.
    columns = {name: codes for name, codes in columns.items() if sizes[name] <= _MOST_VALUES}
    if not columns:
        return None
    filled = np.logical_and.reduce([known, *(codes >= 0 for codes in columns.values())])
    rows = np.flatnonzero(filled)
    if len(rows) <= _MOST * np.count_nonzero(known):
        return None
    strata = _Strata.of(weight, columns, rows[:: max(1, len(rows) // _SAMPLE)], step)
    if len(np.unique(strata.weight)) < _FEWEST_WEIGHTS:
        return None
    names = list(columns)
    fits = strata.that_fit(names)
    if fits is None:
        return None
    # Those of most values first: what a district says its province may, and what a month does the season.
    for name in sorted(columns, key=lambda name: -len(np.unique(strata.codes[name]))):
        fewer = [one for one in names if one != name]
        without = strata.that_fit(fewer)
        if without is not None and strata.claims[without].sum() >= _AS_MANY * strata.claims[fits].sum():
            names, fits = fewer, without
    alike = strata.only(fits)
    if not names or _SHORTER * sum(len(np.unique(alike.codes[name])) for name in names) > len(np.unique(alike.weight)):
        return None
    logs, factors = {}, alike.factors(names)
    made = made_weights(factors, columns, len(weight), step)
    # Only claims whose weight it makes show what a value multiplies by.
    rows = rows[np.abs(made[rows] - weight[rows]) < _SAME_STEP * step]
    for name, factor in factors.items():
        told = population.releasable(columns[name][rows].astype(np.int64), sizes[name], rows)
        there = np.isin(np.arange(len(told)), alike.codes[name]) & told
        logs[name] = np.where(there, np.round(np.append(factor, np.zeros(len(told) - len(factor))), _DIGITS), np.nan)
    return WeightFactors(logs, step) if all(np.isfinite(factor).any() for factor in logs.values()) else None


class _Strata(NamedTuple):
    """What claims are weighted by and their weights, each once, with how many there are of it."""

    codes: dict[str, Codes]
    weight: Numbers
    claims: Numbers
    step: float

    @classmethod
    def of(cls, weight: Numbers, columns: Mapping[str, Codes], rows: Ints, step: float) -> "_Strata":
        key = np.unique(weight[rows], return_inverse=True)[1].astype(np.int64)
        for codes in columns.values():
            key, _ = dense_ids(key * (int(codes.max()) + 1) + codes[rows])
        _, first, count = np.unique(key, return_index=True, return_counts=True)
        at = rows[first]
        return cls({name: codes[at] for name, codes in columns.items()}, weight[at], count.astype(np.float64), step)

    def only(self, those: Mask) -> "_Strata":
        """Just `those`."""
        codes = {name: codes[those] for name, codes in self.codes.items()}
        return _Strata(codes, self.weight[those], self.claims[those], self.step)

    def that_fit(self, names: Sequence[str]) -> Mask | None:
        """Those whose weights are one product of factors; None where they are not nearly all: a house that came to another class in the
        meantime keeps its weight.
        """  # noqa: D205
        fits = np.ones(len(self.weight), np.bool_)
        for _ in range(_ROUNDS):
            off = np.abs(np.log(self.weight) - self._logs(self.only(fits).factors(names), names))
            usual = float(np.median(np.repeat(off, np.minimum(self.claims, _MOST_OF_ONE).astype(np.int64))))
            if usual > _FAR_OFF:
                return None
            within = off <= _TIMES * usual + 0.75 * self.step / self.weight
            if (within == fits).all():
                break
            fits = within
        made = self.made_by(self.only(fits).factors(names), names)
        return made if self.claims[made].sum() >= _NEARLY_ALL * self.claims.sum() else None

    def factors(self, names: Sequence[str]) -> dict[str, Numbers]:
        """The logarithms of what each value multiplies by, by least squares."""
        sizes = [int(self.codes[name].max(initial=0)) + 1 for name in names]
        start = np.r_[0, np.cumsum(sizes)].astype(np.int64)
        places = [start[i] + self.codes[name].astype(np.int64) for i, name in enumerate(names)]
        total = int(start[-1])
        sums, together = np.zeros(total), np.zeros((total, total))
        for one in places:
            sums += np.bincount(one, np.log(self.weight) * self.claims, total)
            for other in places:
                pairs = np.bincount(one * total + other, self.claims, total * total)
                together += pairs.reshape(total, total)
        found = np.linalg.lstsq(together, sums, rcond=1e-10)[0] if total else sums
        return {name: np.asarray(found[start[i] : start[i + 1]]) for i, name in enumerate(names)}

    def _logs(self, factors: Mapping[str, Numbers], names: Sequence[str]) -> Numbers:
        total = np.zeros(len(self.weight))
        for name in names:
            codes = self.codes[name]
            total += np.append(factors[name], 0.0)[np.minimum(codes, len(factors[name]))]
        return total

    def made_by(self, factors: Mapping[str, Numbers], names: Sequence[str]) -> Mask:
        """Whose weights the factors make; rounding moves a weight by half a step, and what is fitted to such by a little more."""
        return np.abs(np.exp(self._logs(factors, names)) - self.weight) < 0.75 * self.step + 1e-9


def made_weights(logs: Mapping[str, Numbers], given: Mapping[str, Codes], rows: int, step: float) -> Numbers:
    """The weights of so many claims with the codes `given`, in whole steps; NaN where some factor is not told."""
    total = np.zeros(rows)
    for name, factor in logs.items():
        codes = given.get(name, np.full(rows, -1, np.int32))
        total += np.append(factor, np.nan)[np.where(codes < len(factor), codes, -1)]
    return in_whole_steps(np.exp(total), step)


def in_whole_steps(weight: Numbers, step: float) -> Numbers:
    """Weights in whole steps, one at least; NaN stays."""
    return np.asarray(np.round(np.maximum(np.rint(weight / step), 1.0) * step, _MOST_DECIMALS))
