"""Read a JSONL channel from a position, in bounded memory, while somebody writes to it. Never writes.

Only whole lines are messages. The one exception is the unterminated end of a segment that has a successor: nobody will
finish it, so it is delivered as it is (a foreign producer's last claim, or a dead letter) rather than lost.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from claims_sim.channels.contract import KEPT_BYTES, LINES_SCHEMA, MAX_LINE_BYTES, MAX_READ_BYTES, Reading, empty_lines
from claims_sim.channels.segments import Cursor, list_segments, parse_cursor, segment_path, segment_size
from claims_sim.errors import ChannelError

_BLOCK: Final = 8 * 1024 * 1024  # must exceed MAX_LINE_BYTES
_NEWLINE: Final = 10
_OFFSET_DIGITS: Final = 12  # as in the text of a cursor
_CARRIAGE_RETURN: Final = 13


@dataclass(frozen=True, slots=True)
class _Chunk:
    """Messages of one segment; `at_end` says that no whole line is left after `offset`."""

    lines: pa.Table
    offset: int
    at_end: bool


class _Misaligned(Exception):  # noqa: N818 - a signal between two functions here, no error of a user's
    """The position is not at the beginning of a line."""


def read_segments(folder: Path, after: str, limit: int) -> Reading:
    """Up to `limit` lines (and about MAX_READ_BYTES) after position `after`."""
    cursor, notes, parts = parse_cursor(after), list[str](), list[pa.Table]()
    lines_left, bytes_left = max(1, limit), MAX_READ_BYTES
    while lines_left > 0 and bytes_left > 0:
        # Listed before the read: a segment that appears after it may follow lines that the read did not see yet.
        segments = list_segments(folder)
        cursor, note = _locate(folder, cursor, segments)
        notes += [note] if note else []
        if cursor.segment not in segments:
            break
        later = [number for number in segments if number > cursor.segment]
        try:
            chunk = _read_chunk(segment_path(folder, cursor.segment), cursor, lines_left, is_closed=bool(later))
        except FileNotFoundError as error:
            if cursor.segment in list_segments(folder):
                raise ChannelError(f"{segment_path(folder, cursor.segment)} is a broken link: remove it.") from error
            continue  # housekeeping removed it just now; look again
        except _Misaligned:
            notes.append(f"Segment {cursor.segment} was written anew: it is read again from its beginning.")
            cursor = Cursor(cursor.segment, 0)
            continue
        except OSError as error:
            raise ChannelError(f"{segment_path(folder, cursor.segment)} cannot be read: {error.strerror}.") from error
        parts.append(chunk.lines)
        lines_left -= len(chunk.lines)
        bytes_left -= max(chunk.offset - cursor.offset, 1)
        cursor = Cursor(cursor.segment, chunk.offset)
        if chunk.at_end:
            if not later:
                break
            cursor = Cursor(later[0], 0)
    lines = pa.concat_tables(parts) if parts else empty_lines()
    return Reading(lines, str(cursor), tuple(notes))


def unread_bytes(folder: Path, after: str) -> int:
    """Bytes after `after`, lines that are still being written included."""
    cursor = parse_cursor(after)
    segments = list_segments(folder)
    cursor, _ = _locate(folder, cursor, segments)
    total = sum(segment_size(folder, number) for number in segments if number >= cursor.segment)
    return total - cursor.offset if cursor.segment in segments else total


def _locate(folder: Path, cursor: Cursor, segments: list[int]) -> tuple[Cursor, str]:
    """Where to go on reading, and a note when that is not simply `cursor`."""
    later = [number for number in segments if number > cursor.segment]
    if cursor.segment in segments:
        size = segment_size(folder, cursor.segment)
        if cursor.offset <= size:
            return cursor, ""
        # The writer never appends to a segment that it had to shorten: with a successor, nothing is missing here.
        what = f"Segment {cursor.segment} is shorter than what was read of it"
        if later:
            return Cursor(later[0], 0), f"{what}; continued at segment {later[0]}."
        return Cursor(cursor.segment, 0), f"{what}; it is read again."
    what = f"Segment {cursor.segment} is gone"
    if later:
        return Cursor(later[0], 0), f"{what}; continued at segment {later[0]}."
    if segments and not (cursor.offset == 0 and cursor.segment == segments[-1] + 1):
        return Cursor(segments[0], 0), f"{what} and only older ones exist; all are read again."
    return cursor, ""


def _read_chunk(path: Path, cursor: Cursor, limit: int, *, is_closed: bool) -> _Chunk:
    with path.open("rb", buffering=0) as file:
        if cursor.offset:
            file.seek(cursor.offset - 1)
            if file.read(1) != b"\n":
                raise _Misaligned
        data = _read_fully(file, _BLOCK)
        ends = np.flatnonzero(np.frombuffer(data, np.uint8) == _NEWLINE)
        if len(ends):
            return _whole_lines(cursor, data, ends[:limit])
        is_whole_rest = len(data) < _BLOCK
        if is_whole_rest and len(data) <= MAX_LINE_BYTES:
            size, is_ended = len(data), False
        else:
            size, is_ended = _skip_line(file, len(data))
    if not is_ended and not (is_closed and size):
        return _Chunk(empty_lines(), cursor.offset, at_end=True)
    kept = data if size <= MAX_LINE_BYTES else data[:KEPT_BYTES]
    line = pa.table({"position": [str(cursor)], "raw": [kept], "size": [size]}, schema=LINES_SCHEMA)
    return _Chunk(line, cursor.offset + size + is_ended, at_end=not is_ended)


def _whole_lines(cursor: Cursor, data: bytes, ends: np.ndarray) -> _Chunk:
    """The lines of `data` that end at `ends` (positions of line ends), blank ones left out."""
    starts = np.concatenate(([0], ends[:-1] + 1))
    sizes = ends - starts
    offsets = np.concatenate(([0], ends + 1)).astype(np.int32)
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(data)]
    raw = pc.binary_slice(pa.Array.from_buffers(pa.binary(), len(ends), buffers), 0, -1)
    is_long = sizes > MAX_LINE_BYTES
    if is_long.any():
        raw = pc.if_else(pa.array(is_long), pc.binary_slice(raw, 0, KEPT_BYTES), raw)
    is_blank = (sizes == 0) | ((sizes == 1) & (np.frombuffer(data, np.uint8)[starts] == _CARRIAGE_RETURN))
    lines = pa.table(
        {
            "position": _positions(cursor.segment, starts + cursor.offset),
            "raw": raw,
            "size": pa.array(sizes.astype(np.int64)),
        }
    )
    if is_blank.any():
        lines = lines.filter(pa.array(~is_blank))
    return _Chunk(lines, cursor.offset + int(ends[-1]) + 1, at_end=False)


def _positions(segment: int, offsets: np.ndarray) -> pa.Array:
    """The text of a cursor for each of many offsets in a segment; digit by digit, since formatting each is slow."""
    first = str(Cursor(segment, int(offsets[0]))).encode()
    if int(offsets[-1]) >= 10**_OFFSET_DIGITS:  # wider than the padding: never equally long
        return pa.array([str(Cursor(segment, int(offset))) for offset in offsets], pa.string())
    texts = np.tile(np.frombuffer(first, np.uint8), (len(offsets), 1))
    left = offsets.astype(np.int64)
    for place in range(1, _OFFSET_DIGITS + 1):
        left, digits = np.divmod(left, 10)
        texts[:, -place] = digits + ord("0")
    ends = np.arange(len(offsets) + 1, dtype=np.int32) * len(first)
    return pa.Array.from_buffers(pa.string(), len(offsets), [None, pa.py_buffer(ends), pa.py_buffer(texts)])


def _read_fully(file: BinaryIO, count: int) -> bytes:
    """Up to `count` bytes: fewer only at the end of the file."""
    parts, missing = [], count
    while missing > 0 and (part := file.read(missing)):
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)


def _skip_line(file: BinaryIO, seen: int) -> tuple[int, bool]:
    """The length of a line of which `seen` bytes were read without meeting its end, and whether it has ended."""
    while part := file.read(_BLOCK):
        end = part.find(b"\n")
        if end >= 0:
            return seen + end, True
        seen += len(part)
    return seen, False
