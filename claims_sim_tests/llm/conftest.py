"""The fault-injecting model server as a fixture."""

import pytest

from claims_sim_tests.fault_server import completion, drips, drops, fails, fault_server, hangs, says, send

__all__ = ["completion", "drips", "drops", "fails", "hangs", "says", "script", "send"]


@pytest.fixture
def script():
    """What the server will say, and what it was asked."""
    with fault_server() as playing:
        yield playing
