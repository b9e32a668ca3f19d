"""A small supervisor of child processes: start, watch, restart, stop in order, and reap what a killed one left behind."""

import os
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

import psutil

from claims_sim.errors import ClaimsSimError

OWNER_VARIABLE: Final = "CLAIMS_SIM_SUPERVISED_BY"
STATE_VARIABLE: Final = "CLAIMS_SIM_STATE_DIR"
_MAX_RESTARTS: Final = 3
_RESTART_WINDOW_S: Final = 300
_LONGEST_LOG: Final = 4_000_000  # bytes


@dataclass(slots=True)
class Child:
    """One supervised process; its output goes to `log`."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    started: list[float] = field(default_factory=list)

    def start(self) -> None:
        """Start it in a session of its own, so that Ctrl-C reaches the supervisor alone, which stops all in order."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        output: IO[bytes]
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(  # noqa: S603 - our own interpreter and modules
                self.command,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.started.append(time.monotonic())

    @property
    def is_running(self) -> bool:
        """Whether the process is alive."""
        return self.process is not None and self.process.poll() is None

    def stop(self, grace_s: float) -> None:
        """SIGTERM, wait, then SIGKILL to its whole group."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(grace_s)
        _kill_group(self.process.pid)
        self.process.wait()

    def shorten_log(self) -> None:
        """Keep a log from growing for ever: beyond a size only its end stays. The child appends, so it may be cut."""
        try:
            if self.log.stat().st_size > _LONGEST_LOG:
                with self.log.open("r+b") as log:
                    log.seek(-_LONGEST_LOG // 4, os.SEEK_END)
                    end = log.read()
                    log.seek(0)
                    log.write(end)
                    log.truncate()
        except FileNotFoundError:
            return

    def last_words(self, lines: int = 5) -> str:
        """The end of its log, for an error message."""
        try:
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
        except OSError:
            return ""


def _kill_group(group: int) -> None:
    try:
        os.killpg(group, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


class Supervisor:
    """Owns children in the order they were started; stops them in the reverse order."""

    def __init__(self) -> None:
        self.children: list[Child] = []

    def start(self, child: Child) -> Child:
        """Start a child and keep it."""
        child.start()
        self.children.append(child)
        return child

    def mend(self) -> list[str]:
        """Restart children that died; returns their names. Raises ClaimsSimError when one keeps dying."""
        restarted = []
        for child in self.children:
            child.shorten_log()
            if child.is_running:
                continue
            recent = [at for at in child.started if at > time.monotonic() - _RESTART_WINDOW_S]
            if len(recent) > _MAX_RESTARTS:
                raise ClaimsSimError(
                    f"{child.name} ended {len(recent)} times; see {child.log}. Its last words:\n{child.last_words()}"
                )
            child.start()
            restarted.append(child.name)
        return restarted

    def stop_all(self, grace_s: float = 10) -> None:
        """Stop every child, the last started first."""
        for child in reversed(self.children):
            child.stop(grace_s)
        self.children.clear()


def reap_orphans(state_dir: Path) -> int:
    """End the children that a killed `up` of this state folder left behind; returns how many there were.

    They end by themselves within a second (see `lifeline`); this is for the second `up` that comes sooner, and for
    systems where they could not tell.
    """
    orphans = [process for process in _ours() if _is_orphan_of(process, state_dir)]
    for process in orphans:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(orphans, timeout=5)
    return len(orphans)


def _ours() -> Iterable[psutil.Process]:
    me = os.getpid()
    return (process for process in psutil.process_iter() if process.pid != me)


def _is_orphan_of(process: psutil.Process, state_dir: Path) -> bool:
    try:
        environment = process.environ()
    except (psutil.Error, OSError):
        return False
    owner = environment.get(OWNER_VARIABLE, "")
    same_state = environment.get(STATE_VARIABLE) == str(state_dir.absolute())
    return same_state and owner.isdigit() and not psutil.pid_exists(int(owner))
