"""Commands about known answers: which anomalies there are, and claims that hold them, with the truth beside."""

import json
from pathlib import Path
from typing import Annotated

import typer

from claims_sim.cli.common import JsonOption, print_result, read_settings

app = typer.Typer()


@app.command(rich_help_panel="Data")
def export(
    out: Annotated[Path, typer.Option(help="Claims: .jsonl (payloads) or .parquet (flat rows).")],
    truth: Annotated[Path, typer.Option(help="The answers, a row for each claim: .parquet.")],
    *,
    datasheet: Annotated[
        Path | None, typer.Option(help="What the set is; default: beside --out, ending in .datasheet.md.")
    ] = None,
    count: Annotated[int, typer.Option(min=1, max=10_000_000, help="How many claims.")] = 10_000,
    anomaly_rate: Annotated[float, typer.Option(min=0, max=0.5, help="Share of anomalies, exact over 1,000.")] = 0.02,
    mix: Annotated[
        str, typer.Option(help="Shares of their kinds, such as upcoding=2;cloned_claim=1; default: all kinds.")
    ] = "",
    strength: Annotated[int, typer.Option(min=0, max=3, help="1 subtle, 2 plain, 3 blatant; 0: a mix.")] = 0,
    campaign_share: Annotated[
        float, typer.Option(min=0, max=1, help="Share of the anomalies that are cases at one facility.")
    ] = 0.0,
    profile_file: Annotated[
        Path | None, typer.Option("--profile", help="Profile document; default: the one in force.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Same profile, options and seed, same bytes.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Write claims with labelled anomalies, the truth about them, and a datasheet: known answers for tests.

    With CLAIMS_SIM_REF_KEYS=true claims have persons, and there are kinds that show only over several of their claims.

    Example: claims-sim export --count 10000 --anomaly-rate 0.02 --truth truth.parquet --out claims.jsonl
    """
    from claims_sim.launch.export import Places, run
    from claims_sim.pipeline.labelled import LabelledRequest

    settings = read_settings()
    asked = LabelledRequest(count, anomaly_rate, seed, mix, strength, campaign_share, ref_keys=settings.ref_keys)
    sheet = datasheet or out.with_suffix(".datasheet.md")
    print_result(run(settings, profile_file, asked, Places(out, truth, sheet)), as_json)


@app.command(rich_help_panel="Data")
def anomalies(
    markdown: Annotated[bool, typer.Option("--markdown", help="Print the tables of docs/anomalies.md.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List the kinds of anomalies, how strong they may be, and what no claim's payload can show.

    The shares are those of the usual mix without and with persons (CLAIMS_SIM_REF_KEYS).

    Example: claims-sim anomalies --json
    """
    from claims_sim.anomalies.kinds import OUT_OF_SCOPE
    from claims_sim.launch.anomaly_list import as_markdown, listed_kinds

    if markdown:
        print(as_markdown())
    elif as_json:
        print(json.dumps(listed_kinds(), indent=1))
    else:
        print("Shares of the usual mix without and with the optional keys (CLAIMS_SIM_REF_KEYS):")
        print(f"{'kind':<21} {'no keys':>7} {'keys':>4}  what it is, which act of the regulation, how strong it may be")
        for kind in listed_kinds():
            shares = f"{kind['share']:>7.0%} {kind['share with keys']:>4.0%}"
            print(f"{kind['kind']:<21} {shares}  {kind['what']}\n{'':<36}{kind['guidance']}")
            for strength in ("subtle", "plain", "blatant"):
                print(f"{'':<36}{strength:<8} {kind[strength]}")
        print("Out of scope:")
        for act, why in OUT_OF_SCOPE.items():
            print(f"  {act}: {why}")
