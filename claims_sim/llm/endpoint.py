"""Where a model is reached. Decides what may be reached; opens no connection."""

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from claims_sim.errors import AuthorError


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An OpenAI-compatible server. `model` may be empty: then its first one is taken.

    `is_local` is true on this machine, `is_ours` when we started it (and may start it again); `slots` is how many
    requests it works on at once.
    """

    base_url: str
    model: str
    is_local: bool
    is_ours: bool = False
    slots: int = 1


def is_loopback(host: str) -> bool:
    """Does `host` name this machine by a loopback address?"""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def configured_endpoint(base_url: str, model: str, *, allow_remote: bool) -> Endpoint:
    """The server that the settings name. Raises AuthorError when the address is malformed or may not be used."""
    try:
        parts = urlsplit(base_url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port = "", None
    if not host or parts.scheme not in ("http", "https"):
        raise AuthorError("CLAIMS_SIM_LLM_BASE_URL is no address such as http://127.0.0.1:8080/v1.")
    if parts.username or parts.password:
        raise AuthorError("CLAIMS_SIM_LLM_BASE_URL holds a user or password: put the key into CLAIMS_SIM_LLM_API_KEY.")
    local = is_loopback(host)
    if not local and not allow_remote:
        where = f"{host}:{port}" if port else host
        raise AuthorError(
            f"The model server {where} is not on this machine: set CLAIMS_SIM_LLM_ALLOW_REMOTE=true when prompts (made of "
            "the profile's aggregates and code names) may go there."
        )
    return Endpoint(base_url.rstrip("/"), model, local, slots=1 if local else _REMOTE_SLOTS)


_REMOTE_SLOTS = 4
