"""Has the live stream moved away from its profile? Windowed total variation, judged so that chance does not alarm.

A column has drifted when both hold: its total variation exceeds what chance explains by more than a tolerance, and the
share of some value (or tail, for numbers) has risen beyond chance. Claims of one batch may belong together, so chance
is measured between batches, not between claims. The reasons and figures are in docs/decisions.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]

TOLERANCE: Final = 0.02
CERTAINTY: Final = 5.0
"""Standard deviations: 12 columns of 12 values are looked at after every batch."""
FEWEST_BATCHES: Final = 20
_VALUES: Final = 11  # of a category; the rest counts as one
_QUANTILES: Final = np.linspace(0.1, 0.9, 9)
_CATEGORIES: Final = (
    "service_type",
    "province_name",
    "facility_class",
    "facility_ownership",
    "severity_group",
    "dx_primary_code",
    "procedure_code",
)
_NUMBERS: Final = ("comorbidity_count", "los", "amount_claimed", "amount_paid")
_REST: Final = "(other)"
_NONE: Final = "(none)"


@dataclass(frozen=True, slots=True)
class Cells:
    """The cells of one column with the shares to be expected: named values and the rest, or ranges between `edges`."""

    values: tuple[str, ...]
    edges: tuple[float, ...]
    shares: tuple[float, ...]

    @property
    def is_number(self) -> bool:
        """Are the cells ranges, in order?"""
        return not self.values


@dataclass(frozen=True, slots=True)
class Expectation:
    """What a window should look like, a column at a time."""

    columns: dict[str, Cells]

    def to_json(self) -> str:
        """For keeping."""
        return json.dumps({name: asdict(cells) for name, cells in self.columns.items()})

    @staticmethod
    def from_json(text: str) -> "Expectation":
        """As kept by `to_json`."""
        return Expectation(
            {
                name: Cells(tuple(cells["values"]), tuple(cells["edges"]), tuple(cells["shares"]))
                for name, cells in json.loads(text).items()
            }
        )


@dataclass(frozen=True, slots=True)
class ColumnDrift:
    """One column of the window: its distance from the expectation, what chance makes of it, and the strongest rise."""

    name: str
    distance: float
    chance: float
    sigmas: float
    rising: str
    drifted: bool

    @property
    def limit(self) -> float:
        """The distance that must be exceeded (and a rise be beyond chance) before the column counts as drifted."""
        return self.chance + TOLERANCE


@dataclass(frozen=True, slots=True)
class Drift:
    """The verdict on a window of `claims` in `batches`; `enough` is False while there are too few batches to say."""

    claims: int
    batches: int
    enough: bool
    columns: tuple[ColumnDrift, ...]

    @property
    def drifted(self) -> tuple[str, ...]:
        """Names of the columns that have drifted."""
        return tuple(column.name for column in self.columns if column.drifted)


def expect(claims: pa.Table, mix: Mapping[str, Mapping[str, float]] | None = None) -> Expectation:
    """What claims drawn from a profile (many: 100,000) let expect of the stream.

    `mix` holds shares that were overridden on purpose, by column and value: the claims are weighted to them, so that
    whatever depends on an overridden column is expected to follow.
    """
    weights = _weights(claims, mix or {})
    columns = {}
    for name in (*_CATEGORIES, *_NUMBERS):
        if name not in claims.column_names or claims[name].null_count == claims.num_rows:
            continue
        cells = _cells(name, claims, weights)
        shares = np.bincount(codes_of_column(claims, name, cells), weights, minlength=len(cells.shares)) / weights.sum()
        if shares.max() < 1:
            columns[name] = Cells(cells.values, cells.edges, tuple(shares.tolist()))
    return Expectation(columns)


def watch_window(claims: pa.Table, batches: Codes, expected: Expectation) -> Drift:
    """Judge a window: `batches` gives for each claim the number of its batch (0, 1, …)."""
    count = int(batches.max(initial=-1)) + 1
    enough = count >= FEWEST_BATCHES
    found = []
    for name, cells in expected.columns.items():
        if name in claims.column_names and claims.num_rows:
            size = len(cells.shares)
            counts = np.bincount(batches * size + codes_of_column(claims, name, cells), minlength=count * size)
            found.append(judge_column(name, cells, counts.reshape(count, size), enough=enough))
    return Drift(claims.num_rows, count, enough, tuple(found))


def judge_column(name: str, cells: Cells, counts: Codes, *, enough: bool = True) -> ColumnDrift:
    """Judge one column, given its counts per batch and cell."""
    expected = np.array(cells.shares)
    rows = int(counts.sum())
    shares = counts.sum(0) / rows
    distance = float(np.abs(shares - expected).sum() / 2)
    # The mean of a half-normal is sqrt(2/pi) of its standard deviation.
    chance = float(np.sqrt(2 / np.pi * _variance(counts, expected)).sum() / rows / 2)
    sets = _tails(len(expected)) if cells.is_number else np.eye(len(expected))
    sigmas = _rises(counts @ sets.T, counts.sum(1, keepdims=True), sets @ expected)
    top = int(sigmas.argmax())
    drifted = enough and distance > chance + TOLERANCE and float(sigmas[top]) > CERTAINTY
    return ColumnDrift(name, distance, chance, float(sigmas[top]), _set_name(cells, top), drifted)


def _variance(counts: Codes, shares: Floats) -> Floats:
    """Of each cell's total: what independent claims have, or what the batches show when that is more."""
    sizes = counts.sum(1, keepdims=True)
    between = ((counts - sizes * (counts.sum(0) / counts.sum())) ** 2).sum(0)
    return np.asarray(np.maximum(between, counts.sum() * shares * (1 - shares)), np.float64)


def _rises(counts: Floats, sizes: Codes, expected: Floats) -> Floats:
    """For each set of cells by how many standard deviations its share rose (0 where it fell).

    The signed root of the likelihood ratio, which keeps its tail for rare values, divided by the root of the design
    effect (Rao and Scott 1981): how much more the set varies between batches than independent claims would. Only rises
    count: that a value arriving in clusters has not come yet says nothing, and where one falls another rises.
    """
    rows = sizes.sum()
    total = counts.sum(0)
    share = np.clip(total / rows, 1e-12, 1 - 1e-12)
    p = np.clip(expected, 1 / (10 * rows), 1 - 1 / (10 * rows))
    ratio = 2 * rows * (share * np.log(share / p) + (1 - share) * np.log((1 - share) / (1 - p)))
    between = ((counts - sizes * share) ** 2).sum(0)
    effect = np.maximum(between / np.maximum(rows * share * (1 - share), 1e-9), 1.0)
    return np.asarray(np.where(total / rows > p, np.sqrt(np.maximum(ratio, 0) / effect), 0.0), np.float64)


def _tails(size: int) -> Floats:
    """Lower and upper tails of `size` ordered cells, as rows of 0 and 1."""
    lower = np.tril(np.ones((size, size)))[:-1]
    return np.vstack([lower, 1 - lower])


def _set_name(cells: Cells, place: int) -> str:
    if not cells.is_number:
        return (*cells.values, _NONE, _REST)[place]
    size = len(cells.edges)
    return f"up to {cells.edges[place]:g}" if place < size else f"above {cells.edges[place - size]:g}"


def _weights(claims: pa.Table, mix: Mapping[str, Mapping[str, float]]) -> Floats:
    weights = np.ones(claims.num_rows)
    for name, shares in mix.items():
        column = claims[name].cast(pa.string())
        rest = np.ones(claims.num_rows, bool)
        before = weights.copy()
        for value, share in shares.items():
            chosen = pc.equal(column, value).fill_null(False).to_numpy()
            now = before[chosen].sum() / before.sum()
            weights[chosen] = before[chosen] * (share / now if now else 0.0)
            rest &= ~chosen
        now = before[rest].sum() / before.sum()
        weights[rest] = before[rest] * ((1 - sum(shares.values())) / now if now else 0.0)
    return weights


def _cells(name: str, claims: pa.Table, weights: Floats) -> Cells:
    if name in _CATEGORIES:
        counted = pa.table({"value": claims[name].cast(pa.string()), "weight": weights}).drop_null()
        sums = counted.group_by("value").aggregate([("weight", "sum")]).sort_by([("weight_sum", "descending")])
        values = tuple(sums["value"].to_pylist()[:_VALUES])
        return Cells(values, (), (0.0,) * (len(values) + 2))
    numbers = claims[name].cast(pa.float64()).drop_null().to_numpy()
    edges = np.unique(np.quantile(numbers, _QUANTILES))
    edges = edges[edges < numbers.max()]
    return Cells((), tuple(edges.tolist()), (0.0,) * (len(edges) + 1))


def codes_of_column(claims: pa.Table, name: str, cells: Cells) -> Codes:
    """For each claim the cell of the column that it falls into."""
    if cells.is_number:
        numbers = claims[name].cast(pa.float64()).fill_null(0.0).to_numpy()
        return np.asarray(np.searchsorted(np.array(cells.edges), numbers, "left"), np.int64)
    column = claims[name].cast(pa.string())
    found = pc.index_in(column, value_set=pa.array(cells.values, pa.string())).fill_null(len(cells.values) + 1)
    codes: Codes = np.array(found.to_numpy(), np.int64)
    codes[column.is_null().to_numpy()] = len(cells.values)
    return codes
