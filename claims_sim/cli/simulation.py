"""Commands that run one step of the chain by hand, or all of them for long: stream, consume, score."""

from typing import Annotated

import typer

from claims_sim.cli.common import JsonOption, print_result, read_settings

app = typer.Typer()


@app.command(rich_help_panel="Simulation")
def stream(
    rate: Annotated[
        str | None, typer.Option(help="Claims per time, such as 50/s or 30/min; default: the interval of the settings.")
    ] = None,
    duration: Annotated[
        str | None, typer.Option(help="End so long after the first batch can be made: 90s, 10m or 2h.")
    ] = None,
    max_claims: Annotated[int | None, typer.Option(min=1, help="End after so many claims.")] = None,
    batch_size: Annotated[int | None, typer.Option(min=1, max=10_000, help="Claims in a batch.")] = None,
    author: Annotated[str | None, typer.Option(help="Who writes the claims: statistical (fast) or llm.")] = None,
    report: Annotated[
        bool,
        typer.Option("--report/--no-report", help="Show materializations and checks in Dagster, where there is one."),
    ] = True,
    report_every: Annotated[float, typer.Option(min=1, max=3600, help="Seconds between two reports to Dagster.")] = 60,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log every batch.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Run the whole chain in one long-lived process: plan, author, review, publish, ingest, score.

    A tenth of the cost of a Dagster run per batch, and as fast as you ask. SIGTERM or Ctrl-C stops after the batch at
    work; a restart goes on, losing nothing. Exit code 7 when a run or another worker is producing.

    Example: claims-sim stream --rate 50/s --author statistical --duration 10m
    """
    from claims_sim.launch.stream import StreamOptions, run
    from claims_sim.worker.pace import parse_duration, parse_rate

    options = StreamOptions(
        rate=parse_rate(rate) if rate else None,
        batch_size=batch_size,
        duration_s=parse_duration(duration) if duration else None,
        max_claims=max_claims,
        report=report,
        report_every_s=report_every,
        verbose=verbose,
    )
    print_result(run(read_settings(author=author), options), as_json)


@app.command(rich_help_panel="Simulation")
def consume(
    follow: Annotated[bool, typer.Option("--follow", help="Go on until SIGTERM or Ctrl-C.")] = False,
    poll: Annotated[float, typer.Option(min=0.05, max=60, help="With --follow: seconds between two looks.")] = 1.0,
    as_json: JsonOption = False,
) -> None:
    """Ingest what the channel holds into the staging table, exactly once; whoever published it.

    Every payload passes the same gate; what fails is a dead letter with its reason. Several may run beside each other:
    the position is moved by one of them at a time.

    Example: claims-sim consume --follow
    """
    from claims_sim import pipeline
    from claims_sim.launch.follow import run

    settings = read_settings()
    if follow:
        print_result(run(settings, poll), as_json)
        return
    done = pipeline.ingest(settings)
    pipeline.publish_snapshots(settings)
    print_result(
        {
            "rows stored": done.rows,
            "dead letters": done.dead_letters,
            "duplicates dropped": done.duplicates,
            "position": done.position,
        },
        as_json,
    )


@app.command(rich_help_panel="Simulation")
def score(as_json: JsonOption = False) -> None:
    """Score every claim that has no score yet.

    Example: claims-sim score --json
    """
    from claims_sim import pipeline
    from claims_sim.generation.batch import utc_now

    settings = read_settings()
    scored = pipeline.score_new(settings, utc_now())
    pipeline.publish_snapshots(settings)
    print_result({"claims scored": scored}, as_json)
