"""The sensor that keeps claims coming. It reads small files and Dagster's run history; it never opens DuckDB."""

import time
from datetime import UTC, datetime
from typing import Final

from dagster import (
    DagsterInstance,
    DagsterRun,
    DagsterRunStatus,
    DefaultSensorStatus,
    RunRequest,
    RunsFilter,
    SensorDefinition,
    SensorEvaluationContext,
    SensorResult,
    SkipReason,
    sensor,
)

from claims_sim import pipeline
from claims_sim.orchestration.assets import DUE_TAG
from claims_sim.orchestration.checks import changed_freshness
from claims_sim.orchestration.intake import Cursor, Launch, next_batch
from claims_sim.orchestration.jobs import CHAIN_JOB, PROFILE_JOB, refresh_profile, simulate_claims
from claims_sim.orchestration.resources import RUN_HOLDER
from claims_sim.pipeline.limits import over_limit
from claims_sim.settings import Settings
from claims_sim.store import control

_UNFINISHED: Final = [
    DagsterRunStatus.QUEUED,
    DagsterRunStatus.NOT_STARTED,
    DagsterRunStatus.STARTING,
    DagsterRunStatus.STARTED,
    DagsterRunStatus.CANCELING,
]
_STALE_AFTER_S: Final = 90.0


def intake_sensor(settings: Settings) -> SensorDefinition:
    """The intake sensor for these settings."""

    @sensor(
        name="claims_intake_sensor",
        jobs=[simulate_claims, refresh_profile],
        minimum_interval_seconds=5,
        default_status=DefaultSensorStatus.STOPPED,
        description=(
            f"Launches a batch every {settings.interval_min_s:g} to {settings.interval_max_s:g} s, at random; never two at once. "
            "Asks for the profile first when there is none."
        ),
    )
    def claims_intake_sensor(context: SensorEvaluationContext) -> SensorResult:
        result, freshness = _decide(settings, context), changed_freshness(settings)
        return result if freshness is None else result._replace(asset_events=[freshness])

    return claims_intake_sensor


def _decide(settings: Settings, context: SensorEvaluationContext) -> SensorResult:
    """Launch a batch, ask for the profile, or say why not."""
    cursor, now = Cursor.parse(context.cursor), time.time()
    hindrance = _hindrance(settings)
    if hindrance:
        return SensorResult(skip_reason=SkipReason(hindrance), cursor=cursor.dump())
    if not pipeline.has_profile_of_source(settings):
        return _request_profile(context.instance, cursor, now)
    if unapproved := pipeline.why_unapproved(settings):
        return SensorResult(skip_reason=SkipReason(unapproved), cursor=cursor.dump())
    running = bool(_unfinished(context.instance, settings, now))
    low, high = settings.interval_min_s, settings.interval_max_s
    decision = next_batch(cursor, now, is_running=running, seed=settings.seed, low=low, high=high)
    if isinstance(decision, Launch):
        request = RunRequest(
            run_key=f"batch-{decision.seq}-{decision.due:.3f}",
            job_name=CHAIN_JOB,
            tags={
                DUE_TAG: datetime.fromtimestamp(decision.due, UTC).isoformat(timespec="milliseconds"),
                "claims_sim/tick": str(decision.seq),
                "claims_sim/author": settings.author,
            },
        )
        return SensorResult(run_requests=[request], cursor=decision.cursor.dump())
    return SensorResult(skip_reason=SkipReason(decision.reason), cursor=decision.cursor.dump())


def _hindrance(settings: Settings) -> str:
    """Why no run could make claims now, whatever is due: another kind of producer is at work, or a limit is reached."""
    holder = control.holder(settings.state_dir)
    if holder and not holder.what.startswith(RUN_HOLDER):
        return f"{holder.describe()} is producing; the sensor goes on when it has ended."
    return over_limit(settings)


def _request_profile(instance: DagsterInstance, cursor: Cursor, now: float) -> SensorResult:
    """Ask for the first profile, unless that is under way; wait longer after each failure."""
    records = instance.get_run_records(RunsFilter(job_name=PROFILE_JOB), limit=1)
    last = records[0].dagster_run if records else None
    if last and last.status in _UNFINISHED:
        return SensorResult(skip_reason=SkipReason("The profile is being made."), cursor=cursor.dump())
    if last and last.status == DagsterRunStatus.FAILURE and cursor.retry_at <= now:
        cursor = cursor.after_profile_failure(now)
    elif last and last.status == DagsterRunStatus.FAILURE:
        wait = (
            f"The profile failed; the next try is in {cursor.retry_at - now:.0f} s. See the last run of {PROFILE_JOB}."
        )
        return SensorResult(skip_reason=SkipReason(wait), cursor=cursor.dump())
    request = RunRequest(run_key=f"profile-{now:.0f}", job_name=PROFILE_JOB)
    return SensorResult(run_requests=[request], cursor=cursor.dump())


def _unfinished(instance: DagsterInstance, settings: Settings, now: float) -> list[DagsterRun]:
    """Runs of the chain that are still going. One that died stays STARTED for ever: it is failed here.

    A run holds the producer lock while it works, so a run that is old enough to have taken it while the lock is free
    is dead.
    """
    alive = []
    for record in instance.get_run_records(RunsFilter(job_name=CHAIN_JOB, statuses=_UNFINISHED), limit=20):
        run = record.dagster_run
        age = now - record.update_timestamp.timestamp()
        if (
            run.status == DagsterRunStatus.STARTED
            and age > _STALE_AFTER_S
            and control.producer_is_free(settings.state_dir)
        ):
            instance.report_run_failed(
                run, "Its process is gone: the producer lock is free. Nothing of its batch was lost or doubled."
            )
        else:
            alive.append(run)
    return alive
