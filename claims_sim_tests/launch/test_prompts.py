import json

import pytest

from claims_sim.errors import SettingsError
from claims_sim.generation.prompt import load_prompts
from claims_sim.launch.prompts import as_form, as_table, difference, evaluated, listed, shown
from claims_sim_tests.fault_server import fault_server, writes


def test_the_list_holds_every_version_with_the_labels_that_batches_carry():
    (first, *_) = listed()
    assert first["version"] == "v1"
    assert load_prompts("full", "v1", "id").label in first["labels"]
    json.dumps(first)


@pytest.mark.parametrize("form", ["choice", "full"])
def test_a_prompt_is_shown_as_it_is_sent_and_the_seed_decides_the_case(settings, profile, form):
    prompt = shown(settings, profile, form)
    assert prompt == shown(settings, profile, form)
    assert prompt["user"] != shown(settings.model_copy(update={"seed": 9}), profile, form)["user"]
    assert prompt["characters"] == len(prompt["system"] + prompt["user"])
    assert prompt["schema"]["type"] == "object"


def test_a_difference_names_both_sides_and_there_is_none_to_itself():
    text = difference("v1", "v1.id", "choice", "en")
    assert text.startswith("--- v1-choice-en-")
    assert "+no_procedure = tanpa tindakan" in text
    assert "-no_procedure = no procedure" in text
    assert difference("v1.id", "v1", "full", "id") == ""


def test_what_is_not_there_is_named():
    with pytest.raises(SettingsError, match="choice, full"):
        as_form("short")
    with pytest.raises(SettingsError, match="v1"):
        difference("v1", "v77", "choice", "en")
    with pytest.raises(SettingsError, match="en, id"):
        difference("v1", "v1.fr", "choice", "en")


@pytest.mark.slow
def test_two_languages_are_measured_on_the_same_briefs_and_a_stopped_measurement_goes_on(settings):
    with fault_server() as server:
        server.default = writes
        llm = settings.model_copy(
            update={"author": "llm", "llm_base_url": server.url, "llm_model": "m", "prompt_form": "choice"}
        )
        english, indonesian = evaluated(llm, ["v1", "v1.id"], 20, 10)
        asked = len(server.requests)
        again = evaluated(llm, ["v1", "v1.id"], 20, 10)
        assert len(server.requests) == asked  # all of it was kept
        assert again == [english, indonesian]
    assert english.prompt.startswith("v1-choice-en-")
    assert indonesian.prompt.startswith("v1-choice-id-")
    assert english.output.accepted == indonesian.output.accepted == 1.0
    assert english.choices.implausible_at_random == indonesian.choices.implausible_at_random
    table = as_table([english, indonesian]).splitlines()
    assert table[0].split() == ["prompt", english.prompt, indonesian.prompt]
    assert any(line.startswith("right care among foreign") for line in table)


def test_a_prompt_that_is_not_there_is_named_before_anything_is_asked(settings):
    with pytest.raises(SettingsError, match="v77"):
        evaluated(settings.model_copy(update={"author": "llm"}), ["v77"], 40, 0)
    with pytest.raises(SettingsError, match="CLAIMS_SIM_AUTHOR=llm"):
        evaluated(settings, ["v1"], 40, 0)
