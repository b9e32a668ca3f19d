"""Write the reference pages that follow from the code: `docs/cli.md` (commands) and `docs/api.md` (HTTP).

python scripts/reference_docs.py
"""

import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import click
import typer

from claims_sim.api.app import create_app
from claims_sim.cli import app
from claims_sim.settings import Settings

DOCS = Path(__file__).parent.parent / "docs"
_API_INTRO = """# HTTP API

`claims-sim serve` runs it, `claims-sim up` does so too; the live page at `/` uses nothing else. It listens on
`127.0.0.1:8000` unless `CLAIMS_SIM_API_HOST` and `CLAIMS_SIM_API_PORT` say otherwise; an address that others reach needs
`CLAIMS_SIM_API_KEY`, which clients send as `X-API-Key` or `Authorization: Bearer`. `CLAIMS_SIM_API_RATE` bounds the
requests a second of one client, `CLAIMS_SIM_API_CORS` names pages elsewhere that may call it. Bodies over 64 KiB are
refused.

It reads the Parquet snapshots and never the database, so it cannot disturb the writer. Every path also stands under
`/v1`. Errors are `application/problem+json`: `status`, `detail` (what, where, what to do) and `instance`. The whole
description is a page at `/docs`, where each request can be tried, and for generators of clients at `/openapi.json`.

```
curl -X POST 127.0.0.1:8000/simulate/claims -H 'content-type: application/json' \\
     -d '{"count": 3, "where": {"province": ["BALI"], "service_type": ["RITL"]}, "author": "statistical", "seed": 7}'
curl -N 127.0.0.1:8000/claims/stream                                    # server-sent events; resumes by Last-Event-ID
curl '127.0.0.1:8000/high-risk?severity=berat&min_risk=0.5&limit=10'
```

What `/claims` and `/high-risk` filter by is not held against the profile's values, as claims with others may come: a value
that no claim has gives 200 and no claims. `POST /simulate/claims` refuses such a value and lists those there are.
"""

# Python 3.13 calls these answers as RFC 9110 does; the page is the same whichever writes it.
_RENAMED = {"Unprocessable Entity": "Unprocessable Content", "Request Entity Too Large": "Content Too Large"}


def commands() -> str:
    """All commands, as their `--help` describes them."""
    root = typer.main.get_command(app)
    parts = [
        "# Commands",
        "This page is written by `scripts/reference_docs.py` from the commands themselves; `claims-sim COMMAND --help` "
        "shows the same. `claims-sim --install-completion` sets up completion for your shell.",
        _paragraphs(root.help or ""),
    ]
    for path, command in _walk(root, "claims-sim"):
        parts.append(f"## {path}")
        parts.append(_paragraphs(inspect.cleandoc(command.help or "")))
        rows = [_row(option) for option in command.params if not getattr(option, "hidden", False)]
        rows = [row for row in rows if row]
        if rows:
            parts.append("\n".join(["| option | default | meaning |", "|---|---|---|", *rows]))
    return "\n\n".join(parts) + "\n"


def _walk(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    subcommands = getattr(command, "commands", None)
    if subcommands is None:
        yield path, command
        return
    if getattr(command, "invoke_without_command", False):  # a group that does something by itself, such as `profile`
        yield path, command
    for name, below in sorted(subcommands.items()):
        if not below.hidden:
            yield from _walk(below, f"{path} {name}")


def _row(option: click.Parameter) -> str:
    if option.name == "help":
        return ""
    if option.param_type_name == "argument":
        names = f"`{(option.metavar or option.name or '').upper()}`"
    else:
        names = ", ".join(f"`{name}`" for name in [*option.opts, *option.secondary_opts])
    default = option.default
    is_plain = default is not None and not callable(default) and default is not False and default not in ([], ())
    shown = f"`{default}`" if is_plain and not str(default).startswith("Sentinel") else ""
    text = (getattr(option, "help", None) or "").replace("|", "\\|")
    if option.required:
        shown = "required"
    return f"| {names} | {shown} | {text} |"


def _paragraphs(text: str) -> str:
    """Help text as Markdown: an example becomes a block of code."""
    done = []
    for part in re.split(r"\n\s*\n", text.replace("\b", "").strip()):
        line = " ".join(part.split())
        first, *examples = re.split(r"(?:^| )(?=Example[^:]*: +(?:[A-Z_]+=\S+ )*claims-sim )", line)
        done += [first] if first else []
        if examples:
            shown = "\n".join(one.split(":", 1)[1].strip() for one in examples)
            named = "Examples:" if len(examples) > 1 else examples[0].split(":", 1)[0] + ":"
            done.append(f"{named}\n\n```\n{shown}\n```")
    return "\n\n".join(done)


def api() -> str:
    """All operations, from the OpenAPI document."""
    document = create_app(Settings(state_dir=Path(mkdtemp()))).openapi()
    parts = [_API_INTRO.rstrip()]
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            parts += _operation(f"{method.upper()} {path}", operation, document["components"]["schemas"])
    return "\n\n".join(parts) + "\n"


def _operation(name: str, operation: dict[str, Any], schemas: dict[str, Any]) -> Iterator[str]:
    yield f"## {name}"
    text = operation.get("description", "")
    summary = operation.get("summary", "").rstrip(".")
    sentence = summary if summary.endswith("?") else f"{summary}."
    yield f"{sentence} {text}".strip() if text and not text.startswith(summary) else sentence
    rows = [
        f"| `{parameter['name']}` | {parameter['in']} | {_meaning(parameter)} |"
        for parameter in operation.get("parameters", [])
    ]
    if rows:
        yield "\n".join(["| parameter | in | meaning |", "|---|---|---|", *rows])
    if "requestBody" in operation:
        yield from _body(operation["requestBody"]["content"]["application/json"], schemas)
    answers = [
        f"{code} {_RENAMED.get(answer['description'], answer['description'])}"
        for code, answer in sorted(operation["responses"].items())
    ]
    yield f"Answers: {'; '.join(answers)}."


def _body(content: dict[str, Any], schemas: dict[str, Any]) -> Iterator[str]:
    """The fields of a request's body, and its examples."""
    schema = schemas[content["schema"]["$ref"].rsplit("/", 1)[1]]
    rows = [
        f"| `{name}` | {_type(field)} | {_meaning({'schema': field})} |" for name, field in schema["properties"].items()
    ]
    yield "The body is a JSON object, with content-type `application/json`; every field may be left out, others are refused."
    yield "\n".join(["| field | type | meaning |", "|---|---|---|", *rows])
    if where := schema["properties"].get("where"):
        texts = ", ".join(f"`{name}`" for name, one in where["properties"].items() if "items" in one)
        ranges = ", ".join(f"`{name}`" for name, one in where["properties"].items() if "items" not in one)
        yield (
            f"In `where`, {texts} take a list of values, {ranges} a list of two limits, either of which may be null; "
            "short names such as `province`, `severity`, `dx`, `stay` and `amount` are known too."
        )
    yield "\n".join(
        ["```", *(json.dumps(one["value"], ensure_ascii=False) for one in content["examples"].values()), "```"]
    )


def _known(schema: dict[str, Any]) -> dict[str, Any]:
    return next((one for one in schema.get("anyOf", [schema]) if one.get("type") != "null"), schema)


def _type(schema: dict[str, Any]) -> str:
    known = _known(schema)
    return (
        ", ".join(f"`{value}`" for value in known["enum"]) if "enum" in known else known.get("format") or known["type"]
    )


_LIMITS = (
    ("minimum", "from {:,.15g}"),
    ("exclusiveMinimum", "above {:,.15g}"),
    ("maximum", "to {:,.15g}"),
    ("maxLength", "up to {} characters"),
)
_TOO_LARGE_TO_READ = 2**53


def _meaning(parameter: dict[str, Any]) -> str:
    schema = parameter.get("schema", {})
    known = _known(schema)
    limits = [how.format(known[key]) for key, how in _LIMITS if key in known and known[key] < _TOO_LARGE_TO_READ]
    is_plain = schema.get("default") not in (None, "") and not isinstance(schema.get("default"), dict)
    default = [f"default {schema['default']}"] if is_plain else []
    said = parameter.get("description") or schema.get("description") or known.get("format") or known.get("type", "")
    return "; ".join([said, " ".join(limits), *default]).replace("; ;", ";").strip("; ").replace("|", "\\|")


def main() -> None:
    """Rewrite both pages in place."""
    (DOCS / "cli.md").write_text(commands(), encoding="utf-8")
    (DOCS / "api.md").write_text(api(), encoding="utf-8")


if __name__ == "__main__":
    main()
