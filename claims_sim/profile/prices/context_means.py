"""Where logarithms of amounts lie, by what is known of a claim: effects of single variables, then means of nested contexts."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from claims_sim.profile.counts.builder import Builder
from claims_sim.profile.counts.counting import Codes, Ints, Population, dense_ids
from claims_sim.profile.counts.numbers import Numbers
from claims_sim.profile.counts.release import Parent, Target
from claims_sim.profile.document_parts import Means, Nested
from claims_sim.profile.encoding.encode import DX_GROUP, MONTH
from claims_sim.profile.prices.pricing import Locator

_LEVELS_OF_AMOUNT: Final = 24
_EFFECT_ROWS: Final = 200_000
_EFFECT_ROUNDS: Final = 6
_LEAST_PRIOR: Final = 5.0
"""What is known before weighs as so many claims at least."""
_FEW: Final = 10
_PLACE: Final = (
    "service_type", "facility_class", "facility_type", "facility_ownership", "province_name", "district_name",
)  # fmt: skip
_CASE: Final = (DX_GROUP, "procedure_code", "service_type", "severity_group")
_TRIED_ROWS: Final = 240_000
_WORTH_IT: Final = 0.985
"""The share of the variance that further means may leave."""
_DRAWN_IN_ANY_CASE: Final = frozenset({MONTH, "los"})
"""A claim of ours has a month and a stay also where those of the source lack them."""
_MANY_UNKNOWN: Final = 0.05
_LEAST_TREND: Final = 0.05
"""Log ratio between the dearest and the cheapest month under which the months' means count as equal."""


def find_means(
    builder: Builder, name: str, logs: Numbers, rows: Ints, candidates: Sequence[Parent], population: Population
) -> Means:
    """Where `logs`, one for each of `rows`, lie: effects, then means of what these leave, of contexts of enough persons.

    `name` is what they are of; the features that they depend on are kept in the profile.
    """
    effects = _effects(rows, logs, candidates, population)
    rest = _without(effects, builder, rows, logs)
    if _has_trend(builder, rows, rest):
        effects = _effects(rows, logs, [*candidates, *builder.candidates([MONTH])], population)
        rest = _without(effects, builder, rows, logs)
    for effect in effects:
        builder.use_feature(effect)
    edges = np.unique(np.quantile(rest[:: max(1, len(rest) // 50_000)], np.linspace(0, 1, _LEVELS_OF_AMOUNT + 1)[1:-1]))
    level: Codes = np.full(population.rows, -1, np.int32)
    level[rows] = np.searchsorted(edges, rest)
    parents = builder.learn(Target(f"{name}_level", level, len(edges) + 1), candidates, 5)
    nested = _nested_means(population, parents, rest, rows)
    means = Means(effects={name: tuple(effect.tolist()) for name, effect in effects.items()}, **dict(nested))
    further = _further(builder, population, logs - locate(builder, means, rows), rows)
    return means.model_copy(update={"further": further}) if further else means


def features_of(means: Means) -> tuple[str, ...]:
    """The features that `means` depend on."""
    return (*(p for nested in (means, *means.further) for p in nested.parents), *means.effects)


def locate(builder: Builder, means: Means, rows: Ints) -> Numbers:
    """Where `means` say that each of `rows` lies."""
    locator = Locator(means)
    return locator.locate({name: builder.feature_codes(name)[rows] for name in locator.names}, len(rows))


def _further(builder: Builder, population: Population, rest: Numbers, rows: Ints) -> tuple[Nested, ...]:
    """Means over a place's columns together, and over groups of diagnoses with what was done, as far as they tell what is left.

    Contexts that begin with the diagnosis become too few to say what a house charges, whose columns together all but name
    it; and what an operation costs is of one chapter, where single diagnoses have had too few.
    """
    found: list[Nested] = []
    few = np.arange(len(rows))[:: max(1, len(rows) // _TRIED_ROWS)]
    one, other = few[::2], few[1::2]
    for names in (_PLACE, _CASE):
        parents = _widening(builder.candidates(names), rows[few])
        # Learned of one half of some claims, and tried on the other.
        tried = _nested_means(population, parents, rest[one], rows[one])
        if len(tried.levels) < 2 or _left(tried, parents, rest, rows, other) > _WORTH_IT:
            continue
        nested = _nested_means(population, parents, rest, rows)
        rest = rest - _located(nested, parents, rows)
        for name in nested.parents:
            builder.use_feature(name)
        found.append(nested)
    return tuple(found)


def _widening(parents: Sequence[Parent], rows: Ints) -> list[Parent]:
    """Those of `parents`, in order, that tell more contexts apart than the ones before."""
    kept: list[Parent] = []
    path, contexts = np.zeros(len(rows), np.int64), 1
    for parent in parents:
        wider, distinct = dense_ids(path * (parent.size + 1) + parent.codes[rows] + 1)
        if len(distinct) > contexts:
            path, contexts = wider, len(distinct)
            kept.append(parent)
    return kept


def _left(nested: Nested, parents: Sequence[Parent], rest: Numbers, rows: Ints, at: Ints) -> float:
    """The share of the variance of `rest` at the places `at` that `nested` leaves there."""
    left = float(np.var(rest[at] - _located(nested, parents, rows[at])))
    return left / max(float(np.var(rest[at])), 1e-12)


def _located(nested: Nested, parents: Sequence[Parent], rows: Ints) -> Numbers:
    means = Means(effects={}, **dict(nested))
    return Locator(means).locate({parent.name: parent.codes[rows] for parent in parents}, len(rows))


def _nested_means(population: Population, parents: Sequence[Parent], rest: Numbers, rows: Ints) -> Nested:
    """For each depth the contexts that enough persons share, and what is left of the logarithms in each, on average: the nearer
    to the context above, the less such contexts differ.
    """  # noqa: D205
    levels: list[tuple[tuple[int, ...], tuple[float, ...]]] = []
    path, keys = np.zeros(len(rows), np.int64), np.zeros((1, 0), np.int64)
    above = np.zeros(1)
    for depth in range(len(parents) + 1):
        if depth:
            parent, code = parents[depth - 1], parents[depth - 1].codes[rows]
            valid = (path >= 0) & (code >= 0)
            if valid.all():
                path, distinct = dense_ids(path * parent.size + code, len(keys) * parent.size)
            else:
                ids, distinct = dense_ids(path[valid] * parent.size + code[valid], len(keys) * parent.size)
                path = np.full(len(rows), -1, np.int64)
                path[valid] = ids
            keys = np.column_stack([keys[distinct // parent.size], distinct % parent.size])
            above = above[distinct // parent.size]
        known = np.flatnonzero(path >= 0)
        if len(known) == len(rows):
            here, left, at = path, rest, rows
        else:
            here, left, at = path[known], rest[known], rows[known]
        allowed = population.releasable(here, len(keys), at)
        count = np.bincount(here, minlength=len(keys))
        off = left - above[here]
        total, squares = (_sums(here, each, len(keys)) for each in (off, off**2))
        mean = above + total / (count + _prior(total[allowed], squares[allowed], count[allowed]))
        # The fewer claims, the coarser: what one of them adds must not show.
        step = np.where(count < _FEW * population.k, 0.05, 0.01)
        mean = np.round(np.round(mean / step) * step, 2)
        if not allowed.any():
            break
        levels.append((tuple(keys[allowed].ravel().tolist()), tuple(mean[allowed].tolist())))
        number = np.where(allowed, np.cumsum(allowed) - 1, -1)
        path[known] = number[path[known]]
        keys, above = keys[allowed], mean[allowed]
    used = parents[: max(len(levels) - 1, 0)]
    return Nested(parents=tuple(p.name for p in used), sizes=tuple(p.size for p in used), levels=tuple(levels))


def _without(effects: Mapping[str, Numbers], builder: Builder, rows: Ints, logs: Numbers) -> Numbers:
    """What the effects leave of the logarithms."""
    for name, effect in effects.items():
        logs = logs - np.append(effect, 0.0)[builder.variables[name][0][rows]]
    return logs


def _has_trend(builder: Builder, rows: Ints, rest: Numbers) -> bool:
    """Do the months differ in what all else leaves of the logarithms?"""
    if MONTH not in builder.variables:
        return False
    codes, months = builder.variables[MONTH]
    known = codes[rows] >= 0
    count = np.bincount(codes[rows][known], minlength=months)
    mean = np.bincount(codes[rows][known], weights=(rest - rest.mean())[known], minlength=months) / (
        count + _LEAST_PRIOR
    )
    return bool(months > 1 and np.ptp(mean) >= _LEAST_TREND)


def _effects(rows: Ints, logs: Numbers, candidates: Sequence[Parent], population: Population) -> dict[str, Numbers]:
    """The additive effect of each value on the logarithm, to a hundredth; none of a value that too few of the rows bear."""
    nth = max(1, len(rows) // _EFFECT_ROWS)
    few, rest = rows[::nth], logs[::nth] - logs.mean()
    # What may not be told comes last, and has no effect.
    codes = {parent.name: _told(parent, few, population) % (parent.size + 1) for parent in candidates}
    effects = {parent.name: np.zeros(parent.size + 1) for parent in candidates}
    counts = {name: np.bincount(at, minlength=len(effects[name])) for name, at in codes.items()}
    for _ in range(_EFFECT_ROUNDS):
        for name, at in codes.items():
            rest += effects[name][at]
            total, squares = (_sums(at, each, len(effects[name])) for each in (rest, rest**2))
            fresh = total / (counts[name] + _prior(total[:-1], squares[:-1], counts[name][:-1]))
            fresh[-1] = 0.0
            effects[name] = fresh
            rest -= fresh[at]
    for name in (n for n in _DRAWN_IN_ANY_CASE & effects.keys() if counts[n][-1] >= _MANY_UNKNOWN * len(few)):
        # That it is known is no effect of what it is.
        effects[name] -= float((counts[name][:-1] * effects[name][:-1]).sum()) / max(counts[name][:-1].sum(), 1)
    return {name: np.round(effect[:-1], 2) for name, effect in effects.items()}


def _sums(values: Codes | Ints, each: Numbers, size: int) -> Numbers:
    return np.asarray(np.bincount(values, weights=each, minlength=size), np.float64)


def _prior(total: Numbers, squares: Numbers, count: Ints) -> float:
    """How many claims what is known before weighs: the variance inside values by that between them (empirical Bayes).

    Of each value the `total` of the logarithms of its claims, that of their `squares`, and their `count`.
    """
    some = count > 0
    claims, values = float(count.sum()), int(some.sum())
    if values < 2 or claims <= values:
        return _LEAST_PRIOR
    of_means = float((total[some] ** 2 / count[some]).sum())
    inside = max(float(squares.sum()) - of_means, 0.0) / (claims - values)
    apart = of_means - float(total.sum()) ** 2 / claims - (values - 1) * inside
    between = apart / (claims - float(np.square(count).sum()) / claims)
    return max(inside / between, _LEAST_PRIOR) if between > inside / claims else claims


def _told(parent: Parent, rows: Ints, population: Population) -> Codes:
    """The codes of `rows`, -1 where too few of just these rows have the code for anything to be told of it."""
    codes = parent.codes[rows]
    known = np.flatnonzero(codes >= 0)
    allowed = population.releasable(codes[known].astype(np.int64), parent.size, rows[known])
    return np.where(np.append(allowed, False)[codes], codes, -1).astype(np.int32)
