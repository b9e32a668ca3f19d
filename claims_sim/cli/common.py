"""What all commands share: settings read late, results printed for people or as JSON."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from claims_sim.settings import Settings

JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


def read_settings(**overrides: Any) -> "Settings":  # noqa: ANN401 - values of any setting
    """The settings of this process; options that were given win over the environment."""
    from claims_sim.settings import load_settings

    return load_settings(**overrides)


def print_result(result: dict[str, Any], as_json: bool) -> None:
    """Print a result: aligned for people, or as one JSON object."""
    if as_json:
        print(json.dumps(result, indent=1, default=str))
        return
    width = max((len(key) for key in result), default=0)
    for key, value in result.items():
        text = value
        if isinstance(value, dict):
            text = ", ".join(f"{name}: {one}" for name, one in value.items()) or "none"
        elif isinstance(value, list):  # sentences, one below the other
            text = f"\n{'':<{width}}  ".join(value) or "none"
        print(f"{key:<{width}}  {text}")
