"""The command that asks for claims: the same request as a run's configuration, a notebook or a program makes."""

import json
import sys
import tomllib
from pathlib import Path
from typing import Annotated, Any

import typer

from claims_sim.cli.common import JsonOption, print_result, read_settings
from claims_sim.errors import RequestError

app = typer.Typer()
_DOCUMENTS = {".json": json.loads, ".toml": tomllib.loads}


@app.command(rich_help_panel="Data")
def request(
    *,
    count: Annotated[int | None, typer.Option(help="How many claims; default: the batch size.")] = None,
    where: Annotated[
        list[str] | None,
        typer.Option(
            help="A condition that every claim holds; repeat it for more. Values after commas, ranges with two dots, "
            "codes by their beginning (dx=O8*) or by name (procedure=caesarean)."
        ),
    ] = None,
    mix: Annotated[
        list[str] | None, typer.Option(help="A share that replaces the profile's, such as service_type:RITL=0.6.")
    ] = None,
    author: Annotated[str | None, typer.Option(help="Who writes: llm or statistical.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Same seed, batch id and time, same claims.")] = None,
    clock: Annotated[str | None, typer.Option(help="When the claims happen: admission, intake or history.")] = None,
    deadline: Annotated[
        float | None, typer.Option(help="Longest time for the model, seconds; the statistical author writes the rest.")
    ] = None,
    prompt_form: Annotated[str | None, typer.Option(help="Form of the prompts: auto, choice or full.")] = None,
    prompt_version: Annotated[str | None, typer.Option(help="Version of the prompts.")] = None,
    language: Annotated[str | None, typer.Option(help="Language of the prompts: en or id.")] = None,
    anomaly_rate: Annotated[
        float | None, typer.Option(help="Share of labelled anomalies among them, from 0 to 0.5; default: none.")
    ] = None,
    anomaly_mix: Annotated[
        str | None, typer.Option(help="Kinds of anomalies and their weights, such as upcoding=2;cloned_claim=1.")
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            "--file", help="A request as .json or .toml, such as an answer's own `request`; options win over it."
        ),
    ] = None,
    profile_file: Annotated[
        Path | None, typer.Option("--profile", help="Profile document; default: the one in force.")
    ] = None,
    publish: Annotated[bool, typer.Option("--publish", help="Send the claims over the channel, too.")] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            help="File to write: .jsonl (payloads), or .json (with request, summary, provenance, and the truth of anomalies)."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Ask for claims of a kind, written at once by the author of the settings and reviewed like those of the stream.

    Prints the payloads, one a line; --json prints one object with the request as it was carried out, a summary and
    each claim's provenance. Which claims are the anomalies that were asked for is told by --json and a .json file alone.

    Example: claims-sim request --count 20 --where procedure=caesarean --where province=BALI --where class=B --out few.jsonl

    Example: claims-sim request --count 20 --where service=RITL --anomaly-rate 0.3 --anomaly-mix upcoding --out few.json
    """
    from claims_sim import pipeline
    from claims_sim.generation.batch import utc_now
    from claims_sim.generation.request import ClaimsRequest
    from claims_sim.profile.document import Profile

    settings = read_settings()
    given = {
        "count": count, "where": where, "mix": mix, "author": author, "seed": seed, "clock": clock,
        "deadline_s": deadline, "prompt_form": prompt_form, "prompt_version": prompt_version,
        "prompt_language": language, "anomaly_rate": anomaly_rate, "anomaly_mix": anomaly_mix,
    }  # fmt: skip
    asked = _document(file) | {name: value for name, value in given.items() if value is not None}
    if out:
        _check_out(out)
        pipeline.check_output(settings, out)
    profile = Profile.load(profile_file) if profile_file else None
    answer = pipeline.write_on_demand(settings, ClaimsRequest.read(asked), utc_now(), profile=profile, publish=publish)
    whole = json.dumps(answer.as_dict(), indent=1, ensure_ascii=False, default=str)
    if out:
        lines = "".join(f"{line}\n" for line in answer.batch.payloads)
        pipeline.write_whole(out, lines if out.suffix == ".jsonl" else f"{whole}\n")
    if as_json:
        print(whole)
    elif out:
        print_result({"written": str(out)} | answer.summary(), as_json)
    else:
        print("\n".join(answer.batch.payloads))
        for problem in answer.batch.problems:  # else claims of the statistical author would pass for the model's
            print(f"claims-sim: {problem}", file=sys.stderr)


def _document(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        document = _DOCUMENTS[path.suffix](path.read_text(encoding="utf-8"))
    except KeyError:
        raise RequestError(f"--file {path}: a request is a .json or a .toml file.") from None
    except ValueError:
        raise RequestError(f"--file {path} cannot be read as {path.suffix[1:].upper()}.") from None
    if not isinstance(document, dict):
        raise RequestError(f"--file {path} holds no request, which is one object.")
    return document.get("request", document) if isinstance(document.get("request"), dict) else document


def _check_out(out: Path) -> None:
    if out.suffix not in {".jsonl", ".json"}:
        raise RequestError(f"--out {out}: the file must end in .jsonl (payloads) or .json (payloads with provenance).")
