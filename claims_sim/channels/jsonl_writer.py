"""Append to a JSONL channel: one writer at a time, whole batches, durable. Knows nothing of readers' positions.

What a reader has read may not survive: a batch that failed is cut off again, and a power cut can take lines that were
never synced. So a segment that did not end as its writer left it is never appended to: the next batch opens a new one,
and a position beyond a shortened segment's end can only mean "all of it was read".
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from filelock import FileLock, Timeout

from claims_sim.channels.segments import MAX_SEGMENT, list_segments, segment_path, segment_size
from claims_sim.errors import ChannelError

_LOCK_NAME: Final = ".writer.lock"
_STATE_NAME: Final = ".writer.json"
# macOS has no fdatasync.
_sync = getattr(os, "fdatasync", os.fsync)


@dataclass(frozen=True, slots=True)
class _State:
    """What the last writer left: `is_open` until it closes, `size` of `segment` when it did."""

    is_open: bool
    segment: int
    size: int
    pid: int


class SegmentWriter:
    """Holds the folder's lock from construction to `close`; the system frees it when the process dies.

    Raises ChannelError when another process or channel object writes to the folder.
    """

    def __init__(self, folder: Path, segment_bytes: int) -> None:
        self._folder = folder
        self._segment_bytes = segment_bytes
        self._lock = FileLock(folder / _LOCK_NAME, timeout=0, thread_local=False)
        self._fd = -1
        self._segment = 0
        self._size = 0
        try:
            self._lock.acquire()
        except Timeout:
            state = _read_state(folder)
            holder = f"Process {state.pid}" if state else "Another process"
            raise ChannelError(
                f"{holder} is writing to {folder}: one writer at a time; stop it or wait for it."
            ) from None
        except OSError as error:
            raise ChannelError(f"{folder} cannot be locked for writing: {error.strerror}.") from error
        try:
            with _as_channel_errors(folder):
                self._resume()
        except BaseException:
            self._lock.release()
            raise

    def append(self, lines: bytes) -> None:
        """Write `lines` and make them durable; on any failure cut the segment back and give up the lock."""
        with _as_channel_errors(self._folder):
            self._append(lines)
            while self._is_passed():
                # A foreign segment came meanwhile: a reader may have left ours before the lines were in it.
                self._append(lines)

    def _append(self, lines: bytes) -> None:
        is_written = False
        try:
            if self._fd < 0 or self._size >= self._segment_bytes or self._is_passed():
                self._open_next()
            _write_all(self._fd, lines)
            _sync(self._fd)
            self._size += len(lines)
            is_written = True
        finally:
            if not is_written:
                # The state stays "open": whoever writes next looks at the end once more and opens a new segment.
                with suppress(OSError):
                    os.ftruncate(self._fd, self._size)
                    _sync(self._fd)
                self._release()

    def _is_passed(self) -> bool:
        """A later segment than ours exists, to which readers go on and never come back."""
        return max(list_segments(self._folder), default=0) > self._segment

    def close(self) -> None:
        """Record that the segment ends here, and free the lock."""
        if not self._lock.is_locked:
            return
        with suppress(OSError):  # without the record, the next writer opens a new segment: harmless
            self._write_state(is_open=False)
        self._release()

    @property
    def is_usable(self) -> bool:
        """False after a failure or `close`."""
        return bool(self._lock.is_locked)

    def _resume(self) -> None:
        state, segments = _read_state(self._folder), list_segments(self._folder)
        last = segments[-1] if segments else 0
        self._segment = max(last, state.segment if state else 0)
        if state and state.is_open and state.segment in segments:
            # Only in the segment that was ours: another's last line may be whole and merely not ended.
            _cut_torn_line(segment_path(self._folder, state.segment))
        size = segment_size(self._folder, last) if segments else -1
        if state and not state.is_open and (last, size) == (state.segment, state.size):
            self._fd = os.open(segment_path(self._folder, last), os.O_WRONLY | os.O_APPEND)
            self._size = size
        # Durable before the first line is: should the machine stop, the next writer must know that this one had begun.
        self._write_state(is_open=True)
        _sync_file(self._folder)

    def _open_next(self) -> None:
        self._close_file()
        while self._fd < 0:
            number = max(self._segment, *list_segments(self._folder), 0) + 1
            if number > MAX_SEGMENT:
                raise ChannelError(f"{self._folder} has reached its last segment, {MAX_SEGMENT}: start a new folder.")
            with suppress(FileExistsError):  # a foreign producer took the number just now
                flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL
                self._fd = os.open(segment_path(self._folder, number), flags, 0o644)
                self._segment, self._size = number, 0
        self._write_state(is_open=True)
        _sync_file(self._folder)

    def _write_state(self, *, is_open: bool) -> None:
        state = {"open": is_open, "segment": self._segment, "size": self._size, "pid": os.getpid()}
        path = self._folder / _STATE_NAME
        temporary = path.with_suffix(".tmp")
        temporary.write_text(json.dumps(state), encoding="utf-8")
        _sync_file(temporary)
        temporary.replace(path)

    def _close_file(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _release(self) -> None:
        try:
            self._close_file()
        finally:
            self._lock.release()


def _read_state(folder: Path) -> _State | None:
    try:
        document: Any = json.loads((folder / _STATE_NAME).read_bytes())
        return _State(bool(document["open"]), int(document["segment"]), int(document["size"]), int(document["pid"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None  # none yet, or torn by a power cut: then nothing is appended to


def _cut_torn_line(path: Path, block: int = 1 << 20) -> None:
    """Shorten the file to its last line end: what follows is the rest of a batch that was never acknowledged."""
    with path.open("r+b") as file:
        size = end = file.seek(0, os.SEEK_END)
        while end > 0:
            start = max(0, end - block)
            file.seek(start)
            found = file.read(end - start).rfind(b"\n")
            if found >= 0:
                end = start + found + 1
                break
            end = start
        if end < size:
            file.truncate(end)
            os.fsync(file.fileno())


def _write_all(fd: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(fd, rest) :]


def _sync_file(path: Path) -> None:
    """Make a file's content, or a folder's list of names, durable."""
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


@contextmanager
def _as_channel_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ChannelError(
            f"{folder} cannot be written: {error.strerror or error}. The batch was not published."
        ) from error
