"""The steps that measure: synthetic claims against the real table, and the live stream against its profile.

`measure_fidelity` works in the production zone: it opens the real table, read-only, and returns aggregates.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

import duckdb
import numpy as np
import pyarrow as pa

from claims_sim.errors import ClaimsSimError, SourceError
from claims_sim.fidelity.drift import Drift, Expectation, expect, watch_window
from claims_sim.pipeline.profiling import check_isolation, current_profile, kept_profile_path
from claims_sim.pipeline.resources import database
from claims_sim.pipeline.source_table import source_spec
from claims_sim.profile.document import Profile
from claims_sim.profile.drawing.wanted import Mix
from claims_sim.profile.reading.source import SourceSpec, read_claims
from claims_sim.profile.sampler import Sampler
from claims_sim.randomness import stream_key
from claims_sim.rules.wire import lines_table, parse_sql, to_flat
from claims_sim.settings import Settings
from claims_sim.store.window import read_window

if TYPE_CHECKING:
    from claims_sim.fidelity.compare import Fidelity

FIDELITY_ROWS: Final = 120_000
"""Claims of each table that are read at the most, drawn at random; more would hardly sharpen a figure."""
EXPECTED_FROM: Final = 100_000  # sampled claims: chance moves a share of theirs by less than 0.002


@dataclass(frozen=True, slots=True)
class FidelityRun:
    """A comparison and what was compared."""

    fidelity: "Fidelity"
    real: str
    synthetic: str

    def html(self, now: datetime) -> str:
        """The report as a page."""
        from claims_sim.fidelity.report import render_report  # noqa: PLC0415 - pandas, which no tick should pay for

        made_at = f"{now:%Y-%m-%d %H:%M} UTC"
        return render_report(self.fidelity, real=self.real, synthetic=self.synthetic, made_at=made_at)


def measure_fidelity(
    settings: Settings,
    synthetic: Path | None = None,
    *,
    synthetic_table: str = "claims_live_stream",
    holdout: Path | None = None,
    rows: int = FIDELITY_ROWS,
    step: Callable[[str], object] = lambda _: None,
) -> FidelityRun:
    """Compare claims in a file (.parquet, .jsonl, .duckdb), or drawn from the profile in force, with the source.

    Raises SourceError, one line, when a file cannot be read or holds too few claims.
    """
    from claims_sim.fidelity.compare import compare_claims  # noqa: PLC0415 - as above

    check_isolation(settings)
    spec = source_spec(settings)
    real = read_claims(spec, rows)
    if synthetic is None:
        profile = current_profile(settings)
        sampler, key, drawn = (
            Sampler(profile), stream_key(settings.seed, "fidelity"), np.arange(min(rows, FIDELITY_ROWS))
        )  # fmt: skip
        claims = sampler.draw_as_read(key, drawn)
        what = f"claims drawn from profile {profile.profile_hash[:12]}"
    else:
        claims, what = _read_synthetic(synthetic, synthetic_table, rows), synthetic.name
    unseen = read_claims(replace(spec, path=holdout), rows) if holdout else None
    fidelity = compare_claims(real, claims, holdout=unseen, k=settings.privacy_k, seed=settings.seed, step=step)
    return FidelityRun(fidelity, f"{spec.path.name}, table {spec.table}", what)


def write_fidelity(settings: Settings, run: FidelityRun, now: datetime) -> Path:
    """Keep the report in the state folder, as a page and as numbers; the path of the page."""
    path = settings.state_dir / "fidelity" / "report.html"
    numbers = run.fidelity.as_dict() | {"real": run.real, "synthetic": run.synthetic, "made_at": now.isoformat()}
    write_whole(path.with_suffix(".json"), json.dumps(numbers, default=float))
    write_whole(path, run.html(now))
    return path


def write_whole(path: Path, text: str) -> None:
    """Write a file so that readers see the old one or the new one. Raises ClaimsSimError when it cannot be written."""
    part = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise ClaimsSimError(f"Cannot write {path}: {error.strerror or error}.") from None


def watch_drift(settings: Settings) -> Drift | None:
    """The newest claims of the stream against the profile that they were made from; None while there are too few.

    Where shares were replaced on purpose the expectation follows them, in every column they touch.
    """
    window = read_window(database(settings))
    if window.profile_hash is None:
        return None
    return watch_window(window.claims, window.batches, _expectation(settings, window.profile_hash, window.mix))


def _expectation(settings: Settings, profile_hash: str, text: str) -> Expectation:
    """What the profile with this mix lets expect; counted once from sampled claims, then kept."""
    suffix = f"-{sha256(text.encode()).hexdigest()[:8]}" if text else ""
    path = settings.state_dir / "drift" / f"{profile_hash[:16]}{suffix}.json"
    if path.is_file():
        return Expectation.from_json(path.read_text(encoding="utf-8"))
    mix = Mix.parse(text.split("; ") if text else ())
    profile = Profile.load(kept_profile_path(settings, profile_hash))
    sampled = Sampler(profile).draw_claims(stream_key("drift", profile_hash), np.arange(EXPECTED_FROM))
    expected = expect(sampled, {name: mix.of(name) for name in mix.fields})
    write_whole(path, expected.to_json())
    return expected


def _read_synthetic(path: Path, table: str, rows: int) -> pa.Table:
    if path.suffix != ".jsonl":
        return read_claims(SourceSpec(path, table), rows)
    try:
        with path.open("rb") as file:
            total = sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))
        with path.open(encoding="utf-8") as text:
            lines = list(islice(text, 0, None, max(1, -(-total // rows))))
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"{path} cannot be read as JSON lines: {type(error).__name__}.") from None
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute("SET TimeZone='UTC'")
        connection.register("lines", lines_table([str(i) for i in range(len(lines))], lines))
        parsed = connection.sql(parse_sql("lines")).to_arrow_table()
    faults = [fault for fault in parsed["shape_fault"].to_pylist() if fault]
    if faults:
        raise SourceError(f"{path}: {len(faults)} of {len(lines)} lines are no claims (first fault: {faults[0]}).")
    return to_flat(parsed)
