"""Batches with the optional keys: claims as they were written, given to persons, hospitals and episodes."""

from collections.abc import Callable
from dataclasses import replace

import duckdb
import numpy as np
import pyarrow as pa

from claims_sim.generation.author import Author
from claims_sim.generation.batch import Batch, BatchRequest, BatchWriter
from claims_sim.generation.persons import Keys, Known, assign_keys
from claims_sim.profile.document import Profile
from claims_sim.profile.sampler import Sampler
from claims_sim.randomness import stream_key
from claims_sim.rules.wire import to_payloads

KnownOf = Callable[[pa.Table], Known]
"""What is known of earlier claims that some claims (flat rows) might follow."""


class KeyedWriter(BatchWriter):
    """A batch writer whose claims have persons, hospitals and episodes."""

    def __init__(
        self,
        profile: Profile,
        author: Author | None = None,
        *,
        known: KnownOf,
        force_author: bool = False,
        sampler: Sampler | None = None,
    ) -> None:
        super().__init__(profile, author, force_author=force_author, sampler=sampler)
        self._known = known

    def write(self, request: BatchRequest) -> Batch:
        """Write the batch, then add the keys. Raises AuthorError as without them."""
        batch = super().write(request)
        return with_keys(batch, keys_of(batch, self._known(batch.claims)))


def keys_of(batch: Batch, known: Known) -> Keys:
    """Keys for the claims of a batch; reproducible given the batch and what is known."""
    key = stream_key(batch.request.seed, batch.request.batch_id, "keys")
    return assign_keys(batch.claims, key, batch.log["claim_index"].to_numpy().astype(np.int64), known)


def with_keys(batch: Batch, keys: Keys) -> Batch:
    """`batch` with the keys in its rows and payloads."""
    claims = keys.put_into(batch.claims)
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        return replace(batch, claims=claims, payloads=tuple(to_payloads(connection, claims)))
