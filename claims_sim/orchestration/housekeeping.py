"""Keep Dagster's own storage from growing for ever: old runs, with the files that deleting a run leaves behind."""

import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dagster import AssetKey, DagsterInstance, DagsterRunStatus, RunsFilter
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable
from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage
from sqlalchemy import delete

_FINISHED: Final = [DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED]
_PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class RunsSwept:
    """How many runs were deleted, how many are left, and how many bytes of files went with them."""

    deleted: int
    left: int
    freed_bytes: int


def sweep_runs(instance: DagsterInstance, keep: int, assets: list[AssetKey], home: Path | None = None) -> RunsSwept:
    """Delete finished runs beyond the newest `keep`, but never the one of an asset's newest materialization.

    `home` is the instance's folder: there a deleted run's event database and compute logs are removed as well, which
    Dagster leaves behind. Work per call follows what there is to delete, not the length of the history.
    """
    needed = {event.run_id for key in assets if (event := instance.get_latest_materialization_event(key))}
    finished = RunsFilter(statuses=_FINISHED)
    freed = 0
    cursor = None
    kept: list[str] = []
    gone: list[str] = []
    while page := instance.get_runs(finished, cursor=cursor, limit=_PAGE):  # the newest first
        cursor = page[-1].run_id
        for run in page:
            if len(kept) < keep or run.run_id in needed:
                kept.append(run.run_id)
                continue
            instance.delete_run(run.run_id)
            gone.append(run.run_id)
            freed += _unlink_files(home, run.run_id) if home else 0
    _forget_checks(instance, gone)
    if home:
        freed += _unlink_strays(instance, home)
    return RunsSwept(len(gone), instance.get_runs_count(), freed)


def _forget_checks(instance: DagsterInstance, run_ids: list[str]) -> None:
    """Delete the check results of deleted runs, which `delete_run` leaves in the index for ever."""
    storage = instance.event_log_storage
    if not isinstance(storage, SqlEventLogStorage):
        return
    with storage.index_connection() as connection:
        for first in range(0, len(run_ids), _PAGE):
            some = run_ids[first : first + _PAGE]
            connection.execute(delete(AssetCheckExecutionsTable).where(AssetCheckExecutionsTable.c.run_id.in_(some)))


def _unlink_files(home: Path, run_id: str) -> int:
    history, logs = home / "history" / "runs", home / "storage" / run_id
    files = [path for path in history.glob(f"{run_id}.db*") if path.is_file()]
    freed = sum(path.stat().st_size for path in files)
    for path in files:
        path.unlink(missing_ok=True)
    shutil.rmtree(logs, ignore_errors=True)
    return freed


def _unlink_strays(instance: DagsterInstance, home: Path) -> int:
    """Files of runs that Dagster no longer knows: a sweep that was cut short leaves them."""
    freed = 0
    for path in (home / "history" / "runs").glob("*-*-*-*-*.db"):
        old = time.time() - path.stat().st_mtime > 3600
        if old and not instance.has_run(path.stem):
            freed += _unlink_files(home, path.stem)
    return freed
