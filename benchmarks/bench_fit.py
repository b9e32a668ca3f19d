"""What a profile costs: CPU and memory of reading and fitting, CPU of sampling, what one claim alone costs, and its size.

    python benchmarks/bench_fit.py [--rows 100000,1200000,5000000] [--source claims.duckdb] [--violations 1000000]

Each size is a fresh process on a demo source made here (or the given table, as it is). "read" is the copy out of DuckDB,
"fit" all the rest; memory is the process's peak, with what the imports alone take beside it. Sampling draws whole claims,
all columns, by one thread. Bars: 1.2 M rows in <= 20 CPU-s and <= 1.5 GB; >= 300,000 claims a CPU-s; one claim <= 5 ms;
no claim of a million that breaks a rule.
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

import numpy as np

from claims_sim.fidelity.violations import broken_rules
from claims_sim.profile.fit import fit_profile
from claims_sim.profile.reading.source import SourceSpec, read_source
from claims_sim.profile.sampler import Sampler

AT = datetime(2026, 1, 1, tzinfo=UTC)
SAMPLED = 300_000
SINGLE = 200
_MAKE = """
import sys, pathlib
from claims_sim.demo.source import write_demo_source
write_demo_source(pathlib.Path(sys.argv[1]), int(sys.argv[2]))
"""


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def measure(source: Path, table: str, mapping: Path | None, violations: int) -> dict:
    """One table, measured in this process."""
    import lightgbm  # noqa: F401 - pandas and what else a first use would load
    import pandas  # noqa: F401

    found = {"imports MB": peak_mb()}
    begun = time.process_time()
    read = read_source(SourceSpec(source, table, mapping))
    found["read"] = time.process_time() - begun
    begun = time.process_time()
    profile = fit_profile(read, created_at=AT)
    found |= {"fit": time.process_time() - begun, "fit MB": peak_mb(), "rows": read.rows}
    found["profile MB"] = len(profile.to_json()) / 1e6
    del read
    begun = time.process_time()
    sampler = Sampler(profile)
    found["open"] = time.process_time() - begun
    sampler.draw_claims(1, np.arange(1000))
    begun = time.process_time()
    sampler.draw_claims(2, np.arange(SAMPLED))
    found["claims a CPU-s"] = SAMPLED / (time.process_time() - begun)
    singly = 1000 * np.median([one_claim(sampler, i) for i in range(SINGLE)], axis=0)
    found["one claim ms"], found["one claim CPU-ms"] = (float(part) for part in singly)
    if violations:
        found["violations"] = count_violations(sampler, profile.identities, violations)
    return found


def one_claim(sampler: Sampler, number: int) -> tuple[float, float]:
    """Seconds by the clock, and of CPU: on a busy machine only the second says what a claim costs."""
    begun, worked = time.perf_counter(), time.process_time()
    sampler.draw_claims(3, np.array([number]))
    return time.perf_counter() - begun, time.process_time() - worked


def count_violations(sampler: Sampler, identities: dict[str, float], claims: int) -> int:
    """Claims that break a rule; rules that the source breaks too do not count (their rates are reproduced)."""
    total = 0
    for first in range(0, claims, 100_000):
        broken = broken_rules(sampler.draw_claims(4, np.arange(first, min(first + 100_000, claims))))
        strict = [mask for name, mask in broken.items() if identities.get(name, 0.0) == 0.0]
        total += int(np.logical_or.reduce(strict).sum())
    return total


def report(found: dict, claims: int) -> str:
    text = (
        f"{found['rows']:>9,} rows: read {found['read']:5.1f} + fit {found['fit']:5.1f} = {found['read'] + found['fit']:5.1f} CPU-s, "
        f"peak {found['fit MB']:,.0f} MB (imports {found['imports MB']:,.0f}), profile {found['profile MB']:.1f} MB; "
        f"sampler opens in {found['open']:.2f} CPU-s, draws {found['claims a CPU-s']:,.0f} claims a CPU-s, "
        f"one claim in {found['one claim ms']:.1f} ms ({found['one claim CPU-ms']:.1f} CPU-ms)"
    )
    return text + (f"; {found['violations']} of {claims:,} break a rule" if "violations" in found else "")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", default="100000,1200000,5000000", help="sizes of the demo source, comma between")
    parser.add_argument("--source", type=Path, help="a table of your own instead")
    parser.add_argument("--table", default="claims_normalized")
    parser.add_argument("--mapping", type=Path)
    parser.add_argument(
        "--violations", type=int, default=0, metavar="N", help="hold N sampled claims against the rules"
    )
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.here:
        print(json.dumps(measure(options.source, options.table, options.mapping, options.violations)))
        return
    with tempfile.TemporaryDirectory() as folder:
        for size in [None] if options.source else map(int, options.rows.split(",")):
            source = options.source
            if source is None:
                source = Path(folder) / f"{size}.duckdb"
                # In a process of its own, whose memory is no part of the figure.
                subprocess.run([sys.executable, "-c", _MAKE, str(source), str(size)], check=True)
            command = [sys.executable, __file__, "--here", "--source", str(source), "--table", options.table]
            command += ["--violations", str(options.violations)]
            command += ["--mapping", str(options.mapping)] if options.mapping else []
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
            print(report(json.loads(done.stdout), options.violations), flush=True)


if __name__ == "__main__":
    main()
