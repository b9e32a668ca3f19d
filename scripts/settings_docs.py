"""Write what follows from the settings: `.env.example`, and the table of settings in the README."""

from pathlib import Path

from claims_sim.settings import PREFIX, Settings

ROOT = Path(__file__).parent.parent


def main() -> None:
    """Rewrite both files in place."""
    example = ["# Copy to .env and change what you need; every line shows a default.", ""]
    rows = ["| variable | default | meaning |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        if name == "supervised_by":
            continue
        default = field.get_default()
        shown = "" if default is None or "SecretStr" in type(default).__name__ else str(default)
        example += [f"# {field.description}", f"# {PREFIX}{name.upper()}={shown}", ""]
        rows.append(f"| `{PREFIX}{name.upper()}` | {f'`{shown}`' if shown else ''} | {field.description} |")
    (ROOT / ".env.example").write_text("\n".join(example))
    readme = ROOT / "README.md"
    before, _, rest = readme.read_text().partition("<!-- settings -->")
    _, _, after = rest.partition("<!-- /settings -->")
    table = "\n".join(["<!-- settings -->", *rows, "<!-- /settings -->"])
    readme.write_text(before + table + after)


if __name__ == "__main__":
    main()
