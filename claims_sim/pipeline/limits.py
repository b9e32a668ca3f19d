"""What the simulation may take, of disk and of the model's budget, and whether it has taken it."""

from pathlib import Path

from claims_sim.channels.opening import jsonl_folder
from claims_sim.pipeline.model import out_of_budget
from claims_sim.settings import Settings


def folder_bytes(folder: Path) -> int:
    """Bytes of all files under `folder`; files that vanish meanwhile count nothing."""
    total = 0
    for path in folder.rglob("*") if folder.exists() else ():
        try:
            total += path.stat().st_size if path.is_file() else 0
        except OSError:
            continue
    return total


def simulation_bytes(settings: Settings) -> int:
    """Bytes of what grows with every claim: database, snapshots, the folder channel."""
    database = settings.database_path
    files = (database, database.with_name(f"{database.name}.wal"))
    kept = sum(path.stat().st_size for path in files if path.exists())
    channel = jsonl_folder(settings.channel_url)
    return kept + folder_bytes(settings.snapshots_path) + (folder_bytes(channel) if channel else 0)


def over_limit(settings: Settings) -> str:
    """Why no more claims are made, or nothing: `CLAIMS_SIM_MAX_SIZE_MB`, or a spent budget of a model that must write."""
    if not settings.max_size_mb:
        return out_of_budget(settings)
    megabytes = simulation_bytes(settings) / 1e6
    if megabytes < settings.max_size_mb:
        return out_of_budget(settings)
    return (
        f"Paused: the simulation takes {megabytes:,.0f} MB, the limit is {settings.max_size_mb:,.0f} MB; "
        "`claims-sim purge` makes room, CLAIMS_SIM_MAX_SIZE_MB raises the limit."
    )
