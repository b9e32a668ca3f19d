"""What the worker did since its last report: sums over ticks, for one report instead of one for each."""

from dataclasses import dataclass, field

from claims_sim.generation.batch import Batch
from claims_sim.worker.engine import TickResult


@dataclass(slots=True)
class Window:
    """Sums over the ticks of a window; `last` is its newest batch."""

    ticks: int = 0
    planned: int = 0
    accepted: int = 0
    repaired: int = 0
    rejected: int = 0
    fallen_back: int = 0
    released: int = 0
    ingested: int = 0
    duplicates: int = 0
    dead_letters: int = 0
    scored: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    quarantined: dict[str, dict[str, int]] = field(default_factory=dict)
    slowest_s: float = 0.0
    position: str = ""
    channel: str = ""
    last: Batch | None = None

    def add(self, tick: TickResult) -> None:
        """Add one tick."""
        batch = tick.batch
        self.ticks += 1
        self.planned += batch.planned
        self.accepted += len(batch.claims)
        self.repaired += batch.repaired
        self.rejected += batch.rejected
        self.fallen_back += batch.fallen_back
        self.released += tick.relay.claims
        self.ingested += tick.ingested.rows
        self.duplicates += tick.ingested.duplicates
        self.dead_letters += tick.ingested.dead_letters
        self.scored += tick.scored
        self.tokens_in += batch.tokens_in
        self.tokens_out += batch.tokens_out
        self.quarantined |= tick.relay.quarantined
        self.slowest_s = max(self.slowest_s, tick.seconds)
        self.position, self.channel, self.last = tick.ingested.position, tick.ingested.channel, batch
