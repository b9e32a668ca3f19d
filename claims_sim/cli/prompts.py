"""Commands for prompts: look at them, compare versions, measure them."""

import json
from pathlib import Path
from typing import Annotated

import typer

from claims_sim.cli.common import JsonOption, read_settings

app = typer.Typer(
    help="The prompts: list, show and compare them, measure what a model makes of them.", no_args_is_help=True
)

FormOption = Annotated[str, typer.Option(help="choice (one of several options) or full (the whole payload).")]
VersionOption = Annotated[str | None, typer.Option("--version", help="Version; default: CLAIMS_SIM_PROMPT_VERSION.")]
LanguageOption = Annotated[str | None, typer.Option(help="en or id; default: CLAIMS_SIM_PROMPT_LANGUAGE.")]
ProfileOption = Annotated[Path | None, typer.Option("--profile", help="Profile document; default: the one in force.")]


@app.command("list")
def prompt_list(as_json: JsonOption = False) -> None:
    """List the versions, with what changed in each.

    Example: claims-sim prompt list
    """
    from claims_sim.launch.prompts import listed

    manifests = listed()
    if as_json:
        print(json.dumps(manifests, indent=1))
        return
    for manifest in manifests:
        print(f"{manifest['version']}  {manifest['name']}, answers of schema {manifest['schema_version']}")
        for line in (*manifest["changelog"], *manifest["labels"]):
            print(f"    {line}")


@app.command("show")
def prompt_show(
    form: FormOption = "choice",
    version: VersionOption = None,
    language: LanguageOption = None,
    profile_file: ProfileOption = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Another seed, another sample brief.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Show a prompt as a model gets it, for a sample brief of the profile, and the schema of its answer.

    Example: claims-sim prompt show --form full --language id --seed 3
    """
    from claims_sim import pipeline
    from claims_sim.launch.prompts import as_form, shown
    from claims_sim.profile.document import Profile

    settings = read_settings(prompt_version=version, prompt_language=language, seed=seed)
    profile = Profile.load(profile_file) if profile_file else pipeline.current_profile(settings)
    prompt = shown(settings, profile, as_form(form))
    if as_json:
        print(json.dumps(prompt, indent=1, ensure_ascii=False))
        return
    print(f"{prompt['prompt']}: {prompt['characters']} characters, about {prompt['tokens, about']} tokens\n")
    print(f"--- system\n{prompt['system']}\n--- user\n{prompt['user']}\n--- answer\n{json.dumps(prompt['schema'])}")


@app.command("diff")
def prompt_diff(
    old: Annotated[str, typer.Argument(help="Version, or version.language, such as v1 or v1.id.")],
    new: Annotated[str, typer.Argument(help="The one to compare with.")],
    form: FormOption = "choice",
    language: LanguageOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what changed from one version of the prompts to another: templates and words.

    Example: claims-sim prompt diff v1 v2 --form full
    """
    from claims_sim.launch.prompts import as_form, difference

    text = difference(old, new, as_form(form), read_settings(prompt_language=language).prompt_language)
    print(json.dumps({"old": old, "new": new, "diff": text}) if as_json else text or "No difference.")


@app.command("eval")
def prompt_eval(
    prompts: Annotated[
        list[str] | None,
        typer.Argument(help="Versions, or version.language, such as v1 v1.id; default: those in force."),
    ] = None,
    form: Annotated[str | None, typer.Option(help="Form of the prompts: auto, choice or full.")] = None,
    count: Annotated[int, typer.Option(min=20, max=1_000_000, help="Claims to let the model write with each.")] = 200,
    trials: Annotated[
        int, typer.Option(min=0, max=10_000, help="Briefs for order and recognition, each asked about four times.")
    ] = 50,
    seed: Annotated[int | None, typer.Option(min=0, help="Another seed, other briefs.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Measure what the model makes of the same briefs under each of the prompts, side by side. Opens no source.

    Stopped, it goes on where it was. `claims-sim eval-author` measures one prompt against real claims as well.

    Example: claims-sim prompt eval v1 v1.id --count 200
    """
    from claims_sim.launch.prompts import as_table, evaluated

    settings = read_settings(author="llm", prompt_form=form, seed=seed)
    reports = evaluated(settings, prompts or (), count, trials)
    print(json.dumps([report.as_dict() for report in reports], indent=1) if as_json else as_table(reports))
