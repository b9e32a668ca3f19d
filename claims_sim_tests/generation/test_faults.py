"""Every fault of a model has one outcome: a whole batch that says who wrote it, or, where the model must write, none.

The server is real and so is its socket; a batch is written as a tick writes it.
"""

import json
import socket
import threading
import time
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

import pytest

from claims_sim import pipeline
from claims_sim.claim import Claim
from claims_sim.errors import AuthorError
from claims_sim.generation.examination import Skill
from claims_sim.generation.request import ClaimsRequest
from claims_sim.llm import breaker, client, retry  # noqa: F401 - loaded here, so that no deadline pays for it
from claims_sim.pipeline.limits import over_limit
from claims_sim.pipeline.model import model_state
from claims_sim.store import outbox
from claims_sim.store.control import Facts
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
    writes,
)

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
KEY = "sk-verysecret-0123456789"
SHORT_S, LONG_S = (
    1.2,
    30.0,
)  # a server that hangs does so for ten minutes: who waits for it fails by the test's own limit
FAULTS = {
    "hangs": hangs,
    "stalls in the middle": stalls,
    "drips white space": drips,
    "drips headers": drips_headers,
    "is slow": after(1.0, writes),
    "rate limit": fails(429, Retry_After="30"),
    "rate limit without a time": fails(429),
    "server error": fails(500),
    "overloaded": fails(503, b"<html>overloaded</html>"),
    "drops the connection": drops,
    "cut off": says('{"number": 1', finish="length"),
    "loops": says("1 1 1 1 " * 3000, finish="length"),
    "truncated JSON": says('{"number": '),
    "no JSON": says("The best option is the second one."),
    "no completion": lambda handler: send(handler, 200, b"hello"),
    "wrong claims": says({"number": 99, "los": -3}),
    "right shape, wrong claims": says(
        {
            "procedure_code": "0000", "secondary_codes": ["X99"], "los": 10**6, "amount_claimed": -1, "amount_paid": 10**12
        }
    ),
    "echo": echoes,
    "refusal": declines,
    "refusal in words": says("I am sorry, but I cannot help with that."),
    "empty": says(""),
    "nothing": lambda handler: send(handler, 200, completion(None)),
    "filter of contents": fails(400, b'{"error": {"code": "content_filter", "message": "The response was filtered"}}'),
    "wrong key": fails(401, json.dumps({"error": {"message": f"Incorrect API key {KEY}"}}).encode()),
    "key without the right": fails(403),
    "wrong model": fails(404, b'{"error": {"message": "The model does not exist", "code": "model_not_found"}}'),
    "redirection": fails(302, Location="http://192.0.2.1/"),
}  # fmt: skip
NO_SKILL = Skill(0, 2, 0.1, datetime.now(UTC).isoformat())
# For the client the same as another one, or nearly: 503 as 500, 403 and a model that is not there as 401, headers that drip as
# a body that does, and no answer is none, whatever there is instead.
ALIKE = {
    "overloaded",
    "key without the right",
    "truncated JSON",
    "refusal in words",
    "empty",
    "cut off",
    "no completion",
    "nothing",
    "rate limit without a time",
    "filter of contents",
    "wrong model",
    "drips headers",
}
TIMELESS = ("hangs", "stalls in the middle", "drips white space", "drips headers", "is slow")
LASTING = ("wrong key", "key without the right", "wrong model", "redirection", "rate limit")


@pytest.fixture
def short_pauses(monkeypatch):
    """Between attempts a hundredth of the pause, where nothing depends on its length."""
    monkeypatch.setattr(retry, "_BACKOFF_S", tuple(pause / 100 for pause in retry._BACKOFF_S))


@pytest.fixture
def server(short_pauses):
    with fault_server() as script:
        yield script


@pytest.fixture
def llm(settings, server):
    return remote(settings, server.url)


def remote(settings, url: str, **more):
    changes = {
        "author": "llm", "llm_base_url": url, "llm_model": "m", "llm_api_key": type(settings.llm_api_key)(KEY),
        "authoring_deadline_s": LONG_S,
    }  # fmt: skip
    # What the server can do is known already: here it is about what it does.
    Facts(settings.state_dir).change("llm.abilities", lambda _: {f"{url} m": {"structured": "json_schema"}})
    Facts(settings.state_dir).change("llm.skill", lambda _: {f"{url} m": asdict(NO_SKILL)})
    return settings.model_copy(update=changes | more)


def write(settings, tick: int = 0, count: int = 5):
    """A batch as a tick writes it, held against what holds for every batch."""
    profile = pipeline.current_profile(settings)
    batch = pipeline.generate_batch(settings, profile, NOW + timedelta(seconds=tick), ClaimsRequest(count=count))
    pipeline.commit_batch(settings, batch)
    assert [Claim.model_validate_json(line).claim_id for line in batch.payloads] == batch.claims["claim_id"].to_pylist()
    assert len(batch.payloads) == count
    assert pipeline.review_outbox_batch(settings, batch.request.batch_id) == {}
    assert set(batch.log["author"].to_pylist()) == set(batch.author.split("+"))
    assert KEY not in repr(batch)
    return batch


@pytest.mark.parametrize(
    ("fault", "form"),
    [
        *(pytest.param(f, "choice", marks=[pytest.mark.slow] if f in ALIKE else []) for f in FAULTS),
        *((f, "full") for f in ("right shape, wrong claims", "loops", "echo")),
    ],
)
def test_a_fault_costs_no_claim_and_the_batch_says_who_wrote_it(llm, server, fault, form):
    server.default = FAULTS[fault]
    deadline = SHORT_S if fault in TIMELESS else LONG_S
    settings = llm.model_copy(update={"prompt_form": form, "authoring_deadline_s": deadline})
    batch = write(settings)
    assert batch.author in ("statistical", "llm+statistical")
    assert batch.problems
    if fault != "is slow":
        assert (batch.author, batch.fallen_back, batch.model) == ("statistical", 5, "profile-chain")
    is_left_alone = bool(model_state(settings).left_alone)
    assert is_left_alone is (fault in LASTING)


@pytest.mark.parametrize(
    "fault",
    [
        "hangs",
        "rate limit",
        "wrong key",
        *(pytest.param(fault, marks=pytest.mark.slow) for fault in ("server error", "drops the connection", "loops")),
    ],
)
def test_where_the_model_must_write_a_fault_fails_the_tick_and_nothing_is_kept(llm, server, fault):
    server.default = FAULTS[fault]
    deadline = SHORT_S if fault in TIMELESS else LONG_S
    settings = llm.model_copy(update={"force_llm": True, "authoring_deadline_s": deadline})
    with pytest.raises(AuthorError) as caught:
        write(settings)
    assert "\n" not in str(caught.value)
    assert KEY not in str(caught.value)
    assert not settings.database_path.exists() or outbox.pending(pipeline.database(settings)) == ()
    Facts(settings.state_dir).change(breaker.KEY, lambda _: {})
    server.default = writes
    assert write(settings.model_copy(update={"authoring_deadline_s": LONG_S})).author == "llm"


def test_faults_in_between_are_overcome_within_the_deadline(llm, server):
    server.play(fails(500), writes, says("?"), writes, drops, writes, fails(429, Retry_After="0.1"))
    server.default = writes
    batch = write(llm)
    assert (batch.author, batch.fallen_back) == ("llm", 0)


@pytest.mark.usefixtures("short_pauses")
def test_a_server_that_dies_in_mid_batch_leaves_its_claims_and_the_rest_is_written_all_the_same(settings):
    with fault_server() as script:
        script.play(writes, writes)
        script.default = drops
        batch = write(remote(settings, script.url))
    assert (batch.author, batch.fallen_back) == ("llm+statistical", 3)
    assert batch.log["author"].to_pylist().count("llm") == 2


@pytest.mark.usefixtures("short_pauses")
def test_a_server_that_is_not_there_is_found_when_it_comes(settings):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    away = remote(settings, f"http://127.0.0.1:{port}/v1")
    assert write(away).author == "statistical"
    with fault_server(port) as script:
        script.default = writes
        assert write(away, 1).author == "llm"


def test_a_server_that_comes_up_within_the_deadline_is_waited_for(settings):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    away = remote(settings, f"http://127.0.0.1:{port}/v1")
    done = threading.Event()

    def come() -> None:
        time.sleep(0.3)
        with fault_server(port) as script:
            script.default = writes
            done.wait(30)

    late = threading.Thread(target=come)
    late.start()
    try:
        assert write(away).author == "llm"
    finally:
        done.set()
        late.join()


def test_a_server_that_keeps_failing_is_left_alone_across_processes_and_taken_up_again(llm, server, monkeypatch):
    server.default = fails(500)
    for tick in range(breaker.FAILURES_TO_OPEN):
        assert not model_state(llm).left_alone
        write(llm, tick)
    assert "failed (500)" in model_state(llm).left_alone
    asked = len(server.requests)
    server.default = writes
    batch = write(llm, 10)
    assert len(server.requests) == asked
    assert batch.author == "statistical"
    assert "left alone" in batch.problems[0]
    Facts(llm.state_dir).change(breaker.KEY, lambda fact: {**fact, "until": time.time() - 1})
    batch = write(llm, 11)
    assert (batch.author, batch.problems) == ("llm", ())
    assert not model_state(llm).left_alone


def test_a_spent_day_goes_on_with_the_statistical_author_and_says_so(llm, server):
    server.default = writes
    settings = llm.model_copy(update={"llm_tokens_per_day": 1_300})
    batches = [write(settings, tick) for tick in range(4)]
    assert batches[0].author.startswith("llm")
    assert batches[-1].author == "statistical"
    assert any("budget" in problem for problem in batches[-1].problems)
    state = model_state(settings)
    assert "of 1,300 tokens" in state.spent_up
    assert state.today.tokens <= 1_300
    assert not state.left_alone  # the server has done nothing wrong
    assert over_limit(settings) == ""


def test_a_spent_day_pauses_where_the_model_must_write(llm, server):
    server.default = writes
    settings = llm.model_copy(update={"llm_tokens_per_day": 1_000, "force_llm": True})
    with pytest.raises(AuthorError, match="budget"):
        for tick in range(10):
            write(settings, tick)
    assert "FORCE_LLM" in over_limit(settings)
    assert over_limit(settings.model_copy(update={"llm_tokens_per_day": 10**9})) == ""


def test_a_batch_has_a_budget_of_its_own_in_tokens_and_in_money(llm, server):
    server.default = writes
    by_tokens = llm.model_copy(update={"llm_tokens_per_batch": 700})
    by_money = llm.model_copy(update={"llm_cost_per_batch": 0.0007, "llm_prices": "m=1/1"})
    for tick, settings in enumerate((by_tokens, by_money)):
        batch = write(settings, tick)
        assert batch.author == "llm+statistical"
        assert batch.tokens_in + batch.tokens_out <= 700
    assert 0 < batch.cost <= 0.0007


def test_one_prompt_that_a_filter_holds_back_costs_the_others_nothing(llm, server):
    held_back = FAULTS["filter of contents"]
    first = []

    def filtered(handler) -> None:
        said = json.dumps(handler.asked["messages"])
        first.append(said)
        (held_back if said == first[0] else writes)(handler)

    server.default = filtered
    batch = write(llm)
    assert batch.author == "llm"  # in the end with other options: the prompt is another one
    assert not model_state(llm).left_alone
    assert any("declined" in problem for problem in batch.problems)


def test_several_claims_are_asked_for_at_once_and_a_part_of_them_may_be_wrong(llm, server):
    def half(handler) -> None:
        schema = handler.asked["response_format"]["json_schema"]["schema"]
        if "1" not in schema.get("properties", {}):
            return writes(handler)
        return send(handler, 200, completion(json.dumps({"1": {"number": 2}, "2": {"number": 9}, "3": "?"})))

    server.default = half
    settings = llm.model_copy(update={"llm_briefs_per_request": 5, "prompt_version": "v1"})
    batch = write(settings)
    assert batch.author == "llm"
    asked = {json.dumps(one["messages"]) for one in server.requests}  # a request that was late may be there twice
    assert len(asked) == 1 + 4  # the four that were wrong are asked for again, each alone
    assert len({json.dumps(asked["messages"][0]) for asked in server.requests}) == 1  # the prefix that caches hit


def test_requests_run_at_once_up_to_the_bound(llm, server):
    server.default = after(0.1, writes)
    settings = llm.model_copy(update={"llm_concurrency": 3})
    assert write(settings, count=12).author == "llm"
    assert 1 < server.most_at_once <= 3
