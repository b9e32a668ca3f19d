"""Scores: every claim gets one, a new one replaces the old one, and asking what is open stays cheap."""

from datetime import datetime

import pyarrow as pa
import pytest

from claims_sim.errors import StoreError
from claims_sim.store import counts, scores, stream
from claims_sim.store.tables import SCORE_SCHEMA, SCORE_VALUES, STREAM_SCHEMA
from claims_sim_tests.store.conftest import lines, payload, query

AT = datetime(2025, 11, 15, 9, 0)  # noqa: DTZ001 - as the tables keep it


def score(claims: pa.Table, risk: float = 0.5, version: str = "m1") -> pa.Table:
    rows = len(claims)
    return pa.table(
        {
            "claim_id": claims["claim_id"],
            "source": ["simulated"] * rows,
            "rule_score": [risk] * rows,
            "ml_score": [0.1] * rows,
            "ml_score_normalized": [0.1] * rows,
            "risk_score": [risk] * rows,
            "flags": [["late"] if risk > 0.7 else []] * rows,
            "reasons": [[]] * rows,
            "model_version": [version] * rows,
            "ruleset_version": ["r1"] * rows,
            "scored_at": [AT] * rows,
            "scorer": ["claims_sim"] * rows,
        },
        schema=SCORE_VALUES,
    )


def through(db) -> int:
    return query(db, "SELECT value FROM counters WHERE name = 'scored_through'")[0][0]


@pytest.fixture
def claims(db, channel):
    """Ten stored claims."""
    channel.publish("x", lines(*(payload(f"C-{n}") for n in range(10))))
    stream.ingest(db, channel)
    return next(scores.all_chunks(db))


def test_without_claims_there_is_nothing_to_score(db):
    assert list(scores.unscored_chunks(db)) == []
    assert scores.commit_scores(db, SCORE_VALUES.empty_table()) == 0
    assert scores.read_scores(db).schema.equals(SCORE_SCHEMA)


def test_unscored_claims_come_in_bounded_chunks_by_arrival(db, claims):
    chunks = list(scores.unscored_chunks(db, chunk_rows=4))
    assert [len(chunk) for chunk in chunks] == [4, 4, 2]
    assert all(chunk.schema.equals(STREAM_SCHEMA) for chunk in chunks)
    assert pa.concat_tables(chunks)["stream_seq"].to_pylist() == list(range(1, 11))


def test_chunks_end_also_when_nobody_stores_scores(db, claims):
    assert len(list(scores.unscored_chunks(db, chunk_rows=3))) == 4


def test_scoring_chunk_by_chunk_scores_every_claim_once(db, claims):
    for chunk in scores.unscored_chunks(db, chunk_rows=3):
        assert scores.commit_scores(db, score(chunk)) == len(chunk)
    assert list(scores.unscored_chunks(db)) == []
    assert scores.read_scores(db)["score_seq"].to_pylist() == list(range(1, 11))
    assert through(db) == 10


def test_claims_that_arrive_later_are_the_only_open_ones(db, channel, claims):
    scores.commit_scores(db, score(claims))
    channel.publish("x", lines(payload("LATE-1")))
    stream.ingest(db, channel)
    assert [chunk["claim_id"].to_pylist() for chunk in scores.unscored_chunks(db)] == [["LATE-1"]]


def test_the_mark_stops_before_the_first_claim_without_a_score(db, claims):
    scores.commit_scores(db, score(claims.take([0, 1, 5, 9])))
    assert through(db) == 2
    assert [c["stream_seq"].to_pylist() for c in scores.unscored_chunks(db)] == [[3, 4, 5, 7, 8, 9]]
    scores.commit_scores(db, score(claims.take([2, 3, 4])))
    assert through(db) == 6


def test_storing_the_same_scores_twice_equals_storing_them_once(db, claims):
    scores.commit_scores(db, score(claims))
    before = scores.read_scores(db)
    assert scores.commit_scores(db, score(claims)) == 0
    assert scores.read_scores(db).equals(before)
    assert query(db, "SELECT value FROM counters WHERE name = 'score_revision'") == [(0,)]


def test_a_new_score_replaces_the_old_one_and_keeps_its_number(db, claims):
    scores.commit_scores(db, score(claims))
    assert scores.commit_scores(db, score(claims.take([7, 2]), risk=0.9, version="m2")) == 2
    found = scores.read_scores(db).to_pydict()
    assert found["score_seq"] == list(range(1, 11))
    assert [i for i, version in enumerate(found["model_version"]) if version == "m2"] == [2, 7]
    assert found["claim_id"] == claims["claim_id"].to_pylist()
    assert query(db, "SELECT value FROM counters WHERE name = 'score_revision'") == [(1,)]


def test_new_and_replaced_scores_may_come_together(db, claims):
    scores.commit_scores(db, score(claims.slice(0, 4)))
    scores.commit_scores(db, score(claims, risk=0.8))
    found = scores.read_scores(db)
    assert found["score_seq"].to_pylist() == list(range(1, 11))
    assert set(found["risk_score"].to_pylist()) == {0.8}


def test_a_claim_scored_twice_in_one_go_is_refused(db, claims):
    with pytest.raises(StoreError, match="twice"):
        scores.commit_scores(db, score(pa.concat_tables([claims, claims])))
    assert len(scores.read_scores(db)) == 0


def test_a_score_of_an_unknown_claim_is_refused_with_all_that_came_with_it(db, claims):
    stranger = score(claims.slice(0, 1)).set_column(0, "claim_id", pa.array(["STRANGER"]))
    with pytest.raises(StoreError, match="1 scores are of claims that are not"):
        scores.commit_scores(db, pa.concat_tables([score(claims), stranger]))
    assert len(scores.read_scores(db)) == 0


def test_all_chunks_hold_scored_claims_too(db, claims):
    scores.commit_scores(db, score(claims))
    assert [len(chunk) for chunk in scores.all_chunks(db, chunk_rows=6)] == [6, 4]


def test_the_summary_counts_and_describes_the_newest(db, claims):
    scores.commit_scores(db, score(claims.slice(0, 6)))
    scores.commit_scores(db, score(claims.slice(6, 2), risk=0.9, version="m2"))
    assert scores.score_summary(db, recent=2) == scores.ScoreSummary(8, 2, 2, 2, 0.9, ("m2",), AT)
    assert scores.score_summary(db).model_versions == ("m1", "m2")


def test_health_counts_open_claims_and_scores_out_of_range(db, claims):
    scores.commit_scores(db, score(claims.slice(0, 6)))
    assert counts.score_health(db) == counts.ScoreHealth(10, 4, 6, 0)
    query(db, "UPDATE ml_scores SET risk_score = 0.05 WHERE score_seq = 2")
    query(db, "UPDATE ml_scores SET rule_score = NULL WHERE score_seq = 3")
    assert counts.score_health(db).out_of_range == 2
    assert counts.score_health(db, full=True) == counts.ScoreHealth(10, 4, 6, 2)
