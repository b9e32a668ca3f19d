"""The command that lists the rules."""

import json
from pathlib import Path
from typing import Annotated

import typer

from claims_sim.cli.common import JsonOption, read_settings

app = typer.Typer()


@app.command(rich_help_panel="Data")
def rules(
    gate: Annotated[
        str | None, typer.Option(help="Only those of a gate: admission, identity, vocabulary or plausibility.")
    ] = None,
    profile_file: Annotated[
        Path | None, typer.Option("--profile", help="Profile document; default: the one in force, if any.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List every rule that a claim must pass: what it says, what breaking it means, how often the source breaks it.

    Admission rules hold for any payload; identities, vocabularies and plausibility for claims of our own.

    Example: claims-sim rules --gate plausibility
    """
    from claims_sim.launch.rules import listed_rules
    from claims_sim.profile.document import Profile

    settings = read_settings()
    profile = None
    if profile_file:
        profile = Profile.load(profile_file)
    elif settings.profile_path.exists():
        profile = Profile.load(settings.profile_path)
    rows = [row for row in listed_rules(profile) if gate in (None, row["gate"])]
    if as_json:
        print(json.dumps(rows, indent=1))
        return
    for row in rows:
        rate = "" if row["broken in the source"] is None else f"; the source: {row['broken in the source']:.2%}"
        origin = f" [{row['source']}]" if row["source"] else ""
        print(f"{row['gate']:<13} {row['level']:<8} {row['name']:<46} {row['meaning']}{origin}{rate}")
