"""Refreshing all scores: what is in force afterwards, what crosses from production, what a failure leaves, and taking it back."""

import json
import shutil
import signal
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from claims_sim import pipeline
from claims_sim.channels.contract import Message
from claims_sim.errors import ClaimsSimError, ProducerBusyError, ScorerError, StoreError
from claims_sim.pipeline import in_force as force
from claims_sim.pipeline import real_scores, refreshing
from claims_sim.pipeline.scoring import pinned_model
from claims_sim.profile.reading.source import SourceSpec, read_claims_to_score
from claims_sim.scoring.scorer import RiskScorer
from claims_sim.settings import child_environment, load_settings
from claims_sim.store import score_sets, scores, snapshots
from claims_sim.worker.engine import Engine
from claims_sim_tests.states import take_over

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
COLUMNS = "claim_id, risk_score, model_version, scorer, scored_at, score_seq, stream_seq"


def rows(settings, query):
    with pipeline.database(settings).connect(read_only=True) as connection:
        return connection.execute(query).fetchall()


def stored(settings):
    return rows(settings, f"SELECT {COLUMNS} FROM ml_scores ORDER BY score_seq")


def in_force(settings):
    """All that a refresh puts in force, as values: scores, model, real scores, snapshot, history."""
    quality = pipeline.quality_file(settings)
    return {
        "scores": stored(settings),
        "counters": rows(settings, "SELECT name, value FROM counters WHERE name <> 'score_revision' ORDER BY name"),
        "model": pipeline.scorer(settings, pipeline.current_profile(settings)).model_version,
        "real": real_scores.real_scores_in_force(settings),
        "quality": quality.read_text() if quality.exists() else None,
        "refreshes": rows(settings, "SELECT refresh_id, state FROM score_refreshes ORDER BY 1"),
    }


@pytest.fixture
def live(grown):
    """A simulation with a few scored claims."""
    return grown(1, 40)


@pytest.fixture(scope="module")
def refreshed_state(grown_state, small_source, tmp_path_factory):
    """The state folder of `live` after a refresh, made once."""
    state = tmp_path_factory.mktemp("refreshed") / "state"
    take_over(grown_state(1, 40), state)
    made = load_settings(state_dir=state, source=small_source, author="statistical", batch_size=40)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("claims_sim.pipeline.scoring.SCORER_TRAINING_CLAIMS", 1_500)
        pipeline.refresh_scores(made, NOW + timedelta(minutes=1))
    return state


@pytest.fixture
def refreshed(live, refreshed_state):
    """A simulation with a few claims, all scored again by a refresh."""
    take_over(refreshed_state, live.state_dir)
    return live


def test_a_refresh_scores_every_simulated_and_every_real_claim_and_says_what_it_did(live):
    before = stored(live)
    done = pipeline.refresh_scores(live, LATER, top_k=10)
    after = stored(live)
    assert [row[0] for row in after] == [row[0] for row in before]
    assert [row[5:] for row in after] == [row[5:] for row in before]  # numbers stay
    assert {row[2:5] for row in after} == {(done.model_version, "claims_sim", LATER.replace(tzinfo=None))}
    assert pipeline.scorer(live, pipeline.current_profile(live)).model_version == done.model_version
    assert snapshots.read_snapshot(live.snapshots_path, "ml_scores")["model_version"].unique().to_pylist() == [
        done.model_version
    ]
    snapshot = json.loads(pipeline.quality_file(live).read_text())
    assert snapshot == done.snapshot
    assert snapshot["simulated"]["claims"] == sum(one["claims"] for one in snapshot["simulated"]["bins"]) == 40
    top = snapshot["top_of_simulated_claims"]
    assert sum(top["by_province"].values()) == sum(top["by_severity"].values()) == top["claims"] == 10
    assert 0 <= top["share_of_stays_up_to_a_day"] <= 1
    assert top["lowest_score"] == pytest.approx(sorted(row[1] for row in after)[-10])
    assert snapshot["change"]["claims"] == 40
    kept = score_sets.refreshes(pipeline.database(live))[0]
    assert (kept.refresh_id, kept.state, kept.claims) == (done.refresh_id, "in force", 40)


def test_scores_of_real_claims_stay_in_a_folder_of_the_production_zone(live, tmp_path):
    own = live.model_copy(update={"production_dir": tmp_path / "prod"})
    done = pipeline.refresh_scores(own, LATER, top_k=25)
    folder = real_scores.real_scores_in_force(own)
    assert folder == tmp_path / "prod" / "scores" / done.refresh_id
    assert folder.stat().st_mode & 0o077 == 0
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in folder.iterdir())
    real = pq.read_table(folder / "real.parquet")
    assert real.column_names == ["claim_id", "risk_score"]
    with duckdb.connect(str(own.source), read_only=True) as connection:
        ids = {row[0] for row in connection.execute("SELECT claim_id FROM claims_normalized").fetchall()}
    assert set(real["claim_id"].to_pylist()) == ids
    ranking = pq.read_table(folder / "ranking.parquet")
    assert ranking["rank"].to_pylist() == list(range(1, 26))
    ranked = ranking["risk_score"].to_numpy()
    assert (np.diff(ranked) <= 0).all()
    everything = np.concatenate([real["risk_score"].to_numpy(), [row[1] for row in stored(own)]])
    assert ranked[-1] == np.sort(everything)[-25]
    # Nothing of a real claim is anywhere else.
    known = pa.array(sorted(ids))
    assert not any(row[0] in ids for row in stored(own))
    told = pipeline.quality_file(own).read_text() + json.dumps(rows(own, "SELECT snapshot FROM score_refreshes"))
    assert not any(claim_id in told for claim_id in known.to_pylist())
    assert "top_of_real_claims" in json.loads((folder / "quality.json").read_text())
    assert "top_of_real_claims" not in told


def test_what_crosses_of_real_scores_is_counts_of_k_persons_at_the_least(refreshed):
    snapshot = json.loads(pipeline.quality_file(refreshed).read_text())["real"]
    real = pq.read_table(real_scores.real_scores_in_force(refreshed) / "real.parquet")["risk_score"].to_numpy()
    claims = read_claims_to_score(SourceSpec(refreshed.source))
    persons = np.array(claims["patient_id_hash"].to_pylist(), dtype=object)
    assert (snapshot["k"], snapshot["unit"], snapshot["left_out"]) == (11, "persons", "")
    assert snapshot["bins"][0]["from"] == 0
    assert snapshot["bins"][-1]["to"] == 1
    for low, high in zip(snapshot["bins"][:-1], snapshot["bins"][1:], strict=True):
        assert low["to"] == high["from"]
    for one in snapshot["bins"]:
        within = (real >= one["from"]) & ((real < one["to"]) | (one["to"] == 1))
        assert len(set(persons[within])) >= 11
        assert one["claims"] % 11 == 0
        assert abs(one["claims"] - within.sum()) <= 11
    assert set(snapshot) == {"left_out", "bins", "k", "unit", "held_back"}


@pytest.fixture
def own_source(live, tmp_path):
    """A simulation whose source is a copy, and a function that leaves out the claims of some persons."""
    path = tmp_path / "own.duckdb"
    path.write_bytes(live.source.read_bytes())

    def leave_out(persons: int) -> None:
        with duckdb.connect(str(path)) as connection:
            connection.execute(
                "DELETE FROM claims_normalized WHERE patient_id_hash IN "
                f"(SELECT DISTINCT patient_id_hash FROM claims_normalized ORDER BY 1 LIMIT {persons})"
            )

    return live.model_copy(update={"source": path}), leave_out


def test_counts_of_nearly_the_same_real_claims_are_not_told_anew(own_source):
    own, leave_out = own_source
    first = pipeline.refresh_scores(own, LATER).snapshot["real"]
    then = len(pq.read_table(real_scores.real_scores_in_force(own) / "real.parquet"))
    leave_out(3)
    held = pipeline.refresh_scores(own, LATER + timedelta(hours=1))
    assert held.snapshot["real"]["bins"] == first["bins"]
    assert "fewer than 11 persons" in held.snapshot["real"]["held_back"]
    assert "fewer than 11 persons" in held.of_real_claims
    scored = pq.read_table(real_scores.real_scores_in_force(own) / "real.parquet")
    assert len(scored) < then  # within the production zone all is new
    leave_out(60)
    told = pipeline.refresh_scores(own, LATER + timedelta(hours=2)).snapshot["real"]
    assert told["held_back"] == ""
    assert told["bins"] != first["bins"]


@pytest.mark.slow
def test_after_an_upgrade_counts_of_real_claims_stay_until_somebody_says_otherwise(own_source, monkeypatch):
    own, leave_out = own_source
    first = pipeline.refresh_scores(own, LATER).snapshot["real"]
    leave_out(60)
    monkeypatch.setattr(duckdb, "__version__", "9.0.0")
    held = pipeline.refresh_scores(own, LATER + timedelta(hours=1)).snapshot["real"]
    assert held["bins"] == first["bins"]
    told_before = own.production_path / "released_scores"
    assert f"remove {told_before}" in held["held_back"]
    shutil.rmtree(told_before)
    anew = pipeline.refresh_scores(own, LATER + timedelta(hours=2)).snapshot["real"]
    assert anew["held_back"] == ""
    assert anew["bins"] != first["bins"]


@pytest.mark.slow
def test_another_scorer_tells_nothing_of_nearly_the_same_real_claims(own_source, monkeypatch):
    own, leave_out = own_source
    pipeline.refresh_scores(own, LATER)
    monkeypatch.setattr("claims_sim.pipeline.scoring.SCORER_TRAINING_CLAIMS", 1_000)  # another model comes out
    same = pipeline.refresh_scores(own, LATER + timedelta(hours=1)).snapshot["real"]
    assert same["bins"]  # of the very same claims it may tell: nobody came or went
    leave_out(3)
    monkeypatch.setattr("claims_sim.pipeline.scoring.SCORER_TRAINING_CLAIMS", 1_200)
    other = pipeline.refresh_scores(own, LATER + timedelta(hours=2)).snapshot["real"]
    assert (other["bins"], "another scorer" in other["held_back"]) == ([], True)


def test_what_was_told_is_remembered_for_the_owner_alone(refreshed):
    (kept,) = (refreshed.production_path / "released_scores").iterdir()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    claims = read_claims_to_score(SourceSpec(refreshed.source))
    text = kept.read_text()
    assert not any(text.count(value) for value in claims["claim_id"].to_pylist()[:2_000])


def _named(place) -> str:
    return place if isinstance(place, str) else place[1]


def fail_at(monkeypatch, place):
    """Make a refresh fail at a place."""

    def broken(*_, **__):
        raise StoreError("injected")

    def late(original, calls):
        def counted(*args, **kwargs):
            calls.append(1)
            if len(calls) > 1:
                raise StoreError("injected")
            return original(*args, **kwargs)

        return counted

    if place == "second chunk":
        monkeypatch.setattr(scores, "CHUNK_ROWS", 15)
        original = scores.all_chunks
        monkeypatch.setattr(refreshing.scores, "all_chunks", lambda db: original(db, 15))
        monkeypatch.setattr(RiskScorer, "score", late(RiskScorer.score, []))
    elif place == "inside the transaction":
        # The set is put in place, and then its record cannot be written.
        monkeypatch.setattr(score_sets, "as_utc", broken)
    else:
        monkeypatch.setattr(*place, broken)


@pytest.mark.parametrize(
    "place",
    [
        pytest.param((refreshing, "train_on"), marks=pytest.mark.slow),
        pytest.param("second chunk", marks=pytest.mark.slow),
        (real_scores, "read_claims_to_score"),
        pytest.param((real_scores, "release_scores"), marks=pytest.mark.slow),
        pytest.param((refreshing.real_scores, "keep_real_scores"), marks=pytest.mark.slow),
        pytest.param((refreshing, "describe_top"), marks=pytest.mark.slow),
        pytest.param((score_sets, "keep_scores"), marks=pytest.mark.slow),
        "inside the transaction",
    ],
    ids=_named,
)
def test_a_refresh_that_fails_leaves_the_last_good_scores(refreshed, monkeypatch, place):
    fails_without_a_trace(refreshed, monkeypatch, place, sets=1)


@pytest.mark.slow
@pytest.mark.parametrize(
    "place",
    [
        "inside the transaction",
        *(pytest.param(place, marks=pytest.mark.slow) for place in ("second chunk", (score_sets, "keep_scores"))),
    ],
    ids=_named,
)
def test_a_first_refresh_that_fails_leaves_the_scores_that_were_there(live, monkeypatch, place):
    fails_without_a_trace(live, monkeypatch, place, sets=0)


def fails_without_a_trace(settings, monkeypatch, place, sets):
    """Let a refresh fail at a place; all is in force as before, and the next refresh succeeds."""
    before = in_force(settings)
    with monkeypatch.context() as patched:
        patched.setattr("claims_sim.pipeline.scoring.SCORER_TRAINING_CLAIMS", 1_000)  # another model would come out
        fail_at(patched, place)
        with pytest.raises(StoreError, match="injected"):
            pipeline.refresh_scores(settings, LATER)
    assert in_force(settings) == before
    assert len([path for path in (settings.state_dir / "scores").iterdir() if path.is_dir()]) == sets
    assert pipeline.refresh_scores(settings, LATER).claims == 40


def test_a_rollback_puts_scores_model_and_snapshot_back_and_scores_what_came_since(refreshed, monkeypatch):
    before = in_force(refreshed)
    monkeypatch.setattr("claims_sim.pipeline.scoring.SCORER_TRAINING_CLAIMS", 1_000)
    second = pipeline.refresh_scores(refreshed, LATER)
    assert in_force(refreshed)["model"] != before["model"]
    pipeline.run_tick(refreshed, LATER + timedelta(minutes=1))
    undone = pipeline.rollback_scores(refreshed, LATER + timedelta(minutes=2))
    assert (undone.taken_back, undone.claims, undone.scored_again) == (second.refresh_id, 40, 40)
    after = in_force(refreshed)
    assert after["scores"][:40] == before["scores"]
    assert {row[2] for row in after["scores"]} == {before["model"]} == {after["model"]}
    assert (after["quality"], after["real"]) == (before["quality"], before["real"])
    assert [state for _, state in after["refreshes"]] == ["in force", "rolled back"]
    live_scores = snapshots.read_snapshot(refreshed.snapshots_path, "ml_scores")
    assert live_scores["model_version"].unique().to_pylist() == [before["model"]]
    pipeline.run_tick(refreshed, LATER + timedelta(minutes=3))
    assert {row[2] for row in stored(refreshed)} == {before["model"]}  # new claims too
    assert pipeline.refresh_scores(refreshed, LATER + timedelta(minutes=4)).model_version == second.model_version


@pytest.mark.slow
def test_a_model_rolled_back_to_that_knows_no_persons_is_none_for_claims_with_persons(refreshed):
    pipeline.refresh_scores(refreshed, LATER)
    pipeline.rollback_scores(refreshed, LATER)
    assert pinned_model(refreshed) is not None
    assert pinned_model(refreshed.model_copy(update={"ref_keys": True})) is None


@pytest.mark.slow
def test_the_first_refresh_can_be_taken_back_too_and_then_none_is_left(live):
    before = in_force(live)
    pipeline.refresh_scores(live, LATER)
    pipeline.rollback_scores(live, LATER)
    after = in_force(live)
    assert after["scores"] == before["scores"]
    assert (after["model"], after["real"], after["quality"]) == (before["model"], None, None)
    with pytest.raises(ScorerError, match="no refresh of scores to take back"):
        pipeline.rollback_scores(live, LATER)


@pytest.mark.slow
def test_only_the_newest_sets_are_kept(live):
    for minute in range(5):
        pipeline.refresh_scores(live, NOW + timedelta(minutes=minute), with_real=minute > 2)
    assert len([path for path in (live.state_dir / "scores").iterdir() if path.is_dir()]) == 3
    for _ in range(3):
        pipeline.rollback_scores(live, LATER)
    with pytest.raises(ScorerError, match="older than the last 3"):
        pipeline.rollback_scores(live, LATER)


@pytest.mark.slow
def test_a_refresh_that_was_killed_leaves_scores_as_they_were_and_its_draft_goes_with_the_next_one(refreshed):
    before = in_force(refreshed)
    code = (
        "import os, signal, sys\n"
        "from datetime import datetime, UTC\n"
        "from claims_sim import pipeline\n"
        "from claims_sim.settings import load_settings\n"
        "from claims_sim.store import score_sets\n"
        "pipeline.scoring.SCORER_TRAINING_CLAIMS = 1_000\n"
        "real = score_sets._replace\n"
        "def killed(connection, staged):\n"
        "    real(connection, staged)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "score_sets._replace = killed\n"
        "pipeline.refresh_scores(load_settings(), datetime.now(UTC))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=False, env=child_environment(refreshed), capture_output=True, text=True
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert in_force(refreshed) == before
    assert len([path for path in (refreshed.state_dir / "scores").iterdir() if path.is_dir()]) == 2
    again = pipeline.refresh_scores(refreshed, LATER)
    drafts = {path.name for path in (refreshed.state_dir / "scores").iterdir() if path.is_dir()}
    assert drafts == {again.refresh_id, before["refreshes"][0][0]}


@pytest.mark.parametrize("action", ["refresh", pytest.param("rollback", marks=pytest.mark.slow)])
def test_what_a_process_left_that_died_right_after_its_transaction_is_settled_by_the_next(
    refreshed, monkeypatch, action
):
    first = in_force(refreshed)
    monkeypatch.setattr("claims_sim.pipeline.scoring.SCORER_TRAINING_CLAIMS", 1_000)
    if action == "rollback":
        pipeline.refresh_scores(refreshed, NOW + timedelta(minutes=2))
    with monkeypatch.context() as patched:
        original, calls = force.settle, []

        def die(*arguments):
            calls.append(1)
            if len(calls) == 2:
                raise KeyboardInterrupt
            original(*arguments)

        patched.setattr(force, "settle", die)
        with pytest.raises(KeyboardInterrupt):
            (pipeline.refresh_scores if action == "refresh" else pipeline.rollback_scores)(refreshed, LATER)
    torn = in_force(refreshed)
    assert {row[2] for row in torn["scores"]} != {torn["model"]}
    force.settle(refreshed, pipeline.database(refreshed))
    settled = in_force(refreshed)
    assert {row[2] for row in settled["scores"]} == {settled["model"]}
    newest = settled["refreshes"][-1]
    if action == "rollback":
        assert (settled["scores"], settled["quality"], settled["real"]) == (
            first["scores"],
            first["quality"],
            first["real"],
        )
        assert newest[1] == "rolled back"
    else:
        assert json.loads(settled["quality"])["refresh"] == newest[0] == settled["real"].name
        assert pipeline.rollback_scores(refreshed, LATER).taken_back == newest[0]  # nothing that this needs was removed


def test_a_running_worker_takes_up_the_model_that_a_refresh_or_a_rollback_puts_in_force(live, monkeypatch):
    engine = Engine(live)
    try:
        engine.begin(NOW)
        before = {row[2] for row in stored(live)}
        monkeypatch.setattr("claims_sim.pipeline.scoring.SCORER_TRAINING_CLAIMS", 1_000)
        refreshed = pipeline.refresh_scores(live, LATER)
        engine.tick(3, LATER)
        assert {row[2] for row in stored(live)} == {refreshed.model_version} != before
        pipeline.rollback_scores(live, LATER)
        engine.tick(3, LATER)
        assert {row[2] for row in stored(live)} == before
        assert len(stored(live)) == 46
    finally:
        engine.close()


def test_one_refresh_at_a_time(live):
    hurried = live.model_copy(update={"lock_timeout_s": 0.1})
    with refreshing._alone(live), pytest.raises(ProducerBusyError, match="Another refresh"):
        pipeline.refresh_scores(hurried, LATER)


def test_claims_that_arrive_while_a_refresh_works_get_the_new_score(live, monkeypatch):
    original = score_sets.keep_scores

    def arrive(db, path):
        pipeline.run_tick(live, LATER)
        return original(db, path)

    monkeypatch.setattr(score_sets, "keep_scores", arrive)
    done = pipeline.refresh_scores(live, LATER)
    assert done.claims == 40
    assert len(stored(live)) == 80
    assert {row[2] for row in stored(live)} == {done.model_version}


@pytest.mark.slow
def test_without_a_source_the_simulated_claims_alone_are_scored(live):
    alone = live.model_copy(update={"source": None})
    done = pipeline.refresh_scores(alone, LATER)
    assert done.left_out == "there is no source here"
    assert done.snapshot["real"]["bins"] == []
    assert done.snapshot["distance_real_simulated"] is None
    missing = live.model_copy(update={"source": live.state_dir / "gone.duckdb"})
    with pytest.raises(ClaimsSimError, match=r"gone.duckdb does not exist"):
        pipeline.refresh_scores(missing, LATER)


@pytest.mark.slow
def test_a_foreign_scorer_scores_real_claims_in_its_process_and_never_over_http(live, tmp_path):
    (tmp_path / "flat.py").write_text(
        "class Mine:\n    def score(self, claims):\n"
        "        return claims[['claim_id']].assign(risk_score=(claims.amount_claimed / 1e9).clip(0, 1))\n"
    )
    own = live.model_copy(update={"scorer": "flat:Mine"})
    done = pipeline.refresh_scores(own, LATER)
    assert done.scorer == "flat:Mine"
    real = pq.read_table(real_scores.real_scores_in_force(own) / "real.parquet")
    with duckdb.connect(str(own.source), read_only=True) as connection:
        amounts = dict(connection.execute("SELECT claim_id, amount_claimed FROM claims_normalized").fetchall())
    scored = dict(zip(*(real[name].to_pylist() for name in real.column_names), strict=True))
    assert scored == pytest.approx({claim: min(amount / 1e9, 1) for claim, amount in amounts.items()})
    assert refreshing._why_not_real(own.model_copy(update={"scorer": "http://127.0.0.1:1/x"})) != ""


@pytest.mark.slow
def test_a_source_without_ids_is_one_clear_line(live, tmp_path):
    path = tmp_path / "bare.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"ATTACH '{live.source}' AS own (READ_ONLY)")
        connection.execute("CREATE TABLE claims_normalized AS SELECT * EXCLUDE (claim_id) FROM own.claims_normalized")
    with pytest.raises(ClaimsSimError, match="has no column 'claim_id'"):
        pipeline.refresh_scores(live.model_copy(update={"source": path}), LATER)


def test_a_copy_of_a_stored_claim_is_found_when_it_arrives_later(settings):
    # Few claims: among many of the same days, chance alone would repeat one now and then, and the rule keeps silent.
    live = settings.model_copy(update={"batch_size": 15})
    pipeline.run_tick(live, NOW)
    with pipeline.database(live).connect(read_only=True) as connection:
        found = connection.execute(
            "SELECT claim_id, payload FROM outbox WHERE len(from_json(payload->'diagnosis'->'secondary_codes', '[\"VARCHAR\"]')) > 0"
        ).fetchall()
    assert found
    sink = pipeline.channel(live)
    sink.publish("copies", [Message("x", text.replace(claim_id, claim_id + "X")) for claim_id, text in found])
    sink.close()
    pipeline.ingest(live)
    assert pipeline.score_new(live, LATER) == len(found)
    flags = dict(rows(live, "SELECT claim_id, flags FROM ml_scores"))
    assert sum("duplicate_pattern" in flags[claim_id + "X"] for claim_id, _ in found) >= len(found) * 0.8
    assert not any("duplicate_pattern" in flags[claim_id] for claim_id, _ in found)
