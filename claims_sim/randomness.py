"""Random numbers that depend on what they are for, never on when or where they are drawn.

A number is a pure function of (key, counter, lane): the same seed gives the same claims, however a batch is cut into
partitions. Not for secrets.
"""

import hashlib
from typing import Any, Final

import numpy as np
import numpy.typing as npt

_WORD: Final = (1 << 64) - 1
# The increment and the multipliers of SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
_GOLDEN: Final = 0x9E3779B97F4A7C15
_FIRST: Final = 0xBF58476D1CE4E5B9
_SECOND: Final = 0x94D049BB133111EB

# Letters only: a long run of digits could look like a card number. Sixteen of them, one for four bits.
_LETTERS: Final = np.frombuffer(b"abcdefghkmnpqrst", dtype=np.uint8)

Counters = npt.NDArray[np.uint64] | npt.NDArray[np.int64]


def stream_key(*parts: str | int) -> int:
    """A 64-bit key for the stream that `parts` name; the parts' types and borders count ("a", "b" is not "ab")."""
    digest = hashlib.blake2b(digest_size=8)
    for part in parts:
        content = str(part).encode()
        digest.update(f"{type(part).__name__}:{len(content)}:".encode())
        digest.update(content)
    return int.from_bytes(digest.digest(), "little")


def _mix(word: int) -> int:
    word = ((word ^ (word >> 30)) * _FIRST) & _WORD
    word = ((word ^ (word >> 27)) * _SECOND) & _WORD
    return word ^ (word >> 31)


def uniforms(key: int, counters: npt.NDArray[Any], lane: int = 0) -> npt.NDArray[np.float64]:
    """One number in [0, 1) for each counter; `lane` separates several numbers of one counter."""
    start = _mix((key + _mix(lane * _GOLDEN & _WORD)) & _WORD)
    word = counters.astype(np.uint64)
    word *= np.uint64(_GOLDEN)
    word += np.uint64(start)
    word ^= word >> np.uint64(30)
    word *= np.uint64(_FIRST)
    word ^= word >> np.uint64(27)
    word *= np.uint64(_SECOND)
    word ^= word >> np.uint64(31)
    word >>= np.uint64(11)
    return np.multiply(word, 2.0**-53, dtype=np.float64)


def letters(key: int, counters: npt.NDArray[Any], prefix: str, length: int) -> npt.NDArray[np.str_]:
    """A name for each counter: `prefix` and `length` (a multiple of 8) letters that follow from key and counter."""
    text = np.empty((len(counters), length), dtype=np.uint8)
    for lane in range(length // 8):
        word = (uniforms(key, counters, lane) * 2.0**32).astype(np.uint32)
        for place in range(8):
            text[:, lane * 8 + place] = _LETTERS[(word >> np.uint32(4 * place)) & np.uint32(15)]
    return np.char.add(prefix, text.view(f"S{length}").ravel().astype(str))
