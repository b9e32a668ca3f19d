"""The errors a user can meet. Each message is one line: what, where, and what to do.

Foreign exceptions (DuckDB, files, servers) are wrapped at the boundary that calls them; the CLI and the assets
print these without a traceback. Anything else that escapes is a fault of ours.
"""

from collections.abc import Iterable

EXIT_USAGE = 2
EXIT_SOURCE = 3
EXIT_STORE = 4
EXIT_CHANNEL = 5
EXIT_PROFILE = 6
EXIT_BUSY = 7
EXIT_AUTHOR = 8
EXIT_SCORER = 9


class ClaimsSimError(Exception):
    """A mistake or an outage that the user can mend; `exit_code` is what the CLI ends with."""

    exit_code = 1


class SettingsError(ClaimsSimError):
    """A setting has a value that is not allowed."""

    exit_code = EXIT_USAGE


class SourceError(ClaimsSimError):
    """The real claims table cannot be read as it is."""

    exit_code = EXIT_SOURCE


class StoreError(ClaimsSimError):
    """The simulation database cannot be opened, written or migrated."""

    exit_code = EXIT_STORE


class StoreLockedError(StoreError):
    """Another process kept the simulation database open for longer than we were willing to wait."""


class PositionMovedError(StoreError):
    """Another consumer has moved the stored position on since we read it: drain again from there."""


class ChannelError(ClaimsSimError):
    """A channel cannot be written or read."""

    exit_code = EXIT_CHANNEL


class ProfileError(ClaimsSimError):
    """A profile document is missing, malformed or of another schema version."""

    exit_code = EXIT_PROFILE


class RequestError(ClaimsSimError):
    """What was asked of the claims cannot be read, or the profile has nothing of the kind."""

    exit_code = EXIT_USAGE


class ProducerBusyError(ClaimsSimError):
    """Another run or worker is producing claims already; there is one producer at a time."""

    exit_code = EXIT_BUSY


class AuthorError(ClaimsSimError):
    """An author could not write its claims."""

    exit_code = EXIT_AUTHOR


class ScorerError(ClaimsSimError):
    """A scorer cannot be trained, or its files are missing, damaged or of another version."""

    exit_code = EXIT_SCORER


def in_one_line(messages: Iterable[str]) -> str:
    """Messages as one, each told once; empty when there are none."""
    told = [message.rstrip(".") for message in dict.fromkeys(messages)]
    return f"{'; '.join(told)}." if told else ""
