"""Batches with anomalies, made from the profile of the small demo source."""

from datetime import UTC, datetime

import pytest

from claims_sim.anomalies.kinds import KINDS
from claims_sim.anomalies.quota import Quota
from claims_sim.anomalies.writer import AnomalyWriter
from claims_sim.claim_ids import numbered_batch_id
from claims_sim.generation.batch import BatchRequest

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


SINGLE = tuple(name for name, kind in KINDS.items() if not kind.is_pair)
PAIRS = tuple(name for name, kind in KINDS.items() if kind.is_pair)


def shares_of(*names):
    """Shares of some kinds, by default of those that show in one claim."""
    return {name: KINDS[name].share for name in names or SINGLE}


@pytest.fixture(scope="session")
def sampler(profile):
    from claims_sim.profile.sampler import Sampler

    return Sampler(profile)


@pytest.fixture(scope="session")
def write(profile, sampler):
    """A function: (count, rate, kinds, …) -> a batch with anomalies."""

    def make(
        count,
        rate=0.05,
        kinds=(),
        *,
        seed=1,
        clock="history",
        number=1,
        campaigns=0.0,
        strength=0,
        persons=None,
        **request,
    ):
        quota = Quota(rate, shares_of(*kinds), campaigns, seed, strength)
        writer = AnomalyWriter(profile, quota=quota, sampler=sampler, persons=persons)
        return writer.write(BatchRequest(numbered_batch_id(NOW, number), count, seed, NOW, clock, **request))

    return make
