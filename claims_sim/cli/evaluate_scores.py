"""Commands that judge scores: the scorer in use, two scorers against each other, anyone's verdicts."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from claims_sim.cli.common import JsonOption, read_settings

if TYPE_CHECKING:
    from claims_sim.scoring.evaluation.evaluate import Evaluation

app = typer.Typer()
LanguageOption = Annotated[Literal["en", "id"], typer.Option(help="Language that the page shows first: en or id.")]


@app.command("evaluate-scores", rich_help_panel="Scores")
def evaluate_scores(
    *,
    scorer: Annotated[
        str | None, typer.Option(help="Another scorer: package.module:Class, joblib:path or http(s)://…")
    ] = None,
    claims: Annotated[int, typer.Option(min=1000, max=1_000_000, help="Claims of the exam.")] = 20_000,
    anomaly_rate: Annotated[float, typer.Option(min=0.001, max=0.5, help="Share of anomalies in the exam.")] = 0.02,
    seed: Annotated[int | None, typer.Option(min=0, help="Another seed, another exam.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write the page (HTML) here, too.")] = None,
    language: LanguageOption = "en",
    accept: Annotated[
        bool, typer.Option("--accept", help="Let this scorer be the last release, though worse.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Measure how well the scorer finds labelled anomalies, and whether it got worse since its last release.

    It scores claims with known answers that are made from the profile (the exam); what the stream's own scores are worth is
    told beside. Exit code 1 when it is worse than the last release.

    Example: claims-sim evaluate-scores --out scoring.html
    """
    from dataclasses import replace

    from claims_sim import pipeline
    from claims_sim.generation.batch import utc_now
    from claims_sim.pipeline.evaluation_page import evaluation_page
    from claims_sim.pipeline.examining import EXAM, evaluate_scores, keep_evaluation

    settings = read_settings()
    if out:
        pipeline.check_output(settings, out)
    asked = replace(EXAM, count=claims, rate=anomaly_rate, seed=EXAM.seed if seed is None else seed)
    report = evaluate_scores(settings, spec=scorer, asked=asked)
    page = evaluation_page(settings, report, utc_now(), language)
    releases = accept or (asked == EXAM and scorer is None)
    kept = keep_evaluation(settings, report, page, releases=releases, accept=accept)
    if out:
        pipeline.write_whole(out, page)
    if as_json:
        print(json.dumps(report.as_dict(), indent=1))
    else:
        print(f"scorer               {report.scorer} {report.version}")
        print_evaluation(report.exam)
        stream = report.stream
        told = (
            f"{stream.claims:,} claims, {stream.anomalies} anomalies: {stream.nature}" if stream else report.no_stream
        )
        print(f"stream               {told}")
        if report.comparison:
            worse = "; ".join(report.comparison.worse)
            print(f"last release         {report.comparison.before}: {f'WORSE: {worse}' if worse else 'no worse'}")
        else:
            print("last release         none that sat such an exam: nothing to compare with")
        print(f"page                 {out or kept}")
    raise typer.Exit(1 if report.is_worse and not accept else 0)


def print_evaluation(found: "Evaluation") -> None:
    """The main figures as text."""
    from claims_sim.scoring.evaluation.words import measure_name

    work = found.workload
    print(f"ranking              {found.nature}: {found.claims:,} claims, {found.anomalies} anomalies")
    for name, one in found.quality.items():
        print(f"{measure_name(name):<20} {one.value:.3f}  ({one.low:.3f} to {one.high:.3f})")
    print(
        f"{f'{work.reviews:,.0f} reviews a day':<20} of {work.claims_per_day:,.0f} claims: {work.recall:.0%} of anomalies and "
        f"Rp {work.caught_per_day:,.0f} of Rp {work.lost_per_day:,.0f} a day; "
        f"{work.false_alarms_per_auditor_day:.1f} false alarms per auditor-day"
    )
    print(f"{'kind':<22} {'found at 2 %':>12}   {'95 % interval':<16} {'AUC':>5}")
    for kind in sorted(found.kinds, key=lambda one: -one.recall_at_2.value):
        low, high = kind.recall_at_2.interval
        hits = f"{kind.recall_at_2.hits}/{kind.recall_at_2.count}"
        print(f"{kind.kind:<22} {hits:>12}   {low:.0%} to {high:<11.0%} {kind.auc.value:.3f}")
    for name, share in found.decoys.items():
        print(f"decoy {name:<16} {share.hits:>6}/{share.count}   flagged")
