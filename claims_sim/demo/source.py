"""Write an invented `claims_normalized`: a DuckDB file or a Parquet file that says of itself that it is no real data.

The only module of the demo that writes. The file appears whole or not at all, and never in the place of another's.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from claims_sim.demo.draw import DEMO_SCHEMA, draw_runs
from claims_sim.demo.facts import ASSUMPTIONS, DEFAULT_RITL_SHARE, FACTS, FIRST_DAY, LAST_DAY
from claims_sim.demo.world import World, build_world
from claims_sim.errors import SettingsError, SourceError

MAX_ROWS: Final = 50_000_000
MAX_SEED: Final = 2**63 - 1
TABLE: Final = "claims_normalized"
INFO_TABLE: Final = "demo_source_info"
KIND: Final = "invented demo data: no claim, hospital or person in it is real"
_VERSION: Final = "1"  # rises when the same rows and seed give other claims
# The oldest storage format that holds what we write: users' older clients must be able to open it.
_DUCKDB: Final[dict[str, Any]] = {"storage_compatibility_version": "v1.0.0", "memory_limit": "1GB"}


@dataclass(frozen=True, slots=True)
class DemoSummary:
    """What was written; money in rupiah, 0 where there is no such claim."""

    path: Path
    rows: int
    ritl_rows: int
    seed: int
    first_day: date
    last_day: date
    facilities: int
    mean_ritl: float
    mean_rjtl: float
    share_without_gap: float


def write_demo_source(
    path: Path, rows: int = 100_000, seed: int = 1, *, ritl_share: float = DEFAULT_RITL_SHARE
) -> DemoSummary:
    """Write `rows` invented claims to `path`: DuckDB when it ends in .duckdb, else Parquet.

    The same rows, seed and share give the same claims. An existing demo source is replaced; anything else that
    stands at `path` is left alone.

    Raises SettingsError for an argument out of bounds, SourceError when `path` cannot be written or is not ours.
    """
    _check_arguments(rows, seed, ritl_share)
    path = Path(path)
    _refuse_what_is_not_ours(path)
    world = build_world(rows, seed, ritl_share)
    info = demo_info(rows, seed, ritl_share)
    totals = _Totals()
    with _replacing(path) as partial:
        write = _write_duckdb if path.suffix == ".duckdb" else _write_parquet
        write(partial, totals.watch(draw_runs(world)), info)
    return totals.summary(path, world)


def demo_info(rows: int, seed: int, ritl_share: float) -> dict[str, str]:
    """What a demo source says of itself: that it is invented, how it was made, on which facts and assumptions."""
    info = {"kind": KIND, "version": _VERSION, "rows": str(rows), "seed": str(seed), "ritl_share": str(ritl_share)}
    info |= {f"fact: {fact.key}": f"{fact.figure} [{fact.source}]" for fact in FACTS}
    info |= {f"assumption: {entry.key}": f"{entry.figure} [{entry.reason}]" for entry in ASSUMPTIONS}
    return info


def is_demo_source(path: Path) -> bool:
    """Does the file at `path` say of itself that it is a demo source? Anything that cannot be read does not."""
    try:
        if path.suffix == ".duckdb":
            with duckdb.connect(str(path), read_only=True) as connection:
                found = connection.execute(f"SELECT value FROM {INFO_TABLE} WHERE key = 'kind'").fetchone()
            return found == (KIND,)
        metadata = pq.read_schema(path).metadata or {}
        return metadata.get(b"kind") == KIND.encode()
    except (duckdb.Error, pa.ArrowException, OSError):
        return False


def _check_arguments(rows: int, seed: int, ritl_share: float) -> None:
    if not 1 <= rows <= MAX_ROWS:
        raise SettingsError(f"A demo source of {rows} rows: choose 1 to {MAX_ROWS:,}.")
    if not 0 <= seed <= MAX_SEED:
        raise SettingsError(f"A demo source with seed {seed}: choose 0 to {MAX_SEED}.")
    if not 0 <= ritl_share <= 1:
        raise SettingsError(f"A demo source with a RITL share of {ritl_share}: choose 0 to 1.")


def _refuse_what_is_not_ours(path: Path) -> None:
    try:
        present = path.exists() or path.is_symlink()
    except OSError as error:
        raise SourceError(_unwritable(path, error.strerror or "unknown reason")) from None
    if present and not (path.is_file() and is_demo_source(path)):
        raise SourceError(f"{path} exists and is no demo source (or is in use): it is left alone; choose another path.")


def _unwritable(path: Path, reason: str) -> str:
    return f"The demo source {path} cannot be written: {reason}. Free the space or choose another path."


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """A path beside `path` to write to, renamed into place at the end; on any failure nothing is left behind."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove(partial)
        yield partial
        with partial.open("rb+") as written:
            os.fsync(written.fileno())
        # A log that an earlier file left would be replayed into the new one.
        path.with_name(f"{path.name}.wal").unlink(missing_ok=True)
        partial.replace(path)
    except (OSError, pa.ArrowException) as error:
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise SourceError(_unwritable(path, reason)) from None
    except duckdb.Error as error:
        raise SourceError(_unwritable(path, str(error).splitlines()[0])) from None
    finally:
        with suppress(OSError):
            _remove(partial)


def _remove(partial: Path) -> None:
    for leftover in (partial, partial.with_name(f"{partial.name}.wal")):
        leftover.unlink(missing_ok=True)


def _write_duckdb(partial: Path, runs: Iterator[pa.Table], info: dict[str, str]) -> None:
    with duckdb.connect(str(partial), config=_DUCKDB) as connection:
        connection.register("no_claims", DEMO_SCHEMA.empty_table())
        connection.execute(f"CREATE TABLE {TABLE} AS SELECT * FROM no_claims")
        for run in runs:
            connection.register("run", run)
            connection.execute(f"INSERT INTO {TABLE} SELECT * FROM run")
            connection.unregister("run")
        connection.execute(f"CREATE TABLE {INFO_TABLE} (key VARCHAR, value VARCHAR)")
        connection.execute(f"INSERT INTO {INFO_TABLE} SELECT unnest(?), unnest(?)", [list(info), list(info.values())])
        connection.execute(f"COMMENT ON TABLE {TABLE} IS '{KIND}'")
        connection.execute("CHECKPOINT")


def _write_parquet(partial: Path, runs: Iterator[pa.Table], info: dict[str, str]) -> None:
    schema = DEMO_SCHEMA.with_metadata({"kind": KIND, INFO_TABLE: json.dumps(info, ensure_ascii=False)})
    with pq.ParquetWriter(partial, schema, compression="zstd") as writer:
        for run in runs:
            writer.write_table(run.cast(schema))


class _Totals:
    """Sums over the runs as they pass, so that a summary needs no second reading."""

    def __init__(self) -> None:
        self._money = {"RITL": 0.0, "RJTL": 0.0}
        self._without_gap = 0
        self._facilities: set[str] = set()

    def watch(self, runs: Iterator[pa.Table]) -> Iterator[pa.Table]:
        for run in runs:
            for service in self._money:
                of_service = run.filter(pc.equal(run["service_type"], service))
                self._money[service] += pc.sum(of_service["amount_claimed"]).as_py() or 0.0
            self._without_gap += pc.sum(pc.equal(run["amount_gap"], 0.0)).as_py()
            self._facilities.update(pc.unique(run["facility_id"]).to_pylist())
            yield run

    def summary(self, path: Path, world: World) -> DemoSummary:
        return DemoSummary(
            path=path,
            rows=world.rows,
            ritl_rows=world.ritl_rows,
            seed=world.seed,
            first_day=FIRST_DAY,
            last_day=LAST_DAY,
            facilities=len(self._facilities),
            mean_ritl=self._money["RITL"] / max(world.ritl_rows, 1),
            mean_rjtl=self._money["RJTL"] / max(world.rjtl_rows, 1),
            share_without_gap=self._without_gap / world.rows,
        )
