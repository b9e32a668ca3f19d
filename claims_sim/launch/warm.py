"""What every run imports, loaded once in the process that the code server forks runs from. Does nothing else.

It must leave no thread, connection or setting behind: a run inherits all that is here. The definitions themselves are
therefore not among it; each run builds them from the settings that it finds.
"""

import gc
from importlib import import_module
from typing import Final

from claims_sim.lean import leave_pandas_out

_MODULES: Final = (
    "alembic.command",
    "alembic.script",
    "dagster",
    "dagster._core.execution.api",
    "dagster._core.executor.in_process",
    "dagster._core.storage.event_log.sqlite.sqlite_event_log",
    "dagster._core.storage.local_compute_log_manager",
    "dagster._core.storage.runs.sqlite.sqlite_run_storage",
    "dagster._core.storage.schedules.sqlite.sqlite_schedule_storage",
    "dagster._grpc.impl",
    "pyarrow.parquet",
    "claims_sim.lifeline",
    "claims_sim.orchestration.assets",
    "claims_sim.orchestration.evaluation",
    "claims_sim.orchestration.fidelity",
    "claims_sim.orchestration.history",
    "claims_sim.orchestration.io_managers",
    "claims_sim.orchestration.jobs",
    "claims_sim.orchestration.resources",
    "claims_sim.orchestration.score_refresh",
    "claims_sim.orchestration.sensors",
)

leave_pandas_out()
for _name in _MODULES:
    import_module(_name)
gc.collect()
gc.freeze()  # what is here stays: no run need look through it for garbage
