"""Identifiers of ours: batch ids (UUIDv7) and the claim ids made from them. Knows nothing of claims."""

import secrets
import uuid
from datetime import UTC, datetime
from typing import Final

MAX_CLAIMS_PER_BATCH: Final = 100_000
# Letters only: a claim id then never holds a run of digits that a scan for identity or card numbers could mistake.
_ALPHABET: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_LETTERS: Final = 28  # 26 ** 28 > 2 ** 128


def new_batch_id(now: datetime) -> str:
    """A UUIDv7 (RFC 9562): milliseconds since the epoch, then random bits; sorts by time as text."""
    milliseconds = int(now.timestamp() * 1000)
    value = (
        (milliseconds & ((1 << 48) - 1)) << 80
        | 0x7 << 76
        | secrets.randbits(12) << 64
        | 0b10 << 62
        | secrets.randbits(62)
    )
    return str(uuid.UUID(int=value))


def numbered_batch_id(at: datetime, number: int, series: int = 0) -> str:
    """A batch id that follows from a time and a number below 65,536, for files that must come out the same every time.

    `series` (its lowest 46 bits) tells the batches of one file from those of another; they sort by number within it.
    """
    milliseconds = int(at.timestamp() * 1000)
    low = (series & ((1 << 46) - 1)) << 16 | number
    return str(uuid.UUID(int=(milliseconds & ((1 << 48) - 1)) << 80 | 0x7 << 76 | 0b10 << 62 | low))


def is_batch_id(text: str) -> bool:
    """Whether `text` is a UUIDv7 in its usual form."""
    try:
        return uuid.UUID(text).version == 7 and str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False


def batch_time(batch_id: str) -> datetime:
    """When the batch id was made, UTC."""
    return datetime.fromtimestamp((uuid.UUID(batch_id).int >> 80) / 1000, UTC)


def claim_id_stem(prefix: str, batch_id: str) -> str:
    """What the ids of a batch's claims share: prefix, year, and the batch id in letters. Sorts by time within a prefix."""
    number, letters = uuid.UUID(batch_id).int, []
    for _ in range(_LETTERS):
        number, digit = divmod(number, len(_ALPHABET))
        letters.append(_ALPHABET[digit])
    return f"{prefix}-{batch_time(batch_id).year}-{''.join(reversed(letters))}"


def claim_ids(prefix: str, batch_id: str, count: int, first: int = 0) -> list[str]:
    """The ids of `count` claims of a batch, numbered from `first`; unique across processes and restarts."""
    if first + count > MAX_CLAIMS_PER_BATCH:
        raise ValueError(f"a batch holds at most {MAX_CLAIMS_PER_BATCH} claims")
    stem = claim_id_stem(prefix, batch_id)
    return [f"{stem}-{index:05d}" for index in range(first, first + count)]
