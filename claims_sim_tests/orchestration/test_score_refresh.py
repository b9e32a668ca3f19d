"""The job refresh_ml_scores as Dagster runs it: what the UI is shown, and how a failure looks."""

import json
from datetime import UTC, datetime

import pytest
from dagster import DagsterEventType, DagsterInstance

from claims_sim import pipeline
from claims_sim.definitions import build_definitions
from claims_sim.store import scores

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


@pytest.fixture
def run_job(ticked):
    """A function that runs the job over a few scored claims; returns (result, materializations)."""

    def run(changed=None, **config):
        own = ticked.model_copy(update=changed or {})
        job = build_definitions(own).resolve_job_def("refresh_ml_scores")
        with DagsterInstance.ephemeral() as instance:
            done = job.execute_in_process(
                instance=instance,
                raise_on_error=False,
                run_config={"ops": {"rescore_every_claim": {"config": config}}},
            )
            return done, [e for e in done.all_events if e.event_type is DagsterEventType.ASSET_MATERIALIZATION]

    return run


def test_the_ui_shows_the_quality_snapshot_on_ml_scores(run_job, settings):
    done, (event,) = run_job(top_k=3)
    assert done.success
    shown = event.materialization
    assert shown.asset_key.to_user_string() == "ml_scores"
    known = {name: getattr(value, "records", value.value) for name, value in shown.metadata.items()}
    table = [record.data for record in known["scores, simulated and real"]]
    assert sum(row["simulated"] for row in table) == pytest.approx(1, abs=1e-3)
    assert sum(row["real"] for row in table) == pytest.approx(1, abs=1e-3)
    assert sum(record.data["claims"] for record in known["top simulated claims by severity"]) == 3
    assert known["real claims"] == "scored; kept in the production zone"
    snapshot = json.loads(pipeline.quality_file(settings).read_text())
    assert known["refresh"] == snapshot["refresh"]
    assert set(scores.read_scores(pipeline.database(settings))["model_version"].to_pylist()) == {snapshot["version"]}


@pytest.mark.slow
def test_a_refresh_without_real_claims_says_so(run_job):
    done, (event,) = run_job(with_real=False)
    assert done.success
    assert event.materialization.metadata["real claims"].value == "not scored: not asked for"


def test_a_refresh_that_fails_is_one_line_and_materializes_nothing(run_job, settings):
    before = scores.read_scores(pipeline.database(settings))
    done, events = run_job(changed={"source": settings.state_dir / "gone.duckdb"})
    assert not done.success
    assert events == []
    (failure,) = done.get_step_failure_events()
    assert "gone.duckdb does not exist" in failure.step_failure_data.user_failure_data.description
    assert scores.read_scores(pipeline.database(settings)).equals(before)
