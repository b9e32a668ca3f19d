"""A past of one's own: claims of whole days, one partition a day. Launch a backfill over a month, and the month is there.

A day is one batch whose id follows from the date, so that the same partition run again makes nothing twice.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

from dagster import (
    AssetCheckResult,
    AssetCheckSpec,
    AssetExecutionContext,
    AssetSelection,
    Config,
    DailyPartitionsDefinition,
    MaterializeResult,
    ResourceParam,
    asset,
    define_asset_job,
    in_process_executor,
)
from pydantic import Field

from claims_sim import pipeline
from claims_sim.claim_ids import numbered_batch_id
from claims_sim.generation.batch import utc_now
from claims_sim.generation.request import MOST_CLAIMS, ClaimsRequest
from claims_sim.orchestration import columns
from claims_sim.orchestration.assets import GROUP, OWNERS, WRITER_POOL
from claims_sim.orchestration.checks import noted
from claims_sim.orchestration.resources import Simulation, user_errors
from claims_sim.profile.document import Profile
from claims_sim.store import outbox

FIRST_DAY: Final = "2024-01-01"
DAYS: Final = DailyPartitionsDefinition(start_date=FIRST_DAY, timezone="Asia/Jakarta")


class HistoryConfig(Config):
    """How much of a past is made."""

    claims: int = Field(200, ge=1, le=MOST_CLAIMS, description="Claims admitted on each day")


@asset(
    partitions_def=DAYS,
    group_name=GROUP,
    kinds={"python", "duckdb"},
    owners=OWNERS,
    tags={"zone": "simulation"},
    metadata={"dagster/column_schema": columns.stream_columns(), "dagster/table_name": "main.claims_live_stream"},
    code_version="1",
    pool=WRITER_POOL,
    check_specs=[
        AssetCheckSpec(
            "day_reconciles",
            asset="claims_history",
            description="Every claim of the day that was released to the channel is stored.",
        )
    ],
)
@user_errors
def claims_history(
    context: AssetExecutionContext,
    claims_distribution_profile: Profile,
    config: HistoryConfig,
    simulation: ResourceParam[Simulation],
):
    """Claims admitted on past days, one partition a day: launch a backfill over the days that you want.

    The statistical author writes them; they go through review, outbox and channel like those of the stream, are stored
    in claims_live_stream and scored. None is an anomaly. A day that is there already is left as it is.
    """
    settings, day, now = simulation.settings, context.partition_key, utc_now()
    batch_id = day_batch_id(day)
    database = pipeline.database(settings)
    known = outbox.is_committed(database, batch_id)
    if not known:
        pipeline.write_on_demand(settings, day_request(day, config.claims), now, publish=True,
                                 profile=claims_distribution_profile)  # fmt: skip
    stored = pipeline.ingest(settings)
    scored = pipeline.score_new(settings, now)
    pipeline.publish_snapshots(settings)
    made, arrived = outbox.arrived(database, batch_id)
    verdict = AssetCheckResult(
        check_name="day_reconciles",
        passed=made == arrived,
        description=f"{arrived:,} of {made:,} claims are stored.",
        metadata={"claims": made, "stored": arrived, "batch": batch_id},
    )
    return MaterializeResult(
        metadata={
            "dagster/row_count": made,
            "batch": batch_id,
            "was there before": known,
            "dead letters": stored.dead_letters,
            "claims scored": scored,
        },
        check_results=noted(settings, "claims_history", [verdict]),
    )


def day_batch_id(day: str) -> str:
    """The id of the batch of a day, such as 2026-01-31."""
    return numbered_batch_id(datetime.fromisoformat(day).replace(tzinfo=UTC), 0)


def day_request(day: str, claims: int) -> ClaimsRequest:
    """Claims whose local day of admission is `day`."""
    long_after = datetime.fromisoformat(day).replace(tzinfo=UTC) + timedelta(days=400)  # whatever the stay, it is over
    return ClaimsRequest.read(
        {
            "count": claims,
            "where": [f"date={day}..{day}"],
            "author": "statistical",
            "clock": "history",
            "as_of": min(long_after, utc_now()).isoformat(),
            "batch_id": day_batch_id(day),
        }
    )


make_history = define_asset_job(
    "make_history",
    selection=AssetSelection.assets("claims_history"),
    description="Make claims of past days: choose the days, launch a backfill.",
    executor_def=in_process_executor,
)
