"""Run one of Dagster's own servers in a process that cannot outlive `up`: `python -m claims_sim.launch.child NAME …`."""

import gc
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
    # A run: the code server spawns it, and it ends with the tick. Looking for cycles of garbage while thousands of
    # modules are loaded costs it a tenth of its time.
    gc.set_threshold(100_000, 50, 100)


def main() -> None:
    """Replace this program by the named server, its remaining arguments untouched."""
    end_with_parent()
    module, function = _SERVERS[sys.argv[1]]
    sys.argv = [f"dagster-{sys.argv[1]}", *sys.argv[2:]]
    getattr(import_module(module), function)()


if __name__ == "__main__":
    main()
