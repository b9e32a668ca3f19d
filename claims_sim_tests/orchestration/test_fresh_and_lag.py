"""Freshness and lag as checks: they fail when claims stay away or pile up, and pass again when that ends."""

import time
from datetime import UTC, datetime

import dagster as dg
import pytest

from claims_sim import pipeline
from claims_sim.channels import Message
from claims_sim.definitions import build_definitions
from claims_sim.observe.health import freshness_limit_s
from claims_sim.orchestration.checks import fresh_check, lag_check
from claims_sim.orchestration.jobs import CHAIN_JOB
from claims_sim.orchestration.sensors import intake_sensor
from claims_sim.pipeline import ingesting
from claims_sim.pipeline.limits import over_limit, simulation_bytes
from claims_sim.store import control
from claims_sim_tests.store.conftest import payload

KEY = dg.AssetCheckKey(dg.AssetKey("claims_live_stream"), "fresh")


@pytest.fixture
def instance(tmp_path):
    with dg.instance_for_test(temp_dir=str(tmp_path)) as made:
        yield made


def age_newest_claim(settings, seconds: float) -> None:
    control.put_status(settings.state_dir, ingesting.NEWEST_CLAIM_FACT, {"at": time.time() - seconds})


def reported(settings, instance) -> list[bool]:
    """What the sensor reports of freshness when it is asked once."""
    result = intake_sensor(settings).evaluate_tick(dg.build_sensor_context(instance=instance))
    return [event.passed for event in result.asset_events or ()]


def test_before_the_first_claim_nothing_is_late(settings, instance):
    assert fresh_check(settings).passed
    assert reported(settings, instance) == []


def test_the_sensor_reports_that_claims_stay_away_once_and_again_when_they_come(settings, instance):
    job = build_definitions(settings).resolve_job_def(CHAIN_JOB)
    run = job.execute_in_process(instance=instance)
    passed = {check.check_name: check.passed for check in run.get_asset_check_evaluations()}
    assert passed["fresh"]
    assert passed["keeps_up"]
    assert reported(settings, instance) == []
    age_newest_claim(settings, freshness_limit_s(settings) + 60)
    assert reported(settings, instance) == [False]
    assert reported(settings, instance) == []
    pipeline.run_tick(settings, datetime.now(UTC))
    assert reported(settings, instance) == [True]


def test_claims_that_stay_away_are_a_warning_that_says_where_to_look(settings):
    age_newest_claim(settings, freshness_limit_s(settings) + 60)
    found = fresh_check(settings)
    assert not found.passed
    assert found.severity == dg.AssetCheckSeverity.WARN
    assert "claims-sim status" in found.description
    assert fresh_check(settings, arrived=True).passed


def test_more_than_one_read_of_unread_messages_is_a_warning_until_they_are_read(settings, monkeypatch):
    monkeypatch.setattr(ingesting, "MAX_READ_BYTES", 1_000)
    source = pipeline.channel(settings)
    source.publish("x", [Message(f"F-{n}", payload(f"F-{n}")) for n in range(5)])
    source.close()
    behind = lag_check(pipeline.unread(settings))
    assert not behind.passed
    assert "bytes are unread" in behind.description
    pipeline.ingest(settings)
    assert pipeline.unread(settings).count == 0
    assert lag_check(pipeline.unread(settings)).passed


@pytest.mark.slow
def test_the_size_limit_counts_a_folder_channel_wherever_it_is(settings, tmp_path):
    elsewhere = settings.model_copy(update={"channel": f"jsonl://{tmp_path / 'far'}", "max_size_mb": 50.0})
    pipeline.run_tick(elsewhere, datetime.now(UTC))
    assert over_limit(elsewhere) == ""
    before = simulation_bytes(elsewhere)
    (tmp_path / "far" / "000099.jsonl").write_bytes(b"x" * 60_000_000)
    assert simulation_bytes(elsewhere) == before + 60_000_000
    assert "the limit is 50 MB" in over_limit(elsewhere)
    assert over_limit(elsewhere.model_copy(update={"channel": "redis://localhost/0"})) == ""
