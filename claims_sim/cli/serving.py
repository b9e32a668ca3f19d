"""Commands around the HTTP API and what its page controls."""

from typing import Annotated

import typer

from claims_sim.cli.common import JsonOption, print_result, read_settings

app = typer.Typer()


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on; other than loopback needs a key.")] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65_535, help="Port; default: CLAIMS_SIM_API_PORT.")] = None,
) -> None:
    """Serve the HTTP API and the live page over what the simulator has made. `claims-sim up` does so too.

    Example: claims-sim serve --port 8080, then open http://127.0.0.1:8080/
    """
    from claims_sim.api.exposure import shown_host
    from claims_sim.api.serve import run
    from claims_sim.lifeline import end_with_parent, terminate_self

    settings = read_settings(api_host=host, api_port=port)
    if settings.supervised_by:
        end_with_parent(settings.supervised_by, terminate_self)
    where = f"http://{shown_host(settings.api_host)}:{settings.api_port}/"
    run(settings, lambda: print(f"The live page is at {where}, the API is explained at /docs.", flush=True))


@app.command()
def inject(
    minutes: Annotated[float, typer.Option(help="How long, up to 120.")] = 5,
    rate: Annotated[str, typer.Option(help="Claims per time, such as 2/s; up to 50/s.")] = "2/s",
    anomaly_rate: Annotated[float, typer.Option(help="Share of labelled anomalies, up to 0.5.")] = 0.3,
    anomaly_mix: Annotated[str, typer.Option(help="Kinds and weights, such as upcoding=2;cloned_claim=1.")] = "",
    stop: Annotated[bool, typer.Option("--stop", help="Stop the one that runs.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Let the running stream make more claims for some minutes, with more anomalies among them, as the live page can.

    It needs `claims-sim up` or `claims-sim stream`; the first claims come with the next batch.

    Example: claims-sim inject --minutes 5 --rate 2/s --anomaly-rate 0.3 --anomaly-mix upcoding
    """
    from claims_sim import pipeline
    from claims_sim.worker.pace import parse_rate

    settings = read_settings()
    if stop:
        state = pipeline.stop_injection(settings)
    else:
        asked = {
            "minutes": minutes,
            "per_s": parse_rate(rate),
            "anomaly_rate": anomaly_rate,
            "anomaly_mix": anomaly_mix,
        }
        state = pipeline.start_injection(settings, pipeline.Injection.read(asked))
    print_result(state if as_json else {name.replace("_", " "): value for name, value in state.items()}, as_json)
