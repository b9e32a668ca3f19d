"""What the rule about facilities costs by itself: real claims of which nothing is changed but what the rule withholds.

    python benchmarks/bound_fidelity.py [--tables demo,register,charges] [--rows 120000] [--k 11]

Claims of a table that the comparison's real side never saw are dealt out among facilities like theirs, and weights that may not
be told are drawn from the others', as a profile does before it counts; all else stays as it is in the table. They are judged
as if a sampler had made them. So this is what a sampler would reach that knew everything else to the last claim.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa

sys.path.insert(0, str(Path(__file__).parent))
from bench_fidelity import make, table_text

from claims_sim.fidelity.compare import compare_claims
from claims_sim.profile.encoding.dealing import deal_out_facilities
from claims_sim.profile.encoding.encode import population_of
from claims_sim.profile.encoding.weights import weights_as_dealt
from claims_sim.profile.reading.source import SourceSpec, read_claims, read_source


def deal_real_claims(source: SourceSpec, like: pa.Table, k: int) -> tuple[pa.Table, int]:
    """The claims of `source` as they may be counted, with the columns of `like`; and how many of them were dealt out."""
    read = read_source(source)
    population = population_of(read, k)
    dealing = deal_out_facilities(read, population)
    columns = {name: read.columns[name] for name in like.column_names if name in read.columns.column_names}
    for name, codes in dealing.columns.items():
        if name in columns:
            values = columns[name].combine_chunks().dictionary
            columns[name] = pa.DictionaryArray.from_arrays(pa.array(codes, mask=codes < 0), values)
    if "claim_weight" in columns and dealing.dealt is not None:
        own = columns["claim_weight"].to_numpy().astype(float)
        columns["claim_weight"] = pa.array(_drawn(weights_as_dealt(own, dealing.dealt, population)))
    return pa.table({name: column.cast(like.schema.field(name).type) for name, column in columns.items()}), dealing.rows


def _drawn(weights: np.ndarray) -> np.ndarray:
    known = np.isfinite(weights)
    return np.where(known, weights, np.random.default_rng(0).choice(weights[known], len(weights)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", default="demo,register,charges")
    parser.add_argument("--rows", type=int, default=120_000)
    parser.add_argument("--k", type=int, default=11)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for name in options.tables.split(","):
            source, unseen = (make(name, options.rows, seed, Path(folder)) for seed in (1, 2))
            real = read_claims(source, options.rows)
            dealt, rows = deal_real_claims(unseen, real, options.k)
            real = real.select([column for column in real.column_names if column in dealt.column_names])
            print(f"{name}: {options.rows:,} claims, {rows:,} dealt out")
            print(table_text({"real claims dealt": compare_claims(real, dealt)}), flush=True)


if __name__ == "__main__":
    main()
