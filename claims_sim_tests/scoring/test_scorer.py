import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claims_sim.claim import FLAT_SCHEMA
from claims_sim.errors import ScorerError, SourceError
from claims_sim.scoring.scorer import SCORE_SCHEMA, RiskScorer, train_scorer
from claims_sim_tests.depth import examples

SCORES = ("rule_score", "ml_score", "ml_score_normalized", "risk_score")
TEXTS = st.one_of(
    st.none(), st.sampled_from(["", "J189", "ringan", "RITL", "RJTL", "RS Kelas B", "BALI", "never seen"])
)
AMOUNTS = st.one_of(st.none(), st.sampled_from([0.0, -1.0, 1.0, 1e13, float("nan"), float("inf")]), st.floats(0, 1e9))
DATES = st.one_of(st.none(), st.datetimes())


def _anything(field):
    if pa.types.is_timestamp(field.type):
        return DATES
    if pa.types.is_list(field.type):
        return st.one_of(st.none(), st.lists(TEXTS, max_size=3))
    if pa.types.is_integer(field.type):
        return st.one_of(st.none(), st.integers(-5, 10_000))
    return AMOUNTS if pa.types.is_floating(field.type) else TEXTS


ROWS = st.lists(st.fixed_dictionaries({field.name: _anything(field) for field in FLAT_SCHEMA}), max_size=6)


def _assert_sound(scored, rows):
    assert scored.schema == SCORE_SCHEMA
    assert len(scored) == rows
    for name in SCORES:
        values = scored[name].to_numpy()
        assert np.isfinite(values).all()
        assert ((values >= 0) & (values <= 1)).all()
    both = np.maximum(scored["rule_score"].to_numpy(), scored["ml_score_normalized"].to_numpy())
    assert (scored["risk_score"].to_numpy() == both).all()
    assert pc.list_value_length(scored["flags"]).equals(pc.list_value_length(scored["reasons"]))
    assert scored["reasons"].combine_chunks().flatten().null_count == 0


@given(rows=ROWS)
@settings(max_examples=examples(20), deadline=None)
def test_any_flat_claims_get_finite_scores_between_0_and_1(score, rows):
    table = pa.Table.from_pylist(rows, schema=FLAT_SCHEMA)
    _assert_sound(score(table), len(rows))


@given(columns=st.sets(st.sampled_from([n for n in FLAT_SCHEMA.names if n not in {"claim_id", "amount_claimed"}])))
@settings(max_examples=examples(10), deadline=None)
def test_any_column_but_id_and_amount_may_be_missing(score, claims, columns):
    _assert_sound(score(claims(20, 3).drop_columns(list(columns))), 20)


def test_an_empty_table_gives_an_empty_table_of_scores(scorer, claims, at):
    _assert_sound(scorer.score(claims(10, 3).slice(0, 0), scored_at=at), 0)


def test_a_single_claim_is_scored_as_it_is_among_others(scorer, claims, at):
    table = claims(50, 3)
    together = scorer.score(table, scored_at=at)
    alone = pa.concat_tables([scorer.score(table.slice(i, 1), scored_at=at) for i in range(50)])
    for name in SCORES:
        assert np.allclose(alone[name].to_numpy(), together[name].to_numpy())
    assert alone["flags"].to_pylist() == together["flags"].to_pylist()


def test_scores_keep_the_order_of_the_claims_and_say_what_made_them(scorer, claims, at):
    table = claims(30, 3)
    scored = scorer.score(table, scored_at=at, source="real")
    assert scored["claim_id"].to_pylist() == table["claim_id"].to_pylist()
    row = scored.to_pylist()[0]
    assert (row["source"], row["model_version"]) == ("real", scorer.model_version)
    assert row["ruleset_version"] == scorer.ruleset_version
    assert row["scored_at"] == at.replace(tzinfo=None)


def test_columns_in_chunks_or_dictionaries_are_scored_alike(scorer, claims, at):
    table = claims(40, 3)
    chunked = pa.concat_tables([table.slice(0, 13), table.slice(13)])
    position = chunked.schema.get_field_index("dx_primary_code")
    chunked = chunked.set_column(position, "dx_primary_code", chunked["dx_primary_code"].dictionary_encode())
    assert scorer.score(chunked, scored_at=at).equals(scorer.score(table, scored_at=at))


def test_claims_without_any_amount_column_are_refused_in_one_line(scorer, claims, at):
    with pytest.raises(SourceError, match="neither amount_claimed nor amount_paid"):
        scorer.score(claims(3, 3).drop_columns(["amount_claimed", "amount_paid"]), scored_at=at)
    with pytest.raises(SourceError, match="claim_id"):
        scorer.score(claims(3, 3).drop_columns(["claim_id"]), scored_at=at)


def test_too_few_claims_train_no_scorer(claims):
    with pytest.raises(ScorerError, match="too few"):
        train_scorer(claims(50, 1), profile_hash="x", seed=1)


@pytest.mark.slow
def test_the_same_claims_and_seed_give_the_same_version_and_others_another(claims):
    table = claims(600, 1)
    first = train_scorer(table, profile_hash="x", seed=1)
    assert train_scorer(table, profile_hash="x", seed=1).model_version == first.model_version
    assert train_scorer(table, profile_hash="x", seed=2).model_version != first.model_version
    assert train_scorer(table, profile_hash="y", seed=1).model_version != first.model_version


@pytest.mark.parametrize(
    "poor",
    [
        {"severity_group": [None] * 800},
        {"amount_claimed": [5e6] * 800, "amount_paid": [5e6] * 800},
        {"amount_claimed": [0.0] * 800, "amount_paid": [0.0] * 800},
        {"los": [None] * 800, "admit_dt": [None] * 800, "discharge_dt": [None] * 800},
        {"dx_secondary_codes": [None] * 800, "comorbidity_count": [None] * 800},
        {"procedure_code": [None] * 800, "service_type": [None] * 800},
    ],
    ids=lambda poor: next(iter(poor)),
)
@pytest.mark.slow
def test_a_poor_source_still_trains_a_scorer_that_flags_few_clean_claims(claims, replace, at, tmp_path, poor):
    trained = train_scorer(replace(claims(800, 1), **poor), profile_hash="x", seed=1)
    trained.save(tmp_path)
    fresh = {name: values[:300] for name, values in poor.items()}
    scored = RiskScorer.load(tmp_path).score(replace(claims(300, 2), **fresh), scored_at=at)
    _assert_sound(scored, 300)
    assert (scored["risk_score"].to_numpy() >= 0.5).mean() < 0.08


def test_scoring_a_batch_imports_no_lightgbm(scorer, claims, tmp_path):
    scorer.save(tmp_path / "scorer")
    with pa.OSFile(str(tmp_path / "claims.arrow"), "wb") as sink, pa.ipc.new_file(sink, FLAT_SCHEMA) as writer:
        writer.write_table(claims(5, 3))
    code = (
        "import sys, pyarrow as pa; from datetime import datetime, UTC; from pathlib import Path\n"
        "from claims_sim.scoring.scorer import RiskScorer\n"
        f"claims = pa.ipc.open_file({str(tmp_path / 'claims.arrow')!r}).read_all()\n"
        f"RiskScorer.load(Path({str(tmp_path / 'scorer')!r})).score(claims, scored_at=datetime.now(UTC))\n"
        "print(sorted({'lightgbm', 'scipy', 'sklearn', 'duckdb'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONPATH": ":".join(sys.path)}
    )
    assert done.stdout.strip() == "[]"
