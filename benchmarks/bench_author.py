"""Does the built-in model keep its time? An hour's worth of ticks, back to back, and what its process takes.

    python benchmarks/bench_author.py [--ticks 180] [--claims 5] [--deadline 6]

180 ticks are an hour at one every 20 s. Each writes a batch as a tick does: the model's part of all attempts together is
timed against its deadline, and every claim is reviewed. A machine that others use shows it here: the load is printed too.
How well the model writes is measured by `claims-sim eval-author`.
"""

import argparse
import os
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import psutil

from claims_sim import pipeline
from claims_sim.claim_ids import numbered_batch_id
from claims_sim.demo.source import write_demo_source
from claims_sim.generation.author import Assignment, Draft
from claims_sim.generation.batch import BatchRequest
from claims_sim.llm import attach
from claims_sim.llm.record import read_record
from claims_sim.profile.fit import fit_profile
from claims_sim.profile.reading.source import SourceSpec, read_source
from claims_sim.settings import Settings, load_settings

AT = datetime(2026, 1, 1, tzinfo=UTC)
GRACE_S = 0.5  # of a deadline: what giving up and mapping answers may take on a busy machine


def prepared(folder: Path, deadline_s: float) -> Settings:
    source = folder / "claims.duckdb"
    write_demo_source(source, rows=100_000)
    settings = load_settings(
        state_dir=folder / "state", source=source, author="llm", llm_base_url="", anomaly_rate=0.0, force_llm=False,
        authoring_deadline_s=deadline_s,
    )  # fmt: skip
    pipeline.keep_profile(settings, fit_profile(read_source(SourceSpec(source)), k=11, created_at=AT))
    return settings


def measure(settings: Settings, ticks: int, size: int) -> None:
    profile = pipeline.current_profile(settings)
    authors, parts, wholes, repaired = Counter[str](), [], [], 0
    with pipeline.batch_writer(settings, profile, deadline_s=settings.authoring_deadline_s) as writer:
        write, spent = writer.author.write, [0.0]

        def timed(assignment: Assignment) -> Draft:
            begun = time.perf_counter()
            try:
                return write(assignment)
            finally:
                spent[0] += time.perf_counter() - begun

        writer.author.prepare()
        writer.author.write = timed
        for number in range(ticks):
            spent[0] = 0.0
            batch = writer.write(BatchRequest(numbered_batch_id(AT, number), size, 1, AT, "history"))
            authors.update(batch.log["author"].to_pylist())
            repaired += batch.repaired
            parts.append(spent[0])
            wholes.append(batch.seconds)
    record = read_record(settings.state_dir)
    memory = psutil.Process(record.pid).memory_info().rss / 1e6
    own, planned = authors["llm"], ticks * size
    print(f"ticks                       {ticks} of {size} claims, deadline {settings.authoring_deadline_s:g} s")
    print(f"load average, cores         {os.getloadavg()[0]:.1f}, {os.cpu_count()}")
    print(
        f"written by the model        {own / planned:.1%} ({repaired} after repair), the rest by the statistical author"
    )
    print(f"claims in all               {sum(authors.values())} of {planned} planned")
    print(
        f"model's part of a tick      median {np.median(parts):.2f} s, p95 {np.quantile(parts, 0.95):.2f} s, slowest {max(parts):.2f} s"
    )
    print(f"past the deadline           {sum(part > settings.authoring_deadline_s + GRACE_S for part in parts)} ticks")
    print(f"whole batch                 median {np.median(wholes):.2f} s, slowest {max(wholes):.2f} s")
    print(f"accepted claims a minute    {60 * own / sum(parts):.0f}")
    print(f"memory of the model process {memory:.0f} MB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ticks", type=int, default=180)
    parser.add_argument("--claims", type=int, default=5)
    parser.add_argument("--deadline", type=float, default=6.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        settings = prepared(Path(name), options.deadline)
        try:
            measure(settings, options.ticks, options.claims)
        finally:
            attach.stop(settings)


if __name__ == "__main__":
    main()
