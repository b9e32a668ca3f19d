import json
import socket
import time
from datetime import UTC, datetime

import pytest

from claims_sim.llm.client import LLMClient
from claims_sim.llm.endpoint import Endpoint
from claims_sim.llm.errors import Failure, LLMError
from claims_sim.llm.question import Question
from claims_sim.llm.retry import pause_before_retry, retry_after_s
from claims_sim_tests.fault_server import (
    after,
    completion,
    declines,
    drips,
    drips_headers,
    drops,
    echoes,
    fails,
    fault_server,
    hangs,
    says,
    send,
    stalls,
)

KEY = "sk-verysecret-0123456789"
SCHEMA = {"type": "object", "properties": {"number": {"type": "integer"}}, "required": ["number"]}
QUESTION = Question("Be brief.", "Which?", SCHEMA, "choice", 16, seed=2**40 + 7, temperature=0.5)


def number(answer: object) -> int:
    if not isinstance(answer, dict) or not isinstance(answer.get("number"), int):
        raise ValueError("no number")  # noqa: TRY004
    return answer["number"]


@pytest.fixture
def make(script):
    made = []

    def client(url: str = "", **options) -> LLMClient:
        endpoint = Endpoint(url or script.url, options.pop("model", "m"), is_local=True)
        made.append(LLMClient(endpoint, KEY, sleep=options.pop("sleep", lambda _: None), **options))
        return made[-1]

    yield client
    for one in made:
        one.close()


def failure(client: LLMClient, seconds: float = 5.0) -> LLMError:
    with pytest.raises(LLMError) as caught:
        client.ask(QUESTION, number, time.monotonic() + seconds)
    assert KEY not in str(caught.value)
    assert "\n" not in str(caught.value)
    return caught.value


def test_an_answer_is_parsed_and_its_tokens_are_counted(make, script):
    script.play(says({"number": 3}))
    answer = make().ask(QUESTION, number)
    assert (answer.value, answer.tokens_in, answer.tokens_out) == (3, 100, 5)


def test_the_request_carries_schema_seed_bounds_and_nothing_of_the_environment(make, script, monkeypatch):
    for name in ("OPENAI_API_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
        monkeypatch.setenv(name, "somebody-elses")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "Authorization: somebody-elses\nX-Key: somebody-elses")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://192.0.2.1/v1")
    monkeypatch.setenv("HTTP_PROXY", "http://192.0.2.1:9")
    script.play(says({"number": 1}))
    make().ask(QUESTION, number)
    asked = script.requests[0]
    assert asked["response_format"]["json_schema"]["schema"] == SCHEMA
    assert (asked["max_tokens"], asked["temperature"], asked["seed"]) == (16, 0.5, 7)
    assert {k.lower(): v for k, v in script.headers[0].items()}["authorization"] == f"Bearer {KEY}"
    assert "somebody-elses" not in json.dumps(script.headers[0])


def test_the_first_listed_model_is_taken_where_none_is_configured(make):
    assert make(model="").model == "first"


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (fails(429), Failure.RATE_LIMITED),
        (fails(500), Failure.SERVER_ERROR),
        (fails(503, b"<html>overloaded</html>"), Failure.SERVER_ERROR),
        (fails(401, json.dumps({"error": {"message": f"Incorrect API key {KEY}"}}).encode()), Failure.REFUSED),
        (fails(404), Failure.REFUSED),
        (says({"number": 1}, finish="length"), Failure.TRUNCATED),
        (says('{"number": '), Failure.INVALID),
        (says({"number": "three"}), Failure.INVALID),
        (says("[" * 100_000), Failure.INVALID),
        (lambda handler: send(handler, 200, b"hello"), Failure.INVALID),
        (lambda handler: send(handler, 200, b'{"choices": []}'), Failure.INVALID),
        (lambda handler: send(handler, 200, b'[{"choices": 1}]'), Failure.INVALID),
        (lambda handler: send(handler, 200, completion(None)), Failure.INVALID),
        (says(""), Failure.INVALID),
        (says("", finish="length"), Failure.TRUNCATED),
        (says("1 2 3 " * 2000, finish="length"), Failure.TRUNCATED),
        (says("I am sorry, but I cannot help with that."), Failure.INVALID),
        (declines, Failure.INVALID),
        (says({"number": 1}, finish="content_filter"), Failure.INVALID),
        (echoes, Failure.INVALID),
        (fails(307, Location="http://192.0.2.1/v1"), Failure.REFUSED),
        (lambda handler: send(handler, 200, b"\xff\xfe\x00"), Failure.INVALID),
        (lambda handler: send(handler, 200, b" " * 1_200_000), Failure.INVALID),
        (drops, Failure.UNREACHABLE),
    ],
)
def test_whatever_goes_wrong_is_one_kind_of_error_in_one_line(make, script, reply, kind):
    script.default = reply
    assert failure(make()).kind is kind


def test_a_server_that_is_not_there_is_unreachable(make):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    assert failure(make(f"http://127.0.0.1:{port}/v1")).kind is Failure.UNREACHABLE


@pytest.mark.parametrize("reply", [hangs, drips, drips_headers, stalls, after(0.3, stalls), after(0.3, drips)])
def test_a_server_that_does_not_finish_is_left_at_the_deadline(make, script, reply):
    script.default = reply
    client = make()
    client.named_model(None)
    assert failure(client, 0.4).kind is Failure.TIMEOUT  # the server itself would go on for ten minutes
    script.default = says({"number": 2})
    assert client.ask(QUESTION, number).value == 2


def test_a_redirection_is_not_followed(make, script):
    with fault_server() as elsewhere:
        elsewhere.default = says({"number": 1})
        script.default = fails(307, Location=f"{elsewhere.url}/chat/completions")
        assert "redirects" in str(failure(make()))
        assert elsewhere.requests == []


def test_pauses_grow_differ_and_keep_what_the_server_asks_for():
    busy = LLMError(Failure.SERVER_ERROR, "busy")
    first, third = ([pause_before_retry(busy, n, seed) for seed in range(50)] for n in (0, 2))
    assert max(first) < min(third)
    assert len(set(first)) == 50
    assert pause_before_retry(busy, 1, 7) == pause_before_retry(busy, 1, 7)
    asked = LLMError(Failure.RATE_LIMITED, "slow down", retry_after_s=9.0)
    assert pause_before_retry(asked, 0, 1) == 9.0


def test_retry_after_is_read_as_seconds_or_as_a_date():
    now = datetime(2026, 1, 1, 12, tzinfo=UTC)
    assert retry_after_s("1.5") == 1.5
    assert retry_after_s("Thu, 01 Jan 2026 12:00:30 GMT", now) == 30
    assert retry_after_s("Thu, 01 Jan 2026 11:00:00 GMT", now) == 0
    assert [retry_after_s(text) for text in (None, "", "soon", "nan", "inf")] == [None] * 5


def test_what_may_go_better_is_tried_again_and_its_tokens_count(make, script):
    script.play(says({"number": None}), fails(500), says({"number": 2}))
    answer = make().ask(QUESTION, number)
    assert (answer.value, answer.tokens_in, len(script.requests)) == (2, 200, 3)


def test_another_try_has_another_seed(make, script):
    script.play(says("?"), says({"number": 2}))
    make().ask(QUESTION, number)
    assert len({asked["seed"] for asked in script.requests}) == 2


def test_tries_are_bounded_and_a_refusal_is_not_tried_again(make, script):
    script.default = fails(500)
    failure(make(retries=2))
    assert len(script.requests) == 3
    script.default = fails(403)
    failure(make(retries=2))
    assert len(script.requests) == 4


def test_retry_after_is_kept_unless_the_deadline_comes_first(make, script):
    pauses = []
    script.play(fails(429, Retry_After="1.5"), says({"number": 1}))
    make(sleep=pauses.append).ask(QUESTION, number, time.monotonic() + 5)
    assert pauses == [1.5]
    script.play(fails(429, Retry_After="60"))
    assert failure(make(sleep=pauses.append)).kind is Failure.RATE_LIMITED
    assert pauses == [1.5]


def test_an_option_that_the_server_does_not_know_is_left_out_from_then_on(make, script):
    def unknown(name: str) -> bytes:
        return json.dumps({"error": {"message": "unsupported", "param": name}}).encode()

    client = make(retries=0)
    script.play(
        fails(400, unknown("seed")), fails(400, unknown("max_tokens")), says({"number": 1}), says({"number": 2})
    )
    assert client.ask(QUESTION, number).value == 1
    assert client.ask(QUESTION, number).value == 2
    last = script.requests[-1]
    assert "seed" not in last
    assert "max_tokens" not in last
    assert last["max_completion_tokens"] == 16


def test_our_own_server_is_not_asked_again_when_it_is_gone(script):
    script.default = drops
    client = LLMClient(Endpoint(script.url, "m", is_local=True, is_ours=True), sleep=lambda _: None)
    assert failure(client).kind is Failure.UNREACHABLE
    assert len(script.requests) == 1
    client.close()
