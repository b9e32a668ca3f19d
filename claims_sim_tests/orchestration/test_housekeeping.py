import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from claims_sim import pipeline, retention
from claims_sim.definitions import build_definitions
from claims_sim.launch.dagster_home import write_home
from claims_sim.orchestration.housekeeping import sweep_runs
from claims_sim.store import counts

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


@pytest.fixture
def home(tmp_path) -> Path:
    write_home(tmp_path / "dagster")
    return tmp_path / "dagster"


@pytest.fixture
def instance(home):
    with dg.DagsterInstance.from_config(str(home)) as opened:
        yield opened


def run_files(home: Path) -> set[str]:
    return {path.stem for path in (home / "history" / "runs").glob("*-*-*-*-*.db")}


@dg.asset
def small() -> int:
    return 1


def runs_of(instance, count: int) -> list[str]:
    return [dg.materialize([small], instance=instance).run_id for _ in range(count)]


def test_old_runs_go_with_their_files_and_the_newest_stay(instance, home):
    made = runs_of(instance, 6)
    swept = sweep_runs(instance, 2, [], home)
    assert (swept.deleted, swept.left) == (4, 2)
    assert swept.freed_bytes > 0
    assert run_files(home) == set(made[-2:])
    assert sweep_runs(instance, 2, [], home).deleted == 0


def test_the_run_of_an_assets_newest_materialization_is_never_swept(instance, home):
    (needed,) = runs_of(instance, 1)

    @dg.asset
    def other() -> int:
        return 2

    for _ in range(3):
        dg.materialize([other], instance=instance)
    sweep_runs(instance, 1, [dg.AssetKey("small"), dg.AssetKey("other")], home)
    assert instance.has_run(needed)
    assert instance.get_latest_materialization_event(dg.AssetKey("small")).run_id == needed


def test_files_of_runs_that_dagster_does_not_know_are_swept_when_they_are_old(instance, home):
    runs_of(instance, 1)
    stray = home / "history" / "runs" / "00000000-0000-4000-8000-000000000000.db"
    stray.write_bytes(b"x")
    sweep_runs(instance, 5, [], home)
    assert stray.exists()
    os.utime(stray, (time.time() - 7200,) * 2)
    sweep_runs(instance, 5, [], home)
    assert not stray.exists()
    assert len(run_files(home)) == 1


@pytest.mark.slow
def test_check_results_go_with_their_runs_and_the_newest_stay(instance, home):
    @dg.asset(check_specs=[dg.AssetCheckSpec("fine", asset="checked")])
    def checked():
        yield dg.Output(1)
        yield dg.AssetCheckResult(passed=True)

    made = [dg.materialize([checked], instance=instance).run_id for _ in range(4)]
    sweep_runs(instance, 1, [dg.AssetKey("checked")], home)
    key = dg.AssetCheckKey(dg.AssetKey("checked"), "fine")
    left = instance.event_log_storage.get_asset_check_execution_history(key, limit=10)
    assert [record.run_id for record in left] == made[-1:]


def test_the_housekeeping_job_says_what_it_removed(instance, ticked):
    result = build_definitions(ticked).resolve_job_def("housekeeping").execute_in_process(instance=instance)
    assert result.success
    (handled,) = [event for event in result.all_events if event.event_type_value == "STEP_OUTPUT"]
    assert {"runs removed", "runs left", "payloads removed"} <= set(handled.step_output_data.metadata)


def test_a_sweep_removes_old_payloads_and_keeps_claims_scores_and_the_balance(ticked):
    later = datetime.now(UTC) + timedelta(days=ticked.retention_days + 1)
    assert retention.sweep(ticked, later, dry_run=True).payloads == 5
    assert retention.sweep(ticked, later).payloads == 5
    assert retention.sweep(ticked, later).payloads == 0
    health = counts.stream_health(pipeline.database(ticked), full=True)
    assert (health.stored, health.missing) == (5, 0)
    assert counts.score_health(pipeline.database(ticked)).unscored == 0


def test_a_sweep_keeps_the_profile_in_force_and_removes_old_ones(settings):
    folder = settings.profile_path.parent
    old = folder / f"{'0' * 64}.json"
    old.write_text("{}")
    scorers = [settings.state_dir / "models" / f"{'0' * 16}{kind}" for kind in ("", "-persons")]
    for scorer in scorers:
        scorer.mkdir(parents=True)
    long_ago = time.time() - 86_400 * (settings.retention_days + 1)
    for path in folder.glob("*.json"):
        os.utime(path, (long_ago, long_ago))
    assert retention.sweep(settings, datetime.now(UTC)).profiles == 1
    assert not any(path.exists() for path in (old, *scorers))
    assert pipeline.run_tick(settings, NOW).scored == 5


def test_a_batch_that_waits_keeps_its_profile(settings):
    batch = pipeline.generate_batch(settings, pipeline.current_profile(settings), NOW)
    pipeline.commit_batch(settings, batch)
    document = settings.profile_path.parent / f"{batch.profile_hash}.json"
    long_ago = time.time() - 86_400 * (settings.retention_days + 1)
    os.utime(document, (long_ago, long_ago))
    retention.sweep(settings, datetime.now(UTC))
    assert pipeline.relay_outbox(settings).claims == 5
