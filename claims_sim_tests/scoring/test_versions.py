import json

import pytest

from claims_sim.errors import ScorerError
from claims_sim.scoring.scorer import RiskScorer, train_scorer
from claims_sim.scoring.versions import CARD, put_in_force, version_of, versions_in


def test_a_saved_scorer_loads_to_one_that_scores_alike(scorer, claims, at, tmp_path):
    version = scorer.save(tmp_path)
    loaded = RiskScorer.load(tmp_path)
    assert loaded.model_version == scorer.model_version == version
    table = claims(500, 5)
    assert loaded.score(table, scored_at=at).equals(scorer.score(table, scored_at=at))


def test_saving_twice_changes_nothing(scorer, tmp_path):
    assert scorer.save(tmp_path) == scorer.save(tmp_path)
    assert versions_in(tmp_path) == [scorer.model_version]
    assert {path.name for path in tmp_path.iterdir()} == {"CURRENT", scorer.model_version}


def test_an_older_version_stays_and_can_be_put_in_force_again(scorer, claims, tmp_path):
    old = scorer.save(tmp_path)
    new = train_scorer(claims(400, 2), profile_hash="x", seed=1).save(tmp_path)
    assert RiskScorer.load(tmp_path).model_version == new
    put_in_force(tmp_path, old)
    assert RiskScorer.load(tmp_path).model_version == old
    assert RiskScorer.load(tmp_path, new).model_version == new
    with pytest.raises(ScorerError, match="holds no scorer version m-none"):
        put_in_force(tmp_path, "m-none")


def test_a_changed_file_is_refused(scorer, tmp_path):
    version = scorer.save(tmp_path)
    peers = tmp_path / version / "peers.parquet"
    peers.write_bytes(peers.read_bytes()[:-1] + b"x")
    with pytest.raises(ScorerError, match=r"peers\.parquet was changed"):
        RiskScorer.load(tmp_path)


def test_a_missing_file_or_folder_is_one_clear_line(scorer, tmp_path):
    with pytest.raises(ScorerError, match="holds no trained scorer"):
        RiskScorer.load(tmp_path / "nowhere")
    version = scorer.save(tmp_path)
    (tmp_path / version / "tails.parquet").unlink()
    with pytest.raises(ScorerError, match="incomplete"):
        RiskScorer.load(tmp_path)


def test_a_scorer_of_another_ruleset_is_refused(scorer):
    card = json.loads(scorer.files[CARD])
    card["ruleset_version"] = "rules-of-old"
    with pytest.raises(ScorerError, match="another release"):
        RiskScorer.from_files({**scorer.files, CARD: json.dumps(card).encode()})


def test_nothing_that_is_saved_can_run_code_or_names_a_claim(scorer):
    assert {name.rsplit(".", 1)[1] for name in scorer.files} == {"json", "parquet"}
    assert not any(b"T-1-" in content for content in scorer.files.values())
    assert version_of(scorer.files) == scorer.model_version
