"""The command that proposes a mapping file: production zone, read-only."""

from pathlib import Path
from typing import Annotated

import typer

from claims_sim.cli.common import JsonOption, print_result, read_settings

app = typer.Typer()


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
