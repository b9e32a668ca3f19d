"""The stream of events, over a real socket, from a server in a process of its own."""

import json
import signal
import socket
import subprocess
import sys
import time

import httpx2 as httpx
import pytest

from claims_sim import pipeline
from claims_sim.settings import child_environment
from claims_sim_tests.states import NEXT_AT


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def server(streamed):
    port = free_port()
    command = [sys.executable, "-m", "claims_sim.cli", "serve", "--port", str(port)]
    process = subprocess.Popen(
        command, env=child_environment(streamed), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    url = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + 60
    while True:
        try:
            httpx.get(f"{url}/healthz")
            break
        except httpx.TransportError:
            assert process.poll() is None, process.stdout.read().decode()
            assert time.monotonic() < deadline
            time.sleep(0.1)
    yield url, process
    process.kill()
    process.communicate()


def take(url: str, count: int, **headers) -> list[dict]:
    """The first `count` claims of the stream."""
    found = []
    with httpx.stream("GET", f"{url}/claims/stream", headers=headers, timeout=60) as answer:
        for line in answer.iter_lines():
            if line.startswith("data: "):
                found.append(json.loads(line[6:]))
                if len(found) == count:
                    return found
    return found


def test_a_listener_resumes_where_it_was_and_misses_nothing(server, streamed):
    url, _ = server
    assert [claim["seq"] for claim in take(url, 30, **{"last-event-id": "10"})] == list(range(11, 41))
    pipeline.run_tick(streamed, NEXT_AT)
    arrived = take(url, 20, **{"last-event-id": "40"})
    assert [claim["seq"] for claim in arrived] == list(range(41, 61))
    assert all(claim["score"] for claim in arrived)


@pytest.mark.slow
def test_the_server_ends_while_somebody_listens(server):
    url, process = server
    with httpx.stream("GET", f"{url}/claims/stream", timeout=60) as answer:
        lines = answer.iter_lines()
        assert next(lines) == "retry: 2000"
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
