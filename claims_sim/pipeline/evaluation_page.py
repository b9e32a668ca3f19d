"""Pages about scores: an evaluation beside what is known of the claims' fidelity and privacy, comparisons, grades."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from claims_sim.pipeline.backtesting import Backtest
from claims_sim.pipeline.examining import ScoringReport
from claims_sim.pipeline.grading import Grade
from claims_sim.profile.document import Profile
from claims_sim.scoring.evaluation.report import Facts, Language, Page, render, render_page
from claims_sim.scoring.evaluation.words import TEXTS
from claims_sim.scoring.scorer import BUILT_IN
from claims_sim.settings import Settings

LETTERS: Final = "ABCDEFGHIJ"
"""How scorers of a comparison are called for short."""
_SHOWN: Final = ("c2st", "c2st_audit", "tstr", "rule_violations", "exact_copies", "dcr_share")


def evaluation_page(settings: Settings, report: ScoringReport, now: datetime, language: Language = "en") -> str:
    """The page as HTML; it speaks both languages, `language` first."""
    page = Page(
        found=report.exam,
        scorer=f"{report.scorer} {report.version}",
        profile=report.profile.profile_hash[:12],
        made_at=f"{now:%Y-%m-%d %H:%M} UTC",
        release=report.comparison,
        release_matters=True,
        stream=report.stream,
        no_stream=report.no_stream,
        facts=claim_facts(settings, report.profile),
        is_calibrated=report.scorer == BUILT_IN,
    )
    return render_page(page, language)


def backtest_page(found: Backtest, now: datetime, language: Language = "en") -> str:
    """The page that compares scorers."""
    return render(
        "backtest.html.j2",
        language,
        TEXTS["backtest_title"],
        contestants=found.contestants,
        duels=found.duels,
        letters=LETTERS,
        seeds=found.seeds,
        count=found.asked.count,
        rate=found.asked.rate,
        lost=found.lost_per_day,
        profile=found.profile.profile_hash[:12],
        made_at=f"{now:%Y-%m-%d %H:%M} UTC",
    )


def grade_page(found: Grade, who: str, now: datetime, language: Language = "en") -> str:
    """The page about verdicts of any system."""
    page = Page(
        found=found.found,
        scorer=who,
        profile="",
        made_at=f"{now:%Y-%m-%d %H:%M} UTC",
        title="grade_title",
        about="graded",
        shows_flagged=True,
    )
    return render_page(page, language)


def claim_facts(settings: Settings, profile: Profile) -> Facts:
    """The newest fidelity report's main scores and those that miss their goal, and what the profile withholds."""
    return Facts(_fidelity_scores(settings), profile.k, profile.unit)


def _fidelity_scores(settings: Settings) -> list[Mapping[str, Any]]:
    path = settings.state_dir / "fidelity" / "report.json"
    if not path.exists():
        return []
    try:
        by_name = {score["name"]: score for score in json.loads(path.read_text(encoding="utf-8"))["scores"]}
    except (OSError, ValueError, KeyError):  # a report of another release: it is made again every night
        return []
    return [score for name, score in by_name.items() if name in _SHOWN or score["verdict"] == "misses"]
