"""The channels that the contract's tests run over: each kind adds one opener here."""

from collections.abc import Callable
from pathlib import Path

import pytest

from claims_sim.channels import Channel, open_channel

KINDS = ("jsonl",)


@pytest.fixture(params=KINDS)
def open_one(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Channel]:
    """A function that opens the same channel anew with each call; all are closed at the end."""
    opened: list[Channel] = []

    def opener() -> Channel:
        urls = {"jsonl": f"jsonl://{tmp_path / 'live'}"}
        opened.append(open_channel(urls[request.param], segment_bytes=2_000))
        return opened[-1]

    yield opener
    for channel in opened:
        channel.close()


@pytest.fixture
def channel(open_one) -> Channel:
    return open_one()
