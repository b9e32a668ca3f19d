"""Wrong claims that the built-in scorer is taught with: of the simulator's own kinds, by random numbers that nothing else uses.

No stream, exam, export or comparison holds any of them: these are made from other seeds.
"""

from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from claims_sim.anomalies.kinds import KINDS
from claims_sim.pipeline.labelled import LabelledRequest, labelled_claims
from claims_sim.profile.document import Profile
from claims_sim.profile.sampler import Sampler
from claims_sim.randomness import stream_key

_HALF: Final = 0.5  # the highest rate that is allowed: right claims are cheaper to draw alone
_LEAST_CLAIMS: Final = 1_000


def lessons_of(profile: Profile, sampler: Sampler, count: int, *, seed: int, without: str = "") -> pa.Table | None:
    """Wrong claims of the profile, about half of `count`; None where so few would teach nothing.

    Kinds that show only beside another claim are left out, and the kind `without`, to see what it is worth to have been
    taught it.
    """
    kinds = {
        kind.name: kind for kind in KINDS.values() if not kind.is_pair and not kind.copies and kind.name != without
    }
    if count < _LEAST_CLAIMS:
        return None
    mix = ";".join(f"{name}={kind.share}" for name, kind in kinds.items())
    own_seed = int(stream_key("lessons", seed, profile.profile_hash)) >> 1  # the truth keeps seeds as signed numbers
    asked = LabelledRequest(count, _HALF, own_seed, mix)
    claims, truth = labelled_claims(profile, asked, sampler)
    wrong = truth.filter(pc.and_(pc.equal(truth["label"], "anomaly"), pc.is_in(truth["kind"], pa.array(list(kinds)))))
    return claims.filter(pc.is_in(claims["claim_id"], value_set=wrong["claim_id"].combine_chunks()))
