"""Make anomalies of claims, a group of one kind and strength at a time, and verify each: its delta, the gate, the request."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa

from claims_sim.anomalies.campaign import Campaign, both
from claims_sim.anomalies.change import Task, copy_from, numbers
from claims_sim.anomalies.delta import Delta, deltas
from claims_sim.anomalies.kind import Kind
from claims_sim.anomalies.originals import Originals
from claims_sim.anomalies.pair import Pair
from claims_sim.anomalies.world import Floats, Ints, World
from claims_sim.errors import RequestError
from claims_sim.generation.batch import Batch, BatchRequest
from claims_sim.generation.clock import add_times
from claims_sim.generation.persons import KEY_COLUMNS
from claims_sim.generation.review import Reviewer
from claims_sim.profile.drawing.wanted import ClaimFilter
from claims_sim.randomness import stream_key, uniforms
from claims_sim.rules.wire import to_flat


@dataclass(frozen=True, slots=True)
class Group:
    """Places in the batch that are to become anomalies of one kind and strength, of one campaign or of none."""

    kind: Kind
    strength: int
    campaign: Campaign | None
    places: Ints


@dataclass(frozen=True, slots=True)
class Made:
    """Verified anomalies: `claims` stand at `places`; `redrawn` says which of them are not the author's any more."""

    group: Group
    places: Ints
    redrawn: np.ndarray
    claims: pa.Table
    deltas: tuple[Delta, ...]
    right_amounts: Floats
    partners: pa.Table | None


class Maker:
    """Makes anomalies of the claims of one batch. `originals` gives claims that may be copied.

    `persons` are claims that another one of the same person may follow; None where claims have no persons.
    """

    def __init__(
        self,
        world: World,
        batch: Batch,
        reviewer: Reviewer,
        originals: Callable[[], pa.Table],
        persons: Originals | None = None,
    ) -> None:
        self._world, self._batch, self._reviewer, self._draw_originals = world, batch, reviewer, originals
        self._persons = persons
        # In codes and values of the profile, where the request says names and words.
        self._asked = world.sampler.conditions(batch.request.where).where

    @property
    def request(self) -> BatchRequest:
        """What the batch was asked for."""
        return self._batch.request

    def make(self, group: Group, attempt: int) -> Made | None:
        """What of the group could be made; None when its kind cannot be shown by this source or under this request."""
        kind, request = group.kind, self._batch.request
        where = self._where(group)
        if where is None:
            return None
        key = stream_key(request.seed, request.batch_id, "anomaly", kind.name, group.strength, attempt)
        rows = self._batch.log["claim_index"].to_numpy()[group.places].astype(np.int64)
        try:
            before, redrawn = self._eligible(group, where, stream_key(key, "claim"), rows, again=attempt > 0)
        except RequestError:  # so rare in this profile that no claim is found
            return None
        places, partners = group.places, None
        if isinstance(kind, Pair):
            kept, partners = self._followed(kind, group, before, stream_key(key, "original"), rows)
            before, redrawn, rows, places = before.take(kept), redrawn[kept], rows[kept], places[kept]
        elif kind.copies:
            partners = self._partners(where, stream_key(key, "original"), rows)
        if not len(places) or (kind.copies and partners is None):
            return None
        task = Task(self._world, group.strength, key, rows, request.clock)
        after = to_flat(kind.apply(before, task, partners))
        right = np.round(kind.right_amounts(before, after, task), 2)
        found = deltas(before, after)
        good = self._verify(kind, before, after, found, right)
        if isinstance(kind, Pair) and partners is not None:
            good = good[kind.holds(after, partners, group.strength)[good]]
        return Made(
            group,
            places[good],
            redrawn[good],
            after.take(good),
            tuple(found[i] for i in good),
            right[good],
            None if partners is None else partners.take(good),
        )

    def _followed(
        self, kind: Pair, group: Group, claims: pa.Table, key: int, rows: Ints
    ) -> tuple[Ints, pa.Table | None]:
        """Which of `claims` find an original of their own, and the originals."""
        wanted = kind.originals(self._world, group.strength)
        where = None if wanted is None else both(wanted, self._asked)
        if where is not None and group.campaign is not None:
            where = both(where, group.campaign.where)
        if where is None or self._persons is None:
            return np.zeros(0, np.int64), None
        is_past = self._batch.request.clock == "history"
        return self._persons.choose(kind, group.strength, where, claims, uniforms(key, rows), is_past=is_past)

    def _where(self, group: Group) -> ClaimFilter | None:
        needs = group.kind.needs(self._world, group.strength)
        where = None if needs is None else both(needs, self._asked)
        return where if where is None or group.campaign is None else both(where, group.campaign.where)

    def _eligible(
        self, group: Group, where: ClaimFilter, key: int, rows: Ints, *, again: bool
    ) -> tuple[pa.Table, np.ndarray]:
        """The claims at the group's places, or others drawn in their stead where the kind cannot be done to them."""
        claims, request = self._batch.claims.take(group.places), self._batch.request
        redrawn = np.full(len(claims), again) | ~where.holds(claims)
        if not redrawn.any():
            return claims, redrawn
        at = np.flatnonzero(redrawn)
        sampler = self._world.sampler
        drawn = sampler.draw_claims(key, rows[at], sampler.conditions(where))
        if request.clock != "history" and where.admit_dt is None:
            drawn = add_times(drawn, sampler, request.clock, stream_key(key, "time"), rows[at], request.as_of)
        own = claims.take(at)
        fresh = copy_from(to_flat(drawn), own, ("claim_id", "generated_at", *KEY_COLUMNS))
        order = np.where(redrawn, len(claims) + np.cumsum(redrawn) - 1, np.arange(len(claims)))
        return pa.concat_tables([claims, fresh]).take(order), redrawn

    def _partners(self, where: ClaimFilter, key: int, rows: Ints) -> pa.Table | None:
        """An original for each claim: some other claim of the stream that is no anomaly."""
        pool = self._originals.filter(pa.array(where.holds(self._originals)))
        if not len(pool):
            return None
        return pool.take((uniforms(key, rows) * len(pool)).astype(np.int64))

    @cached_property
    def _originals(self) -> pa.Table:
        return self._draw_originals()

    def _verify(self, kind: Kind, before: pa.Table, after: pa.Table, found: list[Delta], right: Floats) -> Ints:
        """The anomalies that changed what they must and nothing else, that pass review, and that the request allows."""
        verdicts = self._reviewer.judge(after)
        good = np.zeros(len(after), bool)
        good[verdicts.accepted] = True
        good &= self._asked.holds(after)
        good &= [kind.changes <= delta.fields <= kind.touches and bool(delta.fields) for delta in found]
        good &= right <= numbers(after, "amount_paid")
        if "amount_claimed" in kind.changes and kind.is_given:
            good &= numbers(after, "amount_claimed") > numbers(before, "amount_claimed")
        return np.flatnonzero(good)
