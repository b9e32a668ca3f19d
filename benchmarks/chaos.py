"""Kill writer, consumer and broker again and again, and break other things in between: what is lost, doubled or dropped?

    .venv/bin/python benchmarks/chaos.py --channel jsonl --kills 100 --seed 1
    .venv/bin/python benchmarks/chaos.py                       every channel, 100 kills each

The writer makes, reviews and relays batches as a tick does; the consumer ingests them; both, and the broker, are killed
with SIGKILL a random moment after they were seen to work, and started again. In between messages are duplicated,
reordered, delayed and corrupted by a foreign producer, lines are torn, segments rotate and are pruned, the disk is full
(a small file system, where root may mount one) and the database is locked by another process. A ledger outside of all
that is held against the database at the end. Exit code 1 when anything is wrong.

Redis keeps every write (`appendfsync always`); the Kafka-compatible broker keeps its messages in an object store that
is not killed.
"""

import argparse
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
KINDS = ("jsonl", "redis", "kafka")


def made_profile(folder: Path):
    """The profile of a small demo source."""
    from claims_sim.demo.source import write_demo_source
    from claims_sim.profile.fit import fit_profile
    from claims_sim.profile.reading.source import SourceSpec, read_source

    source = folder / "claims.duckdb"
    write_demo_source(source, rows=12_000)
    return fit_profile(read_source(SourceSpec(source)), k=11, created_at=datetime.now(UTC))


def report(kind: str, outcome) -> None:
    """Print the table of one channel."""
    kills = ", ".join(f"{name} {count}" for name, count in outcome.kills.items())
    print(f"\n{kind}: {sum(outcome.kills.values())} kills ({kills}) in {outcome.seconds:.0f} s")
    print(f"  {outcome.claims:,} claims acknowledged, {outcome.dead_letters:,} bad messages injected")
    print("  faults: " + ", ".join(f"{name} {count}" for name, count in outcome.faults.items()))
    print(f"  outages met by writer and consumer: {sum(outcome.troubles.values())}")
    for check in outcome.checks:
        verdict = "ok" if check.passed else "WRONG"
        print(f"  {check.what:<42} expected {check.expected:>18}   found {check.found:>18}   {verdict}")


def main() -> int:
    """Run the channels that were asked for."""
    from claims_sim_tests.chaos.world import World

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--channel", choices=KINDS, action="append", help="default: all of them")
    parser.add_argument("--kills", type=int, default=100, help="of each channel")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--troubles", action="store_true", help="list the outages that were met")
    options = parser.parse_args()
    passed = True
    with tempfile.TemporaryDirectory(prefix="claims-sim-chaos-") as name:
        profile = made_profile(Path(name))
        for kind in options.channel or KINDS:
            world = World(kind, Path(name) / kind, profile, options.seed)
            try:
                outcome = world.run(options.kills)
            finally:
                world.close()
            report(kind, outcome)
            if options.troubles:
                for text, count in outcome.troubles.items():
                    print(f"    {count:>5}  {text}")
            passed &= outcome.passed
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
