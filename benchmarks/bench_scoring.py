"""CPU of scoring: training, loading, 5, 50 and 100,000 claims. Each in a fresh process, as a tick would meet it.

Run:  OMP_NUM_THREADS=1 python benchmarks/bench_scoring.py [--claims FILE.parquet] [--rows 100000]
      OMP_NUM_THREADS=1 python benchmarks/bench_scoring.py --history 1200000

Without --claims the claims are the built-in demo source's. "tick" is all that scoring adds to a process that has Arrow
and pandas already. With --history a simulation of that many stored claims and a demo source of as many is made first;
then 50 new claims are scored as the worker does (looked up, compared with the stored ones, scored, stored), and
all is refreshed: real claims, simulated claims, both. Bars: 50 new claims <= 150 ms; a refresh <= 60 CPU-s and <= 2 GB.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

AT = datetime(2026, 1, 1, tzinfo=UTC)
SIZES = (5, 50, 1_000, 50_000, 100_000)
PATIENT = ("patient_id_hash",)


def read(path, rows):
    """Plain columns; persons are left out, as claims sampled from a profile have none."""
    table = pq.read_table(path).slice(0, rows)
    kept = [name for name in table.column_names if name not in PATIENT]
    plain = [table[n].cast(pa.string()) if pa.types.is_dictionary(table[n].type) else table[n] for n in kept]
    return pa.table(plain, names=kept)


def run_one(step, claims, rows, folder):
    """One measured step in this process; prints milliseconds of CPU by name."""
    import pandas  # noqa: F401 - Arrow imports it at its first conversion, whoever makes it

    table = read(claims, rows)
    begun = time.process_time()
    from claims_sim.scoring.scorer import RiskScorer, train_scorer

    found = {"import": time.process_time() - begun}
    if step == "train":
        begun = time.process_time()
        train_scorer(table, profile_hash="bench", seed=1).save(folder)
        found["train"] = time.process_time() - begun
    else:
        begun = time.process_time()
        scorer = RiskScorer.load(folder)
        found["load"] = time.process_time() - begun
        part = table.slice(0, int(step))
        begun = time.process_time()
        scorer.score(part, scored_at=AT)
        found["score"] = time.process_time() - begun
        begun = time.process_time()
        scorer.score(part, scored_at=AT)
        found["score again"] = time.process_time() - begun
    found["peak MB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 / 1000
    print(json.dumps({name: 1000 * value for name, value in found.items()}))


def measure(step, claims, rows, folder):
    """`run_one` in a fresh process, twice: the first run pays for Python's byte code."""
    command = [sys.executable, __file__, "--step", step, "--claims", claims, "--rows", str(rows), "--folder", folder]
    for _ in range(2):
        done = subprocess.run([str(c) for c in command], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def settings_in(folder):
    from claims_sim.settings import load_settings

    return load_settings(state_dir=folder / "state", source=folder / "demo.duckdb", author="statistical")


def prepare(folder, rows):
    """A demo source of `rows` claims, its profile and scorer, and a simulation that holds `rows` claims with scores."""
    import numpy as np

    from claims_sim import pipeline
    from claims_sim.demo.source import write_demo_source
    from claims_sim.profile.sampler import Sampler
    from claims_sim.store.tables import STREAM_SCHEMA, conform

    settings = settings_in(folder)
    write_demo_source(settings.source_path, rows, 1)
    profile = pipeline.profile_source(settings, AT).profile
    pipeline.keep_profile(settings, profile)
    sampler, db = Sampler(profile), pipeline.database(settings)
    with db.transaction() as connection:
        for first in range(0, rows, 50_000):
            number = np.arange(first, min(first + 50_000, rows))
            claims = sampler.draw_claims(7, number)
            # A stream as it comes: admissions of a year, in step with arrivals.
            admit = np.datetime64("2025-01-01T00:00:00", "us") + (number * (365 * 86_400_000_000 // rows)).astype(
                "m8[us]"
            )
            columns = {name: claims[name] for name in claims.column_names}
            columns |= {
                "claim_id": pa.array([f"SIM-2025-{n:09d}" for n in number.tolist()]),
                "admit_dt": admit, "ingested_at": admit, "stream_seq": number + 1,
            }  # fmt: skip
            connection.register("rows", conform(pa.table(columns), STREAM_SCHEMA))
            connection.execute("INSERT INTO claims_live_stream SELECT * FROM rows").fetchall()
        connection.execute("UPDATE counters SET value = ? WHERE name = 'stream_seq'", [rows]).fetchall()
    pipeline.score_new(settings, AT)


def refresh(folder, with_simulated, with_real):
    """CPU and memory of one refresh."""
    from claims_sim import pipeline

    settings = settings_in(folder)
    if not with_simulated:
        settings = settings.model_copy(update={"database": folder / "empty.duckdb", "snapshots": folder / "none"})
    begun, started = time.process_time(), time.perf_counter()
    done = pipeline.refresh_scores(settings, datetime.now(UTC), with_real=with_real)
    return {
        "CPU-s": time.process_time() - begun,
        "seconds": time.perf_counter() - started,
        "simulated claims": done.claims,
        "peak MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def score_fifty(folder, rows, again):
    """CPU of 50 new claims over the stored ones: once as a new process meets them, then as the worker does."""
    from claims_sim import pipeline
    from claims_sim.lean import leave_pandas_out

    leave_pandas_out()
    settings = settings_in(folder)
    db, found = pipeline.database(settings), []
    for turn in range(again + 1):
        with db.transaction() as connection:  # the last 50 arrive anew
            connection.execute("DELETE FROM ml_scores WHERE stream_seq > ?", [rows - 50]).fetchall()
            connection.execute("UPDATE counters SET value = ? WHERE name = 'scored_through'", [rows - 50]).fetchall()
        begun = time.process_time()
        if turn == 0:
            scored = pipeline.score_new(settings, AT)
            found.append(time.process_time() - begun)
            ready = pipeline.open_scorer(settings)
            continue
        with db.kept_open():
            from claims_sim.pipeline.scoring import score_stored
            from claims_sim.store import scores

            for claims in scores.unscored_chunks(db):
                scored = scores.commit_scores(db, score_stored(db, ready, claims, AT))
        found.append(time.process_time() - begun)
        assert scored == 50
    return {"first": found[0], "then": sorted(found[1:])[len(found[1:]) // 2]}


def history(rows, folder):
    """All figures over a history, each in a process of its own."""

    def ask(step):
        command = [sys.executable, __file__, "--step", step, "--rows", str(rows), "--folder", str(folder)]
        return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    ask("prepare")
    fifty = ask("fifty")
    print(f"50 new claims over {rows:,} stored: {1000 * fifty['then']:.0f} ms of CPU in the worker (median of 20), "
          f"{1000 * fifty['first']:.0f} ms in a new process that loads the scorer")  # fmt: skip
    for step, what in (("real", "real claims"), ("simulated", "simulated claims"), ("both", "of each")):
        one = ask(step)
        print(
            f"refresh, {rows:,} {what}: {one['CPU-s']:.1f} CPU-s, {one['seconds']:.0f} s, peak {one['peak MB']:,.0f} MB"
        )


STEPS = {
    "prepare": prepare,
    "fifty": lambda folder, rows: score_fifty(folder, rows, 20),
    "real": lambda folder, _: refresh(folder, False, True),
    "simulated": lambda folder, _: refresh(folder, True, False),
    "both": lambda folder, _: refresh(folder, True, True),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--claims", type=Path)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--step", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--history", type=int)
    args = parser.parse_args()
    if args.step in STEPS:
        print(json.dumps(STEPS[args.step](args.folder, args.rows)))
        return
    if args.history:
        with tempfile.TemporaryDirectory(prefix="bench-scoring-") as place:
            history(args.history, Path(place))
        return
    if args.step:
        run_one(args.step, args.claims, args.rows, args.folder)
        return
    with tempfile.TemporaryDirectory() as place:
        claims = args.claims or Path(place) / "demo.parquet"
        if not args.claims:
            from claims_sim.demo.source import write_demo_source

            write_demo_source(claims, args.rows, 1)
        folder = Path(place) / "scorer"
        trained = measure("train", claims, args.rows, folder)
        print(f"train on {args.rows:,} claims: {trained['train']:,.0f} ms of CPU, peak {trained['peak MB']:,.0f} MB")
        for size in SIZES:
            one = measure(str(size), claims, args.rows, folder)
            print(
                f"{size:>7,} claims: import {one['import']:.0f} ms, load {one['load']:.0f} ms, score {one['score']:,.1f} ms "
                f"(again {one['score again']:,.1f} ms); tick {one['import'] + one['load'] + one['score']:,.0f} ms"
            )
        per_claim = one["score again"] / SIZES[-1]
        print(f"refresh of 1.2 M claims: {(trained['train'] + 1.2e6 * per_claim) / 1000:.1f} CPU-s (extrapolated)")


if __name__ == "__main__":
    main()
