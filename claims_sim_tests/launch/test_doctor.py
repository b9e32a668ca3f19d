import re
import socket
from datetime import UTC, datetime
from pathlib import Path

import pytest

from claims_sim import pipeline
from claims_sim.launch.doctor import examine
from claims_sim.settings import child_environment
from claims_sim_tests.fault_server import fault_server
from claims_sim_tests.profile.tables import replaced, tariff_table, write_duckdb

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def verdicts(settings) -> dict[str, tuple[str, str]]:
    return {finding.what: (finding.verdict, finding.found) for finding in examine(settings)}


def test_a_working_simulation_has_nothing_wrong(ticked):
    found = verdicts(ticked)
    assert "wrong" not in {verdict for verdict, _ in found.values()}
    assert "5 claims, 5 scored" in found["simulation database"][1]


def test_a_missing_source_is_wrong_and_named(settings):
    found = verdicts(settings.model_copy(update={"source": Path("/nowhere/claims.duckdb")}))
    assert found["source"][0] == "wrong"
    assert "/nowhere/claims.duckdb" in found["source"][1]


def test_a_column_that_follows_from_others_is_not_said_to_be_replaced_by_a_default(settings, tmp_path):
    claims = tariff_table(500).drop_columns(["los", "province_name"])
    source = write_duckdb(claims, tmp_path / "claims.duckdb")
    verdict, text = verdicts(settings.model_copy(update={"source": source}))["source columns"]
    defaults, computed = text.split("; ", 1)
    assert verdict == "note"
    assert "province_name" in defaults
    assert "los" not in defaults
    assert "los is computed from the dates" in computed


def test_what_is_odd_about_a_source_and_how_many_claims_are_left_out_are_notes(settings, tmp_path, run):
    table = tariff_table(5000)
    codes = [None if i % 50 == 0 else code for i, code in enumerate(table["dx_primary_code"].to_pylist())]
    stays = ["120 +" if i < 31 else f"{days}" for i, days in enumerate(table["los"].to_pylist())]
    source = write_duckdb(replaced(replaced(table, "dx_primary_code", codes), "los", stays), tmp_path / "claims.duckdb")
    notes = [
        found.found
        for found in examine(settings.model_copy(update={"source": source}))
        if found.what == "source values"
    ]
    assert "2.0% of the claims have no primary diagnosis: R69 stands for it in a payload." in notes
    assert "A few (fewer than 50) of los could not be read as a number and counts as missing." in notes
    assert run("doctor", "--source", source)[0] == 0


@pytest.mark.slow
def test_the_only_table_of_a_source_needs_no_name_anywhere(settings, tmp_path, run):
    """Doctor, profile, what the next process is told, and another name for the same table say the same."""
    source = write_duckdb(tariff_table(500), tmp_path / "claims.duckdb", "klaim")
    own = settings.model_copy(update={"source": source})
    assert verdicts(own)["source"] == ("ok", f"{source}, klaim: about 500 claims")
    assert pipeline.profile_source(own, NOW).is_new
    assert "CLAIMS_SIM_SOURCE_TABLE" not in child_environment(own)
    named = own.model_copy(update={"source_table": "klaim"})
    assert child_environment(named)["CLAIMS_SIM_SOURCE_TABLE"] == "klaim"
    pipeline.keep_profile(own, pipeline.profile_source(own, NOW).profile)
    assert pipeline.note_of_former_source(named) == ""
    wrong = verdicts(own.model_copy(update={"source_table": "claims_normalized"}))["source"]
    assert wrong[0] == "wrong"
    assert wrong[1].endswith("'klaim'. Name one with --table, or in CLAIMS_SIM_SOURCE_TABLE.")
    code, out, _ = run("doctor", "--source", source, "--json")
    assert "klaim: about 500 claims" in out
    assert code == 0, out


def test_the_help_of_doctor_names_the_settings_of_the_source(run):
    _, out, _ = run("doctor", "--help")
    assert {"CLAIMS_SIM_SOURCE", "CLAIMS_SIM_SOURCE_TABLE", "CLAIMS_SIM_MAPPING"} <= set(
        re.findall(r"CLAIMS_SIM_[A-Z_]+", out)
    )


def test_source_and_simulation_in_one_file_are_wrong(settings):
    assert verdicts(settings.model_copy(update={"database": settings.source}))["isolation"][0] == "wrong"


def test_a_busy_port_is_a_note_with_the_port_that_would_be_taken(settings):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        verdict, text = verdicts(settings.model_copy(update={"port": port}))["port"]
    assert verdict == "note"
    assert f"{port} is busy" in text


def test_a_model_server_that_does_not_answer_is_wrong_only_when_it_is_forced(settings):
    changes = {"author": "llm", "llm_base_url": "http://127.0.0.1:9/v1"}
    assert verdicts(settings.model_copy(update=changes))["author"][0] == "note"
    assert verdicts(settings.model_copy(update=changes | {"force_llm": True}))["author"][0] == "wrong"


@pytest.mark.parametrize(
    ("status", "verdict", "said"),
    [
        (200, "ok", "answers, with first"),
        (401, "note", "(401): check CLAIMS_SIM_LLM_API_KEY. The statistical author would write."),
        pytest.param(403, "note", "(403)", marks=pytest.mark.slow),
        pytest.param(404, "ok", "does not say which models it has", marks=pytest.mark.slow),
        pytest.param(503, "note", "failed (503)", marks=pytest.mark.slow),
    ],
)
def test_a_model_server_is_asked_for_its_models(settings, status, verdict, said):
    with fault_server() as script:
        script.listing_status = status
        changes = {"author": "llm", "llm_base_url": script.url, "llm_model": "first"}
        found = verdicts(settings.model_copy(update=changes))["author"]
        other = verdicts(settings.model_copy(update=changes | {"llm_model": "gone"}))["author"]
        assert script.requests == []
    assert found[0] == verdict
    assert said in found[1]
    if status == 200:
        assert other[0] == "note"
        assert "does not list 'gone' but first" in other[1]


@pytest.mark.slow
def test_a_scorer_of_ones_own_is_tried(settings, tmp_path):
    assert verdicts(settings)["scorer"] == ("ok", "the built-in one")
    (tmp_path / "tried.py").write_text(
        "class Good:\n    version = '4'\n    def score(self, claims):\n"
        "        return claims[['claim_id']].assign(risk_score=(claims.amount_claimed / 1e10).clip(0, 1))\n"
        "class Bad:\n    def score(self, claims):\n        return claims.nothing\n"
    )
    verdict, text = verdicts(settings.model_copy(update={"scorer": "tried:Good"}))["scorer"]
    assert (verdict, "tried:Good, version 4" in text) == ("ok", True)
    verdict, text = verdicts(settings.model_copy(update={"scorer": "tried:Bad"}))["scorer"]
    assert verdict == "wrong"
    assert "(tried.py, line 7). `claims-sim scorer check tried:Bad` says more." in text
