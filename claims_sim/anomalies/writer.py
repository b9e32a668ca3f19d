"""Write batches with anomalies in them: the claims are written as ever, then the quota's are changed and verified.

An anomaly is put into a claim at a place that the quota chose without looking. When its kind cannot be done to the
claim that stands there, the claim is drawn again among those it can be done to, so that the others stay as they were.

Where claims have persons, these are given after the kinds that show in one claim, so that no anomaly is told by its
person; the kinds that need two claims of a person come last.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from claims_sim.anomalies.campaign import Campaign
from claims_sim.anomalies.change import texts
from claims_sim.anomalies.decoys import mark_decoys
from claims_sim.anomalies.kinds import KINDS
from claims_sim.anomalies.labels import truth_of, with_made
from claims_sim.anomalies.maker import Group, Made, Maker
from claims_sim.anomalies.originals import Originals
from claims_sim.anomalies.quota import Assigned, Quota
from claims_sim.anomalies.world import Ints, World
from claims_sim.generation.author import Author
from claims_sim.generation.batch import Batch, BatchRequest, BatchWriter
from claims_sim.generation.facilities import draw_facilities
from claims_sim.generation.keyed import KnownOf, keys_of, with_keys
from claims_sim.generation.persons import Keys, Known
from claims_sim.generation.review import borrowed_reviewer
from claims_sim.profile.document import Profile
from claims_sim.profile.sampler import Sampler
from claims_sim.randomness import letters, stream_key
from claims_sim.rules.wire import to_flat
from claims_sim.store.truth import TruthBatch

_ATTEMPTS: Final = 6  # of a kind; then another kind takes the place, so that the quota holds
_KEPT: Final = 2_000  # claims of earlier batches that may still be copied

Bools = npt.NDArray[np.bool_]
_Groups = dict[tuple[str, int, int], Ints]  # places by kind, strength and block of a campaign (-1: none)


@dataclass(frozen=True, slots=True)
class Persons:
    """Where claims are to have persons: what is known of earlier claims, and which of them are anomalies (by id)."""

    known: KnownOf = lambda _: Known.nobody()
    labelled: Callable[[list[str]], set[str]] = lambda _: set()


class AnomalyWriter(BatchWriter):
    """A batch writer whose batches hold the quota's anomalies, and carry the truth about them.

    `position` says how many claims the stream holds already, `recent` gives claims of it that may be copied; by
    default the stream is what this writer wrote. With `persons` claims have the optional keys.
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
        persons: Persons | None = None,
    ) -> None:
        super().__init__(profile, author, force_author=force_author, sampler=sampler)
        self.quota = quota
        self._world = World(self.sampler)
        self._written = 0
        self._kept = pa.table({})
        self._position = position or (lambda: self._written)
        self._recent = recent or (lambda: self._kept)
        self._persons = persons

    def write(self, request: BatchRequest) -> Batch:
        """Write the batch, then put the quota's anomalies into it. Raises AuthorError as without them."""
        batch, first = super().write(request), self._position()
        positions = first + batch.log["claim_index"].to_numpy().astype(np.int64) - request.first_index
        assigned = self.quota.assign(positions)
        normal = np.ones(len(batch.claims), bool)
        normal[assigned.places] = False
        originals = batch.claims.filter(pa.array(normal & (mark_decoys(batch.claims) < 0)))
        left, made, keys = _grouped(assigned), list[Made](), None
        later = {of: left.pop(of) for of in list(left) if self._persons and KINDS[of[0]].is_pair}
        offered = [name for name in self.quota.shares if not KINDS[name].is_pair]
        batch, left = self._put(batch, left, offered, made, originals)
        if self._persons is not None:
            known = self._persons.known(batch.claims)
            keys = _as_made(keys_of(batch, known), batch, made)
            batch = with_keys(batch, keys)
            left = {of: np.concatenate([left.get(of, _NOWHERE), later.get(of, _NOWHERE)]) for of in left | later}
            allowed = normal & (mark_decoys(batch.claims, keys) < 0)
            batch, left = self._put(batch, left, list(self.quota.shares), made, originals, (allowed, known))
        missed = sum(map(len, left.values()))
        if missed:
            problem = f"{missed} anomalies found no claim that they could be put into"
            batch = replace(batch, problems=(*batch.problems, problem))
        self._written = first + request.count
        self._kept = pa.concat_tables([originals.slice(0, _KEPT), *([self._kept] if len(self._kept) else [])])
        self._kept = self._kept.slice(0, _KEPT)
        truth = truth_of(batch, positions, made, normal, self.quota.seed, keys)
        return replace(batch, truth=TruthBatch(request.batch_id, first, request.count, self.quota.rate, truth))

    def _put(
        self,
        batch: Batch,
        groups: _Groups,
        offered: list[str],
        made: list[Made],
        originals: pa.Table,
        persons: tuple[Bools, Known] | None = None,
    ) -> tuple[Batch, _Groups]:
        """The batch with anomalies of the kinds `offered` at the groups' places (added to `made`), and the places left over.

        `persons` are the claims of the batch that may be followed, and what is known of earlier ones.
        """
        if not groups:
            return batch, groups
        follow = None if persons is None else self._followable(batch.claims, *persons)
        with borrowed_reviewer(self.profile.profile_hash, lambda: self.profile) as reviewer:
            maker, new = Maker(self._world, batch, reviewer, lambda: self._copyable(originals), follow), list[Made]()
            left = self._make(maker, groups, offered, new)
            made += new
            return with_made(batch, new, reviewer, self.statistical), left

    def _copyable(self, originals: pa.Table) -> pa.Table:
        earlier = self._recent()
        return pa.concat_tables([originals, earlier.select(originals.column_names)]) if len(earlier) else originals

    def _followable(self, claims: pa.Table, allowed: Bools, known: Known) -> Originals:
        """The right claims of the batch and of the earlier ones whose person another claim may follow."""
        assert self._persons is not None  # noqa: S101 - asked for only where claims have persons
        if not len(known.claims):
            return Originals(claims, allowed, known)
        ids = known.claims["claim_id"].to_pylist()
        labelled = self._persons.labelled(ids)
        right = np.array([claim_id not in labelled for claim_id in ids], bool)
        return Originals(pa.concat_tables([claims, to_flat(known.claims)]), np.concatenate([allowed, right]), known)

    def _make(self, maker: Maker, groups: _Groups, offered: list[str], made: list[Made]) -> _Groups:
        """Add the anomalies to `made`; the places that no kind could be made at, which the last kind asked for keeps."""
        missed: _Groups = {}
        led: dict[int, str] = {}  # a campaign is of one kind: what it leaves to others are single cases
        for (name, strength, block), places in groups.items():
            left = places
            # A kind that this source or request cannot show gives its place to the next one.
            for other in _turns(list(self.quota.shares), name, places):
                if other not in offered:
                    continue
                kind, campaign, asked = KINDS[other], None, len(left)
                if block >= 0 and led.get(block, other) == other:
                    campaign = Campaign.of(self._world, self.quota.seed, kind, block, maker.request.clock)
                left = _make_group(maker, Group(kind, strength, campaign, left), made)
                if campaign is not None and len(left) < asked:
                    led[block] = other
                if not len(left):
                    break
            if len(left):
                missed[name, strength, block] = left
        return missed


_NOWHERE: Final = np.zeros(0, np.int64)


def _turns(names: list[str], name: str, places: Ints) -> list[str]:
    """The kinds in the order in which they are tried for places of the kind `name`."""
    at = names.index(name)
    turned = [*names[at:], *names[:at]]
    if not KINDS[name].is_pair:
        return turned
    # In a young stream many pairs find no original: what they leave is shared out among the other kinds.
    pairs, others = ([n for n in turned if KINDS[n].is_pair is is_pair] for is_pair in (True, False))
    turn = int(places.sum()) % max(len(others), 1)
    return [*pairs, *others[turn:], *others[:turn]]


def _grouped(assigned: Assigned) -> _Groups:
    groups: dict[tuple[str, int, int], list[int]] = {}
    for i, asked in enumerate(assigned.kinds):
        groups.setdefault((asked, int(assigned.strengths[i]), int(assigned.campaigns[i])), []).append(i)
    return {of: assigned.places[members] for of, members in groups.items()}


def _as_made(keys: Keys, batch: Batch, made: list[Made]) -> Keys:
    """Keys as the anomalies ask for: a clone is from its original's hospital and another person's, a campaign at one hospital."""
    persons, facilities = keys.persons.copy(), keys.facilities.copy()
    row = {claim_id: i for i, claim_id in enumerate(batch.claims["claim_id"].to_pylist())}
    key = stream_key(batch.request.seed, batch.request.batch_id, "another person")
    for one in made:
        if one.partners is None:
            if one.group.campaign is not None and len(one.places):
                of_case = stream_key(batch.request.seed, "hospital of", one.group.campaign.name)
                facilities[one.places] = draw_facilities(of_case, np.zeros(1, np.int64), one.claims.slice(0, 1))[0]
            continue
        others = zip(
            *(texts(one.partners, name) for name in ("claim_id", "facility_id", "patient_id_hash")), strict=True
        )
        for place, (original, facility, person) in zip(one.places.tolist(), others, strict=True):
            at = row.get(original)
            facilities[place] = facility or (facilities[place] if at is None else facilities[at])
            if persons[place] == (person if at is None else persons[at]):
                persons[place] = letters(key, np.array([place]), "P", 16)[0]
    return replace(keys, persons=persons, facilities=facilities)


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
