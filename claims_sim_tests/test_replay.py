"""A batch is written again from what was recorded of its author: without a model, byte for byte."""

import json
from datetime import UTC, datetime

import duckdb
import pytest

from claims_sim import pipeline
from claims_sim.claim_ids import numbered_batch_id
from claims_sim.errors import ProfileError, StoreError
from claims_sim.generation.request import ClaimsRequest
from claims_sim.pipeline.replay import replay_batch
from claims_sim.profile.drawing.wanted import ClaimFilter, Mix
from claims_sim_tests.fault_server import fails, fault_server, writes

NOW = datetime(2026, 3, 4, 5, 6, 7, 891011, tzinfo=UTC)


@pytest.fixture
def server():
    with fault_server() as script:
        script.default = writes
        yield script


@pytest.fixture
def llm(settings, server):
    """Settings of a simulation whose model is the fault server."""
    return settings.model_copy(
        update={"author": "llm", "llm_base_url": server.url, "llm_model": "m", "authoring_deadline_s": 20.0}
    )


def commit(settings, count: int = 12, **asked):
    request = ClaimsRequest(count=count, **asked)
    batch = pipeline.generate_batch(settings, pipeline.current_profile(settings), NOW, request)
    pipeline.commit_batch(settings, batch)
    return batch


@pytest.mark.parametrize(
    ("size", "form"),
    [
        (1, "choice"),
        (4, "full"),
        *(pytest.param(*case, marks=pytest.mark.slow) for case in ((1, "full"), (4, "choice"))),
    ],
)
def test_a_batch_of_a_model_is_the_same_without_it(llm, server, form, size):
    settings = llm.model_copy(update={"prompt_form": form, "llm_briefs_per_request": size})
    # An id of its own choosing: of a random batch the scripted model would now and then fail to write a claim.
    batch = commit(settings, batch_id=numbered_batch_id(NOW, 1))
    assert batch.author == "llm"
    server.default = fails(500)
    before = len(server.requests)
    result = replay_batch(settings, batch.request.batch_id)
    assert result.is_same
    recorded = sum(answer is not None for answers in batch.log["answers"].to_pylist() for answer in answers or ())
    assert recorded >= 12  # a claim that was repaired has two
    assert (result.compared, result.recorded, len(server.requests)) == (12, recorded, before)
    assert result.batch.payloads == batch.payloads


def test_a_batch_of_both_authors_a_repaired_one_and_one_for_a_request_are_the_same(llm, server):
    server.play(writes, writes, fails(500), fails(500), fails(500), writes, writes)
    server.default = fails(401)
    mixed = commit(llm)
    assert mixed.author == "llm+statistical"
    assert 0 < mixed.fallen_back < 12
    assert replay_batch(llm, mixed.request.batch_id).is_same
    plain = commit(
        llm.model_copy(update={"author": "statistical"}), where=ClaimFilter.parse(["service=RITL", "stay=2.."])
    )
    assert replay_batch(llm, plain.request.batch_id).is_same
    changed = llm.model_copy(update={"author": "statistical", "clock": "history", "seed": 9, "claim_prefix": "TEST"})
    other = commit(changed, 3, mix=Mix.parse(["service_type:RITL=0.9"]))
    assert replay_batch(llm, other.request.batch_id).is_same  # whatever the settings are now


def test_the_last_batch_is_found_and_a_changed_claim_is_named(llm):
    batch = commit(llm)
    assert replay_batch(llm, "last").is_same
    with duckdb.connect(str(llm.database_path)) as connection:
        connection.execute("UPDATE outbox SET payload = replace(payload, 'SIM-', 'SIN-') WHERE claim_index = 4")
    result = replay_batch(llm, batch.request.batch_id[:20])
    assert result.differing == (batch.log["claim_id"].to_pylist()[4],)
    assert result.as_dict()["same"].startswith("no: 1 of 12")


def test_a_batch_with_another_recorded_answer_differs(llm):
    commit(llm.model_copy(update={"prompt_form": "full"}))
    with duckdb.connect(str(llm.database_path)) as connection:
        connection.execute(
            "UPDATE generation_log SET answers = [json_merge_patch(answers[1], '{\"los\": 77}')] WHERE claim_index = 0"
        )
    assert len(replay_batch(llm, "last").differing) == 1


@pytest.mark.slow
def test_pruned_payloads_are_compared_by_their_hash(llm):
    commit(llm)
    with duckdb.connect(str(llm.database_path)) as connection:
        connection.execute("DELETE FROM outbox")
    result = replay_batch(llm, "last")
    assert result.is_same
    assert "hash" in result.notes[0]
    with duckdb.connect(str(llm.database_path)) as connection:
        connection.execute("UPDATE outbox_batches SET content_hash = 'another'")
    assert not replay_batch(llm, "last").is_same


@pytest.mark.slow
def test_anomalies_are_told_apart_and_the_rest_is_the_same(llm):
    commit(llm.model_copy(update={"anomaly_rate": 0.3}), 30)
    result = replay_batch(llm, "last")
    assert result.is_same
    assert (result.anomalies > 0, result.compared + result.anomalies) == (True, 30)


def test_what_cannot_be_replayed_is_said_in_one_line(llm):
    with pytest.raises(StoreError, match="no batch 'last'"):
        replay_batch(llm, "last")
    commit(llm)
    with pytest.raises(StoreError, match="no batch"):
        replay_batch(llm, "ffff")
    with duckdb.connect(str(llm.database_path)) as connection:
        kept = connection.execute("SELECT metadata FROM outbox_batches").fetchone()[0]
        rest = {name: value for name, value in json.loads(kept).items() if name != "request"}
        connection.execute("UPDATE outbox_batches SET metadata = ?", [json.dumps(rest)])
    with pytest.raises(StoreError, match="did not record"):
        replay_batch(llm, "last")
    with duckdb.connect(str(llm.database_path)) as connection:
        connection.execute("UPDATE outbox_batches SET metadata = ?, profile_hash = 'gone'", [kept])
    with pytest.raises(ProfileError, match="no longer kept"):
        replay_batch(llm, "last")


def test_a_batch_whose_prompts_are_gone_says_so(llm):
    batch = commit(llm, 2)
    with duckdb.connect(str(llm.database_path)) as connection:
        connection.execute("UPDATE outbox_batches SET prompt_version = 'v77-choice-en-00000000'")
    with pytest.raises(StoreError, match=r"with the prompts v77-choice-en-00000000, which .* cannot be replayed"):
        replay_batch(llm, batch.request.batch_id)
