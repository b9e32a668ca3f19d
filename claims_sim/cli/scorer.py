"""Commands on scorers: the card of the built-in one, a template for one's own, and a check of whether it will do."""

import json
from pathlib import Path
from typing import Annotated

import typer

from claims_sim.cli.common import JsonOption, print_result, read_settings

app = typer.Typer(help="See what the built-in scorer is; bring one of your own.", no_args_is_help=True)


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
        verdict = "does not keep the protocol" if failed else "keeps the protocol"
        print(f"{spec or 'default'} {'was not opened, and so not tried' if failed and len(checks) == 1 else verdict}.")
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


@app.command()
def card(as_json: JsonOption = False) -> None:
    """Show the built-in scorer of the profile in force: rules, weights, versions, and which share lies above a threshold.

    The shares are measured on 100,000 clean claims drawn from the profile that taught nothing. See docs/model-card.md.

    Example: claims-sim scorer card --json
    """
    from dataclasses import asdict

    from claims_sim import pipeline

    found = pipeline.describe_scorer(read_settings())
    if as_json:
        print(json.dumps(asdict(found), indent=1))
        return
    print_result(
        {
            "model": found.model_version,
            "rules": found.ruleset_version,
            "profile": found.profile_hash,
            "taught by": f"{found.taught_by:,} claims drawn from the profile",
        },
        as_json=False,
    )
    print(
        f"\n{'context':<18} {'at none':>10} {'growth':>10}   log odds without evidence, and what a tenfold rarity adds"
    )
    for name, reason in found.contexts.items():
        print(f"{name:<18} {reason.at_none:>10.1f} {reason.growth:>10.1f}")
    print(f"\n{'risk at or above':<18} {'promised':>10} {'measured':>10}   share of {found.measured_on:,} clean claims")
    for at, (promised, measured) in found.above.items():
        print(f"{at:<18g} {promised:>10.4%} {measured:>10.4%}")
    print(f"\n{'rule':<24} {'weight':>6} {'fires on':>9}")
    for rule in found.rules:
        off = f"  switched off: {rule.switched_off}" if rule.switched_off else ""
        print(f"{rule.name:<24} {rule.weight:>6.2f} {rule.clean_share:>9.3%}  {rule.description}{off}")
