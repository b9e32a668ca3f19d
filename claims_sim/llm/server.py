"""Run the local model: llama.cpp's own server with its OpenAI interface, in this process, on loopback.

A program of its own (`python -m claims_sim.llm.server`): several short-lived runs share one server, so it belongs to none
of them. It ends when its owner ends (`up`, where there is one), when nobody has asked it anything for a while, or on
SIGTERM.
"""

import argparse
import os
import re
import signal
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import psutil

from claims_sim.errors import AuthorError
from claims_sim.llm.record import ServerRecord, drop_record, read_record, write_record

CONTEXT_TOKENS: Final = 4096  # of each slot; a prompt of ours has about a hundred, the full form under a thousand
OWN_WORDS: Final = "claims-sim: "  # before a line of ours in the log, between the engine's
_POLL_S: Final = 0.5
_SHUTDOWN_S: Final = 5.0
_QUIET: Final = 1  # errors and warnings: one line a request would fill the log


@dataclass(frozen=True, slots=True)
class ServerPlan:
    """What to serve and how. `idle_s` None: never ends for idleness; `owner` None: nobody's; `port` 0: a free one."""

    gguf: Path
    sha256: str
    state_dir: Path
    threads: int = 1
    slots: int = 1
    port: int = 0
    idle_s: float | None = None
    owner: int | None = None

    @property
    def model(self) -> str:
        """The name it answers under: whoever attaches can see over the wire that these are the weights it wants."""
        return model_id(self.gguf.name.removesuffix(".gguf"), self.sha256)


def model_id(name: str, sha256: str) -> str:
    """A model's name with the beginning of its weights' hash."""
    return f"{name}@{sha256[:12]}"


def is_model_id(name: str) -> bool:
    """Is `name` one that this server gives, wherever it runs?"""
    return re.fullmatch(r".+@[0-9a-f]{12}", name) is not None


def threads_for(cores: int, wanted: int = 0) -> int:
    """Threads to compute with: as wanted, else all cores but one.

    With all of them llama.cpp's spinning threads starve as soon as anything else runs.
    """
    return wanted or max(1, cores - 1)


def usable_cores() -> int:
    """Cores that this process may run on."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def start(plan: ServerPlan) -> Any:  # noqa: ANN401 - the engine is an optional package without types
    """A running server object. Raises AuthorError when the engine is missing or cannot load the weights."""
    try:
        import xllamacpp  # noqa: PLC0415 - optional
    except ImportError:
        raise AuthorError(NO_ENGINE) from None
    params = xllamacpp.CommonParams()
    params.model.path = str(plan.gguf)
    params.model_alias = {plan.model}
    params.hostnames = ["127.0.0.1"]
    params.port = plan.port
    params.n_ctx = CONTEXT_TOKENS * plan.slots
    params.n_parallel = plan.slots
    params.cpuparams.n_threads = plan.threads
    params.cpuparams_batch.n_threads = plan.threads
    params.cache_prompt = True
    params.cache_ram_mib = 0  # the slot's own cache holds the common prefix; parked prompts would only cost memory
    params.n_gpu_layers = 0
    params.ui = False
    params.cors_origins = "http://127.0.0.1"  # no web page may use it
    params.endpoint_metrics = True
    params.endpoint_slots = False
    params.verbosity = _QUIET
    try:
        return xllamacpp.Server(params)
    except RuntimeError:
        raise AuthorError(
            f"The local model server cannot start on port {plan.port or 'any'} with {plan.gguf}: the port is taken, or the "
            "file is no model that this engine knows."
        ) from None


NO_ENGINE: Final = (
    "The engine of the local model is not installed: pip install 'claims_sim[local-llm]', set CLAIMS_SIM_LLM_BASE_URL to "
    "another server, or set CLAIMS_SIM_AUTHOR=statistical."
)


def serve(plan: ServerPlan, say: Callable[[str], object] = lambda _: None) -> None:
    """Serve until it is time to end; see the module. Raises AuthorError when it cannot start."""
    owner = _process(plan.owner)
    if plan.owner is not None and owner is None:
        return
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    server = start(plan)
    me = psutil.Process()
    port = int(str(server.listening_address).rsplit(":", 1)[1])
    record = ServerRecord(
        pid=me.pid,
        created=me.create_time(),
        port=port,
        sha256=plan.sha256,
        model=plan.model,
        slots=plan.slots,
        started=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    # A server that others already use stays the one that is found; this one then serves whoever knows its port.
    current = read_record(plan.state_dir)
    if current is None or current.pid == me.pid:
        write_record(plan.state_dir, record)
    say(f"{plan.model} answers at {record.base_url} with {plan.threads} thread(s).")
    try:
        _wait(stop, owner, plan.idle_s, server)
    finally:
        drop_record(plan.state_dir, me.pid)
        # A request in work must not keep a process alive that was told to end.
        reaper = threading.Timer(_SHUTDOWN_S, os._exit, (0,))
        reaper.daemon = True
        reaper.start()
        server = None  # its destructor waits for its threads
        reaper.cancel()


def _process(pid: int | None) -> psutil.Process | None:
    try:
        return psutil.Process(pid) if pid is not None else None
    except psutil.NoSuchProcess:
        return None


def _wait(stop: threading.Event, owner: psutil.Process | None, idle_s: float | None, server: Any) -> None:  # noqa: ANN401
    """Return when told to stop, when the owner is gone, or when the server has done nothing for `idle_s`."""
    seen, since = "", time.monotonic()
    while not stop.wait(_POLL_S):
        if owner is not None and not _is_alive(owner):
            return
        if idle_s is None:
            continue
        now = _work_counters(str(server.handle_metrics()))
        if now != seen:
            seen, since = now, time.monotonic()
        elif time.monotonic() - since > idle_s:
            return


def _is_alive(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def _work_counters(metrics: str) -> str:
    """The lines that change when the server works (it renders rates as well, which change by themselves)."""
    kept = ("prompt_tokens_total", "prompt_tokens_cached_total", "tokens_predicted_total", "requests_processing")
    return "\n".join(line for line in metrics.splitlines() if not line.startswith("#") and any(k in line for k in kept))


def main(arguments: Sequence[str] | None = None) -> None:
    """`python -m claims_sim.llm.server`: everything it needs comes as an argument."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--gguf", type=Path, required=True)
    parser.add_argument("--sha256", required=True)
    parser.add_argument("--state-dir", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--slots", type=int, default=1)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--idle-s", type=float, default=None)
    parser.add_argument("--owner", type=int, default=None)
    try:
        serve(ServerPlan(**vars(parser.parse_args(arguments))))
    except AuthorError as error:
        raise SystemExit(f"{OWN_WORDS}{error}") from None


if __name__ == "__main__":
    main()
