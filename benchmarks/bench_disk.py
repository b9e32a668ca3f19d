"""How much a day of ticks leaves on disk after housekeeping, from the slope over some hundred, retention scaled.

    .venv/bin/python benchmarks/bench_disk.py --ticks 500

Runs the job `simulate_claims` again and again against a Dagster instance in a folder (statistical author, one process),
sweeps every 25 ticks with every retention scaled to that (25 runs, sent payloads at once, channel segments of 25 ticks),
and prints the bytes left after each sweep. It begins with a database of 20,000 claims: in an empty one the first blocks
of each table would be taken for growth. The slope is taken over the second half; a day is 8,640 ticks of five claims. The
daemon's records of sensor evaluations are not in it: they are kept for a day and then purged by Dagster itself
(`retention` in dagster.yaml).
"""

import argparse
import os
import shutil
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

_A_DAY = 8_640
_SWEEP_EVERY = 25
_CLAIMS_AT_START = 20_000
_SEGMENT_BYTES = 64_000  # about what 25 ticks of five claims take


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ticks", type=int, default=500)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="claims-sim-disk-"))
    for name in [name for name in os.environ if name.startswith("CLAIMS_SIM_")]:
        del os.environ[name]
    os.environ |= {
        "CLAIMS_SIM_STATE_DIR": str(folder / "state"),
        "CLAIMS_SIM_AUTHOR": "statistical",
        "DAGSTER_DISABLE_TELEMETRY": "yes",
    }
    os.environ |= {
        "CLAIMS_SIM_RETENTION_RUNS": str(_SWEEP_EVERY),
        "CLAIMS_SIM_RETENTION_DAYS": "0.00001",
        "DAGSTER_HOME": str(folder / "state/dagster"),
    }
    try:
        _measure(folder / "state", options.ticks)
    finally:
        shutil.rmtree(folder)


def _measure(state: Path, ticks: int) -> None:
    import logging

    import dagster as dg

    from claims_sim import pipeline
    from claims_sim.channels import opening
    from claims_sim.definitions import build_definitions
    from claims_sim.launch.dagster_home import write_home
    from claims_sim.settings import load_settings

    logging.disable(logging.CRITICAL)
    opening.open_channel.__kwdefaults__["segment_bytes"] = _SEGMENT_BYTES
    settings = load_settings(demo_rows=20_000)
    pipeline.ensure_source(settings, print)
    write_home(state / "dagster")
    defs = build_definitions(settings)
    chain, sweep = defs.resolve_job_def("simulate_claims"), defs.resolve_job_def("housekeeping")
    points: list[tuple[int, dict[str, int]]] = []
    with dg.DagsterInstance.from_config(str(state / "dagster")) as instance:
        assert defs.resolve_job_def("refresh_profile").execute_in_process(instance=instance).success
        for _ in range(_CLAIMS_AT_START // 10_000):
            pipeline.run_tick(load_settings(batch_size=10_000), datetime.now(UTC))
        started = time.time()
        for tick in range(1, ticks + 1):
            assert chain.execute_in_process(instance=instance).success
            if tick % _SWEEP_EVERY == 0:
                time.sleep(1)  # so that what was just sent is older than the scaled retention
                assert sweep.execute_in_process(instance=instance).success
                points.append((tick, {path.name: _size(path) for path in state.iterdir()}))
                print(
                    f"{tick:5} ticks  {sum(points[-1][1].values()) / 1e6:8.2f} MB  {_files(state):5} files  {time.time() - started:6.0f} s",
                    flush=True,
                )
    later = points[len(points) // 2 :]
    ticks_at = [tick for tick, _ in later]
    names = sorted({name for _, sizes in later for name in sizes})
    slopes = {name: _slope(ticks_at, [sizes.get(name, 0) for _, sizes in later]) for name in names}
    total = sum(slopes.values())
    print(
        f"least squares over the second half: {total / 1e3:.2f} KB a tick; a day of {_A_DAY:,} ticks leaves {total * _A_DAY / 1e6:.1f} MB"
    )
    for name in names:
        print(f"    {name:20} {later[-1][1].get(name, 0) / 1e6:8.2f} MB, {slopes[name] / 1e3:6.2f} KB a tick")


def _slope(at: list[int], values: list[int]) -> float:
    mean_at, mean = sum(at) / len(at), sum(values) / len(values)
    spread = sum((x - mean_at) ** 2 for x in at)
    return sum((x - mean_at) * (y - mean) for x, y in zip(at, values, strict=True)) / spread


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else _bytes(path)


def _files(folder: Path) -> int:
    return sum(path.is_file() for path in folder.rglob("*"))


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


if __name__ == "__main__":
    sys.exit(main())
