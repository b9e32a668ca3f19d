"""Nightly work with the profile in force: asked for only when there is one, so that a first night shows no failed run."""

from typing import Any

from dagster import ResourceParam, RunRequest, ScheduleDefinition, SkipReason, schedule

from claims_sim import pipeline
from claims_sim.errors import ClaimsSimError
from claims_sim.orchestration.resources import Simulation
from claims_sim.settings import Settings


def nightly(name: str, job: Any, cron: str, description: str) -> ScheduleDefinition:
    """A schedule in Jakarta time for a job that needs a profile of the source that may be used; else it skips, and says why."""

    @schedule(
        name=name,
        job=job,
        cron_schedule=cron,
        execution_timezone="Asia/Jakarta",
        description=f"{description} Skipped while there is no profile that may be used.",
    )
    def ask(simulation: ResourceParam[Simulation]) -> RunRequest | SkipReason:
        hindrance = _no_profile(simulation.settings)
        return SkipReason(hindrance) if hindrance else RunRequest()

    return ask


def _no_profile(settings: Settings) -> str:
    """Why there is no profile to work with; empty where there is one, or a broken one, which is for the run to tell."""
    try:
        if not pipeline.has_profile_of_source(settings):
            return "There is no profile of this source yet: materialize claims_distribution_profile, or run `claims-sim profile`."
        if not settings.profile_path.exists():
            return f"The profile waits: {pipeline.approval_state(settings).describe()}."
        return pipeline.why_unapproved(settings)
    except ClaimsSimError:
        return ""
