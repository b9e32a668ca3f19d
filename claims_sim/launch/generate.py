"""`claims-sim generate`: many reviewed claims into one file, in batches, written whole or not at all."""

import os
from collections import Counter
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import numpy as np

from claims_sim import pipeline
from claims_sim.claim_ids import MAX_CLAIMS_PER_BATCH, numbered_batch_id
from claims_sim.errors import ClaimsSimError
from claims_sim.generation.batch import Batch, BatchRequest, none_passed, utc_now
from claims_sim.launch.claim_files import ClaimFile, check_suffix
from claims_sim.launch.interrupt import interruptible, telling_of_interrupt
from claims_sim.launch.progress import progress
from claims_sim.pipeline.labelled import end_of
from claims_sim.profile.document import Profile
from claims_sim.profile.drawing.wanted import NO_FILTER, NO_MIX, ClaimFilter, Mix
from claims_sim.randomness import stream_key
from claims_sim.settings import Settings

_LLM_CHUNK = 20  # claims between two steps of the progress bar, after which Ctrl-C is heeded too
_SMALLEST_CHUNK = 25_000  # a batch costs some tenths of a second whatever its size: planning its reviews' queries
_STEPS = 20


def run(
    settings: Settings,
    profile_file: Path | None,
    count: int,
    out: Path,
    where: ClaimFilter = NO_FILTER,
    mix: Mix = NO_MIX,
) -> dict[str, Any]:
    """Write `count` claims to `out` (.jsonl or .parquet); the same profile, seed and count give the same file.

    Every claim holds `where`; `mix` replaces shares of the profile, and the file's metadata says so.
    """
    check_suffix("--out", out)
    # No anomalies: their truth would be lost. `claims-sim export` writes both.
    settings = settings.model_copy(update={"anomaly_rate": 0.0})
    pipeline.check_output(settings, out)
    profile = Profile.load(profile_file) if profile_file else pipeline.current_profile(settings)
    temporary = out.with_name(f".{out.name}.{os.getpid()}.part")
    # A file of past claims follows from profile and seed alone; one of claims of today also from the time.
    as_of = end_of(profile.period[1]) if settings.clock == "history" else utc_now()
    series = stream_key(
        "file", profile.profile_hash, settings.seed, count, settings.clock, settings.author, str(where), str(mix)
    )
    written = rejected = by_model = repaired = 0
    reasons, warnings = Counter[str](), Counter[str]()
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        chunk = _step(count) if settings.author == "statistical" else _LLM_CHUNK
        with (
            telling_of_interrupt("Nothing was written."),
            progress("claims", count) as advance,
            interruptible() as check,
            pipeline.batch_writer(settings, profile, deadline_s=None, in_stream=False) as writer,
            closing(ClaimFile(temporary, parquet=out.suffix == ".parquet")) as sink,
        ):
            for number, first in enumerate(range(0, count, chunk)):
                check()
                size = min(chunk, count - first)
                request = BatchRequest(
                    numbered_batch_id(as_of, number), size, settings.seed, as_of, settings.clock,
                    settings.claim_prefix, where=where, mix=mix, named_by=numbered_batch_id(as_of, number, series),
                )  # fmt: skip
                batch = writer.write(request)
                places = np.arange(written, written + len(batch.claims))
                rows = (
                    batch.claims
                    if sink.is_of_payloads
                    else writer.sampler.leave_empty(series, places, batch.claims, asked=where.as_dict())
                )
                sink.write(batch.payloads, rows, _provenance(batch))
                written, rejected = written + len(batch.claims), rejected + batch.rejected
                by_model += batch.log["author"].to_pylist().count(settings.author)
                repaired += batch.repaired
                reasons.update(batch.reasons)
                warnings.update(batch.warnings)
                advance(size)
        if not written:
            raise none_passed(count, reasons)
        temporary.replace(out)
    except OSError as error:
        raise ClaimsSimError(f"Cannot write {out}: {error.strerror or error}. Nothing was written.") from None
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
    return {
        "written": str(out),
        "claims": written,
        "rejected": rejected,
        "author": settings.author,
        "by that author": by_model,
        "repaired": repaired,
        "rejected drafts by rule": dict(reasons.most_common()),
        "let through with a warning by rule": dict(warnings.most_common()),
        "seed": settings.seed,
        **{f"asked for: {name}": text for name, text in (("where", str(where)), ("mix", str(mix))) if text},
        "profile": profile.profile_hash,
    }


def _step(count: int) -> int:
    """How many claims the statistical author writes at once; they depend on it, so it follows from `count` alone."""
    return min(max(count // _STEPS, _SMALLEST_CHUNK), MAX_CLAIMS_PER_BATCH)


def _provenance(batch: Batch) -> dict[str, str]:
    """What the file's own metadata say of its claims, under one prefix."""
    made = {"author": batch.author, "profile": batch.profile_hash, "seed": str(batch.request.seed)}
    return {f"claims_sim.{name}": text for name, text in (made | batch.request.asked).items()}
