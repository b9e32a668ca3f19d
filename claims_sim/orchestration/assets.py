"""The asset chain, thin: one pipeline call each, its checks and its metadata."""

import time
from datetime import datetime
from typing import Any, Final

from dagster import (
    AssetCheckResult,
    AssetCheckSpec,
    AssetExecutionContext,
    AssetObservation,
    AssetSpec,
    Output,
    ResourceParam,
    asset,
)

from claims_sim import pipeline
from claims_sim.generation.batch import utc_now
from claims_sim.generation.request import AS_SETTINGS_SAY
from claims_sim.orchestration import columns, metadata, profile_metadata
from claims_sim.orchestration.checks import FRESH, author_checks, drift_check, fresh_check, lag_check, noted
from claims_sim.orchestration.config import BatchConfig
from claims_sim.orchestration.resources import Producer, Simulation, user_errors
from claims_sim.profile.document import Profile

DUE_TAG: Final = "claims_sim/due"
WRITER_POOL: Final = "claims_sim_writer"
GROUP: Final = "claims_sim"  # one group: the UI folds several, and the lineage is the point
OWNERS: Final = ["team:claims-simulation"]

claims_normalized = AssetSpec(
    "claims_normalized",
    description=(
        "The insurer's real claims: theirs, outside the simulation. It is opened read-only, by the profile alone, and for "
        "as short as possible; only aggregates leave it."
    ),
    group_name=GROUP,
    kinds={"duckdb", "table"},
    owners=OWNERS,
    tags={"zone": "production"},
)


@asset(
    deps=[claims_normalized],
    group_name=GROUP,
    kinds={"python", "json"},
    owners=OWNERS,
    tags={"zone": "simulation"},
    code_version="1",
    io_manager_key="profile_io_manager",
    check_specs=[
        AssetCheckSpec(
            "no_small_cell",
            asset="claims_distribution_profile",
            blocking=True,
            description="No number in the profile stands for fewer than k persons (or claims, where persons cannot be told apart).",
        ),
        AssetCheckSpec(
            "no_identifying_column",
            asset="claims_distribution_profile",
            blocking=True,
            description="No column that names a claim or a person is in the profile, and no value looks like an identifier.",
        ),
        AssetCheckSpec(
            "source_is_read_only",
            asset="claims_distribution_profile",
            blocking=True,
            description="The source is another file than the simulation's, and our connection to it refuses to write.",
        ),
    ],
)
@user_errors
def claims_distribution_profile(context: AssetExecutionContext, simulation: ResourceParam[Simulation]):
    """What the real table looks like, as aggregates: the only thing that crosses from production to the simulation.

    A chain of conditional counts (service, place, diagnosis, severity, stay, money …). Small cells are merged, dates
    are months, weekdays and hours but for the few that stand out (holidays), and no value of a single person is in it.
    An unchanged source makes no new version.
    """
    refresh = pipeline.profile_source(simulation.settings, utc_now())
    context.log_event(
        AssetObservation("claims_normalized", metadata=profile_metadata.of_source(refresh, simulation.settings))
    )
    yield Output(refresh.profile, metadata=profile_metadata.of_profile(refresh, simulation.settings))
    settings = simulation.settings
    yield from noted(
        settings, "claims_distribution_profile", profile_metadata.profile_checks(refresh.profile, settings)
    )


@asset(
    group_name=GROUP,
    kinds={"python", "duckdb"},
    owners=OWNERS,
    tags={"zone": "simulation"},
    code_version="1",
    pool=WRITER_POOL,
    io_manager_key="outbox_io_manager",
    metadata={"dagster/column_schema": columns.batch_columns(), "dagster/table_name": "main.outbox"},
    check_specs=[
        AssetCheckSpec(
            "reviewed_and_phi_free",
            asset="synthetic_claims_batch",
            blocking=True,
            description=(
                "Every claim in the outbox passes review: payload shape, identities, the profile's vocabularies, and no value that "
                "looks like an identifier of a person. The relay asks the same and sends nothing that fails."
            ),
        ),
        AssetCheckSpec(
            "model_writes",
            asset="synthetic_claims_batch",
            description=(
                "Of the claims of the newest 50 batches that a language model was to write, it wrote at least 95 % itself, "
                "repairs included. A warning: what it leaves, the statistical author writes."
            ),
        ),
        AssetCheckSpec(
            "claims_differ",
            asset="synthetic_claims_batch",
            description=(
                "The newest claims (up to 1,000) hold as many distinct sets of procedure and companions, and repeat one another "
                "as seldom, as claims drawn from the profile. A warning; it stops nothing."
            ),
        ),
    ],
)
@user_errors
def synthetic_claims_batch(
    context: AssetExecutionContext,
    claims_distribution_profile: Profile,
    simulation: ResourceParam[Simulation],
    producer: ResourceParam[Producer],
    config: BatchConfig,
):
    """A batch of synthetic claims: planned from the profile, written by the author, reviewed, and put in the outbox.

    The plan is a brief for each claim (service, place, diagnosis, severity), drawn so that the stream follows the
    profile; the author fills in the rest. A claim that fails review is written again; nothing unreviewed is kept.

    For claims of a kind choose "Open launchpad" beside "Materialize" and say there what is asked for, such as
    `{count: 20, where: [province=BALI, service=RITL, stay=3..5], author: statistical, anomaly_rate: 0.3}`.
    """
    wait_until_due(context)
    settings, request = simulation.settings, config.request()
    if request == AS_SETTINGS_SAY:
        settings = pipeline.take_share(settings) or settings  # of an injection that was asked for, if one runs
    batch = pipeline.generate_batch(settings, claims_distribution_profile, utc_now(), request)
    context.instance.add_run_tags(context.run.run_id, metadata.run_tags(batch))
    yield Output(batch, metadata=metadata.of_batch(batch), data_version=metadata.data_version(batch))
    reasons = pipeline.review_outbox_batch(simulation.settings, batch.request.batch_id)
    verdict = AssetCheckResult(
        passed=not reasons,
        check_name="reviewed_and_phi_free",
        metadata={"batch": batch.request.batch_id, "claims": len(batch.claims), "broken rules": reasons},
    )
    yield from noted(simulation.settings, "synthetic_claims_batch", [verdict, *author_checks(simulation.settings)])


@asset(
    deps=[synthetic_claims_batch],
    group_name=GROUP,
    kinds={"duckdb", "parquet"},
    owners=OWNERS,
    tags={"zone": "simulation"},
    code_version="1",
    pool=WRITER_POOL,
    io_manager_key="stream_io_manager",
    metadata={"dagster/column_schema": columns.stream_columns(), "dagster/table_name": "main.claims_live_stream"},
    check_specs=[
        AssetCheckSpec(
            "ids_unique",
            asset="claims_live_stream",
            blocking=True,
            description="No claim id is stored twice (the last 100,000 claims).",
        ),
        AssetCheckSpec(
            "phi_free",
            asset="claims_live_stream",
            blocking=True,
            description="No value of the newest claims looks like an identifier of a person.",
        ),
        AssetCheckSpec(
            "reconciles",
            asset="claims_live_stream",
            description="Every claim that was released to the channel is in the table, or accounted for as a dead letter.",
        ),
        AssetCheckSpec(
            "dead_letters_steady",
            asset="claims_live_stream",
            description=(
                "No message of the last hour waits as a dead letter. A warning; `claims-sim dead-letters` shows them, judges "
                "them again or drops them."
            ),
        ),
        AssetCheckSpec(
            FRESH,
            asset="claims_live_stream",
            description=(
                "Claims arrived lately: within three of the longest gaps between batches, and a little. A warning; the "
                "intake sensor reports it too, while no run does."
            ),
        ),
        AssetCheckSpec(
            "keeps_up",
            asset="claims_live_stream",
            description="No more lies unread in the channel than one read takes. A warning.",
        ),
        AssetCheckSpec(
            "drift",
            asset="claims_live_stream",
            description=(
                "The newest claims (2,500, or 50 batches) follow the profile that they were made from: no column's total "
                "variation is beyond chance and tolerance. A warning; it stops nothing."
            ),
        ),
    ],
)
@user_errors
def claims_live_stream(context: AssetExecutionContext, simulation: ResourceParam[Simulation]):
    """The claims as a consumer receives them: the outbox goes to the channel, the channel is drained into this table.

    At least once on the wire, exactly once here: rows, dead letters and the position move in one transaction.
    Parquet snapshots for other readers follow each run.
    """
    settings = simulation.settings
    relayed = pipeline.relay_outbox(settings)
    drained = pipeline.drain(settings)
    yield Output(drained, metadata=metadata.of_stream(settings, relayed, drained))
    checks = [
        *metadata.stream_checks(settings),
        fresh_check(settings, arrived=len(drained.rows) > 0),
        lag_check(pipeline.unread(settings, drained.position_to)),
        drift_check(settings),
    ]
    yield from noted(settings, "claims_live_stream", checks)


@asset(
    group_name=GROUP,
    kinds={"python", "duckdb"},
    owners=OWNERS,
    tags={"zone": "simulation"},
    code_version="1",
    pool=WRITER_POOL,
    io_manager_key="scores_io_manager",
    metadata={"dagster/column_schema": columns.score_columns(), "dagster/table_name": "main.ml_scores"},
    check_specs=[
        AssetCheckSpec(
            "every_claim_scored", asset="ml_scores", description="Every claim in claims_live_stream has a score."
        ),
        AssetCheckSpec(
            "scores_in_range",
            asset="ml_scores",
            description="Every score lies between 0 and 1, and risk is the larger of both.",
        ),
    ],
)
@user_errors
def ml_scores(context: AssetExecutionContext, claims_live_stream: Any, simulation: ResourceParam[Simulation]):
    """Risk scores of the claims that have none yet: named rules, peer statistics and a cost model, the larger wins.

    The models are trained on claims sampled from the profile, so they hold nothing of a person.
    """
    settings = simulation.settings
    yield Output(pipeline.score_chunks(settings, claims_live_stream, utc_now()), metadata=columns.score_lineage())
    with pipeline.database(settings).kept_open():
        pipeline.publish_snapshots(settings)
        verdicts = list(metadata.score_checks(settings))
    yield from noted(settings, "ml_scores", verdicts)


def wait_until_due(context: AssetExecutionContext) -> None:
    """Sleep until the due time that the sensor gave this run; at most a minute, whatever the tag says."""
    due = context.run.tags.get(DUE_TAG)
    if due:
        left = (datetime.fromisoformat(due) - utc_now()).total_seconds()
        time.sleep(min(max(0.0, left), 60.0))
