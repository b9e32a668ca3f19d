"""Commands about the source table: a mapping file, a view over it and the simulation. Production zone, read-only."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from claims_sim.cli.common import JsonOption, print_result, read_settings

app = typer.Typer()


@app.command("map", rich_help_panel="Production zone (opens the source, read-only)")
def map_columns(
    source: Annotated[
        Path | None, typer.Option(help="DuckDB, Parquet or CSV file; default: CLAIMS_SIM_SOURCE.")
    ] = None,
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
    from claims_sim.profile.reading.source_columns import absent_in_words

    settings = read_settings(source=source, source_table=table)
    if out:
        pipeline.check_output(settings, out)
    proposal, text = pipeline.propose_mapping(settings)
    if out:
        out.write_text(text, encoding="utf-8")
    if out or as_json:
        print_result(
            {
                "mapping": str(out) if out else "not written: give --out",
                "table": proposal.where,
                "columns": {p.ours: f"{', '.join((p.theirs, *p.also))} ({p.confidence:.2f})" for p in proposal.placed},
                **({"notes": notes} if (notes := {p.ours: p.note for p in proposal.placed if p.note}) else {}),
                "not found": absent_in_words(proposal.not_found),
                "values": {found.ours: dict(found.pairs) for found in proposal.values if found.pairs},
                "left over": ", ".join(name for name, _ in proposal.left_over) or "none",
                **({"still needed": "; ".join(needed)} if (needed := proposal.still_needed) else {}),
                **({"next": _after_mapping(proposal.options, out)} if out else {}),
            },
            as_json,
        )
    else:
        print(text, end="")


def _after_mapping(options: str, out: Path) -> str:
    return (
        f"read and correct it, then: claims-sim profile {options} --mapping {shlex.quote(str(out))} --out profile.json"
    )


@app.command("union-view", rich_help_panel="Production zone (opens the source, read-only)")
def union_view(
    source: Annotated[
        Path | None, typer.Option(help="DuckDB, Parquet or CSV file; default: CLAIMS_SIM_SOURCE.")
    ] = None,
    table: Annotated[
        str | None, typer.Option(help="Table or view in the source; may be left out where there is only one.")
    ] = None,
    mapping: Annotated[
        Path | None, typer.Option(help="TOML file that maps a foreign table's columns and values.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write the SQL here; default: print it.")] = None,
) -> None:
    """Write the SQL of a view that unites real and simulated claims, told apart by a column `source`.

    Example: claims-sim union-view --out union.sql && duckdb mine.duckdb < union.sql
    """
    from claims_sim import pipeline

    settings = read_settings(source=source, source_table=table, mapping=mapping)
    text = pipeline.union_view_of(settings)
    if out:
        pipeline.check_output(settings, out)
        out.write_text(text, encoding="utf-8")
    else:
        print(text, end="")
