"""Commands for the local language model."""

from typing import Annotated

import typer

from claims_sim.cli.common import JsonOption, print_result, read_settings

app = typer.Typer(
    help="The local language model: serve it, look at it, fetch its weights, stop it.", no_args_is_help=True
)


@app.command("serve")
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

    serve_model(read_settings(), port, lambda text: print(text, flush=True), with_parent=with_parent)


@app.command("status")
def llm_status(as_json: JsonOption = False) -> None:
    """Show the model, its weights and its server; starts nothing."""
    from claims_sim.llm.commands import model_status

    print_result(model_status(read_settings()), as_json)


@app.command("install")
def llm_install(as_json: JsonOption = False) -> None:
    """Fetch the weights of the small model (93 MB, Apache-2.0) into the state folder, and verify them."""
    from claims_sim.llm.commands import install_model

    print_result(install_model(read_settings()), as_json)


@app.command("stop")
def llm_stop(as_json: JsonOption = False) -> None:
    """End the local model's server; whoever needs it next starts it again."""
    from claims_sim.llm.commands import stop_model

    print_result(stop_model(read_settings()), as_json)
