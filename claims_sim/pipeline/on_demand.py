"""The step that answers a request: claims written at once, with their provenance, and published where asked for."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from claims_sim.errors import ClaimsSimError, ProducerBusyError, in_one_line
from claims_sim.generation.batch import Batch
from claims_sim.generation.request import ClaimsRequest, place_order
from claims_sim.pipeline.anomalies import quota_of_order
from claims_sim.pipeline.authoring import batch_writer, commit_batch, relay_outbox
from claims_sim.pipeline.limits import over_limit
from claims_sim.pipeline.profiling import current_profile, kept_profile_path
from claims_sim.profile.document import Profile
from claims_sim.settings import Settings
from claims_sim.store import control

Delivery = Literal["not asked for", "sent", "waits in the outbox", "quarantined"]
_TRUTH: Final = (
    "claim_id", "label", "kind", "guidance", "strength", "fields", "before", "after", "amount_paid", "right_amount",
    "rupiah_lost", "related_claims",
)  # fmt: skip
_JSON: Final = ("before", "after")
_PATIENCE_S: Final = 20.0
"""Whoever waits for a few claims would rather wait for the model's server to start than have none that a model wrote."""
_PROVENANCE: Final = ("claim_id", "author", "model", "prompt_version", "attempts", "repaired", "errors")


@dataclass(frozen=True, slots=True)
class Answer:
    """The claims that were written, and what became of them. `truth` are the anomalies among them and what they were.

    `request` leaves nothing open: asked again it gives the same claims, as far as the author can repeat itself.
    """

    request: ClaimsRequest
    batch: Batch
    delivery: Delivery

    @property
    def claims(self) -> list[dict[str, Any]]:
        """The payloads."""
        return [json.loads(line) for line in self.batch.payloads]

    @property
    def provenance(self) -> list[dict[str, Any]]:
        """How each claim came about, claim for claim."""
        rows: list[dict[str, Any]] = self.batch.log.select(_PROVENANCE).to_pylist()
        return rows

    @property
    def truth(self) -> list[dict[str, Any]]:
        """What is true of the anomalies that were asked for, and of the decoys."""
        known = self.batch.truth
        rows = [] if known is None else known.truth.select(_TRUTH).to_pylist()
        return [row | {name: json.loads(row[name]) for name in _JSON} for row in rows]

    def summary(self) -> dict[str, Any]:
        """The batch in figures."""
        batch = self.batch
        return {
            "batch": batch.request.batch_id,
            "claims": len(batch.claims),
            "rejected": batch.rejected,
            "author": batch.author,
            "model": batch.model,
            "by that model": batch.log["model"].to_pylist().count(batch.model),
            "repaired": batch.repaired,
            "rejected drafts by rule": batch.reasons,
            "let through with a warning by rule": batch.warnings,
            "prompt": batch.prompt_version or "none",
            "profile": batch.profile_hash,
            "tokens": batch.tokens_in + batch.tokens_out,
            "seconds": round(batch.seconds, 2),
            "problems": in_one_line(batch.problems) or "none",
            **({"anomalies": sum(row["label"] == "anomaly" for row in self.truth)} if self.batch.truth else {}),
            "published": self.delivery,
        }

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "request": self.request.document(),
            "summary": self.summary(),
            "claims": self.claims,
            "provenance": self.provenance,
            **({"truth": self.truth} if self.batch.truth else {}),
        }


def write_on_demand(
    settings: Settings,
    request: ClaimsRequest,
    now: datetime,
    *,
    profile: Profile | None = None,
    publish: bool = False,
) -> Answer:
    """Write the claims that are asked for, from the profile in force or the one given; nothing is stored.

    Anomalies are among them only where the request asks for some. With `publish` the batch also goes to the outbox and,
    unless another producer is at work (which then sends it with its next batch), to the channel. Raises RequestError
    when the profile has nothing of the kind.
    """
    if publish:
        full = over_limit(settings)
        if full:
            raise ClaimsSimError(full)
    # The stream's quota is not this batch's.
    request = request.model_copy(update={"anomaly_rate": request.anomaly_rate or 0.0})
    order = place_order(request, settings, now, least_deadline_s=_PATIENCE_S)
    quota, known = quota_of_order(order), profile or current_profile(settings)
    with batch_writer(
        order.settings, known, deadline_s=order.deadline_s, in_stream=publish or not quota, quota=quota
    ) as writer:
        batch = writer.write(order.batch)
    return Answer(order.request, batch, _publish(settings, batch, known) if publish else "not asked for")


def _publish(settings: Settings, batch: Batch, profile: Profile) -> Delivery:
    kept = kept_profile_path(settings, profile.profile_hash)
    if not kept.exists():  # the relay's review needs it
        profile.save(kept)
    commit_batch(settings, batch)
    try:
        with control.producer_lock(settings.state_dir, "a request"):
            relayed = relay_outbox(settings)
    except ProducerBusyError:
        return "waits in the outbox"
    return "quarantined" if batch.request.batch_id in relayed.quarantined else "sent"
