"""Addresses of channels of one's own on the servers that the session shares."""

import secrets

import pytest


@pytest.fixture
def redis_url(redis_server) -> str:
    return f"redis://127.0.0.1:{redis_server.port}/0?stream=own-{secrets.token_hex(4)}"


@pytest.fixture
def kafka_url(kafka_server) -> str:
    return f"kafka://127.0.0.1:{kafka_server.port}/own-{secrets.token_hex(4)}"
