"""Who may ask, how much and how often: host, key, size and rate, before any route is reached."""

import hmac
import json
import time
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from claims_sim.api.problems import MEDIA_TYPE

MAX_BODY: Final = 64 * 1024
"""Bytes; a request for claims is under 2 KB."""
DOCS_ASSETS: Final = "/docs-assets"
OPEN_PATHS: Final = ("/", "/healthz", "/readyz", "/favicon.ico", "/docs", "/openapi.json")
"""They hold no claim and no figure: no key is asked for."""
_OPEN_FOLDERS: Final = ("/page/", f"{DOCS_ASSETS}/")
_BURST_S: Final = 4
_MAX_CLIENTS: Final = 10_000


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float


class _Refusal(Exception):  # noqa: N818 - control flow, not an error
    def __init__(self, status: int, detail: str, **headers: str) -> None:
        self.status, self.detail, self.headers = status, detail, headers


class Guard:
    """ASGI middleware. `hosts` are the allowed Host names (empty: any); `key` is asked for when there is one;
    `rate` is requests a second of one client, with bursts of four seconds' worth (0: unbounded).
    """  # noqa: D205

    def __init__(self, app: ASGIApp, *, hosts: frozenset[str], key: str, rate: float) -> None:
        self._app, self._hosts, self._key, self._rate = app, hosts, key, rate
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through, or answer with a problem."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            headers = Headers(scope=scope)
            self._check_host(headers)
            self._check_rate(scope)
            self._check_key(scope["path"], headers)
            body = _Bounded(receive, headers)
        except _Refusal as refusal:
            await _refuse(scope["path"], refusal, send)
            return

        async def hand_on(message: Message) -> None:
            # A framework takes what it meets while it reads the body for a broken request; its answer is ours to give.
            if body.refusal is None:
                await send(message)
            elif message["type"] == "http.response.start":
                await _refuse(scope["path"], body.refusal, send)

        with suppress(_Refusal):
            await self._app(scope, body, hand_on)

    def _check_host(self, headers: Headers) -> None:
        # A page elsewhere that resolves its own name to 127.0.0.1 must not reach us with a visitor's browser.
        name = (
            headers.get("host", "").rsplit(":", 1)[0] if not headers.get("host", "").endswith("]") else headers["host"]
        )
        if self._hosts and name.lower() not in self._hosts:
            raise _Refusal(421, "This server answers to its own address only.")

    def _check_rate(self, scope: Scope) -> None:
        if not self._rate:
            return
        client, now = (scope.get("client") or ("?", 0))[0], time.monotonic()
        most = max(1.0, self._rate * _BURST_S)
        bucket = self._buckets.setdefault(client, _Bucket(most, now))
        self._buckets.move_to_end(client)
        if len(self._buckets) > _MAX_CLIENTS:
            self._buckets.popitem(last=False)
        bucket.tokens = min(most, bucket.tokens + (now - bucket.at) * self._rate)
        bucket.at = now
        if bucket.tokens < 1:
            wait = (1 - bucket.tokens) / self._rate
            raise _Refusal(429, "Too many requests; wait a moment.", **{"retry-after": str(int(wait) + 1)})
        bucket.tokens -= 1

    def _check_key(self, path: str, headers: Headers) -> None:
        if not self._key or path in OPEN_PATHS or path.startswith(_OPEN_FOLDERS):
            return
        given = headers.get("x-api-key") or headers.get("authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(given.encode(), self._key.encode()):
            raise _Refusal(
                401, "A key is needed: X-API-Key, or Authorization: Bearer.", **{"www-authenticate": "Bearer"}
            )


class _Bounded:
    """Hands the body on, and stops where it grows too large."""

    def __init__(self, receive: Receive, headers: Headers) -> None:
        self._receive, self._seen = receive, 0
        self.refusal: _Refusal | None = None
        said = headers.get("content-length", "0")
        if not said.isdecimal() or int(said) > MAX_BODY:
            raise _Refusal(413, f"A body of at most {MAX_BODY:,} bytes is taken.")

    async def __call__(self) -> Message:
        message = await self._receive()
        self._seen += len(message.get("body", b""))
        if self._seen > MAX_BODY:
            self.refusal = _Refusal(413, f"A body of at most {MAX_BODY:,} bytes is taken.")
            raise self.refusal
        return message


async def _refuse(path: str, refusal: _Refusal, send: Send) -> None:
    document = {
        "type": "about:blank",
        "title": HTTPStatus(refusal.status).phrase,
        "status": refusal.status,
        "detail": refusal.detail,
        "instance": path,
    }
    body = json.dumps(document).encode()
    headers = {"content-type": MEDIA_TYPE, "content-length": str(len(body)), "connection": "close", **refusal.headers}
    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": refusal.status, "headers": pairs})
    await send({"type": "http.response.body", "body": body})
