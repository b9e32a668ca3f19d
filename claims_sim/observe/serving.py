"""A small HTTP server on loopback for whoever watches: /metrics for Prometheus, /healthz (alive?) and /readyz (ready?)."""

import json
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from socketserver import ThreadingMixIn
from typing import Any, Final
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from claims_sim.errors import SettingsError
from claims_sim.observe import metrics
from claims_sim.observe.health import check_health
from claims_sim.settings import Settings

_JSON: Final = "application/json"
_TEXT: Final = "text/plain; charset=utf-8"
_Answer = tuple[str, str, bytes]


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    allow_reuse_address = True


class _Handler(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ANN401 - as the base class has it
        """Say nothing: a scrape every few seconds is no news."""


def watch_app(settings: Settings) -> Callable[[dict[str, Any], Callable[..., object]], Iterable[bytes]]:
    """The WSGI application. Not alive and not ready are answered with 503, and the reasons."""

    def application(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
        status, kind, body = _answer(settings, environ.get("PATH_INFO", ""))
        start_response(status, [("Content-Type", kind), ("Content-Length", str(len(body)))])
        return [b"" if environ.get("REQUEST_METHOD") == "HEAD" else body]

    return application


def _answer(settings: Settings, path: str) -> _Answer:
    if path == "/metrics":
        return "200 OK", metrics.CONTENT_TYPE, metrics.exposition(settings)
    if path not in {"/healthz", "/readyz"}:
        return "404 Not Found", _TEXT, b"There are /metrics, /healthz and /readyz.\n"
    health = check_health(settings)
    fine = health.alive if path == "/healthz" else health.ready
    return "200 OK" if fine else "503 Service Unavailable", _JSON, json.dumps(health.as_dict()).encode() + b"\n"


@contextmanager
def watched(settings: Settings) -> Iterator[None]:
    """Answer on `CLAIMS_SIM_METRICS_PORT` while the block runs; without a port nothing listens.

    Raises SettingsError when the port is taken.
    """
    if not settings.metrics_port:
        yield
        return
    port = settings.metrics_port
    try:
        server = make_server("127.0.0.1", port, watch_app(settings), server_class=_Server, handler_class=_Handler)
    except OSError as error:
        raise SettingsError(
            f"CLAIMS_SIM_METRICS_PORT={port}: cannot listen there ({error.strerror or error}); take another port."
        ) from None
    with server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield
        finally:
            server.shutdown()
