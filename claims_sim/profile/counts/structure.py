"""Learn which earlier variables a variable depends on, and in which grouping. Sees codes only, releases nothing.

A parent is worth its while when the leave-one-out likelihood of the variable rises: each row is predicted from the
other rows of its context, which by itself punishes contexts that are too thin to say anything.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from claims_sim.profile.counts.as_released import as_released
from claims_sim.profile.counts.counting import DENSE_LIMIT, Ints, Mask, Population, dense_ids
from claims_sim.profile.counts.release import Parent, Target
from claims_sim.randomness import stream_key, uniforms

MAX_PARENTS: Final = 6
_PRIOR: Final = 6.0
"""Rows that the context above is worth: about what the suppression of cells under k amounts to."""
MIN_GAIN: Final = 0.001
GROUPING_COST: Final = 0.7
"""Log likelihood that assigning one code to a group wins by chance alone."""
_HOPELESS: Final = 0.0005
MOST_GROUPS: Final = 24
_GROUP_COUNTS: Final = (3, 8, MOST_GROUPS)
_GROUPED_FROM: Final = 7
"""Fewer codes than the days of a week need no groups."""
_SAMPLE: Final = 120_000
_SPARSE: Final = 4
"""So many times as many cells as there are rows, and they are numbered before they are counted."""
CLEARLY: Final = 0.01
"""Log likelihood a row that another order, or further candidates, must be worth: what a code is of its own says it best itself."""
_LARGE: Final = 100
"""So many codes, and each has few rows."""
_FEW_SMALL: Final = 3
"""So many of the parents that tell most are tried before one of many codes, whose contexts leave each too few rows."""
_COLUMNS: Final = 400
"""Codes are placed by so many of the commonest pairs of a context and a value."""
_AXES: Final = 6
_AXIS_ROUNDS: Final = 10

Scores = npt.NDArray[np.float64]
Likely = npt.NDArray[np.float32]
"""Of single rows: their mean over thousands is what counts, and half the bytes are half the work."""


def sample_rows(rows: int) -> Ints:
    """At most 120,000 rows, evenly spread, to learn structure from."""
    some = min(rows, _SAMPLE)
    return np.arange(some) * rows // max(some, 1)


def _others_like_it(keys: Ints, limit: int) -> Likely:
    """For each row the number of other rows with the same key, to add to likelihoods; keys lie under `limit`."""
    ids = keys if limit <= DENSE_LIMIT else dense_ids(keys)[0]
    # Cells may be many more than rows: only those of the rows become fractions.
    others = np.bincount(ids).take(ids, mode="clip").astype(np.float32)
    others -= 1
    return others


def choose_parents(
    target: Target, candidates: Sequence[Parent], most: int = MAX_PARENTS, sample: Population | None = None
) -> tuple[list[Parent], Mapping[str, tuple[int, ...]]]:
    """The parents in order of use, and the groups (code → group) of those that are groupings named `variable~target`.

    Only rows where the target is known are to be passed. With a `sample`, whose the rows are, they are weighed as the table will be
    released, which tells of a context what may be told of these; without it every context is believed as far as it has rows.
    """
    if len(target.codes) < 2 or target.size < 2:
        return [], {}
    memory = _Memory({}, {})
    found = _search(target, candidates, most, memory, sample=sample)
    large = next((parent.name for parent in found.chosen if parent.size >= _LARGE), None)
    if large is not None:
        # Of a thousand codes each has too few rows for anything to be told beside it. What else tells something may come first.
        other = _search(target, candidates, most, memory, last=large, sample=sample)
        found = other if other.likely > found.likely + CLEARLY else found
    used = {parent.name for parent in found.chosen}
    return found.chosen, {name: groups for name, groups in found.groupings.items() if name in used}


def tell_clearly_more(target: Target, candidates: Sequence[Parent], further: Sequence[Parent]) -> bool:
    """Do `further` candidates make the target clearly likelier than `candidates` alone do?"""
    memory = _Memory({}, {})
    with_them, without = (
        _search(target, parents, MAX_PARENTS, memory).likely for parents in ([*candidates, *further], candidates)
    )
    return with_them > without + CLEARLY


class _Found(NamedTuple):
    """Parents in order of use, all groups that were made, and how likely they make the target: log likelihood a row."""

    chosen: list[Parent]
    groupings: dict[str, tuple[int, ...]]
    likely: float


class _Memory(NamedTuple):
    """What one search has weighed and grouped another of the same target need not: by the names of the parents chosen, and the
    next one's.
    """  # noqa: D205

    gains: dict[tuple[str, ...], float]
    groupings: dict[tuple[str, ...], list["Grouping"]]


class Grouping(NamedTuple):
    """A parent's codes in groups, and the group of each code."""

    parent: Parent
    groups: tuple[int, ...]


def _search(
    target: Target,
    candidates: Sequence[Parent],
    most: int,
    memory: _Memory,
    *,
    last: str = "",
    sample: Population | None = None,
) -> _Found:
    """Take the parent that tells most, then the next; the one named `last` only where no other tells anything."""
    value = target.codes.astype(np.int64)
    rows = len(value)
    groupings: dict[str, tuple[int, ...]] = {}
    pool = {parent.name: parent for parent in candidates if parent.size > 1}
    plain = dict(pool)
    sizes = {parent.name: parent.size for parent in candidates}
    context = np.zeros(rows, np.int64)
    counts = np.bincount(value, minlength=target.size)
    above: Likely = ((counts - 1 + 1 / target.size) / rows).astype(np.float32)[value]
    chosen: list[Parent] = []
    while True:
        so_far = float(np.log(above).mean(dtype=np.float64))
        if len(chosen) == most:
            break
        given = tuple(parent.name for parent in chosen)
        if len(chosen) <= 1 and not groupings:
            for grouping in _group_all(target, context, list(pool.values()), given, memory):
                pool[grouping.parent.name] = grouping.parent
                groupings[grouping.parent.name] = grouping.groups
        known = _Known(given, context, int(context.max()) + 1, value, target.size, above, so_far, sample, memory.gains)
        best, small = _weigh_all(known, pool, sizes, last, drops_hopeless=bool(chosen))
        if best is None:
            # What told nothing more than its groups may do so with what was chosen since: a price with its month.
            again = {name.partition("~")[0] for name in given if "~" in name} | ({last} & pool.keys())
            weighed = [known.weigh(plain[name]) for name in sorted(again - {*given})]
            best = max(weighed, key=lambda gain: gain.gain, default=None)
        if best is None or best.gain <= MIN_GAIN:
            break
        if best.parent.size >= _LARGE and len(chosen) + 1 < most:
            best = known.small_first(best, small)
        context, above = known.narrowed(best)
        chosen.append(best.parent)
        # A variable's groups say nothing once its own code is given.
        variable, _, grouped = best.parent.name.partition("~")
        pool = {n: p for n, p in pool.items() if n != best.parent.name and (grouped or n.partition("~")[0] != variable)}
    return _Found(chosen, groupings, so_far)


def _weigh_all(
    known: "_Known", pool: dict[str, Parent], sizes: Mapping[str, int], last: str, *, drops_hopeless: bool
) -> tuple["_Gain | None", list[Parent]]:
    """The parent of the `pool` that would bring most, if any brings enough, and the few small ones that do; the one named `last`
    is none of them. `sizes` are those of the variables that groupings are made of.
    """  # noqa: D205
    best: tuple[float, Parent] | None = None
    small: list[tuple[float, Parent]] = []
    for parent in [parent for name, parent in pool.items() if name != last]:
        gain = known.gain(parent)
        if "~" in parent.name:
            gain -= GROUPING_COST * sizes[parent.variable] / len(known.value)
        if gain < _HOPELESS and drops_hopeless:
            del pool[parent.name]
        elif gain > MIN_GAIN:
            best = (gain, parent) if best is None or gain > best[0] else best
            if parent.size < _LARGE and "~" not in parent.name:
                small.append((gain, parent))
    small.sort(key=lambda told: -told[0])
    found = None if best is None else known.weigh(best[1])._replace(gain=best[0])
    return found, [parent for _, parent in small[:_FEW_SMALL]]


class _Gain(NamedTuple):
    """What a further parent would bring: log likelihood a row; each one's context then, how many others share its cell, and
    whether these may be told, where it matters.
    """  # noqa: D205

    gain: float
    parent: Parent
    ids: Ints
    in_context: Ints
    others: Likely
    told: Mask | None


class _Known(NamedTuple):
    """The target, the contexts that the parents chosen so far, the `given` ones, make of the rows, and what these tell of it.

    Each row is predicted from the other rows of its cell and its context, blended with what fewer parents tell of it, or as a
    table would that tells of a context what may be told of the `sample`.
    """

    given: tuple[str, ...]
    context: Ints
    contexts: int
    value: Ints
    size: int
    above: Likely
    so_far: float
    sample: Population | None
    gains: dict[tuple[str, ...], float]
    """What was weighed already."""

    def gain(self, parent: Parent) -> float:
        """Log likelihood a row that a further parent would bring."""
        names = (*self.given, parent.name)
        if names not in self.gains:
            self.gains[names] = self.weigh(parent).gain
        return self.gains[names]

    def weigh(self, parent: Parent) -> _Gain:
        """What a further parent would bring."""
        width = parent.size + 1
        ids, limit = self.context * width, self.contexts * width
        ids += parent.codes
        ids += 1
        if limit * self.size > _SPARSE * len(ids):
            ids, distinct = dense_ids(ids, limit)
            limit = len(distinct)
        in_context = np.bincount(ids, minlength=limit)
        keys = ids * self.size
        keys += self.value
        if self.sample is not None:
            cells, distinct = dense_ids(keys, limit * self.size)
            others, may = _others_like_it(cells, len(distinct)), self.sample.releasable(cells, len(distinct))[cells]
            released = as_released(ids, others, may, self.above)
            return _Gain(float(np.log(released).mean()) - self.so_far, parent, ids, in_context, others, may)
        others = _others_like_it(keys, limit * self.size)
        some = in_context[in_context > 0]
        likely = others + self.blended()
        told = float(np.log(likely, out=likely).sum(dtype=np.float64))
        told -= float((some * np.log(some + (_PRIOR - 1))).sum())
        return _Gain(told / len(ids) - self.so_far, parent, ids, in_context, others, None)

    def blended(self) -> Likely:
        """What fewer parents tell, as so many rows of each context."""
        return np.multiply(self.above, np.float32(_PRIOR))

    def small_first(self, large: _Gain, small: Sequence[Parent]) -> _Gain:
        """`large`, or the first of the `small` parents that tells more before it than it does after it."""
        after = self._after(large)
        for parent in small:
            one = self.weigh(parent)
            before = one.gain + self._after(one).gain(large.parent)
            if before > large.gain + max(after.gain(parent), 0) + MIN_GAIN:
                return one
        return large

    def _after(self, best: _Gain) -> "_Known":
        context, above = self.narrowed(best)
        return self._replace(
            given=(*self.given, best.parent.name),
            context=context,
            contexts=int(context.max()) + 1,
            above=above,
            so_far=self.so_far + best.gain,
        )

    def narrowed(self, best: _Gain) -> tuple[Ints, Likely]:
        """The contexts with that parent, and the probability of each row there."""
        context = dense_ids(best.ids, len(best.in_context))[0]
        if best.told is not None:
            return context, as_released(best.ids, best.others, best.told, self.above).astype(np.float32)
        within = (best.in_context + (_PRIOR - 1)).astype(np.float32)
        predicted: Likely = (best.others + self.blended()) / within.take(best.ids, mode="clip")
        return context, predicted


def _group_all(
    target: Target, context: Ints, parents: Sequence[Parent], given: tuple[str, ...], memory: _Memory
) -> list[Grouping]:
    """Groupings of all `parents` of more than a few codes, by where the target is alike within the `given` contexts."""
    found = []
    for parent in parents:
        if parent.size < _GROUPED_FROM or "~" in parent.name:
            continue
        names = (*given, parent.name)
        if names not in memory.groupings:
            memory.groupings[names] = _group(target, context, parent)
        found += memory.groupings[names]
    return found


def _group(target: Target, context: Ints, parent: Parent) -> list[Grouping]:
    """A parent's codes in each number of groups that is tried."""
    counts = [count for count in _GROUP_COUNTS if count * 2 <= parent.size]
    places = place_codes(parent, target, context)
    return [_grouping(target, parent, places, count) for count in counts]


def in_groups(target: Target, context: Ints, parent: Parent, count: int) -> Grouping:
    """A parent's codes in so many groups, by where the target is alike within the given contexts."""
    return _grouping(target, parent, place_codes(parent, target, context), count)


def _grouping(target: Target, parent: Parent, places: tuple[Scores, Scores], count: int) -> Grouping:
    groups = cluster(*places, count)
    codes = np.append(groups, -1)[parent.codes].astype(np.int32)
    return Grouping(Parent(f"{parent.name}~{target.name}~{count}", codes, count), tuple(groups.tolist()))


def place_codes(parent: Parent, target: Target, context: Ints) -> tuple[Scores, Scores]:
    """A point for each of a parent's codes, near where the target is distributed alike within the contexts chosen so far,
    and the number of rows that have the code.
    """  # noqa: D205
    known = parent.codes >= 0
    code, value, within = parent.codes[known].astype(np.int64), target.codes[known].astype(np.int64), context[known]
    if int(within.max(initial=0)) > 8:
        within = np.zeros_like(within)
    # Each code as a point: root shares of (context, value), context by context, so that its own mix does not count.
    width = (int(within.max(initial=0)) + 1) * target.size
    column = within * target.size + value
    wide = min(width, _COLUMNS)
    kept, column = _commonest(column, width, wide)
    joint = (
        np.bincount(code[kept] * wide + column, minlength=parent.size * wide).reshape(parent.size, wide).astype(float)
    )
    weight = np.bincount(code, minlength=parent.size).astype(float)
    prior = joint.sum(0) / max(joint.sum(), 1)
    share = np.sqrt((joint + 20 * prior) / (joint.sum(1, keepdims=True) + 20))
    centred = (share - np.average(share, axis=0, weights=weight + 1e-9)) * np.sqrt(weight)[:, None]
    axes = _leading_axes(centred)
    points = np.einsum("ij,jk->ik", share - np.average(share, axis=0, weights=weight + 1e-9), axes)
    return points, weight


def _leading_axes(points: Scores) -> Scores:
    """The directions (one a column) along which `points` spread most, by subspace iteration.

    Without BLAS: on matrices this small its threads wait for each other, which costs four times the work on a busy machine.
    """
    axes = uniforms(stream_key("axes"), np.arange(points.shape[1] * (_AXES + 2))).reshape(points.shape[1], -1) - 0.5
    for _ in range(_AXIS_ROUNDS):
        axes, _ = np.linalg.qr(np.einsum("ij,ik->jk", points, np.einsum("ij,jk->ik", points, axes)))
    return axes[:, :_AXES]


def _commonest(column: Ints, width: int, most: int) -> tuple[npt.NDArray[np.bool_], Ints]:
    """Rows whose column is among the commonest, and their columns renumbered."""
    order = np.argsort(-np.bincount(column, minlength=width), kind="stable")[:most]
    number = np.full(width, -1, np.int64)
    number[order] = np.arange(len(order))
    renumbered = number[column]
    return renumbered >= 0, renumbered[renumbered >= 0]


def cluster(points: Scores, weight: Scores, count: int) -> Ints:
    """Weighted k-means from a deterministic start: quantiles along the first axis, oriented by its heavier side."""
    first = points[:, 0] * (1 if np.sum(points[:, 0] ** 3 * weight) >= 0 else -1)
    order = np.argsort(first, kind="stable")
    position = np.cumsum(weight[order]) / max(weight.sum(), 1e-9)
    groups = np.empty(len(points), np.int64)
    groups[order] = np.minimum((position * count).astype(np.int64), count - 1)
    axes = len(points.T)
    weighted, place = (weight[:, None] * points).ravel(), np.arange(axes)
    for _ in range(25):
        mass = np.bincount(groups, weights=weight, minlength=count)
        total = np.bincount((groups[:, None] * axes + place).ravel(), weights=weighted, minlength=count * axes)
        centre = total.reshape(count, axes).T / np.maximum(mass, 1e-9)
        distance = np.zeros((len(points), count))
        for axis, centres in zip(points.T, centre, strict=True):
            distance += np.square(axis[:, None] - centres)
        distance[:, mass == 0] = np.inf
        moved = distance.argmin(1)
        if (moved == groups).all():
            break
        groups = moved
    return groups
