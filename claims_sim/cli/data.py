"""Commands that write files: a demo source, claims, the payload schema."""

import json
from pathlib import Path
from typing import Annotated

import typer

from claims_sim.cli.common import JsonOption, print_result, read_settings

app = typer.Typer()


@app.command("demo-source", rich_help_panel="Data")
def demo_source(
    out: Annotated[Path, typer.Option(help="File to write: .duckdb or .parquet.")],
    rows: Annotated[int, typer.Option(min=1, max=50_000_000, help="Claims in the table.")] = 100_000,
    seed: Annotated[int, typer.Option(min=0, help="Another seed, another population of claims.")] = 1,
    as_json: JsonOption = False,
) -> None:
    """Write an invented claims_normalized table to try things on.

    Example: claims-sim demo-source --rows 1200000 --out big.duckdb
    """
    from claims_sim.demo.source import write_demo_source

    summary = write_demo_source(out, rows=rows, seed=seed)
    print_result(
        {
            "written": str(out),
            "rows": summary.rows,
            "table": "claims_normalized",
            "note": "invented data, no real claims",
        },
        as_json,
    )


@app.command(rich_help_panel="Data")
def generate(
    out: Annotated[Path, typer.Option(help="File to write: .jsonl (payloads) or .parquet (flat rows).")],
    count: Annotated[int, typer.Option(min=1, max=50_000_000, help="How many claims.")] = 1000,
    profile_file: Annotated[
        Path | None, typer.Option("--profile", help="Profile document; default: the one in force.")
    ] = None,
    author: Annotated[str, typer.Option(help="Who writes the claims: statistical (fast) or llm.")] = "statistical",
    seed: Annotated[int, typer.Option(min=0, help="Same profile and seed, same claims.")] = 0,
    clock: Annotated[
        str, typer.Option(help="When the claims happen: history (the profile's period), admission or intake.")
    ] = "history",
    where: Annotated[
        list[str] | None,
        typer.Option(
            help="A condition that every claim holds; repeat it for more. Values after commas, ranges with two dots, "
            "codes with dots or without may end in *: province=BALI,ACEH, stay=3..5, dx=O8*, date=2026-01-05..2026-01-11."
        ),
    ] = None,
    mix: Annotated[
        list[str] | None,
        typer.Option(
            help="A share that replaces the profile's, such as service_type:RITL=0.6; the claims are labelled."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Write claims to a file, reviewed like those of the stream.

    In a .parquet file (flat rows) is empty what the source leaves empty, as often; a payload has to have a value.

    Example: claims-sim generate --profile profile.json --count 10000 --seed 7 --out claims.parquet
    Example: claims-sim generate --where service=RITL --where "province=JAWA TIMUR" --where stay=3..5 --out few.jsonl
    """
    from claims_sim.launch.generate import run
    from claims_sim.profile.drawing.wanted import ClaimFilter, Mix

    settings = read_settings(author=author, seed=seed, clock=clock)
    asked = ClaimFilter.parse(where or ()), Mix.parse(mix or ())
    print_result(run(settings, profile_file, count, out, *asked), as_json)


@app.command("schema", rich_help_panel="Data")
def schema(out: Annotated[Path | None, typer.Option(help="File to write; default: print.")] = None) -> None:
    """Print the JSON Schema of a claim's payload.

    Example: claims-sim schema --out claim.schema.json
    """
    from claims_sim.claim import payload_json_schema

    text = json.dumps(payload_json_schema(), indent=2) + "\n"
    if out:
        from claims_sim import pipeline

        pipeline.check_output(read_settings(), out)
        out.write_text(text)
    else:
        print(text, end="")
