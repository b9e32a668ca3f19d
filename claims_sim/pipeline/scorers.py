"""Trying a scorer of one's own before it is used: on claims drawn from the profile, or on invented ones."""

from collections.abc import Iterator
from typing import Final

import numpy as np
import pyarrow as pa

from claims_sim.pipeline.profiling import current_profile
from claims_sim.pipeline.scoring import open_scorer
from claims_sim.profile.sampler import Sampler
from claims_sim.randomness import stream_key
from claims_sim.rules.wire import to_flat
from claims_sim.scoring.conformance import Check, check_scorer
from claims_sim.settings import Settings

CLAIMS_TRIED: Final = 1_000


def try_scorer(settings: Settings, spec: str) -> Iterator[Check]:
    """Does the scorer that `spec` names keep the protocol? One check after another, as each is done.

    The real table is not opened, and no score is stored.
    """
    yield from check_scorer(lambda: open_scorer(settings, spec=spec), _claims(settings))


def _claims(settings: Settings) -> pa.Table:
    if settings.profile_path.exists():
        claims = Sampler(current_profile(settings)).draw_claims(
            stream_key(settings.seed, "scorer check"), np.arange(CLAIMS_TRIED)
        )
    else:
        from claims_sim.demo.draw import draw_runs  # noqa: PLC0415 - only where there is no profile yet
        from claims_sim.demo.facts import DEFAULT_RITL_SHARE  # noqa: PLC0415
        from claims_sim.demo.world import build_world  # noqa: PLC0415

        claims = pa.concat_tables(draw_runs(build_world(CLAIMS_TRIED, 1, DEFAULT_RITL_SHARE)))
    flat = to_flat(claims)
    ids = pa.array([f"TRY-2025-{number:06d}" for number in range(len(flat))])
    return flat.set_column(flat.schema.get_field_index("claim_id"), "claim_id", ids)
