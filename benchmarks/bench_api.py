"""How quickly API and live page answer over a large store, and whether many listeners get every claim.

    .venv/bin/python benchmarks/bench_api.py --claims 1000000
    .venv/bin/python benchmarks/bench_api.py --keep FOLDER       make the stores there and leave them, or measure those made

Makes two simulations, of --claims and of a hundredth of it, with the statistical author; serves each by `claims-sim serve`,
and prints for both: median and 95th percentile of GET /claims (newest page, with filters, deep page), of GET /high-risk, the
live page's first paint in Chromium, and, with 50 listeners on /claims/stream, how many claims each got of those that were
made meanwhile, and by how much the server's memory grew. Bars: GET /claims p95 at most 50 ms, first paint at most 1 s.
"""

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import httpx2 as httpx
import psutil

from claims_sim import pipeline
from claims_sim.settings import Settings, load_settings
from claims_sim.store.snapshot_files import SnapshotFile, snapshot_files

sys.path.insert(0, str(Path(__file__).parent.parent))
_LISTENERS = 50
_REQUESTS = 60
_BATCH = 10_000
QUERIES = {
    "GET /claims, newest page": "/claims?limit=50",
    "GET /claims, province and severity": "/claims?limit=50&province=JAWA+TIMUR&severity=berat",
    "GET /claims, risk from 0.5": "/claims?limit=50&min_risk=0.5",
    "GET /claims, a page in the middle": "/claims?limit=50&before={middle}",
    "GET /high-risk": "/high-risk?limit=50&min_risk=0.5",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--claims", type=int, default=1_000_000)
    parser.add_argument("--keep", type=Path, help="the folder of the stores; made once, they can be measured again")
    parser.add_argument("--make-only", action="store_true", help="make the stores and measure nothing")
    options = parser.parse_args()
    for name in [name for name in os.environ if name.startswith("CLAIMS_SIM_")]:
        del os.environ[name]
    for claims in (max(_BATCH, options.claims // 100), options.claims):
        folder = Path(options.keep or tempfile.mkdtemp(prefix="claims-sim-api-"))
        try:
            settings = _made(folder / f"state-{claims}", claims)
            if not options.make_only:
                _measure(settings, claims)
        finally:
            if not options.keep:
                shutil.rmtree(folder)


def _made(state: Path, claims: int) -> Settings:
    """Settings of a simulation that has so many claims, made now as far as they are not there."""
    settings = load_settings(state_dir=state, author="statistical", demo_rows=20_000, batch_size=_BATCH, api_rate=0)
    pipeline.ensure_source(settings, lambda _: None)
    if not settings.profile_path.exists():
        pipeline.keep_profile(settings, pipeline.profile_source(settings, datetime.now(UTC)).profile)
    files = snapshot_files(settings.snapshots_path / "claims_live_stream")
    there = SnapshotFile.of(files[-1]).last if files else 0
    for done in range(there, claims, _BATCH):
        pipeline.run_tick(settings, datetime.now(UTC))
        if done % 100_000 == 0:
            print(f"  {done + _BATCH:,} claims made", file=sys.stderr, flush=True)
    return settings


def _measure(settings: Settings, claims: int) -> None:
    from claims_sim_tests import servers

    server = servers.start_api(settings)
    url = f"http://127.0.0.1:{server.port}"
    try:
        print(f"{claims:,} claims in store")
        with httpx.Client(base_url=url, timeout=60) as client:
            for name, path in QUERIES.items():
                _time(client, name, path.format(middle=claims // 2))
        _paint(url)
        _listen(settings.model_copy(update={"batch_size": 500}), url, server.process.pid)
    finally:
        server.stop()


def _time(client: httpx.Client, name: str, path: str) -> None:
    client.get(path).raise_for_status()
    taken = []
    for _ in range(_REQUESTS):
        begun = time.perf_counter()
        client.get(path).raise_for_status()
        taken.append((time.perf_counter() - begun) * 1e3)
    p95 = statistics.quantiles(taken, n=20)[-1]
    print(f"  {name:36} median {statistics.median(taken):7.1f} ms   p95 {p95:7.1f} ms", flush=True)


def _paint(url: str) -> None:
    from playwright.sync_api import sync_playwright

    from claims_sim_tests import servers

    binary = servers.chromium_binary()
    if binary is None:
        print("  first paint: there is no Chromium")
        return
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=binary, args=["--no-sandbox"])
        paints, rows = [], []
        for _ in range(5):
            page = browser.new_page()
            page.goto(url)
            page.wait_for_selector(".claims tbody tr")
            rows.append(page.evaluate("performance.now()"))
            entries = json.loads(page.evaluate("JSON.stringify(performance.getEntriesByType('paint'))"))
            paints += [entry["startTime"] for entry in entries if entry["name"] == "first-contentful-paint"]
            page.close()
        browser.close()
    print(f"  live page: first paint {statistics.median(paints):.0f} ms, claims shown {statistics.median(rows):.0f} ms")


def _listen(settings: Settings, url: str, pid: int) -> None:
    got, stop = [0] * _LISTENERS, threading.Event()

    def listen(number: int) -> None:
        # The server is stopped while they listen.
        with suppress(httpx.TransportError), httpx.stream("GET", f"{url}/claims/stream", timeout=60) as answer:
            for line in answer.iter_lines():
                got[number] += line.startswith("data: ")
                if stop.is_set():
                    return

    threads = [threading.Thread(target=listen, args=(number,), daemon=True) for number in range(_LISTENERS)]
    for thread in threads:
        thread.start()
    time.sleep(2)
    process, made, before = psutil.Process(pid), 0, 0
    for batch in range(6):
        made += len(pipeline.run_tick(settings, datetime.now(UTC)).batch.claims)
        time.sleep(2)
        if batch == 1:
            before = process.memory_info().rss
    deadline = time.monotonic() + 60
    while min(got) < made and time.monotonic() < deadline:
        time.sleep(0.2)
    grown = (process.memory_info().rss - before) / 1e6
    print(
        f"  {_LISTENERS} listeners, {made:,} claims: each got {min(got):,} to {max(got):,}; server grew {grown:.1f} MB"
    )
    stop.set()


if __name__ == "__main__":
    main()
