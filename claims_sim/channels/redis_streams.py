"""The Redis channel: one stream of a Redis (7 or newer) or Valkey server, read without consumer groups.

Positions are `id:number`: the id of the last entry read, and how many entries the stream had been given up to it. The
server counts what it was given, so that entries removed before they were read are noticed and counted.
"""

import hashlib
import json
import re
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from claims_sim.channels.contract import (
    CONTENT_TYPE,
    MAX_READ_BYTES,
    PAYLOAD_SCHEMA,
    Access,
    Message,
    Reading,
    encode_lines,
    lines_of,
)
from claims_sim.errors import ChannelError

_POSITION: Final = re.compile(r"(\d{1,20})-(\d{1,20}):(\d{1,20})")
_FIRST_PAGE: Final = 500
_LARGEST_PAGE: Final = 10_000


@dataclass(frozen=True, slots=True, order=True)
class _Position:
    """After the entry of this id, which was the stream's `number`th."""

    milliseconds: int
    sequence: int
    number: int

    @property
    def entry(self) -> str:
        """The entry's id."""
        return f"{self.milliseconds}-{self.sequence}"

    def __str__(self) -> str:
        return f"{self.entry}:{self.number}"


_START: Final = _Position(0, 0, 0)


@dataclass(frozen=True, slots=True)
class _Stream:
    """What the server says of the stream: entries it was ever given, entries it holds, the last id it gave."""

    added: int
    length: int
    last: tuple[int, int]

    def has_lost(self, position: _Position) -> bool:
        """The stream is older than `position`: the server came back with an older state, or somebody deleted it."""
        return self.added < position.number or self.last < (position.milliseconds, position.sequence)


class RedisChannel:
    """The stream `stream`; made by the first entry, and cut to about `maxlen` entries of those that are settled."""

    unit: Final = "messages"

    def __init__(
        self, host: str, port: int, database: int, stream: str, maxlen: int, access: Access, *, is_tls: bool
    ) -> None:
        self._where = f"redis{'s' if is_tls else ''}://{host}:{port}/{database}, stream {stream}"
        self._stream, self._maxlen, self._timeout_s = stream, maxlen, access.timeout_s
        self._identity_key = f"{stream}:claims_sim"
        self._identity = ""
        tls: dict[str, Any] = {"ssl": True} if is_tls else {}
        if is_tls and access.ca_file:
            tls["ssl_ca_certs"] = str(access.ca_file)
        self._client = redis.Redis(
            host=host,
            port=port,
            db=database,
            username=access.username or None,
            password=access.password or None,
            socket_connect_timeout=access.timeout_s,
            socket_timeout=access.timeout_s,
            # One more try for a connection that was closed while idle; a publish repeated is a duplicate, which is harmless.
            retry=Retry(NoBackoff(), 1),
            protocol=2,
            **tls,
        )

    @property
    def name(self) -> str:
        """`redis:`, the stream's name, and a random part that lies beside the stream in the same database."""
        self._identify()
        return f"redis:{self._stream}:{self._identity}"

    @property
    def start(self) -> str:
        """Before the first entry."""
        return str(_START)

    def publish(self, batch_id: str, messages: Sequence[Message]) -> None:
        """Append one entry a message, all of them or none. Raises ChannelError when the server does not take them."""
        if not messages:
            return
        payloads = encode_lines(batch_id, messages).split(b"\n")[:-1]
        self._identify()
        with self._as_channel_errors():
            transaction = self._client.pipeline(transaction=True)
            for message, payload in zip(messages, payloads, strict=True):
                fields: dict[Any, Any] = {
                    "claim_id": message.claim_id,
                    "payload": payload,
                    "batch_id": batch_id,
                    "schema": PAYLOAD_SCHEMA,
                    "content_type": CONTENT_TYPE,
                }
                transaction.xadd(self._stream, fields)
            transaction.execute()

    def read(self, after: str, limit: int) -> Reading:
        """Up to `limit` entries (and about MAX_READ_BYTES) after `after`; never waits for more."""
        position, notes = _parse(after), list[str]()
        positions, payloads, bytes_left, page = list[str](), list[bytes](), MAX_READ_BYTES, _FIRST_PAGE
        self._identify()
        while len(payloads) < limit and bytes_left > 0:
            asked = min(page, max(1, limit) - len(payloads))
            entries, stream = self._page(position, asked)
            if stream.has_lost(position):
                notes.append(f"{self._where} is older than what was read of it: it is read again from its beginning.")
                position = _START
                continue
            if position == _START:
                position = _Position(0, 0, stream.added - stream.length)  # what went before we came is not missed
            for entry, fields in entries:
                positions.append(entry.decode())
                payloads.append(_payload(fields))
            if entries:
                milliseconds, _, sequence = positions[-1].partition("-")
                position = _Position(int(milliseconds), int(sequence), position.number + len(entries))
                size = sum(map(len, payloads[-len(entries) :]))
                bytes_left -= max(size, 1)
                page = max(1, min(_LARGEST_PAGE, bytes_left * len(entries) // max(size, 1)))
            if len(entries) < asked:
                removed = stream.added - position.number
                if removed > 0:
                    notes.append(f"{removed} entries of {self._where} were removed before they were read.")
                position = _Position(position.milliseconds, position.sequence, stream.added)
                break
        return Reading(lines_of(positions, payloads), str(position), tuple(notes))

    def lag(self, after: str) -> int:
        """Unread entries after `after`."""
        position, stream = _parse(after), self._state()
        if stream.has_lost(position):
            return stream.length
        return max(0, min(stream.length, stream.added - position.number))

    def settle(self, position: str) -> None:
        """Remove the oldest of what lies before `position`, as long as more than `maxlen` entries are there."""
        settled, stream = _parse(position), self._state()
        excess = stream.length - self._maxlen
        if excess > 0:
            with self._as_channel_errors():
                # Never by length alone: that would remove what is unread when we have been away.
                self._client.xtrim(self._stream, minid=settled.entry, approximate=True, limit=excess)

    def describe(self) -> str:
        """The server, the stream, its length, and whether the server's disk keeps it."""
        stream = self._state()
        with self._as_channel_errors():
            is_kept = self._client.info("persistence").get("aof_enabled")
        safety = "appendonly is on" if is_kept else "appendonly is off, so a restart of the server may empty it"
        return f"Redis, {self._where}: {stream.length} entries; {safety}"

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _identify(self) -> None:
        """Learn the channel's identity, made once; raises ChannelError when it is another one than before.

        It lies beside the stream: a server that was emptied is another channel, whose entries must not be skipped because
        of a position in the old one.
        """
        with self._as_channel_errors():
            try:
                found = self._client.get(self._identity_key)
                if found is None:
                    self._client.set(self._identity_key, secrets.token_hex(4), nx=True)
                    found = self._client.get(self._identity_key)
                identity = found.decode("ascii", "replace")[:40] if isinstance(found, bytes) else ""
            except redis.exceptions.NoPermissionError:  # one who may only read the stream
                identity = hashlib.sha256(self._where.encode()).hexdigest()[:8]
        if self._identity and identity != self._identity:
            self._identity = ""
            raise ChannelError(f"{self._where} was emptied meanwhile: it counts as a new channel. Try again.")
        self._identity = identity

    def _page(self, position: _Position, count: int) -> tuple[list[tuple[bytes, dict[bytes, bytes] | None]], _Stream]:
        """Entries and the stream's state at the same moment."""
        with self._as_channel_errors():
            transaction = self._client.pipeline(transaction=True)
            transaction.xread({self._stream: position.entry}, count=count)
            transaction.xinfo_stream(self._stream)
            found, info = transaction.execute(raise_on_error=False)
            if isinstance(found, Exception):
                raise found
        return (found[0][1] if found else []), self._stream_of(info)

    def _state(self) -> _Stream:
        with self._as_channel_errors():
            try:
                info: Any = self._client.xinfo_stream(self._stream)
            except redis.exceptions.ResponseError as error:
                info = error
            return self._stream_of(info)

    def _stream_of(self, info: Any) -> _Stream:  # noqa: ANN401 - the client's own shape
        if isinstance(info, redis.exceptions.ResponseError) and "no such key" in str(info):
            return _Stream(0, 0, (0, 0))
        if isinstance(info, Exception):
            with self._as_channel_errors():
                raise info
        if "entries-added" not in info:
            raise ChannelError(f"{self._where}: the server is older than Redis 7, which this channel needs.")
        milliseconds, _, sequence = info["last-generated-id"].decode().partition("-")
        return _Stream(info["entries-added"], info["length"], (int(milliseconds), int(sequence)))

    @contextmanager
    def _as_channel_errors(self) -> Iterator[None]:
        try:
            yield
        except redis.exceptions.RedisError as error:
            raise ChannelError(f"{self._where}: {self._explain(error)}") from None

    def _explain(self, error: redis.exceptions.RedisError) -> str:
        if isinstance(error, redis.exceptions.TimeoutError):
            return f"the server did not answer within {self._timeout_s:g} s. Is it overloaded, or behind a firewall?"
        text = " ".join(str(error).split())[:200]
        if isinstance(error, redis.exceptions.AuthenticationError) or text.startswith(("NOAUTH", "WRONGPASS")):
            return "the server refuses the login: check CLAIMS_SIM_CHANNEL_USERNAME and CLAIMS_SIM_CHANNEL_PASSWORD."
        if isinstance(error, redis.exceptions.NoPermissionError):
            return "the user may not do this: it needs xadd, xread, xinfo, xtrim, get, set and info."
        if "WRONGTYPE" in text or "wrong kind of value" in text:
            return "there is a key of that name that is no stream: take another name."
        if "CERTIFICATE_VERIFY_FAILED" in text:
            return "the server's certificate is not trusted: give its CA in CLAIMS_SIM_CHANNEL_CA_FILE."
        if isinstance(error, redis.exceptions.ConnectionError):
            return f"the server cannot be reached ({text.rstrip('.')}). Is it running?"
        return f"the server refuses: {text}"


def _parse(position: str) -> _Position:
    match = _POSITION.fullmatch(position)
    if match is None:
        raise ChannelError(f"'{position[:40]}' is no position of a redis channel (id:number): another kind wrote it.")
    return _Position(int(match[1]), int(match[2]), int(match[3]))


def _payload(fields: dict[bytes, bytes] | None) -> bytes:
    """The entry's payload; an entry without one is given as a whole, so that a person sees what came."""
    if fields and b"payload" in fields:
        return fields[b"payload"]
    texts = {key.decode(errors="replace"): value.decode(errors="replace") for key, value in (fields or {}).items()}
    return json.dumps(texts, ensure_ascii=False).encode()
