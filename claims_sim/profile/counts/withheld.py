"""Group a parent's codes by what their thin cells hold, so that it is drawn from codes like them. Releases nothing.

A cell of fewer than k is counted further up, where its parent is not given: for two thousand diagnoses this mixes what is rare
for each of them. A level between, where codes with the same rare values are one, keeps more of it in cells that may be told.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from claims_sim.profile.counts.counting import DENSE_LIMIT, Ints, Population, dense_ids
from claims_sim.profile.counts.release import Parent, Target
from claims_sim.profile.counts.structure import GROUPING_COST, MIN_GAIN, Scores, cluster, place_codes, sample_rows

THIN: Final = "thin"
"""In the names of such groups."""
_MANY: Final = 12
_COUNTS: Final = (8, 24, 60)
_ROUNDS: Final = 8
_SPARSE: Final = 4
"""So many times as many cells as there are rows, and they are numbered before they are counted."""
_VALUES: Final = 400
"""Codes are placed by the commonest values."""


class _Thin(NamedTuple):
    """What thin cells hold: the parent's code, the context above it and the value of each claim; one of `total` claims."""

    code: Ints
    above: Ints
    value: Ints
    codes: int
    values: int
    total: int
    k: int


def place_to_group(parents: Sequence[Parent]) -> int | None:
    """The place of the last parent that has many codes and whose groups are not given before it; None where there is none."""
    place = max((i for i, p in enumerate(parents) if p.size > _MANY and "~" not in p.name), default=None)
    if place is None or any(p.variable == parents[place].name for p in parents[:place]):
        return None
    return place


def group_what_is_withheld(
    target: Target, parents: Sequence[Parent], place: int, population: Population
) -> tuple[int, ...] | None:
    """For each code of the parent at `place` the group that is to be given before it; None where that helps too little.

    A code is placed by its thin cells where these together may be told, else with codes whose other cells are like its own.
    """
    parent = parents[place]
    known = np.flatnonzero((target.codes >= 0) & (parent.codes >= 0))
    value, code = target.codes[known].astype(np.int64), parent.codes[known].astype(np.int64)
    paths = [np.zeros(len(known), np.int64)]
    for given in parents:
        paths.append(dense_ids(paths[-1] * (given.size + 1) + given.codes[known] + 1)[0])
    thin = np.arange(len(known))
    for path in paths[:place:-1]:
        thin = thin[_like_it(path[thin] * target.size + value[thin]) < population.k]
    placed = population.releasable(code[thin], parent.size, known[thin])
    is_told = np.ones(len(known), np.bool_)
    is_told[thin] = False
    told = np.flatnonzero(is_told)
    thin = thin[placed[code[thin]]]
    if len(thin) < population.k * _MANY:
        return None
    told = told[sample_rows(len(told))]
    kin = _alike(
        Parent("", code[told].astype(np.int32), parent.size), Target("", value[told].astype(np.int32), target.size)
    )
    held = _Thin(code[thin], paths[place][thin], value[thin], parent.size, target.size, len(known), population.k)
    return _best_groups(held, placed, kin)


def _alike(parent: Parent, target: Target) -> list[Ints]:
    """Codes grouped by what their cells hold that are not thin, in each number of groups that is tried."""
    points, weight = place_codes(parent, target, np.zeros(len(parent.codes), np.int64))
    return [cluster(points, weight, count) for count in _COUNTS if 2 * count <= parent.size]


def _best_groups(thin: _Thin, placed: npt.NDArray[np.bool_], alike: Sequence[Ints]) -> tuple[int, ...] | None:
    """The grouping that tells most of what is thin, if it tells enough."""
    rows = len(thin.code)
    even = np.full(rows, 1 / thin.values)
    without = _told(thin.above, thin, _told(np.zeros(rows, np.int64), thin, even))
    best, most = None, MIN_GAIN * thin.total
    codes = thin.code.astype(np.int32)
    points, weight = place_codes(
        Parent("", codes, thin.codes), Target("", thin.value.astype(np.int32), thin.values), np.zeros(rows, np.int64)
    )
    for kin, count in zip(alike, _COUNTS, strict=False):
        begun = _with_kin(cluster(points, weight, count), kin, placed, weight)
        for groups in (begun, _settle(thin, begun, kin, placed)):
            context = dense_ids(thin.above * count + groups[thin.code])[0]
            gain = float(np.log(_told(context, thin, without)).sum() - np.log(without).sum())
            gain -= GROUPING_COST * thin.codes
            if gain > most:
                best, most = tuple(groups.tolist()), gain
    return best


def _with_kin(groups: Ints, kin: Ints, placed: npt.NDArray[np.bool_], weight: Scores) -> Ints:
    """Codes that are not placed with most of those that are, and that are like them in what is not thin."""
    count = int(groups.max(initial=0)) + 1
    met = np.bincount(kin[placed] * count + groups[placed], weight[placed], (int(kin.max()) + 1) * count)
    return np.where(placed, groups, met.reshape(-1, count).argmax(1)[kin])


def _settle(thin: _Thin, groups: Ints, kin: Ints, placed: npt.NDArray[np.bool_]) -> Ints:
    """Let each code join the group whose cells that may be told make its own thin cells likeliest, a few times over."""
    order = np.argsort(-np.bincount(thin.value, minlength=thin.values), kind="stable")[:_VALUES]
    width = len(order)
    column = np.full(thin.values, -1, np.int64)
    column[order] = np.arange(width)
    kept = column[thin.value] >= 0
    cells = thin.code[kept] * width + column[thin.value[kept]]
    own = np.bincount(cells, minlength=thin.codes * width).reshape(thin.codes, width).astype(float)
    pool = (own.sum(0) + 1) / (own.sum() + width)
    count = int(groups.max()) + 1
    of_kin = np.zeros((int(kin.max()) + 1, width))
    np.add.at(of_kin, kin, own)
    everyone = np.arange(thin.codes)
    for _ in range(_ROUNDS):
        together = np.zeros((count, width))
        np.add.at(together, groups, own)
        logs = _logs(together, pool, thin.k)
        fit = np.einsum("ij,kj->ik", own, logs)
        # What a code finds in its own group is what the others of it hold.
        fit[everyone, groups] = (own * _logs(together[groups] - own, pool, thin.k)).sum(1)
        moved = np.where(placed, fit.argmax(1), np.einsum("ij,kj->ik", of_kin, logs).argmax(1)[kin])
        if (moved == groups).all():
            break
        groups = moved
    return groups


def _logs(counts: Scores, pool: Scores, k: int) -> Scores:
    """The logarithm of each value's share in each group, with what is under k drawn from the pool."""
    told = np.where(counts >= k, counts, 0.0)
    whole = counts.sum(1, keepdims=True) + 1.0
    left = whole - told.sum(1, keepdims=True)
    logs: Scores = np.log((told + left * pool) / whole)
    return logs


def _told(context: Ints, thin: _Thin, above: Scores) -> Scores:
    """Each claim's probability by the others of its context, where its cell holds k; else by `above`."""
    in_cell, in_context = _like_it(context * thin.values + thin.value), _like_it(context)
    told = in_cell >= thin.k
    left = np.bincount(context, ~told)[context] / in_context
    likely: Scores = np.where(told, (in_cell - 1) / in_context, left * above)
    return likely


def _like_it(keys: Ints) -> Ints:
    """For each claim the number of claims with the same key."""
    limit = int(keys.max(initial=-1)) + 1
    ids = keys if limit <= min(DENSE_LIMIT, _SPARSE * len(keys)) else dense_ids(keys, limit)[0]
    counts: Ints = np.bincount(ids)[ids]
    return counts
