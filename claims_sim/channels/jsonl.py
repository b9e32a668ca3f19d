"""The JSONL channel: a folder of numbered segments, one JSON document a line. For one machine, without a server.

Positions are `segment:offset`. Foreign producers may append lines too, to a segment of a number above all others;
every line must end with a newline.
"""

import hashlib
import os
import secrets
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from claims_sim.channels.contract import SEGMENT_BYTES, Message, Reading, encode_lines
from claims_sim.channels.jsonl_reader import read_segments, unread_bytes
from claims_sim.channels.jsonl_writer import SegmentWriter
from claims_sim.channels.segments import START, list_segments, parse_cursor, segment_path, segment_size
from claims_sim.errors import ChannelError

_IDENTITY_NAME: Final = ".channel"
_IDENTITY_LENGTH: Final = 8


class JsonlChannel:
    """A channel in `folder`, which is made when it does not exist; the lock is taken by the first `publish`."""

    unit: Final = "bytes"

    def __init__(self, folder: Path, *, segment_bytes: int = SEGMENT_BYTES) -> None:
        self._folder = folder.absolute()
        self._segment_bytes = segment_bytes
        self._writer: SegmentWriter | None = None
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ChannelError(f"The channel's folder {self._folder} cannot be made: {error.strerror}.") from error
        # The identity lies in the folder: a folder that was emptied or exchanged for another of the same name is
        # another channel, whose messages must not be skipped because of a position in the old one.
        self._name = f"jsonl:{self._folder.name}:{_identity(self._folder)}"

    @property
    def name(self) -> str:
        """`jsonl:`, the folder's name, and a random part that lies in the folder."""
        return self._name

    @property
    def start(self) -> str:
        """The beginning of the first segment."""
        return str(START)

    def publish(self, batch_id: str, messages: Sequence[Message]) -> None:
        """Append one line a message and wait for the disk.

        Raises ChannelError when another writer holds the folder, a payload is no single line, or the disk refuses;
        nothing of the batch is left half-written then.
        """
        if not messages:
            return
        lines = encode_lines(batch_id, messages)
        if self._writer is None or not self._writer.is_usable:
            self._writer = SegmentWriter(self._folder, self._segment_bytes)
        self._writer.append(lines)

    def read(self, after: str, limit: int) -> Reading:
        """Up to `limit` lines after `after`; stops at the last newline and never waits."""
        return read_segments(self._folder, after, limit)

    def lag(self, after: str) -> int:
        """Unread bytes after `after`."""
        return unread_bytes(self._folder, after)

    def settle(self, position: str) -> None:
        """Nothing: segments stay for people to look at until housekeeping calls `prune`."""

    def describe(self) -> str:
        """The folder, its segments and their size."""
        segments = list_segments(self._folder)
        megabytes = sum(segment_size(self._folder, number) for number in segments) / 1e6
        return f"JSON lines in {self._folder}: {len(segments)} segments, {megabytes:.1f} MB"

    def close(self) -> None:
        """Free the writer's lock, if this object holds it."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def prune(self, before_position: str) -> int:
        """Remove whole segments that end before `before_position`, never the newest; how many were removed.

        The caller passes a stored position: everything before it is in the database.
        """
        cursor = parse_cursor(before_position)
        segments = list_segments(self._folder)
        old = [number for number in segments[:-1] if number < cursor.segment]
        for path in [segment_path(self._folder, number) for number in old]:
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise ChannelError(f"{path} cannot be removed: {error.strerror}.") from error
        return len(old)


def _identity(folder: Path) -> str:
    """The random part of the channel's name, made once; a folder that we may only read is named after its path."""
    path = folder / _IDENTITY_NAME
    temporary = folder / f"{_IDENTITY_NAME}.{os.getpid()}.{secrets.token_hex(4)}"
    try:
        if not path.exists():
            temporary.write_text(secrets.token_hex(_IDENTITY_LENGTH // 2), encoding="ascii")
            with suppress(FileExistsError):
                # A link appears whole and fails when it exists: of two processes, both take the same identity.
                path.hardlink_to(temporary)
        text = path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        text = ""
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
    if len(text) == _IDENTITY_LENGTH and text.isalnum():
        return text
    return hashlib.sha256(str(folder).encode()).hexdigest()[:_IDENTITY_LENGTH]
