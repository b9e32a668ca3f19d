"""What a refresh of all scores looks like: distribution, top claims, change. Tables in, plain values out.

A description of real claims made here stays in the production zone; what may leave it is `bins.release_scores` alone.
"""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from claims_sim.scoring.bins import count_scores, shares_above
from claims_sim.scoring.features import Floats


def describe_scores(scores: Floats) -> dict[str, Any]:
    """How scores are distributed."""
    if not len(scores):
        return {"claims": 0, "bins": [], "above": {}, "mean": None}
    return {
        "claims": len(scores),
        "mean": float(scores.mean()),
        "above": shares_above(scores),
        "bins": [one.as_dict() for one in count_scores(scores)],
    }


def describe_top(claims: pa.Table, scores: Floats) -> dict[str, Any]:
    """What the riskiest claims (flat columns) are like."""
    stays = _numbers(claims, "los")
    known = stays[np.isfinite(stays)]
    return {
        "claims": len(claims),
        "lowest_score": float(scores.min()) if len(scores) else None,
        "by_province": _counts(claims, "province_name"),
        "by_severity": _counts(claims, "severity_group"),
        "share_of_stays_up_to_a_day": float((known <= 1).mean()) if len(known) else None,
        "mean_amount_claimed": _mean(claims, "amount_claimed"),
        "mean_amount_paid": _mean(claims, "amount_paid"),
    }


def highest(scores: Floats, ids: pa.ChunkedArray, count: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """The places of the `count` highest scores, highest first; equal ones by claim id, so that nothing hangs on the order."""
    count = min(count, len(scores))
    if not count:
        return np.zeros(0, np.int64)
    least = np.partition(scores, len(scores) - count)[len(scores) - count]
    candidates = np.flatnonzero(scores >= least)
    names = np.array(ids.take(pa.array(candidates)).to_pylist(), dtype=object)
    order = np.lexsort((names.astype(str), -scores[candidates]))
    return candidates[order[:count]].astype(np.int64)


def rank_together(parts: dict[str, tuple[Floats, pa.ChunkedArray]], count: int) -> pa.Table:
    """The `count` riskiest claims of several sources in one ranking: rank, source, claim_id, risk_score."""
    tables = []
    for source, (scores, ids) in parts.items():
        rows = highest(scores, ids, count)
        columns = {
            "source": pa.array([source] * len(rows), pa.string()),
            "claim_id": ids.take(pa.array(rows)).combine_chunks().cast(pa.string()),
            "risk_score": pa.array(scores[rows], pa.float64()),
        }
        tables.append(pa.table(columns))
    together = pa.concat_tables(tables).sort_by(
        [("risk_score", "descending"), ("source", "ascending"), ("claim_id", "ascending")]
    )
    together = together.slice(0, count)
    return together.add_column(0, "rank", pa.array(np.arange(1, len(together) + 1)))


def _counts(claims: pa.Table, column: str) -> dict[str, int]:
    if column not in claims.column_names:
        return {}
    found = pc.value_counts(claims[column].cast(pa.string())).to_pylist()
    ordered = sorted(found, key=lambda one: (-one["counts"], str(one["values"])))
    return {str(one["values"] or "unknown"): one["counts"] for one in ordered}


def _mean(claims: pa.Table, column: str) -> float | None:
    values = _numbers(claims, column)
    values = values[np.isfinite(values)]
    return float(values.mean()) if len(values) else None


def _numbers(claims: pa.Table, column: str) -> Floats:
    if column not in claims.column_names:
        return np.full(len(claims), np.nan)
    return np.asarray(claims[column].cast(pa.float64()).to_numpy(), np.float64)
