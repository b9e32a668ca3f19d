"""The steps of the simulation as plain functions: profile, generate, publish, ingest, score. No Dagster, no CLI.

Assets, the CLI and the demo all call these. Each takes the settings and the time; none keeps anything open.
"""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa

from claims_sim.channels.contract import Channel, Message, open_channel
from claims_sim.claim_ids import new_batch_id
from claims_sim.errors import ProfileError, ScorerError, SettingsError, SourceError
from claims_sim.generation.batch import Batch, BatchRequest, BatchWriter
from claims_sim.generation.llm_author import llm_author
from claims_sim.generation.review import Reviewer
from claims_sim.profile.document import Profile
from claims_sim.profile.fit import fit_profile
from claims_sim.profile.sampler import Sampler
from claims_sim.profile.source import SourceSpec, read_source
from claims_sim.randomness import stream_key
from claims_sim.rules.wire import lines_table, parse_sql, to_flat
from claims_sim.scoring.scorer import RiskScorer, train_scorer
from claims_sim.settings import Settings
from claims_sim.store import control, counts, outbox, scores, snapshots, stream
from claims_sim.store.database import SimulationDatabase

SCORER_TRAINING_CLAIMS: Final = 100_000


def database(settings: Settings) -> SimulationDatabase:
    """The simulation database of these settings."""
    return SimulationDatabase(settings.database_path, lock_timeout_s=settings.lock_timeout_s)


def channel(settings: Settings) -> Channel:
    """The channel of these settings, opened; close it."""
    return open_channel(settings.channel_url)


# --- profile ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ProfileRefresh:
    """The profile in force after a refresh, and whether it is a new one."""

    profile: Profile
    is_new: bool


def check_isolation(settings: Settings) -> None:
    """Raise SourceError when source and simulation would share a file, also through links, or a folder we fill.

    Nothing else may be written to near the source, so this comes before anything is opened.
    """
    source = settings.source_path
    ours = {"the simulation database": settings.database_path, "the profile": settings.profile_path}
    for what, path in ours.items():
        same = source.resolve() == path.resolve()
        if not same and source.exists() and path.exists():
            same = source.samefile(path)
        if same:
            raise SourceError(
                f"The source {source} and {what} {path} are the same file: nothing is started. "
                "Point CLAIMS_SIM_DATABASE or CLAIMS_SIM_STATE_DIR elsewhere."
            )


def profile_source(settings: Settings, now: datetime) -> ProfileRefresh:
    """Profile the source and put the result in force; an unchanged source makes no new profile.

    Raises SourceError when the source cannot be read; the last profile then stays in force.
    """
    check_isolation(settings)
    source = read_source(SourceSpec(settings.source_path, settings.source_table, settings.mapping))
    profile = fit_profile(source, k=settings.privacy_k, created_at=now)
    if settings.profile_path.exists():
        last = Profile.load(settings.profile_path)
        if last.profile_hash == profile.profile_hash:
            return ProfileRefresh(last, is_new=False)
    return ProfileRefresh(profile, is_new=True)


def keep_profile(settings: Settings, profile: Profile) -> None:
    """Put a profile in force, and keep it under its hash for batches that were made from it."""
    profile.save(_profile_of(settings, profile.profile_hash))
    profile.save(settings.profile_path)
    control.put_status(settings.state_dir, "profile_source", _source_identity(settings))


def has_profile_of_source(settings: Settings) -> bool:
    """Whether there is a profile in force and, where it is known what it was made of, it is of this source.

    Another source, table or mapping than last time asks for a new profile. Opens no database.
    """
    if not settings.profile_path.exists():
        return False
    made_of = control.get_status(settings.state_dir, "profile_source")
    return made_of is None or made_of == _source_identity(settings)


def _source_identity(settings: Settings) -> dict[str, str]:
    mapping = settings.mapping
    content = mapping.read_bytes() if mapping and mapping.is_file() else b""
    return {
        "source": str(settings.source_path.absolute()),
        "table": settings.source_table,
        "mapping": hashlib.sha256(content).hexdigest() if mapping else "",
        "k": str(settings.privacy_k),
    }


def check_output(settings: Settings, out: Path) -> None:
    """Raise SettingsError when writing `out` would replace the source or a file of the simulation, also through links."""
    protected = {
        "the source": settings.source_path,
        "the mapping": settings.mapping,
        "the simulation database": settings.database_path,
    }
    for what, path in protected.items():
        same = path is not None and (
            path.resolve() == out.resolve() or (path.exists() and out.exists() and path.samefile(out))
        )
        if same:
            raise SettingsError(f"--out {out} is {what}: nothing is written. Give another file.")
    if out.is_dir():
        raise SettingsError(f"--out {out} is a folder: give a file in it.")


def current_profile(settings: Settings) -> Profile:
    """The profile in force. Raises ProfileError when there is none yet."""
    if not settings.profile_path.exists():
        raise ProfileError(
            f"There is no profile at {settings.profile_path} yet: materialize claims_distribution_profile, or run `claims-sim profile`."
        )
    return Profile.load(settings.profile_path)


def _profile_of(settings: Settings, profile_hash: str) -> Path:
    return settings.profile_path.parent / f"{profile_hash}.json"


def ensure_source(settings: Settings, say: Callable[[str], object]) -> None:
    """See that there is a source: the user's own, or a demo source made now. Raises SourceError for a missing file."""
    if settings.source is not None:
        if not settings.source.exists():
            raise SourceError(f"CLAIMS_SIM_SOURCE={settings.source}: there is no such file.")
        return
    if not settings.source_path.exists():
        from claims_sim.demo.source import write_demo_source  # noqa: PLC0415 - once in a lifetime

        say(f"No CLAIMS_SIM_SOURCE is set: making a demo source of {settings.demo_rows:,} invented claims ...")
        write_demo_source(settings.source_path, rows=settings.demo_rows)


# --- generate and publish --------------------------------------------------------------------------------------------


@contextmanager
def batch_writer(settings: Settings, profile: Profile, *, deadline_s: float | None) -> Iterator[BatchWriter]:
    """A writer with the author of the settings; `deadline_s` bounds the model's part of a batch (None: unbounded)."""
    sampler = Sampler(profile)
    if settings.author == "statistical":
        yield BatchWriter(profile, sampler=sampler)
        return
    author = llm_author(settings, sampler, deadline_s=deadline_s)
    try:
        yield BatchWriter(profile, author, force_author=settings.force_llm, sampler=sampler)
    finally:
        author.close()


def generate_batch(settings: Settings, profile: Profile, as_of: datetime, count: int | None = None) -> Batch:
    """Write one reviewed batch of `count` (default: the setting) claims. Nothing is stored yet."""
    request = BatchRequest(
        batch_id=new_batch_id(as_of),
        count=count or settings.batch_size,
        seed=settings.seed,
        as_of=as_of,
        clock=settings.clock,
        claim_prefix=settings.claim_prefix,
    )
    with batch_writer(settings, profile, deadline_s=settings.authoring_deadline_s) as writer:
        return writer.write(request)


def commit_batch(settings: Settings, batch: Batch) -> None:
    """Commit a reviewed batch to the outbox, with its provenance, in one transaction. Idempotent by batch id."""
    payloads = pa.table(
        {
            "claim_index": batch.log["claim_index"],
            "claim_id": batch.log["claim_id"],
            "payload": pa.array(batch.payloads, pa.string()),
        }
    )
    new = outbox.NewBatch(
        batch_id=batch.request.batch_id,
        created_at=batch.request.as_of,
        author=batch.author,
        model=batch.model,
        prompt_version=batch.prompt_version,
        profile_hash=batch.profile_hash,
        seed=batch.request.seed,
        planned=batch.planned,
        authored=batch.authored,
        repaired=batch.repaired,
        rejected=batch.rejected,
        reasons=batch.reasons,
        seconds=batch.seconds,
        tokens_in=batch.tokens_in,
        tokens_out=batch.tokens_out,
    )
    outbox.commit_batch(database(settings), new, payloads, batch.log)


@dataclass(frozen=True, slots=True)
class Relay:
    """What a relay did: claims released per batch, and quarantined batches with the rules they broke."""

    released: dict[str, int]
    quarantined: dict[str, dict[str, int]]

    @property
    def claims(self) -> int:
        """Claims that went to the channel."""
        return sum(self.released.values())


def review_outbox_batch(settings: Settings, batch_id: str) -> dict[str, int]:
    """The rules that a stored batch breaks, with counts; empty when it may be released.

    The relay and the batch's blocking check both ask here, so that they cannot disagree.
    """
    db = database(settings)
    stored = outbox.read_batch(db, batch_id)
    with Reviewer(Profile.load(_profile_of(settings, outbox.profile_hash(db, batch_id)))) as reviewer:
        reviewer.connection.register(
            "lines", lines_table(stored["claim_id"].to_pylist(), stored["payload"].to_pylist())
        )
        parsed = reviewer.connection.sql(parse_sql("lines")).to_arrow_table()
        faults = [fault for fault in parsed["shape_fault"].to_pylist() if fault]
        if faults:
            return {f"shape:{fault}": faults.count(fault) for fault in dict.fromkeys(faults)}
        return reviewer.judge(to_flat(parsed)).reasons


def relay_outbox(settings: Settings) -> Relay:
    """Review every pending batch once more, then publish and release it, or quarantine it.

    A crash between publishing and releasing publishes again; the consumer removes the duplicates.
    """
    db = database(settings)
    released, quarantined = {}, {}
    pending = outbox.pending(db)
    if not pending:
        return Relay({}, {})
    sink = channel(settings)
    try:
        for batch_id in pending:
            reasons = review_outbox_batch(settings, batch_id)
            if reasons:
                outbox.quarantine(db, batch_id, reasons)
                quarantined[batch_id] = reasons
                continue
            stored = outbox.read_batch(db, batch_id)
            pairs = zip(stored["claim_id"].to_pylist(), stored["payload"].to_pylist(), strict=True)
            sink.publish(batch_id, [Message(claim_id, payload) for claim_id, payload in pairs])
            outbox.release(db, batch_id)
            released[batch_id] = len(stored)
    finally:
        sink.close()
    return Relay(released, quarantined)


# --- ingest and score ------------------------------------------------------------------------------------------------


def drain(settings: Settings) -> stream.Drain:
    """What the channel holds beyond the stored position, parsed and judged; stored by `commit_drain`."""
    source = channel(settings)
    try:
        return stream.drain_channel(database(settings), source)
    finally:
        source.close()


def ingest(settings: Settings) -> stream.IngestResult:
    """Drain the channel into the staging table until nothing is left."""
    source = channel(settings)
    try:
        return stream.ingest(database(settings), source)
    finally:
        source.close()


def scorer(settings: Settings, profile: Profile) -> RiskScorer:
    """The scorer that belongs to a profile; trained once, on claims sampled from it, then loaded."""
    try:
        return RiskScorer.load(model_folder(settings, profile))
    except ScorerError:  # none yet, or of another version of ours: a crash or an upgrade is mended by training again
        return train_for(settings, profile)


def train_for(settings: Settings, profile: Profile) -> RiskScorer:
    """Train the scorer on claims sampled from the profile, and keep it."""
    key = stream_key(settings.seed, "scorer", profile.profile_hash)
    claims = to_flat(Sampler(profile).draw_claims(key, np.arange(SCORER_TRAINING_CLAIMS)))
    trained = train_scorer(claims, profile_hash=profile.profile_hash, seed=settings.seed)
    trained.save(model_folder(settings, profile))
    return trained


def model_folder(settings: Settings, profile: Profile) -> Path:
    """Where the scorer of a profile is kept."""
    return settings.state_dir / "models" / profile.profile_hash[:16]


def score_chunks(settings: Settings, chunks: Iterator[pa.Table], now: datetime) -> Iterator[pa.Table]:
    """Scores of claims, a table for each chunk."""
    ready: RiskScorer | None = None
    for claims in chunks:
        ready = ready or scorer(settings, current_profile(settings))
        yield ready.score(claims, scored_at=now)


def score_new(settings: Settings, now: datetime) -> int:
    """Score every claim that has no score yet; returns how many."""
    db = database(settings)
    total = 0
    for scored in score_chunks(settings, scores.unscored_chunks(db), now):
        scores.commit_scores(db, scored)
        total += len(scored)
    return total


@dataclass(frozen=True, slots=True)
class ScoreRefresh:
    """What a refresh of all scores did."""

    claims: int
    model_version: str


def refresh_scores(settings: Settings, now: datetime) -> ScoreRefresh:
    """Train the scorer anew on the profile in force and score every stored claim again.

    Scores are replaced chunk by chunk, each in one transaction; a failure leaves every claim with a score.
    """
    ready = train_for(settings, current_profile(settings))
    db, total = database(settings), 0
    for claims in scores.all_chunks(db):
        scores.commit_scores(db, ready.score(claims, scored_at=now))
        total += len(claims)
    publish_snapshots(settings)
    return ScoreRefresh(total, ready.model_version)


def publish_snapshots(settings: Settings) -> snapshots.SnapshotResult:
    """Bring the Parquet snapshots for other readers up to date, and the figures that `status` shows."""
    db = database(settings)
    result = snapshots.write_snapshots(db, settings.snapshots_path)
    control.put_status(settings.state_dir, "flow", counts.count_flow(db).as_dict())
    return result


# --- one tick --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Tick:
    """One round of the chain."""

    batch: Batch
    relay: Relay
    ingested: stream.IngestResult
    scored: int


def run_tick(settings: Settings, now: datetime) -> Tick:
    """Generate, publish, ingest and score one batch. The caller holds the producer lock."""
    batch = generate_batch(settings, current_profile(settings), now)
    commit_batch(settings, batch)
    relayed = relay_outbox(settings)
    ingested = ingest(settings)
    scored = score_new(settings, now)
    publish_snapshots(settings)
    return Tick(batch, relayed, ingested, scored)
