"""Does the drift watch keep quiet when nothing moved, and how soon does it find a shift? A simulation.

    python benchmarks/bench_drift.py [--batches 4000] [--repeats 20] [--profile profile.json]

A stream of claims is drawn from a profile (default: of a demo source made here) and cut into batches, and the watch judges
every batch's window as the asset check does. Quiet: independent claims; a third of the batches from one place each; all
batches so. Found: 0.05 of all claims move from the commonest value of a column to another one, from some batch on.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa

from claims_sim.demo.source import write_demo_source
from claims_sim.fidelity.drift import Expectation, codes_of_column, expect, judge_column
from claims_sim.profile.document import Profile
from claims_sim.profile.fit import fit_profile
from claims_sim.profile.reading.source import SourceSpec, read_source
from claims_sim.profile.sampler import Sampler
from claims_sim.store.window import WINDOW_BATCHES, WINDOW_CLAIMS

SHIFT = 0.05


def demo_profile() -> Profile:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "claims.duckdb"
        write_demo_source(path, rows=100_000)
        return fit_profile(read_source(SourceSpec(path)), k=11, created_at=datetime(2026, 1, 1, tzinfo=UTC))


def window_batches(size: int) -> int:
    return max(WINDOW_CLAIMS // size, WINDOW_BATCHES)


def counts_of(codes: np.ndarray, batch: int, cells: int) -> np.ndarray:
    numbers = np.repeat(np.arange(len(codes) // batch), batch)
    return np.bincount(numbers * cells + codes, minlength=len(codes) // batch * cells).reshape(-1, cells)


def order_in_clusters(claims: pa.Table, batch: int, share: float, g: np.random.Generator) -> np.ndarray:
    """An order of the claims in which `share` of the batches come from one place each."""
    rows = np.arange(claims.num_rows)
    clustered = rows[: int(len(rows) * share) // batch * batch]
    place = np.zeros(len(clustered), np.int64)
    for name in ("province_name", "facility_class", "facility_ownership", "service_type"):
        codes = claims[name].combine_chunks().dictionary_encode().indices.fill_null(-1).to_numpy()
        place = place * 1000 + codes[: len(clustered)]
    blocks = np.concatenate([clustered[np.argsort(place, kind="stable")], rows[len(clustered) :]]).reshape(-1, batch)
    return blocks[g.permutation(len(blocks))].ravel()


def alarms(counts: dict[str, np.ndarray], expected: Expectation, window: int) -> Iterator[tuple[int, str]]:
    for name, table in counts.items():
        for end in range(20, len(table) + 1):
            if judge_column(name, expected.columns[name], table[max(0, end - window) : end]).drifted:
                yield end, name


def stay_quiet(sampler: Sampler, expected: Expectation, batches: int) -> None:
    print(f"no shift, {batches:,} batches: batches with an alarm")
    for batch in (5, 50):
        for what, share in (("independent claims", 0.0), ("a third clustered", 1 / 3), ("all clustered", 1.0)):
            g = np.random.default_rng(batch)
            claims = sampler.draw_claims(1000 + batch, np.arange(batches * batch))
            claims = claims.take(order_in_clusters(claims, batch, share, g))
            counts = {
                name: counts_of(codes_of_column(claims, name, cells), batch, len(cells.shares))
                for name, cells in expected.columns.items()
            }
            found = list(alarms(counts, expected, window_batches(batch)))
            names = ", ".join(sorted({name for _, name in found}))
            print(f"  batch of {batch:2}, {what:18}: {len({end for end, _ in found})} {names}", flush=True)


def find_shift(sampler: Sampler, expected: Expectation, repeats: int) -> None:
    print(f"a shift of {SHIFT} from the commonest value: batches until it is found ({repeats} streams each)")
    for batch, limit in ((50, 50), (5, 500)):
        window = window_batches(batch)
        for name, cells in expected.columns.items():
            shares = np.array(cells.shares)
            donor = int(shares.argmax())
            for receiver in (int(np.argsort(-shares)[1]), int(np.argsort(-shares)[min(3, len(shares) - 1)])):
                delays = [
                    delay_of(sampler, expected, name, donor, receiver, batch, window, 2 * limit, seed)
                    for seed in range(repeats)
                ]
                within = np.mean([delay <= limit for delay in delays])
                print(
                    f"  batch of {batch:2}, {name:20} {shares[donor]:.2f} to {shares[receiver]:.2f}: median "
                    f"{np.median(delays):5.0f}, within {limit}: {within:.0%}",
                    flush=True,
                )


def delay_of(sampler, expected, name, donor, receiver, batch, window, most, seed) -> float:
    cells = expected.columns[name]
    g = np.random.default_rng(seed)
    claims = sampler.draw_claims(seed, np.arange((window + most) * batch))
    codes = codes_of_column(claims, name, cells)
    moved = (codes == donor) & (np.arange(len(codes)) >= window * batch)
    codes[moved & (g.random(len(codes)) < SHIFT / cells.shares[donor])] = receiver
    counts = counts_of(codes, batch, len(cells.shares))
    for end in range(window + 1, len(counts) + 1):
        if judge_column(name, cells, counts[end - window : end]).drifted:
            return end - window
    return np.inf


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batches", type=int, default=4000)
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--profile", type=Path)
    options = parser.parse_args()
    started = time.process_time()
    profile = Profile.load(options.profile) if options.profile else demo_profile()
    sampler = Sampler(profile)
    expected = expect(sampler.draw_claims(7, np.arange(100_000)))
    stay_quiet(sampler, expected, options.batches)
    find_shift(sampler, expected, options.repeats)
    print(f"{time.process_time() - started:.0f} CPU-s")


if __name__ == "__main__":
    main()
