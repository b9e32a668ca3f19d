"""What a learner makes of two tables: can it tell them apart, and does one teach as well as the other?

LightGBM with fixed seeds and one thread: the same tables give the same figures.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from claims_sim.fidelity.frames import AMOUNTS, Floats, codes_of, is_number, names_of

_FOLDS: Final = 3
_ROUNDS: Final = 150
_MOST_VALUES: Final = 250  # rarer values of a category count as missing: a learner can only memorise them
_PARAMETERS: Final[dict[str, Any]] = {
    "learning_rate": 0.1,
    "num_leaves": 31,
    "min_data_in_leaf": 20,
    "num_threads": 1,
    "deterministic": True,
    "force_row_wise": True,
    "verbosity": -1,
    "seed": 0,
}


@dataclass(frozen=True, slots=True)
class TwoSample:
    """A classifier two-sample test: out-of-fold `auc` (0.5: cannot tell), and the columns that told most."""

    auc: float
    telling: tuple[str, ...]


def tell_apart(real: pd.DataFrame, other: pd.DataFrame) -> TwoSample:
    """Train a classifier on real against other and judge it on rows it has not seen (3 folds).

    Lopez-Paz and Oquab 2017, with the area under the curve in place of the accuracy. Well below 0.5 means that rows of
    one table are copies of the other's.
    """
    import lightgbm  # noqa: PLC0415 - half a second that only those who measure should pay

    rows = pd.concat([real, other], ignore_index=True)
    columns, categorical = encode(rows, rows)
    target = np.repeat([0, 1], [len(real), len(other)])
    fold = np.random.default_rng(0).permutation(len(rows)) % _FOLDS
    scores, gain = np.zeros(len(rows)), np.zeros(columns.shape[1])
    parameters = {**_PARAMETERS, "objective": "binary"}
    for k in range(_FOLDS):
        train = lightgbm.Dataset(
            columns[fold != k], target[fold != k], categorical_feature=categorical, params=parameters
        )
        model = lightgbm.train(parameters, train, num_boost_round=_ROUNDS)
        scores[fold == k] = model.predict(columns[fold == k], num_threads=1)
        gain += model.feature_importance("gain")
    told = np.argsort(-gain)[:3]
    return TwoSample(area_under_curve(target, scores), tuple(str(rows.columns[i]) for i in told))


def area_under_curve(target: npt.NDArray[Any], scores: Floats) -> float:
    """The chance that a row of class 1 scores above one of class 0; ties count half (Mann and Whitney 1947)."""
    ranks = pd.Series(scores).rank().to_numpy()
    ones = int(target.sum())
    zeros = len(target) - ones
    return float((ranks[target == 1].sum() - ones * (ones + 1) / 2) / max(ones * zeros, 1))


def taught_r2(train: pd.DataFrame, test: pd.DataFrame) -> float | None:
    """R² of log(amount) on `test`, learned on `train`, of claims whose amount is known; of log(days of stay) where there are no
    amounts; None where there is neither.
    """  # noqa: D205
    import lightgbm  # noqa: PLC0415 - as above

    target = next((name for name in (*AMOUNTS[:2], "los") if name in train), None)
    # Beside its admission the day of a discharge tells the stay.
    hidden = (*AMOUNTS, "los", "discharge_dt") if target == "los" else AMOUNTS
    features = [name for name in names_of(train) if not name.startswith(hidden)]
    if target is None or not features:
        return None
    # An amount that is not known yet is no amount of nothing.
    train, test = (frame[frame[target].notna()] for frame in (train, test))
    if train.empty or test.empty:
        return None
    columns, categorical = encode(train[features], train[features])
    unseen, _ = encode(test[features], train[features])
    parameters = {**_PARAMETERS, "objective": "regression"}
    data = lightgbm.Dataset(columns, _log_amount(train[target]), categorical_feature=categorical, params=parameters)
    model = lightgbm.train(parameters, data, num_boost_round=_ROUNDS)
    truth = _log_amount(test[target])
    missed = ((truth - model.predict(unseen, num_threads=1)) ** 2).sum()
    spread = ((truth - truth.mean()) ** 2).sum()
    return float(1 - missed / spread) if spread > 0 else None


def encode(frame: pd.DataFrame, like: pd.DataFrame) -> tuple[Floats, list[int]]:
    """A matrix of floats, and which columns of it are categories: ranks among the commonest values of `like`."""
    columns, categorical = [], []
    for place, name in enumerate(names_of(like)):
        if is_number(like, name):
            columns.append(frame[name].to_numpy())
            continue
        categorical.append(place)
        codes, theirs = codes_of(frame, name), codes_of(like, name)
        counts = np.bincount(theirs[theirs >= 0], minlength=len(like[name].cat.categories))
        rank = np.full(len(counts) + 1, np.nan)
        common = np.argsort(-counts, kind="stable")[:_MOST_VALUES]
        rank[common] = np.arange(len(common))
        columns.append(rank[codes])  # code -1 is the last place: missing
    return np.column_stack(columns), categorical


def _log_amount(amounts: pd.Series) -> Floats:
    values: Floats = amounts.to_numpy(np.float64).clip(min=0)
    return np.log1p(values)
