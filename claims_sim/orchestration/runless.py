"""Materializations and check results of the continuous worker, without runs: one report a window, and their pruning.

Every runless event carries the empty run id. Deleting a run does not reach them, and deleting by that id would remove
all of them, the newest materialization of each asset included: so they are pruned by age within each asset and check.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from dagster import (
    AssetCheckEvaluation,
    AssetCheckResult,
    AssetKey,
    AssetMaterialization,
    DagsterInstance,
    DagsterInvariantViolationError,
)
from dagster._core.instance.utils import RUNLESS_RUN_ID
from dagster._core.storage.event_log.schema import (
    AssetCheckExecutionsTable,
    AssetEventTagsTable,
    SqlEventLogStorageTable,
)
from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage
from dagster._core.storage.event_log.sqlite import SqliteEventLogStorage

from claims_sim import pipeline
from claims_sim.errors import ClaimsSimError
from claims_sim.orchestration import metadata
from claims_sim.orchestration.checks import author_checks, drift_check, fresh_check, lag_check, noted
from claims_sim.orchestration.columns import score_lineage, stream_lineage
from claims_sim.settings import Settings
from claims_sim.worker.window import Window

KEPT_EVENTS: Final = 200
"""Runless events that stay of each asset and of each check: with one report a minute, the last hours."""

_CHECKS = AssetCheckExecutionsTable
_EVENTS = SqlEventLogStorageTable


class RunlessReporter:
    """Reports windows of the worker to the Dagster instance in `home`. Raises ClaimsSimError when it cannot be opened."""

    def __init__(self, settings: Settings, home: Path) -> None:
        self._settings = settings
        try:
            self._instance = DagsterInstance.from_config(str(home))
        except (DagsterInvariantViolationError, sa.exc.SQLAlchemyError, OSError) as error:
            raise ClaimsSimError(f"The Dagster instance in {home} cannot be opened: {error}.") from error

    def report(self, window: Window) -> None:
        """One materialization an asset and one result a check for the whole window. Raises ClaimsSimError."""
        try:
            for event in _events(self._settings, window):
                self._instance.report_runless_asset_event(event)
        except sa.exc.SQLAlchemyError as error:
            raise ClaimsSimError(f"Dagster's storage did not take a report: {type(error).__name__}.") from error

    def prune(self) -> int:
        """Forget all but the newest events; how many."""
        return prune_runless(self._instance, KEPT_EVENTS)

    def close(self) -> None:
        """Let go of the instance."""
        self._instance.dispose()


def _events(settings: Settings, window: Window) -> Iterator[AssetMaterialization | AssetCheckEvaluation]:
    shared: dict[str, Any] = {"ticks": window.ticks, "reported by": "claims-sim stream"}
    if window.last is not None:
        made = metadata.of_batch(window.last) | {
            "planned": window.planned,
            "accepted": window.accepted,
            "repaired": window.repaired,
            "rejected": window.rejected,
            "fallen back to the statistical author": window.fallen_back,
            "tokens in": window.tokens_in,
            "tokens out": window.tokens_out,
            "dagster/row_count": window.accepted,
        }
        yield AssetMaterialization("synthetic_claims_batch", metadata=made | shared)
    reasons: dict[str, Any] = {batch: str(why) for batch, why in window.quarantined.items()}
    verdict = AssetCheckResult(
        check_name="reviewed_and_phi_free", passed=not reasons, metadata={"quarantined": reasons}
    )
    for result in noted(settings, "synthetic_claims_batch", [verdict, *author_checks(settings)]):
        yield _evaluation("synthetic_claims_batch", result, blocking=result is verdict)
    stored: dict[str, Any] = {
        "claims released": window.released,
        "rows received": window.ingested,
        "dead letters": window.dead_letters,
        "duplicates dropped": window.duplicates,
        "channel": window.channel,
        "position": window.position,
    }
    yield AssetMaterialization("claims_live_stream", metadata=stored | shared | stream_lineage())
    checks = [
        *metadata.stream_checks(settings),
        fresh_check(settings, arrived=window.ingested > 0),
        lag_check(pipeline.unread(settings)),
        drift_check(settings),
    ]
    for result in noted(settings, "claims_live_stream", checks):
        yield _evaluation("claims_live_stream", result, blocking=result.check_name in {"ids_unique", "phi_free"})
    yield AssetMaterialization("ml_scores", metadata={"claims scored": window.scored} | shared | score_lineage())
    for result in noted(settings, "ml_scores", metadata.score_checks(settings)):
        yield _evaluation("ml_scores", result)


def _evaluation(asset: str, result: AssetCheckResult, *, blocking: bool = False) -> AssetCheckEvaluation:
    return AssetCheckEvaluation(
        asset_key=AssetKey(asset),
        check_name=result.check_name or "",
        passed=result.passed,
        metadata=result.metadata,
        severity=result.severity,
        description=result.description,
        blocking=blocking,
    )


def prune_runless(instance: DagsterInstance, keep: int) -> int:
    """Forget runless events beyond the newest `keep` of each asset and type, and of each check; how many.

    Events of runs are not touched. Works on SQLite and Postgres storage; on another kind nothing is forgotten.
    """
    storage = instance.event_log_storage
    if not isinstance(storage, SqlEventLogStorage):
        return 0
    with storage.index_connection() as connection:
        old_checks = _beyond(connection, _CHECKS, (_CHECKS.c.asset_key, _CHECKS.c.check_name), keep)
        gone = connection.execute(
            sa.select(_CHECKS.c.evaluation_event_storage_id).where(_CHECKS.c.id.in_(old_checks))
        ).scalars()
        events = [event for event in gone if event is not None]
        is_asset_event = _EVENTS.c.asset_key.is_not(None) & ~_EVENTS.c.dagster_event_type.like("ASSET_CHECK%")
        events += _beyond(
            connection, _EVENTS, (_EVENTS.c.asset_key, _EVENTS.c.dagster_event_type), keep, is_asset_event
        )
        _delete(connection, _CHECKS.c.id, old_checks)
        _delete(connection, AssetEventTagsTable.c.event_id, events)
        _delete(connection, _EVENTS.c.id, events)
    if isinstance(storage, SqliteEventLogStorage):  # a file a run, and one for the runs that are none
        with storage.run_connection(RUNLESS_RUN_ID) as connection:
            columns = (_EVENTS.c.asset_key, _EVENTS.c.dagster_event_type, _EVENTS.c.step_key)
            _delete(connection, _EVENTS.c.id, _beyond(connection, _EVENTS, columns, keep * 4))
    return len(events)


def _beyond(
    connection: sa.Connection,
    table: sa.Table,
    groups: tuple[sa.Column[Any], ...],
    keep: int,
    also: sa.ColumnElement[bool] | None = None,
) -> list[int]:
    """The ids of runless rows that `keep` newer ones of their group stand before."""
    place = sa.func.row_number().over(partition_by=groups, order_by=table.c.id.desc()).label("place")
    query = sa.select(table.c.id, place).where(table.c.run_id == RUNLESS_RUN_ID)
    numbered = (query if also is None else query.where(also)).subquery()
    return list(connection.execute(sa.select(numbered.c.id).where(numbered.c.place > keep)).scalars())


def _delete(connection: sa.Connection, column: sa.Column[Any], ids: list[int]) -> None:
    for first in range(0, len(ids), 500):
        connection.execute(sa.delete(column.table).where(column.in_(ids[first : first + 500])))
