"""Claims with known answers that follow from a profile and a seed alone: for export, examination and comparison of scorers.

They are no part of the stream: nothing is stored, and the stream's quota does not move.
"""

from collections.abc import Iterator
from dataclasses import astuple, dataclass
from datetime import UTC, datetime
from typing import Final

import numpy as np
import pyarrow as pa

from claims_sim.anomalies.quota import BLOCK, Quota
from claims_sim.anomalies.writer import AnomalyWriter, Persons
from claims_sim.claim_ids import numbered_batch_id
from claims_sim.errors import RequestError
from claims_sim.generation.batch import Batch, BatchRequest
from claims_sim.pipeline.anomalies import mix_of
from claims_sim.profile.document import Profile
from claims_sim.profile.sampler import Sampler
from claims_sim.randomness import stream_key
from claims_sim.store.truth import TRUTH_SCHEMA, conform_truth

CHUNK: Final = 20 * BLOCK
"""Claims of a batch: the quota is exact over each 1,000, and clones find enough originals."""


@dataclass(frozen=True, slots=True)
class LabelledRequest:
    """What is asked for; equal requests of equal profiles give equal claims. `mix` as in CLAIMS_SIM_ANOMALY_MIX.

    With `ref_keys` claims have persons, who come back within their batch of the set.
    """

    count: int
    rate: float = 0.02
    seed: int = 0
    mix: str = ""
    strength: int = 0
    campaign_share: float = 0.0
    prefix: str = "SIM"
    ref_keys: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot be made, in one line."""
        if not 0 <= self.rate <= 0.5:
            raise RequestError(f"An anomaly rate of {self.rate:g} is not allowed: give a share from 0 to 0.5.")


def labelled_batches(profile: Profile, asked: LabelledRequest, sampler: Sampler | None = None) -> Iterator[Batch]:
    """Reviewed claims of the profile's period with their truth, batch by batch, by the statistical author."""
    mix = mix_of(asked.mix, has_persons=asked.ref_keys, told_in="--mix")
    quota = Quota(asked.rate, mix, asked.campaign_share, asked.seed, asked.strength)
    writer = AnomalyWriter(profile, quota=quota, sampler=sampler, persons=Persons() if asked.ref_keys else None)
    as_of = end_of(profile.period[1])
    series = stream_key("labelled", profile.profile_hash, *map(str, astuple(asked)))
    for number, first in enumerate(range(0, asked.count, CHUNK)):
        count = min(CHUNK, asked.count - first)
        yield writer.write(
            BatchRequest(
                numbered_batch_id(as_of, number), count, asked.seed, as_of, "history", asked.prefix,
                named_by=numbered_batch_id(as_of, number, series),
            )
        )  # fmt: skip


def labelled_claims(
    profile: Profile, asked: LabelledRequest, sampler: Sampler | None = None
) -> tuple[pa.Table, pa.Table]:
    """The claims (FLAT_SCHEMA) and the truth of the anomalies and decoys among them (TRUTH_SCHEMA)."""
    batches = list(labelled_batches(profile, asked, sampler))
    return pa.concat_tables([b.claims for b in batches]), pa.concat_tables([truth_of(b) for b in batches])


def truth_of(batch: Batch) -> pa.Table:
    """The truth of a batch's anomalies and decoys."""
    return TRUTH_SCHEMA.empty_table() if batch.truth is None else batch.truth.truth


def whole_truth(batch: Batch, first: int) -> pa.Table:
    """A row for every claim of a batch, in order: what is neither anomaly nor decoy is labelled clean. `first`: position."""
    known = truth_of(batch)
    ids, count = batch.claims["claim_id"], len(batch.claims)
    clean = conform_truth(
        pa.table(
            {
                "claim_id": ids,
                "batch_id": [batch.request.batch_id] * count,
                "position": first + batch.log["claim_index"].to_numpy().astype(np.int64) - batch.request.first_index,
                "label": ["clean"] * count,
                "strength": np.zeros(count, np.int32),
                "fields": pa.array([[]] * count, pa.list_(pa.string())),
                "amount_paid": batch.claims["amount_paid"],
                "right_amount": batch.claims["amount_paid"],
                "rupiah_lost": np.zeros(count),
                "related_claims": pa.array([[]] * count, pa.list_(pa.string())),
                "is_decoy": np.zeros(count, bool),
                "seed": [batch.request.seed] * count,
            }
        )
    )
    named = set(known["claim_id"].to_pylist())
    rest = clean.filter(pa.array([claim_id not in named for claim_id in ids.to_pylist()], pa.bool_()))
    return pa.concat_tables([rest, known]).sort_by("position")


def end_of(month: str) -> datetime:
    """The first instant after a month such as 2025-12, UTC."""
    year, number = map(int, month.split("-"))
    return datetime(year + number // 12, number % 12 + 1, 1, tzinfo=UTC)
