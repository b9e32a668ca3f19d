"""What was promised, kept outside of everything that is killed; and whether the database keeps the promise."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from claims_sim import pipeline
from claims_sim.settings import Settings
from claims_sim.store import counts


@dataclass
class Ledger:
    """Payloads by claim id. `owed` were acknowledged, `possible` may or may not have reached the channel."""

    batches: dict[str, list[str]] = field(default_factory=dict)
    owed: dict[str, str] = field(default_factory=dict)
    possible: dict[str, str] = field(default_factory=dict)
    bad: set[bytes] = field(default_factory=set)
    torn: set[bytes] = field(default_factory=set)
    done: Counter[str] = field(default_factory=Counter)
    troubles: Counter[str] = field(default_factory=Counter)

    def plan(self, batch: str, payloads: list[str]) -> None:
        self.batches[batch] = payloads
        self.possible |= by_id(payloads)

    def acknowledge(self, payloads: Iterable[str]) -> None:
        for claim_id, text in by_id(payloads).items():
            self.owed.setdefault(claim_id, text)


@dataclass(frozen=True)
class Check:
    """One line of the verdict."""

    what: str
    expected: str
    found: str
    passed: bool


def by_id(payloads: Iterable[str]) -> dict[str, str]:
    return {json.loads(text)["claim_id"]: text for text in payloads}


def judge(ledger: Ledger, settings: Settings) -> list[Check]:
    """Hold the database against the ledger, once everything is at rest and drained."""
    db = pipeline.database(settings)
    with db.connect(read_only=True) as connection:
        rows = connection.execute(
            "SELECT claim_id, amount_claimed, amount_paid, dx_primary_code, stream_seq FROM claims_live_stream"
        ).fetchall()
        dead = [bytes(raw) for (raw,) in connection.execute("SELECT raw FROM dead_letters").fetchall()]
        open_batches = connection.execute(
            "SELECT count(*) FROM outbox_batches WHERE status <> 'released' OR ingested <> accepted"
        ).fetchall()[0][0]
    stored = {row[0]: row[1:4] for row in rows}
    promised = {claim_id: _values(text) for claim_id, text in ledger.owed.items()}
    lost = [claim_id for claim_id in promised if claim_id not in stored]
    unknown = set(stored) - set(ledger.owed) - set(ledger.possible)
    changed = [c for c, values in promised.items() if c in stored and stored[c] != values]
    health = counts.stream_health(db, full=True)
    distinct = set(dead) - ledger.torn
    return [
        _equal("claims acknowledged and not stored", 0, len(lost)),
        _equal("claims stored twice", 0, len(rows) - len(stored)),
        _equal("claims stored with another content", 0, len(changed)),
        _equal("claims stored that nobody sent", 0, len(unknown)),
        _equal("sum of amounts paid", _total(promised.values()), _total(stored[c] for c in promised if c in stored)),
        _equal("arrival numbers without a gap", len(rows), max((row[4] for row in rows), default=0)),
        _equal("bad messages injected = dead letters", len(ledger.bad), len(distinct & ledger.bad)),
        _equal("dead letters that nobody injected", 0, len(distinct - ledger.bad)),
        _equal("batches not wholly arrived", 0, open_batches),
        _equal("missing by the product's own account", 0, health.missing + health.duplicate_ids),
    ]


def _values(text: str) -> tuple[float, float, str]:
    claim = json.loads(text)
    return (float(claim["amount_claimed"]), float(claim["amount_paid"]), claim["diagnosis"]["primary_code"])


def _total(values: Iterable[tuple[float, float, str]]) -> int:
    return round(sum(paid for _, paid, _ in values))


def _equal(what: str, expected: int, found: int) -> Check:
    return Check(what, f"{expected:,}", f"{found:,}", expected == found)
