"""The drift check of the live stream: what the pipeline found, as Dagster shows it. Decides nothing."""

from dagster import AssetCheckResult, AssetCheckSeverity, MetadataValue

from claims_sim import pipeline
from claims_sim.orchestration.metadata import table
from claims_sim.orchestration.plots import drift_bars
from claims_sim.settings import Settings


def drift_check(settings: Settings) -> AssetCheckResult:
    """Has the stream moved away from the profile that its claims were made from?"""
    found = pipeline.watch_drift(settings)
    if found is None or not found.enough:
        batches = found.batches if found else 0
        return AssetCheckResult(
            check_name="drift",
            passed=True,
            description=f"Too early to say: {batches} batches of this profile so far.",
            metadata={"batches": batches},
        )
    rows = [
        {
            "column": column.name,
            "total variation": round(column.distance, 4),
            "by chance": round(column.chance, 4),
            "limit": round(column.limit, 4),
            "strongest rise": column.rising,
            "standard deviations": round(column.sigmas, 1),
            "drifted": "yes" if column.drifted else "no",
        }
        for column in found.columns
    ]
    plot = drift_bars([(c.name, c.distance, c.chance, c.limit, c.drifted) for c in found.columns])
    drifted = ", ".join(found.drifted)
    return AssetCheckResult(
        check_name="drift",
        passed=not drifted,
        severity=AssetCheckSeverity.WARN,
        description=f"Moved away from the profile: {drifted}." if drifted else "The stream follows its profile.",
        metadata={
            "claims": found.claims,
            "batches": found.batches,
            "total variation": MetadataValue.md(f"{plot}\n\nGrey: what chance explains. Orange: the limit."),
            "columns": table(rows),
        },
    )
