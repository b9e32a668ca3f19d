"""Commands of the production zone: they alone open the source, read-only."""

from pathlib import Path
from typing import Annotated

import typer

from claims_sim.cli.common import JsonOption, print_result, read_settings

app = typer.Typer()


@app.command(rich_help_panel="Production zone (opens the source, read-only)")
def profile(
    source: Annotated[Path | None, typer.Option(help="DuckDB or Parquet file; default: CLAIMS_SIM_SOURCE.")] = None,
    table: Annotated[str | None, typer.Option(help="Table or view in the source.")] = None,
    mapping: Annotated[
        Path | None, typer.Option(help="TOML file that maps a foreign table's columns and values.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Write the profile here; default: put it in force in the state folder.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Profile a real claims table: aggregates only, small cells suppressed.

    Example: claims-sim profile --source claims.duckdb --table claims_normalized --out profile.json
    """
    from claims_sim import pipeline
    from claims_sim.generation.batch import utc_now

    settings = read_settings(source=source, source_table=table, mapping=mapping)
    if out:
        pipeline.check_output(settings, out)
    refresh = pipeline.profile_source(settings, utc_now())
    if out:
        refresh.profile.save(out)
    else:
        pipeline.keep_profile(settings, refresh.profile)
    found = refresh.profile
    print_result(
        {
            "profile": str(out or settings.profile_path),
            "hash": found.profile_hash,
            "claims": f"about {found.rows:,}",
            "smallest cell": f"{found.smallest_cell()} {found.unit} (k = {found.k})",
            "period": " to ".join(found.period),
            "absent columns": ", ".join(found.absent) or "none",
            "oddities": "; ".join(found.oddities) or "none",
        },
        as_json,
    )


@app.command("map", rich_help_panel="Production zone (opens the source, read-only)")
def map_columns(
    source: Annotated[Path | None, typer.Option(help="DuckDB or Parquet file; default: CLAIMS_SIM_SOURCE.")] = None,
    table: Annotated[
        str | None, typer.Option(help="Table or view in the source; may be left out where there is only one.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write the mapping file here; default: print it.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Propose a mapping file for a table with other names or values: edit it, then give it to `profile --mapping`.

    Example: claims-sim map --source claims.duckdb --table klaim_2024 --out mapping.toml
    """
    from claims_sim import pipeline

    settings = read_settings(source=source, source_table=table)
    if out:
        pipeline.check_output(settings, out)
    proposal, text = pipeline.propose_mapping(settings, is_table_given=table is not None)
    if out:
        out.write_text(text, encoding="utf-8")
    if out or as_json:
        print_result(
            {
                "mapping": str(out) if out else "not written: give --out",
                "table": proposal.where,
                "columns": {p.ours: f"{p.theirs} ({p.confidence:.2f})" for p in proposal.placed},
                "not found": ", ".join(proposal.not_found) or "none",
                "values": {found.ours: dict(found.pairs) for found in proposal.values if found.pairs},
                "left over": ", ".join(name for name, _ in proposal.left_over) or "none",
            },
            as_json,
        )
    else:
        print(text, end="")
