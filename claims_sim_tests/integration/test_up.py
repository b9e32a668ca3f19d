"""`claims-sim up` for real: servers, sensor, runs; killed, started again, stopped."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import duckdb
import psutil
import pytest

from claims_sim.settings import child_environment


@pytest.fixture
def up(settings, tmp_path):
    """A function that starts `up` and waits until it says that it runs; whatever is left is killed in the end."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    changed = settings.model_copy(update={"port": port, "interval_min_s": 5.0, "interval_max_s": 6.0})
    started = []

    def start() -> tuple[subprocess.Popen, Path]:
        log = tmp_path / f"up-{len(started)}.log"
        with log.open("wb") as output:
            command = [sys.executable, "-m", "claims_sim.cli", "up"]
            process = subprocess.Popen(
                command, env=child_environment(changed), stdout=output, stderr=output, start_new_session=True
            )
        started.append(process)
        deadline = time.time() + 300
        while "claims_sim is running" not in log.read_text():
            assert process.poll() is None, log.read_text()
            assert time.time() < deadline, log.read_text()
            time.sleep(0.2)
        return process, log

    yield start
    for process in started:
        process.kill()
        process.wait()


def ours(settings) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and process.environ().get("CLAIMS_SIM_STATE_DIR") == str(settings.state_dir):
                found.append(process)
        except psutil.Error:
            continue
    return found


def wait_until_gone(settings, seconds: float) -> list[psutil.Process]:
    deadline = time.time() + seconds
    while (left := ours(settings)) and time.time() < deadline:
        time.sleep(0.1)
    return left


def runs(url: str) -> list[dict]:
    body = json.dumps({"query": "{ runsOrError { ... on Runs { results { status jobName } } } }"}).encode()
    request = urllib.request.Request(f"{url}/graphql", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)["data"]["runsOrError"]["results"]


@pytest.mark.timeout(600)
def test_up_makes_scored_claims_survives_a_kill_and_stops_without_leaving_anything(up, settings):
    process, log = up()
    url = next(word for word in log.read_text().split() if word.startswith("http://")).rstrip(".")
    deadline = time.time() + 120
    while {"jobName": "simulate_claims", "status": "SUCCESS"} not in (made := runs(url)) and time.time() < deadline:
        time.sleep(0.5)
    assert {"jobName": "simulate_claims", "status": "SUCCESS"} in made
    assert not any(run["status"] == "FAILURE" for run in made)

    process.kill()
    process.wait()
    assert wait_until_gone(settings, 60) == []

    process, log = up()
    process.send_signal(signal.SIGINT)
    assert process.wait(120) == 0
    assert "Stopped" in log.read_text()
    assert wait_until_gone(settings, 60) == []
    with duckdb.connect(str(settings.database_path), read_only=True) as connection:
        (stored, distinct), (committed,), (scored,) = (
            connection.execute(query).fetchall()[0]
            for query in (
                "SELECT count(*), count(DISTINCT claim_id) FROM claims_live_stream",
                "SELECT count(*) FROM outbox_batches WHERE status <> 'pending'",
                "SELECT count(*) FROM ml_scores",
            )
        )
    assert stored == distinct == scored
    assert stored >= 10
    assert committed >= 2
