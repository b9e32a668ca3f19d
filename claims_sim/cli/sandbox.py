"""The command that builds a database for the user's own jobs: production zone, read-only."""

from pathlib import Path
from typing import Annotated

import typer

from claims_sim.cli.common import JsonOption, print_result, read_settings

app = typer.Typer()
_TRUTH_LOST = "not written: which claims are anomalies is told by the same command with --truth FILE alone"


@app.command(rich_help_panel="Production zone (opens the source, read-only)")
def sandbox(
    out: Annotated[Path, typer.Option(help="DuckDB file to write; an older sandbox there is replaced.")],
    count: Annotated[int, typer.Option(min=1, max=50_000_000, help="How many claims.")] = 100_000,
    stream: Annotated[bool, typer.Option("--stream", help="Take the claims of the live stream instead.")] = False,
    seed: Annotated[int, typer.Option(min=0, help="Same profile and seed, same claims.")] = 0,
    anomaly_rate: Annotated[float, typer.Option(help="Share of labelled anomalies among them.")] = 0.0,
    truth: Annotated[Path | None, typer.Option(help="Write which claims are anomalies here (.parquet).")] = None,
    fill: Annotated[
        list[str] | None,
        typer.Option(
            help="COLUMN=EXPRESSION: SQL over a claim's columns for a column that claims do not have; repeat it for more."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Build a database whose claims table has your table's name, columns and types, with simulated claims.

    Your own jobs, dashboard and agents run against it unchanged. Columns that claims do not have are null, or filled. A
    column of INA-CBG codes has groups that claims of such a diagnosis are of; where too few persons share any, they are
    made up: they have the form of one, with a number below 10.

    --fill is for columns that your table has and claims do not; the example is of a table with a column `status`.

    Example: claims-sim sandbox --out sandbox.duckdb --count 100000 --fill "status='FINAL'"
    """
    from claims_sim.errors import SettingsError
    from claims_sim.pipeline.labelled import LabelledRequest
    from claims_sim.pipeline.sandbox import write_sandbox
    from claims_sim.profile.writing.reverse import MADE_UP_GROUP

    filled = {}
    for text in fill or ():
        column, is_one, expression = text.partition("=")
        if not is_one or not column.strip() or not expression.strip():
            raise SettingsError(f"--fill {text}: write COLUMN=EXPRESSION, such as status='FINAL'.")
        filled[column.strip()] = expression.strip()
    if stream and (anomaly_rate or truth):
        raise SettingsError(
            "--stream takes the claims of the stream as they are: --anomaly-rate and --truth are for claims that are drawn."
        )
    settings = read_settings()
    asked = LabelledRequest(count=count, rate=anomaly_rate, seed=seed, ref_keys=settings.ref_keys)
    done = write_sandbox(settings, out, asked=asked, from_stream=stream, truth=truth, fill=filled)
    print_result(
        {
            "written": str(done.path),
            "table": done.table,
            "claims": done.claims,
            **({"labelled anomalies and decoys": done.anomalies} if done.anomalies else {}),
            **({"truth": str(truth or _TRUTH_LOST)} if truth or anomaly_rate else {}),
            "columns with claims": len(done.named()),
            **({"made up to the form": ", ".join(groups)} if (groups := done.named(MADE_UP_GROUP)) else {}),
            "columns filled": ", ".join(done.named("filled")) or "none",
            "columns that are null": ", ".join(done.named("")) or "none",
        },
        as_json,
    )
