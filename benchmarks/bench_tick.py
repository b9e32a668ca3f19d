"""CPU of one tick beside that of an empty chain of four Dagster assets: same executor, launcher, storage and call.

    .venv/bin/python benchmarks/bench_tick.py --ticks 6 --author statistical

Both code locations are served as `up` serves its own (code server, webserver, daemon, an instance in a folder), but for
the empty one's code server, which is Dagster's own: it starts an interpreter for each run, where ours forks one. Runs are
launched one after the other through the webserver, in turns, so that noise hits both. Two ratios are printed: of the
run's own process (the work of a tick, imports included), and of everything that is not the language model's server
(webserver, daemon and code server included, which poll while a run works). Bar: 1.3.
"""

import argparse
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from claims_sim.launch.dagster_api import DagsterApi
from claims_sim.launch.dagster_home import write_home, write_workspace

_LAUNCH = """
mutation($params: ExecutionParams!) { launchRun(executionParams: $params) { __typename
  ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }
"""
_STATUS = "query($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }"
_SELECTOR = {
    "repositoryName": "__repository__",
    "repositoryLocationName": "claims_sim",
    "jobName": "simulate_claims",
}


class Served:
    """A code location with servers of its own; `cpu` counts what they and their runs have used."""

    def __init__(self, folder: Path, module: str, **variables: str) -> None:
        self.folder = folder
        home = folder / "dagster"
        write_home(home)
        code_port, port = free_port(), free_port()
        write_workspace(home / "workspace.yaml", code_port)
        environment = {k: v for k, v in os.environ.items() if not k.startswith("CLAIMS_SIM_")}
        environment |= {
            "CLAIMS_SIM_STATE_DIR": str(folder),
            "DAGSTER_HOME": str(home),
            "DAGSTER_DISABLE_TELEMETRY": "yes",
            "OMP_NUM_THREADS": "1",
            "PYTHONPATH": str(Path(__file__).parent),
            **variables,
        }
        self._environment = environment
        arguments = [
            "api",
            "grpc",
            "-m",
            module,
            "-p",
            str(code_port),
            "-h",
            "127.0.0.1",
            "--location-name",
            "claims_sim",
        ]
        ours = module.startswith("claims_sim")  # the other is what anybody gets who types `dagster api grpc`
        self.code = (
            self._start("code-server", *arguments) if ours else self._popen("code-server", "dagster", *arguments)
        )
        wait_until(lambda: listens(code_port))
        workspace = ["-w", str(home / "workspace.yaml")]
        self.others = [
            self._start("webserver", *workspace, "-h", "127.0.0.1", "-p", str(port)),
            self._start("daemon", "run", *workspace),
        ]
        self.api = DagsterApi(f"http://127.0.0.1:{port}")
        wait_until(self.api.is_ready)

    def _start(self, name: str, *arguments: str) -> psutil.Process:
        return self._popen(name, "claims_sim.launch.child", name, *arguments)

    def _popen(self, name: str, *arguments: str) -> psutil.Process:
        command = [sys.executable, "-m", *arguments]
        with (self.folder / f"{name}.log").open("ab") as log:
            return psutil.Process(
                subprocess.Popen(command, env=self._environment, stdout=log, stderr=log, start_new_session=True).pid
            )

    def cpu(self) -> tuple[float, float]:
        """CPU seconds of finished runs, and of everything.

        Runs are children of the code server, or of the process that it forks them from.
        """
        code, below = self.code.cpu_times(), [child.cpu_times() for child in self.code.children()]
        runs = sum(times.children_user + times.children_system for times in (code, *below))
        servers = sum(sum(times[:2]) for times in (code, *below, *(other.cpu_times() for other in self.others)))
        return runs, runs + servers

    def tick(self) -> tuple[float, float]:
        """One run, from launch to the end of its process; what it cost."""
        before = self.cpu()
        answer = self.api.call(_LAUNCH, params={"selector": _SELECTOR, "runConfigData": {}})["launchRun"]
        run_id = answer["run"]["runId"] if "run" in answer else sys.exit(f"not launched: {answer}")
        wait_until(lambda: self.status(run_id) in {"SUCCESS", "FAILURE", "CANCELED"})
        if self.status(run_id) != "SUCCESS":
            sys.exit(f"run {run_id} is {self.status(run_id)}; see {self.folder}")
        wait_until(lambda: self.cpu()[0] > before[0])  # the code server has collected the run's process
        runs, everything = self.cpu()
        return runs - before[0], everything - before[1]

    def status(self, run_id: str) -> str:
        return self.api.call(_STATUS, id=run_id)["runOrError"]["status"]

    def stop(self) -> None:
        for process in (*self.others, self.code):
            process.send_signal(signal.SIGTERM)
        for process in psutil.wait_procs([*self.others, self.code], timeout=15)[1]:
            process.kill()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_until(true, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            sys.exit(f"{true} did not come true within {seconds} s")
        time.sleep(0.3)


def prepare(state: Path, author: str) -> None:
    """Profile and scorer of a small demo source; with a model, start its server, which then is nobody's child here."""
    from claims_sim import pipeline
    from claims_sim.generation.batch import utc_now
    from claims_sim.llm.attach import ensure_server
    from claims_sim.settings import load_settings

    settings = load_settings(state_dir=state, author=author, demo_rows=20_000)
    pipeline.ensure_source(settings, print)
    pipeline.keep_profile(settings, pipeline.profile_source(settings, utc_now()).profile)
    pipeline.train_for(settings, pipeline.current_profile(settings))
    if author == "llm":
        ensure_server(settings)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ticks", type=int, default=6)
    parser.add_argument("--author", choices=("statistical", "llm"), default="statistical")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="claims-sim-tick-"))
    for name in [name for name in os.environ if name.startswith("CLAIMS_SIM_")]:
        del os.environ[name]
    served = []
    try:
        prepare(folder / "ours", options.author)
        (folder / "empty").mkdir()
        served.append(Served(folder / "ours", "claims_sim.definitions", CLAIMS_SIM_AUTHOR=options.author))
        served.append(Served(folder / "empty", "empty_chain"))
        for one in served:
            one.tick()  # byte code, first files
        costs = [[one.tick() for one in served] for _ in range(options.ticks)]
    finally:
        for one in served:
            one.stop()
        if options.author == "llm":
            from claims_sim.llm import attach
            from claims_sim.settings import load_settings

            attach.stop(load_settings(state_dir=folder / "ours"))
        shutil.rmtree(folder)
    for number, what in enumerate(("the run's process", "all processes but the model")):
        ours, empty = (statistics.median(pair[who][number] for pair in costs) for who in (0, 1))
        print(
            f"{what}: {ours:.2f} CPU-s a tick, {empty:.2f} CPU-s an empty chain: ratio {ours / empty:.2f} (author {options.author})"
        )


if __name__ == "__main__":
    main()
