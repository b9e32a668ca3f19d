"""How amounts are profiled: prices that many persons share may recur exactly, all others keep only their distribution.

An amount is a shared price of its context, or lies around the mean of its context's logarithms. What is paid follows
from what is claimed by a ratio.
"""

from typing import Final, NamedTuple

import numpy as np

from claims_sim.profile.builder import Builder
from claims_sim.profile.counting import Codes, Ints, Population, dense_ids
from claims_sim.profile.document import Bins, Money
from claims_sim.profile.encode import Encoded
from claims_sim.profile.numbers import Numbers, bin_numbers
from claims_sim.profile.release import Parent, Target

GRIDS: Final = (1e6, 1e5, 1e4, 1000.0, 500.0, 100.0, 50.0, 25.0, 10.0, 5.0, 1.0, 0.5, 0.1, 0.05, 0.01)
FULL, ZERO, FIRST_RATIO = 0, 1, 2
_SHARED_DEPTH: Final = 3
"""A shared price may recur in a context of at least so many parents; further up it would be a price of other cases."""


class Located(NamedTuple):
    """Mean logarithms of nested contexts, and each row's own (from the deepest context that was released)."""

    levels: tuple[tuple[tuple[int, ...], tuple[float, ...]], ...]
    values: Numbers


def amount_grid(*amounts: Numbers | None) -> float:
    """The coarsest grid on which practically all amounts lie (999 in 1,000)."""
    known = np.concatenate([a[np.isfinite(a)] for a in amounts if a is not None] or [np.zeros(0)])
    known = known[known > 0]
    if not len(known):
        return 1.0
    for grid in GRIDS:
        steps = known / grid
        if np.mean(np.abs(steps - np.rint(steps)) < 1e-6 * np.maximum(1, steps)) > 0.999:
            return grid
    return 0.01


def profile_money(builder: Builder, encoded: Encoded, bins: dict[str, Bins], parents: list[str]) -> Money:
    """Release the tables `amount`, `amount_residual` and `paid`, and say how they belong together."""
    primary = encoded.claimed if encoded.claimed is not None else encoded.paid
    assert primary is not None  # noqa: S101 - reading requires one amount
    population = encoded.population
    known = np.flatnonzero(np.isfinite(primary))
    distinct, ids = np.unique(primary[known], return_inverse=True)
    shared = population.releasable(ids.astype(np.int64), len(distinct), known)
    exact = distinct[shared]
    other = len(exact)
    codes = np.full(len(primary), -1, np.int32)
    codes[known] = np.where(shared, np.cumsum(shared) - 1, other)[ids]
    candidates = builder.candidates(parents)
    target = Target("amount", codes, other + 1)
    depth = min(_SHARED_DEPTH, len(candidates))
    counted = builder.add(target, candidates, fallback=(other, depth))
    rest = np.flatnonzero((counted == other) & np.isfinite(primary))
    above = [builder.features[name] for name in builder.tables["amount"].parents]
    location = [_feature_codes(builder, name) for name in builder.tables["amount"].parents] if above else []
    logs = np.log(np.maximum(primary[rest], 1e-2))
    located = locate(logs, [Parent(p.name, p.codes[rest], p.size) for p in location], population, rest)
    residual = np.full(len(primary), np.nan)
    residual[rest] = logs - located.values
    binned = bin_numbers(residual, population, most=80, most_single=0)
    bins["amount_residual"] = binned.bins
    builder.add(Target("amount_residual", binned.codes, len(binned.bins.lo)), candidates, most=3)
    has_both = encoded.claimed is not None and encoded.paid is not None
    if has_both:
        _profile_paid(builder, encoded, bins, parents)
    return Money(
        primary="amount_claimed" if encoded.claimed is not None else "amount_paid",
        has_both=has_both,
        exact=tuple(exact.tolist()),
        location_parents=tuple(builder.tables["amount"].parents),
        location_levels=located.levels,
    )


def _feature_codes(builder: Builder, name: str) -> Parent:
    feature = builder.features[name]
    codes = builder.variables[feature.variable][0]
    if feature.groups is not None:
        codes = np.append(np.array(feature.groups, np.int32), np.int32(-1))[codes]
    return Parent(name, codes, feature.size)


def locate(logs: Numbers, parents: list[Parent], population: Population, rows: Ints) -> Located:
    """Means of `logs` (one per row of `rows`) over nested contexts of enough persons, rounded to a hundredth."""
    values = np.zeros(len(logs))
    path, keys = np.zeros(len(logs), np.int64), np.zeros((1, 0), np.int64)
    levels = []
    for depth in range(len(parents) + 1):
        if depth:
            parent = parents[depth - 1]
            valid = (path >= 0) & (parent.codes >= 0)
            ids, distinct = dense_ids(path[valid] * parent.size + parent.codes[valid])
            path[~valid] = -1
            path[valid] = ids
            keys = np.column_stack([keys[distinct // parent.size], distinct % parent.size])
        known = np.flatnonzero(path >= 0)
        allowed = population.releasable(path[known], len(keys), rows[known])
        total = np.bincount(path[known], weights=logs[known], minlength=len(keys))
        mean = np.round(total / np.maximum(np.bincount(path[known], minlength=len(keys)), 1), 2)
        if depth == 0 and not allowed.any():
            return Located((), values)
        here = known[allowed[path[known]]]
        values[here] = mean[path[here]]
        path[known[~allowed[path[known]]]] = -1
        levels.append((tuple(keys[allowed].ravel().tolist()), tuple(mean[allowed].tolist())))
    return Located(tuple(levels), values)


def _profile_paid(builder: Builder, encoded: Encoded, bins: dict[str, Bins], parents: list[str]) -> None:
    claimed, paid = encoded.claimed, encoded.paid
    assert claimed is not None  # noqa: S101 - the caller has both
    assert paid is not None  # noqa: S101
    known = np.isfinite(claimed) & np.isfinite(paid)
    full, zero = known & (claimed == paid), known & (paid == 0) & (claimed > 0)
    part = known & ~full & ~zero & (claimed > 0)
    ratio = np.full(len(claimed), np.nan)
    ratio[part] = np.round(paid[part] / claimed[part], 4)
    binned = bin_numbers(ratio, encoded.population, most=60, most_single=400)
    bins["paid"] = Bins(lo=(1.0, 0.0, *binned.bins.lo), hi=(1.0, 0.0, *binned.bins.hi))
    codes: Codes = np.where(binned.codes >= 0, binned.codes + FIRST_RATIO, -1).astype(np.int32)
    codes[full], codes[zero] = FULL, ZERO
    builder.add(Target("paid", codes, len(binned.bins.lo) + FIRST_RATIO), builder.candidates(parents))
