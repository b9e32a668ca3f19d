"""What the UI shows of a profile: figures, plots, what moved, who approved it; and the verdicts of its checks."""

from collections.abc import Iterator
from typing import Any, Final

import duckdb
from dagster import AssetCheckResult, AssetCheckSeverity, MetadataValue

from claims_sim import pipeline
from claims_sim.orchestration.metadata import listed, table
from claims_sim.orchestration.plots import bars, movement_bars
from claims_sim.pipeline import ProfileRefresh
from claims_sim.privacy.phi import identifiers_in
from claims_sim.profile.document import Profile
from claims_sim.profile.reading.source import is_single_table
from claims_sim.profile.reading.source_columns import absent_in_words
from claims_sim.settings import Settings

_NEVER_IN_A_PROFILE: Final = ("claim_id", "patient_id_hash", "facility_id", "admit_dt", "discharge_dt", "generated_at")


_IDENTITIES: Final = {
    "paid_over_claimed": "no more is paid than claimed",
    "outpatient_stay": "outpatient claims have no stay",
    "los_not_days": "stay = days between admission and discharge",
    "los_not_days_plus_one": "stay = those days + 1",
}


def _rounded_rows(profile: Profile) -> dict[str, Any]:
    """How many claims the source holds, as far as the profile may say it: in whole units of k."""
    return {f"claims in the source (in units of {profile.k})": profile.rows}


def of_source(refresh: ProfileRefresh, settings: Settings) -> dict[str, Any]:
    """What the profile saw of the real table."""
    return {
        **_rounded_rows(refresh.profile),
        "file": MetadataValue.path(str(settings.source_path)),
        "table": pipeline.source_table(settings),
        "absent columns": absent_in_words(refresh.profile.absent),
        "oddities": listed(refresh.profile.oddities),
    }


def of_profile(refresh: ProfileRefresh, settings: Settings) -> dict[str, Any]:
    """Figures, plots and tables of a profile."""
    profile, approval = refresh.profile, pipeline.find_approval(settings, refresh.profile.profile_hash)
    titles = {
        "dx_primary_code": "Diagnosis mix",
        "los": "Length of stay (days)",
        "amount_claimed": "Amount claimed (rupiah)",
        "province_name": "Provinces",
    }
    plots = {}
    for column, title in titles.items():
        marginal = profile.marginal(column)[: 15 if column == "dx_primary_code" else 38]
        if marginal:
            plots[title] = MetadataValue.md(
                bars(title, [str(value) for value, _ in marginal], [share for _, share in marginal])
            )
    return {
        **_rounded_rows(profile),
        "new version": refresh.is_new,
        "profile hash": profile.profile_hash,
        "approval": approval.describe()
        if approval
        else f"none; {'required' if settings.require_approval else 'not required'}",
        **of_movement(refresh),
        "source": MetadataValue.path(str(settings.source_path)),
        "source table": pipeline.source_table(settings),
        "cell size": f"at least {profile.k} {profile.unit}",
        "period": " to ".join(profile.period),
        "absent columns": absent_in_words(profile.absent),
        "oddities of the source": listed(profile.oddities),
        "identities": table(
            [
                {"identity": _IDENTITIES.get(name, name), "holds in": f"{1 - rate:.4%}"}
                for name, rate in profile.identities.items()
            ]
        ),
        **plots,
    }


def of_movement(refresh: ProfileRefresh) -> dict[str, Any]:
    """What moved since the last profile; empty where there was none."""
    moved = refresh.movement
    if moved is None:
        why = refresh.held_back or "the source has not changed, so no new version was made"
        return {} if refresh.is_new else {"moved": f"nothing: {why}"}
    rows = [
        {
            "column": field.name,
            "total variation": round(field.distance, 4),
            "rounding explains": round(field.rounding, 4),
            "furthest (share then → now)": "; ".join(f"{m.value} {m.then:.2%} → {m.now:.2%}" for m in field.movers[:3]),
            "new values": ", ".join(field.appeared[:5]) or "none",
            "gone": ", ".join(field.gone[:5]) or "none",
        }
        for field in moved.fields
    ]
    return {
        "moved": moved.sentence(),
        "claims then": moved.rows_then,
        "last profile": f"{moved.then_hash[:12]} of {moved.then_at:%Y-%m-%d %H:%M} UTC",
        "what moved": MetadataValue.md(movement_bars([(f.name, f.distance, f.rounding) for f in moved.fields[:15]])),
        "movement by column": table(rows),
    }


def profile_checks(profile: Profile, settings: Settings) -> Iterator[AssetCheckResult]:
    """The verdicts on a profile."""
    smallest = profile.smallest_cell()
    yield AssetCheckResult(
        check_name="no_small_cell",
        passed=smallest >= profile.k,
        metadata={"smallest cell": smallest, "k": profile.k, "counted": profile.unit},
    )
    vocabulary = profile.vocabulary()
    columns = set(vocabulary["column_name"].to_pylist())
    named = sorted(columns & set(_NEVER_IN_A_PROFILE))
    suspicious = sum(bool(identifiers_in(value)) for value in vocabulary["value"].to_pylist())
    yield AssetCheckResult(
        check_name="no_identifying_column",
        passed=not named and not suspicious,
        metadata={
            "identifying columns": ", ".join(named) or "none",
            "values checked": len(vocabulary),
            "suspicious values": suspicious,
        },
    )
    yield AssetCheckResult(check_name="source_is_read_only", **_source_access(settings))


def _source_access(settings: Settings) -> dict[str, Any]:
    """Try to write to the source over a connection opened as the profiler opens it."""
    path, database = settings.source_path, settings.database_path
    separate = path.resolve() != database.resolve()
    if is_single_table(path):
        return {
            "passed": separate,
            "metadata": {
                "source": str(path),
                "simulation": str(database),
                "write attempt": "read as a file, no database",
            },
        }
    try:
        with duckdb.connect(str(path), read_only=True) as connection:
            connection.execute("CREATE TABLE claims_sim_may_not_write (x INTEGER)")
        refused = False
    except duckdb.InvalidInputException:
        refused = True
    except duckdb.IOException:
        return {
            "passed": separate,
            "severity": AssetCheckSeverity.WARN,
            "metadata": {
                "source": str(path),
                "simulation": str(database),
                "write attempt": "not made: its owner holds the source",
            },
        }
    outcome = "refused" if refused else "NOT refused"
    return {
        "passed": separate and refused,
        "metadata": {"source": str(path), "simulation": str(database), "write attempt": outcome},
    }
