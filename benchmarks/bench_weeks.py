"""Weeks of the continuous worker in minutes: does anything grow that should not?

    .venv/bin/python benchmarks/bench_weeks.py                      10,000 batches, or as many as 14 minutes allow
    .venv/bin/python benchmarks/bench_weeks.py --batches 500        a look
    .venv/bin/python benchmarks/bench_weeks.py --minutes 60         more time

The worker's own engine makes, publishes, ingests and scores batches as fast as it can, reports to a Dagster instance and
keeps house, all retention scaled: payloads, snapshots and segments for `--retention` seconds instead of days, reports
every 20 batches and housekeeping every 100 (a real worker at its usual interval: every 3 and every 90). Then the slope
over the second half is printed for each 1,000 batches: files and bytes by folder, memory, CPU of a tick, and times of the
queries that checks, `status` and readers ask. Claims stay and may grow; `--keep-claims` purges all but the newest.
"""

import argparse
import logging
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import numpy as np
import psutil
from dagster import DagsterInstance

from claims_sim import pipeline, retention
from claims_sim.launch.dagster_home import write_home
from claims_sim.orchestration.runless import RunlessReporter, prune_runless
from claims_sim.pipeline.limits import folder_bytes
from claims_sim.settings import Settings, load_settings
from claims_sim.store import counts, scores
from claims_sim.store.purge import Selection
from claims_sim.worker.engine import Engine
from claims_sim.worker.window import Window

BATCH_SIZE, REPORT_EVERY, HOUSE_EVERY, KEPT_EVENTS = 5, 20, 100, 20
_ROWS = 20_000


def prepared(folder: Path, retention_s: float) -> Settings:
    """A state folder with a source, a profile and a Dagster instance."""
    settings = load_settings(
        state_dir=folder / "state", author="statistical", demo_rows=_ROWS, retention_days=retention_s / 86_400
    )
    write_home(settings.state_dir / "dagster")
    pipeline.ensure_source(settings, lambda text: print(text, flush=True))
    pipeline.keep_profile(settings, pipeline.profile_source(settings, datetime.now(UTC)).profile)
    return settings


def timed(work: Callable[[], object], times: int = 3) -> float:
    """The shortest of a few runs, in milliseconds of CPU."""
    found = []
    for _ in range(times):
        cpu = time.process_time()
        work()
        found.append((time.process_time() - cpu) * 1000)
    return min(found)


def look(settings: Settings, instance: DagsterInstance) -> dict[str, float]:
    """One row of the table, but for the tick's own cost."""
    state, db = settings.state_dir, pipeline.database(settings)
    files = settings.snapshots_path / "claims_live_stream/*/*.parquet"

    def newest_claims() -> None:
        with duckdb.connect(config={"threads": 1}) as reader:
            reader.sql(f"SELECT service_type, count(*) FROM read_parquet('{files}') GROUP BY 1").fetchall()

    return {
        "files": sum(len(names) for _, _, names in os.walk(state)),
        "sim.duckdb MB": folder_bytes_of(state.glob("sim.duckdb*")),
        "snapshots MB": folder_bytes(settings.snapshots_path) / 1e6,
        "channel MB": folder_bytes(state / "channel") / 1e6,
        "dagster MB": folder_bytes(state / "dagster") / 1e6,
        "memory MB": psutil.Process().memory_info().rss / 1e6,
        "checks ms": timed(lambda: (counts.stream_health(db), counts.score_health(db))),
        "status ms": timed(lambda: (counts.count_flow(db), scores.score_summary(db))),
        "snapshot query ms": timed(newest_claims),
        "dagster query ms": timed(
            lambda: [instance.get_latest_materialization_event(k) for k in instance.all_asset_keys()]
        ),
    }


def folder_bytes_of(paths: Iterable[Path]) -> float:
    """Megabytes of some files."""
    return sum(path.stat().st_size for path in paths) / 1e6


def keep_house(settings: Settings, instance: DagsterInstance, keep_claims: int | None) -> None:
    """What the housekeeping job does, and a purge where one is asked for."""
    now = datetime.now(UTC)
    retention.sweep(settings, now)
    prune_runless(instance, KEPT_EVENTS)
    if keep_claims is not None:
        pipeline.purge_claims(settings, Selection(keep=keep_claims), now)


def run(settings: Settings, batches: int, rows: int, keep_claims: int | None, minutes: float) -> list[dict[str, float]]:
    """Make the batches, until the minutes are over; a row of measures after each `rows`-th part of them."""
    deadline = time.monotonic() + 60 * minutes
    engine, window, table = Engine(settings), Window(), []
    home = settings.state_dir / "dagster"
    reporter, instance = RunlessReporter(settings, home), DagsterInstance.from_config(str(home))
    every = max(1, batches // rows)
    engine.begin(datetime.now(UTC))
    window.add(engine.tick(BATCH_SIZE, datetime.now(UTC)))
    reporter.report(window)
    engine.publish_snapshots()
    window, ticks_cpu = Window(), list[float]()
    print("  batches " + " ".join(f"{name:>17}" for name in ("tick CPU ms", *look(settings, instance))), flush=True)
    for number in range(1, batches + 1):
        before = time.process_time()
        window.add(engine.tick(BATCH_SIZE, datetime.now(UTC)))
        ticks_cpu.append((time.process_time() - before) * 1000)
        if number % REPORT_EVERY == 0:
            reporter.report(window)
            window = Window()
        if number % HOUSE_EVERY == 0:
            keep_house(settings, instance, keep_claims)
        if number % every == 0:
            table.append({"batches": number, "tick CPU ms": float(np.median(ticks_cpu)), **look(settings, instance)})
            ticks_cpu = []
            print(f"{number:>9} " + " ".join(f"{value:>17,.1f}" for value in list(table[-1].values())[1:]), flush=True)
        if time.monotonic() > deadline:
            print(f"the time is over after {number:,} of {batches:,} batches", flush=True)
            break
    engine.close()
    reporter.close()
    instance.dispose()
    return table


def main() -> int:
    """Run, and print the slopes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batches", type=int, default=10_000)
    parser.add_argument("--minutes", type=float, default=14.0, help="then the run ends, and says how far it came")
    parser.add_argument("--rows", type=int, default=40, help="rows of the table, were all batches made")
    parser.add_argument("--retention", type=float, default=120.0, help="seconds")
    parser.add_argument("--keep-claims", type=int, help="purge all but the newest so many at every housekeeping")
    options = parser.parse_args()
    logging.getLogger("claims_sim").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory(prefix="claims-sim-weeks-") as name:
        settings = prepared(Path(name), options.retention)
        started = time.monotonic()
        table = run(settings, options.batches, options.rows, options.keep_claims, options.minutes)
        if not table:
            sys.exit("No row of the table was reached: give it more minutes or more rows.")
    half = table[len(table) // 2 :]
    numbers = np.array([row["batches"] for row in half]) / 1000
    print(
        f"\nin {time.monotonic() - started:.0f} s; slope over the second half, for each 1,000 batches ({1000 * BATCH_SIZE:,} claims):"
    )
    for measure in list(half[0])[1:]:
        values = np.array([row[measure] for row in half])
        slope = np.polyfit(numbers, values, 1)[0] if len(half) > 1 else float("nan")
        print(f"  {measure:<18} {slope:>+10.2f}   ({values[0]:,.1f} to {values[-1]:,.1f})")
    print(f"  highest memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3:,.0f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
