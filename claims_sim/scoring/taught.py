"""What labelled lessons teach: how the statistics of a claim together tell a wrong one. Knows no kind of anomaly.

Boosted decision trees over the statistics of `signals.py`. Trained by LightGBM, kept and read as plain numbers: loading
executes nothing, and scoring needs no library. More evidence of one reason never lowers the odds.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from claims_sim.scoring.features import Floats, Ints

LEAST_LESSONS: Final = 300
"""Wrong claims; fewer teach chance."""
PRIOR: Final = 0.018
"""Of claims that are wrong, for the odds: an assumption, about that of the labelled claims without repeats."""
_TREES: Final = 90
_UNKNOWN: Final = -20.0
"""Stands for a statistic that is not known; below all that are."""
_FARTHEST: Final = 1e9
_BLOCK: Final = 16_384  # claims whose columns fit into the processor's cache
_LEAF: Final = -1
_SETTINGS: Final = {
    "objective": "binary",
    "num_leaves": 15,
    "learning_rate": 0.1,
    "min_data_in_leaf": 50,
    "lambda_l2": 5.0,
    "monotone_constraints_method": "intermediate",
    "use_missing": False,
    "force_row_wise": True,
    "deterministic": True,
    "num_threads": 1,
    "verbose": -1,
    "seed": 1,
}


@dataclass(frozen=True, slots=True)
class Taught:
    """Trees under one another: node by node its tree, statistic, bound, next nodes (of the table) and value.

    Where the statistic is at most the bound, `left` is next. A leaf has no statistic (-1), its value is log odds.
    """

    names: tuple[str, ...]
    tree: Ints
    statistic: Ints
    bound: Floats
    left: Ints
    right: Ints
    value: Floats

    @staticmethod
    def learn(right: Mapping[str, Floats], wrong: Mapping[str, Floats], rising: frozenset[str]) -> "Taught | None":
        """Tell wrong claims from right ones by their statistics; `rising` are those that only raise the odds.

        None where there are too few of either.
        """
        names = tuple(right)
        table = np.vstack([_columns(names, right).T, _columns(names, wrong).T])
        counts = len(right[names[0]]), len(wrong[names[0]])
        if min(counts) < LEAST_LESSONS:
            return None
        import lightgbm  # noqa: PLC0415 - half a second that only training should pay

        is_wrong = np.repeat([0.0, 1.0], counts)
        weight = np.repeat([1.0, PRIOR / (1 - PRIOR) * counts[0] / counts[1]], counts)
        settings = {**_SETTINGS, "monotone_constraints": [int(name in rising) for name in names]}
        data = lightgbm.Dataset(table, is_wrong, weight=weight, params={"verbose": -1})
        model = lightgbm.train(settings, data, num_boost_round=_TREES)
        rows: list[tuple[int, int, float, int, int, float]] = []
        for number, tree in enumerate(model.dump_model()["tree_info"]):
            _write_down(tree["tree_structure"], number, rows)
        tree, statistic, bound, left, after, value = zip(*rows, strict=True)
        return Taught(
            names,
            np.array(tree, np.int64),
            np.array(statistic, np.int64),
            np.array(bound, np.float64),
            np.array(left, np.int64),
            np.array(after, np.int64),
            np.array(value, np.float64),
        )

    def log_odds(self, statistics: Mapping[str, Floats]) -> Floats:
        """The log odds that each claim is wrong, at the share of wrong ones that `PRIOR` says."""
        columns = _columns(self.names, statistics)
        rows = columns.shape[1]
        found = np.empty(rows)
        starts = np.flatnonzero(np.diff(self.tree, prepend=-1))
        for first in range(0, rows, _BLOCK):
            block = columns[:, first : first + _BLOCK]
            found[first : first + _BLOCK] = sum(self._descend(int(at), block) for at in starts)
        return found

    def _descend(self, node: int, columns: Floats) -> Any:  # noqa: ANN401 - an array or a number
        statistic = int(self.statistic[node])
        if statistic == _LEAF:
            return np.float32(self.value[node])
        at_most = columns[statistic] <= np.float32(self.bound[node])
        low, high = (self._descend(int(side[node]), columns) for side in (self.left, self.right))
        # Arithmetic instead of np.where, which is four times as slow.
        return at_most * (low - high) + high


def _columns(names: tuple[str, ...], statistics: Mapping[str, Floats]) -> Any:  # noqa: ANN401 - single precision
    stacked = np.stack([np.asarray(statistics[name], np.float32) for name in names])
    np.copyto(stacked, np.float32(_UNKNOWN), where=np.isnan(stacked))
    return np.clip(stacked, _UNKNOWN, _FARTHEST, out=stacked)


def _write_down(node: Mapping[str, Any], tree: int, rows: list[tuple[int, int, float, int, int, float]]) -> int:
    """Append a node of LightGBM's own form and all below it; where it stands."""
    at = len(rows)
    if "split_feature" not in node:
        rows.append((tree, _LEAF, 0.0, _LEAF, _LEAF, float(node["leaf_value"])))
        return at
    rows.append((tree, 0, 0.0, 0, 0, 0.0))  # takes the place until its followers are there
    left, right = (_write_down(node[side], tree, rows) for side in ("left_child", "right_child"))
    rows[at] = (tree, int(node["split_feature"]), float(node["threshold"]), left, right, 0.0)
    return at
