"""Jobs and schedules: the chain, the profile refresh, the scoring refresh."""

from dagster import (
    AssetSelection,
    OpExecutionContext,
    ResourceParam,
    ScheduleDefinition,
    define_asset_job,
    in_process_executor,
    job,
    op,
)

from claims_sim import pipeline
from claims_sim.generation.batch import utc_now
from claims_sim.orchestration.resources import Simulation, user_errors

PROFILE_JOB = "refresh_profile"
CHAIN_JOB = "simulate_claims"

# One process a run: four processes would cost three times the CPU of the work itself.
simulate_claims = define_asset_job(
    CHAIN_JOB,
    selection=AssetSelection.assets("synthetic_claims_batch", "claims_live_stream", "ml_scores"),
    description="One tick: write a batch of claims, send it over the channel, ingest it, score it.",
    executor_def=in_process_executor,
    tags={"dagster/priority": "0"},
)
refresh_profile = define_asset_job(
    PROFILE_JOB,
    selection=AssetSelection.assets("claims_distribution_profile"),
    description="Profile the real table again. An unchanged source makes no new version.",
    executor_def=in_process_executor,
)


@op(
    name="rescore_every_claim",
    description="Train the scorer on the profile in force and score every stored claim again.",
    pool="claims_sim_writer",
)
@user_errors
def _refresh_scores(context: OpExecutionContext, simulation: ResourceParam[Simulation]) -> None:
    refreshed = pipeline.refresh_scores(simulation.settings, utc_now())
    context.add_output_metadata({"claims scored": refreshed.claims, "model version": refreshed.model_version})


@job(
    name="refresh_ml_scores",
    description="Train the scorer on the profile in force and score every stored claim again; the last good scores stay when it fails.",
    executor_def=in_process_executor,
)
def refresh_ml_scores() -> None:
    """Retrain and rescore."""
    _refresh_scores()


def profile_schedule(cron: str) -> ScheduleDefinition:
    """The nightly profile refresh, in Jakarta time."""
    return ScheduleDefinition(
        name="profile_refresh_schedule",
        job=refresh_profile,
        cron_schedule=cron,
        execution_timezone="Asia/Jakarta",
        description="Refreshes the profile when the source's own nightly jobs are done.",
    )
