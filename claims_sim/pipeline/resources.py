"""What every step opens: the simulation database and the channel of the settings."""

from claims_sim.channels.contract import Channel, open_channel
from claims_sim.settings import Settings
from claims_sim.store.database import SimulationDatabase


def database(settings: Settings) -> SimulationDatabase:
    """The simulation database of these settings."""
    return SimulationDatabase(settings.database_path, lock_timeout_s=settings.lock_timeout_s)


def channel(settings: Settings) -> Channel:
    """The channel of these settings, opened; close it."""
    return open_channel(settings.channel_url)
