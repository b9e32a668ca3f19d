"""Put scores and known answers together. Claims without a known answer stay unlabelled: they are never taken for clean.

The truth comes in as a table; nothing here knows where it is kept or how an anomaly is made.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from claims_sim.errors import ScorerError
from claims_sim.scoring.evaluation.measures import Bools, Floats

Texts = npt.NDArray[Any]
Ints = npt.NDArray[np.int64]
PLACES: Final = ("province_name", "facility_class")


@dataclass(frozen=True, slots=True)
class Answers:
    """Labelled claims in the order in which they came, and what a scorer says of them. Columns of equal length.

    `kinds` is "" and `strengths` 0 for what is no anomaly; `decoys` is "" for what is none. `lost` is rupiah.
    """

    claim_ids: Texts
    scores: Floats
    kinds: Texts
    strengths: Ints
    lost: Floats
    decoys: Texts
    places: dict[str, Texts]
    unlabelled_scores: Floats
    left_out: int = 0
    """Claims with content that the scorer cannot know, such as a code that its source hardly has."""
    unanswered: int = 0
    """Labelled claims that the scorer said nothing about; they count as not suspicious."""

    @property
    def labels(self) -> Bools:
        """True for anomalies."""
        return np.asarray(self.kinds != "", np.bool_)


def answers_of(
    claims: pa.Table,
    scores: pa.Table,
    truth: pa.Table,
    *,
    is_labelled: Bools | None = None,
    is_left_out: Bools | None = None,
) -> Answers:
    """Join `claims` (claim_id and the places) with `scores` (claim_id, score) and `truth` (claim_id, label, kind, …).

    `is_labelled` says of which claims the truth is known (default: all); of those, what `truth` does not name is clean.
    Raises ScorerError when a claim is scored twice, or when a score is no number from 0 to 1.
    """
    check_scores(scores)
    ids = claims["claim_id"].combine_chunks() if isinstance(claims["claim_id"], pa.ChunkedArray) else claims["claim_id"]
    found = pc.index_in(ids, value_set=_whole(scores["claim_id"]))
    answered = np.asarray(found.is_valid())
    score = np.zeros(len(ids))
    score[answered] = _whole(scores["score"]).to_numpy(zero_copy_only=False)[found.drop_null().to_numpy()]
    count = len(ids)
    labelled = np.ones(count, np.bool_) if is_labelled is None else is_labelled
    left_out = labelled & is_left_out if is_left_out is not None else np.zeros(count, np.bool_)
    kept = labelled & ~left_out
    columns = _answers_in(truth, ids)
    return Answers(
        claim_ids=_texts(ids)[kept],
        scores=score[kept],
        places={name: _place(claims, name)[kept] for name in PLACES},
        unlabelled_scores=score[~labelled & answered],
        left_out=int(left_out.sum()),
        unanswered=int((kept & ~answered).sum()),
        **{name: values[kept] for name, values in columns.items()},
    )


def check_scores(scores: pa.Table) -> None:
    """Raise ScorerError, one line, unless every claim has one score, a number from 0 to 1."""
    score = np.asarray(_whole(scores["score"].cast(pa.float64())).to_numpy(zero_copy_only=False), np.float64)
    wrong = np.flatnonzero(~((score >= 0) & (score <= 1)))
    ids = scores["claim_id"]
    if len(wrong):
        raise ScorerError(
            f"{len(wrong)} of {len(score)} scores are no numbers from 0 to 1 (first: {score[wrong[0]]:g}, of claim "
            f"{ids[int(wrong[0])]}): scale them before they are judged."
        )
    if ids.null_count:
        raise ScorerError(f"{ids.null_count} of {len(ids)} scores name no claim: give each row a claim_id.")
    if pc.count_distinct(ids).as_py() != len(ids):
        counted = pc.value_counts(_whole(ids))
        twice = counted.filter(pc.greater(counted.field("counts"), 1))
        raise ScorerError(
            f"{len(twice)} claims have more than one score (first: {twice.field('values')[0]}): give each claim one."
        )


def _answers_in(truth: pa.Table, ids: pa.Array) -> dict[str, Any]:
    at = pc.index_in(ids, value_set=_whole(truth["claim_id"]))
    known = np.asarray(at.is_valid())
    place = at.fill_null(0).to_numpy().astype(np.int64)

    def column(name: str, nothing: object) -> npt.NDArray[Any]:
        values = np.full(len(ids), nothing, object)
        if known.any():
            values[known] = np.array(truth[name].to_pylist(), object)[place[known]]
        return values

    label, kind = column("label", ""), column("kind", "")
    anomaly = label == "anomaly"
    return {
        "kinds": np.where(anomaly, kind, ""),
        "strengths": np.where(anomaly, column("strength", 0), 0).astype(np.int64),
        "lost": np.where(anomaly, column("rupiah_lost", 0.0), 0.0).astype(np.float64),
        "decoys": np.where(label == "decoy", kind, ""),
    }


def _place(claims: pa.Table, name: str) -> Texts:
    if name not in claims.column_names:
        return np.full(len(claims), "", object)
    return _texts(pc.fill_null(claims[name].cast(pa.string()), ""))


def _texts(column: pa.Array | pa.ChunkedArray) -> Texts:
    return np.array(column.to_pylist(), object)


def _whole(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
