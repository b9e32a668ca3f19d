"""How well claims drawn from a profile stand in for the real ones: every score beside its floor and its goal, table by table.

    python benchmarks/bench_fidelity.py [--tables demo,coastal,register,counter,charges,raised,wide,casemix,billed]
                                        [--rows 120000] [--k 11] [--no-suppression]
                                        [--peers independent,copula,designer,synthea_port,cart] [--json FILE]

Each table is made here twice, from two seeds of one world: claims to profile, and a holdout that the profile never sees. The
floor is what holdout claims get when they are judged as if they were synthetic. `demo` is the built-in source, the others
are `other_tables.py`'s, whose structure the profile's code does not know. Where a table tells facilities apart, cells of fewer
than three of them are suppressed too: "no facility key" is the same table without that column. --no-suppression adds a
profile with k = 1 and no such rule, to say what the rules cost (never to be released). --peers runs other generators on the
same table, each in an environment of its own (`peers/`), judged by the same measures.
"""

import argparse
import json
import sys
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

sys.path.insert(0, str(Path(__file__).parent))
from other_tables import TABLES, write_table

from claims_sim.demo.source import write_demo_source
from claims_sim.fidelity.compare import Fidelity, compare_claims
from claims_sim.profile.fit import fit_profile
from claims_sim.profile.reading.source import SourceSpec, read_claims, read_source
from claims_sim.profile.sampler import Sampler

AT = datetime(2026, 1, 1, tzinfo=UTC)
MARK = {"meets": " ", "unsure": "~", "misses": "!"}


def make(name: str, rows: int, seed: int, folder: Path) -> SourceSpec:
    path = folder / f"{name}-{seed}.duckdb"
    if name == "demo":
        if not path.exists():
            write_demo_halves(rows, folder)
        return SourceSpec(path)
    return SourceSpec(path, mapping=write_table(name, rows, seed, path))


def write_demo_halves(rows: int, folder: Path) -> None:
    """Every other claim of one demo source each: another seed would be another world."""
    whole = folder / "demo.duckdb"
    write_demo_source(whole, 2 * rows)
    for half in (1, 2):
        with duckdb.connect(str(folder / f"demo-{half}.duckdb")) as connection:
            connection.execute(f"ATTACH '{whole}' AS whole (READ_ONLY)")
            connection.execute(
                f"CREATE TABLE claims_normalized AS SELECT * FROM whole.claims_normalized WHERE rowid % 2 = {half - 1}"
            )


def draw(source: SourceSpec, k: int, rows: int, *, knows_facilities: bool = True) -> tuple[pa.Table, str]:
    """Claims of a profile with this k, and what they cost."""
    begun = time.process_time()
    table = read_source(source)
    if not knows_facilities and "facility_id" in table.columns.column_names:
        table = replace(table, columns=table.columns.drop_columns(["facility_id"]))
    profile = fit_profile(table, k=k, created_at=AT)
    fitted = time.process_time()
    sampler, drawn = Sampler(profile), np.arange(rows)
    claims = sampler.draw_as_read(7, drawn)
    return (
        claims,
        f"k = {profile.k} {profile.unit}, fit {fitted - begun:.1f} CPU-s, sampling {time.process_time() - fitted:.1f} CPU-s",
    )


def by_name(fidelity: Fidelity) -> dict:
    return {score.name: score for score in fidelity.scores}


def table_text(judged: dict[str, Fidelity]) -> str:
    """Rows: scores; columns: goal, floor, then each generator (! misses its goal, ~ by less than chance explains)."""
    first = by_name(next(iter(judged.values())))
    width = max(12, *(len(name) + 2 for name in judged))
    lines = [f"  {'':16} {'goal':>16} {'floor':>7}" + "".join(f"{name:>{width}}" for name in judged)]
    for name, score in first.items():
        cells = ""
        for fidelity in judged.values():
            theirs = by_name(fidelity).get(name)
            cells += f"{'-':>{width}}" if theirs is None else f"{theirs.value:>{width - 1}.3f}{MARK[theirs.verdict]}"
        lines.append(
            f"  {name:16} {score.goal.replace('at most', '<=').replace('at least', '>='):>16} {score.floor:>7.3f}{cells}"
        )
    return "\n".join(lines)


def details(name: str, fidelity: Fidelity) -> str:
    where = [f"{score.name}: {score.where}" for score in fidelity.scores if score.verdict != "meets" and score.where]
    told = next(score.where for score in fidelity.scores if score.name == "c2st")
    return f"  {name}: told by {told}; audited by {', '.join(fidelity.telling)}" + "".join(
        f"\n    {text}" for text in where
    )


def measure(name: str, options: argparse.Namespace, folder: Path) -> dict[str, Fidelity]:
    source, unseen = make(name, options.rows, 1, folder), make(name, options.rows, 2, folder)
    real, holdout = (read_claims(spec, options.rows) for spec in (source, unseen))
    print(f"{name}: {options.rows:,} claims", flush=True)
    judged = {}
    variants = {"claims_sim": (options.k, True)}
    if "facility_id" in real.column_names:
        variants["no facility key"] = (options.k, False)
    if options.no_suppression:
        variants["k = 1"] = (1, False)
    for label, (k, knows_facilities) in variants.items():
        claims, cost = draw(source, k, options.rows, knows_facilities=knows_facilities)
        print(f"  {label}: {cost}", flush=True)
        judged[label] = compare_claims(real, claims, holdout=holdout)
    for peer in options.peers:
        from peers.run import run_peer  # only here, because it makes environments

        claims, cost = run_peer(peer, real, options.rows)
        print(f"  {peer}: {cost}", flush=True)
        if claims is not None:
            judged[peer] = compare_claims(real, claims, holdout=holdout)
    print(table_text(judged))
    print("\n".join(details(label, fidelity) for label, fidelity in judged.items()), flush=True)
    return judged


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", default=",".join(["demo", *TABLES]))
    parser.add_argument("--rows", type=int, default=120_000)
    parser.add_argument("--k", type=int, default=11)
    parser.add_argument("--no-suppression", action="store_true")
    parser.add_argument("--peers", type=lambda text: [part for part in text.split(",") if part], default=[])
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in options.tables.split(","):
            judged = measure(name, options, Path(folder))
            found[name] = {label: fidelity.as_dict() for label, fidelity in judged.items()}
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
