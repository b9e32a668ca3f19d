import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from claims_sim.llm.errors import LLMError
from claims_sim.llm.transmissions import TransmissionLog


def test_what_is_sent_is_kept_in_order(tmp_path):
    log = TransmissionLog(tmp_path / "llm", 100_000)
    for i in range(3):
        log.note("api.example.org", {"model": "m", "messages": [{"role": "user", "content": f"é {i}"}]})
    assert [entry["sent"]["messages"][0]["content"] for entry in log.entries()] == ["é 0", "é 1", "é 2"]
    assert [entry["sent"]["messages"][0]["content"] for entry in log.entries(last=1)] == ["é 2"]
    assert log.entries(last=0) == []
    assert {entry["server"] for entry in log.entries()} == {"api.example.org"}


def test_it_never_grows_past_its_size_and_keeps_the_newest(tmp_path):
    log = TransmissionLog(tmp_path, 20_000)
    for i in range(500):
        log.note("s", {"number": i, "text": "x" * 100})
        assert sum(file.stat().st_size for file in tmp_path.glob("*.jsonl")) <= 20_000
    numbers = [entry["sent"]["number"] for entry in log.entries()]
    assert numbers == list(range(numbers[0], 500))
    assert len(numbers) > 50


def test_secrets_are_hidden_wherever_they_stand(tmp_path):
    secret = 'sk-"very"-secret'
    log = TransmissionLog(tmp_path, 100_000, (secret, ""))
    log.note("s", {"messages": [f"my key is {secret}"], secret: 1})
    assert "very" not in (tmp_path / "transmissions.jsonl").read_text()
    assert log.entries()[0]["sent"]["messages"] == ["my key is (hidden)"]


def test_several_writers_tear_no_line(tmp_path):
    def write(which: int) -> None:
        for i in range(30):
            TransmissionLog(tmp_path, 10**6).note("s", {"which": which, "i": i, "text": "y" * 500})

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(write, range(4)))
    assert len(TransmissionLog(tmp_path, 10**6).entries()) == 120


def test_a_torn_last_line_is_left_out(tmp_path):
    log = TransmissionLog(tmp_path, 100_000)
    log.note("s", {"i": 1})
    with (tmp_path / "transmissions.jsonl").open("a") as file:
        file.write(json.dumps({"at": 1})[:4])
    assert len(log.entries()) == 1


def test_what_cannot_be_logged_is_not_sent(tmp_path):
    (tmp_path / "llm").write_text("a file where the folder should be")
    with pytest.raises(LLMError, match="not sent"):
        TransmissionLog(tmp_path / "llm", 100_000).note("s", {})
    with pytest.raises(LLMError, match="LOG_MB"):
        TransmissionLog(tmp_path, 1000).note("s", {"text": "z" * 600})
