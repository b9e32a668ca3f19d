"""The job `refresh_ml_scores` and what the UI shows of it. Its work with real claims is in the production zone."""

from typing import Any, Final

from dagster import (
    AssetMaterialization,
    Config,
    MetadataValue,
    OpExecutionContext,
    ResourceParam,
    in_process_executor,
    job,
    op,
)
from pydantic import Field

from claims_sim import pipeline
from claims_sim.generation.batch import utc_now
from claims_sim.orchestration.metadata import table
from claims_sim.orchestration.nightly import nightly
from claims_sim.orchestration.resources import Simulation, user_errors

_DESCRIPTION: Final = (
    "Train the scorer on claims sampled from the profile and score every simulated and every real claim again. Scores of "
    "real claims and the combined ranking stay in the production zone; the last good scores stay when it fails."
)


class RefreshConfig(Config):
    """What a refresh may be asked for in the launchpad."""

    top_k: int = Field(pipeline.DEFAULT_TOP_K, ge=1, le=100_000, description="Claims in the combined ranking")
    with_real: bool = Field(True, description="Score the real claims too, in their own zone")


@op(name="rescore_every_claim", description=_DESCRIPTION, pool="claims_sim_writer")
@user_errors
def _refresh_scores(context: OpExecutionContext, simulation: ResourceParam[Simulation], config: RefreshConfig) -> None:
    done = pipeline.refresh_scores(simulation.settings, utc_now(), top_k=config.top_k, with_real=config.with_real)
    shown = of_refresh(done)
    context.log_event(AssetMaterialization("ml_scores", description="All scores anew", metadata=shown))
    context.add_output_metadata(shown)


@job(name="refresh_ml_scores", description=_DESCRIPTION, executor_def=in_process_executor)
def refresh_ml_scores() -> None:
    """Retrain and rescore."""
    _refresh_scores()


scores_refresh_schedule = nightly(
    "scores_refresh_schedule",
    refresh_ml_scores,
    "0 3 * * *",
    "Scores everything anew at night, when the profile has been refreshed.",
)


def of_refresh(done: pipeline.ScoreRefresh) -> dict[str, Any]:
    """The quality snapshot as metadata. Of real claims it holds released counts, like the snapshot itself."""
    snapshot = done.snapshot
    top, change, apart = (snapshot[n] for n in ("top_of_simulated_claims", "change", "distance_real_simulated"))
    return {
        "dagster/row_count": done.claims,
        "refresh": done.refresh_id,
        "scorer": f"{done.scorer} {done.model_version}",
        "scores, simulated and real": table(_score_rows(snapshot)),
        "share at or above": {
            threshold: round(share, 4) for threshold, share in snapshot["simulated"]["above"].items()
        },
        "top simulated claims by province": table(_count_rows("province", top["by_province"])),
        "top simulated claims by severity": table(_count_rows("severity", top["by_severity"])),
        "top simulated claims": {name: top[name] for name in _TOP if top[name] is not None},
        "changed since the last scores": change,
        "real claims": done.of_real_claims,
        **({} if apart is None else {"real and simulated apart (total variation)": round(apart, 4)}),
        "quality snapshot": MetadataValue.path(str(done.quality_file.absolute())),
    }


_TOP: Final = ("claims", "lowest_score", "share_of_stays_up_to_a_day", "mean_amount_claimed", "mean_amount_paid")


def _score_rows(snapshot: dict[str, Any]) -> list[dict[str, Any]]:
    """A row a bin: the bins of real claims where there are some, else those of simulated ones."""
    simulated, real = snapshot["simulated"], snapshot["real"]["bins"]
    everyone, total = max(simulated["claims"], 1), sum(one["claims"] for one in real)
    rows = []
    for one in real or simulated["bins"]:
        within = sum(b["claims"] for b in simulated["bins"] if one["from"] <= b["from"] < one["to"])
        rows.append(
            {
                "score": f"{one['from']:.2f} to {one['to']:.2f}",
                "simulated": round(within / everyone, 5),
                "real": round(one["claims"] / total, 5) if real else "not scored",
            }
        )
    return rows


def _count_rows(name: str, counts: dict[str, int]) -> list[dict[str, Any]]:
    return [{name: value, "claims": count} for value, count in counts.items()]
