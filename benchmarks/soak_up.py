"""Leave `make up` running and print how it goes: runs, gaps, lag, files and bytes, memory.

.venv/bin/python benchmarks/soak_up.py --minutes 10
"""

import argparse
import itertools
import shutil
import signal
import tempfile
import time
from collections import Counter
from datetime import datetime
from pathlib import Path

from up_harness import flow, our_processes, runs, start_up, wait_until_running


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--keep", action="store_true", help="keep the state folder")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="claims-sim-soak-"))
    state, log = folder / "state", folder / "up.log"
    log.touch()
    process = start_up(state, log, port="3910")
    wait_until_running(log, process)
    until = time.time() + 60 * options.minutes
    print(
        f"{'minute':>6} {'runs':>5} {'failed':>6} {'ingested':>8} {'unscored':>8} {'files':>6} {'MB':>7} {'RSS MB':>7} {'CPU s':>7}"
    )
    while True:
        _line(state, until - time.time(), options.minutes)
        if time.time() >= until:
            break
        time.sleep(min(60, max(0.1, until - time.time())))
    _gaps(state)
    for child in our_processes(state):
        if "up" in child.cmdline():
            child.send_signal(signal.SIGINT)
    process.wait(60)
    print(f"left running after SIGINT: {len(our_processes(state))}")
    if not options.keep:
        shutil.rmtree(folder)


def _line(state: Path, left: float, minutes: float) -> None:
    status, found = flow(state), runs(flow(state)["dagster"])
    statuses = Counter(run["status"] for run in found)
    files = [path for path in state.rglob("*") if path.is_file()]
    megabytes = sum(path.stat().st_size for path in files) / 1e6
    processes = our_processes(state)
    memory = sum(p.memory_info().rss for p in processes) / 1e6
    cpu = sum(sum(p.cpu_times()[:4]) for p in processes)
    print(
        f"{minutes - left / 60:6.1f} {len(found):5} {statuses['FAILURE']:6} {status['ingested']:8} {status['unscored']:8} "
        f"{len(files):6} {megabytes:7.1f} {memory:7.0f} {cpu:7.1f}",
        flush=True,
    )


def _gaps(state: Path) -> None:
    import duckdb

    query = (
        f"SELECT DISTINCT generated_at FROM read_parquet('{state}/snapshots/claims_live_stream/*/*.parquet') ORDER BY 1"
    )
    times = [row[0] for row in duckdb.sql(query).fetchall()]
    gaps = [(later - earlier).total_seconds() for earlier, later in itertools.pairwise(times)]
    due = sorted(
        datetime.fromisoformat(tag["value"])
        for run in runs(flow(state)["dagster"])
        for tag in run["tags"]
        if tag["key"] == "claims_sim/due"
    )
    planned = [(later - earlier).total_seconds() for earlier, later in itertools.pairwise(due)]
    print(f"gaps between batches as generated (whole s): {[round(gap) for gap in gaps]}")
    print(
        f"gaps as planned: least {min(planned):.1f} s, greatest {max(planned):.1f} s, mean {sum(planned) / len(planned):.1f} s"
    )


if __name__ == "__main__":
    main()
