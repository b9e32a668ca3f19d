"""Dagster's storage in Postgres, as docs/operations.md says: runs, reports without runs, sweeping and pruning."""

import re
import secrets
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

from claims_sim.definitions import build_definitions
from claims_sim.orchestration.housekeeping import sweep_runs
from claims_sim.orchestration.jobs import CHAIN_JOB
from claims_sim.orchestration.runless import RunlessReporter, prune_runless
from claims_sim.worker.engine import Engine
from claims_sim.worker.window import Window
from claims_sim_tests import servers

PAGE = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
ASSETS = [dg.AssetKey(name) for name in ("synthetic_claims_batch", "claims_live_stream", "ml_scores")]


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A Dagster home with what the page says, and a server behind it."""
    servers.need("Postgres server", servers.postgres_binaries())
    password = secrets.token_hex(8)
    server = servers.start_postgres(password)
    monkeypatch.setenv(
        "DAGSTER_POSTGRES_URL", f"postgresql+psycopg2://dagster:{password}@127.0.0.1:{server.port}/postgres"
    )
    (shown,) = re.findall(r"^```yaml\n(storage:\n.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    (tmp_path / "dagster").mkdir()
    (tmp_path / "dagster" / "dagster.yaml").write_text(shown + "telemetry: {enabled: false}\n")
    yield tmp_path / "dagster"
    server.stop()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_runs_reports_and_housekeeping_work_on_postgres(settings, home):
    job = build_definitions(settings).resolve_job_def(CHAIN_JOB)
    with dg.DagsterInstance.from_config(str(home)) as instance:
        assert "Postgres" in type(instance.event_log_storage).__name__
        runs = [job.execute_in_process(instance=instance) for _ in range(2)]
        assert all(run.success for run in runs)
        assert instance.get_latest_materialization_event(ASSETS[2]).run_id == runs[-1].run_id

        swept = sweep_runs(instance, 1, ASSETS, home)
        assert (swept.deleted, swept.left) == (1, 1)
        unique = dg.AssetCheckKey(ASSETS[1], "ids_unique")
        checks = instance.event_log_storage.get_asset_check_execution_history(unique, limit=10)
        assert [check.run_id for check in checks] == [runs[-1].run_id]

        engine, window, reporter = Engine(settings), Window(), RunlessReporter(settings, home)
        window.add(engine.tick(4, datetime.now(UTC)))
        for _ in range(3):
            reporter.report(window)
        reporter.close()
        engine.close()
        assert instance.get_latest_materialization_event(ASSETS[1]).run_id == ""
        assert prune_runless(instance, 2) > 0
        assert prune_runless(instance, 2) == 0
        for asset in ASSETS:
            kept = [record.run_id for record in instance.fetch_materializations(asset, limit=20).records]
            assert kept == ["", "", runs[-1].run_id]
