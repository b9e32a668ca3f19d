"""The steps that judge scores: an exam that every scorer can sit, the stream's own scores, and the last release's.

The exam are labelled claims that follow from the profile alone, so that two scorers can be compared claim by claim.
The scorer gets the claims; the truth never leaves this module but as figures.
"""

import json
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from claims_sim.errors import StoreError
from claims_sim.pipeline.fidelity import write_whole
from claims_sim.pipeline.labelled import LabelledRequest, end_of, labelled_claims
from claims_sim.pipeline.profiling import current_profile
from claims_sim.pipeline.resources import database
from claims_sim.pipeline.scoring import open_scorer
from claims_sim.profile.document import Profile
from claims_sim.scoring.evaluation.answers import Answers, answers_of
from claims_sim.scoring.evaluation.compare import Comparison, compare_apart, compare_paired
from claims_sim.scoring.evaluation.evaluate import Evaluation, evaluate
from claims_sim.scoring.evaluation.measures import Floats, Share
from claims_sim.scoring.evaluation.ranking import Estimate
from claims_sim.settings import Settings
from claims_sim.store import scores, truth

EXAM: Final = LabelledRequest(20_000, rate=0.02, seed=20_260_101, prefix="EXAM")
"""400 anomalies: 40 or 80 of each kind. No published figure and no weight of ours comes from this seed."""
USUAL_VOLUME: Final = 10_000.0
"""Claims a day where the source does not say how many: 200 reviews are then 2 % of them."""
_LEAST_VOLUME: Final = 1_000
STREAM_CLAIMS: Final = 100_000
"""The newest claims of the stream that are judged."""


@dataclass(frozen=True, slots=True)
class ScoringReport:
    """What is known of a scorer: on the exam, in the stream (or why not), and against the last release.

    `comparison` is None when no earlier release sat such an exam.
    """

    scorer: str
    version: str
    profile: Profile
    asked: LabelledRequest
    exam: Evaluation
    answers: Answers
    stream: Evaluation | None
    no_stream: str
    comparison: Comparison | None

    @property
    def is_worse(self) -> bool:
        """Whether the last release was better by more than chance explains."""
        return self.comparison is not None and bool(self.comparison.worse)

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready: aggregates only."""
        return {
            "scorer": self.scorer,
            "version": self.version,
            "profile": self.profile.profile_hash,
            "asked": {"claims": self.asked.count, "rate": self.asked.rate, "seed": self.asked.seed},
            "exam": self.exam.as_dict(),
            "stream": self.stream.as_dict() if self.stream else None,
            "no_stream": self.no_stream,
            "comparison": self.comparison.as_dict() if self.comparison else None,
        }


def evaluate_scores(
    settings: Settings, *, spec: str | None = None, asked: LabelledRequest = EXAM, with_stream: bool = True
) -> ScoringReport:
    """Let a scorer (default: the one in use) sit the exam, judge the stream's scores, compare with the last release."""
    profile = current_profile(settings)
    asked = replace(asked, ref_keys=settings.ref_keys)
    claims, answers = labelled_claims(profile, asked)
    volume = claims_per_day(profile)
    with open_scorer(settings, profile, spec) as scorer:
        verdicts = scorer.score_table(claims)
        name, version = scorer.name, scorer.version
    judged = answers_of(claims, as_scores(verdicts), answers)
    exam = evaluate(judged, claims_per_day=volume)
    stream, why = _judge_stream(settings, profile, volume) if with_stream else (None, "not asked for")
    comparison = _compare(settings, exam, judged, profile, asked)
    return ScoringReport(name, version, profile, asked, exam, judged, stream, why, comparison)


def as_scores(verdicts: pa.Table) -> pa.Table:
    """A scorer's verdicts as claim_id and score."""
    return pa.table({"claim_id": verdicts["claim_id"], "score": verdicts["risk_score"]})


def claims_per_day(profile: Profile | None) -> float:
    """The source's own volume; where it is so small that 200 reviews are no choice (a sample, a demo), the usual one."""
    if profile is None:
        return USUAL_VOLUME
    first = datetime.fromisoformat(f"{profile.period[0]}-01T00:00:00+00:00")
    volume = profile.rows / max((end_of(profile.period[1]) - first).days, 1)
    return volume if volume >= _LEAST_VOLUME else USUAL_VOLUME


def keep_evaluation(
    settings: Settings, report: ScoringReport, page: str, *, releases: bool = True, accept: bool = False
) -> Path:
    """Keep the report as JSON and as a page; returns the page's path.

    With `releases` a scorer that is no worse than the last release, or that is accepted, is the last release from now on.
    Without, it is a trial of another scorer or exam, and the report of the scorer in use stays beside it.
    """
    folder = evaluation_folder(settings)
    path = folder / ("report.html" if releases else "trial.html")
    write_whole(path.with_suffix(".json"), json.dumps(report.as_dict(), indent=1, default=float))
    write_whole(path, page)
    if releases and (accept or not report.is_worse):
        _release(folder, report)
    return path


def evaluation_folder(settings: Settings) -> Path:
    """Where evaluations are kept."""
    return settings.state_dir / "evaluation"


def _judge_stream(settings: Settings, profile: Profile, volume: float) -> tuple[Evaluation | None, str]:
    """The scores that the newest claims of the stream have; None, and why, where nothing is known of them."""
    if not settings.database_path.exists():
        return None, "there is no stream yet"
    claims = scores.newest_scored(database(settings), STREAM_CLAIMS)
    path = truth.truth_path(settings.state_dir)
    known = pa.array(sorted(truth.known_batches(path)), pa.string())
    labelled = np.asarray(pc.is_in(claims["batch_id"], value_set=known), np.bool_)
    if not labelled.any():
        return None, "none of its scored claims has a known answer"
    codes = pa.array([code for code in profile.vocabularies["dx_primary_code"] if code], pa.string())
    given = pa.table({"claim_id": claims["claim_id"], "score": claims["risk_score"]})
    judged = answers_of(
        claims,
        given,
        truth.read_truth(path),
        is_labelled=labelled,
        # A code that the profile does not release is one that the scorer's peers can hold nothing of.
        is_left_out=~np.asarray(pc.is_in(claims["dx_primary_code"], value_set=codes), np.bool_),
    )
    if not len(judged.scores):
        return None, "no claim with a known answer has a code of the profile"
    return evaluate(judged, claims_per_day=volume), ""


def _compare(
    settings: Settings, exam: Evaluation, judged: Answers, profile: Profile, asked: LabelledRequest
) -> Comparison | None:
    """With the last release: claim by claim when it sat the same exam; None when it sat none of this difficulty."""
    found = _last_release(evaluation_folder(settings))
    if found is None:
        return None
    about, older = found
    sat = _exam_of(profile, asked)
    if about["exam"] != sat and about.get("difficulty") != _difficulty(asked):
        return None
    before = f"{about['scorer']} {about['version']}"
    kinds = [(one.kind, one.recall_at_2, Share(*about["kinds"].get(one.kind, (0, 0)))) for one in exam.kinds]
    if about["exam"] == sat and len(older) == len(judged.scores):
        return compare_paired(before, judged.labels, judged.scores, older, kinds)
    then = {name: Estimate(**values) for name, values in about["quality"].items()}
    return compare_apart(before, exam.quality, then, kinds)


def _exam_of(profile: Profile, asked: LabelledRequest) -> str:
    return f"{profile.profile_hash[:16]}/{asked}"


def _difficulty(asked: LabelledRequest) -> list[float | int | str | bool]:
    """What recall and precision hang on besides the scorer: exams that differ in it cannot be compared."""
    return [asked.rate, asked.mix, asked.strength, asked.campaign_share, asked.ref_keys]


def _release(folder: Path, report: ScoringReport) -> None:
    about = {
        "scorer": report.scorer,
        "version": report.version,
        "exam": _exam_of(report.profile, report.asked),
        "difficulty": _difficulty(report.asked),
        "quality": {name: one.as_dict() for name, one in report.exam.quality.items()},
        "kinds": {one.kind: (one.recall_at_2.hits, one.recall_at_2.count) for one in report.exam.kinds},
    }
    part = folder / ".released.parquet.part"
    table = pa.table({"score": report.answers.scores})
    pq.write_table(table.replace_schema_metadata({"release": json.dumps(about)}), part)
    part.replace(folder / "released.parquet")


def _last_release(folder: Path) -> tuple[dict[str, Any], Floats] | None:
    path = folder / "released.parquet"
    if not path.exists():
        return None
    try:
        table = pq.read_table(path)
        about = json.loads((table.schema.metadata or {})[b"release"])
        return about, table["score"].to_numpy()
    except (OSError, pa.ArrowException, KeyError, ValueError) as error:
        raise StoreError(f"{path} cannot be read ({type(error).__name__}): remove it, and evaluate again.") from error
