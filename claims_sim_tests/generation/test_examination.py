"""Whether a model gets whole claims to write follows from what it was measured to be able to do."""

import json
import re
import time
from datetime import UTC, datetime, timedelta

import pytest

from claims_sim import pipeline
from claims_sim.generation.examination import CASES, Skill, examine, recall, remember
from claims_sim.generation.prompt import load_prompts
from claims_sim.generation.request import ClaimsRequest
from claims_sim.launch import doctor
from claims_sim.llm.client import LLMClient
from claims_sim.llm.endpoint import Endpoint
from claims_sim.llm.errors import LLMError
from claims_sim.llm.memory import ProcessMemory
from claims_sim.pipeline.model import model_state, probe_model
from claims_sim_tests.fault_server import after, completion, fails, fault_server, hangs, says, send, writes

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
RIGHT = {case.diagnosis: case.procedure for case in CASES}


def knows(handler) -> None:
    """A capable model: it knows the cases of the examination, and writes anything else inside its schema."""
    asked = handler.asked
    if asked["response_format"]["json_schema"]["name"] == "probe":
        return send(handler, 200, completion('{"number": 7}'))
    diagnosis = next((name for name in RIGHT if f"Patient: {name}," in asked["messages"][-1]["content"]), None)
    if diagnosis is None:
        return writes(handler)
    claim = {"procedure_code": RIGHT[diagnosis], "secondary_codes": [], "los": 3}
    return send(handler, 200, completion(json.dumps(claim | {"amount_claimed": 5_000_000, "amount_paid": 5_000_000})))


def guesses(handler) -> None:
    """A weak model: it keeps the schema and takes what is listed first."""
    properties = handler.asked["response_format"]["json_schema"]["schema"]["properties"]
    if "procedure_code" not in properties:
        return writes(handler)
    claim = {"procedure_code": properties["procedure_code"]["enum"][0], "secondary_codes": [], "los": 3}
    return send(handler, 200, completion(json.dumps(claim | {"amount_claimed": 5_000_000, "amount_paid": 5_000_000})))


@pytest.fixture
def server():
    with fault_server() as script:
        yield script


@pytest.fixture
def held(server):
    """Hold an examination against the server; called with its reply."""

    def hold(reply, *, slots: int = 1, limit_s: float = 30) -> Skill:
        server.default = reply
        client = LLMClient(Endpoint(server.url, "m", is_local=True, slots=slots), retries=0)
        try:
            return examine(client, load_prompts("full"), time.monotonic() + limit_s, time.monotonic)
        finally:
            client.close()

    return hold


@pytest.mark.parametrize("slots", [1, 4])
def test_who_knows_the_right_care_passes(held, slots):
    skill = held(knows, slots=slots)
    assert (skill.right, skill.asked, skill.passes) == (6, 6, True)


def test_who_takes_the_first_does_not_pass_and_is_not_asked_to_the_end(held, server):
    skill = held(guesses)
    assert not skill.passes
    assert skill.asked == len(server.requests) < len(CASES)


def test_every_case_offers_all_procedures_and_its_own_is_at_no_favoured_place(held, server):
    held(knows)
    places = []
    for case, asked in zip(CASES, server.requests, strict=True):
        offered = asked["response_format"]["json_schema"]["schema"]["properties"]["procedure_code"]["enum"]
        assert set(offered) == {each.procedure for each in CASES}
        places.append(offered.index(case.procedure))
    assert max(places.count(place) for place in places) <= 2


def test_answers_that_cannot_be_accepted_are_wrong_ones(held):
    assert held(says("I would operate.")).right == 0


def test_who_does_not_answer_in_time_has_not_passed(held):
    skill = held(hangs, limit_s=0.5)
    assert (skill.right, skill.passes) == (0, False)


def test_a_server_that_fails_is_not_an_examination(held):
    with pytest.raises(LLMError):
        held(fails(401))


def test_a_slow_model_that_passes_gets_numbers_where_time_is_short():
    skill = Skill(6, 6, 2.0, NOW.isoformat())
    assert (skill.form(None), skill.form(2.5), skill.form(1.2)) == ("full", "full", "choice")


def test_what_was_found_is_kept_and_a_failure_is_asked_about_again_the_next_day():
    memory, now = ProcessMemory(), datetime.now(UTC)
    passed, failed = Skill(6, 6, 1.0, (now - timedelta(days=9)).isoformat()), Skill(1, 3, 1.0, now.isoformat())
    old = Skill(1, 3, 1.0, (now - timedelta(days=2)).isoformat())
    for name, skill in (("a", passed), ("b", failed), ("c", old)):
        remember(memory, name, skill)
    assert [recall(memory, name) for name in "abcd"] == [passed, failed, old, None]
    assert [skill.is_due for skill in (passed, failed, old)] == [False, False, True]


@pytest.mark.parametrize(("reply", "form"), [(knows, "full"), (guesses, "choice")])
def test_auto_gives_each_model_the_form_that_it_can_fill(settings, server, reply, form):
    server.default = reply
    llm = settings.model_copy(
        update={"author": "llm", "llm_base_url": server.url, "llm_model": "m", "authoring_deadline_s": 60.0}
    )
    profile = pipeline.current_profile(settings)
    for tick in range(2):
        batch = pipeline.generate_batch(llm, profile, NOW + timedelta(seconds=tick), ClaimsRequest(count=3))
        assert batch.author == "llm"
        assert f"-{form}-" in batch.prompt_version
    examined = [asked for asked in server.requests if re.search("Patient: (Acute app|Senile)", str(asked["messages"]))]
    assert len(examined) == 2  # once, whatever the number of batches
    found = {finding.what: finding.found for finding in doctor.examine(llm)}["model's prompts"]
    assert ("whole claims" if form == "full" else "one of several options") in found


@pytest.mark.slow
def test_an_examination_leaves_time_for_the_claims(settings, server):
    server.default = after(0.4, knows)
    llm = settings.model_copy(
        update={"author": "llm", "llm_base_url": server.url, "llm_model": "m", "authoring_deadline_s": 4.0}
    )
    batch = pipeline.generate_batch(llm, pipeline.current_profile(settings), NOW, ClaimsRequest(count=2))
    assert "llm" in batch.author
    assert batch.seconds < 30


def test_a_probe_examines_anew(settings, server):
    llm = settings.model_copy(update={"author": "llm", "llm_base_url": server.url, "llm_model": "m"})
    server.default = guesses
    assert "one of several options" in probe_model(llm)["form of prompts"]
    server.default = knows
    assert "6 of 6" in probe_model(llm)["form of prompts"]
    assert model_state(llm).skill.passes
    assert "CLAIMS_SIM_PROMPT_FORM" in model_state(llm.model_copy(update={"prompt_form": "choice"})).form


def test_what_was_found_is_shown_where_the_model_has_no_name_in_the_settings(settings, server):
    llm = settings.model_copy(update={"author": "llm", "llm_base_url": server.url})
    server.default = knows
    assert probe_model(llm)["model"] == "first"
    state = model_state(llm)
    assert state.abilities is not None
    assert state.skill.passes
    other = model_state(llm.model_copy(update={"llm_model": "another"}))
    assert (other.abilities, other.skill) == (None, None)
