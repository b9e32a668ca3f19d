"""Write a batch of the outbox again, from what was recorded of its author, and compare. Stores and sends nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa

from claims_sim.claim import OPTIONAL_KEYS
from claims_sim.errors import ProfileError, SettingsError, StoreError
from claims_sim.generation.batch import Batch, BatchRequest, BatchWriter
from claims_sim.generation.prompt import PromptSet, load_prompts
from claims_sim.generation.recorded import RecordedAuthor
from claims_sim.pipeline.profiling import kept_profile_path
from claims_sim.pipeline.resources import database
from claims_sim.profile.document import Profile
from claims_sim.profile.sampler import Sampler
from claims_sim.settings import Settings
from claims_sim.store import outbox, truth

_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class Replay:
    """What came of writing a batch again.

    `differing` are claims whose payload is another than it was, `anomalies` how many were changed after they were
    written (those follow from the stream of that moment, and are not compared), `notes` what else is worth knowing.
    """

    batch: Batch
    compared: int
    differing: tuple[str, ...]
    anomalies: int
    recorded: int
    notes: tuple[str, ...] = ()

    @property
    def is_same(self) -> bool:
        """Whether every claim that can be compared is the same, byte for byte."""
        return not self.differing

    def as_dict(self) -> dict[str, Any]:
        """For people and for JSON."""
        same = f"{self.compared:,} of {self.compared:,} claims, byte for byte"
        shown = ", ".join(self.differing[:_SHOWN]) + (", …" if len(self.differing) > _SHOWN else "")
        return {
            "batch": self.batch.request.batch_id,
            "author": self.batch.author,
            "model": f"{self.batch.model} (not asked)" if self.recorded else "none",
            "recorded answers": self.recorded,
            "same": same
            if self.is_same
            else f"no: {len(self.differing):,} of {self.compared:,} claims differ ({shown})",
            **({"anomalies, not compared": self.anomalies} if self.anomalies else {}),
            **({"notes": "; ".join(self.notes)} if self.notes else {}),
        }


def replay_batch(settings: Settings, name: str) -> Replay:
    """Write the batch whose id begins with `name` (or the `last` one) again and compare it with what was committed.

    Raises StoreError for an unknown batch, one of a version that did not record how it came about, or one whose prompts are
    gone; ProfileError when its profile is no longer kept.
    """
    db = database(settings)
    with db.kept_open():
        stored = outbox.stored_batch(db, outbox.find_batch(db, name))
        payloads = outbox.read_batch(db, stored.batch_id)
    if stored.purged:
        raise StoreError(f"Claims of batch {stored.batch_id} were purged: it cannot be replayed.")
    if "request" not in stored.metadata:
        raise StoreError(
            f"Batch {stored.batch_id} was made by a version that did not record how: it cannot be replayed."
        )
    path = kept_profile_path(settings, stored.profile_hash)
    if not path.exists():
        raise ProfileError(
            f"The profile of batch {stored.batch_id} is no longer kept ({path.name}): it cannot be replayed."
        )
    profile = Profile.load(path)
    sampler = Sampler(profile)
    request = BatchRequest.read(stored.batch_id, stored.seed, stored.created_at, stored.metadata["request"])
    notes: list[str] = []
    author = None
    if stored.answers:
        try:
            prompts = _prompts(stored.prompt_version)
        except SettingsError:
            raise StoreError(
                f"Batch {stored.batch_id} was written with the prompts {stored.prompt_version}, which this version no "
                "longer has: it cannot be replayed."
            ) from None
        if prompts.label != stored.prompt_version:
            notes.append(f"the prompt's text has changed since ({stored.prompt_version}, now {prompts.label})")
        author = RecordedAuthor(
            sampler, prompts, stored.answers, model=stored.model, prompt_version=stored.prompt_version
        )
    batch = BatchWriter(profile, author, sampler=sampler).write(request)
    recorded = sum(answer is not None for answers in stored.answers.values() for answer in answers)
    return _compared(settings, batch, payloads, stored, recorded, notes)


def _prompts(label: str) -> PromptSet:
    """The prompts that a label of provenance names, as they are now. Raises SettingsError for a version that is gone."""
    version, form, language = label.split("-")[:3]
    return load_prompts("choice" if form == "choice" else "full", version, language)


def _without_keys(payload: str) -> str:
    """A payload line without the optional keys, which stand at its end."""
    at = min((payload.index(f',"{key}":') for key in OPTIONAL_KEYS if f',"{key}":' in payload), default=None)
    return payload if at is None else payload[:at] + "}"


def _compared(
    settings: Settings,
    batch: Batch,
    payloads: pa.Table,
    stored: outbox.StoredBatch,
    recorded: int,
    notes: list[str],
) -> Replay:
    ids = batch.log["claim_id"].to_pylist()
    written = dict(zip(ids, batch.payloads, strict=True))
    anomalies = truth.labelled_ids(truth.truth_path(settings.state_dir), ids)
    kept: Mapping[str, str] = dict(zip(payloads["claim_id"].to_pylist(), payloads["payload"].to_pylist(), strict=True))
    if stored.metadata.get("keyed"):
        if not kept:
            raise StoreError(f"Batch {stored.batch_id} has persons and its payloads are pruned: it cannot be compared.")
        notes.append("persons, hospitals and episodes are not compared: they follow from the stream as it was")
        kept = {claim_id: _without_keys(line) for claim_id, line in kept.items()}
    if kept:
        both = [claim_id for claim_id in dict.fromkeys([*kept, *written]) if claim_id not in anomalies]
        differing = tuple(claim_id for claim_id in both if kept.get(claim_id) != written.get(claim_id))
        return Replay(batch, len(both), differing, len(anomalies), recorded, tuple(notes))
    notes.append("its payloads are pruned: compared by the hash of all of them")
    if anomalies:
        raise StoreError(f"Batch {stored.batch_id} holds anomalies and its payloads are pruned: it cannot be compared.")
    table = pa.table({"claim_id": ids, "payload": pa.array(batch.payloads, pa.string())})
    same = outbox.content_hash(table) == stored.content_hash
    return Replay(batch, len(ids), () if same else tuple(ids), 0, recorded, tuple(notes))
