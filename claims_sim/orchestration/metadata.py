"""What the UI shows of a materialization, and the verdicts of the checks. Reads results and the store; decides nothing."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
from dagster import (
    AssetCheckResult,
    AssetCheckSeverity,
    DataVersion,
    MetadataValue,
    TableRecord,
)

from claims_sim import pipeline
from claims_sim.generation.batch import Batch
from claims_sim.orchestration.columns import batch_lineage, stream_lineage
from claims_sim.pipeline import Relay
from claims_sim.settings import Settings
from claims_sim.store import control, counts
from claims_sim.store.stream import Drain
from claims_sim.store.tables import HIGH_RISK

_SHOWN_SCORES: Final = 5


def table(rows: list[dict[str, Any]]) -> Any:
    """Rows as a metadata table, every value as text or number."""
    return MetadataValue.table(
        [TableRecord({k: v if isinstance(v, int | float | str) else str(v) for k, v in row.items()}) for row in rows]
    )


def data_version(batch: Batch) -> DataVersion:
    """A batch's version is the hash of its content."""
    return DataVersion(hashlib.sha256("\n".join(batch.payloads).encode()).hexdigest()[:32])


def run_tags(batch: Batch) -> dict[str, str]:
    """What a run is found by: its batch, and who wrote it."""
    tags = {"batch": batch.request.batch_id, "author": batch.author, "model": batch.model}
    return {f"claims_sim/{name}": value for name, value in tags.items() if value}


def listed(lines: Iterable[str]) -> MetadataValue[str]:
    """Sentences one below the other: a long text would be cut off at the column's edge."""
    return MetadataValue.md("\n".join(f"- {line}" for line in lines) or "none")


def of_batch(batch: Batch) -> dict[str, Any]:
    """How a batch came about, and a look at its claims."""
    shown = batch.claims.slice(0, 10).select(
        [
            "claim_id",
            "service_type",
            "province_name",
            "facility_class",
            "dx_primary_code",
            "dx_primary_label",
            "severity_group",
            "los",
            "amount_claimed",
        ]
    )
    return {
        "dagster/row_count": len(batch.claims),
        "batch": batch.request.batch_id,
        **{f"asked for: {name}": text for name, text in batch.request.asked.items()},
        "author": batch.author,
        "model": batch.model,
        "prompt version": batch.prompt_version or "none",
        "profile hash": batch.profile_hash,
        "planned": batch.planned,
        "accepted": len(batch.claims),
        "accepted share": round(len(batch.claims) / batch.planned, 4),
        "repaired": batch.repaired,
        "fallen back to the statistical author": batch.fallen_back,
        "rejected": batch.rejected,
        "rejected drafts by rule": batch.reasons or "none",
        "implausible claims let through by rule": batch.warnings or "none",
        "tokens in": batch.tokens_in,
        "tokens out": batch.tokens_out,
        **({"cost": round(batch.cost, 6)} if batch.cost else {}),
        **({"problems": listed(batch.problems)} if batch.problems else {}),
        "seconds": round(batch.seconds, 3),
        "claims": table(shown.to_pylist()),
        **batch_lineage(),
    }


def of_stream(settings: Settings, relayed: Relay, drained: Drain) -> dict[str, Any]:
    """What went over the wire, and where to look at it."""
    up = control.get_status(settings.state_dir, "up") or {}
    return {
        "claims released": relayed.claims,
        "batches released": len(relayed.released),
        "batches sent again": list(relayed.repeated) or "none",
        "batches quarantined": {batch: str(reasons) for batch, reasons in relayed.quarantined.items()} or "none",
        "rows received": len(drained.rows),
        "dead letters": len(drained.dead_letters),
        "duplicates dropped": drained.duplicates,
        "channel": drained.channel,
        "position": drained.position_to,
        "snapshots": MetadataValue.path(str((settings.snapshots_path / "claims_live_stream").absolute())),
        **stream_lineage(),
        **({"live page": MetadataValue.url(up["page"])} if "page" in up else {}),
    }


class ScoreTally:
    """What a run's scores come to, chunk by chunk, so that no more of them is held than is shown."""

    def __init__(self) -> None:
        self.rows = 0
        self._high = 0
        self._total = 0.0
        self._flags: Counter[str] = Counter()
        self._riskiest: list[dict[str, Any]] = []
        self._versions: tuple[str, str] | None = None

    def add(self, chunk: pa.Table) -> None:
        """Count a chunk of the table ml_scores."""
        if not len(chunk):
            return
        self.rows += len(chunk)
        risk = chunk["risk_score"]
        self._high += pc.sum(pc.greater_equal(risk, HIGH_RISK)).as_py() or 0
        self._total += pc.sum(risk).as_py() or 0.0
        self._flags.update(pc.list_flatten(chunk["flags"]).to_pylist())
        first = pc.select_k_unstable(chunk, k=_SHOWN_SCORES, sort_keys=[("risk_score", "descending")])
        found = chunk.select(["claim_id", "risk_score", "reasons"]).take(first).to_pylist()
        self._riskiest = sorted(self._riskiest + found, key=lambda row: -row["risk_score"])[:_SHOWN_SCORES]
        self._versions = (chunk["model_version"][-1].as_py(), chunk["ruleset_version"][-1].as_py())

    def as_metadata(self, settings: Settings) -> dict[str, Any]:
        """How many, how high, why, by which scorer, and where to look at them."""
        if not self.rows:
            return {"claims scored": 0}
        page = (control.get_status(settings.state_dir, "up") or {}).get("page")
        model, ruleset = self._versions or ("", "")
        return {
            "claims scored": self.rows,
            f"high risk (at least {HIGH_RISK:g})": self._high,
            "mean risk": round(self._total / self.rows, 4),
            "scorer": model,
            "rules": ruleset or "none",
            "riskiest claims": table(
                [
                    {
                        "claim_id": row["claim_id"],
                        "risk": round(row["risk_score"], 3),
                        "why": "; ".join(row["reasons"] or ()),
                    }
                    for row in self._riskiest
                ]
            ),
            **({"flags": dict(self._flags.most_common())} if self._flags else {}),
            **({"live page": MetadataValue.url(page)} if page else {}),
        }


def stream_checks(settings: Settings) -> Iterator[AssetCheckResult]:
    """The verdicts on the staging table, asked of the store itself."""
    db = pipeline.database(settings)
    found = counts.stream_health(db)
    yield AssetCheckResult(
        check_name="ids_unique",
        passed=found.duplicate_ids == 0,
        metadata={"claims checked": found.checked, "ids stored twice": found.duplicate_ids},
    )
    yield AssetCheckResult(
        check_name="phi_free",
        passed=found.identifying == 0,
        metadata={"claims checked": found.scanned, "identifying values": found.identifying},
    )
    yield AssetCheckResult(
        check_name="reconciles",
        passed=found.missing == 0,
        metadata={
            "claims released": found.released,
            "claims stored": found.stored,
            "missing": found.missing,
            "dead letters": found.dead_letters,
        },
    )
    new = sum(found.new_dead_letters.values())
    yield AssetCheckResult(
        check_name="dead_letters_steady",
        passed=not new,
        severity=AssetCheckSeverity.WARN,
        description=(
            f"{new} messages of the last hour were no acceptable claims: see `claims-sim dead-letters list`."
            if new
            else None
        ),
        metadata={
            "open": found.open_dead_letters,
            "of the last hour": new,
            "reasons of the last hour": found.new_dead_letters or "none",
        },
    )


def score_checks(settings: Settings) -> Iterator[AssetCheckResult]:
    """The verdicts on the scores, asked of the store itself."""
    found = counts.score_health(pipeline.database(settings))
    yield AssetCheckResult(
        check_name="every_claim_scored",
        passed=found.unscored == 0,
        metadata={"claims": found.claims, "without a score": found.unscored},
    )
    yield AssetCheckResult(
        check_name="scores_in_range",
        passed=found.out_of_range == 0,
        metadata={"scores checked": found.checked, "out of range": found.out_of_range},
    )
