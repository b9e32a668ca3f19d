"""Check results as Dagster shows them, and as others read them without Dagster. Decides nothing."""

import time
from collections.abc import Iterable, Iterator
from typing import Any, Final

from dagster import AssetCheckEvaluation, AssetCheckResult, AssetCheckSeverity, AssetKey, MetadataValue

from claims_sim import pipeline
from claims_sim.errors import in_one_line
from claims_sim.observe.health import freshness_limit_s
from claims_sim.orchestration.metadata import table
from claims_sim.orchestration.plots import drift_bars
from claims_sim.settings import Settings
from claims_sim.store import control

FRESH: Final = "fresh"
_STREAM: Final = "claims_live_stream"
_REPEATED_S: Final = 600.0


def noted(settings: Settings, asset: str, results: Iterable[AssetCheckResult]) -> list[AssetCheckResult]:
    """The results as they are, each noted for `/status` and the live page."""
    found = list(results)
    standing: dict[str, Any] = {
        f"{asset}/{result.check_name}": {
            "passed": bool(result.passed),
            "severity": result.severity.value,
            "description": result.description or "",
            "at": time.time(),
        }
        for result in found
    }
    control.change_status(settings.state_dir, "checks", lambda known: (known or {}) | standing)
    return found


def fresh_check(settings: Settings, *, arrived: bool = False) -> AssetCheckResult:
    """Did claims arrive lately? `arrived`: some did just now, though no snapshot tells of them yet."""
    age, limit = 0.0 if arrived else pipeline.newest_claim_age_s(settings), freshness_limit_s(settings)
    late = age is not None and age > limit
    if age is None:
        said = "No claim has arrived yet."
    elif late:
        said = f"The newest claim arrived {age:,.0f} s ago; `claims-sim status` shows what is in the way."
    else:
        said = "Claims arrive."
    return AssetCheckResult(
        check_name=FRESH,
        passed=not late,
        severity=AssetCheckSeverity.WARN,
        description=said,
        metadata={"limit (s)": round(limit), **({"newest claim (s ago)": round(age, 1)} if age is not None else {})},
    )


def changed_freshness(settings: Settings) -> AssetCheckEvaluation | None:
    """The freshness check for whoever looks while no run makes claims: when its verdict changed, or is old."""
    known = (control.get_status(settings.state_dir, "checks") or {}).get(f"{_STREAM}/{FRESH}")
    found = fresh_check(settings)
    if known is None or (known["passed"] == found.passed and time.time() - known["at"] < _REPEATED_S):
        return None
    noted(settings, _STREAM, [found])
    return AssetCheckEvaluation(
        asset_key=AssetKey(_STREAM),
        check_name=FRESH,
        passed=bool(found.passed),
        metadata=found.metadata,
        severity=found.severity,
        description=found.description,
    )


def lag_check(unread: pipeline.Unread) -> AssetCheckResult:
    """Is what arrives read as fast as it comes?"""
    behind = unread.count > unread.one_read
    return AssetCheckResult(
        check_name="keeps_up",
        passed=not behind,
        severity=AssetCheckSeverity.WARN,
        description=(
            f"{unread.count:,} {unread.unit} are unread, more than one read takes: `claims-sim consume --follow` catches up."
            if behind
            else None
        ),
        metadata={f"unread {unread.unit}": unread.count, f"{unread.unit} of one read": unread.one_read},
    )


def drift_check(settings: Settings) -> AssetCheckResult:
    """Has the stream moved away from the profile that its claims were made from?"""
    found = pipeline.watch_drift(settings)
    if found is None or not found.enough:
        batches = found.batches if found else 0
        return AssetCheckResult(
            check_name="drift",
            passed=True,
            description=f"Too early to say: {batches} batches of this profile so far.",
            metadata={"batches": batches},
        )
    rows = [
        {
            "column": column.name,
            "total variation": round(column.distance, 4),
            "by chance": round(column.chance, 4),
            "limit": round(column.limit, 4),
            "strongest rise": column.rising,
            "standard deviations": round(column.sigmas, 1),
            "drifted": "yes" if column.drifted else "no",
        }
        for column in found.columns
    ]
    plot = drift_bars([(c.name, c.distance, c.chance, c.limit, c.drifted) for c in found.columns])
    drifted = ", ".join(found.drifted)
    return AssetCheckResult(
        check_name="drift",
        passed=not drifted,
        severity=AssetCheckSeverity.WARN,
        description=f"Moved away from the profile: {drifted}." if drifted else "The stream follows its profile.",
        metadata={
            "claims": found.claims,
            "batches": found.batches,
            "total variation": MetadataValue.md(f"{plot}\n\nGrey: what chance explains. Orange: the limit."),
            "columns": table(rows),
        },
    )


def author_checks(settings: Settings) -> Iterator[AssetCheckResult]:
    """Does the model write what it is to write, and do claims differ as those of the profile do?"""
    found = pipeline.watch_author(settings)
    writing, share = found.writing, found.share
    if share is None:
        fine = f"Too early to say: a model was to write {writing.planned} of the newest claims."
    else:
        fine = f"{writing.model} wrote {share:.1%} of the claims that it was to write."
    yield AssetCheckResult(
        check_name="model_writes",
        passed=not found.falling_back,
        severity=AssetCheckSeverity.WARN,
        description=found.falling_back or fine,
        metadata={
            "batches": writing.batches,
            "claims planned": writing.planned,
            "written by the model": writing.own,
            "of these repaired": writing.repaired,
            "written by nobody": writing.rejected,
            "problems": in_one_line(writing.problems[:5]) or "none",
        },
    )
    diversity, usual = found.diversity, found.usual
    if diversity is None or usual is None:
        yield AssetCheckResult(
            check_name="claims_differ",
            passed=True,
            description="Too early to say: fewer than 100 claims of this profile so far that nobody asked for.",
        )
        return
    yield AssetCheckResult(
        check_name="claims_differ",
        passed=not found.alike,
        severity=AssetCheckSeverity.WARN,
        description=found.alike or "Claims differ from one another as those of the profile do.",
        metadata={
            "claims": diversity.claims,
            "sets of procedure and companions": diversity.sets,
            "sets that the profile makes": round(usual.sets, 1),
            "fewest that are usual": round(usual.fewest_sets, 1),
            "share that repeats an earlier claim": round(diversity.repeats, 4),
            "share that the profile repeats": round(usual.repeats, 4),
            "largest share that is usual": round(usual.most_repeats + found.anomaly_rate, 4),
        },
    )
