"""The command that measures synthetic claims against the real table: production zone, read-only."""

import json
from pathlib import Path
from typing import Annotated

import typer

from claims_sim.cli.common import JsonOption, read_settings

app = typer.Typer()


@app.command(rich_help_panel="Production zone (opens the source, read-only)")
def fidelity(
    real: Annotated[Path | None, typer.Option(help="DuckDB, Parquet or CSV file; default: CLAIMS_SIM_SOURCE.")] = None,
    table: Annotated[
        str | None, typer.Option(help="Table or view in it; may be left out where there is only one.")
    ] = None,
    mapping: Annotated[
        Path | None, typer.Option(help="TOML file that maps a foreign table's columns and values.")
    ] = None,
    synthetic: Annotated[
        Path | None,
        typer.Option(help="Claims to judge: .parquet, .jsonl or .duckdb; default: drawn from the profile in force."),
    ] = None,
    synthetic_table: Annotated[str, typer.Option(help="Table in a .duckdb file of claims.")] = "claims_live_stream",
    holdout: Annotated[
        Path | None, typer.Option(help="Real claims that the profile never saw; default: a part of the real table.")
    ] = None,
    rows: Annotated[int, typer.Option(min=400, help="Claims to read of each table at the most.")] = 120_000,
    out: Annotated[Path | None, typer.Option(help="Write the report (HTML) here.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Measure how close synthetic claims are to real ones; every score beside its floor and its goal.

    Prints and writes aggregates only; the report describes the real table and stays with it. Exit code 1 when a score
    misses its goal. Of the settings' own source and profile it is kept in the state folder, like the asset's, and the
    page of `evaluate-scores` shows it.

    Example: claims-sim fidelity --real claims.duckdb --synthetic claims.parquet --out report.html
    """
    from claims_sim import pipeline
    from claims_sim.fidelity.compare import STEPS
    from claims_sim.generation.batch import utc_now
    from claims_sim.launch.progress import progress

    settings = read_settings(source=real, source_table=table, mapping=mapping)
    if out:
        pipeline.check_output(settings, out)
    with progress("measures", len(STEPS)) as advance:
        run = pipeline.measure_fidelity(
            settings,
            synthetic,
            synthetic_table=synthetic_table,
            holdout=holdout,
            rows=rows,
            step=lambda _: advance(1),
        )
    if out:
        pipeline.write_whole(out, run.html(utc_now()))
    if not any((real, table, mapping, synthetic, holdout)):
        pipeline.write_fidelity(settings, run, utc_now())
    if as_json:
        print(json.dumps(run.fidelity.as_dict(), indent=1))
    else:
        print(f"{'score':<18} {'value':>7} {'floor':>7}  {'goal':<16} verdict")
        for score in run.fidelity.scores:
            most = f"  (most: {score.where})" if score.where and score.verdict != "meets" else ""
            print(f"{score.name:<18} {score.value:>7.3f} {score.floor:>7.3f}  {score.goal:<16} {score.verdict}{most}")
        print(
            f"report             {out}" if out else "--out FILE.html writes the report with columns, pairs and slices"
        )
    raise typer.Exit(1 if run.fidelity.missed else 0)
