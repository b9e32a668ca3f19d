"""Where a model is reached. Decides what may be reached; opens no connection."""

import ipaddress
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlsplit

from claims_sim.errors import AuthorError
from claims_sim.settings import Settings

_REMOTE_SLOTS: Final = 4
_AZURE_HOSTS: Final = (".openai.azure.com", ".cognitiveservices.azure.com", ".services.ai.azure.com")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An OpenAI-compatible server. `model` may be empty: then its first one is taken.

    `is_local` is true on this machine, `is_ours` when we started it (and may start it again); `slots` is how many
    requests it is given at once. Azure wants its key in another header, and mostly an `api_version`.
    """

    base_url: str
    model: str
    is_local: bool
    is_ours: bool = False
    slots: int = 1
    api_version: str = ""
    is_azure: bool = False

    @property
    def host(self) -> str:
        """Host and port, for messages."""
        return self.base_url.split("//", 1)[-1].split("/", 1)[0].rsplit("@", 1)[-1]


def is_loopback(host: str) -> bool:
    """Does `host` name this machine by a loopback address?"""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def endpoint_of(settings: Settings) -> Endpoint | None:
    """The configured server; None for the local model. Raises AuthorError for one that may not be used."""
    if not settings.llm_base_url:
        return None
    return configured_endpoint(
        settings.llm_base_url,
        settings.llm_model,
        allow_remote=settings.llm_allow_remote,
        api_version=settings.llm_api_version,
        concurrency=settings.llm_concurrency,
    )


def configured_endpoint(
    base_url: str, model: str, *, allow_remote: bool, api_version: str = "", concurrency: int = 0
) -> Endpoint:
    """The server that the settings name. Raises AuthorError when the address is malformed or may not be used.

    `concurrency` 0: as many requests at once as suits the place.
    """
    try:
        parts = urlsplit(base_url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port = "", None
    if not host or parts.scheme not in ("http", "https"):
        raise AuthorError("CLAIMS_SIM_LLM_BASE_URL is no address such as http://127.0.0.1:8080/v1.")
    if parts.username or parts.password:
        raise AuthorError("CLAIMS_SIM_LLM_BASE_URL holds a user or password: put the key into CLAIMS_SIM_LLM_API_KEY.")
    if parts.query:
        raise AuthorError(
            "CLAIMS_SIM_LLM_BASE_URL holds a query: leave it out; an api-version goes into CLAIMS_SIM_LLM_API_VERSION."
        )
    local = is_loopback(host)
    if not local and not allow_remote:
        where = f"{host}:{port}" if port else host
        raise AuthorError(
            f"The model server {where} is not on this machine: set CLAIMS_SIM_LLM_ALLOW_REMOTE=true when prompts (made of "
            "the profile's aggregates and code names) may go there."
        )
    is_azure = bool(api_version) or host.lower().endswith(_AZURE_HOSTS)
    address, model = _azure(base_url, parts.path, model, api_version) if is_azure else (base_url.rstrip("/"), model)
    slots = concurrency or (1 if local else _REMOTE_SLOTS)
    return Endpoint(address, model, local, slots=slots, api_version=api_version, is_azure=is_azure)


def _azure(base_url: str, path: str, model: str, api_version: str) -> tuple[str, str]:
    """Azure's address of a deployment, and the deployment's name: in the path, or (newer interface) in the request."""
    base, path = base_url.rstrip("/"), path.rstrip("/")
    if "/deployments/" in path:
        return base, model or path.split("/deployments/")[1].split("/")[0]
    if not model:
        raise AuthorError("Azure OpenAI lists no deployments: set CLAIMS_SIM_LLM_MODEL to the deployment's name.")
    if path.endswith("/v1"):
        return base, model
    base = base if path.endswith("/openai") else f"{base}/openai"
    return (f"{base}/deployments/{quote(model, safe='')}" if api_version else f"{base}/v1"), model
