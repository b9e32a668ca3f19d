"""Where the API may listen. Light on imports: `claims-sim up` asks it before anything starts."""

from typing import Final

from claims_sim.errors import SettingsError
from claims_sim.settings import Settings

LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1", "[::1]"})


def check_exposure(settings: Settings) -> None:
    """Raise SettingsError when others could reach the API and no key keeps them out."""
    if settings.api_host not in LOOPBACK and not settings.api_key.get_secret_value():
        raise SettingsError(
            f"CLAIMS_SIM_API_HOST={settings.api_host}: an address that others reach needs a key; set CLAIMS_SIM_API_KEY."
        )


def shown_host(host: str) -> str:
    """`host` as it stands in an address."""
    return f"[{host}]" if ":" in host and not host.startswith("[") else host
