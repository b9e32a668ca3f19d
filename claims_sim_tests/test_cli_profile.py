"""`claims-sim profile`: shown, compared and approved as a user does it."""

import json
import shlex
import shutil

import duckdb
import pytest

from claims_sim import pipeline
from claims_sim.profile.document import Profile
from claims_sim.settings import load_settings


@pytest.fixture
def required(monkeypatch):
    monkeypatch.setenv("CLAIMS_SIM_REQUIRE_APPROVAL", "true")


@pytest.fixture
def other_source(run, tmp_path):
    path = tmp_path / "other.duckdb"
    run("demo-source", "--rows", 2000, "--seed", 9, "--out", path)
    return path


def test_show_names_every_table_and_value(run, profile):
    code, out, _ = run("profile", "show", "--all")
    assert code == 0
    assert profile.profile_hash in out
    assert all(f"\n{name} " in out for name in profile.tables)
    assert all(f"  {value}" in out for values in profile.vocabularies.values() for value in values if value)
    assert len(out) > len(run("profile", "show")[1])
    shown = json.loads(run("profile", "show", profile.profile_hash[:10], "--json")[1])
    assert shown["profile_hash"] == profile.profile_hash


def test_an_approval_is_recorded_and_told_everywhere(run, profile, settings):
    assert "not approved; not required" in run("status")[1]
    code, out, _ = run("profile", "approve", profile.profile_hash[:12], "--by", "A. Rahman", "--note", "pilot")
    assert (code, profile.profile_hash in out) == (0, True)
    for command in ("status", "doctor"):
        assert "approved by A. Rahman" in run(command)[1]
    assert pipeline.find_approval(settings, profile.profile_hash).note == "pilot"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["approve", "0123456789", "--by", "Ani"], "No profile 0123456789 is in force or waits here"),
        (["approve", "0123", "--by", "Ani"], "at least 8 characters"),
        (["show", "nowhere.json"], "nowhere.json is no file"),
        (["diff", "nowhere.json", "elsewhere.json"], "nowhere.json is no file"),
    ],
)
def test_a_mistake_is_one_line(run, arguments, message):
    code, _, err = run("profile", *arguments)
    assert (code, err.count("\n")) == (6, 1)
    assert message in err


def test_a_nameless_approval_is_refused(run, profile, settings):
    assert run("profile", "approve", profile.profile_hash, "--by", " ")[0] == 6
    assert pipeline.find_approval(settings, profile.profile_hash) is None


def test_where_approval_is_required_no_claim_is_made_before_it(run, required, profile, settings, tmp_path):
    document = tmp_path / "given.json"
    profile.save(document)
    for command in (
        ["demo", "--ticks", 1],
        ["generate", "--count", 5, "--out", tmp_path / "c.jsonl"],
        ["generate", "--count", 5, "--profile", document, "--out", tmp_path / "c.jsonl"],
    ):
        code, _, err = run(*command)
        assert code == 6
        assert "is not approved, and CLAIMS_SIM_REQUIRE_APPROVAL is set" in err
        assert "Traceback" not in err
    assert not (tmp_path / "c.jsonl").exists()
    assert "wrong" in run("doctor")[1]
    run("profile", "approve", profile.profile_hash[:12], "--by", "Ani")
    assert run("demo", "--ticks", 1)[0] == 0


@pytest.mark.slow
def test_without_a_source_the_demo_source_is_made_and_profiled(run, settings, monkeypatch, tmp_path):
    monkeypatch.delenv("CLAIMS_SIM_SOURCE")
    monkeypatch.setenv("CLAIMS_SIM_STATE_DIR", str(tmp_path / "fresh"))
    monkeypatch.setenv("CLAIMS_SIM_DEMO_ROWS", "3000")
    code, out, err = run("profile")
    assert (code, "demo source of 3,000 invented claims" in err) == (0, True)
    assert (tmp_path / "fresh" / "profile" / "profile.json").is_file()
    assert "about 3,0" in out


def test_a_changed_profile_waits_while_the_approved_one_stays_in_force(
    run, required, profile, settings, other_source, monkeypatch
):
    run("profile", "approve", profile.profile_hash, "--by", "Ani")
    monkeypatch.setenv("CLAIMS_SIM_SOURCE", str(other_source))
    code, out, _ = run("profile")
    assert code == 0
    assert Profile.load(settings.profile_path).profile_hash == profile.profile_hash
    waiting = pipeline.approval_state(settings).waiting
    assert waiting is not None
    assert f"{waiting[:12]} waits" in out
    assert run("demo", "--ticks", 1)[0] == 0
    assert "no: the source has not changed" in run("profile")[1]
    moved = json.loads(run("profile", "diff", profile.profile_hash[:12], waiting[:12], "--json")[1])
    assert (moved["rows_then"], moved["rows_now"]) == (profile.rows, 2002)
    run("profile", "approve", waiting[:12], "--by", "Budi")
    assert Profile.load(settings.profile_path).profile_hash == waiting
    assert pipeline.approval_state(settings).waiting is None
    assert run("demo", "--ticks", 1)[0] == 0


@pytest.mark.slow
def test_what_moved_is_told_when_the_source_has_changed_and_not_when_it_is_another(
    run, other_source, settings, monkeypatch, tmp_path, profile
):
    source = tmp_path / "mine.duckdb"
    shutil.copy(settings.source, source)
    monkeypatch.setenv("CLAIMS_SIM_SOURCE", str(source))
    assert "moved most: " not in run("profile")[1]
    shutil.copy(other_source, source)
    assert "moved most: " in run("profile")[1]
    text = run("profile", "diff", profile.profile_hash[:12], str(pipeline_file(run)))[1]
    assert "furthest (share then, now)" in text


def pipeline_file(run):
    return json.loads(run("status", "--json")[1])["profile"]


def test_each_step_from_a_foreign_table_to_its_claims_names_the_next(run, small_source, tmp_path):
    table, mapping, out = tmp_path / "kl aim.duckdb", tmp_path / "mapping.toml", tmp_path / "profile.json"
    with duckdb.connect(str(table)) as connection:
        connection.execute(f"ATTACH '{small_source}' AS demo (READ_ONLY)")
        connection.execute("CREATE TABLE klaim_2024 AS FROM demo.claims_normalized")
    said = run("map", "--source", table, "--out", mapping)[1]
    words = shlex.split(said.partition("then: claims-sim ")[2].splitlines()[0])
    assert words == [
        *("profile", "--source", str(table), "--table", "klaim_2024"),
        *("--mapping", str(mapping), "--out", "profile.json"),
    ]
    assert shlex.join(words[1:5]) in mapping.read_text()
    code, said, _ = run(*words[:-1], out)
    assert (code, out.exists()) == (0, True)
    variables = dict(word.split("=", 1) for word in shlex.split(said.partition("then: ")[2].splitlines()[0])[:-2])
    asked = load_settings(**{name.removeprefix("CLAIMS_SIM_").lower(): value for name, value in variables.items()})
    assert (asked.source, asked.source_table, asked.mapping) == (table, "klaim_2024", mapping)
