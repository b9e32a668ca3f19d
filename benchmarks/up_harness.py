"""Start and stop the simulator as a user does, and ask it what it did. For the soak and kill runs beside this file."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import psutil

ROOT = Path(__file__).parent.parent
_RUNS = "{ runsOrError(limit: 2000) { ... on Runs { results { runId status jobName startTime endTime tags { key value } } } } }"


def start_up(state: Path, log: Path, **settings: str) -> subprocess.Popen:
    """`make up` with its state in `state`, in a session of its own."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("CLAIMS_SIM_")}
    environment |= {"CLAIMS_SIM_STATE_DIR": str(state)} | {f"CLAIMS_SIM_{k.upper()}": v for k, v in settings.items()}
    with log.open("ab") as output:
        return subprocess.Popen(
            ["make", "up"], cwd=ROOT, env=environment, stdout=output, stderr=output, start_new_session=True
        )


def wait_until_running(log: Path, process: subprocess.Popen, seconds: float = 300) -> None:
    """Until `up` has said that it runs."""
    deadline = time.time() + seconds
    while "claims_sim is running" not in log.read_text():
        if process.poll() is not None or time.time() > deadline:
            sys.exit(f"up did not start:\n{log.read_text()}")
        time.sleep(0.2)


def our_processes(state: Path) -> list[psutil.Process]:
    """Every live process whose environment names this state folder (but us)."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and process.environ().get("CLAIMS_SIM_STATE_DIR") == str(state):
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


def flow(state: Path) -> dict:
    """What `claims-sim status --json` says."""
    command = [str(ROOT / ".venv/bin/claims-sim"), "status", "--json"]
    return json.loads(
        subprocess.run(
            command, capture_output=True, check=True, env=os.environ | {"CLAIMS_SIM_STATE_DIR": str(state)}
        ).stdout
    )


def runs(url: str) -> list[dict]:
    """Every run that Dagster knows."""
    request = urllib.request.Request(
        f"{url}/graphql", json.dumps({"query": _RUNS}).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)["data"]["runsOrError"]["results"]


def kill(process: psutil.Process | subprocess.Popen) -> None:
    """SIGKILL, whatever state it is in."""
    try:
        os.kill(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
