"""The files of a JSONL channel: numbered segments, and positions in them. Neither reads nor writes their content."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from claims_sim.errors import ChannelError

MAX_SEGMENT: Final = 999_999
_SEGMENT = re.compile(r"(\d{6})\.jsonl")
_CURSOR = re.compile(r"(\d{6}):(\d{12})")


@dataclass(frozen=True, slots=True, order=True)
class Cursor:
    """A place in the channel: a segment's number and an offset in bytes. As text it sorts like the channel."""

    segment: int
    offset: int

    def __str__(self) -> str:
        return f"{self.segment:06d}:{self.offset:012d}"


START: Final = Cursor(1, 0)


def parse_cursor(position: str) -> Cursor:
    """The cursor that `position` writes; ChannelError when it is none."""
    match = _CURSOR.fullmatch(position)
    if match is None:
        raise ChannelError(
            f"'{position[:40]}' is no position of a jsonl channel (segment:offset): another kind wrote it."
        )
    return Cursor(int(match[1]), int(match[2]))


def segment_path(folder: Path, number: int) -> Path:
    """The file of segment `number`."""
    return folder / f"{number:06d}.jsonl"


def list_segments(folder: Path) -> list[int]:
    """The numbers of the segments that exist, ascending; other files in the folder are none of ours."""
    try:
        names = [entry.name for entry in folder.iterdir()]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise ChannelError(f"The channel's folder {folder} cannot be listed: {error.strerror}.") from error
    return sorted(int(match[1]) for name in names if (match := _SEGMENT.fullmatch(name)))


def segment_size(folder: Path, number: int) -> int:
    """Bytes in segment `number`; 0 when it is gone."""
    try:
        return segment_path(folder, number).stat().st_size
    except FileNotFoundError:
        return 0
    except OSError as error:
        raise ChannelError(f"{segment_path(folder, number)} cannot be read: {error.strerror}.") from error
