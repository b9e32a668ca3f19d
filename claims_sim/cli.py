"""The command line, `claims-sim`. Each command is one call into the product; imports stay inside, so that --help is fast."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from claims_sim import __version__
from claims_sim.errors import ClaimsSimError

app = typer.Typer(
    name="claims-sim",
    help=(
        "Synthetic health-insurance claims that arrive like real ones, follow a real table's profile and hold nobody's data.\n\n"
        "Start with `claims-sim up` (servers and UI) or `claims-sim demo` (no servers). Settings are environment variables; "
        "`claims-sim settings` lists them.\n\n"
        "Exit codes: 0 done, 1 failed, 2 wrong setting or option, 3 source, 4 simulation database, 5 channel, 6 profile, "
        "7 another producer is running, 8 author, 9 scorer."
    ),
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode=None,
)

JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


def _settings(**overrides: Any) -> Any:  # noqa: ANN401 - Settings, imported late
    from claims_sim.settings import load_settings

    return load_settings(**overrides)


def _print(result: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print(json.dumps(result, indent=1, default=str))
        return
    width = max((len(key) for key in result), default=0)
    for key, value in result.items():
        print(f"{key:<{width}}  {value}")


def _version(value: bool) -> None:
    if value:
        print(f"claims-sim {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    del version


@app.command()
def up(
    with_parent: Annotated[
        bool, typer.Option("--with-parent", help="Stop when the process that started this one ends (make does).")
    ] = False,
    port: Annotated[int | None, typer.Option(help="Port of the Dagster UI.")] = None,
) -> None:
    """Run the simulator: Dagster's UI and daemon, a batch of claims every 10 to 30 seconds, ingested and scored.

    Makes a demo source when CLAIMS_SIM_SOURCE is not set. Ctrl-C stops everything; starting again goes on.
    """
    from claims_sim.launch.up import run

    raise typer.Exit(run(_settings(port=port), with_parent=with_parent))


@app.command()
def demo(
    ticks: Annotated[int, typer.Option(min=1, max=1000, help="How many batches.")] = 10,
    as_json: JsonOption = False,
) -> None:
    """Run the same chain without servers: some ticks at once, then a summary."""
    from claims_sim.launch.demo import run

    raise typer.Exit(run(_settings(), ticks, as_json=as_json))


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
    _print(
        {
            "written": str(out),
            "rows": summary.rows,
            "table": "claims_normalized",
            "note": "invented data, no real claims",
        },
        as_json,
    )


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

    settings = _settings(source=source, source_table=table, mapping=mapping)
    if out:
        pipeline.check_output(settings, out)
    refresh = pipeline.profile_source(settings, utc_now())
    if out:
        refresh.profile.save(out)
    else:
        pipeline.keep_profile(settings, refresh.profile)
    found = refresh.profile
    _print(
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
    as_json: JsonOption = False,
) -> None:
    """Write claims to a file, reviewed like those of the stream.

    Example: claims-sim generate --profile profile.json --count 10000 --seed 7 --out claims.parquet
    """
    from claims_sim.launch.generate import run

    settings = _settings(author=author, seed=seed, clock=clock)
    _print(run(settings, profile_file, count, out), as_json)


@app.command(rich_help_panel="Simulation")
def consume(
    as_json: JsonOption = False,
) -> None:
    """Ingest what the channel holds into the staging table, exactly once."""
    from claims_sim import pipeline

    settings = _settings()
    done = pipeline.ingest(settings)
    pipeline.publish_snapshots(settings)
    _print(
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

    settings = _settings()
    scored = pipeline.score_new(settings, utc_now())
    pipeline.publish_snapshots(settings)
    _print({"claims scored": scored}, as_json)


@app.command("refresh-ml-scores", rich_help_panel="Simulation")
def refresh_ml_scores(as_json: JsonOption = False) -> None:
    """Train the scorer on the profile in force and score every stored claim again."""
    from claims_sim import pipeline
    from claims_sim.generation.batch import utc_now

    refreshed = pipeline.refresh_scores(_settings(), utc_now())
    _print({"claims scored": refreshed.claims, "model version": refreshed.model_version}, as_json)


llm = typer.Typer(
    help="The local language model: serve it, look at it, fetch its weights, stop it.", no_args_is_help=True
)
app.add_typer(llm, name="llm")


@llm.command("serve")
def llm_serve(
    port: Annotated[int, typer.Option(min=1, max=65_535, help="Port on 127.0.0.1.")] = 8085,
    with_parent: Annotated[
        bool, typer.Option("--with-parent", help="Stop when the process that started this one ends.")
    ] = False,
) -> None:
    """Run the local model alone, as an OpenAI-compatible server on loopback, until Ctrl-C.

    Another simulator uses it with CLAIMS_SIM_LLM_BASE_URL=http://127.0.0.1:8085/v1.
    """
    from claims_sim.llm.commands import serve_model

    serve_model(_settings(), port, lambda text: print(text, flush=True), with_parent=with_parent)


@llm.command("status")
def llm_status(as_json: JsonOption = False) -> None:
    """Show the model, its weights and its server; starts nothing."""
    from claims_sim.llm.commands import model_status

    _print(model_status(_settings()), as_json)


@llm.command("install")
def llm_install(as_json: JsonOption = False) -> None:
    """Fetch the weights of the small model (93 MB, Apache-2.0) into the state folder, and verify them."""
    from claims_sim.llm.commands import install_model

    _print(install_model(_settings()), as_json)


@llm.command("stop")
def llm_stop(as_json: JsonOption = False) -> None:
    """End the local model's server; whoever needs it next starts it again."""
    from claims_sim.llm.commands import stop_model

    _print(stop_model(_settings()), as_json)


@app.command()
def doctor(as_json: JsonOption = False) -> None:
    """Look at settings, files, source, profile, model, channel, disk and ports: what is wrong, and how to mend it.

    Exit code 1 when something would keep the simulator from working.
    """
    from claims_sim.launch.doctor import examine

    findings = examine(_settings())
    if as_json:
        print(json.dumps([finding.as_dict() for finding in findings], indent=1))
    else:
        for finding in findings:
            print(f"{finding.verdict:<5} {finding.what:<20} {finding.found}")
    raise typer.Exit(1 if any(finding.verdict == "wrong" for finding in findings) else 0)


@app.command()
def purge(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    days: Annotated[
        float | None, typer.Option(min=0.0001, help="Older than so many days; default: CLAIMS_SIM_RETENTION_DAYS.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Remove what nobody needs any more: sent payloads, read segments, old snapshots, unused profiles.

    Claims, scores and their provenance stay. Dagster's runs are swept by its own job, housekeeping.
    """
    from claims_sim import retention
    from claims_sim.generation.batch import utc_now

    swept = retention.sweep(_settings(retention_days=days), utc_now(), dry_run=dry_run)
    _print({f"{name.replace('_', ' ')}": count for name, count in swept.as_dict().items()}, as_json)


@app.command()
def status(as_json: JsonOption = False) -> None:
    """Show what is running and how far it is. Opens no database, so it never disturbs a run."""
    from claims_sim.launch.status import status_of

    _print(status_of(_settings()), as_json)


@app.command()
def settings(as_json: JsonOption = False) -> None:
    """List every setting: its variable, the value in force and what it means."""
    from claims_sim.settings import PREFIX, Settings

    current = _settings()
    rows = {}
    for name, field in Settings.model_fields.items():
        if name != "supervised_by":
            value = getattr(current, name)
            rows[f"{PREFIX}{name.upper()}"] = (
                value if as_json else f"{'' if value is None else value!s:<24}  {field.description}"
            )
    _print(rows, as_json)


@app.command("schema", rich_help_panel="Data")
def schema(out: Annotated[Path | None, typer.Option(help="File to write; default: print.")] = None) -> None:
    """Print the JSON Schema of a claim's payload."""
    from claims_sim.claim import payload_json_schema

    text = json.dumps(payload_json_schema(), indent=2) + "\n"
    if out:
        from claims_sim import pipeline

        pipeline.check_output(_settings(), out)
        out.write_text(text)
    else:
        print(text, end="")


def main() -> None:
    """Entry point: a user's mistake is one line on stderr and an exit code, never a traceback."""
    try:
        app()
    except ClaimsSimError as error:
        print(f"claims-sim: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        print(f"claims-sim: {where}{error.strerror or error}.", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    except RuntimeError as error:
        if str(error) != "Query interrupted":  # how DuckDB tells of Ctrl-C
            raise
        sys.exit(130)


if __name__ == "__main__":
    main()
