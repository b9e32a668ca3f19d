"""`claims-sim demo`: the whole chain without servers, some ticks at once, and a summary to look at."""

import json
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.table import Table

from claims_sim import pipeline
from claims_sim.generation.batch import utc_now
from claims_sim.launch.interrupt import interruptible
from claims_sim.launch.progress import progress
from claims_sim.settings import Settings
from claims_sim.store import control, counts


@dataclass(slots=True)
class _Totals:
    planned: int = 0
    authored: int = 0
    repaired: int = 0
    rejected: int = 0
    published: int = 0
    ingested: int = 0
    scored: int = 0
    shown: list[dict[str, Any]] = field(default_factory=list)

    def add(self, tick: pipeline.Tick) -> None:
        self.planned += tick.batch.planned
        self.authored += tick.batch.authored
        self.repaired += tick.batch.repaired
        self.rejected += tick.batch.rejected
        self.published += tick.relay.claims
        self.ingested += tick.ingested.rows
        self.scored += tick.scored
        self.shown = [*self.shown, *tick.batch.claims.slice(0, 1).to_pylist()][-6:]

    def counts(self) -> dict[str, int]:
        names = ("planned", "authored", "repaired", "rejected", "published", "ingested", "scored")
        return {name: getattr(self, name) for name in names}


def run(settings: Settings, ticks: int, *, as_json: bool) -> int:
    """Run `ticks` ticks in the state folder; 0 when every claim that was ever published is stored and scored."""
    console = Console(stderr=True)
    pipeline.check_isolation(settings)
    pipeline.require_writable_state(settings)
    pipeline.require_author(settings)
    pipeline.channel(settings).close()  # a channel that cannot be opened is told before anything is made
    if note := pipeline.note_of_former_source(settings):
        console.print(note)
    pipeline.ensure_source(settings, console.print)
    with control.producer_lock(settings.state_dir, "claims-sim demo"):
        if not pipeline.has_profile_of_source(settings):
            console.print("Profiling the source and training the scorer ...")
            refresh = pipeline.profile_source(settings, utc_now())
            pipeline.keep_profile(settings, refresh.profile)
        totals = _Totals()
        with progress("ticks", ticks) as advance, interruptible() as check:
            for _ in range(ticks):
                check()
                totals.add(pipeline.run_tick(settings, utc_now()))
                advance(1)
    if as_json:
        print(json.dumps(totals.counts()))  # noqa: T201 - the command's output
    else:
        _show(totals, settings)
    db = pipeline.database(settings)
    whole = counts.stream_health(db).missing == 0 and counts.score_health(db).unscored == 0
    return 0 if whole else 1


def _show(totals: _Totals, settings: Settings) -> None:
    console = Console()
    summary = Table("step", "claims", title="What happened")
    for name, value in totals.counts().items():
        summary.add_row(name, f"{value:,}")
    console.print(summary)
    claims = Table("claim", "diagnosis", "days", "claimed, Rp", title="Some of the claims")
    for row in totals.shown:
        diagnosis = f"{row['dx_primary_code']} {row['dx_primary_label']}"
        place = f"{row['service_type']} {row['province_name']}"
        claims.add_row(place, diagnosis[:38], str(row["los"]), f"{row['amount_claimed']:,.0f}")
    console.print(claims)
    console.print(f"Claims:   {settings.snapshots_path}/claims_live_stream (Parquet)", soft_wrap=True)
    console.print(f"Scores:   {settings.snapshots_path}/ml_scores (Parquet)", soft_wrap=True)
    console.print(f"Channel:  {settings.channel_url}", soft_wrap=True)
    console.print(f"Database: {settings.database_path}", soft_wrap=True)
