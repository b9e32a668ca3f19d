import json
import subprocess
import sys

import pyarrow.parquet as pq
import pytest

from claims_sim.claim import FLAT_COLUMNS, Claim
from claims_sim.settings import child_environment


def test_the_help_names_every_command(run):
    code, out, _ = run("--help")
    assert code == 0
    for command in ("up", "demo", "demo-source", "profile", "generate", "consume", "score", "status"):
        assert f" {command} " in out


def test_help_loads_neither_dagster_nor_duckdb_nor_pandas():
    program = """
import sys
from claims_sim import cli
sys.argv = ["claims-sim", "--help"]
try:
    cli.main()
except SystemExit:
    heavy = ("dagster", "duckdb", "pandas", "pyarrow", "pydantic")
    print([module for module in heavy if module in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("[]")


def test_the_demo_runs_the_chain_and_sums_up(run):
    code, out, _ = run("demo", "--ticks", 3, "--json")
    counts = json.loads(out)
    assert code == 0
    assert counts["planned"] == counts["published"] == counts["ingested"] == counts["scored"] == 15
    code, out, _ = run("status", "--json")
    assert json.loads(out)["ingested"] == 15


@pytest.mark.slow
def test_the_demos_summary_is_a_table_and_says_where_things_are(run):
    _, out, _ = run("demo", "--ticks", 1)
    assert "What happened" in out
    assert "snapshots/claims_live_stream" in out


def test_a_profile_is_written_and_generate_makes_the_same_file_from_it_every_time(run, settings, tmp_path):
    profile = tmp_path / "p.json"
    assert run("profile", "--source", settings.source, "--out", profile)[0] == 0
    files = [tmp_path / "a.jsonl", tmp_path / "b.jsonl"]
    for file in files:
        assert (
            run("generate", "--profile", profile, "--count", 50, "--seed", 3, "--author", "statistical", "--out", file)[
                0
            ]
            == 0
        )
    assert files[0].read_bytes() == files[1].read_bytes()
    claims = [Claim.model_validate_json(line) for line in files[0].read_text().splitlines()]
    assert len({claim.claim_id for claim in claims}) == 50


def test_generate_writes_flat_rows_to_parquet(run, tmp_path):
    out = tmp_path / "claims.parquet"
    assert run("generate", "--count", 20, "--out", out)[0] == 0
    table = pq.read_table(out)
    assert (table.num_rows, tuple(table.column_names)) == (20, FLAT_COLUMNS)


@pytest.mark.parametrize(
    ("arguments", "exit_code", "message"),
    [
        (["generate", "--count", "5", "--out", "claims.csv"], 2, "must end in .jsonl"),
        (["generate", "--count", "5", "--profile", "nowhere.json", "--out", "x.jsonl"], 6, "nowhere.json"),
        (["generate", "--count", "5", "--author", "poet", "--out", "x.jsonl"], 2, "CLAIMS_SIM_AUTHOR=poet"),
        (["profile", "--source", "nowhere.duckdb", "--out", "p.json"], 3, "nowhere.duckdb"),
        (["generate", "--count", "5", "--out", "/proc/nowhere/x.jsonl"], 1, "Nothing was written"),
    ],
)
def test_a_users_mistake_is_one_line_and_an_exit_code(run, arguments, exit_code, message):
    code, out, err = run(*arguments)
    assert (code, out) == (exit_code, "")
    assert message in err
    assert err.count("\n") == 1
    assert "Traceback" not in err


@pytest.mark.parametrize("content", [b"", b"not a database", b"\x00" * 5000])
def test_a_source_that_is_no_database_is_one_line(run, tmp_path, content):
    wrong = tmp_path / "wrong.duckdb"
    wrong.write_bytes(content)
    code, _, err = run("profile", "--source", wrong, "--out", tmp_path / "p.json")
    assert code == 3
    assert err.count("\n") == 1
    assert not (tmp_path / "p.json").exists()


def test_a_missing_table_names_those_that_are_there(run, settings, tmp_path):
    code, _, err = run("profile", "--source", settings.source, "--table", "claims", "--out", tmp_path / "p.json")
    assert code == 3
    assert "claims_normalized" in err


@pytest.mark.slow
def test_consume_and_score_have_nothing_to_do_after_a_demo(run):
    run("demo", "--ticks", 1)
    assert json.loads(run("consume", "--json")[1])["rows stored"] == 0
    assert json.loads(run("score", "--json")[1])["claims scored"] == 0


def test_a_demo_beside_another_producer_says_who_holds_the_lock(run, settings):
    from claims_sim.store import control

    with control.producer_lock(settings.state_dir, "claims-sim stream"):
        code, _, err = run("demo", "--ticks", 1)
    assert code == 7
    assert "claims-sim stream" in err


def test_settings_are_listed_with_their_meaning(run):
    code, out, _ = run("settings")
    assert code == 0
    assert "CLAIMS_SIM_INTERVAL_MIN_S" in out
    assert "Shortest gap" in out


def test_the_demo_source_command_writes_a_table_of_the_rows_asked_for(run, tmp_path):
    out = tmp_path / "demo.parquet"
    assert run("demo-source", "--rows", 500, "--out", out)[0] == 0
    assert pq.read_metadata(out).num_rows == 500


@pytest.mark.parametrize("link", [None, "symbolic", "hard"])
def test_no_output_ever_replaces_the_source(run, monkeypatch, tmp_path, link):
    own = tmp_path / "own.parquet"
    run("demo-source", "--rows", 2000, "--out", own)
    before = own.read_bytes()
    out = own if link is None else tmp_path / "out.parquet"
    if link == "symbolic":
        out.symlink_to(own)
    elif link == "hard":
        out.hardlink_to(own)
    monkeypatch.setenv("CLAIMS_SIM_SOURCE", str(own))
    for command in (["profile"], ["generate", "--count", 5]):
        code, _, err = run(*command, "--out", out)
        assert code == 2
        assert "is the source" in err
    assert own.read_bytes() == before


@pytest.mark.slow
def test_the_demo_profiles_again_when_the_source_is_another(run, settings, tmp_path, monkeypatch):
    run("demo", "--ticks", 1)
    before = settings.profile_path.read_text()
    other = tmp_path / "other.duckdb"
    run("demo-source", "--rows", 3000, "--seed", 9, "--out", other)
    monkeypatch.setenv("CLAIMS_SIM_SOURCE", str(other))
    assert run("demo", "--ticks", 1)[0] == 0
    assert settings.profile_path.read_text() != before


def test_the_demo_refuses_a_source_that_is_the_simulation_database(run, settings, tmp_path, monkeypatch):
    run("demo", "--ticks", 1)
    link = tmp_path / "link.duckdb"
    link.symlink_to(settings.database_path)
    monkeypatch.setenv("CLAIMS_SIM_SOURCE", str(link))
    code, _, err = run("demo", "--ticks", 1)
    assert (code, "same file" in err) == (3, True)


def test_a_demo_after_a_crash_finishes_what_was_left_and_succeeds(run, settings):
    from claims_sim import pipeline
    from claims_sim.generation.batch import utc_now

    batch = pipeline.generate_batch(settings, pipeline.current_profile(settings), utc_now())
    pipeline.commit_batch(settings, batch)
    code, out, _ = run("demo", "--ticks", 1, "--json")
    assert code == 0
    assert json.loads(out)["ingested"] == 10


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("CHANNEL", "ftp://x", "jsonl"),
        ("LLM_BASE_URL", "http://u:sk-secret@127.0.0.1:9/v1", "no user or password"),
        ("STATE_DIR", __file__, "a folder is needed"),
    ],
)
def test_a_setting_that_cannot_work_is_told_before_anything_is_made(run, monkeypatch, name, value, message):
    monkeypatch.setenv(f"CLAIMS_SIM_{name}", value)
    code, _, err = run("demo", "--ticks", 1)
    assert code in {2, 5}
    assert message in err
    assert "sk-secret" not in err
    assert err.count("\n") == 1


def test_an_output_that_is_a_folder_is_one_line(run, tmp_path):
    for command in (["profile"], ["schema"]):
        code, _, err = run(*command, "--out", tmp_path)
        assert code == 2
        assert err.count("\n") == 1


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_ctrl_c_ends_a_demo_without_a_traceback(settings, tmp_path):
    import signal
    import time

    command = [sys.executable, "-m", "claims_sim.cli", "demo", "--ticks", "400"]
    process = subprocess.Popen(command, env=child_environment(settings), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    while not (settings.state_dir / "snapshots").exists():
        assert process.poll() is None
        time.sleep(0.05)
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err.decode()
    assert b"Traceback" not in err


@pytest.mark.slow
def test_map_proposes_a_mapping_file_that_profile_takes(run, settings, tmp_path):
    mapping = tmp_path / "mapping.toml"
    code, out, _ = run("map", "--source", settings.source, "--out", mapping, "--json")
    assert code == 0
    assert json.loads(out)["columns"]["los"] == "los (0.90)"
    assert (
        run("profile", "--source", settings.source, "--mapping", mapping, "--out", tmp_path / "p.json", "--json")[0]
        == 0
    )
    code, out, _ = run("map", "--source", settings.source)
    assert out == mapping.read_text()
    assert run("map", "--source", settings.source, "--out", settings.source)[0] == 2


@pytest.fixture
def dead_letter(settings) -> str:
    """The id of a dead letter that holds what must not reach a terminal."""
    from claims_sim import pipeline
    from claims_sim.channels import Message
    from claims_sim.store import dead_letters

    channel = pipeline.channel(settings)
    channel.publish("x", [Message("x", "\x1b[2Jnot json"), Message("x", "{}")])
    channel.close()
    pipeline.ingest(settings)
    chosen = dead_letters.Chosen(reason="not_json")
    return dead_letters.list_letters(pipeline.database(settings), chosen, limit=1)[1][0]["dead_letter_id"]


def test_dead_letters_are_listed_and_shown_without_what_a_terminal_would_obey(run, dead_letter):
    code, out, _ = run("dead-letters", "list")
    assert (code, "2 dead letters" in out, "not_json" in out) == (0, True, True)
    assert json.loads(run("dead-letters", "list", "--limit", 1, "--json")[1])["count"] == 2
    code, out, _ = run("dead-letters", "show", dead_letter[:8])
    assert code == 0
    assert "\\x1b[2Jnot json" in out
    assert "\x1b" not in out
    assert json.loads(run("dead-letters", "show", dead_letter, "--limit", 4, "--json")[1])["content"] == "\\x1b[2J"


def test_dead_letters_are_retried_and_dropped_and_a_dry_run_changes_nothing(run, dead_letter):
    code, out, _ = run("dead-letters", "retry", "--all", "--json")
    assert (code, json.loads(out)["refused again"]) == (1, 2)
    assert json.loads(run("dead-letters", "drop", dead_letter[:8], "--dry-run", "--json")[1])["would be dropped"] == 1
    assert json.loads(run("dead-letters", "list", "--json")[1])["count"] == 2
    assert json.loads(run("dead-letters", "drop", dead_letter[:8], "--json")[1])["by reason"] == {"not_json": 1}
    assert json.loads(run("dead-letters", "list", "--json")[1])["count"] == 1
    assert json.loads(run("dead-letters", "list", "--resolved", "--json")[1])["count"] == 2


def test_no_dead_letter_is_touched_without_saying_which(run, dead_letter):
    for command in ("retry", "drop"):
        code, _, err = run("dead-letters", command)
        assert (code, "Say which dead letters" in err) == (2, True)


def test_dead_letters_of_a_simulation_that_has_not_begun_are_one_line_and_make_nothing(run, settings):
    code, _, err = run("dead-letters", "list")
    assert (code, "no simulation database" in err, err.count("\n")) == (4, True, 1)
    assert not settings.database_path.exists()
