"""A simulation with some claims in its snapshots, and a client of the API over it."""

from datetime import UTC, datetime

import pytest
from fastapi.testclient import TestClient

from claims_sim import pipeline
from claims_sim.api.app import create_app


@pytest.fixture
def streamed(settings):
    """Settings of a simulation that has made two batches of 20 claims."""
    larger = settings.model_copy(update={"batch_size": 20, "api_rate": 0})
    for _ in range(2):
        pipeline.run_tick(larger, datetime.now(UTC))
    return larger


@pytest.fixture
def client(streamed):
    with TestClient(create_app(streamed), base_url="http://127.0.0.1:8000", raise_server_exceptions=False) as opened:
        yield opened
