"""The process that runs are forked from: it holds what a run needs, and nothing that a run must not inherit."""

import json
import multiprocessing
import os
import subprocess
import sys

import pytest

from claims_sim.launch import child

_LOOK = """
import json, sys, threading
import claims_sim.launch.warm
warm = set(sys.modules)
from claims_sim.settings import settings_of_this_process
inherited = {
    "threads": threading.active_count(),
    "unwanted": [n for n in ("pandas", "openai", "lightgbm", "claims_sim.definitions") if n in warm],
    "settings read": settings_of_this_process.cache_info().currsize,
}
import claims_sim.definitions
inherited["left to each run"] = sorted(n for n in set(sys.modules) - warm if n.startswith("claims_sim"))
print(json.dumps(inherited))
"""


def test_a_run_inherits_modules_but_no_thread_no_setting_and_no_definitions(tmp_path):
    environment = os.environ | {"OMP_NUM_THREADS": "1", "CLAIMS_SIM_STATE_DIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", _LOOK], env=environment, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout.splitlines()[-1]) == {
        "threads": 1,
        "unwanted": [],
        "settings read": 0,
        "left to each run": ["claims_sim.definitions"],
    }


@pytest.mark.skipif(sys.platform != "linux", reason="runs are forked on Linux only")
def test_what_dagster_starts_by_name_is_forked_from_the_warm_process(monkeypatch):
    monkeypatch.setattr(multiprocessing, "get_context", multiprocessing.get_context)
    real = multiprocessing.get_context("forkserver")
    preloaded = []
    monkeypatch.setattr(type(real), "set_forkserver_preload", lambda _, names: preloaded.extend(names))
    child.fork_runs_from_a_warm_process()
    assert multiprocessing.get_context("spawn").get_start_method() == "forkserver"
    assert multiprocessing.get_context("fork").get_start_method() == "fork"
    assert preloaded == ["claims_sim.launch.warm"]
