"""The command that measures a language model as an author: production zone, read-only."""

import json
from pathlib import Path
from typing import Annotated

import typer

from claims_sim.cli.common import JsonOption, read_settings

app = typer.Typer()


@app.command("eval-author", rich_help_panel="Production zone (opens the source, read-only)")
def eval_author(
    count: Annotated[int, typer.Option(min=20, max=1_000_000, help="Claims to let it write.")] = 1000,
    model: Annotated[str | None, typer.Option(help="Model name; default: CLAIMS_SIM_LLM_MODEL.")] = None,
    base_url: Annotated[str | None, typer.Option(help="Its server; default: CLAIMS_SIM_LLM_BASE_URL.")] = None,
    form: Annotated[str | None, typer.Option(help="Form of the prompts: auto, choice or full.")] = None,
    version: Annotated[str | None, typer.Option("--prompt", help="Version of the prompts.")] = None,
    language: Annotated[str | None, typer.Option(help="Language of the prompts: en or id.")] = None,
    trials: Annotated[
        int, typer.Option(min=0, max=10_000, help="Briefs for order and recognition, each asked about four times.")
    ] = 100,
    seed: Annotated[int | None, typer.Option(min=0, help="Another seed, other briefs.")] = None,
    source: Annotated[
        Path | None, typer.Option(help="Real claims to compare with; default: CLAIMS_SIM_SOURCE.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Measure how well a language model writes claims, and what of that is its own doing.

    Valid at first try, repaired and rejected by rule; what its choices add to a random pick; how it depends on the order
    of options; how its claims are told from real ones; tokens, time and money. Stopped, it goes on where it was.

    Example: claims-sim eval-author --count 5000
    """
    from claims_sim.launch.eval_author import as_text, run

    settings = read_settings(
        author="llm", llm_model=model, llm_base_url=base_url, prompt_form=form, prompt_version=version,
        prompt_language=language, seed=seed, source=source,
    )  # fmt: skip
    report = run(settings, count, trials)
    print(json.dumps(report.as_dict(), indent=1) if as_json else as_text(report))
