"""The command line, `claims-sim`. Each command is one call into the product; imports stay inside, so that --help is fast."""

import sys
from typing import Annotated

import typer

from claims_sim import __version__
from claims_sim.cli import (
    data,
    dead_letters,
    evaluate,
    evaluate_scores,
    export,
    fidelity,
    judging,
    llm,
    profile,
    prompts,
    purging,
    replay,
    request,
    rules,
    running,
    sandbox,
    scorer,
    scores,
    serving,
    simulation,
    source,
)
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

for _commands in (
    running,
    source,
    fidelity,
    judging,
    evaluate,
    evaluate_scores,
    export,
    data,
    request,
    replay,
    rules,
    simulation,
    scores,
    sandbox,
    serving,
    purging,
):
    app.add_typer(_commands.app)
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(profile.app, name="profile", rich_help_panel="Production zone (opens the source, read-only)")
app.add_typer(llm.app, name="llm")
app.add_typer(prompts.app, name="prompt")
app.add_typer(scorer.app, name="scorer")


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
