"""Faults that are no kills: what a foreign producer, a bad wire, a torn file, a full disk or a locked database do."""

import json
import os
import random
import time
from pathlib import Path

import duckdb

from claims_sim.channels import Channel, Message
from claims_sim.channels.jsonl import JsonlChannel
from claims_sim.channels.segments import list_segments, segment_path
from claims_sim.errors import ChannelError
from claims_sim_tests.chaos.ledger import Ledger

_CONTRADICTED = 0.6  # of the times that messages are corrupted, an acknowledged claim is contradicted, too


class Wire:
    """A foreign producer on the same channel. Whatever it is asked to send, it sends until it is acknowledged."""

    def __init__(self, channel: Channel, folder: Path, ledger: Ledger, rng: random.Random) -> None:
        self._channel, self._folder, self._ledger, self._rng = channel, folder, ledger, rng
        self._late: list[tuple[int, list[str]]] = []
        self._number = 0

    def send(self, payloads: list[bytes], key: str = "") -> None:
        """Under `key`, or each under one of its own, which may lead to any partition."""
        if isinstance(self._channel, JsonlChannel):
            self._append_segment(b"".join(payload + b"\n" for payload in payloads))
            return
        messages = [Message(key or f"chaos-{self._rng.random()}", payload.decode()) for payload in payloads]
        deadline = time.monotonic() + 60
        while True:
            try:
                self._channel.publish("chaos", messages)
            except ChannelError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
            else:
                return

    def foreign_claims(self, *, reordered: bool) -> None:
        """Claims of another producer, the newest first when `reordered`."""
        payloads = []
        for _ in range(self._rng.randint(1, 8)):
            self._number += 1
            payloads.append(self._claim(f"HOSPITAL-{self._number:06d}", self._rng.randrange(10**7)))
        self._ledger.possible |= {json.loads(text)["claim_id"]: text for text in payloads}
        self.send([text.encode() for text in (reversed(payloads) if reordered else payloads)])
        self._ledger.acknowledge(payloads)

    def duplicates(self, *, delay: int = 0, step: int = 0) -> None:
        """Claims that were acknowledged before, in any order, now or `delay` steps later."""
        known = list(self._ledger.owed.values())
        if not known:
            return
        chosen = self._rng.choices(known, k=self._rng.randint(1, 12))
        if delay:
            self._late.append((step + delay, chosen))
        else:
            self.send([text.encode() for text in chosen])

    def deliver_late(self, step: int) -> None:
        for due, chosen in [late for late in self._late if late[0] <= step]:
            self.send([text.encode() for text in chosen])
            self._late.remove((due, chosen))

    def corrupt(self) -> None:
        """Cut, altered and senseless messages, and claims that contradict an acknowledged one. Each is unlike all before."""
        self._number += 1
        text = self._claim(f"BAD-{self._number:06d}", 1)
        bad = [
            text[: self._rng.randrange(2, len(text) - 2)],
            text.replace('"amount_gap": ', '"amount_gap": 1'),
            f"{self._rng.random()} is no claim",
            text.replace('"JAWA TIMUR"', '"NIK 3174012345678901"'),
        ]
        chosen = [text.encode() for text in self._rng.sample(bad, self._rng.randint(1, len(bad)))]
        self._ledger.bad |= set(chosen)
        self.send(chosen)
        if self._ledger.owed and self._rng.random() < _CONTRADICTED:
            claim = json.loads(self._rng.choice(list(self._ledger.owed.values())))
            more = 1 + self._rng.randrange(10**6)
            amounts = {"amount_claimed": claim["amount_claimed"] + more, "amount_gap": claim["amount_gap"] + more}
            text = json.dumps(claim | amounts).encode()
            self._ledger.bad.add(text)
            # The first that arrives counts: from another partition it might be this one.
            self.send([text], key=claim["claim_id"])

    def _claim(self, claim_id: str, paid: int) -> str:
        from claims_sim_tests.store.conftest import payload

        return payload(claim_id, paid=paid)

    def _append_segment(self, content: bytes) -> None:
        """A segment of its own, above all others, as the channel's document says; whole at once, as files arrive."""
        hidden = self._folder / ".chaos.tmp"
        hidden.write_bytes(content)
        while True:
            try:
                os.link(hidden, segment_path(self._folder, max(list_segments(self._folder), default=0) + 1))
            except FileExistsError:
                continue
            hidden.unlink()
            return


def tear_last_segment(folder: Path, ledger: Ledger, rng: random.Random) -> bool:
    """Leave half a line where the dead writer wrote last, as a crash in mid-write does."""
    state = folder / ".writer.json"
    if not state.exists():
        return False
    segment = segment_path(folder, json.loads(state.read_text())["segment"])
    if not segment.exists():
        return False
    half = f'{{"claim_id":"TORN-{rng.random()}'.encode()
    whole = segment.read_bytes()
    with segment.open("ab") as file:
        file.write(half)
    # Where a torn end is there already, a reader may meet both as one.
    ledger.torn |= {half, whole.rpartition(b"\n")[2] + half}
    return True


def fill_disk(folder: Path, seconds: float) -> None:
    """Leave no byte on the file system of `folder` for a while."""
    ballast = folder / "ballast"
    try:
        with ballast.open("wb", buffering=0) as file:
            try:
                while file.write(b"\0" * 65_536):
                    pass
            except OSError:
                pass
        time.sleep(seconds)
    finally:
        ballast.unlink(missing_ok=True)


def lock_database(path: Path, seconds: float) -> bool:
    """Hold the database as another process would; False when it was never free."""
    deadline = time.monotonic() + 3
    while time.monotonic() < deadline:
        try:
            connection = duckdb.connect(str(path), config={"storage_compatibility_version": "v1.0.0"})
        except duckdb.Error:
            time.sleep(0.003)
        else:
            time.sleep(seconds)
            connection.close()
            return True
    return False
