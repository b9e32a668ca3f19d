"""What every step opens: the simulation database and the channel of the settings."""

from claims_sim.channels import Access, Channel, open_channel
from claims_sim.settings import Settings
from claims_sim.store.database import SimulationDatabase


def database(settings: Settings) -> SimulationDatabase:
    """The simulation database of these settings."""
    return SimulationDatabase(settings.database_path, lock_timeout_s=settings.lock_timeout_s)


def channel(settings: Settings) -> Channel:
    """The channel of these settings, opened; close it."""
    access = Access(
        settings.channel_username,
        settings.channel_password.get_secret_value(),
        settings.channel_ca_file,
        settings.channel_timeout_s,
    )
    return open_channel(settings.channel_url, access=access)
