"""The fidelity report as an asset, with its job and schedule. It works in the production zone and touches no stream."""

from dagster import (
    AssetCheckResult,
    AssetCheckSeverity,
    AssetCheckSpec,
    AssetExecutionContext,
    AssetSelection,
    MaterializeResult,
    MetadataValue,
    ResourceParam,
    asset,
    define_asset_job,
    in_process_executor,
)

from claims_sim import pipeline
from claims_sim.generation.batch import utc_now
from claims_sim.orchestration.assets import GROUP, OWNERS, claims_distribution_profile, claims_normalized
from claims_sim.orchestration.checks import noted
from claims_sim.orchestration.metadata import table
from claims_sim.orchestration.nightly import nightly
from claims_sim.orchestration.plots import against_floor
from claims_sim.orchestration.resources import Simulation, user_errors


# No writer pool: it writes nothing that a tick reads, and works with one thread.
@asset(
    deps=[claims_normalized, claims_distribution_profile],
    group_name=GROUP,
    kinds={"python", "lightgbm"},
    owners=OWNERS,
    tags={"zone": "production"},
    code_version="1",
    check_specs=[
        AssetCheckSpec(
            "scores_meet_goals",
            asset="fidelity_report",
            description="No fidelity score misses its goal by more than chance explains.",
        )
    ],
)
@user_errors
def fidelity_report(context: AssetExecutionContext, simulation: ResourceParam[Simulation]):
    """How close claims drawn from the profile are to the real table; every score beside the floor that real claims set.

    Can a classifier tell them apart, do columns, pairs and slices agree, does a cost model learn as much, are rules kept,
    is nothing copied. The page with all plots is in the state folder.
    """
    now = utc_now()
    run = pipeline.measure_fidelity(simulation.settings, step=lambda name: context.log.info(f"Measured: {name}."))
    path = pipeline.write_fidelity(simulation.settings, run, now)
    found = run.fidelity
    rows = [
        {
            "score": score.title,
            "value": round(score.value, 4),
            "floor": round(score.floor, 4),
            "goal": score.goal,
            "verdict": score.verdict,
            "most": score.where,
            "meaning": score.meaning,
        }
        for score in found.scores
    ]
    columns = sorted(found.columns, key=lambda column: column.floor - column.distance)[:20]
    missed = [score.title for score in found.missed]
    yield MaterializeResult(
        metadata={
            "dagster/row_count": found.rows["compared"],
            "scores": table(rows),
            "columns": MetadataValue.md(
                against_floor(
                    "Distance of each column from the real table",
                    [column.name for column in columns],
                    [column.distance for column in columns],
                    [column.floor for column in columns],
                )
            ),
            "missed": ", ".join(missed) or "none",
            "report": MetadataValue.path(str(path.absolute())),
            "compared": f"{run.synthetic} with {run.real}",
        },
        check_results=noted(
            simulation.settings,
            "fidelity_report",
            [
                AssetCheckResult(
                    check_name="scores_meet_goals",
                    passed=not missed,
                    severity=AssetCheckSeverity.WARN,
                    description=f"Missed: {', '.join(missed)}." if missed else "Every score meets its goal.",
                    metadata={"missed": ", ".join(missed) or "none", "scores": table(rows)},
                )
            ],
        ),
    )


measure_fidelity = define_asset_job(
    "measure_fidelity",
    selection=AssetSelection.assets("fidelity_report"),
    description="Measure claims drawn from the profile in force against the real table.",
    executor_def=in_process_executor,
)
fidelity_schedule = nightly(
    "fidelity_schedule", measure_fidelity, "30 3 * * *", "Measures at night, when the profile has been refreshed."
)
