import json

import pytest

from claims_sim.errors import SettingsError
from claims_sim.generation.prompt import load_prompts
from claims_sim.launch.prompts import as_form, difference, listed, shown


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
