"""What every channel promises: messages that are durable once published, and readable again from any position.

A channel delivers at least once and keeps no consumer's state. That a claim is stored exactly once is the work of
`store/stream.py`, which moves its position in the same transaction as the rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

import pyarrow as pa

from claims_sim.errors import ChannelError

MAX_LINE_BYTES: Final = 1024 * 1024
"""Anything longer is no claim: only its beginning is kept, so that no message can exhaust memory."""

KEPT_BYTES: Final = 64 * 1024
"""How much of an oversize message is kept, for people who look at dead letters."""

MAX_READ_BYTES: Final = 96 * 1024 * 1024
"""A single read returns about as much at the most, however many messages were asked for."""

SEGMENT_BYTES: Final = 16 * 1024 * 1024
"""Size at which a channel of files begins a new file."""

CONTENT_TYPE: Final = "application/json"
PAYLOAD_SCHEMA: Final = "claim/1"
"""What channels with headers say of every message: the payload of docs/claim.schema.json, first version."""

LINES_SCHEMA: Final = pa.schema([("position", pa.string()), ("raw", pa.binary()), ("size", pa.int64())])


@dataclass(frozen=True, slots=True)
class Message:
    """One claim on its way out; `payload` is one line of JSON without a line end."""

    claim_id: str
    payload: str


@dataclass(frozen=True, slots=True)
class Access:
    """How to log in to a channel's server, whom to trust (a CA certificate's file), and how long to wait for it."""

    username: str = ""
    password: str = field(default="", repr=False)
    ca_file: Path | None = None
    timeout_s: float = 10


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
    def unit(self) -> str:
        """What `lag` counts: bytes or messages."""

    @property
    def name(self) -> str:
        """A stable identity, under which positions are stored; never holds a secret."""

    @property
    def start(self) -> str:
        """The position before the first message."""

    def publish(self, batch_id: str, messages: Sequence[Message]) -> None:
        """Append `messages` in order; when this returns the channel has them, as safely as its server is set up to.

        After an error some may still be there. What a server loses of our own claims, the relay publishes again.
        """

    def read(self, after: str, limit: int) -> Reading:
        """Up to `limit` messages after position `after`; an empty reading when there are none yet."""

    def lag(self, after: str) -> int:
        """How much lies unread after `after`, in `unit`."""

    def settle(self, position: str) -> None:
        """Everything up to `position` is stored: what is kept beyond the channel's bound may go, from there down."""

    def describe(self) -> str:
        """The channel in one line for people, without secrets."""

    def close(self) -> None:
        """Let go of locks and connections; the channel opens them again when it is used."""


def empty_lines() -> pa.Table:
    """No messages."""
    return LINES_SCHEMA.empty_table()


def encode_lines(batch_id: str, messages: Sequence[Message]) -> bytes:
    """The payloads, each ended by a newline. Raises ChannelError for one that is no single line, or too long."""
    try:
        lines = ("\n".join([message.payload for message in messages]) + "\n").encode()
    except UnicodeEncodeError:
        lines = b""
    if lines.count(b"\n") != len(messages) or b"\n\n" in lines or lines.startswith(b"\n"):
        raise ChannelError(
            f"Batch {batch_id} holds a payload that is empty or not one line of text: write each as one."
        )
    if len(lines) > MAX_LINE_BYTES and max(map(len, lines.split(b"\n"))) > MAX_LINE_BYTES:
        raise ChannelError(f"Batch {batch_id} holds a payload of more than {MAX_LINE_BYTES:,} bytes: that is no claim.")
    return lines


def lines_of(positions: Sequence[str], payloads: Sequence[bytes]) -> pa.Table:
    """Messages as LINES_SCHEMA, the oversize ones cut."""
    sizes = [len(payload) for payload in payloads]
    kept = [p if len(p) <= MAX_LINE_BYTES else p[:KEPT_BYTES] for p in payloads]
    return pa.table({"position": positions, "raw": kept, "size": sizes}, schema=LINES_SCHEMA)
