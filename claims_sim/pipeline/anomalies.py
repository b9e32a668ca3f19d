"""The steps around labelled anomalies: a writer that knows its place in the stream, and the truth file's two phases."""

import logging
from collections.abc import Callable
from functools import cache
from typing import Final

import pyarrow as pa

from claims_sim.anomalies.kinds import KINDS
from claims_sim.anomalies.quota import Quota
from claims_sim.anomalies.writer import AnomalyWriter, Persons
from claims_sim.errors import RequestError, SettingsError
from claims_sim.generation.author import Author
from claims_sim.generation.batch import Batch
from claims_sim.generation.keyed import KnownOf
from claims_sim.generation.persons import Known
from claims_sim.generation.request import Order
from claims_sim.pipeline.resources import database
from claims_sim.profile.document import Profile
from claims_sim.profile.sampler import Sampler
from claims_sim.randomness import stream_key
from claims_sim.settings import PREFIX, Settings
from claims_sim.store import outbox, roster, truth
from claims_sim.store.window import newest_claims

_log = logging.getLogger(__name__)
COPIED_FROM: Final = 2_000
"""How many of the newest claims of the stream an anomaly may copy."""


def quota_of(settings: Settings) -> Quota:
    """The rate, kinds and campaigns that the settings ask for. Raises SettingsError, one line, for an unknown kind."""
    return Quota(
        settings.anomaly_rate,
        mix_of(settings.anomaly_mix, has_persons=settings.ref_keys),
        settings.anomaly_campaign_share,
        settings.seed,
        settings.anomaly_strength,
    )


def quota_of_order(order: Order) -> Quota | None:
    """The anomalies that a request asks for, exact in its batch; None where it asks for none of its own.

    Raises RequestError, one line, for an unknown kind.
    """
    if not order.request.anomaly_rate:
        return None
    settings = order.settings
    try:
        shares = mix_of(settings.anomaly_mix, has_persons=settings.ref_keys, told_in="anomaly_mix")
    except SettingsError as error:
        raise RequestError(str(error)) from None
    return Quota(
        settings.anomaly_rate, shares, 0.0, settings.seed, settings.anomaly_strength, of_batch=order.batch.batch_id
    )


def mix_of(text: str, *, has_persons: bool = False, told_in: str = f"{PREFIX}ANOMALY_MIX") -> dict[str, float]:
    """Shares of kinds from `upcoding=2;cloned_claim=1`; all kinds in their usual shares when it is empty.

    Kinds that show only over several claims of a person are left to the others unless claims have persons. Raises
    SettingsError, which names `told_in`, when the text is no mix or names such kinds alone.
    """
    offered = {name: kind for name, kind in KINDS.items() if has_persons or not kind.is_pair}
    if not text.strip():
        return {kind.name: kind.share for kind in offered.values()}
    shares: dict[str, float] = {}
    for part in filter(str.strip, text.split(";")):
        name, sign, number = (piece.strip() for piece in part.partition("="))
        try:
            share = float(number) if sign else 1.0
        except ValueError:
            share = -1.0
        if name not in KINDS or not 0 < share < float("inf"):
            raise SettingsError(
                f"{told_in}: {part.strip()!r} is no kind with a share above 0, such as upcoding=2; "
                f"the kinds are {', '.join(KINDS)}."
            )
        shares[name] = share
    kept = {name: share for name, share in shares.items() if name in offered}
    if not kept:
        raise SettingsError(
            f"{told_in}: {', '.join(shares)} can be made of claims with persons only: set {PREFIX}REF_KEYS=true, or name other kinds."
        )
    if len(kept) < len(shares):
        _tell_of_left_out(told_in, ", ".join(name for name in shares if name not in kept))
    return kept


@cache
def _tell_of_left_out(told_in: str, kinds: str) -> None:
    """Once in a process: a stream reads its mix at every tick."""
    _log.warning(
        "%s: %s left out, the other kinds take its place: it can be made of claims with persons only; set %sREF_KEYS=true.",
        told_in,
        kinds,
        PREFIX,
    )


def anomaly_writer(
    settings: Settings,
    profile: Profile,
    author: Author | None,
    sampler: Sampler,
    quota: Quota | None = None,
    *,
    in_stream: bool = True,
) -> AnomalyWriter:
    """A writer for the stream: it goes on in the quota where the stream stands.

    With a `quota` of its own batch it copies claims of that batch alone, so that the batch follows from its request.
    """
    return AnomalyWriter(
        profile,
        author,
        quota=quota or quota_of(settings),
        force_author=settings.force_llm,
        sampler=sampler,
        position=(lambda: truth.next_position(truth.truth_path(settings.state_dir), _is_in_outbox(settings)))
        if in_stream
        else None,
        recent=None if quota else lambda: _recent(settings),
        persons=Persons(known_of(settings), lambda ids: _labelled(settings, ids)) if settings.ref_keys else None,
    )


def known_of(settings: Settings) -> KnownOf:
    """The stored claims that new ones may follow."""

    def known(claims: pa.Table) -> Known:
        db = database(settings)
        if not len(claims) or not settings.database_path.exists():
            return Known.nobody()
        phase = stream_key(claims["claim_id"][0].as_py())
        earlier = roster.possible_predecessors(db, claims, phase)
        return Known(earlier, lambda persons: roster.claims_of_persons(db, persons))

    return known


def keep_truth(settings: Settings, batch: Batch) -> None:
    """First phase, before the outbox: write what is true of the batch."""
    if batch.truth is not None:
        truth.write_truth(truth.truth_path(settings.state_dir), batch.truth)


def confirm_truth(settings: Settings, batch: Batch) -> None:
    """Second phase, after the outbox."""
    if batch.truth is not None:
        truth.confirm_truth(truth.truth_path(settings.state_dir), batch.truth.batch_id)


def _is_in_outbox(settings: Settings) -> Callable[[str], bool]:
    return lambda batch_id: outbox.is_committed(database(settings), batch_id)


def _recent(settings: Settings) -> pa.Table:
    """The newest claims of the stream that are no anomalies themselves."""
    claims = newest_claims(database(settings), COPIED_FROM)
    ids = claims["claim_id"].to_pylist()
    labelled = _labelled(settings, ids)
    return claims.filter(pa.array([claim_id not in labelled for claim_id in ids], pa.bool_()))


def _labelled(settings: Settings, claim_ids: list[str]) -> set[str]:
    return truth.labelled_ids(truth.truth_path(settings.state_dir), claim_ids)
