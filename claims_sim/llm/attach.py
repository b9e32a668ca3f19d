"""Get a model to talk to: the configured server, the local one that runs already, or a local one started now.

One local server for each state folder. Whoever needs it first starts it, under a lock; it outlives short runs.
"""

import json
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from datetime import UTC, datetime
from http.client import HTTPException
from importlib import util
from pathlib import Path
from typing import Any, Final

import psutil
from filelock import FileLock, Timeout

from claims_sim.errors import AuthorError
from claims_sim.llm.endpoint import Endpoint, endpoint_of
from claims_sim.llm.errors import Failure, LLMError
from claims_sim.llm.record import ServerRecord, drop_record, read_record, write_record
from claims_sim.llm.server import NO_ENGINE, OWN_WORDS, model_id, threads_for, usable_cores
from claims_sim.llm.weights import Weights, find_weights
from claims_sim.settings import Settings, child_environment

START_TIMEOUT_S: Final = 60.0
SLOTS: Final = 1  # more than one shares the same few threads: no claim comes sooner, each one later
_HEALTH_TIMEOUT_S: Final = 5.0
_POLL_S: Final = 0.05
_STOP_S: Final = 5.0


class _Detached(subprocess.Popen[bytes]):
    """A process that is meant to outlive the one that starts it: nothing to warn of when that one ends first."""

    def __del__(self) -> None:
        """Unlike its base, say nothing."""


# Kept only to be asked for their exit code: one that ended while its starter lives would stay a zombie.
_started: list[_Detached] = []


def ensure_server(settings: Settings, timeout_s: float = START_TIMEOUT_S) -> Endpoint:
    """A model to talk to, healthy and with the right weights.

    With `llm_base_url` nothing local is started or checked. Raises AuthorError when there is none within `timeout_s`; a
    server that is still loading then goes on, and the next call finds it.
    """
    configured = endpoint_of(settings)
    if configured is not None:
        return configured
    deadline = time.monotonic() + timeout_s
    weights = find_weights(settings.state_dir, settings.llm_gguf)
    if util.find_spec("xllamacpp") is None:
        raise AuthorError(NO_ENGINE)
    settings.state_dir.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(settings.state_dir / "llm.lock", timeout=timeout_s):
            record = _attached(settings, weights, deadline) or _spawned(settings, weights, deadline)
    except Timeout:
        raise LLMError(
            Failure.STARTING,
            f"Another process has been starting the local model for over {timeout_s:.0f} s; see {_log(settings)}.",
        ) from None
    return Endpoint(record.base_url, record.model, is_local=True, is_ours=True, slots=record.slots)


def stop(settings: Settings) -> bool:
    """End the local server of this state folder; whether there was one."""
    record = read_record(settings.state_dir)
    if record is None:
        return False
    _end(settings, record, time.monotonic() + 2 * _STOP_S)
    return True


def status(settings: Settings) -> dict[str, Any]:
    """What `claims-sim llm status` shows: the model, and the server when it runs. Starts nothing, holds no key."""
    endpoint = endpoint_of(settings)
    if endpoint is not None:
        return {"server": endpoint.base_url, "model": endpoint.model or "(its first)", "local": endpoint.is_local}
    weights = find_weights(settings.state_dir, settings.llm_gguf, remember=False)
    shown: dict[str, Any] = {
        "engine": "xllamacpp" if util.find_spec("xllamacpp") else "not installed: pip install 'claims_sim[local-llm]'",
        "model": model_id(weights.name, weights.sha256),
        "weights": f"{weights.path} ({weights.origin})",
    }
    record = read_record(settings.state_dir)
    process = record.process() if record else None
    if record is None or process is None:
        return shown | {"server": "not running (it is started when it is needed)"}
    memory = 0.0
    with suppress(psutil.Error):
        memory = process.memory_info().rss / 1e6
    return shown | {
        "server": record.base_url if _answers(record, _HEALTH_TIMEOUT_S) else "loading, or it does not answer",
        "pid": record.pid,
        "started": record.started,
        "memory MB": round(memory),
    }


def _log(settings: Settings) -> Path:
    return settings.state_dir / "logs" / "llm.log"


def _answers(record: ServerRecord, timeout_s: float) -> bool:
    """Does the server answer, and under the name that holds its weights' hash?"""
    if not record.port:
        return False
    # No proxy: this is this machine.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{record.base_url}/models", timeout=max(timeout_s, 0.1)) as reply:
            listed = json.loads(reply.read(1_000_000))
        return any(model.get("id") == record.model for model in listed["data"])
    except (OSError, HTTPException, ValueError, KeyError, TypeError, AttributeError):
        return False


def _attached(settings: Settings, weights: Weights, deadline: float) -> ServerRecord | None:
    """The server that runs already, once it answers; one with other weights, or that has stopped answering, is ended."""
    record = read_record(settings.state_dir)
    if record is None:
        return None
    if record.sha256 == weights.sha256:
        patience = deadline if not record.port else min(deadline, time.monotonic() + _HEALTH_TIMEOUT_S)
        ready = _wait_for(settings, record.pid, patience)
        if ready is not None:
            return ready
        if not record.port and record.process() is not None:
            raise _still_loading(settings)
    _end(settings, record, deadline)
    return None


def _spawned(settings: Settings, weights: Weights, deadline: float) -> ServerRecord:
    """Start a server that outlives this process, and wait until it answers."""
    log = _log(settings)
    log.parent.mkdir(parents=True, exist_ok=True)
    command = [
        sys.executable, "-m", "claims_sim.llm.server",
        "--gguf", str(weights.path), "--sha256", weights.sha256, "--state-dir", str(settings.state_dir.absolute()),
        "--threads", str(threads_for(usable_cores(), settings.llm_threads)), "--slots", str(SLOTS),
        "--idle-s", str(settings.llm_idle_s),
        *(("--owner", str(settings.supervised_by)) if settings.supervised_by else ()),
    ]  # fmt: skip
    for process in _started:
        process.poll()
    with log.open("ab") as output:
        # A session of its own: neither Ctrl-C nor the end of a run's process group reaches it.
        child = _Detached(
            command,
            env=child_environment(settings),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    _started.append(child)
    loading = ServerRecord(
        pid=child.pid,
        created=_created(child.pid),
        port=0,
        sha256=weights.sha256,
        model=model_id(weights.name, weights.sha256),
        slots=SLOTS,
        started=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    current = read_record(settings.state_dir)
    if current is None or current.pid != child.pid:
        write_record(settings.state_dir, loading)
    ready = _wait_for(settings, child.pid, deadline)
    if ready is not None:
        return ready
    with suppress(subprocess.TimeoutExpired):
        # It may be seen to be ending before it has ended.
        child.wait(max(0.0, min(1.0, deadline - time.monotonic())))
    if child.poll() is None:
        raise _still_loading(settings)
    raise AuthorError(f"The local model server ended at once: {_last_words(log)} See {log}.")


def _created(pid: int) -> float:
    try:
        return float(psutil.Process(pid).create_time())
    except psutil.NoSuchProcess:
        return 0.0


def _wait_for(settings: Settings, pid: int, deadline: float) -> ServerRecord | None:
    """The record of server `pid` once it answers; None when it has ended or the time is up."""
    while True:
        record = read_record(settings.state_dir)
        if record is None or record.pid != pid:
            return None
        if _answers(record, min(_HEALTH_TIMEOUT_S, deadline - time.monotonic())):
            return record
        if time.monotonic() > deadline:
            return None
        time.sleep(_POLL_S)


def _still_loading(settings: Settings) -> LLMError:
    return LLMError(Failure.STARTING, f"The local model is still loading; it goes on doing so. See {_log(settings)}.")


def _last_words(log: Path) -> str:
    """Why a server ended, from its log: what it said itself, else the engine's last line."""
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    except OSError:
        lines = []
    own = [line.removeprefix(OWN_WORDS) for line in lines if line.startswith(OWN_WORDS)]
    return (own or lines or ["it left no word."])[-1]


def _end(settings: Settings, record: ServerRecord, deadline: float) -> None:
    """End a server, by force when it does not end by itself in time; by `deadline` it is at least told to."""

    def patience() -> float:
        return max(0.0, min(_STOP_S, deadline - time.monotonic()))

    process = record.process()
    if process is not None:
        with suppress(psutil.Error):
            process.terminate()
            try:
                process.wait(patience())
            except psutil.TimeoutExpired:
                process.kill()
                process.wait(patience())
    drop_record(settings.state_dir, record.pid)
