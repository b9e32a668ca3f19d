"""A past by partitions: each day is made once, on its own day, and reconciles."""

from datetime import date

import dagster as dg
import pytest

from claims_sim import pipeline
from claims_sim.definitions import build_definitions
from claims_sim.store.query import run as query


@pytest.fixture
def make(settings):
    job = build_definitions(settings).resolve_job_def("make_history")

    def day(key: str, claims: int = 30) -> dg.ExecuteInProcessResult:
        config = {"ops": {"claims_history": {"config": {"claims": claims}}}}
        with dg.DagsterInstance.ephemeral() as instance:
            return job.execute_in_process(partition_key=key, run_config=config, instance=instance)

    return day


def stored(settings) -> list[tuple]:
    with pipeline.database(settings).connect(read_only=True) as connection:
        return query(
            connection, "SELECT CAST(admit_dt AS DATE), count(*) FROM claims_live_stream GROUP BY ALL ORDER BY ALL"
        )


def test_days_are_made_once_each_and_reconcile(settings, make):
    for key in ("2026-01-30", "2026-01-31", "2026-01-30"):
        result = make(key)
        (check,) = result.get_asset_check_evaluations()
        assert check.passed
        assert check.metadata["claims"].value == check.metadata["stored"].value == 30
    assert stored(settings) == [(date(2026, 1, 30), 30), (date(2026, 1, 31), 30)]
    with pipeline.database(settings).connect(read_only=True) as connection:
        assert query(connection, "SELECT count(*) FROM ml_scores") == [(60,)]
