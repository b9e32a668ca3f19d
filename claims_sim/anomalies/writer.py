"""Write batches with anomalies in them: the claims are written as ever, then the quota's are changed and verified.

An anomaly is put into a claim at a place that the quota chose without looking. When its kind cannot be done to the
claim that stands there, the claim is drawn again among those it can be done to, so that the others stay as they were.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import numpy as np
import pyarrow as pa

from claims_sim.anomalies.campaign import Campaign
from claims_sim.anomalies.decoys import mark_decoys
from claims_sim.anomalies.kinds import KINDS
from claims_sim.anomalies.labels import truth_of, with_made
from claims_sim.anomalies.maker import Group, Made, Maker
from claims_sim.anomalies.quota import Assigned, Quota
from claims_sim.anomalies.world import Ints, World
from claims_sim.generation.author import Author
from claims_sim.generation.batch import Batch, BatchRequest, BatchWriter
from claims_sim.generation.review import Reviewer
from claims_sim.profile.document import Profile
from claims_sim.profile.sampler import Sampler
from claims_sim.store.truth import TruthBatch

_ATTEMPTS: Final = 6  # of a kind; then another kind takes the place, so that the quota holds
_KEPT: Final = 2_000  # claims of earlier batches that may still be copied


class AnomalyWriter(BatchWriter):
    """A batch writer whose batches hold the quota's anomalies, and carry the truth about them.

    `position` says how many claims the stream holds already, `recent` gives claims of it that may be copied; by
    default the stream is what this writer wrote.
    """

    def __init__(
        self,
        profile: Profile,
        author: Author | None = None,
        *,
        quota: Quota,
        force_author: bool = False,
        sampler: Sampler | None = None,
        position: Callable[[], int] | None = None,
        recent: Callable[[], pa.Table] | None = None,
    ) -> None:
        super().__init__(profile, author, force_author=force_author, sampler=sampler)
        self.quota = quota
        self._world = World(self.sampler)
        self._written = 0
        self._kept = pa.table({})
        self._position = position or (lambda: self._written)
        self._recent = recent or (lambda: self._kept)

    def write(self, request: BatchRequest) -> Batch:
        """Write the batch, then put the quota's anomalies into it. Raises AuthorError as without them."""
        batch, first = super().write(request), self._position()
        positions = first + batch.log["claim_index"].to_numpy().astype(np.int64) - request.first_index
        assigned = self.quota.assign(positions)
        normal = np.ones(len(batch.claims), bool)
        normal[assigned.places] = False
        originals = batch.claims.filter(pa.array(normal & (mark_decoys(batch.claims) < 0)))
        made: list[Made] = []
        if len(assigned.places):
            with Reviewer(self.profile) as reviewer:
                made, missed = self._make(batch, assigned, originals, reviewer)
                batch = with_made(batch, made, reviewer, self.statistical)
            if missed:
                problem = f"{missed} anomalies found no claim that they could be put into"
                batch = replace(batch, problems=(*batch.problems, problem))
        self._written = first + request.count
        self._kept = pa.concat_tables([originals.slice(0, _KEPT), *([self._kept] if len(self._kept) else [])])
        self._kept = self._kept.slice(0, _KEPT)
        truth = truth_of(batch, positions, made, normal, self.quota.seed)
        return replace(batch, truth=TruthBatch(request.batch_id, first, request.count, self.quota.rate, truth))

    def _make(
        self, batch: Batch, assigned: Assigned, originals: pa.Table, reviewer: Reviewer
    ) -> tuple[list[Made], int]:
        """The anomalies, and how many could not be made."""

        def copyable() -> pa.Table:
            earlier = self._recent()
            return pa.concat_tables([originals, earlier.select(originals.column_names)]) if len(earlier) else originals

        maker = Maker(self._world, batch, reviewer, copyable)
        made: list[Made] = []
        groups: dict[tuple[str, int, int], list[int]] = {}
        for i, asked in enumerate(assigned.kinds):
            groups.setdefault((asked, int(assigned.strengths[i]), int(assigned.campaigns[i])), []).append(i)
        missed = 0
        for (name, strength, block), members in groups.items():
            left = assigned.places[members]
            names = list(self.quota.shares)
            first = names.index(name)
            # A kind that this source or request cannot show gives its place to the next one.
            for other in (*names[first:], *names[:first]):
                kind = KINDS[other]
                campaign = None
                if block >= 0:
                    campaign = Campaign.of(self._world, self.quota.seed, kind, block, batch.request.clock)
                left = _make_group(maker, Group(kind, strength, campaign, left), made)
                if not len(left):
                    break
            missed += len(left)
        return made, missed


def _make_group(maker: Maker, group: Group, made: list[Made]) -> Ints:
    """Add what can be made of a group to `made`; the places that are left."""
    for attempt in range(_ATTEMPTS):
        done = maker.make(group, attempt)
        if done is None:
            break
        made.append(done)
        group = replace(group, places=np.setdiff1d(group.places, done.places))
        if not len(group.places):
            break
    return group.places
