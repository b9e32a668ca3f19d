"""`claims-sim export`: claims with their answers as files, and a datasheet that says what they are. All of it or nothing."""

import hashlib
import os
from collections import Counter
from contextlib import closing, suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import pyarrow.parquet as pq

from claims_sim import pipeline
from claims_sim.claim import PAYLOAD_SCHEMA_VERSION
from claims_sim.errors import ClaimsSimError, SettingsError, in_one_line
from claims_sim.launch.claim_files import ClaimFile, check_suffix
from claims_sim.launch.datasheet import Sheet, render_datasheet
from claims_sim.launch.interrupt import interruptible, telling_of_interrupt
from claims_sim.launch.progress import progress
from claims_sim.pipeline.labelled import LabelledRequest, labelled_batches, whole_truth
from claims_sim.profile.document import Profile
from claims_sim.settings import Settings
from claims_sim.store.truth import TRUTH_SCHEMA

_LIBRARIES: Final = ("claims-sim", "duckdb", "numpy", "pyarrow")


@dataclass(frozen=True, slots=True)
class Places:
    """Where the three files go."""

    claims: Path
    truth: Path
    datasheet: Path

    def all(self) -> tuple[Path, Path, Path]:
        """In this order."""
        return self.claims, self.truth, self.datasheet


def run(settings: Settings, profile_file: Path | None, asked: LabelledRequest, places: Places) -> dict[str, Any]:
    """Write claims, truth and datasheet; the same profile, request and versions give the same bytes."""
    check_suffix("--out", places.claims)
    check_suffix("--truth", places.truth, (".parquet",))
    if len({path.resolve() for path in places.all()}) < 3:
        raise SettingsError("--out, --truth and --datasheet name the same file: give three.")
    for option, path in zip(("--out", "--truth", "--datasheet"), places.all(), strict=True):
        pipeline.check_output(settings, path, option)
    profile = Profile.load(profile_file) if profile_file else pipeline.current_profile(settings)
    parts = Places(*(path.with_name(f".{path.name}.{os.getpid()}.part") for path in places.all()))
    try:
        for path in places.all():
            path.parent.mkdir(parents=True, exist_ok=True)
        kinds, problems, claims = _write(profile, asked, parts, parquet=places.claims.suffix == ".parquet")
        sheet = Sheet(
            profile=profile,
            asked=asked,
            claims=claims,
            kinds=kinds,
            files={new.name: _sha256(part) for part, new in zip(parts.all()[:2], places.all()[:2], strict=True)},
            versions={name: version(name) for name in _LIBRARIES} | {"payload schema": PAYLOAD_SCHEMA_VERSION},
        )
        parts.datasheet.write_text(render_datasheet(sheet), encoding="utf-8")
        for part, path in zip(parts.all(), places.all(), strict=True):
            part.replace(path)
    except OSError as error:
        raise ClaimsSimError(f"Cannot write {error.filename or places.claims}: {error.strerror or error}.") from None
    finally:
        for part in parts.all():
            with suppress(OSError):
                part.unlink(missing_ok=True)
    return {
        "claims": f"{claims} in {places.claims}",
        "truth": str(places.truth),
        "datasheet": str(places.datasheet),
        "anomalies": sum(count for (label, _, _), count in kinds.items() if label == "anomaly"),
        "by kind": _by_kind(kinds, "anomaly"),
        "decoys": _by_kind(kinds, "decoy"),
        "seed": asked.seed,
        "profile": profile.profile_hash,
        **({"problems": in_one_line(problems)} if problems else {}),
    }


def _write(
    profile: Profile, asked: LabelledRequest, parts: Places, *, parquet: bool
) -> tuple[Counter[tuple[str, str, int]], tuple[str, ...], int]:
    """Claims and truth; how many there are of each label, kind and strength, what could not be made, and all claims."""
    kinds: Counter[tuple[str, str, int]] = Counter()
    problems: list[str] = []
    done = 0
    about = {"claims_sim.profile": profile.profile_hash, "claims_sim.seed": str(asked.seed)}
    with (
        telling_of_interrupt("Nothing was written."),
        progress("claims", asked.count) as advance,
        interruptible() as check,
        closing(ClaimFile(parts.claims, parquet=parquet)) as claims,
        pq.ParquetWriter(parts.truth, TRUTH_SCHEMA.with_metadata(about)) as truth,
    ):
        for batch in labelled_batches(profile, asked):
            check()
            answers = whole_truth(batch, done)
            claims.write(batch.payloads, batch.claims, about)
            truth.write_table(answers.replace_schema_metadata(about))
            names = (answers[name].to_pylist() for name in ("label", "kind", "strength"))
            kinds.update((label, kind or "", strength) for label, kind, strength in zip(*names, strict=True))
            problems.extend(batch.problems)
            done += len(batch.claims)
            advance(len(batch.claims))
    return kinds, tuple(dict.fromkeys(problems)), done


def _by_kind(kinds: Counter[tuple[str, str, int]], label: str) -> dict[str, int]:
    found: Counter[str] = Counter()
    for (one, kind, _), count in kinds.items():
        if one == label:
            found[kind] += count
    return dict(sorted(found.items()))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
