"""What every channel promises: messages that are durable once published, and readable again from any position.

A channel delivers at least once and keeps no consumer's state. That a claim is stored exactly once is the work of
`store/stream.py`, which moves its position in the same transaction as the rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import unquote, urlsplit

import pyarrow as pa

from claims_sim.errors import ChannelError

MAX_LINE_BYTES: Final = 1024 * 1024
"""Anything longer is no claim: only its beginning is kept, so that no message can exhaust memory."""

KEPT_BYTES: Final = 64 * 1024
"""How much of an oversize message is kept, for people who look at dead letters."""

MAX_READ_BYTES: Final = 64 * 1024 * 1024
"""A single read returns about as much at the most, however many messages were asked for."""

SEGMENT_BYTES: Final = 16 * 1024 * 1024
"""Size at which a channel of files begins a new file."""

LINES_SCHEMA: Final = pa.schema([("position", pa.string()), ("raw", pa.binary()), ("size", pa.int64())])


@dataclass(frozen=True, slots=True)
class Message:
    """One claim on its way out; `payload` is one line of JSON without a line end."""

    claim_id: str
    payload: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What one read found.

    `lines` follows LINES_SCHEMA, in order of arrival: `position` names the message, `size` is its full length in bytes,
    which exceeds the length of `raw` where an oversize message was cut. `position` is where to continue. `notes` tells
    people what was unusual, such as a segment that housekeeping has removed.
    """

    lines: pa.Table
    position: str
    notes: tuple[str, ...] = ()


class Channel(Protocol):
    """One channel. Every method raises ChannelError when the channel cannot do what is asked."""

    @property
    def name(self) -> str:
        """A stable identity, under which positions are stored; never holds a secret."""

    @property
    def start(self) -> str:
        """The position before the first message."""

    def publish(self, batch_id: str, messages: Sequence[Message]) -> None:
        """Append `messages` in order; they are durable when this returns. After an error some may still be there."""

    def read(self, after: str, limit: int) -> Reading:
        """Up to `limit` messages after position `after`; an empty reading when there are none yet."""

    def lag(self, after: str) -> int:
        """How much lies unread after `after`: bytes where the channel is a file, else messages."""

    def describe(self) -> str:
        """The channel in one line for people, without secrets."""

    def close(self) -> None:
        """Let go of locks and connections; the channel opens them again when it is used."""


def empty_lines() -> pa.Table:
    """No messages."""
    return LINES_SCHEMA.empty_table()


_FORM = "Write jsonl:///path/to/folder, or jsonl:folder for a relative one."


def open_channel(url: str, *, segment_bytes: int = SEGMENT_BYTES) -> Channel:
    """The channel behind `url`: `jsonl:///absolute/folder` or `jsonl:relative/folder`.

    Raises ChannelError for another kind, naming the kinds that exist; the URL itself may hold a password and is not
    repeated.
    """
    scheme, separator, rest = url.partition(":")
    if not separator or scheme.lower() != "jsonl":
        kind = scheme.lower() if separator and scheme.isalnum() and len(scheme) <= 20 else "(none)"
        raise ChannelError(f"A channel of kind {kind} does not exist. The kinds are: jsonl. {_FORM}")
    if rest.startswith("//"):
        parts = urlsplit(url)
        if parts.netloc:
            raise ChannelError(f"A jsonl channel has no host. {_FORM}")
        rest = parts.path
    path = unquote(rest)
    if not path.strip("/"):
        raise ChannelError(f"A jsonl channel needs a folder. {_FORM}")
    # Each kind builds on this contract, and one that is not used need not be importable.
    from claims_sim.channels.jsonl import JsonlChannel  # noqa: PLC0415

    return JsonlChannel(Path(path), segment_bytes=segment_bytes)
