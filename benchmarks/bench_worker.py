"""The continuous worker as a user runs it: from plan to score at a slow rate, and whether it keeps up at a fast one.

    .venv/bin/python benchmarks/bench_worker.py                       1 claim/s for 2 minutes, 200 claims/s for 10
    .venv/bin/python benchmarks/bench_worker.py --seconds 60          both for a minute

`claims-sim stream` runs in a process of its own, with the statistical author, a demo source and a Dagster instance that
it reports to. Every batch is in its log: when it was due, how much later it began, how long it took until its claims
were scored. Bars: at 1 claim/s the 95th percentile of plan to score is at most 1 s; at 200 claims/s lateness does not
grow: the median of the last fifth is at most 1 s above that of the second (the first holds the start).
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

import numpy as np
import psutil

from claims_sim.launch.dagster_home import write_home

P95_BAR_S, GROWTH_BAR_S = 1.0, 1.0


def prepare(folder: Path, rows: int) -> dict[str, str]:
    """A state folder with a source and a Dagster instance; the environment in which it is found."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("CLAIMS_SIM_", "DAGSTER_"))}
    environment |= {
        "CLAIMS_SIM_STATE_DIR": str(folder),
        "CLAIMS_SIM_DEMO_ROWS": str(rows),
        "CLAIMS_SIM_LOG_FORMAT": "json",
        "DAGSTER_DISABLE_TELEMETRY": "yes",
        "OMP_NUM_THREADS": "1",
    }
    write_home(folder / "dagster")
    return environment


def run_worker(environment: dict[str, str], rate: float, seconds: float, log: Path) -> dict[str, np.ndarray | float]:
    """Run the worker; times of its batches, and what its process took."""
    command = [sys.executable, "-m", "claims_sim.cli", "stream", "--rate", f"{rate:g}/s", "--author", "statistical"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, "--duration", f"{seconds:g}s", "--verbose", "--json"],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=output,
        )
    watched, samples = psutil.Process(process.pid), []
    while process.poll() is None:
        try:
            times = watched.cpu_times()
            samples.append((time.time(), times.user + times.system, watched.memory_info().rss / 1e6))
        except (psutil.NoSuchProcess, psutil.ZombieProcess):
            break
        time.sleep(1)
    lines = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    if process.wait():
        sys.exit("\n".join(line["message"] for line in lines[-5:]))
    batches = [line for line in lines if "batch" in line and "late_s" in line]
    if not batches:
        sys.exit(f"No batch is told of in {log}: {lines[-1]['message'] if lines else 'it is empty'}")
    at = [datetime.fromisoformat(batch["time"]).timestamp() for batch in batches]
    return {name: np.array([batch[name] for batch in batches]) for name in ("claims", "seconds", "late_s")} | {
        "at": np.array(at),
        "samples": np.array(samples)[:-1],  # the last may be of a process that has ended
        "warnings": sum(line["level"] in ("warning", "error") for line in lines),
    }


def report(title: str, found: dict, seconds: float) -> float:
    """Print one run; by how much lateness grew."""
    batches = len(found["claims"])
    fifths = np.array_split(found["late_s"], 5)
    growth = float(np.median(fifths[-1]) - np.median(fifths[1]))
    half = found["samples"][len(found["samples"]) // 2 :]
    slope = np.polyfit((half[:, 0] - half[0, 0]) / 60, half[:, 2], 1)[0]
    made = found["claims"][(found["at"] >= half[0, 0]) & (found["at"] < half[-1, 0])]
    cpu = half[-1, 1] - half[0, 1]
    print(f"\n{title}: {int(found['claims'].sum()):,} claims scored in {batches:,} batches over {seconds:g} s")
    for name, values in (("plan begun to scored", found["seconds"]), ("begun after it was due", found["late_s"])):
        p50, p95, p99 = np.percentile(values, [50, 95, 99])
        print(f"  {name:<24} p50 {p50:.3f} s   p95 {p95:.3f} s   p99 {p99:.3f} s   longest {values.max():.3f} s")
    print(f"  lateness, median of each fifth: {', '.join(f'{np.median(part):.3f} s' for part in fifths)}")
    print(
        f"  CPU over the last half: {cpu / made.sum() * 1000:.1f} ms a claim, {cpu / len(made) * 1000:.0f} ms a batch"
    )
    print(f"  memory {half[-1, 2]:.0f} MB, {slope:+.2f} MB a minute over the last half")
    print(f"  warnings: {found['warnings']}")
    return growth


def main() -> int:
    """Run both rates."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, help="of each run; default: 120 and 600")
    parser.add_argument("--rows", type=int, default=100_000, help="of the demo source")
    parser.add_argument("--slow", type=float, default=1.0, help="claims a second")
    parser.add_argument("--fast", type=float, default=200.0, help="claims a second")
    parser.add_argument("--keep", type=Path, help="work in this folder and leave it")
    options = parser.parse_args()
    folder = options.keep or Path(tempfile.mkdtemp(prefix="claims-sim-worker-"))
    folder.mkdir(parents=True, exist_ok=True)
    try:
        environment = prepare(folder / "state", options.rows)
        print(f"load of the machine before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores", flush=True)
        slow = run_worker(environment, options.slow, options.seconds or 120, folder / "slow.log")
        report(f"{options.slow:g} claims/s", slow, options.seconds or 120)
        fast = run_worker(environment, options.fast, options.seconds or 600, folder / "fast.log")
        growth = report(f"{options.fast:g} claims/s", fast, options.seconds or 600)
    finally:
        if not options.keep:
            shutil.rmtree(folder, ignore_errors=True)
    p95 = float(np.percentile(slow["seconds"], 95))
    verdicts = {
        f"p95 of plan to score at {options.slow:g} claims/s: {p95:.3f} s (bar {P95_BAR_S:g} s)": p95 <= P95_BAR_S,
        f"growth of lateness at {options.fast:g} claims/s: {growth:+.3f} s (bar {GROWTH_BAR_S:g} s)": growth
        <= GROWTH_BAR_S,
    }
    print()
    for text, passed in verdicts.items():
        print(f"{'ok  ' if passed else 'MISS'}  {text}")
    return 0 if all(verdicts.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
