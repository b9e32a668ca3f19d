"""Commands on all scores at once: refresh them, take a refresh back, list the refreshes."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from claims_sim.cli.common import JsonOption, print_result, read_settings

if TYPE_CHECKING:
    from claims_sim.pipeline import ScoreRefresh

PRODUCTION = "Production zone (opens the source, read-only)"
app = typer.Typer()
group = typer.Typer(help="Take a refresh of all scores back, or list the refreshes.", no_args_is_help=True)
app.add_typer(group, name="scores")


@app.command("refresh-ml-scores", rich_help_panel=PRODUCTION)
def refresh_ml_scores(
    top_k: Annotated[int, typer.Option(min=1, max=100_000, help="Claims in the combined ranking.")] = 50,
    real: Annotated[
        bool, typer.Option("--real/--no-real", help="Score the real claims too, in their own zone.")
    ] = True,
    as_json: JsonOption = False,
) -> None:
    """Train the scorer anew and score every simulated and every real claim again; the last good scores stay if it fails.

    Scores of real claims and the ranking of both stay in the production zone; counts per score bin, none under k, cross.

    Example: claims-sim refresh-ml-scores --top-k 50
    """
    from claims_sim import pipeline
    from claims_sim.generation.batch import utc_now

    settings = read_settings()
    done = pipeline.refresh_scores(settings, utc_now(), top_k=top_k, with_real=real)
    if as_json:
        print(json.dumps(done.snapshot, indent=1))
        return
    print_result(_summary(done), as_json=False)


def _summary(done: "ScoreRefresh") -> dict[str, Any]:
    simulated, top, change = (done.snapshot[part] for part in ("simulated", "top_of_simulated_claims", "change"))
    apart = done.snapshot["distance_real_simulated"]
    return {
        "refresh": done.refresh_id,
        "scorer": f"{done.scorer}, version {done.model_version}",
        "simulated claims": done.claims,
        "share at or above": {threshold: f"{share:.2%}" for threshold, share in simulated["above"].items()},
        "top simulated claims": {
            "claims": top["claims"],
            "stays up to a day": _percent(top["share_of_stays_up_to_a_day"]),
            "mean amount claimed": _rupiah(top["mean_amount_claimed"]),
        },
        "changed since the last scores": f"{change['moved']} of {change['claims']} by more than {change['moved_by']:g}",
        "real claims": done.of_real_claims,
        "real and simulated apart": "unknown" if apart is None else f"{apart:.3f} (total variation of the score bins)",
        "quality snapshot": str(done.quality_file),
    }


def _percent(share: float | None) -> str:
    return "unknown" if share is None else f"{share:.0%}"


def _rupiah(amount: float | None) -> str:
    return "unknown" if amount is None else f"{amount:,.0f}"


@group.command()
def rollback(as_json: JsonOption = False) -> None:
    """Take the newest refresh back: scores, model, ranking and quality snapshot are as they were before it.

    Claims that have come since are scored again by the scorer of then. The last three refreshes can be taken back.

    Example: claims-sim scores rollback
    """
    from claims_sim import pipeline
    from claims_sim.generation.batch import utc_now

    done = pipeline.rollback_scores(read_settings(), utc_now())
    print_result(
        {
            "taken back": done.taken_back,
            "in force": done.in_force or "the scores from before the first refresh",
            "scores put back": done.claims,
            "claims scored again": done.scored_again,
            "built-in model": done.model or "none",
        },
        as_json,
    )


@group.command()
def history(as_json: JsonOption = False) -> None:
    """List the refreshes of all scores, newest first.

    Example: claims-sim scores history
    """
    from claims_sim import pipeline
    from claims_sim.store import score_sets

    settings = read_settings()
    known = score_sets.refreshes(pipeline.database(settings)) if settings.database_path.exists() else []
    if as_json:
        rows = [{"refresh": r.refresh_id, "state": r.state, "scorer": r.scorer, "version": r.model_version,
                 "claims": r.claims, "finished_at": str(r.finished_at)} for r in known]  # fmt: skip
        print(json.dumps(rows, indent=1))
        return
    for one in known:
        print(f"{one.refresh_id}  {one.state:<11}  {one.claims:>9,} claims  {one.scorer} {one.model_version}")
    if not known:
        print("There was no refresh yet: claims-sim refresh-ml-scores makes one.")
