"""What every step opens: the simulation database and the channel of the settings."""

from tempfile import TemporaryFile

from claims_sim.channels import Access, Channel, open_channel
from claims_sim.errors import ChannelError, SettingsError
from claims_sim.settings import PREFIX, Settings
from claims_sim.store.database import SimulationDatabase


def database(settings: Settings) -> SimulationDatabase:
    """The simulation database of these settings."""
    return SimulationDatabase(settings.database_path, lock_timeout_s=settings.lock_timeout_s)


def why_channel_is_silent(settings: Settings) -> str:
    """Why the channel does not answer now, in one line; empty when it does."""
    opened = channel(settings)
    try:
        opened.describe()
    except ChannelError as error:
        return str(error)
    finally:
        opened.close()
    return ""


def require_writable_state(settings: Settings) -> None:
    """See that the state folder is there and can be written. Raises SettingsError, one line, when it cannot."""
    folder = settings.state_dir
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise SettingsError(
            f"{PREFIX}STATE_DIR={folder} cannot be written ({error.strerror or error}): give a folder that can."
        ) from None


def channel(settings: Settings) -> Channel:
    """The channel of these settings, opened; close it."""
    access = Access(
        settings.channel_username,
        settings.channel_password.get_secret_value(),
        settings.channel_ca_file,
        settings.channel_timeout_s,
    )
    return open_channel(settings.channel_url, access=access)
