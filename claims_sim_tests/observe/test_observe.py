import io
import json
import logging
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime

import pytest
from prometheus_client.parser import text_string_to_metric_families

from claims_sim import pipeline
from claims_sim.errors import SettingsError
from claims_sim.launch.up import _any_port
from claims_sim.observe import logs, metrics
from claims_sim.observe.health import check_health, freshness_limit_s
from claims_sim.observe.latency import BOUNDS, Latency
from claims_sim.observe.serving import watched
from claims_sim.observe.status import status_of
from claims_sim.settings import load_settings
from claims_sim.store import control

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


def values(text: bytes) -> dict[str, float]:
    found = {}
    for family in text_string_to_metric_families(text.decode()):
        for sample in family.samples:
            found[sample.name + sample.labels.get("le", "")] = sample.value
    return found


def test_metrics_count_what_the_database_holds(grown):
    settings = grown(2, 5)
    found = values(metrics.exposition(settings))
    for name in ("planned", "accepted", "released", "ingested", "scored"):
        assert found[f"claims_sim_{name}_total"] == 10
    assert (found["claims_sim_dead_letters_total"], found["claims_sim_unscored"]) == (0, 0)


def test_metrics_are_there_before_anything_happened(tmp_path):
    found = values(metrics.exposition(load_settings(state_dir=tmp_path / "none")))
    assert found["claims_sim_ready"] == 0
    assert found["claims_sim_tick_seconds_count"] == 0


def get(url: str) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(url) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def test_metrics_health_and_readiness_are_answered_on_loopback_and_a_taken_port_is_told(settings):
    settings = settings.model_copy(update={"metrics_port": _any_port()})
    url = f"http://127.0.0.1:{settings.metrics_port}"
    with watched(settings):
        assert b"claims_sim_ready 0.0" in get(f"{url}/metrics")[1]
        assert get(f"{url}/healthz")[0] == 200
        code, body = get(f"{url}/readyz")
        assert (code, json.loads(body)["ready"]) == (503, False)
        pipeline.run_tick(settings, NOW)
        assert get(f"{url}/readyz")[0] == 200
        assert get(f"{url}/other")[0] == 404
        with pytest.raises(SettingsError, match="CLAIMS_SIM_METRICS_PORT"), watched(settings):
            pass
    with watched(settings):  # the port is free again
        assert get(f"{url}/healthz")[0] == 200


def test_latencies_outlive_the_process_and_add_up(tmp_path):
    latency = Latency.load(tmp_path)
    for seconds in (0.05, 0.1, 0.3, 60):
        latency.add(seconds)
    latency.save(tmp_path)
    again = Latency.load(tmp_path)
    assert again.counts[0] == 2
    assert again.counts[len(BOUNDS)] == 1
    assert again.total_s == pytest.approx(60.45)


def test_a_simulator_is_ready_when_claims_arrive(settings):
    assert "no claim was scored yet" in check_health(settings).problems
    pipeline.run_tick(settings, NOW)
    assert check_health(settings).ready
    late = check_health(settings, time.time() + freshness_limit_s(settings) + 1)
    assert late.alive
    assert "last tick" in late.problems[0]


def test_a_reached_size_limit_makes_it_unready(ticked):
    assert "limit" in check_health(ticked.model_copy(update={"max_size_mb": 0.001})).problems[0]


def test_a_state_that_cannot_be_read_is_not_alive(settings):
    (settings.state_dir / "control.sqlite").unlink(missing_ok=True)
    (settings.state_dir / "control.sqlite").mkdir()
    assert not check_health(settings).alive


def test_json_logs_hold_one_object_a_line_with_what_the_call_gave(capsys):
    logs.configure("json", verbose=True)
    logging.getLogger("claims_sim.x").debug("a %s", "batch", extra={"claims": 5})
    line = json.loads(capsys.readouterr().err)
    assert (line["message"], line["claims"], line["level"]) == ("a batch", 5, "debug")


def test_text_logs_tell_what_the_call_gave_and_take_the_line_of_a_progress_line(monkeypatch):
    terminal = io.StringIO()
    terminal.isatty = lambda: True
    monkeypatch.setattr("sys.stderr", terminal)
    logs.configure("text", verbose=True)
    print("\r\x1b[K12 claims", end="", file=terminal)
    logging.getLogger("claims_sim.x").debug("batch done", extra={"batch": "abc", "seconds": 0.5})
    assert "12 claims\r\x1b[K" in terminal.getvalue()
    assert terminal.getvalue().endswith("DEBUG batch done batch=abc seconds=0.5\n")


def test_status_names_the_state_folder_that_is_not_there_and_makes_none(settings, tmp_path):
    elsewhere = settings.model_copy(update={"state_dir": tmp_path / "elsewhere"})
    assert status_of(elsewhere)["state folder"].startswith(f"there is none: {tmp_path / 'elsewhere'};")
    assert not elsewhere.state_dir.exists()
    assert status_of(settings)["state folder"] == str(settings.state_dir)


def test_status_tells_what_the_author_drafted_not_as_a_lack(run, settings):
    control.put_status(settings.state_dir, "flow", {"planned": 15, "authored": 3, "updated_at": time.time()})
    _, out, _ = run("status")
    assert "3 of 15; the statistical author writes what is missing" in out
    assert "authored" not in out
    assert json.loads(run("status", "--json")[1])["authored"] == 3


def test_status_tells_the_last_error_until_a_tick_succeeds(run, settings, monkeypatch):
    monkeypatch.setenv("CLAIMS_SIM_CHANNEL", "redis://127.0.0.1:9/0")
    code, _, err = run("stream", "--max-claims", "3", "--rate", "100/s", "--no-report")
    told = json.loads(run("status", "--json")[1])["last error"]
    assert code == 5
    assert told.startswith("claims-sim stream, ")
    assert err.splitlines()[-1].removeprefix("claims-sim: ") in told
    pipeline.run_tick(settings, NOW)
    assert "last error" not in status_of(settings)
