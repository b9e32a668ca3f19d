import pytest
from dagster import Failure

from claims_sim.errors import ChannelError
from claims_sim.observe.status import status_of
from claims_sim.orchestration.resources import Simulation, user_errors


def test_what_fails_a_step_is_told_by_status_too(settings):
    @user_errors
    def claims_live_stream(simulation: Simulation):
        raise ChannelError("The channel is away.")

    with pytest.raises(Failure, match="The channel is away"):
        claims_live_stream(simulation=Simulation(settings))
    told = status_of(settings)["last error"]
    assert told.startswith("Dagster run, claims_live_stream, ")
    assert told.endswith(": The channel is away.")
