"""What a claim of this content should cost, how severe it should be and how long it should last.

Each expectation is a hierarchical mean (so that a rare or unseen category falls back to a coarser one) plus a LightGBM
forest on what the mean leaves over. The residual, in units of the usual residual of such claims, is the evidence.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from claims_sim.scoring.features import Features, Floats, Ints
from claims_sim.scoring.forest import Forest, train_forest
from claims_sim.scoring.keys import Cells, Codes, Group, Ladder, assemble
from claims_sim.scoring.peers import MIN_PEERS, robust

_PRIOR_CLAIMS: Final = 8.0  # a cell's mean counts as much as its parent's when it has this many claims
_FOLDS: Final = 5
_UNKNOWN: Final = -1.0  # numbers that are missing; all real ones are >= 0
SPREAD_LADDER: Final[Ladder] = (("service", "dx", "severity"), ("service", "dx"), ("service",), ())


@dataclass(frozen=True, slots=True)
class Expectation:
    """What is learned: the target, the ladder of its mean, which columns the forest sees, and the least spread."""

    target: str
    ladder: Ladder
    categories: tuple[str, ...]
    numbers: tuple[str, ...]
    trees: int
    least_spread: float


EXPECTATIONS: Final = (
    Expectation(
        "amount",
        (
            ("service", "dx", "severity", "procedure"),
            ("service", "dx", "severity"),
            ("service", "dx_category", "severity"),
            ("service", "severity"),
            ("service",),
            (),
        ),
        ("class", "province", "owner", "procedure", "dx", "severity", "service"),
        ("stay", "companions"),
        trees=60,
        least_spread=0.05,
    ),
    Expectation(
        "severity",
        (("service", "dx", "companion_band"), ("service", "dx"), ("service", "dx_category"), ("service",), ()),
        ("class", "province", "owner", "procedure", "dx", "service"),
        ("stay", "companions"),
        trees=40,
        least_spread=0.1,
    ),
    Expectation(
        "stay",
        (
            ("service", "dx", "severity"),
            ("service", "dx"),
            ("service", "dx_category"),
            ("service",),
            (),
        ),
        ("class", "province", "owner", "procedure", "dx", "severity", "service"),
        ("companions",),
        trees=40,
        least_spread=0.1,
    ),
)


@dataclass(frozen=True, slots=True)
class Expected:
    """A trained expectation: means per cell, a mean residual per category, the forest, and the usual residual."""

    spec: Expectation
    means: Cells
    offsets: Mapping[str, Cells]
    forest: Forest
    spread: Cells

    def deviation(self, codes: Codes, targets: Mapping[str, Floats]) -> tuple[Floats, Floats]:
        """Residuals in usual residuals (NaN where the target is unknown), and the expected value."""
        rows, _ = self.means.locate(codes)
        base = self.means.statistics["value"][rows]
        columns = _columns(
            self.spec, base, {name: _mean_of(cells, codes) for name, cells in self.offsets.items()}, targets
        )
        expected = base + self.forest.predict(columns)
        spread_rows, _ = self.spread.locate(codes)
        return (targets[self.spec.target] - expected) / self.spread.statistics["value"][spread_rows], expected


def learn_expectation(spec: Expectation, codes: Codes, targets: Mapping[str, Floats], *, seed: int) -> Expected:
    """Learn `spec` from training claims; those whose target is unknown are left out."""
    target = targets[spec.target]
    known = np.isfinite(target)
    codes = Codes(int(known.sum()), {name: column[known] for name, column in codes.columns.items()}, codes.sizes)
    targets = {name: column[known] for name, column in targets.items()}
    target = target[known]
    folds = np.random.default_rng([seed, len(spec.target)]).integers(0, _FOLDS, codes.rows)
    # Out-of-fold means: the forest must not learn to trust a mean that holds the very claim.
    means, base = hierarchical_means(spec.ladder, codes, target, folds)
    rest = target - base
    offsets = {}
    for name in spec.categories:
        offsets[name], _ = hierarchical_means(((name,), ()), codes, rest, folds)
    columns = _columns(spec, base, {name: _mean_of(cells, codes) for name, cells in offsets.items()}, targets)
    low, high = np.quantile(rest, [0.005, 0.995]) if len(rest) else (0.0, 0.0)
    forest = train_forest(columns, np.clip(rest, low, high), trees=spec.trees, seed=seed)
    residual = rest - forest.predict(columns)
    return Expected(spec, means, offsets, forest, _spread(codes, residual, spec.least_spread))


def hierarchical_means(ladder: Ladder, codes: Codes, values: Floats, folds: Ints) -> tuple[Cells, Floats]:
    """Means per cell, each shrunk towards its parent's; and each claim's mean computed without its own fold."""
    count = int(folds.max(initial=0)) + 1
    overall = float(values.mean())
    mean = without = np.full(codes.rows, overall)
    parts: list[tuple[Ints, dict[str, Floats]]] = [(np.zeros(1, np.int64), {"value": np.array([overall])})]
    for names in reversed(ladder[:-1]):
        group = Group.by(codes.key(names))
        slot = group.index * count + folds
        fold_sum, fold_size = np.bincount(slot, weights=values), np.bincount(slot)
        sums, sizes = group.sums(values)[group.index], group.counts[group.index]
        without = (sums - fold_sum[slot] + _PRIOR_CLAIMS * without) / (sizes - fold_size[slot] + _PRIOR_CLAIMS)
        mean = (sums + _PRIOR_CLAIMS * mean) / (sizes + _PRIOR_CLAIMS)
        first = np.unique(group.index, return_index=True)[1]
        parts.append((group.keys, {"value": mean[first]}))
    return assemble(ladder, parts[::-1]), without


def severity_order(features: Features, codes: Codes) -> Floats:
    """The rank of each severity value, 0 the cheapest: learned, because every source names severities its own way.

    Ranks follow the mean log amount after that of service and diagnosis is taken off.
    """
    amount = features.log_amount
    known = np.isfinite(amount)
    ranks = np.zeros(codes.sizes["severity"])
    if not known.any():
        return ranks
    group = Group.by(np.where(known, codes.key(("service", "dx")), -1))
    rest = np.where(known, amount, 0.0) - (group.sums(np.where(known, amount, 0.0)) / group.counts)[group.index]
    severity = Group.by(np.where(known, codes.columns["severity"], -1))
    ranks[severity.keys[np.argsort(severity.sums(rest) / severity.counts)]] = np.arange(len(severity.keys))
    return ranks


def targets_of(features: Features, codes: Codes, order: Floats) -> dict[str, Floats]:
    """The numbers that expectations are about and learn from."""
    severity = codes.columns["severity"]
    rank = np.where(severity >= 0, np.append(order, 0.0)[severity], np.nan)
    return {
        "amount": features.log_amount,
        "severity": rank,
        "stay": features.log_stay,
        "companions": features.companions,
    }


def _columns(spec: Expectation, base: Floats, offsets: Mapping[str, Floats], targets: Mapping[str, Floats]) -> Floats:
    numbers = [np.where(np.isfinite(targets[name]), targets[name], _UNKNOWN) for name in spec.numbers]
    return np.column_stack([base, *(offsets[name] for name in spec.categories), *numbers])


def _mean_of(cells: Cells, codes: Codes) -> Floats:
    rows, _ = cells.locate(codes)
    return cells.statistics["value"][rows]


def _spread(codes: Codes, residual: Floats, least: float) -> Cells:
    parts: list[tuple[Ints, dict[str, Floats]]] = []
    for names in SPREAD_LADDER:
        group = Group.by(codes.key(names))
        kept = (group.counts >= MIN_PEERS) if names else np.ones(len(group.keys), bool)
        _, scale = robust(group, residual)
        parts.append((group.keys[kept], {"value": np.maximum(scale, least)[kept]}))
    return assemble(SPREAD_LADDER, parts)
