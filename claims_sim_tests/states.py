"""State folders that are made once and taken over by many tests: what a test shares is what it would make itself."""

import random
import shutil
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

from claims_sim.store import control

GROWN_AT = datetime(2026, 3, 4, 5, 6, 0, tzinfo=UTC)
"""When the first tick of a simulation was made that a test takes over."""
NEXT_AT = GROWN_AT + timedelta(minutes=1)
"""When the test itself makes a tick after that: claims follow from this moment, too."""


def seed_batch_ids(monkeypatch, seed) -> None:
    """Claims follow from the batch's id: with these ids one meets the same claims every time."""
    monkeypatch.setattr("claims_sim.claim_ids.secrets", SimpleNamespace(randbits=random.Random(seed).getrandbits))


def take_over(origin: Path, state: Path) -> None:
    """Put a copy of the state folder `origin` in the place of `state`, as if its newest claims had just come."""
    if state.exists():
        shutil.rmtree(state)
    shutil.copytree(origin, state)
    now = time.time()
    for fact, moment in (("newest_claim", "at"), ("flow", "updated_at")):
        if said := control.get_status(state, fact):
            control.put_status(state, fact, said | {moment: now})
