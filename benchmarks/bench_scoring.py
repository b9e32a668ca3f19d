"""CPU of scoring: training, loading, 5, 50 and 100,000 claims. Each in a fresh process, as a tick would meet it.

Run:  OMP_NUM_THREADS=1 python benchmarks/bench_scoring.py [--claims FILE.parquet] [--rows 100000]
Without --claims the claims are the built-in demo source's. Bars: 50 new claims <= 150 ms; a refresh of 1.2 M claims
(training and scoring) <= 60 CPU-s. "tick" is all that scoring adds to a process that has Arrow and pandas already.
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


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--claims", type=Path)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--step", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
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
