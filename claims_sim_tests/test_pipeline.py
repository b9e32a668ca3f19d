import os
from datetime import UTC, datetime, timedelta

import duckdb
import pyarrow as pa
import pytest

from claims_sim import pipeline
from claims_sim.channels.contract import Message
from claims_sim.errors import ProfileError, SourceError
from claims_sim.generation import review
from claims_sim.pipeline import authoring
from claims_sim.profile.document import PROFILE_SCHEMA_VERSION
from claims_sim.settings import load_settings
from claims_sim.store import counts, gate, outbox, scores, snapshots
from claims_sim_tests.conftest import SMALL_ROWS

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


def rows(settings, query: str) -> list[tuple]:
    with pipeline.database(settings).connect(read_only=True) as connection:
        return connection.execute(query).fetchall()


def test_a_tick_takes_a_batch_all_the_way_to_scores_and_snapshots(settings):
    tick = pipeline.run_tick(settings, NOW)
    assert (tick.relay.claims, tick.ingested.rows, tick.scored) == (5, 5, 5)
    health = counts.stream_health(pipeline.database(settings), full=True)
    assert (health.stored, health.released, health.missing, health.duplicate_ids) == (5, 5, 0, 0)
    live = snapshots.read_snapshot(settings.snapshots_path, "claims_live_stream")
    assert sorted(live["claim_id"].to_pylist()) == sorted(tick.batch.claims["claim_id"].to_pylist())
    assert len(snapshots.read_snapshot(settings.snapshots_path, "ml_scores")) == 5


def test_a_crash_after_publishing_publishes_again_and_stores_once(settings):
    batch = pipeline.generate_batch(settings, pipeline.current_profile(settings), NOW)
    pipeline.commit_batch(settings, batch)
    sink = pipeline.channel(settings)
    ids = batch.claims["claim_id"].to_pylist()
    sink.publish(batch.request.batch_id, [Message(i, p) for i, p in zip(ids, batch.payloads, strict=True)])
    sink.close()  # the process ends here, before the batch is marked as released
    assert pipeline.relay_outbox(settings).claims == 5
    done = pipeline.ingest(settings)
    assert (done.rows, done.duplicates, done.dead_letters) == (5, 5, 0)


def test_committing_a_batch_twice_is_committing_it_once(settings):
    batch = pipeline.generate_batch(settings, pipeline.current_profile(settings), NOW)
    pipeline.commit_batch(settings, batch)
    pipeline.commit_batch(settings, batch)
    assert rows(settings, "SELECT count(*) FROM outbox") == [(5,)]


def test_the_relay_quarantines_a_tampered_batch_and_sends_nothing_of_it(settings):
    batch = pipeline.generate_batch(settings, pipeline.current_profile(settings), NOW)
    pipeline.commit_batch(settings, batch)
    with pipeline.database(settings).connect() as connection:
        connection.execute(
            'UPDATE outbox SET payload = replace(payload, \'"province":"\', \'"province":"3578012345678901 \')'
        )
    relay = pipeline.relay_outbox(settings)
    assert relay.claims == 0
    assert relay.quarantined[batch.request.batch_id]["identifies_a_person"] == 5
    assert pipeline.ingest(settings).rows == 0
    assert outbox.pending(pipeline.database(settings)) == ()


def test_a_batch_whose_profile_is_of_another_format_holds_up_nothing(settings, monkeypatch):
    profile = pipeline.current_profile(settings)
    batch = pipeline.generate_batch(settings, profile, NOW)
    pipeline.commit_batch(settings, batch)
    kept = authoring.kept_profile_path(settings, profile.profile_hash)
    content = kept.read_text()
    kept.write_text(content.replace(f'"schema_version":"{PROFILE_SCHEMA_VERSION}"', '"schema_version":"0"'))
    monkeypatch.setattr(review, "_idle", [])  # as in another process
    relay = pipeline.relay_outbox(settings)
    assert (relay.claims, relay.quarantined) == (0, {batch.request.batch_id: {authoring.PROFILE_NOT_READABLE: 5}})
    kept.write_text(content)
    assert pipeline.relay_outbox(settings, pipeline.generate_batch(settings, profile, NOW)).claims == 5


def test_batches_that_waited_are_all_sent_a_few_at_a_time_and_none_is_reviewed_with_the_database_held(
    settings, monkeypatch
):
    monkeypatch.setattr(authoring, "_TAKEN_AT_ONCE", 2)
    batches = [pipeline.generate_batch(settings, pipeline.current_profile(settings), NOW) for _ in range(5)]
    for batch in batches[:4]:
        pipeline.commit_batch(settings, batch)
    broken = batches[1].request.batch_id
    with pipeline.database(settings).connect() as connection:
        connection.execute("UPDATE outbox SET payload = '{' WHERE batch_id = ?", [broken])
    real, free = authoring._judge_stored, []

    def judge(*values):
        leave = gate.enter_unused(pipeline.database(settings).path)
        free.append(leave is not None)
        if leave:
            leave()
        return real(*values)

    monkeypatch.setattr(authoring, "_judge_stored", judge)
    relay = pipeline.relay_outbox(settings, batches[4])
    assert free == [True] * 5
    assert relay.released == {batch.request.batch_id: 5 for batch in batches if batch.request.batch_id != broken}
    assert set(relay.quarantined) == {broken}
    assert pipeline.ingest(settings).rows == 20


def test_the_documents_example_ingests_although_its_procedure_code_does_not_exist(settings, example):
    import json

    sink = pipeline.channel(settings)
    sink.publish("foreign", [Message(example["claim_id"], json.dumps(example))])
    sink.close()
    assert pipeline.ingest(settings).rows == 1
    stored = rows(settings, "SELECT claim_id, procedure_code, los, admit_dt FROM claims_live_stream")
    assert stored == [("SIM-2025-001", "8631", 1, datetime(2025, 11, 15, 15, 12))]  # noqa: DTZ001 - local wall clock


@pytest.mark.slow
def test_an_unchanged_source_makes_no_new_profile(settings):
    first = pipeline.profile_source(settings, NOW)
    pipeline.keep_profile(settings, first.profile)
    again = pipeline.profile_source(settings, NOW + timedelta(days=1))
    assert (again.is_new, again.profile.created_at) == (False, first.profile.created_at)


def test_without_a_profile_the_message_says_how_to_get_one(tmp_path):
    with pytest.raises(ProfileError, match="claims-sim profile"):
        pipeline.current_profile(load_settings(state_dir=tmp_path))


@pytest.mark.parametrize("link", [None, "symbolic", "hard"])
def test_nothing_starts_when_source_and_simulation_are_the_same_file(tmp_path, link):
    real = tmp_path / "real.duckdb"
    duckdb.connect(str(real)).close()
    other = tmp_path / "sim.duckdb" if link else real
    if link == "symbolic":
        other.symlink_to(real)
    elif link == "hard":
        os.link(real, other)
    with pytest.raises(SourceError, match="same file"):
        pipeline.check_isolation(load_settings(state_dir=tmp_path / "state", source=real, database=other))


def test_profiling_leaves_the_source_untouched_and_unlocked(settings):
    before = settings.source.read_bytes()
    pipeline.profile_source(settings, NOW)
    assert settings.source.read_bytes() == before
    with duckdb.connect(str(settings.source)) as owner:  # the owner may write again at once
        owner.execute("SELECT 1")


@pytest.mark.slow
def test_a_refresh_scores_every_claim_again(grown):
    settings = grown(2, 5)
    refreshed = pipeline.refresh_scores(settings, NOW + timedelta(hours=1))
    assert refreshed.claims == 10
    stored = scores.read_scores(pipeline.database(settings))
    assert len(stored) == 10
    assert set(stored["model_version"].to_pylist()) == {refreshed.model_version}


def test_claims_of_the_stream_union_with_the_source_by_name(ticked):
    live = snapshots.read_snapshot(ticked.snapshots_path, "claims_live_stream")
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{ticked.source}' AS real (READ_ONLY)")
        connection.register("live", live)
        query = (
            "SELECT count(*), count(DISTINCT claim_id) FROM (FROM real.claims_normalized UNION ALL BY NAME FROM live)"
        )
        assert connection.execute(query).fetchall() == [(SMALL_ROWS + 5,) * 2]
        types = {row[0]: row[1] for row in connection.execute("DESCRIBE FROM real.claims_normalized").fetchall()}
        ours = {row[0]: row[1] for row in connection.execute("DESCRIBE FROM live").fetchall()}
    assert {name: ours[name] for name in types} == types


def test_scores_never_leave_their_range(grown):
    settings = grown(2, 25, anomaly_rate=0.3)
    table: pa.Table = scores.read_scores(pipeline.database(settings))
    for row in table.to_pylist():
        assert row["risk_score"] == max(row["rule_score"], row["ml_score_normalized"])
        assert 0 <= row["risk_score"] <= 1


def test_what_the_channel_lost_is_sent_again_after_a_while_and_stored_once(settings, monkeypatch):
    first, second = (pipeline.generate_batch(settings, pipeline.current_profile(settings), NOW) for _ in range(2))
    pipeline.commit_batch(settings, first)
    pipeline.relay_outbox(settings)
    pipeline.ingest(settings)
    pipeline.commit_batch(settings, second)
    pipeline.relay_outbox(settings)
    for segment in (settings.state_dir / "channel").glob("*.jsonl"):
        segment.unlink()
    assert pipeline.ingest(settings).rows == 0
    assert pipeline.relay_outbox(settings) == pipeline.Relay({}, {})  # it may still arrive
    monkeypatch.setattr(authoring, "LOST_AFTER", timedelta(0))
    again = pipeline.relay_outbox(settings)
    assert again.repeated == (second.request.batch_id,)
    assert (again.claims, pipeline.ingest(settings).rows) == (5, 5)
    assert pipeline.relay_outbox(settings).claims == 0
    assert counts.stream_health(pipeline.database(settings), full=True).missing == 0


def test_what_waits_in_the_channel_is_not_lost(settings, monkeypatch):
    monkeypatch.setattr(authoring, "LOST_AFTER", timedelta(0))
    pipeline.commit_batch(settings, pipeline.generate_batch(settings, pipeline.current_profile(settings), NOW))
    assert pipeline.relay_outbox(settings).claims == 5
    assert pipeline.relay_outbox(settings).repeated == ()
