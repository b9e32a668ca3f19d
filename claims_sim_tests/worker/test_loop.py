import os
import threading
from datetime import UTC, datetime

import pytest

from claims_sim import pipeline
from claims_sim.channels.jsonl import JsonlChannel
from claims_sim.errors import ChannelError
from claims_sim.store import control, counts, gate, snapshots
from claims_sim.worker import loop
from claims_sim.worker.engine import Engine
from claims_sim.worker.loop import Ends, Worker
from claims_sim.worker.pace import steady

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


def worker(settings, *, stop=None, rate=1000.0, batch_size=3, report=lambda _: None, **ends) -> Worker:
    return Worker(
        settings,
        steady(rate, batch_size),
        ends=Ends(**ends),
        stop=stop or threading.Event(),
        report=report,
        report_every_s=3600,
        show=lambda _: None,
    )


def test_a_worker_makes_exactly_the_claims_it_was_asked_for_and_tells_once(settings):
    windows = []
    done = worker(settings, max_claims=8, report=windows.append).run()
    assert (done.claims, done.scored) == (8, 8)
    health = counts.stream_health(pipeline.database(settings), full=True)
    assert (health.stored, health.missing, health.duplicate_ids) == (8, 0, 0)
    assert len(snapshots.read_snapshot(settings.snapshots_path, "ml_scores")) == 8
    (window,) = windows
    assert (window.accepted, window.released, window.ingested, window.scored) == (8, 8, 8, 8)
    assert sum(done.latency.counts) == done.ticks == window.ticks


def test_a_worker_takes_up_what_a_killed_one_left(settings):
    batch = pipeline.generate_batch(settings, pipeline.current_profile(settings), NOW)
    pipeline.commit_batch(settings, batch)
    worker(settings, max_claims=3).run()
    assert counts.stream_health(pipeline.database(settings)).stored == 5 + 3
    assert counts.score_health(pipeline.database(settings)).unscored == 0


def test_a_stopped_worker_makes_nothing_more(settings):
    stop = threading.Event()
    stop.set()
    assert worker(settings, stop=stop).run().claims == 0


def test_a_worker_ends_after_its_duration(settings):
    assert worker(settings, rate=0.001, batch_size=1, duration_s=0.05).run().claims == 0


@pytest.mark.slow
def test_what_is_due_when_the_duration_ends_is_still_made(settings):
    done = worker(settings, rate=100, batch_size=5, duration_s=0.05).run()
    assert done.claims == 5
    assert done.rate == pytest.approx(5 / done.elapsed_s)


def test_an_outage_is_waited_for_and_nothing_of_it_is_lost(settings, monkeypatch):
    monkeypatch.setattr(loop, "_FIRST_PAUSE_S", 0.001)
    real, failures = Engine.tick, iter([ChannelError("away."), ChannelError("away.")])

    def flaky(self, count, now):
        error = next(failures, None)
        if error:
            raise error
        return real(self, count, now)

    monkeypatch.setattr(Engine, "tick", flaky)
    assert worker(settings, max_claims=3).run().claims == 3


def test_an_outage_without_end_ends_the_worker_with_its_error(settings, monkeypatch):
    monkeypatch.setattr(loop, "_FIRST_PAUSE_S", 0.0001)

    def broken(self, count, now):
        raise ChannelError("away.")

    monkeypatch.setattr(Engine, "tick", broken)
    with pytest.raises(ChannelError):
        worker(settings, max_claims=3).run()
    assert control.get_status(settings.state_dir, loop.WORKER_FACT)["state"] == "stopped"


def test_at_its_size_limit_the_worker_pauses_and_says_so(ticked, monkeypatch):
    monkeypatch.setattr(loop, "_FULL_CHECK_S", 0.01)
    stop, shown = threading.Event(), []
    full = worker(ticked.model_copy(update={"max_size_mb": 0.001}), stop=stop, max_claims=3)
    full._show = lambda progress: (shown.append(progress.state), stop.set())
    assert full.run().claims == 0
    assert "the limit is 0 MB" in shown[0]


def test_a_new_profile_is_taken_up_without_a_restart(settings):
    engine = Engine(settings)
    first = engine.profile
    os.utime(settings.profile_path, ns=(1, 1))
    assert engine.profile is not first
    assert engine.profile is engine.profile
    engine.close()


def test_the_database_is_not_held_while_the_channel_is_waited_for(settings, monkeypatch):
    path, waited = pipeline.database(settings).path, []

    def watched(name):
        real = getattr(JsonlChannel, name)

        def call(self, *values):
            leave = gate.enter_unused(path)
            waited.append((name, leave is not None))
            if leave:
                leave()
            return real(self, *values)

        monkeypatch.setattr(JsonlChannel, name, call)

    watched("publish")
    watched("read")
    worker(settings, max_claims=3).run()
    assert set(waited) == {("publish", True), ("read", True)}
