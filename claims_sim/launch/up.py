"""`claims-sim up`: everything set up, Dagster's servers started, the sensor on, the first claims scored; then watched.

Ctrl-C (or SIGTERM) stops in order: no new runs, the run at work ends, then the servers. State stays in one folder.
"""

import os
import shutil
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from claims_sim import pipeline
from claims_sim.api.exposure import check_exposure, shown_host
from claims_sim.errors import AuthorError, ClaimsSimError, SettingsError
from claims_sim.launch.dagster_api import DagsterApi
from claims_sim.launch.dagster_home import write_home, write_workspace
from claims_sim.launch.supervisor import Child, Supervisor, reap_orphans
from claims_sim.lifeline import end_with_parent
from claims_sim.llm import attach
from claims_sim.observe.serving import watched
from claims_sim.settings import Settings, child_environment
from claims_sim.store import control

SENSOR: Final = "claims_intake_sensor"
SCHEDULES: Final = (
    "profile_refresh_schedule",
    "housekeeping_schedule",
    "fidelity_schedule",
    "evaluation_schedule",
    "scores_refresh_schedule",
)
_READY_S: Final = 120
_FIRST_SCORES_S: Final = 300
_STOPS_WITHIN_S: Final = 60
_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")


def run(settings: Settings, *, with_parent: bool = False) -> int:
    """Run until stopped; returns the exit code."""
    if settings.host not in _LOOPBACK:
        raise SettingsError(
            f"CLAIMS_SIM_HOST={settings.host}: the UI has no login, so it listens on loopback only. Put a proxy with a login in front."
        )
    stop, hurry = threading.Event(), threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: stop.set())
    check_exposure(settings)
    if with_parent:

        def orphaned() -> None:
            hurry.set()
            stop.set()

        end_with_parent(on_orphaned=orphaned)
    pipeline.require_writable_state(settings)
    pipeline.require_author(settings)
    with _only_one(settings), watched(settings):
        return _run_locked(settings, stop, hurry)


@contextmanager
def _only_one(settings: Settings) -> Iterator[None]:
    """One `up` a state folder; one that is just stopping is waited for."""
    lock = FileLock(settings.state_dir / "up.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        last = control.get_status(settings.state_dir, "up") or {}
        if not last.get("stopping"):
            where = last.get("url", "no address known")
            raise ClaimsSimError(
                f"claims_sim is up already in {settings.state_dir} ({where}); stop it first."
            ) from None
        _say("The last one is still stopping; waiting for it ...")
        try:
            lock.acquire(timeout=_STOPS_WITHIN_S)
        except Timeout:
            raise ClaimsSimError(f"claims_sim in {settings.state_dir} does not stop; end it by hand.") from None
    with lock:
        yield


def _run_locked(settings: Settings, stop: threading.Event, hurry: threading.Event) -> int:
    pipeline.check_isolation(settings)
    pipeline.channel(settings).close()  # a channel that cannot be opened is told before anything starts
    orphans = reap_orphans(settings.state_dir)
    if orphans:
        _say(f"Ended {orphans} processes that an earlier run left behind.")
    if silent := pipeline.why_channel_is_silent(settings):
        _say(f"{silent} Until the channel answers, claims wait in the outbox.")
    if note := pipeline.note_of_former_source(settings):
        _say(note)
    pipeline.ensure_source(settings, _say)
    supervisor = Supervisor()
    try:
        _start_model(settings)
        url = _start_servers(settings, supervisor, stop)
        if stop.is_set():
            return 0
        page = _start_page(settings, supervisor)
        control.put_status(settings.state_dir, "up", {"url": url, "page": page, "since": time.time()})
        _wait_for_first_scores(settings, supervisor, stop, url)
        if not stop.is_set():
            _say(_where_things_are(settings, url, page))
        while not stop.wait(1.0):
            for name in supervisor.mend():
                _say(f"Restarted {name}; its log is in {settings.state_dir / 'logs'}.")
    finally:
        _stop(settings, supervisor, hurry)
    return 0


def _say(text: str) -> None:
    with suppress(OSError):  # who started us may be gone, and the terminal with it
        print(text, flush=True)  # noqa: T201 - this is the command's output


def _start_model(settings: Settings) -> None:
    """Start the local model now, so that the first batch finds it warm; without one, say who writes instead."""
    if settings.author != "llm" or settings.llm_base_url:
        return
    try:
        model = attach.ensure_server(settings.model_copy(update={"supervised_by": os.getpid()})).model
    except AuthorError as error:
        instead = "every batch will fail" if settings.force_llm else "the statistical author writes instead"
        _say(f"No language model: {instead}. {error}")
    else:
        _say(f"The local model {model} is ready.")


def free_port(wanted: int, host: str, setting: str = "CLAIMS_SIM_PORT") -> int:
    """`wanted`, or the next port that is free. Raises ClaimsSimError, naming `setting`, when there is none."""
    for port in range(wanted, min(wanted + 100, 65_536)):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return port
    raise ClaimsSimError(f"No port between {wanted} and {wanted + 99} is free on {host}; set {setting}.")


def _start_page(settings: Settings, supervisor: Supervisor) -> str:
    """The API with its live page; where it is."""
    port = free_port(settings.api_port, settings.api_host, "CLAIMS_SIM_API_PORT")
    if port != settings.api_port:
        _say(f"Port {settings.api_port} is busy; the live page takes {port}.")
    environment = child_environment(settings, CLAIMS_SIM_SUPERVISED_BY=str(os.getpid()), OMP_NUM_THREADS="1")
    command = [sys.executable, "-m", "claims_sim.cli", "serve", "--port", str(port)]
    supervisor.start(Child("api", command, environment, settings.state_dir / "logs" / "api.log"))
    return f"http://{shown_host(settings.api_host)}:{port}/"


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _any_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _start_servers(settings: Settings, supervisor: Supervisor, stop: threading.Event) -> str:
    """Code server and webserver, then, when no old run can be mistaken for a live one, sensor and daemon."""
    home, logs = (settings.state_dir / "dagster").absolute(), settings.state_dir / "logs"
    write_home(home)
    code_port, port = _any_port(), free_port(settings.port, settings.host)
    if port != settings.port:
        _say(f"Port {settings.port} is busy; the Dagster UI takes {port}.")
    workspace = home / "workspace.yaml"
    write_workspace(workspace, code_port)

    environment = child_environment(
        settings,
        DAGSTER_HOME=str(home),
        DAGSTER_DISABLE_TELEMETRY="yes",
        CLAIMS_SIM_SUPERVISED_BY=str(os.getpid()),
        OMP_NUM_THREADS="1",
    )

    def child(name: str, *arguments: str) -> Child:
        command = [sys.executable, "-m", "claims_sim.launch.child", name, *arguments]
        return supervisor.start(Child(name, command, environment, logs / f"{name}.log"))

    _say("Starting Dagster ...")
    child(
        "code-server",
        "api",
        "grpc",
        "-m",
        "claims_sim.definitions",
        "-p",
        str(code_port),
        "-h",
        "127.0.0.1",
        "--log-level",
        "warning",
        "--location-name",
        "claims_sim",
    )
    # The webserver asks the code server once; it must not be asked before it listens.
    _wait_until(lambda: _listens(code_port), _READY_S, supervisor, stop, "Dagster did not start")
    child("webserver", "-w", str(workspace), "-h", settings.host, "-p", str(port), "--suppress-warnings")
    url = f"http://{settings.host}:{port}"
    api = DagsterApi(url)
    _wait_until(api.is_ready, _READY_S, supervisor, stop, "Dagster did not start")
    if not stop.is_set():
        api.cancel_unfinished_runs()
        api.start_sensor(SENSOR)
        for schedule in SCHEDULES:
            api.start_schedule(schedule)
        child("daemon", "run", "-w", str(workspace), "--log-level", "warning")
    return url


def _wait_until(
    ready: Callable[[], bool], seconds: float, supervisor: Supervisor, stop: threading.Event, failure: str
) -> None:
    deadline = time.monotonic() + seconds
    while not stop.is_set() and not ready():
        dead = [child for child in supervisor.children if not child.is_running]
        if dead:
            raise ClaimsSimError(
                f"{failure}: {dead[0].name} ended. Its last words ({dead[0].log}):\n{dead[0].last_words()}"
            )
        if time.monotonic() > deadline:
            raise ClaimsSimError(f"{failure} within {seconds:.0f} s; see the logs beside {supervisor.children[0].log}.")
        stop.wait(0.5)


def _wait_for_first_scores(settings: Settings, supervisor: Supervisor, stop: threading.Event, url: str) -> None:
    _say(f"Dagster is at {url}. Profiling the source and waiting for the first claims ...")

    started = time.time()

    def scored() -> bool:
        flow = control.get_status(settings.state_dir, "flow") or {}
        return int(flow.get("scored", 0)) > 0 and float(flow.get("updated_at", 0)) > started

    _wait_until(scored, _FIRST_SCORES_S, supervisor, stop, "No claim was scored")


def _where_things_are(settings: Settings, url: str, page: str) -> str:
    flow = control.get_status(settings.state_dir, "flow") or {}
    source = (
        f"{settings.source_path} (table {pipeline.source_table(settings)}, read-only)"
        if settings.source
        else f"{settings.source_path} (invented demo data)"
    )
    return f"""
claims_sim is running: a batch of {settings.batch_size} claims every {settings.interval_min_s:g} to {settings.interval_max_s:g} s.

  Live page   {page}
  Runs        {url}/runs
  Lineage     {url}/locations/claims_sim/asset-groups/claims_sim
  Source      {source}
  Claims      {settings.snapshots_path}/claims_live_stream (Parquet; read these, not the database)
  Channel     {settings.channel_url}
  Database    {settings.database_path}
  Logs        {settings.state_dir / "logs"}

{flow.get("ingested", 0)} claims ingested, {flow.get("scored", 0)} scored so far; `{_our_command()} status` tells more.
Ctrl-C stops everything; starting again goes on from here."""


def _our_command() -> str:
    """How the user calls us: the bare name where the shell finds it, else the file."""
    if shutil.which("claims-sim"):
        return "claims-sim"
    path = Path(sys.executable).with_name("claims-sim")
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def _stop(settings: Settings, supervisor: Supervisor, hurry: threading.Event) -> None:
    """No new runs, let the run at work end, then the servers; when the one who started us is gone, no waiting."""
    control.put_status(settings.state_dir, "up", {"stopping": True})
    _say("\nStopping ...")
    grace = 1.0 if hurry.is_set() else 10.0
    for daemon in [child for child in supervisor.children if child.name == "daemon"]:
        daemon.stop(grace)
        supervisor.children.remove(daemon)
    deadline = time.monotonic() + 2 * grace
    while time.monotonic() < deadline and not hurry.is_set() and not control.producer_is_free(settings.state_dir):
        time.sleep(0.2)
    supervisor.stop_all(grace / 2)
    attach.stop(settings)
    control.put_status(settings.state_dir, "up", {})
    _say("Stopped. Nothing is lost; the next start goes on from here.")
