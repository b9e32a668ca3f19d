"""The steps from a profile to the channel: write a batch, commit it to the outbox, relay it after a last review."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import pyarrow as pa

from claims_sim.anomalies.quota import Quota
from claims_sim.channels.contract import Message
from claims_sim.errors import ProfileError
from claims_sim.generation.author import Author
from claims_sim.generation.batch import Batch, BatchWriter
from claims_sim.generation.keyed import KeyedWriter
from claims_sim.generation.llm_author import llm_author
from claims_sim.generation.persons import Known
from claims_sim.generation.prompt import FORMS, load_prompts
from claims_sim.generation.request import AS_SETTINGS_SAY, ClaimsRequest, place_order
from claims_sim.generation.review import borrowed_reviewer
from claims_sim.llm.endpoint import endpoint_of
from claims_sim.pipeline.anomalies import anomaly_writer, confirm_truth, keep_truth, known_of, quota_of, quota_of_order
from claims_sim.pipeline.approving import require_approval
from claims_sim.pipeline.profiling import kept_profile_path
from claims_sim.pipeline.resources import channel, database
from claims_sim.profile.document import Profile
from claims_sim.profile.sampler import Sampler
from claims_sim.rules.wire import lines_table, parse_sql, to_flat
from claims_sim.settings import Settings
from claims_sim.store import counts, outbox
from claims_sim.store.control import Facts
from claims_sim.store.database import SimulationDatabase
from claims_sim.store.stream import stored_position

LOST_AFTER: Final = timedelta(minutes=1)
"""A released batch has so long to arrive before the relay asks whether the channel still has it."""
PROFILE_NOT_READABLE: Final = "profile_not_readable"
"""Why a batch is quarantined whose profile this release cannot read."""
_TAKEN_AT_ONCE: Final = 20
"""Batches that wait are read so many at a time: neither memory nor the database is held for long."""


def require_author(settings: Settings) -> None:
    """Refuse settings under which every batch would fail: unknown anomalies or prompts, a server that may not be used.

    Asks no server. Raises SettingsError or AuthorError, one line.
    """
    if settings.anomaly_rate:
        quota_of(settings)
    if settings.author == "llm":
        endpoint_of(settings)
        check_prompts(settings)


def check_prompts(settings: Settings) -> None:
    """See that the prompts of the settings are there. Raises SettingsError."""
    for form in FORMS:
        load_prompts(form, settings.prompt_version, settings.prompt_language)


@contextmanager
def batch_writer(
    settings: Settings,
    profile: Profile,
    *,
    deadline_s: float | None,
    in_stream: bool = True,
    quota: Quota | None = None,
) -> Iterator[BatchWriter]:
    """A writer with the author of the settings; `deadline_s` bounds the model's part of a batch (None: unbounded).

    With the optional keys persons of the stream come back, unless the claims are no part of it (`in_stream`). `quota` are
    anomalies other than the stream's.

    Every claim is made by one, so it is here that a profile without a required approval is refused (ProfileError).
    """
    require_approval(settings, profile)
    sampler = Sampler(profile)
    if settings.author == "statistical":
        yield _writer(settings, profile, None, sampler, quota, in_stream=in_stream)
        return
    author = llm_author(settings, sampler, deadline_s=deadline_s, memory=Facts(settings.state_dir))
    try:
        yield _writer(settings, profile, author, sampler, quota, in_stream=in_stream)
    finally:
        author.close()


def _writer(
    settings: Settings,
    profile: Profile,
    author: Author | None,
    sampler: Sampler,
    quota: Quota | None,
    *,
    in_stream: bool,
) -> BatchWriter:
    if not settings.anomaly_rate and settings.ref_keys:
        known = known_of(settings) if in_stream else lambda _: Known.nobody()
        return KeyedWriter(profile, author, known=known, force_author=settings.force_llm, sampler=sampler)
    if not settings.anomaly_rate:
        return BatchWriter(profile, author, force_author=settings.force_llm, sampler=sampler)
    return anomaly_writer(settings, profile, author, sampler, quota, in_stream=in_stream)


def generate_batch(
    settings: Settings, profile: Profile, now: datetime, request: ClaimsRequest = AS_SETTINGS_SAY
) -> Batch:
    """Write one reviewed batch, as `request` asks for it. Nothing is stored yet.

    Raises RequestError when the profile has nothing of the kind.
    """
    order = place_order(request, settings, now)
    with batch_writer(order.settings, profile, deadline_s=order.deadline_s, quota=quota_of_order(order)) as writer:
        return writer.write(order.batch)


def commit_batch(settings: Settings, batch: Batch) -> None:
    """Commit a reviewed batch to the outbox, with its provenance, in one transaction. Idempotent by batch id.

    The truth about its anomalies is written before and confirmed after: no anomaly is ever sent unlabelled.
    """
    keep_truth(settings, batch)
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
        metadata={
            "warnings": batch.warnings,
            "fallen_back": batch.fallen_back,
            "cost": batch.cost,
            "problems": batch.problems,
            "keyed": batch.claims["patient_id_hash"].null_count < len(batch.claims),
            "request": batch.request.document(),
            **batch.request.asked,
        },
    )
    outbox.commit_batch(database(settings), new, payloads, batch.log)
    confirm_truth(settings, batch)


@dataclass(frozen=True, slots=True)
class Relay:
    """What a relay did: claims released per batch, and quarantined batches with the rules they broke.

    `repeated` are batches of an earlier relay that were sent again because the channel had lost them.
    """

    released: dict[str, int]
    quarantined: dict[str, dict[str, int]]
    repeated: tuple[str, ...] = ()

    @property
    def claims(self) -> int:
        """Claims that went to the channel."""
        return sum(self.released.values())


def review_outbox_batch(settings: Settings, batch_id: str) -> dict[str, int]:
    """The rules that a stored batch breaks, with counts; empty when it may be released.

    The relay and the batch's blocking check both ask here, so that they cannot disagree.
    """
    return _judge_stored(settings, *_stored_batch(database(settings), batch_id))


def _judge_stored(settings: Settings, stored: pa.Table, profile_hash: str) -> dict[str, int]:
    ids, payloads = stored["claim_id"].to_pylist(), stored["payload"].to_pylist()
    path = kept_profile_path(settings, profile_hash)
    try:
        with borrowed_reviewer(profile_hash, lambda: Profile.load(path)) as reviewer:
            reviewer.connection.register("lines", lines_table(ids, payloads))
            parsed = reviewer.connection.sql(parse_sql("lines")).to_arrow_table()
            reviewer.connection.unregister("lines")
            faults = [fault for fault in parsed["shape_fault"].to_pylist() if fault]
            if faults:
                return {f"shape:{fault}": faults.count(fault) for fault in dict.fromkeys(faults)}
            return reviewer.judge(to_flat(parsed)).reasons
    except ProfileError:
        if not path.exists():
            raise
        # Kept by a release with another format. What can never be reviewed must not hold up all that follows.
        return {PROFILE_NOT_READABLE: len(payloads)}


@dataclass(frozen=True, slots=True)
class _Outgoing:
    """A pending batch after its review: what to publish, or the rules it breaks with counts."""

    batch_id: str
    messages: list[Message]
    reasons: dict[str, int]


def relay_outbox(settings: Settings, fresh: Batch | None = None) -> Relay:
    """Review every pending batch once more, `fresh` among them, then publish and release it, or quarantine it.

    A crash between publishing and releasing publishes again, and so does a channel that lost what it had; the consumer
    removes the duplicates. The database is not held while this waits for the channel.
    """
    db = database(settings)
    released, quarantined = {}, {}
    repeated = _reopen_lost(settings, db)
    outgoing = _take_outgoing(settings, db, fresh)
    if not outgoing:
        return Relay({}, {})
    with closing(channel(settings)) as sink:
        while outgoing:
            for batch in outgoing:
                if batch.reasons:
                    outbox.quarantine(db, batch.batch_id, batch.reasons)
                    quarantined[batch.batch_id] = batch.reasons
                    continue
                sink.publish(batch.batch_id, batch.messages)
                outbox.release(db, batch.batch_id)
                released[batch.batch_id] = len(batch.messages)
            outgoing = _take_outgoing(settings, db) if len(outgoing) == _TAKEN_AT_ONCE else []
    return Relay(released, quarantined, repeated)


def _take_outgoing(settings: Settings, db: SimulationDatabase, fresh: Batch | None = None) -> list[_Outgoing]:
    """The oldest pending batches, reviewed; `fresh` is stored first."""
    with db.kept_open():
        if fresh is not None:
            commit_batch(settings, fresh)
        taken = [(batch_id, *_stored_batch(db, batch_id)) for batch_id in outbox.pending(db)[:_TAKEN_AT_ONCE]]
    return [_reviewed(settings, *one) for one in taken]


def _stored_batch(db: SimulationDatabase, batch_id: str) -> tuple[pa.Table, str]:
    """The claims of a stored batch, and the hash of the profile that it came from."""
    return outbox.read_batch(db, batch_id), outbox.profile_hash(db, batch_id)


def _reviewed(settings: Settings, batch_id: str, stored: pa.Table, profile_hash: str) -> _Outgoing:
    reasons = _judge_stored(settings, stored, profile_hash)
    pairs = zip(stored["claim_id"].to_pylist(), stored["payload"].to_pylist(), strict=True)
    return _Outgoing(batch_id, [Message(claim_id, payload) for claim_id, payload in pairs], reasons)


def _reopen_lost(settings: Settings, db: SimulationDatabase) -> tuple[str, ...]:
    """Make pending again what was released a while ago and has not arrived though the channel is read to its end."""
    before = datetime.now(UTC) - LOST_AFTER
    if not counts.lost_batches(db, before):
        return ()
    with closing(channel(settings)) as source:
        if source.lag(stored_position(db, source)):
            return ()
    # Asked again: until the channel was seen to be read, a consumer may have stored them.
    lost = counts.lost_batches(db, before)
    outbox.reopen(db, lost)
    return lost
