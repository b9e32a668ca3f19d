"""Commands for the local language model."""

from typing import Annotated

import typer

from claims_sim.cli.common import JsonOption, print_result, read_settings

app = typer.Typer(
    help="The language model: look at it, probe it, see what was sent; serve, fetch or stop the local one.",
    no_args_is_help=True,
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

    Example: claims-sim llm serve --port 8085
    """
    from claims_sim.llm.commands import serve_model

    serve_model(read_settings(), port, lambda text: print(text, flush=True), with_parent=with_parent)


@app.command("status")
def llm_status(as_json: JsonOption = False) -> None:
    """Show the model, its weights and its server; starts nothing.

    Example: claims-sim llm status --json
    """
    from claims_sim.llm.commands import model_status
    from claims_sim.pipeline.model import model_state

    settings = read_settings()
    print_result(model_status(settings) | model_state(settings).as_dict(), as_json)


@app.command("probe")
def llm_probe(as_json: JsonOption = False) -> None:
    """Ask the model's server anew what it can do (a few short requests), and ask it for claims again if it was left alone.

    This happens by itself when a server is first used.

    Example: claims-sim llm probe --json
    """
    from claims_sim.pipeline.model import probe_model

    print_result(probe_model(read_settings()), as_json)


@app.command("log")
def llm_log(
    last: Annotated[int, typer.Option(min=1, max=100_000, help="So many of the newest requests.")] = 10,
    as_json: JsonOption = False,
) -> None:
    """Show what was sent to a model server beyond this machine, newest last. It holds no key and no header.

    Example: claims-sim llm log --last 3
    """
    import json

    from claims_sim.pipeline.model import transmission_log

    entries = transmission_log(read_settings()).entries(last)
    if as_json:
        print(json.dumps(entries, indent=1, ensure_ascii=False))
        return
    for entry in entries:
        print(f"{entry.get('at')}  {entry.get('server')}  {entry.get('sent', {}).get('model')}")
        for message in entry.get("sent", {}).get("messages", []):
            print(f"  {message.get('role')}: {message.get('content')}")
    if not entries:
        print("Nothing was sent to a model server beyond this machine.")


@app.command("install")
def llm_install(as_json: JsonOption = False) -> None:
    """Fetch the weights of the small model (98 MB, Apache-2.0) into the state folder, and verify them.

    Example: claims-sim llm install
    """
    from claims_sim.llm.commands import install_model

    print_result(install_model(read_settings()), as_json)


@app.command("stop")
def llm_stop(as_json: JsonOption = False) -> None:
    """End the local model's server; whoever needs it next starts it again.

    Example: claims-sim llm stop
    """
    from claims_sim.llm.commands import stop_model

    print_result(stop_model(read_settings()), as_json)
