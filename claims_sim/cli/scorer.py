"""Commands for a scorer of one's own: a template to begin with, and a check of whether it keeps the protocol."""

import json
from pathlib import Path
from typing import Annotated

import typer

from claims_sim.cli.common import JsonOption, print_result, read_settings

app = typer.Typer(help="Bring a scorer of your own.", no_args_is_help=True)


@app.command()
def check(
    spec: Annotated[
        str, typer.Argument(help="package.module:Class, joblib:path or http(s)://…; default is the built-in scorer.")
    ],
    as_json: JsonOption = False,
) -> None:
    """Try a scorer on a thousand synthetic claims: does it keep the protocol, and how fast is it?

    Exit code 9 when something failed; a note is no breach. Nothing is stored.

    Example: claims-sim scorer check my_scorer:MyScorer
    """
    from claims_sim import pipeline

    checks = []
    for done in pipeline.try_scorer(read_settings(), spec):
        checks.append(done)
        if not as_json:
            print(f"{done.verdict:<6}  {done.name}: {done.detail}")
    if as_json:
        print(json.dumps([{"check": c.name, "verdict": c.verdict, "detail": c.detail} for c in checks], indent=1))
    failed = sum(done.verdict == "failed" for done in checks)
    if not as_json:
        print(f"{spec} {'does not keep the protocol' if failed else 'keeps the protocol'}.")
    raise typer.Exit(9 if failed else 0)


@app.command()
def template(
    out: Annotated[Path, typer.Option(help="Python file to write; one that is there is left alone.")],
    as_json: JsonOption = False,
) -> None:
    """Write a scorer to begin with: a class that keeps the protocol as it stands.

    Example: claims-sim scorer template --out my_scorer.py
    """
    from claims_sim.errors import SettingsError
    from claims_sim.scoring.foreign import TEMPLATE

    if out.suffix != ".py" or not out.stem.isidentifier():
        raise SettingsError(f"--out {out}: give a Python file whose name can be imported, such as my_scorer.py.")
    if out.exists():
        raise SettingsError(f"--out {out} exists and is left alone: give another name.")
    out.write_text(TEMPLATE.read_text(encoding="utf-8").replace("my_scorer", out.stem), encoding="utf-8")
    print_result({"written": str(out), "check it": f"claims-sim scorer check {out.stem}:MyScorer"}, as_json)
