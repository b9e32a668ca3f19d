"""Campaigns: anomalies of one kind at one facility within a while, as real cases are."""

from dataclasses import dataclass, fields, replace
from datetime import timedelta
from typing import Any, Final

import numpy as np
import pyarrow as pa

from claims_sim.anomalies.kind import Kind
from claims_sim.anomalies.world import World
from claims_sim.profile.drawing.wanted import RANGE_FIELDS, TEXT_FIELDS, ClaimFilter, matches
from claims_sim.randomness import stream_key
from claims_sim.settings import Clock

_DAYS: Final = 30  # of past claims; claims of now are as near in time as their block is


@dataclass(frozen=True, slots=True)
class Campaign:
    """Its name, and what all of its claims share: the place, and for past claims the month."""

    name: str
    where: ClaimFilter

    @staticmethod
    def of(world: World, seed: int, kind: Kind, block: int, clock: Clock) -> "Campaign | None":
        """The campaign of a block of the stream; None where the source has no claim of that kind."""
        needs = kind.needs(world, 2)
        if needs is None:
            return None
        key = stream_key(seed, "campaign", block)
        claim = world.sampler.draw_claims(key, np.array([block]), world.sampler.conditions(needs)).to_pylist()[0]
        first = claim["admit_dt"].date()
        place: dict[str, Any] = {
            name: (claim[name],) for name in ("province_name", "facility_class", "facility_ownership")
        }
        days = (first, first + timedelta(days=_DAYS - 1)) if clock == "history" else None
        return Campaign(f"{kind.name}-{block:06d}", ClaimFilter(**place, admit_dt=days))


def both(one: ClaimFilter, other: ClaimFilter) -> ClaimFilter | None:
    """The filter that holds where both do; None when nothing can hold both."""
    found: dict[str, Any] = {}
    for name in TEXT_FIELDS:
        mine, yours = getattr(one, name), getattr(other, name)
        if mine and yours:
            kept = [v for v in mine if _is_among(v, yours)] + [v for v in yours if _is_among(v, mine)]
            if not kept:
                return None
            found[name] = tuple(dict.fromkeys(kept))
    for name in RANGE_FIELDS:
        mine, yours = getattr(one, name), getattr(other, name)
        if mine and yours:
            found[name] = (max(mine[0], yours[0]), min(mine[1], yours[1]))
            if found[name][0] > found[name][1]:
                return None
    missing = {f.name: getattr(other, f.name) for f in fields(other) if not getattr(one, f.name)}
    return replace(one, **(missing | found))


def _is_among(value: str, wanted: tuple[str, ...]) -> bool:
    return bool(matches(pa.array([value]), wanted)[0])
