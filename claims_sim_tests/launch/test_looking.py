"""`status` and `doctor` look; they write nothing and need no right to write."""

import ctypes
import json
import os
import subprocess
import sys

import pytest

from claims_sim.settings import child_environment
from claims_sim.store import control

_PR_CAPBSET_DROP, _CAP_DAC_OVERRIDE = 24, 1


def obey_rights() -> None:
    """In a child about to start its program: let folders' rights bind it, though it may be root's."""
    if os.geteuid() == 0:
        ctypes.CDLL(None).prctl(_PR_CAPBSET_DROP, _CAP_DAC_OVERRIDE, 0, 0, 0)


@pytest.fixture
def look(settings, tmp_path):
    """Run a command in a process of its own that folders' rights bind; returns (exit code, its JSON)."""
    weights = tmp_path / "model.gguf"
    weights.write_bytes(b"GGUF and more")
    asked = settings.model_copy(update={"author": "llm", "llm_gguf": weights})

    def call(command: str):
        done = subprocess.run(
            [sys.executable, "-m", "claims_sim.cli", command, "--json"],
            env=os.environ | child_environment(asked),
            preexec_fn=obey_rights,
            capture_output=True,
            text=True,
            check=False,
        )
        assert not done.stderr
        return done.returncode, json.loads(done.stdout)

    return call


def everything(folder):
    return {path: path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


@pytest.fixture
def sealed(ticked):
    """The state folder after a tick, read-only until the test ends."""
    with control.producer_lock(ticked.state_dir, "an earlier one"):
        pass
    paths = [ticked.state_dir, *ticked.state_dir.rglob("*")]
    for path in paths:
        path.chmod(path.stat().st_mode & ~0o222)
    yield ticked.state_dir
    for path in paths:
        path.chmod(path.stat().st_mode | 0o200)


@pytest.mark.parametrize("command", [pytest.param("status", marks=pytest.mark.slow), "doctor"])
def test_who_looks_leaves_nothing_behind(look, settings, command):
    before = everything(settings.state_dir)
    look(command)
    assert everything(settings.state_dir) == before


def test_status_works_on_a_read_only_state_folder(look, sealed):
    code, said = look("status")
    assert (code, said["ingested"], said["producer"]) == (0, 5, "none at the moment")


def test_a_producer_is_seen_by_who_may_not_write(tmp_path, monkeypatch):
    with control.producer_lock(tmp_path, "the stream"):
        monkeypatch.setattr(control, "_is_writable", lambda _folder: False)
        assert control.holder(tmp_path).what == "the stream"
    assert control.holder(tmp_path) is None


@pytest.mark.slow
def test_doctor_says_that_a_read_only_state_folder_cannot_be_written_and_looks_at_the_rest(look, sealed):
    code, findings = look("doctor")
    found = {finding["what"]: (finding["verdict"], finding["found"]) for finding in findings}
    assert code == 1
    assert found["state folder"][0] == "wrong"
    assert f"{sealed} cannot be written" in found["state folder"][1]
    assert [what for what, (verdict, _) in found.items() if verdict == "wrong"] == ["state folder"]
    assert "5 claims, 5 scored" in found["simulation database"][1]
