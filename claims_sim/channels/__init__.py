"""Channels: how claims travel. One contract (`contract.py`), opened by URL; nothing here knows what a claim means."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from claims_sim.channels.contract import Channel, Message, Reading
from claims_sim.channels.jsonl import SEGMENT_BYTES, JsonlChannel
from claims_sim.errors import ChannelError

_FORM = "Write jsonl:///path/to/folder, or jsonl:folder for a relative one."
__all__ = ["Channel", "Message", "Reading", "open_channel"]


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
    return JsonlChannel(Path(path), segment_bytes=segment_bytes)
