"""Commands that judge scorers against each other, and anyone's verdicts against the truth."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from claims_sim.cli.common import JsonOption, read_settings
from claims_sim.cli.evaluate_scores import LanguageOption, print_evaluation

if TYPE_CHECKING:
    from claims_sim.pipeline.backtesting import Backtest
    from claims_sim.scoring.evaluation.ranking import Estimate

app = typer.Typer()


@app.command(rich_help_panel="Scores")
def backtest(
    *,
    scorer: Annotated[
        list[str],
        typer.Option(help="default, package.module:Class, joblib:path or http(s)://…; give it twice or more."),
    ],
    claims: Annotated[int, typer.Option(min=1000, max=10_000_000, help="Claims for each seed.")] = 20_000,
    anomaly_rate: Annotated[float, typer.Option(min=0.001, max=0.5, help="Share of anomalies.")] = 0.02,
    seeds: Annotated[int, typer.Option(min=1, max=100, help="How many sets of claims.")] = 5,
    seed: Annotated[int, typer.Option(min=0, help="The first seed.")] = 1,
    mix: Annotated[str, typer.Option(help="Shares of kinds, such as upcoding=2;cloned_claim=1.")] = "",
    strength: Annotated[int, typer.Option(min=0, max=3, help="1 subtle, 2 plain, 3 blatant; 0: a mix.")] = 0,
    out: Annotated[Path | None, typer.Option(help="Write the page (HTML) here.")] = None,
    language: LanguageOption = "en",
    as_json: JsonOption = False,
) -> None:
    """Send the same labelled claims through two scorers or more, and tell how they differ, with intervals.

    Example: claims-sim backtest --scorer default --scorer my_scorer:MyScorer --claims 100000 --seeds 5 --out backtest.html
    """
    from claims_sim import pipeline
    from claims_sim.generation.batch import utc_now
    from claims_sim.launch.progress import progress
    from claims_sim.pipeline.backtesting import backtest as run
    from claims_sim.pipeline.evaluation_page import backtest_page
    from claims_sim.pipeline.labelled import LabelledRequest

    settings = read_settings()
    if out:
        pipeline.check_output(settings, out)
    asked = LabelledRequest(claims, anomaly_rate, seed, mix, strength, ref_keys=settings.ref_keys)
    with progress("scorers", seeds * len(scorer)) as advance:
        found = run(settings, scorer, asked, seeds, step=advance)
    if out:
        pipeline.write_whole(out, backtest_page(found, utc_now(), language))
    if as_json:
        print(json.dumps(found.as_dict(), indent=1))
    else:
        _print_backtest(found)
        print(f"page                 {out}" if out else "--out FILE.html writes the page with kinds, decoys and seeds")


@app.command(rich_help_panel="Scores")
def grade(
    *,
    verdicts: Annotated[
        Path,
        typer.Option(help="claim_id and score (0 to 1) or verdict (anomaly, clean): .csv, .parquet, .jsonl, .json."),
    ],
    truth: Annotated[
        Path | None, typer.Option(help="Truth written by `claims-sim export`; default: that of the stream.")
    ] = None,
    claims: Annotated[
        Path | None, typer.Option(help="The exported claims, to tell provinces and classes apart.")
    ] = None,
    who: Annotated[str, typer.Option("--name", help="Whose verdicts they are.")] = "",
    claims_per_day: Annotated[
        float | None, typer.Option(min=1, help="Claims a day; default: the source's, else 10,000.")
    ] = None,
    reviews: Annotated[int, typer.Option(min=1, help="Claims that can be reviewed a day.")] = 200,
    out: Annotated[Path | None, typer.Option(help="Write the page (HTML) here.")] = None,
    language: LanguageOption = "en",
    as_json: JsonOption = False,
) -> None:
    """Compare any system's verdicts (an agent's, a rule set's, a person's) with the truth: the same table and page.

    Example: claims-sim grade --verdicts agent.csv --truth truth.parquet --claims claims.jsonl --out grade.html
    """
    from claims_sim import pipeline
    from claims_sim.generation.batch import utc_now
    from claims_sim.pipeline.evaluation_page import grade_page
    from claims_sim.pipeline.grading import grade as run

    settings = read_settings()
    if out:
        pipeline.check_output(settings, out)
    name = who or verdicts.stem
    found = run(settings, verdicts, truth_file=truth, claims_file=claims, volume=claims_per_day, reviews=reviews)
    if out:
        pipeline.write_whole(out, grade_page(found, name, utc_now(), language))
    if as_json:
        print(json.dumps(found.as_dict(), indent=1))
        return
    flagged = found.found.flagged
    print(f"verdicts             {name}: {found.verdicts:,}; {found.found.unanswered:,} claims without one")
    if found.unknown:
        print(f"unknown              {found.unknown:,} verdicts about claims without a known answer: not judged")
    print(
        f"flagged              {flagged['precision'].count:,}: {flagged['precision'].value:.1%} of them anomalies, "
        f"{flagged['recall'].value:.1%} of all anomalies"
    )
    print_evaluation(found.found)
    print(f"page                 {out}" if out else "--out FILE.html writes the page")


def _print_backtest(found: "Backtest") -> None:
    from claims_sim.pipeline.evaluation_page import LETTERS
    from claims_sim.scoring.evaluation.words import measure_name

    for letter, one in zip(LETTERS, found.contestants, strict=False):
        natures = sorted({evaluation.nature for evaluation in one.by_seed})
        print(f"{letter}  {one.title} ({one.spec}): {', '.join(natures)}")
    letters = LETTERS[: len(found.contestants)]
    print(f"{'':<24}" + "".join(f"{letter:>8}" for letter in letters) + "   first minus other (95 % interval)")
    for name in found.contestants[0].quality:
        cells = "".join(f"{one.quality[name].value:>8.3f}" for one in found.contestants)
        print(f"{measure_name(name):<24}{cells}   {_gaps([d.quality[name] for d in found.duels])}")
    for kind, share in found.contestants[0].kinds.items():
        cells = "".join(f"{one.kinds[kind].value:>8.2f}" for one in found.contestants)
        gaps = _gaps([d.kinds[kind] for d in found.duels])
        print(f"{kind:<24}{cells}   {gaps}   of {share.count}, at 2 %")
    caught = "".join(f"{one.caught_per_day / 1e6:>8,.0f}" for one in found.contestants)
    print(f"{'million Rp caught a day':<24}{caught}   of {found.lost_per_day / 1e6:,.0f} at 200 reviews a day")


def _gaps(gaps: "list[Estimate]") -> str:
    """Each difference with its interval; * where the interval leaves 0 out."""
    return "  ".join(
        f"{one.value:+.3f} ({one.low:+.3f} to {one.high:+.3f}){'*' if one.low > 0 or one.high < 0 else ' '}"
        for one in gaps
    )
