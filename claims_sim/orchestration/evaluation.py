"""How well the scorer finds labelled anomalies, as an asset with its check, job and schedule. Touches no stream."""

from typing import Any

from dagster import (
    AssetCheckResult,
    AssetCheckSeverity,
    AssetCheckSpec,
    AssetExecutionContext,
    AssetSelection,
    MaterializeResult,
    MetadataValue,
    ResourceParam,
    asset,
    define_asset_job,
    in_process_executor,
)

from claims_sim.generation.batch import utc_now
from claims_sim.orchestration.assets import GROUP, OWNERS, ml_scores
from claims_sim.orchestration.checks import noted
from claims_sim.orchestration.metadata import table
from claims_sim.orchestration.nightly import nightly
from claims_sim.orchestration.plots import recall_bars, score_steps
from claims_sim.orchestration.resources import Simulation, user_errors
from claims_sim.scoring.evaluation.words import measure_name


# No writer pool: it reads the stream for a moment and writes files of its own.
@asset(
    deps=[ml_scores],
    group_name=GROUP,
    kinds={"python", "duckdb"},
    owners=OWNERS,
    tags={"zone": "simulation"},
    code_version="1",
    check_specs=[
        AssetCheckSpec(
            "no_worse_than_last_release",
            asset="scoring_evaluation",
            description=(
                "The scorer ranks labelled anomalies, and finds each of their kinds, no worse than its last release by more than "
                "chance explains. To let a worse one be the release: claims-sim evaluate-scores --accept."
            ),
        ),
        AssetCheckSpec(
            "scores_are_a_ranking",
            asset="scoring_evaluation",
            description="The scores are not constant, random or reversed.",
        ),
    ],
)
@user_errors
def scoring_evaluation(context: AssetExecutionContext, simulation: ResourceParam[Simulation]):
    """How well the scorer finds labelled anomalies: recall per kind, rupiah caught, false alarms, and is it still as good.

    It scores 20,000 claims with known answers that follow from the profile (2 % anomalies). The scores of the live
    stream are judged beside. The page with everything, in English and Indonesian, is in the state folder.
    """
    from claims_sim.pipeline.evaluation_page import evaluation_page  # noqa: PLC0415 - no tick should pay for it
    from claims_sim.pipeline.examining import evaluate_scores, keep_evaluation  # noqa: PLC0415 - as above

    settings = simulation.settings
    report = evaluate_scores(settings)
    page = keep_evaluation(settings, report, evaluation_page(settings, report, utc_now()))
    found, work = report.exam, report.exam.workload
    context.log.info(
        f"{found.anomalies} anomalies among {found.claims:,} claims; stream: {report.no_stream or 'judged'}."
    )
    yield MaterializeResult(
        metadata={
            "scorer": f"{report.scorer} {report.version}",
            "dagster/row_count": found.claims,
            "anomalies": found.anomalies,
            **{f"{measure_name(name)} (0 to 1)": round(one.value, 4) for name, one in found.quality.items()},
            f"anomalies found at {work.reviews:.0f} reviews a day (share)": round(work.recall, 4),
            "rupiah caught a day (Rp)": round(work.caught_per_day),
            "rupiah lost a day (Rp)": round(work.lost_per_day),
            "false alarms per auditor-day (claims)": round(work.false_alarms_per_auditor_day, 2),
            "recall per kind": MetadataValue.md(
                recall_bars(
                    "Anomalies among the highest 2 % of scores",
                    [(one.kind, one.recall_at_2.value, *one.recall_at_2.interval) for one in found.kinds],
                )
            ),
            "kinds": table([_kind_row(one) for one in found.kinds]),
            "strengths": table([_kind_row(one) | {"strength": one.strength} for one in found.strengths]),
            "decoys flagged": table(
                [
                    {"decoy": name, "claims": share.count, "flagged": share.hits, "share": round(share.value, 4)}
                    for name, share in found.decoys.items()
                ]
            ),
            "scores": MetadataValue.md(score_steps([(b.low, b.claims, b.anomalies) for b in found.bins])),
            "clean claims above a threshold (share)": table(
                [
                    {"threshold": t, "share": round(share.value, 5), "promised": round(10 ** (-4 * t), 5)}
                    for t, share in found.clean_above.items()
                ]
            ),
            "drift of scores": table(
                [
                    {"what": name, "stability index": round(psi, 4), "Kolmogorov-Smirnov": round(ks, 4)}
                    for name, (psi, ks) in (report.stream or found).drift.items()
                ]
            ),
            "confusion at 2 % reviewed (claims)": table([place.as_dict() for place in found.places]),
            "stream": _stream_text(report),
            "report": MetadataValue.path(str(page.absolute())),
        },
        check_results=noted(settings, "scoring_evaluation", [_release_check(report), _ranking_check(report)]),
    )


def _kind_row(one: Any) -> dict[str, Any]:
    low, high = one.recall_at_2.interval
    return {
        "kind": one.kind,
        "anomalies": one.recall_at_2.count,
        "recall at 1 %": round(one.recall_at_1.value, 3),
        "recall at 2 %": round(one.recall_at_2.value, 3),
        "95 % low": round(low, 3),
        "95 % high": round(high, 3),
        "AUC": round(one.auc.value, 3),
        "rupiah lost": round(one.lost),
        "rupiah caught": round(one.caught),
    }


def _stream_text(report: Any) -> str:
    if report.stream is None:
        return f"not judged: {report.no_stream}"
    stream = report.stream
    return f"{stream.claims:,} claims, {stream.anomalies} anomalies, {stream.unlabelled:,} unlabelled: {stream.nature}"


def _release_check(report: Any) -> AssetCheckResult:
    found = report.comparison
    if found is None:
        return AssetCheckResult(
            check_name="no_worse_than_last_release",
            passed=True,
            description="No earlier release sat such an exam: nothing to compare with.",
        )
    worse = "; ".join(found.worse)
    rows = [
        {
            "measure": name,
            "difference": round(one.value, 4),
            "95 % low": round(one.low, 4),
            "95 % high": round(one.high, 4),
        }
        for name, one in found.differences.items()
    ]
    return AssetCheckResult(
        check_name="no_worse_than_last_release",
        passed=not worse,
        severity=AssetCheckSeverity.ERROR,
        description=f"Worse than {found.before}: {worse}." if worse else f"No worse than {found.before}.",
        metadata={
            "last release": found.before,
            "compared": "claim by claim" if found.is_paired else "each on claims of its own profile",
            "differences": table(rows),
        },
    )


def _ranking_check(report: Any) -> AssetCheckResult:
    natures = {"exam": report.exam.nature} | ({"stream": report.stream.nature} if report.stream else {})
    wrong = {where: nature for where, nature in natures.items() if nature in {"constant", "random", "reversed"}}
    return AssetCheckResult(
        check_name="scores_are_a_ranking",
        passed=not wrong,
        severity=AssetCheckSeverity.ERROR,
        description="; ".join(f"{where}: {nature} scores" for where, nature in (wrong or natures).items()) + ".",
        metadata=natures,
    )


evaluate_scoring = define_asset_job(
    "evaluate_scoring",
    selection=AssetSelection.assets("scoring_evaluation"),
    description="Let the scorer judge claims with known answers, and compare it with its last release.",
    executor_def=in_process_executor,
)
evaluation_schedule = nightly(
    "evaluation_schedule", evaluate_scoring, "0 4 * * *", "Measures at night, after the fidelity report."
)
