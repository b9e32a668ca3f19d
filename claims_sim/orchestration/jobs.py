"""Jobs and schedules: the chain, the profile refresh, housekeeping."""

from pathlib import Path
from typing import Final

from dagster import (
    AssetKey,
    AssetSelection,
    OpExecutionContext,
    ResourceParam,
    ScheduleDefinition,
    define_asset_job,
    in_process_executor,
    job,
    op,
)

from claims_sim import retention
from claims_sim.generation.batch import utc_now
from claims_sim.orchestration.housekeeping import sweep_runs
from claims_sim.orchestration.resources import Simulation, user_errors
from claims_sim.orchestration.runless import KEPT_EVENTS, prune_runless

PROFILE_JOB = "refresh_profile"
CHAIN_JOB = "simulate_claims"
ASSET_NAMES: Final = (
    "claims_distribution_profile",
    "synthetic_claims_batch",
    "claims_live_stream",
    "ml_scores",
    "fidelity_report",
    "scoring_evaluation",
    "claims_history",
)

# One process a run: four processes would cost three times the CPU of the work itself.
simulate_claims = define_asset_job(
    CHAIN_JOB,
    selection=AssetSelection.assets("synthetic_claims_batch", "claims_live_stream", "ml_scores"),
    description=(
        "One tick: write a batch of claims, send it over the channel, ingest it, score it.\n\n"
        'By hand: "Materialize all" makes one more batch as the settings say. For claims of a kind choose "Open launchpad" '
        "beside it and fill in what is asked for; what a field takes is told on the right:\n\n"
        "```yaml\nops:\n  synthetic_claims_batch:\n    config:\n      count: 20\n"
        "      where: [province=BALI, service=RITL, stay=3..5]\n      author: statistical\n"
        "      anomaly_rate: 0.3\n      anomaly_mix: upcoding\n```"
    ),
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
    name="sweep",
    description="Remove old runs with their files, sent payloads, read segments, old snapshots, unused profiles.",
    pool="claims_sim_writer",
)
@user_errors
def _sweep(context: OpExecutionContext, simulation: ResourceParam[Simulation]) -> None:
    settings, instance = simulation.settings, context.instance
    home = Path(instance.root_directory) if instance.is_persistent else None
    assets = [AssetKey(name) for name in ASSET_NAMES]
    swept = sweep_runs(instance, settings.retention_runs, assets, home)
    forgotten = prune_runless(instance, KEPT_EVENTS)
    removed = retention.sweep(settings, utc_now()).as_dict()
    context.add_output_metadata(
        {
            "runs removed": swept.deleted,
            "runs left": swept.left,
            "runless events removed": forgotten,
            "bytes freed in Dagster's folder": swept.freed_bytes,
            **{f"{name.replace('_', ' ')} removed": count for name, count in removed.items()},
        }
    )


@job(
    name="housekeeping",
    description="Keep the disk from filling: what was removed and what is left is in the run's metadata.",
    executor_def=in_process_executor,
)
def housekeeping() -> None:
    """Sweep."""
    _sweep()


housekeeping_schedule = ScheduleDefinition(
    name="housekeeping_schedule",
    job=housekeeping,
    cron_schedule="*/30 * * * *",
    description="Sweeps twice an hour, so that Dagster's history stays near the number of runs that are to be kept.",
)


def profile_schedule(cron: str) -> ScheduleDefinition:
    """The nightly profile refresh, in Jakarta time."""
    return ScheduleDefinition(
        name="profile_refresh_schedule",
        job=refresh_profile,
        cron_schedule=cron,
        execution_timezone="Asia/Jakarta",
        description="Refreshes the profile when the source's own nightly jobs are done.",
    )
