"""`claims-sim purge`: what it would do, what it does, and that every place forgets the same claims."""

import json

import pytest

from claims_sim import pipeline
from claims_sim.pipeline.limits import over_limit, simulation_bytes
from claims_sim.store import snapshots, truth
from claims_sim_tests.states import NEXT_AT
from claims_sim_tests.store.conftest import query


@pytest.fixture
def simulation(grown):
    """Two ticks of 25 claims, a third of them anomalies, made and scored."""
    return grown(2, 25, anomaly_rate=0.3)


@pytest.fixture
def purged(simulation, run):
    """A function: options of `claims-sim purge` -> what it says."""

    def call(*arguments: str) -> dict:
        code, out, err = run("purge", "--json", *arguments)
        assert code == 0, err
        return json.loads(out)

    return call


def test_a_dry_run_says_what_then_goes_everywhere(simulation, purged):
    db, folder = pipeline.database(simulation), simulation.snapshots_path
    labelled = truth.labelled_claims(truth.truth_path(simulation.state_dir))
    would = purged("--keep-claims", "15", "--dry-run")
    assert (would["claims"], would["scores"], would["payloads in the outbox"]) == (35, 35, 35)
    assert query(db, "SELECT count(*) FROM claims_live_stream") == [(50,)]
    done = purged("--keep-claims", "15")
    assert {name: done[name] for name in would if name != "snapshot files"} == {
        name: would[name] for name in would if name != "snapshot files"
    }
    left = {row[0] for row in query(db, "SELECT claim_id FROM claims_live_stream")}
    assert len(left) == 15
    assert set(snapshots.read_snapshot(folder, "ml_scores")["claim_id"].to_pylist()) == left
    assert truth.labelled_claims(truth.truth_path(simulation.state_dir)) == sorted(left & set(labelled))
    assert pipeline.ingest(simulation).rows == 0


def test_the_next_tick_after_a_purge_of_all_goes_on(simulation, purged):
    assert purged("--keep-claims", "0")["claims"] == 50
    tick = pipeline.run_tick(simulation, NEXT_AT)
    assert (tick.ingested.rows, tick.scored) == (25, 25)
    assert len(snapshots.read_snapshot(simulation.snapshots_path, "claims_live_stream")) == 25


def test_a_purge_that_was_cut_short_before_the_truth_is_completed_by_the_next(simulation, purged):
    from claims_sim.store import purge
    from claims_sim.store.purge import Selection

    labelled = truth.labelled_claims(truth.truth_path(simulation.state_dir))
    assert labelled
    list(purge.purge_claims(pipeline.database(simulation), Selection(keep=0)))
    assert truth.labelled_claims(truth.truth_path(simulation.state_dir)) == labelled
    purged("--keep-claims", "0")
    assert truth.labelled_claims(truth.truth_path(simulation.state_dir)) == []


@pytest.mark.slow
def test_a_purge_makes_room_under_the_size_limit(simulation, purged):
    db = pipeline.database(simulation)
    query(
        db,
        "INSERT INTO outbox SELECT o.* REPLACE (md5(i::VARCHAR) || md5((i + 1)::VARCHAR) AS payload) "
        "FROM outbox o, range(4000) r(i)",
    )
    limit = simulation_bytes(simulation) / 1e6 * 0.8
    full = simulation.model_copy(update={"max_size_mb": limit})
    assert "the limit is" in over_limit(full)
    purged("--keep-claims", "5")
    assert over_limit(full) == ""


def test_a_purge_that_chooses_two_ways_is_refused(run):
    code, _, err = run("purge", "--batch", "last", "--keep-claims", "3")
    assert code
    assert "batches go by themselves" in err
