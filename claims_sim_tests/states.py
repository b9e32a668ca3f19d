"""State folders that are made once and taken over by many tests: what a test shares is what it would make itself."""

import os
import random
import shutil
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

from filelock import FileLock

from claims_sim.store import control

GROWN_AT = datetime(2026, 3, 4, 5, 6, 0, tzinfo=UTC)
"""When the first tick of a simulation was made that a test takes over."""
NEXT_AT = GROWN_AT + timedelta(minutes=1)
"""When the test itself makes a tick after that: claims follow from this moment, too."""


def seed_batch_ids(monkeypatch, seed) -> None:
    """Claims follow from the batch's id: with these ids one meets the same claims every time."""
    monkeypatch.setattr("claims_sim.claim_ids.secrets", SimpleNamespace(randbits=random.Random(seed).getrandbits))


def made_once(tmp_path_factory, name: str, make: Callable[[Path], object]) -> Path:
    """The folder that `make` has filled, which no test changes: of the workers of the tests, the first that asks makes it."""
    own = tmp_path_factory.getbasetemp()
    shared = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "made_once"
    shared.mkdir(exist_ok=True)
    with FileLock(shared / f"{name}.lock"):
        if not (shared / name).exists():
            half = shared / f"{name}.half"
            shutil.rmtree(half, ignore_errors=True)
            half.mkdir()
            make(half)
            half.rename(shared / name)
    return shared / name


def take_over(origin: Path, state: Path) -> None:
    """Put a copy of the state folder `origin` in the place of `state`, as if its newest claims had just come."""
    if state.exists():
        shutil.rmtree(state)
    shutil.copytree(origin, state)
    now = time.time()
    for fact, moment in (("newest_claim", "at"), ("flow", "updated_at")):
        if said := control.get_status(state, fact):
            control.put_status(state, fact, said | {moment: now})
