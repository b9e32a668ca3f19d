"""The control file: one producer at a time, and small facts that need no database."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from claims_sim.errors import ProducerBusyError, StoreError
from claims_sim.store import control

PRODUCER = """
import sys, time
from pathlib import Path
from claims_sim.store import control
with control.producer_lock(Path(sys.argv[1]), "a worker"):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def producer(tmp_path):
    process = subprocess.Popen([sys.executable, "-c", PRODUCER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_folder_without_a_producer_is_free(tmp_path):
    assert control.producer_is_free(tmp_path / "never made")
    assert control.holder(tmp_path / "never made") is None


def test_a_second_producer_is_told_who_the_first_is(tmp_path, producer):
    who = rf"a worker \(process {producer.pid}, since .* UTC\) is producing"
    with pytest.raises(ProducerBusyError, match=who), control.producer_lock(tmp_path, "another"):
        pass
    assert not control.producer_is_free(tmp_path)
    assert control.holder(tmp_path).pid == producer.pid


def test_a_producer_that_was_killed_holds_nothing(tmp_path, producer):
    producer.send_signal(signal.SIGKILL)
    producer.wait()
    assert control.producer_is_free(tmp_path)
    assert control.holder(tmp_path) is None
    with control.producer_lock(tmp_path, "heir"):
        assert control.holder(tmp_path).what == "heir"


def test_the_lock_is_free_after_the_block_also_when_it_raises(tmp_path):
    with pytest.raises(ZeroDivisionError), control.producer_lock(tmp_path, "x"):
        raise ZeroDivisionError
    assert control.producer_is_free(tmp_path)


def test_the_lock_holds_against_the_same_process_too(tmp_path):
    with control.producer_lock(tmp_path, "x"):
        assert control.holder(tmp_path).pid == os.getpid()
        with pytest.raises(ProducerBusyError), control.producer_lock(tmp_path, "y"):
            pass


def test_looking_whether_the_lock_is_free_turns_no_producer_away(tmp_path):
    stop = threading.Event()

    def look() -> None:
        while not stop.is_set():
            control.producer_is_free(tmp_path)

    with control.producer_lock(tmp_path, "first"):
        pass
    lookers = [threading.Thread(target=look) for _ in range(2)]
    for thread in lookers:
        thread.start()
    try:
        for _ in range(10):
            with control.producer_lock(tmp_path, "x"):
                pass
    finally:
        stop.set()
        for thread in lookers:
            thread.join()


def test_a_fact_is_what_was_put_last(tmp_path):
    assert control.get_status(tmp_path, "flow") is None
    control.put_status(tmp_path, "flow", {"ingested": 1})
    control.put_status(tmp_path, "flow", {"ingested": 2, "name": "Persalinan – 分娩"})
    control.put_status(tmp_path, "up", {})
    assert control.get_status(tmp_path, "flow") == {"ingested": 2, "name": "Persalinan – 分娩"}
    assert control.get_status(tmp_path, "up") == {}
    assert control.get_status(tmp_path, "other") is None


def test_facts_may_be_put_by_several_threads_at_once_into_a_folder_that_is_new(tmp_path):
    for folder in (tmp_path / f"{n}" for n in range(40)):
        together = threading.Barrier(8)

        def put(n: int, folder=folder, together=together) -> None:
            together.wait()
            control.put_status(folder, f"k{n}", {"n": n})

        with ThreadPoolExecutor(8) as threads:
            list(threads.map(put, range(8)))
        assert [control.get_status(folder, f"k{n}") for n in range(8)] == [{"n": n} for n in range(8)]


def test_a_file_that_stays_locked_is_a_store_error_that_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(control, "_TIMEOUT_S", 0.2)
    with closing(sqlite3.connect(tmp_path / "control.sqlite", isolation_level=None)) as other:
        other.execute("CREATE TABLE held (x)")
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreError, match=r"control\.sqlite cannot be used: database is locked"):
            control.put_status(tmp_path, "flow", {})


def test_a_file_that_is_no_control_file_is_a_store_error(tmp_path):
    (tmp_path / "control.sqlite").write_text("claims, please" * 100)
    with pytest.raises(StoreError, match=r"control\.sqlite cannot be used"):
        control.get_status(tmp_path, "flow")


def test_changes_at_the_same_moment_follow_each_other_and_one_that_fails_changes_nothing(tmp_path):
    facts = control.Facts(tmp_path)

    def count(_: int) -> None:
        for _ in range(25):
            facts.change("n", lambda fact: {"n": (fact or {"n": 0})["n"] + 1})

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(count, range(4)))
    assert facts.read("n") == {"n": 100}

    def failing(fact: dict) -> dict:
        fact["n"] = 7
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        facts.change("n", failing)
    assert facts.read("n") == {"n": 100}
