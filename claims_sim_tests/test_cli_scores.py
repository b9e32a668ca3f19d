"""The commands on all scores, and the sandbox, as a user types them."""

import json
import re

import pytest

from claims_sim import pipeline
from claims_sim.generation.batch import utc_now


def test_refresh_history_and_rollback(run, settings):
    assert run("scores", "history")[1].startswith("There was no refresh yet")
    assert run("scores", "rollback")[0] == 9
    assert not settings.database_path.exists()  # who only looks makes no database
    pipeline.run_tick(settings, utc_now())
    code, out, _ = run("refresh-ml-scores", "--top-k", "3")
    assert code == 0
    assert "real claims                    scored; kept in the production zone" in out
    code, out, _ = run("refresh-ml-scores", "--top-k", "3", "--no-real", "--json")
    snapshot = json.loads(out)
    assert (snapshot["top_of_simulated_claims"]["claims"], snapshot["real"]["left_out"]) == (3, "not asked for")
    states = [one["state"] for one in json.loads(run("scores", "history", "--json")[1])]
    assert states == ["in force", "replaced"]
    code, out, _ = run("scores", "rollback", "--json")
    undone = json.loads(out)
    assert (undone["taken back"], undone["scores put back"]) == (snapshot["refresh"], 5)
    run("scores", "rollback")
    code, out, err = run("scores", "rollback")
    assert (code, out) == (9, "")
    assert err.count("\n") == 1
    assert "no refresh of scores to take back" in err


def test_sandbox(run, tmp_path):
    code, out, _ = run(
        "sandbox", "--out", tmp_path / "s.duckdb", "--count", "50", "--fill", "district_name='X'", "--json"
    )
    written = json.loads(out)
    assert (code, written["claims"], written["columns filled"]) == (0, 50, "district_name")
    assert "truth" not in written
    _, out, _ = run("sandbox", "--out", tmp_path / "s.duckdb", "--count", "50", "--anomaly-rate", "0.1")
    assert re.search(r"^truth +not written: .* the same command with --truth FILE", out, re.M)
    code, _, err = run("sandbox", "--out", tmp_path / "s.duckdb", "--stream", "--anomaly-rate", "0.1")
    assert (code, err.count("\n")) == (2, 1)
    code, _, err = run("sandbox", "--out", tmp_path / "s.duckdb", "--fill", "district_name")
    assert (code, err.count("\n")) == (2, 1)
    assert "write COLUMN=EXPRESSION" in err


@pytest.mark.slow
def test_scorer_check_ends_with_the_scorers_exit_code(run, tmp_path):
    assert run("scorer", "template", "--out", tmp_path / "given.py")[0] == 0
    assert run("scorer", "check", "given:MyScorer")[0] == 0
    code, out, _ = run("scorer", "check", "given:Nothing")
    assert code == 9
    assert (
        "failed  opens: The scorer given:Nothing failed at loading: AttributeError: module given has no Nothing." in out
    )


@pytest.mark.slow
def test_the_card_says_which_share_lies_above_a_threshold(run):
    code, out, _ = run("scorer", "card", "--json")
    card = json.loads(out)
    assert code == 0
    for promised, measured in list(card["above"].values())[:2]:
        assert measured == pytest.approx(promised, rel=0.35)
    assert {rule["name"] for rule in card["rules"]} >= {
        "duplicate_pattern",
        "short_stay_high_cost",
        "severity_mismatch",
    }
    assert all(rule["clean_share"] <= 0.05 or rule["switched_off"] for rule in card["rules"])
    code, out, _ = run("scorer", "card")
    assert "risk at or above" in out
    assert "high_cost_full_paid" in out
