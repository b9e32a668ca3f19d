"""What peers usually cost and how long they stay: robust statistics over diagnosis × severity × class × province.

Peers are always of the same service type. A cell with fewer than `MIN_PEERS` claims is not kept: the claim is compared
with coarser peers. Says how far a claim is from its peers; whether that is suspicious is decided elsewhere.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from claims_sim.scoring.features import Features, Floats, Ints
from claims_sim.scoring.keys import Cells, Codes, Group, Ladder, assemble

MIN_PEERS: Final = 20
LADDER: Final[Ladder] = (
    ("service", "dx", "severity", "class", "province"),
    ("service", "dx", "severity", "class"),
    ("service", "dx", "severity"),
    ("service", "dx_category", "severity"),
    ("service", "severity"),
    ("service",),
    (),
)
METRICS: Final = ("amount", "per_day", "stay")
# A price list has few distinct values, so the spread of a cell may be 0: a floor keeps one odd rupiah from being infinite.
_SCALE_FLOOR: Final = {"amount": 0.08, "per_day": 0.15, "stay": 0.2}
_SHORT: Final = 2**16
_NORMAL_MAD: Final = 1.4826  # makes the median absolute deviation estimate a normal distribution's sigma


@dataclass(frozen=True, slots=True)
class PeerView:
    """Claims beside their peers: deviations in robust sigmas (NaN: unknown), the peers' medians, count and level."""

    deviation: dict[str, Floats]
    median_amount: Floats
    median_stay: Floats
    peers: Floats
    level: Ints


@dataclass(frozen=True, slots=True)
class Peers:
    """Statistics of every peer cell: n, and per metric (logarithms) the median and the scale."""

    cells: Cells

    @staticmethod
    def learn(features: Features, codes: Codes) -> "Peers":
        """Medians and scales of all cells with at least `MIN_PEERS` claims, and of everybody."""
        metrics = _metrics(features)
        parts = []
        for names in LADDER:
            group = Group.by(codes.key(names))
            kept = (group.counts >= MIN_PEERS) if names else np.ones(len(group.keys), bool)
            statistics = {"n": group.counts[kept].astype(np.float64)}
            for metric, values in metrics.items():
                median, scale = robust(group, values)
                statistics[f"{metric}_median"] = median[kept]
                statistics[f"{metric}_scale"] = np.maximum(scale, _SCALE_FLOOR[metric])[kept]
            parts.append((group.keys[kept], statistics))
        return Peers(assemble(LADDER, parts))

    def compare(self, features: Features, codes: Codes) -> PeerView:
        """Each claim beside the finest peers that it has."""
        rows, level = self.cells.locate(codes)
        table = self.cells.statistics
        deviation = {
            metric: (values - table[f"{metric}_median"][rows]) / table[f"{metric}_scale"][rows]
            for metric, values in _metrics(features).items()
        }
        return PeerView(
            deviation=deviation,
            median_amount=np.exp(table["amount_median"][rows]),
            median_stay=np.expm1(table["stay_median"][rows]),
            peers=table["n"][rows],
            level=level,
        )


def robust(group: Group, values: Floats) -> tuple[Floats, Floats]:
    """Median and scale (from the median absolute deviation) of `values` in each group; NaN where none is known."""
    median = medians(group, values)
    distance = np.abs(values - np.append(median, np.nan)[group.index])
    return median, _NORMAL_MAD * medians(group, distance)


def describe(view: PeerView, features: Features, rows: Ints) -> pa.Array:
    """Who the peers of the claims `rows` are, in words: `J189, berat, RS Kelas B`."""
    chosen = pa.array(rows)
    texts = {name: column.take(chosen) for name, column in features.texts.items()}
    by_level = []
    for names in LADDER:
        shown = names if names in (("service",), ()) else names[1:]  # all peers share the service type
        words = pa.repeat(pa.scalar("", pa.string()), len(rows))
        for name in shown:
            more = pc.binary_join_element_wise(words, texts[name], pc.if_else(pc.equal(words, ""), "", ", "))
            words = pc.if_else(pc.equal(texts[name], ""), words, more)
        by_level.append(pc.if_else(pc.equal(words, ""), "all claims", words))
    return pc.choose(pa.array(view.level[rows]), *by_level)


def _metrics(features: Features) -> dict[str, Floats]:
    return {"amount": features.log_amount, "per_day": features.log_per_day, "stay": features.log_stay}


def medians(group: Group, values: Floats) -> Floats:
    """The median of the known `values` in each group; NaN where none is known."""
    return quantiles(group, values, 0.5)


def quantiles(group: Group, values: Floats, share: float) -> Floats:
    """That quantile of the known `values` in each group, the mean of its neighbours; NaN where none is known."""
    member = (group.index >= 0) & np.isfinite(values)
    index, known = group.index[member], values[member]
    # Sorting by value needs no order among equals, and short numbers are sorted by their digits: in half the time.
    order = np.argsort(known)
    short = index.astype(np.uint16) if len(group.keys) <= _SHORT else index
    order = order[np.argsort(short[order], kind="stable")]
    ordered, counts = known[order], np.bincount(index, minlength=len(group.keys))
    first = np.cumsum(counts) - counts
    if not len(ordered):
        return np.full(len(group.keys), np.nan)
    at = np.maximum(counts - 1, 0) * share
    low = np.minimum(first + np.floor(at).astype(np.int64), len(ordered) - 1)
    high = np.minimum(first + np.ceil(at).astype(np.int64), len(ordered) - 1)
    return np.where(counts > 0, (ordered[low] + ordered[high]) / 2, np.nan)
