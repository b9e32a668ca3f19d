"""Run the API until it is told to stop; streams end at once, requests at work are finished."""

import socket
from collections.abc import Callable
from types import FrameType

import uvicorn
from fastapi import FastAPI

from claims_sim.api.app import create_app
from claims_sim.api.exposure import check_exposure
from claims_sim.errors import SettingsError
from claims_sim.settings import Settings

_GRACE_S = 5


class _Server(uvicorn.Server):
    """A server that lets its event streams go when it is asked to end: they would keep it waiting for ever."""

    def __init__(self, app: FastAPI, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._app = app

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Note the signal, as the base class does, and end the streams."""
        super().handle_exit(sig, frame)
        self._captured_signals.clear()  # else it is raised again at the end, and a clean stop looks like a kill
        if hasattr(self._app.state, "tail"):
            self._app.state.tail.stopping = True


def run(settings: Settings, announce: Callable[[], None] = lambda: None) -> None:
    """Serve until SIGINT or SIGTERM; `announce` is called when nothing stands against it, right before it begins.

    Raises SettingsError when the port is taken, or the address is not this machine's own and there is no key.
    """
    check_exposure(settings)
    _check_port(settings)
    app = create_app(settings)
    config = uvicorn.Config(
        app,
        host=settings.api_host,
        port=settings.api_port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=_GRACE_S,
        server_header=False,
        ws="none",
    )
    announce()
    _Server(app, config).run()


def _check_port(settings: Settings) -> None:
    family = socket.AF_INET6 if ":" in settings.api_host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.api_host, settings.api_port))
        except OSError as error:
            raise SettingsError(
                f"CLAIMS_SIM_API_PORT={settings.api_port}: cannot listen on {settings.api_host} "
                f"({error.strerror or error}); take another port."
            ) from None
