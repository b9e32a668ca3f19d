"""The command that writes a batch again."""

from typing import Annotated

import typer

from claims_sim.cli.common import JsonOption, print_result, read_settings

app = typer.Typer()


@app.command(rich_help_panel="Data")
def replay(
    batch: Annotated[str, typer.Argument(help="Id of a batch, its beginning, or `last`.")],
    as_json: JsonOption = False,
) -> None:
    """Write a batch again without a model, from what was recorded of it, and say whether it is the same.

    Ends with 1 when a claim differs. Nothing is stored or sent.

    Example: claims-sim replay last
    """
    from claims_sim.pipeline.replay import replay_batch

    result = replay_batch(read_settings(), batch)
    shown = result.as_dict()
    print_result(
        shown | {"is_same": result.is_same, "differing": list(result.differing)} if as_json else shown, as_json
    )
    if not result.is_same:
        raise typer.Exit(1)
