"""A world that goes wrong by a seed: a writer, a consumer and a broker that are killed, and faults in between."""

import json
import multiprocessing
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from claims_sim import pipeline
from claims_sim.channels import open_channel
from claims_sim.channels.contract import Access
from claims_sim.profile.document import Profile
from claims_sim.settings import load_settings
from claims_sim.store import stream
from claims_sim_tests import servers
from claims_sim_tests.chaos import actors, faults
from claims_sim_tests.chaos.ledger import Check, Ledger, judge
from claims_sim_tests.object_store import ObjectStore

STUCK_S = 90.0
_DISK = "48m"
# Forked from a process that has everything imported and no threads: a start costs milliseconds.
_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(
    ["claims_sim_tests.chaos.actors", "claims_sim.channels.redis_streams", "claims_sim.channels.kafka"]
)


@dataclass
class Actor:
    """One process and how far it came since its start."""

    name: str
    body: Callable[..., None]
    process: Any = None
    ears: Any = None
    progress: int = 0


@dataclass(frozen=True)
class Outcome:
    """What happened, and what it came to."""

    kills: dict[str, int]
    faults: dict[str, int]
    troubles: dict[str, int]
    claims: int
    dead_letters: int
    checks: list[Check]
    seconds: float

    @property
    def passed(self) -> bool:
        return all(check.passed for check in self.checks)


class World:
    """Everything under one folder; close it, whatever happened."""

    def __init__(self, kind: str, folder: Path, profile: Profile, seed: int) -> None:
        self.kind, self.folder, self.rng = kind, folder, random.Random(seed)
        self.ledger = Ledger()
        self._ends = ExitStack()
        self.disk = self._mount(folder / "disk")
        self.broker = self._start_broker()
        self.values: dict[str, Any] = {
            "state_dir": self.disk / "state",
            "source": folder / "none.duckdb",
            "author": "statistical",
            "channel": self._url(),
            "channel_timeout_s": 3,
            "lock_timeout_s": 3,
        }
        self.settings = load_settings(**self.values)
        pipeline.keep_profile(self.settings, profile)
        with pipeline.database(self.settings).connect():
            pass
        self.channel_folder = self.disk / "state" / "channel"
        foreign = open_channel(self._url(), access=Access(timeout_s=3))
        self._ends.callback(foreign.close)
        self.wire = faults.Wire(foreign, self.channel_folder, self.ledger, self.rng)
        # What the fork server preloads it finds by the environment alone, and it is silent when it does not.
        self._ends.enter_context(mock.patch.dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path)))
        self.actors = {
            name: Actor(name, body) for name, body in (("writer", actors.write), ("consumer", actors.consume))
        }

    def run(self, kills: int) -> Outcome:
        """Kill `kills` times, then let everything come to rest, and judge."""
        started, killed = time.monotonic(), dict.fromkeys((*self.actors, *(["broker"] if self.broker else [])), 0)
        for actor in self.actors.values():
            self._start(actor)
        for step in range(kills):
            self._break_something(step)
            victim = self.rng.choices(list(killed), weights=[4, 4, 2][: len(killed)])[0]
            self._kill(victim)
            killed[victim] += 1
        self.wire.deliver_late(kills + 1_000)
        self._come_to_rest()
        checks = judge(self.ledger, self.settings)
        return Outcome(
            killed,
            dict(self.ledger.done.most_common()),
            dict(self.ledger.troubles.most_common()),
            len(self.ledger.owed),
            len(self.ledger.bad),
            checks,
            time.monotonic() - started,
        )

    def close(self) -> None:
        for actor in self.actors.values():
            self._end(actor)
        self._ends.close()

    # --- kills ---

    def _start(self, actor: Actor) -> None:
        actor.ears, mouth = _PROCESSES.Pipe(duplex=False)
        actor.process = _PROCESSES.Process(
            target=actor.body, args=(self.values, mouth, self.rng.randrange(2**31)), daemon=True
        )
        actor.process.start()
        mouth.close()
        actor.progress = 0

    def _end(self, actor: Actor) -> None:
        if actor.process is not None:
            actor.process.kill()
            actor.process.join()
            self._hear(actor)
            actor.ears.close()
            actor.process = None

    def _kill(self, victim: str) -> None:
        """SIGKILL, a random moment after the victim was seen to work."""
        watched = [self.actors[victim]] if victim in self.actors else list(self.actors.values())
        before = [actor.progress for actor in watched]
        wanted = self.rng.choice([1, 1, 1, 2])
        deadline = time.monotonic() + STUCK_S
        while sum(actor.progress for actor in watched) < sum(before) + wanted:
            self._hear_all()
            if time.monotonic() > deadline:
                raise AssertionError(f"{victim} makes no progress; troubles: {self.ledger.troubles.most_common(4)}")
        time.sleep(self.rng.uniform(0, 0.06))
        if victim == "broker":
            assert self.broker is not None
            self.broker.kill()
            time.sleep(self.rng.uniform(0, 0.5))
            self.broker.start()
            return
        self._end(self.actors[victim])
        if victim == "writer" and self.kind == "jsonl" and self.rng.random() < 0.4:
            self.ledger.done["torn line"] += faults.tear_last_segment(self.channel_folder, self.ledger, self.rng)
        self._start(self.actors[victim])

    def _hear_all(self) -> None:
        ears = [actor.ears for actor in self.actors.values()]
        multiprocessing.connection.wait(ears, timeout=0.2)
        for actor in self.actors.values():
            self._hear(actor)
            if not actor.process.is_alive():
                raise AssertionError(f"the {actor.name} died by itself, exit code {actor.process.exitcode}")

    def _hear(self, actor: Actor) -> None:
        with suppress(EOFError, OSError):
            while actor.ears.poll():
                self._note(actor, json.loads(actor.ears.recv_bytes()))

    def _note(self, actor: Actor, told: dict[str, Any]) -> None:
        if told["what"] == "plan":
            self.ledger.plan(told["batch"], told["payloads"])
        elif told["what"] == "sent":
            for batch in told["batches"]:
                self.ledger.acknowledge(self.ledger.batches[batch])
            self.ledger.done["batch sent again by the relay"] += told["repeated"]
            actor.progress += 1
        elif told["what"] == "stored":
            self.ledger.done["duplicate left out"] += told["duplicates"]
            actor.progress += 1
        else:
            self.ledger.troubles[told["error"][:140]] += 1

    # --- other faults ---

    def _break_something(self, step: int) -> None:
        rng, wire, done = self.rng, self.wire, self.ledger.done
        self.wire.deliver_late(step)
        state = self.disk / "state" / "sim.duckdb"
        menu: list[tuple[str, float, Callable[[], object]]] = [
            ("foreign claims", 0.25, lambda: wire.foreign_claims(reordered=False)),
            ("reordered claims", 0.2, lambda: wire.foreign_claims(reordered=True)),
            ("duplicates", 0.25, wire.duplicates),
            ("delayed duplicates", 0.2, lambda: wire.duplicates(delay=rng.randint(2, 12), step=step)),
            ("corrupt messages", 0.3, wire.corrupt),
            ("database locked", 0.08, lambda: faults.lock_database(state, rng.uniform(0.1, 0.8))),
            ("disk full", 0.08 if self._is_mounted else 0, lambda: faults.fill_disk(self.disk, rng.uniform(0.2, 0.8))),
        ]
        for name, chance, fault in menu:
            if rng.random() < chance:
                fault()
                done[name] += 1

    # --- the end ---

    def _come_to_rest(self) -> None:
        """Nothing fails any more: what was committed is sent, what was sent is stored."""
        for actor in self.actors.values():
            self._end(actor)
        deadline = time.monotonic() + STUCK_S
        with actors.small_segments():
            while True:
                relay = pipeline.relay_outbox(self.settings)
                for batch in relay.released:
                    self.ledger.acknowledge(self.ledger.batches[batch])
                done = pipeline.ingest(self.settings)
                source = pipeline.channel(self.settings)
                lag = source.lag(stream.stored_position(pipeline.database(self.settings), source))
                source.close()
                if not relay.released and not done.chunks and not lag:
                    return
                if time.monotonic() > deadline:
                    raise AssertionError(f"it does not come to rest: {lag} unread")

    # --- places ---

    def _mount(self, disk: Path) -> Path:
        """A small file system of its own where we may make one."""
        disk.mkdir(parents=True)
        mount = shutil.which("mount")
        self._is_mounted = False
        if mount and os.geteuid() == 0:
            done = subprocess.run([mount, "-t", "tmpfs", "-o", f"size={_DISK}", "tmpfs", str(disk)], check=False)
            self._is_mounted = done.returncode == 0
        if self._is_mounted:
            self._ends.callback(subprocess.run, ["umount", "--lazy", str(disk)], check=False)
        return disk

    def _start_broker(self) -> servers.Server | None:
        if self.kind == "jsonl":
            return None
        if self.kind == "redis":
            servers.need("Redis server", servers.redis_binary())
            broker = servers.start_redis()
        else:
            servers.need("Kafka-compatible broker", servers.kafka_binary())
            store = ObjectStore()
            self._ends.callback(store.stop)
            broker = servers.start_kafka(store=store)
        self._ends.callback(broker.stop)
        return broker

    def _url(self) -> str:
        if self.broker is None:
            return f"jsonl://{self.disk / 'state' / 'channel'}"
        if self.kind == "redis":
            return f"redis://127.0.0.1:{self.broker.port}/0?stream=chaos&maxlen=300"
        return f"kafka://127.0.0.1:{self.broker.port}/chaos?partitions=3"
