"""The command that removes: what nobody needs any more, and claims that are chosen by age, count or batch."""

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from claims_sim.cli.common import JsonOption, print_result, read_settings

if TYPE_CHECKING:
    from claims_sim.settings import Settings
    from claims_sim.store.purge import Selection

app = typer.Typer()


@app.command()
def purge(
    claims_older_than: Annotated[
        float | None, typer.Option(min=0, help="Claims that arrived more than so many days ago.")
    ] = None,
    keep_claims: Annotated[int | None, typer.Option(min=0, help="All claims but the newest so many.")] = None,
    batch: Annotated[
        list[str] | None,
        typer.Option(help="The claims of a batch: its id, the first part of it, or `last`; repeatable."),
    ] = None,
    days: Annotated[
        float | None,
        typer.Option(
            min=0.0001, help="What nobody needs, older than so many days; default: CLAIMS_SIM_RETENTION_DAYS."
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Remove what nobody needs any more: sent payloads, read segments, old snapshots, unused profiles.

    Claims, scores and their provenance stay, unless they are chosen by age, count (with both: what both choose) or
    batch. Those then go for good, from database, snapshots and truth, and the database's file shrinks; delivered again,
    they are known and dropped. Dagster's runs are swept by its own job, housekeeping.

    Example: claims-sim purge --claims-older-than 90 --dry-run
    """
    from claims_sim import retention
    from claims_sim.generation.batch import utc_now
    from claims_sim.store.purge import Selection

    now = utc_now()
    settings = read_settings(retention_days=days)
    gone = {}
    if batch or claims_older_than is not None or keep_claims is not None:
        before = now - timedelta(days=claims_older_than) if claims_older_than is not None else None
        gone = _purge_claims(settings, Selection(before, keep_claims, tuple(batch or ())), dry_run=dry_run)
    swept = retention.sweep(settings, now, dry_run=dry_run)
    print_result(gone | {name.replace("_", " "): count for name, count in swept.as_dict().items()}, as_json)


def _purge_claims(settings: "Settings", selection: "Selection", *, dry_run: bool) -> dict[str, object]:
    from claims_sim import pipeline
    from claims_sim.errors import StoreError
    from claims_sim.generation.batch import utc_now
    from claims_sim.launch.progress import progress

    if not settings.database_path.exists():
        raise StoreError(f"There is no simulation database at {settings.database_path} yet: there are no claims.")
    chosen = pipeline.preview_purge(settings, selection)
    if dry_run:
        return chosen.as_dict()
    with progress("Purging", chosen.claims) as advance:
        return pipeline.purge_claims(settings, selection, utc_now(), advance).as_dict()
