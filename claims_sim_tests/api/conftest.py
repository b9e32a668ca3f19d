"""A simulation with some claims in its snapshots, and a client of the API over it."""

import pytest
from fastapi.testclient import TestClient

from claims_sim.api.app import create_app


@pytest.fixture
def streamed(grown):
    """Settings of a simulation that has made two batches of 20 claims."""
    return grown(2, 20, api_rate=0)


@pytest.fixture
def client(streamed):
    with TestClient(create_app(streamed), base_url="http://127.0.0.1:8000", raise_server_exceptions=False) as opened:
        yield opened
