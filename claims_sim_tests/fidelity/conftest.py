"""A real table of the demo's, and claims that are as good as it can get: more of the same table."""

import numpy as np
import pytest

from claims_sim.profile.reading.source import SourceSpec, read_source


@pytest.fixture(scope="session")
def table(demo_source):
    return read_source(SourceSpec(demo_source)).columns


@pytest.fixture(scope="session")
def halves(table):
    order = np.random.default_rng(0).permutation(table.num_rows)
    return table.take(order[:4000]), table.take(order[4000:6500])


@pytest.fixture(scope="session")
def fewer(halves):
    """So many that what differs in all claims shows, and what differs in few does not."""
    return tuple(half.slice(0, 1000) for half in halves)
