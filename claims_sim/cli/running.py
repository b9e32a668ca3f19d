"""Commands that run the simulator and look at it: up, demo, status, doctor, settings."""

import json
from pathlib import Path
from typing import Annotated

import typer

from claims_sim.cli.common import JsonOption, print_result, read_settings

app = typer.Typer()
_COLOURS = {"ok": "green", "note": "yellow", "wrong": "bold red"}


@app.command()
def up(
    with_parent: Annotated[
        bool, typer.Option("--with-parent", help="Stop when the process that started this one ends (make does).")
    ] = False,
    port: Annotated[int | None, typer.Option(help="Port of the Dagster UI.")] = None,
) -> None:
    """Run the simulator: Dagster's UI and daemon, a batch of claims every 10 to 30 seconds, ingested and scored.

    Makes a demo source when CLAIMS_SIM_SOURCE is not set. Ctrl-C stops everything; starting again goes on.

    Example: CLAIMS_SIM_SOURCE=claims.duckdb claims-sim up
    """
    from claims_sim.launch.up import run

    raise typer.Exit(run(read_settings(port=port), with_parent=with_parent))


@app.command()
def demo(
    ticks: Annotated[int, typer.Option(min=1, max=1000, help="How many batches.")] = 10,
    as_json: JsonOption = False,
) -> None:
    """Run the same chain without servers: some ticks at once, then a summary.

    Example: claims-sim demo --ticks 3
    """
    from claims_sim.launch.demo import run

    raise typer.Exit(run(read_settings(), ticks, as_json=as_json))


@app.command()
def status(
    ready: Annotated[
        bool,
        typer.Option("--ready", help="Only say whether claims arrive and nothing is in the way: exit code 0 or 1."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Show what is running and how far it is. Opens no database, so it never disturbs a run.

    Example, as a supervisor's probe: claims-sim status --ready
    """
    from claims_sim.errors import in_one_line
    from claims_sim.observe.health import check_health
    from claims_sim.observe.status import for_people, status_of

    if ready:
        health = check_health(read_settings())
        print_result(
            health.as_dict() | ({} if as_json else {"problems": in_one_line(health.problems) or "none"}), as_json
        )
        raise typer.Exit(0 if health.ready else 1)
    found = status_of(read_settings())
    print_result(found if as_json else for_people(found), as_json)


@app.command()
def doctor(
    source: Annotated[
        Path | None, typer.Option(help="DuckDB, Parquet or CSV file; default: CLAIMS_SIM_SOURCE.")
    ] = None,
    table: Annotated[
        str | None,
        typer.Option(help="Table or view in the source; default: CLAIMS_SIM_SOURCE_TABLE, else the only one."),
    ] = None,
    mapping: Annotated[
        Path | None,
        typer.Option(help="TOML file that maps a foreign table's columns and values; default: CLAIMS_SIM_MAPPING."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Look at settings, files, source, profile, model, channel, disk and ports: what is wrong, and how to mend it.

    The source is what CLAIMS_SIM_SOURCE, CLAIMS_SIM_SOURCE_TABLE and CLAIMS_SIM_MAPPING say, or the options: to try
    a table and its mapping file before they are set. Exit code 1 when something would keep the simulator from working.

    Example: claims-sim doctor --source claims.duckdb --mapping mapping.toml
    """
    from claims_sim.launch.doctor import examine

    findings = examine(read_settings(source=source, source_table=table, mapping=mapping))
    if as_json:
        print(json.dumps([finding.as_dict() for finding in findings], indent=1))
    else:
        from rich.console import Console
        from rich.text import Text

        console = Console(highlight=False, soft_wrap=True)  # without colours in a pipe or with NO_COLOR
        for finding in findings:
            verdict = (f"{finding.verdict:<5}", _COLOURS.get(finding.verdict, ""))
            console.print(Text.assemble(verdict, f" {finding.what:<20} {finding.found}"))
    raise typer.Exit(1 if any(finding.verdict == "wrong" for finding in findings) else 0)


@app.command()
def settings(as_json: JsonOption = False) -> None:
    """List every setting: its variable, the value in force and what it means.

    Example: CLAIMS_SIM_BATCH_SIZE=20 claims-sim settings
    """
    from claims_sim.settings import PREFIX, Settings

    current = read_settings()
    rows = {}
    for name, field in Settings.model_fields.items():
        if name != "supervised_by":
            value = getattr(current, name)
            rows[f"{PREFIX}{name.upper()}"] = (
                value if as_json else f"{'' if value is None else value!s:<24}  {field.description}"
            )
    print_result(rows, as_json)
