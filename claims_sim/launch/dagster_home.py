"""The Dagster instance of `up`: its folder, its configuration and the workspace that points at our code server."""

import json
from pathlib import Path

_INSTANCE = """\
# Written by `claims-sim up` at every start. For a Dagster deployment of your own, see docs/operations.md.
telemetry: {enabled: false}
nux: {enabled: false}
# Our steps print nothing; what they have to say is in the events. Three files a step would be left by every run.
compute_logs: {module: dagster.core.storage.noop_compute_log_manager, class: NoOpComputeLogManager}
run_queue:
  dequeue_interval_seconds: 1
concurrency:
  # Every asset that writes to the simulation is in one pool: a run that holds one waits in the queue for the other.
  pools: {default_limit: 1, granularity: run}
  runs: {max_concurrent_runs: 4}
retention:
  sensor: {purge_after_days: {skipped: 1, failure: 7, success: 3}}
  schedule: {purge_after_days: {skipped: 1, failure: 30, success: 30}}
"""


def write_home(home: Path) -> None:
    """Make the instance folder with its `dagster.yaml`."""
    home.mkdir(parents=True, exist_ok=True)
    (home / "dagster.yaml").write_text(_INSTANCE)


def write_workspace(path: Path, port: int) -> None:
    """A workspace of one code location, served on loopback at `port`, so that UI and daemon share one server."""
    document = {"load_from": [{"grpc_server": {"host": "127.0.0.1", "port": port, "location_name": "claims_sim"}}]}
    path.write_text(json.dumps(document, indent=1))  # JSON is YAML
