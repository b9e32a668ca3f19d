"""Commands that run one step of the chain by hand: consume, score, refresh-ml-scores."""

import typer

from claims_sim.cli.common import JsonOption, print_result, read_settings

app = typer.Typer()


@app.command(rich_help_panel="Simulation")
def consume(
    as_json: JsonOption = False,
) -> None:
    """Ingest what the channel holds into the staging table, exactly once."""
    from claims_sim import pipeline

    settings = read_settings()
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
    """Score every claim that has no score yet."""
    from claims_sim import pipeline
    from claims_sim.generation.batch import utc_now

    settings = read_settings()
    scored = pipeline.score_new(settings, utc_now())
    pipeline.publish_snapshots(settings)
    print_result({"claims scored": scored}, as_json)


@app.command("refresh-ml-scores", rich_help_panel="Simulation")
def refresh_ml_scores(as_json: JsonOption = False) -> None:
    """Train the scorer on the profile in force and score every stored claim again."""
    from claims_sim import pipeline
    from claims_sim.generation.batch import utc_now

    refreshed = pipeline.refresh_scores(read_settings(), utc_now())
    print_result({"claims scored": refreshed.claims, "model version": refreshed.model_version}, as_json)
