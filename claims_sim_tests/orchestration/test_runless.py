from datetime import UTC, datetime

import dagster as dg
import pytest

from claims_sim.definitions import build_definitions
from claims_sim.launch.dagster_home import write_home
from claims_sim.orchestration.runless import RunlessReporter, prune_runless
from claims_sim.worker.engine import Engine
from claims_sim.worker.window import Window

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
ASSETS = ("synthetic_claims_batch", "claims_live_stream", "ml_scores")


@pytest.fixture
def home(tmp_path):
    write_home(tmp_path / "dagster")
    return tmp_path / "dagster"


@pytest.fixture
def window(settings) -> Window:
    engine, made = Engine(settings), Window()
    made.add(engine.tick(4, NOW))
    engine.close()
    return made


@pytest.mark.slow
def test_a_report_is_a_materialization_an_asset_and_a_result_of_every_check(settings, home, window):
    reporter = RunlessReporter(settings, home)
    reporter.report(window)
    reporter.close()
    defs = build_definitions(settings)
    with dg.DagsterInstance.from_config(str(home)) as instance:
        for name in ASSETS:
            event = instance.get_latest_materialization_event(dg.AssetKey(name))
            assert event.run_id == ""
        declared = {
            key for asset in defs.assets for key in getattr(asset, "check_keys", []) if key.asset_key.path[0] in ASSETS
        }
        assert len(declared) >= 6
        for key in declared:
            (record,) = instance.event_log_storage.get_asset_check_execution_history(key, limit=5)
            assert record.status.value == "SUCCEEDED"


def test_pruning_keeps_the_newest_of_each_asset_and_check_and_leaves_runs_alone(settings, home, window):
    with dg.DagsterInstance.from_config(str(home)) as instance:

        @dg.asset(name="ml_scores")
        def of_a_run() -> int:
            return 1

        run_id = dg.materialize([of_a_run], instance=instance).run_id
        reporter = RunlessReporter(settings, home)
        for _ in range(5):
            reporter.report(window)
        reporter.close()
        newest = {name: instance.get_latest_materialization_event(dg.AssetKey(name)).timestamp for name in ASSETS}
        assert prune_runless(instance, 2) > 0
        assert prune_runless(instance, 2) == 0
        for name in ASSETS:
            kept = instance.fetch_materializations(dg.AssetKey(name), limit=50).records
            assert [record.run_id for record in kept].count("") == 2
            assert instance.get_latest_materialization_event(dg.AssetKey(name)).timestamp == newest[name]
        key = dg.AssetCheckKey(dg.AssetKey("ml_scores"), "every_claim_scored")
        assert len(instance.event_log_storage.get_asset_check_execution_history(key, limit=50)) == 2
        assert instance.fetch_materializations(dg.AssetKey("ml_scores"), limit=50).records[-1].run_id == run_id
        assert instance.has_run(run_id)
