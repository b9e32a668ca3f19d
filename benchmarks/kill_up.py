"""Kill `make up` with SIGKILL at random moments, again and again: what is lost, doubled, or left running?

    .venv/bin/python benchmarks/kill_up.py --kills 20 --seed 1

Half of the kills hit `make` itself, half the simulator's supervisor. Two of three come within a second after a run has
taken the producer lock, so in the middle of a tick; the others 1 to 15 s after the first claims of that start were
scored. At the end the simulator is started once more, left to work through what was cut short, and stopped with SIGINT;
then every claim that was ever committed to the outbox is looked for.
"""

import argparse
import random
import shutil
import signal
import tempfile
import time
from pathlib import Path

import duckdb
from up_harness import kill, our_processes, start_up, wait_until_running

_ORPHAN_GRACE_S = 6.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--demo-rows", type=int, default=20_000)
    parser.add_argument("--keep", action="store_true", help="keep the state folder")
    options = parser.parse_args()
    rng = random.Random(options.seed)
    folder = Path(tempfile.mkdtemp(prefix="claims-sim-kill-"))
    state, orphans, in_tick = folder / "state", 0, 0
    settings = {"interval_min_s": "5", "interval_max_s": "8", "demo_rows": str(options.demo_rows), "port": "3900"}
    for number in range(options.kills):
        log = folder / f"up-{number}.log"
        log.touch()
        process = start_up(state, log, **settings)
        wait_until_running(log, process)
        if number % 3:
            while not _producer_is_busy(state):
                time.sleep(0.01)
            time.sleep(rng.uniform(0, 1))
        else:
            time.sleep(rng.uniform(1, 15))
        busy = _producer_is_busy(state)
        in_tick += busy
        victims = (
            [process]
            if number % 2
            else [p for p in our_processes(state) if "up" in p.cmdline() and p.pid != process.pid][:1]
        )
        for victim in victims:
            kill(victim)
        time.sleep(_ORPHAN_GRACE_S)
        left = our_processes(state)
        orphans += len(left)
        print(
            f"kill {number + 1}: {'make' if number % 2 else 'up'}, {'in a tick' if busy else 'between ticks'}, left running: {len(left)}",
            flush=True,
        )
        for process_left in left:
            print("   ", " ".join(process_left.cmdline())[:120], flush=True)
    log = folder / "up-last.log"
    log.touch()
    process = start_up(state, log, **settings)
    wait_until_running(log, process)
    time.sleep(20)
    process.send_signal(signal.SIGINT)
    for child in our_processes(state):
        if "up" in child.cmdline():
            child.send_signal(signal.SIGINT)
    process.wait(60)
    _report(state, orphans, in_tick, options.kills)
    if not options.keep:
        shutil.rmtree(folder)


def _producer_is_busy(state: Path) -> bool:
    from claims_sim.store.control import producer_is_free

    return not producer_is_free(state)


def _report(state: Path, orphans: int, in_tick: int, kills: int) -> None:
    with duckdb.connect(str(state / "sim.duckdb"), read_only=True) as connection:
        (batches, claims), (stored, distinct) = (
            connection.execute(query).fetchall()[0]
            for query in (
                "SELECT count(DISTINCT batch_id), count(*) FROM outbox",
                "SELECT count(*), count(DISTINCT claim_id) FROM claims_live_stream",
            )
        )
        lost = connection.execute(
            "SELECT count(*) FROM outbox WHERE claim_id NOT IN (SELECT claim_id FROM claims_live_stream)"
        ).fetchall()[0][0]
        unscored = connection.execute(
            "SELECT count(*) FROM claims_live_stream WHERE claim_id NOT IN (SELECT claim_id FROM ml_scores)"
        ).fetchall()[0][0]
        scores, dead = (
            connection.execute(f"SELECT count(*) FROM {t}").fetchall()[0][0] for t in ("ml_scores", "dead_letters")
        )
    snapshot = duckdb.sql(
        f"SELECT count(*), count(DISTINCT claim_id) FROM read_parquet('{state}/snapshots/claims_live_stream/*/*.parquet')"
    ).fetchall()[0]
    print(f"kills {kills}, of them in a tick {in_tick}; processes left running {orphans}")
    print(
        f"batches committed {batches}, claims committed {claims}, stored {stored}, distinct {distinct}, "
        f"lost {lost}, doubled {stored - distinct}"
    )
    print(
        f"scores {scores}, claims without a score {unscored}, dead letters {dead}; "
        f"snapshot rows {snapshot[0]}, distinct {snapshot[1]}"
    )


if __name__ == "__main__":
    main()
