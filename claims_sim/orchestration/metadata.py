"""What the UI shows of a materialization, and the verdicts of the checks. Reads results and the store; decides nothing."""

import hashlib
from collections.abc import Iterator
from typing import Any

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


def table(rows: list[dict[str, Any]]) -> Any:
    """Rows as a metadata table, every value as text or number."""
    return MetadataValue.table(
        [TableRecord({k: v if isinstance(v, int | float | str) else str(v) for k, v in row.items()}) for row in rows]
    )


def data_version(batch: Batch) -> DataVersion:
    """A batch's version is the hash of its content."""
    return DataVersion(hashlib.sha256("\n".join(batch.payloads).encode()).hexdigest()[:32])


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
        "rejected drafts by rule": batch.reasons,
        "implausible claims let through by rule": batch.warnings,
        "tokens in": batch.tokens_in,
        "tokens out": batch.tokens_out,
        **({"cost": round(batch.cost, 6)} if batch.cost else {}),
        **({"problems": "; ".join(batch.problems)} if batch.problems else {}),
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
        "batches sent again": list(relayed.repeated),
        "batches quarantined": {batch: str(reasons) for batch, reasons in relayed.quarantined.items()},
        "rows received": len(drained.rows),
        "dead letters": len(drained.dead_letters),
        "duplicates dropped": drained.duplicates,
        "channel": drained.channel,
        "position": drained.position_to,
        "snapshots": MetadataValue.path(str((settings.snapshots_path / "claims_live_stream").absolute())),
        **stream_lineage(),
        **({"live page": MetadataValue.url(up["page"])} if "page" in up else {}),
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
            "reasons of the last hour": found.new_dead_letters,
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
