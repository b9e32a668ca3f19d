"""Which table of the source the settings mean. Opens the source only to see what tables it has; reads no claims."""

from contextlib import suppress

from claims_sim.errors import SourceError
from claims_sim.profile.reading.source import SourceSpec, only_table
from claims_sim.settings import Settings


def source_spec(settings: Settings) -> SourceSpec:
    """Where the real table of these settings is."""
    return SourceSpec(settings.source_path, source_table(settings), settings.mapping)


def source_table(settings: Settings) -> str:
    """The table that the settings name; where they name none and there is none of the usual name, the database's only one."""
    named = "source_table" in settings.model_fields_set
    return settings.source_table if named else _there(settings, settings.source_table)


def is_same_table(settings: Settings, former: str) -> bool:
    """Whether the settings mean the table that settings with the name `former` meant."""
    return former == settings.source_table or _there(settings, former) == source_table(settings)


def _there(settings: Settings, usual: str) -> str:
    with suppress(SourceError):  # whoever reads the table next says it
        return only_table(settings.source_path, usual)
    return usual


def source_name(settings: Settings) -> str:
    """The source's file and table, as the production zone remembers them."""
    return f"{settings.source_path.absolute()} {source_table(settings)}"
