"""Run one of Dagster's own servers in a process that cannot outlive `up`: `python -m claims_sim.launch.child NAME …`."""

import gc
import multiprocessing
import sys
from importlib import import_module
from typing import Final

from claims_sim.lifeline import end_with_parent

_SERVERS: Final = {
    "webserver": ("dagster_webserver.cli", "main"),
    "daemon": ("dagster._daemon.cli", "main"),
    "code-server": ("dagster._cli", "main"),
}


if __name__ == "__mp_main__":
    # A run: the code server starts it, and it ends with the tick. Looking for cycles of garbage while thousands of
    # modules are loaded costs it a tenth of its time.
    gc.set_threshold(100_000, 50, 100)


def fork_runs_from_a_warm_process() -> None:
    """Let Dagster's code server start its runs from a process that has all imports behind it.

    A run of its own making is a new interpreter, which spends most of a tick importing. Dagster has no setting for that
    (its multiprocess executor has), but asks for its way of starting processes by name.
    """
    if sys.platform != "linux":  # elsewhere libraries do not take forking well
        return
    warm, by_name = multiprocessing.get_context("forkserver"), multiprocessing.get_context
    warm.set_forkserver_preload(["claims_sim.launch.warm"])
    multiprocessing.get_context = lambda method=None: warm if method == "spawn" else by_name(method)  # type: ignore[assignment]


def main() -> None:
    """Replace this program by the named server, its remaining arguments untouched."""
    end_with_parent()
    if sys.argv[1] == "code-server":
        fork_runs_from_a_warm_process()
    module, function = _SERVERS[sys.argv[1]]
    sys.argv = [f"dagster-{sys.argv[1]}", *sys.argv[2:]]
    getattr(import_module(module), function)()


if __name__ == "__main__":
    main()
