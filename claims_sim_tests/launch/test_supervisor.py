import os
import signal
import subprocess
import sys
import textwrap
import time

import psutil
import pytest

from claims_sim.errors import ClaimsSimError
from claims_sim.launch.supervisor import OWNER_VARIABLE, STATE_VARIABLE, Child, Supervisor, reap_orphans


def sleeper(tmp_path, code="import time; time.sleep(60)") -> Child:
    return Child("sleeper", [sys.executable, "-c", code], dict(os.environ), tmp_path / "logs" / "sleeper.log")


def gone(pid: int, seconds: float = 60) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.05)
    return False


def test_stopping_ends_a_child_and_what_it_started(tmp_path):
    code = """
import subprocess, sys, time
print(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']).pid, flush=True)
time.sleep(60)
"""
    supervisor = Supervisor()
    child = supervisor.start(sleeper(tmp_path, code))
    while not (printed := child.log.read_text().strip()):
        time.sleep(0.05)
    supervisor.stop_all(1)
    assert gone(child.process.pid)
    assert gone(int(printed))


def test_a_child_that_ignores_sigterm_is_killed(tmp_path):
    code = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(60)"
    )
    supervisor = Supervisor()
    child = supervisor.start(sleeper(tmp_path, code))
    while "ready" not in child.log.read_text():
        time.sleep(0.05)
    supervisor.stop_all(0.3)
    assert child.process.returncode == -signal.SIGKILL


def test_a_child_that_dies_is_started_again_and_one_that_keeps_dying_is_an_error_with_its_last_words(tmp_path):
    supervisor = Supervisor()
    child = supervisor.start(sleeper(tmp_path, "print('no such table'); raise SystemExit(1)"))
    restarts = 0
    with pytest.raises(ClaimsSimError, match="no such table"):
        for _ in range(10):
            child.process.wait()
            restarts += len(supervisor.mend())
    assert restarts == 3


def test_orphans_of_a_dead_owner_are_reaped_and_others_left_alone(tmp_path):
    owner = subprocess.Popen([sys.executable, "-c", ""])
    owner.wait()
    processes = []
    for pid in (owner.pid, os.getpid()):
        environment = os.environ | {OWNER_VARIABLE: str(pid), STATE_VARIABLE: str(tmp_path)}
        processes.append(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], env=environment))
    while not all(process.environ().get(STATE_VARIABLE) for process in map(psutil.Process, (p.pid for p in processes))):
        time.sleep(0.05)
    try:
        assert reap_orphans(tmp_path) == 1
        assert gone(processes[0].pid)
        processes[0].wait()
        assert processes[1].poll() is None
    finally:
        processes[1].kill()
        processes[1].wait()


def test_a_process_ends_with_its_parent_also_when_that_is_killed(tmp_path):
    program = tmp_path / "parent.py"
    program.write_text(
        textwrap.dedent("""
        import subprocess, sys, time
        child = "from claims_sim.lifeline import end_with_parent; end_with_parent(); import time; print('up', flush=True); time.sleep(60)"
        process = subprocess.Popen([sys.executable, "-c", child], stdout=subprocess.PIPE)
        process.stdout.readline()
        print(process.pid, flush=True)
        time.sleep(60)
        """)
    )
    parent = subprocess.Popen([sys.executable, str(program)], stdout=subprocess.PIPE)
    child = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert gone(child)
