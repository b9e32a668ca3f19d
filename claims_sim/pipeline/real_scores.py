"""Scores of real claims: made, ranked and kept within the production zone, in a folder that only its owner may read.

    production/scores/<refresh>/real.parquet      claim_id, risk_score
                                ranking.parquet   rank, source, claim_id, risk_score: real and simulated claims together
                                quality.json      what the riskiest claims are like
    production/scores/CURRENT                     the refresh in force

Counts per score bin leave it, none under k; nothing else. `refresh_ml_scores` alone opens it.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from claims_sim.claim import FLAT_SCHEMA
from claims_sim.pipeline import memory, released_bins
from claims_sim.pipeline.fidelity import write_whole
from claims_sim.pipeline.released_bins import Counted, Told
from claims_sim.pipeline.source_table import source_name, source_spec
from claims_sim.profile.counts.counting import Ints
from claims_sim.profile.encoding.encode import population_of
from claims_sim.profile.reading.sketch import sketch_source
from claims_sim.profile.reading.source import SourceTable, read_claims_to_score
from claims_sim.randomness import stream_key, uniforms
from claims_sim.scoring.bins import release_scores
from claims_sim.scoring.duplicates import WINDOW_DAYS, Earlier
from claims_sim.scoring.features import Floats, whole
from claims_sim.scoring.protocol import OpenedScorer
from claims_sim.scoring.quality import describe_scores, describe_top, highest, rank_together
from claims_sim.settings import Settings

_CHUNK_ROWS: Final = 50_000
_SCHEMA: Final = pa.schema([("claim_id", pa.string()), ("risk_score", pa.float64())])


@dataclass(frozen=True, slots=True)
class RealScores:
    """Scores of real claims. `told` may leave the production zone; the rest may not."""

    claims: pa.Table
    scores: Floats
    told: Told
    counted: Counted
    unit: str
    k: int

    @property
    def ids(self) -> pa.ChunkedArray:
        """Ids, in the order of `scores`."""
        return self.claims["claim_id"]


def score_real_claims(settings: Settings, ready: OpenedScorer, now: datetime) -> RealScores:
    """Read all real claims, close the source, and score them. Raises SourceError when it cannot be read."""
    claims = read_claims_to_score(source_spec(settings))
    scores = np.empty(len(claims))
    for rows, chunk, earlier in _by_admission(claims):
        scored = ready.score_rows(chunk, scored_at=now, source="real", earlier=earlier)
        scores[rows] = scored["risk_score"].to_numpy()
    named = tuple(claims.column_names)
    table, key = SourceTable(claims, named, (), (), ""), memory.rounding_key(settings)
    population = population_of(table, settings.privacy_k)
    counted = Counted(
        source_name(settings),
        sketch_source(table, key),
        f"{ready.name} {ready.version}",
    )
    start = float(uniforms(stream_key("round", key, "scores"), np.zeros(1, np.int64))[0])
    told = released_bins.tell(_released(settings), release_scores(scores, population, start), counted, population)
    return RealScores(claims, scores, told, counted, population.unit, population.k)


def keep_real_scores(
    settings: Settings, refresh_id: str, real: RealScores, simulated: tuple[Floats, pa.ChunkedArray], top_k: int
) -> None:
    """Keep scores, the ranking of real and simulated claims together, and what the top is like; not in force yet."""
    folder = scores_folder(settings) / refresh_id
    folder.mkdir(parents=True, mode=0o700)
    pq.write_table(
        pa.table({"claim_id": real.ids.cast(pa.string()), "risk_score": real.scores}, schema=_SCHEMA),
        folder / "real.parquet", compression="zstd",
    )  # fmt: skip
    ranking = rank_together({"real": (real.scores, real.ids), "simulated": simulated}, top_k)
    pq.write_table(ranking, folder / "ranking.parquet", compression="zstd")
    write_whole(folder / "quality.json", json.dumps(_quality(settings, real, ranking, top_k), indent=1))
    for path in folder.iterdir():
        path.chmod(0o600)
    released_bins.remember(_released(settings), refresh_id, real.told, real.counted, real.k)


def put_real_scores_in_force(settings: Settings, refresh_id: str | None) -> None:
    """Make a refresh the current one in the production zone; None: there is none."""
    current = scores_folder(settings) / "CURRENT"
    if refresh_id is None or not (current.parent / refresh_id).is_dir():
        current.unlink(missing_ok=True)
    else:
        write_whole(current, refresh_id)


def real_scores_in_force(settings: Settings) -> Path | None:
    """The folder of the current scores of real claims, or None."""
    folder = scores_folder(settings)
    try:
        found = folder / (folder / "CURRENT").read_text(encoding="utf-8").strip()
    except OSError:
        return None
    return found if found.is_dir() else None


def scores_folder(settings: Settings) -> Path:
    """Where scores of real claims lie."""
    settings.production_path.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder = settings.production_path / "scores"
    folder.mkdir(exist_ok=True, mode=0o700)
    return folder


def _released(settings: Settings) -> Path:
    return settings.production_path / "released_scores"


def _by_admission(claims: pa.Table) -> Iterator[tuple[Ints, pa.Table, Earlier | None]]:
    """The claims in chunks by day of admission, each with those of the days before that they might repeat."""
    days = _days(claims)
    known = int(np.isfinite(days).sum())
    order = np.argsort(days, kind="stable")  # unknown days come last
    ordered = days[order]
    span = ordered[known - 1] - ordered[0] + 1 if known else 1.0
    in_window = len(claims) * min(1.0, (WINDOW_DAYS + 1) / span)
    alike = _alike(claims)
    for first in range(0, len(claims), _CHUNK_ROWS):
        rows = order[first : first + _CHUNK_ROWS]
        since = int(np.searchsorted(ordered[:known], ordered[first] - WINDOW_DAYS)) if first < known else first
        before = order[since:first]
        # Of a month only what they might repeat: the rest would be judged for nothing.
        before = before[np.any([np.isin(one[before], one[rows]) for one in alike], axis=0)]
        yield rows, as_flat(claims.take(pa.array(rows))), Earlier(as_flat(claims.take(pa.array(before))), in_window)


def _alike(claims: pa.Table) -> list[Ints]:
    """Numbers for what claims must share to be compared: diagnosis and amount, or, where it is known, the person."""
    numbers = {
        name: np.asarray(
            whole(claims[name]).dictionary_encode().indices.fill_null(-1).to_numpy(zero_copy_only=False), np.int64
        )
        for name in ("dx_primary_code", "amount_claimed", "patient_id_hash")
        if name in claims.column_names
    }
    person = numbers.pop("patient_id_hash", None)
    content = np.zeros(len(claims), np.int64)
    for part in numbers.values():
        content = content * (int(part.max(initial=0)) + 2) + part + 1
    if person is None:
        return [content]
    # Claims without a person are nobody's: each is numbered apart.
    return [content, np.where(person < 0, -1 - np.arange(len(claims)), person)]


def as_flat(claims: pa.Table) -> pa.Table:
    """Canonical columns of a source with the types of flat claims; numbers are cut where a type is narrower."""
    columns = {
        field.name: claims[field.name].cast(field.type, safe=False)
        for field in FLAT_SCHEMA
        if field.name in claims.column_names
    }
    return pa.table(columns)


def _days(claims: pa.Table) -> Floats:
    if "admit_dt" not in claims.column_names:
        return np.full(len(claims), np.nan)
    instants = claims["admit_dt"].cast(pa.timestamp("us")).cast(pa.int64()).cast(pa.float64(), safe=False)
    return np.floor(np.asarray(instants.to_numpy(), np.float64) / 86_400_000_000)


def _quality(settings: Settings, real: RealScores, ranking: pa.Table, top_k: int) -> dict[str, Any]:
    """What the real claims' scores are like, and how the top has changed; this stays in the production zone."""
    top = highest(real.scores, real.ids, top_k)
    quality: dict[str, Any] = {
        "real": describe_scores(real.scores),
        "top_of_real_claims": describe_top(real.claims.take(pa.array(top)), real.scores[top]),
        "real_claims_in_the_combined_top": ranking["source"].to_pylist().count("real"),
    }
    last = real_scores_in_force(settings)
    if last is not None:
        before = pq.ParquetFile(last / "real.parquet").read()
        places = pc.index_in(real.ids.combine_chunks(), before["claim_id"].combine_chunks())
        both = np.flatnonzero(np.asarray(pc.is_valid(places).to_numpy(zero_copy_only=False), bool))
        then = before["risk_score"].to_numpy()[np.asarray(places.drop_null().to_numpy(), np.int64)]
        old_top = set(pq.ParquetFile(last / "ranking.parquet").read()["claim_id"].to_pylist())
        quality["change_since"] = {
            "refresh": last.name,
            "claims_of_both": len(both),
            "mean_change": float(np.abs(real.scores[both] - then).mean()) if len(both) else None,
            "new_in_the_combined_top": len(set(ranking["claim_id"].to_pylist()) - old_top),
        }
    return quality
