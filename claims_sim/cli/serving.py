"""The command that runs the HTTP API and its live page."""

from typing import Annotated

import typer

from claims_sim.cli.common import read_settings

app = typer.Typer()


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on; other than loopback needs a key.")] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65_535, help="Port; default: CLAIMS_SIM_API_PORT.")] = None,
) -> None:
    """Serve the HTTP API and the live page over what the simulator has made. `claims-sim up` does so too.

    Example: claims-sim serve --port 8080, then open http://127.0.0.1:8080/
    """
    from claims_sim.api.serve import run
    from claims_sim.lifeline import end_with_parent, terminate_self

    settings = read_settings(api_host=host, api_port=port)
    if settings.supervised_by:
        end_with_parent(settings.supervised_by, terminate_self)
    shown = f"[{settings.api_host}]" if ":" in settings.api_host else settings.api_host
    print(
        f"The live page is at http://{shown}:{settings.api_port}/, the API's description at /openapi.json.", flush=True
    )
    run(settings)
