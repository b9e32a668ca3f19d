"""One client for every provider: what each wants of a request, and what it is found to be able to do."""

import json
import time

import pytest

from claims_sim.errors import AuthorError
from claims_sim.llm.abilities import recall
from claims_sim.llm.budget import Budget, Limits
from claims_sim.llm.client import LLMClient
from claims_sim.llm.endpoint import Endpoint, configured_endpoint
from claims_sim.llm.errors import Failure, LLMError
from claims_sim.llm.memory import ProcessMemory
from claims_sim.llm.question import Question
from claims_sim.llm.transmissions import TransmissionLog
from claims_sim_tests.fault_server import completion, fails, hangs, says, send

KEY = "sk-verysecret-0123456789"
SCHEMA = {"type": "object", "properties": {"number": {"type": "integer"}}, "required": ["number"]}
QUESTION = Question("Be brief.", "Which?", SCHEMA, "choice", 16, seed=7, temperature=0.5)


def number(answer: object) -> int:
    if not isinstance(answer, dict) or not isinstance(answer.get("number"), int):
        raise ValueError("no number")  # noqa: TRY004
    return answer["number"]


@pytest.fixture
def make(script):
    made = []

    def client(endpoint: Endpoint | None = None, **options) -> LLMClient:
        where = endpoint or Endpoint(script.url, "m", is_local=True)
        made.append(LLMClient(where, KEY, sleep=lambda _: None, **options))
        return made[-1]

    yield client
    for one in made:
        one.close()


def provider(schema: bool = True, objects: bool = True, refuses: tuple[str, ...] = (), ignores: bool = False):
    """A server that keeps schemas or not, refuses options by name, and says or ignores what it does not know."""

    def reply(handler) -> None:
        asked = handler.asked
        kind = asked.get("response_format", {}).get("type", "plain")
        for option in refuses:
            if option in asked:
                error = {"error": {"message": f"Unsupported parameter: '{option}'", "param": option}}
                return send(handler, 400, json.dumps(error).encode())
        can = {"json_schema": schema, "json_object": objects, "plain": True}[kind]
        if not can and not ignores:
            return send(handler, 400, b'{"object": "error", "message": "response_format is not supported"}')
        if kind == "json_schema" and can:
            value = 7 if asked["response_format"]["json_schema"]["name"] == "probe" else 3
            return send(handler, 200, completion(json.dumps({"number": value})))
        if "JSON Schema" in asked["messages"][-1]["content"]:
            return send(handler, 200, completion('<think>{"number": 1}?</think>Sure:\n```json\n{"number": 3}\n```'))
        return send(handler, 200, completion('{"word": "hello"}' if kind == "json_object" and can else "hello"))

    return reply


@pytest.mark.parametrize(
    ("behaviour", "structured"),
    [
        ({}, "json_schema"),
        ({"schema": False}, "json_object"),
        ({"schema": False, "ignores": True}, "json_object"),
        ({"schema": False, "objects": False}, "plain"),
        ({"schema": False, "objects": False, "ignores": True}, "plain"),
        ({"refuses": ("seed", "temperature")}, "json_schema"),
        ({"refuses": ("max_tokens",), "schema": False}, "json_object"),
    ],
)
def test_what_a_server_can_do_is_found_once_and_its_answers_are_read_accordingly(make, script, behaviour, structured):
    script.default = provider(**behaviour)
    memory = ProcessMemory()
    client = make(memory=memory)
    assert client.ask(QUESTION, number).value == 3
    found = recall(memory, f"{script.url} m")
    assert (found.structured, set(found.refused)) == (structured, set(behaviour.get("refuses", ())))
    before = len(script.requests)
    assert client.ask(QUESTION, number).value == 3
    assert make(memory=memory).ask(QUESTION, number).value == 3
    assert len(script.requests) == before + 2  # nothing is asked twice
    last = script.requests[-1]
    assert last.get("response_format", {}).get("type", "plain") == structured
    assert not set(behaviour.get("refuses", ())) & set(last)


def test_a_server_that_does_not_answer_is_not_taken_for_one_that_can_do_less(make, script):
    memory = ProcessMemory()
    script.default = hangs
    with pytest.raises(LLMError) as caught:
        make(memory=memory).ask(QUESTION, number, time.monotonic() + 0.4)
    assert caught.value.kind is Failure.TIMEOUT
    assert recall(memory, f"{script.url} m") is None
    script.default = provider()
    client = make(memory=memory)
    assert client.abilities().structured == "json_schema"


def test_a_server_that_can_do_less_than_before_is_served_so(make, script):
    memory = ProcessMemory()
    script.default = provider()
    make(memory=memory).abilities()
    script.default = provider(schema=False)
    assert make(memory=memory).ask(QUESTION, number).value == 3
    assert recall(memory, f"{script.url} m").structured == "json_object"


def test_azure_gets_its_address_its_version_and_its_header(make, script):
    base = script.url.removesuffix("/v1")
    endpoint = configured_endpoint(base, "my deployment", allow_remote=False, api_version="2024-10-21")
    script.default = says({"number": 1})
    assert make(endpoint).ask(QUESTION, number).value == 1
    assert script.paths[-1] == "/openai/deployments/my%20deployment/chat/completions?api-version=2024-10-21"
    headers = {name.lower(): value for name, value in script.headers[-1].items()}
    assert headers["api-key"] == KEY
    assert "authorization" not in headers


@pytest.mark.parametrize(
    ("address", "version", "base", "model"),
    [
        ("https://x.openai.azure.com", "2024-10-21", "https://x.openai.azure.com/openai/deployments/d", "d"),
        ("https://x.openai.azure.com/openai/", "2024-10-21", "https://x.openai.azure.com/openai/deployments/d", "d"),
        ("https://x.openai.azure.com", "", "https://x.openai.azure.com/openai/v1", "d"),
        ("https://x.openai.azure.com/openai/v1/", "preview", "https://x.openai.azure.com/openai/v1", "d"),
        ("https://x.services.ai.azure.com/openai/deployments/e", "1", "https://x.services.ai.azure.com/openai/deployments/e", "d"),
    ],
)  # fmt: skip
def test_azure_addresses_of_both_interfaces_are_understood(address, version, base, model):
    found = configured_endpoint(address, model, allow_remote=True, api_version=version)
    assert (found.base_url, found.model, found.is_azure, found.slots) == (base, model, True, 4)


def test_azure_without_a_deployment_and_an_address_with_a_query_are_errors_in_one_line():
    with pytest.raises(AuthorError, match="CLAIMS_SIM_LLM_MODEL"):
        configured_endpoint("https://x.openai.azure.com", "", allow_remote=True)
    with pytest.raises(AuthorError, match="CLAIMS_SIM_LLM_API_VERSION"):
        configured_endpoint("https://x.openai.azure.com?api-version=1", "d", allow_remote=True)


def test_a_model_that_thinks_gets_tokens_for_it(make, script):
    script.default = says({"number": 1})
    make(spare_tokens=1000).ask(QUESTION, number)
    assert script.requests[-1]["max_tokens"] == 1016


def test_a_request_that_the_budget_does_not_allow_is_not_sent(make, script):
    script.default = says({"number": 1})
    budget = Budget(Limits(tokens_per_day=1000), {}, ProcessMemory())
    client = make(budget=budget)
    asked = 0
    with pytest.raises(LLMError) as caught:
        while asked < 100:
            client.ask(QUESTION, number)
            asked += 1
    assert caught.value.kind is Failure.BUDGET
    assert len(script.requests) == asked
    assert budget.today().tokens == 105 * asked <= 1000


@pytest.mark.parametrize(
    ("reply", "free"), [(fails(429), True), (fails(500), True), (fails(401), True), (hangs, False), (says("?"), False)]
)
def test_what_a_failed_request_may_have_cost_stays_charged(make, script, reply, free):
    script.default = reply
    budget = Budget(Limits(), {}, ProcessMemory())
    # Only who never answers is waited for in vain: a busy machine may answer late.
    patience = 0.4 if reply is hangs else 20
    with pytest.raises(LLMError):
        make(budget=budget, retries=0).ask(QUESTION, number, time.monotonic() + patience)
    assert (budget.today().tokens == 0) is free


def test_what_goes_to_a_remote_server_is_logged_and_what_stays_here_is_not(make, script, tmp_path):
    script.default = says({"number": 1})
    log = TransmissionLog(tmp_path, 100_000, (KEY,))
    make(transmissions=log).ask(QUESTION, number)
    assert log.entries() == []
    make(Endpoint(script.url, "m", is_local=False), transmissions=log).ask(QUESTION, number)
    assert [entry["sent"] for entry in log.entries()] == [script.requests[-1]]
    assert KEY not in (tmp_path / "transmissions.jsonl").read_text()
    (tmp_path / "blocked").write_text("")
    client = make(Endpoint(script.url, "m", is_local=False), transmissions=TransmissionLog(tmp_path / "blocked", 10**5))
    before = len(script.requests)
    with pytest.raises(LLMError, match="not sent"):
        client.ask(QUESTION, number)
    assert len(script.requests) == before
