"""Put made anomalies into their batch, and write down the truth about it."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from claims_sim.anomalies.change import numbers
from claims_sim.anomalies.decoys import DECOYS, mark_decoys
from claims_sim.anomalies.maker import Made
from claims_sim.anomalies.world import Ints
from claims_sim.generation.author import Author
from claims_sim.generation.batch import Batch, batch_author
from claims_sim.generation.persons import Keys
from claims_sim.generation.review import BRIEF_COLUMNS, Reviewer
from claims_sim.rules.wire import to_payloads
from claims_sim.store.truth import TRUTH_SCHEMA, conform_truth


def with_made(batch: Batch, made: list[Made], reviewer: Reviewer, redrawer: Author) -> Batch:
    """`batch` with the anomalies at their places: rows, payloads and provenance.

    `redrawer` is the author of the claims that were drawn again.
    """
    if not made:
        return batch
    places = np.concatenate([one.places for one in made])
    claims = pa.concat_tables([one.claims for one in made])
    order = np.arange(len(batch.claims))
    order[places] = len(batch.claims) + np.arange(len(places))
    payloads = list(batch.payloads)
    for place, payload in zip(places.tolist(), to_payloads(reviewer.connection, claims), strict=True):
        payloads[place] = payload
    redrawn = np.concatenate([one.places[one.redrawn] for one in made])
    log = _with_redrawn(batch.log, redrawn, claims, places, redrawer)
    return replace(
        batch,
        author=batch_author(log["author"].to_pylist()) or batch.author,
        claims=pa.concat_tables([batch.claims, claims]).take(order),
        payloads=tuple(payloads),
        log=log,
    )


def truth_of(
    batch: Batch, positions: Ints, made: list[Made], normal: np.ndarray, seed: int, keys: Keys | None = None
) -> pa.Table:
    """TRUTH_SCHEMA: a row for each anomaly and for each decoy among the normal claims, by position."""
    decoy = np.where(normal, mark_decoys(batch.claims, keys), -1)
    parts = [*(_anomalies(positions, one) for one in made), _decoys(batch, positions, decoy)]
    truth = pa.concat_tables([conform_truth(part) for part in parts])
    count = len(truth)
    given = {"batch_id": [batch.request.batch_id] * count, "seed": [seed] * count}
    for name, values in given.items():
        field = TRUTH_SCHEMA.field(name)
        truth = truth.set_column(TRUTH_SCHEMA.get_field_index(name), field, pa.array(values, field.type))
    return truth.sort_by("position")


def _anomalies(positions: Ints, one: Made) -> pa.Table:
    kind, count = one.group.kind, len(one.places)
    sides = [delta.as_json(is_given=kind.is_given) for delta in one.deltas]
    paid = numbers(one.claims, "amount_paid")
    ids = one.claims["claim_id"].to_pylist()
    related: list[list[str]] = [[] for _ in ids]
    if one.partners is not None:
        related = [[original] for original in one.partners["claim_id"].to_pylist()]
    return pa.table(
        {
            "claim_id": ids,
            "position": positions[one.places],
            "label": ["anomaly"] * count,
            "kind": [kind.name] * count,
            "guidance": [kind.guidance] * count,
            "strength": [one.group.strength] * count,
            "fields": [sorted(delta.fields) for delta in one.deltas],
            "before": [before for before, _ in sides],
            "after": [after for _, after in sides],
            "amount_paid": paid,
            "right_amount": one.right_amounts,
            "rupiah_lost": np.round(paid - one.right_amounts, 2),
            "episode": [f"E-{others[0]}" if others else None for others in related],
            "related_claims": related,
            "campaign": [one.group.campaign.name if one.group.campaign else None] * count,
            "is_decoy": [False] * count,
            "detectable_from": _when_seen(one),
        }
    )


def _when_seen(one: Made) -> pa.Array:
    """When the last claim that is needed was there."""
    own = one.claims["generated_at"].to_numpy()
    return pa.array(
        own if one.partners is None else np.fmax(own, one.partners["generated_at"].to_numpy()), pa.timestamp("us")
    )


def _decoys(batch: Batch, positions: Ints, decoy: Ints) -> pa.Table:
    at = np.flatnonzero(decoy >= 0)
    claims, count = batch.claims.take(at), len(at)
    paid = numbers(claims, "amount_paid")
    nothing: dict[str, Any] = {"fields": [[]] * count, "related_claims": [[]] * count}
    return pa.table(
        {
            "claim_id": claims["claim_id"],
            "position": positions[at],
            "label": ["decoy"] * count,
            "kind": [DECOYS[i].name for i in decoy[at]],
            "guidance": [DECOYS[i].reason for i in decoy[at]],
            "strength": [0] * count,
            "fields": pa.array(nothing["fields"], pa.list_(pa.string())),
            "before": ["{}"] * count,
            "after": ["{}"] * count,
            "amount_paid": paid,
            "right_amount": paid,
            "rupiah_lost": [0.0] * count,
            "related_claims": pa.array(nothing["related_claims"], pa.list_(pa.string())),
            "is_decoy": [True] * count,
            "detectable_from": claims["generated_at"],
        }
    )


def _with_redrawn(log: pa.Table, redrawn: Ints, claims: pa.Table, places: Ints, redrawer: Author) -> pa.Table:
    """The provenance of claims that were drawn again: another author, and the brief that they now have."""
    if not len(redrawn):
        return log
    row = {int(place): i for i, place in enumerate(places)}
    briefs = claims.select(BRIEF_COLUMNS).take([row[int(place)] for place in redrawn]).to_pylist()
    texts = {
        "author": [redrawer.name] * len(redrawn),
        "model": [redrawer.model] * len(redrawn),
        "prompt_version": [redrawer.prompt_version] * len(redrawn),
        "brief": [json.dumps(brief, ensure_ascii=False) for brief in briefs],
    }
    for name, values in texts.items():
        column = np.array(log[name].to_pylist(), object)
        column[redrawn] = values
        log = log.set_column(log.schema.get_field_index(name), name, pa.array(column.tolist(), pa.string()))
    return log
