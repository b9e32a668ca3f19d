"""The short form of benchmarks/chaos.py, which kills a hundred times."""

import pytest

from claims_sim_tests.chaos.world import World


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("kind", "kills"),
    [
        ("jsonl", 3),
        ("redis", 3),
        pytest.param("kafka", 5, marks=pytest.mark.slow),
        *(pytest.param(kind, 40, marks=pytest.mark.slow) for kind in ("jsonl", "redis", "kafka")),
    ],
)
def test_what_is_killed_again_and_again_loses_nothing_and_stores_nothing_twice(kind, kills, profile, tmp_path):
    world = World(kind, tmp_path, profile, seed=kills)
    try:
        outcome = world.run(kills)
    finally:
        world.close()
    assert [check for check in outcome.checks if not check.passed] == []
    assert sum(outcome.kills.values()) == kills
    assert outcome.claims
