"""The channels that the contract's tests run over: each kind adds one opener here."""

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from claims_sim.channels import Channel, open_channel

KINDS = ("jsonl", "redis", "kafka")


@pytest.fixture(params=KINDS)
def open_one(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], Channel]]:
    """A function that opens the same channel anew with each call; all are closed at the end."""
    opened: list[Channel] = []
    kind, name = request.param, f"live-{secrets.token_hex(4)}"
    if kind == "jsonl":
        url = f"jsonl://{tmp_path / 'live'}"
    elif kind == "redis":
        url = f"redis://127.0.0.1:{request.getfixturevalue('redis_server').port}/0?stream={name}"
    else:  # one partition: the contract's order is a partition's
        url = f"kafka://127.0.0.1:{request.getfixturevalue('kafka_server').port}/{name}?partitions=1"

    def opener() -> Channel:
        opened.append(open_channel(url, segment_bytes=2_000))
        return opened[-1]

    yield opener
    for channel in opened:
        channel.close()


@pytest.fixture
def channel(open_one) -> Channel:
    return open_one()
