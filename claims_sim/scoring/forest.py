"""A LightGBM regression forest: trained by LightGBM, kept as its text model, evaluated here in numpy.

Importing LightGBM costs more CPU than a whole tick may (it brings pandas, SciPy and scikit-learn), so only training
and large batches import it. Only numerical splits without missing values are used, which is all that numpy must mimic.
"""

import re
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from claims_sim.errors import ScorerError
from claims_sim.scoring.features import Floats, Ints

NATIVE_ROWS: Final = 50_000
"""From here on, importing and running LightGBM itself is cheaper than numpy."""
_CHUNK_ROWS: Final = 2_048  # rows × trees stays in the processor's cache
_PARAMETERS: Final[dict[str, Any]] = {
    "objective": "regression",
    "learning_rate": 0.15,
    "num_leaves": 24,
    "max_depth": 7,
    "min_data_in_leaf": 40,
    "max_bin": 127,
    "use_missing": False,
    "num_threads": 1,
    "deterministic": True,
    "force_row_wise": True,
    "verbosity": -1,
}
_FIELD: Final = re.compile(
    r"^(num_leaves|split_feature|threshold|left_child|right_child|leaf_value)=(.*)$", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Forest:
    """Trees as arrays over all nodes of all trees; a leaf is a node that leads to itself."""

    model: str
    roots: Ints
    feature: Ints
    threshold: Floats
    left: Ints
    right: Ints
    value: Floats
    depth: int

    def predict(self, columns: Floats) -> Floats:
        """The forest's value of each row of `columns` (rows × features, no NaN)."""
        if len(columns) >= NATIVE_ROWS:
            return self._predict_natively(columns)
        parts = [self._walk(columns[start : start + _CHUNK_ROWS]) for start in range(0, len(columns), _CHUNK_ROWS)]
        return np.concatenate([np.zeros(0), *parts])

    def _walk(self, columns: Floats) -> Floats:
        rows = np.arange(len(columns))[:, None]
        node = np.broadcast_to(self.roots, (len(columns), len(self.roots)))
        for _ in range(self.depth):
            goes_left = columns[rows, self.feature[node]] <= self.threshold[node]
            node = np.where(goes_left, self.left[node], self.right[node])
        return np.asarray(self.value[node].sum(axis=1), np.float64)

    def _predict_natively(self, columns: Floats) -> Floats:
        import lightgbm  # noqa: PLC0415 - see the module's docstring

        booster = lightgbm.Booster(model_str=self.model)
        return np.asarray(booster.predict(columns, num_threads=1), np.float64)


def train_forest(columns: Floats, target: Floats, *, trees: int, seed: int) -> Forest:
    """Fit `target` on `columns` (rows × features, both finite). The same input and seed give the same forest."""
    import lightgbm  # noqa: PLC0415 - see the module's docstring

    data = lightgbm.Dataset(columns, target, params={"max_bin": 127, "verbosity": -1}, free_raw_data=True)
    booster = lightgbm.train({**_PARAMETERS, "seed": seed}, data, num_boost_round=trees)
    return read_forest(booster.model_to_string(num_iteration=-1))


def read_forest(model: str) -> Forest:
    """Parse a LightGBM text model. Raises ScorerError when it is none."""
    blocks = model.split("\nTree=")[1:]
    if not blocks:
        raise ScorerError("the saved cost model is no LightGBM text model: train the scorer again (refresh-ml-scores).")
    roots, parts, offset = [], [], 0
    for block in blocks:
        tree = dict(_FIELD.findall(block))
        arrays = _nodes(tree, offset)
        roots.append(offset)
        parts.append(arrays)
        offset += len(arrays[0])
    feature, threshold, left, right, value = (np.concatenate(column) for column in zip(*parts, strict=True))
    roots_array = np.array(roots, np.int64)
    return Forest(model, roots_array, feature, threshold, left, right, value, _depth(roots_array, left, right))


def _nodes(tree: dict[str, str], offset: int) -> tuple[Ints, Floats, Ints, Ints, Floats]:
    leaves = int(tree["num_leaves"])
    splits = leaves - 1

    def numbers(name: str) -> Floats:
        return np.array(tree.get(name, "").split(), np.float64) if splits else np.zeros(0)

    # LightGBM names leaf i as ~i; here leaves follow the splits.
    left, right = numbers("left_child").astype(np.int64), numbers("right_child").astype(np.int64)
    own = offset + splits + np.arange(leaves)
    child = [np.concatenate([offset + np.where(c < 0, splits + ~c, c), own]) for c in (left, right)]
    feature = np.concatenate([numbers("split_feature").astype(np.int64), np.zeros(leaves, np.int64)])
    threshold = np.concatenate([numbers("threshold"), np.full(leaves, np.inf)])
    value = np.concatenate([np.zeros(splits), np.array(tree["leaf_value"].split(), np.float64)])
    return feature, threshold, child[0], child[1], value


def _depth(roots: Ints, left: Ints, right: Ints) -> int:
    depth, level = 0, roots
    while not np.array_equal(left[level], level):  # only leaves lead to themselves
        depth, level = depth + 1, np.unique(np.concatenate([left[level], right[level]]))
    return depth
