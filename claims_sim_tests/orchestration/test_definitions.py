"""The code location as Dagster loads it, and the chain as Dagster runs it."""

from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import dagster as dg
import pytest

from claims_sim import pipeline
from claims_sim.channels import Message
from claims_sim.definitions import build_definitions
from claims_sim.launch.stream import WHAT
from claims_sim.orchestration.resources import RUN_HOLDER, Simulation
from claims_sim.orchestration.sensors import intake_sensor
from claims_sim.store import control, counts, dead_letters, outbox, snapshots

CHAIN = [
    "claims_normalized",
    "claims_distribution_profile",
    "synthetic_claims_batch",
    "claims_live_stream",
    "ml_scores",
]
CHECKS = {
    "no_small_cell", "no_identifying_column", "source_is_read_only", "reviewed_and_phi_free", "model_writes", "claims_differ",
    "ids_unique", "phi_free", "reconciles", "dead_letters_steady", "fresh", "keeps_up", "drift", "every_claim_scored",
    "scores_in_range",
}  # fmt: skip


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as made:
        yield made


@pytest.fixture
def defs(settings):
    return build_definitions(settings)


def run(defs, instance, job: str, **options):
    return defs.resolve_job_def(job).execute_in_process(instance=instance, raise_on_error=False, **options)


def test_the_lineage_runs_from_the_real_table_to_the_scores(defs):
    graph = defs.resolve_asset_graph()
    keys = [dg.AssetKey(name) for name in CHAIN]
    beside = {dg.AssetKey(name) for name in ("claims_history", "fidelity_report", "scoring_evaluation")}
    assert set(graph.get_all_asset_keys()) == {*keys} | beside
    for upstream, downstream in pairwise(keys):
        assert graph.get(downstream).parent_keys == {upstream}
    assert not graph.get(keys[0]).is_materializable


def test_every_asset_tells_what_it_is(defs):
    graph = defs.resolve_asset_graph()
    for key in graph.get_all_asset_keys():
        node = graph.get(key)
        assert node.description
        assert node.owners
        assert node.kinds
        assert node.group_name == "claims_sim"


def test_the_chain_runs_green_with_every_check(defs, instance, settings):
    assert run(defs, instance, "refresh_profile").success
    result = run(defs, instance, "simulate_claims")
    assert result.success
    seen = {check.check_name: check for check in result.get_asset_check_evaluations()}
    assert all(check.passed for check in seen.values())
    assert set(seen) == CHECKS - {"no_small_cell", "no_identifying_column", "source_is_read_only"}
    health = counts.stream_health(pipeline.database(settings), full=True)
    assert (health.stored, health.missing) == (5, 0)
    assert len(snapshots.read_snapshot(settings.snapshots_path, "claims_live_stream")) == 5
    assert control.producer_is_free(settings.state_dir)


@pytest.mark.parametrize("name", [*(pytest.param(name, marks=pytest.mark.slow) for name in CHAIN[1:3]), *CHAIN[3:]])
@pytest.mark.usefixtures("ticked")
def test_each_asset_materializes_by_hand(defs, instance, name):
    job = defs.resolve_implicit_global_asset_job_def()
    result = job.execute_in_process(instance=instance, asset_selection=[dg.AssetKey(name)])
    assert result.success
    assert all(check.passed for check in result.get_asset_check_evaluations())


def test_a_tampered_batch_fails_its_blocking_check_and_stops_the_run_before_the_stream(
    defs, instance, settings, monkeypatch
):
    original = pipeline.commit_batch

    def commit_and_tamper(given, batch):
        original(given, batch)
        with pipeline.database(given).connect() as connection:
            connection.execute(
                'UPDATE outbox SET payload = replace(payload, \'"ownership":"\', \'"ownership":"0812 3456 7890 \')'
            )

    monkeypatch.setattr(pipeline, "commit_batch", commit_and_tamper)
    result = run(defs, instance, "simulate_claims")
    assert not result.success
    passed = {check.check_name: check.passed for check in result.get_asset_check_evaluations()}
    assert passed == {"reviewed_and_phi_free": False, "model_writes": True, "claims_differ": True}
    assert counts.stream_health(pipeline.database(settings)).stored == 0
    monkeypatch.undo()
    # A run of the stream alone goes on past a check that failed in an earlier run: the relay's own gate holds.
    job = defs.resolve_implicit_global_asset_job_def()
    assert job.execute_in_process(instance=instance, asset_selection=[dg.AssetKey("claims_live_stream")]).success
    assert counts.stream_health(pipeline.database(settings)).stored == 0
    assert outbox.pending(pipeline.database(settings)) == ()


@pytest.mark.slow
def test_dead_letters_of_the_last_hour_are_a_warning_and_stop_nothing(defs, instance, settings):
    channel = pipeline.channel(settings)
    channel.publish("x", [Message("x", "not json")])
    channel.close()
    job = defs.resolve_implicit_global_asset_job_def()
    result = job.execute_in_process(instance=instance, asset_selection=[dg.AssetKey("claims_live_stream")])
    assert result.success
    checks = {check.check_name: check for check in result.get_asset_check_evaluations()}
    found = checks["dead_letters_steady"]
    assert (found.passed, found.severity, found.metadata["open"].value) == (False, dg.AssetCheckSeverity.WARN, 1)
    dead_letters.drop_letters(pipeline.database(settings), dead_letters.Chosen())
    assert counts.stream_health(pipeline.database(settings)).new_dead_letters == {}


def test_checks_of_the_stream_fail_when_the_table_is_wrong(defs, instance, ticked):
    with pipeline.database(ticked).connect() as connection:
        connection.execute("INSERT INTO claims_live_stream SELECT * FROM claims_live_stream LIMIT 1")
        connection.execute("UPDATE claims_live_stream SET dx_primary_label = 'Fever, Ny. SITI'")
        connection.execute("UPDATE ml_scores SET risk_score = 1.5")
        connection.execute("UPDATE ml_scores SET rule_score = 1.5")
    job = defs.resolve_implicit_global_asset_job_def()
    keys = [dg.AssetKey("claims_live_stream"), dg.AssetKey("ml_scores")]
    failed = set()
    for key in keys:
        result = job.execute_in_process(instance=instance, asset_selection=[key], raise_on_error=False)
        failed |= {check.check_name for check in result.get_asset_check_evaluations() if not check.passed}
    assert {"ids_unique", "phi_free", "scores_in_range"} <= failed


def test_a_missing_source_is_one_line_in_the_run(instance, settings):
    defs = build_definitions(settings.model_copy(update={"source": Path("/nowhere/claims.duckdb")}))
    result = run(defs, instance, "refresh_profile")
    (failure,) = [event for event in result.all_events if event.is_step_failure]
    assert "/nowhere/claims.duckdb" in failure.step_failure_data.error.message or "/nowhere/claims.duckdb" in str(
        failure.step_failure_data.user_failure_data.description
    )


@pytest.mark.slow
def test_a_run_holds_the_producer_lock_from_its_first_step_to_its_last(defs, instance, settings, monkeypatch):
    held = {}
    for name in ("generate_batch", "drain", "publish_snapshots"):
        original = getattr(pipeline, name)

        def watched(*given, name=name, original=original):
            held[name] = not control.producer_is_free(settings.state_dir)
            return original(*given)

        monkeypatch.setattr(pipeline, name, watched)
    assert run(defs, instance, "simulate_claims").success
    assert held == {"generate_batch": True, "drain": True, "publish_snapshots": True}
    assert control.producer_is_free(settings.state_dir)


def test_two_producers_never_run_at_once(defs, instance, settings):
    with control.producer_lock(settings.state_dir, "another worker"):
        result = run(defs, instance, "simulate_claims")
    assert not result.success
    assert counts.stream_health(pipeline.database(settings)).stored == 0


def evaluate(settings, instance, cursor=None):
    context = dg.build_sensor_context(instance=instance, cursor=cursor)
    return intake_sensor(settings).evaluate_tick(context)


def test_the_sensor_asks_for_the_profile_first_when_there_is_none(settings, instance):
    bare = settings.model_copy(update={"state_dir": settings.state_dir / "other"})
    assert [request.job_name for request in evaluate(bare, instance).run_requests] == ["refresh_profile"]


def test_the_sensor_asks_for_a_new_profile_when_the_source_is_another(settings, instance, tmp_path):
    assert [request.job_name for request in evaluate(settings, instance).run_requests] == ["simulate_claims"]
    other = settings.model_copy(update={"source": tmp_path / "other.duckdb"})
    assert [request.job_name for request in evaluate(other, instance).run_requests] == ["refresh_profile"]


NIGHTLY = ["scores_refresh_schedule", "fidelity_schedule", "evaluation_schedule"]


def asked_at_night(settings, instance, name: str):
    """What the schedule asks for at its hour."""
    schedule = build_definitions(settings).resolve_schedule_def(name)
    with dg.build_schedule_context(instance=instance, resources={"simulation": Simulation(settings)}) as context:
        return schedule.evaluate_tick(context)


@pytest.mark.parametrize("name", NIGHTLY)
def test_nightly_work_waits_for_a_profile_of_the_source(settings, instance, tmp_path, name):
    assert len(asked_at_night(settings, instance, name).run_requests) == 1
    for other in ({"state_dir": settings.state_dir / "other"}, {"source": tmp_path / "other.duckdb"}):
        tick = asked_at_night(settings.model_copy(update=other), instance, name)
        assert tick.run_requests == []
        assert tick.skip_message.startswith("There is no profile of this source yet")


def test_nightly_work_waits_for_the_approval_that_claims_need(settings, instance):
    strict = settings.model_copy(update={"require_approval": True})
    tick = asked_at_night(strict, instance, "fidelity_schedule")
    assert tick.run_requests == []
    assert tick.skip_message.startswith("No claims before the profile is approved: not approved, and claims need it")
    pipeline.approve_profile(strict, pipeline.approval_state(strict).in_force, "Sri", "", datetime.now(UTC))
    assert len(asked_at_night(strict, instance, "fidelity_schedule").run_requests) == 1


def test_nightly_work_skips_a_profile_that_waits_and_leaves_a_broken_one_to_the_run(settings, instance):
    strict = settings.model_copy(update={"require_approval": True})
    kept = settings.profile_path.rename(settings.profile_path.with_name("waiting.json"))
    assert asked_at_night(strict, instance, "fidelity_schedule").skip_message.startswith(
        "The profile waits: no profile in force"
    )
    kept.rename(settings.profile_path)
    settings.profile_path.write_text("{broken")
    assert len(asked_at_night(strict, instance, "fidelity_schedule").run_requests) == 1


def test_the_sensor_launches_a_due_batch_and_then_waits_for_the_next(settings, instance):
    first = evaluate(settings, instance)
    (request,) = first.run_requests
    assert request.job_name == "simulate_claims"
    assert datetime.fromisoformat(request.tags["claims_sim/due"]).tzinfo is not None
    second = evaluate(settings, instance, cursor=first.cursor)
    assert second.run_requests == []
    assert "due in" in second.skip_message


def test_the_sensor_never_opens_duckdb(settings, instance, monkeypatch):
    import duckdb

    monkeypatch.setattr(duckdb, "connect", lambda *_, **__: pytest.fail("DuckDB was opened"))
    assert evaluate(settings, instance).run_requests


def test_a_run_that_died_is_failed_when_the_producer_lock_is_free(settings, instance, defs, monkeypatch):
    job = defs.resolve_job_def("simulate_claims")
    dead = instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED)
    assert "still working" in evaluate(settings, instance).skip_message
    import time

    now = time.time()
    monkeypatch.setattr("claims_sim.orchestration.sensors.time.time", lambda: now + 600)
    with control.producer_lock(settings.state_dir, f"{RUN_HOLDER} {dead.run_id}"):
        assert "still working" in evaluate(settings, instance).skip_message
    assert evaluate(settings, instance).run_requests
    assert instance.get_run_by_id(dead.run_id).status == dg.DagsterRunStatus.FAILURE


def test_the_sensor_launches_nothing_while_the_worker_produces(settings, instance):
    with control.producer_lock(settings.state_dir, WHAT):
        waiting = evaluate(settings, instance)
        assert waiting.run_requests == []
        assert "claims-sim stream" in waiting.skip_message
    assert evaluate(settings, instance, cursor=waiting.cursor).run_requests


def test_the_sensor_launches_nothing_beyond_the_size_limit(ticked, instance):
    full = evaluate(ticked.model_copy(update={"max_size_mb": 0.001}), instance)
    assert full.run_requests == []
    assert "limit" in full.skip_message


@pytest.mark.slow
def test_snapshots_follow_a_run_of_the_chain(defs, instance, settings):
    assert run(defs, instance, "simulate_claims").success
    assert len(snapshots.read_snapshot(settings.snapshots_path, "claims_live_stream")) == 5
